/* Run it: ctest --preset dev -R listing_test */
#include "coordinator/service/listing.h"
#include "tests/harness/test.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char base[64];

static void shell(const char *command)
{
    char line[1024];
    snprintf(line, sizeof line, "cd '%s' && %s", base, command);
    assert_int_equal(system(line), 0);
}

static int make_tree(void **state)
{
    (void)state;
    snprintf(base, sizeof base, "/tmp/listing_test.XXXXXX");
    return mkdtemp(base) ? 0 : -1;
}

static int remove_tree(void **state)
{
    char line[128];
    (void)state;
    snprintf(line, sizeof line, "chmod -R u+rwx '%s'; rm -rf '%s'", base, base);
    return system(line);
}

struct seen {
    char text[4096];
    size_t files;
    size_t stop_after; /* 0: never */
    uint64_t bytes;
};

static int note(void *ctx, const struct qr_listed_file *file, struct qr_err *err)
{
    struct seen *seen = ctx;
    size_t used = strlen(seen->text);

    snprintf(seen->text + used, sizeof seen->text - used, "%s;", file->path);
    seen->bytes += file->bytes;
    if (++seen->files == seen->stop_after)
        return qr_fail(err, QR_E_LIMIT, "enough");
    return QR_OK;
}

static void files_come_in_byte_order_folder_by_folder(void **state)
{
    struct qr_listing_result result;
    struct seen seen = {.files = 0};
    struct qr_err err = {0};
    (void)state;

    shell(
        "mkdir -p order/b order/a/deep && printf 12345 > order/z.pdf && touch order/a/2 order/a/10 "
        "order/b/x order/a/deep/y");
    assert_ok(qr_listing_walk(base, "order", note, &seen, NULL, &result, &err), &err);
    assert_string_equal(seen.text, "order/z.pdf;order/a/10;order/a/2;order/a/deep/y;order/b/x;");
    assert_int_equal(result.files, 5);
    assert_int_equal(result.folders, 4);
    assert_int_equal(seen.bytes, 5);
}

static void a_single_file_is_a_listing_of_one(void **state)
{
    struct qr_listing_result result;
    struct seen seen = {.files = 0};
    struct qr_err err = {0};
    (void)state;

    shell("mkdir -p one && touch one/f.txt");
    assert_ok(qr_listing_walk(base, "one/f.txt", note, &seen, NULL, &result, &err), &err);
    assert_string_equal(seen.text, "one/f.txt;");
}

static void odd_entries_are_listed_and_link_loops_end(void **state)
{
    struct qr_listing_result result;
    struct seen seen = {.files = 0};
    struct qr_err err = {0};
    (void)state;

    shell("mkdir -p odd/sub && ln -s .. odd/sub/loop && ln -s gone odd/dangling && mkfifo odd/pipe "
          "&& "
          "ln -s ../odd odd/self && touch odd/sub/f");
    assert_ok(qr_listing_walk(base, "odd", note, &seen, NULL, &result, &err), &err);
    assert_string_equal(seen.text, "odd/dangling;odd/pipe;odd/sub/f;");
    assert_int_equal(result.links_skipped, 2);
}

static void names_are_bytes(void **state)
{
    struct qr_listing_result result;
    struct seen seen = {.files = 0};
    struct qr_err err = {0};
    char path[128];
    (void)state;

    shell("mkdir -p bytes");
    snprintf(path, sizeof path, "%s/bytes/a\xFF\nb", base);
    int fd = open(path, O_CREAT | O_WRONLY, 0600);
    assert_true(fd >= 0);
    close(fd);
    assert_ok(qr_listing_walk(base, "bytes/", note, &seen, NULL, &result, &err), &err);
    assert_string_equal(seen.text, "bytes/a\xFF\nb;");
}

static void the_callback_ends_the_listing(void **state)
{
    struct qr_listing_result result;
    struct seen seen = {.stop_after = 2};
    struct qr_err err = {0};
    (void)state;

    shell("mkdir -p stop && touch stop/1 stop/2 stop/3");
    assert_err(qr_listing_walk(base, "stop", note, &seen, NULL, &result, &err), QR_E_LIMIT, &err,
               "enough");
    assert_int_equal(seen.files, 2);
}

static void another_thread_can_stop_it(void **state)
{
    struct qr_listing_result result;
    struct seen seen = {.files = 0};
    struct qr_err err = {0};
    atomic_bool stop = true;
    (void)state;

    shell("mkdir -p halt && touch halt/1");
    assert_err(qr_listing_walk(base, "halt", note, &seen, &stop, &result, &err), QR_E_CANCELLED,
               &err, "stopped");
    assert_int_equal(seen.files, 0);
}

static void a_missing_source_is_an_error(void **state)
{
    struct qr_listing_result result;
    struct seen seen = {.files = 0};
    struct qr_err err = {0};
    (void)state;

    assert_err(qr_listing_walk(base, "nowhere", note, &seen, NULL, &result, &err), QR_E_NOT_FOUND,
               &err, "nowhere");
    assert_err(qr_listing_walk("/no/such/root", "", note, &seen, NULL, &result, &err),
               QR_E_NOT_FOUND, &err, "/no/such/root");
}

static void a_source_behind_a_link_to_a_folder_is_refused(void **state)
{
    static const char *const refused[] = {"links/out", "links/out/ssl", "links/in", "links/in/f"};
    struct qr_listing_result result;
    struct seen seen = {.files = 0};
    (void)state;

    shell("mkdir -p links/real && touch links/real/f && ln -s /etc links/out && "
          "ln -s real links/in && ln -s real/f links/file");
    for (size_t i = 0; i < QR_COUNT(refused); i++) {
        struct qr_err err = {0};
        assert_err(qr_listing_walk(base, refused[i], note, &seen, NULL, &result, &err),
                   QR_E_INVALID, &err, "leads through a link");
    }
    struct qr_err err = {0};
    assert_ok(qr_listing_walk(base, "links/file", note, &seen, NULL, &result, &err), &err);
    assert_string_equal(seen.text, "links/file;");
}

static void an_unreadable_folder_is_reported_and_the_rest_is_listed(void **state)
{
    struct qr_listing_result result;
    struct seen seen = {.files = 0};
    struct qr_err err = {0};
    (void)state;

    if (geteuid() == 0)
        skip(); /* root reads everything */
    shell("mkdir -p deny/shut deny/wide && touch deny/shut/f deny/wide/g && chmod 000 deny/shut");
    assert_ok(qr_listing_walk(base, "deny", note, &seen, NULL, &result, &err), &err);
    assert_string_equal(seen.text, "deny/wide/g;");
    assert_int_equal(result.folders_unreadable, 1);
    assert_non_null(strstr(result.first_problem, "deny/shut"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_come_in_byte_order_folder_by_folder),
        cmocka_unit_test(a_single_file_is_a_listing_of_one),
        cmocka_unit_test(odd_entries_are_listed_and_link_loops_end),
        cmocka_unit_test(names_are_bytes),
        cmocka_unit_test(the_callback_ends_the_listing),
        cmocka_unit_test(another_thread_can_stop_it),
        cmocka_unit_test(a_missing_source_is_an_error),
        cmocka_unit_test(a_source_behind_a_link_to_a_folder_is_refused),
        cmocka_unit_test(an_unreadable_folder_is_reported_and_the_rest_is_listed),
    };
    return cmocka_run_group_tests(tests, make_tree, remove_tree);
}

/* Run it: ctest --preset dev -R fetch_test */
#include "common/fleet/fetch.h"
#include "tests/harness/test.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char base[64];
static struct qr_roots roots;

static void path_in_base(char *buf, size_t size, const char *rest)
{
    snprintf(buf, size, "%s/%s", base, rest);
}

static void write_file(const char *rest, const char *text)
{
    char path[256];
    path_in_base(path, sizeof path, rest);
    FILE *out = fopen(path, "w");
    assert_non_null(out);
    fputs(text, out);
    fclose(out);
}

static void make_link(const char *to, const char *rest)
{
    char path[256];
    path_in_base(path, sizeof path, rest);
    assert_int_equal(symlink(to, path), 0);
}

static int setup(void **state)
{
    char text[256];
    char path[256];
    struct qr_err err = {0};
    (void)state;

    snprintf(base, sizeof base, "/tmp/quarry-fetch-XXXXXX");
    assert_non_null(mkdtemp(base));
    assert_int_equal(chmod(base, 0755), 0);
    path_in_base(path, sizeof path, "root");
    assert_int_equal(mkdir(path, 0755), 0);
    path_in_base(path, sizeof path, "root/sub");
    assert_int_equal(mkdir(path, 0755), 0);
    write_file("secret", "out of reach");
    write_file("root/a.txt", "hello");
    write_file("root/sub/b.txt", "below");
    write_file("root/sub/\xFC.txt", "latin-1 name");
    make_link("sub/b.txt", "root/inside");
    make_link("../secret", "root/escape");
    make_link("/etc/passwd", "root/absolute");
    make_link("..", "root/up");
    make_link("loop", "root/loop");
    path_in_base(path, sizeof path, "root/fifo");
    assert_int_equal(mkfifo(path, 0644), 0);
    write_file("root/locked.txt", "x");
    path_in_base(path, sizeof path, "root/locked.txt");
    assert_int_equal(chmod(path, 0), 0);
    snprintf(text, sizeof text, "in=%s/root", base);
    assert_ok(qr_roots_add(&roots, text, &err), &err);
    return 0;
}

static int teardown(void **state)
{
    char command[128];
    (void)state;
    qr_roots_done(&roots);
    snprintf(command, sizeof command, "rm -rf '%s'", base);
    return system(command);
}

static struct qr_fetched fetch(const char *uri, const char *raw)
{
    const struct qr_fetch_request request = {.roots = &roots,
                                             .uri = uri,
                                             .raw = (const uint8_t *)raw,
                                             .raw_len = raw ? strlen(raw) : 0,
                                             .max_file_bytes = 100};
    struct qr_fetched got;
    qr_fetch_open(&request, &got);
    assert_true((got.fd >= 0) == (got.message[0] == '\0'));
    return got;
}

static void expect_text(struct qr_fetched got, const char *text)
{
    char buf[64] = "";
    if (got.fd < 0)
        fail_msg("%s", got.message);
    assert_int_equal(read(got.fd, buf, sizeof buf - 1), strlen(text));
    assert_string_equal(buf, text);
    assert_int_equal(got.size, strlen(text));
    assert_true(got.modified_ms > 0);
    close(got.fd);
}

static void files_below_the_root_are_opened(void **state)
{
    (void)state;
    expect_text(fetch("root://in/a.txt", NULL), "hello");
    expect_text(fetch("root://in/sub/b.txt", NULL), "below");
    expect_text(fetch("root://in/inside", NULL), "below"); /* a link that stays inside */
}

static void names_that_are_not_utf_8_come_as_bytes(void **state)
{
    (void)state;
    expect_text(fetch("root://in/sub/%FC.txt", NULL), "latin-1 name");
    expect_text(fetch("root://in/sub/whatever", "sub/\xFC.txt"), "latin-1 name");
}

static void what_cannot_be_fetched_says_why_and_what_to_do(void **state)
{
    static const struct {
        const char *why;
        const char *uri;
        enum qr_class cls;
        const char *part;
    } cases[] = {
        {"vanished", "root://in/gone.txt", QR_CLASS_INVALID_INPUT, "deleted or renamed"},
        {"parent vanished", "root://in/no/such.txt", QR_CLASS_INVALID_INPUT, "is gone"},
        {"parent is a file", "root://in/a.txt/x", QR_CLASS_INVALID_INPUT, "is gone"},
        {"folder", "root://in/sub", QR_CLASS_INVALID_INPUT, "is a folder"},
        {"the root itself", "root://in/", QR_CLASS_INVALID_INPUT, "is a folder"},
        {"pipe, without waiting for a writer", "root://in/fifo", QR_CLASS_INVALID_INPUT, "a pipe"},
        {"link out of the root", "root://in/escape", QR_CLASS_INVALID_INPUT, "out of its root"},
        {"absolute link", "root://in/absolute", QR_CLASS_INVALID_INPUT, "out of its root"},
        {"linked folder out of the root", "root://in/up/secret", QR_CLASS_INVALID_INPUT,
         "out of its root"},
        {"endless link", "root://in/loop", QR_CLASS_INVALID_INPUT, "out of its root"},
        {"dots", "root://in/../secret", QR_CLASS_INVALID_INPUT, ".."},
        {"dots in the middle", "root://in/sub/../../secret", QR_CLASS_INVALID_INPUT, ".."},
        {"encoded NUL", "root://in/a.txt%00.pdf", QR_CLASS_INVALID_INPUT, ""},
        {"unknown root", "root://other/a.txt", QR_CLASS_INTERNAL, "--root other=DIR"},
        {"no address", "file:///etc/passwd", QR_CLASS_INVALID_INPUT, ""},
    };
    (void)state;

    for (size_t i = 0; i < QR_COUNT(cases); i++) {
        struct qr_fetched got = fetch(cases[i].uri, NULL);
        if (got.fd >= 0)
            fail_msg("%s was opened", cases[i].why);
        if (got.cls != cases[i].cls || !strstr(got.message, cases[i].part))
            fail_msg("%s: %s: %s", cases[i].why, qr_class_text(got.cls), got.message);
    }
}

static void raw_paths_are_confined_like_the_others(void **state)
{
    static const char *const paths[] = {"../secret", "/etc/passwd", "sub/../../secret", "up/secret",
                                        "escape"};
    (void)state;
    for (size_t i = 0; i < QR_COUNT(paths); i++)
        assert_int_equal(fetch("root://in/x", paths[i]).fd, -1);
}

static void a_large_file_is_refused_by_its_size(void **state)
{
    char text[102];
    (void)state;
    memset(text, 'x', 101);
    text[101] = '\0';
    write_file("root/large.txt", text);
    struct qr_fetched got = fetch("root://in/large.txt", NULL);
    assert_int_equal(got.fd, -1);
    assert_int_equal(got.cls, QR_CLASS_INVALID_INPUT);
    assert_non_null(strstr(got.message, "101 bytes"));
    assert_non_null(strstr(got.message, "--max-file-size"));
}

static void an_unreadable_file_is_a_matter_of_permission(void **state)
{
    int status = -1;
    (void)state;

    pid_t child = fork(); /* root may read everything: not as somebody else */
    if (child == 0) {
        if (geteuid() == 0 && setuid(65534) != 0)
            _exit(2);
        struct qr_fetched got = fetch("root://in/locked.txt", NULL);
        _exit(got.fd < 0 && got.cls == QR_CLASS_PERMISSION && strstr(got.message, "user id") ? 0
                                                                                             : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

static void a_root_that_is_not_there_may_come_back(void **state)
{
    char from[256];
    char to[256];
    (void)state;

    path_in_base(from, sizeof from, "root");
    path_in_base(to, sizeof to, "elsewhere");
    assert_int_equal(rename(from, to), 0);
    struct qr_fetched got = fetch("root://in/a.txt", NULL);
    assert_int_equal(rename(to, from), 0);
    assert_int_equal(got.cls, QR_CLASS_CONNECTION); /* a share not mounted: tried again */
}

static void the_walk_for_old_kernels_confines_too(void **state)
{
    static const struct {
        const char *path;
        int result; /* 0: opened */
    } cases[] = {{"a.txt", 0},         {"sub/b.txt", 0},        {"sub//b.txt", 0},
                 {"../secret", EXDEV}, {"sub/../a.txt", EXDEV}, {"/etc/passwd", EXDEV},
                 {"escape", ELOOP},    {"inside", ELOOP},       {"up/secret", ENOTDIR},
                 {"gone", ENOENT}};
    char path[256];
    (void)state;

    path_in_base(path, sizeof path, "root");
    int root = open(path, O_PATH | O_DIRECTORY);
    assert_true(root >= 0);
    for (size_t i = 0; i < QR_COUNT(cases); i++) {
        int fd = qr_fetch_open_beneath(root, cases[i].path, true);
        if (cases[i].result == 0 ? fd < 0 : fd != -cases[i].result)
            fail_msg("%s: %d", cases[i].path, fd);
        if (fd >= 0)
            close(fd);
    }
    close(root);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_below_the_root_are_opened),
        cmocka_unit_test(names_that_are_not_utf_8_come_as_bytes),
        cmocka_unit_test(what_cannot_be_fetched_says_why_and_what_to_do),
        cmocka_unit_test(raw_paths_are_confined_like_the_others),
        cmocka_unit_test(a_large_file_is_refused_by_its_size),
        cmocka_unit_test(an_unreadable_file_is_a_matter_of_permission),
        cmocka_unit_test(a_root_that_is_not_there_may_come_back),
        cmocka_unit_test(the_walk_for_old_kernels_confines_too),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}

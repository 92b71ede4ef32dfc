/* Run it: ctest --test-dir build/dev -R folder_test */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cadjson/store.h"
#include "common/clock.h"
#include "tests/harness/test.h"

enum { NEVER_MS = 3600000 }; /* for refresh_ms: what is seen is seen by the folders' times */

struct place {
    char dir[40]; /* the exports, in a folder of their own that is gone behind the test */
    struct qr_import_folder *folder;
};

/* In `dir`. */
static void run_shell(const char *dir, const char *what)
{
    char command[300];

    snprintf(command, sizeof command, "cd %s && %s", dir, what);
    assert_int_equal(system(command), 0); /* NOLINT(cert-env33-c): names of our own */
}

static void begin(struct place *place)
{
    struct qr_err err = {0};

    snprintf(place->dir, sizeof place->dir, "/tmp/quarry-exports-XXXXXX");
    assert_non_null(mkdtemp(place->dir));
    run_shell(place->dir, "mkdir x");
    char path[64];
    snprintf(path, sizeof path, "%s/x", place->dir);
    assert_int_equal(qr_import_folder_new(path, NEVER_MS, &place->folder, &err), QR_OK);
}

static void end(struct place *place)
{
    qr_import_folder_free(place->folder);
    char command[64];
    snprintf(command, sizeof command, "rm -rf %s", place->dir);
    run_shell("/tmp", command);
}

/* An export of that name whose content is its path. */
static void put(const struct place *place, const char *name)
{
    char path[300];

    snprintf(path, sizeof path, "%s/x/%s", place->dir, name);
    int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, name, strlen(name)), (ssize_t)strlen(name));
    close(fd);
}

/* The content of the model's export; "" when there is none. */
static const char *found(const struct place *place, const char *model)
{
    static char text[300];
    struct qr_import_file file;
    struct qr_err err = {0};
    int rc = qr_import_folder_open(place->folder, model, &file, &err);

    assert_true(rc == 0 || rc == 1);
    text[0] = '\0';
    if (rc == 1) {
        ssize_t n = read(file.fd, text, sizeof text - 1);
        assert_true(n >= 0);
        text[n] = '\0';
        close(file.fd);
    }
    return text;
}

/* Long enough for the folders' times to have settled, and the index to be used. */
static void settle(const struct place *place)
{
    for (int64_t begun_ms = qr_clock_ms(); qr_clock_ms() - begun_ms < 2500;) {
        (void)found(place, "nothing.prt");
        qr_clock_sleep_ms(100);
    }
}

static void what_comes_between_two_questions_is_seen(void **state)
{
    struct place place = {.folder = NULL};
    char name[64];
    char old[128];
    char new[128];
    (void)state;

    begin(&place);
    assert_string_equal(found(&place, "wheel.prt.1"), "");
    put(&place, "wheel.prt.json");
    assert_string_equal(found(&place, "wheel.prt.1"), "wheel.prt.json"); /* added */
    for (int i = 2; i < 200; i++) {
        snprintf(name, sizeof name, "wheel.prt.%d.json", i);
        put(&place, name);
        assert_string_equal(found(&place, "wheel.prt.1"), name); /* a newer version */
    }
    settle(&place);
    put(&place, "wheel.prt.300.json");
    assert_string_equal(found(&place, "wheel.prt.1"), "wheel.prt.300.json");
    settle(&place);
    put(&place, "part.tmp");
    snprintf(old, sizeof old, "%s/x/part.tmp", place.dir);
    snprintf(new, sizeof new, "%s/x/wheel.prt.300.json", place.dir);
    assert_int_equal(rename(old, new), 0);
    assert_string_equal(found(&place, "wheel.prt.1"), "part.tmp"); /* replaced */
    assert_int_equal(unlink(new), 0);
    assert_string_equal(found(&place, "wheel.prt.1"), "wheel.prt.199.json"); /* gone */
    end(&place);
}

static void folders_in_it_are_looked_at(void **state)
{
    struct place place = {.folder = NULL};
    (void)state;

    begin(&place);
    put(&place, "wheel.prt.1.json");
    settle(&place);
    run_shell(place.dir, "mkdir -p x/a/b");
    put(&place, "a/b/wheel.prt.2.json");
    assert_string_equal(found(&place, "wheel.prt"), "a/b/wheel.prt.2.json");
    settle(&place);
    put(&place, "a/b/wheel.prt.3.json");
    assert_string_equal(found(&place, "wheel.prt"), "a/b/wheel.prt.3.json");
    settle(&place);
    run_shell(place.dir, "rm -r x/a");
    assert_string_equal(found(&place, "wheel.prt"), "wheel.prt.1.json");
    end(&place);
}

/* As who prepares a new set of exports does it: mv x old; mv new x. */
static void another_folder_may_get_the_path(void **state)
{
    struct place place = {.folder = NULL};
    (void)state;

    begin(&place);
    put(&place, "wheel.prt.1.json");
    settle(&place);
    assert_string_equal(found(&place, "wheel.prt"), "wheel.prt.1.json");
    run_shell(place.dir, "mv x old && mkdir x");
    put(&place, "wheel.prt.9.json");
    assert_string_equal(found(&place, "wheel.prt"), "wheel.prt.9.json");
    run_shell(place.dir, "rm -r x"); /* not there for a while: what was there goes on */
    assert_string_equal(found(&place, "axle.prt"), "");
    run_shell(place.dir, "mv old x");
    assert_string_equal(found(&place, "wheel.prt"), "wheel.prt.1.json");
    end(&place);
}

/* More folders than are looked at for every question: seen all the same, a second later. */
static void a_large_tree_is_looked_at_in_turns(void **state)
{
    struct place place = {.folder = NULL};
    (void)state;

    begin(&place);
    run_shell(place.dir,
              "for i in 1 2 3 4 5 6 7 8 9; do mkdir -p x/$i/1 x/$i/2 x/$i/3 x/$i/4 x/$i/5 "
              "x/$i/6 x/$i/7 x/$i/8 x/$i/9; done");
    put(&place, "3/4/wheel.prt.1.json");
    assert_string_equal(found(&place, "wheel.prt"), "3/4/wheel.prt.1.json");
    settle(&place);
    put(&place, "9/9/wheel.prt.2.json");
    while (strcmp(found(&place, "wheel.prt"), "9/9/wheel.prt.2.json") != 0)
        qr_clock_sleep_ms(50); /* ctest ends it, were it never */
    end(&place);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_comes_between_two_questions_is_seen),
        cmocka_unit_test(folders_in_it_are_looked_at),
        cmocka_unit_test(another_folder_may_get_the_path),
        cmocka_unit_test(a_large_tree_is_looked_at_in_turns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

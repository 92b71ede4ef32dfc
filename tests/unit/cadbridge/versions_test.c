/* Run it: ctest --test-dir build/dev -R versions_test */
#include "cadbridge/versions.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/clock.h"
#include "tests/harness/test.h"

enum { MEMORY = 1 << 20 };

/* A folder that is gone behind the test. */
static void make_folder(char dir[32])
{
    snprintf(dir, 32, "/tmp/quarry-versions-XXXXXX");
    assert_non_null(mkdtemp(dir));
}

static void remove_folder(const char *dir)
{
    char command[64];

    snprintf(command, sizeof command, "rm -rf %s", dir);
    assert_int_equal(system(command), 0); /* NOLINT(cert-env33-c): a name of our own */
}

static void touch(const char *dir, const char *name)
{
    char path[300];

    snprintf(path, sizeof path, "%s/%s", dir, name);
    int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    close(fd);
}

static void rename_in(const char *dir, const char *from, const char *to)
{
    char old[300];
    char new[300];

    snprintf(old, sizeof old, "%s/%s", dir, from);
    snprintf(new, sizeof new, "%s/%s", dir, to);
    assert_int_equal(rename(old, new), 0);
}

static uint32_t newer(struct qr_cad_versions *v, const char *dir, const char *path)
{
    struct qr_cad_name name;

    assert_true(qr_cad_name_split(path, &name));
    return qr_cad_versions_newer(v, dir, &name);
}

static struct qr_cad_versions *make(size_t max_bytes)
{
    struct qr_cad_versions *v = NULL;
    struct qr_err err = {0};

    assert_int_equal(qr_cad_versions_new(max_bytes, &v, &err), QR_OK);
    return v;
}

static uint64_t readings(struct qr_cad_versions *v)
{
    struct qr_cad_versions_view view;

    qr_cad_versions_look(v, &view);
    return view.readings;
}

/* Until its list is used. */
static void settle(struct qr_cad_versions *v, const char *dir, const char *path)
{
    uint64_t before;

    do {
        before = readings(v);
        qr_clock_sleep_ms(50);
        newer(v, dir, path);
    } while (readings(v) != before);
}

static void the_newest_version_wins(void **state)
{
    static const char *const files[] = {"wheel.prt.2",  "Wheel.PRT.11",    "wheel.prt",
                                        "wheel.asm.40", "wheelset.prt.50", "whee.prt.60"};
    QR_AUTO(qr_cad_versions) v = make(MEMORY);
    char dir[32];
    (void)state;

    make_folder(dir);
    for (size_t i = 0; i < QR_COUNT(files); i++)
        touch(dir, files[i]);
    for (int kept = 0; kept < 2; kept++) {
        assert_int_equal(newer(v, dir, "wheel.prt.2"), 11);
        assert_int_equal(newer(v, dir, "wheel.prt.11"), 0);
        assert_int_equal(newer(v, dir, "WHEEL.prt"), 11);
        assert_int_equal(newer(v, dir, "wheel.asm"), 40);
        assert_int_equal(newer(v, dir, "other.prt"), 0);
        assert_int_equal(newer(v, dir, "gone/wheel.prt"), 0); /* a folder that is not there */
        assert_int_equal(newer(v, dir, "../wheel.prt"), 0);   /* one that leads out */
        if (kept == 0)
            settle(v, dir, "wheel.prt");
    }
    remove_folder(dir);
}

/* Whatever happens between two questions, also within one tick of the file system's clock. */
static void what_comes_between_two_questions_is_seen(void **state)
{
    enum { TIMES = 300 };
    QR_AUTO(qr_cad_versions) v = make(MEMORY);
    char dir[32];
    char name[32];
    char next[32];
    (void)state;

    make_folder(dir);
    touch(dir, "wheel.prt.1");
    for (uint32_t i = 2; i < TIMES; i++) { /* added */
        snprintf(name, sizeof name, "wheel.prt.%u", i);
        touch(dir, name);
        assert_int_equal(newer(v, dir, "wheel.prt.1"), i);
    }
    touch(dir, "axle.prt.1");
    for (uint32_t i = 1; i < TIMES; i++) { /* renamed */
        snprintf(name, sizeof name, "axle.prt.%u", i);
        snprintf(next, sizeof next, "axle.prt.%u", i + 1);
        rename_in(dir, name, next);
        assert_int_equal(newer(v, dir, "axle.prt"), i + 1);
    }
    settle(v, dir, "wheel.prt");
    touch(dir, "wheel.prt.1000"); /* behind a list that is used */
    assert_int_equal(newer(v, dir, "wheel.prt"), 1000);
    settle(v, dir, "wheel.prt");
    rename_in(dir, "wheel.prt.1000", "wheel.old.1000");
    assert_int_equal(newer(v, dir, "wheel.prt"), TIMES - 1);
    remove_folder(dir);
}

/* Another folder gets the path of one whose list is used. */
static void folders_are_known_by_number(void **state)
{
    QR_AUTO(qr_cad_versions) v = make(MEMORY);
    char dir[32];
    char path[64];
    (void)state;

    make_folder(dir);
    for (int i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "%s/%c", dir, 'a' + i);
        assert_int_equal(mkdir(path, 0700), 0);
        touch(path, i == 0 ? "wheel.prt.7" : "wheel.prt.9");
    }
    settle(v, dir, "a/wheel.prt");
    settle(v, dir, "b/wheel.prt");
    assert_int_equal(newer(v, dir, "a/wheel.prt"), 7);
    rename_in(dir, "a", "c");
    rename_in(dir, "b", "a");
    assert_int_equal(newer(v, dir, "a/wheel.prt"), 9);
    assert_int_equal(newer(v, dir, "c/wheel.prt"), 7);
    remove_folder(dir);
}

static void memory_is_bounded(void **state)
{
    enum { FOLDERS = 40, FILES = 30 };
    QR_AUTO(qr_cad_versions) v = make(16 << 10);
    struct qr_cad_versions_view view;
    char dir[32];
    char path[64];
    char name[128];
    (void)state;

    make_folder(dir);
    for (int i = 0; i < FOLDERS; i++) {
        snprintf(path, sizeof path, "%s/%d", dir, i);
        assert_int_equal(mkdir(path, 0700), 0);
        for (uint32_t k = 1; k < FILES; k++) {
            snprintf(name, sizeof name, "wheel%u.prt.%u", k, k);
            touch(path, name);
        }
        snprintf(name, sizeof name, "%d/wheel20.prt.1", i);
        assert_int_equal(newer(v, dir, name), 20);
        qr_cad_versions_look(v, &view);
        assert_true(view.bytes <= 16 << 10);
    }
    assert_true(view.folders < FOLDERS);
    snprintf(path, sizeof path, "%s/large", dir); /* more than a quarter of the memory */
    assert_int_equal(mkdir(path, 0700), 0);
    for (uint32_t k = 1; k < 1000; k++) {
        snprintf(name, sizeof name, "wheel%u.prt.%u", k, k);
        touch(path, name);
    }
    uint64_t before = readings(v);
    for (uint32_t k = 2; k < 5; k++)
        assert_int_equal(newer(v, dir, "large/wheel999.prt"), 999);
    assert_int_equal(readings(v), before + 3);
    remove_folder(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_newest_version_wins),
        cmocka_unit_test(what_comes_between_two_questions_is_seen),
        cmocka_unit_test(folders_are_known_by_number),
        cmocka_unit_test(memory_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

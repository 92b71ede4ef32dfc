/* Run it: ctest --preset dev -R roots_test */
#include "common/roots.h"
#include "tests/harness/test.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char base[64];

static int make_folders(void **state)
{
    char path[128];
    (void)state;

    snprintf(base, sizeof base, "/tmp/roots_test.XXXXXX");
    if (!mkdtemp(base))
        return -1;
    snprintf(path, sizeof path, "%s/share", base);
    mkdir(path, 0700);
    snprintf(path, sizeof path, "%s/share/inner", base);
    mkdir(path, 0700);
    snprintf(path, sizeof path, "%s/share-other", base);
    mkdir(path, 0700);
    return 0;
}

static int remove_folders(void **state)
{
    char path[128];
    (void)state;

    snprintf(path, sizeof path, "%s/share/inner", base);
    rmdir(path);
    snprintf(path, sizeof path, "%s/share", base);
    rmdir(path);
    snprintf(path, sizeof path, "%s/share-other", base);
    rmdir(path);
    return rmdir(base);
}

static void add(struct qr_roots *roots, const char *name, const char *dir)
{
    char spec[160];
    struct qr_err err = {0};

    snprintf(spec, sizeof spec, "%s=%s%s", name, base, dir);
    assert_ok(qr_roots_add(roots, spec, &err), &err);
}

static void a_path_gets_the_closest_root(void **state)
{
    static const struct {
        const char *path;
        const char *uri; /* NULL: refused */
    } cases[] = {
        {"/share/a/b.pdf", "root://outer/a/b.pdf"},
        {"/share", "root://outer/"},
        {"/share/inner/c.pdf", "root://inner/c.pdf"},
        {"/share/inner", "root://inner/"},
        {"/share-other/x", NULL}, /* a name that only starts alike */
        {"/share/../share-other", NULL},
    };
    struct qr_roots roots = {0};
    (void)state;

    add(&roots, "outer", "/share");
    add(&roots, "inner", "/share/inner");
    for (size_t i = 0; i < QR_COUNT(cases); i++) {
        char path[160];
        struct qr_buf uri;
        struct qr_err err = {0};
        qr_buf_init(&uri, 4096);
        snprintf(path, sizeof path, "%s%s", base, cases[i].path);
        int rc = qr_roots_uri_of(&roots, path, &uri, &err);
        if (cases[i].uri) {
            assert_ok(rc, &err);
            assert_string_equal((char *)uri.data, cases[i].uri);
        } else {
            assert_err(rc, QR_E_NOT_FOUND, &err, "its roots are outer=");
        }
        qr_buf_done(&uri);
    }
    qr_roots_done(&roots);
}

static void bad_roots_are_refused(void **state)
{
    static const struct {
        const char *spec;
        int code;
        const char *part;
    } cases[] = {
        {"drawings", QR_E_USAGE, "NAME=DIR"},
        {"=/tmp", QR_E_USAGE, "NAME=DIR"},
        {"Up=/tmp", QR_E_USAGE, "NAME=DIR"},
        {"gone=/no/such/folder", QR_E_NOT_FOUND, "/no/such/folder"},
        {"file=/etc/passwd", QR_E_NOT_FOUND, "not a folder"},
        {"tmp=/tmp", QR_E_USAGE, "twice"},
    };
    struct qr_roots roots = {0};
    struct qr_err err = {0};
    (void)state;

    assert_ok(qr_roots_add(&roots, "tmp=/tmp", &err), &err);
    for (size_t i = 0; i < QR_COUNT(cases); i++)
        assert_err(qr_roots_add(&roots, cases[i].spec, &err), cases[i].code, &err, cases[i].part);
    assert_int_equal(roots.n, 1);
    qr_roots_done(&roots);
}

static void sources_that_are_no_addresses_are_refused(void **state)
{
    struct qr_roots roots = {0};
    struct qr_err err = {0};
    struct qr_buf uri;
    (void)state;

    qr_buf_init(&uri, 4096);
    add(&roots, "outer", "/share");
    assert_err(qr_roots_uri_of(&roots, "relative/x", &uri, &err), QR_E_INVALID, &err, "absolute");
    assert_err(qr_roots_uri_of(&roots, "root://nobody/x", &uri, &err), QR_E_NOT_FOUND, &err,
               "outer=");
    assert_err(qr_roots_uri_of(&roots, "root://outer/../x", &uri, &err), QR_E_INVALID, &err,
               "'..'");
    qr_buf_done(&uri);
    qr_roots_done(&roots);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_path_gets_the_closest_root),
        cmocka_unit_test(bad_roots_are_refused),
        cmocka_unit_test(sources_that_are_no_addresses_are_refused),
    };
    return cmocka_run_group_tests(tests, make_folders, remove_folders);
}

/* Run it: ctest --preset dev -R refer_test
 * Names of external references, as anyone may write them, to files below a root. */
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/harness/test.h"
#include "worker/agent/refer.h"

static char base[64];
static struct qr_roots roots;

static void path_in_base(char *buf, size_t size, const char *rest)
{
    snprintf(buf, size, "%s/%s", base, rest);
}

static void write_file(const char *rest)
{
    char path[256];
    path_in_base(path, sizeof path, rest);
    FILE *out = fopen(path, "w");
    assert_non_null(out);
    fputs("0\nEOF\n", out);
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
    static const char *const folders[] = {"root", "root/sub", "root/sub/deep", "elsewhere"};
    char text[256];
    struct qr_err err = {0};
    (void)state;

    snprintf(base, sizeof base, "/tmp/quarry-refer-XXXXXX");
    assert_non_null(mkdtemp(base));
    for (size_t i = 0; i < QR_COUNT(folders); i++) {
        path_in_base(text, sizeof text, folders[i]);
        assert_int_equal(mkdir(text, 0755), 0);
    }
    write_file("secret.dxf");
    write_file("elsewhere/other.dxf");
    write_file("root/top.dxf");
    write_file("root/sub/main.dxf");
    write_file("root/sub/frame.dxf");
    write_file("root/sub/FRAME2.DXF");
    write_file("root/sub/real.dwg");
    write_file("root/sub/50%.dxf");
    write_file("root/sub/deep/part.pdf");
    make_link("../../secret.dxf", "root/sub/link-out.dxf");
    make_link("../../elsewhere", "root/sub/folder-out");
    make_link("deep/part.pdf", "root/sub/link-in.pdf");
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

#define REFER(names) qr_refer(&roots, "root://in/sub/main.dxf", names, sizeof(names))

static void a_path_is_relative_to_the_folder_and_stays_in_the_root(void **state)
{
    static const struct {
        const char *path, *name, *want; /* NULL: refused */
    } cases[] = {
        {"sub/main.dxf", "a.dxf", "sub/a.dxf"},
        {"main.dxf", "a.dxf", "a.dxf"},
        {"sub/main.dxf", ".\\a\\b.dxf", "sub/a/b.dxf"},
        {"sub/main.dxf", "..\\a.dxf", "a.dxf"},
        {"sub/main.dxf", "x/../a.dxf", "sub/a.dxf"},
        {"sub/main.dxf", "a//./b.dxf", "sub/a/b.dxf"},
        {"sub/main.dxf", "..../a", "sub/..../a"},
        {"main.dxf", "../a.dxf", NULL},
        {"sub/main.dxf", "../../a.dxf", NULL},
        {"sub/main.dxf", "..\\..\\sub\\a.dxf", NULL}, /* out and back in */
        {"sub/main.dxf", "a/../../../b", NULL},
        {"sub/main.dxf", "/etc/passwd", NULL},
        {"sub/main.dxf", "\\\\server\\share\\a", NULL},
        {"sub/main.dxf", "C:\\a.dxf", NULL},
        {"sub/main.dxf", "c:a.dxf", NULL},
        {"sub/main.dxf", "file:///etc/passwd", NULL},
        {"sub/main.dxf", "", NULL},
        {"main.dxf", ".", NULL},
        {"sub/main.dxf", "..", NULL},
    };
    char out[QR_URI_MAX];
    (void)state;

    for (size_t i = 0; i < QR_COUNT(cases); i++) {
        bool ok = qr_refer_path(cases[i].path, cases[i].name, out);
        if (ok != (cases[i].want != NULL))
            fail_msg("'%s' in '%s': %s", cases[i].name, cases[i].path, ok ? out : "refused");
        if (ok)
            assert_string_equal(out, cases[i].want);
    }
    char long_name[2 * QR_URI_MAX];
    memset(long_name, 'x', sizeof long_name - 1);
    long_name[sizeof long_name - 1] = '\0';
    assert_false(qr_refer_path("sub/main.dxf", long_name, out));
}

static void files_that_are_there_are_found_once(void **state)
{
    struct qr_references *refs =
        REFER("frame.dxf\0.\\frame.dxf\0../sub/frame.dxf\0..\\top.dxf\0deep/part.pdf\0"
              "50%.dxf\0main.dxf\0link-in.pdf");
    (void)state;

    assert_non_null(refs);
    assert_int_equal(refs->n, 6);
    assert_string_equal(refs->files[0].uri, "root://in/sub/frame.dxf");
    assert_string_equal(refs->files[0].type, "dxf");
    assert_int_equal(refs->files[0].bytes, 6);
    assert_true(refs->files[0].modified_ms > 1600000000000);
    assert_string_equal(refs->files[1].uri, "root://in/top.dxf");
    assert_string_equal(refs->files[2].type, "pdf");
    assert_string_equal(refs->files[3].uri, "root://in/sub/50%25.dxf");
    assert_int_equal(refs->missing + refs->outside + refs->left_out, 0);
    free(refs);
}

static void an_exported_drawing_is_found_by_its_old_name(void **state)
{
    struct qr_references *refs = REFER("frame.dwg\0FRAME2.DWG\0real.dwg\0gone.dwg\0.dwg");
    (void)state;

    assert_int_equal(refs->n, 3);
    assert_string_equal(refs->files[0].uri, "root://in/sub/frame.dxf");
    assert_string_equal(refs->files[1].uri, "root://in/sub/FRAME2.DXF");
    assert_string_equal(refs->files[2].uri, "root://in/sub/real.dwg");
    assert_int_equal(refs->missing, 2);
    free(refs);
}

static void nothing_outside_of_the_root_is_found(void **state)
{
    struct qr_references *refs =
        REFER("link-out.dxf\0folder-out/other.dxf\0..\\..\\secret.dxf\0../../elsewhere/other.dxf\0"
              "/etc/passwd\0deep\0folder-out");
    (void)state;

    assert_int_equal(refs->n, 0);
    assert_int_equal(refs->missing, 4); /* links out, a folder: nothing that can be opened */
    assert_int_equal(refs->outside, 3);
    free(refs);
    refs = qr_refer(&roots, "root://other/a.dxf", "a.dxf", 6); /* no such root here */
    assert_int_equal(refs->n, 0);
    free(refs);
}

static void more_than_fit_are_counted(void **state)
{
    char names[400 * 16], path[300];
    size_t len = 0;
    (void)state;

    for (int i = 0; i < 300; i++) {
        snprintf(path, sizeof path, "root/sub/deep/n%03d", i);
        write_file(path);
        len += (size_t)snprintf(names + len, sizeof names - len, "deep/n%03d", i) + 1;
    }
    struct qr_references *refs = qr_refer(&roots, "root://in/sub/main.dxf", names, len);
    assert_int_equal(refs->n, QR_REFERENCES_MAX);
    assert_int_equal(refs->left_out, 300 - QR_REFERENCES_MAX);
    free(refs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_path_is_relative_to_the_folder_and_stays_in_the_root),
        cmocka_unit_test(files_that_are_there_are_found_once),
        cmocka_unit_test(an_exported_drawing_is_found_by_its_old_name),
        cmocka_unit_test(nothing_outside_of_the_root_is_found),
        cmocka_unit_test(more_than_fit_are_counted),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}

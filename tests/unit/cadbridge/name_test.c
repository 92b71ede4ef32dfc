/* Run it: ctest --test-dir build/dev -R name_test */
#include "cadbridge/name.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/harness/test.h"

static void names_are_split(void **state)
{
    static const struct {
        const char *why, *path, *model, *folder;
        uint32_t revision;
        bool ok;
    } cases[] = {
        {"a version", "a/b/wheel.prt.12", "wheel.prt", "a/b", 12, true},
        {"none", "wheel.PRT", "wheel.PRT", "", 0, true},
        {"every kind", "x/top.asm.1", "top.asm", "x", 1, true},
        {"a drawing", "s.drw", "s.drw", "", 0, true},
        {"a format", "a3.frm.3", "a3.frm", "", 3, true},
        {"another type", "wheel.pdf", "", "", 0, false},
        {"a number behind another type", "wheel.pdf.2", "", "", 0, false},
        {"no name", ".prt", "", "", 0, false},
        {"no number", "wheel.prt.", "", "", 0, false},
        {"too many digits", "wheel.prt.1234567890", "", "", 0, false},
    };
    struct qr_cad_name name;
    (void)state;

    for (size_t i = 0; i < QR_COUNT(cases); i++) {
        bool ok = qr_cad_name_split(cases[i].path, &name);
        if (ok != cases[i].ok)
            fail_msg("%s: '%s' is%s a name", cases[i].why, cases[i].path, ok ? "" : " not");
        if (!ok)
            continue;
        assert_string_equal(name.model, cases[i].model);
        assert_string_equal(name.folder, cases[i].folder);
        assert_int_equal(name.revision, cases[i].revision);
    }
}

static void touch(const char *dir, const char *name)
{
    char path[300];

    snprintf(path, sizeof path, "%s/%s", dir, name);
    int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    close(fd);
}

static void the_newest_version_wins(void **state)
{
    static const char *const files[] = {"wheel.prt.2", "Wheel.PRT.11", "wheel.prt", "wheel.asm.40",
                                        "wheelset.prt.50"};
    char dir[] = "/tmp/quarry-name-XXXXXX";
    char path[300];
    struct qr_cad_name name;
    (void)state;

    assert_non_null(mkdtemp(dir));
    for (size_t i = 0; i < QR_COUNT(files); i++)
        touch(dir, files[i]);
    assert_true(qr_cad_name_split("wheel.prt.2", &name));
    assert_int_equal(qr_cad_name_newer(dir, &name), 11);
    assert_true(qr_cad_name_split("wheel.prt.11", &name));
    assert_int_equal(qr_cad_name_newer(dir, &name), 0);
    assert_true(qr_cad_name_split("wheel.prt", &name));
    assert_int_equal(qr_cad_name_newer(dir, &name), 11);
    assert_true(qr_cad_name_split("gone/wheel.prt", &name)); /* a folder that is not there */
    assert_int_equal(qr_cad_name_newer(dir, &name), 0);
    assert_true(qr_cad_name_split("../wheel.prt", &name)); /* one that leads out */
    assert_int_equal(qr_cad_name_newer(dir, &name), 0);
    for (size_t i = 0; i < QR_COUNT(files); i++) {
        snprintf(path, sizeof path, "%s/%s", dir, files[i]);
        unlink(path);
    }
    rmdir(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_split),
        cmocka_unit_test(the_newest_version_wins),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

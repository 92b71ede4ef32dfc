/* Run it: ctest --test-dir build/dev -R name_test */
#include "cadbridge/name.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_split),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

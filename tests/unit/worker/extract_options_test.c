/* Run it: ctest --preset dev -R extract_options_test */
#include "worker/extract/options.h"

#include <string.h>

#include "tests/harness/test.h"

static void sets_each_option(void **state)
{
    struct qr_extract_options options = {0};
    struct qr_err err = {0};

    (void)state;
    assert_int_equal(qr_extract_options_set(&options, "analysis", "on", &err), QR_OK);
    assert_int_equal(qr_extract_options_set(&options, "ocr", "off", &err), QR_OK);
    assert_int_equal(qr_extract_options_set(&options, "spans", "auto", &err), QR_OK);
    assert_int_equal(qr_extract_options_set(&options, "dxf-encoding", "ANSI_1251", &err), QR_OK);
    assert_int_equal(options.follow, QR_EXTRACT_AUTO); /* not unless it is asked for */
    assert_int_equal(qr_extract_options_set(&options, "follow-references", "on", &err), QR_OK);
    assert_int_equal(qr_extract_options_set(&options, "geometry", "off", &err), QR_OK);
    assert_int_equal(options.geometry, QR_EXTRACT_OFF);
    assert_int_equal(qr_extract_options_set(&options, "geometry-views", "off", &err), QR_OK);
    assert_int_equal(options.geometry_views, QR_EXTRACT_OFF);
    assert_int_equal(qr_extract_options_set(&options, "geometry-points", "0", &err), QR_OK);
    assert_int_equal(options.geometry_points, -1);
    assert_int_equal(qr_extract_options_set(&options, "geometry-points", "512", &err), QR_OK);
    assert_int_equal(options.geometry_points, 512);
    assert_int_equal(options.follow, QR_EXTRACT_ON);
    assert_int_equal(options.analysis, QR_EXTRACT_ON);
    assert_int_equal(options.ocr, QR_EXTRACT_OFF);
    assert_int_equal(options.spans, QR_EXTRACT_AUTO);
    assert_string_equal(options.dxf_encoding, "ANSI_1251");
}

static void refuses_what_it_does_not_know(void **state)
{
    static const struct {
        const char *why, *key, *value, *says;
    } cases[] = {
        {"no such option", "speed", "on", "no option 'speed'"},
        {"no such mode", "ocr", "maybe", "auto, off or on"},
        {"too many points", "geometry-points", "65537", "0 to 65536"},
        {"no number of points", "geometry-points", "many", "0 to 65536"},
        {"never by itself", "follow-references", "auto", "off or on"},
        {"an empty mode", "ocr", "", "auto, off or on"},
        {"a name longer than any code page's", "dxf-encoding", "0123456789012345678901234567",
         "too long"},
    };

    (void)state;
    for (size_t i = 0; i < QR_COUNT(cases); i++) {
        struct qr_extract_options options = {.ocr = QR_EXTRACT_ON};
        struct qr_extract_options before = options;
        struct qr_err err = {0};
        assert_int_equal(qr_extract_options_set(&options, cases[i].key, cases[i].value, &err),
                         QR_E_INVALID);
        assert_non_null(strstr(err.msg, cases[i].says));
        assert_memory_equal(&options, &before, sizeof options);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sets_each_option),
        cmocka_unit_test(refuses_what_it_does_not_know),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

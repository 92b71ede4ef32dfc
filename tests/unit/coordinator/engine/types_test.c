/* Run it: ctest --preset dev -R types_test */
#include "coordinator/engine/types.h"
#include "tests/harness/test.h"

static void a_name_keeps_its_number(void **state)
{
    qr_type_id pdf = qr_type_intern("pdf");
    qr_type_id text = qr_type_intern("text");

    (void)state;
    assert_int_not_equal(pdf, 0);
    assert_int_not_equal(text, pdf);
    assert_int_equal(qr_type_intern("pdf"), pdf);
    assert_string_equal(qr_type_name(pdf), "pdf");
    assert_string_equal(qr_type_name(text), "text");
}

static void refuses_what_is_no_type_name(void **state)
{
    static const char *const bad[] = {"",    "PDF",         "a b",
                                      "a/b", "caf\xc3\xa9", "abcdefghijklmnopqrstuvwxyz0123456"};

    (void)state;
    for (size_t i = 0; i < QR_COUNT(bad); i++)
        assert_int_equal(qr_type_intern(bad[i]), 0);
    assert_string_equal(qr_type_name(0), "");
    assert_string_equal(qr_type_name(QR_TYPES_MAX), "");
    assert_string_equal(qr_type_name(UINT16_MAX), "");
}

static void a_full_table_gives_nothing_and_keeps_what_it_has(void **state)
{
    char name[16];

    (void)state;
    for (int i = 0; i < 2 * QR_TYPES_MAX; i++) {
        snprintf(name, sizeof name, "type%d", i);
        (void)qr_type_intern(name);
    }
    assert_int_equal(qr_type_count(), QR_TYPES_MAX - 1);
    assert_int_equal(qr_type_intern("one_more"), 0);
    assert_string_equal(qr_type_name(qr_type_intern("pdf")), "pdf");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_keeps_its_number),
        cmocka_unit_test(refuses_what_is_no_type_name),
        cmocka_unit_test(a_full_table_gives_nothing_and_keeps_what_it_has),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

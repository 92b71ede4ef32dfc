/* Run it: ctest --preset dev -R err_test */
#include "common/err.h"
#include "tests/harness/test.h"

#include <errno.h>

static void wrapping_puts_context_in_front(void **state)
{
    struct qr_err err = {0};
    (void)state;

    int rc = qr_fail_errno(&err, QR_E_IO, ENOENT, "open '%s'", "/x");
    rc = qr_err_wrap(&err, rc, "read configuration");
    assert_int_equal(rc, QR_E_IO);
    assert_int_equal(err.code, QR_E_IO);
    assert_int_equal(err.sys, ENOENT);
    assert_string_equal(err.msg, "read configuration: open '/x': No such file or directory");
}

static void a_long_message_is_cut_on_a_character_boundary(void **state)
{
    struct qr_err err = {0};
    char text[2048];
    (void)state;

    for (size_t i = 0; i < sizeof text - 2; i += 2)
        memcpy(text + i, "\xC3\xA4", 2);
    text[sizeof text - 2] = '\0';
    qr_fail(&err, QR_E_DATA, "%s", text);
    size_t len = strlen(err.msg);
    assert_true(len < sizeof err.msg);
    assert_int_equal((unsigned char)err.msg[len - 1], 0xA4);
}

static void exit_codes_are_the_documented_ones(void **state)
{
    static const struct {
        int code;
        int exit_code;
    } cases[] = {{QR_OK, 0},          {QR_E_INTERNAL, 1},    {QR_E_USAGE, 2},
                 {QR_E_NOT_FOUND, 3}, {QR_E_UNREACHABLE, 4}, {QR_E_DENIED, 5}};
    (void)state;

    for (size_t i = 0; i < QR_COUNT(cases); i++)
        assert_int_equal(qr_err_exit_code(cases[i].code), cases[i].exit_code);
}

static void grpc_status_survives_the_round_trip_where_it_is_unambiguous(void **state)
{
    (void)state;
    assert_int_equal(qr_err_from_grpc_status(qr_err_grpc_status(QR_E_NOT_FOUND)), QR_E_NOT_FOUND);
    assert_int_equal(qr_err_from_grpc_status(qr_err_grpc_status(QR_E_TIMEOUT)), QR_E_TIMEOUT);
    assert_int_equal(qr_err_from_grpc_status(16), QR_E_DENIED);
    assert_int_equal(qr_err_from_grpc_status(99), QR_E_INTERNAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wrapping_puts_context_in_front),
        cmocka_unit_test(a_long_message_is_cut_on_a_character_boundary),
        cmocka_unit_test(exit_codes_are_the_documented_ones),
        cmocka_unit_test(grpc_status_survives_the_round_trip_where_it_is_unambiguous),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

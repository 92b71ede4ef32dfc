/* Run it: ctest --preset dev -R buf_test */
#include "common/buf.h"
#include "tests/harness/test.h"

#include <stdlib.h>

static void appends_grow_and_stay_terminated(void **state)
{
    struct qr_buf buf;
    (void)state;

    qr_buf_init(&buf, 1 << 20);
    for (int i = 0; i < 1000; i++)
        assert_true(qr_buf_printf(&buf, "%d,", i));
    assert_int_equal(strlen((char *)buf.data), buf.len);
    qr_buf_consume(&buf, 2);
    assert_memory_equal(buf.data, "1,2,", 4);
    char *text = qr_buf_take(&buf);
    assert_non_null(text);
    free(text);
    assert_int_equal(buf.len, 0);
    qr_buf_done(&buf);
}

static void the_cap_holds_and_failure_sticks(void **state)
{
    struct qr_buf buf;
    (void)state;

    qr_buf_init(&buf, 8);
    assert_true(qr_buf_append_str(&buf, "12345678"));
    assert_false(qr_buf_append_str(&buf, "9"));
    assert_true(buf.failed);
    assert_false(qr_buf_append(&buf, "", 0));
    assert_null(qr_buf_take(&buf));
    qr_buf_clear(&buf);
    assert_true(qr_buf_append_str(&buf, "ok"));
    qr_buf_done(&buf);
}

static void an_empty_buffer_yields_an_empty_string(void **state)
{
    struct qr_buf buf;
    (void)state;

    qr_buf_init(&buf, 8);
    char *text = qr_buf_take(&buf);
    assert_string_equal(text, "");
    free(text);
    qr_buf_done(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(appends_grow_and_stay_terminated),
        cmocka_unit_test(the_cap_holds_and_failure_sticks),
        cmocka_unit_test(an_empty_buffer_yields_an_empty_string),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

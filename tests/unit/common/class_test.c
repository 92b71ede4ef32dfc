/* Run it: ctest --preset dev -R class_test */
#include "common/class.h"
#include "tests/harness/test.h"

static void extraction_waits_grow_as_designed(void **state)
{
    static const int64_t waits[] = {30000, 120000, 480000, 1500000};
    int64_t delay = 0;
    (void)state;

    for (int i = 0; i < 3; i++) {
        assert_true(qr_class_retry(QR_CLASS_TIMEOUT, i, false, 7, &delay));
        assert_int_equal(delay, waits[i]);
    }
    assert_false(qr_class_retry(QR_CLASS_TIMEOUT, 3, false, 7, &delay));
    assert_true(qr_class_retry(QR_CLASS_TIMEOUT, 3, true, 7, &delay)); /* an upload: one more */
    assert_int_equal(delay, waits[3]);
}

static void a_bad_file_is_not_tried_again(void **state)
{
    int64_t delay = -1;
    (void)state;

    assert_false(qr_class_retry(QR_CLASS_INVALID_INPUT, 0, true, 1, &delay));
    assert_false(qr_class_retry(QR_CLASS_UNSUPPORTED, 0, true, 1, &delay));
    assert_int_equal(delay, -1);
}

static void a_crash_is_tried_once_more(void **state)
{
    int64_t delay = 0;
    (void)state;

    assert_true(qr_class_retry(QR_CLASS_CRASH, 0, false, 1, &delay));
    assert_false(qr_class_retry(QR_CLASS_CRASH, 1, false, 1, &delay));
}

static void jitter_stays_within_its_share_and_repeats_by_seed(void **state)
{
    int64_t first = 0;
    int64_t again = 0;
    (void)state;

    for (uint64_t seed = 0; seed < 1000; seed++) {
        assert_true(qr_class_retry(QR_CLASS_CONNECTION, 2, false, seed, &first));
        assert_true(qr_class_retry(QR_CLASS_CONNECTION, 2, false, seed, &again));
        assert_int_equal(first, again);
        assert_true(first >= 4000 && first <= 5000);
    }
}

static void names_parse_back(void **state)
{
    (void)state;
    for (int id = QR_CLASS_TIMEOUT; id <= QR_CLASS_INTERNAL; id++)
        assert_int_equal(qr_class_parse(qr_class_text((enum qr_class)id)), id);
    assert_int_equal(qr_class_parse("nonsense"), QR_CLASS_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(extraction_waits_grow_as_designed),
        cmocka_unit_test(a_bad_file_is_not_tried_again),
        cmocka_unit_test(a_crash_is_tried_once_more),
        cmocka_unit_test(jitter_stays_within_its_share_and_repeats_by_seed),
        cmocka_unit_test(names_parse_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

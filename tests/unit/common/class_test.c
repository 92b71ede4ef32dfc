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
        assert_in_range(delay, waits[i], waits[i] + waits[i] / 10);
    }
    assert_false(qr_class_retry(QR_CLASS_TIMEOUT, 3, false, 7, &delay));
    assert_true(qr_class_retry(QR_CLASS_TIMEOUT, 3, true, 7, &delay)); /* an upload: one more */
    assert_in_range(delay, waits[3], waits[3] + waits[3] / 10);
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

static void a_source_that_asks_to_wait_is_heard(void **state)
{
    int64_t least = INT64_MAX;
    int64_t most = 0;
    (void)state;

    assert_int_equal(qr_class_retry_after(QR_CLASS_RATE_LIMIT, 1234, 0, 1), 1234);
    assert_int_equal(qr_class_retry_after(QR_CLASS_RATE_LIMIT, 5000, 4000, 1), 5000);
    for (uint64_t seed = 0; seed < 1000; seed++) {
        int64_t delay = qr_class_retry_after(QR_CLASS_RATE_LIMIT, 1000, 40000, seed);
        least = delay < least ? delay : least;
        most = delay > most ? delay : most;
    }
    assert_in_range(least, 40000, 40500);
    assert_in_range(most, 49500, 50000);
    assert_in_range(qr_class_retry_after(QR_CLASS_CONNECTION, 1000, UINT64_MAX, 1),
                    QR_RETRY_AFTER_MAX_MS, QR_RETRY_AFTER_MAX_MS / 4 * 5);
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
        cmocka_unit_test(a_source_that_asks_to_wait_is_heard),
        cmocka_unit_test(names_parse_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

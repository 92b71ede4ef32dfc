/* Run it: ctest --test-dir build/dev -R fresh_test */
#include "common/os/fresh.h"

#include "tests/harness/test.h"

enum { A = 1, B = 2 }; /* marks */

static void times_are_trusted_when_they_have_settled(void **state)
{
    struct qr_fresh fresh = {0};
    int64_t now = 1000;
    (void)state;

    assert_false(qr_fresh_holds(&fresh, A, now)); /* nothing was read */
    qr_fresh_read(&fresh, A, now, now);
    assert_false(qr_fresh_holds(&fresh, A, now + 1)); /* a change in the same grain is not seen */
    qr_fresh_read(&fresh, A, now + 1, now + 1);
    now += QR_FRESH_SETTLE_MS;
    assert_false(
        qr_fresh_holds(&fresh, A, now)); /* the reading was too early, time does not help */
    qr_fresh_read(&fresh, A, now, now);
    assert_true(qr_fresh_holds(&fresh, A, now));
    assert_true(qr_fresh_holds(&fresh, A, now + QR_FRESH_KEPT_MS - 1));
    assert_false(qr_fresh_holds(&fresh, B, now + 1));
}

static void a_change_begins_anew(void **state)
{
    struct qr_fresh fresh = {0};
    (void)state;

    assert_false(qr_fresh_holds(&fresh, A, 0));
    qr_fresh_read(&fresh, A, QR_FRESH_SETTLE_MS, QR_FRESH_SETTLE_MS);
    assert_true(qr_fresh_holds(&fresh, A, 5000));
    assert_false(qr_fresh_holds(&fresh, B, 6000));
    qr_fresh_read(&fresh, B, 6000, 6001);
    assert_false(qr_fresh_holds(&fresh, B, 6500));
    assert_false(qr_fresh_holds(&fresh, A, 6600)); /* times that went back are a change, too */
    qr_fresh_read(&fresh, A, 6600 + QR_FRESH_SETTLE_MS, 8700);
    assert_true(qr_fresh_holds(&fresh, A, 9000));
}

/* It changed between the look and the reading: the reading's own times count from its end. */
static void a_change_during_the_reading_is_not_trusted(void **state)
{
    struct qr_fresh fresh = {0};
    (void)state;

    assert_false(qr_fresh_holds(&fresh, A, 0));
    qr_fresh_read(&fresh, B, 5000, 5010);
    assert_false(qr_fresh_holds(&fresh, B, 5011));
    qr_fresh_read(&fresh, B, 5010 + QR_FRESH_SETTLE_MS - 1, 7500);
    assert_false(qr_fresh_holds(&fresh, B, 8000));
    qr_fresh_read(&fresh, B, 8000, 8000);
    assert_true(qr_fresh_holds(&fresh, B, 8000));
}

static void shares_without_times_are_read_once_a_minute(void **state)
{
    struct qr_fresh fresh = {0};
    (void)state;

    assert_false(qr_fresh_holds(&fresh, A, 0));
    qr_fresh_read(&fresh, A, QR_FRESH_SETTLE_MS, QR_FRESH_SETTLE_MS);
    assert_false(qr_fresh_holds(&fresh, A, QR_FRESH_SETTLE_MS + QR_FRESH_KEPT_MS));
}

static void a_slow_reading_takes_a_tenth_of_the_time(void **state)
{
    struct qr_fresh fresh = {0};
    (void)state;

    assert_false(qr_fresh_holds(&fresh, A, 0));
    qr_fresh_read(&fresh, A, 0, 1000);
    assert_true(qr_fresh_holds(&fresh, B, 1001));
    assert_true(qr_fresh_holds(&fresh, B, 10999));
    assert_false(qr_fresh_holds(&fresh, B, 11000));
}

static void every_time_of_every_folder_counts(void **state)
{
    struct stat folders[2] = {{.st_ino = 1}, {.st_ino = 2}};
    uint64_t before = 0;
    uint64_t after[4] = {0};
    (void)state;

    qr_fresh_add(&before, &folders[0]);
    qr_fresh_add(&after[3], &folders[1]); /* another order */
    qr_fresh_add(&after[3], &folders[0]);
    qr_fresh_add(&before, &folders[1]);
    for (int i = 0; i < 3; i++) {
        struct stat changed = folders[1];
        changed.st_mtim.tv_nsec += i == 0;
        changed.st_ctim.tv_nsec += i == 1;
        changed.st_ino += i == 2;
        qr_fresh_add(&after[i], &folders[0]);
        qr_fresh_add(&after[i], &changed);
    }
    for (size_t i = 0; i < QR_COUNT(after); i++)
        assert_true(after[i] != before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_are_trusted_when_they_have_settled),
        cmocka_unit_test(a_change_begins_anew),
        cmocka_unit_test(a_change_during_the_reading_is_not_trusted),
        cmocka_unit_test(shares_without_times_are_read_once_a_minute),
        cmocka_unit_test(a_slow_reading_takes_a_tenth_of_the_time),
        cmocka_unit_test(every_time_of_every_folder_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

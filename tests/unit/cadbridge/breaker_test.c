/* Run it: ctest --test-dir build/dev -R cadbridge_breaker_test -V   (prints the figures) */
#include "cadbridge/breaker.h"

#include <stdlib.h>
#include <string.h>

#include "common/base.h"
#include "tests/harness/test.h"

/* SplitMix64: a sequence a seed, the same everywhere. */
static uint64_t next(uint64_t *seed)
{
    uint64_t z = (*seed += 0x9E3779B97F4A7C15u);

    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

static bool falls(uint64_t *seed, double share)
{
    return (double)(next(seed) >> 11) / 9007199254740992.0 < share;
}

static const struct qr_breaker_config defaults = {0};

static void call(struct qr_breaker *b, enum qr_breaker_outcome outcome, int64_t now)
{
    struct qr_breaker_ticket ticket;

    assert_true(qr_breaker_ask(b, now, &ticket));
    qr_breaker_report(b, ticket, outcome, now);
}

static void calls(struct qr_breaker *b, enum qr_breaker_outcome outcome, int n, int64_t now)
{
    for (int i = 0; i < n; i++)
        call(b, outcome, now);
}

/* Calls until it opens, at `share` faults, 100 ms apart; 0: not within `most`. */
static unsigned opened_after(uint64_t seed, double share, unsigned most, unsigned good_before)
{
    struct qr_breaker b;
    int64_t now = 0;

    qr_breaker_init(&b, &defaults, now);
    for (unsigned i = 1; i <= good_before + most; i++) {
        bool fault = falls(&seed, i <= good_before ? 0.02 : share);
        call(&b, fault ? QR_BREAKER_FAULT : QR_BREAKER_GOOD, now += 100);
        if (b.state == QR_BREAKER_OPEN)
            return i > good_before ? i - good_before : 0;
    }
    return 0;
}

enum { SEQUENCES = 1000 };

static void rarely_opens_at_five_percent(void **state)
{
    unsigned opened = 0;
    (void)state;

    for (uint64_t seed = 1; seed <= SEQUENCES; seed++)
        opened += opened_after(seed, 0.05, 2000, 0) > 0;
    print_message("at 5 %% faults: opened in %u of %d sequences of 2,000 calls (%.2f %%, asked: "
                  "below 1 %%)\n",
                  opened, SEQUENCES, 100.0 * opened / SEQUENCES);
    assert_true(opened < SEQUENCES / 100);
}

static void opens_soon_at_thirty_percent(void **state)
{
    unsigned opened = 0;
    (void)state;

    for (uint64_t seed = 1; seed <= SEQUENCES; seed++)
        opened += opened_after(seed * 7919, 0.30, 60, 0) > 0;
    print_message("at 30 %% faults: opened within 60 calls in %u of %d sequences (%.2f %%, asked: "
                  "at least 99 %%)\n",
                  opened, SEQUENCES, 100.0 * opened / SEQUENCES);
    assert_true(opened >= SEQUENCES * 99 / 100);
}

/* What a service is like that worked for long and then does not. No figure is asked here. */
static void opens_after_a_long_good_time_too(void **state)
{
    unsigned within[] = {30, 60, 90, 120};
    unsigned n[QR_COUNT(within)] = {0};
    (void)state;

    for (uint64_t seed = 1; seed <= SEQUENCES; seed++) {
        unsigned after = opened_after(seed * 104729, 0.30, 200, 1000);
        for (size_t i = 0; i < QR_COUNT(within); i++)
            n[i] += after > 0 && after <= within[i];
    }
    for (size_t i = 0; i < QR_COUNT(within); i++)
        print_message("from 2 %% to 30 %% after 1,000 calls: opened within %u calls in %.1f %%\n",
                      within[i], 100.0 * n[i] / SEQUENCES);
    assert_true(n[3] >= SEQUENCES * 99 / 100);
}

static void a_dead_service_opens_after_five_calls(void **state)
{
    struct qr_breaker b;
    struct qr_breaker_switch s;
    struct qr_breaker_ticket ticket;
    (void)state;

    qr_breaker_init(&b, &defaults, 0);
    calls(&b, QR_BREAKER_FAULT, 4, 10);
    assert_int_equal(b.state, QR_BREAKER_CLOSED);
    call(&b, QR_BREAKER_FAULT, 20);
    assert_int_equal(b.state, QR_BREAKER_OPEN);
    assert_false(qr_breaker_ask(&b, 21, &ticket));
    assert_int_equal(qr_breaker_wait_ms(&b, 21), 4999);
    assert_true(qr_breaker_take_switch(&b, &s));
    assert_string_equal(s.why, "5 faults in a row");
    assert_int_equal(s.from, QR_BREAKER_CLOSED);
    assert_int_equal(s.to, QR_BREAKER_OPEN);
    assert_int_equal(s.cooldown_ms, 5000);
    assert_false(qr_breaker_take_switch(&b, &s));
}

static void bad_models_never_open_it(void **state)
{
    struct qr_breaker b;
    (void)state;

    qr_breaker_init(&b, &defaults, 0);
    calls(&b, QR_BREAKER_GOOD, 500, 1); /* as every answer that blames the model is reported */
    calls(&b, QR_BREAKER_NOTHING, 500, 2);
    assert_int_equal(b.state, QR_BREAKER_CLOSED);
    assert_int_equal(b.n, 50);
}

static void all_probes_must_pass(void **state)
{
    struct qr_breaker b;
    struct qr_breaker_ticket probe[4];
    (void)state;

    qr_breaker_init(&b, &defaults, 0);
    qr_breaker_open(&b, 0, "not reachable at start");
    for (int i = 0; i < 3; i++)
        assert_true(qr_breaker_ask(&b, 5000, &probe[i]));
    assert_int_equal(b.state, QR_BREAKER_HALF_OPEN);
    assert_false(qr_breaker_ask(&b, 5000, &probe[3]));
    qr_breaker_report(&b, probe[0], QR_BREAKER_GOOD, 5100);
    qr_breaker_report(&b, probe[1], QR_BREAKER_NOTHING, 5100); /* its place is free again */
    assert_true(qr_breaker_ask(&b, 5100, &probe[1]));
    qr_breaker_report(&b, probe[1], QR_BREAKER_GOOD, 5200);
    assert_int_equal(b.state, QR_BREAKER_HALF_OPEN);
    qr_breaker_report(&b, probe[2], QR_BREAKER_FAULT, 5300);
    assert_int_equal(b.state, QR_BREAKER_OPEN);
    assert_int_equal(b.cooldown_ms, 10000);
    assert_false(qr_breaker_ask(&b, 15299, &probe[0]));
    for (int i = 0; i < 3; i++)
        call(&b, QR_BREAKER_GOOD, 15300);
    assert_int_equal(b.state, QR_BREAKER_CLOSED);
}

static void the_cool_down_doubles_while_it_flaps(void **state)
{
    struct qr_breaker b;
    int64_t now = 0;
    int64_t want = 5000;
    (void)state;

    qr_breaker_init(&b, &defaults, 0);
    for (int i = 0; i < 9; i++) {
        calls(&b, QR_BREAKER_FAULT, 5, now);
        assert_int_equal(b.cooldown_ms, want);
        now += want;
        calls(&b, QR_BREAKER_GOOD, 3, now); /* the probes: it closes, and fails again at once */
        assert_int_equal(b.state, QR_BREAKER_CLOSED);
        want = want * 2 > 300000 ? 300000 : want * 2;
    }
    now += 2 * 300000;
    calls(&b, QR_BREAKER_FAULT, 5, now); /* after a calm time it begins small again */
    assert_int_equal(b.cooldown_ms, 5000);
}

static void what_was_begun_before_a_switch_does_not_count(void **state)
{
    struct qr_breaker b;
    struct qr_breaker_ticket old;
    (void)state;

    qr_breaker_init(&b, &defaults, 0);
    assert_true(qr_breaker_ask(&b, 0, &old));
    calls(&b, QR_BREAKER_FAULT, 5, 1);
    qr_breaker_tick(&b, 5001);
    assert_int_equal(b.state, QR_BREAKER_HALF_OPEN);
    qr_breaker_report(&b, old, QR_BREAKER_FAULT, 5002);
    assert_int_equal(b.state, QR_BREAKER_HALF_OPEN);
    calls(&b, QR_BREAKER_GOOD, 3, 5003);
    assert_int_equal(b.state, QR_BREAKER_CLOSED);
}

static void calls_grow_old(void **state)
{
    struct qr_breaker b;
    int64_t now = 0;
    (void)state;

    qr_breaker_init(&b, &defaults, 0);
    for (int i = 0; i < 200; i++) /* every third fails, but one call in four seconds is too few */
        call(&b, i % 3 == 0 ? QR_BREAKER_FAULT : QR_BREAKER_GOOD, now += 4000);
    assert_int_equal(b.state, QR_BREAKER_CLOSED);
    assert_true(b.n < 20);
}

static void wilson_bound_is_the_published_one(void **state)
{
    (void)state;
    /* 10 of 50 at 95 % two-sided: 0.1124 (Newcombe, Statistics in Medicine 17, 1998, method 3). */
    assert_float_equal(qr_breaker_lower(10, 50, 1.959964), 0.1124, 0.0001);
    assert_float_equal(qr_breaker_lower(0, 50, 2.3263), 0.0, 1e-12);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rarely_opens_at_five_percent),
        cmocka_unit_test(opens_soon_at_thirty_percent),
        cmocka_unit_test(opens_after_a_long_good_time_too),
        cmocka_unit_test(a_dead_service_opens_after_five_calls),
        cmocka_unit_test(bad_models_never_open_it),
        cmocka_unit_test(all_probes_must_pass),
        cmocka_unit_test(the_cool_down_doubles_while_it_flaps),
        cmocka_unit_test(what_was_begun_before_a_switch_does_not_count),
        cmocka_unit_test(calls_grow_old),
        cmocka_unit_test(wilson_bound_is_the_published_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

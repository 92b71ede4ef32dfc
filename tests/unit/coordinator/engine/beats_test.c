/* Rules 3, 5 and 12: beats, what they drop and take back, results in doubt, time budgets, bounds.
 * Run it: ctest --preset dev -R beats_test */
#include <stdlib.h>

#include "tests/unit/coordinator/engine/rig.h"

static void connect_with(struct rig *rig, size_t n)
{
    rig_connect(rig, n);
    rig_claimed(rig, 1, n);
    rig_accept(rig, 1, 1, n);
}

static void rule_3_every_beat_is_answered_even_with_nothing(void **state)
{
    struct rig *rig = *state;

    rig_connect(rig, 0);
    rig_beat(rig, 1, 1, 0, NULL, 0);
    assert_int_equal(rig->n_sync, 1);
    assert_int_equal(rig->n_drop, 0);
    assert_int_equal(rig->n_expected, 0);
    assert_int_equal(rig->sync_seen, 1);
}

static void rule_3_a_beat_is_compared_only_with_offers_it_has_seen(void **state)
{
    struct rig *rig = *state;

    rig_connect(rig, 4);
    rig_claimed(rig, 1, 4);
    rig_beat(rig, 1, rig->offer_seq - 1, 0, NULL, 0); /* sent before the Offer came */
    assert_int_equal(rig->n_return, 0);
    rig_beat(rig, 1, rig->offer_seq, 4, (uint64_t[]){1, 2, 3}, 3);
    assert_int_equal(rig->n_return, 1);
    assert_int_equal(rig->back.reason, QR_RETURN_DROPPED);
    assert_int_equal(rig->back.n_leases, 1);
    assert_int_equal(rig->back_leases[0].lease_id, 4);
    assert_int_equal(rig->n_expected, 1);
    assert_int_equal(rig->expected[0], 4);
    assert_int_equal(rig_stats(rig).leases_active_now, 3); /* named counts as accepted */
}

static void rule_3_a_settling_lease_is_never_compared(void **state)
{
    struct rig *rig = *state;

    connect_with(rig, 4);
    assert_false(rig_result(rig, 1, 1));
    rig_beat(rig, 1, rig->seq[1], 4, (uint64_t[]){2, 3, 4}, 3);
    assert_int_equal(rig->n_return, 0);
    assert_int_equal(rig->n_drop, 0);
    assert_int_equal(rig_stats(rig).leases_settling_now, 1);
}

static void rule_3_what_is_over_is_dropped_what_is_returning_is_not_spoken_of(void **state)
{
    struct rig *rig = *state;

    rig_connect(rig, 4);
    rig_claimed(rig, 1, 4);
    rig_accept(rig, 1, 1, 3);
    rig_pass(rig, 5100); /* the fourth was not accepted in time */
    assert_int_equal(rig->back.reason, QR_RETURN_NOT_ACCEPTED);
    rig_beat(rig, 1, rig->seq[1], 4, (uint64_t[]){1, 2, 3, 4, 99}, 5);
    assert_int_equal(rig->n_drop, 1); /* 4 is for the database to decide */
    assert_int_equal(rig->drop[0], 99);
    rig_returned(rig, QR_DB_DONE);
    rig_beat(rig, 1, rig->seq[1], 4, (uint64_t[]){1, 2, 3, 4}, 4);
    assert_int_equal(rig->n_drop, 1);
    assert_int_equal(rig->drop[0], 4);
}

static void rule_3_a_second_copy_of_a_result_is_dropped_and_one_ack_follows(void **state)
{
    struct rig *rig = *state;

    connect_with(rig, 4);
    assert_false(rig_result(rig, 1, 1));
    assert_true(rig_result(rig, 1, 1));
    assert_false(rig_result(rig, 1, 50)); /* also where memory does not know the lease */
    assert_true(rig_result(rig, 1, 50));
    rig_settled(rig, QR_DB_DONE, QR_ACK_COMMITTED);
    assert_int_equal(rig->n_settle, 2);
    assert_int_equal(rig->n_ack, 1);
    assert_int_equal(rig->n_acked, 2);
}

static void rule_3_the_ack_goes_to_the_present_stream(void **state)
{
    struct rig *rig = *state;
    const uint64_t held[] = {1, 2, 3, 4};

    connect_with(rig, 4);
    assert_false(rig_result(rig, 1, 1));
    qr_engine_stream_closed(rig->engine, 1);
    rig_hello(rig, 2, 1, 4, held, 4);
    rig_welcome(rig, 1, 2, held, 4);
    assert_true(rig_result(rig, 2, 1)); /* still settling, over the reconnect too */
    rig_settled(rig, QR_DB_DONE, QR_ACK_COMMITTED);
    assert_int_equal(rig->n_ack, 1);
    assert_int_equal(rig->ack_stream, 2);
    assert_int_equal(rig_stats(rig).leases_active_now, 3);
}

static void rule_3_frames_of_an_older_stream_are_dropped(void **state)
{
    struct rig *rig = *state;
    const uint64_t held[] = {1, 2};

    connect_with(rig, 2);
    rig_hello(rig, 2, 1, 2, held, 2);
    assert_int_equal(rig->end_stream, 1);
    rig_welcome(rig, 1, 2, held, 2);
    rig_beat(rig, 1, 1, 0, NULL, 0); /* an old beat that lacks them */
    assert_true(rig_result(rig, 1, 1));
    assert_int_equal(rig->n_return, 0);
    assert_int_equal(rig->n_settle, 0);
    assert_int_equal(rig->n_sync, 0);
    assert_int_equal(rig_stats(rig).frames_old_stream, 2);
}

static void rule_3_a_result_in_doubt_is_asked_for_again(void **state)
{
    struct rig *rig = *state;
    static const enum qr_db_status unsure[] = {QR_DB_FAILED, QR_DB_UNKNOWN};

    connect_with(rig, 4);
    for (size_t i = 0; i < QR_COUNT(unsure); i++) {
        assert_false(rig_result(rig, 1, 1));
        rig_settled(rig, unsure[i], QR_ACK_COMMITTED);
        assert_int_equal(rig->ack_code[0], QR_ACK_RETRY_LATER);
        assert_int_equal(rig_stats(rig).leases_active_now, 4);
    }
    qr_engine_refuse_result(rig->engine, 1, 2); /* no memory for it */
    assert_int_equal(rig->acked[0], 2);
    assert_int_equal(rig->ack_code[0], QR_ACK_RETRY_LATER);
    assert_int_equal(rig_stats(rig).results_retry_later, 3);
}

static void rule_5_a_beat_keeps_leases_and_silence_ends_them(void **state)
{
    struct rig *rig = *state;
    const uint64_t held[] = {1, 2};

    connect_with(rig, 2);
    for (int i = 0; i < 10; i++) {
        rig_pass(rig, 4000);
        rig_beat(rig, 1, rig->seq[1], 2, held, 2);
    }
    assert_int_equal(rig->n_return, 0);
    rig_pass(rig, RIG_TTL - 600);
    assert_int_equal(rig->n_return, 0);
    rig_pass(rig, 700);
    assert_int_equal(rig->back.reason, QR_RETURN_EXPIRED);
    assert_int_equal(rig->back.n_leases, 2);
    assert_int_equal(rig->end_reason, QR_END_NOT_RENEWED);
    rig_returned(rig, QR_DB_DONE);
    assert_int_equal(rig_stats(rig).leases_expired, 2);
    assert_int_equal(rig_stats(rig).sessions_expired, 1);
}

static void rule_5_any_frame_proves_life(void **state)
{
    struct rig *rig = *state;

    connect_with(rig, 2);
    for (int i = 0; i < 5; i++) {
        rig_pass(rig, 6000);
        qr_engine_heard(rig->engine, 1); /* a part of a large result */
    }
    assert_int_equal(rig->n_return, 0);
}

static void beat_progress(struct rig *rig, uint64_t started_ms_ago, uint32_t permille)
{
    struct qr_lease_progress lease = {.lease_id = 1,
                                      .phase = QR_PHASE_RUNNING,
                                      .permille = permille,
                                      .started_ms_ago = started_ms_ago};
    struct qr_beat beat = {
        .seen = rig->seq[1], .received_total = 1, .leases = &lease, .n_leases = 1};

    qr_engine_beat(rig->engine, 1, &beat);
    rig_turn(rig);
}

static void rule_5_a_job_over_its_time_budget_fails_as_timeout(void **state)
{
    struct rig *rig = *state;

    connect_with(rig, 1);
    beat_progress(rig, 305000, 1); /* over, but the worker's own limit comes first */
    assert_int_equal(rig->n_stop, 0);
    beat_progress(rig, 310001, 2);
    assert_int_equal(rig->n_stop, 1);
    assert_int_equal(rig->stopped, 1);
    assert_int_equal(rig->n_settles, 1);
    assert_int_equal(rig->settles[0]->error_class, QR_CLASS_TIMEOUT);
    assert_true(rig->settles[0]->by_coordinator);
    assert_non_null(strstr(rig->settles[0]->message, "300 s"));
    beat_progress(rig, 312000, 3); /* once is enough */
    assert_int_equal(rig->n_settles, 1);
    rig_settled(rig, QR_DB_DONE, QR_ACK_COMMITTED);
    assert_int_equal(rig->n_ack, 0); /* nobody waits for it */
    assert_int_equal(rig_stats(rig).budget_exceeded, 1);
}

/* What it was offered with is known to its worker only. */
static void rule_5_a_kept_lease_is_not_judged_by_what_was_learned_since(void **state)
{
    struct rig *rig = *state;
    const uint64_t held[] = {1};

    rig->learned_ms = 30000;
    rig_hello(rig, 1, 1, 0, held, 1);
    rig_welcome(rig, 1, 1, held, 1);
    beat_progress(rig, 200000, 1);
    assert_int_equal(rig->n_stop, 0);
    assert_false(rig_result(rig, 1, 1));
    assert_int_equal(rig->settles[0]->budget_ms, 0); /* not known here */
    rig_settled(rig, QR_DB_DONE, QR_ACK_COMMITTED);
    qr_engine_credits(rig->engine, 1, &(struct qr_credits){.total = 8});
    rig_pass(rig, 10);
    rig_claimed(rig, 2, 1);
    assert_int_equal(rig->offer_budget_ms, 30000);
}

static void rule_5_a_job_without_progress_fails_as_timeout(void **state)
{
    struct rig *rig = *state;

    connect_with(rig, 1);
    for (int i = 0; i <= 33; i++) {
        beat_progress(rig, 1000 + 4000u * (unsigned)i, 500);
        rig_pass(rig, 4000);
        assert_int_equal(rig->n_stop, i * 4000 > 130000);
    }
}

static void rule_5_long_leases_are_mirrored_and_short_ones_are_not(void **state)
{
    struct rig *rig = *state;
    const uint64_t held[] = {1, 2};

    connect_with(rig, 2);
    rig_pass(rig, 1900);
    assert_int_equal(rig->n_mirror, 0);
    rig_pass(rig, 1200);
    assert_int_equal(rig->n_mirror, 1);
    assert_int_equal(rig->n_mirror_rows, 2);
    assert_true(rig->mirror[0].age_ms >= 2000);
    rig_beat(rig, 1, rig->seq[1], 2, held, 2);
    rig_pass(rig, 3000);
    assert_int_equal(rig->n_mirror, 1); /* the heartbeat costs two writes a ttl, not one a beat */
    rig_pass(rig, 2000);
    assert_int_equal(rig->n_mirror, 2);
}

static void rule_1_a_checkpoint_is_answered_when_the_database_has_it(void **state)
{
    struct rig *rig = *state;

    connect_with(rig, 1);
    assert_true(rig_checkpoint(rig, 1, 1, 2));
    assert_int_equal(rig->checkpoint->job_id, 1001);
    assert_int_equal(rig->checkpoint->session_pk, 1);
    assert_false(rig_checkpoint(rig, 1, 1, 2)); /* a second copy: one answer follows */
    assert_false(rig_checkpoint(rig, 1, 9, 3)); /* not its lease */
    assert_false(qr_engine_is_idle(rig->engine));
    rig_done_checkpoint(rig, QR_DB_DONE, false, 2);
    assert_int_equal(rig->n_checkpoint_ack, 1);
    assert_int_equal(rig->acked_number, 2);
    assert_int_equal(rig->acked_stands, 2);
    assert_true(rig_checkpoint(rig, 1, 1, 4));
    rig_done_checkpoint(rig, QR_DB_DONE, false, 2); /* not taken: the worker hears what stands */
    assert_int_equal(rig->acked_number, 4);
    assert_int_equal(rig->acked_stands, 2);
    assert_true(rig_checkpoint(rig, 1, 1, 3));
    rig_done_checkpoint(rig, QR_DB_UNKNOWN, false, 3); /* it is sent again */
    assert_true(rig_checkpoint(rig, 1, 1, 3));
    rig_done_checkpoint(rig, QR_DB_DONE, true, 0); /* stale: a Sync says so, from the database */
    assert_int_equal(rig->n_checkpoint_ack, 2);
    assert_int_equal(rig_stats(rig).checkpoints, 1);
    assert_int_equal(qr_engine_holds(rig->engine, 1, 1), 1001);
    assert_int_equal(qr_engine_holds(rig->engine, 1, 9), 0);
    qr_engine_release(rig->engine, 1, 1, 0, "cp", 2);
    assert_int_equal(rig->back.reason, QR_RETURN_RELEASED);
    assert_int_equal(rig->back.checkpoint_len, 2);
}

static void rule_12_what_breaks_the_protocol_is_ended(void **state)
{
    struct rig *rig = *state;

    qr_engine_stream_open(rig->engine, 1);
    rig_beat(rig, 1, 0, 0, NULL, 0); /* no Hello */
    assert_int_equal(rig->end_reason, QR_END_PROTOCOL);
    rig_hello(rig, 2, 1, 0, NULL, 0);
    rig_welcome(rig, 1, 1, NULL, 0);
    rig_beat(rig, 2, 7, 0, NULL, 0); /* has seen what was not sent */
    assert_int_equal(rig->n_end, 2);
    assert_int_equal(rig->end_reason, QR_END_PROTOCOL);
    rig_hello(rig, 3, 1, 0, NULL, 0);
    rig_hello(rig, 3, 1, 0, NULL, 0); /* a second Hello */
    assert_int_equal(rig->n_end, 3);
    rig_hello(rig, 4, 1, 0, NULL, 0);
    qr_engine_slow_peer(rig->engine, 4);
    assert_int_equal(rig->end_reason, QR_END_SLOW);
}

#define RIG_TEST(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG_TEST(rule_3_every_beat_is_answered_even_with_nothing),
        RIG_TEST(rule_3_a_beat_is_compared_only_with_offers_it_has_seen),
        RIG_TEST(rule_3_a_settling_lease_is_never_compared),
        RIG_TEST(rule_3_what_is_over_is_dropped_what_is_returning_is_not_spoken_of),
        RIG_TEST(rule_3_a_second_copy_of_a_result_is_dropped_and_one_ack_follows),
        RIG_TEST(rule_3_the_ack_goes_to_the_present_stream),
        RIG_TEST(rule_3_frames_of_an_older_stream_are_dropped),
        RIG_TEST(rule_3_a_result_in_doubt_is_asked_for_again),
        RIG_TEST(rule_5_a_beat_keeps_leases_and_silence_ends_them),
        RIG_TEST(rule_5_any_frame_proves_life),
        RIG_TEST(rule_5_a_job_over_its_time_budget_fails_as_timeout),
        RIG_TEST(rule_5_a_kept_lease_is_not_judged_by_what_was_learned_since),
        RIG_TEST(rule_5_a_job_without_progress_fails_as_timeout),
        RIG_TEST(rule_5_long_leases_are_mirrored_and_short_ones_are_not),
        RIG_TEST(rule_1_a_checkpoint_is_answered_when_the_database_has_it),
        RIG_TEST(rule_12_what_breaks_the_protocol_is_ended),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

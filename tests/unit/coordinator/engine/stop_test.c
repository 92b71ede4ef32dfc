/* Rule 10: what people stop, as the engine carries it out. */
#include "tests/unit/coordinator/engine/rig.h"

/* One lease, 1 of job 1001 and run 7, active on stream 1. */
static void one_active(struct rig *rig)
{
    rig->run_id = 7;
    rig_connect(rig, 8);
    rig_claimed(rig, 1, 1);
    rig_accept(rig, 1, 1, 1);
    assert_int_equal(rig_stats(rig).leases_active_now, 1);
}

static void rule_10_pause_reaches_a_running_job(void **state)
{
    struct rig *rig = *state;

    one_active(rig);
    rig_stops(rig, 1001, QR_STOP_PAUSE, 0, QR_STOP_NONE);
    assert_int_equal(rig->n_stop, 1);
    assert_int_equal(rig->stopped, 1);
    assert_int_equal(rig->stop_reason, QR_STOP_PAUSE);
    assert_int_equal(rig->stop_grace_ms, 1000);
    assert_int_equal(rig_stats(rig).leases_stopping_now, 1);
    rig_stops(rig, 1001, QR_STOP_PAUSE, 0, QR_STOP_NONE); /* the next poll says it again */
    assert_int_equal(rig->n_stop, 1);
    qr_engine_release(rig->engine, 1, 1, 0, "half", 4);
    assert_int_equal(rig->n_return, 1);
    assert_int_equal(rig->back.reason, QR_RETURN_STOPPED);
    assert_int_equal(rig->back.checkpoint_len, 4);
    rig_returned(rig, QR_DB_DONE);
    assert_int_equal(rig_stats(rig).stops_released, 1);
    assert_int_equal(rig_stats(rig).leases_returning_now, 0);
}

static void rule_10_the_gate_of_its_run_counts_as_well(void **state)
{
    struct rig *rig = *state;

    one_active(rig);
    rig_stops(rig, 0, QR_STOP_NONE, 8, QR_STOP_CANCEL); /* another run */
    assert_int_equal(rig->n_stop, 0);
    rig_stops(rig, 0, QR_STOP_NONE, 7, QR_STOP_CANCEL);
    assert_int_equal(rig->stop_reason, QR_STOP_CANCEL);
    assert_int_equal(rig->stop_grace_ms, 0);
}

static void rule_10_cancel_outranks_pause(void **state)
{
    struct rig *rig = *state;

    one_active(rig);
    rig_stops(rig, 1001, QR_STOP_PAUSE, 7, QR_STOP_CANCEL);
    assert_int_equal(rig->stop_reason, QR_STOP_CANCEL);
    assert_int_equal(rig->n_stop, 1);
    rig_stops(rig, 1001, QR_STOP_PAUSE, 0, QR_STOP_NONE);
    assert_int_equal(rig->n_stop, 1); /* nothing outranks a cancel */
}

static void rule_10_a_pause_becomes_a_cancel(void **state)
{
    struct rig *rig = *state;

    one_active(rig);
    rig_stops(rig, 1001, QR_STOP_PAUSE, 0, QR_STOP_NONE);
    rig_stops(rig, 1001, QR_STOP_CANCEL, 0, QR_STOP_NONE);
    assert_int_equal(rig->n_stop, 2);
    assert_int_equal(rig->stop_reason, QR_STOP_CANCEL);
    rig_pass(rig, 2000); /* the fence counts from the first Stop */
    assert_int_equal(rig->back.reason, QR_RETURN_FENCED);
}

static void rule_10_silence_after_a_stop_is_fenced(void **state)
{
    struct rig *rig = *state;
    const uint64_t held[] = {1};

    one_active(rig);
    rig_stops(rig, 1001, QR_STOP_CANCEL, 0, QR_STOP_NONE);
    rig_pass(rig, 1900);
    assert_int_equal(rig->n_return, 0);
    rig_beat(rig, 1, rig->seq[1], 1, held, 1); /* it lives, but does not let go */
    rig_pass(rig, 100);
    assert_int_equal(rig->n_return, 1);
    assert_int_equal(rig->back.reason, QR_RETURN_FENCED);
    assert_int_equal(rig->stop_reason, QR_STOP_STALE);
    assert_int_equal(rig_stats(rig).stops_fenced, 1);
    assert_true(rig_stats(rig).stops_ms >= 2000);
    rig_accept(rig, 1, 1, 1); /* nothing revives it */
    assert_int_equal(rig_stats(rig).leases_returning_now, 1);
    rig_returned(rig, QR_DB_FAILED); /* until the database has answered */
    rig_pass(rig, 100);
    assert_int_equal(rig->n_return, 2);
    rig_returned(rig, QR_DB_DONE);
    rig->n_drop = 0;
    rig_beat(rig, 1, rig->seq[1], 1, held, 1);
    assert_int_equal(rig->n_drop, 1);
}

static void rule_10_an_offer_goes_back_at_once(void **state)
{
    struct rig *rig = *state;

    rig->run_id = 7;
    rig_connect(rig, 8);
    rig_claimed(rig, 1, 2);
    rig_stops(rig, 1001, QR_STOP_PAUSE, 0, QR_STOP_NONE);
    assert_int_equal(rig->n_return, 1);
    assert_int_equal(rig->back.n_leases, 1);
    assert_int_equal(rig->back.reason, QR_RETURN_STOPPED);
    assert_int_equal(rig->stop_reason, QR_STOP_STALE); /* its Accept may be on the way */
    assert_int_equal(rig_stats(rig).stops_offers, 1);
    assert_int_equal(rig_stats(rig).leases_offered_now, 1);
}

static void rule_10_a_result_under_way_is_left_to_the_database(void **state)
{
    struct rig *rig = *state;

    one_active(rig);
    assert_false(rig_result(rig, 1, 1));
    rig_stops(rig, 1001, QR_STOP_CANCEL, 0, QR_STOP_NONE);
    rig_pass(rig, 3000);
    assert_int_equal(rig->n_stop, 0);
    assert_int_equal(rig->n_return, 0);
    rig_settled(rig, QR_DB_DONE, QR_ACK_COMMITTED);
    assert_int_equal(rig->ack_code[0], QR_ACK_COMMITTED);
}

static void rule_10_a_result_overtakes_the_fence(void **state)
{
    struct rig *rig = *state;

    one_active(rig);
    rig_stops(rig, 1001, QR_STOP_PAUSE, 0, QR_STOP_NONE);
    assert_false(rig_result(rig, 1, 1)); /* stopping -> settling */
    assert_int_equal(rig_stats(rig).leases_settling_now, 1);
    rig_pass(rig, 2500);
    assert_int_equal(rig->n_return, 0);
    rig_settled(rig, QR_DB_DONE, QR_ACK_STALE);
    assert_int_equal(rig_stats(rig).leases_settling_now, 0);
}

static void rule_10_retry_later_while_stopping(void **state)
{
    struct rig *rig = *state;

    one_active(rig);
    rig_stops(rig, 1001, QR_STOP_PAUSE, 0, QR_STOP_NONE);
    rig_pass(rig, 1500);
    assert_false(rig_result(rig, 1, 1));
    rig_settled(rig, QR_DB_FAILED, 0);
    assert_int_equal(rig->ack_code[0], QR_ACK_RETRY_LATER);
    assert_int_equal(rig_stats(rig).leases_stopping_now, 1); /* not active again */
    rig_pass(rig, 1500);
    assert_int_equal(rig->n_return, 0); /* time to send it again … */
    rig_pass(rig, 500);
    assert_int_equal(rig->back.reason, QR_RETURN_FENCED); /* … but not for ever */
}

static void rule_10_a_reconnect_while_stopping_hears_it_again(void **state)
{
    struct rig *rig = *state;
    const uint64_t held[] = {1};

    one_active(rig);
    rig_stops(rig, 1001, QR_STOP_CANCEL, 0, QR_STOP_NONE);
    qr_engine_stream_closed(rig->engine, 1);
    rig_hello(rig, 2, 1, 8, held, 1);
    rig_welcome(rig, 1, 2, held, 1);
    assert_int_equal(rig->n_stop, 2);
    assert_int_equal(rig->stop_reason, QR_STOP_CANCEL);
    assert_int_equal(rig_stats(rig).leases_stopping_now, 1);
}

static void rule_10_a_hello_at_another_coordinator_hears_it(void **state)
{
    struct rig *rig = *state;
    const uint64_t held[] = {5};

    rig->kept_stop = QR_STOP_PAUSE; /* memory here knows nothing of it */
    rig_hello(rig, 1, 1, 8, held, 1);
    rig_welcome(rig, 1, 4, held, 1);
    assert_int_equal(rig->n_stop, 1);
    assert_int_equal(rig->stopped, 5);
    assert_int_equal(rig->stop_reason, QR_STOP_PAUSE);
}

static void rule_10_an_adopted_lease_is_fenced(void **state)
{
    struct rig *rig = *state;
    const struct qr_kept_lease lease = {
        .lease_id = 9, .job_id = 1009, .run_id = 7, .stop = QR_STOP_CANCEL};
    const struct qr_adopted adopted = {.session_pk = 3,
                                       .attach = 2,
                                       .session = {3},
                                       .worker_id = "w3",
                                       .leases = &lease,
                                       .n_leases = 1};

    qr_engine_adopt(rig->engine, &adopted);
    rig_pass(rig, 1500);
    assert_int_equal(rig->n_return, 0);
    rig_pass(rig, 500);
    assert_int_equal(rig->n_return, 1); /* its worker has not come back: nobody could be told */
    assert_int_equal(rig->back.reason, QR_RETURN_FENCED);
    assert_int_equal(rig->n_stop, 0);
}

static void rule_10_a_last_checkpoint_counts_while_stopping(void **state)
{
    struct rig *rig = *state;

    one_active(rig);
    rig_stops(rig, 1001, QR_STOP_PAUSE, 0, QR_STOP_NONE);
    assert_true(rig_checkpoint(rig, 1, 1, 3));
    assert_int_equal(rig->n_checkpoint, 1);
}

static void rule_10_a_withdrawn_pause_ends_with_the_release(void **state)
{
    struct rig *rig = *state;

    one_active(rig);
    rig_stops(rig, 1001, QR_STOP_PAUSE, 0, QR_STOP_NONE);
    rig_stops(rig, 0, QR_STOP_NONE, 0,
              QR_STOP_NONE); /* resumed: its Release returns it to pending */
    qr_engine_release(rig->engine, 1, 1, 0, NULL, 0);
    assert_int_equal(rig->back.reason, QR_RETURN_STOPPED);
}

static void rule_10_waiting_frames_come_before_the_fence(void **state)
{
    struct rig *rig = *state;

    one_active(rig);
    rig_stops(rig, 1001, QR_STOP_PAUSE, 0, QR_STOP_NONE);
    rig->now += 5000; /* this coordinator was stopped */
    rig_turn(rig);
    assert_int_equal(rig->n_return, 0);
    qr_engine_release(rig->engine, 1, 1, 0, NULL, 0);
    assert_int_equal(rig->back.reason, QR_RETURN_STOPPED);
}

static void rule_11_a_drain_in_the_database_comes_and_goes(void **state)
{
    struct rig *rig = *state;
    const struct qr_session_drain drain = {1, 4000};
    const struct qr_stops asked = {.drains = &drain, .n_drains = 1};
    const struct qr_stops none = {.n_drains = 0};

    rig_connect(rig, 8);
    rig_claim_reply(rig, QR_DB_DONE);
    qr_engine_stops(rig->engine, &asked);
    qr_engine_stops(rig->engine, &asked);
    assert_int_equal(rig->n_drain, 1);
    assert_false(rig->drain_resumed);
    int claims = rig->n_claim;
    rig_pass(rig, 3000);
    assert_int_equal(rig->n_claim, claims);
    qr_engine_stops(rig->engine, &none);
    assert_int_equal(rig->n_drain, 2);
    assert_true(rig->drain_resumed);
    rig_pass(rig, 3000);
    assert_true(rig->n_claim > claims);
}

#define RIG_TEST(f) cmocka_unit_test_setup_teardown(f, rig_setup, rig_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG_TEST(rule_10_pause_reaches_a_running_job),
        RIG_TEST(rule_10_the_gate_of_its_run_counts_as_well),
        RIG_TEST(rule_10_cancel_outranks_pause),
        RIG_TEST(rule_10_a_pause_becomes_a_cancel),
        RIG_TEST(rule_10_silence_after_a_stop_is_fenced),
        RIG_TEST(rule_10_an_offer_goes_back_at_once),
        RIG_TEST(rule_10_a_result_under_way_is_left_to_the_database),
        RIG_TEST(rule_10_a_result_overtakes_the_fence),
        RIG_TEST(rule_10_retry_later_while_stopping),
        RIG_TEST(rule_10_a_reconnect_while_stopping_hears_it_again),
        RIG_TEST(rule_10_a_hello_at_another_coordinator_hears_it),
        RIG_TEST(rule_10_an_adopted_lease_is_fenced),
        RIG_TEST(rule_10_a_last_checkpoint_counts_while_stopping),
        RIG_TEST(rule_10_a_withdrawn_pause_ends_with_the_release),
        RIG_TEST(rule_10_waiting_frames_come_before_the_fence),
        RIG_TEST(rule_11_a_drain_in_the_database_comes_and_goes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

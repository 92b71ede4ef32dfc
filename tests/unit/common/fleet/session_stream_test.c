/* Run it: ctest --preset dev -R session_stream_test */
#include "tests/unit/common/fleet/session_fixture.h"

/* ---- rule 5, 6 */

static void rule_5_a_beat_goes_out_every_interval(void **state)
{
    (void)state;
    peer_welcome(&peer, NULL, 0);
    for (int i = 0; i < 3; i++) {
        peer_pass(&peer, 1999);
        assert_null(peer_take(&peer, KIND(BEAT)));
        assert_int_equal(qr_session_next_deadline(peer.session), peer.now_ms + 1);
        peer_pass(&peer, 1);
        Quarry__V1__WorkerFrame *frame = peer_take(&peer, KIND(BEAT));
        assert_non_null(frame);
        peer_free(frame);
        peer_sync_drop(&peer, 99);
    }
}

static void rule_12_a_silent_stream_is_dropped_after_a_ttl_and_reopened(void **state)
{
    (void)state;
    peer_welcome(&peer, NULL, 0);
    peer_pass(&peer, 8000);
    assert_int_equal(peer.disconnects, 0);
    peer_pass(&peer, 1);
    assert_int_equal(peer.disconnects, 1);
    peer_pass(&peer, 200);
    assert_int_equal(peer.connects, 2);
}

static void rule_12_a_peer_that_does_not_read_is_dropped(void **state)
{
    (void)state;
    peer_welcome(&peer, NULL, 0);
    peer.deaf = true;
    peer_pass(&peer, 2000);
    assert_int_equal(peer.disconnects, 1);
}

static void rule_12_reconnects_back_off_with_jitter_and_try_each_coordinator(void **state)
{
    bool seen[2] = {false, false};
    int64_t longest = 0;
    (void)state;

    for (int i = 0; i < 30; i++) {
        while (peer.stream == 0)
            peer_pass(&peer, 10);
        seen[peer.address[0] == 'b'] = true;
        peer_break(&peer);
        assert_true(peer.lost_delay_ms >= 50 && peer.lost_delay_ms <= 5000);
        longest = peer.lost_delay_ms > longest ? peer.lost_delay_ms : longest;
    }
    assert_true(seen[0] && seen[1]);
    assert_true(longest > 2500);
    peer_welcome(&peer, NULL, 0);
    for (int i = 0; i < 5; i++) { /* a stream that lasts resets the back-off */
        peer_pass(&peer, 2000);
        peer_sync_drop(&peer, 99);
    }
    peer_break(&peer);
    assert_true(peer.lost_delay_ms <= 100);
}

/* ---- rule 10 */

static void rule_10_stop_reaches_running_work_once(void **state)
{
    (void)state;
    peer_welcome(&peer, NULL, 0);
    peer_offer(&peer, 1, "text");
    peer_stop(&peer, 1, STOP(CANCEL));
    peer_stop(&peer, 1, STOP(CANCEL));
    assert_int_equal(peer.n_stops, 1);
    assert_int_equal(peer.stops[0].reason, QR_SESSION_STOP_CANCEL);
    assert_int_equal(qr_session_held(peer.session), 1); /* until the owner answers */
    qr_session_release(peer.session, 1, "cancelled");
    Quarry__V1__WorkerFrame *frame = peer_take(&peer, KIND(RELEASE));
    assert_string_equal(frame->release->reason, "cancelled");
    peer_free(frame);
    assert_int_equal(qr_session_held(peer.session), 0);
}

static void rule_10_a_cancel_follows_a_pause_and_the_fence_both(void **state)
{
    (void)state;
    peer_welcome(&peer, NULL, 0);
    peer_offer(&peer, 1, "text");
    peer_stop(&peer, 1, STOP(CANCEL));
    peer_stop(&peer, 1, STOP(PAUSE)); /* less than what was said */
    assert_int_equal(peer.n_stops, 1);
    peer_offer(&peer, 2, "text");
    peer_stop(&peer, 2, STOP(PAUSE));
    peer_stop(&peer, 2, STOP(CANCEL));
    assert_int_equal(peer.n_stops, 3);
    assert_int_equal(peer.stops[2].reason, QR_SESSION_STOP_CANCEL);
    peer_stop(&peer, 2, STOP(STALE)); /* its time is over there: nobody waits for a Release */
    assert_int_equal(peer.n_stops, 4);
    assert_int_equal(peer.stops[3].reason, QR_SESSION_STOP_STALE);
    assert_int_equal(qr_session_held(peer.session), 1);
}

static void rule_11_a_drain_can_be_undone(void **state)
{
    (void)state;
    peer_welcome(&peer, NULL, 0);
    peer_drain(&peer, false);
    qr_session_stop_offers(peer.session, "draining");
    peer_drain(&peer, true);
    assert_int_equal(peer.drains, 1);
    assert_int_equal(peer.undrains, 1);
    qr_session_take_offers(peer.session);
    peer_offer(&peer, 1, "text");
    assert_int_equal(qr_session_held(peer.session), 1);
}

static void rule_10_a_finished_job_is_not_stopped_and_an_unknown_one_is_released(void **state)
{
    (void)state;
    peer_welcome(&peer, NULL, 0);
    peer_offer(&peer, 1, "text");
    peer_finish(&peer, 1, 10);
    peer_stop(&peer, 1, STOP(PAUSE));
    assert_int_equal(peer.n_stops, 0);
    assert_int_equal(qr_spool_count(peer.spool), 1);
    peer_stop(&peer, 9, STOP(PAUSE));
    Quarry__V1__WorkerFrame *frame = peer_take(&peer, KIND(RELEASE));
    assert_int_equal(frame->release->lease_id, 9);
    peer_free(frame);
}

static void rule_10_stop_stale_forgets_the_lease(void **state)
{
    (void)state;
    peer_welcome(&peer, NULL, 0);
    peer_offer(&peer, 1, "text");
    peer_stop(&peer, 1, STOP(STALE));
    assert_int_equal(peer.stops[0].reason, QR_SESSION_STOP_STALE);
    assert_int_equal(qr_session_held(peer.session), 0);
    assert_null(peer_take(&peer, KIND(RELEASE)));
}

/* ---- rule 11 */

static void rule_11_draining_takes_no_offers_and_gives_no_credit(void **state)
{
    (void)state;
    peer_welcome(&peer, NULL, 0);
    peer_offer(&peer, 1, "text");
    peer_drain(&peer, false);
    assert_int_equal(peer.drains, 1);
    qr_session_stop_offers(peer.session, "draining");
    peer_offer(&peer, 2, "text");
    Quarry__V1__WorkerFrame *frame = peer_take(&peer, KIND(DECLINE));
    assert_string_equal(frame->decline->reason, "draining");
    peer_free(frame);
    peer_finish(&peer, 1, 10);
    assert_int_equal(credit_total(), 0);
    peer_break(&peer);
    peer_drop_frames(&peer, KIND(HELLO));
    peer_welcome(&peer, NULL, 0);
    frame = peer_take(&peer, KIND(HELLO));
    assert_int_equal(frame->hello->credits->total, frame->hello->received_total);
    peer_free(frame);
}

static void rule_11_goodbye_ends_the_session_with_the_answer_or_without(void **state)
{
    (void)state;
    peer_welcome(&peer, NULL, 0);
    qr_session_goodbye(peer.session, "drained");
    Quarry__V1__WorkerFrame *frame = peer_take(&peer, KIND(GOODBYE));
    assert_string_equal(frame->goodbye->reason, "drained");
    peer_free(frame);
    assert_false(peer.over);
    peer_end(&peer, END(GOODBYE), 0);
    assert_true(peer.over);
    assert_int_equal(peer.over_code, QR_OK);

    peer_restart(&peer, 2);
    peer_welcome(&peer, NULL, 0);
    qr_session_goodbye(peer.session, "drained");
    peer_pass(&peer, 2000); /* nobody answers */
    assert_true(peer.over);

    peer_restart(&peer, 2);
    qr_session_goodbye(peer.session, "drained"); /* nobody there */
    assert_true(peer.over);
}

/* ---- the session's end, the session's other coordinators */

static void restarting_reconnects_without_back_off_to_the_address_given(void **state)
{
    (void)state;
    peer_welcome(&peer, NULL, 0);
    peer_restarting(&peer, "c:3");
    assert_int_equal(peer.connects, 2);
    assert_string_equal(peer.address, "c:3");
    peer_welcome(&peer, NULL, 0);
    peer_restarting(&peer, NULL);
    assert_int_equal(peer.connects, 3);
    assert_string_equal(peer.address, "a:1");
}

static void a_replaced_process_stops(void **state)
{
    (void)state;
    peer_welcome(&peer, NULL, 0);
    peer_end(&peer, END(REPLACED), 0);
    assert_true(peer.over);
    assert_int_equal(peer.over_code, QR_E_STALE);
    peer_pass(&peer, 60000);
    assert_int_equal(peer.connects, 1);
}

static void a_counter_too_low_is_raised_by_a_process_never_welcomed(void **state)
{
    (void)state;
    peer_pass(&peer, 0);
    peer_drop_frames(&peer, KIND(HELLO));
    peer_end(&peer, END(LOWER_COUNTER), 40);
    assert_int_equal(peer.connects, 2);
    Quarry__V1__WorkerFrame *frame = peer_take(&peer, KIND(HELLO));
    assert_int_equal(frame->hello->start_counter, 41);
    peer_free(frame);
    assert_int_equal(qr_spool_start_counter(peer.spool), 41);
}

static void a_counter_too_low_stops_a_process_that_was_welcomed(void **state)
{
    (void)state;
    peer_welcome(&peer, NULL, 0);
    peer_break(&peer);
    for (int i = 0; i < 50 && peer.stream == 0; i++)
        peer_pass(&peer, 100);
    peer_end(&peer, END(LOWER_COUNTER), 40);
    assert_true(peer.over);
    assert_int_equal(peer.over_code, QR_E_STALE);
    assert_int_equal(qr_spool_start_counter(peer.spool), 1);
}

static void other_ends_reconnect_after_a_while(void **state)
{
    static const Quarry__V1__EndReason reasons[] = {END(PROTOCOL), END(NOT_RENEWED), END(SLOW),
                                                    END(UNSPECIFIED)};
    (void)state;

    for (size_t i = 0; i < QR_COUNT(reasons); i++) {
        peer_welcome(&peer, NULL, 0);
        peer_end(&peer, reasons[i], 0);
        assert_false(peer.over);
        assert_true(peer.lost_delay_ms > 0);
        assert_int_equal(qr_session_get_state(peer.session), QR_SESSION_WAITING);
    }
}

static void garbage_ends_the_stream_not_the_session(void **state)
{
    static const uint8_t garbage[] = {0xFF, 0xFF, 0xFF, 0xFF, 0xFF};
    (void)state;

    peer_welcome(&peer, NULL, 0);
    qr_session_frame(peer.session, peer.stream, garbage, sizeof garbage);
    assert_int_equal(peer.disconnects, 1);
    assert_int_equal(qr_session_get_state(peer.session), QR_SESSION_WAITING);
}

static void a_pile_of_results_without_an_answer_stops_the_credit(void **state)
{
    (void)state;
    peer_close(&peer);
    peer_open(&peer, 2);
    peer_welcome(&peer, NULL, 0);
    for (uint64_t i = 1; i <= QR_SESSION_UNSETTLED_MAX; i++) {
        peer_offer(&peer, i, "text");
        peer_finish(&peer, i, 1);
        if (i % 100 == 0)
            peer_drop_frames(&peer, KIND(RESULT));
    }
    peer_drop_frames(&peer, KIND(RESULT));
    peer_offer(&peer, 5000, "text");
    Quarry__V1__WorkerFrame *frame = peer_take(&peer, KIND(DECLINE));
    assert_non_null(frame);
    peer_free(frame);
    assert_int_equal(credit_total(), 0);
    frame = take_beat(); /* on_send checks that it fits a frame */
    assert_int_equal(frame->beat->n_leases, QR_SESSION_UNSETTLED_MAX);
    peer_free(frame);
    peer_ack(&peer, 1, ACK(COMMITTED));
    assert_int_equal(credit_total(), QR_SESSION_UNSETTLED_MAX + 1 + 4);
    peer_break(&peer); /* and the Hello that names them all fits one too */
    peer_welcome(&peer, NULL, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(rule_5_a_beat_goes_out_every_interval),
        TEST(rule_12_a_silent_stream_is_dropped_after_a_ttl_and_reopened),
        TEST(rule_12_a_peer_that_does_not_read_is_dropped),
        TEST(rule_12_reconnects_back_off_with_jitter_and_try_each_coordinator),
        TEST(rule_10_stop_reaches_running_work_once),
        TEST(rule_10_a_finished_job_is_not_stopped_and_an_unknown_one_is_released),
        TEST(rule_10_stop_stale_forgets_the_lease),
        TEST(rule_10_a_cancel_follows_a_pause_and_the_fence_both),
        TEST(rule_11_a_drain_can_be_undone),
        TEST(rule_11_draining_takes_no_offers_and_gives_no_credit),
        TEST(rule_11_goodbye_ends_the_session_with_the_answer_or_without),
        TEST(restarting_reconnects_without_back_off_to_the_address_given),
        TEST(a_replaced_process_stops),
        TEST(a_counter_too_low_is_raised_by_a_process_never_welcomed),
        TEST(a_counter_too_low_stops_a_process_that_was_welcomed),
        TEST(other_ends_reconnect_after_a_while),
        TEST(garbage_ends_the_stream_not_the_session),
        TEST(a_pile_of_results_without_an_answer_stops_the_credit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

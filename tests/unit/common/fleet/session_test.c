/* Run it: ctest --preset dev -R session_test */
#include "tests/unit/common/fleet/session_fixture.h"

/* ---- Hello */

static void hello_comes_first_and_says_who_and_what(void **state)
{
    (void)state;
    peer_pass(&peer, 0);
    assert_int_equal(peer.n_frames, 1);
    Quarry__V1__WorkerFrame *frame = peer_take(&peer, KIND(HELLO));
    const Quarry__V1__Hello *hello = frame->hello;
    assert_string_equal(hello->worker_id, "w1");
    assert_int_equal(hello->session.len, 16);
    assert_int_equal(hello->start_counter, 1);
    assert_int_equal(hello->slots, 2);
    assert_int_equal(hello->credits->total, 4); /* slots and as many ahead */
    assert_int_equal(hello->credits->n_per_type, 1);
    assert_string_equal(hello->credits->per_type[0]->type, "pdf");
    assert_int_equal(hello->credits->per_type[0]->count, 2);
    assert_string_equal(hello->roots[0], "in");
    assert_string_equal(hello->labels[0]->key, "rack");
    assert_string_equal(hello->labels[0]->value, "7");
    peer_free(frame);
}

static void nothing_but_hello_is_sent_before_the_welcome(void **state)
{
    (void)state;
    peer_pass(&peer, 0);
    peer_pass(&peer, 3000);
    assert_int_equal(peer.n_frames, 1);
}

/* ---- rule 13 */

static void rule_13_credit_is_given_back_once_when_the_slot_is_free(void **state)
{
    (void)state;
    peer_welcome(&peer, NULL, 0);
    peer_offer(&peer, 1, "text");
    assert_int_equal(credit_total(), 0); /* not on receiving */
    peer_finish(&peer, 1, 10);
    assert_int_equal(credit_total(), 5);
    peer_ack(&peer, 1, ACK(COMMITTED)); /* nor again on the Ack, … */
    assert_int_equal(credit_total(), 0);
    peer_offer(&peer, 2, "text");
    qr_session_release(peer.session, 2, "x");
    qr_session_flush(peer.session);
    peer_sync_drop(&peer, 2); /* … nor when the coordinator drops what was handed back */
    assert_int_equal(credit_total(), 6);
}

static void rule_13_beat_and_hello_carry_the_offers_received(void **state)
{
    const uint64_t kept[] = {2};
    (void)state;

    peer_welcome(&peer, NULL, 0);
    peer_offer(&peer, 1, "text");
    peer_offer(&peer, 2, "pdf");
    peer_finish(&peer, 1, 10);
    Quarry__V1__WorkerFrame *frame = take_beat();
    assert_int_equal(frame->beat->received_total, 2);
    assert_int_equal(frame->beat->n_received, 2);
    assert_int_equal(frame->beat->received[0]->count, 1);
    peer_free(frame);
    peer_break(&peer);
    peer_drop_frames(&peer, KIND(HELLO));
    peer_welcome(&peer, kept, 1);
    frame = peer_take(&peer, KIND(HELLO));
    assert_int_equal(frame->hello->received_total, 2);
    assert_int_equal(frame->hello->credits->total, 5);
    peer_free(frame);
}

static void rule_13_an_offer_made_twice_takes_no_slot(void **state)
{
    (void)state;
    peer_welcome(&peer, NULL, 0);
    peer_offer(&peer, 1, "text");
    peer_offer(&peer, 1, "text");
    assert_int_equal(peer.offered, 1);
    assert_int_equal(qr_session_held(peer.session), 1);
    assert_int_equal(credit_total(), 5);
    Quarry__V1__WorkerFrame *frame = take_beat();
    assert_int_equal(frame->beat->received_total, 2);
    peer_free(frame);
}

static void rule_13_declined_offers_give_their_credit_back(void **state)
{
    (void)state;
    peer.decline = true;
    peer_welcome(&peer, NULL, 0);
    peer_offer(&peer, 1, "text");
    peer_offer(&peer, 2, "no such type");
    Quarry__V1__WorkerFrame *frame = peer_take(&peer, KIND(DECLINE));
    assert_int_equal(frame->decline->lease_id[0], 1);
    peer_free(frame);
    assert_int_equal(peer.offered, 1);
    assert_int_equal(credit_total(), 6);
    assert_int_equal(qr_session_held(peer.session), 0);
}

/* ---- rule 2 */

static void rule_2_offers_of_one_turn_are_accepted_in_one_frame(void **state)
{
    Quarry__V1__CoordinatorFrame frame = QUARRY__V1__COORDINATOR_FRAME__INIT;
    Quarry__V1__Offer body = QUARRY__V1__OFFER__INIT;
    Quarry__V1__Lease leases[3];
    Quarry__V1__Lease *list[3];
    (void)state;

    peer_welcome(&peer, NULL, 0);
    for (uint64_t i = 0; i < 3; i++) {
        leases[i] = (Quarry__V1__Lease)QUARRY__V1__LEASE__INIT;
        leases[i].lease_id = i + 1;
        leases[i].type = (char *)"text";
        list[i] = &leases[i];
    }
    body.n_leases = 3;
    body.leases = list;
    frame.body_case = QUARRY__V1__COORDINATOR_FRAME__BODY_OFFER;
    frame.offer = &body;
    peer_send(&peer, peer.stream, ++peer.seq, &frame);
    Quarry__V1__WorkerFrame *accept = peer_take(&peer, KIND(ACCEPT));
    assert_int_equal(accept->accept->n_lease_id, 3);
    peer_free(accept);
    assert_null(peer_take(&peer, KIND(ACCEPT)));
}

static void rule_2_an_unanswered_offer_dies_with_its_stream(void **state)
{
    (void)state;
    peer.hold_offers = true;
    peer_welcome(&peer, NULL, 0);
    peer_offer(&peer, 1, "text");
    peer_break(&peer);
    assert_int_equal(peer.n_stops, 1);
    assert_int_equal(peer.stops[0].reason, QR_SESSION_STOP_STALE);
    peer_drop_frames(&peer, KIND(HELLO));
    peer_welcome(&peer, NULL, 0);
    Quarry__V1__WorkerFrame *frame = peer_take(&peer, KIND(HELLO));
    assert_int_equal(frame->hello->n_running, 0);
    assert_int_equal(frame->hello->credits->total, 5);
    peer_free(frame);
}

/* ---- rule 3 */

static void rule_3_beat_names_every_lease_without_a_final_ack(void **state)
{
    (void)state;
    peer_welcome(&peer, NULL, 0);
    peer_offer(&peer, 1, "text");
    peer_offer(&peer, 2, "text");
    peer_offer(&peer, 3, "text");
    const struct qr_session_progress progress = {.phase =
                                                     QUARRY__V1__LEASE_PHASE__LEASE_PHASE_RUNNING,
                                                 .permille = 500,
                                                 .done = 20,
                                                 .total = 40,
                                                 .started_ms = peer.now_ms - 3000};
    qr_session_progress(peer.session, 2, &progress);
    peer_finish(&peer, 3, 10);
    Quarry__V1__WorkerFrame *frame = take_beat();
    assert_int_equal(frame->beat->n_leases, 3);
    assert_int_equal(frame->beat->seen, 4); /* Welcome and three offers */
    assert_int_equal(frame->beat->leases[0]->phase, QUARRY__V1__LEASE_PHASE__LEASE_PHASE_QUEUED);
    assert_int_equal(frame->beat->leases[0]->started_ms_ago, 0);
    assert_int_equal(frame->beat->leases[1]->progress_permille, 500);
    assert_int_equal(frame->beat->leases[1]->done, 20);
    assert_int_equal(frame->beat->leases[1]->total, 40);
    assert_true(frame->beat->leases[1]->started_ms_ago >= 5000);
    assert_int_equal(frame->beat->leases[2]->phase, QUARRY__V1__LEASE_PHASE__LEASE_PHASE_FINISHED);
    assert_int_equal(frame->beat->children, 3);
    peer_free(frame);
    peer_ack(&peer, 3, ACK(COMMITTED));
    frame = take_beat();
    assert_int_equal(frame->beat->n_leases, 2);
    peer_free(frame);
}

static void rule_3_sync_stops_running_work_and_frees_the_slot(void **state)
{
    (void)state;
    peer_welcome(&peer, NULL, 0);
    peer_offer(&peer, 1, "text");
    peer_sync_drop(&peer, 1);
    assert_int_equal(peer.n_stops, 1);
    assert_int_equal(peer.stops[0].reason, QR_SESSION_STOP_STALE);
    assert_int_equal(qr_session_held(peer.session), 0);
    assert_int_equal(credit_total(), 5);
    peer_finish(&peer, 1, 10); /* what comes of it anyway is of no interest */
    assert_int_equal(qr_spool_count(peer.spool), 0);
    assert_int_equal(peer_count_results(&peer, 1), 0);
}

static void rule_3_a_spooled_result_whose_lease_sync_drops_is_sent_again_at_once(void **state)
{
    (void)state;
    peer_welcome(&peer, NULL, 0);
    peer_offer(&peer, 1, "text");
    peer_finish(&peer, 1, 10);
    assert_int_equal(peer_count_results(&peer, 1), 1);
    peer_sync_drop(&peer, 1);
    assert_int_equal(peer_count_results(&peer, 1), 2);
    assert_int_equal(qr_spool_count(peer.spool), 1); /* only an Ack removes it */
    assert_int_equal(peer.n_stops, 0);
}

static void rule_3_a_result_without_an_ack_is_sent_again_after_the_deadline(void **state)
{
    (void)state;
    peer_welcome(&peer, NULL, 0);
    peer_offer(&peer, 1, "text");
    peer_finish(&peer, 1, 10);
    peer_pass(&peer, 4000);
    peer_sync_drop(&peer, 99); /* the coordinator lives */
    assert_int_equal(peer_count_results(&peer, 1), 1);
    peer_pass(&peer, 1000);
    assert_int_equal(peer_count_results(&peer, 1), 2);
}

static void rule_3_a_full_queue_is_not_filled_with_copies(void **state)
{
    (void)state;
    peer_welcome(&peer, NULL, 0);
    peer_offer(&peer, 1, "text");
    peer_offer(&peer, 2, "text");
    peer_finish(&peer, 1, 10);
    peer.room = 0;
    peer_finish(&peer, 2, 10);
    for (int i = 0; i < 10; i++) {
        peer_pass(&peer, 2000);
        peer_sync_drop(&peer, 99);
    }
    assert_int_equal(peer_count_results(&peer, 1), 1);
    peer.room = -1;
    qr_session_writable(peer.session, peer.stream);
    peer_pass(&peer, 0);
    assert_int_equal(peer_count_results(&peer, 2), 1);
}

static void rule_3_frames_of_a_stream_that_was_left_are_ignored(void **state)
{
    Quarry__V1__CoordinatorFrame frame = QUARRY__V1__COORDINATOR_FRAME__INIT;
    Quarry__V1__Sync body = QUARRY__V1__SYNC__INIT;
    const uint64_t kept[] = {1};
    uint64_t drop = 1;
    (void)state;

    peer_welcome(&peer, NULL, 0);
    uint64_t old = peer.stream;
    peer_offer(&peer, 1, "text");
    peer_break(&peer);
    peer_welcome(&peer, kept, 1);
    body.n_drop = 1;
    body.drop = &drop;
    frame.body_case = QUARRY__V1__COORDINATOR_FRAME__BODY_SYNC;
    frame.sync = &body;
    peer_send(&peer, old, 99, &frame);
    assert_int_equal(peer.n_stops, 0);
    peer_send(&peer, peer.stream, 1, &frame); /* a number that was there: a copy */
    assert_int_equal(peer.n_stops, 0);
    peer_send(&peer, peer.stream, 2, &frame);
    assert_int_equal(peer.n_stops, 1);
}

static void rule_3_a_lease_expected_but_not_held_is_handed_back(void **state)
{
    (void)state;
    peer_welcome(&peer, NULL, 0);
    peer_offer(&peer, 1, "text");
    peer_sync_expect(&peer, 1);
    assert_null(peer_take(&peer, KIND(RELEASE)));
    peer_sync_expect(&peer, 7);
    Quarry__V1__WorkerFrame *frame = peer_take(&peer, KIND(RELEASE));
    assert_int_equal(frame->release->lease_id, 7);
    peer_free(frame);
}

/* ---- rule 4 */

static void rule_4_only_a_final_ack_removes_a_result(void **state)
{
    static const struct {
        Quarry__V1__AckCode code;
        size_t left;
    } cases[] = {{ACK(RETRY_LATER), 1}, {ACK(UNSPECIFIED), 1}, {ACK(COMMITTED), 0},
                 {ACK(DUPLICATE), 0},   {ACK(STALE), 0},       {ACK(REJECTED), 0}};
    (void)state;

    peer_welcome(&peer, NULL, 0);
    for (size_t i = 0; i < QR_COUNT(cases); i++) {
        uint64_t lease = 10 + i;
        peer_offer(&peer, lease, "text");
        peer_finish(&peer, lease, 10);
        assert_int_equal(qr_spool_size(peer.spool, lease) > 0, 1);
        peer_ack(&peer, lease, cases[i].code);
        assert_int_equal(qr_spool_size(peer.spool, lease) > 0, cases[i].left);
    }
}

static void rule_4_retry_later_waits_and_sends_again(void **state)
{
    (void)state;
    peer_welcome(&peer, NULL, 0);
    peer_offer(&peer, 1, "text");
    peer_finish(&peer, 1, 10);
    peer_ack(&peer, 1, ACK(RETRY_LATER));
    peer_pass(&peer, 4900);
    assert_int_equal(peer_count_results(&peer, 1), 1);
    peer_pass(&peer, 100);
    assert_int_equal(peer_count_results(&peer, 1), 2);
}

static void rule_4_a_reconnect_names_running_and_spooled_work_apart(void **state)
{
    const uint64_t kept[] = {1};
    (void)state;

    peer_welcome(&peer, NULL, 0);
    peer_offer(&peer, 1, "text");
    peer_offer(&peer, 2, "text");
    peer_offer(&peer, 3, "text");
    peer_finish(&peer, 3, 10);
    peer_break(&peer);
    peer_drop_frames(&peer, KIND(HELLO));
    peer_welcome(&peer, kept, 1); /* 2 was given to somebody else meanwhile */
    Quarry__V1__WorkerFrame *frame = peer_take(&peer, KIND(HELLO));
    assert_int_equal(frame->hello->n_running, 2);
    assert_int_equal(frame->hello->n_spooled, 1);
    assert_int_equal(frame->hello->spooled[0]->lease_id, 3);
    assert_int_equal(frame->hello->spooled[0]->job_id, 1003);
    peer_free(frame);
    assert_int_equal(peer.n_stops, 1);
    assert_int_equal(peer.stops[0].lease_id, 2);
    assert_int_equal(peer_count_results(&peer, 3), 1); /* sent on the new stream */
}

static void rule_4_results_survive_the_process(void **state)
{
    (void)state;
    peer_welcome(&peer, NULL, 0);
    peer_offer(&peer, 1, "text");
    peer_offer(&peer, 2, "text");
    qr_session_started(peer.session, 1);
    qr_session_started(peer.session, 2);
    peer_finish(&peer, 1, 10);
    peer_restart(&peer, 2);
    peer_pass(&peer, 0);
    Quarry__V1__WorkerFrame *frame = peer_take(&peer, KIND(HELLO));
    assert_int_equal(frame->hello->start_counter, 2);
    assert_int_equal(frame->hello->n_running, 0);
    assert_int_equal(frame->hello->n_spooled, 1);
    assert_int_equal(frame->hello->spooled[0]->lease_id, 1);
    assert_int_equal(frame->hello->cluster_epoch.len, 5);
    /* rule 7: what was running when the process died is a suspect */
    assert_int_equal(frame->hello->n_earlier_starts, 1);
    assert_int_equal(frame->hello->earlier_starts[0]->job_id, 1002);
    peer_free(frame);
    peer_welcome(&peer, NULL, 0);
    assert_int_equal(peer_count_results(&peer, 1), 1);
    assert_int_equal(credit_total(), 0); /* no credit for a result of an earlier life */
    peer_ack(&peer, 1, ACK(STALE));
    peer_restart(&peer, 2);
    peer_pass(&peer, 0);
    frame = peer_take(&peer, KIND(HELLO));
    assert_int_equal(frame->hello->n_spooled, 0);
    assert_int_equal(frame->hello->n_earlier_starts, 0); /* told once */
    peer_free(frame);
}

static void rule_1_results_of_another_cluster_epoch_are_void(void **state)
{
    const uint64_t kept[] = {2};
    (void)state;

    peer_welcome(&peer, NULL, 0);
    peer_offer(&peer, 1, "text");
    peer_offer(&peer, 2, "text");
    peer_finish(&peer, 1, 10);
    peer_break(&peer);
    peer_drop_frames(&peer, KIND(HELLO));
    (void)kept;
    peer_welcome_epoch(&peer, "restored");
    assert_int_equal(peer_count_results(&peer, 1), 0);
    assert_int_equal(qr_spool_count(peer.spool), 0);
    assert_int_equal(peer.stops[0].lease_id, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(hello_comes_first_and_says_who_and_what),
        TEST(nothing_but_hello_is_sent_before_the_welcome),
        TEST(rule_13_credit_is_given_back_once_when_the_slot_is_free),
        TEST(rule_13_beat_and_hello_carry_the_offers_received),
        TEST(rule_13_an_offer_made_twice_takes_no_slot),
        TEST(rule_13_declined_offers_give_their_credit_back),
        TEST(rule_2_offers_of_one_turn_are_accepted_in_one_frame),
        TEST(rule_2_an_unanswered_offer_dies_with_its_stream),
        TEST(rule_3_beat_names_every_lease_without_a_final_ack),
        TEST(rule_3_sync_stops_running_work_and_frees_the_slot),
        TEST(rule_3_a_spooled_result_whose_lease_sync_drops_is_sent_again_at_once),
        TEST(rule_3_a_result_without_an_ack_is_sent_again_after_the_deadline),
        TEST(rule_3_a_full_queue_is_not_filled_with_copies),
        TEST(rule_3_frames_of_a_stream_that_was_left_are_ignored),
        TEST(rule_3_a_lease_expected_but_not_held_is_handed_back),
        TEST(rule_4_only_a_final_ack_removes_a_result),
        TEST(rule_4_retry_later_waits_and_sends_again),
        TEST(rule_4_a_reconnect_names_running_and_spooled_work_apart),
        TEST(rule_4_results_survive_the_process),
        TEST(rule_1_results_of_another_cluster_epoch_are_void),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Run it: ctest --preset dev -R session_test */
#include "tests/unit/common/fleet/peer.h"

#include <stdlib.h>

#define KIND(name) QUARRY__V1__WORKER_FRAME__BODY_##name
#define ACK(name) QUARRY__V1__ACK_CODE__ACK_CODE_##name
#define END(name) QUARRY__V1__END_REASON__END_REASON_##name
#define STOP(name) QUARRY__V1__STOP_REASON__STOP_REASON_##name

static struct peer peer;

static int setup(void **state)
{
    (void)state;
    peer_open(&peer, 2);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    peer_close(&peer);
    return 0;
}

static uint64_t credit_total(void)
{
    uint64_t total = 0;
    Quarry__V1__WorkerFrame *frame;
    while ((frame = peer_take(&peer, KIND(CREDITS)))) {
        assert_true(frame->credits->total > total); /* it only grows */
        total = frame->credits->total;
        peer_free(frame);
    }
    return total;
}

static Quarry__V1__WorkerFrame *take_beat(void)
{
    peer_drop_frames(&peer, KIND(BEAT));
    peer_pass(&peer, 2000);
    Quarry__V1__WorkerFrame *frame = peer_take(&peer, KIND(BEAT));
    assert_non_null(frame);
    return frame;
}

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
    qr_session_progress(peer.session, 2, QUARRY__V1__LEASE_PHASE__LEASE_PHASE_RUNNING, 500,
                        peer.now_ms - 3000);
    peer_finish(&peer, 3, 10);
    Quarry__V1__WorkerFrame *frame = take_beat();
    assert_int_equal(frame->beat->n_leases, 3);
    assert_int_equal(frame->beat->seen, 4); /* Welcome and three offers */
    assert_int_equal(frame->beat->leases[0]->phase, QUARRY__V1__LEASE_PHASE__LEASE_PHASE_QUEUED);
    assert_int_equal(frame->beat->leases[0]->started_ms_ago, 0);
    assert_int_equal(frame->beat->leases[1]->progress_permille, 500);
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

/* ---- results on the wire */

static void a_large_record_goes_in_chunks_before_its_result(void **state)
{
    uint8_t record[200000] = {0};
    size_t at = 0;
    Quarry__V1__WorkerFrame *frame;
    (void)state;

    peer_welcome(&peer, NULL, 0);
    peer_offer(&peer, 1, "text");
    peer_finish(&peer, 1, sizeof record);
    while ((frame = peer_take(&peer, KIND(RESULT_CHUNK)))) {
        const Quarry__V1__ResultChunk *chunk = frame->result_chunk;
        assert_int_equal(chunk->lease_id, 1);
        assert_int_equal(chunk->offset, at);
        assert_true(chunk->data.len <= sizeof record - at);
        memcpy(record + at, chunk->data.data, chunk->data.len);
        at += chunk->data.len;
        peer_free(frame);
    }
    assert_int_equal(at, sizeof record);
    for (size_t i = 0; i < sizeof record; i++)
        assert_int_equal(record[i], (uint8_t)(i * 31 + 1));
    frame = peer_take(&peer, KIND(RESULT));
    assert_int_equal(frame->result->results[0]->record_bytes, sizeof record);
    assert_int_equal(frame->result->results[0]->record.len, 0);
    assert_int_equal(frame->result->results[0]->record_sha256.len, 32);
    peer_free(frame);
}

static void a_chunked_record_starts_anew_when_it_is_sent_again(void **state)
{
    (void)state;
    peer_welcome(&peer, NULL, 0);
    peer_offer(&peer, 1, "text");
    peer.room = 2; /* and then the stream breaks */
    peer_finish(&peer, 1, 200000);
    peer_break(&peer);
    peer.room = -1;
    peer_drop_frames(&peer, KIND(HELLO));
    peer_welcome(&peer, NULL, 0);
    peer_pass(&peer, 5000); /* and once more after the deadline */
    size_t begins = 0;
    for (size_t i = 0; i < peer.n_frames; i++)
        begins += peer.frames[i]->body_case == KIND(RESULT_CHUNK) &&
                  peer.frames[i]->result_chunk->offset == 0;
    assert_int_equal(begins, 2);
    assert_int_equal(peer_count_results(&peer, 1), 2);
}

static void small_results_travel_together_and_in_bulk(void **state)
{
    (void)state;
    peer_close(&peer);
    peer_open(&peer, 128);
    peer_welcome(&peer, NULL, 0);
    for (uint64_t i = 1; i <= 200; i++)
        peer_offer(&peer, i, "text");
    peer_drop_frames(&peer, KIND(ACCEPT));
    for (uint64_t i = 1; i <= 200; i++) {
        uint8_t record[20] = {0};
        const struct qr_session_result result = {
            .lease_id = i, .record = record, .record_bytes = sizeof record};
        qr_session_result(peer.session, &result);
    }
    qr_session_flush(peer.session);
    size_t results = 0;
    for (size_t i = 0; i < peer.n_frames; i++) {
        bool is_result = peer.frames[i]->body_case == KIND(RESULT);
        assert_int_equal(peer.bulk[i], is_result); /* control overtakes it */
        results += is_result;
    }
    assert_int_equal(results, 1);
    for (uint64_t i = 1; i <= 200; i++)
        assert_int_equal(peer_count_results(&peer, i), 1);
}

static void results_that_do_not_fit_one_frame_take_several(void **state)
{
    (void)state;
    peer_close(&peer);
    peer_open(&peer, 16);
    peer_welcome(&peer, NULL, 0);
    for (uint64_t i = 1; i <= 16; i++)
        peer_offer(&peer, i, "text");
    peer.room = 0;
    for (uint64_t i = 1; i <= 16; i++)
        peer_finish(&peer, i, 40 << 10); /* the largest that still travels inside its result */
    peer.room = -1;
    qr_session_writable(peer.session, peer.stream);
    qr_session_flush(peer.session);
    for (uint64_t i = 1; i <= 16; i++)
        assert_int_equal(peer_count_results(&peer, i), 1); /* on_send checks the frame's size */
}

static void a_record_the_coordinator_would_not_take_is_a_failure(void **state)
{
    (void)state;
    peer_welcome(&peer, NULL, 0);
    peer_offer(&peer, 1, "text");
    peer_finish(&peer, 1, (1 << 20) + 1);
    Quarry__V1__WorkerFrame *frame = peer_take(&peer, KIND(RESULT));
    const Quarry__V1__JobResult *result = frame->result->results[0];
    assert_int_equal(result->error->class_, QUARRY__V1__ERROR_CLASS__ERROR_CLASS_UNSUPPORTED);
    assert_non_null(strstr(result->error->message, "too large"));
    assert_int_equal(result->record_bytes, 0);
    peer_free(frame);
}

static void a_failure_carries_class_and_message(void **state)
{
    const struct qr_session_result failure = {.lease_id = 1,
                                              .cls = QR_CLASS_TIMEOUT,
                                              .message = "too slow\xFF\xC3\xA4",
                                              .retry_after_ms = 7};
    (void)state;

    peer_welcome(&peer, NULL, 0);
    peer_offer(&peer, 1, "text");
    qr_session_result(peer.session, &failure);
    qr_session_flush(peer.session);
    Quarry__V1__WorkerFrame *frame = peer_take(&peer, KIND(RESULT));
    assert_int_equal(frame->result->results[0]->error->class_, QR_CLASS_TIMEOUT);
    assert_string_equal(frame->result->results[0]->error->message, "too slow?\xC3\xA4");
    assert_int_equal(frame->result->results[0]->retry_after_ms, 7);
    assert_int_equal(frame->result->results[0]->job_id, 1001);
    peer_free(frame);
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
    peer_drain(&peer);
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

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

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
        TEST(rule_5_a_beat_goes_out_every_interval),
        TEST(rule_12_a_silent_stream_is_dropped_after_a_ttl_and_reopened),
        TEST(rule_12_a_peer_that_does_not_read_is_dropped),
        TEST(rule_12_reconnects_back_off_with_jitter_and_try_each_coordinator),
        TEST(a_large_record_goes_in_chunks_before_its_result),
        TEST(a_chunked_record_starts_anew_when_it_is_sent_again),
        TEST(small_results_travel_together_and_in_bulk),
        TEST(results_that_do_not_fit_one_frame_take_several),
        TEST(a_record_the_coordinator_would_not_take_is_a_failure),
        TEST(a_failure_carries_class_and_message),
        TEST(rule_10_stop_reaches_running_work_once),
        TEST(rule_10_a_finished_job_is_not_stopped_and_an_unknown_one_is_released),
        TEST(rule_10_stop_stale_forgets_the_lease),
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

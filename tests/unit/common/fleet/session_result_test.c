/* Run it: ctest --preset dev -R session_result_test */
#include "tests/unit/common/fleet/session_fixture.h"

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
                                              .retry_after_ms = 7,
                                              .final = true};
    (void)state;

    peer_welcome(&peer, NULL, 0);
    peer_offer(&peer, 1, "text");
    qr_session_result(peer.session, &failure);
    qr_session_flush(peer.session);
    Quarry__V1__WorkerFrame *frame = peer_take(&peer, KIND(RESULT));
    assert_int_equal(frame->result->results[0]->error->class_, QR_CLASS_TIMEOUT);
    assert_string_equal(frame->result->results[0]->error->message, "too slow?\xC3\xA4");
    assert_int_equal(frame->result->results[0]->retry_after_ms, 7);
    assert_true(frame->result->results[0]->error->final);
    assert_int_equal(frame->result->results[0]->job_id, 1001);
    peer_free(frame);
}

/* Found jobs lie in the spool inside the result, beside a record of any size, in one frame. */
static void what_was_found_travels_with_the_result(void **state)
{
    static struct qr_session_found found[300];
    static char uris[300][200];
    static uint8_t record[40 << 10];
    struct qr_session_result result = {.lease_id = 1,
                                       .record = record,
                                       .record_bytes = sizeof record,
                                       .found = found,
                                       .n_found = 2};
    (void)state;

    for (size_t i = 0; i < QR_COUNT(found); i++) {
        snprintf(uris[i], sizeof uris[i], "root://in/%0180zu", i);
        found[i] = (struct qr_session_found){
            .uri = uris[i], .type = "dxf", .bytes = i, .modified_ms = 1600000000000};
    }
    peer_welcome(&peer, NULL, 0);
    for (uint64_t i = 1; i <= 4; i++)
        peer_offer(&peer, i, "text");
    qr_session_result(peer.session, &result); /* both do not fit one frame: the record in chunks */
    qr_session_flush(peer.session);
    Quarry__V1__WorkerFrame *frame = peer_take(&peer, KIND(RESULT));
    const Quarry__V1__JobResult *got = frame->result->results[0];
    assert_int_equal(got->n_found, 2);
    assert_string_equal(got->found[1]->uri, uris[1]);
    assert_string_equal(got->found[1]->type, "dxf");
    assert_int_equal(got->found[1]->bytes, 1);
    assert_int_equal(got->found[1]->modified_ms, 1600000000000);
    assert_int_equal(got->record_bytes, sizeof record);
    assert_int_equal(got->found_left_out, 0);
    assert_null(got->found_error);
    peer_free(frame);

    result = (struct qr_session_result){
        .lease_id = 2, .found = found, .n_found = 300, .found_left_out = 0};
    qr_session_result(peer.session, &result);
    qr_session_flush(peer.session);
    frame = peer_take(&peer, KIND(RESULT)); /* on_send checks the frame's size */
    got = frame->result->results[0];
    assert_in_range(got->n_found, 100, 256);
    assert_int_equal(got->found_left_out, 300 - got->n_found);
    assert_int_equal(got->found_error->class_, QR_CLASS_RESOURCE);
    peer_free(frame);

    result = (struct qr_session_result){.lease_id = 3,
                                        .found_left_out = 7,
                                        .found_class = QR_CLASS_CONNECTION,
                                        .found_why = "the share is silent"};
    qr_session_result(peer.session, &result);
    qr_session_flush(peer.session);
    frame = peer_take(&peer, KIND(RESULT));
    got = frame->result->results[0];
    assert_int_equal(got->found_left_out, 7);
    assert_int_equal(got->found_error->class_, QR_CLASS_CONNECTION);
    assert_string_equal(got->found_error->message, "the share is silent");
    peer_free(frame);

    result = (struct qr_session_result){
        .lease_id = 4, .cls = QR_CLASS_CRASH, .message = "it died", .found = found, .n_found = 2};
    qr_session_result(peer.session, &result);
    qr_session_flush(peer.session);
    frame = peer_take(&peer, KIND(RESULT));
    assert_int_equal(frame->result->results[0]->n_found, 0); /* of a failure nothing counts */
    peer_free(frame);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_large_record_goes_in_chunks_before_its_result),
        TEST(a_chunked_record_starts_anew_when_it_is_sent_again),
        TEST(small_results_travel_together_and_in_bulk),
        TEST(results_that_do_not_fit_one_frame_take_several),
        TEST(a_record_the_coordinator_would_not_take_is_a_failure),
        TEST(a_failure_carries_class_and_message),
        TEST(what_was_found_travels_with_the_result),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

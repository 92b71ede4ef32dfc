/* Run it: ctest --preset dev -R session_checkpoint_test
 * Checkpoints of the worker's side: what is finished is sent until it is answered, once at a time.
 */
#include "tests/unit/common/fleet/session_fixture.h"

static void keep(uint64_t lease_id, const char *state, const char *part, bool anew)
{
    const struct qr_session_checkpoint given = {.state = (const uint8_t *)state,
                                                .state_len = strlen(state),
                                                .part = (const uint8_t *)part,
                                                .part_len = strlen(part),
                                                .anew = anew};
    qr_session_checkpoint(peer.session, lease_id, &given);
    qr_session_flush(peer.session);
}

/* The next Checkpoint frame has this number, state and part (in it). */
static void expect(uint64_t number, const char *state, const char *part, bool anew)
{
    Quarry__V1__WorkerFrame *frame = peer_take(&peer, KIND(CHECKPOINT));
    assert_non_null(frame);
    assert_int_equal(frame->checkpoint->number, number);
    assert_int_equal(frame->checkpoint->data.len, strlen(state));
    assert_memory_equal(frame->checkpoint->data.data, state, strlen(state));
    assert_int_equal(frame->checkpoint->part.len, strlen(part));
    assert_memory_equal(frame->checkpoint->part.data, part, strlen(part));
    assert_int_equal(frame->checkpoint->anew, anew);
    peer_free(frame);
}

static void expect_none(void) { assert_null(peer_take(&peer, KIND(CHECKPOINT))); }

static void rule_1_one_at_a_time_later_work_is_put_behind(void **state)
{
    (void)state;
    peer_welcome(&peer, NULL, 0);
    peer_offer_checkpoint(&peer, 1, 6, 0);
    keep(1, "at 10", "pages 1-10;", true);
    expect(7, "at 10", "pages 1-10;", true); /* one more than the Offer's */
    keep(1, "at 20", "11-20;", false);
    keep(1, "at 30", "21-30;", false);
    expect_none();
    peer_checkpoint_ack(&peer, 1, 6, 6); /* the answer to something earlier */
    expect_none();
    peer_checkpoint_ack(&peer, 1, 7, 7);
    expect(8, "at 30", "11-20;21-30;", false);
    peer_checkpoint_ack(&peer, 1, 7, 7); /* doubled */
    expect_none();
    peer_checkpoint_ack(&peer, 1, 8, 8);
    expect_none();
    peer_finish(&peer, 1, 10);
    keep(1, "late", "late", false); /* the result has it all */
    expect_none();
}

static void rule_1_a_lost_checkpoint_is_sent_again(void **state)
{
    const uint64_t kept[] = {1};

    (void)state;
    peer_welcome(&peer, NULL, 0);
    peer_offer(&peer, 1, "text");
    keep(1, "at 10", "1-10;", true);
    expect(1, "at 10", "1-10;", true);
    peer_break(&peer);
    peer_welcome(&peer, kept, 1);
    expect(1, "at 10", "1-10;", true); /* on the new stream */
    for (int i = 0; i < 12; i++) {
        peer_sync_expect(&peer, 99); /* the stream lives */
        peer_pass(&peer, 1000);
    }
    expect(1, "at 10", "1-10;", true); /* no answer for resend_ms */
    peer_drop_frames(&peer, KIND(CHECKPOINT));
    peer_checkpoint_ack(&peer, 1, 1, 1);
    keep(1, "at 20", "11-20;", false);
    expect(2, "at 20", "11-20;", false);
}

static void what_is_not_taken_ends_the_keeping(void **state)
{
    (void)state;
    peer_welcome(&peer, NULL, 0);
    peer_offer(&peer, 1, "text");
    keep(1, "a", "1", true);
    expect(1, "a", "1", true);
    keep(1, "b", "2", false);
    peer_checkpoint_ack(&peer, 1, 1, 0); /* full: what comes later would leave a hole */
    expect_none();
    keep(1, "c", "3", false);
    expect_none();
    peer_finish(&peer, 1, 10);
    assert_int_equal(peer_count_results(&peer, 1), 1); /* the job does not suffer */
}

static void rule_10_a_release_waits_for_the_answer(void **state)
{
    (void)state;
    peer_welcome(&peer, NULL, 0);
    peer_offer(&peer, 1, "text");
    peer_offer(&peer, 2, "text");
    keep(1, "a", "1", true);
    keep(2, "a", "1", true);
    uint64_t before = credit_total();
    qr_session_release(peer.session, 1, "paused");
    qr_session_release(peer.session, 2, "paused");
    qr_session_flush(peer.session);
    assert_null(peer_take(&peer, KIND(RELEASE)));
    assert_int_equal(credit_total(), (before ? before : 4) + 2); /* the slots are free at once */
    assert_int_equal(qr_session_held(peer.session), 0);
    Quarry__V1__WorkerFrame *frame = take_beat(); /* 2 s later: as long as it waits */
    assert_int_equal(frame->beat->n_leases, 0);
    peer_free(frame);
    for (uint64_t lease_id = 1; lease_id <= 2; lease_id++) {
        frame = peer_take(&peer, KIND(RELEASE));
        assert_non_null(frame);
        assert_int_equal(frame->release->lease_id, lease_id);
        assert_string_equal(frame->release->reason, "paused");
        peer_free(frame);
    }
    peer_offer(&peer, 3, "text");
    keep(3, "a", "1", true);
    qr_session_release(peer.session, 3, "drain");
    qr_session_flush(peer.session);
    assert_null(peer_take(&peer, KIND(RELEASE)));
    peer_checkpoint_ack(&peer, 3, 1, 1);
    frame = peer_take(&peer, KIND(RELEASE));
    assert_non_null(frame); /* as soon as it stands */
    peer_free(frame);
    peer_offer(&peer, 4, "text");
    keep(4, "a", "1", true);
    qr_session_release(peer.session, 4, "drain");
    peer_sync_drop(&peer, 4); /* over meanwhile: nobody works on it any more */
    assert_int_equal(peer.n_stops, 0);
    peer_pass(&peer, 2000);
    assert_null(peer_take(&peer, KIND(RELEASE)));
    assert_int_equal(credit_total(), 4 + 4); /* given back once each */
}

static void large_parts_travel_in_pieces_behind_control(void **state)
{
    static uint8_t part[200000];
    const struct qr_session_checkpoint given = {.state = (const uint8_t *)"s",
                                                .state_len = 1,
                                                .part = part,
                                                .part_len = sizeof part,
                                                .anew = true};
    Quarry__V1__WorkerFrame *frame;
    size_t have = 0;

    (void)state;
    for (size_t i = 0; i < sizeof part; i++)
        part[i] = (uint8_t)(i % 251);
    peer_welcome(&peer, NULL, 0);
    peer_offer(&peer, 1, "text");
    peer.room = 2;
    qr_session_checkpoint(peer.session, 1, &given);
    qr_session_flush(peer.session);
    expect_none(); /* not complete without its part */
    peer.room = -1;
    qr_session_writable(peer.session, peer.stream);
    qr_session_flush(peer.session);
    while ((frame = peer_take(&peer, KIND(PART_CHUNK)))) {
        assert_int_equal(frame->part_chunk->offset, have);
        assert_int_equal(frame->part_chunk->number, 1);
        assert_memory_equal(frame->part_chunk->data.data, part + have, frame->part_chunk->data.len);
        have += frame->part_chunk->data.len;
        peer_free(frame);
    }
    assert_int_equal(have, sizeof part);
    frame = peer_take(&peer, KIND(CHECKPOINT));
    assert_non_null(frame);
    assert_int_equal(frame->checkpoint->part_bytes, sizeof part);
    peer_free(frame);
}

static void rule_12_what_waits_is_bounded(void **state)
{
    static uint8_t part[8 << 20];
    const struct qr_session_checkpoint given = {
        .state = (const uint8_t *)"s", .state_len = 1, .part = part, .part_len = sizeof part};

    (void)state;
    peer_welcome(&peer, NULL, 0);
    peer_offer(&peer, 1, "text");
    peer.room = 0;
    for (int i = 0; i < 6; i++)
        qr_session_checkpoint(peer.session, 1, &given);
    peer.room = -1;
    qr_session_writable(peer.session, peer.stream);
    qr_session_flush(peer.session);
    expect_none(); /* given up, not kept without end */
    peer_finish(&peer, 1, 10);
    assert_int_equal(peer_count_results(&peer, 1), 1);
}

/* ---- parts of an earlier lease */

static uint64_t asked(void)
{
    Quarry__V1__WorkerFrame *frame = peer_take(&peer, KIND(PARTS_REQUEST));
    assert_non_null(frame);
    uint64_t offset = frame->parts_request->offset;
    peer_free(frame);
    return offset;
}

static void parts_are_fetched_piece_by_piece(void **state)
{
    const uint64_t kept[] = {1};

    (void)state;
    peer_welcome(&peer, NULL, 0);
    peer_offer_checkpoint(&peer, 1, 3, 100000);
    assert_false(qr_session_fetch_parts(peer.session, 2));
    assert_true(qr_session_fetch_parts(peer.session, 1));
    qr_session_flush(peer.session);
    assert_int_equal(asked(), 0);
    peer_parts_chunk(&peer, 1, 0, 40000, false);
    peer_parts_chunk(&peer, 1, 0, 40000, false);    /* doubled */
    peer_parts_chunk(&peer, 1, 50000, 100, false);  /* out of order */
    peer_parts_chunk(&peer, 1, 40000, 20000, true); /* so much at a time */
    assert_int_equal(asked(), 60000);
    peer_break(&peer);
    peer_welcome(&peer, kept, 1);
    assert_int_equal(asked(), 60000); /* goes on there */
    assert_int_equal(peer.parts_calls, 0);
    peer_parts_chunk(&peer, 1, 60000, 40000, true);
    assert_int_equal(peer.parts_calls, 1);
    assert_int_equal(peer.parts_len, 100000);
    for (size_t i = 0; i < peer.parts_len; i++)
        assert_int_equal(peer.parts[i], i % 251);
}

static void parts_that_cannot_be_had(void **state)
{
    (void)state;
    peer_welcome(&peer, NULL, 0);
    peer_offer_checkpoint(&peer, 1, 3, 1000);
    assert_true(qr_session_fetch_parts(peer.session, 1));
    qr_session_flush(peer.session);
    peer_parts_chunk(&peer, 1, 0, 0, true); /* none there */
    assert_int_equal(peer.parts_calls, 1);
    assert_int_equal(peer.parts_len, 0);
    peer_offer_checkpoint(&peer, 2, 3, 1000);
    assert_true(qr_session_fetch_parts(peer.session, 2));
    for (int i = 0; i < 30 && peer.parts_calls == 1; i++) {
        peer_sync_expect(&peer, 99);
        peer_pass(&peer, 1000);
    }
    assert_int_equal(peer.parts_calls, 2); /* nobody answers: it begins anew */
    assert_int_equal(peer.parts_len, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(rule_1_one_at_a_time_later_work_is_put_behind),
        TEST(rule_1_a_lost_checkpoint_is_sent_again),
        TEST(what_is_not_taken_ends_the_keeping),
        TEST(rule_10_a_release_waits_for_the_answer),
        TEST(large_parts_travel_in_pieces_behind_control),
        TEST(rule_12_what_waits_is_bounded),
        TEST(parts_are_fetched_piece_by_piece),
        TEST(parts_that_cannot_be_had),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Run it: ctest --preset dev -R hot_test */
#include <stdlib.h>

#include "coordinator/engine/types.h"
#include "coordinator/service/hot.h"
#include "quarry/v1/fleet.pb-c.h"
#include "tests/harness/test.h"

static uint8_t ours[65536], theirs[65536];

/* Both encoders say the same, byte for byte. */
static void assert_same(size_t len, Quarry__V1__CoordinatorFrame *frame)
{
    assert_int_equal(len, quarry__v1__coordinator_frame__get_packed_size(frame));
    quarry__v1__coordinator_frame__pack(frame, theirs);
    assert_memory_equal(ours, theirs, len);
}

static void an_offer_is_what_the_general_code_writes(void **state)
{
    struct qr_offer offers[3] = {{.lease_id = 1, .job_id = 300, .uri = "root://a/b.dxf"},
                                 {.lease_id = UINT64_MAX, .job_id = 1, .uri = "noop:1"},
                                 {.lease_id = 7, .job_id = 8, .uri = ""}};
    Quarry__V1__Lease leases[3];
    Quarry__V1__Lease *ptrs[3];
    Quarry__V1__Offer body = QUARRY__V1__OFFER__INIT;
    Quarry__V1__CoordinatorFrame frame = QUARRY__V1__COORDINATOR_FRAME__INIT;
    (void)state;

    offers[0].type = offers[1].type = qr_type_intern("hot-test");
    offers[1].run_id = 77;
    offers[1].attempt = 2;
    offers[1].bytes = 1 << 20;
    offers[1].modified_ms = -5;
    offers[1].budget_ms = 300000;
    offers[1].progress_budget_ms = 120000;
    offers[1].alone = true;
    for (int i = 0; i < 3; i++) {
        quarry__v1__lease__init(&leases[i]);
        leases[i].lease_id = offers[i].lease_id;
        leases[i].job_id = offers[i].job_id;
        leases[i].run_id = offers[i].run_id;
        leases[i].uri = (char *)offers[i].uri;
        leases[i].type = (char *)qr_type_name(offers[i].type);
        leases[i].attempt = offers[i].attempt;
        leases[i].bytes = offers[i].bytes;
        leases[i].modified_ms = offers[i].modified_ms;
        leases[i].budget_ms = offers[i].budget_ms;
        leases[i].progress_budget_ms = offers[i].progress_budget_ms;
        leases[i].alone = offers[i].alone;
        ptrs[i] = &leases[i];
    }
    body.leases = ptrs;
    body.n_leases = 3;
    frame.seq = 12345;
    frame.body_case = QUARRY__V1__COORDINATOR_FRAME__BODY_OFFER;
    frame.offer = &body;
    assert_same(qr_hot_put_offer(ours, sizeof ours, 12345, offers, 3), &frame);
}

static void what_is_not_plain_is_left_to_the_general_code(void **state)
{
    struct qr_offer options = {.lease_id = 1, .uri = "a", .options_json = "{\"a\":\"b\"}"};
    struct qr_offer checkpoint = {
        .lease_id = 1, .uri = "a", .checkpoint = "x", .checkpoint_len = 1};
    struct qr_offer parts = {.lease_id = 1, .uri = "a", .part_bytes = 9};
    struct qr_offer escaped = {.lease_id = 1, .uri = "root://a/%C3%BC.dxf"};
    struct qr_offer plain = {.lease_id = 1, .uri = "a"};
    struct qr_ack rejected = {.lease_id = 1, .code = QR_ACK_REJECTED, .message = "no"};
    (void)state;

    assert_int_equal(qr_hot_put_offer(ours, sizeof ours, 1, &options, 1), 0);
    assert_int_equal(qr_hot_put_offer(ours, sizeof ours, 1, &checkpoint, 1), 0);
    assert_int_equal(qr_hot_put_offer(ours, sizeof ours, 1, &parts, 1), 0);
    assert_int_equal(qr_hot_put_offer(ours, sizeof ours, 1, &escaped, 1), 0);
    assert_int_equal(qr_hot_put_offer(ours, 100, 1, &plain, 1), 0);
    assert_int_equal(qr_hot_put_ack(ours, sizeof ours, 1, &rejected, 1), 0);
}

/* Who gives one of these messages a field tells hot.c of it (the Offer, the Sync and an Ack's entry
 * are written there; what is read there and new is left to the general code by itself), then this.
 */
static void the_fields_that_are_written_are_all_there_are(void **state)
{
    (void)state;
    assert_int_equal(quarry__v1__lease__descriptor.n_fields, 16);
    assert_int_equal(quarry__v1__sync__descriptor.n_fields, 4);
    assert_int_equal(quarry__v1__lease_ack__descriptor.n_fields, 3);
}

static void acks_and_syncs_are_what_the_general_code_writes(void **state)
{
    const struct qr_ack acks[2] = {{.lease_id = 5, .code = QR_ACK_COMMITTED},
                                   {.lease_id = 1ULL << 40, .code = QR_ACK_RETRY_LATER}};
    Quarry__V1__LeaseAck parts[2] = {QUARRY__V1__LEASE_ACK__INIT, QUARRY__V1__LEASE_ACK__INIT};
    Quarry__V1__LeaseAck *ptrs[2] = {&parts[0], &parts[1]};
    Quarry__V1__Ack ack = QUARRY__V1__ACK__INIT;
    Quarry__V1__Sync sync = QUARRY__V1__SYNC__INIT;
    Quarry__V1__CoordinatorFrame frame = QUARRY__V1__COORDINATOR_FRAME__INIT;
    uint64_t drop[2] = {3, 1000};
    uint64_t expected[1] = {9};
    (void)state;

    for (int i = 0; i < 2; i++) {
        parts[i].lease_id = acks[i].lease_id;
        parts[i].code = (Quarry__V1__AckCode)acks[i].code;
    }
    ack.acks = ptrs;
    ack.n_acks = 2;
    frame.seq = 2;
    frame.body_case = QUARRY__V1__COORDINATOR_FRAME__BODY_ACK;
    frame.ack = &ack;
    assert_same(qr_hot_put_ack(ours, sizeof ours, 2, acks, 2), &frame);

    sync.seen = 77;
    sync.drop = drop;
    sync.n_drop = 2;
    sync.expected = expected;
    sync.n_expected = 1;
    frame.body_case = QUARRY__V1__COORDINATOR_FRAME__BODY_SYNC;
    frame.sync = &sync;
    sync.beat_ms = 4000;
    assert_same(qr_hot_put_sync(ours, sizeof ours, 2, 77, 4000, drop, 2, expected, 1), &frame);
    sync.n_drop = sync.n_expected = 0;
    sync.beat_ms = 0;
    assert_same(qr_hot_put_sync(ours, sizeof ours, 2, 77, 0, NULL, 0, NULL, 0), &frame);
}

static size_t pack(Quarry__V1__WorkerFrame *frame)
{
    return quarry__v1__worker_frame__pack(frame, theirs);
}

static void frames_of_workers_are_read(void **state)
{
    struct qr_hot_frame hot = {0};
    Quarry__V1__WorkerFrame frame = QUARRY__V1__WORKER_FRAME__INIT;
    Quarry__V1__Accept accept = QUARRY__V1__ACCEPT__INIT;
    Quarry__V1__Credits credits = QUARRY__V1__CREDITS__INIT;
    Quarry__V1__Result result = QUARRY__V1__RESULT__INIT;
    Quarry__V1__JobResult results[2] = {QUARRY__V1__JOB_RESULT__INIT, QUARRY__V1__JOB_RESULT__INIT};
    Quarry__V1__JobResult *ptrs[2] = {&results[0], &results[1]};
    Quarry__V1__Failure failure = QUARRY__V1__FAILURE__INIT;
    uint64_t leases[200];
    (void)state;

    for (uint64_t i = 0; i < 200; i++)
        leases[i] = i * i * i;
    accept.lease_id = leases;
    accept.n_lease_id = 200;
    frame.body_case = QUARRY__V1__WORKER_FRAME__BODY_ACCEPT;
    frame.accept = &accept;
    assert_int_equal(qr_hot_take(&hot, theirs, pack(&frame)), QR_HOT_ACCEPT);
    assert_int_equal(hot.n, 200);
    assert_memory_equal(hot.leases, leases, sizeof leases);

    credits.total = 99;
    frame.body_case = QUARRY__V1__WORKER_FRAME__BODY_CREDITS;
    frame.credits = &credits;
    assert_int_equal(qr_hot_take(&hot, theirs, pack(&frame)), QR_HOT_CREDITS);
    assert_int_equal(hot.credits.total, 99);

    results[0].lease_id = 5;
    results[0].job_id = 6;
    results[1].lease_id = 7;
    results[1].record.data = (uint8_t *)"record";
    results[1].record.len = 6;
    results[1].duration_ms = 1234;
    result.results = ptrs;
    result.n_results = 2;
    frame.body_case = QUARRY__V1__WORKER_FRAME__BODY_RESULT;
    frame.result = &result;
    assert_int_equal(qr_hot_take(&hot, theirs, pack(&frame)), QR_HOT_RESULT);
    assert_int_equal(hot.n, 2);
    assert_int_equal(hot.results[0].job_id, 6);
    assert_int_equal(hot.results[1].duration_ms, 1234);
    assert_int_equal(hot.results[1].record_len, 6);
    assert_memory_equal(hot.results[1].record, "record", 6);

    results[0].error = &failure; /* not plain */
    assert_int_equal(qr_hot_take(&hot, theirs, pack(&frame)), QR_HOT_NONE);
    results[0].error = NULL;
    results[0].record_bytes = 100000;
    assert_int_equal(qr_hot_take(&hot, theirs, pack(&frame)), QR_HOT_NONE);
    results[0].record_bytes = 0;
    Quarry__V1__FoundJob found = QUARRY__V1__FOUND_JOB__INIT, *list[] = {&found};
    results[0].found = list; /* jobs that were found: the general code's */
    results[0].n_found = 1;
    assert_int_equal(qr_hot_take(&hot, theirs, pack(&frame)), QR_HOT_NONE);
    results[0].n_found = 0;
    results[0].found_left_out = 1;
    assert_int_equal(qr_hot_take(&hot, theirs, pack(&frame)), QR_HOT_NONE);
    qr_hot_done(&hot);
}

static void beats_are_read(void **state)
{
    struct qr_hot_frame hot = {0};
    qr_type_id type = qr_type_intern("hot-test");
    Quarry__V1__WorkerFrame frame = QUARRY__V1__WORKER_FRAME__INIT;
    Quarry__V1__Beat beat = QUARRY__V1__BEAT__INIT;
    Quarry__V1__LeaseState lease = QUARRY__V1__LEASE_STATE__INIT;
    Quarry__V1__LeaseState *leases[] = {&lease};
    Quarry__V1__TypeCount count = QUARRY__V1__TYPE_COUNT__INIT;
    Quarry__V1__TypeCount *counts[] = {&count};
    (void)state;

    lease.lease_id = 17;
    lease.phase = QUARRY__V1__LEASE_PHASE__LEASE_PHASE_RUNNING;
    lease.progress_permille = 500;
    lease.started_ms_ago = 100000;
    lease.done = 20;
    lease.total = 5000;
    count.type = (char *)"hot-test";
    count.count = 12;
    beat.seen = 3;
    beat.received = counts;
    beat.n_received = 1;
    beat.received_total = 13;
    beat.leases = leases;
    beat.n_leases = 1;
    beat.load = 0.75;
    beat.disk_free_bytes = 1 << 30;
    beat.children = 4;
    beat.rss_bytes = 5000;
    frame.body_case = QUARRY__V1__WORKER_FRAME__BODY_BEAT;
    frame.beat = &beat;
    assert_int_equal(qr_hot_take(&hot, theirs, pack(&frame)), QR_HOT_BEAT);
    assert_int_equal(hot.beat.seen, 3);
    assert_int_equal(hot.beat.n_received, 1);
    assert_int_equal(hot.beat.received[0].type, type);
    assert_int_equal(hot.beat.received[0].count, 12);
    assert_int_equal(hot.beat.received_total, 13);
    assert_int_equal(hot.beat.n_leases, 1);
    assert_int_equal(hot.beat.leases[0].lease_id, 17);
    assert_int_equal(hot.beat.leases[0].phase, QR_PHASE_RUNNING);
    assert_int_equal(hot.beat.leases[0].permille, 500);
    assert_int_equal(hot.beat.leases[0].started_ms_ago, 100000);
    assert_int_equal(hot.beat.leases[0].done, 20);
    assert_int_equal(hot.beat.leases[0].total, 5000);
    assert_true(hot.beat.load > 0.74 && hot.beat.load < 0.76);
    assert_int_equal(hot.beat.disk_free_bytes, 1 << 30);
    assert_int_equal(hot.beat.rss_bytes, 5000);

    count.type = (char *)"never-heard-of"; /* a Beat makes no types */
    assert_int_equal(qr_hot_take(&hot, theirs, pack(&frame)), QR_HOT_BEAT);
    assert_int_equal(hot.beat.n_received, 0);
    assert_int_equal(qr_type_find("never-heard-of"), 0);
    qr_hot_done(&hot);
}

static void a_field_of_another_kind_is_refused(void **state)
{
    static const uint8_t frames[][16] = {
        {0x2a, 9, 0x09, 1, 2, 3, 4, 5, 6, 7, 8}, /* Beat.seen, fixed */
        {0x2a, 2, 0x28, 1},                      /* Beat.load, a varint */
        {0x12, 5, 0x15, 1, 2, 3, 4},             /* Credits.total, fixed */
        {0x4a, 7, 0x0a, 5, 0x0d, 1, 2, 3, 4},    /* JobResult.lease_id, fixed */
    };
    struct qr_hot_frame hot = {0};
    (void)state;

    for (size_t i = 0; i < QR_COUNT(frames); i++) {
        size_t len = 2u + frames[i][1];
        assert_int_equal(qr_hot_take(&hot, frames[i], len), QR_HOT_NONE);
        assert_null(quarry__v1__worker_frame__unpack(NULL, len, frames[i]));
    }
    qr_hot_done(&hot);
}

/* Every beginning of a frame, and every frame with one byte changed, is read or refused; ASan
 * watches. What is read was readable to the general code too. */
static void broken_frames_are_refused(void **state)
{
    struct qr_hot_frame hot = {0};
    static const uint8_t frame[] = {0x4a, 14, 10, 12, 8, 5, 16, 6, 34, 2, 'a', 'b', 56, 1, 64, 9};
    (void)state;

    for (size_t len = 0; len < sizeof frame; len++) {
        uint8_t *exact = malloc(len ? len : 1);
        assert_non_null(exact);
        memcpy(exact, frame, len);
        assert_int_equal(qr_hot_take(&hot, exact, len), QR_HOT_NONE);
        free(exact);
    }
    assert_int_equal(qr_hot_take(&hot, frame, sizeof frame), QR_HOT_RESULT);
    for (size_t at = 0; at < sizeof frame; at++)
        for (unsigned value = 0; value < 256; value++) {
            uint8_t *exact = malloc(sizeof frame);
            assert_non_null(exact);
            memcpy(exact, frame, sizeof frame);
            exact[at] = (uint8_t)value;
            enum qr_hot_kind kind = qr_hot_take(&hot, exact, sizeof frame);
            Quarry__V1__WorkerFrame *other =
                quarry__v1__worker_frame__unpack(NULL, sizeof frame, exact);
            if (kind != QR_HOT_NONE)
                assert_non_null(other);
            if (other)
                quarry__v1__worker_frame__free_unpacked(other, NULL);
            free(exact);
        }
    qr_hot_done(&hot);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_offer_is_what_the_general_code_writes),
        cmocka_unit_test(what_is_not_plain_is_left_to_the_general_code),
        cmocka_unit_test(the_fields_that_are_written_are_all_there_are),
        cmocka_unit_test(acks_and_syncs_are_what_the_general_code_writes),
        cmocka_unit_test(frames_of_workers_are_read),
        cmocka_unit_test(beats_are_read),
        cmocka_unit_test(a_field_of_another_kind_is_refused),
        cmocka_unit_test(broken_frames_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

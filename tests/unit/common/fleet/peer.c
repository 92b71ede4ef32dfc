#include "tests/unit/common/fleet/peer.h"

#include <stdlib.h>
#include <unistd.h>

#define COORDINATOR_FRAME QUARRY__V1__COORDINATOR_FRAME__INIT
#define BODY(name) QUARRY__V1__COORDINATOR_FRAME__BODY_##name

/* ---- port */

static void on_connect(void *ctx, uint64_t stream, const char *address)
{
    struct peer *peer = ctx;
    peer->connects++;
    peer->stream = stream;
    peer->seq = 0;
    snprintf(peer->address, sizeof peer->address, "%s", address);
}

static void on_disconnect(void *ctx, uint64_t stream)
{
    struct peer *peer = ctx;
    assert_int_equal(stream, peer->stream);
    peer->disconnects++;
    peer->stream = 0;
}

static int on_send(void *ctx, uint64_t stream, bool bulk, const uint8_t *frame, size_t len)
{
    struct peer *peer = ctx;

    assert_int_equal(stream, peer->stream);
    assert_true(len <= 64 << 10); /* the protocol's limit */
    if (bulk ? peer->room == 0 : peer->deaf)
        return QR_E_LIMIT;
    peer->room -= bulk && peer->room > 0;
    assert_true(peer->n_frames < PEER_FRAMES_MAX);
    Quarry__V1__WorkerFrame *message = quarry__v1__worker_frame__unpack(NULL, len, frame);
    assert_non_null(message);
    peer->bulk[peer->n_frames] = bulk;
    peer->frames[peer->n_frames++] = message;
    return QR_OK;
}

static void on_offer(void *ctx, const Quarry__V1__Lease *lease)
{
    struct peer *peer = ctx;

    peer->offered++;
    if (peer->decline)
        qr_session_decline(peer->session, lease->lease_id, "test");
    else if (!peer->hold_offers)
        qr_session_accept(peer->session, lease->lease_id);
}

static void on_stop(void *ctx, uint64_t lease_id, enum qr_session_stop reason, uint32_t grace_ms)
{
    struct peer *peer = ctx;
    (void)grace_ms;
    assert_true(peer->n_stops < PEER_STOPS_MAX);
    peer->stops[peer->n_stops++] = (struct peer_stop){lease_id, reason};
}

static void on_parts(void *ctx, uint64_t lease_id, const uint8_t *data, size_t len)
{
    struct peer *peer = ctx;
    (void)lease_id;
    assert_in_range(len, 0, sizeof peer->parts);
    peer->parts_calls++;
    peer->parts_len = len;
    if (len > 0)
        memcpy(peer->parts, data, len);
}

static void on_drain(void *ctx, uint32_t grace_ms, const char *reason)
{
    struct peer *peer = ctx;
    (void)grace_ms;
    (void)reason;
    peer->drains++;
}

static void on_undrain(void *ctx)
{
    struct peer *peer = ctx;
    peer->undrains++;
}

static void on_vitals(void *ctx, struct qr_session_vitals *ret)
{
    (void)ctx;
    ret->children = 3;
}

static void on_lost(void *ctx, const char *address, const char *why, int64_t delay_ms)
{
    struct peer *peer = ctx;
    (void)address;
    assert_true(why[0] != '\0');
    peer->stream = 0;
    peer->lost_delay_ms = delay_ms;
}

static void on_over(void *ctx, int code, const char *message)
{
    struct peer *peer = ctx;
    (void)message;
    assert_false(peer->over);
    peer->over = true;
    peer->over_code = code;
}

/* ---- life */

static void open_session(struct peer *peer, uint32_t slots)
{
    static const struct qr_session_type types[] = {{"text", 0}, {"pdf", 1}};
    static const char *const coordinators[] = {"a:1", "b:2"};
    static const char *const roots[] = {"in"};
    static const char *const labels[] = {"rack=7"};
    static uint8_t lives;
    const struct qr_session_port port = {.ctx = peer,
                                         .connect = on_connect,
                                         .disconnect = on_disconnect,
                                         .send = on_send,
                                         .offer = on_offer,
                                         .stop = on_stop,
                                         .parts = on_parts,
                                         .drain = on_drain,
                                         .undrain = on_undrain,
                                         .vitals = on_vitals,
                                         .lost = on_lost,
                                         .over = on_over};
    const struct qr_spool_config spool = {.dir = peer->dir, .max_bytes = 64 << 20};
    struct qr_session_config config = {.worker_id = "w1",
                                       .seed = 42,
                                       .host = "h",
                                       .os = "linux",
                                       .arch = "x86_64",
                                       .version = "1",
                                       .types = types,
                                       .n_types = QR_COUNT(types),
                                       .roots = roots,
                                       .n_roots = QR_COUNT(roots),
                                       .labels = labels,
                                       .n_labels = QR_COUNT(labels),
                                       .coordinators = coordinators,
                                       .n_coordinators = QR_COUNT(coordinators),
                                       .slots = slots,
                                       .prefetch = slots};
    struct qr_err err = {0};

    config.session[0] = ++lives;
    assert_ok(qr_spool_open(&spool, &peer->spool, &err), &err);
    assert_ok(qr_session_new(&config, &port, peer->spool, peer->now_ms, &peer->session, &err),
              &err);
}

static void close_session(struct peer *peer)
{
    peer_drop_frames(peer, QUARRY__V1__WORKER_FRAME__BODY__NOT_SET);
    qr_session_free(peer->session);
    qr_spool_free(peer->spool);
    peer->stream = 0;
}

void peer_open(struct peer *peer, uint32_t slots)
{
    memset(peer, 0, sizeof *peer);
    snprintf(peer->dir, sizeof peer->dir, "/tmp/quarry-peer-XXXXXX");
    assert_non_null(mkdtemp(peer->dir));
    peer->now_ms = 1000000;
    peer->room = -1;
    open_session(peer, slots);
}

void peer_restart(struct peer *peer, uint32_t slots)
{
    close_session(peer);
    peer->over = false;
    peer->n_stops = 0;
    open_session(peer, slots);
}

void peer_close(struct peer *peer)
{
    char command[128];

    close_session(peer);
    snprintf(command, sizeof command, "rm -rf '%s'", peer->dir);
    assert_int_equal(system(command), 0);
}

void peer_pass(struct peer *peer, int64_t ms)
{
    peer->now_ms += ms;
    qr_session_set_now(peer->session, peer->now_ms);
    qr_session_flush(peer->session);
}

/* ---- frames to the session */

void peer_send(struct peer *peer, uint64_t stream, uint64_t seq,
               Quarry__V1__CoordinatorFrame *frame)
{
    frame->seq = seq;
    size_t size = quarry__v1__coordinator_frame__get_packed_size(frame);
    uint8_t *data = malloc(size + 1);
    assert_non_null(data);
    quarry__v1__coordinator_frame__pack(frame, data);
    qr_session_frame(peer->session, stream, data, size);
    free(data);
    qr_session_flush(peer->session);
}

static void send_next(struct peer *peer, Quarry__V1__CoordinatorFrame *frame)
{
    peer_send(peer, peer->stream, ++peer->seq, frame);
}

static void welcome(struct peer *peer, const char *epoch, const uint64_t *kept, size_t n_kept)
{
    Quarry__V1__CoordinatorFrame frame = COORDINATOR_FRAME;
    Quarry__V1__Welcome body = QUARRY__V1__WELCOME__INIT;
    Quarry__V1__LeaseRef refs[64];
    Quarry__V1__LeaseRef *list[64];

    for (int i = 0; i < 100 && peer->stream == 0; i++) /* the back-off */
        peer_pass(peer, 100);
    assert_int_not_equal(peer->stream, 0);
    for (size_t i = 0; i < n_kept; i++) {
        refs[i] = (Quarry__V1__LeaseRef)QUARRY__V1__LEASE_REF__INIT;
        refs[i].lease_id = kept[i];
        list[i] = &refs[i];
    }
    body.kept = list;
    body.n_kept = n_kept;
    body.cluster_epoch.data = (uint8_t *)epoch;
    body.cluster_epoch.len = strlen(epoch);
    body.ttl_ms = 8000;
    body.beat_ms = 2000;
    body.resend_ms = 5000;
    body.max_record_bytes = 1 << 20;
    frame.body_case = BODY(WELCOME);
    frame.welcome = &body;
    send_next(peer, &frame);
    assert_int_equal(qr_session_get_state(peer->session), QR_SESSION_WELCOMED);
}

void peer_welcome(struct peer *peer, const uint64_t *kept, size_t n_kept)
{
    welcome(peer, "epoch", kept, n_kept);
}

void peer_welcome_epoch(struct peer *peer, const char *epoch) { welcome(peer, epoch, NULL, 0); }

void peer_break(struct peer *peer)
{
    uint64_t stream = peer->stream;
    peer->stream = 0;
    qr_session_closed(peer->session, stream, "broken by the test");
}

static void offer(struct peer *peer, uint64_t lease_id, const char *type, uint64_t number,
                  size_t part_bytes)
{
    Quarry__V1__CoordinatorFrame frame = COORDINATOR_FRAME;
    Quarry__V1__Offer body = QUARRY__V1__OFFER__INIT;
    Quarry__V1__Lease lease = QUARRY__V1__LEASE__INIT;
    Quarry__V1__Lease *list[] = {&lease};

    lease.lease_id = lease_id;
    lease.job_id = lease_id + 1000;
    lease.type = (char *)type;
    lease.uri = (char *)"root://in/x";
    lease.checkpoint_number = number;
    lease.part_bytes = part_bytes;
    body.n_leases = 1;
    body.leases = list;
    frame.body_case = BODY(OFFER);
    frame.offer = &body;
    send_next(peer, &frame);
}

void peer_offer(struct peer *peer, uint64_t lease_id, const char *type)
{
    offer(peer, lease_id, type, 0, 0);
}

void peer_offer_checkpoint(struct peer *peer, uint64_t lease_id, uint64_t number, size_t part_bytes)
{
    offer(peer, lease_id, "text", number, part_bytes);
}

void peer_parts_chunk(struct peer *peer, uint64_t lease_id, size_t offset, size_t len, bool last)
{
    Quarry__V1__CoordinatorFrame frame = COORDINATOR_FRAME;
    Quarry__V1__PartsChunk body = QUARRY__V1__PARTS_CHUNK__INIT;
    uint8_t data[48 << 10];

    assert_in_range(len, 0, sizeof data);
    for (size_t i = 0; i < len; i++)
        data[i] = (uint8_t)((offset + i) % 251);
    body.lease_id = lease_id;
    body.offset = offset;
    body.data.data = data;
    body.data.len = len;
    body.last = last;
    frame.body_case = BODY(PARTS_CHUNK);
    frame.parts_chunk = &body;
    peer_send(peer, peer->stream, 0, &frame);
}

void peer_checkpoint_ack(struct peer *peer, uint64_t lease_id, uint64_t number, uint64_t stands)
{
    Quarry__V1__CoordinatorFrame frame = COORDINATOR_FRAME;
    Quarry__V1__CheckpointAck body = QUARRY__V1__CHECKPOINT_ACK__INIT;

    body.lease_id = lease_id;
    body.number = number;
    body.stands = stands;
    frame.body_case = BODY(CHECKPOINT_ACK);
    frame.checkpoint_ack = &body;
    send_next(peer, &frame);
}

static void sync_one(struct peer *peer, uint64_t drop, uint64_t expected)
{
    Quarry__V1__CoordinatorFrame frame = COORDINATOR_FRAME;
    Quarry__V1__Sync body = QUARRY__V1__SYNC__INIT;

    body.drop = &drop;
    body.n_drop = drop != 0;
    body.expected = &expected;
    body.n_expected = expected != 0;
    frame.body_case = BODY(SYNC);
    frame.sync = &body;
    send_next(peer, &frame);
}

void peer_sync_drop(struct peer *peer, uint64_t lease_id) { sync_one(peer, lease_id, 0); }
void peer_sync_expect(struct peer *peer, uint64_t lease_id) { sync_one(peer, 0, lease_id); }

void peer_ack(struct peer *peer, uint64_t lease_id, Quarry__V1__AckCode code)
{
    Quarry__V1__CoordinatorFrame frame = COORDINATOR_FRAME;
    Quarry__V1__Ack body = QUARRY__V1__ACK__INIT;
    Quarry__V1__LeaseAck ack = QUARRY__V1__LEASE_ACK__INIT;
    Quarry__V1__LeaseAck *list[] = {&ack};

    ack.lease_id = lease_id;
    ack.code = code;
    body.n_acks = 1;
    body.acks = list;
    frame.body_case = BODY(ACK);
    frame.ack = &body;
    send_next(peer, &frame);
}

void peer_stop(struct peer *peer, uint64_t lease_id, Quarry__V1__StopReason reason)
{
    Quarry__V1__CoordinatorFrame frame = COORDINATOR_FRAME;
    Quarry__V1__Stop body = QUARRY__V1__STOP__INIT;

    body.lease_id = lease_id;
    body.reason = reason;
    body.grace_ms = 1000;
    frame.body_case = BODY(STOP);
    frame.stop = &body;
    send_next(peer, &frame);
}

void peer_restarting(struct peer *peer, const char *to)
{
    Quarry__V1__CoordinatorFrame frame = COORDINATOR_FRAME;
    Quarry__V1__Restarting body = QUARRY__V1__RESTARTING__INIT;
    char *list[] = {(char *)to};

    body.to = list;
    body.n_to = to != NULL;
    frame.body_case = BODY(RESTARTING);
    frame.restarting = &body;
    send_next(peer, &frame);
}

void peer_end(struct peer *peer, Quarry__V1__EndReason reason, uint64_t newest_counter)
{
    Quarry__V1__CoordinatorFrame frame = COORDINATOR_FRAME;
    Quarry__V1__End body = QUARRY__V1__END__INIT;

    body.reason = reason;
    body.newest_start_counter = newest_counter;
    frame.body_case = BODY(END);
    frame.end = &body;
    send_next(peer, &frame);
}

void peer_drain(struct peer *peer, bool resume)
{
    Quarry__V1__CoordinatorFrame frame = COORDINATOR_FRAME;
    Quarry__V1__Drain body = QUARRY__V1__DRAIN__INIT;

    frame.body_case = BODY(DRAIN);
    frame.drain = &body;
    body.resume = resume;
    send_next(peer, &frame);
}

void peer_finish(struct peer *peer, uint64_t lease_id, size_t bytes)
{
    uint8_t *record = malloc(bytes + 1);
    assert_non_null(record);
    for (size_t i = 0; i < bytes; i++)
        record[i] = (uint8_t)(i * 31 + lease_id);
    const struct qr_session_result result = {
        .lease_id = lease_id, .record = record, .record_bytes = bytes, .duration_ms = 5};
    qr_session_result(peer->session, &result);
    free(record);
    qr_session_flush(peer->session);
}

/* ---- frames of the session */

Quarry__V1__WorkerFrame *peer_take(struct peer *peer, Quarry__V1__WorkerFrame__BodyCase kind)
{
    for (size_t i = 0; i < peer->n_frames; i++) {
        Quarry__V1__WorkerFrame *frame = peer->frames[i];
        if (frame->body_case != kind)
            continue;
        peer->n_frames--;
        memmove(peer->frames + i, peer->frames + i + 1, (peer->n_frames - i) * sizeof frame);
        memmove(peer->bulk + i, peer->bulk + i + 1, (peer->n_frames - i) * sizeof peer->bulk[0]);
        return frame;
    }
    return NULL;
}

void peer_free(Quarry__V1__WorkerFrame *frame)
{
    if (frame)
        quarry__v1__worker_frame__free_unpacked(frame, NULL);
}

size_t peer_drop_frames(struct peer *peer, Quarry__V1__WorkerFrame__BodyCase kind)
{
    size_t n = 0;
    for (size_t i = 0; i < peer->n_frames; i++) {
        n += peer->frames[i]->body_case == kind;
        peer_free(peer->frames[i]);
    }
    peer->n_frames = 0;
    return n;
}

size_t peer_count_results(const struct peer *peer, uint64_t lease_id)
{
    size_t n = 0;
    for (size_t i = 0; i < peer->n_frames; i++)
        if (peer->frames[i]->body_case == QUARRY__V1__WORKER_FRAME__BODY_RESULT)
            for (size_t r = 0; r < peer->frames[i]->result->n_results; r++)
                n += peer->frames[i]->result->results[r]->lease_id == lease_id;
    return n;
}

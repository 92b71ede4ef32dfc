/* The engine's frames become messages on streams. Nothing here blocks: a stream whose queue is full
 * is marked slow, and fleet.c tells the engine when the present call is over. */
#include <jansson.h>
#include <stdlib.h>

#include "common/uri.h"
#include "coordinator/engine/types.h"
#include "coordinator/service/fleet_internal.h"

static void send_bytes(struct qr_fleet *fleet, uint64_t id, const uint8_t *data, size_t len)
{
    struct qr_fleet_stream *stream = qr_fleet_find_stream(fleet, id);
    int rc = QR_E_NOMEM;

    if (!stream || stream->ended)
        return;
    if (data)
        rc = qr_rpc_stream_send(stream->rpc, QR_RPC_CONTROL, data, len);
    if (rc < 0 && rc != QR_E_CANCELLED && !stream->slow) {
        stream->slow = true;
        fleet->n_slow++;
    }
}

static void send_frame(struct qr_fleet *fleet, uint64_t id, Quarry__V1__CoordinatorFrame *frame)
{
    size_t len = quarry__v1__coordinator_frame__get_packed_size(frame);
    uint8_t *data = len <= QR_FRAME_MAX ? fleet->hot_out : malloc(len);

    if (data)
        quarry__v1__coordinator_frame__pack(frame, data);
    send_bytes(fleet, id, data, len);
    if (data != fleet->hot_out)
        free(data);
}

#define FRAME(name, number)                                                  \
    Quarry__V1__CoordinatorFrame name = QUARRY__V1__COORDINATOR_FRAME__INIT; \
    name.seq = (number)

uint32_t qr_fleet_beat_ms(int64_t ttl_ms, size_t streams)
{
    int64_t beat_ms = ttl_ms / 4;

    if ((int64_t)streams > beat_ms) /* one beat a millisecond */
        beat_ms = (int64_t)streams;
    return (uint32_t)(beat_ms < ttl_ms / 2 ? beat_ms : ttl_ms / 2);
}

static void send_welcome(void *ctx, uint64_t stream, uint64_t seq, const struct qr_welcome *welcome)
{
    struct qr_fleet *fleet = ctx;
    FRAME(frame, seq);
    Quarry__V1__Welcome body = QUARRY__V1__WELCOME__INIT;
    Quarry__V1__Owner owner = QUARRY__V1__OWNER__INIT;
    size_t epoch_len = 0;
    const uint8_t *epoch = qr_db_cluster_epoch(fleet->db, &epoch_len);
    size_t n = welcome->n_kept;
    Quarry__V1__LeaseRef *refs = calloc(n > 0 ? n : 1, sizeof *refs);
    Quarry__V1__LeaseRef **ptrs = calloc(n > 0 ? n : 1, sizeof *ptrs);

    if (!refs || !ptrs)
        n = 0; /* a list for information: the worker lives without it */
    for (size_t i = 0; i < n; i++) {
        quarry__v1__lease_ref__init(&refs[i]);
        refs[i].lease_id = welcome->kept[i].lease_id;
        refs[i].job_id = welcome->kept[i].job_id;
        ptrs[i] = &refs[i];
    }
    owner.instance = (char *)fleet->config.instance;
    owner.epoch = qr_db_coordinator_id(fleet->db);
    owner.attach = welcome->attach;
    body.owner = &owner;
    body.cluster_epoch.data = (uint8_t *)epoch;
    body.cluster_epoch.len = epoch_len;
    body.ttl_ms = (uint32_t)fleet->config.engine.ttl_ms;
    body.beat_ms = qr_fleet_beat_ms(fleet->config.engine.ttl_ms, HASH_COUNT(fleet->streams));
    body.offer_timeout_ms = (uint32_t)fleet->config.engine.offer_timeout_ms;
    body.resend_ms = (uint32_t)fleet->config.engine.ttl_ms;
    body.max_frame_bytes = QR_FRAME_MAX;
    body.max_record_bytes = fleet->config.max_record_bytes;
    body.kept = ptrs;
    body.n_kept = n;
    frame.body_case = QUARRY__V1__COORDINATOR_FRAME__BODY_WELCOME;
    frame.welcome = &body;
    send_frame(fleet, stream, &frame);
    free(refs);
    free(ptrs);
}

/* ---- Offer */

/* What one lease of an Offer needs beside its message. */
struct offer_parts {
    Quarry__V1__Lease lease;
    Quarry__V1__Lease__OptionsEntry *entries;
    Quarry__V1__Lease__OptionsEntry **entry_ptrs;
    json_t *options;
    char *raw_path;
};

static void put_options(struct offer_parts *parts, const char *options_json)
{
    const char *key;
    json_t *value;

    parts->options = json_loads(options_json, 0, NULL);
    size_t n = json_object_size(parts->options);
    if (n == 0)
        return;
    parts->entries = calloc(n, sizeof *parts->entries);
    parts->entry_ptrs = calloc(n, sizeof *parts->entry_ptrs);
    if (!parts->entries || !parts->entry_ptrs)
        return;
    json_object_foreach(parts->options, key, value)
    {
        size_t at = parts->lease.n_options;
        if (!json_is_string(value))
            continue;
        quarry__v1__lease__options_entry__init(&parts->entries[at]);
        parts->entries[at].key = (char *)key;
        parts->entries[at].value = (char *)json_string_value(value);
        parts->entry_ptrs[at] = &parts->entries[at];
        parts->lease.n_options++;
    }
    parts->lease.options = parts->entry_ptrs;
}

/* A name that no URI carries as text also travels as bytes: the path below the root, decoded. */
static void put_raw_path(struct offer_parts *parts, const char *text)
{
    struct qr_uri uri;

    if (!strchr(text, '%') || qr_uri_parse(text, &uri, NULL) < 0)
        return;
    parts->raw_path = uri.path; /* taken over: nothing else of `uri` is owned */
    parts->lease.uri_raw.data = (uint8_t *)uri.path;
    parts->lease.uri_raw.len = strlen(uri.path);
}

static void put_lease(struct offer_parts *parts, const struct qr_offer *offer)
{
    Quarry__V1__Lease *lease = &parts->lease;

    quarry__v1__lease__init(lease);
    lease->lease_id = offer->lease_id;
    lease->job_id = offer->job_id;
    lease->run_id = offer->run_id;
    lease->uri = (char *)offer->uri;
    lease->type = (char *)qr_type_name(offer->type);
    lease->attempt = offer->attempt;
    lease->budget_ms = offer->budget_ms;
    lease->progress_budget_ms = offer->progress_budget_ms;
    lease->checkpoint.data = (uint8_t *)offer->checkpoint;
    lease->checkpoint.len = offer->checkpoint_len;
    lease->checkpoint_number = offer->checkpoint_number;
    lease->part_bytes = offer->part_bytes;
    lease->bytes = offer->bytes;
    lease->modified_ms = offer->modified_ms;
    lease->alone = offer->alone;
    if (offer->options_json)
        put_options(parts, offer->options_json);
    put_raw_path(parts, offer->uri);
}

static void send_offer(void *ctx, uint64_t stream, uint64_t seq, const struct qr_offer *offers,
                       size_t n)
{
    struct qr_fleet *fleet = ctx;
    FRAME(frame, seq);
    Quarry__V1__Offer body = QUARRY__V1__OFFER__INIT;
    if (n > 0)
        qr_fleet_time_offer(fleet, stream, offers[0].lease_id);
    size_t len = qr_hot_put_offer(fleet->hot_out, QR_FRAME_MAX, seq, offers, n);
    if (len > 0) {
        send_bytes(fleet, stream, fleet->hot_out, len);
        return;
    }
    struct offer_parts *parts = calloc(n, sizeof *parts);
    Quarry__V1__Lease **ptrs = calloc(n, sizeof *ptrs);

    /* Without memory the offer is not sent: not accepted in time, the leases return to pending. */
    for (size_t i = 0; parts && ptrs && i < n; i++) {
        put_lease(&parts[i], &offers[i]);
        ptrs[i] = &parts[i].lease;
        body.n_leases++;
    }
    body.leases = ptrs;
    frame.body_case = QUARRY__V1__COORDINATOR_FRAME__BODY_OFFER;
    frame.offer = &body;
    if (body.n_leases > 0)
        send_frame(ctx, stream, &frame);
    for (size_t i = 0; i < body.n_leases; i++) {
        free(parts[i].entries);
        free(parts[i].entry_ptrs);
        free(parts[i].raw_path);
        json_decref(parts[i].options);
    }
    free(parts);
    free(ptrs);
}

/* ---- the small ones */

static void send_sync(void *ctx, uint64_t stream, uint64_t seq, uint64_t seen, const uint64_t *drop,
                      size_t n_drop, const uint64_t *expected, size_t n_expected)
{
    struct qr_fleet *fleet = ctx;
    FRAME(frame, seq);
    Quarry__V1__Sync body = QUARRY__V1__SYNC__INIT;
    uint32_t beat_ms = qr_fleet_beat_ms(fleet->config.engine.ttl_ms, HASH_COUNT(fleet->streams));
    size_t len = qr_hot_put_sync(fleet->hot_out, QR_FRAME_MAX, seq, seen, beat_ms, drop, n_drop,
                                 expected, n_expected);
    if (len > 0) {
        send_bytes(fleet, stream, fleet->hot_out, len);
        return;
    }

    body.seen = seen;
    body.drop = (uint64_t *)drop;
    body.n_drop = n_drop;
    body.expected = (uint64_t *)expected;
    body.n_expected = n_expected;
    body.beat_ms = beat_ms;
    frame.body_case = QUARRY__V1__COORDINATOR_FRAME__BODY_SYNC;
    frame.sync = &body;
    send_frame(ctx, stream, &frame);
}

struct ack_parts {
    Quarry__V1__LeaseAck ack;
    Quarry__V1__Failure error;
};

static void send_ack(void *ctx, uint64_t stream, uint64_t seq, const struct qr_ack *acks, size_t n)
{
    struct qr_fleet *fleet = ctx;
    FRAME(frame, seq);
    Quarry__V1__Ack body = QUARRY__V1__ACK__INIT;
    size_t len = qr_hot_put_ack(fleet->hot_out, QR_FRAME_MAX, seq, acks, n);
    if (len > 0) {
        send_bytes(fleet, stream, fleet->hot_out, len);
        return;
    }
    struct ack_parts *parts = calloc(n, sizeof *parts);
    Quarry__V1__LeaseAck **ptrs = calloc(n, sizeof *ptrs);

    /* Without memory no Ack goes out: the worker sends again and hears DUPLICATE. */
    for (size_t i = 0; parts && ptrs && i < n; i++) {
        quarry__v1__lease_ack__init(&parts[i].ack);
        parts[i].ack.lease_id = acks[i].lease_id;
        parts[i].ack.code = (Quarry__V1__AckCode)acks[i].code;
        if (acks[i].code == QR_ACK_REJECTED) {
            quarry__v1__failure__init(&parts[i].error);
            parts[i].error.class_ = (Quarry__V1__ErrorClass)acks[i].error_class;
            parts[i].error.message = acks[i].message ? (char *)acks[i].message : (char *)"";
            parts[i].ack.error = &parts[i].error;
        }
        ptrs[i] = &parts[i].ack;
        body.n_acks++;
    }
    body.acks = ptrs;
    frame.body_case = QUARRY__V1__COORDINATOR_FRAME__BODY_ACK;
    frame.ack = &body;
    if (body.n_acks > 0)
        send_frame(ctx, stream, &frame);
    free(parts);
    free(ptrs);
}

static void send_checkpoint_ack(void *ctx, uint64_t stream, uint64_t seq, uint64_t lease_id,
                                uint64_t number, uint64_t stands)
{
    FRAME(frame, seq);
    Quarry__V1__CheckpointAck body = QUARRY__V1__CHECKPOINT_ACK__INIT;

    body.lease_id = lease_id;
    body.number = number;
    body.stands = stands;
    frame.body_case = QUARRY__V1__COORDINATOR_FRAME__BODY_CHECKPOINT_ACK;
    frame.checkpoint_ack = &body;
    send_frame(ctx, stream, &frame);
}

static void send_stop(void *ctx, uint64_t stream, uint64_t seq, uint64_t lease_id,
                      enum qr_stop_reason reason, uint32_t grace_ms)
{
    FRAME(frame, seq);
    Quarry__V1__Stop body = QUARRY__V1__STOP__INIT;

    body.lease_id = lease_id;
    body.reason = (Quarry__V1__StopReason)reason;
    body.grace_ms = grace_ms;
    frame.body_case = QUARRY__V1__COORDINATOR_FRAME__BODY_STOP;
    frame.stop = &body;
    send_frame(ctx, stream, &frame);
}

static void send_drain(void *ctx, uint64_t stream, uint64_t seq, uint32_t grace_ms, bool resume)
{
    FRAME(frame, seq);
    Quarry__V1__Drain body = QUARRY__V1__DRAIN__INIT;

    body.grace_ms = grace_ms;
    body.reason = (char *)"asked by an operator";
    body.resume = resume;
    frame.body_case = QUARRY__V1__COORDINATOR_FRAME__BODY_DRAIN;
    frame.drain = &body;
    send_frame(ctx, stream, &frame);
}

static void send_restarting(void *ctx, uint64_t stream, uint64_t seq)
{
    FRAME(frame, seq);
    Quarry__V1__Restarting body = QUARRY__V1__RESTARTING__INIT;

    frame.body_case = QUARRY__V1__COORDINATOR_FRAME__BODY_RESTARTING;
    frame.restarting = &body;
    send_frame(ctx, stream, &frame);
}

static void send_end(void *ctx, uint64_t id, uint64_t seq, enum qr_end_reason reason,
                     uint64_t newest_counter, const char *message)
{
    struct qr_fleet *fleet = ctx;
    FRAME(frame, seq);
    Quarry__V1__End body = QUARRY__V1__END__INIT;

    body.reason = (Quarry__V1__EndReason)reason;
    body.newest_start_counter = newest_counter;
    body.message = message ? (char *)message : (char *)"";
    frame.body_case = QUARRY__V1__COORDINATOR_FRAME__BODY_END;
    frame.end = &body;
    send_frame(fleet, id, &frame);
    struct qr_fleet_stream *stream = qr_fleet_find_stream(fleet, id);
    if (!stream || stream->ended)
        return;
    stream->ended = true;
    qr_fleet_wait_for(fleet, stream, true);
    if (reason == QR_END_SLOW) /* it would wait behind what the peer does not read */
        qr_rpc_stream_cancel(stream->rpc, QR_E_LIMIT, "the worker does not read its frames");
    else
        qr_rpc_stream_finish(stream->rpc, QR_OK, NULL);
}

void qr_fleet_port_frames(struct qr_engine_port *port)
{
    port->welcome = send_welcome;
    port->offer = send_offer;
    port->sync = send_sync;
    port->ack = send_ack;
    port->checkpoint_ack = send_checkpoint_ack;
    port->stop = send_stop;
    port->drain = send_drain;
    port->restarting = send_restarting;
    port->end = send_end;
}

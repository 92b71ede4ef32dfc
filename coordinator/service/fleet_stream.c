/* Streams of workers: opened, heard, closed, and those that are waited for in vain. */
#include <stdlib.h>

#include "common/clock.h"
#include "coordinator/service/fleet_internal.h"

enum { LOOK_MS = 1000 };

void qr_fleet_wait_for(struct qr_fleet *fleet, struct qr_fleet_stream *stream, bool waits)
{
    fleet->n_waited += (size_t)waits - (size_t)stream->is_waited_for;
    stream->is_waited_for = waits;
    stream->waited_since_ms = qr_clock_ms();
}

static void look_after(struct qr_fleet *fleet, struct qr_fleet_stream *stream, int64_t now)
{
    qr_assembly_drop_old(fleet, stream, now);
    if (!stream->is_waited_for || now - stream->waited_since_ms < QR_STREAM_WAIT_MS)
        return;
    if (stream->ended)
        qr_rpc_stream_cancel(stream->rpc, QR_E_LIMIT, "the worker does not read its frames");
    else
        qr_engine_protocol_error(fleet->engine, stream->id, "no Hello came");
}

/* Streams that say nothing, or do not go, and records that are never finished: nothing of a peer
 * is waited for without end (rule 12). After a stall of this process what waits is read first. */
void qr_fleet_look_after_streams(struct qr_fleet *fleet, int64_t now)
{
    struct qr_fleet_stream *stream;
    struct qr_fleet_stream *next;
    bool stalled = now - fleet->looked_ms > 3 * LOOK_MS;

    if (now - fleet->looked_ms < LOOK_MS)
        return;
    fleet->looked_ms = now;
    if (stalled || (fleet->n_waited == 0 && fleet->assembly_bytes == 0))
        return;
    HASH_ITER (hh, fleet->streams, stream, next)
        look_after(fleet, stream, now);
}

static void on_open(void *ctx, struct qr_rpc_stream *rpc)
{
    struct qr_fleet *fleet = ctx;
    struct qr_fleet_stream *stream = calloc(1, sizeof *stream);

    if (!stream) {
        qr_rpc_stream_cancel(rpc, QR_E_NOMEM, "out of memory, come back later");
        return;
    }
    stream->rpc = qr_rpc_stream_ref(rpc);
    qr_rpc_stream_set_user(rpc, stream);
    qr_fleet_enter(fleet);
    stream->id = fleet->next_stream++;
    bool serving = fleet->started && !fleet->stopping;
    if (serving) {
        HASH_ADD(hh, fleet->streams, id, sizeof stream->id, stream);
        qr_fleet_wait_for(fleet, stream, true);
        qr_engine_stream_open(fleet->engine, stream->id);
    }
    qr_fleet_leave(fleet);
    if (!serving) {
        qr_rpc_stream_set_user(rpc, NULL);
        qr_rpc_stream_cancel(rpc, QR_E_UNREACHABLE, "this coordinator is not serving");
        qr_rpc_stream_unref(stream->rpc);
        free(stream);
    }
}

static void on_message(void *ctx, struct qr_rpc_stream *rpc, const uint8_t *data, size_t len)
{
    struct qr_fleet *fleet = ctx;
    struct qr_fleet_stream *stream = qr_rpc_stream_user(rpc);
    Quarry__V1__WorkerFrame *frame;

    if (!stream)
        return;
    qr_fleet_enter(fleet);
    bool done = len > QR_FRAME_MAX || qr_fleet_hot_in(fleet, stream, data, len);
    if (len > QR_FRAME_MAX)
        qr_engine_protocol_error(fleet->engine, stream->id, "frame larger than 64 KiB");
    qr_fleet_leave(fleet);
    if (done)
        return;
    frame = quarry__v1__worker_frame__unpack(NULL, len, data);
    qr_fleet_enter(fleet);
    if (frame)
        qr_fleet_frame_in(fleet, stream, frame);
    else
        qr_engine_protocol_error(fleet->engine, stream->id, "frame cannot be decoded");
    qr_fleet_leave(fleet);
    if (frame)
        quarry__v1__worker_frame__free_unpacked(frame, NULL);
}

static void on_half_closed(void *ctx, struct qr_rpc_stream *rpc)
{
    (void)ctx;
    qr_rpc_stream_finish(rpc, QR_OK, NULL);
}

static void on_closed(void *ctx, struct qr_rpc_stream *rpc, int code, const char *message)
{
    struct qr_fleet *fleet = ctx;
    struct qr_fleet_stream *stream = qr_rpc_stream_user(rpc);

    (void)code;
    (void)message;
    if (!stream)
        return;
    qr_fleet_enter(fleet);
    if (stream->slow)
        fleet->n_slow--;
    qr_fleet_wait_for(fleet, stream, false);
    qr_assembly_drop_all(fleet, stream);
    HASH_DEL(fleet->streams, stream);
    qr_engine_stream_closed(fleet->engine, stream->id);
    qr_fleet_leave(fleet);
    qr_rpc_stream_unref(stream->rpc);
    free(stream);
}

const struct qr_rpc_stream_handler qr_fleet_stream_handler = {
    .open = on_open,
    .message = on_message,
    .half_closed = on_half_closed,
    .closed = on_closed,
};

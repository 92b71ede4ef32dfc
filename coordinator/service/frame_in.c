/* Frames of workers become calls of the engine; Hello, Credits and Beat are in hello_in.c. */
#include <stdio.h>
#include <stdlib.h>

#include "coordinator/service/fleet_internal.h"
#include "coordinator/service/found.h"

/* A record over the limit would be refused for ever: the job fails instead, and says why. */
static struct qr_settle *settle_too_large(const struct qr_fleet *fleet,
                                          const Quarry__V1__JobResult *result, size_t len)
{
    struct qr_settle *settle = calloc(1, sizeof *settle);

    if (!settle)
        return NULL;
    settle->lease_id = result->lease_id;
    settle->job_id = result->job_id;
    settle->duration_ms = result->duration_ms;
    settle->error_class = QR_CLASS_RESOURCE;
    if (asprintf(&settle->message,
                 "the result has %zu bytes, %zu are allowed; hint: a larger --max-record on the "
                 "coordinator",
                 len, fleet->config.max_record_bytes) < 0)
        settle->message = NULL;
    return settle;
}

/* One result on its way to the settle lane; NULL: refused for now, for lack of memory or because
 * its chunks did not arrive whole. */
static struct qr_settle *settle_of(struct qr_fleet *fleet, struct qr_fleet_stream *stream,
                                   Quarry__V1__JobResult *result)
{
    size_t len = result->record_bytes > 0 ? result->record_bytes : result->record.len;
    uint8_t *record = NULL;

    if (len > fleet->config.max_record_bytes)
        return settle_too_large(fleet, result, len);
    if (result->record_bytes == 0)
        qr_assembly_drop(fleet, stream, result->lease_id);
    if (result->record_bytes > 0 &&
        !qr_assembly_take(fleet, stream, result->lease_id, len, &result->record_sha256, &record))
        return NULL;
    if (fleet->pending_bytes + len > fleet->config.max_pending_bytes) {
        free(record);
        return NULL;
    }
    struct qr_found *found = NULL;
    struct qr_settle *settle =
        qr_found_of_result(result, &found) ? qr_fleet_new_settle(fleet, 0) : NULL;
    if (!settle) {
        free(found);
        free(record);
        return NULL;
    }
    settle->found = found;
    if (!record && len > 0) {
        record = result->record.data; /* taken out of the frame */
        result->record = (ProtobufCBinaryData){0};
    }
    settle->lease_id = result->lease_id;
    settle->job_id = result->job_id;
    settle->record = record;
    settle->record_len = len;
    settle->duration_ms = result->duration_ms;
    settle->retry_after_ms = result->retry_after_ms;
    if (result->error) {
        int class = (int)result->error->class_;
        settle->final = result->error->final;
        settle->error_class = class >= QR_CLASS_TIMEOUT && class <= QR_CLASS_INTERNAL
                                  ? (enum qr_class) class
                                  : QR_CLASS_INTERNAL;
        settle->message = result->error->message[0] ? result->error->message : NULL;
        if (settle->message)
            result->error->message = NULL; /* taken out of the frame */
    }
    return settle;
}

static void on_result(struct qr_fleet *fleet, struct qr_fleet_stream *stream,
                      Quarry__V1__Result *result)
{
    for (size_t i = 0; i < result->n_results; i++) {
        uint64_t lease_id = result->results[i]->lease_id;
        struct qr_settle *settle = settle_of(fleet, stream, result->results[i]);
        if (!settle) {
            qr_engine_refuse_result(fleet->engine, stream->id, lease_id);
            continue;
        }
        size_t len = qr_fleet_settle_bytes(settle);
        fleet->pending_bytes += len;
        if (qr_engine_result(fleet->engine, stream->id, settle)) {
            fleet->pending_bytes -= len;
            qr_fleet_free_settle(fleet, settle);
        }
    }
}

/* A checkpoint with its part; NULL: incomplete, or no memory for it now: the worker sends it again.
 */
static struct qr_checkpoint *checkpoint_of(struct qr_fleet *fleet, struct qr_fleet_stream *stream,
                                           Quarry__V1__Checkpoint *frame)
{
    const ProtobufCBinaryData unchecked = {0};
    size_t len = frame->part_bytes > 0 ? frame->part_bytes : frame->part.len;
    uint8_t *part = NULL;

    if (frame->part_bytes > 0 &&
        !qr_assembly_take(fleet, stream, frame->lease_id, len, &unchecked, &part))
        return NULL;
    struct qr_checkpoint *checkpoint = fleet->pending_bytes + len > fleet->config.max_pending_bytes
                                           ? NULL
                                           : calloc(1, sizeof *checkpoint);
    if (!checkpoint) {
        free(part);
        return NULL;
    }
    if (!part && len > 0) {
        part = frame->part.data; /* taken out of the frame */
        frame->part = (ProtobufCBinaryData){0};
    }
    *checkpoint = (struct qr_checkpoint){.lease_id = frame->lease_id,
                                         .number = frame->number,
                                         .anew = frame->anew,
                                         .data = frame->data.data,
                                         .data_len = frame->data.len,
                                         .part = part,
                                         .part_len = len};
    frame->data = (ProtobufCBinaryData){0};
    return checkpoint;
}

static void on_checkpoint(struct qr_fleet *fleet, struct qr_fleet_stream *stream,
                          Quarry__V1__Checkpoint *frame)
{
    if (frame->number == 0 || frame->number > INT32_MAX || frame->data.len > QR_CHECKPOINT_MAX) {
        qr_engine_protocol_error(fleet->engine, stream->id,
                                 "a Checkpoint has a number from 1 and 48 KiB at most");
        return;
    }
    struct qr_checkpoint *checkpoint = checkpoint_of(fleet, stream, frame);
    if (!checkpoint) {
        qr_engine_heard(fleet->engine, stream->id);
        return;
    }
    size_t len = checkpoint->part_len;
    fleet->pending_bytes += len;
    if (qr_engine_checkpoint(fleet->engine, stream->id, checkpoint)) {
        fleet->pending_bytes -= len;
        qr_checkpoint_free(checkpoint);
    }
}

static void on_release(struct qr_fleet *fleet, struct qr_fleet_stream *stream,
                       const Quarry__V1__Release *release)
{
    qr_assembly_drop(fleet, stream, release->lease_id);
    if (release->checkpoint.len > QR_CHECKPOINT_MAX) /* the next Offer would not fit its frame */
        qr_engine_protocol_error(fleet->engine, stream->id, "a checkpoint has 48 KiB at most");
    else
        qr_engine_release(fleet->engine, stream->id, release->lease_id, release->delay_ms,
                          release->checkpoint.data, release->checkpoint.len);
}

/* ------------------------------------------------------------------ hot frames (hot.h) */

static void on_hot_result(struct qr_fleet *fleet, struct qr_fleet_stream *from,
                          const struct qr_hot_result *result)
{
    uint64_t stream = from->id;
    size_t len = result->record_len;
    struct qr_settle *settle = fleet->pending_bytes + len > fleet->config.max_pending_bytes
                                   ? NULL
                                   : qr_fleet_new_settle(fleet, len);

    qr_assembly_drop(fleet, from, result->lease_id);
    if (!settle) {
        qr_engine_refuse_result(fleet->engine, stream, result->lease_id);
        return;
    }
    settle->lease_id = result->lease_id;
    settle->job_id = result->job_id;
    settle->duration_ms = result->duration_ms;
    settle->retry_after_ms = result->retry_after_ms;
    if (len > 0)
        memcpy(settle->record, result->record, len);
    fleet->pending_bytes += len;
    if (qr_engine_result(fleet->engine, stream, settle)) {
        fleet->pending_bytes -= len;
        qr_fleet_free_settle(fleet, settle);
    }
}

bool qr_fleet_hot_in(struct qr_fleet *fleet, struct qr_fleet_stream *from, const uint8_t *data,
                     size_t len)
{
    uint64_t stream = from->id;
    struct qr_hot_frame *frame = &fleet->hot_in;
    enum qr_hot_kind kind = qr_hot_take(frame, data, len);

    for (size_t i = 0; kind == QR_HOT_RESULT && i < frame->n; i++)
        if (frame->results[i].record_len > fleet->config.max_record_bytes)
            return false;
    switch (kind) {
    case QR_HOT_NONE:
        return false;
    case QR_HOT_CREDITS:
        qr_engine_credits(fleet->engine, stream, &frame->credits);
        break;
    case QR_HOT_ACCEPT:
        if (frame->n > 0)
            qr_fleet_time_accept(fleet, from, frame->leases[0]);
        qr_engine_accept(fleet->engine, stream, frame->leases, frame->n);
        break;
    case QR_HOT_BEAT:
        qr_engine_beat(fleet->engine, stream, &frame->beat);
        break;
    case QR_HOT_RESULT:
        for (size_t i = 0; i < frame->n; i++)
            on_hot_result(fleet, from, &frame->results[i]);
        break;
    }
    return true;
}

/* ------------------------------------------------------------------ all frames */

void qr_fleet_frame_in(struct qr_fleet *fleet, struct qr_fleet_stream *stream,
                       Quarry__V1__WorkerFrame *frame)
{
    struct qr_engine *engine = fleet->engine;
    uint64_t id = stream->id;

    switch (frame->body_case) {
    case QUARRY__V1__WORKER_FRAME__BODY_HELLO:
        if (!stream->ended)
            qr_fleet_wait_for(fleet, stream, false);
        qr_fleet_hello_in(fleet, id, frame->hello);
        break;
    case QUARRY__V1__WORKER_FRAME__BODY_CREDITS:
        qr_fleet_credits_in(fleet, id, frame->credits);
        break;
    case QUARRY__V1__WORKER_FRAME__BODY_ACCEPT:
        qr_engine_accept(engine, id, frame->accept->lease_id, frame->accept->n_lease_id);
        break;
    case QUARRY__V1__WORKER_FRAME__BODY_DECLINE:
        qr_engine_decline(engine, id, frame->decline->lease_id, frame->decline->n_lease_id);
        break;
    case QUARRY__V1__WORKER_FRAME__BODY_BEAT:
        qr_fleet_beat_in(fleet, id, frame->beat);
        break;
    case QUARRY__V1__WORKER_FRAME__BODY_CHECKPOINT:
        on_checkpoint(fleet, stream, frame->checkpoint);
        break;
    case QUARRY__V1__WORKER_FRAME__BODY_PART_CHUNK:
        /* As with results: what does not fit shows when its Checkpoint comes. */
        (void)qr_assembly_add(fleet, stream, frame->part_chunk->lease_id, frame->part_chunk->offset,
                              &frame->part_chunk->data, false);
        qr_engine_heard(engine, id);
        break;
    case QUARRY__V1__WORKER_FRAME__BODY_PARTS_REQUEST:
        qr_fleet_send_parts(fleet, id, frame->parts_request->lease_id,
                            frame->parts_request->offset);
        break;
    case QUARRY__V1__WORKER_FRAME__BODY_RELEASE:
        on_release(fleet, stream, frame->release);
        break;
    case QUARRY__V1__WORKER_FRAME__BODY_RESULT_CHUNK:
        /* A chunk that does not fit shows when its Result comes: that one is refused. */
        (void)qr_assembly_add(fleet, stream, frame->result_chunk->lease_id,
                              frame->result_chunk->offset, &frame->result_chunk->data, true);
        qr_engine_heard(engine, id);
        break;
    case QUARRY__V1__WORKER_FRAME__BODY_RESULT:
        on_result(fleet, stream, frame->result);
        break;
    case QUARRY__V1__WORKER_FRAME__BODY_GOODBYE:
        qr_engine_goodbye(engine, id);
        break;
    default: /* a newer worker's message: proves life */
        qr_engine_heard(engine, id);
        break;
    }
}

/* Frames of workers, decoded, become calls of the engine. Arrays made here live for one call. */
#include <stdio.h>
#include <stdlib.h>

#include "common/buf.h"
#include "coordinator/db/json.h"
#include "coordinator/engine/types.h"
#include "coordinator/service/fleet_internal.h"

/* Small arrays of one frame: everything is freed together when the frame was handed over. */
struct scratch {
    void *blocks[8];
    size_t n_blocks;
    bool failed;
};

static void *scratch_get(struct scratch *scratch, size_t count, size_t size)
{
    void *block = NULL;

    if (scratch->n_blocks < QR_COUNT(scratch->blocks))
        block = calloc(count > 0 ? count : 1, size);
    if (block)
        scratch->blocks[scratch->n_blocks++] = block;
    else
        scratch->failed = true;
    return block;
}

static void scratch_done(struct scratch *scratch)
{
    while (scratch->n_blocks > 0)
        free(scratch->blocks[--scratch->n_blocks]);
}

/* Counts of types that no Hello and no job has named are left out. */
static const struct qr_type_count *
type_counts(struct scratch *scratch, Quarry__V1__TypeCount *const *counts, size_t n, size_t *ret_n)
{
    struct qr_type_count *out = scratch_get(scratch, n, sizeof *out);
    size_t used = 0;

    for (size_t i = 0; out && i < n; i++) {
        out[used].type = qr_type_find(counts[i]->type);
        out[used].count = counts[i]->count;
        used += out[used].type != 0;
    }
    *ret_n = used;
    return out;
}

static struct qr_credits credits_of(struct scratch *scratch, const Quarry__V1__Credits *credits)
{
    struct qr_credits out = {.total = 0};

    if (credits) {
        out.per_type =
            type_counts(scratch, credits->per_type, credits->n_per_type, &out.n_per_type);
        out.total = credits->total;
    }
    return out;
}

static const struct qr_lease_ref *lease_refs(struct scratch *scratch,
                                             Quarry__V1__LeaseRef *const *refs, size_t n)
{
    struct qr_lease_ref *out = scratch_get(scratch, n, sizeof *out);

    for (size_t i = 0; out && i < n; i++) {
        out[i].lease_id = refs[i]->lease_id;
        out[i].job_id = refs[i]->job_id;
    }
    return out;
}

static void append_json_string(struct qr_buf *out, const char *text)
{
    qr_buf_append_str(out, "\"");
    for (const char *c = text; *c; c++) {
        if (*c == '"' || *c == '\\')
            qr_buf_printf(out, "\\%c", *c);
        else if ((unsigned char)*c < 0x20)
            qr_buf_printf(out, "\\u%04x", (unsigned char)*c);
        else
            qr_buf_append(out, c, 1);
    }
    qr_buf_append_str(out, "\"");
}

static char *labels_json(const Quarry__V1__Hello *hello)
{
    struct qr_buf out;

    qr_buf_init(&out, QR_FRAME_MAX);
    qr_buf_append_str(&out, "{");
    for (size_t i = 0; i < hello->n_labels; i++) {
        if (i > 0)
            qr_buf_append_str(&out, ",");
        append_json_string(&out, hello->labels[i]->key);
        qr_buf_append_str(&out, ":");
        append_json_string(&out, hello->labels[i]->value);
    }
    qr_buf_append_str(&out, "}");
    char *json = qr_buf_take(&out);
    qr_buf_done(&out);
    return json;
}

/* Text that the database would refuse, at every attempt anew. */
static bool is_utf8(const Quarry__V1__Hello *hello)
{
    const char *const fixed[] = {hello->worker_id, hello->host, hello->os, hello->arch,
                                 hello->version};
    bool valid = true;

    for (size_t i = 0; i < QR_COUNT(fixed); i++)
        valid = valid && qr_utf8_is_valid(fixed[i]);
    for (size_t i = 0; i < hello->n_roots; i++)
        valid = valid && qr_utf8_is_valid(hello->roots[i]);
    for (size_t i = 0; i < hello->n_labels; i++)
        valid = valid && qr_utf8_is_valid(hello->labels[i]->key) &&
                qr_utf8_is_valid(hello->labels[i]->value);
    return valid;
}

static const char *hello_fault(const Quarry__V1__Hello *hello)
{
    if (hello->session.len != QR_SESSION_BYTES)
        return "Hello.session must be 16 bytes";
    if (hello->worker_id[0] == '\0' || strlen(hello->worker_id) > 100)
        return "Hello.worker_id must have 1 to 100 bytes";
    if (hello->n_types == 0 || hello->n_types >= QR_TYPES_MAX)
        return "Hello.types must name 1 to 63 types";
    if (hello->slots == 0 || hello->slots > 1024)
        return "Hello.slots must be 1 to 1024";
    if (!is_utf8(hello))
        return "Hello has text that is not UTF-8";
    return NULL;
}

/* The database was restored since this worker was last welcomed: lease numbers may have been given
 * out anew, so what it names means nothing here (rule 1). The Welcome tells it so. */
static bool is_of_other_epoch(struct qr_fleet *fleet, const ProtobufCBinaryData *epoch)
{
    size_t len = 0;
    const uint8_t *ours = qr_db_cluster_epoch(fleet->db, &len);

    return epoch->len > 0 && (epoch->len != len || memcmp(epoch->data, ours, len) != 0);
}

static void on_hello(struct qr_fleet *fleet, uint64_t stream, const Quarry__V1__Hello *hello)
{
    struct scratch scratch = {.n_blocks = 0};
    const char *fault = hello_fault(hello);

    if (fault) {
        qr_engine_protocol_error(fleet->engine, stream, fault);
        return;
    }
    struct qr_hello in = {
        .worker_id = hello->worker_id,
        .start_counter = hello->start_counter,
        .stream_number = hello->stream_number,
        .host = hello->host,
        .os = hello->os,
        .arch = hello->arch,
        .version = hello->version,
        .roots = (const char *const *)hello->roots,
        .n_roots = hello->n_roots,
        .slots = hello->slots,
        .received_total = hello->received_total,
        .n_running = hello->n_running,
        .n_spooled = hello->n_spooled,
        .n_earlier_starts = hello->n_earlier_starts,
    };
    memcpy(in.session, hello->session.data, QR_SESSION_BYTES);
    qr_type_id *types = scratch_get(&scratch, hello->n_types, sizeof *types);
    for (size_t i = 0; types && i < hello->n_types; i++) {
        types[in.n_types] = qr_type_intern(hello->types[i]->type);
        in.n_types += types[in.n_types] != 0;
    }
    in.types = types;
    in.received = type_counts(&scratch, hello->received, hello->n_received, &in.n_received);
    in.running = lease_refs(&scratch, hello->running, hello->n_running);
    in.spooled = lease_refs(&scratch, hello->spooled, hello->n_spooled);
    struct qr_lease_ref *starts = scratch_get(&scratch, hello->n_earlier_starts, sizeof *starts);
    for (size_t i = 0; starts && i < hello->n_earlier_starts; i++) {
        starts[i].lease_id = hello->earlier_starts[i]->lease_id;
        starts[i].job_id = hello->earlier_starts[i]->job_id;
    }
    in.earlier_starts = starts;
    if (is_of_other_epoch(fleet, &hello->cluster_epoch))
        in.n_running = in.n_spooled = in.n_earlier_starts = 0;
    in.credits = credits_of(&scratch, hello->credits);
    char *labels = labels_json(hello);
    in.labels_json = labels;
    if (scratch.failed || !labels)
        qr_engine_protocol_error(fleet->engine, stream, "out of memory, come back later");
    else
        qr_engine_hello(fleet->engine, stream, &in);
    free(labels);
    scratch_done(&scratch);
}

static void on_credits(struct qr_fleet *fleet, uint64_t stream, const Quarry__V1__Credits *credits)
{
    struct scratch scratch = {.n_blocks = 0};
    struct qr_credits in = credits_of(&scratch, credits);

    if (!scratch.failed)
        qr_engine_credits(fleet->engine, stream, &in);
    scratch_done(&scratch);
}

static void on_beat(struct qr_fleet *fleet, uint64_t stream, const Quarry__V1__Beat *beat)
{
    struct scratch scratch = {.n_blocks = 0};
    struct qr_beat in = {
        .seen = beat->seen,
        .received_total = beat->received_total,
        .n_leases = beat->n_leases,
        .load = beat->load,
        .disk_free_bytes = beat->disk_free_bytes,
        .rss_bytes = beat->rss_bytes,
    };

    in.received = type_counts(&scratch, beat->received, beat->n_received, &in.n_received);
    struct qr_lease_progress *leases = scratch_get(&scratch, beat->n_leases, sizeof *leases);
    for (size_t i = 0; leases && i < beat->n_leases; i++) {
        const Quarry__V1__LeaseState *state = beat->leases[i];
        leases[i].lease_id = state->lease_id;
        leases[i].phase =
            (int)state->phase >= QR_PHASE_UNKNOWN && (int)state->phase <= QR_PHASE_FINISHED
                ? (enum qr_phase)state->phase
                : QR_PHASE_UNKNOWN;
        leases[i].permille = state->progress_permille;
        leases[i].started_ms_ago = state->started_ms_ago;
        leases[i].done = state->done;
        leases[i].total = state->total;
    }
    in.leases = leases;
    if (!scratch.failed)
        qr_engine_beat(fleet->engine, stream, &in);
    scratch_done(&scratch);
}

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
    struct qr_settle *settle = qr_fleet_new_settle(fleet, 0);
    if (!settle) {
        free(record);
        return NULL;
    }
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
        size_t len = settle->record_len;
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
        qr_engine_release(fleet->engine, stream->id, release->lease_id, release->checkpoint.data,
                          release->checkpoint.len);
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
        on_hello(fleet, id, frame->hello);
        break;
    case QUARRY__V1__WORKER_FRAME__BODY_CREDITS:
        on_credits(fleet, id, frame->credits);
        break;
    case QUARRY__V1__WORKER_FRAME__BODY_ACCEPT:
        qr_engine_accept(engine, id, frame->accept->lease_id, frame->accept->n_lease_id);
        break;
    case QUARRY__V1__WORKER_FRAME__BODY_DECLINE:
        qr_engine_decline(engine, id, frame->decline->lease_id, frame->decline->n_lease_id);
        break;
    case QUARRY__V1__WORKER_FRAME__BODY_BEAT:
        on_beat(fleet, id, frame->beat);
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

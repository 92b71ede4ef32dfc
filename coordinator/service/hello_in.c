/* Hello, Credits and Beat, decoded, become calls of the engine. Arrays made here live for one call.
 */
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

void qr_fleet_hello_in(struct qr_fleet *fleet, uint64_t stream, const Quarry__V1__Hello *hello)
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

void qr_fleet_credits_in(struct qr_fleet *fleet, uint64_t stream,
                         const Quarry__V1__Credits *credits)
{
    struct scratch scratch = {.n_blocks = 0};
    struct qr_credits in = credits_of(&scratch, credits);

    if (!scratch.failed)
        qr_engine_credits(fleet->engine, stream, &in);
    scratch_done(&scratch);
}

void qr_fleet_beat_in(struct qr_fleet *fleet, uint64_t stream, const Quarry__V1__Beat *beat)
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

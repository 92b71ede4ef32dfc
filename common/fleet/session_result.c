/* Results: into the spool, and from there to the coordinator.
 *
 * In the spool a result is: length of the JobResult (4 bytes, little-endian), the encoded
 * JobResult, then, when it is too large to travel inside it, the encoded record. */
#include "common/fleet/session_intern.h"
#include "common/uri.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

static void put_varint(struct qr_buf *buf, uint64_t value)
{
    uint8_t bytes[10];
    size_t n = 0;

    do {
        bytes[n++] = (uint8_t)((value & 0x7F) | (value > 0x7F ? 0x80 : 0));
        value >>= 7;
    } while (value > 0);
    qr_buf_append(buf, bytes, n);
}

static bool sha256(const uint8_t *data, size_t len, uint8_t digest[32])
{
    return EVP_Digest(data, len, digest, NULL, EVP_sha256(), NULL) == 1;
}

/* A message as the wire and the database want it: valid UTF-8, cut between characters. */
static void clean_text(const char *text, char *out, size_t size)
{
    size_t left = text ? strlen(text) : 0;
    size_t at = 0;

    while (left > 0) {
        size_t len = qr_utf8_sequence((const unsigned char *)text, left);
        if (at + (len ? len : 1) >= size)
            break;
        if (len > 0)
            memcpy(out + at, text, len);
        else
            out[at] = '?';
        at += len ? len : 1;
        text += len ? len : 1;
        left -= len ? len : 1;
    }
    out[at] = '\0';
}

enum { FOUND_MAX = 256 };

/* What was found, as the wire has it. */
struct found_message {
    Quarry__V1__FoundJob jobs[FOUND_MAX], *list[FOUND_MAX];
    Quarry__V1__Failure why;
};

/* As much as fits a frame beside the rest; what does not is left out, and said. Returns the bytes.
 */
static size_t put_found(const struct qr_session_result *result, struct found_message *to,
                        Quarry__V1__JobResult *message)
{
    enum { BESIDE = 64 }; /* type, numbers, heads */
    size_t bytes = 0;

    if (result->cls != QR_CLASS_NONE)
        return 0;
    message->found = to->list;
    message->found_left_out = result->found_left_out;
    quarry__v1__failure__init(&to->why);
    to->why.class_ = (Quarry__V1__ErrorClass)result->found_class;
    to->why.message = (char *)(uintptr_t)(result->found_why ? result->found_why : "");
    for (size_t i = 0; i < result->n_found; i++) {
        const struct qr_session_found *found = &result->found[i];
        size_t size = strlen(found->uri) + BESIDE;
        if (message->n_found == FOUND_MAX || bytes + size > INLINE_BYTES) {
            if (message->found_left_out++ == 0) {
                to->why.class_ = QUARRY__V1__ERROR_CLASS__ERROR_CLASS_RESOURCE;
                to->why.message = (char *)"more than one result can carry";
            }
            continue;
        }
        bytes += size;
        Quarry__V1__FoundJob *job = &to->jobs[message->n_found];
        quarry__v1__found_job__init(job);
        job->uri = (char *)(uintptr_t)found->uri;
        job->type = (char *)(uintptr_t)found->type;
        job->bytes = found->bytes;
        job->modified_ms = found->modified_ms;
        to->list[message->n_found++] = job;
    }
    if (message->found_left_out > 0)
        message->found_error = &to->why;
    return bytes + (message->found_left_out > 0 ? strlen(to->why.message) + BESIDE : 0);
}

static int spool_result(struct qr_session *s, const struct held *held,
                        const struct qr_session_result *result, struct qr_err *err)
{
    Quarry__V1__JobResult message = QUARRY__V1__JOB_RESULT__INIT;
    Quarry__V1__Failure failure = QUARRY__V1__FAILURE__INIT;
    struct found_message found;
    uint8_t digest[32];
    char text[MESSAGE_BYTES_MAX];
    uint8_t size_le[4];
    bool chunked = result->record_bytes + put_found(result, &found, &message) > INLINE_BYTES &&
                   result->record_bytes > 0;

    message.lease_id = held->lease_id;
    message.job_id = held->job_id;
    message.duration_ms = result->duration_ms;
    message.retry_after_ms = result->retry_after_ms;
    if (result->cls != QR_CLASS_NONE) {
        clean_text(result->message, text, sizeof text);
        failure.class_ = (Quarry__V1__ErrorClass)result->cls;
        failure.message = text;
        failure.final = result->final;
        message.error = &failure;
    }
    if (chunked) {
        message.record_bytes = result->record_bytes;
        if (!sha256(result->record, result->record_bytes, digest))
            return qr_fail(err, QR_E_INTERNAL, "no SHA-256");
        message.record_sha256.data = digest;
        message.record_sha256.len = sizeof digest;
    } else if (result->record_bytes > 0) {
        message.record.data = (uint8_t *)result->record;
        message.record.len = result->record_bytes;
    }
    size_t size = quarry__v1__job_result__get_packed_size(&message);
    uint8_t *packed = malloc(size + 1);
    if (!packed)
        return qr_fail(err, QR_E_NOMEM, "out of memory");
    quarry__v1__job_result__pack(&message, packed);
    for (size_t i = 0; i < sizeof size_le; i++)
        size_le[i] = (uint8_t)(size >> (8 * i));
    const struct iovec parts[] = {
        {.iov_base = size_le, .iov_len = sizeof size_le},
        {.iov_base = packed, .iov_len = size},
        {.iov_base = (uint8_t *)result->record, .iov_len = chunked ? result->record_bytes : 0},
    };
    int rc = qr_spool_put(s->spool, held->lease_id, held->job_id, parts, QR_COUNT(parts), s->now_ms,
                          err);
    free(packed);
    return rc;
}

void qr_session_result(struct qr_session *s, const struct qr_session_result *given)
{
    struct held *held = qr_session_find(s, given->lease_id);
    struct qr_session_result result = *given;
    struct qr_err err = {0};
    char message[160];

    if (!held || held->state != HELD_ACCEPTED)
        return;
    if (result.record_bytes > s->max_record_bytes) {
        snprintf(message, sizeof message,
                 "the record of this file is too large: %zu bytes, %" PRIu64 " are accepted",
                 result.record_bytes, s->max_record_bytes);
        result.cls = QR_CLASS_UNSUPPORTED;
        result.message = message;
        result.record_bytes = 0;
    }
    if (spool_result(s, held, &result, &err) < 0) {
        qr_session_note(s, "result.not_kept", err.msg);
        qr_session_release(s, held->lease_id, "no space for the result");
        return;
    }
    s->stats.results++;
    qr_session_keeping_free(s, held); /* the result has all of it */
    s->n_running--;
    held->state = HELD_FINISHED;
    held->phase = QUARRY__V1__LEASE_PHASE__LEASE_PHASE_FINISHED;
    held->permille = 1000;
    qr_session_give_back(s, held);
    qr_session_queue(s, held, PLACE_UNSENT);
}

/* Length of the JobResult of a spooled result; 0 when the spool cannot give it. */
static size_t meta_bytes(struct qr_session *s, struct held *held)
{
    uint8_t le[4];
    struct qr_err err = {0};

    if (held->meta_bytes == 0 &&
        qr_spool_read(s->spool, held->lease_id, 0, le, sizeof le, &err) == QR_OK) {
        size_t bytes = (size_t)le[0] | (size_t)le[1] << 8 | (size_t)le[2] << 16;
        if (le[3] == 0 && bytes + sizeof le <= qr_spool_size(s->spool, held->lease_id) &&
            bytes <= INLINE_BYTES + 2 * MESSAGE_BYTES_MAX)
            held->meta_bytes = bytes;
    }
    return held->meta_bytes;
}

static bool is_chunked(struct qr_session *s, struct held *held)
{
    return qr_spool_size(s->spool, held->lease_id) > meta_bytes(s, held) + 4;
}

/* One ResultChunk; false when nothing more can be sent now. */
static bool send_chunk(struct qr_session *s, struct held *held)
{
    size_t base = 4 + held->meta_bytes;
    size_t left = qr_spool_size(s->spool, held->lease_id) - base - held->chunk_at;
    size_t len = left < CHUNK_BYTES ? left : CHUNK_BYTES;
    uint8_t data[CHUNK_BYTES];
    struct qr_err err = {0};
    Quarry__V1__WorkerFrame frame = QUARRY__V1__WORKER_FRAME__INIT;
    Quarry__V1__ResultChunk chunk = QUARRY__V1__RESULT_CHUNK__INIT;

    if (qr_spool_read(s->spool, held->lease_id, base + held->chunk_at, data, len, &err) < 0) {
        qr_session_note(s, "spool.unreadable", err.msg);
        held->due_ms = s->now_ms + s->resend_ms;
        qr_session_queue(s, held, PLACE_LATER);
        return true;
    }
    chunk.lease_id = held->lease_id;
    chunk.offset = held->chunk_at;
    chunk.data.data = data;
    chunk.data.len = len;
    frame.body_case = QUARRY__V1__WORKER_FRAME__BODY_RESULT_CHUNK;
    frame.result_chunk = &chunk;
    qr_buf_clear(&s->frame);
    uint8_t *at = qr_buf_reserve(&s->frame, quarry__v1__worker_frame__get_packed_size(&frame));
    if (at)
        s->frame.len = quarry__v1__worker_frame__pack(&frame, at);
    if (!qr_session_send_buf(s, true))
        return false;
    held->chunk_at += len;
    return true;
}

static void mark_sent(struct qr_session *s, struct held *held)
{
    s->stats.resent += held->sent_once;
    held->sent_once = true;
    held->due_ms = s->now_ms + s->resend_ms;
    qr_session_queue(s, held, PLACE_SENT);
}

/* Append one JobResult to the Result being put together in `body`. False: it cannot be read. */
static bool append_result(struct qr_session *s, struct held *held, struct qr_buf *body)
{
    struct qr_err err = {0};
    size_t size = held->meta_bytes;

    uint8_t tag = 0x0A; /* Result.results, length-delimited */
    size_t before = body->len;
    qr_buf_append(body, &tag, 1);
    put_varint(body, size);
    uint8_t *at = qr_buf_reserve(body, size);
    if (!at || qr_spool_read(s->spool, held->lease_id, 4, at, size, &err) < 0) {
        qr_session_note(s, "spool.unreadable", err.msg);
        body->len = before;
        return false;
    }
    body->len += size;
    return true;
}

/* One Result frame with as many of the first results as fit; false when nothing more can go now. */
static bool send_batch(struct qr_session *s, struct qr_buf *body)
{
    struct held *batch[256];
    size_t n = 0;
    struct held *held;
    struct held *next;

    qr_buf_clear(body);
    DL_FOREACH_SAFE(s->unsent, held, next)
    {
        size_t size = meta_bytes(s, held);
        if (n == QR_COUNT(batch) || (n > 0 && body->len + size + 16 > CHUNK_BYTES) ||
            (size > 0 && is_chunked(s, held) &&
             held->chunk_at < qr_spool_size(s->spool, held->lease_id) - 4 - size))
            break;
        if (size > 0 && append_result(s, held, body)) {
            batch[n++] = held;
        } else {
            held->due_ms = s->now_ms + s->resend_ms;
            qr_session_queue(s, held, PLACE_LATER);
        }
    }
    if (n == 0)
        return true;
    uint8_t tag = 0x4A; /* WorkerFrame.result, length-delimited */
    qr_buf_clear(&s->frame);
    qr_buf_append(&s->frame, &tag, 1);
    put_varint(&s->frame, body->len);
    qr_buf_append(&s->frame, body->data, body->len);
    if (!qr_session_send_buf(s, true))
        return false;
    for (size_t i = 0; i < n; i++)
        mark_sent(s, batch[i]);
    return true;
}

void qr_session_send_results(struct qr_session *s)
{
    struct qr_buf body;
    bool more = true;

    qr_buf_init(&body, FRAME_BYTES_MAX);
    while (more && s->unsent && s->state == QR_SESSION_WELCOMED && !s->blocked) {
        struct held *first = s->unsent;
        size_t size = meta_bytes(s, first);
        if (size > 0 && is_chunked(s, first) &&
            first->chunk_at < qr_spool_size(s->spool, first->lease_id) - 4 - size)
            more = send_chunk(s, first);
        else
            more = send_batch(s, &body);
    }
    qr_buf_done(&body);
}

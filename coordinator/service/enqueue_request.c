#include "coordinator/service/enqueue_request.h"

#include <stdlib.h>
#include <string.h>

enum { VARINT = 0, FIXED64 = 1, BYTES = 2, FIXED32 = 5 };
enum { REQUEST_RUN_ID = 1, REQUEST_JOBS = 2 };
enum {
    JOB_URI = 1,
    JOB_TYPE = 2,
    JOB_PRIORITY = 3,
    JOB_BYTES = 4,
    JOB_MODIFIED_MS = 5,
    JOB_DELAY_MS = 6,
    JOB_RUN_AT_MS = 7,
    JOB_DEDUPE = 8
};

static char empty[] = "";

struct reader {
    uint8_t *at, *end;
};

struct field {
    uint32_t number;
    int wire;
    uint64_t value; /* VARINT */
    uint8_t *data;  /* BYTES */
    size_t len;
};

static bool read_varint(struct reader *r, uint64_t *ret)
{
    uint64_t value = 0;

    for (int shift = 0; shift < 70 && r->at < r->end; shift += 7) {
        uint8_t byte = *r->at++;
        if (shift < 64)
            value |= (uint64_t)(byte & 0x7F) << shift;
        if (byte < 0x80) {
            *ret = value;
            return true;
        }
    }
    return false;
}

static bool skip(struct reader *r, size_t len)
{
    if ((size_t)(r->end - r->at) < len)
        return false;
    r->at += len;
    return true;
}

static bool read_field(struct reader *r, struct field *ret)
{
    uint64_t tag;
    uint64_t len;

    if (!read_varint(r, &tag) || tag >> 3 == 0 || tag >> 3 > 0x1FFFFFFF)
        return false;
    ret->number = (uint32_t)(tag >> 3);
    ret->wire = (int)(tag & 7);
    switch (ret->wire) {
    case VARINT:
        return read_varint(r, &ret->value);
    case FIXED64:
        return skip(r, 8);
    case FIXED32:
        return skip(r, 4);
    case BYTES:
        if (!read_varint(r, &len) || len > (size_t)(r->end - r->at))
            return false;
        ret->data = r->at;
        ret->len = (size_t)len;
        return skip(r, ret->len);
    default:
        return false;
    }
}

/* The wire type that a known field has. */
static bool is_expected(const struct field *field)
{
    bool text =
        field->number == JOB_URI || field->number == JOB_TYPE || field->number == JOB_DEDUPE;
    return field->number > JOB_DEDUPE || field->wire == (text ? BYTES : VARINT);
}

/* Texts end at once: in the first pass nothing may be written, since the byte behind a text is the
 * next field's tag; terminate() writes the NULs when all has been read. */
static bool read_job(const struct field *message, struct qr_new_job *job)
{
    struct reader r = {message->data, message->data + message->len};
    struct field field;

    *job = (struct qr_new_job){.uri = empty, .type = empty};
    while (r.at < r.end) {
        if (!read_field(&r, &field) || !is_expected(&field))
            return false;
        if (field.wire == BYTES && field.number <= JOB_DEDUPE && field.len > 0 &&
            memchr(field.data, 0, field.len))
            return false;
        switch (field.number) {
        case JOB_PRIORITY:
            job->priority = (int32_t)(uint32_t)field.value;
            break;
        case JOB_BYTES:
            job->bytes = field.value;
            break;
        case JOB_MODIFIED_MS:
            job->modified_ms = (int64_t)field.value;
            break;
        case JOB_DELAY_MS:
            job->delay_ms = (int64_t)field.value;
            break;
        case JOB_RUN_AT_MS:
            job->run_at_ms = (int64_t)field.value;
            break;
        default:
            break;
        }
    }
    return true;
}

/* The second pass over a message that read_job() found good: texts, terminated where they lie. The
 * tag behind a text has been read when its NUL is written. */
static void take_texts(const struct field *message, struct qr_new_job *job)
{
    struct reader r = {message->data, message->data + message->len};
    struct field field;
    uint8_t *pending = NULL;

    while (r.at < r.end && read_field(&r, &field)) {
        if (pending)
            *pending = 0;
        pending = NULL;
        if (field.wire != BYTES || field.number > JOB_DEDUPE)
            continue;
        const char *text = field.len > 0 ? (char *)field.data : empty;
        if (field.number == JOB_URI)
            job->uri = text;
        else if (field.number == JOB_TYPE)
            job->type = text;
        else
            job->dedupe = field.len > 0 ? text : NULL;
        pending = field.len > 0 ? field.data + field.len : NULL;
    }
    if (pending)
        *pending = 0; /* the tag of the next message, which has been read; or the spare byte */
}

static int malformed(struct qr_err *err, size_t n)
{
    return qr_fail(err, QR_E_INVALID, "the request cannot be decoded, behind job %zu", n);
}

static int read_all(uint8_t *bytes, size_t len, struct qr_enqueue_request *ret, struct qr_err *err)
{
    struct reader r = {bytes, bytes + len};
    struct field field, last;
    bool any = false;

    while (r.at < r.end) {
        if (!read_field(&r, &field))
            return malformed(err, ret->n_jobs);
        if (any) {
            take_texts(&last, &ret->jobs[ret->n_jobs - 1]);
            any = false;
        }
        if (field.number == REQUEST_RUN_ID && field.wire == VARINT) {
            ret->run_id = (int64_t)field.value;
        } else if (field.number == REQUEST_JOBS && field.wire == BYTES) {
            if (ret->n_jobs == QR_ENQUEUE_MAX)
                return qr_fail(err, QR_E_LIMIT, "more than %d jobs in one request", QR_ENQUEUE_MAX);
            if (!read_job(&field, &ret->jobs[ret->n_jobs]))
                return malformed(err, ret->n_jobs);
            ret->n_jobs++;
            last = field;
            any = true;
        } else if (field.number <= REQUEST_JOBS) {
            return malformed(err, ret->n_jobs);
        }
    }
    if (any)
        take_texts(&last, &ret->jobs[ret->n_jobs - 1]);
    return QR_OK;
}

int qr_enqueue_request_read(uint8_t *bytes, size_t len, struct qr_enqueue_request *ret,
                            struct qr_err *err)
{
    struct qr_enqueue_request request = {0};
    size_t most = len / 2 < QR_ENQUEUE_MAX ? len / 2 : QR_ENQUEUE_MAX; /* a job has two bytes */

    request.jobs = malloc((most + 1) * sizeof *request.jobs);
    if (!request.jobs)
        return qr_fail(err, QR_E_NOMEM, "no memory for a request of %zu bytes", len);
    bytes[len] = 0;
    int rc = read_all(bytes, len, &request, err);
    if (rc < 0)
        qr_enqueue_request_done(&request);
    else
        *ret = request;
    return rc;
}

void qr_enqueue_request_done(struct qr_enqueue_request *request)
{
    free(request->jobs);
    *request = (struct qr_enqueue_request){0};
}

#include "worker/child/child.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/os/pipe.h"
#include "worker/child/inbox.h"
#include "worker/child/wire.h"
#include "worker/extract/extract.h"
#include "worker/geometry/geometry.h"
#include "worker/geometry/module.h"

#define PROGRESS_EVERY_MS 200
#define RECORD_MAX ((size_t)160 * 1024 * 1024)
#define CHILD_FDS 32
#define LOOK_EVERY_MS 20 /* at the pipe, while working */

struct child {
    struct qr_pipe pipe;
    struct qr_inbox inbox;
    struct qr_engine engine;
    bool geometry;                  /* the second step of models; `engine` is not used */
    const struct qr_kernel *kernel; /* NULL: why */
    char why[sizeof((struct qr_err *)NULL)->msg];
    struct qr_record *rec;
    struct qr_buf encoded;
    uint64_t job_id;
    int64_t reported_ms;
    /* keeping what is finished */
    int64_t keep_ms; /* of the job; 0: not, or not any more */
    int64_t kept_at_ms, looked_at_ms;
    bool kept_before;
};

static void on_progress(void *arg, const struct qr_extract_progress *progress)
{
    struct child *child = arg;
    int64_t now = qr_clock_ms();
    struct qr_err err;

    if (now - child->reported_ms < PROGRESS_EVERY_MS &&
        (progress->from == 0 || progress->done != progress->from))
        return;
    child->reported_ms = now;
    /* a pool that is gone is noticed at the next read */
    if (qr_pipe_send(&child->pipe, QR_WIRE_PROGRESS, child->job_id, progress, sizeof *progress, -1,
                     &err) < 0)
        return;
}

/* Bytes in frames of one type. */
static int send_all(struct child *child, uint16_t type, const struct qr_buf *bytes,
                    struct qr_err *err)
{
    int rc = QR_OK;

    for (size_t at = 0; rc == QR_OK && at < bytes->len; at += QR_WIRE_CHUNK_BYTES) {
        size_t left = bytes->len - at;
        rc = qr_pipe_send(&child->pipe, type, child->job_id, bytes->data + at,
                          left < QR_WIRE_CHUNK_BYTES ? left : QR_WIRE_CHUNK_BYTES, -1, err);
    }
    return rc;
}

/* Is it time, or did the pool ask for it? The pipe is looked at now and then: whatever is wrong
 * with it shows again when the job is answered. */
static bool is_keep_due(void *arg)
{
    struct child *child = arg;
    int64_t now = qr_clock_ms();
    struct qr_err err;

    if (child->keep_ms <= 0)
        return false;
    if (now - child->looked_at_ms >= LOOK_EVERY_MS) {
        child->looked_at_ms = now;
        if (qr_inbox_receive(&child->inbox, false, &err) < 0)
            child->keep_ms = 0;
    }
    return child->inbox.keep_now || now - child->kept_at_ms >= child->keep_ms;
}

/* The part and the state. When a part cannot be made, none behind it would be of use. */
static void on_keep(void *arg, const struct qr_record *rec, const struct qr_buf *state)
{
    struct child *child = arg;
    struct qr_wire_kept kept = {.anew = child->engine.resumed_at == 0 && !child->kept_before};
    uint8_t frame[sizeof kept + QR_WIRE_STATE_MAX];
    struct qr_buf part;
    struct qr_err err;

    qr_buf_init(&part, QR_WIRE_PART_MAX);
    int rc = state->len > QR_WIRE_STATE_MAX
                 ? QR_E_LIMIT
                 : qr_record_encode_part(rec, &child->engine.mark, &part, &err);
    if (rc == QR_OK)
        rc = send_all(child, QR_WIRE_PART, &part, &err);
    if (rc == QR_OK) {
        kept.part_bytes = part.len;
        memcpy(frame, &kept, sizeof kept);
        memcpy(frame + sizeof kept, state->data, state->len);
        rc = qr_pipe_send(&child->pipe, QR_WIRE_KEPT, child->job_id, frame,
                          sizeof kept + state->len, -1, &err);
    }
    if (rc < 0)
        child->keep_ms = 0;
    qr_buf_done(&part);
    child->kept_before = true;
    child->inbox.keep_now = false;
    child->kept_at_ms = qr_clock_ms();
}

static uint64_t micros(const struct timeval *time)
{
    return (uint64_t)time->tv_sec * 1000000u + (uint64_t)time->tv_usec;
}

static void usage(uint64_t *ret_cpu_us, uint64_t *ret_rss)
{
    struct rusage now;

    *ret_cpu_us = 0;
    *ret_rss = 0;
    if (getrusage(RUSAGE_SELF, &now) != 0)
        return;
    *ret_cpu_us = micros(&now.ru_utime) + micros(&now.ru_stime);
    *ret_rss = (uint64_t)now.ru_maxrss * 1024;
}

static bool is_file(const Quarry__V1__Link *link)
{
    return link->target && (strcmp(link->kind, "xref") == 0 || strcmp(link->kind, "underlay") == 0);
}

/* The files that the job's file names; the pool decides what becomes of them. */
static int send_found(struct child *child, uint32_t *ret_left_out, struct qr_err *err)
{
    const Quarry__V1__ExtractionRecord *msg = child->rec->msg;
    uint32_t sent = 0;
    int rc = QR_OK;

    for (size_t i = 0; rc == QR_OK && i < msg->n_links; i++) {
        const char *target = msg->links[i]->target;
        if (!is_file(msg->links[i]) || !target[0])
            continue;
        size_t size = strlen(target) + 1;
        if (size > QR_WIRE_FOUND_TEXT || sent == QR_WIRE_FOUND_MAX) {
            ++*ret_left_out;
            continue;
        }
        rc = qr_pipe_send(&child->pipe, QR_WIRE_FOUND, child->job_id, target, size, -1, err);
        sent++;
    }
    return rc;
}

/* The record in chunks, then how it went. */
static int answer(struct child *child, const struct qr_wire_done *done, const char *message,
                  struct qr_err *err)
{
    uint8_t last[sizeof *done + QR_WIRE_TEXT_MAX];
    size_t len = strlen(message);

    int rc = send_all(child, QR_WIRE_CHUNK, &child->encoded, err);
    if (rc < 0)
        return rc;
    if (len >= QR_WIRE_TEXT_MAX)
        len = qr_utf8_cut(message, len, QR_WIRE_TEXT_MAX - 1);
    memcpy(last, done, sizeof *done);
    memcpy(last + sizeof *done, message, len);
    last[sizeof *done + len] = '\0';
    return qr_pipe_send(&child->pipe, QR_WIRE_DONE, child->job_id, last, sizeof *done + len + 1, -1,
                        err);
}

/* The record of the job, into child->encoded. */
static int make_record(struct child *child, const struct qr_extract_job *job,
                       struct qr_wire_done *done, int64_t start, struct qr_err *err)
{
    uint64_t cpu_before;
    uint64_t cpu_after;
    struct qr_record *rec = child->rec;

    usage(&cpu_before, &done->peak_rss_bytes);
    qr_record_reset(rec);
    if (child->geometry)
        qr_geometry_compute(child->kernel, child->why, job, rec);
    else
        qr_extract_file(&child->engine, job, rec);
    usage(&cpu_after, &done->peak_rss_bytes);
    done->duration_ms = (uint32_t)(qr_clock_ms() - start);
    if (job->prepared)
        done->duration_ms += job->prepared->duration_ms;
    done->cpu_us = cpu_after - cpu_before;
    rec->msg->duration_ms = done->duration_ms;
    rec->msg->peak_memory_bytes = done->peak_rss_bytes;
    qr_buf_clear(&child->encoded);
    return child->geometry ? qr_geometry_encode(rec, &child->encoded, err)
                           : qr_record_encode(rec, &child->encoded, err);
}

static int extract(struct child *child, const struct qr_extract_job *job, struct qr_err *err)
{
    struct qr_wire_done done = {0};
    const char *message = "";
    int64_t start = qr_clock_ms();

    child->reported_ms = start;
    child->kept_at_ms = child->looked_at_ms = start;
    child->inbox.keep_now = child->kept_before = false;
    if (make_record(child, job, &done, start, err) < 0) {
        qr_buf_clear(&child->encoded);
        done.class_id = QR_CLASS_RESOURCE;
        message = err->msg;
    } else if (child->rec->msg->error) {
        done.class_id = (uint32_t)child->rec->msg->error->class_;
        message = child->rec->msg->error->message;
    }
    done.record_bytes = child->encoded.len;
    done.is_model = !child->geometry && done.class_id == QR_CLASS_NONE &&
                    qr_geometry_is_for(child->rec->msg, &job->options);
    if (job->options.follow == QR_EXTRACT_ON && done.class_id == QR_CLASS_NONE) {
        int rc = send_found(child, &done.found_left_out, err);
        if (rc < 0)
            return rc;
    }
    return answer(child, &done, message, err);
}

static int loop(struct child *child)
{
    const struct qr_extract_keeper keeper = {.due = is_keep_due, .keep = on_keep, .arg = child};
    struct qr_err err = {0};

    for (;;) {
        int rc = qr_inbox_receive(&child->inbox, true, &err);
        if (rc == QR_OK) {
            const struct qr_inbox_job *next = &child->inbox.jobs[0];
            struct qr_extract_resume resume;
            uint8_t *found = qr_inbox_resume(next, RECORD_MAX, &resume);
            struct qr_extract_job job = {.id = next->id,
                                         .fd = next->fd,
                                         .name = next->text,
                                         .type = next->text + next->type,
                                         .max_file_bytes = next->wire.max_file_bytes,
                                         .started_ms = qr_clock_ms(),
                                         .budget_ms = next->wire.budget_ms,
                                         .options = next->wire.options,
                                         .progress = on_progress,
                                         .progress_arg = child,
                                         .prepared = next->prepared,
                                         .prepared_fd = next->prepared_fd,
                                         .resume = found ? &resume : NULL,
                                         .keeper = &keeper};
            child->job_id = next->id;
            child->keep_ms = next->wire.keep_ms;
            child->inbox.busy = true;
            rc = extract(child, &job, &err);
            qr_inbox_drop_first(&child->inbox);
            free(found);
        }
        if (rc == QR_E_UNREACHABLE)
            return QR_CHILD_OK; /* the pool closed the pipe, or is gone */
        if (rc < 0)
            return QR_CHILD_BROKEN;
    }
}

/* Freed memory is kept for the next file instead of given back page by page; a child that has grown
 * is replaced by the pool. */
static void tune_memory(void)
{
    mallopt(M_MMAP_THRESHOLD, 16 * 1024 * 1024);
    mallopt(M_TRIM_THRESHOLD, 128 * 1024 * 1024);
    mallopt(M_TOP_PAD, 1024 * 1024);
}

int qr_child_main(const struct qr_child_config *config)
{
    static struct child child;
    struct qr_sandbox_config sandbox = {
        .keep_fd = QR_WIRE_FD, .memory_bytes = config->memory_bytes, .max_fds = CHILD_FDS};
    struct qr_sandbox_report report;
    struct qr_err err = {0};

    tune_memory();
    qr_pipe_init(&child.pipe, QR_WIRE_FD, true, false);
    qr_inbox_init(&child.inbox, &child.pipe);
    qr_buf_init(&child.encoded, RECORD_MAX);
    child.rec = qr_record_new(NULL);
    /* a document may take what is left after the record and the text */
    size_t for_pdf = config->memory_bytes > 0 ? (size_t)config->memory_bytes / 2 : SIZE_MAX / 2;
    child.geometry = config->geometry;
    if (config->geometry && qr_geometry_load(&child.kernel, &err) < 0)
        memcpy(child.why, err.msg, sizeof child.why);
    if (!child.rec || (!config->geometry && qr_engine_init(&child.engine, for_pdf, &err) < 0))
        _exit(QR_CHILD_NO_MEMORY);
    if (qr_sandbox_enter(&sandbox, &report, &err) < 0) {
        fprintf(stderr, "quarry-worker --child: %s\n", err.msg);
        _exit(QR_CHILD_NO_SANDBOX);
    }
    int code = QR_CHILD_BROKEN;
    if (qr_pipe_send(&child.pipe, QR_WIRE_READY, 0, &report, sizeof report, -1, &err) == QR_OK)
        code = loop(&child);
    _exit(code); /* no exit handlers: in here they could do nothing */
}

#include "worker/child/child.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/os/file.h"
#include "common/os/pipe.h"
#include "worker/child/wire.h"
#include "worker/extract/extract.h"
#include "worker/geometry/geometry.h"
#include "worker/geometry/module.h"

#define PROGRESS_EVERY_MS 200
#define RECORD_MAX ((size_t)160 * 1024 * 1024)
#define CHILD_FDS 32
#define LOOK_EVERY_MS 20 /* at the pipe, while working */

/* A job that was received and has not begun. */
struct queued {
    uint64_t id;
    int fd;
    struct qr_wire_job wire;
    size_t type;   /* where it begins in `text`, behind the name */
    int resume_fd; /* -1: from the start */
    uint64_t state_bytes;
    struct qr_prepared *prepared; /* NULL: none */
    int prepared_fd;              /* -1: none */
    char text[QR_WIRE_TEXT_MAX];
};

struct child {
    struct qr_pipe pipe;
    struct queued queue[QR_WIRE_DEPTH + 1];
    size_t n_queued;
    size_t busy; /* 1 while the first of them is worked on */
    struct qr_engine engine;
    bool geometry;                  /* the second step of models; `engine` is not used */
    const struct qr_kernel *kernel; /* NULL: why */
    char why[sizeof((struct qr_err *)NULL)->msg];
    struct qr_record *rec;
    struct qr_buf encoded;
    uint64_t job_id;
    int64_t reported_ms;
    /* a RESUME whose JOB comes next */
    uint64_t resume_id;
    int resume_fd;
    uint64_t resume_state_bytes;
    /* a PREPARED whose JOB comes next */
    uint64_t prepared_id;
    struct qr_prepared *prepared;
    int prepared_fd;
    /* keeping what is finished */
    int64_t keep_ms; /* of the job; 0: not, or not any more */
    int64_t kept_at_ms, looked_at_ms;
    bool keep_now, kept_before;
};

static int receive(struct child *child, bool wait, struct qr_err *err);

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
        if (receive(child, false, &err) < 0)
            child->keep_ms = 0;
    }
    return child->keep_now || now - child->kept_at_ms >= child->keep_ms;
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
    child->keep_now = false;
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
    child->keep_now = child->kept_before = false;
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

/* Put a JOB frame behind those that wait. Takes the descriptor only on success. */
static int queue_job(struct child *child, const struct qr_pipe_header *header,
                     const uint8_t *payload, int fd, struct qr_err *err)
{
    struct queued *queued = &child->queue[child->n_queued];
    size_t len = header->len;

    if (fd < 0 || len < sizeof queued->wire + 2 ||
        len > sizeof queued->wire + sizeof queued->text || payload[len - 1] != '\0' ||
        child->n_queued == QR_COUNT(child->queue))
        return qr_fail(err, QR_E_DATA, "not a job");
    memcpy(&queued->wire, payload, sizeof queued->wire);
    memcpy(queued->text, payload + sizeof queued->wire, len - sizeof queued->wire);
    queued->type = strlen(queued->text) + 1;
    if (queued->type >= len - sizeof queued->wire)
        return qr_fail(err, QR_E_DATA, "not a job");
    queued->id = header->id;
    queued->fd = fd;
    queued->resume_fd = -1;
    if (child->resume_fd >= 0 && child->resume_id == header->id) {
        queued->resume_fd = child->resume_fd;
        queued->state_bytes = child->resume_state_bytes;
        child->resume_fd = -1;
    }
    queued->prepared = NULL;
    queued->prepared_fd = -1;
    if (child->prepared && child->prepared_id == header->id) {
        queued->prepared = child->prepared;
        queued->prepared_fd = child->prepared_fd;
        child->prepared = NULL;
    }
    child->n_queued++;
    return QR_OK;
}

static int take_resume(struct child *child, const struct qr_pipe_header *header,
                       const uint8_t *payload, int fd, struct qr_err *err)
{
    if (fd < 0 || header->len != sizeof child->resume_state_bytes || child->resume_fd >= 0)
        return qr_fail(err, QR_E_DATA, "not where to go on from");
    memcpy(&child->resume_state_bytes, payload, sizeof child->resume_state_bytes);
    child->resume_id = header->id;
    child->resume_fd = fd;
    return QR_OK;
}

/* Takes the descriptor, which may be none, on success. */
static int take_prepared(struct child *child, const struct qr_pipe_header *header,
                         const uint8_t *payload, int fd, struct qr_err *err)
{
    if (header->len != sizeof *child->prepared || child->prepared)
        return qr_fail(err, QR_E_DATA, "not what a program made");
    child->prepared = malloc(sizeof *child->prepared);
    if (!child->prepared)
        return qr_fail(err, QR_E_NOMEM, "out of memory");
    memcpy(child->prepared, payload, sizeof *child->prepared);
    child->prepared_id = header->id;
    child->prepared_fd = fd;
    return QR_OK;
}

/* What RESUME brought, in memory: *ret points into it. NULL: begin at the start. */
static uint8_t *read_resume(const struct queued *queued, struct qr_extract_resume *ret)
{
    struct qr_file_info info;
    struct qr_err err;

    if (queued->resume_fd < 0 || qr_file_info(queued->resume_fd, &info, &err) < 0 ||
        info.size > RECORD_MAX || queued->state_bytes > info.size)
        return NULL;
    uint8_t *data = malloc(info.size + 1);
    for (size_t have = 0; data && have < info.size;) {
        ssize_t n = pread(queued->resume_fd, data + have, info.size - have, (off_t)have);
        if (n <= 0) {
            free(data);
            return NULL;
        }
        have += (size_t)n;
    }
    if (data)
        *ret = (struct qr_extract_resume){.state = data,
                                          .state_len = queued->state_bytes,
                                          .parts = data + queued->state_bytes,
                                          .parts_len = info.size - queued->state_bytes};
    return data;
}

static void drop_queued(struct child *child, size_t index)
{
    close(child->queue[index].fd);
    if (child->queue[index].resume_fd >= 0)
        close(child->queue[index].resume_fd);
    if (child->queue[index].prepared_fd >= 0)
        close(child->queue[index].prepared_fd);
    free(child->queue[index].prepared);
    child->n_queued--;
    memmove(&child->queue[index], &child->queue[index + 1],
            (child->n_queued - index) * sizeof child->queue[0]);
}

static int skip_job(struct child *child, uint64_t id, struct qr_err *err)
{
    for (size_t i = child->busy; i < child->n_queued; i++) {
        if (child->queue[i].id == id) {
            drop_queued(child, i);
            return qr_pipe_send(&child->pipe, QR_WIRE_SKIPPED, id, NULL, 0, -1, err);
        }
    }
    return QR_OK; /* it was answered meanwhile */
}

static int keep_soon(struct child *child, uint64_t id)
{
    if (child->busy && child->job_id == id)
        child->keep_now = true;
    return QR_OK;
}

/* All whole frames that were read. */
static int take_frames(struct child *child, struct qr_err *err)
{
    struct qr_pipe_header header;
    const uint8_t *payload;
    int fd;
    int rc;

    while ((rc = qr_pipe_take(&child->pipe, &header, &payload, &fd, err)) > 0) {
        if (header.type == QR_WIRE_JOB)
            rc = queue_job(child, &header, payload, fd, err);
        else if (header.type == QR_WIRE_SKIP)
            rc = skip_job(child, header.id, err);
        else if (header.type == QR_WIRE_RESUME)
            rc = take_resume(child, &header, payload, fd, err);
        else if (header.type == QR_WIRE_PREPARED)
            rc = take_prepared(child, &header, payload, fd, err);
        else if (header.type == QR_WIRE_KEEP)
            rc = keep_soon(child, header.id);
        else
            rc = qr_fail(err, QR_E_DATA, "frame of type %u", header.type);
        if (rc < 0)
            break;
    }
    return rc;
}

/* Read whatever the pool has sent; wait for something, if at all, only when there is no job. */
static int receive(struct child *child, bool wait, struct qr_err *err)
{
    int rc = take_frames(child, err);

    while (rc == QR_OK && ((wait && child->n_queued == 0) || qr_pipe_readable(&child->pipe))) {
        rc = qr_pipe_fill(&child->pipe, err);
        if (rc == QR_OK)
            rc = take_frames(child, err);
    }
    return rc;
}

static int loop(struct child *child)
{
    const struct qr_extract_keeper keeper = {.due = is_keep_due, .keep = on_keep, .arg = child};
    struct qr_err err = {0};

    for (;;) {
        int rc = receive(child, true, &err);
        if (rc == QR_OK) {
            struct queued *next = &child->queue[0];
            struct qr_extract_resume resume;
            uint8_t *found = read_resume(next, &resume);
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
            child->busy = 1;
            rc = extract(child, &job, &err);
            child->busy = 0;
            drop_queued(child, 0);
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

    child.resume_fd = -1;
    tune_memory();
    qr_pipe_init(&child.pipe, QR_WIRE_FD, true, false);
    qr_buf_init(&child.encoded, RECORD_MAX);
    child.rec = qr_record_new(NULL);
    child.prepared_fd = -1;
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

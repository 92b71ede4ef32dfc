#include "worker/agent/job_intern.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <utlist.h>

#include "common/log.h"
#include "common/os/file.h"
#include "quarry/v1/record.pb-c.h"

enum {
    FETCH_BUDGET_MS = 120000, /* where the lease has no budget */
    KEEP_GRACE_MS = 1000,     /* to keep what is finished, before a job is handed back */
};

struct qr_job *qr_job_find(const struct qr_jobs *jobs, uint64_t lease_id)
{
    struct qr_job *job = NULL;
    HASH_FIND(hh, jobs->all, &lease_id, sizeof lease_id, job);
    return job;
}

void qr_job_dispose(struct qr_job *job)
{
    if (job->fd >= 0)
        close(job->fd);
    if (job->resume_fd >= 0)
        close(job->resume_fd);
    if (job->prepared_fd >= 0)
        close(job->prepared_fd);
    free(job->prepared);
    free(job->resume);
    free(job->record);
    free(job->uri);
    free(job->name);
    free(job->type);
    free(job);
}

void qr_job_free(struct qr_jobs *jobs, struct qr_job *job)
{
    if (job->state == QR_JOB_READY)
        DL_DELETE(jobs->ready, job);
    HASH_DELETE(hh, jobs->all, job);
    qr_job_dispose(job);
}

void qr_jobs_free(struct qr_jobs *jobs)
{
    struct qr_job *job;
    struct qr_job *next;
    HASH_ITER (hh, jobs->all, job, next)
        qr_job_free(jobs, job);
}

/* ---- results */

void qr_job_report(struct qr_jobs *jobs, const struct qr_session_result *result)
{
    jobs->done += result->cls == QR_CLASS_NONE;
    jobs->failed += result->cls != QR_CLASS_NONE;
    if (result->cls != QR_CLASS_NONE)
        qr_log(QR_LOG_DEBUG, "job.failed", "lease=%" PRIu64 " class=%s message=\"%s\"",
               result->lease_id, qr_class_text(result->cls), result->message);
    qr_session_result(jobs->session, result);
}

void qr_job_answer(struct qr_jobs *jobs, uint64_t lease_id, enum qr_class cls, const char *message,
                   const uint8_t *record, size_t record_bytes, int64_t duration_ms)
{
    const struct qr_session_result result = {.lease_id = lease_id,
                                             .cls = cls,
                                             .message = message,
                                             .record = record,
                                             .record_bytes = record_bytes,
                                             .duration_ms = (uint32_t)duration_ms};
    qr_job_report(jobs, &result);
}

/* Fields of a repeated kind may stand anywhere in a message. */
uint8_t *qr_job_with_note(const uint8_t *record, size_t len, const char *code, uint32_t count,
                          const char *message, size_t *ret_len)
{
    Quarry__V1__ExtractionRecord tail = QUARRY__V1__EXTRACTION_RECORD__INIT;
    Quarry__V1__Note note = QUARRY__V1__NOTE__INIT;
    Quarry__V1__Note *notes[] = {&note};

    note.code = (char *)(uintptr_t)code;
    note.count = count;
    note.message = (char *)(uintptr_t)message;
    tail.notes = notes;
    tail.n_notes = 1;
    size_t tail_len = quarry__v1__extraction_record__get_packed_size(&tail);
    uint8_t *both = malloc(len + tail_len);
    if (!both)
        return NULL;
    memcpy(both, record, len);
    *ret_len = len + quarry__v1__extraction_record__pack(&tail, both + len);
    return both;
}

void qr_jobs_done(struct qr_jobs *jobs, const struct qr_pool_result *result)
{
    struct qr_job *job = qr_job_find(jobs, result->id);
    const uint8_t *record = result->record;
    size_t len = result->record_bytes;
    uint8_t *noted = NULL;

    if (!job) {
        jobs->n_submitted--;
        return;
    }
    qr_job_free_place(jobs, job);
    if (job->state == QR_JOB_LEFT || result->cancelled) {
        qr_job_free(jobs, job);
        return;
    }
    if (job->changed && record &&
        (noted = qr_job_with_note(record, len, "file.changed_since_listing", 1,
                                  "size or time of change differ from the listing", &len)))
        record = noted;
    if (qr_job_refer(jobs, job, result, record, len)) {
        free(noted);
        return;
    }
    struct qr_session_result answer = {.lease_id = job->lease_id,
                                       .cls = result->cls,
                                       .message = result->message,
                                       .record = record,
                                       .record_bytes = len,
                                       .duration_ms =
                                           (uint32_t)(job->fetch_ms + result->duration_ms)};
    qr_job_unreferred(job, result, &answer);
    qr_job_report(jobs, &answer);
    free(noted);
    qr_job_free(jobs, job);
}

/* ---- going on where somebody stopped */

void qr_jobs_parts(struct qr_jobs *jobs, uint64_t lease_id, const uint8_t *data, size_t len)
{
    struct qr_job *job = qr_job_find(jobs, lease_id);
    struct qr_err err = {0};

    if (!job || !job->parts_wanted)
        return;
    job->parts_wanted = false;
    if (data) {
        const struct iovec bytes[] = {{job->resume, job->resume_len}, {(uint8_t *)data, len}};
        job->resume_fd = qr_file_unnamed("resume", bytes, QR_COUNT(bytes), &err);
    }
    if (job->resume_fd < 0)
        qr_log(QR_LOG_WARN, "job.begins_anew", "lease=%" PRIu64 " detail=\"%s\"", lease_id,
               data ? err.msg : "what it had finished before cannot be had");
    if (job->state == QR_JOB_FETCHING && job->fd >= 0)
        qr_job_ready(jobs, job);
}

void qr_jobs_progress(const struct qr_jobs *jobs, uint64_t id,
                      const struct qr_extract_progress *progress)
{
    struct qr_job *job = qr_job_find(jobs, id);

    if (!job)
        return;
    if (progress->from > 0 && !job->said)
        qr_log(QR_LOG_INFO, "job.resumed", "lease=%" PRIu64 " file=\"%s\" finished=%u of=%u", id,
               job->name, progress->from, progress->total);
    job->said = true;
    qr_log(QR_LOG_DEBUG, "job.progress", "lease=%" PRIu64 " done=%u of=%u from=%u", id,
           progress->done, progress->total, progress->from);
}

void qr_jobs_kept(struct qr_jobs *jobs, const struct qr_pool_kept *kept)
{
    struct qr_job *job = qr_job_find(jobs, kept->id);
    const struct qr_session_checkpoint checkpoint = {.state = kept->state,
                                                     .state_len = kept->state_len,
                                                     .part = kept->part,
                                                     .part_len = kept->part_len,
                                                     .anew = kept->anew};

    if (!job || job->state != QR_JOB_RUNNING)
        return;
    qr_log(QR_LOG_DEBUG, "job.kept", "lease=%" PRIu64 " bytes=%zu anew=%d", kept->id,
           kept->part_len, kept->anew);
    qr_session_checkpoint(jobs->session, job->lease_id, &checkpoint);
    job->kept = job->stop_ms != 0;
}

/* ---- into the pool */

void qr_job_hold_place(struct qr_jobs *jobs, const struct qr_job *job)
{
    jobs->n_submitted++;
    jobs->alone_running = jobs->alone_running || job->alone;
}

void qr_job_free_place(struct qr_jobs *jobs, const struct qr_job *job)
{
    jobs->n_submitted--;
    if (job->alone)
        jobs->alone_running = false;
}

/* A suspect runs with nothing beside it. */
static bool may_submit(const struct qr_jobs *jobs, const struct qr_job *job)
{
    if (jobs->alone_running || (job->alone && jobs->n_submitted > 0))
        return false;
    return job->tool ? qr_tools_room(jobs->tools) > 0 : qr_pool_room(jobs->pool) > 0;
}

static void submit(struct qr_jobs *jobs, struct qr_job *job)
{
    int64_t left_ms = qr_tools_left_ms(job->prepared, job->budget_ms, job->fetch_ms);
    const struct qr_pool_job ask = {.id = job->lease_id,
                                    .fd = job->fd,
                                    .name = job->name,
                                    .type = job->type,
                                    .max_file_bytes = jobs->max_file_bytes,
                                    .options = job->options,
                                    .budget_ms = job->budget_ms ? left_ms : 0,
                                    .progress_ms = job->progress_ms,
                                    .keep_ms = jobs->keep_ms,
                                    .prepared = job->prepared,
                                    .prepared_fd = job->prepared_fd,
                                    .resume_fd = job->resume_fd,
                                    .state_bytes = job->resume_len};
    struct qr_err err = {0};

    if (!job->prepared) {
        qr_session_started(jobs->session, job->lease_id);
        qr_log(QR_LOG_DEBUG, "job.start", "lease=%" PRIu64, job->lease_id);
    }
    if (job->tool) {
        qr_job_prepare(jobs, job);
        return;
    }
    if (qr_pool_submit(jobs->pool, &ask, &err) < 0) {
        qr_job_answer(jobs, job->lease_id,
                      err.code == QR_E_INVALID ? QR_CLASS_INVALID_INPUT : QR_CLASS_RESOURCE,
                      err.msg, NULL, 0, job->fetch_ms);
        qr_job_free(jobs, job);
        return;
    }
    DL_DELETE(jobs->ready, job);
    job->fd = -1;
    job->resume_fd = -1;
    job->prepared_fd = -1;
    job->state = QR_JOB_RUNNING;
    qr_job_hold_place(jobs, job);
}

/* ---- stopping */

/* The lease is over for us: out of the way, wherever the job is. */
static void leave(struct qr_jobs *jobs, struct qr_job *job)
{
    if (job->state == QR_JOB_LEFT)
        return;
    if (job->state == QR_JOB_PREPARING)
        qr_job_unprepare(jobs, job);
    if (job->state != QR_JOB_RUNNING) {
        qr_job_free(jobs, job);
        return;
    }
    job->state = QR_JOB_LEFT;
    qr_pool_cancel(jobs->pool, job->lease_id);
}

static void hand_back(struct qr_jobs *jobs, struct qr_job *job, const char *reason)
{
    qr_session_release(jobs->session, job->lease_id, reason);
    leave(jobs, job);
}

/* It runs on until what it has finished is kept, or the time is over. */
static void stop_soon(struct qr_jobs *jobs, struct qr_job *job, int64_t until_ms,
                      const char *reason)
{
    if (job->stop_ms != 0 && job->stop_ms <= until_ms)
        return;
    if (job->stop_ms == 0)
        qr_pool_keep(jobs->pool, job->lease_id);
    job->stop_ms = until_ms;
    job->stop_reason = reason;
}

void qr_jobs_stop(struct qr_jobs *jobs, uint64_t lease_id, enum qr_session_stop reason,
                  uint32_t grace_ms)
{
    struct qr_job *job = qr_job_find(jobs, lease_id);

    if (!job || job->state == QR_JOB_LEFT)
        return;
    if (reason == QR_SESSION_STOP_STALE)
        leave(jobs, job);
    else if (reason == QR_SESSION_STOP_CANCEL)
        hand_back(jobs, job, "cancelled");
    else if (job->state != QR_JOB_RUNNING || grace_ms == 0)
        hand_back(jobs, job, "paused");
    else /* work that ends within the grace need not be done again, nor what can be kept */
        stop_soon(jobs, job, jobs->now_ms + grace_ms, "paused");
}

void qr_jobs_hand_back(struct qr_jobs *jobs, bool running_too, const char *reason)
{
    struct qr_job *job;
    struct qr_job *next;
    HASH_ITER (hh, jobs->all, job, next) {
        if (job->state == QR_JOB_RUNNING && running_too)
            stop_soon(jobs, job, jobs->now_ms + KEEP_GRACE_MS, reason);
        else if (job->state != QR_JOB_LEFT && job->state != QR_JOB_RUNNING &&
                 ((job->state != QR_JOB_REFERRING && job->state != QR_JOB_PREPARING) ||
                  running_too))
            hand_back(jobs, job, reason);
    }
}

/* ---- time */

/* A fetch counts from when it was seen under way; one that waits for a thread so long is handed
 * back. */
static int64_t fetch_deadline(const struct qr_job *job)
{
    int64_t since = job->fetching_ms ? job->fetching_ms : job->taken_ms;
    return since + (job->budget_ms ? job->budget_ms : FETCH_BUDGET_MS);
}

static void fetch_too_long(struct qr_jobs *jobs, struct qr_job *job)
{
    char message[200];

    if (qr_fetcher_withdraw(jobs->fetcher, job->lease_id)) {
        hand_back(jobs, job, "all threads wait for shares that do not answer");
    } else if (!job->fetching_ms) {
        job->fetching_ms = jobs->now_ms;
    } else {
        snprintf(message, sizeof message,
                 "the file could not be opened within %" PRId64 " s; hint: does its share answer?",
                 (jobs->now_ms - job->fetching_ms) / 1000);
        qr_job_answer(jobs, job->lease_id, QR_CLASS_TIMEOUT, message, NULL, 0,
                      jobs->now_ms - job->fetching_ms);
        qr_job_free(jobs, job);
    }
}

static void check_time(struct qr_jobs *jobs, struct qr_job *job)
{
    if (job->state == QR_JOB_RUNNING && job->stop_ms != 0 &&
        (job->kept || jobs->now_ms >= job->stop_ms))
        hand_back(jobs, job, job->stop_reason);
    else if (job->state == QR_JOB_FETCHING && jobs->now_ms >= fetch_deadline(job))
        fetch_too_long(jobs, job);
    else if (job->state == QR_JOB_REFERRING && jobs->now_ms >= qr_job_refer_deadline(job))
        qr_job_refer_too_long(jobs, job);
}

static void report_working(void *arg, uint64_t id, int64_t since_ms,
                           const struct qr_extract_progress *progress)
{
    struct qr_jobs *jobs = arg;
    struct qr_job *job = qr_job_find(jobs, id);

    if (!job || job->state != QR_JOB_RUNNING)
        return;
    const struct qr_session_progress running = {
        .phase = QUARRY__V1__LEASE_PHASE__LEASE_PHASE_RUNNING,
        .permille = progress->permille < 1000 ? progress->permille : 1000,
        .done = progress->done,
        .total = progress->total,
        .started_ms = jobs->now_ms - since_ms - job->fetch_ms};
    qr_session_progress(jobs->session, id, &running);
}

static void report_preparing(struct qr_jobs *jobs, const struct qr_job *job)
{
    int64_t since_ms = qr_tools_since_ms(jobs->tools, job->lease_id);
    const struct qr_session_progress running = {
        .phase = QUARRY__V1__LEASE_PHASE__LEASE_PHASE_RUNNING,
        .started_ms = jobs->now_ms - (since_ms > 0 ? since_ms : 0) - job->fetch_ms};

    if (since_ms >= 0)
        qr_session_progress(jobs->session, job->lease_id, &running);
}

void qr_jobs_report(struct qr_jobs *jobs)
{
    struct qr_job *job;
    struct qr_job *next;

    HASH_ITER (hh, jobs->all, job, next) {
        if (job->state == QR_JOB_PREPARING)
            report_preparing(jobs, job);
        if (job->state != QR_JOB_FETCHING)
            continue;
        if (!job->fetching_ms && !qr_fetcher_is_waiting(jobs->fetcher, job->lease_id))
            job->fetching_ms = jobs->now_ms;
        const struct qr_session_progress fetching = {
            .phase = QUARRY__V1__LEASE_PHASE__LEASE_PHASE_FETCHING, .started_ms = job->fetching_ms};
        if (job->fetching_ms)
            qr_session_progress(jobs->session, job->lease_id, &fetching);
    }
    qr_pool_each_working(jobs->pool, report_working, jobs);
}

void qr_jobs_turn(struct qr_jobs *jobs)
{
    struct qr_job *job;
    struct qr_job *next;

    HASH_ITER (hh, jobs->all, job, next)
        check_time(jobs, job);
    DL_FOREACH_SAFE(jobs->ready, job, next)
    {
        if (may_submit(jobs, job))
            submit(jobs, job);
        else if (!job->tool || job->alone)
            break; /* in order; only a full house of programs holds up nobody else */
    }
}

int64_t qr_jobs_next_deadline(const struct qr_jobs *jobs)
{
    int64_t deadline = INT64_MAX;
    for (const struct qr_job *job = jobs->all; job; job = job->hh.next) {
        int64_t due = INT64_MAX;
        if (job->state == QR_JOB_RUNNING && job->stop_ms != 0)
            due = job->kept ? jobs->now_ms : job->stop_ms;
        else if (job->state == QR_JOB_FETCHING)
            due = fetch_deadline(job);
        else if (job->state == QR_JOB_REFERRING)
            due = qr_job_refer_deadline(job);
        deadline = due < deadline ? due : deadline;
    }
    return deadline;
}

size_t qr_jobs_count(const struct qr_jobs *jobs)
{
    size_t n = 0;
    for (const struct qr_job *job = jobs->all; job; job = job->hh.next)
        n += job->state != QR_JOB_LEFT;
    return n;
}

#include "cadbridge/jobs.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#include "common/log.h"
#include "common/uri.h"

#define WAITED_NOTE \
    "cad-waited-ms " /* the checkpoint of a job that waits: how long it has in all */

static struct qr_bridge_job *find(const struct qr_bridge_jobs *jobs, uint64_t lease_id)
{
    struct qr_bridge_job *job = NULL;
    HASH_FIND(hh, jobs->all, &lease_id, sizeof lease_id, job);
    return job;
}

static void dispose(struct qr_bridge_job *job)
{
    free(job->uri);
    free(job->raw);
    free(job);
}

static void forget(struct qr_bridge_jobs *jobs, struct qr_bridge_job *job)
{
    if (job->slot < 0)
        DL_DELETE(jobs->line, job);
    HASH_DELETE(hh, jobs->all, job);
    dispose(job);
}

static void answer(struct qr_bridge_jobs *jobs, const struct qr_bridge_job *job,
                   const struct qr_session_result *result)
{
    bool good = result->cls == QR_CLASS_NONE;

    jobs->done += good;
    jobs->failed += !good;
    if (!good)
        qr_log(QR_LOG_DEBUG, "job.failed",
               "lease=%" PRIu64 " uri=\"%s\" class=%s final=%s message=\"%s\"", job->lease_id,
               job->uri, qr_class_text(result->cls), result->final ? "yes" : "no", result->message);
    qr_session_result(jobs->session, result);
}

/* ---- in */

static int64_t waited_of(const ProtobufCBinaryData *note)
{
    char text[64];
    size_t len = note->len < sizeof text - 1 ? note->len : sizeof text - 1;
    const size_t prefix = sizeof WAITED_NOTE - 1;

    if (len > 0)
        memcpy(text, note->data, len);
    text[len] = '\0';
    if (len <= prefix || strncmp(text, WAITED_NOTE, prefix) != 0)
        return 0;
    long long ms = strtoll(text + prefix, NULL, 10);
    return ms > 0 ? ms : 0;
}

static struct qr_bridge_job *make(const Quarry__V1__Lease *lease)
{
    struct qr_bridge_job *job = calloc(1, sizeof *job);

    if (!job)
        return NULL;
    job->lease_id = lease->lease_id;
    job->slot = -1;
    job->alone = lease->alone;
    job->uri = strdup(lease->uri);
    job->raw = malloc(lease->uri_raw.len + 1);
    if (!job->uri || !job->raw) {
        dispose(job);
        return NULL;
    }
    if (lease->uri_raw.len > 0)
        memcpy(job->raw, lease->uri_raw.data, lease->uri_raw.len);
    job->work = (struct qr_work_job){.uri = job->uri,
                                     .raw = job->raw,
                                     .raw_len = lease->uri_raw.len,
                                     .budget_ms = (int64_t)lease->budget_ms,
                                     .waited_ms = waited_of(&lease->checkpoint),
                                     .listed_bytes = lease->bytes,
                                     .listed_modified_ms = lease->modified_ms};
    return job;
}

/* NULL: it can be taken. */
static const char *refusal(const struct qr_bridge_jobs *jobs, const Quarry__V1__Lease *lease)
{
    struct qr_uri uri = {.path = NULL};
    struct qr_err err = {0};
    const char *why = NULL;

    if (find(jobs, lease->lease_id))
        return "still ending it";
    if (qr_uri_parse(lease->uri, &uri, &err) == QR_OK && !qr_roots_dir(jobs->roots, uri.root))
        why = "no such root here";
    qr_uri_done(&uri);
    return why;
}

void qr_bridge_jobs_offer(struct qr_bridge_jobs *jobs, const Quarry__V1__Lease *lease)
{
    const struct qr_session_progress queued = {.phase =
                                                   QUARRY__V1__LEASE_PHASE__LEASE_PHASE_QUEUED};
    const char *why = refusal(jobs, lease);
    struct qr_bridge_job *job = why ? NULL : make(lease);

    if (!job) {
        qr_session_decline(jobs->session, lease->lease_id, why ? why : "out of memory");
        return;
    }
    HASH_ADD_KEYPTR(hh, jobs->all, &job->lease_id, sizeof job->lease_id, job);
    DL_APPEND(jobs->line, job);
    qr_session_accept(jobs->session, job->lease_id);
    qr_session_progress(jobs->session, job->lease_id, &queued);
}

static void start(struct qr_bridge_jobs *jobs, struct qr_bridge_job *job, int slot)
{
    struct qr_err err = {0};

    qr_session_started(jobs->session, job->lease_id);
    if (qr_slots_start(jobs->slots, slot, job->lease_id, &job->work, &err) < 0) {
        answer(jobs, job,
               &(struct qr_session_result){
                   .lease_id = job->lease_id, .cls = QR_CLASS_RESOURCE, .message = err.msg});
        forget(jobs, job);
        return;
    }
    DL_DELETE(jobs->line, job);
    job->slot = slot;
    job->begun_ms = jobs->now_ms;
    jobs->n_running++;
    jobs->alone_running = jobs->alone_running || job->alone;
}

void qr_bridge_jobs_turn(struct qr_bridge_jobs *jobs)
{
    int slot;

    while (jobs->line && !jobs->alone_running && (!jobs->line->alone || jobs->n_running == 0) &&
           (slot = qr_slots_find(jobs->slots)) >= 0)
        start(jobs, jobs->line, slot);
}

/* ---- out */

static void postpone(struct qr_bridge_jobs *jobs, const struct qr_bridge_job *job,
                     const struct qr_work_result *result)
{
    char note[64];
    int len = snprintf(note, sizeof note, WAITED_NOTE "%" PRId64, result->waited_ms);

    jobs->waited++;
    qr_log(QR_LOG_DEBUG, "job.waits",
           "lease=%" PRIu64 " uri=\"%s\" for_ms=%" PRId64 " in_all_ms=%" PRId64, job->lease_id,
           job->uri, result->wait_ms, result->waited_ms);
    qr_session_postpone(jobs->session, job->lease_id, "waits for the Creo service",
                        (uint64_t)result->wait_ms, note, (size_t)len);
}

static void answer_with(struct qr_bridge_jobs *jobs, const struct qr_bridge_job *job,
                        const struct qr_work_result *result, int64_t took_ms)
{
    bool good = result->cls == QR_CLASS_NONE;
    const struct qr_session_result message = {.lease_id = job->lease_id,
                                              .cls = result->cls,
                                              .message = result->message,
                                              .final = result->final,
                                              .record = good ? result->record.data : NULL,
                                              .record_bytes = good ? result->record.len : 0,
                                              .duration_ms = (uint32_t)took_ms};

    answer(jobs, job, &message);
}

void qr_bridge_jobs_done(struct qr_bridge_jobs *jobs, uint64_t lease_id, struct qr_slot_done *done)
{
    struct qr_bridge_job *job = find(jobs, lease_id);
    struct qr_work_result *result = &done->result;

    qr_slots_finished(jobs->slots, done->slot);
    jobs->n_running--;
    if (job && job->alone)
        jobs->alone_running = false;
    if (job && !job->left && result->given_up)
        qr_session_release(jobs->session, lease_id, "given up");
    else if (job && !job->left && result->wait)
        postpone(jobs, job, result);
    else if (job && !job->left)
        answer_with(jobs, job, result, done->took_ms);
    if (job)
        forget(jobs, job);
    qr_work_result_done(result);
}

/* The lease is over for us. */
static void leave(struct qr_bridge_jobs *jobs, struct qr_bridge_job *job)
{
    if (job->slot < 0) {
        forget(jobs, job);
        return;
    }
    job->left = true;
    qr_slots_interrupt(jobs->slots, job->slot);
}

void qr_bridge_jobs_stop(struct qr_bridge_jobs *jobs, uint64_t lease_id,
                         enum qr_session_stop reason)
{
    struct qr_bridge_job *job = find(jobs, lease_id);

    if (!job || job->left)
        return;
    if (reason != QR_SESSION_STOP_STALE)
        qr_session_release(jobs->session, lease_id,
                           reason == QR_SESSION_STOP_CANCEL ? "cancelled" : "paused");
    leave(jobs, job);
}

void qr_bridge_jobs_hand_back(struct qr_bridge_jobs *jobs, bool running_too, const char *reason)
{
    struct qr_bridge_job *job;
    struct qr_bridge_job *next;

    HASH_ITER (hh, jobs->all, job, next) {
        if (job->left || (job->slot >= 0 && !running_too))
            continue;
        qr_session_release(jobs->session, job->lease_id, reason);
        leave(jobs, job);
    }
}

void qr_bridge_jobs_report(struct qr_bridge_jobs *jobs)
{
    for (const struct qr_bridge_job *job = jobs->all; job; job = job->hh.next) {
        const struct qr_session_progress running = {
            .phase = QUARRY__V1__LEASE_PHASE__LEASE_PHASE_RUNNING, .started_ms = job->begun_ms};
        if (job->slot >= 0 && !job->left)
            qr_session_progress(jobs->session, job->lease_id, &running);
    }
}

size_t qr_bridge_jobs_count(const struct qr_bridge_jobs *jobs)
{
    size_t n = 0;

    for (const struct qr_bridge_job *job = jobs->all; job; job = job->hh.next)
        n += !job->left;
    return n;
}

void qr_bridge_jobs_free(struct qr_bridge_jobs *jobs)
{
    struct qr_bridge_job *job;
    struct qr_bridge_job *next;

    HASH_ITER (hh, jobs->all, job, next) {
        HASH_DELETE(hh, jobs->all, job);
        dispose(job);
    }
}

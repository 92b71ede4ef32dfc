/* The files that a completed job's file names: looked at by a fetch thread, then handed up with the
 * result (docs/worker.md "References"). Until then the finished record waits here; a share that
 * does not answer costs the references, never the record. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "worker/agent/job_intern.h"

enum { LOOK_MS = 20000 };

bool qr_job_refer(struct qr_jobs *jobs, struct qr_job *job, const struct qr_pool_result *result,
                  const uint8_t *record, size_t len)
{
    struct qr_err err = {0};

    if (result->cls != QR_CLASS_NONE || result->found_len == 0 || !record ||
        job->options.follow != QR_EXTRACT_ON)
        return false;
    job->record = malloc(len);
    if (!job->record || qr_fetcher_refer(jobs->fetcher, job->lease_id, job->uri, result->found,
                                         result->found_len, &err) < 0) {
        free(job->record);
        job->record = NULL;
        return false;
    }
    memcpy(job->record, record, len);
    job->record_len = len;
    job->found_left_out = result->found_left_out;
    job->took_ms = job->fetch_ms + result->duration_ms;
    job->done_ms = jobs->now_ms;
    job->state = QR_JOB_REFERRING;
    return true;
}

static uint32_t count_names(const struct qr_pool_result *result)
{
    uint32_t n = 0;

    for (size_t i = 0; i < result->found_len; i++)
        n += result->found[i] == '\0';
    return n;
}

void qr_job_unreferred(const struct qr_job *job, const struct qr_pool_result *result,
                       struct qr_session_result *answer)
{
    if (result->cls != QR_CLASS_NONE || job->options.follow != QR_EXTRACT_ON)
        return;
    answer->found_left_out = result->found_left_out + count_names(result);
    answer->found_class = QR_CLASS_RESOURCE;
    answer->found_why = result->found_len > 0 ? "no memory to look at the files it names"
                                              : "it names files by names that are too long";
}

int64_t qr_job_refer_deadline(const struct qr_job *job) { return job->done_ms + LOOK_MS; }

/* Said in the record: a drawing whose references are not there is worth knowing. */
static void note(struct qr_job *job, const char *code, uint32_t count, const char *message)
{
    size_t len = job->record_len;
    uint8_t *noted =
        count > 0 ? qr_job_with_note(job->record, job->record_len, code, count, message, &len)
                  : NULL;
    if (!noted)
        return;
    free(job->record);
    job->record = noted;
    job->record_len = len;
}

static void finish(struct qr_jobs *jobs, struct qr_job *job, struct qr_session_result *result)
{
    result->lease_id = job->lease_id;
    result->record = job->record;
    result->record_bytes = job->record_len;
    result->duration_ms = (uint32_t)(job->took_ms + jobs->now_ms - job->done_ms);
    qr_job_report(jobs, result);
    qr_job_free(jobs, job);
}

void qr_jobs_referred(struct qr_jobs *jobs, uint64_t lease_id, const struct qr_references *refs)
{
    struct qr_job *job = qr_job_find(jobs, lease_id);
    struct qr_session_result result = {.found_class = QR_CLASS_RESOURCE,
                                       .found_why = "it names more files than a result can carry"};

    if (!job || job->state != QR_JOB_REFERRING)
        return;
    if (refs) {
        note(job, "reference.missing", refs->missing, "a file that is named is not there");
        note(job, "reference.outside", refs->outside,
             "a file is named by an absolute path, or out of its root: not followed");
        result.found = refs->files;
        result.n_found = refs->n;
        result.found_left_out = job->found_left_out + refs->left_out;
        qr_log(QR_LOG_DEBUG, "job.found",
               "lease=%" PRIu64 " files=%zu missing=%" PRIu32 " outside=%" PRIu32, lease_id,
               refs->n, refs->missing, refs->outside);
    } else {
        result.found_left_out = job->found_left_out + 1;
        result.found_why = "no memory to look at the files it names";
    }
    finish(jobs, job, &result);
}

void qr_job_refer_too_long(struct qr_jobs *jobs, struct qr_job *job)
{
    struct qr_session_result result = {
        .found_left_out = job->found_left_out + 1,
        .found_class = QR_CLASS_CONNECTION,
        .found_why = "the files it names could not be looked at within 20 s; hint: does their "
                     "share answer?"};

    (void)qr_fetcher_withdraw(jobs->fetcher, job->lease_id);
    finish(jobs, job, &result);
}

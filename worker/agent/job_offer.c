/* A job's way in: an offer is checked, its file fetched, and it stands in line for the pool. */
#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#include "worker/agent/job_intern.h"

static struct qr_job *make_job(const struct qr_jobs *jobs, const Quarry__V1__Lease *lease,
                               const struct qr_uri *uri)
{
    struct qr_job *job = calloc(1, sizeof *job);
    if (!job)
        return NULL;
    job->lease_id = lease->lease_id;
    job->uri = strdup(lease->uri);
    job->name = strdup(uri->path);
    job->type = strdup(lease->type);
    job->listed_bytes = lease->bytes;
    job->listed_modified_ms = lease->modified_ms;
    job->alone = lease->alone;
    job->budget_ms = (int64_t)lease->budget_ms;
    job->progress_ms = (int64_t)lease->progress_budget_ms;
    job->taken_ms = jobs->now_ms;
    job->fd = -1;
    job->resume_fd = -1;
    job->prepared_fd = -1;
    if (lease->checkpoint.len > 0 && lease->part_bytes > 0 &&
        (job->resume = malloc(lease->checkpoint.len)) != NULL) {
        memcpy(job->resume, lease->checkpoint.data, lease->checkpoint.len);
        job->resume_len = lease->checkpoint.len;
    }
    if (!job->uri || !job->name || !job->type) {
        qr_job_dispose(job);
        return NULL;
    }
    return job;
}

/* False: an option that this worker does not understand, said in `err`. Without the result a run
 * would look as if it had been done as asked. */
static bool read_options(const Quarry__V1__Lease *lease, struct qr_extract_options *options,
                         struct qr_err *err)
{
    for (size_t i = 0; i < lease->n_options; i++)
        if (qr_extract_options_set(options, lease->options[i]->key, lease->options[i]->value, err) <
            0)
            return false;
    return true;
}

static void take(struct qr_jobs *jobs, const Quarry__V1__Lease *lease, const struct qr_uri *uri,
                 const struct qr_extract_options *options)
{
    struct qr_err err = {0};
    struct qr_job *job = make_job(jobs, lease, uri);

    if (job)
        job->options = *options;

    int rc = !job ? QR_E_NOMEM
                  : qr_fetcher_submit(jobs->fetcher, lease->lease_id, lease->uri,
                                      lease->uri_raw.data, lease->uri_raw.len, &err);
    if (rc < 0) {
        if (job)
            qr_job_dispose(job);
        qr_session_decline(jobs->session, lease->lease_id, "out of memory");
        return;
    }
    HASH_ADD_KEYPTR(hh, jobs->all, &job->lease_id, sizeof job->lease_id, job);
    qr_session_accept(jobs->session, lease->lease_id);
    job->parts_wanted = job->resume && qr_session_fetch_parts(jobs->session, lease->lease_id);
}

void qr_jobs_offer(struct qr_jobs *jobs, const Quarry__V1__Lease *lease)
{
    struct qr_uri uri = {.path = NULL};
    struct qr_extract_options options = {0};
    struct qr_err err = {0};

    if (strcmp(lease->type, "noop") == 0) { /* measures the way there and back */
        qr_session_accept(jobs->session, lease->lease_id);
        qr_job_answer(jobs, lease->lease_id, QR_CLASS_NONE, "", NULL, 0, 0);
        return;
    }
    if (qr_job_find(jobs,
                    lease->lease_id)) { /* left behind by an earlier offer, still in the pool */
        qr_session_decline(jobs->session, lease->lease_id, "still ending it");
        return;
    }
    if (qr_uri_parse(lease->uri, &uri, &err) < 0) {
        qr_session_accept(jobs->session, lease->lease_id);
        qr_job_answer(jobs, lease->lease_id, QR_CLASS_INVALID_INPUT, err.msg, NULL, 0, 0);
        return;
    }
    if (!qr_roots_dir(jobs->roots, uri.root)) {
        qr_session_decline(jobs->session, lease->lease_id, "no such root here");
    } else if (!read_options(lease, &options, &err)) {
        qr_session_accept(jobs->session, lease->lease_id);
        qr_job_answer(jobs, lease->lease_id, QR_CLASS_UNSUPPORTED, err.msg, NULL, 0, 0);
    } else {
        take(jobs, lease, &uri, &options);
    }
    qr_uri_done(&uri);
}

void qr_job_ready(struct qr_jobs *jobs, struct qr_job *job)
{
    const struct qr_session_progress queued = {.phase =
                                                   QUARRY__V1__LEASE_PHASE__LEASE_PHASE_QUEUED};

    job->state = QR_JOB_READY;
    DL_APPEND(jobs->ready, job);
    qr_session_progress(jobs->session, job->lease_id, &queued);
}

void qr_jobs_fetched(struct qr_jobs *jobs, struct qr_letter *letter)
{
    struct qr_job *job = qr_job_find(jobs, letter->id);

    if (!job || job->state != QR_JOB_FETCHING)
        return; /* given up meanwhile */
    if (letter->fd < 0) {
        qr_job_answer(jobs, job->lease_id, letter->cls, letter->data, NULL, 0, letter->took_ms);
        qr_job_free(jobs, job);
        return;
    }
    job->fd = letter->fd;
    letter->fd = -1;
    job->fetch_ms = letter->took_ms;
    job->changed = (job->listed_bytes != 0 && job->listed_bytes != letter->size) ||
                   (job->listed_modified_ms != 0 && job->listed_modified_ms != letter->modified_ms);
    qr_job_choose_tool(jobs, job, letter->head, letter->head_len);
    if (!job->parts_wanted)
        qr_job_ready(jobs, job);
}

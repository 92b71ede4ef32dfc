/* Files that a program of others reads first: a job on its way there and back. */
#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#include "common/log.h"
#include "worker/agent/job_intern.h"

void qr_job_choose_tool(const struct qr_jobs *jobs, struct qr_job *job, const void *head,
                        size_t head_len)
{
    job->tool =
        qr_tool_set_find(jobs->tool_set, job->name, job->type, head, head_len, job->tool_type);
}

void qr_job_prepare(struct qr_jobs *jobs, struct qr_job *job)
{
    const struct qr_tools_job ask = {.id = job->lease_id,
                                     .fd = job->fd,
                                     .name = job->name,
                                     .tool = job->tool,
                                     .budget_ms = job->budget_ms == 0 ? 0
                                                  : job->budget_ms > job->fetch_ms
                                                      ? job->budget_ms - job->fetch_ms
                                                      : 1};
    struct qr_err err = {0};

    if (qr_tools_submit(jobs->tools, &ask, &err) < 0) {
        qr_job_answer(jobs, job->lease_id, QR_CLASS_RESOURCE, err.msg, NULL, 0, job->fetch_ms);
        qr_job_free(jobs, job);
        return;
    }
    DL_DELETE(jobs->ready, job);
    job->state = QR_JOB_PREPARING;
    qr_job_hold_place(jobs, job);
}

void qr_job_unprepare(struct qr_jobs *jobs, struct qr_job *job)
{
    qr_tools_cancel(jobs->tools, job->lease_id);
    qr_job_free_place(jobs, job);
    job->state = QR_JOB_FETCHING; /* in no list */
}

/* It goes on in a child, also when the program failed: the record of that has the file's size and
 * hash, too. */
void qr_jobs_prepared(struct qr_jobs *jobs, const struct qr_tools_result *result)
{
    struct qr_job *job = qr_job_find(jobs, result->id);

    if (!job || job->state != QR_JOB_PREPARING) {
        qr_tools_drop(result);
        return;
    }
    qr_job_free_place(jobs, job);
    job->prepared = malloc(sizeof *job->prepared);
    if (!job->prepared) {
        qr_tools_drop(result);
        qr_job_answer(jobs, job->lease_id, QR_CLASS_RESOURCE, "out of memory", NULL, 0,
                      job->fetch_ms);
        qr_job_free(jobs, job);
        return;
    }
    qr_tools_prepared(result, job->tool_type, job->prepared);
    job->prepared_fd = result->fd;
    job->fetch_ms += result->duration_ms;
    job->tool = NULL;
    job->state = QR_JOB_READY;
    DL_PREPEND(jobs->ready, job); /* it has begun: before those that have not */
}

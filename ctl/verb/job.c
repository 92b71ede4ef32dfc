#include "ctl/verb/job.h"

#include <inttypes.h>
#include <stdio.h>

int64_t qr_job_changed_ms(const Quarry__V1__Job *job)
{
    if (job->finished_ms != 0)
        return job->finished_ms;
    return job->claimed_ms != 0 ? job->claimed_ms : job->created_ms;
}

const char *qr_job_reason(const Quarry__V1__Job *job, char *buf, size_t cap)
{
    if (job->error_class[0] || job->last_error[0])
        snprintf(buf, cap, "%s%s%s", job->error_class,
                 job->error_class[0] && job->last_error[0] ? ": " : "", job->last_error);
    else if (job->empty_reason[0])
        snprintf(buf, cap, "empty: %s", job->empty_reason);
    else if (!qr_job_progress(job, buf, cap)[0])
        snprintf(buf, cap, "%s", job->partial ? "partial" : "");
    return buf;
}

const char *qr_job_progress(const Quarry__V1__Job *job, char *buf, size_t cap)
{
    buf[0] = '\0';
    if (job->progress_total > 0)
        snprintf(buf, cap, "%" PRIu32 " %%, page %" PRIu32 " of %" PRIu32,
                 job->progress_permille / 10, job->progress_done, job->progress_total);
    else if (job->progress_permille > 0)
        snprintf(buf, cap, "%" PRIu32 " %%", job->progress_permille / 10);
    return buf;
}

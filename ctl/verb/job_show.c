/* quarry job show */
#include <inttypes.h>
#include <stdio.h>

#include "common/clock.h"
#include "ctl/emit.h"
#include "ctl/text.h"
#include "ctl/verb/job.h"
#include "ctl/verb/verbs.h"

static void line(const char *name, const char *value)
{
    char shown[4096];

    if (!value[0])
        return;
    qr_text_fit(value, SIZE_MAX, false, "", shown, sizeof shown);
    printf("%-9s %s\n", name, shown);
}

static void time_line(const char *name, int64_t at_ms)
{
    char text[80];
    char a[32];
    char b[32];

    if (at_ms == 0)
        return;
    if (at_ms > qr_clock_wall_ms())
        snprintf(text, sizeof text, "%s", qr_text_time(at_ms, a, sizeof a));
    else
        snprintf(text, sizeof text, "%s (%s)", qr_text_time(at_ms, a, sizeof a),
                 qr_text_ago(qr_clock_wall_ms(), at_ms, b, sizeof b));
    line(name, text);
}

static void print_job(const Quarry__V1__Job *job)
{
    char text[200];
    char size[32];

    printf("job %" PRId64 " of run %" PRId64 "\n", job->id, job->run_id);
    line("file", job->uri);
    snprintf(text, sizeof text, "%s, %s", job->type, qr_text_size(job->bytes, size, sizeof size));
    line("type", text);
    line("key", job->dedupe);
    snprintf(text, sizeof text, "%s%s", job->status, job->partial ? ", partial" : "");
    line("status", text);
    line("asked", job->stop_requested[0] ? strcmp(job->stop_requested, "pause") == 0
                                               ? "to pause: its worker has not let go of it yet"
                                               : "to cancel: its worker has not let go of it yet"
                                         : "");
    line("progress", qr_job_progress(job, text, sizeof text));
    snprintf(text, sizeof text, "%s of finished work, to go on from",
             qr_text_size(job->kept_bytes, size, sizeof size));
    line("kept", job->kept_bytes > 0 ? text : "");
    snprintf(text, sizeof text, "job %" PRId64 ", %" PRIu32 " %s from a listed file",
             job->parent_id, job->depth, job->depth == 1 ? "step" : "steps");
    line("found by", job->parent_id != 0 ? text : "");
    snprintf(text, sizeof text, "%" PRIu64 " %s", job->children,
             job->children == 1 ? "job, named by its file" : "jobs, named by its file");
    line("found", job->children > 0 ? text : "");
    line("class", job->error_class);
    line("error", job->last_error);
    line("empty", job->empty_reason);
    snprintf(text, sizeof text, "%d", job->retry_count);
    line("retries", job->retry_count > 0 ? text : "");
    snprintf(text, sizeof text, "%d times with its machine", job->infra_losses);
    line("lost", job->infra_losses > 0 ? text : "");
    snprintf(text, sizeof text, "a worker process died while it ran this, %d times", job->suspects);
    line("suspect", job->suspects > 0 ? text : "");
    line("runs", job->alone && job->finished_ms == 0 ? "with nothing beside it" : "");
    if (job->finished_ms == 0 && job->budget_why[0]) {
        char budget[32];
        snprintf(text, sizeof text, "%s, %.150s",
                 qr_text_duration((int64_t)job->budget_ms, budget, sizeof budget), job->budget_why);
        line("budget", text);
    }
    line("worker", job->worker);
    time_line("created", job->created_ms);
    time_line("claimed", job->claimed_ms);
    time_line("finished", job->finished_ms);
    if (job->finished_ms == 0)
        time_line("not until", job->run_at_ms);
    if (job->duration_ms > 0)
        line("took", qr_text_duration(job->duration_ms, text, sizeof text));
}

static int run_verb(struct qr_ctl *ctl, const void *args, const struct qr_option_list *rest,
                    struct qr_err *err)
{
    Quarry__V1__GetJobRequest request = QUARRY__V1__GET_JOB_REQUEST__INIT;
    Quarry__V1__JobReply *reply = NULL;
    (void)args;

    int rc = qr_ctl_one_id(ctl, rest, "job", &request.job_id, err);
    if (rc == QR_OK)
        rc = QR_CALL(ctl->client, GetJob, job_reply, &request, &reply, err);
    if (rc < 0)
        return rc;
    if (!reply->job)
        rc = qr_fail(err, QR_E_DATA, "the coordinator's answer has no job");
    else if (ctl->output == QR_CTL_TABLE)
        print_job(reply->job);
    else
        rc = qr_emit_message(ctl, &reply->job->base, err);
    quarry__v1__job_reply__free_unpacked(reply, NULL);
    return rc;
}

const struct qr_ctl_verb qr_ctl_job_show = {
    .name = "job show",
    .arguments = "ID",
    .summary = "one job: state, error, attempts, times",
    .examples = "  quarry job show 4711\n"
                "  quarry job show 4711 -o json | jq -r .last_error\n",
    QR_CTL_OF_ONE_ID("job ID"),
    .run = run_verb,
};

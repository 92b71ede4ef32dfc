/* quarry job pause, resume, cancel */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/clock.h"
#include "ctl/emit.h"
#include "ctl/interrupt.h"
#include "ctl/verb/control.h"
#include "ctl/verb/job.h"
#include "ctl/verb/verbs.h"

enum { LOOK_MS = 100, WAIT_MS = 60000 };

static const struct qr_option options[] = {
    QR_CONTROL_REASON("in the jobs' history"),
    QR_CONTROL_WAIT("until their workers have let go of them (60 s at most)"),
    {0},
};

static const struct qr_option resume_options[] = {
    QR_CONTROL_REASON("in the jobs' history"),
    {0},
};

static const struct qr_column columns[] = {
    {"JOB", QR_COLUMN_RIGHT},
    {"WAS", QR_COLUMN_STATUS},
    {"IS", QR_COLUMN_STATUS},
    {"NOTE", QR_COLUMN_SHRINK},
};

static void row(const struct qr_ctl *ctl, const void *message, struct qr_table *table)
{
    const Quarry__V1__JobControl *job = message;
    char text[256];
    (void)ctl;

    qr_table_i64(table, job->job_id);
    qr_table_text(table, job->before);
    qr_table_text(table, job->after);
    snprintf(text, sizeof text, "%s%.200s", job->refused ? "refused: " : "", job->message);
    qr_table_text(table, text);
}

int qr_job_print_control(struct qr_ctl *ctl, Quarry__V1__JobControl *const *jobs, size_t n,
                         const char *verb, struct qr_err *err)
{
    const Quarry__V1__JobControl *first = NULL;
    size_t refused = 0, unknown = 0;

    for (size_t i = 0; i < n; i++) {
        refused += jobs[i]->refused ? 1 : 0;
        unknown += jobs[i]->refused && !jobs[i]->before[0];
        if (jobs[i]->refused && !first)
            first = jobs[i];
    }
    int rc =
        qr_emit_list(ctl, columns, QR_COUNT(columns), row, (ProtobufCMessage *const *)jobs, n, err);
    if (rc == QR_OK && refused > 0 && n == 1)
        rc = qr_fail(err, unknown ? QR_E_NOT_FOUND : QR_E_STALE, "job %" PRId64 " was not %s: %s",
                     first->job_id, verb, first->message);
    else if (rc == QR_OK && refused > 0)
        rc = qr_fail(err, unknown == n ? QR_E_NOT_FOUND : QR_E_STALE,
                     "%zu of %zu jobs were not %s; the first is job %" PRId64 ": %s", refused, n,
                     verb, first->job_id, first->message);
    return rc;
}

static bool is_leaving(const Quarry__V1__JobControl *job)
{
    return strcmp(job->after, "pausing") == 0 || strcmp(job->after, "cancelling") == 0;
}

/* Until their workers have let go of them: each then has the state it came to. */
static int wait_for_workers(struct qr_ctl *ctl, const Quarry__V1__ControlJobsReply *reply,
                            struct qr_err *err)
{
    int64_t until = qr_clock_ms() + WAIT_MS;

    qr_interrupt_catch();
    for (size_t i = 0; i < reply->n_jobs;) {
        Quarry__V1__JobControl *job = reply->jobs[i];
        Quarry__V1__GetJobRequest request = QUARRY__V1__GET_JOB_REQUEST__INIT;
        Quarry__V1__JobReply *now = NULL;
        if (!is_leaving(job) || job->refused) {
            i++;
            continue;
        }
        request.job_id = job->job_id;
        int rc = QR_CALL(ctl->client, GetJob, job_reply, &request, &now, err);
        if (rc < 0)
            return rc;
        bool left = now->job && !now->job->stop_requested[0];
        if (left) {
            free(job->after);
            free(job->message);
            job->after = now->job->status;
            now->job->status = (char *)protobuf_c_empty_string;
            job->message = strdup("its worker has let go of it");
        }
        quarry__v1__job_reply__free_unpacked(now, NULL);
        if (left && !job->message)
            return qr_fail(err, QR_E_NOMEM, "out of memory");
        if (left)
            continue;
        if (atomic_load(&qr_interrupted))
            return qr_fail(err, QR_E_CANCELLED, "interrupted; what was asked stays asked");
        if (qr_clock_ms() >= until)
            return qr_fail(err, QR_E_TIMEOUT,
                           "job %" PRId64
                           " is still held after a minute; hint: quarry job show %" PRId64,
                           job->job_id, job->job_id);
        qr_clock_sleep_ms(LOOK_MS);
    }
    return QR_OK;
}

static int control(struct qr_ctl *ctl, const struct qr_control_args *args,
                   const struct qr_option_list *rest, const char *method, const char *verb,
                   struct qr_err *err)
{
    Quarry__V1__ControlJobsRequest request = QUARRY__V1__CONTROL_JOBS_REQUEST__INIT;
    Quarry__V1__ControlJobsReply *reply = NULL;
    char by[100];
    int rc = QR_OK;

    request.job_ids = calloc(rest->n + 1, sizeof *request.job_ids);
    if (!request.job_ids)
        return qr_fail(err, QR_E_NOMEM, "out of memory");
    for (size_t i = 0; rc == QR_OK && i < rest->n; i++)
        rc = qr_ctl_parse_id(rest->items[i], "job", &request.job_ids[i], err);
    request.n_job_ids = rest->n;
    request.reason = args->reason ? args->reason : request.reason;
    request.by = (char *)(uintptr_t)qr_control_by(by, sizeof by);
    if (rc == QR_OK)
        rc = qr_ctl_connect(ctl, err);
    if (rc == QR_OK)
        rc = qr_client_call(ctl->client, method, &request.base,
                            &quarry__v1__control_jobs_reply__descriptor,
                            (ProtobufCMessage **)(void *)&reply, err);
    free(request.job_ids);
    if (rc < 0)
        return rc;
    if (args->wait)
        rc = wait_for_workers(ctl, reply, err);
    if (rc == QR_OK)
        rc = qr_job_print_control(ctl, reply->jobs, reply->n_jobs, verb, err);
    quarry__v1__control_jobs_reply__free_unpacked(reply, NULL);
    return rc;
}

static int pause_verb(struct qr_ctl *ctl, const void *args, const struct qr_option_list *rest,
                      struct qr_err *err)
{
    return control(ctl, args, rest, "PauseJobs", "paused", err);
}

static int resume_verb(struct qr_ctl *ctl, const void *args, const struct qr_option_list *rest,
                       struct qr_err *err)
{
    return control(ctl, args, rest, "ResumeJobs", "resumed", err);
}

static int cancel_verb(struct qr_ctl *ctl, const void *args, const struct qr_option_list *rest,
                       struct qr_err *err)
{
    return control(ctl, args, rest, "CancelJobs", "cancelled", err);
}

const struct qr_ctl_verb qr_ctl_job_pause = {
    .name = "job pause",
    .arguments = "ID... [OPTION]...",
    .summary = "jobs wait until they are resumed; one that runs is stopped with its checkpoint",
    .examples = "  quarry job pause 4711 4712\n"
                "  quarry job pause 4711 --wait --reason \"needs a look\"\n"
                "  quarry job list --run 7 --type dxf -o jsonl | jq .id | xargs quarry job pause\n",
    .options = options,
    .args_size = sizeof(struct qr_control_args),
    .rest_min = 1,
    .rest_max = QR_CTL_ANY,
    .rest_name = "job ID",
    .run = pause_verb,
};

const struct qr_ctl_verb qr_ctl_job_resume = {
    .name = "job resume",
    .arguments = "ID... [OPTION]...",
    .summary = "paused jobs go on, from their checkpoints",
    .examples = "  quarry job resume 4711 4712\n",
    .options = resume_options,
    .args_size = sizeof(struct qr_control_args),
    .rest_min = 1,
    .rest_max = QR_CTL_ANY,
    .rest_name = "job ID",
    .run = resume_verb,
};

const struct qr_ctl_verb qr_ctl_job_cancel = {
    .name = "job cancel",
    .arguments = "ID... [OPTION]...",
    .summary = "end jobs that wait, run or are paused; quarry job retry brings them back",
    .examples = "  quarry job cancel 4711\n"
                "  quarry job cancel 4711 4712 --wait   until their workers have let go of them\n",
    .options = options,
    .args_size = sizeof(struct qr_control_args),
    .rest_min = 1,
    .rest_max = QR_CTL_ANY,
    .rest_name = "job ID",
    .run = cancel_verb,
};

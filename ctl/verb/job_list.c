/* quarry job list */
#include <stdio.h>

#include "common/clock.h"
#include "ctl/emit.h"
#include "ctl/text.h"
#include "ctl/verb/job.h"
#include "ctl/verb/run.h"
#include "ctl/verb/verbs.h"

struct args {
    struct qr_ctl_common common;
    int64_t run, limit, after;
    char *status, *type;
};

#define AT(field) offsetof(struct args, field)

/* clang-format off */
static const struct qr_option options[] = {
    {"run",    0, QR_OPT_INT, AT(run),    "0",   0, 0x1p53, 0, "ID", "only jobs of this run", "docs/cli.md"},
    {"status", 0, QR_OPT_STR, AT(status), NULL,  0, 0, QR_OPT_CHOICE, "pending|processing|completed|failed|paused|cancelled", "only jobs in this state", "docs/cli.md"},
    {"type",   0, QR_OPT_STR, AT(type),   NULL,  0, 0, 0, "TYPE", "only jobs of this type", "docs/cli.md"},
    {"limit",  0, QR_OPT_INT, AT(limit),  "100", 1, 0x1p53, 0, NULL, "jobs at most", "docs/cli.md"},
    {"after",  0, QR_OPT_INT, AT(after),  "0",   0, 0x1p53, 0, "ID", "go on behind this job", "docs/cli.md"},
    {0},
};
/* clang-format on */

static const struct qr_column columns[] = {
    {"JOB", QR_COLUMN_RIGHT},
    {"RUN", QR_COLUMN_RIGHT | QR_COLUMN_OPTIONAL},
    {"TYPE", 0},
    {"STATUS", QR_COLUMN_STATUS},
    {"RETRIES", QR_COLUMN_RIGHT | QR_COLUMN_OPTIONAL},
    {"SIZE", QR_COLUMN_RIGHT | QR_COLUMN_OPTIONAL},
    {"WHEN", 0},
    {"FILE", QR_COLUMN_SHRINK | QR_COLUMN_KEEP_END},
    {"REMARK", QR_COLUMN_SHRINK},
};

static void row(const struct qr_ctl *ctl, const void *message, struct qr_table *table)
{
    const Quarry__V1__Job *job = message;
    char text[4096];
    (void)ctl;

    qr_table_i64(table, job->id);
    qr_table_i64(table, job->run_id);
    qr_table_text(table, job->type);
    qr_table_text(table, job->status);
    qr_table_i64(table, job->retry_count);
    qr_table_text(table, qr_text_size(job->bytes, text, sizeof text));
    qr_table_text(table,
                  qr_text_ago(qr_clock_wall_ms(), qr_job_changed_ms(job), text, sizeof text));
    qr_table_text(table, job->uri);
    qr_table_text(table, qr_job_reason(job, text, sizeof text));
}

/* One page; *ret_more when there are others behind it. */
static int list_page(struct qr_ctl *ctl, Quarry__V1__ListJobsRequest *request, struct qr_emit *emit,
                     int64_t *left, bool *ret_more, struct qr_err *err)
{
    Quarry__V1__ListJobsReply *reply = NULL;

    request->limit = (uint32_t)(*left < QR_JOB_PAGE ? *left : QR_JOB_PAGE);
    int rc = QR_CALL(ctl->client, ListJobs, list_jobs_reply, request, &reply, err);
    if (rc < 0)
        return rc;
    for (size_t i = 0; rc == QR_OK && i < reply->n_jobs; i++) {
        rc = qr_emit_item(emit, &reply->jobs[i]->base, err);
        request->after_id = reply->jobs[i]->id;
    }
    *left -= (int64_t)reply->n_jobs;
    *ret_more = reply->more && reply->n_jobs > 0;
    quarry__v1__list_jobs_reply__free_unpacked(reply, NULL);
    return rc;
}

static int run_verb(struct qr_ctl *ctl, const void *arguments, const struct qr_option_list *rest,
                    struct qr_err *err)
{
    const struct args *args = arguments;
    Quarry__V1__ListJobsRequest request = QUARRY__V1__LIST_JOBS_REQUEST__INIT;
    struct qr_emit emit;
    int64_t left = args->limit;
    bool more = true;
    (void)rest;

    request.run_id = args->run;
    request.after_id = args->after;
    request.status = args->status ? args->status : request.status;
    request.type = args->type ? args->type : request.type;
    int rc = qr_ctl_connect(ctl, err);
    if (rc == QR_OK)
        rc = qr_emit_begin(&emit, ctl, columns, QR_COUNT(columns), row, err);
    if (rc < 0)
        return rc;
    while (rc == QR_OK && more && left > 0)
        rc = list_page(ctl, &request, &emit, &left, &more, err);
    if (rc == QR_OK)
        rc = qr_emit_end(&emit, err);
    qr_emit_done(&emit);
    if (rc == QR_OK && more)
        qr_ctl_say("there are more: --after %lld, or a larger --limit",
                   (long long)request.after_id);
    else if (rc == QR_OK && left == args->limit && args->run > 0)
        rc = qr_run_must_exist(ctl, args->run, err);
    if (rc == QR_OK && !more && left == args->limit && ctl->output == QR_CTL_TABLE)
        qr_ctl_say("no such jobs");
    return rc;
}

const struct qr_ctl_verb qr_ctl_job_list = {
    .name = "job list",
    .arguments = "[OPTION]...",
    .summary = "jobs, one a file",
    .examples = "  quarry job list --run 7 --status processing\n"
                "  quarry job list --status failed --type pdf --limit 20\n"
                "  quarry job list --run 7 --limit 1000000 -o jsonl > jobs.jsonl\n",
    .options = options,
    .args_size = sizeof(struct args),
    .run = run_verb,
};

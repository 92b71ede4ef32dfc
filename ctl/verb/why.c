/* quarry job why, run why */
#include <inttypes.h>
#include <stdio.h>

#include "common/clock.h"
#include "ctl/emit.h"
#include "ctl/text.h"
#include "ctl/verb/verbs.h"

static const struct qr_column columns[] = {
    {"REASON", 0},
    {"WHEN", 0},
    {"WHY", QR_COLUMN_SHRINK},
};

static void row(const struct qr_ctl *ctl, const void *message, struct qr_table *table)
{
    const Quarry__V1__Reason *reason = message;
    int64_t now_ms = qr_clock_wall_ms();
    char text[80];
    char when[32];
    (void)ctl;

    qr_table_text(table, reason->code);
    if (reason->until_ms > now_ms)
        snprintf(text, sizeof text, "for %s",
                 qr_text_duration(reason->until_ms - now_ms, when, sizeof when));
    else if (reason->until_ms > 0)
        snprintf(text, sizeof text, "due");
    else if (reason->since_ms > 0)
        snprintf(text, sizeof text, "%s", qr_text_ago(now_ms, reason->since_ms, when, sizeof when));
    else
        snprintf(text, sizeof text, "-");
    qr_table_text(table, text);
    qr_table_text(table, reason->text);
}

static void print_heading(const Quarry__V1__ExplainReply *reply)
{
    int64_t now_ms = qr_clock_wall_ms();
    char when[32];

    if (reply->job_id)
        printf("job %" PRId64 " of run %" PRId64 ": %s\n", reply->job_id, reply->run_id,
               reply->status);
    else
        printf("run %" PRId64 ": %s\n", reply->run_id, reply->status);
    if (reply->phase[0] && !reply->job_id)
        printf("phase      %s\n", reply->phase);
    if (reply->position > 0)
        printf("position   %" PRId64 "%s\n", reply->position,
               reply->position_is_bound ? " or later" : "");
    if (reply->expected_start_ms > 0)
        printf("starts     in about %s\n", qr_text_duration(reply->expected_start_ms > now_ms
                                                                ? reply->expected_start_ms - now_ms
                                                                : 1000,
                                                            when, sizeof when));
    else if (reply->position > 0)
        printf("starts     unknown\n");
    if (reply->expected_end_ms > 0)
        printf("ends       in about %s\n",
               qr_text_duration(reply->expected_end_ms > now_ms ? reply->expected_end_ms - now_ms
                                                                : 1000,
                                when, sizeof when));
    if (reply->rate > 0)
        printf("rate       %.3g/s completed by its run in the last minutes\n", reply->rate);
    putchar('\n');
}

static int print_reply(struct qr_ctl *ctl, const Quarry__V1__ExplainReply *reply,
                       struct qr_err *err)
{
    if (ctl->output != QR_CTL_TABLE)
        return qr_emit_message(ctl, &reply->base, err);
    print_heading(reply);
    return qr_emit_list(ctl, columns, QR_COUNT(columns), row,
                        (ProtobufCMessage *const *)reply->reasons, reply->n_reasons, err);
}

static int explain(struct qr_ctl *ctl, const struct qr_option_list *rest, bool job,
                   struct qr_err *err)
{
    Quarry__V1__ExplainJobRequest of_job = QUARRY__V1__EXPLAIN_JOB_REQUEST__INIT;
    Quarry__V1__ExplainRunRequest of_run = QUARRY__V1__EXPLAIN_RUN_REQUEST__INIT;
    Quarry__V1__ExplainReply *reply = NULL;
    int64_t id = 0;

    int rc = qr_ctl_one_id(ctl, rest, job ? "job" : "run", &id, err);
    of_job.job_id = of_run.run_id = id;
    if (rc == QR_OK && job)
        rc = QR_CALL(ctl->client, ExplainJob, explain_reply, &of_job, &reply, err);
    else if (rc == QR_OK)
        rc = QR_CALL(ctl->client, ExplainRun, explain_reply, &of_run, &reply, err);
    if (rc < 0)
        return rc;
    rc = print_reply(ctl, reply, err);
    quarry__v1__explain_reply__free_unpacked(reply, NULL);
    return rc;
}

static int job_verb(struct qr_ctl *ctl, const void *args, const struct qr_option_list *rest,
                    struct qr_err *err)
{
    (void)args;
    return explain(ctl, rest, true, err);
}

static int run_verb(struct qr_ctl *ctl, const void *args, const struct qr_option_list *rest,
                    struct qr_err *err)
{
    (void)args;
    return explain(ctl, rest, false, err);
}

const struct qr_ctl_verb qr_ctl_job_why = {
    .name = "job why",
    .arguments = "ID",
    .summary = "every reason why a job is not running, its position and when it may start",
    .examples = "  quarry job why 4711\n"
                "  quarry job why 4711 -o json | jq -r '.reasons[].code'\n",
    QR_CTL_OF_ONE_ID("job ID"),
    .run = job_verb,
};

const struct qr_ctl_verb qr_ctl_run_why = {
    .name = "run why",
    .arguments = "ID",
    .summary = "what a run waits for, by type and source, and when it may end",
    .examples = "  quarry run why 7\n"
                "  quarry run why 7 -o json | jq '.reasons[] | {code, count}'\n",
    QR_CTL_OF_ONE_ID("run ID"),
    .run = run_verb,
};

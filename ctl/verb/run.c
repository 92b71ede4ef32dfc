#include "ctl/verb/run.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "ctl/emit.h"
#include "ctl/json.h"
#include "ctl/text.h"

int qr_run_get(struct qr_ctl *ctl, int64_t run_id, bool report, Quarry__V1__RunReply **ret,
               struct qr_err *err)
{
    Quarry__V1__GetRunRequest request = QUARRY__V1__GET_RUN_REQUEST__INIT;
    Quarry__V1__RunReply *reply = NULL;

    request.run_id = run_id;
    request.report = report;
    int rc = QR_CALL(ctl->client, GetRun, run_reply, &request, &reply, err);
    if (rc < 0)
        return rc;
    if (!reply->run) {
        quarry__v1__run_reply__free_unpacked(reply, NULL);
        return qr_fail(err, QR_E_DATA, "the coordinator's answer has no run");
    }
    *ret = reply;
    return QR_OK;
}

int qr_run_must_exist(struct qr_ctl *ctl, int64_t run_id, struct qr_err *err)
{
    Quarry__V1__RunReply *reply = NULL;
    int rc = qr_run_get(ctl, run_id, false, &reply, err);

    if (rc == QR_OK)
        quarry__v1__run_reply__free_unpacked(reply, NULL);
    return rc;
}

const char *qr_run_name(const Quarry__V1__Run *run)
{
    return strcmp(run->name, run->source) == 0 ? "" : run->name;
}

bool qr_run_is_over(const Quarry__V1__Run *run)
{
    return strcmp(run->status, "completed") == 0 || strcmp(run->status, "failed") == 0 ||
           strcmp(run->status, "cancelled") == 0;
}

/* ------------------------------------------------------------------ the report */

static const struct qr_column type_columns[] = {
    {"TYPE", 0},
    {"TOTAL", QR_COLUMN_RIGHT},
    {"COMPLETED", QR_COLUMN_RIGHT},
    {"(EMPTY)", QR_COLUMN_RIGHT},
    {"(PARTIAL)", QR_COLUMN_RIGHT},
    {"FAILED", QR_COLUMN_RIGHT},
    {"PENDING", QR_COLUMN_RIGHT},
    {"RUNNING", QR_COLUMN_RIGHT},
    {"OTHER", QR_COLUMN_RIGHT},
};

static const struct qr_column reason_columns[] = {{"TYPE", 0},
                                                  {"FILES", QR_COLUMN_RIGHT},
                                                  {"OUTCOME", QR_COLUMN_STATUS},
                                                  {"WHY", QR_COLUMN_SHRINK}};

static void add_type_row(struct qr_table *table, const Quarry__V1__TypeReport *type)
{
    qr_table_text(table, type->type);
    qr_table_u64(table, type->total);
    qr_table_u64(table, type->completed);
    qr_table_u64(table, type->empty);
    qr_table_u64(table, type->partial);
    qr_table_u64(table, type->failed);
    qr_table_u64(table, type->pending);
    qr_table_u64(table, type->processing);
    qr_table_u64(table, type->other);
}

static int print_types(struct qr_ctl *ctl, const Quarry__V1__Run *run, struct qr_err *err)
{
    QR_AUTO(qr_table) table = qr_table_new(type_columns, QR_COUNT(type_columns));
    Quarry__V1__TypeReport sum = QUARRY__V1__TYPE_REPORT__INIT;
    char label[] = "sum";

    if (!table)
        return qr_fail(err, QR_E_NOMEM, "out of memory");
    for (size_t i = 0; i < run->n_types; i++) {
        const Quarry__V1__TypeReport *type = run->types[i];
        add_type_row(table, type);
        sum.total += type->total;
        sum.completed += type->completed;
        sum.empty += type->empty;
        sum.partial += type->partial;
        sum.failed += type->failed;
        sum.pending += type->pending;
        sum.processing += type->processing;
        sum.other += type->other;
    }
    sum.type = label;
    add_type_row(table, &sum);
    qr_table_mark_sum(table);
    return qr_emit_table(ctl, table, err);
}

static const struct qr_column stage_columns[] = {
    {"STAGE", 0},
    {"STATUS", QR_COLUMN_STATUS},
    {"OPEN", QR_COLUMN_RIGHT},
    {"TOTAL", QR_COLUMN_RIGHT},
    {"EPOCH", QR_COLUMN_RIGHT},
    {"TROUBLE", QR_COLUMN_SHRINK},
};

static int print_stages(struct qr_ctl *ctl, const Quarry__V1__Run *run, struct qr_err *err)
{
    QR_AUTO(qr_table) table = qr_table_new(stage_columns, QR_COUNT(stage_columns));

    if (!table)
        return qr_fail(err, QR_E_NOMEM, "out of memory");
    for (size_t i = 0; i < run->n_stages; i++) {
        const Quarry__V1__RunStage *stage = run->stages[i];
        qr_table_text(table, stage->name);
        qr_table_text(table, stage->status);
        qr_table_u64(table, stage->open);
        qr_table_u64(table, stage->total);
        qr_table_u64(table, stage->epoch);
        qr_table_text(table, stage->last_error);
    }
    return qr_emit_table(ctl, table, err);
}

static const struct qr_column report_columns[] = {
    {"TYPE", 0},
    {"WORK", QR_COLUMN_RIGHT},
    {"HALF WITHIN", QR_COLUMN_RIGHT},
    {"99 % WITHIN", QR_COLUMN_RIGHT},
};

static void add_duration(struct qr_table *table, const json_t *type, const char *key)
{
    const json_t *value = json_object_get(type, key);
    char text[32];

    qr_table_text(table, json_is_number(value) ? qr_text_duration((int64_t)json_number_value(value),
                                                                  text, sizeof text)
                                               : "-");
}

/* What the report stage stored: how long the work took, and what belongs together. */
static int print_stored_report(struct qr_ctl *ctl, const Quarry__V1__Run *run, struct qr_err *err)
{
    json_t *report = json_loads(run->report, 0, NULL);
    QR_AUTO(qr_table) table = qr_table_new(report_columns, QR_COUNT(report_columns));
    const char *name;
    json_t *type;

    if (!report || !table) {
        json_decref(report);
        return report ? qr_fail(err, QR_E_NOMEM, "out of memory")
                      : qr_fail(err, QR_E_DATA, "the coordinator's report is no JSON");
    }
    putchar('\n');
    json_object_foreach(json_object_get(report, "types"), name, type)
    {
        qr_table_text(table, name);
        add_duration(table, type, "work_ms");
        add_duration(table, type, "p50_ms");
        add_duration(table, type, "p99_ms");
    }
    int rc = qr_emit_table(ctl, table, err);
    json_int_t groups = json_integer_value(json_object_get(report, "groups"));
    if (rc == QR_OK && groups > 0)
        printf("groups of documents that belong together: %" JSON_INTEGER_FORMAT
               ", to be looked at: %" JSON_INTEGER_FORMAT "\n",
               groups, json_integer_value(json_object_get(report, "groups_to_review")));
    json_decref(report);
    return rc;
}

static void add_reason(struct qr_table *table, const char *type, uint64_t files,
                       const char *outcome, const char *why)
{
    qr_table_text(table, type);
    qr_table_u64(table, files);
    qr_table_text(table, outcome);
    qr_table_text(table, why);
}

/* Failures by class and empty results by reason; nothing when there are none. */
static int print_reasons(struct qr_ctl *ctl, const Quarry__V1__Run *run, struct qr_err *err)
{
    QR_AUTO(qr_table) table = qr_table_new(reason_columns, QR_COUNT(reason_columns));

    if (!table)
        return qr_fail(err, QR_E_NOMEM, "out of memory");
    for (size_t i = 0; i < run->n_types; i++) {
        const Quarry__V1__TypeReport *type = run->types[i];
        for (size_t k = 0; k < type->n_failed_by_class; k++)
            add_reason(table, type->type, type->failed_by_class[k]->value, "failed",
                       type->failed_by_class[k]->key);
        for (size_t k = 0; k < type->n_empty_by_reason; k++)
            add_reason(table, type->type, type->empty_by_reason[k]->value, "empty",
                       type->empty_by_reason[k]->key);
    }
    if (qr_table_rows(table) == 0)
        return QR_OK;
    putchar('\n');
    return qr_emit_table(ctl, table, err);
}

static void print_line(const char *name, const char *value)
{
    char shown[4096];

    qr_text_fit(value, SIZE_MAX, false, "", shown, sizeof shown);
    printf("%-10s %s\n", name, shown);
}

static void print_heading(const Quarry__V1__Run *run)
{
    int64_t now_ms = qr_clock_wall_ms();
    char text[160];
    char a[32];
    char b[32];

    qr_text_fit(qr_run_name(run), SIZE_MAX, false, "", text, sizeof text);
    printf("run %" PRId64 "%s%s\n", run->id, text[0] ? ": " : "", text);
    print_line("source", run->source[0] ? run->source : "(jobs added by hand)");
    bool cancelling = strcmp(run->gate, "cancelled") == 0 && !qr_run_is_over(run);
    snprintf(text, sizeof text, "%s%s", cancelling ? "being cancelled" : run->status,
             run->listing ? ", listing" : "");
    print_line("status", text);
    if (run->gate_reason[0])
        print_line("because", run->gate_reason);
    if (run->gate_by[0])
        print_line("by", run->gate_by);
    if (run->paused > 0) {
        snprintf(text, sizeof text,
                 "%" PRIu64 " jobs, one by one; hint: quarry job list --run %" PRId64
                 " --status paused",
                 run->paused, run->id);
        print_line("paused", text);
    }
    snprintf(text, sizeof text, "%s (%s)", qr_text_time(run->created_ms, a, sizeof a),
             qr_text_ago(now_ms, run->created_ms, b, sizeof b));
    print_line("created", text);
    if (run->start_at_ms > now_ms) {
        snprintf(text, sizeof text, "%s, in %s", qr_text_time(run->start_at_ms, a, sizeof a),
                 qr_text_duration(run->start_at_ms - now_ms, b, sizeof b));
        print_line("starts", text);
    }
    if (run->finished_ms != 0) {
        snprintf(text, sizeof text, "%s, took %s", qr_text_time(run->finished_ms, a, sizeof a),
                 qr_text_duration(run->finished_ms - run->created_ms, b, sizeof b));
        print_line("finished", text);
    }
    if (run->priority != 0) {
        snprintf(text, sizeof text, "%" PRId32, run->priority);
        print_line("priority", text);
    }
    if (run->weight > 0 && run->weight != 1) {
        snprintf(text, sizeof text, "%g", run->weight);
        print_line("weight", text);
    }
    if (run->halt_at != 0 && run->halt_at != 0.2) {
        snprintf(text, sizeof text, "%g %% failures", 100 * run->halt_at);
        print_line("halts at", run->halt_at < 0 ? "never" : text);
    }
    for (size_t i = 0; i < run->n_options; i++) {
        snprintf(text, sizeof text, "%.60s=%.80s", run->options[i]->key, run->options[i]->value);
        print_line("option", text);
    }
    if (run->retries > 0) {
        snprintf(text, sizeof text, "%" PRIu64, run->retries);
        print_line("retries", text);
    }
    if (run->infra_losses > 0) {
        snprintf(text, sizeof text, "%" PRIu64 " attempts lost with their machine, not counted",
                 run->infra_losses);
        print_line("losses", text);
    }
    if (run->found > 0) {
        snprintf(text, sizeof text, "%" PRIu64 " of the files, named by others", run->found);
        print_line("found", text);
    }
    if (run->found_refused > 0) {
        snprintf(text, sizeof text, "%" PRIu64 " named by others: quarry job events says why",
                 run->found_refused);
        print_line("not added", text);
    }
    if (run->discover_error[0])
        print_line("listing", run->discover_error);
    for (size_t i = 0; i < run->n_unserved; i++)
        print_line(i == 0 ? "nobody" : "", run->unserved[i]->text);
}

int qr_run_print(struct qr_ctl *ctl, const Quarry__V1__Run *run, struct qr_err *err)
{
    if (ctl->output != QR_CTL_TABLE)
        return qr_emit_message(ctl, &run->base, err);
    print_heading(run);
    putchar('\n');
    if (run->n_types == 0) {
        puts(run->listing ? "no files yet"
             : run->discover_error[0]
                 ? "no files"
                 : "no files: none is there, none is of the types asked for, "
                   "or none is new or changed (all again: run create --again)");
        return qr_ctl_flush(ctl, err);
    }
    int rc = print_types(ctl, run, err);
    if (rc == QR_OK)
        rc = print_reasons(ctl, run, err);
    if (rc == QR_OK && run->n_stages > 0) {
        putchar('\n');
        rc = print_stages(ctl, run, err);
    }
    return rc == QR_OK && run->report[0] ? print_stored_report(ctl, run, err) : rc;
}

int qr_run_print_created(struct qr_ctl *ctl, const Quarry__V1__CreateRunReply *reply,
                         struct qr_err *err)
{
    if (ctl->output == QR_CTL_TABLE) {
        printf("%" PRId64 "\n", reply->run->id);
        if (ctl->err.tty)
            qr_ctl_say("see it with: quarry run watch %" PRId64, reply->run->id);
        return qr_ctl_flush(ctl, err);
    }
    json_t *run = qr_json_from_message(&reply->run->base);
    if (!run || json_object_set_new(run, "joined", json_boolean(reply->joined)) != 0) {
        json_decref(run);
        return qr_fail(err, QR_E_NOMEM, "out of memory");
    }
    qr_json_print(run, ctl->output == QR_CTL_JSONL, stdout);
    json_decref(run);
    return qr_ctl_flush(ctl, err);
}

void qr_run_summary(FILE *out, const Quarry__V1__Run *run)
{
    char took[32];
    char n[4][32];

    fprintf(out, "run %" PRId64 " %s: %s files", run->id, run->status,
            qr_text_count(run->total, n[0], sizeof n[0]));
    if (run->finished_ms > run->created_ms)
        fprintf(out, " in %s",
                qr_text_duration(run->finished_ms - run->created_ms, took, sizeof took));
    fprintf(out, ", %s completed (%s empty), %s failed",
            qr_text_count(run->completed, n[1], sizeof n[1]),
            qr_text_count(run->empty, n[2], sizeof n[2]),
            qr_text_count(run->failed, n[3], sizeof n[3]));
    if (run->cancelled > 0)
        fprintf(out, ", %s cancelled", qr_text_count(run->cancelled, n[0], sizeof n[0]));
    fputc('\n', out);
    if (run->discover_error[0])
        fprintf(out, "listing failed: %s\n", run->discover_error);
    if (run->failed > 0)
        fprintf(out, "see why: quarry dlq list --run %" PRId64 "\n", run->id);
    fflush(out);
}

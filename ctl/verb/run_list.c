/* quarry run list */
#include "ctl/verb/verbs.h"

#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "ctl/emit.h"
#include "ctl/text.h"
#include "ctl/verb/run.h"

struct args {
    struct qr_ctl_common common;
    int64_t limit, before;
    bool active;
};

#define AT(field) offsetof(struct args, field)

/* clang-format off */
static const struct qr_option options[] = {
    {"limit",  0, QR_OPT_INT, AT(limit),  "50", 1, 1000, 0, NULL, "runs at most, the newest", "docs/cli.md"},
    {"before", 0, QR_OPT_INT, AT(before), "0",  0, 0x1p53, 0, "ID", "only runs older than this one", "docs/cli.md"},
    {"active", 0, QR_OPT_BOOL, AT(active), "false", 0, 0, 0, NULL, "only runs that are not over", "docs/cli.md"},
    {0},
};
/* clang-format on */

static const struct qr_column columns[] = {
    {"RUN", QR_COLUMN_RIGHT},
    {"STATUS", QR_COLUMN_STATUS},
    {"TOTAL", QR_COLUMN_RIGHT},
    {"COMPLETED", QR_COLUMN_RIGHT},
    {"FAILED", QR_COLUMN_RIGHT},
    {"PAUSED", QR_COLUMN_RIGHT | QR_COLUMN_OPTIONAL},
    {"CREATED", 0},
    {"NAME", QR_COLUMN_SHRINK},
    {"SOURCE", QR_COLUMN_SHRINK | QR_COLUMN_KEEP_END},
};

static void row(const struct qr_ctl *ctl, const void *message, struct qr_table *table)
{
    const Quarry__V1__Run *run = message;
    char text[40];
    (void)ctl;

    qr_table_i64(table, run->id);
    qr_table_text(table, strcmp(run->gate, "cancelled") == 0 && !qr_run_is_over(run) ? "cancelling"
                                                                                     : run->status);
    snprintf(text, sizeof text, "%llu%s", (unsigned long long)run->total, run->listing ? "+" : "");
    qr_table_text(table, text);
    qr_table_u64(table, run->completed);
    qr_table_u64(table, run->failed);
    qr_table_u64(table, run->paused);
    qr_table_text(table, qr_text_ago(qr_clock_wall_ms(), run->created_ms, text, sizeof text));
    qr_table_text(table, qr_run_name(run));
    qr_table_text(table, run->source);
}

static int run_verb(struct qr_ctl *ctl, const void *arguments, const struct qr_option_list *rest,
                    struct qr_err *err)
{
    const struct args *args = arguments;
    Quarry__V1__ListRunsRequest request = QUARRY__V1__LIST_RUNS_REQUEST__INIT;
    Quarry__V1__ListRunsReply *reply = NULL;
    (void)rest;

    request.limit = (uint32_t)args->limit;
    request.before_id = args->before;
    request.active = args->active;
    int rc = qr_ctl_connect(ctl, err);
    if (rc == QR_OK)
        rc = QR_CALL(ctl->client, ListRuns, list_runs_reply, &request, &reply, err);
    if (rc < 0)
        return rc;
    rc = qr_emit_list(ctl, columns, QR_COUNT(columns), row, (ProtobufCMessage *const *)reply->runs,
                      reply->n_runs, err);
    if (rc == QR_OK && reply->n_runs == 0 && ctl->output == QR_CTL_TABLE)
        qr_ctl_say("no runs; start one: quarry run create --source root://NAME");
    quarry__v1__list_runs_reply__free_unpacked(reply, NULL);
    return rc;
}

const struct qr_ctl_verb qr_ctl_run_list = {
    .name = "run list",
    .arguments = "[OPTION]...",
    .summary = "runs, the newest first",
    .examples = "  quarry run list\n"
                "  quarry run list --limit 5 -o json\n"
                "  quarry run list -o jsonl | jq 'select(.failed > 0) | .id'\n",
    .options = options,
    .args_size = sizeof(struct args),
    .run = run_verb,
};

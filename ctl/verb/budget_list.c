/* quarry budget list */
#include <stdio.h>

#include "common/clock.h"
#include "ctl/emit.h"
#include "ctl/text.h"
#include "ctl/verb/verbs.h"

struct args {
    struct qr_ctl_common common;
    char *type;
};

#define AT(field) offsetof(struct args, field)

/* clang-format off */
static const struct qr_option options[] = {
    {"type", 0, QR_OPT_STR, AT(type), NULL, 0, 0, 0, "TYPE", "only jobs of this type", "docs/cli.md"},
    {0},
};
/* clang-format on */

static const struct qr_column columns[] = {
    {"TYPE", 0},
    {"SIZE", 0},
    {"BUDGET", QR_COLUMN_RIGHT},
    {"LEARNED", 0},
    {"JOBS", QR_COLUMN_RIGHT},
    {"P50", QR_COLUMN_RIGHT | QR_COLUMN_OPTIONAL},
    {"P99", QR_COLUMN_RIGHT},
    {"BOUNDS", QR_COLUMN_OPTIONAL},
    {"CHANGED", QR_COLUMN_OPTIONAL},
};

static void row(const struct qr_ctl *ctl, const void *message, struct qr_table *table)
{
    const Quarry__V1__Budget *budget = message;
    char text[80];
    char max[32];
    (void)ctl;

    qr_table_text(table, budget->type);
    qr_table_text(table, budget->size);
    qr_table_text(table, qr_text_duration((int64_t)budget->budget_ms, text, sizeof text));
    qr_table_text(table, budget->learned ? "yes" : "default");
    qr_table_u64(table, budget->seen);
    qr_table_text(table, qr_text_duration((int64_t)budget->p50_ms, text, sizeof text));
    qr_table_text(table, qr_text_duration((int64_t)budget->p99_ms, text, sizeof text));
    qr_text_duration((int64_t)budget->max_ms, max, sizeof max);
    snprintf(text, sizeof text, "%.0f s .. %s", (double)budget->min_ms / 1000, max);
    qr_table_text(table, text);
    qr_table_text(table, qr_text_ago(qr_clock_wall_ms(), budget->changed_ms, text, sizeof text));
}

static int run_verb(struct qr_ctl *ctl, const void *arguments, const struct qr_option_list *rest,
                    struct qr_err *err)
{
    const struct args *args = arguments;
    Quarry__V1__ListBudgetsRequest request = QUARRY__V1__LIST_BUDGETS_REQUEST__INIT;
    Quarry__V1__ListBudgetsReply *reply = NULL;
    (void)rest;

    request.type = args->type ? args->type : request.type;
    int rc = qr_ctl_connect(ctl, err);
    if (rc == QR_OK)
        rc = QR_CALL(ctl->client, ListBudgets, list_budgets_reply, &request, &reply, err);
    if (rc < 0)
        return rc;
    rc = qr_emit_list(ctl, columns, QR_COUNT(columns), row,
                      (ProtobufCMessage *const *)reply->budgets, reply->n_budgets, err);
    if (rc == QR_OK && reply->n_budgets == 0 && ctl->output == QR_CTL_TABLE)
        qr_ctl_say("no job has been counted yet: every job has the default budget of its type");
    quarry__v1__list_budgets_reply__free_unpacked(reply, NULL);
    return rc;
}

const struct qr_ctl_verb qr_ctl_budget_list = {
    .name = "budget list",
    .arguments = "[--type TYPE]",
    .summary = "time budgets of jobs by type and size, and what they were learned from",
    .examples = "  quarry budget list\n"
                "  quarry budget list --type pdf -o json | jq -r '.[].why'\n",
    .options = options,
    .args_size = sizeof(struct args),
    .run = run_verb,
};

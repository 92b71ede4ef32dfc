/* quarry dlq analyze */
#include <inttypes.h>
#include <stdio.h>

#include "common/clock.h"
#include "ctl/emit.h"
#include "ctl/text.h"
#include "ctl/verb/dlq.h"
#include "ctl/verb/run.h"
#include "ctl/verb/verbs.h"

struct args {
    struct qr_ctl_common common;
    int64_t run, limit;
    char *error_class;
    bool details;
};

#define AT(field) offsetof(struct args, field)

/* clang-format off */
static const struct qr_option options[] = {
    {"run",     0, QR_OPT_INT,  AT(run),         "0",  0, 0x1p53, 0, "ID", "only of this run", "docs/cli.md"},
    {"class",   0, QR_OPT_STR,  AT(error_class), NULL, 0, 0, QR_OPT_CHOICE, QR_DLQ_CLASSES, "only this class", "docs/operations.md"},
    {"details", 0, QR_OPT_BOOL, AT(details),     NULL, 0, 0, 0, "", "times, runs, sample jobs and what to try, of each", "docs/cli.md"},
    {"limit",   0, QR_OPT_INT,  AT(limit),       "50", 1, 1000, 0, NULL, "patterns at most", "docs/cli.md"},
    {0},
};
/* clang-format on */

static const struct qr_column columns[] = {
    {"PATTERN", 0},
    {"COUNT", QR_COLUMN_RIGHT},
    {"SHARE", QR_COLUMN_RIGHT},
    {"CLASS", 0},
    {"TYPES", QR_COLUMN_OPTIONAL},
    {"RUNS", QR_COLUMN_RIGHT | QR_COLUMN_OPTIONAL},
    {"LAST", QR_COLUMN_OPTIONAL},
    {"SAMPLE", QR_COLUMN_RIGHT},
    {"MESSAGE", QR_COLUMN_SHRINK},
};

static void join_types(const Quarry__V1__DeadLetterPattern *p, char *buf, size_t cap)
{
    size_t len = 0;

    buf[0] = '\0';
    for (size_t i = 0; i < p->n_types && len < cap; i++)
        len += (size_t)snprintf(buf + len, cap - len, "%s%s", i > 0 ? "," : "", p->types[i]);
}

static void join_ids(const int64_t *ids, size_t n, bool more, char *buf, size_t cap)
{
    size_t len = 0;

    buf[0] = '\0';
    for (size_t i = 0; i < n && len < cap; i++)
        len += (size_t)snprintf(buf + len, cap - len, "%s%" PRId64, i > 0 ? ", " : "", ids[i]);
    if (more && len < cap)
        snprintf(buf + len, cap - len, ", ...");
}

static void row(const struct qr_ctl *ctl, const void *message, struct qr_table *table)
{
    const Quarry__V1__DeadLetterPattern *p = message;
    char text[200];
    (void)ctl;

    snprintf(text, sizeof text, "%08x", p->id);
    qr_table_text(table, text);
    qr_table_u64(table, p->count);
    snprintf(text, sizeof text, "%.1f %%", 100 * p->share);
    qr_table_text(table, text);
    qr_table_text(table, p->error_class);
    join_types(p, text, sizeof text);
    qr_table_text(table, text);
    qr_table_u64(table, p->runs);
    qr_table_text(table, qr_text_ago(qr_clock_wall_ms(), p->last_ms, text, sizeof text));
    qr_table_i64(table, p->n_sample_job_ids > 0 ? p->sample_job_ids[0] : 0);
    qr_table_text(table, p->pattern);
}

static void print_details(const Quarry__V1__DeadLetterPattern *p)
{
    char shown[1000];
    char first[32];
    char last[32];

    qr_text_fit(p->pattern, SIZE_MAX, false, "", shown, sizeof shown);
    printf("%08x  %s: %s\n", p->id, p->error_class, shown);
    printf("  %" PRIu64 " of them (%.1f %%), from %s to %s\n", p->count, 100 * p->share,
           qr_text_time(p->first_ms, first, sizeof first),
           qr_text_time(p->last_ms, last, sizeof last));
    join_ids(p->run_ids, p->n_run_ids, p->runs > p->n_run_ids, shown, sizeof shown);
    printf("  runs    %s\n", shown);
    join_types(p, shown, sizeof shown);
    printf("  types   %s\n", shown);
    join_ids(p->sample_job_ids, p->n_sample_job_ids, false, shown, sizeof shown);
    printf("  jobs    %s\n", shown);
    printf("  try     %s\n\n", p->suggestion);
}

static int show(struct qr_ctl *ctl, const struct args *args,
                const Quarry__V1__AnalyzeDeadLettersReply *reply, struct qr_err *err)
{
    int rc = QR_OK;

    if (ctl->output == QR_CTL_TABLE && args->details)
        for (size_t i = 0; i < reply->n_patterns; i++)
            print_details(reply->patterns[i]);
    else
        rc = qr_emit_list(ctl, columns, QR_COUNT(columns), row,
                          (ProtobufCMessage *const *)reply->patterns, reply->n_patterns, err);
    if (rc < 0 || ctl->output != QR_CTL_TABLE)
        return rc;
    if (reply->total == 0)
        qr_ctl_say("no dead letters");
    else if (reply->patterns_in_all > reply->n_patterns)
        qr_ctl_say("%" PRIu64 " patterns in all: a larger --limit", reply->patterns_in_all);
    else if (!args->details && ctl->err.tty)
        qr_ctl_say("what to try: --details; to try again: quarry dlq retry --pattern %08x",
                   reply->patterns[0]->id);
    return QR_OK;
}

static int run_verb(struct qr_ctl *ctl, const void *arguments, const struct qr_option_list *rest,
                    struct qr_err *err)
{
    const struct args *args = arguments;
    Quarry__V1__AnalyzeDeadLettersRequest request = QUARRY__V1__ANALYZE_DEAD_LETTERS_REQUEST__INIT;
    Quarry__V1__AnalyzeDeadLettersReply *reply = NULL;
    (void)rest;

    request.run_id = args->run;
    request.error_class = args->error_class ? args->error_class : request.error_class;
    request.limit = (uint32_t)args->limit;
    int rc = qr_ctl_connect(ctl, err);
    if (rc == QR_OK)
        rc = QR_CALL(ctl->client, AnalyzeDeadLetters, analyze_dead_letters_reply, &request, &reply,
                     err);
    if (rc == QR_OK && reply->total == 0 && args->run > 0)
        rc = qr_run_must_exist(ctl, args->run, err);
    if (rc == QR_OK)
        rc = show(ctl, args, reply, err);
    if (reply)
        quarry__v1__analyze_dead_letters_reply__free_unpacked(reply, NULL);
    return rc;
}

const struct qr_ctl_verb qr_ctl_dlq_analyze = {
    .name = "dlq analyze",
    .arguments = "[OPTION]...",
    .summary = "what dead letters have in common, how often, and what to try",
    .examples =
        "  quarry dlq analyze --run 7\n"
        "  quarry dlq analyze --run 7 --details           with jobs to look at and what to try\n"
        "  quarry dlq analyze -o jsonl | jq -r '[.count, .error_class, .pattern] | @tsv'\n",
    .options = options,
    .args_size = sizeof(struct args),
    .run = run_verb,
};

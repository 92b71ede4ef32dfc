/* quarry dlq list */
#include <stdio.h>

#include "common/clock.h"
#include "ctl/emit.h"
#include "ctl/text.h"
#include "ctl/verb/dlq.h"
#include "ctl/verb/job.h"
#include "ctl/verb/run.h"
#include "ctl/verb/verbs.h"

struct args {
    struct qr_ctl_common common;
    int64_t run, limit, after;
    char *error_class, *pattern;
    bool details;
};

#define AT(field) offsetof(struct args, field)

/* clang-format off */
static const struct qr_option options[] = {
    {"run",     0, QR_OPT_INT,  AT(run),         "0",   0, 0x1p53, 0, "ID", "only of this run", "docs/cli.md"},
    {"class",   0, QR_OPT_STR,  AT(error_class), NULL,  0, 0, QR_OPT_CHOICE, QR_DLQ_CLASSES, "only those that failed with this class", "docs/operations.md"},
    {"pattern", 0, QR_OPT_STR,  AT(pattern),     NULL,  0, 0, 0, "PATTERN", "only those with this pattern, see quarry dlq analyze", "docs/cli.md"},
    {"details", 0, QR_OPT_BOOL, AT(details),     NULL,  0, 0, 0, "", "the whole message, attempts and times of each", "docs/cli.md"},
    {"limit",   0, QR_OPT_INT,  AT(limit),       "100", 1, 0x1p53, 0, NULL, "dead letters at most", "docs/cli.md"},
    {"after",   0, QR_OPT_INT,  AT(after),       "0",   0, 0x1p53, 0, "ID", "go on behind this job", "docs/cli.md"},
    {0},
};
/* clang-format on */

static const struct qr_column columns[] = {
    {"JOB", QR_COLUMN_RIGHT},
    {"RUN", QR_COLUMN_RIGHT | QR_COLUMN_OPTIONAL},
    {"TYPE", 0},
    {"CLASS", 0},
    {"WHEN", 0},
    {"FILE", QR_COLUMN_SHRINK | QR_COLUMN_KEEP_END},
    {"ERROR", QR_COLUMN_SHRINK},
};

static void row(const struct qr_ctl *ctl, const void *message, struct qr_table *table)
{
    const Quarry__V1__Job *job = message;
    char when[32];
    (void)ctl;

    qr_table_i64(table, job->id);
    qr_table_i64(table, job->run_id);
    qr_table_text(table, job->type);
    qr_table_text(table, job->error_class);
    qr_table_text(table, qr_text_ago(qr_clock_wall_ms(), job->finished_ms, when, sizeof when));
    qr_table_text(table, job->uri);
    qr_table_text(table, job->last_error);
}

static void print_details(const Quarry__V1__Job *job)
{
    char shown[4096];
    char when[32];

    qr_text_fit(job->uri, SIZE_MAX, false, "", shown, sizeof shown);
    printf("job %lld  %s\n", (long long)job->id, shown);
    printf("  run %lld, %s, %s, failed %s, attempts: %d", (long long)job->run_id, job->type,
           job->error_class, qr_text_time(job->finished_ms, when, sizeof when),
           job->retry_count + 1);
    if (job->infra_losses > 0)
        printf(", lost with their machine: %d", job->infra_losses);
    qr_text_fit(job->last_error, SIZE_MAX, false, "", shown, sizeof shown);
    printf("\n  %s\n\n", shown);
}

struct listing {
    struct qr_ctl *ctl;
    struct qr_emit emit;
    bool details; /* printed one by one instead of as a table */
    int64_t left;
    uint64_t total;
    bool more;
};

static int list_page(struct listing *listing, Quarry__V1__ListDeadLettersRequest *request,
                     struct qr_err *err)
{
    Quarry__V1__ListDeadLettersReply *reply = NULL;

    request->limit = (uint32_t)(listing->left < QR_JOB_PAGE ? listing->left : QR_JOB_PAGE);
    int rc = QR_CALL(listing->ctl->client, ListDeadLetters, list_dead_letters_reply, request,
                     &reply, err);
    if (rc < 0)
        return rc;
    for (size_t i = 0; rc == QR_OK && i < reply->n_jobs; i++) {
        if (listing->details)
            print_details(reply->jobs[i]);
        else
            rc = qr_emit_item(&listing->emit, &reply->jobs[i]->base, err);
        request->after_id = reply->jobs[i]->id;
    }
    listing->left -= (int64_t)reply->n_jobs;
    listing->total = reply->total;
    listing->more = reply->more && reply->n_jobs > 0;
    quarry__v1__list_dead_letters_reply__free_unpacked(reply, NULL);
    return rc;
}

static void tell_rest(const struct listing *listing, const struct args *args, int64_t last)
{
    if (listing->more)
        qr_ctl_say("%llu in all: --after %lld, or a larger --limit",
                   (unsigned long long)listing->total, (long long)last);
    else if (listing->left == args->limit && listing->ctl->output == QR_CTL_TABLE)
        qr_ctl_say("no dead letters");
    else if (args->run > 0 && listing->ctl->output == QR_CTL_TABLE && listing->ctl->err.tty)
        qr_ctl_say("try them again: quarry dlq retry --run %lld%s%s", (long long)args->run,
                   args->error_class ? " --class " : "",
                   args->error_class ? args->error_class : "");
}

static int run_verb(struct qr_ctl *ctl, const void *arguments, const struct qr_option_list *rest,
                    struct qr_err *err)
{
    const struct args *args = arguments;
    struct listing listing = {.ctl = ctl, .left = args->limit, .more = true};
    Quarry__V1__ListDeadLettersRequest request = QUARRY__V1__LIST_DEAD_LETTERS_REQUEST__INIT;
    (void)rest;

    listing.details = args->details && ctl->output == QR_CTL_TABLE;
    request.run_id = args->run;
    request.after_id = args->after;
    request.error_class = args->error_class ? args->error_class : request.error_class;
    int rc = qr_dlq_parse_pattern(args->pattern, &request.pattern, err);
    if (rc == QR_OK)
        rc = qr_ctl_connect(ctl, err);
    if (rc == QR_OK)
        rc = qr_emit_begin(&listing.emit, ctl, columns, QR_COUNT(columns), row, err);
    if (rc < 0)
        return rc;
    while (rc == QR_OK && listing.more && listing.left > 0)
        rc = list_page(&listing, &request, err);
    if (rc == QR_OK)
        rc = qr_emit_end(&listing.emit, err);
    qr_emit_done(&listing.emit);
    if (rc == QR_OK && args->run > 0 && listing.left == args->limit)
        rc = qr_run_must_exist(ctl, args->run, err);
    if (rc == QR_OK)
        tell_rest(&listing, args, request.after_id);
    return rc;
}

const struct qr_ctl_verb qr_ctl_dlq_list = {
    .name = "dlq list",
    .arguments = "[OPTION]...",
    .summary = "dead letters: jobs that failed for good, and why",
    .examples =
        "  quarry dlq list --run 7\n"
        "  quarry dlq list --run 7 --class crash --details\n"
        "  quarry dlq list --pattern 3fa2b1c1             of all runs, as dlq analyze names it\n"
        "  quarry dlq list -o jsonl --limit 100000 | jq -r .error_class | sort | uniq -c\n",
    .options = options,
    .args_size = sizeof(struct args),
    .run = run_verb,
};

/* quarry dlq retry */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "ctl/emit.h"
#include "ctl/verb/dlq.h"
#include "ctl/verb/job.h"
#include "ctl/verb/run.h"
#include "ctl/verb/verbs.h"

struct args {
    struct qr_ctl_common common;
    int64_t run;
    char *error_class, *pattern;
    bool all;
};

#define AT(field) offsetof(struct args, field)

/* clang-format off */
static const struct qr_option options[] = {
    {"run",     0, QR_OPT_INT,  AT(run),         "0",  0, 0x1p53, 0, "ID", "dead letters of this run", "docs/cli.md"},
    {"class",   0, QR_OPT_STR,  AT(error_class), NULL, 0, 0, QR_OPT_CHOICE, QR_DLQ_CLASSES, "that failed with this class", "docs/operations.md"},
    {"pattern", 0, QR_OPT_STR,  AT(pattern),     NULL, 0, 0, 0, "PATTERN", "that have this pattern, see quarry dlq analyze", "docs/cli.md"},
    {"all",     0, QR_OPT_BOOL, AT(all),         NULL, 0, 0, 0, "", "all there are, of all runs", "docs/cli.md"},
    {0},
};
/* clang-format on */

static int check(const struct args *args, const struct qr_option_list *rest, struct qr_err *err)
{
    bool narrowed = args->run > 0 || args->error_class || args->pattern;

    if (rest->n > 0 && (narrowed || args->all))
        return qr_fail(err, QR_E_USAGE, "job IDs, or --run, --class, --pattern, --all, not both");
    if (rest->n == 0 && !narrowed && !args->all)
        return qr_fail(err, QR_E_USAGE,
                       "which dead letters? hint: quarry dlq retry ID..., --run ID, --class CLASS, "
                       "--pattern PATTERN or --all");
    if (narrowed && args->all)
        return qr_fail(err, QR_E_USAGE, "--all excludes --run, --class and --pattern");
    return QR_OK;
}

static int tell(struct qr_ctl *ctl, const Quarry__V1__RetryDeadLettersReply *sum,
                struct qr_err *err)
{
    if (ctl->output != QR_CTL_TABLE)
        return qr_emit_message(ctl, &sum->base, err);
    printf("retried: %" PRIu64 "\n", sum->retried);
    if (sum->skipped > 0)
        qr_ctl_say("left as they are: %" PRIu64 ", of cancelled runs, of runs while another of the "
                   "same source is active, or of keys that another job has",
                   sum->skipped);
    return QR_OK;
}

/* The coordinator does a part at a time; Ctrl-C leaves what was done done. */
static int retry_many(struct qr_ctl *ctl, const struct args *args, struct qr_err *err)
{
    Quarry__V1__RetryDeadLettersRequest request = QUARRY__V1__RETRY_DEAD_LETTERS_REQUEST__INIT;
    Quarry__V1__RetryDeadLettersReply sum = QUARRY__V1__RETRY_DEAD_LETTERS_REPLY__INIT;
    bool more = true;
    int rc = qr_dlq_parse_pattern(args->pattern, &request.pattern, err);

    request.run_id = args->run;
    request.error_class = args->error_class ? args->error_class : request.error_class;
    request.all = args->all;
    if (rc == QR_OK)
        rc = qr_ctl_connect(ctl, err);
    while (rc == QR_OK && more) {
        Quarry__V1__RetryDeadLettersReply *reply = NULL;
        rc =
            QR_CALL(ctl->client, RetryDeadLetters, retry_dead_letters_reply, &request, &reply, err);
        if (rc < 0)
            break;
        sum.retried += reply->retried;
        sum.skipped += reply->skipped;
        more = reply->more;
        request.after_id = sum.after_id = reply->after_id;
        quarry__v1__retry_dead_letters_reply__free_unpacked(reply, NULL);
        if (more && ctl->err.tty)
            qr_ctl_say("retried: %" PRIu64 " ...", sum.retried);
    }
    if (rc == QR_OK && sum.retried + sum.skipped == 0 && args->run > 0)
        rc = qr_run_must_exist(ctl, args->run, err);
    return rc < 0 ? rc : tell(ctl, &sum, err);
}

static int run_verb(struct qr_ctl *ctl, const void *arguments, const struct qr_option_list *rest,
                    struct qr_err *err)
{
    const struct args *args = arguments;
    int rc = check(args, rest, err);

    if (rc < 0)
        return rc;
    return rest->n > 0 ? qr_job_retry_ids(ctl, rest, err) : retry_many(ctl, args, err);
}

const struct qr_ctl_verb qr_ctl_dlq_retry = {
    .name = "dlq retry",
    .arguments = "ID... | [--run ID] [--class CLASS] [--pattern PATTERN] | --all",
    .summary = "dead letters go again, with all their attempts",
    .examples =
        "  quarry dlq retry 421 422\n"
        "  quarry dlq retry --run 7 --class connection   once the file server is back\n"
        "  quarry dlq retry --pattern 3fa2b1c1           of all runs, as dlq analyze names it\n",
    .options = options,
    .args_size = sizeof(struct args),
    .rest_max = QR_CTL_ANY,
    .rest_name = "job ID",
    .run = run_verb,
};

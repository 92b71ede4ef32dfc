/* quarry dlq purge */
#include <inttypes.h>
#include <stdio.h>

#include "ctl/emit.h"
#include "ctl/verb/dlq.h"
#include "ctl/verb/run.h"
#include "ctl/verb/verbs.h"

struct args {
    struct qr_ctl_common common;
    int64_t run, older_than_ms;
    char *error_class, *pattern;
    bool dry_run;
};

#define AT(field) offsetof(struct args, field)

/* clang-format off */
static const struct qr_option options[] = {
    {"older-than", 0, QR_OPT_MSEC, AT(older_than_ms), NULL, 1, 0x1p53, 0, "TIME", "that failed longer ago than this: 30d, 12h; needed", "docs/cli.md"},
    {"run",        0, QR_OPT_INT,  AT(run),           "0",  0, 0x1p53, 0, "ID", "only of this run", "docs/cli.md"},
    {"class",      0, QR_OPT_STR,  AT(error_class),   NULL, 0, 0, QR_OPT_CHOICE, QR_DLQ_CLASSES, "only of this class", "docs/operations.md"},
    {"pattern",    0, QR_OPT_STR,  AT(pattern),       NULL, 0, 0, 0, "PATTERN", "only of this pattern, see quarry dlq analyze", "docs/cli.md"},
    {"dry-run",    0, QR_OPT_BOOL, AT(dry_run),       NULL, 0, 0, 0, "", "only say how many", "docs/cli.md"},
    {0},
};
/* clang-format on */

static int tell(struct qr_ctl *ctl, const struct args *args,
                const Quarry__V1__PurgeDeadLettersReply *sum, struct qr_err *err)
{
    if (ctl->output != QR_CTL_TABLE)
        return qr_emit_message(ctl, &sum->base, err);
    printf("%s: %" PRIu64 "\n", args->dry_run ? "would be purged" : "purged", sum->purged);
    return QR_OK;
}

static int run_verb(struct qr_ctl *ctl, const void *arguments, const struct qr_option_list *rest,
                    struct qr_err *err)
{
    const struct args *args = arguments;
    Quarry__V1__PurgeDeadLettersRequest request = QUARRY__V1__PURGE_DEAD_LETTERS_REQUEST__INIT;
    Quarry__V1__PurgeDeadLettersReply sum = QUARRY__V1__PURGE_DEAD_LETTERS_REPLY__INIT;
    bool more = true;
    (void)rest;

    if (args->older_than_ms <= 0)
        return qr_fail(err, QR_E_USAGE,
                       "how old? hint: quarry dlq purge --older-than 30d [--dry-run]");
    int rc = qr_dlq_parse_pattern(args->pattern, &request.pattern, err);
    request.run_id = args->run;
    request.error_class = args->error_class ? args->error_class : request.error_class;
    request.older_than_ms = (uint64_t)args->older_than_ms;
    request.dry_run = args->dry_run;
    if (rc == QR_OK)
        rc = qr_ctl_connect(ctl, err);
    while (rc == QR_OK && more) { /* the coordinator does a part at a time */
        Quarry__V1__PurgeDeadLettersReply *reply = NULL;
        rc =
            QR_CALL(ctl->client, PurgeDeadLetters, purge_dead_letters_reply, &request, &reply, err);
        if (rc < 0)
            break;
        sum.purged += reply->purged;
        more = reply->more;
        quarry__v1__purge_dead_letters_reply__free_unpacked(reply, NULL);
    }
    if (rc == QR_OK && sum.purged == 0 && args->run > 0)
        rc = qr_run_must_exist(ctl, args->run, err);
    return rc < 0 ? rc : tell(ctl, args, &sum, err);
}

const struct qr_ctl_verb qr_ctl_dlq_purge = {
    .name = "dlq purge",
    .arguments = "--older-than TIME [OPTION]...",
    .summary = "old dead letters go; their jobs stay failed and keep their history",
    .examples = "  quarry dlq purge --older-than 30d --dry-run\n"
                "  quarry dlq purge --older-than 30d --run 7 --class unsupported\n",
    .options = options,
    .args_size = sizeof(struct args),
    .run = run_verb,
};

/* quarry run watch */
#include <stdio.h>
#include <string.h>

#include "ctl/emit.h"
#include "ctl/verb/run.h"
#include "ctl/verb/verbs.h"

static int print_each(struct qr_ctl *ctl, const Quarry__V1__Run *run, struct qr_err *err)
{
    return qr_emit_message(ctl, &run->base, err);
}

static int run_verb(struct qr_ctl *ctl, const void *args, const struct qr_option_list *rest,
                    struct qr_err *err)
{
    bool table = ctl->output == QR_CTL_TABLE;
    enum qr_run_followed how = QR_RUN_OVER;
    Quarry__V1__RunReply *last = NULL;
    int64_t id = 0;
    (void)args;

    int rc = qr_ctl_one_id(ctl, rest, "run", &id, err);
    /* In a table the progress is the answer; otherwise JSON is, and progress a message. */
    if (rc == QR_OK)
        rc = qr_run_follow(ctl, id, table ? stdout : stderr,
                           ctl->output == QR_CTL_JSONL ? print_each : NULL, &how, &last, err);
    if (rc < 0)
        return rc;
    if (last && ctl->output == QR_CTL_JSON)
        rc = qr_emit_message(ctl, &last->run->base, err);
    if (how == QR_RUN_LEFT)
        qr_ctl_say("run %lld goes on; watch it again: quarry run watch %lld", (long long)id,
                   (long long)id);
    else if (last && table)
        qr_run_summary(stdout, last->run);
    if (rc == QR_OK && how == QR_RUN_OVER && last && strcmp(last->run->status, "completed") != 0)
        rc = qr_fail(err, QR_E_INTERNAL, "run %lld ended %s%s%.200s", (long long)id,
                     last->run->status, last->run->discover_error[0] ? ": " : "",
                     last->run->discover_error);
    if (last)
        quarry__v1__run_reply__free_unpacked(last, NULL);
    return rc;
}

const struct qr_ctl_verb qr_ctl_run_watch = {
    .name = "run watch",
    .arguments = "ID",
    .summary = "progress of a run until it is over; Ctrl-C leaves it running",
    .examples =
        "  quarry run watch 7                 a bar on a terminal, a line every 5 s in a pipe\n"
        "  quarry run watch 7 -o jsonl        the run's figures, one object a line\n"
        "  quarry run watch 7 -o json         the figures at the end\n"
        "A coordinator that restarts is waited for. Exit 1 when the run failed or was cancelled.\n",
    QR_CTL_OF_ONE_ID("run ID"),
    .run = run_verb,
};

/* quarry run show */
#include "ctl/verb/run.h"
#include "ctl/verb/verbs.h"

static int run_verb(struct qr_ctl *ctl, const void *args, const struct qr_option_list *rest,
                    struct qr_err *err)
{
    Quarry__V1__RunReply *reply = NULL;
    int64_t id = 0;
    (void)args;

    int rc = qr_ctl_one_id(ctl, rest, "run", &id, err);
    if (rc == QR_OK)
        rc = qr_run_get(ctl, id, true, &reply, err);
    if (rc < 0)
        return rc;
    rc = qr_run_print(ctl, reply->run, err);
    if (rc == QR_OK && ctl->output == QR_CTL_TABLE && reply->run->failed > 0)
        qr_ctl_say("see why: quarry dlq list --run %lld", (long long)id);
    quarry__v1__run_reply__free_unpacked(reply, NULL);
    return rc;
}

const struct qr_ctl_verb qr_ctl_run_show = {
    .name = "run show",
    .arguments = "ID",
    .summary = "one run: files by type, failures by class, empty results by reason",
    .examples =
        "  quarry run show 7\n"
        "  quarry run show 7 -o json | jq '.types[] | {type, failed_by_class}'\n"
        "Completed includes the empty and the partial ones; the sum is the number of files.\n",
    QR_CTL_OF_ONE_ID("run ID"),
    .run = run_verb,
};

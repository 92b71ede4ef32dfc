/* quarry worker drain */
#include <stdio.h>

#include "ctl/emit.h"
#include "ctl/verb/verbs.h"

struct args {
    struct qr_ctl_common common;
    int64_t grace_ms;
};

/* clang-format off */
static const struct qr_option options[] = {
    {"grace", 0, QR_OPT_MSEC, offsetof(struct args, grace_ms), "60s", 0, 86400000, 0, "TIME", "what runs may take so long, then it is handed back", "docs/cli.md"},
    {0},
};
/* clang-format on */

static int run_verb(struct qr_ctl *ctl, const void *arguments, const struct qr_option_list *rest,
                    struct qr_err *err)
{
    const struct args *args = arguments;
    Quarry__V1__DrainWorkerRequest request = QUARRY__V1__DRAIN_WORKER_REQUEST__INIT;
    Quarry__V1__DrainWorkerReply *reply = NULL;

    request.worker_id = rest->items[0];
    request.grace_ms = (uint32_t)args->grace_ms;
    int rc = qr_ctl_connect(ctl, err);
    if (rc == QR_OK)
        rc = QR_CALL(ctl->client, DrainWorker, drain_worker_reply, &request, &reply, err);
    if (rc < 0)
        return rc;
    if (ctl->output != QR_CTL_TABLE)
        rc = qr_emit_message(ctl, &reply->base, err);
    else
        printf("%s gets no more work; jobs it finishes or hands back: %u\n", rest->items[0],
               reply->leases);
    quarry__v1__drain_worker_reply__free_unpacked(reply, NULL);
    return rc;
}

const struct qr_ctl_verb qr_ctl_worker_drain = {
    .name = "worker drain",
    .arguments = "ID [--grace TIME]",
    .summary = "no more work for a worker: it finishes what it has and leaves",
    .examples = "  quarry worker drain vm17\n"
                "  quarry worker drain vm17 --grace 5s\n",
    .options = options,
    .args_size = sizeof(struct args),
    .rest_min = 1,
    .rest_max = 1,
    .rest_name = "worker ID",
    .run = run_verb,
};

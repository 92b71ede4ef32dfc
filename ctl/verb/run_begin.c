/* quarry run begin */
#include <stdio.h>
#include <string.h>

#include "ctl/emit.h"
#include "ctl/verb/verbs.h"

static int run_verb(struct qr_ctl *ctl, const void *args, const struct qr_option_list *rest,
                    struct qr_err *err)
{
    Quarry__V1__BeginStageRequest request = QUARRY__V1__BEGIN_STAGE_REQUEST__INIT;
    Quarry__V1__BeginStageReply *reply = NULL;
    (void)args;

    request.stage = rest->items[1];
    if (strcmp(request.stage, "link") != 0 && strcmp(request.stage, "index") != 0 &&
        strcmp(request.stage, "report") != 0)
        return qr_fail(err, QR_E_USAGE, "'%.40s' is no stage to begin; hint: link, index or report",
                       request.stage);
    int rc = qr_ctl_one_id(ctl, rest, "run", &request.run_id, err);
    if (rc == QR_OK)
        rc = QR_CALL(ctl->client, BeginStage, begin_stage_reply, &request, &reply, err);
    if (rc < 0)
        return rc;
    if (ctl->output != QR_CTL_TABLE)
        rc = qr_emit_message(ctl, &reply->base, err);
    else
        printf("%s of run %lld begins with what is there; its turn behind the jobs still comes\n",
               request.stage, (long long)request.run_id);
    quarry__v1__begin_stage_reply__free_unpacked(reply, NULL);
    return rc;
}

const struct qr_ctl_verb qr_ctl_run_begin = {
    .name = "run begin",
    .arguments = "ID link|index|report",
    .summary = "do a stage now with what is there, before the jobs have ended",
    .examples = "  quarry run begin 7 index      search what has been read so far\n"
                "  quarry run begin 7 report     run show has an interim report\n"
                "The stage comes again in its turn, when the last job has ended.\n",
    .options = qr_ctl_no_options,
    .args_size = sizeof(struct qr_ctl_common),
    .rest_min = 2,
    .rest_max = 2,
    .rest_name = "run ID or stage",
    .run = run_verb,
};

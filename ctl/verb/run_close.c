/* quarry run close */
#include "ctl/verb/run.h"
#include "ctl/verb/verbs.h"

static int run_verb(struct qr_ctl *ctl, const void *args, const struct qr_option_list *rest,
                    struct qr_err *err)
{
    Quarry__V1__CloseRunRequest request = QUARRY__V1__CLOSE_RUN_REQUEST__INIT;
    Quarry__V1__RunReply *reply = NULL;
    (void)args;

    int rc = qr_ctl_one_id(ctl, rest, "run", &request.run_id, err);
    if (rc == QR_OK)
        rc = QR_CALL(ctl->client, CloseRun, run_reply, &request, &reply, err);
    if (rc < 0)
        return rc;
    if (reply->run && ctl->output != QR_CTL_TABLE)
        rc = qr_run_print(ctl, reply->run, err);
    else
        qr_ctl_say("run %lld takes no more jobs by hand; it ends when its jobs have",
                   (long long)request.run_id);
    quarry__v1__run_reply__free_unpacked(reply, NULL);
    return rc;
}

const struct qr_ctl_verb qr_ctl_run_close = {
    .name = "run close",
    .arguments = "ID",
    .summary = "a run made with --manual takes no more jobs",
    .examples = "  id=$(quarry run create --manual --name retest)\n"
                "  quarry job add --run $id root://drawings/a.pdf root://drawings/b.dxf\n"
                "  quarry run close $id\n",
    QR_CTL_OF_ONE_ID("run ID"),
    .run = run_verb,
};

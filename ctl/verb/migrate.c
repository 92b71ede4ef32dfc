/* quarry migrate */
#include <stdio.h>

#include "ctl/emit.h"
#include "ctl/verb/verbs.h"

static int run_verb(struct qr_ctl *ctl, const void *args, const struct qr_option_list *rest,
                    struct qr_err *err)
{
    Quarry__V1__MigrateRequest request = QUARRY__V1__MIGRATE_REQUEST__INIT;
    Quarry__V1__MigrateReply *reply = NULL;
    (void)args;
    (void)rest;

    int rc = qr_ctl_connect(ctl, err);
    if (rc == QR_OK)
        rc = QR_CALL(ctl->client, Migrate, migrate_reply, &request, &reply, err);
    if (rc < 0)
        return rc;
    if (ctl->output != QR_CTL_TABLE) {
        rc = qr_emit_message(ctl, &reply->base, err);
    } else {
        for (size_t i = 0; i < reply->n_applied; i++)
            printf("applied %s\n", reply->applied[i]);
        printf("schema version %s%s\n", reply->schema_version,
               reply->n_applied == 0 ? ", nothing to do" : "");
    }
    quarry__v1__migrate_reply__free_unpacked(reply, NULL);
    return rc;
}

const struct qr_ctl_verb qr_ctl_migrate = {
    .name = "migrate",
    .arguments = "",
    .summary = "bring the database to the coordinator's schema",
    .examples = "  quarry migrate        safe to repeat; a coordinator does it at its start unless "
                "--no-migrate\n",
    .options = qr_ctl_no_options,
    .args_size = sizeof(struct qr_ctl_common),
    .run = run_verb,
};

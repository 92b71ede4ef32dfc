/* quarry verify */
#include <stdio.h>

#include "ctl/emit.h"
#include "ctl/verb/verbs.h"

static const struct qr_column columns[] = {{"OK", QR_COLUMN_STATUS}, {"CHECK", 0}, {"FOUND", 0}};

static void row(const struct qr_ctl *ctl, const void *message, struct qr_table *table)
{
    const Quarry__V1__Check *check = message;
    (void)ctl;

    qr_table_text(table, check->ok ? "ok" : "FAIL");
    qr_table_text(table, check->name);
    qr_table_text(table, check->detail);
}

static int run_verb(struct qr_ctl *ctl, const void *args, const struct qr_option_list *rest,
                    struct qr_err *err)
{
    Quarry__V1__VerifyRequest request = QUARRY__V1__VERIFY_REQUEST__INIT;
    Quarry__V1__VerifyReply *reply = NULL;
    size_t failed = 0;
    (void)args;
    (void)rest;

    int rc = qr_ctl_connect(ctl, err);
    if (rc == QR_OK)
        rc = QR_CALL(ctl->client, Verify, verify_reply, &request, &reply, err);
    if (rc < 0)
        return rc;
    rc = qr_emit_list(ctl, columns, QR_COUNT(columns), row,
                      (ProtobufCMessage *const *)reply->checks, reply->n_checks, err);
    for (size_t i = 0; i < reply->n_checks; i++)
        failed += !reply->checks[i]->ok;
    if (rc == QR_OK && reply->n_checks == 0)
        rc = qr_fail(err, QR_E_DATA, "the coordinator checked nothing");
    else if (rc == QR_OK && failed > 0)
        rc = qr_fail(err, QR_E_INVALID, "%zu of %zu checks do not hold", failed, reply->n_checks);
    quarry__v1__verify_reply__free_unpacked(reply, NULL);
    return rc;
}

const struct qr_ctl_verb qr_ctl_verify = {
    .name = "verify",
    .arguments = "",
    .summary = "check database and storage, one line a check",
    .examples = "  quarry verify && echo all holds\n",
    .options = qr_ctl_no_options,
    .args_size = sizeof(struct qr_ctl_common),
    .run = run_verb,
};

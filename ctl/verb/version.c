/* quarry version */
#include <jansson.h>
#include <stdio.h>

#include "ctl/json.h"
#include "ctl/verb/verbs.h"

/* What the coordinator says; NULL when there is none, which is no failure of this verb. */
static Quarry__V1__GetVersionReply *ask(struct qr_ctl *ctl, struct qr_err *err)
{
    Quarry__V1__GetVersionRequest request = QUARRY__V1__GET_VERSION_REQUEST__INIT;
    Quarry__V1__GetVersionReply *reply = NULL;

    int rc = qr_ctl_connect(ctl, err);
    if (rc == QR_OK)
        rc = QR_CALL(ctl->client, GetVersion, get_version_reply, &request, &reply, err);
    return rc == QR_OK ? reply : NULL;
}

static int print_json(struct qr_ctl *ctl, const Quarry__V1__GetVersionReply *reply,
                      struct qr_err *err)
{
    json_t *object = json_object();
    json_t *coordinator = reply ? qr_json_from_message(&reply->base) : json_null();
    bool ok = object && coordinator &&
              json_object_set_new(object, "quarry", json_string(QUARRY_VERSION)) == 0 &&
              json_object_set(object, "coordinator", coordinator) == 0;

    json_decref(coordinator);
    if (ok)
        qr_json_print(object, ctl->output == QR_CTL_JSONL, stdout);
    json_decref(object);
    return ok ? QR_OK : qr_fail(err, QR_E_NOMEM, "out of memory");
}

static int run_verb(struct qr_ctl *ctl, const void *args, const struct qr_option_list *rest,
                    struct qr_err *err)
{
    (void)args;
    (void)rest;
    Quarry__V1__GetVersionReply *reply = ask(ctl, err);
    int rc = err->code == QR_E_USAGE ? QR_E_USAGE : QR_OK; /* --coordinator that is no address */

    if (rc == QR_OK && ctl->output != QR_CTL_TABLE) {
        rc = print_json(ctl, reply, err);
    } else if (rc == QR_OK) {
        printf("quarry       %s\n", QUARRY_VERSION);
        if (reply)
            printf("coordinator  %s at %s, instance %s\nschema       %s\nPostgreSQL   %s\n",
                   reply->version, qr_client_target(ctl->client), reply->instance,
                   reply->schema_version, reply->postgres_version);
        else
            qr_ctl_say("quarry: %s", err->msg);
    }
    if (reply)
        quarry__v1__get_version_reply__free_unpacked(reply, NULL);
    return rc;
}

const struct qr_ctl_verb qr_ctl_version = {
    .name = "version",
    .arguments = "",
    .summary = "versions of this program, the coordinator and its database",
    .examples = "  quarry version\n"
                "Without a coordinator it tells its own version and still exits with 0.\n",
    .options = qr_ctl_no_options,
    .args_size = sizeof(struct qr_ctl_common),
    .run = run_verb,
};

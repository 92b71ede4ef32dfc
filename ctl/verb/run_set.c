/* quarry run set */
#include "ctl/verb/verbs.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/verb/run.h"

struct args {
    struct qr_ctl_common common;
    char *priority, *weight, *halt_at;
};

#define AT(field) offsetof(struct args, field)

/* clang-format off */
static const struct qr_option options[] = {
    {"priority", 0, QR_OPT_STR, AT(priority), NULL, 0, 0, 0, "N",         "-100 .. 100, higher goes first; for jobs that wait, too", "docs/cli.md"},
    {"weight",   0, QR_OPT_STR, AT(weight),   NULL, 0, 0, 0, "NUMBER",    "share beside other runs of the same priority, 0.01 .. 1000", "docs/cli.md"},
    {"halt-at",  0, QR_OPT_STR, AT(halt_at),  NULL, 0, 0, 0, "SHARE|off", "pause the run when more than this share of its jobs fails by no fault of the file", "docs/operations.md"},
    {0},
};
/* clang-format on */

/* A number within [min, max] and nothing behind it. */
static bool number(const char *text, double min, double max, double *ret)
{
    char *end;

    errno = 0;
    double value = strtod(text, &end);
    if (end == text || *end || errno || !isfinite(value) || value < min || value > max)
        return false;
    *ret = value;
    return true;
}

int qr_run_parse_share(const char *text, double *ret, struct qr_err *err)
{
    char plain[32];
    size_t len = strlen(text);
    bool percent = len > 1 && len < sizeof plain && text[len - 1] == '%';
    double share;

    if (strcmp(text, "off") == 0) {
        *ret = -1;
        return QR_OK;
    }
    if (percent) {
        memcpy(plain, text, len - 1);
        plain[len - 1] = '\0';
        text = plain;
    }
    if (!number(text, 0, 100, &share) || (share /= percent ? 100 : 1) <= 0 || share >= 1)
        return qr_fail(err, QR_E_USAGE,
                       "--halt-at '%.30s' is no share between 0 and 1; hint: 0.2, 20%%, or off",
                       text);
    *ret = share;
    return QR_OK;
}

static int fill(const struct args *args, Quarry__V1__SetRunRequest *request, struct qr_err *err)
{
    double priority = 0;

    if (!args->priority && !args->weight && !args->halt_at)
        return qr_fail(err, QR_E_USAGE,
                       "nothing to set; hint: --priority 5, --weight 2 or --halt-at off");
    if (args->priority &&
        (!number(args->priority, -100, 100, &priority) || priority != trunc(priority)))
        return qr_fail(err, QR_E_USAGE, "--priority '%.30s' is no whole number from -100 to 100",
                       args->priority);
    if (args->weight && !number(args->weight, 0.01, 1000, &request->weight))
        return qr_fail(err, QR_E_USAGE,
                       "--weight '%.30s' is no number from 0.01 to 1000; hint: 2 is twice the "
                       "share",
                       args->weight);
    request->set_priority = args->priority != NULL;
    request->priority = (int32_t)priority;
    return args->halt_at ? qr_run_parse_share(args->halt_at, &request->halt_at, err) : QR_OK;
}

static int run_verb(struct qr_ctl *ctl, const void *args, const struct qr_option_list *rest,
                    struct qr_err *err)
{
    Quarry__V1__SetRunRequest request = QUARRY__V1__SET_RUN_REQUEST__INIT;
    Quarry__V1__RunReply *reply = NULL;

    int rc = qr_ctl_parse_id(rest->items[0], "run", &request.run_id, err);
    if (rc == QR_OK)
        rc = fill(args, &request, err);
    if (rc == QR_OK)
        rc = qr_ctl_connect(ctl, err);
    if (rc == QR_OK)
        rc = QR_CALL(ctl->client, SetRun, run_reply, &request, &reply, err);
    if (rc < 0)
        return rc;
    if (!reply->run)
        rc = qr_fail(err, QR_E_DATA, "the coordinator's answer has no run");
    else if (ctl->output != QR_CTL_TABLE)
        rc = qr_run_print(ctl, reply->run, err);
    else if (reply->run->halt_at < 0)
        qr_ctl_say("run %lld: priority %d, weight %g, never pauses by itself",
                   (long long)request.run_id, (int)reply->run->priority, reply->run->weight);
    else
        qr_ctl_say("run %lld: priority %d, weight %g, pauses itself at %g %% failures",
                   (long long)request.run_id, (int)reply->run->priority, reply->run->weight,
                   100 * reply->run->halt_at);
    quarry__v1__run_reply__free_unpacked(reply, NULL);
    return rc;
}

const struct qr_ctl_verb qr_ctl_run_set = {
    .name = "run set",
    .arguments = "ID [OPTION]...",
    .summary = "change a run's priority, its share, or when it pauses itself",
    .examples =
        "  quarry run set 7 --priority 10     before everything of a lower priority, at once\n"
        "  quarry run set 7 --weight 3        three turns for one of a run of weight 1\n"
        "  quarry run set 7 --halt-at 50%     or --halt-at off: never pause by itself\n"
        "Jobs that run already are not touched.\n",
    .options = options,
    .args_size = sizeof(struct args),
    .rest_min = 1,
    .rest_max = 1,
    .rest_name = "run ID",
    .run = run_verb,
};

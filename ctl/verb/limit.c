/* quarry limit set, limit list, limit remove */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/emit.h"
#include "ctl/text.h"
#include "ctl/verb/verbs.h"

static const struct qr_column columns[] = {
    {"LIMIT", 0},
    {"RUNNING", QR_COLUMN_RIGHT},
    {"OF", QR_COLUMN_RIGHT},
    {"RATE", QR_COLUMN_RIGHT},
    {"BURST", QR_COLUMN_RIGHT},
    {"READY", QR_COLUMN_RIGHT},
};

/* 0.5 a second is 30/m. */
static const char *rate_text(double rate, char *buf, size_t cap)
{
    if (rate <= 0)
        return "-";
    if (rate >= 1)
        snprintf(buf, cap, "%.6g/s", rate);
    else if (rate * 60 >= 1)
        snprintf(buf, cap, "%.6g/m", rate * 60);
    else if (rate * 3600 >= 1)
        snprintf(buf, cap, "%.6g/h", rate * 3600);
    else
        snprintf(buf, cap, "%.6g/d", rate * 86400);
    return buf;
}

static void row(const struct qr_ctl *ctl, const void *message, struct qr_table *table)
{
    const Quarry__V1__Limit *limit = message;
    char text[400];
    (void)ctl;

    snprintf(text, sizeof text, "%s=%s", limit->scope, limit->name);
    qr_table_text(table, text);
    if (limit->running_max > 0) {
        qr_table_i64(table, limit->running);
        qr_table_i64(table, limit->running_max);
    } else {
        qr_table_text(table, "-");
        qr_table_text(table, "-");
    }
    qr_table_text(table, rate_text(limit->rate, text, sizeof text));
    snprintf(text, sizeof text, "%.6g", limit->burst);
    qr_table_text(table, limit->rate > 0 ? text : "-");
    snprintf(text, sizeof text, "%.6g", floor(limit->tokens));
    qr_table_text(table, limit->rate > 0 ? text : "-");
}

/* "pdf" of "type=pdf"; `scope` has room for the word before it. */
static int split(const char *text, char scope[16], const char **ret_name, struct qr_err *err)
{
    const char *equals = strchr(text, '=');
    size_t len = equals ? (size_t)(equals - text) : 0;

    if (len == 0 || len >= 16 || !equals[1])
        return qr_fail(err, QR_E_USAGE,
                       "'%.60s' names no limit; hint: type=pdf, run=12 or source=files.example",
                       text);
    memcpy(scope, text, len);
    scope[len] = '\0';
    if (strcmp(scope, "type") != 0 && strcmp(scope, "run") != 0 && strcmp(scope, "source") != 0)
        return qr_fail(err, QR_E_USAGE,
                       "limits are of a type, a run or a source, not of '%s'; hint: type=pdf, "
                       "run=12, source=files.example",
                       scope);
    *ret_name = equals + 1;
    return QR_OK;
}

/* ------------------------------------------------------------------ set */

struct set_args {
    struct qr_ctl_common common;
    char *running, *rate, *burst;
};

#define AT(field) offsetof(struct set_args, field)

/* clang-format off */
static const struct qr_option set_options[] = {
    {"running", 0, QR_OPT_STR, AT(running), NULL, 0, 0, 0, "N",          "jobs that run at a time", "docs/operations.md"},
    {"rate",    0, QR_OPT_STR, AT(rate),    NULL, 0, 0, 0, "N/s|m|h|d",  "jobs that start in a second, minute, hour or day", "docs/operations.md"},
    {"burst",   0, QR_OPT_STR, AT(burst),   NULL, 0, 0, 0, "N",          "starts that an idle time saves; a tenth of a second's when not given", "docs/operations.md"},
    {0},
};
/* clang-format on */

static int positive(const char *name, const char *text, double max, double *ret,
                    const char **ret_end, struct qr_err *err)
{
    char *end;

    errno = 0;
    *ret = strtod(text, &end);
    *ret_end = end;
    if (end == text || errno || !isfinite(*ret) || *ret <= 0 || *ret > max)
        return qr_fail(err, QR_E_USAGE, "--%s '%.30s' is no number above 0 and up to %g", name,
                       text, max);
    return QR_OK;
}

static int whole(const char *name, const char *text, double *ret, struct qr_err *err)
{
    const char *end;
    int rc = positive(name, text, 1e6, ret, &end, err);

    if (rc == QR_OK && (*end || *ret != trunc(*ret)))
        rc = qr_fail(err, QR_E_USAGE, "--%s '%.30s' is no whole number", name, text);
    return rc;
}

static int parse_rate(const char *text, double *ret, struct qr_err *err)
{
    static const struct {
        const char *unit;
        double seconds;
    } units[] = {{"", 1}, {"/s", 1}, {"/m", 60}, {"/min", 60}, {"/h", 3600}, {"/d", 86400}};
    const char *end;
    int rc = positive("rate", text, 1e11, ret, &end, err);

    if (rc < 0)
        return rc;
    for (size_t i = 0; i < QR_COUNT(units); i++)
        if (strcmp(end, units[i].unit) == 0) {
            *ret /= units[i].seconds;
            return QR_OK;
        }
    return qr_fail(err, QR_E_USAGE, "--rate '%.30s' has no unit we know; hint: 50/s, 100/m, 1000/h",
                   text);
}

static int set_verb(struct qr_ctl *ctl, const void *arguments, const struct qr_option_list *rest,
                    struct qr_err *err)
{
    const struct set_args *args = arguments;
    Quarry__V1__SetLimitRequest request = QUARRY__V1__SET_LIMIT_REQUEST__INIT;
    Quarry__V1__LimitReply *reply = NULL;
    char scope[16];
    char text[32];
    const char *name;
    double running = 0;

    int rc = split(rest->items[0], scope, &name, err);
    if (rc == QR_OK && !args->running && !args->rate)
        rc = qr_fail(err, QR_E_USAGE, "nothing to limit; hint: --running 8, --rate 50/s or both");
    if (rc == QR_OK && args->running)
        rc = whole("running", args->running, &running, err);
    if (rc == QR_OK && args->rate)
        rc = parse_rate(args->rate, &request.rate, err);
    if (rc == QR_OK && args->burst)
        rc = whole("burst", args->burst, &request.burst, err);
    if (rc == QR_OK)
        rc = qr_ctl_connect(ctl, err);
    if (rc < 0)
        return rc;
    request.scope = scope;
    request.name = (char *)(uintptr_t)name;
    request.running = (int64_t)running;
    rc = QR_CALL(ctl->client, SetLimit, limit_reply, &request, &reply, err);
    if (rc < 0)
        return rc;
    if (!reply->limit)
        rc = qr_fail(err, QR_E_DATA, "the coordinator's answer has no limit");
    else if (ctl->output != QR_CTL_TABLE)
        rc = qr_emit_message(ctl, &reply->limit->base, err);
    else if (reply->limit->running_max > 0)
        qr_ctl_say("%s=%s: %" PRId64 " running at most (%" PRId64 " now), rate %s", scope, name,
                   reply->limit->running_max, reply->limit->running,
                   rate_text(reply->limit->rate, text, sizeof text));
    else
        qr_ctl_say("%s=%s: rate %s", scope, name, rate_text(reply->limit->rate, text, sizeof text));
    quarry__v1__limit_reply__free_unpacked(reply, NULL);
    return rc;
}

const struct qr_ctl_verb qr_ctl_limit_set = {
    .name = "limit set",
    .arguments = "type=T|run=ID|source=HOST [OPTION]...",
    .summary = "how many jobs of a type, a run or a source run at a time, or start a second",
    .examples =
        "  quarry limit set type=pdf --running 8              eight PDFs at a time, in all\n"
        "  quarry limit set source=files.example --rate 50/s  fifty starts a second from this "
        "host\n"
        "  quarry limit set source=drawings --running 20      a root by its name\n"
        "  quarry limit set run=12 --running 4 --rate 100/m   both\n"
        "Over all workers and coordinators. It replaces the limit as a whole. What runs already "
        "is\n"
        "counted, and not stopped.\n",
    .options = set_options,
    .args_size = sizeof(struct set_args),
    .rest_min = 1,
    .rest_max = 1,
    .rest_name = "type=T, run=ID or source=HOST",
    .run = set_verb,
};

/* ------------------------------------------------------------------ list */

static int list_verb(struct qr_ctl *ctl, const void *args, const struct qr_option_list *rest,
                     struct qr_err *err)
{
    Quarry__V1__ListLimitsRequest request = QUARRY__V1__LIST_LIMITS_REQUEST__INIT;
    Quarry__V1__ListLimitsReply *reply = NULL;
    (void)args;
    (void)rest;

    int rc = qr_ctl_connect(ctl, err);
    if (rc == QR_OK)
        rc = QR_CALL(ctl->client, ListLimits, list_limits_reply, &request, &reply, err);
    if (rc < 0)
        return rc;
    rc = qr_emit_list(ctl, columns, QR_COUNT(columns), row,
                      (ProtobufCMessage *const *)reply->limits, reply->n_limits, err);
    if (rc == QR_OK && reply->n_limits == 0 && ctl->output == QR_CTL_TABLE)
        qr_ctl_say("no limits; make one: quarry limit set type=pdf --running 8");
    quarry__v1__list_limits_reply__free_unpacked(reply, NULL);
    return rc;
}

const struct qr_ctl_verb qr_ctl_limit_list = {
    .name = "limit list",
    .arguments = "",
    .summary = "limits, and how full they are",
    .examples = "  quarry limit list\n"
                "  quarry limit list -o jsonl | jq -r 'select(.running == .running_max) | .name'\n",
    .options = qr_ctl_no_options,
    .args_size = sizeof(struct qr_ctl_common),
    .run = list_verb,
};

/* ------------------------------------------------------------------ remove */

static int remove_verb(struct qr_ctl *ctl, const void *args, const struct qr_option_list *rest,
                       struct qr_err *err)
{
    Quarry__V1__RemoveLimitRequest request = QUARRY__V1__REMOVE_LIMIT_REQUEST__INIT;
    Quarry__V1__LimitReply *reply = NULL;
    char scope[16];
    const char *name;
    (void)args;

    int rc = split(rest->items[0], scope, &name, err);
    if (rc == QR_OK)
        rc = qr_ctl_connect(ctl, err);
    if (rc < 0)
        return rc;
    request.scope = scope;
    request.name = (char *)(uintptr_t)name;
    rc = QR_CALL(ctl->client, RemoveLimit, limit_reply, &request, &reply, err);
    if (rc < 0)
        return rc;
    if (reply->limit && ctl->output != QR_CTL_TABLE)
        rc = qr_emit_message(ctl, &reply->limit->base, err);
    else
        qr_ctl_say("%s=%s is not limited any more", scope, name);
    quarry__v1__limit_reply__free_unpacked(reply, NULL);
    return rc;
}

const struct qr_ctl_verb qr_ctl_limit_remove = {
    .name = "limit remove",
    .arguments = "type=T|run=ID|source=HOST",
    .summary = "lift a limit",
    .examples = "  quarry limit remove type=pdf\n",
    .options = qr_ctl_no_options,
    .args_size = sizeof(struct qr_ctl_common),
    .rest_min = 1,
    .rest_max = 1,
    .rest_name = "type=T, run=ID or source=HOST",
    .run = remove_verb,
};

/* quarry job add */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/filetype.h"
#include "ctl/emit.h"
#include "ctl/verb/verbs.h"
#include "ctl/when.h"

struct args {
    struct qr_ctl_common common;
    int64_t run, priority, delay_ms;
    char *type, *at, *key;
};

#define AT(field) offsetof(struct args, field)

/* clang-format off */
static const struct qr_option options[] = {
    {"run",      0, QR_OPT_INT, AT(run),      "0", 0, 0x1p53, 0, "ID", "the run, made with run create --manual", "docs/cli.md"},
    {"type",     0, QR_OPT_STR, AT(type),     NULL, 0, 0, 0, "TYPE", "job type; by the file's name when not given", "docs/cli.md"},
    {"priority", 0, QR_OPT_INT, AT(priority), "0", -100, 100, 0, NULL, "higher goes first", "docs/cli.md"},
    {"delay",    0, QR_OPT_MSEC, AT(delay_ms), "0", 0, 366.0 * 24 * 3600 * 1000, 0, "10m", "not to be started before so long from now", "docs/cli.md"},
    {"at",       0, QR_OPT_STR, AT(at),       NULL, 0, 0, 0, "TIME", "not to be started before 2026-01-31T08:15 (local time; UTC with a Z behind it)", "docs/cli.md"},
    {"key",      0, QR_OPT_STR, AT(key),      NULL, 0, 0, 0, "TEXT", "at most one open job of the run has this key", "docs/cli.md"},
    {0},
};
/* clang-format on */

static int enqueue(struct qr_ctl *ctl, const struct args *args, const struct qr_option_list *rest,
                   Quarry__V1__EnqueueReply **ret, struct qr_err *err)
{
    Quarry__V1__EnqueueRequest request = QUARRY__V1__ENQUEUE_REQUEST__INIT;
    Quarry__V1__NewJob *jobs = calloc(rest->n, sizeof *jobs);
    Quarry__V1__NewJob **pointers = calloc(rest->n, sizeof *pointers);
    int rc = jobs && pointers ? QR_OK : qr_fail(err, QR_E_NOMEM, "out of memory");
    int64_t run_at_ms = 0;

    if (rc == QR_OK && args->at)
        rc = qr_when_parse("--at", args->at, &run_at_ms, err);
    for (size_t i = 0; rc == QR_OK && i < rest->n; i++) {
        quarry__v1__new_job__init(&jobs[i]);
        jobs[i].uri = rest->items[i];
        char *type = strdup(args->type ? args->type : qr_filetype_of_name(rest->items[i]));
        if (!type) {
            rc = qr_fail(err, QR_E_NOMEM, "out of memory");
            break;
        }
        jobs[i].type = type;
        jobs[i].priority = (int32_t)args->priority;
        jobs[i].delay_ms = args->delay_ms;
        jobs[i].run_at_ms = run_at_ms;
        if (args->key)
            jobs[i].dedupe = args->key;
        pointers[i] = &jobs[i];
    }
    request.run_id = args->run;
    request.jobs = pointers;
    request.n_jobs = rest->n;
    if (rc == QR_OK)
        rc = QR_CALL(ctl->client, Enqueue, enqueue_reply, &request, ret, err);
    for (size_t i = 0; pointers && i < rest->n && pointers[i]; i++)
        free(pointers[i]->type);
    free(jobs);
    free(pointers);
    return rc;
}

static int run_verb(struct qr_ctl *ctl, const void *arguments, const struct qr_option_list *rest,
                    struct qr_err *err)
{
    const struct args *args = arguments;
    Quarry__V1__EnqueueReply *reply = NULL;

    if (args->run == 0)
        return qr_fail(err, QR_E_USAGE, "--run is missing; hint: quarry job add --run ID URI...");
    int rc = qr_ctl_connect(ctl, err);
    if (rc == QR_OK)
        rc = enqueue(ctl, args, rest, &reply, err);
    if (rc < 0)
        return rc;
    if (ctl->output != QR_CTL_TABLE)
        rc = qr_emit_message(ctl, &reply->base, err);
    else
        printf("added: %llu, already in the run: %llu\n", (unsigned long long)reply->inserted,
               (unsigned long long)(rest->n - reply->inserted));
    quarry__v1__enqueue_reply__free_unpacked(reply, NULL);
    return rc;
}

const struct qr_ctl_verb qr_ctl_job_add = {
    .name = "job add",
    .arguments = "--run ID URI...",
    .summary = "put files into a run by hand",
    .examples = "  quarry job add --run 7 root://drawings/a.pdf root://drawings/b.dxf\n"
                "  quarry job add --run 7 --type text root://drawings/README\n"
                "  quarry job add --run 7 --delay 10m root://drawings/new.pdf\n",
    .options = options,
    .args_size = sizeof(struct args),
    .rest_min = 1,
    .rest_max = 10000,
    .rest_name = "URI",
    .run = run_verb,
};

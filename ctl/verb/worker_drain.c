/* quarry worker drain, resume */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/emit.h"
#include "ctl/verb/verbs.h"

struct args {
    struct qr_ctl_common common;
    int64_t grace_ms;
    struct qr_option_list labels;
};

#define AT(field) offsetof(struct args, field)

/* clang-format off */
static const struct qr_option options[] = {
    {"grace", 0, QR_OPT_MSEC, AT(grace_ms), "60s", 0, 86400000, 0, "TIME", "what runs may take so long, then it is handed back", "docs/cli.md"},
    {"label", 0, QR_OPT_LIST, AT(labels),   NULL,  0, 0, QR_OPT_PAIRS, "KEY=VALUE", "all workers that have this label, and the others given", "docs/cli.md"},
    {0},
};

static const struct qr_option resume_options[] = {
    {"label", 0, QR_OPT_LIST, AT(labels),   NULL,  0, 0, QR_OPT_PAIRS, "KEY=VALUE", "all workers that have this label, and the others given", "docs/cli.md"},
    {0},
};
/* clang-format on */

static int check(const struct args *args, const struct qr_option_list *rest, const char *verb,
                 struct qr_err *err)
{
    if ((rest->n > 0) == (args->labels.n > 0))
        return qr_fail(err, QR_E_USAGE,
                       rest->n > 0
                           ? "a worker ID or --label, not both"
                           : "which worker? hint: quarry worker %s ID, or --label KEY=VALUE",
                       verb);
    return QR_OK;
}

/* "KEY=VALUE" in two; false: out of memory. The parser has seen that there is a '='. */
static bool cut(const char *pair, char **key, char **value)
{
    const char *mark = strchr(pair, '=');

    *key = mark ? strndup(pair, (size_t)(mark - pair)) : strdup(pair);
    *value = strdup(mark ? mark + 1 : "");
    return *key && *value;
}

static void print_names(char *const *names, size_t n)
{
    for (size_t i = 0; i < n; i++)
        printf("%s%s", i ? ", " : "", names[i]);
}

static int drain_verb(struct qr_ctl *ctl, const void *arguments, const struct qr_option_list *rest,
                      struct qr_err *err)
{
    const struct args *args = arguments;
    Quarry__V1__DrainWorkerRequest *request = malloc(sizeof *request);
    Quarry__V1__DrainWorkerReply *reply = NULL;
    int rc = request ? check(args, rest, "drain", err) : qr_fail(err, QR_E_NOMEM, "out of memory");

    if (request) {
        quarry__v1__drain_worker_request__init(request);
        request->grace_ms = (uint32_t)args->grace_ms;
        request->labels = calloc(args->labels.n + 1, sizeof *request->labels);
        if (rest->n > 0)
            request->worker_id = strdup(rest->items[0]);
    }
    for (size_t i = 0; rc == QR_OK && i < args->labels.n; i++) {
        Quarry__V1__DrainWorkerRequest__LabelsEntry *entry = malloc(sizeof *entry);
        if (!entry || !request->labels) {
            free(entry);
            rc = qr_fail(err, QR_E_NOMEM, "out of memory");
            break;
        }
        quarry__v1__drain_worker_request__labels_entry__init(entry);
        request->labels[request->n_labels++] = entry;
        if (!cut(args->labels.items[i], &entry->key, &entry->value))
            rc = qr_fail(err, QR_E_NOMEM, "out of memory");
    }
    if (rc == QR_OK)
        rc = qr_ctl_connect(ctl, err);
    if (rc == QR_OK)
        rc = QR_CALL(ctl->client, DrainWorker, drain_worker_reply, request, &reply, err);
    if (request)
        quarry__v1__drain_worker_request__free_unpacked(request, NULL);
    if (rc < 0)
        return rc;
    if (ctl->output != QR_CTL_TABLE) {
        rc = qr_emit_message(ctl, &reply->base, err);
    } else {
        print_names(reply->worker_ids, reply->n_worker_ids);
        printf(": no more work; jobs to finish or hand back: %u\n", reply->leases);
    }
    quarry__v1__drain_worker_reply__free_unpacked(reply, NULL);
    return rc;
}

static int resume_verb(struct qr_ctl *ctl, const void *arguments, const struct qr_option_list *rest,
                       struct qr_err *err)
{
    const struct args *args = arguments;
    Quarry__V1__ResumeWorkerRequest *request = malloc(sizeof *request);
    Quarry__V1__ResumeWorkerReply *reply = NULL;
    int rc = request ? check(args, rest, "resume", err) : qr_fail(err, QR_E_NOMEM, "out of memory");

    if (request) {
        quarry__v1__resume_worker_request__init(request);
        request->labels = calloc(args->labels.n + 1, sizeof *request->labels);
        if (rest->n > 0)
            request->worker_id = strdup(rest->items[0]);
    }
    for (size_t i = 0; rc == QR_OK && i < args->labels.n; i++) {
        Quarry__V1__ResumeWorkerRequest__LabelsEntry *entry = malloc(sizeof *entry);
        if (!entry || !request->labels) {
            free(entry);
            rc = qr_fail(err, QR_E_NOMEM, "out of memory");
            break;
        }
        quarry__v1__resume_worker_request__labels_entry__init(entry);
        request->labels[request->n_labels++] = entry;
        if (!cut(args->labels.items[i], &entry->key, &entry->value))
            rc = qr_fail(err, QR_E_NOMEM, "out of memory");
    }
    if (rc == QR_OK)
        rc = qr_ctl_connect(ctl, err);
    if (rc == QR_OK)
        rc = QR_CALL(ctl->client, ResumeWorker, resume_worker_reply, request, &reply, err);
    if (request)
        quarry__v1__resume_worker_request__free_unpacked(request, NULL);
    if (rc < 0)
        return rc;
    if (ctl->output != QR_CTL_TABLE) {
        rc = qr_emit_message(ctl, &reply->base, err);
    } else {
        print_names(reply->worker_ids, reply->n_worker_ids);
        printf(": work again\n");
    }
    quarry__v1__resume_worker_reply__free_unpacked(reply, NULL);
    return rc;
}

const struct qr_ctl_verb qr_ctl_worker_drain = {
    .name = "worker drain",
    .arguments = "ID | --label KEY=VALUE... [--grace TIME]",
    .summary = "no more work for a worker: it finishes what it has and leaves",
    .examples = "  quarry worker drain vm17\n"
                "  quarry worker drain vm17 --grace 5s\n"
                "  quarry worker drain --label rack=7      all workers of the rack\n",
    .options = options,
    .args_size = sizeof(struct args),
    .rest_max = 1,
    .rest_name = "worker ID",
    .run = drain_verb,
};

const struct qr_ctl_verb qr_ctl_worker_resume = {
    .name = "worker resume",
    .arguments = "ID | --label KEY=VALUE...",
    .summary = "undo a drain, as long as the worker has not left",
    .examples = "  quarry worker resume vm17\n"
                "  quarry worker resume --label rack=7\n"
                "One that has left comes back when it is started again; nothing is left of the "
                "drain then.\n",
    .options = resume_options,
    .args_size = sizeof(struct args),
    .rest_max = 1,
    .rest_name = "worker ID",
    .run = resume_verb,
};

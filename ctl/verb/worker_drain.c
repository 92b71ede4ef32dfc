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

/* The request, made of what the user gave; freed as an unpacked message. */
static Quarry__V1__DrainWorkerRequest *request_of(const struct args *args,
                                                  const struct qr_option_list *rest)
{
    Quarry__V1__DrainWorkerRequest *request = malloc(sizeof *request);

    if (!request)
        return NULL;
    quarry__v1__drain_worker_request__init(request);
    request->grace_ms = (uint32_t)args->grace_ms;
    request->labels = calloc(args->labels.n + 1, sizeof *request->labels);
    bool ok = request->labels != NULL;
    if (rest->n > 0)
        ok = (request->worker_id = strdup(rest->items[0])) != NULL && ok;
    for (size_t i = 0; ok && i < args->labels.n; i++) {
        Quarry__V1__DrainWorkerRequest__LabelsEntry *entry = malloc(sizeof *entry);
        ok = entry != NULL;
        if (!ok)
            break;
        quarry__v1__drain_worker_request__labels_entry__init(entry);
        request->labels[request->n_labels++] = entry;
        ok = cut(args->labels.items[i], &entry->key, &entry->value);
    }
    if (!ok) {
        quarry__v1__drain_worker_request__free_unpacked(request, NULL);
        return NULL;
    }
    return request;
}

static int ask(struct qr_ctl *ctl, const struct args *args, const struct qr_option_list *rest,
               const char *verb, const char *method, struct qr_err *err)
{
    Quarry__V1__DrainWorkerReply *reply = NULL;

    int rc = check(args, rest, verb, err);
    if (rc < 0)
        return rc;
    Quarry__V1__DrainWorkerRequest *request = request_of(args, rest);
    if (!request)
        return qr_fail(err, QR_E_NOMEM, "out of memory");
    rc = qr_ctl_connect(ctl, err);
    if (rc == QR_OK)
        rc = qr_client_call(ctl->client, method, &request->base,
                            &quarry__v1__drain_worker_reply__descriptor,
                            (ProtobufCMessage **)(void *)&reply, err);
    quarry__v1__drain_worker_request__free_unpacked(request, NULL);
    if (rc < 0)
        return rc;
    if (ctl->output != QR_CTL_TABLE) {
        rc = qr_emit_message(ctl, &reply->base, err);
    } else {
        print_names(reply->worker_ids, reply->n_worker_ids);
        if (strcmp(verb, "drain") == 0)
            printf(": no more work; jobs to finish or hand back: %u\n", reply->leases);
        else
            printf(": work again\n");
    }
    quarry__v1__drain_worker_reply__free_unpacked(reply, NULL);
    return rc;
}

static int drain_verb(struct qr_ctl *ctl, const void *args, const struct qr_option_list *rest,
                      struct qr_err *err)
{
    return ask(ctl, args, rest, "drain", "DrainWorker", err);
}

static int resume_verb(struct qr_ctl *ctl, const void *args, const struct qr_option_list *rest,
                       struct qr_err *err)
{
    return ask(ctl, args, rest, "resume", "ResumeWorker", err);
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

/* quarry worker list */
#include <stdio.h>

#include "ctl/emit.h"
#include "ctl/text.h"
#include "ctl/verb/verbs.h"

static const struct qr_column columns[] = {
    {"WORKER", 0},
    {"STATUS", QR_COLUMN_STATUS},
    {"SLOTS", QR_COLUMN_RIGHT},
    {"LEASES", QR_COLUMN_RIGHT},
    {"RUNNING", QR_COLUMN_RIGHT},
    {"COMPLETED", QR_COLUMN_RIGHT},
    {"FAILED", QR_COLUMN_RIGHT},
    {"LOAD", QR_COLUMN_RIGHT | QR_COLUMN_OPTIONAL},
    {"MEMORY", QR_COLUMN_RIGHT | QR_COLUMN_OPTIONAL},
    {"HEARD", 0},
    {"HOST", QR_COLUMN_SHRINK | QR_COLUMN_OPTIONAL},
    {"TYPES", QR_COLUMN_SHRINK | QR_COLUMN_OPTIONAL},
    {"ROOTS", QR_COLUMN_SHRINK | QR_COLUMN_OPTIONAL},
};

static void join(char *buf, size_t cap, char *const *items, size_t n)
{
    size_t used = 0;

    buf[0] = '\0';
    for (size_t i = 0; i < n && used + 1 < cap; i++) {
        int len = snprintf(buf + used, cap - used, "%s%s", i == 0 ? "" : ",", items[i]);
        used += len > 0 ? (size_t)len : 0;
    }
}

static void row(const struct qr_ctl *ctl, const void *message, struct qr_table *table)
{
    const Quarry__V1__Worker *worker = message;
    char text[1024];
    (void)ctl;

    qr_table_text(table, worker->id);
    qr_table_text(table, worker->status);
    qr_table_u64(table, worker->slots);
    qr_table_u64(table, worker->leases);
    qr_table_u64(table, worker->running);
    qr_table_u64(table, worker->completed);
    qr_table_u64(table, worker->failed);
    snprintf(text, sizeof text, "%.2f", worker->load);
    qr_table_text(table, text);
    qr_table_text(table, qr_text_size(worker->rss_bytes, text, sizeof text));
    int64_t ago_ms = worker->last_seen_ms_ago < 0 ? 0 : worker->last_seen_ms_ago;
    qr_table_text(table, qr_text_ago(ago_ms + 1, 1, text, sizeof text));
    qr_table_text(table, worker->host);
    join(text, sizeof text, worker->types, worker->n_types);
    qr_table_text(table, text);
    join(text, sizeof text, worker->roots, worker->n_roots);
    qr_table_text(table, text);
}

static int run_verb(struct qr_ctl *ctl, const void *args, const struct qr_option_list *rest,
                    struct qr_err *err)
{
    Quarry__V1__ListWorkersRequest request = QUARRY__V1__LIST_WORKERS_REQUEST__INIT;
    Quarry__V1__ListWorkersReply *reply = NULL;
    (void)args;
    (void)rest;

    int rc = qr_ctl_connect(ctl, err);
    if (rc == QR_OK)
        rc = QR_CALL(ctl->client, ListWorkers, list_workers_reply, &request, &reply, err);
    if (rc < 0)
        return rc;
    rc = qr_emit_list(ctl, columns, QR_COUNT(columns), row,
                      (ProtobufCMessage *const *)reply->workers, reply->n_workers, err);
    if (rc == QR_OK && reply->n_workers == 0 && ctl->output == QR_CTL_TABLE)
        qr_ctl_say("no workers; start one: quarry-worker --coordinator %s --id NAME",
                   qr_client_target(ctl->client));
    quarry__v1__list_workers_reply__free_unpacked(reply, NULL);
    return rc;
}

const struct qr_ctl_verb qr_ctl_worker_list = {
    .name = "worker list",
    .arguments = "",
    .summary = "workers: state, slots, what they hold and have done",
    .examples = "  quarry worker list\n"
                "  quarry worker list -o jsonl | jq -r 'select(.status != \"connected\") | .id'\n",
    .options = qr_ctl_no_options,
    .args_size = sizeof(struct qr_ctl_common),
    .run = run_verb,
};

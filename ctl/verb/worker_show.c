/* quarry worker show */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "ctl/emit.h"
#include "ctl/text.h"
#include "ctl/verb/verbs.h"

static const struct qr_column columns[] = {
    {"LEASE", QR_COLUMN_RIGHT},     {"JOB", QR_COLUMN_RIGHT}, {"RUN", QR_COLUMN_RIGHT}, {"TYPE", 0},
    {"STOPPING", QR_COLUMN_STATUS},
};

static void row(const struct qr_ctl *ctl, const void *message, struct qr_table *table)
{
    const Quarry__V1__WorkerLease *lease = message;
    (void)ctl;

    qr_table_u64(table, lease->lease_id);
    qr_table_i64(table, lease->job_id);
    qr_table_i64(table, lease->run_id);
    qr_table_text(table, lease->type);
    qr_table_text(table, lease->stop);
}

static void line(const char *name, const char *value)
{
    char shown[4096];

    if (!value[0])
        return;
    qr_text_fit(value, SIZE_MAX, false, "", shown, sizeof shown);
    printf("%-11s %s\n", name, shown);
}

static void list_line(const char *name, char *const *items, size_t n)
{
    char text[2048] = "";
    size_t used = 0;

    for (size_t i = 0; i < n && used + 1 < sizeof text; i++) {
        int len = snprintf(text + used, sizeof text - used, "%s%s", i ? ", " : "", items[i]);
        used += len > 0 ? (size_t)len : 0;
    }
    line(name, text);
}

static void print_worker(const Quarry__V1__Worker *worker)
{
    char text[200];
    char a[32];
    char b[32];

    printf("worker %s\n", worker->id);
    snprintf(text, sizeof text, "%s%s%s%s", worker->status, worker->end_reason[0] ? " (" : "",
             worker->end_reason, worker->end_reason[0] ? ")" : "");
    line("status", text);
    snprintf(text, sizeof text, "%s (%s)", qr_text_time(worker->since_ms, a, sizeof a),
             qr_text_ago(qr_clock_wall_ms(), worker->since_ms, b, sizeof b));
    line("since", text);
    line("coordinator", worker->coordinator);
    line("host", worker->host);
    line("address", worker->address);
    snprintf(text, sizeof text, "%s, %s", worker->version, worker->os);
    line("version", text);
    snprintf(text, sizeof text, "%" PRIu32 ", %" PRIu32 " jobs held", worker->slots,
             worker->leases);
    line("slots", text);
    if (worker->address[0]) { /* it is with the coordinator that was asked */
        snprintf(text, sizeof text,
                 "%" PRIu64 " completed, %" PRIu64 " failed, %" PRIu32 " running",
                 worker->completed, worker->failed, worker->running);
        line("jobs", text);
        snprintf(text, sizeof text, "load %.2f, memory %s, spool has room for %s", worker->load,
                 qr_text_size(worker->rss_bytes, a, sizeof a),
                 qr_text_size(worker->disk_free_bytes, b, sizeof b));
        line("machine", text);
    }
    list_line("types", worker->types, worker->n_types);
    list_line("roots", worker->roots, worker->n_roots);
    for (size_t i = 0; i < worker->n_labels; i++) {
        snprintf(text, sizeof text, "%.80s=%.100s", worker->labels[i]->key,
                 worker->labels[i]->value);
        line("label", text);
    }
}

static int run_verb(struct qr_ctl *ctl, const void *args, const struct qr_option_list *rest,
                    struct qr_err *err)
{
    Quarry__V1__GetWorkerRequest request = QUARRY__V1__GET_WORKER_REQUEST__INIT;
    Quarry__V1__WorkerReply *reply = NULL;
    (void)args;

    request.worker_id = rest->items[0];
    int rc = qr_ctl_connect(ctl, err);
    if (rc == QR_OK)
        rc = QR_CALL(ctl->client, GetWorker, worker_reply, &request, &reply, err);
    if (rc < 0)
        return rc;
    if (!reply->worker) {
        rc = qr_fail(err, QR_E_DATA, "the coordinator's answer has no worker");
    } else if (ctl->output != QR_CTL_TABLE) {
        rc = qr_emit_message(ctl, &reply->base, err);
    } else {
        print_worker(reply->worker);
        if (reply->n_leases > 0) {
            putchar('\n');
            rc = qr_emit_list(ctl, columns, QR_COUNT(columns), row,
                              (ProtobufCMessage *const *)reply->leases, reply->n_leases, err);
        }
    }
    quarry__v1__worker_reply__free_unpacked(reply, NULL);
    return rc;
}

const struct qr_ctl_verb qr_ctl_worker_show = {
    .name = "worker show",
    .arguments = "ID",
    .summary = "one worker, wherever it is attached: state, machine, labels, what it holds",
    .examples = "  quarry worker show vm17\n"
                "  quarry worker show vm17 -o json | jq '.leases[].job_id'\n",
    .options = qr_ctl_no_options,
    .args_size = sizeof(struct qr_ctl_common),
    .rest_min = 1,
    .rest_max = 1,
    .rest_name = "worker ID",
    .run = run_verb,
};

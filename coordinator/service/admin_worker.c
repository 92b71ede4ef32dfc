/* quarry.v1.Admin: workers. Their sessions here are in the engine's memory; where they are, and
 * what is asked of them, is in the database, so that any coordinator can be asked. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "coordinator/db/json.h"
#include "coordinator/db/lifecycle.h"
#include "coordinator/db/message.h"
#include "coordinator/engine/types.h"
#include "coordinator/service/admin_internal.h"

enum { GRACE_MS = 30000, LABELS_BYTES_MAX = 64 << 10 };

/* ------------------------------------------------------------------ from memory */

struct worker_list {
    Quarry__V1__ListWorkersReply *reply;
    size_t cap;
    bool failed;
};

static char *hex_of(const uint8_t *bytes, size_t len)
{
    char *text = malloc(2 * len + 1);
    for (size_t i = 0; text && i < len; i++)
        snprintf(text + 2 * i, 3, "%02x", bytes[i]);
    return text;
}

static char **copy_strings(size_t n, const char *(*get)(const void *ctx, size_t i), const void *ctx,
                           size_t *ret_n)
{
    char **list = calloc(n > 0 ? n : 1, sizeof *list);
    *ret_n = 0;
    while (list && *ret_n < n) {
        list[*ret_n] = strdup(get(ctx, *ret_n));
        if (!list[*ret_n])
            break;
        (*ret_n)++;
    }
    return list;
}

static const char *type_at(const void *ctx, size_t i)
{
    return qr_type_name(((const qr_type_id *)ctx)[i]);
}

static const char *root_at(const void *ctx, size_t i) { return ((const char *const *)ctx)[i]; }

static void add_worker(void *ctx, const struct qr_session_view *view, const char *peer)
{
    struct worker_list *list = ctx;
    Quarry__V1__ListWorkersReply *reply = list->reply;
    Quarry__V1__Worker *worker = NULL;

    if (reply->n_workers == list->cap) {
        size_t cap = list->cap ? list->cap * 2 : 32;
        Quarry__V1__Worker **workers = realloc(reply->workers, cap * sizeof *workers);
        if (!workers) {
            list->failed = true;
            return;
        }
        reply->workers = workers;
        list->cap = cap;
    }
    worker = malloc(sizeof *worker);
    if (!worker) {
        list->failed = true;
        return;
    }
    quarry__v1__worker__init(worker);
    reply->workers[reply->n_workers++] = worker;
    worker->id = strdup(view->worker_id);
    worker->session = hex_of(view->session, sizeof view->session);
    worker->host = strdup(view->host ? view->host : "");
    worker->os = strdup(view->os ? view->os : "");
    worker->version = strdup(view->version ? view->version : "");
    worker->status = strdup(view->status);
    worker->address = strdup(peer);
    worker->slots = view->slots;
    worker->leases = view->leases;
    worker->running = view->running;
    worker->last_seen_ms_ago = view->heard_ms_ago;
    worker->load = view->load;
    worker->rss_bytes = view->rss_bytes;
    worker->disk_free_bytes = view->disk_free_bytes;
    worker->completed = view->completed;
    worker->failed = view->failed;
    worker->types = copy_strings(view->n_types, type_at, view->types, &worker->n_types);
    worker->roots = copy_strings(view->n_roots, root_at, view->roots, &worker->n_roots);
    if (!worker->id || !worker->session || !worker->host || !worker->os || !worker->version ||
        !worker->status || !worker->address)
        list->failed = true;
}

int qr_admin_workers_here(struct qr_admin *admin, Quarry__V1__ListWorkersReply **ret,
                          struct qr_err *err)
{
    struct worker_list list = {.reply = malloc(sizeof *list.reply)};

    if (!list.reply)
        return qr_fail(err, QR_E_NOMEM, "no memory for a list of workers");
    quarry__v1__list_workers_reply__init(list.reply);
    qr_fleet_each_session(admin->config.fleet, add_worker, &list);
    if (list.failed) {
        quarry__v1__list_workers_reply__free_unpacked(list.reply, NULL);
        return qr_fail(err, QR_E_NOMEM, "no memory for a list of workers");
    }
    *ret = list.reply;
    return QR_OK;
}

int qr_admin_list_workers(struct qr_conn *conn, struct call *call, struct qr_err *err)
{
    Quarry__V1__ListWorkersReply *reply = NULL;
    (void)conn;

    int rc = qr_admin_workers_here(call->admin, &reply, err);
    REPLY(call, reply);
    return rc;
}

/* ------------------------------------------------------------------ one */

/* What only its own coordinator knows. */
static void add_figures(void *ctx, const struct qr_session_view *view, const char *peer)
{
    Quarry__V1__Worker *worker = ctx;
    char *session = hex_of(view->session, sizeof view->session);
    bool same = session && strcmp(worker->session, session) == 0;

    free(session);
    if (!same)
        return;
    worker->running = view->running;
    worker->last_seen_ms_ago = view->heard_ms_ago;
    worker->load = view->load;
    worker->rss_bytes = view->rss_bytes;
    worker->disk_free_bytes = view->disk_free_bytes;
    worker->completed = view->completed;
    worker->failed = view->failed;
    (void)(strcmp(worker->status, "gone") == 0 || qr_message_set(&worker->status, view->status));
    (void)qr_message_set(&worker->address, peer); /* no memory: without */
}

int qr_admin_get_worker(struct qr_conn *conn, struct call *call, struct qr_err *err)
{
    const Quarry__V1__GetWorkerRequest *request = (Quarry__V1__GetWorkerRequest *)call->request;
    Quarry__V1__WorkerReply *reply = NULL;
    int rc = qr_worker_get(conn, request->worker_id, &reply, err);

    REPLY(call, reply);
    if (rc == QR_OK)
        qr_fleet_each_session(call->admin->config.fleet, add_figures, reply->worker);
    return rc;
}

/* ------------------------------------------------------------------ drain and resume */

struct sum {
    const struct qr_drained *drained;
    uint32_t leases;
};

static void add_leases(void *ctx, const struct qr_session_view *view, const char *peer)
{
    struct sum *sum = ctx;
    (void)peer;

    for (size_t i = 0; i < sum->drained->n_sessions; i++)
        if (sum->drained->sessions[i] == view->session_pk)
            sum->leases += view->leases;
}

/* As a JSON object. Errors: QR_E_LIMIT. */
static int labels_json(const Quarry__V1__DrainWorkerRequest *request, struct qr_buf *out,
                       struct qr_err *err)
{
    bool first = true;

    qr_buf_append_str(out, "{");
    for (size_t i = 0; i < request->n_labels; i++) {
        qr_json_key(out, &first, request->labels[i]->key);
        qr_json_text(out, request->labels[i]->value);
    }
    qr_buf_append_str(out, "}");
    return out->failed ? qr_fail(err, QR_E_LIMIT, "the labels are too long") : QR_OK;
}

/* grace_ms negative: undo a drain. */
static int drain(struct qr_conn *conn, const Quarry__V1__DrainWorkerRequest *request,
                 int64_t grace_ms, struct qr_drained *ret, struct qr_err *err)
{
    const char *id = request->worker_id;
    struct qr_buf labels;

    qr_buf_init(&labels, LABELS_BYTES_MAX);
    int rc = labels_json(request, &labels, err);
    if (rc == QR_OK)
        rc = qr_worker_drain(conn, id, (const char *)labels.data, grace_ms, ret, err);
    qr_buf_done(&labels);
    if (rc == QR_OK && ret->n == 0) {
        qr_drained_done(ret);
        rc = qr_fail(err, QR_E_NOT_FOUND, "%s %s%.100s%s is %s; hint: quarry worker list",
                     id[0] ? "no worker" : "no worker with these labels", id[0] ? "'" : "", id,
                     id[0] ? "'" : "", grace_ms < 0 ? "drained" : "known");
    }
    return rc;
}

static int drain_or_resume(struct qr_conn *conn, struct call *call, int64_t grace_ms,
                           struct qr_err *err)
{
    struct qr_drained drained = {0};
    struct sum sum = {.drained = &drained};

    int rc = drain(conn, (Quarry__V1__DrainWorkerRequest *)call->request, grace_ms, &drained, err);
    if (rc < 0)
        return rc;
    Quarry__V1__DrainWorkerReply *reply = malloc(sizeof *reply);
    if (!reply) {
        qr_drained_done(&drained);
        return qr_fail(err, QR_E_NOMEM, "no memory for an answer");
    }
    quarry__v1__drain_worker_reply__init(reply);
    qr_fleet_each_session(call->admin->config.fleet, add_leases, &sum);
    reply->leases = sum.leases;
    reply->worker_ids = drained.workers; /* the names go with it */
    reply->n_worker_ids = drained.n;
    drained.workers = NULL;
    drained.n = 0;
    qr_drained_done(&drained);
    REPLY(call, reply);
    return QR_OK;
}

int qr_admin_drain_worker(struct qr_conn *conn, struct call *call, struct qr_err *err)
{
    uint32_t grace_ms = ((Quarry__V1__DrainWorkerRequest *)call->request)->grace_ms;

    return drain_or_resume(conn, call, grace_ms > 0 ? grace_ms : GRACE_MS, err);
}

int qr_admin_resume_worker(struct qr_conn *conn, struct call *call, struct qr_err *err)
{
    return drain_or_resume(conn, call, -1, err);
}

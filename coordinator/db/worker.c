/* Workers: looking at one, and the drain, which is a mark on their sessions, so that every
 * coordinator finds it, now and after a fail-over. A new process of the worker begins without. */
#include <stdlib.h>

#include "coordinator/db/impl.h"
#include "coordinator/db/lifecycle.h"
#include "coordinator/db/message.h"

enum { GRACE_MAX_MS = 24 * 3600 * 1000 };

void qr_drained_done(struct qr_drained *drained)
{
    for (size_t i = 0; i < drained->n; i++)
        free(drained->workers[i]);
    free(drained->workers);
    free(drained->sessions);
    memset(drained, 0, sizeof *drained);
}

static int read_rows(const PGresult *rows, struct qr_drained *ret, struct qr_err *err)
{
    struct qr_drained drained = {0};
    size_t n = (size_t)PQntuples(rows);

    drained.workers = calloc(n + 1, sizeof(char *));
    drained.sessions = calloc(n + 1, sizeof *drained.sessions);
    for (int i = 0; drained.workers && drained.sessions && i < (int)n; i++) {
        const char *worker = qr_get_text(rows, i, 0);
        drained.sessions[drained.n_sessions++] = (uint64_t)qr_get_i64(rows, i, 1);
        if (drained.n > 0 && strcmp(drained.workers[drained.n - 1], worker) == 0)
            continue;
        if (!(drained.workers[drained.n] = strdup(worker)))
            break;
        drained.n++;
    }
    if (drained.n_sessions < n || !drained.workers || !drained.sessions) {
        qr_drained_done(&drained);
        return qr_fail(err, QR_E_NOMEM, "drain: out of memory");
    }
    *ret = drained;
    return QR_OK;
}

int qr_worker_drain(struct qr_conn *conn, const char *worker_id, const char *labels_json,
                    int64_t grace_ms, struct qr_drained *ret, struct qr_err *err)
{
    struct qr_params params;
    QR_AUTO_RESULT rows = NULL;

    if (!worker_id[0] && strcmp(labels_json, "{}") == 0)
        return qr_fail(err, QR_E_INVALID, "no worker is named; hint: an id, or labels");
    if (grace_ms > GRACE_MAX_MS)
        return qr_fail(err, QR_E_INVALID, "a grace of at most a day");
    qr_params_init(&params);
    qr_param_text(&params, worker_id);
    qr_param_text(&params, labels_json);
    if (grace_ms < 0)
        qr_param_null(&params);
    else
        qr_param_i32(&params, (int32_t)grace_ms);
    int rc = qr_conn_run(conn, QR_SQL_control_drain, &params, &rows, err);
    return rc < 0 ? rc : read_rows(rows, ret, err);
}

/* ------------------------------------------------------------------ looking at one */

static bool split(const char *text, char ***ret, size_t *ret_n)
{
    size_t n = 1;

    for (const char *c = text; *c; c++)
        n += *c == ',';
    *ret = calloc(n, sizeof **ret);
    while (*ret && *text) {
        size_t len = strcspn(text, ",");
        if (!((*ret)[*ret_n] = strndup(text, len)))
            return false;
        ++*ret_n;
        text += text[len] ? len + 1 : len;
    }
    return *ret != NULL;
}

static bool fill_labels(Quarry__V1__Worker *worker, const char *json)
{
    struct qr_pairs pairs = {0};
    bool ok = qr_pairs_of_json(json, &pairs);

    worker->labels = calloc(pairs.n + 1, sizeof *worker->labels);
    for (size_t i = 0; ok && worker->labels && i < pairs.n; i++) {
        Quarry__V1__Worker__LabelsEntry *entry = malloc(sizeof *entry);
        if (!entry) {
            ok = false;
            break;
        }
        quarry__v1__worker__labels_entry__init(entry);
        worker->labels[worker->n_labels++] = entry;
        ok = qr_message_set(&entry->key, pairs.keys[i]) &&
             qr_message_set(&entry->value, pairs.values[i]);
    }
    qr_pairs_done(&pairs);
    return ok && worker->labels;
}

static const char *status_of(const PGresult *row)
{
    if (qr_get_bool(row, 0, 10))
        return "gone";
    if (qr_get_bool(row, 0, 13))
        return "silent"; /* its coordinator has stopped, nobody has adopted it yet */
    return qr_get_bool(row, 0, 14) ? "draining" : "connected";
}

static Quarry__V1__Worker *worker_of_row(const char *worker_id, const PGresult *row)
{
    Quarry__V1__Worker *worker = malloc(sizeof *worker);

    if (!worker)
        return NULL;
    quarry__v1__worker__init(worker);
    worker->slots = (uint32_t)qr_get_i32(row, 0, 8);
    worker->since_ms = qr_get_i64(row, 0, 9);
    if (qr_message_set(&worker->id, worker_id) &&
        qr_message_set(&worker->session, qr_get_text(row, 0, 1)) &&
        qr_message_set(&worker->host, qr_get_text(row, 0, 2)) &&
        qr_message_set(&worker->os, qr_get_text(row, 0, 3)) &&
        qr_message_set(&worker->version, qr_get_text(row, 0, 4)) &&
        fill_labels(worker, qr_get_text(row, 0, 5)) &&
        split(qr_get_text(row, 0, 6), &worker->types, &worker->n_types) &&
        split(qr_get_text(row, 0, 7), &worker->roots, &worker->n_roots) &&
        qr_message_set(&worker->status, status_of(row)) &&
        qr_message_set(&worker->end_reason, qr_get_text(row, 0, 11)) &&
        qr_message_set(&worker->coordinator, qr_get_text(row, 0, 12)))
        return worker;
    quarry__v1__worker__free_unpacked(worker, NULL);
    return NULL;
}

static bool fill_leases(Quarry__V1__WorkerReply *reply, const PGresult *rows)
{
    static const char *const stops[] = {"", "pause", "cancel"};

    reply->leases = calloc((size_t)PQntuples(rows) + 1, sizeof *reply->leases);
    for (int i = 0; reply->leases && i < PQntuples(rows); i++) {
        Quarry__V1__WorkerLease *lease = malloc(sizeof *lease);
        if (!lease)
            return false;
        quarry__v1__worker_lease__init(lease);
        reply->leases[reply->n_leases++] = lease;
        lease->lease_id = (uint64_t)qr_get_i64(rows, i, 1);
        lease->job_id = qr_get_i64(rows, i, 2);
        lease->run_id = qr_get_i64(rows, i, 3);
        if (!qr_message_set(&lease->type, qr_get_text(rows, i, 4)) ||
            !qr_message_set(&lease->stop, stops[qr_get_i32(rows, i, 5) % 3]))
            return false;
    }
    return reply->leases != NULL;
}

static int read_leases(struct qr_conn *conn, int64_t session_pk, PGresult **ret, struct qr_err *err)
{
    struct qr_array pks;
    struct qr_params params;

    qr_array_init(&pks, QR_OID_INT8);
    qr_array_i64(&pks, session_pk);
    qr_params_init(&params);
    qr_param_array(&params, &pks);
    int rc = qr_conn_run(conn, QR_SQL_session_leases, &params, ret, err);
    qr_array_done(&pks);
    return rc;
}

int qr_worker_get(struct qr_conn *conn, const char *worker_id, Quarry__V1__WorkerReply **ret,
                  struct qr_err *err)
{
    struct qr_params params;
    QR_AUTO_RESULT row = NULL;
    QR_AUTO_RESULT leases = NULL;

    qr_params_init(&params);
    qr_param_text(&params, worker_id);
    int rc = qr_conn_run(conn, QR_SQL_worker_get, &params, &row, err);
    if (rc == QR_OK && PQntuples(row) == 0)
        rc = qr_fail(err, QR_E_NOT_FOUND, "no worker '%.100s' is known; hint: quarry worker list",
                     worker_id);
    if (rc == QR_OK)
        rc = read_leases(conn, qr_get_i64(row, 0, 0), &leases, err);
    if (rc < 0)
        return rc;
    Quarry__V1__WorkerReply *reply = malloc(sizeof *reply);
    if (reply) {
        quarry__v1__worker_reply__init(reply);
        reply->worker = worker_of_row(worker_id, row);
        if (!reply->worker || !fill_leases(reply, leases)) {
            quarry__v1__worker_reply__free_unpacked(reply, NULL);
            reply = NULL;
        }
    }
    if (!reply)
        return qr_fail(err, QR_E_NOMEM, "worker: out of memory");
    reply->worker->leases = (uint32_t)reply->n_leases;
    *ret = reply;
    return QR_OK;
}

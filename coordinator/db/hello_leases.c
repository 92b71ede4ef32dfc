/* What a worker that says Hello keeps: leases that it still runs or has spooled stay or move to the
 * session, others are released; jobs that an earlier life of it had begun become suspects. */
#include <stdlib.h>

#include "common/log.h"
#include "coordinator/db/hello.h"
#include "coordinator/engine/types.h"

static bool names(const struct qr_lease_ref *list, size_t n, uint64_t lease_id)
{
    for (size_t i = 0; i < n; i++)
        if (list[i].lease_id == lease_id)
            return true;
    return false;
}

static int move_batches(struct qr_conn *conn, struct hello_txn *txn, const int64_t *firsts,
                        size_t n, struct qr_err *err)
{
    struct qr_array array;
    struct qr_params params;

    if (n == 0)
        return QR_OK;
    qr_array_init(&array, QR_OID_INT8);
    for (size_t i = 0; i < n; i++)
        qr_array_i64(&array, firsts[i]);
    qr_params_init(&params);
    qr_param_array(&params, &array);
    qr_param_i64(&params, (int64_t)txn->reply.session_pk);
    int rc = qr_conn_run(conn, QR_SQL_batches_move, &params, NULL, err);
    qr_array_done(&array);
    return rc;
}

/* Releases the collected leases of one session and starts anew. */
static int flush_release(struct qr_conn *conn, struct hello_txn *txn, int64_t session_pk,
                         struct qr_lease_ref *gone, size_t *n, struct qr_err *err)
{
    const struct qr_release release = {
        .session_pk = (uint64_t)session_pk,
        .leases = gone,
        .n = *n,
        .infra_loss = true,
        .event = "returned",
        .detail = session_pk == txn->own_pk ? "the worker came back without it"
                                            : "the worker was started anew",
    };
    int rc =
        qr_release_leases(conn, &release, &txn->changes, &txn->reply.returned, &txn->types, err);
    *n = 0;
    return rc;
}

/* Walks the live leases of this and the older sessions: kept, moved here, or released. */
static int sort_out(struct qr_conn *conn, struct hello_txn *txn, const PGresult *rows,
                    struct qr_lease_ref *gone, int64_t *moved, struct qr_err *err)
{
    const struct session_request *r = txn->r;
    size_t n_gone = 0;
    size_t n_moved = 0;
    int rc = QR_OK;

    for (int64_t pass = -1; pass < (int64_t)txn->n_older && rc == QR_OK; pass++) {
        int64_t session_pk = pass < 0 ? txn->own_pk : txn->older[pass];
        for (int i = 0; i < PQntuples(rows); i++) {
            uint64_t lease_id = (uint64_t)qr_get_i64(rows, i, 1);
            if (qr_get_i64(rows, i, 0) != session_pk)
                continue;
            bool spooled = names(r->spooled, r->n_spooled, lease_id);
            bool running = pass < 0 && names(r->leases, r->n_leases, lease_id);
            if (!spooled && !running) {
                gone[n_gone++] = (struct qr_lease_ref){lease_id, (uint64_t)qr_get_i64(rows, i, 2)};
                continue;
            }
            txn->kept[txn->reply.n_kept++] = (struct qr_kept_lease){
                .lease_id = lease_id,
                .job_id = (uint64_t)qr_get_i64(rows, i, 2),
                .run_id = (uint64_t)qr_get_i64(rows, i, 3),
                .type = qr_type_intern(qr_get_text(rows, i, 4)),
                .spooled = spooled && !running,
                .stop = (enum qr_stop_reason)qr_get_i32(rows, i, 5),
            };
            if (pass >= 0)
                moved[n_moved++] = (int64_t)(lease_id - (lease_id - 1) % QR_BATCH_MAX);
        }
        rc = flush_release(conn, txn, session_pk, gone, &n_gone, err);
    }
    return rc < 0 ? rc : move_batches(conn, txn, moved, qr_sort_unique(moved, n_moved), err);
}

int qr_hello_settle_leases(struct qr_conn *conn, struct hello_txn *txn, struct qr_err *err)
{
    QR_AUTO_RESULT rows = NULL;
    struct qr_array pks;
    struct qr_params params;

    txn->reply.n_kept = 0;
    txn->reply.returned = 0;
    if (txn->own_pk == 0 && txn->n_older == 0)
        return QR_OK; /* a new worker has nothing */
    qr_array_init(&pks, QR_OID_INT8);
    if (txn->own_pk != 0)
        qr_array_i64(&pks, txn->own_pk);
    for (size_t i = 0; i < txn->n_older; i++)
        qr_array_i64(&pks, txn->older[i]);
    qr_params_init(&params);
    qr_param_array(&params, &pks);
    int rc = qr_conn_run(conn, QR_SQL_session_leases, &params, &rows, err);
    qr_array_done(&pks);
    if (rc < 0)
        return rc;
    size_t n = (size_t)PQntuples(rows);
    struct qr_lease_ref *gone = calloc(n + 1, sizeof *gone);
    int64_t *moved = calloc(n + 1, sizeof *moved);
    free(txn->kept);
    txn->kept = calloc(n + 1, sizeof *txn->kept);
    txn->reply.n_kept = 0;
    txn->reply.returned = 0;
    if (gone && moved && txn->kept)
        rc = sort_out(conn, txn, rows, gone, moved, err);
    else
        rc = qr_fail(err, QR_E_NOMEM, "hello: out of memory");
    free(gone);
    free(moved);
    txn->reply.kept = txn->kept;
    return rc;
}

/* ------------------------------------------------------------------ suspects */

int qr_hello_mark_suspects(struct qr_conn *conn, struct hello_txn *txn, struct qr_err *err)
{
    const struct session_request *r = txn->r;
    struct qr_array leases, jobs;
    struct qr_params params;
    QR_AUTO_RESULT rows = NULL;

    txn->reply.suspects = txn->reply.convicted = 0;
    if (r->recover || r->n_starts == 0)
        return QR_OK;
    qr_array_init(&leases, QR_OID_INT8);
    qr_array_init(&jobs, QR_OID_INT8);
    for (size_t i = 0; i < r->n_starts; i++) {
        qr_array_i64(&leases, (int64_t)r->starts[i].lease_id);
        qr_array_i64(&jobs, (int64_t)r->starts[i].job_id);
    }
    qr_params_init(&params);
    qr_param_array(&params, &leases);
    qr_param_array(&params, &jobs);
    qr_param_text(&params, r->worker_id);
    qr_param_i64(&params, (int64_t)txn->reply.session_pk);
    int rc = qr_conn_run(conn, QR_SQL_suspects, &params, &rows, err);
    qr_array_done(&leases);
    qr_array_done(&jobs);
    for (int i = 0; rc == QR_OK && i < PQntuples(rows); i++) {
        bool convicted = qr_get_bool(rows, i, 4);
        struct qr_stage_change *change =
            convicted ? qr_stage_of(&txn->changes, qr_get_i64(rows, i, 1)) : NULL;
        if (convicted && !change)
            return qr_fail(err, QR_E_NOMEM, "hello: out of memory");
        if (convicted) {
            change->open--;
            change->failed++;
        }
        txn->reply.convicted += convicted;
        txn->reply.suspects += !convicted;
        qr_log(QR_LOG_WARN, convicted ? "job.convicted" : "job.suspect",
               "job=%lld run=%lld worker=%s marks=%d alone=%d", (long long)qr_get_i64(rows, i, 0),
               (long long)qr_get_i64(rows, i, 1), r->worker_id, qr_get_i32(rows, i, 2),
               qr_get_bool(rows, i, 3));
    }
    return rc;
}

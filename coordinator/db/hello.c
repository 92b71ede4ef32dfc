/* A Hello's transaction (rules 1, 4, 7): who it is, which older sessions it ends. What it keeps,
 * and which jobs it makes suspects: hello_leases.c. */
#include <stdlib.h>

#include "common/log.h"
#include "coordinator/db/hello.h"
#include "coordinator/engine/types.h"

/* ------------------------------------------------------------------ who is it */

/* A recovery: only a session that this coordinator still owns, whatever its attach. */
static bool judge_recovery(struct hello_txn *txn, const PGresult *rows)
{
    int64_t self = (int64_t)atomic_load(&txn->db->coordinator_id);

    txn->n_older = 0;
    txn->own_pk = 0;
    for (int i = 0; i < PQntuples(rows); i++)
        if (qr_get_bool(rows, i, 1) && !qr_get_bool(rows, i, 3) && qr_get_i64(rows, i, 4) == 0 &&
            qr_get_i64(rows, i, 5) == self)
            txn->own_pk = qr_get_i64(rows, i, 0);
    txn->fenced = txn->own_pk == 0;
    txn->reply.outcome = QR_HELLO_WELCOME;
    return !txn->fenced;
}

/* Reads the worker's sessions and decides; true: welcome. */
static bool judge(struct hello_txn *txn, const PGresult *rows)
{
    const struct session_request *r = txn->r;
    uint64_t newest = 0;
    int64_t newest_pk = 0;
    bool replaced = false;
    bool newer_stream = false;

    txn->n_older = 0;
    txn->own_pk = 0;
    for (int i = 0; i < PQntuples(rows); i++) {
        int64_t pk = qr_get_i64(rows, i, 0);
        uint64_t counter = (uint64_t)qr_get_i64(rows, i, 2);
        if (counter >= newest) {
            newest = counter;
            newest_pk = pk;
        }
        if (qr_get_bool(rows, i, 1)) {
            txn->own_pk = pk;
            replaced = qr_get_i64(rows, i, 4) != 0;
            newer_stream =
                r->stream_number > 0 && r->stream_number <= (uint64_t)qr_get_i64(rows, i, 6);
        } else if (qr_get_i64(rows, i, 4) == 0) {
            txn->older[txn->n_older++] = pk; /* not ended, or reaped: its spool may still speak */
        }
    }
    txn->reply.newest_counter = newest;
    if (replaced) {
        txn->reply.outcome = QR_HELLO_REPLACED;
        return false;
    }
    /* the same counter twice is two processes on copies of one spool: the later one is refused */
    if (newest_pk != 0 && newest_pk != txn->own_pk && r->start_counter <= newest) {
        txn->reply.outcome = QR_HELLO_LOWER_COUNTER;
        return false;
    }
    txn->reply.outcome = newer_stream ? QR_HELLO_OLDER_STREAM : QR_HELLO_WELCOME;
    return !newer_stream;
}

static int read_sessions(struct qr_conn *conn, struct hello_txn *txn, PGresult **ret,
                         struct qr_err *err)
{
    struct qr_params params;

    qr_params_init(&params);
    qr_param_text(&params, txn->r->worker_id);
    qr_param_bytes(&params, txn->r->session, QR_SESSION_BYTES);
    return qr_conn_run(conn, QR_SQL_hello_sessions, &params, ret, err);
}

/* Insert the session's row, or attach to it anew. */
static int attach(struct qr_conn *conn, struct hello_txn *txn, struct qr_err *err)
{
    const struct session_request *r = txn->r;
    struct qr_array types, roots;
    struct qr_params params;
    QR_AUTO_RESULT result = NULL;
    int64_t self = (int64_t)atomic_load(&txn->db->coordinator_id);

    qr_array_init(&types, QR_OID_TEXT);
    qr_array_init(&roots, QR_OID_TEXT);
    for (size_t i = 0; i < r->n_types; i++)
        qr_array_text(&types, qr_type_name(r->types[i]));
    for (size_t i = 0; i < r->n_roots; i++)
        qr_array_text(&roots, r->roots[i]);
    qr_params_init(&params);
    if (txn->own_pk == 0) {
        qr_param_text(&params, r->worker_id);
        qr_param_bytes(&params, r->session, QR_SESSION_BYTES);
        qr_param_i64(&params, (int64_t)r->start_counter);
        qr_param_i64(&params, self);
        qr_param_text(&params, r->host);
        qr_param_text(&params, r->os);
        qr_param_text(&params, r->arch);
        qr_param_text(&params, r->version);
    } else {
        qr_param_i64(&params, txn->own_pk);
        qr_param_i64(&params, self);
    }
    qr_param_text(&params, r->labels_json);
    qr_param_array(&params, &types);
    qr_param_array(&params, &roots);
    qr_param_i32(&params, (int32_t)r->slots);
    qr_param_i64(&params, (int64_t)r->stream_number);
    int rc = qr_conn_run(conn, txn->own_pk ? QR_SQL_hello_attach : QR_SQL_hello_insert, &params,
                         &result, err);
    qr_array_done(&types);
    qr_array_done(&roots);
    if (rc < 0)
        return rc;
    if (PQntuples(result) == 0)
        return qr_fail(err, QR_E_STALE, "the session was replaced meanwhile");
    txn->reply.session_pk = (uint64_t)qr_get_i64(result, 0, 0);
    txn->reply.attach = (uint64_t)qr_get_i64(result, 0, 1);
    return QR_OK;
}

static int end_older(struct qr_conn *conn, struct hello_txn *txn, struct qr_err *err)
{
    struct qr_array pks;
    struct qr_params params;

    if (txn->n_older == 0)
        return QR_OK;
    txn->reply.ended_session_pk = (uint64_t)txn->older[txn->n_older - 1];
    qr_array_init(&pks, QR_OID_INT8);
    for (size_t i = 0; i < txn->n_older; i++)
        qr_array_i64(&pks, txn->older[i]);
    qr_params_init(&params);
    qr_param_array(&params, &pks);
    qr_param_i64(&params, (int64_t)txn->reply.session_pk);
    int rc = qr_conn_run(conn, QR_SQL_hello_end, &params, NULL, err);
    qr_array_done(&pks);
    return rc;
}

static int hello_body(struct qr_conn *conn, void *arg, struct qr_err *err)
{
    struct hello_txn *txn = arg;
    QR_AUTO_RESULT rows = NULL;
    QR_AUTO_RESULT again = NULL;
    int64_t worker_key = qr_lock_key_worker(txn->r->worker_id);

    txn->changes.n = 0;
    txn->types = 0;
    int rc = qr_lock_exclusive(conn, &worker_key, 1, err);
    if (rc == QR_OK)
        rc = read_sessions(conn, txn, &rows, err);
    if (rc < 0)
        return rc;
    free(txn->older);
    txn->older = calloc((size_t)PQntuples(rows) + 2, sizeof *txn->older);
    if (!txn->older)
        return qr_fail(err, QR_E_NOMEM, "hello: out of memory");
    if (!(txn->r->recover ? judge_recovery(txn, rows) : judge(txn, rows)))
        return QR_OK;
    int64_t *keys = calloc(txn->n_older + 1, sizeof *keys);
    if (!keys)
        return qr_fail(err, QR_E_NOMEM, "hello: out of memory");
    size_t n_keys = 0;
    for (size_t i = 0; i < txn->n_older; i++)
        keys[n_keys++] = qr_lock_key_session((uint64_t)txn->older[i]);
    if (txn->own_pk != 0)
        keys[n_keys++] = qr_lock_key_session((uint64_t)txn->own_pk);
    rc = n_keys > 0 ? qr_lock_exclusive(conn, keys, n_keys, err) : QR_OK;
    free(keys);
    if (rc == QR_OK && n_keys > 0) /* an adoption may have been under way */
        rc = read_sessions(conn, txn, &again, err);
    if (rc < 0 || (again && !(txn->r->recover ? judge_recovery(txn, again) : judge(txn, again))))
        return rc;
    rc = attach(conn, txn, err);
    if (rc == QR_OK)
        rc = end_older(conn, txn, err);
    if (rc == QR_OK)
        rc = qr_hello_settle_leases(conn, txn, err);
    if (rc == QR_OK)
        rc = qr_hello_mark_suspects(conn, txn, err);
    return rc < 0 ? rc : qr_stage_apply(conn, &txn->changes, err);
}

static void answer(struct hello_txn *txn, enum qr_db_status status)
{
    struct qr_db *db = txn->db;

    txn->reply.token = txn->r->token;
    txn->reply.status = status == QR_DB_DONE && txn->fenced ? QR_DB_FENCED : status;
    if (status != QR_DB_FAILED) /* first: who hears the reply may claim what came back */
        qr_announce_types(db, txn->types);
    db->events.hello(db->events.ctx, &txn->reply);
}

static void done(struct hello_txn *txn)
{
    free(txn->kept);
    free(txn->older);
    qr_stage_done(&txn->changes);
}

void qr_session_run_hello(struct qr_db *db, struct qr_lane *lane, struct qr_conn *conn,
                          struct session_request *r)
{
    struct hello_txn txn = {.db = db, .r = r};
    struct qr_err err = {0};
    enum qr_db_status status;

    if (qr_transaction(conn, false, hello_body, &txn, &status, &err) < 0) {
        atomic_fetch_add(&lane->failures, 1);
        if (conn)
            qr_log_err(QR_LOG_WARN, "db.hello", &err, "worker=%s", r->worker_id);
    }
    answer(&txn, status);
    done(&txn);
}

/* ------------------------------------------------------------------ many at once */

struct many {
    struct hello_txn *txns;
    size_t n;
};

static int many_body(struct qr_conn *conn, void *arg, struct qr_err *err)
{
    struct many *many = arg;
    int rc = QR_OK;

    for (size_t i = 0; rc == QR_OK && i < many->n; i++)
        rc = hello_body(conn, &many->txns[i], err);
    return rc;
}

static int by_worker(const void *a, const void *b)
{
    const struct session_request *const *x = a, *const *y = b;
    return strcmp((*x)->worker_id, (*y)->worker_id);
}

bool qr_session_hello_is_plain(const struct session_request *r)
{
    return r->kind == SESSION_HELLO && !r->recover && r->n_leases + r->n_spooled + r->n_starts == 0;
}

/* A restarted coordinator hears from its whole fleet at once: one COMMIT for many. Locks in the
 * order of the workers' names; whatever goes wrong, each is tried alone. */
void qr_session_run_hellos(struct qr_db *db, struct qr_lane *lane, struct qr_conn *conn,
                           struct session_request **list, size_t n)
{
    struct many many = {.txns = n > 1 ? calloc(n, sizeof *many.txns) : NULL, .n = n};
    enum qr_db_status status = QR_DB_FAILED;
    struct qr_err err = {0};

    if (many.txns) {
        qsort(list, n, sizeof(struct session_request *), by_worker);
        for (size_t i = 0; i < n; i++)
            many.txns[i] = (struct hello_txn){.db = db, .r = list[i]};
        if (qr_transaction(conn, false, many_body, &many, &status, &err) < 0)
            atomic_fetch_add(&lane->failures, 1);
    }
    for (size_t i = 0; i < n; i++) {
        if (status != QR_DB_FAILED)
            answer(&many.txns[i], status);
        if (many.txns)
            done(&many.txns[i]);
        if (status == QR_DB_FAILED)
            qr_session_run_hello(db, lane, conn && qr_conn_is_broken(conn) ? NULL : conn, list[i]);
    }
    free(many.txns);
}

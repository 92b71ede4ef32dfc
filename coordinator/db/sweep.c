/* Closes the jobs of cancelled runs (rule 10), in bounded batches, each a transaction: out of the
 * queues, cancelled, one row of the audit trail for up to 512, counters last. What workers hold is
 * not touched: their leases are stopped, come back to pending, and are found by the next look. The
 * batch that brings the counter to zero ends the run, like any other (stage_change.sql).
 *
 * By level: a run is swept while its gate is cancelled and it is not over, by whichever coordinator
 * has its lock just then; one that dies is followed by another, from the start. */
#include <stdlib.h>

#include "common/clock.h"
#include "coordinator/db/impl.h"
#include "coordinator/db/run.h"

enum { BATCH = 2000, WALK = 10000, TICK_MS = 200 };

static const uint64_t sweep_tag = 0x5155430000000000u; /* beside those in tools.c */

struct sweep_txn {
    struct qr_db *db;
    int64_t run_id, paused;
    bool others; /* another coordinator sweeps it */
    bool more;   /* there was something to do */
    struct qr_array ids;
    struct qr_sweep at; /* after this batch */
    struct qr_stage_changes changes;
};

/* ------------------------------------------------------------------ what is next */

static int pick_ready(struct qr_conn *conn, struct sweep_txn *txn, struct qr_err *err)
{
    struct qr_params params;
    QR_AUTO_RESULT rows = NULL;

    qr_params_init(&params);
    qr_param_i64(&params, txn->run_id);
    qr_param_i32(&params, BATCH);
    qr_param_i32(&params, txn->at.queue_id);
    qr_param_i32(&params, txn->at.rank);
    qr_param_i64(&params, txn->at.job_id);
    int rc = qr_conn_run(conn, QR_SQL_sweep_ready, &params, &rows, err);
    int n = rc == QR_OK ? PQntuples(rows) : 0;
    for (int i = 0; i < n; i++)
        qr_array_i64(&txn->ids, qr_get_i64(rows, i, 2));
    txn->at.queue_id = n > 0 ? qr_get_i32(rows, n - 1, 0) : 0;
    txn->at.rank = n > 0 ? qr_get_i32(rows, n - 1, 1) : 0;
    txn->at.job_id = n > 0 ? qr_get_i64(rows, n - 1, 2) : 0;
    return rc;
}

static int pick_delayed(struct qr_conn *conn, struct sweep_txn *txn, struct qr_err *err)
{
    struct qr_params params;
    QR_AUTO_RESULT rows = NULL;

    qr_params_init(&params);
    qr_param_i64(&params, txn->run_id);
    qr_param_i32(&params, BATCH);
    int rc = qr_conn_run(conn, QR_SQL_sweep_delayed, &params, &rows, err);
    for (int i = 0; rc == QR_OK && i < PQntuples(rows); i++)
        qr_array_i64(&txn->ids, qr_get_i64(rows, i, 0));
    return rc;
}

/* A walk over the run's jobs, since no index may name their state. */
static int pick_paused(struct qr_conn *conn, struct sweep_txn *txn, struct qr_err *err)
{
    struct qr_params params;
    QR_AUTO_RESULT rows = NULL;

    qr_params_init(&params);
    qr_param_i64(&params, txn->run_id);
    qr_param_i64(&params, txn->at.after_file);
    qr_param_i32(&params, WALK);
    int rc = qr_conn_run(conn, QR_SQL_sweep_paused, &params, &rows, err);
    for (int i = 0; rc == QR_OK && i < PQntuples(rows); i++) {
        if (qr_get_i64(rows, i, 0) != 0) {
            qr_array_i64(&txn->ids, qr_get_i64(rows, i, 0));
        } else {
            txn->more = !qr_get_null(rows, i, 1);
            txn->at.after_file = qr_get_i64(rows, i, 1); /* behind the last: 0, from the start */
        }
    }
    return rc;
}

/* ------------------------------------------------------------------ one batch */

static int with_ids(struct qr_conn *conn, struct sweep_txn *txn, enum qr_sql sql, PGresult **ret,
                    struct qr_err *err)
{
    struct qr_params params;

    qr_params_init(&params);
    qr_param_array(&params, &txn->ids);
    return qr_conn_run(conn, sql, &params, ret, err);
}

/* Locked, out of the queues; to `ids`: those that nobody holds. */
static int take_out(struct qr_conn *conn, struct sweep_txn *txn, struct qr_err *err)
{
    QR_AUTO_RESULT locked = NULL;
    QR_AUTO_RESULT undelayed = NULL;
    QR_AUTO_RESULT unready = NULL;

    int rc = with_ids(conn, txn, QR_SQL_control_lock, &locked, err);
    if (rc == QR_OK)
        rc = with_ids(conn, txn, QR_SQL_control_undelay, &undelayed, err);
    if (rc == QR_OK)
        rc = with_ids(conn, txn, QR_SQL_control_unready, &unready, err);
    if (rc < 0)
        return rc;
    qr_array_clear(&txn->ids);
    for (int i = 0; i < PQntuples(locked); i++)
        if (strcmp(qr_get_text(locked, i, 2), "paused") == 0)
            qr_array_i64(&txn->ids, qr_get_i64(locked, i, 0));
    for (int i = 0; i < PQntuples(undelayed); i++)
        qr_array_i64(&txn->ids, qr_get_i64(undelayed, i, 0));
    for (int i = 0; i < PQntuples(unready); i++)
        qr_array_i64(&txn->ids, qr_get_i64(unready, i, 0));
    return QR_OK;
}

static int take_lock(struct qr_conn *conn, struct sweep_txn *txn, struct qr_err *err)
{
    struct qr_params params;
    QR_AUTO_RESULT row = NULL;

    qr_params_init(&params);
    qr_param_i64(&params, (int64_t)(sweep_tag | ((uint64_t)txn->run_id & 0xFFFFFFFFFFu)));
    int rc = qr_conn_run(conn, QR_SQL_sweep_try, &params, &row, err);
    txn->others = rc == QR_OK && !qr_get_bool(row, 0, 0);
    return rc;
}

static int sweep_body(struct qr_conn *conn, void *arg, struct qr_err *err)
{
    struct sweep_txn *txn = arg;
    QR_AUTO_RESULT ended = NULL;

    txn->changes.n = 0;
    txn->more = false;
    txn->at = txn->db->sweep;
    qr_array_clear(&txn->ids);
    int rc = take_lock(conn, txn, err);
    if (rc < 0 || txn->others)
        return rc;
    rc = pick_ready(conn, txn, err);
    if (rc == QR_OK && txn->ids.n == 0)
        rc = pick_delayed(conn, txn, err);
    if (rc == QR_OK && txn->ids.n == 0 && txn->paused > 0)
        rc = pick_paused(conn, txn, err);
    if (rc < 0 || txn->ids.n == 0)
        return rc;
    txn->more = true;
    rc = take_out(conn, txn, err);
    if (rc == QR_OK && txn->ids.n > 0)
        rc = with_ids(conn, txn, QR_SQL_sweep_end, &ended, err);
    if (rc == QR_OK)
        rc = qr_control_count_ended(ended, true, &txn->changes, err);
    return rc < 0 ? rc : qr_stage_apply(conn, &txn->changes, err);
}

/* ------------------------------------------------------------------ a run, for a while */

/* The next run to sweep, in turn; 0: none. */
static int next_run(struct qr_conn *conn, struct qr_db *db, struct sweep_txn *txn, bool *ret_adding,
                    struct qr_err *err)
{
    int64_t after = db->sweep.run_id > 0 ? db->sweep.run_id - 1 : 0;

    txn->run_id = 0;
    for (int round = 0; round < 2; round++) {
        struct qr_params params;
        QR_AUTO_RESULT row = NULL;
        qr_params_init(&params);
        qr_param_i64(&params, after);
        int rc = qr_conn_run(conn, QR_SQL_sweep_runs, &params, &row, err);
        if (rc < 0)
            return rc;
        if (PQntuples(row) == 1) {
            txn->run_id = qr_get_i64(row, 0, 0);
            *ret_adding = qr_get_bool(row, 0, 1);
            txn->paused = qr_get_i64(row, 0, 2);
            break;
        }
        if (after == 0)
            break;
        after = 0;
    }
    if (txn->run_id != db->sweep.run_id)
        db->sweep = (struct qr_sweep){.run_id = txn->run_id};
    return QR_OK;
}

int qr_sweep_tick(struct qr_db *db, struct qr_conn *conn, struct qr_err *err)
{
    struct sweep_txn txn = {.db = db};
    int64_t until = qr_clock_ms() + TICK_MS;
    enum qr_db_status status;
    bool adding = false;

    int rc = next_run(conn, db, &txn, &adding, err);
    if (rc < 0 || txn.run_id == 0)
        return rc;
    if (adding) /* nothing comes in behind the gate: no token is held for it */
        rc = qr_run_finish_listing(conn, txn.run_id, err);
    qr_array_init(&txn.ids, QR_OID_INT8);
    while (rc == QR_OK) {
        rc = qr_transaction(conn, false, sweep_body, &txn, &status, err);
        if (rc < 0 || txn.others)
            break;
        db->sweep = txn.at;
        if (!txn.more || qr_clock_ms() >= until)
            break;
    }
    if (rc == QR_OK && !txn.more) /* the others have their turn; this one again after them */
        db->sweep = (struct qr_sweep){.run_id = db->sweep.run_id + 1};
    qr_array_done(&txn.ids);
    qr_stage_done(&txn.changes);
    return rc;
}

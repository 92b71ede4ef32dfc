/* Runs: the gate. What it closes is carried out elsewhere: claims pass the run by
 * (claim_heads.sql), engines stop its leases (stops.c), the sweep closes its jobs (sweep.c). */
#include <stdlib.h>

#include "coordinator/db/impl.h"
#include "coordinator/db/json.h"
#include "coordinator/db/lifecycle.h"
#include "coordinator/db/run.h"

enum { REASON_MAX = 500, BY_MAX = 100 };

static const char *const gates[] = {
    [QR_CONTROL_PAUSE] = "paused",
    [QR_CONTROL_RESUME] = "open",
    [QR_CONTROL_CANCEL] = "cancelled",
};

int qr_run_count_leased(struct qr_conn *conn, int64_t run_id, uint64_t *ret, struct qr_err *err)
{
    struct qr_params params;
    QR_AUTO_RESULT row = NULL;

    qr_params_init(&params);
    qr_param_i64(&params, run_id);
    int rc = qr_conn_run(conn, QR_SQL_run_leased, &params, &row, err);
    if (rc == QR_OK)
        *ret = (uint64_t)qr_get_i64(row, 0, 0);
    return rc;
}

int qr_control_check(const char *reason, const char *by, struct qr_err *err)
{
    if (strlen(reason) > REASON_MAX || !qr_utf8_is_valid(reason))
        return qr_fail(err, QR_E_INVALID, "a reason is UTF-8 of at most %d bytes", REASON_MAX);
    if (strlen(by) > BY_MAX || !qr_utf8_is_valid(by))
        return qr_fail(err, QR_E_INVALID, "who asks is UTF-8 of at most %d bytes", BY_MAX);
    return QR_OK;
}

struct gate_txn {
    int64_t run_id;
    const char *gate, *reason, *by;
    bool moved;
};

static int gate_body(struct qr_conn *conn, void *arg, struct qr_err *err)
{
    struct gate_txn *txn = arg;
    int64_t key = qr_lock_key_gate(txn->run_id);
    struct qr_params params;
    QR_AUTO_RESULT row = NULL;

    int held = qr_lock_exclusive(conn, &key, 1, err);
    if (held < 0)
        return held;
    qr_params_init(&params);
    qr_param_i64(&params, txn->run_id);
    if (strcmp(txn->gate, "open") == 0) { /* counters come before the run (lock order) */
        int judged = qr_conn_run(conn, QR_SQL_run_judge, &params, NULL, err);
        if (judged < 0)
            return judged;
    }
    qr_param_text(&params, txn->gate);
    qr_param_text(&params, txn->reason);
    qr_param_text(&params, txn->by);
    int rc = qr_conn_run(conn, QR_SQL_run_gate, &params, &row, err);
    txn->moved = rc == QR_OK && PQntuples(row) > 0;
    return rc;
}

/* Nothing moved: is that as it was asked, or does it not go? */
static int judge(enum qr_control verb, const Quarry__V1__Run *run, struct qr_err *err)
{
    bool over = strcmp(run->status, "active") != 0 && strcmp(run->status, "paused") != 0;
    bool cancelled = strcmp(run->gate, "cancelled") == 0;

    if (verb == QR_CONTROL_CANCEL && cancelled)
        return QR_OK;
    if (over)
        return qr_fail(err, QR_E_STALE,
                       "run %lld is %s; hint: a run that is over can be created again",
                       (long long)run->id, run->status);
    if (cancelled)
        return qr_fail(err, QR_E_STALE, "run %lld is being cancelled", (long long)run->id);
    return QR_OK;
}

int qr_run_control(struct qr_conn *conn, enum qr_control verb,
                   const Quarry__V1__ControlRunRequest *request, Quarry__V1__RunReply **ret,
                   struct qr_err *err)
{
    struct gate_txn txn = {
        .run_id = request->run_id,
        .gate = gates[verb],
        .reason = request->reason[0] ? request->reason : NULL,
        .by = request->by[0] ? request->by : NULL,
    };
    enum qr_db_status status;
    Quarry__V1__RunReply *reply = NULL;

    int rc = qr_control_check(request->reason, request->by, err);
    if (rc < 0)
        return rc;
    rc = qr_transaction(conn, false, gate_body, &txn, &status, err);
    if (rc == QR_OK)
        rc = qr_run_get(conn, request->run_id, false, &reply, err);
    if (rc == QR_OK && !txn.moved)
        rc = judge(verb, reply->run, err);
    if (rc < 0) {
        if (reply)
            quarry__v1__run_reply__free_unpacked(reply, NULL);
        return rc;
    }
    if (txn.moved && verb == QR_CONTROL_RESUME)
        qr_db_announce(qr_conn_db(conn), 0);
    *ret = reply;
    return QR_OK;
}

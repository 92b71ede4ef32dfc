/* A run's place among the others, and when it pauses itself: at its creation and later. */
#include <math.h>
#include <stdio.h>

#include "common/clock.h"
#include "coordinator/db/conn.h"
#include "coordinator/db/impl.h"
#include "coordinator/db/run.h"

int qr_run_check_order(double weight, double halt_at, struct qr_err *err)
{
    if (weight != 0 && !(weight >= QR_RUN_WEIGHT_MIN && weight <= QR_RUN_WEIGHT_MAX))
        return qr_fail(err, QR_E_INVALID, "weight %g outside %g .. %g; hint: 2 is twice the share",
                       weight, QR_RUN_WEIGHT_MIN, QR_RUN_WEIGHT_MAX);
    if (isnan(halt_at) || halt_at >= 1)
        return qr_fail(err, QR_E_INVALID,
                       "halt-at %g is no share below 1; hint: 0.2 is one in five, off is never",
                       halt_at);
    return QR_OK;
}

int qr_run_check_start(const Quarry__V1__CreateRunRequest *request, struct qr_err *err)
{
    const int64_t year_ms = INT64_C(366) * 24 * 3600 * 1000;

    if (request->delay_ms < 0 || request->delay_ms > year_ms)
        return qr_fail(err, QR_E_INVALID, "a delay is 0 .. 366 days");
    if (request->start_at_ms < 0 || request->start_at_ms > qr_clock_wall_ms() + year_ms)
        return qr_fail(err, QR_E_INVALID, "a run starts within 366 days");
    return QR_OK;
}

struct set_txn {
    const Quarry__V1__SetRunRequest *request;
    const char *detail;
    bool found;
};

static void f64_or_null(struct qr_params *params, double value)
{
    if (value != 0)
        qr_param_f64(params, value);
    else
        qr_param_null(params);
}

static int set_body(struct qr_conn *conn, void *arg, struct qr_err *err)
{
    struct set_txn *txn = arg;
    const Quarry__V1__SetRunRequest *q = txn->request;
    struct qr_params params;
    QR_AUTO_RESULT row = NULL;

    qr_params_init(&params);
    qr_param_i64(&params, q->run_id);
    f64_or_null(&params, q->weight);
    if (q->set_priority)
        qr_param_i32(&params, q->priority);
    else
        qr_param_null(&params);
    f64_or_null(&params, q->halt_at);
    qr_param_text(&params, txn->detail);
    int rc = qr_conn_run(conn, QR_SQL_run_set, &params, &row, err);
    txn->found = rc == QR_OK && PQntuples(row) == 1;
    return rc;
}

int qr_run_set(struct qr_conn *conn, const Quarry__V1__SetRunRequest *request,
               Quarry__V1__RunReply **ret, struct qr_err *err)
{
    struct set_txn txn = {.request = request};
    enum qr_db_status status;
    char detail[120];
    char *at = detail;
    char *end = detail + sizeof detail;

    if (request->weight == 0 && request->halt_at == 0 && !request->set_priority)
        return qr_fail(err, QR_E_INVALID,
                       "nothing to set; hint: --weight, --priority or --halt-at");
    int rc = qr_run_check_order(request->weight, request->halt_at, err);
    if (rc == QR_OK && request->set_priority &&
        (request->priority < -100 || request->priority > 100))
        rc = qr_fail(err, QR_E_INVALID, "priority %d outside -100 .. 100", (int)request->priority);
    if (rc < 0)
        return rc;
    detail[0] = '\0';
    if (request->set_priority)
        at += snprintf(at, (size_t)(end - at), "priority=%d ", (int)request->priority);
    if (request->weight != 0)
        at += snprintf(at, (size_t)(end - at), "weight=%g ", request->weight);
    if (request->halt_at < 0)
        at += snprintf(at, (size_t)(end - at), "halt-at=off ");
    else if (request->halt_at > 0)
        at += snprintf(at, (size_t)(end - at), "halt-at=%g ", request->halt_at);
    at[-1] = '\0';
    txn.detail = detail;
    rc = qr_transaction(conn, false, set_body, &txn, &status, err);
    if (rc == QR_OK)
        rc = qr_run_get(conn, request->run_id, false, ret, err); /* NOT_FOUND, where that is it */
    if (rc == QR_OK && !txn.found) {
        rc = qr_fail(err, QR_E_STALE, "run %lld is over: %s", (long long)request->run_id,
                     (*ret)->run->status);
        quarry__v1__run_reply__free_unpacked(*ret, NULL);
        *ret = NULL;
    }
    return rc;
}

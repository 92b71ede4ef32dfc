/* A few jobs at a time, as somebody who enqueues one file after the other brings them: all of it is
 * one round trip. */
#include <string.h>

#include "coordinator/db/enqueue_intern.h"
#include "coordinator/db/impl.h"

bool qr_enqueue_are_few(const struct qr_enqueue_txn *txn)
{
    if (txn->n == 0 || txn->n > QR_ENQUEUE_FEW || !txn->plain || txn->n_queues != 1 ||
        txn->queues[0].cad)
        return false;
    for (size_t i = 0; i < txn->n_jobs; i++)
        if (txn->jobs[i].job->delay_ms > 0 || txn->jobs[i].job->run_at_ms > 0)
            return false;
    return true;
}

static void fill_few(const struct qr_enqueue_txn *txn, struct qr_array *c)
{
    for (size_t i = 0; i < txn->n_jobs; i++) {
        const struct qr_enqueue_job *j = &txn->jobs[i];
        int64_t modified_us;
        qr_array_bytes(&c[0], j->job->uri, j->uri_len);
        qr_array_text(&c[1], j->job->uri + j->name_at);
        qr_array_i64(&c[2], (int64_t)j->job->bytes);
        if (qr_enqueue_modified(j->job, &modified_us))
            qr_array_i64(&c[3], modified_us);
        else
            qr_array_null(&c[3]);
        qr_array_i32(&c[4], j->job->priority);
        qr_array_i32(&c[5], (int32_t)j->place);
    }
}

int qr_enqueue_few(struct qr_conn *conn, void *arg, struct qr_err *err)
{
    static const enum qr_oid oids[] = {QR_OID_TEXT, QR_OID_TEXT, QR_OID_INT8,
                                       QR_OID_INT8, QR_OID_INT4, QR_OID_INT4};
    struct qr_enqueue_txn *txn = arg;
    const struct qr_enqueue_queue *queue = &txn->queues[0];
    struct qr_array columns[QR_COUNT(oids)];
    struct qr_params gate, lock, few;
    PGresult *results[6] = {NULL};

    for (size_t i = 0; i < QR_COUNT(oids); i++)
        qr_array_init(&columns[i], oids[i]);
    fill_few(txn, columns);
    qr_enqueue_gate_params(txn, &gate);
    qr_params_init(&lock);
    qr_param_i64(&lock, txn->run_id);
    qr_params_init(&few);
    qr_param_i64(&few, txn->run_id);
    for (size_t i = 0; i < QR_COUNT(oids); i++)
        qr_param_array(&few, &columns[i]);
    qr_param_text(&few, qr_type_name(queue->type));
    qr_param_text(&few, queue->root);
    qr_param_text(&few, queue->source);
    qr_param_i64(&few, (int64_t)txn->n);
    const struct qr_call calls[] = {{QR_SQL_begin, NULL},       {QR_SQL_plan_generic, NULL},
                                    {QR_SQL_gate_share, &gate}, {QR_SQL_enqueue_lock, &lock},
                                    {QR_SQL_enqueue_few, &few}, {QR_SQL_commit, NULL}};
    int rc = qr_conn_pipeline(conn, calls, QR_COUNT(calls), results, err);
    if (rc == QR_OK) {
        txn->stored = qr_get_bool(results[4], 0, 0);
        txn->result =
            (struct qr_enqueue_result){.inserted = (uint64_t)qr_get_i64(results[4], 0, 1)};
    } else if (err->code == QR_E_DB && strcmp(err->sqlstate, "22012") == 0) {
        rc = qr_enqueue_closed(txn, err);
    }
    for (size_t i = 0; i < QR_COUNT(results); i++)
        PQclear(results[i]);
    for (size_t i = 0; i < QR_COUNT(oids); i++)
        qr_array_done(&columns[i]);
    return rc;
}

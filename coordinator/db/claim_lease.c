/* The end of a transaction of claims: batch rows, what runs and limits have had, COMMIT. */
#include <stdlib.h>

#include "coordinator/db/claim_limit.h"

static int compare_taken(const void *a, const void *b)
{
    const struct taken *x = a;
    const struct taken *y = b;
    if (x->claim != y->claim)
        return x->claim < y->claim ? -1 : 1;
    return x->job_id < y->job_id ? -1 : x->job_id > y->job_id;
}

void qr_claim_sort(struct claim_txn *txn)
{
    if (txn->n_taken > 1)
        qsort(txn->taken, txn->n_taken, sizeof *txn->taken, compare_taken);
}

static void set_leases(struct claim_txn *txn, const PGresult *result)
{
    size_t i = 0;

    while (i < txn->n_taken) { /* batch after batch, as they were cut */
        size_t end = i;
        while (end < txn->n_taken && end - i < QR_BATCH_MAX &&
               txn->taken[end].claim == txn->taken[i].claim)
            end++;
        int64_t first = 0;
        for (int row = 0; row < PQntuples(result); row++)
            if (qr_get_i64(result, row, 1) == txn->taken[i].job_id)
                first = qr_get_i64(result, row, 0);
        for (size_t k = i; k < end; k++)
            txn->taken[k].lease_id = first + (int64_t)(k - i);
        i = end;
    }
}

/* Leases that run alone are on record before they are offered (rule 7). Rare. */
static int note_alone(struct qr_conn *conn, const struct claim_txn *txn, struct qr_err *err)
{
    struct qr_array columns[4];
    struct qr_params params;

    for (size_t c = 0; c < QR_COUNT(columns); c++)
        qr_array_init(&columns[c], QR_OID_INT8);
    for (size_t i = 0; i < txn->n_taken; i++) {
        const struct taken *taken = &txn->taken[i];
        if (!taken->alone)
            continue;
        qr_array_i64(&columns[0], (int64_t)txn->claims[taken->claim]->session_pk);
        qr_array_i64(&columns[1], taken->run_id);
        qr_array_i64(&columns[2], taken->job_id);
        qr_array_i64(&columns[3], taken->lease_id);
    }
    qr_params_init(&params);
    for (size_t c = 0; c < QR_COUNT(columns); c++)
        qr_param_array(&params, &columns[c]);
    int rc = qr_conn_run(conn, QR_SQL_claim_alone, &params, NULL, err);
    for (size_t c = 0; c < QR_COUNT(columns); c++)
        qr_array_done(&columns[c]);
    return rc;
}

/* What needs the leases' numbers before COMMIT: batch rows by themselves, then that. Rare. */
static int lease_first(struct qr_conn *conn, struct claim_txn *txn, const struct qr_call *lease,
                       struct qr_err *err)
{
    PGresult *result = NULL;
    int rc = qr_conn_pipeline(conn, lease, 1, &result, err);

    if (rc == QR_OK)
        set_leases(txn, result);
    PQclear(result);
    return rc == QR_OK && txn->n_alone > 0 ? note_alone(conn, txn, err) : rc;
}

int qr_claim_close(struct qr_conn *conn, struct claim_txn *txn, struct qr_err *err)
{
    struct qr_array sessions, from, to, jobs, runs, floors, added;
    struct qr_params lease, shares;
    struct limit_columns limits;
    PGresult *results[5] = {NULL};
    struct qr_call calls[5];
    size_t n_calls = 0;
    bool early = qr_limit_any(txn) || txn->n_alone > 0;
    int rc = QR_OK;

    qr_claim_sort(txn);
    qr_array_init(&sessions, QR_OID_INT8);
    qr_array_init(&from, QR_OID_INT4);
    qr_array_init(&to, QR_OID_INT4);
    qr_array_init(&jobs, QR_OID_INT8);
    qr_array_init(&runs, QR_OID_INT8);
    qr_array_init(&floors, QR_OID_FLOAT8);
    qr_array_init(&added, QR_OID_FLOAT8);
    for (size_t i = 0, begin = 0; i < txn->n_taken; i++) {
        qr_array_i64(&jobs, txn->taken[i].job_id);
        if (i + 1 < txn->n_taken && txn->taken[i + 1].claim == txn->taken[begin].claim &&
            i + 1 - begin < QR_BATCH_MAX)
            continue;
        qr_array_i64(&sessions, (int64_t)txn->claims[txn->taken[begin].claim]->session_pk);
        qr_array_i32(&from, (int32_t)begin + 1);
        qr_array_i32(&to, (int32_t)i + 1);
        begin = i + 1;
    }
    if (txn->n_taken > 0) {
        qr_params_init(&lease);
        qr_param_array(&lease, &sessions);
        qr_param_array(&lease, &from);
        qr_param_array(&lease, &to);
        qr_param_array(&lease, &jobs);
        calls[n_calls++] = (struct qr_call){QR_SQL_claim_lease, &lease};
    }
    qr_limit_columns_init(&limits);
    if (early && n_calls > 0) {
        rc = lease_first(conn, txn, calls, err);
        n_calls = qr_limit_calls(txn, &limits, calls);
    }
    if (qr_claim_shares(txn, &runs, &floors, &added) > 0) {
        qr_params_init(&shares);
        qr_param_array(&shares, &runs);
        qr_param_array(&shares, &floors);
        qr_param_array(&shares, &added);
        calls[n_calls++] = (struct qr_call){QR_SQL_claim_shares, &shares};
    }
    calls[n_calls++] = (struct qr_call){QR_SQL_commit, NULL};
    if (rc == QR_OK)
        rc = qr_conn_pipeline(conn, calls, n_calls, results, err);
    if (rc == QR_OK && txn->n_taken > 0 && !early)
        set_leases(txn, results[0]);
    for (size_t i = 0; i < n_calls; i++)
        PQclear(results[i]);
    qr_array_done(&sessions);
    qr_array_done(&from);
    qr_array_done(&to);
    qr_array_done(&jobs);
    qr_array_done(&runs);
    qr_array_done(&floors);
    qr_array_done(&added);
    qr_limit_columns_done(&limits);
    return rc;
}

/* The fence of rule 1 as far as batch rows go: a completed result counts only where its lease's
 * batch belongs to the session that brings it, names the job at the lease's place, and the place is
 * not marked gone (rule 14). The rows are read once per batch, under the sessions' locks; whatever
 * ends a lease otherwise, a failure too, holds them exclusively. Status and settled_lease_id are
 * the job row's part. */
#include <stdlib.h>

#include "coordinator/db/settle.h"

static int64_t first_of(uint64_t lease_id)
{
    return (int64_t)(lease_id - (lease_id - 1) % QR_BATCH_MAX);
}

static int compare_i64(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a;
    int64_t y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

static int compare_batch(const void *a, const void *b)
{
    const struct settle_batch *x = a;
    const struct settle_batch *y = b;
    return x->first < y->first ? -1 : x->first > y->first;
}

int qr_settle_batches_params(struct settle_txn *txn, struct qr_params *params, struct qr_err *err)
{
    struct qr_array *column = &txn->columns[1];
    int64_t *firsts = calloc(txn->n + 1, sizeof *firsts);
    size_t n = 0;

    if (!firsts)
        return qr_fail(err, QR_E_NOMEM, "settle: out of memory");
    for (size_t i = 0; i < txn->n; i++)
        if (!qr_settle_is_failure(txn->items[i]))
            firsts[n++] = first_of(txn->items[i]->settle->lease_id);
    qsort(firsts, n, sizeof *firsts, compare_i64);
    qr_array_clear(column);
    for (size_t i = 0; i < n; i++)
        if (i == 0 || firsts[i] != firsts[i - 1])
            qr_array_i64(column, firsts[i]);
    free(firsts);
    qr_params_init(params);
    qr_param_array(params, column);
    return QR_OK;
}

int qr_settle_batches_read(struct settle_txn *txn, PGresult *result, struct qr_err *err)
{
    size_t n = (size_t)PQntuples(result);

    qr_settle_batches_done(txn);
    txn->batch_rows = result;
    txn->batches = calloc(n + 1, sizeof *txn->batches);
    if (!txn->batches)
        return qr_fail(err, QR_E_NOMEM, "settle: out of memory");
    txn->n_batches = n;
    for (size_t i = 0; i < n; i++)
        txn->batches[i] = (struct settle_batch){
            .first = qr_get_i64(result, (int)i, 0),
            .session_pk = qr_get_i64(result, (int)i, 1),
            .n_gone = qr_get_array_n(result, (int)i, 2),
            .n_jobs = qr_get_array_n(result, (int)i, 3),
            .row = (int)i,
            .limited = qr_get_bool(result, (int)i, 4),
        };
    qsort(txn->batches, n, sizeof *txn->batches, compare_batch);
    return QR_OK;
}

void qr_settle_batches_done(struct settle_txn *txn)
{
    PQclear(txn->batch_rows);
    free(txn->batches);
    txn->batch_rows = NULL;
    txn->batches = NULL;
    txn->n_batches = 0;
}

static struct settle_batch *batch_of(const struct settle_txn *txn, uint64_t lease_id)
{
    const struct settle_batch key = {.first = first_of(lease_id)};

    return txn->n_batches > 0
               ? bsearch(&key, txn->batches, txn->n_batches, sizeof key, compare_batch)
               : NULL;
}

bool qr_settle_holds(const struct settle_txn *txn, const struct qr_settle *settle)
{
    const struct settle_batch *batch = batch_of(txn, settle->lease_id);
    int32_t place = (int32_t)((settle->lease_id - 1) % QR_BATCH_MAX);

    if (!batch || batch->session_pk != (int64_t)settle->session_pk || place >= batch->n_jobs ||
        qr_get_array_i64(txn->batch_rows, batch->row, 3, place) != (int64_t)settle->job_id)
        return false;
    for (int32_t i = 0; i < batch->n_gone; i++)
        if (qr_get_array_i64(txn->batch_rows, batch->row, 2, i) == place)
            return false;
    return true;
}

bool qr_settle_is_limited(const struct settle_txn *txn, const struct qr_settle *settle)
{
    const struct settle_batch *batch = batch_of(txn, settle->lease_id);

    return batch && batch->limited;
}

void qr_settle_ended(struct settle_txn *txn, const struct qr_settle *settle)
{
    struct settle_batch *batch = batch_of(txn, settle->lease_id);

    if (batch && ++batch->n_ended + batch->n_gone == batch->n_jobs) {
        qr_array_i64(&txn->closed_sessions, batch->session_pk);
        qr_array_i64(&txn->closed_batches, batch->first);
    }
}

/* A claim of a few jobs in two round trips instead of three: taken, leased and committed at once.
 */
#include <stdlib.h>

#include "coordinator/db/claim.h"

/* The only queue that something was assigned of; NULL when there are several, or none. */
static struct head *only_head(struct claim_txn *txn)
{
    struct head *only = NULL;

    for (size_t i = 0; i < txn->n_heads; i++) {
        if (txn->heads[i].n_takers == 0)
            continue;
        if (only)
            return NULL;
        only = &txn->heads[i];
    }
    return only;
}

/* Nothing is to be written but the leases. Where the claim before left work behind, a bigger one
 * follows, which is for the usual way. */
struct head *qr_claim_few(struct claim_txn *txn)
{
    struct head *head = only_head(txn);

    if (!head || !txn->db->found_last || !txn->looked_bare || txn->n_taken > 0 ||
        head->until != 0 || head->n_limits > 0 || head->n_takers > QR_BATCH_MAX)
        return NULL;
    for (size_t i = 0; i < txn->n_shares; i++)
        if (txn->shares[i].changed)
            return NULL;
    return head;
}

static size_t claim_of(const struct claim_txn *txn, uint64_t session_pk)
{
    size_t i = 0;

    while (i < txn->n - 1 && txn->claims[i]->session_pk != session_pk)
        i++;
    return i;
}

static int read_taken(struct claim_txn *txn, struct head *head, const PGresult *result,
                      struct qr_err *err)
{
    int64_t last = 0;
    int rc = QR_OK;

    for (int row = 0; rc == QR_OK && row < PQntuples(result); row++) {
        struct taken taken = {
            .claim = claim_of(txn, (uint64_t)qr_get_i64(result, row, 5)),
            .job_id = qr_get_i64(result, row, 0),
            .uri = qr_get_text(result, row, 1),
            .bytes = qr_get_i64(result, row, 2),
            .modified_ms = qr_get_i64(result, row, 3),
            .lease_id = qr_get_i64(result, row, 4),
        };
        rc = qr_claim_keep(txn, head, &taken, err);
        last = taken.job_id > last ? taken.job_id : last;
        qr_claim_give(txn->claims[taken.claim], head->type, 1);
    }
    if (last != 0)
        qr_floor_set(txn, head, last);
    return rc;
}

int qr_claim_take_few(struct qr_conn *conn, struct claim_txn *txn, struct head *head,
                      struct qr_err *err)
{
    struct qr_array sessions;
    struct qr_params take;
    struct heads_call look;
    PGresult *results[3] = {NULL};

    qr_array_init(&sessions, QR_OID_INT8);
    for (size_t i = 0; i < head->n_takers; i++) {
        struct claim *claim = txn->claims[head->takers[i]];
        qr_array_i64(&sessions, (int64_t)claim->session_pk);
        qr_claim_give(claim, head->type, -1); /* until it is known who got what */
    }
    qr_params_init(&take);
    qr_param_i32(&take, head->queue_id);
    qr_param_i32(&take, head->rank);
    qr_param_i64(&take, head->job_id);
    qr_param_array(&take, &sessions);
    qr_claim_heads_init(&look, txn, true);
    const struct qr_call calls[] = {
        {QR_SQL_claim_few, &take}, {QR_SQL_claim_heads, &look.params}, {QR_SQL_commit, NULL}};
    int rc = qr_conn_pipeline(conn, calls, QR_COUNT(calls), results, err);
    qr_claim_heads_done(&look);
    qr_array_done(&sessions);
    PQclear(results[2]);
    txn->results[txn->n_results++] = results[0];
    if (rc == QR_OK) {
        qr_floor_looked(txn);
        txn->committed = true;
        rc = read_taken(txn, head, results[0], err);
    }
    free(head->takers);
    head->takers = NULL;
    head->n_takers = 0;
    if (rc == QR_OK)
        rc = qr_claim_read_heads(txn, results[1], err);
    else
        PQclear(results[1]);
    return rc;
}

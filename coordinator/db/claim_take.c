/* Taking what was assigned out of `ready`, and what an offer says about it. */
#include <stdlib.h>

#include "coordinator/db/claim.h"

static struct head *head_of(struct claim_txn *txn, int32_t queue_id)
{
    for (size_t i = 0; i < txn->n_heads; i++)
        if (txn->heads[i].queue_id == queue_id)
            return &txn->heads[i];
    return NULL;
}

int qr_claim_keep(struct claim_txn *txn, const struct head *head, const struct taken *job,
                  struct qr_err *err)
{
    if (txn->n_taken == txn->cap_taken) {
        size_t cap = txn->cap_taken ? txn->cap_taken * 2 : 256;
        struct taken *list = realloc(txn->taken, cap * sizeof *list);
        if (!list)
            return qr_fail(err, QR_E_NOMEM, "claim: out of memory");
        txn->taken = list;
        txn->cap_taken = cap;
    }
    char *options = head->options ? strdup(head->options) : NULL;
    if (head->options && !options)
        return qr_fail(err, QR_E_NOMEM, "claim: out of memory");
    struct taken *taken = &txn->taken[txn->n_taken++];
    *taken = *job;
    taken->run_id = head->run_id;
    taken->type = head->type;
    taken->options = options;
    taken->n_limits = head->n_limits;
    memcpy(taken->limits, head->limits, sizeof taken->limits);
    txn->incomplete |= !taken->uri;
    return QR_OK;
}

static int keep(struct claim_txn *txn, const struct head *head, size_t taker,
                const PGresult *result, int row, struct qr_err *err)
{
    const struct taken job = {
        .claim = head->takers[taker],
        .job_id = qr_get_i64(result, row, 1),
        .uri = qr_get_null(result, row, 2) ? NULL : qr_get_text(result, row, 2),
        .bytes = qr_get_i64(result, row, 3),
        .modified_ms = qr_get_i64(result, row, 4),
    };
    return qr_claim_keep(txn, head, &job, err);
}

struct taken_row {
    int32_t queue_id;
    int row;
    int64_t job_id;
};

static int compare_rows(const void *a, const void *b)
{
    const struct taken_row *x = a;
    const struct taken_row *y = b;
    if (x->queue_id != y->queue_id)
        return x->queue_id < y->queue_id ? -1 : 1;
    return x->job_id < y->job_id ? -1 : x->job_id > y->job_id;
}

/* Rows of claim_take to those they were assigned to, by queue and job. */
static int hand_out(struct claim_txn *txn, const PGresult *result, struct qr_err *err)
{
    size_t n = (size_t)PQntuples(result);
    struct taken_row *rows = calloc(n + 1, sizeof *rows);
    struct head *head = NULL;
    size_t taker = 0;
    int rc = QR_OK;

    if (!rows)
        return qr_fail(err, QR_E_NOMEM, "claim: out of memory");
    for (size_t i = 0; i < n; i++)
        rows[i] = (struct taken_row){qr_get_i32(result, (int)i, 0), (int)i,
                                     qr_get_i64(result, (int)i, 1)};
    qsort(rows, n, sizeof *rows, compare_rows);
    for (size_t i = 0; i < n && rc == QR_OK; i++) {
        if (!head || head->queue_id != rows[i].queue_id) {
            head = head_of(txn, rows[i].queue_id);
            taker = 0;
        }
        rc = keep(txn, head, taker++, result, rows[i].row, err);
        if (head->until == 0)
            qr_floor_set(txn, head, rows[i].job_id);
        head->takers[taker - 1] = UINT32_MAX; /* served */
    }
    free(rows);
    return rc;
}

/* The take, and behind it the look that follows when there will hardly be enough. */
static int take_and_look(struct qr_conn *conn, struct claim_txn *txn, const struct qr_params *take,
                         PGresult **ret, struct qr_err *err)
{
    struct heads_call look;
    PGresult *results[2] = {NULL};

    if (!txn->db->found_last)
        return qr_conn_run(conn, QR_SQL_claim_take, take, ret, err);
    qr_claim_heads_init(&look, txn, true);
    const struct qr_call calls[] = {{QR_SQL_claim_take, take}, {QR_SQL_claim_heads, &look.params}};
    int rc = qr_conn_pipeline(conn, calls, QR_COUNT(calls), results, err);
    if (rc == QR_OK)
        qr_floor_looked(txn);
    qr_claim_heads_done(&look);
    *ret = results[0];
    txn->look_result = results[1];
    return rc;
}

int qr_claim_take(struct qr_conn *conn, struct claim_txn *txn, struct qr_err *err)
{
    struct qr_array queues, ranks, counts, heads, untils;
    struct qr_params params;
    PGresult *result = NULL;

    qr_array_init(&queues, QR_OID_INT4);
    qr_array_init(&ranks, QR_OID_INT2);
    qr_array_init(&counts, QR_OID_INT4);
    qr_array_init(&heads, QR_OID_INT8);
    qr_array_init(&untils, QR_OID_INT8);
    for (size_t i = 0; i < txn->n_heads; i++) {
        if (txn->heads[i].n_takers == 0)
            continue;
        qr_array_i32(&queues, txn->heads[i].queue_id);
        qr_array_i16(&ranks, (int16_t)txn->heads[i].rank);
        qr_array_i32(&counts, (int32_t)txn->heads[i].n_takers);
        qr_array_i64(&heads, txn->heads[i].job_id);
        if (txn->heads[i].until != 0)
            qr_array_i64(&untils, txn->heads[i].until);
        else
            qr_array_null(&untils);
    }
    qr_params_init(&params);
    qr_param_array(&params, &queues);
    qr_param_array(&params, &ranks);
    qr_param_array(&params, &counts);
    qr_param_array(&params, &heads);
    qr_param_array(&params, &untils);
    int rc = take_and_look(conn, txn, &params, &result, err);
    qr_array_done(&queues);
    qr_array_done(&ranks);
    qr_array_done(&counts);
    qr_array_done(&heads);
    qr_array_done(&untils);
    if (rc < 0)
        return rc;
    txn->results[txn->n_results++] = result;
    rc = hand_out(txn, result, err);
    for (size_t i = 0; i < txn->n_heads; i++) {
        struct head *head = &txn->heads[i];
        for (size_t k = 0; k < head->n_takers; k++)
            if (head->takers[k] != UINT32_MAX) {
                qr_claim_give(txn->claims[head->takers[k]], head->type, -1);
                qr_claim_turn(txn, head, -1);
            }
    }
    return rc;
}

/* Rows of claim_offer to those without a uri. A job that is no more is not handed out. */
static void fill_in(struct claim_txn *txn, const PGresult *result)
{
    size_t kept = 0;
    int64_t asked = 0;
    int row = 0;

    for (size_t i = 0; i < txn->n_taken; i++) {
        struct taken *taken = &txn->taken[i];
        if (!taken->uri) {
            asked++;
            if (row == PQntuples(result) || qr_get_i64(result, row, 0) != asked) {
                free(taken->options);
                continue;
            }
            taken->uri = qr_get_text(result, row, 1);
            taken->bytes = qr_get_i64(result, row, 2);
            taken->modified_ms = qr_get_i64(result, row, 3);
            taken->retry_count = qr_get_i32(result, row, 4);
            if (!qr_get_null(result, row, 5))
                taken->checkpoint = qr_get_bytes(result, row, 5, &taken->checkpoint_len);
            taken->alone = qr_get_bool(result, row, 6);
            taken->checkpoint_number = qr_get_i32(result, row, 7);
            taken->part_bytes = qr_get_i64(result, row, 8);
            txn->n_alone += taken->alone;
            row++;
        }
        txn->taken[kept++] = *taken;
    }
    txn->n_taken = kept;
}

int qr_claim_complete(struct qr_conn *conn, struct claim_txn *txn, struct qr_err *err)
{
    struct qr_array jobs;
    struct qr_params params;
    PGresult *result = NULL;

    if (!txn->incomplete)
        return QR_OK;
    qr_array_init(&jobs, QR_OID_INT8);
    for (size_t i = 0; i < txn->n_taken; i++)
        if (!txn->taken[i].uri)
            qr_array_i64(&jobs, txn->taken[i].job_id);
    qr_params_init(&params);
    qr_param_array(&params, &jobs);
    int rc = qr_conn_run(conn, QR_SQL_claim_offer, &params, &result, err);
    qr_array_done(&jobs);
    if (rc == QR_OK) {
        txn->results[txn->n_results++] = result;
        fill_in(txn, result);
    }
    return rc;
}

/* What there is and whose turn it is (rule 8): strict priority; between runs of the same priority
 * the one with the lowest pass (stride scheduling: each job moves a run's pass by 1/weight); within
 * a run the queue with the oldest head, within a queue by job id.
 *
 * Passes live in run_shares and only grow, by what was taken, so that coordinators add up and a
 * restart forgets nothing. A pass means something only beside those of the runs it competes with.
 */
#include <stdlib.h>

#include "common/clock.h"
#include "coordinator/db/claim_limit.h"
#include "coordinator/engine/types.h"

/* ------------------------------------------------------------------ who may have what */

static uint64_t *left_of(struct claim *claim, qr_type_id type)
{
    for (size_t i = 0; i < claim->n_want; i++)
        if (claim->want[i].type == type)
            return &claim->left[i];
    return NULL;
}

static bool has_root(const struct claim *claim, const char *root)
{
    if (!root[0])
        return true;
    for (size_t i = 0; i < claim->n_roots; i++)
        if (strcmp(claim->roots[i], root) == 0)
            return true;
    return false;
}

static bool wants(struct claim *claim, const struct head *head)
{
    uint64_t *left = left_of(claim, head->type);

    return !claim->fenced && claim->left_total > 0 && left && *left > 0 &&
           has_root(claim, head->root);
}

bool qr_claim_is_wanted(struct claim_txn *txn, const struct head *head)
{
    for (size_t i = 0; i < txn->n; i++)
        if (wants(txn->claims[i], head))
            return true;
    return false;
}

void qr_claim_give(struct claim *claim, qr_type_id type, int n)
{
    uint64_t *left = left_of(claim, type);

    *left -= (uint64_t)n;
    claim->left_total -= (uint32_t)n;
}

/* ------------------------------------------------------------------ the heads of the queues */

/* Types and roots that are asked for; which types, a bit each. `all`: also those that nothing is
 * left to be assigned of. */
static uint64_t add_wanted(struct claim_txn *txn, bool all, struct qr_array *types,
                           struct qr_array *roots)
{
    uint64_t seen = 0;

    qr_array_text(roots, "");
    for (size_t i = 0; i < txn->n; i++) {
        struct claim *claim = txn->claims[i];
        for (size_t k = 0; k < claim->n_want; k++) {
            if ((!all && claim->left[k] == 0) || seen >> claim->want[k].type & 1)
                continue;
            qr_array_text(types, qr_type_name(claim->want[k].type));
            seen |= (uint64_t)1 << claim->want[k].type;
        }
        for (size_t k = 0; k < claim->n_roots; k++)
            qr_array_text(roots, claim->roots[k]);
    }
    return seen;
}

void qr_claim_heads_init(struct heads_call *call, struct claim_txn *txn, bool all)
{
    qr_array_init(&call->types, QR_OID_TEXT);
    qr_array_init(&call->roots, QR_OID_TEXT);
    qr_array_init(&call->queues, QR_OID_INT4);
    qr_array_init(&call->ranks, QR_OID_INT2);
    qr_array_init(&call->jobs, QR_OID_INT8);
    qr_array_init(&call->blocked, QR_OID_INT4);
    txn->look.types = add_wanted(txn, all, &call->types, &call->roots);
    qr_floor_columns(txn, &call->queues, &call->ranks, &call->jobs);
    qr_limit_blocked(txn->db, &call->blocked);
    txn->look.some_blocked = call->blocked.n > 0;
    qr_params_init(&call->params);
    qr_param_array(&call->params, &call->types);
    qr_param_array(&call->params, &call->roots);
    qr_param_array(&call->params, &call->queues);
    qr_param_array(&call->params, &call->ranks);
    qr_param_array(&call->params, &call->jobs);
    qr_param_array(&call->params, &call->blocked);
}

void qr_claim_heads_done(struct heads_call *call)
{
    qr_array_done(&call->types);
    qr_array_done(&call->roots);
    qr_array_done(&call->queues);
    qr_array_done(&call->ranks);
    qr_array_done(&call->jobs);
    qr_array_done(&call->blocked);
}

int qr_claim_read_heads(struct claim_txn *txn, PGresult *result, struct qr_err *err)
{
    size_t n = (size_t)PQntuples(result);

    free(txn->heads);
    txn->heads = calloc(n + 1, sizeof *txn->heads);
    struct run_share *shares = realloc(txn->shares, (txn->n_shares + n + 1) * sizeof *shares);
    if (shares)
        txn->shares = shares;
    PQclear(txn->heads_result);
    txn->heads_result = result;
    txn->n_heads = 0;
    if (!txn->heads || !shares)
        return qr_fail(err, QR_E_NOMEM, "claim: out of memory");
    for (int i = 0; i < (int)n; i++) {
        struct head *head = &txn->heads[txn->n_heads++];
        *head = (struct head){
            .queue_id = qr_get_i32(result, i, 0),
            .run_id = qr_get_i64(result, i, 1),
            .type = qr_type_intern(qr_get_text(result, i, 2)),
            .root = qr_get_text(result, i, 3),
            .rank = qr_get_i32(result, i, 4),
            .order = qr_get_i32(result, i, 4) - qr_get_i32(result, i, 9),
            .job_id = qr_get_i64(result, i, 5),
            .until = qr_get_i64(result, i, 10),
            .options = qr_get_null(result, i, 8) ? NULL : qr_get_text(result, i, 8),
        };
        if (!qr_get_null(result, i, 11)) {
            int rc = qr_limit_of_head(txn, head, qr_get_text(result, i, 11), err);
            if (rc < 0)
                return rc;
        }
        for (head->share = 0; head->share < txn->n_shares; head->share++)
            if (txn->shares[head->share].run_id == head->run_id)
                break;
        if (head->share == txn->n_shares)
            txn->shares[txn->n_shares++] = (struct run_share){
                .run_id = head->run_id,
                .pass = qr_get_f64(result, i, 6),
                .weight = qr_get_f64(result, i, 7),
            };
    }
    qr_floor_learn(txn);
    return QR_OK;
}

int qr_claim_look_again(struct qr_conn *conn, struct claim_txn *txn, struct qr_err *err)
{
    PGresult *result = txn->look_result;
    int rc = QR_OK;

    txn->look_result = NULL;
    if (!result) {
        struct heads_call call;
        qr_claim_heads_init(&call, txn, false);
        rc = qr_conn_run(conn, QR_SQL_claim_heads, &call.params, &result, err);
        qr_floor_looked(txn);
        qr_claim_heads_done(&call);
    }
    if (rc == QR_OK)
        rc = qr_claim_read_heads(txn, result, err);
    return rc < 0 ? rc : qr_limit_ask(conn, txn, err);
}

/* ------------------------------------------------------------------ order of work */

/* The next claim that wants a job of this queue, round robin. */
static struct claim *next_taker(struct claim_txn *txn, struct head *head, uint32_t *ret_number)
{
    for (size_t k = 0; k < txn->n && qr_limit_allows(txn, head); k++) {
        size_t i = (head->next_claim + k) % txn->n;
        if (wants(txn->claims[i], head)) {
            head->next_claim = i + 1;
            *ret_number = (uint32_t)i;
            return txn->claims[i];
        }
    }
    head->exhausted = true;
    return NULL;
}

/* Whose turn it is at this order: the run with the lowest pass, then the oldest job. */
static struct head *next_head(struct claim_txn *txn, int32_t order)
{
    struct head *best = NULL;

    for (size_t i = 0; i < txn->n_heads; i++) {
        struct head *head = &txn->heads[i];
        if (head->exhausted || head->order != order)
            continue;
        double pass = txn->shares[head->share].pass;
        double least = best ? txn->shares[best->share].pass : 0;
        if (!best || pass < least || (pass <= least && head->job_id < best->job_id))
            best = head;
    }
    return best;
}

bool qr_claim_best_order(struct claim_txn *txn, int32_t *ret_order)
{
    bool any = false;

    for (size_t i = 0; i < txn->n_heads; i++) {
        struct head *head = &txn->heads[i];
        uint32_t number;
        if (any && head->order >= *ret_order)
            continue;
        if (!next_taker(txn, head, &number))
            continue;
        head->next_claim = number; /* nothing was given yet */
        *ret_order = head->order;
        any = true;
    }
    return any;
}

/* Who competes at this order, and a limit to what a run can have saved up: while runs compete their
 * passes lie within one stride of each other, so one that is further behind was idle, paused or
 * limited, and does not get back what it did not use. */
static void begin_turns(struct claim_txn *txn, int32_t order)
{
    double highest = 0;
    double stride = 0;
    size_t n = 0;

    for (size_t i = 0; i < txn->n_shares; i++)
        txn->shares[i].competes = false;
    for (size_t i = 0; i < txn->n_heads; i++) {
        struct head *head = &txn->heads[i];
        struct run_share *share = &txn->shares[head->share];
        uint32_t number;
        if (head->order != order || share->competes || !next_taker(txn, head, &number))
            continue;
        head->next_claim = number;
        share->competes = true;
        n++;
        highest = n == 1 || share->pass > highest ? share->pass : highest;
        stride = 1 / share->weight > stride ? 1 / share->weight : stride;
    }
    for (size_t i = 0; i < txn->n_shares; i++) {
        struct run_share *share = &txn->shares[i];
        share->competes = share->competes && n > 1; /* alone there is no turn to remember */
        if (!share->competes)
            continue;
        double behind = highest - stride - share->pass;
        if (behind > 0) {
            share->pass += behind;
            share->added += share->changed ? behind : 0;
        }
        if (!share->changed)
            share->floor = share->pass;
    }
}

/* A job of the head's run is taken (1), or was not there after all (-1). */
void qr_claim_turn(struct claim_txn *txn, const struct head *head, int n)
{
    struct run_share *share = &txn->shares[head->share];

    qr_limit_use(txn, head, n);
    if (!share->competes)
        return;
    share->pass += n / share->weight;
    share->added += n / share->weight;
    share->changed = true;
}

int qr_claim_assign(struct claim_txn *txn, int32_t order, struct qr_err *err)
{
    size_t room = QR_CLAIM_JOBS_MAX - txn->n_taken;
    struct head *head;

    begin_turns(txn, order);
    while (room > 0 && (head = next_head(txn, order)) != NULL) {
        uint32_t number;
        struct claim *claim = next_taker(txn, head, &number);
        if (!claim)
            continue;
        if (!head->takers)
            head->takers = calloc(QR_CLAIM_JOBS_MAX, sizeof *head->takers);
        if (!head->takers)
            return qr_fail(err, QR_E_NOMEM, "claim: out of memory");
        head->takers[head->n_takers++] = number;
        qr_claim_turn(txn, head, 1);
        qr_claim_give(claim, head->type, 1);
        room--;
    }
    return QR_OK;
}

static int compare_share(const void *a, const void *b)
{
    const struct run_share *x = a;
    const struct run_share *y = b;
    return x->run_id < y->run_id ? -1 : x->run_id > y->run_id;
}

size_t qr_claim_shares(struct claim_txn *txn, struct qr_array *runs, struct qr_array *floors,
                       struct qr_array *added)
{
    if (txn->n_shares > 1) /* locked in this order; heads are not looked at any more */
        qsort(txn->shares, txn->n_shares, sizeof *txn->shares, compare_share);
    for (size_t i = 0; i < txn->n_shares; i++)
        if (txn->shares[i].changed) {
            qr_array_i64(runs, txn->shares[i].run_id);
            qr_array_f64(floors, txn->shares[i].floor);
            qr_array_f64(added, txn->shares[i].added);
        }
    return (size_t)runs->n;
}

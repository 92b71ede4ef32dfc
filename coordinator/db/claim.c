/* Claims: everything that asks for work travels as one transaction. What there is and whose turn it
 * is: claim_order.c; taking it: claim_take.c; leasing what was taken: claim_lease.c. */
#include <stdlib.h>

#include "coordinator/db/claim_limit.h"

/* ------------------------------------------------------------------ requests */

void qr_db_claim(struct qr_db *db, const struct qr_db_claim *request)
{
    size_t text = 0;
    for (size_t i = 0; i < request->n_roots; i++)
        text += strlen(request->roots[i]) + 1;
    size_t size = sizeof(struct claim) + request->n_want * sizeof(struct qr_type_count) +
                  request->n_want * sizeof(uint64_t) + request->n_roots * sizeof(char *) + text;
    struct claim *claim = calloc(1, size);

    if (claim) {
        *claim = (struct claim){.item.bytes = size,
                                .token = request->token,
                                .session_pk = request->session_pk,
                                .attach = request->attach,
                                .n_want = request->n_want,
                                .want_total = request->want_total,
                                .n_roots = request->n_roots};
        claim->want = (struct qr_type_count *)(void *)(claim + 1);
        claim->left = (uint64_t *)(void *)(claim->want + request->n_want);
        claim->roots = (const char **)(void *)(claim->left + request->n_want);
        if (request->n_want > 0)
            memcpy(claim->want, request->want, request->n_want * sizeof *claim->want);
        char *at = (char *)(claim->roots + request->n_roots);
        for (size_t i = 0; i < request->n_roots; i++) {
            size_t len = strlen(request->roots[i]) + 1;
            memcpy(at, request->roots[i], len);
            claim->roots[i] = at;
            at += len;
        }
        atomic_fetch_add(&db->claims, 1);
        if (qr_lane_push(&db->lanes[QR_DB_STATS_claim], &claim->item))
            return;
        atomic_fetch_sub(&db->claims, 1);
        free(claim);
    }
    struct qr_db_claim_reply reply = {.token = request->token,
                                      .session_pk = request->session_pk,
                                      .attach = request->attach,
                                      .status = QR_DB_FAILED};
    db->events.claim(db->events.ctx, &reply);
}

/* ------------------------------------------------------------------ open */

/* First round trip: begin, lock and check the sessions, look at the heads. */
static int open_claims(struct qr_conn *conn, struct claim_txn *txn, struct qr_err *err)
{
    struct qr_array keys, pks, attaches;
    struct heads_call heads;
    struct qr_params lock, check;
    PGresult *results[4] = {NULL};
    int64_t *sorted = calloc(txn->n, sizeof *sorted);

    if (!sorted)
        return qr_fail(err, QR_E_NOMEM, "claim: out of memory");
    qr_array_init(&keys, QR_OID_INT8);
    qr_array_init(&pks, QR_OID_INT8);
    qr_array_init(&attaches, QR_OID_INT8);
    for (size_t i = 0; i < txn->n; i++) {
        sorted[i] = qr_lock_key_session(txn->claims[i]->session_pk);
        qr_array_i64(&pks, (int64_t)txn->claims[i]->session_pk);
        qr_array_i64(&attaches, (int64_t)txn->claims[i]->attach);
    }
    size_t n_keys = qr_sort_unique(sorted, txn->n);
    for (size_t i = 0; i < n_keys; i++)
        qr_array_i64(&keys, sorted[i]);
    free(sorted);
    qr_limit_age(txn->db);
    qr_claim_heads_init(&heads, txn, false);
    qr_params_init(&lock);
    qr_param_array(&lock, &keys);
    qr_param_bytes(&lock, txn->db->epoch, QR_EPOCH_BYTES);
    qr_params_init(&check);
    qr_param_array(&check, &pks);
    qr_param_array(&check, &attaches);
    qr_param_i64(&check, (int64_t)atomic_load(&txn->db->coordinator_id));
    const struct qr_call calls[] = {{QR_SQL_begin, NULL},
                                    {QR_SQL_lock_shared, &lock},
                                    {QR_SQL_session_check, &check},
                                    {QR_SQL_claim_heads, &heads.params}};
    int rc = qr_conn_pipeline(conn, calls, QR_COUNT(calls), results, err);
    if (rc == QR_OK) {
        qr_floor_looked(txn);
        bool epoch_holds = qr_get_bool(results[1], 0, 0);
        for (size_t i = 0; i < txn->n; i++)
            txn->claims[i]->fenced = true;
        for (int i = 0; epoch_holds && i < PQntuples(results[2]); i++)
            txn->claims[qr_get_i64(results[2], i, 0) - 1]->fenced = false;
        rc = qr_claim_read_heads(txn, results[3], err);
        results[3] = NULL;
    }
    for (size_t i = 0; i < QR_COUNT(results); i++)
        PQclear(results[i]);
    qr_array_done(&keys);
    qr_array_done(&pks);
    qr_array_done(&attaches);
    qr_claim_heads_done(&heads);
    return rc;
}

static void forget_takers(struct claim_txn *txn)
{
    for (size_t i = 0; i < txn->n_heads; i++) {
        free(txn->heads[i].takers);
        txn->heads[i].takers = NULL;
        txn->heads[i].n_takers = 0;
    }
}

/* ------------------------------------------------------------------ the transaction */

static void reset(struct claim_txn *txn)
{
    forget_takers(txn);
    PQclear(txn->look_result);
    txn->look_result = NULL;
    txn->looked_bare = false;
    for (size_t i = 0; i < txn->n_taken; i++)
        free(txn->taken[i].options);
    for (size_t i = 0; i < txn->n_results; i++)
        PQclear(txn->results[i]);
    txn->n_taken = 0;
    txn->n_alone = 0;
    txn->n_results = 0;
    txn->n_shares = 0;
    txn->incomplete = false;
    txn->n_limits = 0;
    for (size_t i = 0; i < txn->n; i++) {
        struct claim *claim = txn->claims[i];
        claim->left_total = claim->want_total;
        claim->dry = claim->again = false;
        for (size_t k = 0; k < claim->n_want; k++)
            claim->left[k] = claim->want[k].count;
    }
}

static bool anything_left(const struct claim_txn *txn)
{
    for (size_t i = 0; i < txn->n; i++)
        if (!txn->claims[i]->fenced && txn->claims[i]->left_total > 0)
            return true;
    return false;
}

/* Few jobs, and COMMIT with them. Who got none though there are more asks again, the usual way. */
static int few_body(struct qr_conn *conn, struct claim_txn *txn, struct head *head,
                    struct qr_err *err)
{
    int rc = qr_claim_take_few(conn, txn, head, err);
    bool more = false;

    qr_claim_sort(txn);
    for (size_t i = 0; rc == QR_OK && i < txn->n_heads; i++)
        more |= qr_claim_is_wanted(txn, &txn->heads[i]);
    txn->db->found_last = !more;
    for (size_t i = 0; i < txn->n; i++) {
        struct claim *claim = txn->claims[i];
        claim->dry = !more && claim->left_total > 0;
        claim->again = more && !claim->fenced && claim->left_total == claim->want_total;
    }
    return rc;
}

static int claim_body(struct qr_conn *conn, void *arg, struct qr_err *err)
{
    struct claim_txn *txn = arg;
    bool none_left = false;

    reset(txn);
    if (txn->attempts++ > 0)
        txn->db->n_floors = 0; /* what was taken is back */
    int rc = open_claims(conn, txn, err);
    if (rc == QR_OK)
        rc = qr_limit_ask(conn, txn, err);
    for (int round = 0; rc == QR_OK && round < QR_CLAIM_ROUNDS_MAX; round++) {
        int32_t order = 0;
        none_left = !qr_claim_best_order(txn, &order);
        if (none_left && !txn->looked_bare && qr_floor_doubt(txn->db)) {
            none_left = false; /* below them there may be some */
            rc = qr_claim_look_again(conn, txn, err);
            continue;
        }
        if (none_left || txn->n_taken >= QR_CLAIM_JOBS_MAX)
            break;
        rc = qr_claim_assign(txn, order, err);
        struct head *few = rc == QR_OK && round == 0 ? qr_claim_few(txn) : NULL;
        if (few)
            return few_body(conn, txn, few, err);
        if (rc == QR_OK)
            rc = qr_claim_take(conn, txn, err);
        forget_takers(txn);
        if (rc == QR_OK && !anything_left(txn))
            break;
        if (rc == QR_OK)
            rc = qr_claim_look_again(conn, txn, err);
    }
    txn->db->found_last = none_left;
    for (size_t i = 0; i < txn->n; i++)
        txn->claims[i]->dry = none_left && txn->claims[i]->left_total > 0;
    if (rc == QR_OK)
        rc = qr_claim_complete(conn, txn, err);
    if (rc == QR_OK)
        rc = qr_floor_find_ends(conn, txn, err);
    return rc < 0 ? rc : qr_claim_close(conn, txn, err);
}

/* ------------------------------------------------------------------ replies */

static void fill_offer(struct qr_offer *offer, const struct taken *taken)
{
    *offer = (struct qr_offer){
        .lease_id = (uint64_t)taken->lease_id,
        .job_id = (uint64_t)taken->job_id,
        .run_id = (uint64_t)taken->run_id,
        .type = taken->type,
        .attempt = (uint32_t)taken->retry_count + 1,
        .uri = taken->uri,
        .bytes = (uint64_t)taken->bytes,
        .modified_ms = taken->modified_ms,
        .options_json = taken->options,
        .alone = taken->alone,
        .checkpoint = taken->checkpoint,
        .checkpoint_len = taken->checkpoint_len,
        .checkpoint_number = (uint64_t)taken->checkpoint_number,
        .part_bytes = (uint64_t)taken->part_bytes,
    };
}

static void answer(struct claim_txn *txn, enum qr_db_status status)
{
    struct qr_offer *offers = calloc(txn->n_taken + 1, sizeof *offers);
    size_t next = 0;

    if (!offers && status == QR_DB_DONE)
        status = QR_DB_UNKNOWN; /* leased, and nobody will hear: the engine asks by Hello */
    for (size_t i = 0; i < txn->n; i++) {
        struct claim *claim = txn->claims[i];
        if (status == QR_DB_DONE && claim->again)
            continue;
        struct qr_db_claim_reply reply = {
            .token = claim->token,
            .session_pk = claim->session_pk,
            .attach = claim->attach,
            .status = status == QR_DB_DONE && claim->fenced ? QR_DB_FENCED : status,
            .dry = claim->dry,
        };
        if (claim->dry)
            reply.retry_ms = qr_limit_retry_ms(txn, claim, &reply.limited);
        size_t begin = next;
        while (status == QR_DB_DONE && next < txn->n_taken && txn->taken[next].claim == i) {
            fill_offer(&offers[next], &txn->taken[next]);
            next++;
        }
        reply.offers = offers + begin;
        reply.n_offers = next - begin;
        txn->db->events.claim(txn->db->events.ctx, &reply);
    }
    free(offers);
}

static void claim_again(struct qr_db *db, struct claim *claim)
{
    struct qr_db_claim_reply reply = {.token = claim->token,
                                      .session_pk = claim->session_pk,
                                      .attach = claim->attach,
                                      .status = QR_DB_FAILED};

    claim->item.urgent = true; /* it has waited */
    atomic_fetch_add(&db->claims, 1);
    if (qr_lane_push(&db->lanes[QR_DB_STATS_claim], &claim->item))
        return;
    atomic_fetch_sub(&db->claims, 1);
    free(claim);
    db->events.claim(db->events.ctx, &reply);
}

void qr_claim_run(void *ctx, struct qr_lane *lane, struct qr_conn *conn, struct qr_item *list,
                  size_t n)
{
    struct claim_txn txn = {.db = ctx, .n = n};
    enum qr_db_status status = QR_DB_FAILED;
    struct qr_err err = {0};
    struct claim *one[1];

    txn.claims = n > 1 ? calloc(n, sizeof(struct claim *)) : one;
    if (!txn.claims) { /* one by one, then */
        while (list) {
            struct qr_item *next = list->next;
            list->next = NULL;
            qr_claim_run(ctx, lane, NULL, list, 1);
            list = next;
        }
        return;
    }
    for (size_t i = 0; i < n; i++, list = list->next)
        txn.claims[i] = (struct claim *)(void *)list;
    if (qr_transaction(conn, true, claim_body, &txn, &status, &err) < 0) {
        atomic_fetch_add(&lane->failures, 1);
        if (conn)
            qr_lane_say_failure(lane, "db.claim", n, &err);
    }
    if (status == QR_DB_FAILED && txn.committed)
        status = QR_DB_UNKNOWN;
    if (status != QR_DB_DONE)
        txn.db->n_floors = 0;
    else
        qr_limit_remember(&txn);
    answer(&txn, status);
    atomic_fetch_sub(&txn.db->claims, (unsigned)n);
    qr_db_tell(txn.db);
    bool done = status == QR_DB_DONE;
    for (size_t i = 0; i < n; i++) {
        struct claim *claim = txn.claims[i];
        txn.claims[i] = NULL;
        if (done && claim->again)
            claim_again(txn.db, claim);
        else
            free(claim);
    }
    txn.n = 0;
    reset(&txn);
    PQclear(txn.heads_result);
    free(txn.heads);
    free(txn.shares);
    free(txn.limits);
    free(txn.taken);
    if (txn.claims != one)
        free(txn.claims);
}

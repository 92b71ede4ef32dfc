/* Limits as claims meet them: which apply to the heads that somebody wants, how much they let
 * through, what was used. Limit rows are locked in order of their ids and only once a transaction;
 * one that another coordinator's claim is busy with counts as used up for a moment. A limit that is
 * used up is remembered, and its queues are not looked at until there may be room again. */
#include <stdlib.h>

#include "common/clock.h"
#include "coordinator/db/claim_limit.h"

enum { FULL_MAX_AGE_MS = 1000, BUSY_MS = 5 };

/* ------------------------------------------------------------------ what is used up */

void qr_limit_age(struct qr_db *db)
{
    unsigned long long seen = atomic_load(&db->freed);
    int64_t now = qr_clock_ms();
    size_t n = 0;

    for (size_t i = 0; i < db->n_blocked; i++) {
        const struct qr_blocked *b = &db->blocked[i];
        if (b->until_ms > now && (b->by_rate || b->freed_seen == seen))
            db->blocked[n++] = *b;
    }
    db->n_blocked = n;
    db->freed_now = seen; /* before anything is read: what is freed later is news */
}

void qr_limit_blocked(const struct qr_db *db, struct qr_array *ids)
{
    for (size_t i = 0; i < db->n_blocked; i++)
        qr_array_i32(ids, db->blocked[i].limit_id);
}

static void block(struct qr_db *db, const struct claim_limit *limit, int64_t wait_ms, bool by_rate)
{
    size_t i = 0;

    while (i < db->n_blocked && db->blocked[i].limit_id != limit->id)
        i++;
    if (i == QR_BLOCKED_MAX)
        return; /* the next claim asks again */
    db->n_blocked += i == db->n_blocked;
    int64_t now = qr_clock_ms();
    db->blocked[i] = (struct qr_blocked){
        .limit_id = limit->id,
        .by_rate = by_rate,
        .types = limit->types,
        .until_ms = now + wait_ms,
        .next_ms = (double)(now + wait_ms),
        .gap_ms = by_rate ? 1000 / limit->rate : 0,
        .freed_seen = db->freed_now,
    };
}

void qr_limit_remember(struct claim_txn *txn)
{
    for (size_t i = 0; i < txn->n_limits; i++) {
        const struct claim_limit *limit = &txn->limits[i];
        if (limit->state != CLAIM_LIMIT_KNOWN || limit->used < limit->allowed)
            continue;
        double missing = 1 - (limit->tokens - (double)limit->used);
        bool by_rate = limit->rate > 0 && missing > 0;
        int64_t wait = FULL_MAX_AGE_MS;
        if (by_rate && missing / limit->rate < 3600)
            wait = (int64_t)(missing / limit->rate * 1000) + 1;
        else if (by_rate)
            wait = 3600000;
        if (limit->by_places && (!by_rate || wait > FULL_MAX_AGE_MS))
            block(txn->db, limit, FULL_MAX_AGE_MS, false);
        else
            block(txn->db, limit, wait, by_rate);
    }
}

/* Those who come back for a token come one after the other, as the tokens do. */
uint32_t qr_limit_retry_ms(struct claim_txn *txn, const struct claim *claim, bool *ret_limited)
{
    struct qr_db *db = txn->db;
    struct qr_blocked *first = NULL;
    int64_t now = qr_clock_ms();
    uint64_t types = 0;
    int64_t wait = 0;

    *ret_limited = false;
    if (db->n_blocked == 0 && txn->n_limits == 0)
        return 0;
    for (size_t i = 0; i < claim->n_want; i++)
        types |= claim->left[i] > 0 ? (uint64_t)1 << claim->want[i].type : 0;
    for (size_t i = 0; i < txn->n_limits; i++)
        if (txn->limits[i].state == CLAIM_LIMIT_BUSY && txn->limits[i].wanted &&
            txn->limits[i].types & types)
            wait = BUSY_MS + txn->n_busy;
    txn->n_busy += wait > 0;
    *ret_limited = wait > 0;
    for (size_t i = 0; i < db->n_blocked; i++) {
        struct qr_blocked *b = &db->blocked[i];
        if (!(b->types & types))
            continue;
        *ret_limited = true;
        if (b->by_rate && (!first || b->next_ms < first->next_ms))
            first = b;
    }
    if (wait == 0 && first) {
        wait = (int64_t)first->next_ms - now;
        first->next_ms += first->gap_ms;
        wait = wait < 1 ? 1 : wait;
    }
    return wait > FULL_MAX_AGE_MS * 60 ? FULL_MAX_AGE_MS * 60 : (uint32_t)wait;
}

/* ------------------------------------------------------------------ heads and their limits */

static struct claim_limit *limit_of(struct claim_txn *txn, int32_t id)
{
    for (size_t i = 0; i < txn->n_limits; i++)
        if (txn->limits[i].id == id)
            return &txn->limits[i];
    struct claim_limit *list = realloc(txn->limits, (txn->n_limits + 1) * sizeof *txn->limits);
    if (!list)
        return NULL;
    txn->limits = list;
    list[txn->n_limits] = (struct claim_limit){.id = id, .state = CLAIM_LIMIT_UNKNOWN};
    return &list[txn->n_limits++];
}

int qr_limit_of_head(struct claim_txn *txn, struct head *head, const char *text, struct qr_err *err)
{
    while (*text && head->n_limits < QR_HEAD_LIMITS_MAX) {
        char *end;
        long id = strtol(text, &end, 10);
        if (end == text)
            break;
        text = *end ? end + 1 : end;
        struct claim_limit *limit = limit_of(txn, (int32_t)id);
        if (!limit)
            return qr_fail(err, QR_E_NOMEM, "claim: out of memory");
        limit->types |= (uint64_t)1 << head->type;
        head->limits[head->n_limits++] = (uint32_t)(limit - txn->limits);
    }
    return QR_OK;
}

bool qr_limit_allows(const struct claim_txn *txn, const struct head *head)
{
    for (size_t i = 0; i < head->n_limits; i++) {
        const struct claim_limit *limit = &txn->limits[head->limits[i]];
        if (limit->state != CLAIM_LIMIT_KNOWN || limit->used >= limit->allowed)
            return false;
    }
    return true;
}

void qr_limit_use(struct claim_txn *txn, const struct head *head, int n)
{
    for (size_t i = 0; i < head->n_limits; i++)
        txn->limits[head->limits[i]].used += n;
}

bool qr_limit_any(const struct claim_txn *txn)
{
    for (size_t i = 0; i < txn->n_limits; i++)
        if (txn->limits[i].used > 0)
            return true;
    return false;
}

/* ------------------------------------------------------------------ asking */

static int compare_id(const void *a, const void *b)
{
    int32_t x = *(const int32_t *)a;
    int32_t y = *(const int32_t *)b;
    return x < y ? -1 : x > y;
}

static void read_state(struct claim_txn *txn, const PGresult *locked, const PGresult *state)
{
    for (size_t i = 0; i < txn->n_limits; i++)
        txn->limits[i].state = CLAIM_LIMIT_BUSY;
    for (int i = 0; i < PQntuples(state); i++) {
        struct claim_limit *limit = limit_of(txn, qr_get_i32(state, i, 0));
        bool mine = false;
        for (int k = 0; k < PQntuples(locked) && !mine; k++)
            mine = qr_get_i32(locked, k, 0) == limit->id;
        if (!mine)
            continue;
        bool places = !qr_get_null(state, i, 1);
        int64_t allowed = places ? qr_get_i64(state, i, 1) : INT64_MAX;
        limit->by_places = places;
        limit->rate = qr_get_null(state, i, 2) ? 0 : qr_get_f64(state, i, 2);
        limit->tokens = limit->rate > 0 ? qr_get_f64(state, i, 3) : 0;
        if (limit->rate > 0) {
            int64_t whole = (int64_t)(limit->tokens + 1e-6);
            limit->by_places = places && allowed <= whole;
            allowed = whole < allowed ? whole : allowed;
        }
        limit->allowed = allowed > 0 ? allowed : 0;
        limit->state = CLAIM_LIMIT_KNOWN;
        limit->counted = places;
    }
}

int qr_limit_ask(struct qr_conn *conn, struct claim_txn *txn, struct qr_err *err)
{
    struct qr_array ids;
    struct qr_params params;
    PGresult *results[2] = {NULL};
    bool asked = false;

    for (size_t i = 0; i < txn->n_limits; i++)
        asked |= txn->limits[i].state != CLAIM_LIMIT_UNKNOWN;
    if (txn->n_limits == 0 || asked) { /* a second time the order of locks would not hold */
        for (size_t i = 0; i < txn->n_limits; i++)
            if (txn->limits[i].state == CLAIM_LIMIT_UNKNOWN)
                txn->limits[i].state = CLAIM_LIMIT_BUSY;
        return QR_OK;
    }
    int32_t *sorted = calloc(txn->n_limits, sizeof *sorted);
    if (!sorted)
        return qr_fail(err, QR_E_NOMEM, "claim: out of memory");
    size_t n = 0;
    for (size_t i = 0; i < txn->n_heads; i++)
        for (size_t k = 0; k < txn->heads[i].n_limits; k++) {
            struct claim_limit *limit = &txn->limits[txn->heads[i].limits[k]];
            if (limit->wanted || !qr_claim_is_wanted(txn, &txn->heads[i]))
                continue;
            limit->wanted = true;
            sorted[n++] = limit->id;
        }
    if (n == 0) {
        free(sorted);
        return QR_OK;
    }
    qsort(sorted, n, sizeof *sorted, compare_id);
    qr_array_init(&ids, QR_OID_INT4);
    for (size_t i = 0; i < n; i++)
        qr_array_i32(&ids, sorted[i]);
    free(sorted);
    qr_params_init(&params);
    qr_param_array(&params, &ids);
    const struct qr_call calls[] = {{QR_SQL_limit_lock, &params}, {QR_SQL_limit_state, &params}};
    int rc = qr_conn_pipeline(conn, calls, QR_COUNT(calls), results, err);
    if (rc == QR_OK)
        read_state(txn, results[0], results[1]);
    PQclear(results[0]);
    PQclear(results[1]);
    qr_array_done(&ids);
    return rc;
}

/* ------------------------------------------------------------------ writing what was used */

void qr_limit_columns_init(struct limit_columns *c)
{
    qr_array_init(&c->leases, QR_OID_INT8);
    qr_array_init(&c->limits, QR_OID_INT4);
    qr_array_init(&c->firsts, QR_OID_INT8);
    qr_array_init(&c->used, QR_OID_INT4);
    qr_array_init(&c->counts, QR_OID_INT4);
}

void qr_limit_columns_done(struct limit_columns *c)
{
    qr_array_done(&c->leases);
    qr_array_done(&c->limits);
    qr_array_done(&c->firsts);
    qr_array_done(&c->used);
    qr_array_done(&c->counts);
}

size_t qr_limit_calls(struct claim_txn *txn, struct limit_columns *c, struct qr_call *calls)
{
    int64_t last = 0;
    size_t n = 0;

    for (size_t i = 0; i < txn->n_taken; i++) {
        const struct taken *taken = &txn->taken[i];
        int64_t first = taken->lease_id - (taken->lease_id - 1) % QR_BATCH_MAX;
        for (size_t k = 0; k < taken->n_limits; k++) {
            const struct claim_limit *limit = &txn->limits[taken->limits[k]];
            if (!limit->counted)
                continue;
            qr_array_i64(&c->leases, taken->lease_id);
            qr_array_i32(&c->limits, limit->id);
            if (first != last)
                qr_array_i64(&c->firsts, first);
            last = first;
        }
    }
    if (c->leases.n > 0) {
        qr_params_init(&c->hold);
        qr_param_array(&c->hold, &c->leases);
        qr_param_array(&c->hold, &c->limits);
        qr_param_array(&c->hold, &c->firsts);
        calls[n++] = (struct qr_call){QR_SQL_limit_hold, &c->hold};
    }
    for (size_t i = 0; i < txn->n_limits; i++)
        if (txn->limits[i].used > 0 && txn->limits[i].rate > 0) {
            qr_array_i32(&c->used, txn->limits[i].id);
            qr_array_i32(&c->counts, (int32_t)txn->limits[i].used);
        }
    if (c->used.n > 0) {
        qr_params_init(&c->take);
        qr_param_array(&c->take, &c->used);
        qr_param_array(&c->take, &c->counts);
        calls[n++] = (struct qr_call){QR_SQL_limit_take, &c->take};
    }
    return n;
}

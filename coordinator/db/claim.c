/* Claims: everything that asks for work travels as one transaction.
 *
 * Order of work (rule 8): strict priority; between runs of the same priority the one with the
 * lowest pass (stride scheduling: each job moves a run's pass by 1/weight); within a run by job id.
 */
#include <stdlib.h>

#include "common/clock.h"
#include "common/log.h"
#include "coordinator/db/impl.h"
#include "coordinator/engine/types.h"

enum { ROUNDS_MAX = 6, JOBS_MAX = 8192, FLOORS_MAX_AGE_MS = 1000 };

struct claim {
    struct qr_item item;
    uint64_t token, session_pk, attach;
    struct qr_type_count *want; /* as asked */
    size_t n_want;
    uint32_t want_total;
    const char **roots;
    size_t n_roots;
    /* while it runs */
    bool fenced, dry;
    uint32_t left_total;
    uint64_t *left; /* per want */
};

struct run_share {
    int64_t run_id;
    double pass, weight;
    bool changed;
};

struct head {
    int32_t queue_id;
    int64_t run_id;
    qr_type_id type;
    const char *root;    /* in the heads' result */
    const char *options; /* NULL: none */
    int32_t rank;
    int64_t job_id;
    size_t share;      /* index of its run */
    size_t next_claim; /* where the search for a taker goes on */
    bool exhausted;    /* nobody wants more of it in this round */
    uint32_t *takers;  /* claim numbers, in order of assignment */
    size_t n_takers;
};

struct taken {
    size_t claim;
    int64_t job_id;
    int64_t run_id;
    qr_type_id type;
    char *options; /* owned; heads go away with their round */
    const PGresult *result;
    int row;
    int64_t lease_id;
};

struct claim_txn {
    struct qr_db *db;
    struct claim **claims;
    size_t n;
    struct head *heads;
    size_t n_heads;
    struct run_share *shares;
    size_t n_shares;
    struct taken *taken;
    size_t n_taken, cap_taken;
    PGresult *heads_result;
    PGresult *results[ROUNDS_MAX]; /* rows that `taken` points into */
    size_t n_results;
    bool used_floors; /* in the last look at the heads */
    int attempts;
};

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
        if (qr_lane_push(&db->lanes[QR_DB_STATS_claim], &claim->item))
            return;
        free(claim);
    }
    struct qr_db_claim_reply reply = {.token = request->token,
                                      .session_pk = request->session_pk,
                                      .attach = request->attach,
                                      .status = QR_DB_FAILED};
    db->events.claim(db->events.ctx, &reply);
}

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

static void give(struct claim *claim, qr_type_id type, int n)
{
    uint64_t *left = left_of(claim, type);

    *left -= (uint64_t)n;
    claim->left_total -= (uint32_t)n;
}

/* ------------------------------------------------------------------ floors */

/* Deleted rows leave their index entries until the next vacuum; starting at the last head keeps a
 * claim from walking over them. Rows may come below a floor: whatever puts them there in this
 * process announces it; what another coordinator does is seen within FLOORS_MAX_AGE_MS; and no
 * claim is called dry on the word of a floor. */
static void age_floors(struct qr_db *db)
{
    unsigned long long seen = atomic_load(&db->announced);
    int64_t now = qr_clock_ms();

    if (seen == db->floors_seen && now - db->floors_since_ms < FLOORS_MAX_AGE_MS)
        return;
    db->n_floors = 0;
    db->floors_seen = seen;
    db->floors_since_ms = now;
}

static void set_floor(struct qr_db *db, int32_t queue_id, int32_t rank, int64_t job_id)
{
    size_t i = 0;

    while (i < db->n_floors && db->floors[i].queue_id != queue_id)
        i++;
    if (i == QR_FLOORS_MAX)
        return;
    db->n_floors += i == db->n_floors;
    db->floors[i] = (struct qr_floor){queue_id, rank, job_id};
}

/* ------------------------------------------------------------------ statements */

/* Parameters of claim_heads. */
struct heads_call {
    struct qr_array types, roots, queues, ranks, jobs;
    struct qr_params params;
};

static void add_wanted(struct claim_txn *txn, struct qr_array *types, struct qr_array *roots);

static void heads_call_init(struct heads_call *call, struct claim_txn *txn)
{
    const struct qr_db *db = txn->db;

    qr_array_init(&call->types, QR_OID_TEXT);
    qr_array_init(&call->roots, QR_OID_TEXT);
    qr_array_init(&call->queues, QR_OID_INT4);
    qr_array_init(&call->ranks, QR_OID_INT2);
    qr_array_init(&call->jobs, QR_OID_INT8);
    add_wanted(txn, &call->types, &call->roots);
    for (size_t i = 0; i < db->n_floors; i++) {
        qr_array_i32(&call->queues, db->floors[i].queue_id);
        qr_array_i16(&call->ranks, (int16_t)db->floors[i].rank);
        qr_array_i64(&call->jobs, db->floors[i].job_id);
    }
    txn->used_floors = db->n_floors > 0;
    qr_params_init(&call->params);
    qr_param_array(&call->params, &call->types);
    qr_param_array(&call->params, &call->roots);
    qr_param_array(&call->params, &call->queues);
    qr_param_array(&call->params, &call->ranks);
    qr_param_array(&call->params, &call->jobs);
}

static void heads_call_done(struct heads_call *call)
{
    qr_array_done(&call->types);
    qr_array_done(&call->roots);
    qr_array_done(&call->queues);
    qr_array_done(&call->ranks);
    qr_array_done(&call->jobs);
}

static void add_wanted(struct claim_txn *txn, struct qr_array *types, struct qr_array *roots)
{
    uint64_t seen = 0;

    qr_array_text(roots, "");
    for (size_t i = 0; i < txn->n; i++) {
        struct claim *claim = txn->claims[i];
        for (size_t k = 0; k < claim->n_want; k++) {
            if (claim->left[k] > 0 && !(seen >> claim->want[k].type & 1))
                qr_array_text(types, qr_type_name(claim->want[k].type));
            seen |= (uint64_t)1 << claim->want[k].type;
        }
        for (size_t k = 0; k < claim->n_roots; k++)
            qr_array_text(roots, claim->roots[k]);
    }
}

static int read_heads(struct claim_txn *txn, PGresult *result, struct qr_err *err)
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
            .job_id = qr_get_i64(result, i, 5),
            .options = qr_get_null(result, i, 8) ? NULL : qr_get_text(result, i, 8),
        };
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
    return QR_OK;
}

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
    age_floors(txn->db);
    heads_call_init(&heads, txn);
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
        bool epoch_holds = qr_get_bool(results[1], 0, 0);
        for (size_t i = 0; i < txn->n; i++)
            txn->claims[i]->fenced = true;
        for (int i = 0; epoch_holds && i < PQntuples(results[2]); i++)
            txn->claims[qr_get_i64(results[2], i, 0) - 1]->fenced = false;
        rc = read_heads(txn, results[3], err);
        results[3] = NULL;
    }
    for (size_t i = 0; i < QR_COUNT(results); i++)
        PQclear(results[i]);
    qr_array_done(&keys);
    qr_array_done(&pks);
    qr_array_done(&attaches);
    heads_call_done(&heads);
    return rc;
}

static int look_again(struct qr_conn *conn, struct claim_txn *txn, struct qr_err *err)
{
    struct heads_call call;
    PGresult *result = NULL;

    heads_call_init(&call, txn);
    int rc = qr_conn_run(conn, QR_SQL_claim_heads, &call.params, &result, err);
    heads_call_done(&call);
    return rc < 0 ? rc : read_heads(txn, result, err);
}

/* ------------------------------------------------------------------ order of work */

/* The next claim that wants a job of this queue, round robin. */
static struct claim *next_taker(struct claim_txn *txn, struct head *head, uint32_t *ret_number)
{
    for (size_t k = 0; k < txn->n; k++) {
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

/* Whose turn it is at this rank: the run with the lowest pass, then the oldest job. */
static struct head *next_head(struct claim_txn *txn, int32_t rank)
{
    struct head *best = NULL;

    for (size_t i = 0; i < txn->n_heads; i++) {
        struct head *head = &txn->heads[i];
        if (head->exhausted || head->rank != rank)
            continue;
        double pass = txn->shares[head->share].pass;
        double least = best ? txn->shares[best->share].pass : 0;
        if (!best || pass < least || (pass <= least && head->job_id < best->job_id))
            best = head;
    }
    return best;
}

/* The best rank that anybody wants something of; false when there is none. */
static bool best_rank(struct claim_txn *txn, int32_t *ret_rank)
{
    bool any = false;

    for (size_t i = 0; i < txn->n_heads; i++) {
        struct head *head = &txn->heads[i];
        uint32_t number;
        if (any && head->rank >= *ret_rank)
            continue;
        if (!next_taker(txn, head, &number))
            continue;
        head->next_claim = number; /* nothing was given yet */
        *ret_rank = head->rank;
        any = true;
    }
    return any;
}

/* Who gets how much of which queue: fills takers of every head at the best rank. */
static int assign(struct claim_txn *txn, int32_t rank, struct qr_err *err)
{
    size_t room = JOBS_MAX - txn->n_taken;
    struct head *head;

    /* a run that was idle does not get back what it did not use */
    for (size_t i = 0; i < txn->n_shares; i++)
        if (txn->shares[i].pass < txn->db->virtual_time)
            txn->shares[i].pass = txn->db->virtual_time;
    while (room > 0 && (head = next_head(txn, rank)) != NULL) {
        uint32_t number;
        struct claim *claim = next_taker(txn, head, &number);
        if (!claim)
            continue;
        if (!head->takers)
            head->takers = calloc(JOBS_MAX, sizeof *head->takers);
        if (!head->takers)
            return qr_fail(err, QR_E_NOMEM, "claim: out of memory");
        struct run_share *share = &txn->shares[head->share];
        head->takers[head->n_takers++] = number;
        txn->db->virtual_time = share->pass;
        share->pass += 1 / share->weight;
        share->changed = true;
        give(claim, head->type, 1);
        room--;
    }
    return QR_OK;
}

static struct head *head_of(struct claim_txn *txn, int32_t queue_id)
{
    for (size_t i = 0; i < txn->n_heads; i++)
        if (txn->heads[i].queue_id == queue_id)
            return &txn->heads[i];
    return NULL;
}

static int keep(struct claim_txn *txn, struct head *head, size_t taker, const PGresult *result,
                int row, struct qr_err *err)
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
    txn->taken[txn->n_taken++] = (struct taken){
        .claim = head->takers[taker],
        .job_id = qr_get_i64(result, row, 1),
        .run_id = head->run_id,
        .type = head->type,
        .options = options,
        .result = result,
        .row = row,
    };
    return QR_OK;
}

/* Take what was assigned; what is not there (another coordinator was faster) is wanted again. */
static int take(struct qr_conn *conn, struct claim_txn *txn, struct qr_err *err)
{
    struct qr_array queues, ranks, counts, heads;
    struct qr_params params;
    PGresult *result = NULL;

    qr_array_init(&queues, QR_OID_INT4);
    qr_array_init(&ranks, QR_OID_INT2);
    qr_array_init(&counts, QR_OID_INT4);
    qr_array_init(&heads, QR_OID_INT8);
    for (size_t i = 0; i < txn->n_heads; i++) {
        if (txn->heads[i].n_takers == 0)
            continue;
        qr_array_i32(&queues, txn->heads[i].queue_id);
        qr_array_i16(&ranks, (int16_t)txn->heads[i].rank);
        qr_array_i32(&counts, (int32_t)txn->heads[i].n_takers);
        qr_array_i64(&heads, txn->heads[i].job_id);
    }
    qr_params_init(&params);
    qr_param_array(&params, &queues);
    qr_param_array(&params, &ranks);
    qr_param_array(&params, &counts);
    qr_param_array(&params, &heads);
    int rc = qr_conn_run(conn, QR_SQL_claim_take, &params, &result, err);
    qr_array_done(&queues);
    qr_array_done(&ranks);
    qr_array_done(&counts);
    qr_array_done(&heads);
    if (rc < 0)
        return rc;
    txn->results[txn->n_results++] = result;
    struct head *head = NULL;
    size_t taker = 0;
    for (int i = 0; i < PQntuples(result) && rc == QR_OK; i++) {
        int32_t queue_id = qr_get_i32(result, i, 0);
        if (!head || head->queue_id != queue_id) {
            head = head_of(txn, queue_id);
            taker = 0;
        }
        rc = keep(txn, head, taker++, result, i, err);
        set_floor(txn->db, queue_id, head->rank, qr_get_i64(result, i, 1));
        head->takers[taker - 1] = UINT32_MAX; /* served */
    }
    for (size_t i = 0; i < txn->n_heads; i++) {
        head = &txn->heads[i];
        for (size_t k = 0; k < head->n_takers; k++)
            if (head->takers[k] != UINT32_MAX) {
                give(txn->claims[head->takers[k]], head->type, -1);
                txn->shares[head->share].pass -= 1 / txn->shares[head->share].weight;
            }
    }
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

/* ------------------------------------------------------------------ batch rows */

static int compare_taken(const void *a, const void *b)
{
    const struct taken *x = a;
    const struct taken *y = b;
    if (x->claim != y->claim)
        return x->claim < y->claim ? -1 : 1;
    return x->job_id < y->job_id ? -1 : x->job_id > y->job_id;
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

/* Last round trip: batch rows, shares, commit. */
static int close_claims(struct qr_conn *conn, struct claim_txn *txn, struct qr_err *err)
{
    struct qr_array sessions, from, to, jobs, runs, passes;
    struct qr_params lease, shares;
    PGresult *results[3] = {NULL};
    struct qr_call calls[3];
    size_t n_calls = 0;

    if (txn->n_taken > 1)
        qsort(txn->taken, txn->n_taken, sizeof *txn->taken, compare_taken);
    qr_array_init(&sessions, QR_OID_INT8);
    qr_array_init(&from, QR_OID_INT4);
    qr_array_init(&to, QR_OID_INT4);
    qr_array_init(&jobs, QR_OID_INT8);
    qr_array_init(&runs, QR_OID_INT8);
    qr_array_init(&passes, QR_OID_FLOAT8);
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
    for (size_t i = 0; txn->n_shares > 1 && i < txn->n_shares; i++)
        if (txn->shares[i].changed) {
            qr_array_i64(&runs, txn->shares[i].run_id);
            qr_array_f64(&passes, txn->shares[i].pass);
        }
    if (txn->n_taken > 0) {
        qr_params_init(&lease);
        qr_param_array(&lease, &sessions);
        qr_param_array(&lease, &from);
        qr_param_array(&lease, &to);
        qr_param_array(&lease, &jobs);
        calls[n_calls++] = (struct qr_call){QR_SQL_claim_lease, &lease};
    }
    if (runs.n > 0) {
        qr_params_init(&shares);
        qr_param_array(&shares, &runs);
        qr_param_array(&shares, &passes);
        calls[n_calls++] = (struct qr_call){QR_SQL_claim_shares, &shares};
    }
    calls[n_calls++] = (struct qr_call){QR_SQL_commit, NULL};
    int rc = qr_conn_pipeline(conn, calls, n_calls, results, err);
    if (rc == QR_OK && txn->n_taken > 0)
        set_leases(txn, results[0]);
    for (size_t i = 0; i < n_calls; i++)
        PQclear(results[i]);
    qr_array_done(&sessions);
    qr_array_done(&from);
    qr_array_done(&to);
    qr_array_done(&jobs);
    qr_array_done(&runs);
    qr_array_done(&passes);
    return rc;
}

/* ------------------------------------------------------------------ the transaction */

static void reset(struct claim_txn *txn)
{
    forget_takers(txn);
    for (size_t i = 0; i < txn->n_taken; i++)
        free(txn->taken[i].options);
    for (size_t i = 0; i < txn->n_results; i++)
        PQclear(txn->results[i]);
    txn->n_taken = 0;
    txn->n_results = 0;
    txn->n_shares = 0;
    for (size_t i = 0; i < txn->n; i++) {
        struct claim *claim = txn->claims[i];
        claim->left_total = claim->want_total;
        claim->dry = false;
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

static int claim_body(struct qr_conn *conn, void *arg, struct qr_err *err)
{
    struct claim_txn *txn = arg;
    bool none_left = false;

    reset(txn);
    if (txn->attempts++ > 0)
        txn->db->n_floors = 0; /* what was taken is back */
    int rc = open_claims(conn, txn, err);
    for (int round = 0; rc == QR_OK && round < ROUNDS_MAX; round++) {
        int32_t rank = 0;
        none_left = !best_rank(txn, &rank);
        if (none_left && txn->used_floors) { /* below them there may be some */
            txn->db->n_floors = 0;
            none_left = false;
            rc = look_again(conn, txn, err);
            continue;
        }
        if (none_left || txn->n_taken >= JOBS_MAX)
            break;
        rc = assign(txn, rank, err);
        if (rc == QR_OK)
            rc = take(conn, txn, err);
        forget_takers(txn);
        if (rc == QR_OK && !anything_left(txn))
            break;
        if (rc == QR_OK)
            rc = look_again(conn, txn, err);
    }
    for (size_t i = 0; i < txn->n; i++)
        txn->claims[i]->dry = none_left && txn->claims[i]->left_total > 0;
    return rc < 0 ? rc : close_claims(conn, txn, err);
}

/* ------------------------------------------------------------------ replies */

static void fill_offer(struct qr_offer *offer, const struct taken *taken)
{
    const PGresult *r = taken->result;

    *offer = (struct qr_offer){
        .lease_id = (uint64_t)taken->lease_id,
        .job_id = (uint64_t)taken->job_id,
        .run_id = (uint64_t)taken->run_id,
        .type = taken->type,
        .attempt = (uint32_t)qr_get_i32(r, taken->row, 2) + 1,
        .uri = qr_get_text(r, taken->row, 3),
        .bytes = (uint64_t)qr_get_i64(r, taken->row, 4),
        .modified_ms = qr_get_i64(r, taken->row, 5),
        .options_json = taken->options,
    };
    if (!qr_get_null(r, taken->row, 6))
        offer->checkpoint = qr_get_bytes(r, taken->row, 6, &offer->checkpoint_len);
}

static void answer(struct claim_txn *txn, enum qr_db_status status)
{
    struct qr_offer *offers = calloc(txn->n_taken + 1, sizeof *offers);
    size_t next = 0;

    if (!offers && status == QR_DB_DONE)
        status = QR_DB_UNKNOWN; /* leased, and nobody will hear: the engine asks by Hello */
    for (size_t i = 0; i < txn->n; i++) {
        struct claim *claim = txn->claims[i];
        struct qr_db_claim_reply reply = {
            .token = claim->token,
            .session_pk = claim->session_pk,
            .attach = claim->attach,
            .status = status == QR_DB_DONE && claim->fenced ? QR_DB_FENCED : status,
            .dry = claim->dry,
        };
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
    if (status != QR_DB_DONE)
        txn.db->n_floors = 0;
    answer(&txn, status);
    reset(&txn);
    PQclear(txn.heads_result);
    free(txn.heads);
    free(txn.shares);
    free(txn.taken);
    for (size_t i = 0; i < n; i++)
        free(txn.claims[i]);
    if (txn.claims != one)
        free(txn.claims);
}

#include <stdio.h>
#include <stdlib.h>

#include "common/log.h"

#include "coordinator/db/impl.h"
#include "coordinator/engine/types.h"

/* ------------------------------------------------------------------ locks */

/* Advisory locks share one space with whoever else uses the database: a tag in the upper bits. */
static const uint64_t session_tag = 0x5155410000000000u; /* "QUA" */
static const uint64_t worker_tag = 0x5155420000000000u;
static const uint64_t gate_tag = 0x5155440000000000u; /* sweep.c has the one between */

int64_t qr_lock_key_session(uint64_t session_pk)
{
    return (int64_t)(session_tag | (session_pk & 0xFFFFFFFFFFu));
}

/* FNV-1a; two workers with one key merely wait for each other.
 * Source: draft-eastlake-fnv, 64 bit. */
int64_t qr_lock_key_worker(const char *worker_id)
{
    uint64_t hash = 0xCBF29CE484222325u;

    for (const unsigned char *c = (const unsigned char *)worker_id; *c; c++)
        hash = (hash ^ *c) * 0x100000001B3u;
    return (int64_t)(worker_tag | (hash & 0xFFFFFFFFFFu));
}

int64_t qr_lock_key_gate(int64_t run_id)
{
    return (int64_t)(gate_tag | ((uint64_t)run_id & 0xFFFFFFFFFFu));
}

static int compare_i64(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a;
    int64_t y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

size_t qr_sort_unique(int64_t *keys, size_t n)
{
    size_t kept = 0;

    if (n > 1)
        qsort(keys, n, sizeof *keys, compare_i64);
    for (size_t i = 0; i < n; i++)
        if (kept == 0 || keys[kept - 1] != keys[i])
            keys[kept++] = keys[i];
    return kept;
}

int qr_lock_exclusive(struct qr_conn *conn, int64_t *keys, size_t n, struct qr_err *err)
{
    struct qr_array array;
    struct qr_params params;

    n = qr_sort_unique(keys, n);
    qr_array_init(&array, QR_OID_INT8);
    for (size_t i = 0; i < n; i++)
        qr_array_i64(&array, keys[i]);
    qr_params_init(&params);
    qr_param_array(&params, &array);
    int rc = qr_conn_run(conn, QR_SQL_lock_exclusive, &params, NULL, err);
    qr_array_done(&array);
    return rc;
}

/* ------------------------------------------------------------------ counters */

struct qr_stage_change *qr_stage_of(struct qr_stage_changes *changes, int64_t run_id)
{
    for (size_t i = 0; i < changes->n; i++)
        if (changes->list[i].run_id == run_id)
            return &changes->list[i];
    if (changes->n == changes->cap) {
        size_t cap = changes->cap ? changes->cap * 2 : 8;
        struct qr_stage_change *list = realloc(changes->list, cap * sizeof *list);
        if (!list)
            return NULL;
        changes->list = list;
        changes->cap = cap;
    }
    struct qr_stage_change *change = &changes->list[changes->n++];
    *change = (struct qr_stage_change){.run_id = run_id};
    return change;
}

static int compare_run(const void *a, const void *b)
{
    const struct qr_stage_change *x = a;
    const struct qr_stage_change *y = b;
    return x->run_id < y->run_id ? -1 : x->run_id > y->run_id;
}

/* Failures are weighed behind their counters; who retries dead letters has looked at them. */
static int weigh(struct qr_conn *conn, struct qr_stage_changes *changes,
                 const struct qr_stage_change *c, struct qr_err *err)
{
    struct qr_params params;
    QR_AUTO_RESULT row = NULL;

    qr_params_init(&params);
    qr_param_i64(&params, c->run_id);
    if (c->failed < 0)
        return qr_conn_run(conn, QR_SQL_run_judge, &params, NULL, err);
    qr_param_text(&params, "extract");
    qr_param_i64(&params, c->faults);
    int rc = qr_conn_run(conn, QR_SQL_run_fault, &params, &row, err);
    if (rc == QR_OK && PQntuples(row) > 0)
        changes->halts = c->run_id;
    return rc;
}

struct halt_txn {
    int64_t run_id;
    bool halted;
    char reason[300];
};

static int halt_body(struct qr_conn *conn, void *arg, struct qr_err *err)
{
    struct halt_txn *txn = arg;
    int64_t key = qr_lock_key_gate(txn->run_id);
    struct qr_params params;
    QR_AUTO_RESULT row = NULL;

    txn->halted = false;
    int rc = qr_lock_exclusive(conn, &key, 1, err);
    if (rc < 0)
        return rc;
    qr_params_init(&params);
    qr_param_i64(&params, txn->run_id);
    qr_param_text(&params, "extract");
    rc = qr_conn_run(conn, QR_SQL_run_halt, &params, &row, err);
    if (rc == QR_OK && PQntuples(row) > 0) {
        txn->halted = true;
        snprintf(txn->reason, sizeof txn->reason, "%s", qr_get_text(row, 0, 0));
    }
    return rc;
}

void qr_stage_halt(struct qr_db *db, struct qr_conn *conn, struct qr_stage_changes *changes)
{
    struct halt_txn txn = {.run_id = changes->halts};
    enum qr_db_status status;
    struct qr_err err = {0};

    changes->halts = 0;
    if (txn.run_id == 0)
        return;
    if (qr_transaction(conn, false, halt_body, &txn, &status, &err) < 0) {
        qr_log_err(QR_LOG_WARN, "run.halt", &err, "run=%lld", (long long)txn.run_id);
        return; /* the next failure comes to the same */
    }
    if (!txn.halted)
        return; /* somebody was first */
    atomic_fetch_add(&db->halted, 1);
    qr_log(QR_LOG_WARN, "run.halted", "run=%lld reason=\"%s\"", (long long)txn.run_id, txn.reason);
}

/* Jobs that were found; their stage has grown by them in the same change. */
static int count_found(struct qr_conn *conn, const struct qr_stage_change *c, struct qr_err *err)
{
    struct qr_params params;

    if (c->found == 0 && c->found_refused == 0)
        return QR_OK;
    qr_params_init(&params);
    qr_param_i64(&params, c->run_id);
    qr_param_i64(&params, c->found);
    qr_param_i64(&params, c->found_refused);
    return qr_conn_run(conn, QR_SQL_stage_found, &params, NULL, err);
}

int qr_stage_apply(struct qr_conn *conn, struct qr_stage_changes *changes, struct qr_err *err)
{
    int rc = QR_OK;

    changes->halts = 0;
    if (changes->n > 1)
        qsort(changes->list, changes->n, sizeof *changes->list, compare_run);
    for (size_t i = 0; i < changes->n && rc == QR_OK; i++) {
        const struct qr_stage_change *c = &changes->list[i];
        const int64_t values[] = {c->open,    c->total,       c->completed, c->failed,
                                  c->paused,  c->cancelled,   c->empty,     c->partial,
                                  c->retries, c->infra_losses};
        struct qr_params params;
        qr_params_init(&params);
        qr_param_i64(&params, c->run_id);
        qr_param_text(&params, "extract");
        for (size_t k = 0; k < QR_COUNT(values); k++)
            qr_param_i64(&params, values[k]);
        rc = count_found(conn, c, err);
        if (rc == QR_OK)
            rc = qr_conn_run(conn, QR_SQL_stage_change, &params, NULL, err);
        if (rc == QR_OK && (c->faults > 0 || c->failed < 0))
            rc = weigh(conn, changes, c, err);
    }
    return rc;
}

void qr_stage_done(struct qr_stage_changes *changes)
{
    free(changes->list);
    memset(changes, 0, sizeof *changes);
}

/* ------------------------------------------------------------------ release */

static int count_released(const PGresult *result, bool infra_loss, struct qr_stage_changes *changes,
                          uint64_t *ret_returned, uint64_t *types, struct qr_err *err)
{
    for (int i = 0; i < PQntuples(result); i++) {
        struct qr_stage_change *change = qr_stage_of(changes, qr_get_i64(result, i, 0));
        const char *status = qr_get_text(result, i, 1);
        int64_t count = qr_get_i64(result, i, 2);
        if (!change)
            return qr_fail(err, QR_E_NOMEM, "release: out of memory");
        if (strcmp(status, "cancelled") == 0) {
            change->cancelled += count;
            change->open -= count;
        } else if (strcmp(status, "paused") == 0) {
            change->paused += count;
        } else {
            *types |= (uint64_t)1 << (qr_type_intern(qr_get_text(result, i, 3)) % QR_TYPES_MAX);
        }
        if (infra_loss)
            change->infra_losses += count;
        *types |= qr_get_bool(result, i, 4); /* whoever waited for a place: any type */
        *ret_returned += (uint64_t)count;
    }
    return QR_OK;
}

static int compare_ref(const void *a, const void *b)
{
    const struct qr_lease_ref *x = a;
    const struct qr_lease_ref *y = b;
    return x->job_id < y->job_id ? -1 : x->job_id > y->job_id;
}

int qr_release_leases(struct qr_conn *conn, const struct qr_release *release,
                      struct qr_stage_changes *changes, uint64_t *ret_returned, uint64_t *types,
                      struct qr_err *err)
{
    struct qr_array leases;
    struct qr_array jobs;
    struct qr_params params;
    QR_AUTO_RESULT result = NULL;

    if (release->n == 0)
        return QR_OK;
    struct qr_lease_ref *sorted = calloc(release->n, sizeof *sorted); /* jobs are locked by id */
    if (!sorted)
        return qr_fail(err, QR_E_NOMEM, "release: out of memory");
    memcpy(sorted, release->leases, release->n * sizeof *sorted);
    qsort(sorted, release->n, sizeof *sorted, compare_ref);
    qr_array_init(&leases, QR_OID_INT8);
    qr_array_init(&jobs, QR_OID_INT8);
    for (size_t i = 0; i < release->n; i++) {
        qr_array_i64(&leases, (int64_t)sorted[i].lease_id);
        qr_array_i64(&jobs, (int64_t)sorted[i].job_id);
    }
    free(sorted);
    qr_params_init(&params);
    qr_param_array(&params, &leases);
    qr_param_array(&params, &jobs);
    qr_param_i64(&params, (int64_t)release->session_pk);
    qr_param_i32(&params, release->infra_loss);
    if (release->checkpoint)
        qr_param_bytes(&params, release->checkpoint, release->checkpoint_len);
    else
        qr_param_null(&params);
    qr_param_text(&params, release->event);
    qr_param_text(&params, release->detail);
    qr_param_i64(&params, release->delay_ms);
    int rc = qr_conn_run(conn, QR_SQL_release, &params, &result, err);
    qr_array_done(&leases);
    qr_array_done(&jobs);
    if (rc < 0)
        return rc;
    return count_released(result, release->infra_loss, changes, ret_returned, types, err);
}

void qr_announce_types(const struct qr_db *db, uint64_t types)
{
    if (db && types & 1)
        atomic_fetch_add(&((struct qr_db *)(uintptr_t)db)->freed, 1);
    for (int id = 0; id < QR_TYPES_MAX; id++)
        if (types >> id & 1)
            qr_db_announce(db, (qr_type_id)id);
}

/* ------------------------------------------------------------------ transactions */

static int attempt(struct qr_conn *conn, bool piped, qr_body_fn body, void *arg,
                   enum qr_db_status *ret_status, struct qr_err *err)
{
    int rc = piped ? QR_OK : qr_conn_begin(conn, err);

    if (rc == QR_OK)
        rc = body(conn, arg, err);
    if (rc == QR_OK && !piped)
        rc = qr_conn_commit(conn, err);
    if (rc == QR_OK)
        *ret_status = QR_DB_DONE;
    else
        *ret_status = qr_conn_is_unknown(conn) ? QR_DB_UNKNOWN : QR_DB_FAILED;
    qr_conn_rollback(conn);
    return rc;
}

int qr_transaction(struct qr_conn *conn, bool piped, qr_body_fn body, void *arg,
                   enum qr_db_status *ret_status, struct qr_err *err)
{
    int rc = QR_OK;

    *ret_status = QR_DB_FAILED;
    if (!conn)
        return qr_fail(err, QR_E_UNREACHABLE, "the database cannot be reached");
    for (int i = 0; i < 3; i++) {
        rc = attempt(conn, piped, body, arg, ret_status, err);
        if (rc == QR_OK || !qr_err_is_transient(err))
            break;
    }
    return rc;
}

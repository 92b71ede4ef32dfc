/* The maintenance lane: retries that come due, batches that are over, the mirror of long leases,
 * checkpoints. Everything here may wait. */
#include <stdlib.h>

#include "common/clock.h"
#include "common/log.h"
#include "coordinator/db/checkpoint.h"
#include "coordinator/db/claim_limit.h"
#include "coordinator/engine/types.h"

enum { EXPIRE_MAX = 1000, EXPIRE_GAP_MS = 3600000, EXPIRE_AGAIN_MS = 5000 };
enum { CLEAN_MAX = 1000, CLEAN_GAP_MS = 5000 };
enum { DUE_MAX = 5000, CLOSE_MAX = 200, CLOSE_AGE_S = 5, CLOSE_GAP_MS = 2000 };

enum maintain_kind { MAINTAIN_MIRROR, MAINTAIN_CHECKPOINT };

struct maintain_request {
    struct qr_item item;
    enum maintain_kind kind;
    /* MIRROR */
    size_t n;
    struct qr_mirror *rows;
    struct qr_checkpoint *checkpoint; /* CHECKPOINT */
};

/* ------------------------------------------------------------------ requests */

static void give_back(struct qr_db *db, struct qr_checkpoint *checkpoint, enum qr_db_status status)
{
    if (db->events.checkpointed)
        db->events.checkpointed(db->events.ctx, checkpoint, status);
    else
        qr_checkpoint_free(checkpoint);
}

/* Jobs are locked by id. */
static int compare_mirror(const void *a, const void *b)
{
    const struct qr_mirror *x = a;
    const struct qr_mirror *y = b;
    return x->job_id < y->job_id ? -1 : x->job_id > y->job_id;
}

void qr_db_mirror(struct qr_db *db, const struct qr_mirror *rows, size_t n)
{
    struct maintain_request *request = n > 0 ? calloc(1, sizeof *request) : NULL;

    if (!request)
        return;
    request->kind = MAINTAIN_MIRROR;
    request->n = n;
    request->rows = malloc(n * sizeof *rows);
    request->item.bytes = sizeof *request + n * sizeof *rows;
    if (!request->rows) {
        free(request);
        return;
    }
    memcpy(request->rows, rows, n * sizeof *rows);
    qsort(request->rows, n, sizeof *rows, compare_mirror);
    if (qr_lane_push(&db->lanes[QR_DB_STATS_maintain], &request->item))
        return;
    free(request->rows);
    free(request); /* fire and forget: the next mirror brings newer ones */
}

void qr_db_checkpoint(struct qr_db *db, struct qr_checkpoint *checkpoint)
{
    struct maintain_request *request = calloc(1, sizeof *request);

    if (request) {
        request->kind = MAINTAIN_CHECKPOINT;
        request->checkpoint = checkpoint;
        request->item.bytes = sizeof *request + checkpoint->data_len + checkpoint->part_len;
        if (qr_lane_push(&db->lanes[QR_DB_STATS_maintain], &request->item))
            return;
        free(request);
    }
    give_back(db, checkpoint, QR_DB_FAILED);
}

/* ------------------------------------------------------------------ mirror, checkpoint */

static int lock_shared(struct qr_db *db, struct qr_conn *conn, int64_t *keys, size_t n,
                       bool *ret_epoch_holds, struct qr_err *err)
{
    struct qr_array array;
    struct qr_params params;
    QR_AUTO_RESULT result = NULL;

    n = qr_sort_unique(keys, n);
    qr_array_init(&array, QR_OID_INT8);
    for (size_t i = 0; i < n; i++)
        qr_array_i64(&array, keys[i]);
    qr_params_init(&params);
    qr_param_array(&params, &array);
    qr_param_bytes(&params, db->epoch, QR_EPOCH_BYTES);
    int rc = qr_conn_run(conn, QR_SQL_lock_shared, &params, &result, err);
    *ret_epoch_holds = rc == QR_OK && qr_get_bool(result, 0, 0);
    qr_array_done(&array);
    return rc;
}

struct maintain_txn {
    struct qr_db *db;
    const struct maintain_request *request;
};

static int write_mirror(struct qr_conn *conn, const struct maintain_request *r, struct qr_err *err)
{
    struct qr_array columns[8];
    struct qr_params params;

    for (size_t c = 0; c < QR_COUNT(columns); c++)
        qr_array_init(&columns[c], c < 5 ? QR_OID_INT8 : QR_OID_INT4);
    for (size_t i = 0; i < r->n; i++) {
        const struct qr_mirror *row = &r->rows[i];
        qr_array_i64(&columns[0], (int64_t)row->lease_id);
        qr_array_i64(&columns[1], (int64_t)row->job_id);
        qr_array_i64(&columns[2], (int64_t)row->session_pk);
        qr_array_i64(&columns[3], (int64_t)row->age_ms);
        qr_array_i64(&columns[4], (int64_t)row->heard_ms);
        qr_array_i32(&columns[5], row->permille > 1000 ? 1000 : (int32_t)row->permille);
        qr_array_i32(&columns[6], row->done > INT32_MAX ? INT32_MAX : (int32_t)row->done);
        qr_array_i32(&columns[7], row->total > INT32_MAX ? INT32_MAX : (int32_t)row->total);
    }
    qr_params_init(&params);
    for (size_t c = 0; c < QR_COUNT(columns); c++)
        qr_param_array(&params, &columns[c]);
    int rc = qr_conn_run(conn, QR_SQL_mirror, &params, NULL, err);
    for (size_t c = 0; c < QR_COUNT(columns); c++)
        qr_array_done(&columns[c]);
    return rc;
}

static int maintain_body(struct qr_conn *conn, void *arg, struct qr_err *err)
{
    const struct maintain_txn *txn = arg;
    const struct maintain_request *r = txn->request;
    size_t n = r->kind == MAINTAIN_MIRROR ? r->n : 1;
    int64_t *keys = calloc(n, sizeof *keys);
    bool epoch_holds;

    if (!keys)
        return qr_fail(err, QR_E_NOMEM, "maintain: out of memory");
    for (size_t i = 0; i < n; i++)
        keys[i] = qr_lock_key_session(r->kind == MAINTAIN_MIRROR ? r->rows[i].session_pk
                                                                 : r->checkpoint->session_pk);
    int rc = lock_shared(txn->db, conn, keys, n, &epoch_holds, err);
    free(keys);
    if (rc < 0)
        return rc;
    if (r->kind == MAINTAIN_MIRROR)
        return epoch_holds ? write_mirror(conn, r, err) : QR_OK;
    r->checkpoint->stale = !epoch_holds;
    r->checkpoint->stands = 0;
    return epoch_holds ? qr_checkpoint_write(conn, r->checkpoint, err) : QR_OK;
}

void qr_maintain_run(void *ctx, struct qr_lane *lane, struct qr_conn *conn, struct qr_item *list,
                     size_t n)
{
    struct maintain_txn txn = {.db = ctx};

    (void)n;
    while (list) {
        struct maintain_request *request = (struct maintain_request *)(void *)list;
        struct qr_err err = {0};
        enum qr_db_status status = QR_DB_FAILED;
        list = list->next;
        txn.request = request;
        if (conn && !qr_conn_is_broken(conn) &&
            qr_transaction(conn, false, maintain_body, &txn, &status, &err) < 0) {
            atomic_fetch_add(&lane->failures, 1);
            qr_log_err(QR_LOG_WARN, "db.maintain", &err, "rows=%zu", request->n);
        }
        if (request->kind == MAINTAIN_CHECKPOINT)
            give_back(txn.db, request->checkpoint, status);
        free(request->rows);
        free(request);
    }
}

/* ------------------------------------------------------------------ by the clock */

static int move_due(struct qr_db *db, struct qr_conn *conn, struct qr_err *err)
{
    struct qr_params params;
    int64_t moved;

    qr_params_init(&params);
    qr_param_i32(&params, DUE_MAX);
    do {
        QR_AUTO_RESULT rows = NULL;
        int rc = qr_conn_run(conn, QR_SQL_delayed_due, &params, &rows, err);
        if (rc < 0)
            return rc;
        moved = 0;
        for (int i = 0; i < PQntuples(rows); i++) {
            qr_db_announce(db, qr_type_intern(qr_get_text(rows, i, 0)));
            moved += qr_get_i64(rows, i, 1);
        }
    } while (moved >= DUE_MAX);
    return QR_OK;
}

/* A walk over live_batches, a few at a time. */
static int close_batches(struct qr_db *db, struct qr_conn *conn, int64_t now, struct qr_err *err)
{
    struct qr_params params;
    QR_AUTO_RESULT row = NULL;

    if (now < db->next_close_ms)
        return QR_OK;
    qr_params_init(&params);
    qr_param_i64(&params, db->close_after_session);
    qr_param_i64(&params, db->close_after_lease);
    qr_param_i32(&params, CLOSE_MAX);
    qr_param_i32(&params, CLOSE_AGE_S);
    int64_t begin = qr_clock_ms();
    int rc = qr_conn_run(conn, QR_SQL_batches_close, &params, &row, err);
    int64_t took = qr_clock_ms() - begin;
    if (rc < 0)
        return rc;
    if (qr_get_i64(row, 0, 3) == CLOSE_MAX) { /* more behind these */
        db->close_after_session = qr_get_i64(row, 0, 0);
        db->close_after_lease = qr_get_i64(row, 0, 1);
    } else {
        db->close_after_session = 0;
        db->close_after_lease = 0;
        /* dead rows that a transaction held open keeps are walked over each time */
        db->next_close_ms = now + (took < CLOSE_GAP_MS / 20 ? CLOSE_GAP_MS : took * 20);
    }
    return QR_OK;
}

static int clean_control(struct qr_db *db, struct qr_conn *conn, int64_t now, struct qr_err *err)
{
    struct qr_params params;

    if (now < db->next_clean_ms)
        return QR_OK;
    db->next_clean_ms = now + CLEAN_GAP_MS;
    qr_params_init(&params);
    qr_param_i32(&params, CLEAN_MAX);
    return qr_conn_run(conn, QR_SQL_control_clean, &params, NULL, err);
}

/* What failed and cancelled jobs had finished is kept for a while, in case they are tried again. */
static int expire_parts(struct qr_db *db, struct qr_conn *conn, int64_t now, struct qr_err *err)
{
    struct qr_params params;
    QR_AUTO_RESULT row = NULL;

    if (now < db->next_expire_ms)
        return QR_OK;
    db->next_expire_ms = now + EXPIRE_GAP_MS;
    qr_params_init(&params);
    qr_param_i32(&params, QR_PARTS_KEEP_DAYS);
    qr_param_i32(&params, EXPIRE_MAX);
    int rc = qr_conn_run(conn, QR_SQL_parts_expire, &params, &row, err);
    if (rc == QR_OK && qr_get_i64(row, 0, 0) > 0) /* perhaps more */
        db->next_expire_ms = now + EXPIRE_AGAIN_MS;
    return rc;
}

void qr_maintain_tick(void *ctx, struct qr_lane *lane, struct qr_conn *conn)
{
    struct qr_db *db = ctx;
    struct qr_err err = {0};

    if (!conn)
        return;
    int rc = move_due(db, conn, &err);
    if (rc == QR_OK)
        rc = close_batches(db, conn, qr_clock_ms(), &err);
    if (rc == QR_OK)
        rc = clean_control(db, conn, qr_clock_ms(), &err);
    if (rc == QR_OK)
        rc = qr_sweep_tick(db, conn, &err);
    if (rc == QR_OK)
        rc = qr_budget_tick(db, conn, qr_clock_ms(), &err);
    if (rc == QR_OK)
        rc = qr_limit_sweep(db, conn, &err);
    if (rc == QR_OK)
        rc = expire_parts(db, conn, qr_clock_ms(), &err);
    if (rc < 0) {
        atomic_fetch_add(&lane->failures, 1);
        qr_log_err(QR_LOG_WARN, "db.maintain", &err, "lane=%s", lane->config.name);
    }
}

/* Settles: result and state in one transaction, many results in one (rule 1); 1 and 2 are in
 * settle_state.c and settle_fence.c, 3 in settle_write.c.
 *
 *   1  begin, locks on the sessions (exclusive where a job failed), the batch rows of the leases
 *   2  completions pass the fence and are written, one statement for those with nothing beside
 *      them, one for the others; failures are locked, the retry table decides, then they are
 *      written too; what the fence refused is DUPLICATE or STALE
 *   3  jobs that completed results found (settle_children.c), result rows, file status, audit,
 *      counters, commit
 *
 * A batch that fails on data is split until the bad result is alone: that one ends as REJECTED and
 * its job as a dead letter. So is one that takes longer than a statement may (settle_slow.c). After
 * an unknown COMMIT the whole batch is run again: what had committed answers DUPLICATE, which is
 * reported as COMMITTED.
 */
#include <stdio.h>
#include <stdlib.h>

#include "common/log.h"
#include "coordinator/db/claim_limit.h"
#include "coordinator/db/record.h"
#include "coordinator/db/settle.h"

enum { TIMEOUTS_MAX = 5 }; /* of one batch and its parts: the lane must not stand still for long */

/* ------------------------------------------------------------------ requests */

void qr_db_settle(struct qr_db *db, struct qr_settle *settle)
{
    struct settle_item *item = calloc(1, sizeof *item);

    if (item) {
        item->item.bytes =
            sizeof *item + settle->record_len + (settle->found ? settle->found->n_bytes : 0);
        item->settle = settle;
        if (qr_lane_push(&db->lanes[QR_DB_STATS_settle], &item->item))
            return;
        free(item);
    }
    db->events.settled(db->events.ctx, &settle, 1, QR_DB_FAILED);
}

/* ------------------------------------------------------------------ decoding */

static void reject(struct settle_item *item, enum qr_class class, const char *message)
{
    struct qr_settle *settle = item->settle;

    settle->reject_class = class;
    snprintf(settle->reject_message, sizeof settle->reject_message, "%s", message);
    item->rejected = true;
    qr_record_free(item->record);
    item->record = NULL;
}

static void decode(struct settle_item *item)
{
    struct qr_settle *settle = item->settle;
    enum qr_class class = QR_CLASS_NONE;
    char message[200];

    if (settle->error_class != QR_CLASS_NONE || settle->record_len == 0)
        return; /* a failure leaves no result rows */
    item->record =
        qr_record_decode(settle->record, settle->record_len, &class, message, sizeof message);
    if (message[0]) {
        reject(item, class, message);
        return;
    }
    item->parameters = qr_record_parameters_json(item->record);
    item->bom = qr_record_bom_json(item->record);
}

static void item_free(struct settle_item *item)
{
    qr_record_free(item->record);
    free(item->parameters);
    free(item->bom);
    free(item->children);
    free(item);
}

/* ------------------------------------------------------------------ the transaction */

static void reset(struct settle_txn *txn)
{
    txn->n_accepted = 0;
    txn->n_limited = 0;
    txn->freed = 0;
    txn->found_types = 0;
    qr_array_clear(&txn->limited);
    txn->changes.n = 0;
    txn->changes.halts = 0;
    qr_array_clear(&txn->sha256);
    qr_array_clear(&txn->cad_jobs);
    qr_array_clear(&txn->cad_status);
    qr_array_clear(&txn->closed_sessions);
    qr_array_clear(&txn->closed_batches);
    for (size_t i = 0; i < txn->n; i++) {
        txn->items[i]->accepted = false;
        txn->items[i]->has_parts = false;
        if (qr_settle_is_failure(txn->items[i])) { /* of its parts, read anew */
            qr_record_free(txn->items[i]->record);
            txn->items[i]->record = NULL;
        }
        txn->items[i]->duplicate = false;
    }
}

static int settle_body(struct qr_conn *conn, void *arg, struct qr_err *err)
{
    struct settle_txn *txn = arg;

    reset(txn);
    int rc = qr_settle_lock_sessions(conn, txn, err);
    if (rc == QR_OK && txn->epoch_holds)
        rc = qr_children_lock(conn, txn, err);
    if (rc == QR_OK && txn->epoch_holds)
        rc = qr_settle_complete(conn, txn, err);
    if (rc == QR_OK && txn->epoch_holds)
        rc = qr_settle_lock_failed(conn, txn, err);
    if (rc == QR_OK && txn->epoch_holds)
        rc = qr_settle_write_failed(conn, txn, err);
    if (rc == QR_OK)
        rc = qr_settle_parts(conn, txn, err);
    if (rc == QR_OK && txn->n_accepted < txn->n)
        rc = qr_settle_classify(conn, txn, err);
    if (rc == QR_OK)
        rc = qr_children_add(conn, txn, err);
    if (rc == QR_OK)
        rc = qr_settle_count(txn, err);
    return rc < 0 ? rc : qr_settle_finish(conn, txn, err);
}

static void columns_init(struct settle_txn *txn)
{
    static const enum qr_oid oids[SETTLE_COLUMNS] = {
        QR_OID_INT8, QR_OID_INT8, QR_OID_INT8, QR_OID_INT4, QR_OID_BOOL, QR_OID_TEXT,
        QR_OID_TEXT, QR_OID_TEXT, QR_OID_INT4, QR_OID_TEXT, QR_OID_INT8};
    for (int i = 0; i < SETTLE_COLUMNS; i++)
        qr_array_init(&txn->columns[i], oids[i]);
    qr_array_init(&txn->sha256, QR_OID_BYTEA);
    qr_array_init(&txn->cad_jobs, QR_OID_INT8);
    qr_array_init(&txn->cad_status, QR_OID_TEXT);
    qr_array_init(&txn->closed_sessions, QR_OID_INT8);
    qr_array_init(&txn->closed_batches, QR_OID_INT8);
    qr_array_init(&txn->limited, QR_OID_INT8);
    qr_results_init(&txn->results);
}

static void columns_done(struct settle_txn *txn)
{
    for (int i = 0; i < SETTLE_COLUMNS; i++)
        qr_array_done(&txn->columns[i]);
    qr_array_done(&txn->sha256);
    qr_array_done(&txn->cad_jobs);
    qr_array_done(&txn->cad_status);
    qr_array_done(&txn->closed_sessions);
    qr_array_done(&txn->closed_batches);
    qr_settle_batches_done(txn);
    qr_children_done(txn);
    qr_array_done(&txn->limited);
    qr_results_done(&txn->results);
    qr_stage_done(&txn->changes);
}

/* ------------------------------------------------------------------ answers */

static void set_answer(struct settle_item *item, bool again)
{
    struct qr_settle *s = item->settle;

    s->will_retry = false;
    if (item->accepted) {
        s->code = item->rejected ? QR_ACK_REJECTED : QR_ACK_COMMITTED;
        s->will_retry = s->error_class != QR_CLASS_NONE && strcmp(item->status, "pending") == 0;
    } else if (item->duplicate) {
        /* run again after an unknown COMMIT: it had happened, and this is its answer */
        s->code = !again ? QR_ACK_DUPLICATE : item->rejected ? QR_ACK_REJECTED : QR_ACK_COMMITTED;
    } else {
        s->code = QR_ACK_STALE;
    }
}

static void answer(struct qr_db *db, struct settle_item **items, size_t n, enum qr_db_status status,
                   bool again)
{
    struct qr_settle **settles = malloc(n * sizeof(struct qr_settle *));

    for (size_t i = 0; i < n; i++) {
        if (status == QR_DB_DONE)
            set_answer(items[i], again);
        if (settles)
            settles[i] = items[i]->settle;
        else
            db->events.settled(db->events.ctx, &items[i]->settle, 1, status);
        item_free(items[i]);
    }
    if (settles)
        db->events.settled(db->events.ctx, settles, n, status);
    free(settles);
}

static bool settle_some(struct qr_db *db, struct qr_lane *lane, struct qr_conn *conn,
                        struct settle_txn *txn, struct settle_item **items, size_t n);

/* The result that is alone, and that the database refuses: its job fails for it. */
static bool settle_rejected(struct qr_db *db, struct qr_lane *lane, struct qr_conn *conn,
                            struct settle_txn *txn, struct settle_item **items,
                            const struct qr_err *err)
{
    if (items[0]->rejected) { /* its failure cannot be stored either */
        atomic_fetch_add(&lane->failures, 1);
        qr_log_err(QR_LOG_ERROR, "db.settle", err, "job=%llu",
                   (unsigned long long)items[0]->settle->job_id);
        answer(db, items, 1, QR_DB_FAILED, false);
        return true;
    }
    reject(items[0],
           qr_err_is_data(err) && strncmp(err->sqlstate, "54", 2) != 0 ? QR_CLASS_INTERNAL
                                                                       : QR_CLASS_RESOURCE,
           err->msg);
    return settle_some(db, lane, conn, txn, items, 1);
}

/* The transaction; run again where nobody knows whether it was committed (rule 1). */
static int settle_once(struct qr_conn *conn, struct settle_txn *txn, enum qr_db_status *status,
                       bool *again, struct qr_err *err)
{
    int rc = qr_transaction(conn, true, settle_body, txn, status, err);

    *again = *status == QR_DB_UNKNOWN && qr_conn_reopen(conn, err) == QR_OK;
    if (!*again)
        return rc;
    rc = qr_transaction(conn, true, settle_body, txn, status, err);
    if (*status == QR_DB_FAILED)
        *status = QR_DB_UNKNOWN; /* of the first try nothing is known */
    return rc;
}

/* A batch, split as long as it fails on data, or takes longer than a statement may. False: the
 * database was asked often enough for now, what is left is sent again later. */
static bool settle_some(struct qr_db *db, struct qr_lane *lane, struct qr_conn *conn,
                        struct settle_txn *txn, struct settle_item **items, size_t n)
{
    enum qr_db_status status = QR_DB_FAILED;
    struct qr_err err = {0};
    bool again;

    txn->items = items;
    txn->n = n;
    int rc = settle_once(conn, txn, &status, &again, &err);
    bool slow = rc < 0 && status == QR_DB_FAILED && qr_err_is_slow(&err);
    bool split = rc < 0 && qr_err_is_data(&err);
    txn->timeouts += slow;
    if (slow)
        split = n > 1 ? txn->timeouts < TIMEOUTS_MAX : qr_settle_gives_up(db, items[0], &err);
    if (!split) {
        if (rc == QR_OK)
            qr_settle_stored(db, items, n);
        else
            atomic_fetch_add(&lane->failures, 1);
        if (rc < 0 && conn)
            qr_lane_say_failure(lane, "db.settle", n, &err);
        if (status == QR_DB_DONE)
            qr_limit_announce(db, txn->freed);
        if (status == QR_DB_DONE)
            qr_stage_halt(db, conn, &txn->changes);
        if (status == QR_DB_DONE && txn->found_types != 0)
            qr_announce_types(db, txn->found_types);
        answer(db, items, n, status, again);
        return txn->timeouts < TIMEOUTS_MAX;
    }
    if (n == 1)
        return settle_rejected(db, lane, conn, txn, items, &err);
    atomic_fetch_add(&lane->bisections, 1);
    size_t first = slow ? qr_settle_split(items, n) : n / 2;
    if (settle_some(db, lane, conn, txn, items, first))
        return settle_some(db, lane, conn, txn, items + first, n - first);
    answer(db, items + first, n - first, QR_DB_FAILED, false);
    return false;
}

/* What was too slow before goes last, one by one: the others do not pay for it. */
static void settle_all(struct qr_db *db, struct qr_lane *lane, struct qr_conn *conn,
                       struct settle_txn *txn, struct settle_item **items, size_t n)
{
    size_t n_slow = 0;

    for (size_t i = n; n > 1 && i-- > 0;)
        if (qr_settle_is_slow(db, items[i])) {
            struct settle_item *slow = items[i];
            for (size_t k = i; k + 1 < n - n_slow; k++)
                items[k] = items[k + 1];
            items[n - ++n_slow] = slow;
        }
    if (n > n_slow)
        (void)settle_some(db, lane, conn, txn, items, n - n_slow);
    for (size_t i = n - n_slow; i < n; i++)
        if (txn->timeouts < TIMEOUTS_MAX)
            (void)settle_some(db, lane, conn, txn, &items[i], 1);
        else
            answer(db, &items[i], 1, QR_DB_FAILED, false);
}

static int compare_job(const void *a, const void *b)
{
    const struct settle_item *x = *(struct settle_item *const *)a;
    const struct settle_item *y = *(struct settle_item *const *)b;
    if (x->settle->job_id != y->settle->job_id)
        return x->settle->job_id < y->settle->job_id ? -1 : 1;
    return x->settle->lease_id < y->settle->lease_id ? -1 : 1;
}

void qr_settle_run(void *ctx, struct qr_lane *lane, struct qr_conn *conn, struct qr_item *list,
                   size_t n)
{
    struct qr_db *db = ctx;
    struct settle_txn txn = {.db = db};
    struct settle_item *one[1];
    struct settle_item **items = n > 1 ? calloc(n, sizeof *items) : one;

    if (items)
        txn.order = calloc(n, sizeof(struct settle_item *));
    if (!items || !txn.order) {
        while (list) {
            struct settle_item *item = (struct settle_item *)(void *)list;
            list = list->next;
            answer(db, &item, 1, QR_DB_FAILED, false);
        }
    } else {
        for (size_t i = 0; i < n; i++, list = list->next) {
            items[i] = (struct settle_item *)(void *)list;
            if (conn)
                decode(items[i]);
        }
        if (n > 1)
            qsort(items, n, sizeof *items, compare_job);
        columns_init(&txn);
        settle_all(db, lane, conn, &txn, items, n);
        columns_done(&txn);
    }
    free(txn.order);
    if (items != one)
        free(items);
}

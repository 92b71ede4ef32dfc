/* Settles: result and state in one transaction, many results in one (rule 1).
 *
 *   1  begin, shared locks on the sessions
 *   2  completions pass the fence and are written in one statement; failures are locked, the retry
 *      table decides, then they are written too; what the fence refused is DUPLICATE or STALE
 *   3  result rows, file status, audit, counters, commit
 *
 * A batch that fails on data is split until the bad result is alone: that one ends as REJECTED and
 * its job as a dead letter. After an unknown COMMIT the whole batch is run again: what had
 * committed answers DUPLICATE, which is reported as COMMITTED.
 */
#include <stdio.h>
#include <stdlib.h>

#include "common/clock.h"
#include "common/log.h"
#include "coordinator/db/impl.h"
#include "coordinator/db/json.h"
#include "coordinator/db/record.h"
#include "coordinator/db/settle.h"

enum { MESSAGE_MAX = 2000 };

/* ------------------------------------------------------------------ requests */

void qr_db_settle(struct qr_db *db, struct qr_settle *settle)
{
    struct settle_item *item = calloc(1, sizeof *item);

    if (item) {
        item->item.bytes = sizeof *item + settle->record_len;
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
    free(item);
}

/* ------------------------------------------------------------------ 1, 2: state */

static bool is_failure(const struct settle_item *item)
{
    return item->rejected || item->settle->error_class != QR_CLASS_NONE;
}

static int lock_sessions(struct qr_conn *conn, struct settle_txn *txn, struct qr_err *err)
{
    struct qr_params params;
    PGresult *results[2] = {NULL};
    int64_t *keys = calloc(txn->n, sizeof *keys);

    if (!keys)
        return qr_fail(err, QR_E_NOMEM, "settle: out of memory");
    for (size_t i = 0; i < txn->n; i++)
        keys[i] = qr_lock_key_session(txn->items[i]->settle->session_pk);
    size_t n = qr_sort_unique(keys, txn->n);
    qr_array_clear(&txn->columns[0]);
    for (size_t i = 0; i < n; i++)
        qr_array_i64(&txn->columns[0], keys[i]);
    free(keys);
    qr_params_init(&params);
    qr_param_array(&params, &txn->columns[0]);
    qr_param_bytes(&params, txn->db->epoch, QR_EPOCH_BYTES);
    const struct qr_call calls[] = {{QR_SQL_begin, NULL}, {QR_SQL_lock_shared, &params}};
    int rc = qr_conn_pipeline(conn, calls, QR_COUNT(calls), results, err);
    txn->epoch_holds = rc == QR_OK && qr_get_bool(results[1], 0, 0);
    PQclear(results[0]);
    PQclear(results[1]);
    return rc;
}

static void accept(struct settle_txn *txn, struct settle_item *item, int64_t run_id,
                   int64_t file_id, const char *type)
{
    item->accepted = true;
    item->run_id = run_id;
    item->file_id = file_id;
    item->is_cad = strcmp(type, "creo") == 0 || strcmp(type, "cad") == 0;
    txn->n_accepted++;
}

static int complete(struct qr_conn *conn, struct settle_txn *txn, struct qr_err *err)
{
    struct qr_array *c = txn->columns;
    struct qr_params params;
    QR_AUTO_RESULT result = NULL;

    for (int i = 0; i < SETTLE_COLUMNS; i++)
        qr_array_clear(&c[i]);
    txn->n_order = 0;
    for (size_t i = 0; i < txn->n; i++) {
        struct settle_item *item = txn->items[i];
        const struct qr_settle *s = item->settle;
        const qr_record *r = item->record;
        if (is_failure(item))
            continue;
        txn->order[txn->n_order++] = item;
        qr_array_i64(&c[0], (int64_t)s->lease_id);
        qr_array_i64(&c[1], (int64_t)s->job_id);
        qr_array_i64(&c[2], (int64_t)s->session_pk);
        qr_array_i32(&c[3], s->duration_ms > INT32_MAX ? INT32_MAX : (int32_t)s->duration_ms);
        qr_array_bool(&c[4], r && r->partial);
        qr_array_text(&c[5], r && r->empty_reason[0] ? r->empty_reason : NULL);
        qr_array_text(&c[6], item->parameters);
        qr_array_text(&c[7], item->bom);
    }
    if (txn->n_order == 0)
        return QR_OK;
    qr_params_init(&params);
    for (int i = 0; i < 8; i++)
        qr_param_array(&params, &c[i]);
    int rc = qr_conn_run(conn, QR_SQL_settle_done, &params, &result, err);
    for (int i = 0; rc == QR_OK && i < PQntuples(result); i++)
        accept(txn, txn->order[qr_get_i64(result, i, 0) - 1], qr_get_i64(result, i, 1),
               qr_get_i64(result, i, 2), qr_get_text(result, i, 3));
    return rc;
}

/* What becomes of a failed job: to `item`. */
static void decide(struct settle_item *item, const PGresult *row, int i)
{
    const struct qr_settle *s = item->settle;
    const char *stop = qr_get_text(row, i, 7);
    enum qr_class class = item->rejected ? s->reject_class : s->error_class;
    int retries = qr_get_i32(row, i, 6);

    item->class = class;
    item->retry_count = retries;
    item->delay_ms = 0;
    item->status = "failed";
    if (!item->rejected &&
        qr_class_retry(class, retries, qr_get_bool(row, i, 8), s->lease_id, &item->delay_ms)) {
        item->retry_count = retries + 1;
        if (s->retry_after_ms > 0 && (int64_t)s->retry_after_ms > item->delay_ms)
            item->delay_ms = s->retry_after_ms > 86400000 ? 86400000 : (int64_t)s->retry_after_ms;
        item->status = strcmp(stop, "cancel") == 0  ? "cancelled"
                       : strcmp(stop, "pause") == 0 ? "paused"
                                                    : "pending";
    }
}

static int lock_failed(struct qr_conn *conn, struct settle_txn *txn, struct qr_err *err)
{
    struct qr_array *c = txn->columns;
    struct qr_params params;
    QR_AUTO_RESULT result = NULL;

    for (int i = 0; i < SETTLE_COLUMNS; i++)
        qr_array_clear(&c[i]);
    txn->n_order = 0;
    for (size_t i = 0; i < txn->n; i++) {
        struct settle_item *item = txn->items[i];
        if (!is_failure(item))
            continue;
        txn->order[txn->n_order++] = item;
        qr_array_i64(&c[0], (int64_t)item->settle->lease_id);
        qr_array_i64(&c[1], (int64_t)item->settle->job_id);
        qr_array_i64(&c[2], (int64_t)item->settle->session_pk);
    }
    if (txn->n_order == 0)
        return QR_OK;
    qr_params_init(&params);
    for (int i = 0; i < 3; i++)
        qr_param_array(&params, &c[i]);
    int rc = qr_conn_run(conn, QR_SQL_settle_lock, &params, &result, err);
    const struct settle_item *previous = NULL;
    for (int i = 0; rc == QR_OK && i < PQntuples(result); i++) {
        struct settle_item *item = txn->order[qr_get_i64(result, i, 0) - 1];
        if (previous && previous->settle->job_id == item->settle->job_id)
            continue; /* the same lease twice in one batch */
        previous = item;
        decide(item, result, i);
        accept(txn, item, qr_get_i64(result, i, 1), qr_get_i64(result, i, 2),
               qr_get_text(result, i, 3));
    }
    return rc;
}

static void failure_text(const struct settle_item *item, struct qr_buf *out)
{
    const struct qr_settle *s = item->settle;
    const char *text = item->rejected ? s->reject_message : s->message;

    qr_buf_init(out, (size_t)1 << 20);
    if (item->rejected)
        qr_buf_append_str(out, "the result could not be stored: ");
    qr_utf8_clean(out, text && text[0] ? text : "no reason given");
    if (out->len > MESSAGE_MAX) {
        size_t cut = MESSAGE_MAX;
        while (cut > 0 && (out->data[cut] & 0xC0) == 0x80)
            cut--;
        out->len = cut;
        out->data[cut] = '\0';
    }
}

static int write_failed(struct qr_conn *conn, struct settle_txn *txn, struct qr_err *err)
{
    struct qr_array *c = txn->columns;
    struct qr_params params;

    for (int i = 0; i < SETTLE_COLUMNS; i++)
        qr_array_clear(&c[i]);
    struct qr_array *status = &c[5];
    struct qr_array *class = &c[6];
    struct qr_array *message = &c[7];
    for (size_t i = 0; i < txn->n_order; i++) {
        const struct settle_item *item = txn->order[i];
        struct qr_buf text;
        if (!item->accepted)
            continue;
        qr_array_i64(&c[0], (int64_t)item->settle->lease_id);
        qr_array_i64(&c[1], (int64_t)item->settle->job_id);
        qr_array_text(status, item->status);
        qr_array_i32(&c[3], item->retry_count);
        qr_array_text(class, qr_class_text(item->class));
        failure_text(item, &text);
        qr_array_bytes(message, text.data ? (const void *)text.data : "", text.len);
        qr_buf_done(&text);
        qr_array_i64(&c[2], item->delay_ms);
        qr_array_i32(&c[8], item->settle->duration_ms > INT32_MAX
                                ? INT32_MAX
                                : (int32_t)item->settle->duration_ms);
    }
    if (c[0].n == 0)
        return QR_OK;
    qr_params_init(&params);
    qr_param_array(&params, &c[0]);
    qr_param_array(&params, &c[1]);
    qr_param_array(&params, status);
    qr_param_array(&params, &c[3]);
    qr_param_array(&params, class);
    qr_param_array(&params, message);
    qr_param_array(&params, &c[2]);
    qr_param_array(&params, &c[8]);
    return qr_conn_run(conn, QR_SQL_settle_failed, &params, NULL, err);
}

/* What the fence refused: committed before, or stale. */
static int classify(struct qr_conn *conn, struct settle_txn *txn, struct qr_err *err)
{
    struct qr_array *c = txn->columns;
    struct qr_params params;
    QR_AUTO_RESULT result = NULL;

    qr_array_clear(&c[0]);
    qr_array_clear(&c[1]);
    txn->n_order = 0;
    for (size_t i = 0; i < txn->n; i++) {
        if (txn->items[i]->accepted)
            continue;
        txn->order[txn->n_order++] = txn->items[i];
        qr_array_i64(&c[0], (int64_t)txn->items[i]->settle->lease_id);
        qr_array_i64(&c[1], (int64_t)txn->items[i]->settle->job_id);
    }
    qr_params_init(&params);
    qr_param_array(&params, &c[0]);
    qr_param_array(&params, &c[1]);
    int rc = qr_conn_run(conn, QR_SQL_settle_classify, &params, &result, err);
    for (int i = 0; rc == QR_OK && i < PQntuples(result); i++)
        txn->order[qr_get_i64(result, i, 0) - 1]->duplicate = qr_get_bool(result, i, 1);
    return rc;
}

/* ------------------------------------------------------------------ 3: what follows from it */

static int count_changes(struct settle_txn *txn, struct qr_err *err)
{
    for (size_t i = 0; i < txn->n; i++) {
        const struct settle_item *item = txn->items[i];
        if (!item->accepted)
            continue;
        struct qr_stage_change *change = qr_stage_of(&txn->changes, item->run_id);
        if (!change)
            return qr_fail(err, QR_E_NOMEM, "settle: out of memory");
        if (!is_failure(item)) {
            change->open--;
            change->completed++;
            change->empty += item->record && item->record->empty_reason[0];
            change->partial += item->record && item->record->partial;
        } else if (strcmp(item->status, "failed") == 0) {
            change->open--;
            change->failed++;
        } else if (strcmp(item->status, "cancelled") == 0) {
            change->open--;
            change->cancelled++;
        } else {
            change->retries++;
            change->paused += strcmp(item->status, "paused") == 0;
        }
    }
    return QR_OK;
}

static void file_status(const struct settle_item *item, struct qr_array *column)
{
    char text[160];
    bool failed = is_failure(item);

    snprintf(text, sizeof text, "{\"status\":\"%s\",\"run_id\":%lld,\"job_id\":%lld%s%s%s}",
             failed ? item->status : "completed", (long long)item->run_id,
             (long long)item->settle->job_id, failed ? ",\"error_class\":\"" : "",
             failed ? qr_class_text(item->class) : "", failed ? "\"" : "");
    qr_array_text(column, text);
}

/* Fills the columns of files, events and models. */
static void gather(struct settle_txn *txn)
{
    qr_results_clear(&txn->results);
    for (int i = 0; i < SETTLE_COLUMNS; i++)
        qr_array_clear(&txn->columns[i]);
    struct qr_array *c = txn->columns;
    int64_t run_id = 0;
    int32_t begin = 1;
    for (size_t i = 0; i < txn->n; i++) {
        struct settle_item *item = txn->items[i];
        if (!item->accepted)
            continue;
        qr_array_i64(&c[0], item->file_id);
        file_status(item, &c[5]);
        if (item->record && item->record->sha256.len > 0)
            qr_array_bytes(&txn->sha256, item->record->sha256.data, item->record->sha256.len);
        else
            qr_array_null(&txn->sha256);
        qr_array_text(&c[6],
                      item->record && item->record->type[0] && qr_utf8_is_valid(item->record->type)
                          ? item->record->type
                          : NULL);
        if (item->record)
            qr_results_add(&txn->results, (int64_t)item->settle->job_id, item->file_id,
                           item->run_id, item->record);
        if (item->is_cad) {
            qr_array_i64(&txn->cad_jobs, (int64_t)item->settle->job_id);
            qr_array_text(&txn->cad_status, is_failure(item) ? item->status : "completed");
        }
        if (is_failure(item))
            continue;
        /* slices of c[1], one event row each */
        if (c[1].n + 1 == begin || run_id != item->run_id ||
            c[1].n + 1 - begin >= QR_EVENT_IDS_MAX) {
            if (c[1].n + 1 > begin) {
                qr_array_i32(&c[8], c[1].n);
                begin = c[1].n + 1;
            }
            run_id = item->run_id;
            qr_array_i64(&c[2], run_id);
            qr_array_i32(&c[3], begin);
        }
        qr_array_i64(&c[1], (int64_t)item->settle->job_id);
    }
    if (c[3].n > c[8].n)
        qr_array_i32(&c[8], c[1].n);
}

static void stage_params(struct qr_params *params, const struct qr_stage_change *c)
{
    const int64_t values[] = {c->open,      c->total, c->completed, c->failed,  c->paused,
                              c->cancelled, c->empty, c->partial,   c->retries, c->infra_losses};
    qr_params_init(params);
    qr_param_i64(params, c->run_id);
    qr_param_text(params, "extract");
    for (size_t k = 0; k < QR_COUNT(values); k++)
        qr_param_i64(params, values[k]);
}

/* Everything left, and COMMIT, in one round trip. */
static int finish(struct qr_conn *conn, struct settle_txn *txn, struct qr_err *err)
{
    enum { EXTRA = QR_RESULT_TABLES + 5 };
    struct qr_array *c = txn->columns;
    struct qr_call calls[EXTRA];
    PGresult *results[EXTRA] = {NULL};
    struct qr_params files, events, stage, cad;
    size_t n = qr_results_calls(&txn->results, calls);

    if (c[0].n > 0) {
        qr_params_init(&files);
        qr_param_array(&files, &c[0]);
        qr_param_array(&files, &c[5]);
        qr_param_array(&files, &txn->sha256);
        qr_param_array(&files, &c[6]);
        calls[n++] = (struct qr_call){QR_SQL_settle_files, &files};
    }
    if (txn->cad_jobs.n > 0) {
        qr_params_init(&cad);
        qr_param_array(&cad, &txn->cad_jobs);
        qr_param_array(&cad, &txn->cad_status);
        calls[n++] = (struct qr_call){QR_SQL_settle_cad, &cad};
    }
    if (c[1].n > 0) {
        qr_params_init(&events);
        qr_param_text(&events, "completed");
        qr_param_array(&events, &c[2]);
        qr_param_array(&events, &c[3]);
        qr_param_array(&events, &c[8]);
        qr_param_array(&events, &c[1]);
        calls[n++] = (struct qr_call){QR_SQL_events_batch, &events};
    }
    if (txn->changes.n == 1) {
        stage_params(&stage, &txn->changes.list[0]);
        calls[n++] = (struct qr_call){QR_SQL_stage_change, &stage};
        calls[n++] = (struct qr_call){QR_SQL_commit, NULL};
    }
    int rc = n > 0 ? qr_conn_pipeline(conn, calls, n, results, err) : QR_OK;
    for (size_t i = 0; i < n; i++)
        PQclear(results[i]);
    if (rc < 0 || txn->changes.n == 1)
        return rc;
    rc = qr_stage_apply(conn, &txn->changes, err);
    return rc < 0 ? rc : qr_conn_commit(conn, err);
}

/* ------------------------------------------------------------------ the transaction */

static void reset(struct settle_txn *txn)
{
    txn->n_accepted = 0;
    txn->changes.n = 0;
    qr_array_clear(&txn->sha256);
    qr_array_clear(&txn->cad_jobs);
    qr_array_clear(&txn->cad_status);
    for (size_t i = 0; i < txn->n; i++) {
        txn->items[i]->accepted = false;
        txn->items[i]->duplicate = false;
    }
}

static int settle_body(struct qr_conn *conn, void *arg, struct qr_err *err)
{
    struct settle_txn *txn = arg;

    reset(txn);
    int rc = lock_sessions(conn, txn, err);
    if (rc == QR_OK && txn->epoch_holds)
        rc = complete(conn, txn, err);
    if (rc == QR_OK && txn->epoch_holds)
        rc = lock_failed(conn, txn, err);
    if (rc == QR_OK && txn->epoch_holds)
        rc = write_failed(conn, txn, err);
    if (rc == QR_OK && txn->n_accepted < txn->n)
        rc = classify(conn, txn, err);
    if (rc == QR_OK)
        rc = count_changes(txn, err);
    if (rc < 0)
        return rc;
    gather(txn);
    return finish(conn, txn, err);
}

static void columns_init(struct settle_txn *txn)
{
    static const enum qr_oid oids[SETTLE_COLUMNS] = {QR_OID_INT8, QR_OID_INT8, QR_OID_INT8,
                                                     QR_OID_INT4, QR_OID_BOOL, QR_OID_TEXT,
                                                     QR_OID_TEXT, QR_OID_TEXT, QR_OID_INT4};
    for (int i = 0; i < SETTLE_COLUMNS; i++)
        qr_array_init(&txn->columns[i], oids[i]);
    qr_array_init(&txn->sha256, QR_OID_BYTEA);
    qr_array_init(&txn->cad_jobs, QR_OID_INT8);
    qr_array_init(&txn->cad_status, QR_OID_TEXT);
    qr_results_init(&txn->results);
}

static void columns_done(struct settle_txn *txn)
{
    for (int i = 0; i < SETTLE_COLUMNS; i++)
        qr_array_done(&txn->columns[i]);
    qr_array_done(&txn->sha256);
    qr_array_done(&txn->cad_jobs);
    qr_array_done(&txn->cad_status);
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

/* A batch, split as long as it fails on data. */
static void settle_some(struct qr_db *db, struct qr_lane *lane, struct qr_conn *conn,
                        struct settle_txn *txn, struct settle_item **items, size_t n)
{
    enum qr_db_status status = QR_DB_FAILED;
    struct qr_err err = {0};
    bool again = false;

    txn->items = items;
    txn->n = n;
    int rc = qr_transaction(conn, true, settle_body, txn, &status, &err);
    if (status == QR_DB_UNKNOWN && qr_conn_reopen(conn, &err) == QR_OK) {
        again = true; /* the guard makes it safe: rule 1 */
        rc = qr_transaction(conn, true, settle_body, txn, &status, &err);
        if (status == QR_DB_FAILED)
            status = QR_DB_UNKNOWN; /* of the first try nothing is known */
    }
    if (rc == QR_OK || !qr_err_is_data(&err)) {
        if (rc < 0) {
            atomic_fetch_add(&lane->failures, 1);
            if (conn)
                qr_lane_say_failure(lane, "db.settle", n, &err);
        }
        answer(db, items, n, status, again);
        return;
    }
    if (n > 1) {
        atomic_fetch_add(&lane->bisections, 1);
        settle_some(db, lane, conn, txn, items, n / 2);
        settle_some(db, lane, conn, txn, items + n / 2, n - n / 2);
        return;
    }
    if (items[0]->rejected) { /* its failure cannot be stored either */
        atomic_fetch_add(&lane->failures, 1);
        qr_log_err(QR_LOG_ERROR, "db.settle", &err, "job=%llu",
                   (unsigned long long)items[0]->settle->job_id);
        answer(db, items, 1, QR_DB_FAILED, false);
        return;
    }
    reject(items[0], strncmp(err.sqlstate, "54", 2) == 0 ? QR_CLASS_RESOURCE : QR_CLASS_INTERNAL,
           err.msg);
    settle_some(db, lane, conn, txn, items, 1);
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
        settle_some(db, lane, conn, &txn, items, n);
        columns_done(&txn);
    }
    free(txn.order);
    if (items != one)
        free(items);
}

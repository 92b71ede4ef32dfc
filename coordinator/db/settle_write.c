/* What follows from the states of settled jobs (step 3 of settle.c): counters, file status, result
 * rows, audit, models, places under limits, batches that are over; and COMMIT. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "coordinator/db/claim_limit.h"
#include "coordinator/db/json.h"
#include "coordinator/db/settle.h"

int qr_settle_count(struct settle_txn *txn, struct qr_err *err)
{
    for (size_t i = 0; i < txn->n; i++) {
        const struct settle_item *item = txn->items[i];
        if (!item->accepted)
            continue;
        struct qr_stage_change *change = qr_stage_of(&txn->changes, item->run_id);
        if (!change)
            return qr_fail(err, QR_E_NOMEM, "settle: out of memory");
        if (!qr_settle_is_failure(item)) {
            change->open--;
            change->completed++;
            change->empty += item->record && item->record->empty_reason[0];
            change->partial += item->record && item->record->partial;
        } else if (strcmp(item->status, "failed") == 0) {
            change->open--;
            change->failed++;
            change->faults += !qr_class_policy(item->class)->own_fault;
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
    bool failed = qr_settle_is_failure(item);

    snprintf(text, sizeof text, "{\"status\":\"%s\",\"run_id\":%lld,\"job_id\":%lld%s%s%s}",
             failed ? item->status : "completed", (long long)item->run_id,
             (long long)item->settle->job_id, failed ? ",\"error_class\":\"" : "",
             failed ? qr_class_text(item->class) : "", failed ? "\"" : "");
    qr_array_text(column, text);
}

/* A result without a record (a no-op) says nothing about the file. */
static void file_columns(struct settle_txn *txn, const struct settle_item *item)
{
    struct qr_array *c = txn->columns;
    const qr_record *record = item->record;

    if (!record && !qr_settle_is_failure(item))
        return;
    qr_array_i64(&c[0], item->file_id);
    file_status(item, &c[5]);
    if (record && record->sha256.len > 0)
        qr_array_bytes(&txn->sha256, record->sha256.data, record->sha256.len);
    else
        qr_array_null(&txn->sha256);
    qr_array_text(&c[6], record && record->type[0] && qr_utf8_is_valid(record->type) ? record->type
                                                                                     : NULL);
}

static int compare_file(const void *a, const void *b)
{
    const struct settle_item *x = *(struct settle_item *const *)a;
    const struct settle_item *y = *(struct settle_item *const *)b;
    if (x->file_id != y->file_id)
        return x->file_id < y->file_id ? -1 : 1;
    return (x->settle->job_id > y->settle->job_id) - (x->settle->job_id < y->settle->job_id);
}

/* Files are locked by id. Their jobs have another order in every run, and two settles that went by
 * that would wait for each other. */
static void gather_files(struct settle_txn *txn)
{
    txn->n_order = 0;
    for (size_t i = 0; i < txn->n; i++)
        if (txn->items[i]->accepted)
            txn->order[txn->n_order++] = txn->items[i];
    if (txn->n_order > 1)
        qsort(txn->order, txn->n_order, sizeof(struct settle_item *), compare_file);
    for (size_t i = 0; i < txn->n_order; i++)
        file_columns(txn, txn->order[i]);
}

/* Fills the columns of files, events and models. */
static void gather(struct settle_txn *txn)
{
    qr_results_clear(&txn->results);
    for (int i = 0; i < SETTLE_COLUMNS; i++)
        qr_array_clear(&txn->columns[i]);
    gather_files(txn);
    struct qr_array *c = txn->columns;
    int64_t run_id = 0;
    int32_t begin = 1;
    for (size_t i = 0; i < txn->n; i++) {
        struct settle_item *item = txn->items[i];
        if (!item->accepted)
            continue;
        const char *status = qr_settle_is_failure(item) ? item->status : "completed";
        if (item->record)
            qr_results_add(&txn->results, (int64_t)item->settle->job_id, item->file_id,
                           item->run_id, status, item->record);
        if (item->is_cad && !(item->record && qr_record_has_model(item->record))) {
            qr_array_i64(&txn->cad_jobs, (int64_t)item->settle->job_id);
            qr_array_text(&txn->cad_status, status);
        }
        if (qr_settle_is_failure(item))
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

/* Places under limits, given back with the leases. */
static void gather_limited(struct settle_txn *txn, struct qr_params *params)
{
    for (size_t i = 0; i < txn->n; i++)
        if (txn->items[i]->accepted && txn->items[i]->limited)
            qr_array_i64(&txn->limited, (int64_t)txn->items[i]->settle->lease_id);
    qr_params_init(params);
    qr_param_array(params, &txn->limited);
}

/* Everything left, and COMMIT, in one round trip. */
int qr_settle_finish(struct qr_conn *conn, struct settle_txn *txn, struct qr_err *err)
{
    enum { EXTRA = QR_RESULT_TABLES + 7 };
    struct qr_array *c = txn->columns;
    struct qr_call calls[EXTRA];
    PGresult *results[EXTRA] = {NULL};
    struct qr_params files, events, stage, cad, closed, limited;

    gather(txn);
    int rc = qr_results_send_full(conn, &txn->results, err);
    if (rc < 0)
        return rc;
    size_t n = qr_results_calls(&txn->results, calls);
    size_t freed = n;

    if (txn->n_limited > 0) {
        gather_limited(txn, &limited);
        calls[n++] = (struct qr_call){QR_SQL_limit_release, &limited};
    }
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
    if (txn->closed_batches.n > 0) {
        qr_params_init(&closed);
        qr_param_array(&closed, &txn->closed_sessions);
        qr_param_array(&closed, &txn->closed_batches);
        calls[n++] = (struct qr_call){QR_SQL_settle_close, &closed};
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
    const struct qr_stage_change *change = txn->changes.list;
    bool plain = txn->changes.n == 1 && change->faults == 0 && change->found == 0 &&
                 change->found_refused == 0;
    if (plain) {
        stage_params(&stage, change);
        calls[n++] = (struct qr_call){QR_SQL_stage_change, &stage};
        calls[n++] = (struct qr_call){QR_SQL_commit, NULL};
    }
    if (n > 0)
        rc = qr_conn_pipeline(conn, calls, n, results, err);
    if (rc == QR_OK && txn->n_limited > 0)
        txn->freed |= qr_limit_freed(results[freed]);
    for (size_t i = 0; i < n; i++)
        PQclear(results[i]);
    if (rc < 0 || plain)
        return rc;
    rc = qr_stage_apply(conn, &txn->changes, err);
    return rc < 0 ? rc : qr_conn_commit(conn, err);
}

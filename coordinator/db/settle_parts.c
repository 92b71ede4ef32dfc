/* What becomes of the parts of settled jobs (step 2 of settle.c). Only jobs that ran long have any:
 * for all others nothing here runs.
 *
 *   completed           the result has all of it: they go, and rows of an earlier partial result
 * too failed for good     what they hold becomes result rows, marked partial, where that is sound:
 * the job ran out of time or memory, or crashed on a later page. They stay, for a retry of the dead
 * letter to be tried again   they stay, and the next attempt goes on there; but a crash of an
 * attempt that went no further than they lead may come from them: the next one begins anew
 */
#include "coordinator/db/checkpoint.h"
#include "coordinator/db/json.h"
#include "coordinator/db/settle.h"

enum list { DONE, VOID, PARTIAL, LISTS };

static bool is_sound(enum qr_class class)
{
    return class == QR_CLASS_TIMEOUT || class == QR_CLASS_RESOURCE || class == QR_CLASS_CRASH ||
           class == QR_CLASS_INTERNAL;
}

static bool is_blamed_on_parts(const struct settle_item *item)
{
    return !item->brought_part &&
           (item->class == QR_CLASS_CRASH || item->class == QR_CLASS_INTERNAL);
}

/* The finished part of a job that has failed for good. */
static int load(struct qr_conn *conn, struct settle_item *item, struct qr_err *err)
{
    char why[300];

    snprintf(why, sizeof why, "only what was finished before the job failed: %.200s",
             item->settle->message ? item->settle->message : qr_class_text(item->class));
    struct qr_buf clean;
    qr_buf_init(&clean, sizeof why * 3);
    qr_utf8_clean(&clean, why);
    int rc = qr_parts_record(conn, (int64_t)item->settle->job_id,
                             clean.data ? (const char *)clean.data : "", &item->record, err);
    qr_buf_done(&clean);
    return rc;
}

static int sort_out(struct qr_conn *conn, struct settle_txn *txn, struct qr_array *lists,
                    struct qr_err *err)
{
    int rc = QR_OK;

    for (size_t i = 0; rc == QR_OK && i < txn->n; i++) {
        struct settle_item *item = txn->items[i];
        int64_t job_id = (int64_t)item->settle->job_id;
        if (!item->accepted || !item->has_parts)
            continue;
        if (!qr_settle_is_failure(item)) {
            qr_array_i64(&lists[DONE], job_id);
        } else if (strcmp(item->status, "failed") == 0) {
            if (!item->rejected && is_sound(item->class))
                rc = load(conn, item, err);
            if (item->record)
                qr_array_i64(&lists[PARTIAL], job_id);
        } else if (is_blamed_on_parts(item)) {
            qr_array_i64(&lists[VOID], job_id);
        }
    }
    return rc;
}

static int run_list(struct qr_conn *conn, enum qr_sql sql, struct qr_array *jobs,
                    struct qr_err *err)
{
    struct qr_params params;

    qr_params_init(&params);
    qr_param_array(&params, jobs);
    return qr_conn_run(conn, sql, &params, NULL, err);
}

int qr_settle_parts(struct qr_conn *conn, struct settle_txn *txn, struct qr_err *err)
{
    struct qr_array lists[LISTS];
    bool any = false;
    int rc;

    for (size_t i = 0; i < txn->n; i++)
        any = any || (txn->items[i]->accepted && txn->items[i]->has_parts);
    if (!any)
        return QR_OK;
    for (int i = 0; i < LISTS; i++)
        qr_array_init(&lists[i], QR_OID_INT8);
    rc = sort_out(conn, txn, lists, err);
    if (rc == QR_OK && lists[DONE].n > 0)
        rc = run_list(conn, QR_SQL_results_clear, &lists[DONE], err);
    if (rc == QR_OK && lists[DONE].n > 0)
        rc = qr_parts_drop(conn, &lists[DONE], true, err);
    if (rc == QR_OK && lists[PARTIAL].n > 0)
        rc = run_list(conn, QR_SQL_results_clear, &lists[PARTIAL], err);
    if (rc == QR_OK && lists[PARTIAL].n > 0)
        rc = run_list(conn, QR_SQL_parts_partial, &lists[PARTIAL], err);
    if (rc == QR_OK && lists[VOID].n > 0)
        rc = qr_parts_drop(conn, &lists[VOID], false, err);
    for (int i = 0; i < LISTS; i++)
        qr_array_done(&lists[i]);
    return rc;
}

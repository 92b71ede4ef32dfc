/* Learned budgets: what this coordinator has seen is merged into the table that all share, and read
 * back (coordinator/engine/budget.h). Every few seconds, on the maintenance lane. */
#include <stdlib.h>

#include "common/clock.h"
#include "common/log.h"
#include "coordinator/db/impl.h"
#include "coordinator/engine/budget.h"
#include "coordinator/engine/types.h"

enum { MERGE_MS = 3000, MERGE_MAX = 32 };

static int merge(struct qr_conn *conn, const struct qr_budget_delta *deltas, size_t n,
                 struct qr_err *err)
{
    struct qr_array types, sizes, buckets;
    struct qr_params params;

    qr_array_init(&types, QR_OID_TEXT);
    qr_array_init(&sizes, QR_OID_INT2);
    qr_array_init(&buckets, QR_OID_INT8);
    for (size_t i = 0; i < n; i++) {
        qr_array_text(&types, qr_type_name(deltas[i].type));
        qr_array_i16(&sizes, (int16_t)deltas[i].size_class);
        for (size_t k = 0; k < QR_BUDGET_BUCKETS; k++)
            qr_array_i64(&buckets, (int64_t)deltas[i].buckets[k]);
    }
    qr_params_init(&params);
    qr_param_array(&params, &types);
    qr_param_array(&params, &sizes);
    qr_param_array(&params, &buckets);
    qr_param_i32(&params, QR_BUDGET_BUCKETS);
    qr_param_i64(&params, QR_BUDGET_SAMPLES_MAX);
    int rc = qr_conn_run(conn, QR_SQL_budget_merge, &params, NULL, err);
    qr_array_done(&types);
    qr_array_done(&sizes);
    qr_array_done(&buckets);
    return rc;
}

static int merge_all(struct qr_budgets *budgets, struct qr_conn *conn, struct qr_err *err)
{
    struct qr_budget_delta *deltas = calloc(MERGE_MAX, sizeof *deltas);
    size_t n = MERGE_MAX;
    int rc = deltas ? QR_OK : qr_fail(err, QR_E_NOMEM, "budgets: out of memory");

    while (rc == QR_OK && n == MERGE_MAX) {
        n = qr_budgets_take(budgets, deltas, MERGE_MAX);
        rc = n > 0 ? merge(conn, deltas, n, err) : QR_OK;
        if (rc < 0) /* counted twice, where it was stored after all: no harm */
            qr_budgets_put_back(budgets, deltas, n);
    }
    free(deltas);
    return rc;
}

static void read_row(const PGresult *rows, int i, struct qr_budget_row *row)
{
    const char *text = qr_get_text(rows, i, 5);

    *row = (struct qr_budget_row){
        .type = qr_type_intern(qr_get_text(rows, i, 0)),
        .size_class = qr_get_i32(rows, i, 1),
        .seen = (uint64_t)qr_get_i64(rows, i, 2),
        .budget_ms = (uint64_t)qr_get_i64(rows, i, 3),
        .changed_ms = qr_get_i64(rows, i, 4),
    };
    for (size_t k = 0; k < QR_BUDGET_BUCKETS && *text; k++) {
        char *end = NULL;
        row->buckets[k] = strtoull(text, &end, 10);
        text = *end == ',' ? end + 1 : end;
    }
}

static int change(struct qr_conn *conn, const struct qr_budget_row *row, uint64_t budget_ms,
                  uint64_t p99_ms, struct qr_err *err)
{
    struct qr_params params;
    QR_AUTO_RESULT changed = NULL;

    qr_params_init(&params);
    qr_param_text(&params, qr_type_name(row->type));
    qr_param_i32(&params, row->size_class);
    qr_param_i64(&params, (int64_t)row->budget_ms);
    qr_param_i64(&params, (int64_t)budget_ms);
    qr_param_i64(&params, (int64_t)p99_ms);
    int rc = qr_conn_run(conn, QR_SQL_budget_change, &params, &changed, err);
    if (rc == QR_OK && PQntuples(changed) > 0)
        qr_log(QR_LOG_INFO, "budget.changed",
               "type=%s size=\"%s\" from_ms=%llu to_ms=%llu p99_ms=%llu jobs=%llu",
               qr_type_name(row->type), qr_budget_size_text(row->size_class),
               (unsigned long long)row->budget_ms, (unsigned long long)budget_ms,
               (unsigned long long)p99_ms, (unsigned long long)row->seen);
    return rc;
}

static int load(struct qr_budgets *budgets, struct qr_conn *conn, struct qr_err *err)
{
    QR_AUTO_RESULT rows = NULL;
    int rc = qr_conn_run(conn, QR_SQL_budget_load, NULL, &rows, err);

    for (int i = 0; rc == QR_OK && i < PQntuples(rows); i++) {
        struct qr_budget_row row;
        uint64_t budget_ms, p99_ms;
        read_row(rows, i, &row);
        if (row.type != 0 && qr_budgets_set(budgets, &row, &budget_ms, &p99_ms)) {
            rc = change(conn, &row, budget_ms, p99_ms, err);
            row.budget_ms = budget_ms;
            if (rc == QR_OK)
                (void)qr_budgets_set(budgets, &row, &budget_ms, &p99_ms);
        }
    }
    return rc;
}

int qr_budget_tick(struct qr_db *db, struct qr_conn *conn, int64_t now_ms, struct qr_err *err)
{
    if (!db->config.budgets || now_ms < db->next_budget_ms)
        return QR_OK;
    db->next_budget_ms = now_ms + MERGE_MS;
    int rc = merge_all(db->config.budgets, conn, err);
    return rc < 0 ? rc : load(db->config.budgets, conn, err);
}

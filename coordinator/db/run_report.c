/* The jobs of a run by type, state, class and reason, counted for GetRun. */
#include <stdlib.h>

#include "coordinator/db/impl.h"
#include "coordinator/db/message.h"
#include "coordinator/db/run_stage.h"

/* protobuf-c gives each map its own entry type of one shape. */
#define ADD_COUNT(list, n, type, init_fn, name, amount, ok)              \
    do {                                                                 \
        size_t at_ = 0;                                                  \
        while (at_ < (n) && strcmp((list)[at_]->key, (name)) != 0)       \
            at_++;                                                       \
        if (at_ == (n)) {                                                \
            type **grown_ = realloc((list), ((n) + 1) * sizeof *grown_); \
            type *entry_ = malloc(sizeof *entry_);                       \
            if (grown_)                                                  \
                (list) = grown_;                                         \
            if (!grown_ || !entry_) {                                    \
                free(entry_);                                            \
                ok = false;                                              \
                break;                                                   \
            }                                                            \
            init_fn(entry_);                                             \
            (list)[(n)++] = entry_;                                      \
            ok = qr_message_set(&entry_->key, (name));                   \
        }                                                                \
        (list)[at_]->value += (amount);                                  \
    } while (0)

static Quarry__V1__TypeReport *report_of(Quarry__V1__Run *run, const char *type)
{
    for (size_t i = 0; i < run->n_types; i++)
        if (strcmp(run->types[i]->type, type) == 0)
            return run->types[i];
    Quarry__V1__TypeReport **types = realloc(run->types, (run->n_types + 1) * sizeof *types);
    if (!types)
        return NULL;
    run->types = types;
    Quarry__V1__TypeReport *report = malloc(sizeof *report);
    if (!report)
        return NULL;
    quarry__v1__type_report__init(report);
    run->types[run->n_types++] = report;
    return qr_message_set(&report->type, type) ? report : NULL;
}

static bool count_row(Quarry__V1__Run *run, const PGresult *rows, int i)
{
    const char *status = qr_get_text(rows, i, 1);
    const char *class = qr_get_text(rows, i, 2);
    const char *reason = qr_get_text(rows, i, 3);
    uint64_t n = (uint64_t)qr_get_i64(rows, i, 5);
    Quarry__V1__TypeReport *report = report_of(run, qr_get_text(rows, i, 0));
    bool ok = true;

    if (!report)
        return false;
    report->total += n;
    if (strcmp(status, "completed") == 0) {
        report->completed += n;
        report->partial += qr_get_bool(rows, i, 4) ? n : 0;
        if (reason[0]) {
            report->empty += n;
            ADD_COUNT(report->empty_by_reason, report->n_empty_by_reason,
                      Quarry__V1__TypeReport__EmptyByReasonEntry,
                      quarry__v1__type_report__empty_by_reason_entry__init, reason, n, ok);
        }
    } else if (strcmp(status, "failed") == 0) {
        report->failed += n;
        ADD_COUNT(report->failed_by_class, report->n_failed_by_class,
                  Quarry__V1__TypeReport__FailedByClassEntry,
                  quarry__v1__type_report__failed_by_class_entry__init, class, n, ok);
    } else if (strcmp(status, "pending") == 0) {
        report->pending += n;
    } else if (strcmp(status, "processing") == 0) {
        report->processing += n;
    } else {
        report->other += n;
    }
    return ok;
}

int qr_run_fill_report(struct qr_conn *conn, Quarry__V1__Run *run, struct qr_err *err)
{
    struct qr_params params;
    QR_AUTO_RESULT rows = NULL;

    qr_params_init(&params);
    qr_param_i64(&params, run->id);
    int rc = qr_conn_run(conn, QR_SQL_run_report, &params, &rows, err);
    for (int i = 0; rc == QR_OK && i < PQntuples(rows); i++)
        if (!count_row(run, rows, i))
            rc = qr_fail(err, QR_E_NOMEM, "run: out of memory");
    return rc;
}

/* The stages of a run and its stored report, as people see them. */
#include <stdlib.h>

#include "coordinator/db/impl.h"
#include "coordinator/db/message.h"
#include "coordinator/db/run_stage.h"

static const char *const names[] = {"discover", "extract", "link", "index", "report"};

static Quarry__V1__RunStage *add(Quarry__V1__Run *run, const char *name, const char *status)
{
    Quarry__V1__RunStage *stage = malloc(sizeof *stage);

    if (!stage)
        return NULL;
    quarry__v1__run_stage__init(stage);
    run->stages[run->n_stages++] = stage;
    return qr_message_set(&stage->name, name) && qr_message_set(&stage->status, status) ? stage
                                                                                        : NULL;
}

static bool add_row(Quarry__V1__Run *run, const PGresult *rows, int i)
{
    bool failed = qr_get_i64(rows, i, 4) > 0 && i > 0; /* of extract: files, which is no failure */
    bool closed = qr_get_bool(rows, i, 7);
    const char *status = closed                              ? (failed ? "failed" : "done")
                         : i == 0 || qr_get_bool(rows, i, 8) ? "running"
                                                             : "waiting";
    Quarry__V1__RunStage *stage = add(run, qr_get_text(rows, i, 0), status);

    if (!stage)
        return false;
    stage->open = (uint64_t)qr_get_i64(rows, i, 1);
    stage->total = (uint64_t)qr_get_i64(rows, i, 2);
    stage->failed = (uint64_t)qr_get_i64(rows, i, 4);
    stage->epoch = (uint32_t)qr_get_i32(rows, i, 6);
    return qr_message_set(&stage->last_error, qr_get_text(rows, i, 9));
}

static bool fill(Quarry__V1__Run *run, const PGresult *rows)
{
    int n = PQntuples(rows);

    run->stages = calloc(QR_COUNT(names) + 1, sizeof(Quarry__V1__RunStage *));
    if (!run->stages)
        return false;
    Quarry__V1__RunStage *discover = add(run, names[0], run->listing ? "running" : "done");
    if (!discover)
        return false;
    discover->epoch = 1;
    discover->total = 1;
    discover->open = run->listing ? 1 : 0;
    if (!qr_message_set(&discover->last_error, run->discover_error))
        return false;
    for (int i = 0; i < n && run->n_stages < QR_COUNT(names); i++)
        if (!add_row(run, rows, i))
            return false;
    while (run->n_stages < QR_COUNT(names))
        if (!add(run, names[run->n_stages], "waiting"))
            return false;
    return true;
}

int qr_run_fill_stages(struct qr_conn *conn, Quarry__V1__Run *run, struct qr_err *err)
{
    QR_AUTO_RESULT rows = NULL;
    QR_AUTO_RESULT report = NULL;
    struct qr_params params;

    qr_params_init(&params);
    qr_param_i64(&params, run->id);
    int rc = qr_conn_run(conn, QR_SQL_stage_show, &params, &rows, err);
    if (rc == QR_OK)
        rc = qr_conn_run(conn, QR_SQL_stage_report_get, &params, &report, err);
    if (rc < 0)
        return rc;
    bool ok = fill(run, rows);
    if (ok && PQntuples(report) > 0)
        ok = qr_message_set(&run->report, qr_get_text(report, 0, 0));
    return ok ? QR_OK : qr_fail(err, QR_E_NOMEM, "run: out of memory");
}

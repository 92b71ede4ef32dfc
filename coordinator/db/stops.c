/* What people have stopped, read whole and passed on to the engine (rule 10). The control table
 * says only which jobs to look at; the column stop_requested and the run's gate are what counts. */
#include <stdlib.h>

#include "coordinator/db/impl.h"

enum { JOBS_MAX = 10000, RUNS_MAX = 10000, DRAINS_MAX = 10000 };

static enum qr_stop_reason reason_of(const PGresult *rows, int i)
{
    return qr_get_bool(rows, i, 1) ? QR_STOP_CANCEL : QR_STOP_PAUSE;
}

static int tell(struct qr_db *db, PGresult *const *results, struct qr_err *err)
{
    size_t n_jobs = (size_t)PQntuples(results[0]);
    size_t n_runs = (size_t)PQntuples(results[1]);
    size_t n_drains = (size_t)PQntuples(results[2]);
    struct qr_job_stop *jobs = calloc(n_jobs + 1, sizeof *jobs);
    struct qr_run_stop *runs = calloc(n_runs + 1, sizeof *runs);
    struct qr_session_drain *drains = calloc(n_drains + 1, sizeof *drains);
    int rc = QR_OK;

    if (jobs && runs && drains) {
        for (int i = 0; i < (int)n_jobs; i++)
            jobs[i] = (struct qr_job_stop){(uint64_t)qr_get_i64(results[0], i, 0),
                                           reason_of(results[0], i)};
        for (int i = 0; i < (int)n_runs; i++)
            runs[i] = (struct qr_run_stop){(uint64_t)qr_get_i64(results[1], i, 0),
                                           reason_of(results[1], i)};
        for (int i = 0; i < (int)n_drains; i++)
            drains[i] = (struct qr_session_drain){(uint64_t)qr_get_i64(results[2], i, 0),
                                                  (uint32_t)qr_get_i32(results[2], i, 1)};
        const struct qr_stops stops = {jobs, n_jobs, runs, n_runs, drains, n_drains};
        if (db->events.stops)
            db->events.stops(db->events.ctx, &stops);
    } else {
        rc = qr_fail(err, QR_E_NOMEM, "stops: out of memory");
    }
    free(jobs);
    free(runs);
    free(drains);
    return rc;
}

int qr_stops_poll(struct qr_db *db, struct qr_conn *conn, struct qr_err *err)
{
    struct qr_params jobs, runs, drains;
    PGresult *results[3] = {NULL};

    qr_params_init(&jobs);
    qr_param_i32(&jobs, JOBS_MAX);
    qr_params_init(&runs);
    qr_param_i32(&runs, RUNS_MAX);
    qr_params_init(&drains);
    qr_param_i64(&drains, (int64_t)atomic_load(&db->coordinator_id));
    qr_param_i32(&drains, DRAINS_MAX);
    const struct qr_call calls[] = {{QR_SQL_control_stops_jobs, &jobs},
                                    {QR_SQL_control_stops_runs, &runs},
                                    {QR_SQL_control_stops_drains, &drains}};
    int rc = qr_conn_pipeline(conn, calls, QR_COUNT(calls), results, err);
    if (rc == QR_OK)
        rc = tell(db, results, err);
    for (size_t i = 0; i < QR_COUNT(results); i++)
        PQclear(results[i]);
    return rc;
}

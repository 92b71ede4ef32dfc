#include "coordinator/db/monitor.h"

#include <stdlib.h>

#include "coordinator/db/impl.h"
#include "coordinator/db/message.h"
#include "coordinator/db/run.h"

typedef Quarry__V1__MonitorReply reply_t;

static int no_memory(struct qr_err *err)
{
    return qr_fail(err, QR_E_NOMEM, "monitor: out of memory");
}

static int ask(struct qr_conn *conn, enum qr_sql sql, PGresult **ret, struct qr_err *err)
{
    struct qr_params params;

    qr_params_init(&params);
    return qr_conn_run(conn, sql, &params, ret, err);
}

/* ------------------------------------------------------------------ jobs and runs */

static int fill_jobs(struct qr_conn *conn, reply_t *reply, struct qr_err *err)
{
    struct qr_run_totals totals;
    int rc = qr_run_get_totals(conn, &totals, err);

    if (rc < 0)
        return rc;
    reply->jobs = malloc(sizeof *reply->jobs);
    if (!reply->jobs)
        return no_memory(err);
    quarry__v1__job_totals__init(reply->jobs);
    reply->jobs->pending = totals.pending;
    reply->jobs->processing = totals.processing;
    reply->jobs->completed = totals.completed;
    reply->jobs->failed = totals.failed;
    reply->jobs->paused = totals.paused;
    reply->jobs->cancelled = totals.cancelled;
    reply->jobs->empty = totals.empty;
    reply->runs_active = totals.runs_active;
    return QR_OK;
}

static int fill_runs(struct qr_conn *conn, int64_t run_id, reply_t *reply, struct qr_err *err)
{
    if (run_id == 0) {
        Quarry__V1__ListRunsRequest request = QUARRY__V1__LIST_RUNS_REQUEST__INIT;
        Quarry__V1__ListRunsReply *list = NULL;
        request.limit = QR_MONITOR_RUNS_MAX;
        request.active = true;
        int rc = qr_run_list(conn, &request, &list, err);
        if (rc < 0)
            return rc;
        reply->runs = list->runs; /* they go with it */
        reply->n_runs = list->n_runs;
        list->runs = NULL;
        list->n_runs = 0;
        quarry__v1__list_runs_reply__free_unpacked(list, NULL);
        return QR_OK;
    }
    Quarry__V1__RunReply *one = NULL;
    int rc = qr_run_get(conn, run_id, true, &one, err);
    if (rc < 0)
        return rc;
    reply->runs = calloc(1, sizeof(Quarry__V1__Run *));
    if (reply->runs) {
        reply->runs[reply->n_runs++] = one->run;
        one->run = NULL;
    }
    quarry__v1__run_reply__free_unpacked(one, NULL);
    return reply->runs ? QR_OK : no_memory(err);
}

static int fill_rates(struct qr_conn *conn, reply_t *reply, struct qr_err *err)
{
    QR_AUTO_RESULT rows = NULL;
    int rc = ask(conn, QR_SQL_monitor_rates, &rows, err);

    for (int i = 0; rc == QR_OK && i < PQntuples(rows); i++) {
        int64_t ms = qr_get_i64(rows, i, 2);
        double rate = (double)qr_get_i64(rows, i, 1) * 1000 / (double)(ms > 1000 ? ms : 1000);
        reply->rate += rate;
        for (size_t k = 0; k < reply->n_runs; k++)
            if (reply->runs[k]->id == qr_get_i64(rows, i, 0))
                reply->runs[k]->rate = rate;
    }
    return rc;
}

/* ------------------------------------------------------------------ coordinators */

static Quarry__V1__Coordinator *coordinator_of(const PGresult *rows, int i)
{
    Quarry__V1__Coordinator *coordinator = malloc(sizeof *coordinator);

    if (!coordinator)
        return NULL;
    quarry__v1__coordinator__init(coordinator);
    coordinator->started_ms = qr_get_i64(rows, i, 2);
    coordinator->renewed_ms_ago = qr_get_i64(rows, i, 3);
    coordinator->workers = (uint64_t)qr_get_i64(rows, i, 4);
    coordinator->slots = (uint64_t)qr_get_i64(rows, i, 5);
    coordinator->draining = (uint64_t)qr_get_i64(rows, i, 6);
    if (qr_message_set(&coordinator->instance, qr_get_text(rows, i, 0)) &&
        qr_message_set(&coordinator->host, qr_get_text(rows, i, 1)))
        return coordinator;
    quarry__v1__coordinator__free_unpacked(coordinator, NULL);
    return NULL;
}

static int fill_coordinators(struct qr_conn *conn, reply_t *reply, struct qr_err *err)
{
    QR_AUTO_RESULT rows = NULL;
    int rc = ask(conn, QR_SQL_monitor_coordinators, &rows, err);

    if (rc < 0)
        return rc;
    reply->coordinators = calloc((size_t)PQntuples(rows) + 1, sizeof(Quarry__V1__Coordinator *));
    for (int i = 0; reply->coordinators && i < PQntuples(rows); i++) {
        Quarry__V1__Coordinator *coordinator = coordinator_of(rows, i);
        if (!coordinator)
            return no_memory(err);
        reply->coordinators[reply->n_coordinators++] = coordinator;
    }
    return reply->coordinators ? QR_OK : no_memory(err);
}

int qr_monitor_fill(struct qr_conn *conn, int64_t run_id, Quarry__V1__MonitorReply *reply,
                    struct qr_err *err)
{
    int rc = fill_jobs(conn, reply, err);

    if (rc == QR_OK)
        rc = fill_runs(conn, run_id, reply, err);
    if (rc == QR_OK)
        rc = fill_rates(conn, reply, err);
    if (rc == QR_OK)
        rc = fill_coordinators(conn, reply, err);
    return rc;
}

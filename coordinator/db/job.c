#include "coordinator/db/job.h"

#include <stdlib.h>

#include "coordinator/db/conn.h"
#include "coordinator/db/impl.h"
#include "coordinator/db/job_rows.h"
#include "coordinator/db/message.h"
#include "coordinator/db/states.h"
#include "coordinator/engine/budget.h"
#include "coordinator/engine/types.h"

enum { LIST_DEFAULT = 100, LIST_MAX = 10000 };

/* ------------------------------------------------------------------ rows */

Quarry__V1__Job *qr_job_of_row(const PGresult *r, int i)
{
    Quarry__V1__Job *job = malloc(sizeof *job);
    int dedupe = PQfnumber(r, "dedupe"); /* of one job only */

    if (!job)
        return NULL;
    quarry__v1__job__init(job);
    bool ok = qr_message_set(&job->uri, qr_get_text(r, i, 2)) &&
              qr_message_set(&job->type, qr_get_text(r, i, 3)) &&
              qr_message_set(&job->status, qr_get_text(r, i, 4)) &&
              qr_message_set(&job->error_class, qr_get_text(r, i, 8)) &&
              qr_message_set(&job->last_error, qr_get_text(r, i, 9)) &&
              qr_message_set(&job->worker, qr_get_text(r, i, 10)) &&
              qr_message_set(&job->empty_reason, qr_get_text(r, i, 17)) &&
              qr_message_set(&job->stop_requested, qr_get_named(r, i, "stop_requested")) &&
              (dedupe < 0 || qr_message_set(&job->dedupe, qr_get_text(r, i, dedupe)));
    job->id = qr_get_i64(r, i, 0);
    job->run_id = qr_get_i64(r, i, 1);
    job->priority = qr_get_i32(r, i, 5);
    job->retry_count = qr_get_i32(r, i, 6);
    job->infra_losses = qr_get_i32(r, i, 7);
    job->lease_id = (uint64_t)qr_get_i64(r, i, 11);
    job->created_ms = qr_get_i64(r, i, 12);
    job->claimed_ms = qr_get_i64(r, i, 13);
    job->finished_ms = qr_get_i64(r, i, 14);
    job->duration_ms = (uint32_t)qr_get_i64(r, i, 15);
    job->bytes = (uint64_t)qr_get_i64(r, i, 16);
    job->partial = qr_get_bool(r, i, 18);
    job->run_at_ms = qr_get_i64(r, i, 19);
    job->suspects = qr_get_i32(r, i, 20);
    job->alone = qr_get_bool(r, i, 21);
    job->progress_permille = (uint32_t)qr_get_i32(r, i, PQfnumber(r, "progress_permille"));
    job->progress_done = (uint32_t)qr_get_i32(r, i, PQfnumber(r, "progress_done"));
    job->progress_total = (uint32_t)qr_get_i32(r, i, PQfnumber(r, "progress_total"));
    job->kept_bytes = (uint64_t)qr_get_i64(r, i, PQfnumber(r, "kept_bytes"));
    job->parent_id = qr_get_i64(r, i, PQfnumber(r, "parent_id"));
    job->depth = (uint32_t)qr_get_i32(r, i, PQfnumber(r, "depth"));
    if (PQfnumber(r, "children") >= 0)
        job->children = (uint64_t)qr_get_i64(r, i, PQfnumber(r, "children"));
    if (ok)
        return job;
    quarry__v1__job__free_unpacked(job, NULL);
    return NULL;
}

/* At most `limit` of the rows, as an array; one row more says that there are more. */
bool qr_jobs_of_rows(const PGresult *rows, uint32_t limit, Quarry__V1__Job ***ret, size_t *ret_n,
                     protobuf_c_boolean *ret_more)
{
    size_t n = (size_t)PQntuples(rows);

    *ret_more = n > limit;
    n = n > limit ? limit : n;
    *ret = calloc(n + 1, sizeof **ret);
    if (!*ret)
        return false;
    for (*ret_n = 0; *ret_n < n; ++*ret_n)
        if (!((*ret)[*ret_n] = qr_job_of_row(rows, (int)*ret_n)))
            return false;
    return true;
}

uint32_t qr_list_limit(uint32_t limit)
{
    return limit == 0 ? LIST_DEFAULT : limit > LIST_MAX ? LIST_MAX : limit;
}

/* ------------------------------------------------------------------ looking */

int qr_job_list(struct qr_conn *conn, const Quarry__V1__ListJobsRequest *request,
                Quarry__V1__ListJobsReply **ret, struct qr_err *err)
{
    uint32_t limit = qr_list_limit(request->limit);
    struct qr_params params;
    QR_AUTO_RESULT rows = NULL;

    if (request->status[0] && qr_state_parse(request->status) == QR_STATE_COUNT)
        return qr_fail(err, QR_E_INVALID,
                       "'%.40s' is no status; hint: pending, processing, paused, completed, "
                       "failed or cancelled",
                       request->status);
    qr_params_init(&params);
    qr_param_i64(&params, request->run_id);
    qr_param_text(&params, request->status);
    qr_param_text(&params, request->type);
    qr_param_i64(&params, request->after_id);
    qr_param_i32(&params, (int32_t)limit + 1);
    int rc = qr_conn_run(conn, QR_SQL_job_list, &params, &rows, err);
    if (rc < 0)
        return rc;
    Quarry__V1__ListJobsReply *reply = malloc(sizeof *reply);
    if (!reply)
        return qr_fail(err, QR_E_NOMEM, "job list: out of memory");
    quarry__v1__list_jobs_reply__init(reply);
    if (!qr_jobs_of_rows(rows, limit, &reply->jobs, &reply->n_jobs, &reply->more)) {
        quarry__v1__list_jobs_reply__free_unpacked(reply, NULL);
        return qr_fail(err, QR_E_NOMEM, "job list: out of memory");
    }
    *ret = reply;
    return QR_OK;
}

/* What the next lease of the job is given, and why. */
static bool add_budget(const struct qr_db *db, Quarry__V1__Job *job)
{
    qr_type_id type = qr_type_intern(job->type);
    struct qr_budget_view view;
    char why[200];

    if (!db || !db->config.budgets || type == 0)
        return true;
    qr_budgets_look(db->config.budgets, type, qr_budget_size_class(job->bytes), &view);
    qr_budget_why(&view, why, sizeof why);
    job->budget_ms = view.budget_ms;
    return qr_message_set(&job->budget_why, why);
}

int qr_job_get(struct qr_conn *conn, int64_t job_id, Quarry__V1__JobReply **ret, struct qr_err *err)
{
    struct qr_params params;
    QR_AUTO_RESULT rows = NULL;

    qr_params_init(&params);
    qr_param_i64(&params, job_id);
    int rc = qr_conn_run(conn, QR_SQL_job_get, &params, &rows, err);
    if (rc < 0)
        return rc;
    if (PQntuples(rows) == 0)
        return qr_fail(err, QR_E_NOT_FOUND, "job %lld does not exist", (long long)job_id);
    Quarry__V1__JobReply *reply = malloc(sizeof *reply);
    if (!reply)
        return qr_fail(err, QR_E_NOMEM, "job: out of memory");
    quarry__v1__job_reply__init(reply);
    reply->job = qr_job_of_row(rows, 0);
    if (!reply->job) {
        quarry__v1__job_reply__free_unpacked(reply, NULL);
        return qr_fail(err, QR_E_NOMEM, "job: out of memory");
    }
    if (!add_budget(qr_conn_db(conn), reply->job)) {
        quarry__v1__job_reply__free_unpacked(reply, NULL);
        return qr_fail(err, QR_E_NOMEM, "job: out of memory");
    }
    *ret = reply;
    return QR_OK;
}

Quarry__V1__JobEvent *qr_job_event_of_row(const PGresult *r, int i)
{
    Quarry__V1__JobEvent *event = malloc(sizeof *event);

    if (!event)
        return NULL;
    quarry__v1__job_event__init(event);
    event->at_ms = qr_get_i64(r, i, 0);
    event->lease_id = (uint64_t)qr_get_i64(r, i, 3);
    event->budget_ms = (uint64_t)qr_get_i64(r, i, 5);
    if (qr_message_set(&event->event, qr_get_text(r, i, 1)) &&
        qr_message_set(&event->worker, qr_get_text(r, i, 2)) &&
        qr_message_set(&event->detail, qr_get_text(r, i, 4)) &&
        qr_message_set(&event->by, qr_get_text(r, i, 6)))
        return event;
    quarry__v1__job_event__free_unpacked(event, NULL);
    return NULL;
}

int qr_job_events(struct qr_conn *conn, int64_t job_id, Quarry__V1__ListJobEventsReply **ret,
                  struct qr_err *err)
{
    struct qr_params params;
    QR_AUTO_RESULT there = NULL;
    QR_AUTO_RESULT rows = NULL;

    qr_params_init(&params);
    qr_param_i64(&params, job_id);
    int rc = qr_conn_run(conn, QR_SQL_job_exists, &params, &there, err);
    if (rc == QR_OK && PQntuples(there) == 0)
        rc = qr_fail(err, QR_E_NOT_FOUND, "job %lld does not exist", (long long)job_id);
    if (rc == QR_OK)
        rc = qr_conn_run(conn, QR_SQL_job_events, &params, &rows, err);
    if (rc < 0)
        return rc;
    Quarry__V1__ListJobEventsReply *reply = malloc(sizeof *reply);
    if (!reply)
        return qr_fail(err, QR_E_NOMEM, "job events: out of memory");
    quarry__v1__list_job_events_reply__init(reply);
    reply->events = calloc((size_t)PQntuples(rows) + 1, sizeof *reply->events);
    for (int i = 0; reply->events && i < PQntuples(rows); i++) {
        Quarry__V1__JobEvent *event = qr_job_event_of_row(rows, i);
        if (!event)
            break;
        reply->events[reply->n_events++] = event;
    }
    if (!reply->events || reply->n_events < (size_t)PQntuples(rows)) {
        quarry__v1__list_job_events_reply__free_unpacked(reply, NULL);
        return qr_fail(err, QR_E_NOMEM, "job events: out of memory");
    }
    *ret = reply;
    return QR_OK;
}

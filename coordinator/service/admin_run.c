/* Runs: made, filled, looked at, stopped; and the stages behind them. */
#include <stdlib.h>

#include "coordinator/db/lifecycle.h"
#include "coordinator/db/run.h"
#include "coordinator/db/run_stage.h"
#include "coordinator/db/why.h"
#include "coordinator/engine/types.h"
#include "coordinator/service/admin_internal.h"
#include "coordinator/service/enqueue_request.h"

static int create_run(struct qr_conn *conn, struct call *call, struct qr_err *err)
{
    Quarry__V1__CreateRunRequest *request = (Quarry__V1__CreateRunRequest *)call->request;
    Quarry__V1__CreateRunReply *reply = NULL;
    struct qr_buf uri;
    int rc = QR_OK;

    for (size_t i = 0; i < request->n_types; i++)
        if (qr_type_intern(request->types[i]) == 0)
            return qr_fail(err, QR_E_INVALID, "type '%.40s' is no type name; hint: pdf, text, dxf",
                           request->types[i]);
    qr_buf_init(&uri, QR_URI_MAX);
    if (!request->manual) {
        rc = qr_roots_uri_of(call->admin->config.roots, request->source, &uri, err);
        if (rc == QR_OK) {
            free(request->source);
            request->source = qr_buf_take(&uri);
            if (!request->source)
                rc = qr_fail(err, QR_E_NOMEM, "no memory for a source");
        }
    }
    qr_buf_done(&uri);
    if (rc == QR_OK)
        rc = qr_run_create(conn, request, &reply, err);
    REPLY(call, reply);
    if (rc == QR_OK)
        qr_discover_kick(call->admin->discover);
    return rc;
}

static int get_run(struct qr_conn *conn, struct call *call, struct qr_err *err)
{
    const Quarry__V1__GetRunRequest *request = (Quarry__V1__GetRunRequest *)call->request;
    Quarry__V1__RunReply *reply = NULL;
    int rc = qr_run_get(conn, request->run_id, request->report, &reply, err);
    REPLY(call, reply);
    if (rc == QR_OK && request->leased)
        rc = qr_run_count_leased(conn, request->run_id, &reply->run->leased, err);
    if (rc == QR_OK)
        rc = qr_admin_add_unserved(call->admin, reply->run, err);
    return rc;
}

static int list_runs(struct qr_conn *conn, struct call *call, struct qr_err *err)
{
    Quarry__V1__ListRunsReply *reply = NULL;
    int rc = qr_run_list(conn, (Quarry__V1__ListRunsRequest *)call->request, &reply, err);
    REPLY(call, reply);
    return rc;
}

static int close_run(struct qr_conn *conn, struct call *call, struct qr_err *err)
{
    const Quarry__V1__CloseRunRequest *request = (Quarry__V1__CloseRunRequest *)call->request;
    Quarry__V1__RunReply *reply = NULL;
    int rc = qr_run_close(conn, request->run_id, &reply, err);
    REPLY(call, reply);
    return rc;
}

static int set_run(struct qr_conn *conn, struct call *call, struct qr_err *err)
{
    Quarry__V1__RunReply *reply = NULL;
    int rc = qr_run_set(conn, (Quarry__V1__SetRunRequest *)call->request, &reply, err);
    REPLY(call, reply);
    return rc;
}

static int begin_stage(struct qr_conn *conn, struct call *call, struct qr_err *err)
{
    const Quarry__V1__BeginStageRequest *request = (Quarry__V1__BeginStageRequest *)call->request;
    Quarry__V1__BeginStageReply *reply = malloc(sizeof *reply);

    if (!reply)
        return qr_fail(err, QR_E_NOMEM, "no memory for an answer");
    quarry__v1__begin_stage_reply__init(reply);
    REPLY(call, reply);
    return qr_stage_begin_early(conn, request->run_id, request->stage, &reply->stage_job_id, err);
}

/* The one request that may be large: it stays bytes until here (enqueue_request.h). */
static int enqueue(struct qr_conn *conn, struct call *call, struct qr_err *err)
{
    struct qr_enqueue_request request = {0};
    struct qr_enqueue_result result = {0};
    Quarry__V1__EnqueueReply *reply = malloc(sizeof *reply);
    int rc = reply ? qr_enqueue_request_read(call->bytes, call->n_bytes, &request, err)
                   : qr_fail(err, QR_E_NOMEM, "no memory for an answer");

    if (rc == QR_OK)
        rc = qr_enqueue(conn, request.run_id, request.jobs, request.n_jobs, &result, err);
    qr_enqueue_request_done(&request);
    if (rc < 0) {
        free(reply);
        return rc;
    }
    quarry__v1__enqueue_reply__init(reply);
    reply->inserted = result.inserted;
    REPLY(call, reply);
    return QR_OK;
}

/* ---- rule 10: pause, resume, cancel */

static int control_run(struct qr_conn *conn, struct call *call, enum qr_control verb,
                       struct qr_err *err)
{
    Quarry__V1__RunReply *reply = NULL;
    int rc =
        qr_run_control(conn, verb, (Quarry__V1__ControlRunRequest *)call->request, &reply, err);
    REPLY(call, reply);
    return rc;
}

static int pause_run(struct qr_conn *conn, struct call *call, struct qr_err *err)
{
    return control_run(conn, call, QR_CONTROL_PAUSE, err);
}

static int resume_run(struct qr_conn *conn, struct call *call, struct qr_err *err)
{
    return control_run(conn, call, QR_CONTROL_RESUME, err);
}

static int cancel_run(struct qr_conn *conn, struct call *call, struct qr_err *err)
{
    return control_run(conn, call, QR_CONTROL_CANCEL, err);
}

/* ---- why */

static int explain_run(struct qr_conn *conn, struct call *call, struct qr_err *err)
{
    Quarry__V1__ExplainReply *reply = NULL;
    int rc =
        qr_why_run(conn, ((Quarry__V1__ExplainRunRequest *)call->request)->run_id, &reply, err);
    REPLY(call, reply);
    return rc;
}

/* clang-format off */
static const struct method methods[] = {
    ROW("CreateRun",       create_run,        ENQUEUE, create_run),
    {"/quarry.v1.Admin/Enqueue", NULL, false, QR_DB_LANE_BULK, enqueue},
    ROW("CloseRun",        close_run,         ENQUEUE, close_run),
    ROW("SetRun",          set_run,           READ,    set_run),
    ROW("ListRuns",        list_runs,         READ,    list_runs),
    ROW("GetRun",          get_run,           READ,    get_run),
    ROW("PauseRun",        control_run,       ENQUEUE, pause_run),
    ROW("ResumeRun",       control_run,       ENQUEUE, resume_run),
    ROW("CancelRun",       control_run,       ENQUEUE, cancel_run),
    ROW("ExplainRun",      explain_run,       READ,    explain_run),
    ROW("BeginStage",      begin_stage,       READ,    begin_stage),
};
/* clang-format on */

const struct qr_admin_methods qr_admin_runs = {methods, QR_COUNT(methods)};

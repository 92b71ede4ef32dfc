/* Jobs and dead letters: looked at, stopped, tried again. */
#include "coordinator/db/dead_letter.h"
#include "coordinator/db/job.h"
#include "coordinator/db/lifecycle.h"
#include "coordinator/db/report.h"
#include "coordinator/db/why.h"
#include "coordinator/service/admin_internal.h"

static int list_jobs(struct qr_conn *conn, struct call *call, struct qr_err *err)
{
    Quarry__V1__ListJobsReply *reply = NULL;
    int rc = qr_job_list(conn, (Quarry__V1__ListJobsRequest *)call->request, &reply, err);
    REPLY(call, reply);
    return rc;
}

static int get_job(struct qr_conn *conn, struct call *call, struct qr_err *err)
{
    Quarry__V1__JobReply *reply = NULL;
    int rc = qr_job_get(conn, ((Quarry__V1__GetJobRequest *)call->request)->job_id, &reply, err);
    REPLY(call, reply);
    return rc;
}

static int list_job_events(struct qr_conn *conn, struct call *call, struct qr_err *err)
{
    Quarry__V1__ListJobEventsReply *reply = NULL;
    int rc = qr_job_events(conn, ((Quarry__V1__ListJobEventsRequest *)call->request)->job_id,
                           &reply, err);
    REPLY(call, reply);
    return rc;
}

static int retry_jobs(struct qr_conn *conn, struct call *call, struct qr_err *err)
{
    Quarry__V1__RetryJobsReply *reply = NULL;
    int rc = qr_job_retry(conn, (Quarry__V1__RetryJobsRequest *)call->request, &reply, err);
    REPLY(call, reply);
    return rc;
}

/* ---- rule 10: pause, resume, cancel */

static int control_jobs(struct qr_conn *conn, struct call *call, enum qr_control verb,
                        struct qr_err *err)
{
    Quarry__V1__ControlJobsReply *reply = NULL;
    int rc =
        qr_job_control(conn, verb, (Quarry__V1__ControlJobsRequest *)call->request, &reply, err);
    REPLY(call, reply);
    return rc;
}

static int pause_jobs(struct qr_conn *conn, struct call *call, struct qr_err *err)
{
    return control_jobs(conn, call, QR_CONTROL_PAUSE, err);
}

static int resume_jobs(struct qr_conn *conn, struct call *call, struct qr_err *err)
{
    return control_jobs(conn, call, QR_CONTROL_RESUME, err);
}

static int cancel_jobs(struct qr_conn *conn, struct call *call, struct qr_err *err)
{
    return control_jobs(conn, call, QR_CONTROL_CANCEL, err);
}

/* ---- dead letters */

static int list_dead_letters(struct qr_conn *conn, struct call *call, struct qr_err *err)
{
    Quarry__V1__ListDeadLettersReply *reply = NULL;
    int rc =
        qr_dead_letter_list(conn, (Quarry__V1__ListDeadLettersRequest *)call->request, &reply, err);
    REPLY(call, reply);
    return rc;
}

#define SIMPLE_METHOD(name, Request, Reply, fn)                                       \
    static int name(struct qr_conn *conn, struct call *call, struct qr_err *err)      \
    {                                                                                 \
        Quarry__V1__##Reply *reply = NULL;                                            \
        int rc = fn(conn, (const Quarry__V1__##Request *)call->request, &reply, err); \
        REPLY(call, reply);                                                           \
        return rc;                                                                    \
    }
SIMPLE_METHOD(analyze_dead_letters, AnalyzeDeadLettersRequest, AnalyzeDeadLettersReply,
              qr_dead_letter_analyze)
SIMPLE_METHOD(retry_dead_letters, RetryDeadLettersRequest, RetryDeadLettersReply,
              qr_dead_letter_retry)
SIMPLE_METHOD(purge_dead_letters, PurgeDeadLettersRequest, PurgeDeadLettersReply,
              qr_dead_letter_purge)
SIMPLE_METHOD(report_cad, ReportCadRequest, ReportCadReply, qr_report_cad)
#undef SIMPLE_METHOD

static int get_dead_letter(struct qr_conn *conn, struct call *call, struct qr_err *err)
{
    Quarry__V1__GetDeadLetterReply *reply = NULL;
    int rc = qr_dead_letter_get(conn, ((Quarry__V1__GetDeadLetterRequest *)call->request)->job_id,
                                &reply, err);
    REPLY(call, reply);
    return rc;
}

/* ---- why */

static int explain_job(struct qr_conn *conn, struct call *call, struct qr_err *err)
{
    Quarry__V1__ExplainReply *reply = NULL;
    int rc =
        qr_why_job(conn, ((Quarry__V1__ExplainJobRequest *)call->request)->job_id, &reply, err);
    REPLY(call, reply);
    return rc;
}

/* clang-format off */
static const struct method methods[] = {
    ROW("ListJobs",        list_jobs,         READ,    list_jobs),
    ROW("GetJob",          get_job,           READ,    get_job),
    ROW("ListJobEvents",   list_job_events,   READ,    list_job_events),
    ROW("RetryJobs",       retry_jobs,        ENQUEUE, retry_jobs),
    ROW("PauseJobs",       control_jobs,      ENQUEUE, pause_jobs),
    ROW("ResumeJobs",      control_jobs,      ENQUEUE, resume_jobs),
    ROW("CancelJobs",      control_jobs,      ENQUEUE, cancel_jobs),
    ROW("ExplainJob",      explain_job,       READ,    explain_job),
    ROW("ListDeadLetters", list_dead_letters, READ,    list_dead_letters),
    ROW("GetDeadLetter",   get_dead_letter,   READ,    get_dead_letter),
    ROW("AnalyzeDeadLetters", analyze_dead_letters, READ, analyze_dead_letters),
    ROW("RetryDeadLetters", retry_dead_letters, ENQUEUE, retry_dead_letters),
    ROW("PurgeDeadLetters", purge_dead_letters, READ, purge_dead_letters),
    ROW("ReportCad",       report_cad,        READ,    report_cad),
};
/* clang-format on */

const struct qr_admin_methods qr_admin_jobs = {methods, QR_COUNT(methods)};

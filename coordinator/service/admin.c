#include "coordinator/service/admin.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "coordinator/db/dead_letter.h"
#include "coordinator/db/job.h"
#include "coordinator/db/lifecycle.h"
#include "coordinator/db/limit.h"
#include "coordinator/db/migrate.h"
#include "coordinator/db/run.h"
#include "coordinator/db/run_stage.h"
#include "coordinator/db/verify.h"
#include "coordinator/db/why.h"
#include "coordinator/engine/budget.h"
#include "coordinator/engine/types.h"
#include "coordinator/service/admin_internal.h"
#include "coordinator/service/enqueue_request.h"

/* ------------------------------------------------------------------ runs */

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

/* ------------------------------------------------------------------ jobs */

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

/* ------------------------------------------------------------------ rule 10: pause, resume, cancel
 */

static int control_jobs(struct qr_conn *conn, struct call *call, enum qr_control verb,
                        struct qr_err *err)
{
    Quarry__V1__ControlJobsReply *reply = NULL;
    int rc =
        qr_job_control(conn, verb, (Quarry__V1__ControlJobsRequest *)call->request, &reply, err);
    REPLY(call, reply);
    return rc;
}

static int control_run(struct qr_conn *conn, struct call *call, enum qr_control verb,
                       struct qr_err *err)
{
    Quarry__V1__RunReply *reply = NULL;
    int rc =
        qr_run_control(conn, verb, (Quarry__V1__ControlRunRequest *)call->request, &reply, err);
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

static int list_dead_letters(struct qr_conn *conn, struct call *call, struct qr_err *err)
{
    Quarry__V1__ListDeadLettersReply *reply = NULL;
    int rc =
        qr_dead_letter_list(conn, (Quarry__V1__ListDeadLettersRequest *)call->request, &reply, err);
    REPLY(call, reply);
    return rc;
}

#define DEAD_LETTER_METHOD(name, Request, Reply, fn)                                  \
    static int name(struct qr_conn *conn, struct call *call, struct qr_err *err)      \
    {                                                                                 \
        Quarry__V1__##Reply *reply = NULL;                                            \
        int rc = fn(conn, (const Quarry__V1__##Request *)call->request, &reply, err); \
        REPLY(call, reply);                                                           \
        return rc;                                                                    \
    }
DEAD_LETTER_METHOD(analyze_dead_letters, AnalyzeDeadLettersRequest, AnalyzeDeadLettersReply,
                   qr_dead_letter_analyze)
DEAD_LETTER_METHOD(retry_dead_letters, RetryDeadLettersRequest, RetryDeadLettersReply,
                   qr_dead_letter_retry)
DEAD_LETTER_METHOD(purge_dead_letters, PurgeDeadLettersRequest, PurgeDeadLettersReply,
                   qr_dead_letter_purge)
#undef DEAD_LETTER_METHOD

static int get_dead_letter(struct qr_conn *conn, struct call *call, struct qr_err *err)
{
    Quarry__V1__GetDeadLetterReply *reply = NULL;
    int rc = qr_dead_letter_get(conn, ((Quarry__V1__GetDeadLetterRequest *)call->request)->job_id,
                                &reply, err);
    REPLY(call, reply);
    return rc;
}

/* ------------------------------------------------------------------ budgets, from memory */

static Quarry__V1__Budget *budget_of(const struct qr_budget_view *view)
{
    Quarry__V1__Budget *budget = malloc(sizeof *budget);
    char why[200];

    if (!budget)
        return NULL;
    quarry__v1__budget__init(budget);
    qr_budget_why(view, why, sizeof why);
    budget->type = strdup(qr_type_name(view->type));
    budget->size = strdup(qr_budget_size_text(view->size_class));
    budget->why = strdup(why);
    budget->samples = view->samples;
    budget->seen = view->seen;
    budget->p50_ms = view->p50_ms;
    budget->p99_ms = view->p99_ms;
    budget->budget_ms = view->budget_ms;
    budget->progress_ms = view->progress_ms;
    budget->min_ms = view->min_ms;
    budget->max_ms = view->max_ms;
    budget->learned = view->learned;
    budget->changed_ms = view->learned ? view->changed_ms : 0;
    if (budget->type && budget->size && budget->why)
        return budget;
    quarry__v1__budget__free_unpacked(budget, NULL);
    return NULL;
}

static int list_budgets(struct qr_conn *conn, struct call *call, struct qr_err *err)
{
    const Quarry__V1__ListBudgetsRequest *request = (Quarry__V1__ListBudgetsRequest *)call->request;
    Quarry__V1__ListBudgetsReply *reply = malloc(sizeof *reply);
    (void)conn;

    if (!reply)
        return qr_fail(err, QR_E_NOMEM, "no memory for a list of budgets");
    quarry__v1__list_budgets_reply__init(reply);
    REPLY(call, reply);
    reply->budgets = calloc((size_t)QR_TYPES_MAX * QR_BUDGET_SIZES, sizeof(Quarry__V1__Budget *));
    if (!reply->budgets)
        return qr_fail(err, QR_E_NOMEM, "no memory for a list of budgets");
    for (qr_type_id type = 1; type <= qr_type_count(); type++)
        for (int size = 0; size < QR_BUDGET_SIZES; size++) {
            struct qr_budget_view view;
            qr_budgets_look(call->admin->config.budgets, type, size, &view);
            if (view.seen == 0 ||
                (request->type[0] && strcmp(qr_type_name(type), request->type) != 0))
                continue;
            Quarry__V1__Budget *budget = budget_of(&view);
            if (!budget)
                return qr_fail(err, QR_E_NOMEM, "no memory for a list of budgets");
            reply->budgets[reply->n_budgets++] = budget;
        }
    return QR_OK;
}

/* ------------------------------------------------------------------ why */

static int explain_job(struct qr_conn *conn, struct call *call, struct qr_err *err)
{
    Quarry__V1__ExplainReply *reply = NULL;
    int rc =
        qr_why_job(conn, ((Quarry__V1__ExplainJobRequest *)call->request)->job_id, &reply, err);
    REPLY(call, reply);
    return rc;
}

static int explain_run(struct qr_conn *conn, struct call *call, struct qr_err *err)
{
    Quarry__V1__ExplainReply *reply = NULL;
    int rc =
        qr_why_run(conn, ((Quarry__V1__ExplainRunRequest *)call->request)->run_id, &reply, err);
    REPLY(call, reply);
    return rc;
}

/* ------------------------------------------------------------------ limits */

static int set_limit(struct qr_conn *conn, struct call *call, struct qr_err *err)
{
    Quarry__V1__LimitReply *reply = NULL;
    int rc = qr_limit_set(conn, (Quarry__V1__SetLimitRequest *)call->request, &reply, err);
    REPLY(call, reply);
    return rc;
}

static int list_limits(struct qr_conn *conn, struct call *call, struct qr_err *err)
{
    Quarry__V1__ListLimitsReply *reply = NULL;
    int rc = qr_limit_list(conn, (Quarry__V1__ListLimitsRequest *)call->request, &reply, err);
    REPLY(call, reply);
    return rc;
}

static int remove_limit(struct qr_conn *conn, struct call *call, struct qr_err *err)
{
    Quarry__V1__LimitReply *reply = NULL;
    int rc = qr_limit_remove(conn, (Quarry__V1__RemoveLimitRequest *)call->request, &reply, err);
    REPLY(call, reply);
    return rc;
}

/* ------------------------------------------------------------------ the installation */

static int verify(struct qr_conn *conn, struct call *call, struct qr_err *err)
{
    const struct qr_roots *roots = call->admin->config.roots;
    Quarry__V1__VerifyReply *reply = NULL;
    struct qr_db_stats stats;
    unsigned connections = 0;

    qr_db_get_stats(call->admin->db, &stats);
    for (size_t i = 0; i < QR_COUNT(stats.lanes); i++)
        connections += (unsigned)stats.lanes[i].lanes;
    int rc = qr_verify(conn, connections, &reply, err);
    REPLY(call, reply);
    for (size_t i = 0; rc == QR_OK && i < roots->n; i++) {
        bool reachable = access(roots->root[i].dir, R_OK | X_OK) == 0;
        char name[QR_ROOT_NAME_MAX + 16];
        snprintf(name, sizeof name, "root %s", roots->root[i].name);
        if (!qr_verify_add(reply, reachable, name, "%s%s", roots->root[i].dir,
                           reachable ? "" : " cannot be read; hint: is the share mounted?"))
            rc = qr_fail(err, QR_E_NOMEM, "no memory for an answer");
    }
    return rc;
}

static int migrate(struct qr_conn *conn, struct call *call, struct qr_err *err)
{
    Quarry__V1__MigrateReply *reply = NULL;
    int rc = qr_migrate(conn, &reply, err);
    REPLY(call, reply);
    return rc;
}

static int get_version(struct qr_conn *conn, struct call *call, struct qr_err *err)
{
    Quarry__V1__GetVersionReply *reply = malloc(sizeof *reply);

    if (!reply)
        return qr_fail(err, QR_E_NOMEM, "no memory for an answer");
    quarry__v1__get_version_reply__init(reply);
    REPLY(call, reply);
    reply->version = strdup(QUARRY_VERSION);
    reply->instance = strdup(call->admin->config.instance);
    return qr_verify_versions(conn, &reply->schema_version, &reply->postgres_version, err);
}

/* ------------------------------------------------------------------ the table */

#define ROW(rpc, request, where, fn)                                                  \
    {                                                                                 \
        "/quarry.v1.Admin/" rpc, &quarry__v1__##request##_request__descriptor, false, \
            QR_DB_LANE_##where, fn                                                    \
    }
#define ROW_IN_MEMORY(rpc, request, fn)                                              \
    {                                                                                \
        "/quarry.v1.Admin/" rpc, &quarry__v1__##request##_request__descriptor, true, \
            QR_DB_LANE_READ, fn                                                      \
    }

/* clang-format off */
static const struct method methods[] = {
    ROW("CreateRun",       create_run,        ENQUEUE, create_run),
    {"/quarry.v1.Admin/Enqueue", NULL, false, QR_DB_LANE_BULK, enqueue},
    ROW("CloseRun",        close_run,         ENQUEUE, close_run),
    ROW("SetRun",          set_run,           READ,    set_run),
    ROW("ListRuns",        list_runs,         READ,    list_runs),
    ROW("GetRun",          get_run,           READ,    get_run),
    ROW("ListJobs",        list_jobs,         READ,    list_jobs),
    ROW("GetJob",          get_job,           READ,    get_job),
    ROW("ListJobEvents",   list_job_events,   READ,    list_job_events),
    ROW("RetryJobs",       retry_jobs,        ENQUEUE, retry_jobs),
    ROW("PauseJobs",       control_jobs,      ENQUEUE, pause_jobs),
    ROW("ResumeJobs",      control_jobs,      ENQUEUE, resume_jobs),
    ROW("CancelJobs",      control_jobs,      ENQUEUE, cancel_jobs),
    ROW("PauseRun",        control_run,       ENQUEUE, pause_run),
    ROW("ResumeRun",       control_run,       ENQUEUE, resume_run),
    ROW("CancelRun",       control_run,       ENQUEUE, cancel_run),
    ROW("ListDeadLetters", list_dead_letters, READ,    list_dead_letters),
    ROW("GetDeadLetter",   get_dead_letter,   READ,    get_dead_letter),
    ROW("AnalyzeDeadLetters", analyze_dead_letters, READ, analyze_dead_letters),
    ROW("RetryDeadLetters", retry_dead_letters, ENQUEUE, retry_dead_letters),
    ROW("PurgeDeadLetters", purge_dead_letters, READ, purge_dead_letters),
    ROW("ExplainJob",      explain_job,       READ,    explain_job),
    ROW("ExplainRun",      explain_run,       READ,    explain_run),
    ROW("SetLimit",        set_limit,         READ,    set_limit),
    ROW("ListLimits",      list_limits,       READ,    list_limits),
    ROW("RemoveLimit",     remove_limit,      READ,    remove_limit),
    ROW("Verify",          verify,            LONG,    verify),
    ROW("Migrate",         migrate,           READ,    migrate),
    ROW("GetVersion",      get_version,       READ,    get_version),
    ROW("BeginStage",      begin_stage,       READ,    begin_stage),
    ROW("GetMonitor",      monitor,           READ,    qr_admin_get_monitor),
    ROW("GetWorker",       get_worker,        READ,    qr_admin_get_worker),
    ROW("DrainWorker",     drain_worker,      ENQUEUE, qr_admin_drain_worker),
    ROW("ResumeWorker",    drain_worker,      ENQUEUE, qr_admin_resume_worker),
    ROW_IN_MEMORY("ListWorkers", list_workers, qr_admin_list_workers),
    ROW_IN_MEMORY("ListBudgets", list_budgets, list_budgets),
};
/* clang-format on */

/* What a registered path needs in its callback. */
struct registration {
    struct qr_admin *admin;
    const struct method *method;
};

static int run_on_lane(struct qr_conn *conn, void *arg, struct qr_err *err)
{
    struct call *call = arg;
    if (qr_rpc_call_is_dead(call->rpc))
        return qr_fail(err, QR_E_CANCELLED, "the caller is gone");
    return call->method->run(conn, call, err);
}

static void answer(void *arg, int rc, const struct qr_err *err)
{
    struct call *call = arg;
    uint8_t *data = NULL;
    size_t len = 0;

    if (rc == QR_OK) {
        len = protobuf_c_message_get_packed_size(call->reply);
        data = malloc(len > 0 ? len : 1);
    }
    if (data) {
        protobuf_c_message_pack(call->reply, data);
        qr_rpc_call_reply(call->rpc, data, len);
        free(data);
    } else if (rc == QR_OK) {
        struct qr_err no_memory;
        qr_fail(&no_memory, QR_E_NOMEM, "no memory for an answer of %zu bytes", len);
        qr_rpc_call_fail(call->rpc, &no_memory);
    } else {
        if (rc == QR_E_DB || rc == QR_E_INTERNAL)
            qr_log_err(QR_LOG_ERROR, "admin.failed", err, "rpc=%s", call->method->path);
        qr_rpc_call_fail(call->rpc, err);
    }
    if (call->reply)
        protobuf_c_message_free_unpacked(call->reply, NULL);
    if (call->request)
        protobuf_c_message_free_unpacked(call->request, NULL);
    free(call->bytes);
    free(call);
}

/* What the method works with: the message, or a copy of its bytes. */
static int take_request(struct call *call, const uint8_t *data, size_t len, struct qr_err *err)
{
    if (call->method->request) {
        call->request = protobuf_c_message_unpack(call->method->request, NULL, len, data);
        return call->request ? QR_OK : qr_fail(err, QR_E_INVALID, "the request cannot be decoded");
    }
    call->bytes = malloc(len + 1);
    if (!call->bytes)
        return qr_fail(err, QR_E_NOMEM, "no memory for a request of %zu bytes", len);
    if (len > 0)
        memcpy(call->bytes, data, len);
    call->n_bytes = len;
    return QR_OK;
}

static void on_call(void *ctx, struct qr_rpc_call *rpc, const uint8_t *data, size_t len)
{
    const struct registration *registration = ctx;
    struct qr_admin *admin = registration->admin;
    const struct method *method = registration->method;
    struct qr_err err = {0};
    struct call *call = calloc(1, sizeof *call);

    if (!call) {
        qr_fail(&err, QR_E_NOMEM, "no memory for a call");
        qr_rpc_call_fail(rpc, &err);
        return;
    }
    *call = (struct call){.admin = admin, .method = method, .rpc = rpc};
    int rc = take_request(call, data, len, &err);
    if (rc == QR_OK && !atomic_load(&admin->serving))
        rc = qr_fail(&err, QR_E_UNREACHABLE, "the coordinator is not serving (yet, or any more)");
    if (rc < 0) {
        answer(call, rc, &err);
        return;
    }
    if (method->in_memory)
        answer(call, method->run(NULL, call, &err), &err);
    else
        qr_db_submit(admin->db, method->lane, run_on_lane, answer, call);
}

/* ------------------------------------------------------------------ life */

int qr_admin_add_unserved(struct qr_admin *admin, Quarry__V1__Run *run, struct qr_err *err)
{
    if (strcmp(run->gate, "open") != 0 || strcmp(run->status, "active") != 0)
        return QR_OK; /* it may have been, two seconds ago */
    return qr_unserved_list(admin->config.unserved, run->id, &run->unserved, &run->n_unserved)
               ? QR_OK
               : qr_fail(err, QR_E_NOMEM, "no memory for an answer");
}

int qr_admin_send(struct qr_rpc_stream *stream, const ProtobufCMessage *message)
{
    size_t len = protobuf_c_message_get_packed_size(message);
    uint8_t *data = malloc(len > 0 ? len : 1);

    if (!data)
        return QR_E_NOMEM;
    protobuf_c_message_pack(message, data);
    int rc = qr_rpc_stream_send(stream, QR_RPC_BULK, data, len);
    free(data);
    return rc;
}

struct qr_admin_holder {
    struct qr_admin admin;
    struct registration registrations[QR_COUNT(methods)];
};

int qr_admin_new(const struct qr_admin_config *config, struct qr_rpc_server *server,
                 struct qr_admin **ret, struct qr_err *err)
{
    struct qr_admin_holder *holder = calloc(1, sizeof *holder);
    QR_AUTO(qr_admin) admin = holder ? &holder->admin : NULL;
    int rc = QR_OK;

    if (!admin)
        return qr_fail(err, QR_E_NOMEM, "no memory for the admin service");
    admin->config = *config;
    for (size_t i = 0; rc == QR_OK && i < QR_COUNT(methods); i++) {
        holder->registrations[i] = (struct registration){admin, &methods[i]};
        rc = qr_rpc_server_add_unary(server, methods[i].path, on_call, &holder->registrations[i],
                                     err);
    }
    if (rc == QR_OK)
        rc = qr_watches_new(admin, server, &admin->watches, err);
    if (rc == QR_OK)
        rc = qr_exports_new(admin, server, &admin->exports, err);
    if (rc == QR_OK)
        *ret = qr_steal(&admin);
    return rc;
}

int qr_admin_start(struct qr_admin *admin, struct qr_db *db, struct qr_discover *discover,
                   struct qr_err *err)
{
    admin->db = db;
    admin->discover = discover;
    int rc = qr_watches_start(admin->watches, err);
    if (rc == QR_OK)
        atomic_store(&admin->serving, true);
    return rc;
}

void qr_admin_stop(struct qr_admin *admin)
{
    atomic_store(&admin->serving, false);
    qr_exports_stop(admin->exports); /* first: a watch may wait behind an export's read lane */
    qr_watches_stop(admin->watches);
}

void qr_admin_free(struct qr_admin *admin)
{
    if (!admin)
        return;
    qr_watches_free(admin->watches);
    qr_exports_free(admin->exports);
    free(QR_CONTAINER_OF(admin, struct qr_admin_holder, admin));
}

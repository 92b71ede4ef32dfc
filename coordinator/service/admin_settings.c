/* What holds for the whole installation: limits, budgets, the database. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "coordinator/db/limit.h"
#include "coordinator/db/migrate.h"
#include "coordinator/db/verify.h"
#include "coordinator/engine/budget.h"
#include "coordinator/engine/types.h"
#include "coordinator/service/admin_internal.h"

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

/* clang-format off */
static const struct method methods[] = {
    ROW("SetLimit",        set_limit,         READ,    set_limit),
    ROW("ListLimits",      list_limits,       READ,    list_limits),
    ROW("RemoveLimit",     remove_limit,      READ,    remove_limit),
    ROW_IN_MEMORY("ListBudgets", list_budgets, list_budgets),
    ROW("Verify",          verify,            LONG,    verify),
    ROW("Migrate",         migrate,           READ,    migrate),
    ROW("GetVersion",      get_version,       READ,    get_version),
};
/* clang-format on */

const struct qr_admin_methods qr_admin_settings = {methods, QR_COUNT(methods)};

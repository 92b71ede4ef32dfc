/* quarry.v1.Admin/GetMonitor: the installation in one answer, the database's figures beside those
 * of this coordinator's memory, and what needs a person. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "coordinator/db/message.h"
#include "coordinator/db/monitor.h"
#include "coordinator/service/admin_internal.h"

/* ------------------------------------------------------------------ alerts */

/* False when out of memory. */
QR_PRINTF(5, 6)
static bool alert(Quarry__V1__MonitorReply *reply, const char *code, int64_t run_id,
                  int64_t since_ms, const char *fmt, ...)
{
    Quarry__V1__Alert **list =
        realloc(reply->alerts, (reply->n_alerts + 1) * sizeof(Quarry__V1__Alert *));
    Quarry__V1__Alert *alert = malloc(sizeof *alert);
    char text[900];
    va_list args;

    if (list)
        reply->alerts = list;
    if (!list || !alert) {
        free(alert);
        return false;
    }
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    quarry__v1__alert__init(alert);
    list[reply->n_alerts++] = alert;
    alert->run_id = run_id;
    alert->since_ms = since_ms;
    return qr_message_set(&alert->code, code) && qr_message_set(&alert->text, text);
}

static bool run_alerts(Quarry__V1__MonitorReply *reply)
{
    bool ok = true;

    for (size_t i = 0; ok && i < reply->n_runs; i++) {
        const Quarry__V1__Run *run = reply->runs[i];
        for (size_t k = 0; ok && k < run->n_unserved; k++)
            ok = alert(reply, run->unserved[k]->code, run->id, run->unserved[k]->since_ms,
                       "run %lld: %s", (long long)run->id, run->unserved[k]->text);
        if (ok && strcmp(run->gate, "paused") == 0 &&
            strncmp(run->gate_reason, "paused itself: ", 15) == 0)
            ok = alert(reply, "run_halted", run->id, 0, "run %lld %s", (long long)run->id,
                       run->gate_reason);
    }
    return ok;
}

static bool worker_alerts(Quarry__V1__MonitorReply *reply)
{
    bool ok = true;

    for (size_t i = 0; ok && i < reply->n_workers; i++)
        if (strcmp(reply->workers[i]->status, "silent") == 0)
            ok = alert(reply, "worker_silent", 0,
                       qr_clock_wall_ms() - reply->workers[i]->last_seen_ms_ago,
                       "worker %s is not heard of; it holds %u jobs", reply->workers[i]->id,
                       (unsigned)reply->workers[i]->leases);
    return ok;
}

static int add_alerts(struct qr_admin *admin, Quarry__V1__MonitorReply *reply, struct qr_err *err)
{
    struct qr_unserved_sum sum;
    bool known = qr_unserved_get(admin->config.unserved, &sum);
    bool ok = true;

    if (known && sum.workers == 0)
        ok = alert(reply, "no_workers", 0, 0, "no worker is connected");
    ok = ok && run_alerts(reply);
    if (ok && known && admin->config.oldest_job_ms > 0 &&
        sum.oldest_s > admin->config.oldest_job_ms / 1000)
        ok = alert(reply, "job_old", 0, qr_clock_wall_ms() - 1000 * sum.oldest_s,
                   "the oldest job waits for %lld s, longer than the %lld s of --oldest-job",
                   (long long)sum.oldest_s, (long long)(admin->config.oldest_job_ms / 1000));
    if (ok && known && sum.stuck > 0)
        ok = alert(reply, "leases_stuck", 0, 0,
                   "%llu jobs are with their workers for longer than 15 minutes",
                   (unsigned long long)sum.stuck);
    ok = ok && worker_alerts(reply);
    return ok ? QR_OK : qr_fail(err, QR_E_NOMEM, "no memory for an answer");
}

/* ------------------------------------------------------------------ this coordinator */

static bool fill_here(struct qr_admin *admin, Quarry__V1__MonitorReply *reply)
{
    struct qr_engine_stats stats;

    qr_fleet_get_stats(admin->config.fleet, &stats);
    reply->at_ms = qr_clock_wall_ms();
    reply->leases = malloc(sizeof *reply->leases);
    if (!reply->leases || !qr_message_set(&reply->instance, admin->config.instance))
        return false;
    quarry__v1__lease_totals__init(reply->leases);
    reply->leases->offered = stats.leases_offered_now;
    reply->leases->active = stats.leases_active_now;
    reply->leases->stopping = stats.leases_stopping_now;
    reply->leases->settling = stats.leases_settling_now;
    reply->leases->returning = stats.leases_returning_now;
    return true;
}

int qr_admin_get_monitor(struct qr_conn *conn, struct call *call, struct qr_err *err)
{
    const Quarry__V1__MonitorRequest *request = (Quarry__V1__MonitorRequest *)call->request;
    Quarry__V1__MonitorReply *reply = malloc(sizeof *reply);
    Quarry__V1__ListWorkersReply *workers = NULL;

    if (!reply)
        return qr_fail(err, QR_E_NOMEM, "no memory for an answer");
    quarry__v1__monitor_reply__init(reply);
    REPLY(call, reply);
    int rc = qr_monitor_fill(conn, request->run_id, reply, err);
    for (size_t i = 0; rc == QR_OK && i < reply->n_runs; i++)
        rc = qr_admin_add_unserved(call->admin, reply->runs[i], err);
    if (rc == QR_OK && !fill_here(call->admin, reply))
        rc = qr_fail(err, QR_E_NOMEM, "no memory for an answer");
    if (rc == QR_OK)
        rc = qr_admin_workers_here(call->admin, &workers, err);
    if (rc < 0)
        return rc;
    reply->workers = workers->workers; /* they go with it */
    reply->n_workers = workers->n_workers;
    workers->workers = NULL;
    workers->n_workers = 0;
    quarry__v1__list_workers_reply__free_unpacked(workers, NULL);
    return add_alerts(call->admin, reply, err);
}

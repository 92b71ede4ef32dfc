#include "coordinator/db/why.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/clock.h"
#include "coordinator/db/impl.h"
#include "coordinator/db/message.h"

typedef Quarry__V1__ExplainReply reply_t;

static int64_t named_i64(const PGresult *r, const char *name)
{
    return qr_get_i64(r, 0, PQfnumber(r, name));
}

/* ------------------------------------------------------------------ reasons */

/* Adds a reason; NULL when out of memory. The text is what a person reads. */
QR_PRINTF(3, 4)
static Quarry__V1__Reason *add(reply_t *reply, const char *code, const char *fmt, ...)
{
    Quarry__V1__Reason **list = realloc(reply->reasons, (reply->n_reasons + 1) * sizeof *list);
    Quarry__V1__Reason *reason = malloc(sizeof *reason);
    char text[900];
    va_list args;

    if (list)
        reply->reasons = list;
    if (!list || !reason) {
        free(reason);
        return NULL;
    }
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    quarry__v1__reason__init(reason);
    reply->reasons[reply->n_reasons++] = reason;
    return qr_message_set(&reason->code, code) && qr_message_set(&reason->text, text) ? reason
                                                                                      : NULL;
}

static const char *more(int64_t n) { return n >= QR_WHY_COUNT_MAX ? " or more" : ""; }

static void gate_reason(reply_t *reply, const PGresult *r, bool *ok)
{
    const char *gate = qr_get_named(r, 0, "gate");
    const char *why = qr_get_named(r, 0, "gate_reason");
    bool halted = strncmp(why, "paused itself: ", 15) == 0;
    Quarry__V1__Reason *reason = NULL;

    if (strcmp(gate, "cancelled") == 0)
        reason = add(reply, "run_cancelled", "its run is cancelled%s%s", why[0] ? ": " : "", why);
    else if (halted)
        reason = add(reply, "run_halted", "its run %s", why);
    else if (strcmp(gate, "paused") == 0)
        reason = add(reply, "run_paused", "its run is paused%s%s; quarry run resume %lld continues",
                     why[0] ? ": " : "", why, (long long)reply->run_id);
    else
        return;
    if (reason)
        reason->since_ms = named_i64(r, "gate_ms");
    *ok = *ok && reason;
}

/* Nobody can do it: which of the three ways. False when somebody can. */
static bool worker_reason(reply_t *reply, const char *type, const char *root, int64_t sessions,
                          int64_t with_type, int64_t with_root, int64_t count, bool *ok)
{
    Quarry__V1__Reason *reason;

    if (sessions == 0)
        reason = add(reply, "no_workers", "no worker is connected");
    else if (with_type == 0)
        reason =
            add(reply, "no_type", "none of %lld workers does type %s", (long long)sessions, type);
    else if (with_root == 0)
        reason = add(reply, "no_root", "none of %lld workers for %s has the root '%s'",
                     (long long)with_type, type, root);
    else
        return false;
    if (reason)
        reason->count = count;
    *ok = *ok && reason && qr_message_set(&reason->subject, with_type == 0 ? type : root);
    return true;
}

static int limit_reasons(struct qr_conn *conn, reply_t *reply, int32_t queue_id, bool *ret_any,
                         struct qr_err *err)
{
    struct qr_params params;
    QR_AUTO_RESULT rows = NULL;
    char subject[300];

    qr_params_init(&params);
    qr_param_i32(&params, queue_id);
    int rc = qr_conn_run(conn, QR_SQL_why_limits, &params, &rows, err);
    for (int i = 0; rc == QR_OK && i < PQntuples(rows); i++) {
        int64_t running = qr_get_i64(rows, i, 2);
        int64_t held = qr_get_i64(rows, i, 3);
        double rate = qr_get_f64(rows, i, 4);
        double tokens = qr_get_f64(rows, i, 5);
        Quarry__V1__Reason *reason = NULL;
        snprintf(subject, sizeof subject, "%s=%s", qr_get_text(rows, i, 0),
                 qr_get_text(rows, i, 1));
        if (running > 0 && held >= running) {
            reason = add(reply, "limit_running", "limit %s: %lld of %lld run", subject,
                         (long long)held, (long long)running);
        } else if (rate > 0 && tokens < 1) {
            reason =
                add(reply, "limit_rate", "limit %s: %g starts a second, all used", subject, rate);
            if (reason)
                reason->until_ms = qr_clock_wall_ms() + (int64_t)((1 - tokens) / rate * 1000) + 1;
        } else {
            continue;
        }
        *ret_any = true;
        if (!reason || !qr_message_set(&reason->subject, subject))
            return qr_fail(err, QR_E_NOMEM, "why: out of memory");
        reason->count = held;
        reason->limit = running;
    }
    return rc;
}

/* Observed over the last minutes; 0 where there is no basis. */
static int read_rate(struct qr_conn *conn, int64_t run_id, double *ret, struct qr_err *err)
{
    struct qr_params params;
    QR_AUTO_RESULT row = NULL;

    qr_params_init(&params);
    qr_param_i64(&params, run_id);
    int rc = qr_conn_run(conn, QR_SQL_why_rate, &params, &row, err);
    *ret = 0;
    if (rc == QR_OK && qr_get_i64(row, 0, 0) > 0) {
        int64_t ms = qr_get_i64(row, 0, 1);
        *ret = (double)qr_get_i64(row, 0, 0) * 1000 / (double)(ms > 1000 ? ms : 1000);
    }
    return rc;
}

/* ------------------------------------------------------------------ a job */

static bool is_over(const char *status)
{
    return strcmp(status, "completed") == 0 || strcmp(status, "failed") == 0 ||
           strcmp(status, "cancelled") == 0;
}

/* What has ended, or runs: nothing else is to be said. */
static bool settled_reason(reply_t *reply, const PGresult *r, bool *ok)
{
    const char *status = qr_get_named(r, 0, "status");
    const char *worker = qr_get_named(r, 0, "worker");
    const char *stop = qr_get_named(r, 0, "stop_requested");
    Quarry__V1__Reason *reason;

    if (is_over(status)) {
        reason = add(reply, "finished", "it is %s", status);
        if (reason)
            reason->since_ms = named_i64(r, "completed_ms");
    } else if (worker[0]) {
        const char *instance = qr_get_named(r, 0, "instance");
        reason = add(reply, stop[0] ? "stopping" : "running",
                     "%s on worker %s, coordinator %s, lease %lld",
                     stop[0] ? "is being stopped" : "it runs", worker, instance[0] ? instance : "?",
                     (long long)named_i64(r, "lease_id"));
        if (reason) {
            reason->since_ms = named_i64(r, "leased_ms");
            *ok = qr_message_set(&reason->subject, worker);
        }
    } else {
        return false;
    }
    *ok = *ok && reason;
    return true;
}

static void waiting_reasons(reply_t *reply, const PGresult *r, bool *ok)
{
    const char *detail = qr_get_named(r, 0, "pause_detail");
    int64_t run_at = named_i64(r, "run_at_ms");
    const char *class = qr_get_named(r, 0, "error_class");
    Quarry__V1__Reason *reason;

    if (strcmp(qr_get_named(r, 0, "status"), "paused") == 0) {
        reason = add(reply, "paused", "it is paused%s%s; quarry job resume %lld continues",
                     detail[0] ? ": " : "", detail, (long long)reply->job_id);
        if (reason)
            reason->since_ms = named_i64(r, "pause_ms");
        *ok = *ok && reason;
    }
    gate_reason(reply, r, ok);
    if (run_at == 0)
        return;
    if (class[0])
        reason = add(reply, "backoff", "attempt %lld failed (%s), the next one waits",
                     (long long)named_i64(r, "retry_count"), class);
    else
        reason = add(reply, "delayed_start", "it is not to start before its time");
    if (reason)
        reason->until_ms = run_at;
    *ok = *ok && reason;
}

static void turn_reasons(reply_t *reply, const PGresult *r, bool blocked, bool *ok)
{
    int64_t ahead = named_i64(r, "ahead");
    int64_t urgent = named_i64(r, "urgent");
    double weight = qr_get_f64(r, 0, PQfnumber(r, "weight"));
    double others = qr_get_f64(r, 0, PQfnumber(r, "others_weight"));
    Quarry__V1__Reason *reason;

    reply->position = ahead + urgent + 1;
    reply->position_is_bound = ahead >= QR_WHY_COUNT_MAX || urgent >= QR_WHY_COUNT_MAX;
    if (urgent > 0) {
        reason = add(reply, "urgent", "%lld%s jobs of a higher priority than %lld go first",
                     (long long)urgent, more(urgent), (long long)named_i64(r, "priority"));
        if (reason)
            reason->count = urgent;
        *ok = *ok && reason;
    }
    if (ahead > 0) {
        reason = add(reply, "behind", "%lld%s jobs are before it in its queue", (long long)ahead,
                     more(ahead));
        if (reason)
            reason->count = ahead;
        *ok = *ok && reason;
    }
    if (others > 0 && weight > 0) {
        reason = add(reply, "turns",
                     "its run has %.3g %% of the turns: other runs of this priority wait, too",
                     100 * weight / (weight + others));
        *ok = *ok && reason;
    }
    if (reply->n_reasons == 0 && !blocked) {
        reason = add(reply, "next", "it is the next one; %lld places of workers that can do it",
                     (long long)named_i64(r, "slots"));
        if (reason)
            reason->limit = named_i64(r, "slots");
        *ok = *ok && reason;
    }
}

static int explain_job(struct qr_conn *conn, reply_t *reply, const PGresult *r, struct qr_err *err)
{
    bool ok = qr_message_set(&reply->status, qr_get_named(r, 0, "status"));
    bool limited = false;

    reply->job_id = named_i64(r, "id");
    reply->run_id = named_i64(r, "run_id");
    if (!settled_reason(reply, r, &ok)) {
        waiting_reasons(reply, r, &ok);
        worker_reason(reply, qr_get_named(r, 0, "job_type"), qr_get_named(r, 0, "root"),
                      named_i64(r, "sessions"), named_i64(r, "with_type"),
                      named_i64(r, "with_root"), 1, &ok);
        int rc = limit_reasons(conn, reply, (int32_t)named_i64(r, "queue_id"), &limited, err);
        if (rc < 0)
            return rc;
        if (qr_get_bool(r, 0, PQfnumber(r, "alone")))
            ok = ok && add(reply, "alone",
                           "it is suspected of ending its worker and waits for one "
                           "that runs nothing else");
        size_t blocked = reply->n_reasons;
        if (qr_get_bool(r, 0, PQfnumber(r, "is_ready")))
            turn_reasons(reply, r, blocked > 0, &ok);
        rc = read_rate(conn, reply->run_id, &reply->rate, err);
        if (rc < 0)
            return rc;
        bool flows = blocked == 0 || (limited && blocked == 1);
        if (flows && reply->rate > 0 && reply->position > 0 && !reply->position_is_bound)
            reply->expected_start_ms =
                qr_clock_wall_ms() + (int64_t)((double)reply->position / reply->rate * 1000);
    }
    return ok ? QR_OK : qr_fail(err, QR_E_NOMEM, "why: out of memory");
}

static int ask(struct qr_conn *conn, enum qr_sql sql, int64_t id, bool bound, PGresult **ret,
               struct qr_err *err)
{
    struct qr_params params;

    qr_params_init(&params);
    qr_param_i64(&params, id);
    if (bound)
        qr_param_i32(&params, QR_WHY_COUNT_MAX);
    return qr_conn_run(conn, sql, &params, ret, err);
}

static reply_t *reply_new(void)
{
    reply_t *reply = malloc(sizeof *reply);

    if (reply)
        quarry__v1__explain_reply__init(reply);
    return reply;
}

int qr_why_job(struct qr_conn *conn, int64_t job_id, Quarry__V1__ExplainReply **ret,
               struct qr_err *err)
{
    QR_AUTO_RESULT row = NULL;
    int rc = ask(conn, QR_SQL_why_job, job_id, true, &row, err);

    if (rc == QR_OK && PQntuples(row) == 0)
        rc = qr_fail(err, QR_E_NOT_FOUND, "job %lld does not exist", (long long)job_id);
    if (rc < 0)
        return rc;
    reply_t *reply = reply_new();
    if (!reply)
        return qr_fail(err, QR_E_NOMEM, "why: out of memory");
    rc = explain_job(conn, reply, row, err);
    if (rc == QR_OK)
        *ret = reply;
    else
        quarry__v1__explain_reply__free_unpacked(reply, NULL);
    return rc;
}

/* ------------------------------------------------------------------ a run */

static int queue_reasons(struct qr_conn *conn, reply_t *reply, const PGresult *run,
                         const PGresult *rows, int i, struct qr_err *err)
{
    const char *type = qr_get_text(rows, i, 1);
    const char *source = qr_get_text(rows, i, 3);
    int64_t ready = qr_get_i64(rows, i, 4);
    int64_t delayed = qr_get_i64(rows, i, 5);
    Quarry__V1__Reason *reason;
    bool ok = true;
    bool limited = false;
    char subject[300];

    snprintf(subject, sizeof subject, "%s%s%s", type, source[0] ? " from " : "", source);
    if (worker_reason(reply, type, qr_get_text(rows, i, 2), named_i64(run, "sessions"),
                      qr_get_i64(rows, i, 7), qr_get_i64(rows, i, 8), ready + delayed, &ok))
        return ok ? QR_OK : qr_fail(err, QR_E_NOMEM, "why: out of memory");
    int rc = limit_reasons(conn, reply, qr_get_i32(rows, i, 0), &limited, err);
    if (rc == QR_OK && delayed > 0) {
        reason = add(reply, "backoff", "%lld%s jobs of %s wait for their next attempt",
                     (long long)delayed, more(delayed), subject);
        ok = ok && reason;
        if (reason) {
            reason->count = delayed;
            reason->until_ms = qr_get_i64(rows, i, 6);
        }
    }
    if (rc == QR_OK && ready > 0 && !limited) {
        reason = add(reply, "ready", "%lld%s jobs of %s wait for a free place", (long long)ready,
                     more(ready), subject);
        ok = ok && reason;
        if (reason)
            reason->count = ready;
    }
    return rc < 0 ? rc : ok ? QR_OK : qr_fail(err, QR_E_NOMEM, "why: out of memory");
}

static int explain_run(struct qr_conn *conn, reply_t *reply, const PGresult *r, struct qr_err *err)
{
    const char *status = qr_get_named(r, 0, "status");
    QR_AUTO_RESULT queues = NULL;
    QR_AUTO_RESULT leased = NULL;
    bool ok = qr_message_set(&reply->status, status);
    int64_t open = named_i64(r, "open") - named_i64(r, "paused");

    reply->run_id = named_i64(r, "id");
    if (is_over(status)) {
        Quarry__V1__Reason *reason = add(reply, "finished", "it is %s", status);
        if (reason)
            reason->since_ms = named_i64(r, "finished_ms");
        return reason && ok ? QR_OK : qr_fail(err, QR_E_NOMEM, "why: out of memory");
    }
    gate_reason(reply, r, &ok);
    if (qr_get_bool(r, 0, PQfnumber(r, "listing")))
        ok = ok && add(reply, "listing", "its files are still being listed");
    if (qr_get_bool(r, 0, PQfnumber(r, "manual")))
        ok = ok && add(reply, "open", "it waits for more jobs until quarry run close %lld",
                       (long long)reply->run_id);
    int rc = ask(conn, QR_SQL_run_leased, reply->run_id, false, &leased, err);
    if (rc == QR_OK)
        rc = ask(conn, QR_SQL_why_queues, reply->run_id, true, &queues, err);
    if (rc < 0)
        return rc;
    if (qr_get_i64(leased, 0, 0) > 0) {
        Quarry__V1__Reason *reason =
            add(reply, "leased", "%lld jobs are with workers", (long long)qr_get_i64(leased, 0, 0));
        ok = ok && reason;
        if (reason)
            reason->count = qr_get_i64(leased, 0, 0);
    }
    for (int i = 0; rc == QR_OK && i < PQntuples(queues); i++)
        rc = queue_reasons(conn, reply, r, queues, i, err);
    if (rc == QR_OK)
        rc = read_rate(conn, reply->run_id, &reply->rate, err);
    if (rc == QR_OK && reply->rate > 0 && open > 0 &&
        strcmp(qr_get_named(r, 0, "gate"), "open") == 0)
        reply->expected_end_ms = qr_clock_wall_ms() + (int64_t)((double)open / reply->rate * 1000);
    return rc < 0 ? rc : ok ? QR_OK : qr_fail(err, QR_E_NOMEM, "why: out of memory");
}

int qr_why_run(struct qr_conn *conn, int64_t run_id, Quarry__V1__ExplainReply **ret,
               struct qr_err *err)
{
    QR_AUTO_RESULT row = NULL;
    int rc = ask(conn, QR_SQL_why_run, run_id, false, &row, err);

    if (rc == QR_OK && PQntuples(row) == 0)
        rc = qr_fail(err, QR_E_NOT_FOUND, "run %lld does not exist", (long long)run_id);
    if (rc < 0)
        return rc;
    reply_t *reply = reply_new();
    if (!reply)
        return qr_fail(err, QR_E_NOMEM, "why: out of memory");
    rc = explain_run(conn, reply, row, err);
    if (rc == QR_OK)
        *ret = reply;
    else
        quarry__v1__explain_reply__free_unpacked(reply, NULL);
    return rc;
}

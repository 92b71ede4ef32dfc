/* Reasons that a job and its run can have in common. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/clock.h"
#include "coordinator/db/why_intern.h"

Quarry__V1__Reason *qr_why_add(Quarry__V1__ExplainReply *reply, const char *code, const char *fmt,
                               ...)
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

const char *qr_why_more(int64_t n) { return n >= QR_WHY_COUNT_MAX ? " or more" : ""; }

void qr_why_gate(Quarry__V1__ExplainReply *reply, const PGresult *r, bool *ok)
{
    const char *gate = qr_get_named(r, 0, "gate");
    const char *why = qr_get_named(r, 0, "gate_reason");
    const char *by = qr_get_named(r, 0, "gate_by");
    bool halted = strncmp(why, "paused itself: ", 15) == 0;
    Quarry__V1__Reason *reason = NULL;

    if (strcmp(gate, "cancelled") == 0)
        reason =
            qr_why_add(reply, "run_cancelled", "its run was cancelled by %s%squarry run cancel%s%s",
                       by, by[0] ? " with " : "", why[0] ? ": " : "", why);
    else if (halted)
        reason = qr_why_add(reply, "run_halted", "its run %s", why);
    else if (strcmp(gate, "paused") == 0)
        reason = qr_why_add(
            reply, "run_paused",
            "its run was paused by %s%squarry run pause%s%s; quarry run resume %lld "
            "continues",
            by, by[0] ? " with " : "", why[0] ? ": " : "", why, (long long)reply->run_id);
    else
        return;
    if (reason)
        reason->since_ms = qr_why_i64(r, "gate_ms");
    *ok = *ok && reason;
}

bool qr_why_worker(Quarry__V1__ExplainReply *reply, const char *type, const char *root,
                   const struct qr_why_workers *workers, int64_t count, bool *ok)
{
    Quarry__V1__Reason *reason;

    if (workers->all == 0)
        reason = qr_why_add(reply, "no_workers", "no worker is connected");
    else if (workers->with_type == 0)
        reason = qr_why_add(reply, "no_type", "none of %lld workers does type %s",
                            (long long)workers->all, type);
    else if (workers->with_root == 0)
        reason = qr_why_add(reply, "no_root", "none of %lld workers for %s has the root '%s'",
                            (long long)workers->with_type, type, root);
    else
        return false;
    if (reason)
        reason->count = count;
    *ok = *ok && reason && qr_message_set(&reason->subject, workers->with_type == 0 ? type : root);
    return true;
}

int qr_why_limits(struct qr_conn *conn, Quarry__V1__ExplainReply *reply, int32_t queue_id,
                  bool *ret_any, struct qr_err *err)
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
            reason = qr_why_add(reply, "limit_running", "limit %s: %lld of %lld run", subject,
                                (long long)held, (long long)running);
        } else if (rate > 0 && tokens < 1) {
            reason = qr_why_add(reply, "limit_rate", "limit %s: %g starts a second, all used",
                                subject, rate);
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

int qr_why_rate(struct qr_conn *conn, int64_t run_id, double *ret, struct qr_err *err)
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

bool qr_why_is_over(const char *status)
{
    return strcmp(status, "completed") == 0 || strcmp(status, "failed") == 0 ||
           strcmp(status, "cancelled") == 0;
}

int qr_why_ask(struct qr_conn *conn, enum qr_sql sql, int64_t id, bool bound, PGresult **ret,
               struct qr_err *err)
{
    struct qr_params params;

    qr_params_init(&params);
    qr_param_i64(&params, id);
    if (bound)
        qr_param_i32(&params, QR_WHY_COUNT_MAX);
    return qr_conn_run(conn, sql, &params, ret, err);
}

Quarry__V1__ExplainReply *qr_why_reply(void)
{
    Quarry__V1__ExplainReply *reply = malloc(sizeof *reply);

    if (reply)
        quarry__v1__explain_reply__init(reply);
    return reply;
}

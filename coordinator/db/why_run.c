/* What a run waits for. */
#include "coordinator/db/why.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/clock.h"
#include "coordinator/db/why_intern.h"

typedef Quarry__V1__ExplainReply reply_t;

static int no_memory(struct qr_err *err) { return qr_fail(err, QR_E_NOMEM, "why: out of memory"); }

static bool count_reason(Quarry__V1__Reason *reason, int64_t count, int64_t until_ms)
{
    if (reason) {
        reason->count = count;
        reason->until_ms = until_ms;
    }
    return reason != NULL;
}

/* ------------------------------------------------------------------ its queues */

/* Jobs of a queue that nobody may start yet. */
static bool later_reasons(reply_t *reply, const PGresult *rows, int i, const char *subject)
{
    int64_t again = qr_get_i64(rows, i, 5);
    int64_t later = qr_get_i64(rows, i, 7);
    bool ok = true;

    if (again > 0)
        ok = count_reason(qr_why_add(reply, "backoff",
                                     "%lld%s jobs of %s failed and wait for their next attempt",
                                     (long long)again, qr_why_more(again), subject),
                          again, qr_get_i64(rows, i, 6));
    if (ok && later > 0)
        ok = count_reason(qr_why_add(reply, "delayed_start",
                                     "%lld%s jobs of %s are not to start before their time",
                                     (long long)later, qr_why_more(later), subject),
                          later, qr_get_i64(rows, i, 8));
    return ok;
}

/* `ret_nobody` is set when no worker can do it. */
static int queue_reasons(struct qr_conn *conn, reply_t *reply, int64_t sessions,
                         const PGresult *rows, int i, bool *ret_nobody, struct qr_err *err)
{
    const char *type = qr_get_text(rows, i, 1);
    const char *source = qr_get_text(rows, i, 3);
    int64_t ready = qr_get_i64(rows, i, 4);
    int64_t waiting = ready + qr_get_i64(rows, i, 5) + qr_get_i64(rows, i, 7);
    const struct qr_why_workers workers = {sessions, qr_get_i64(rows, i, 9),
                                           qr_get_i64(rows, i, 10)};
    bool ok = true;
    bool limited = false;
    char subject[300];

    snprintf(subject, sizeof subject, "%s%s%s", type, source[0] ? " from " : "", source);
    bool nobody = qr_why_worker(reply, type, qr_get_text(rows, i, 2), &workers, waiting, &ok);
    ok = ok && later_reasons(reply, rows, i, subject);
    *ret_nobody = *ret_nobody || nobody;
    if (!ok || nobody)
        return ok ? QR_OK : no_memory(err);
    int rc = qr_why_limits(conn, reply, qr_get_i32(rows, i, 0), &limited, err);
    if (rc == QR_OK && ready > 0 && !limited)
        ok = count_reason(qr_why_add(reply, "ready", "%lld%s jobs of %s wait for a free place",
                                     (long long)ready, qr_why_more(ready), subject),
                          ready, 0);
    return rc < 0 ? rc : ok ? QR_OK : no_memory(err);
}

/* ------------------------------------------------------------------ its stages */

static const char *const stages[] = {"extract", "link", "index", "report"};

/* Of the stage behind extract that is open now. */
static bool stage_job_reason(reply_t *reply, const PGresult *rows, int i)
{
    const char *stage = qr_get_text(rows, i, 0);
    const char *status = qr_get_named(rows, i, "status");
    const char *instance = qr_get_named(rows, i, "instance");
    int attempts = qr_get_i32(rows, i, PQfnumber(rows, "attempts"));
    int64_t run_at = qr_get_i64(rows, i, PQfnumber(rows, "run_at_ms"));
    Quarry__V1__Reason *reason;

    if (strcmp(status, "processing") == 0) {
        reason = qr_why_add(reply, "stage_running", "coordinator %s works on stage %s",
                            instance[0] ? instance : "?", stage);
        if (reason)
            reason->since_ms = qr_get_i64(rows, i, PQfnumber(rows, "started_ms"));
    } else if (attempts > 0) {
        reason = qr_why_add(reply, "stage_backoff", "attempt %d at stage %s failed: %.300s",
                            attempts, stage, qr_get_named(rows, i, "last_error"));
        if (reason)
            reason->until_ms = run_at;
    } else {
        reason = qr_why_add(reply, "stage_ready", "stage %s waits for a coordinator to take it up",
                            stage);
    }
    return reason && qr_message_set(&reason->subject, stage);
}

/* The phase a run is in, and the stages that have not begun, and why. */
static int stage_reasons(struct qr_conn *conn, reply_t *reply, bool listing, struct qr_err *err)
{
    QR_AUTO_RESULT rows = NULL;
    char names[64] = "";
    int at = 0;
    bool ok = true;

    int rc = qr_why_ask(conn, QR_SQL_why_stages, reply->run_id, false, &rows, err);
    if (rc < 0)
        return rc;
    while (at < PQntuples(rows) && qr_get_bool(rows, at, 2))
        at++;
    if (at == PQntuples(rows))
        return QR_OK; /* over this moment */
    const char *stage = qr_get_text(rows, at, 0);
    int64_t open = qr_get_i64(rows, at, 1);
    size_t next = 0;
    while (next < QR_COUNT(stages) && strcmp(stages[next], stage) != 0)
        next++;
    if (next > 0)
        ok = stage_job_reason(reply, rows, at);
    for (size_t i = next + 1; i < QR_COUNT(stages); i++)
        snprintf(names + strlen(names), sizeof names - strlen(names), "%s%s",
                 i == next + 1 ? "" : ", ", stages[i]);
    if (ok && names[0]) {
        Quarry__V1__Reason *reason =
            next > 0
                ? qr_why_add(reply, "stage_not_begun", "%s: not before %s is done", names, stage)
            : listing || open == 0
                ? qr_why_add(reply, "stage_not_begun",
                             "%s: not before all files are known and their jobs have ended", names)
                : qr_why_add(reply, "stage_not_begun",
                             "%s: not before the %lld open jobs have ended", names,
                             (long long)open);
        ok = count_reason(reason, open, 0) && qr_message_set(&reason->subject, stages[next + 1]);
    }
    ok = ok && qr_message_set(&reply->phase, listing && next == 0 ? "discover" : stage);
    return ok ? QR_OK : no_memory(err);
}

/* ------------------------------------------------------------------ all of it */

/* What holds for the run as a whole. */
static bool run_reasons(reply_t *reply, const PGresult *r)
{
    int64_t paused = qr_why_i64(r, "paused");
    int64_t start_at = qr_why_i64(r, "start_at_ms");
    bool ok = true;

    qr_why_gate(reply, r, &ok);
    if (start_at > qr_clock_wall_ms())
        ok = ok && count_reason(qr_why_add(reply, "run_delayed",
                                           "it was created to start none of its jobs before"),
                                0, start_at);
    if (qr_get_bool(r, 0, PQfnumber(r, "listing")))
        ok = ok && qr_why_add(reply, "listing", "its files are still being listed");
    if (qr_get_bool(r, 0, PQfnumber(r, "manual")))
        ok = ok && qr_why_add(reply, "open", "it waits for more jobs until quarry run close %lld",
                              (long long)reply->run_id);
    if (paused > 0)
        ok = ok && count_reason(qr_why_add(reply, "paused",
                                           "%lld jobs are paused one by one; quarry job list --run "
                                           "%lld --status paused",
                                           (long long)paused, (long long)reply->run_id),
                                paused, 0);
    return ok;
}

static int explain_run(struct qr_conn *conn, reply_t *reply, const PGresult *r, struct qr_err *err)
{
    const char *status = qr_get_named(r, 0, "status");
    QR_AUTO_RESULT queues = NULL;
    QR_AUTO_RESULT leased = NULL;
    bool ok = qr_message_set(&reply->status, status);
    int64_t open = qr_why_i64(r, "open") - qr_why_i64(r, "paused");

    reply->run_id = qr_why_i64(r, "id");
    if (qr_why_is_over(status)) {
        Quarry__V1__Reason *reason = qr_why_add(reply, "finished", "it is %s", status);
        if (reason)
            reason->since_ms = qr_why_i64(r, "finished_ms");
        return reason && ok ? QR_OK : no_memory(err);
    }
    ok = ok && run_reasons(reply, r);
    int rc = qr_why_ask(conn, QR_SQL_run_leased, reply->run_id, false, &leased, err);
    if (rc == QR_OK)
        rc = qr_why_ask(conn, QR_SQL_why_queues, reply->run_id, true, &queues, err);
    if (rc < 0)
        return rc;
    bool nobody = false;
    int64_t held = qr_get_i64(leased, 0, 0);
    if (held > 0)
        ok = ok && count_reason(
                       qr_why_add(reply, "leased", "%lld jobs are with workers", (long long)held),
                       held, 0);
    for (int i = 0; rc == QR_OK && ok && i < PQntuples(queues); i++)
        rc = queue_reasons(conn, reply, qr_why_i64(r, "sessions"), queues, i, &nobody, err);
    if (rc == QR_OK && ok)
        rc = stage_reasons(conn, reply, qr_get_bool(r, 0, PQfnumber(r, "listing")), err);
    if (rc == QR_OK)
        rc = qr_why_rate(conn, reply->run_id, &reply->rate, err);
    if (rc == QR_OK && reply->rate > 0 && open > 0 && !nobody &&
        strcmp(qr_get_named(r, 0, "gate"), "open") == 0)
        reply->expected_end_ms = qr_clock_wall_ms() + (int64_t)((double)open / reply->rate * 1000);
    return rc < 0 ? rc : ok ? QR_OK : no_memory(err);
}

int qr_why_run(struct qr_conn *conn, int64_t run_id, Quarry__V1__ExplainReply **ret,
               struct qr_err *err)
{
    QR_AUTO_RESULT row = NULL;
    int rc = qr_why_ask(conn, QR_SQL_why_run, run_id, false, &row, err);

    if (rc == QR_OK && PQntuples(row) == 0)
        rc = qr_fail(err, QR_E_NOT_FOUND, "run %lld does not exist", (long long)run_id);
    if (rc < 0)
        return rc;
    reply_t *reply = qr_why_reply();
    if (!reply)
        return qr_fail(err, QR_E_NOMEM, "why: out of memory");
    rc = explain_run(conn, reply, row, err);
    if (rc == QR_OK)
        *ret = reply;
    else
        quarry__v1__explain_reply__free_unpacked(reply, NULL);
    return rc;
}

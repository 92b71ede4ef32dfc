/* Why a job is not running. */
#include "coordinator/db/why.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/clock.h"
#include "coordinator/db/why_intern.h"

/* What has ended, or runs: nothing else is to be said. */
static bool settled_reason(Quarry__V1__ExplainReply *reply, const PGresult *r, bool *ok)
{
    const char *status = qr_get_named(r, 0, "status");
    const char *worker = qr_get_named(r, 0, "worker");
    const char *stop = qr_get_named(r, 0, "stop_requested");
    Quarry__V1__Reason *reason;

    if (qr_why_is_over(status)) {
        reason = qr_why_add(reply, "finished", "it is %s", status);
        if (reason)
            reason->since_ms = qr_why_i64(r, "completed_ms");
    } else if (worker[0]) {
        const char *instance = qr_get_named(r, 0, "instance");
        reason = qr_why_add(reply, stop[0] ? "stopping" : "running",
                            "%s on worker %s, coordinator %s, lease %lld",
                            stop[0] ? "is being stopped" : "it runs", worker,
                            instance[0] ? instance : "?", (long long)qr_why_i64(r, "lease_id"));
        if (reason) {
            reason->since_ms = qr_why_i64(r, "leased_ms");
            *ok = qr_message_set(&reason->subject, worker);
        }
    } else {
        return false;
    }
    *ok = *ok && reason;
    return true;
}

static void waiting_reasons(Quarry__V1__ExplainReply *reply, const PGresult *r, bool *ok)
{
    const char *detail = qr_get_named(r, 0, "pause_detail");
    const char *by = qr_get_named(r, 0, "pause_by");
    int64_t run_at = qr_why_i64(r, "run_at_ms");
    const char *class = qr_get_named(r, 0, "error_class");
    Quarry__V1__Reason *reason;

    if (strcmp(qr_get_named(r, 0, "status"), "paused") == 0) {
        reason = qr_why_add(
            reply, "paused",
            "it was paused by %s%squarry job pause%s%s; quarry job resume %lld continues", by,
            by[0] ? " with " : "", detail[0] ? ": " : "", detail, (long long)reply->job_id);
        if (reason)
            reason->since_ms = qr_why_i64(r, "pause_ms");
        *ok = *ok && reason;
    }
    qr_why_gate(reply, r, ok);
    if (run_at == 0)
        return;
    if (class[0])
        reason = qr_why_add(reply, "backoff", "attempt %lld failed (%s), the next one waits",
                            (long long)qr_why_i64(r, "retry_count"), class);
    else
        reason = qr_why_add(reply, "delayed_start", "it is not to start before its time");
    if (reason)
        reason->until_ms = run_at;
    *ok = *ok && reason;
}

static void turn_reasons(Quarry__V1__ExplainReply *reply, const PGresult *r, bool blocked, bool *ok)
{
    int64_t ahead = qr_why_i64(r, "ahead");
    int64_t urgent = qr_why_i64(r, "urgent");
    double weight = qr_get_f64(r, 0, PQfnumber(r, "weight"));
    double others = qr_get_f64(r, 0, PQfnumber(r, "others_weight"));
    Quarry__V1__Reason *reason;

    reply->position = ahead + urgent + 1;
    reply->position_is_bound = ahead >= QR_WHY_COUNT_MAX || urgent >= QR_WHY_COUNT_MAX;
    if (urgent > 0) {
        reason = qr_why_add(reply, "urgent", "%lld%s jobs of a higher priority than %lld go first",
                            (long long)urgent, qr_why_more(urgent),
                            (long long)qr_why_i64(r, "priority"));
        if (reason)
            reason->count = urgent;
        *ok = *ok && reason;
    }
    if (ahead > 0) {
        reason = qr_why_add(reply, "behind", "%lld%s jobs are before it in its queue",
                            (long long)ahead, qr_why_more(ahead));
        if (reason)
            reason->count = ahead;
        *ok = *ok && reason;
    }
    if (others > 0 && weight > 0) {
        reason =
            qr_why_add(reply, "turns",
                       "its run has %.3g %% of the turns: other runs of this priority wait, too",
                       100 * weight / (weight + others));
        *ok = *ok && reason;
    }
    if (reply->n_reasons == 0 && !blocked) {
        reason =
            qr_why_add(reply, "next", "it is the next one; %lld places of workers that can do it",
                       (long long)qr_why_i64(r, "slots"));
        if (reason)
            reason->limit = qr_why_i64(r, "slots");
        *ok = *ok && reason;
    }
}

static int explain_job(struct qr_conn *conn, Quarry__V1__ExplainReply *reply, const PGresult *r,
                       struct qr_err *err)
{
    const struct qr_why_workers workers = {qr_why_i64(r, "sessions"), qr_why_i64(r, "with_type"),
                                           qr_why_i64(r, "with_root")};
    bool ok = qr_message_set(&reply->status, qr_get_named(r, 0, "status")) &&
              qr_message_set(&reply->phase, "extract"); /* the stage whose work jobs are */
    int64_t run_at = qr_why_i64(r, "run_at_ms");
    bool limited = false;

    reply->job_id = qr_why_i64(r, "id");
    reply->run_id = qr_why_i64(r, "run_id");
    if (!settled_reason(reply, r, &ok)) {
        waiting_reasons(reply, r, &ok);
        qr_why_worker(reply, qr_get_named(r, 0, "job_type"), qr_get_named(r, 0, "root"), &workers,
                      1, &ok);
        int rc = qr_why_limits(conn, reply, (int32_t)qr_why_i64(r, "queue_id"), &limited, err);
        if (rc < 0)
            return rc;
        if (qr_get_bool(r, 0, PQfnumber(r, "alone")))
            ok = ok && qr_why_add(reply, "alone",
                                  "it is suspected of ending its worker and waits for one "
                                  "that runs nothing else");
        size_t blocked = reply->n_reasons;
        if (qr_get_bool(r, 0, PQfnumber(r, "is_ready")))
            turn_reasons(reply, r, blocked > 0, &ok);
        rc = qr_why_rate(conn, reply->run_id, &reply->rate, err);
        if (rc < 0)
            return rc;
        bool flows = blocked == 0 || (limited && blocked == 1);
        if (flows && reply->rate > 0 && reply->position > 0 && !reply->position_is_bound)
            reply->expected_start_ms =
                qr_clock_wall_ms() + (int64_t)((double)reply->position / reply->rate * 1000);
        if (run_at > 0 && blocked == 1) /* nothing but its time stands in the way */
            reply->expected_start_ms = run_at;
    }
    return ok ? QR_OK : qr_fail(err, QR_E_NOMEM, "why: out of memory");
}

int qr_why_job(struct qr_conn *conn, int64_t job_id, Quarry__V1__ExplainReply **ret,
               struct qr_err *err)
{
    QR_AUTO_RESULT row = NULL;
    int rc = qr_why_ask(conn, QR_SQL_why_job, job_id, true, &row, err);

    if (rc == QR_OK && PQntuples(row) == 0)
        rc = qr_fail(err, QR_E_NOT_FOUND, "job %lld does not exist", (long long)job_id);
    if (rc < 0)
        return rc;
    Quarry__V1__ExplainReply *reply = qr_why_reply();
    if (!reply)
        return qr_fail(err, QR_E_NOMEM, "why: out of memory");
    rc = explain_job(conn, reply, row, err);
    if (rc == QR_OK)
        *ret = reply;
    else
        quarry__v1__explain_reply__free_unpacked(reply, NULL);
    return rc;
}

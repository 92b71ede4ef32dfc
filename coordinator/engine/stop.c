/* Rule 10: leases whose job or run people have paused or cancelled.
 *
 * The database is asked by level: whatever it says is stopped is compared with every lease, at each
 * poll, at a Hello and at an adoption. A running job is told (Stop, with a grace for its last
 * checkpoint) and keeps its lease until its Release, its result, or the fence after two seconds; an
 * offer that was not accepted goes back at once; a result that is with the database stays there.
 * Where the job goes then is decided by the transaction that ends the lease, never here. */
#include "coordinator/engine/internal.h"

#include <stdlib.h>

static void tell(struct qr_engine *engine, const struct qr_eng_session *session, uint64_t lease_id,
                 enum qr_stop_reason reason)
{
    struct qr_eng_stream *stream = session->stream;
    uint32_t grace_ms = reason == QR_STOP_PAUSE ? engine->config.stop_grace_ms : 0;

    if (!stream)
        return; /* told when it comes back */
    engine->port.stop(engine->port.ctx, stream->id, ++stream->seq, lease_id, reason, grace_ms);
}

static void fence_at(struct qr_eng_lease *lease, int64_t at)
{
    struct qr_eng_session *session = lease->session;

    lease->stop_until = at;
    if (!session->stop_due || at < session->stop_due)
        session->stop_due = at;
}

void qr_eng_stop_lease(struct qr_engine *engine, struct qr_eng_lease *lease,
                       enum qr_stop_reason reason)
{
    if (lease->state == QR_LEASE_ACTIVE) {
        lease->stop_since = engine->now;
        qr_eng_lease_set(engine, lease, QR_LEASE_STOPPING);
        fence_at(lease, engine->now + engine->config.stop_fence_ms);
        engine->stats.stops_sent++;
    } else if (lease->state != QR_LEASE_STOPPING || reason <= lease->stop) {
        return; /* settling, returning: the database decides; or it was told before */
    }
    lease->stop = reason;
    tell(engine, lease->session, lease->id, reason);
}

void qr_eng_stop_unsettled(struct qr_engine *engine, struct qr_eng_lease *lease)
{
    if (!lease->stop) {
        qr_eng_lease_set(engine, lease, QR_LEASE_ACTIVE);
        return;
    }
    /* There is a result: it gets the time of another fence, since sending it again takes some. */
    qr_eng_lease_set(engine, lease, QR_LEASE_STOPPING);
    fence_at(lease, engine->now + engine->config.stop_fence_ms);
}

void qr_eng_stop_ended(struct qr_engine *engine, const struct qr_eng_lease *lease, bool fenced)
{
    if (fenced)
        engine->stats.stops_fenced++;
    else
        engine->stats.stops_released++;
    engine->stats.stops_ms += (uint64_t)(engine->now - lease->stop_since);
}

void qr_eng_stop_repeat(struct qr_engine *engine, struct qr_eng_session *session)
{
    const struct qr_eng_lease *lease;

    if (session->n_state[QR_LEASE_STOPPING] == 0)
        return;
    DL_FOREACH (session->leases, lease)
        if (lease->state == QR_LEASE_STOPPING)
            tell(engine, session, lease->id, lease->stop);
}

/* ------------------------------------------------------------------ the fence */

int64_t qr_eng_stop_due(const struct qr_engine *engine, const struct qr_eng_session *session)
{
    int64_t caught_up = engine->stalled_until + QR_ENG_CATCH_UP_MS;

    if (!session->stop_due || session->n_state[QR_LEASE_STOPPING] == 0)
        return INT64_MAX;
    /* The Release may have waited through a stall of this coordinator (rule 6). */
    return session->stop_due > caught_up ? session->stop_due : caught_up;
}

/* The take-back checks the lease (M_CANCEL_BLIND): a result may have been first. */
void qr_eng_stop_fence(struct qr_engine *engine, struct qr_eng_session *session)
{
    struct qr_eng_lease *lease, *next;

    session->stop_due = 0;
    DL_FOREACH_SAFE(session->leases, lease, next)
    {
        if (lease->state != QR_LEASE_STOPPING || QR_MUTANT(stop_unfenced))
            continue;
        if (lease->stop_until > engine->now) {
            fence_at(lease, lease->stop_until);
            continue;
        }
        qr_eng_stop_ended(engine, lease, true);
        tell(engine, session, lease->id, QR_STOP_STALE);
        qr_eng_return_add(engine, lease);
    }
    qr_eng_return_send(engine, session->pk, session->attach, QR_RETURN_FENCED, NULL, 0);
}

/* ------------------------------------------------------------------ what the database says */

static enum qr_stop_reason of_job(const struct qr_stops *stops, uint64_t job_id)
{
    size_t low = 0, high = stops->n_jobs;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (stops->jobs[middle].job_id < job_id)
            low = middle + 1;
        else
            high = middle;
    }
    return low < stops->n_jobs && stops->jobs[low].job_id == job_id ? stops->jobs[low].reason
                                                                    : QR_STOP_NONE;
}

static enum qr_stop_reason of_run(const struct qr_stops *stops, uint64_t run_id)
{
    size_t low = 0, high = stops->n_runs;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (stops->runs[middle].run_id < run_id)
            low = middle + 1;
        else
            high = middle;
    }
    return low < stops->n_runs && stops->runs[low].run_id == run_id ? stops->runs[low].reason
                                                                    : QR_STOP_NONE;
}

static void compare_leases(struct qr_engine *engine, struct qr_eng_session *session,
                           const struct qr_stops *stops)
{
    struct qr_eng_lease *lease, *next;

    DL_FOREACH_SAFE(session->leases, lease, next)
    {
        enum qr_stop_reason job = of_job(stops, lease->job_id);
        enum qr_stop_reason run = of_run(stops, lease->run_id);
        enum qr_stop_reason reason = job > run ? job : run;
        if (!reason)
            continue;
        if (lease->state != QR_LEASE_OFFERED) {
            qr_eng_stop_lease(engine, lease, reason);
            continue;
        }
        if (QR_MUTANT(stop_offers))
            continue;
        engine->stats.stops_offers++;
        tell(engine, session, lease->id, QR_STOP_STALE);
        qr_eng_return_add(engine, lease);
    }
    qr_eng_return_send(engine, session->pk, session->attach, QR_RETURN_STOPPED, NULL, 0);
    qr_eng_session_arm(engine, session);
}

/* The database asks for a drain of this session, or no more (NULL). */
static void compare_drain(struct qr_engine *engine, struct qr_eng_session *session,
                          const uint32_t *grace_ms)
{
    struct qr_eng_stream *stream = session->stream;
    bool resume = session->drain_stored && !grace_ms;

    if (resume) {
        session->draining = session->drain_stored = false;
    } else if (grace_ms && !session->drain_stored) {
        session->draining = session->drain_stored = true;
        session->drain_grace_ms = *grace_ms;
    } else {
        return;
    }
    if (stream)
        engine->port.drain(engine->port.ctx, stream->id, ++stream->seq, session->drain_grace_ms,
                           resume);
    qr_eng_session_arm(engine, session);
}

static const uint32_t *drain_of(const struct qr_stops *stops, const struct qr_eng_session *session)
{
    size_t low = 0, high = session->pk ? stops->n_drains : 0;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (stops->drains[middle].session_pk < session->pk)
            low = middle + 1;
        else
            high = middle;
    }
    return low < stops->n_drains && stops->drains[low].session_pk == session->pk
               ? &stops->drains[low].grace_ms
               : NULL;
}

void qr_engine_stops(struct qr_engine *engine, const struct qr_stops *stops)
{
    struct qr_eng_session *session, *next;
    bool any = stops->n_jobs > 0 || stops->n_runs > 0;

    HASH_ITER (hh, engine->sessions, session, next) {
        compare_drain(engine, session, drain_of(stops, session));
        if (any && session->attach && session->n_leases > 0)
            compare_leases(engine, session, stops);
    }
}

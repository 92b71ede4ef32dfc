/* Leases: the table, their states, and the frames that speak of single ones. */
#include "coordinator/engine/internal.h"

#include <stdlib.h>

enum { BUDGET_MS = 300000, PROGRESS_BUDGET_MS = 120000 }; /* the longest that are given */

struct qr_eng_lease *qr_eng_lease_find(struct qr_engine *engine, uint64_t id)
{
    struct qr_eng_lease *lease;

    HASH_FIND(hh, engine->leases, &id, sizeof id, lease);
    return lease;
}

static uint32_t *gauge(struct qr_engine *engine, enum qr_eng_lease_state state)
{
    switch (state) {
    case QR_LEASE_OFFERED:
        return &engine->stats.leases_offered_now;
    case QR_LEASE_ACTIVE:
        return &engine->stats.leases_active_now;
    case QR_LEASE_STOPPING:
        return &engine->stats.leases_stopping_now;
    case QR_LEASE_SETTLING:
        return &engine->stats.leases_settling_now;
    case QR_LEASE_RETURNING:
    case QR_LEASE_STATES:
        break;
    }
    return &engine->stats.leases_returning_now;
}

struct qr_eng_lease *qr_eng_lease_add(struct qr_engine *engine, struct qr_eng_session *session,
                                      uint64_t id, uint64_t job_id, enum qr_eng_lease_state state)
{
    struct qr_eng_lease *lease = engine->free_leases;

    if (lease) {
        engine->free_leases = lease->next;
        memset(lease, 0, sizeof *lease);
    } else {
        lease = qr_eng_alloc(1, sizeof *lease);
    }
    lease->id = id;
    lease->job_id = job_id;
    lease->session = session;
    lease->state = state;
    lease->since = engine->now;
    lease->budget_ms = BUDGET_MS;
    lease->progress_budget_ms = PROGRESS_BUDGET_MS;
    HASH_ADD(hh, engine->leases, id, sizeof lease->id, lease);
    DL_APPEND(session->leases, lease);
    session->n_leases++;
    session->n_state[state]++;
    ++*gauge(engine, state);
    return lease;
}

void qr_eng_lease_remove(struct qr_engine *engine, struct qr_eng_lease *lease)
{
    struct qr_eng_session *session = lease->session;

    HASH_DEL(engine->leases, lease);
    DL_DELETE(session->leases, lease);
    session->n_leases--;
    session->n_state[lease->state]--;
    --*gauge(engine, lease->state);
    lease->next = engine->free_leases;
    engine->free_leases = lease;
}

void qr_eng_lease_set(struct qr_engine *engine, struct qr_eng_lease *lease,
                      enum qr_eng_lease_state state)
{
    struct qr_eng_session *session = lease->session;

    session->n_state[lease->state]--;
    --*gauge(engine, lease->state);
    lease->state = state;
    session->n_state[state]++;
    ++*gauge(engine, state);
}

bool qr_eng_lease_is_held(const struct qr_eng_lease *lease)
{
    return lease->state == QR_LEASE_OFFERED || lease->state == QR_LEASE_ACTIVE ||
           lease->state == QR_LEASE_STOPPING;
}

void qr_eng_lease_budget(struct qr_engine *engine, struct qr_eng_lease *lease, uint64_t bytes)
{
    lease->bytes = bytes;
    lease->offered_here = true;
    if (engine->config.budget)
        engine->config.budget(engine->config.budget_ctx, lease->type, bytes, &lease->budget_ms,
                              &lease->progress_budget_ms);
}

void qr_checkpoint_free(struct qr_checkpoint *checkpoint)
{
    if (!checkpoint)
        return;
    free(checkpoint->data);
    free(checkpoint->part);
    free(checkpoint);
}

/* A lease of this session, or NULL. */
static struct qr_eng_lease *own(struct qr_engine *engine, const struct qr_eng_session *session,
                                uint64_t id)
{
    struct qr_eng_lease *lease = qr_eng_lease_find(engine, id);

    return lease && lease->session == session ? lease : NULL;
}

void qr_engine_accept(struct qr_engine *engine, uint64_t stream, const uint64_t *leases, size_t n)
{
    struct qr_eng_session *session = qr_eng_stream_hear(engine, stream);

    if (!session)
        return;
    for (size_t i = 0; i < n; i++) {
        struct qr_eng_lease *lease = own(engine, session, leases[i]);
        if (!lease || lease->state != QR_LEASE_OFFERED)
            continue; /* gone or going: the next beat's Sync says so */
        qr_eng_lease_set(engine, lease, QR_LEASE_ACTIVE);
        engine->stats.leases_accepted++;
    }
    qr_eng_session_arm(engine, session);
}

void qr_engine_decline(struct qr_engine *engine, uint64_t stream, const uint64_t *leases, size_t n)
{
    struct qr_eng_session *session = qr_eng_stream_hear(engine, stream);

    if (!session)
        return;
    for (size_t i = 0; i < n; i++) {
        struct qr_eng_lease *lease = own(engine, session, leases[i]);
        /* active: a beat that was sent before the Decline named it */
        if (!lease || !qr_eng_lease_is_held(lease))
            continue;
        qr_eng_return_add(engine, lease);
        engine->stats.leases_declined++;
    }
    qr_eng_return_send(engine, session->pk, session->attach, QR_RETURN_DECLINED, NULL, 0);
    qr_eng_session_arm(engine, session);
}

void qr_engine_release(struct qr_engine *engine, uint64_t stream, uint64_t lease_id,
                       uint64_t delay_ms, const void *checkpoint, size_t len)
{
    struct qr_eng_session *session = qr_eng_stream_hear(engine, stream);
    struct qr_eng_lease *lease = session ? own(engine, session, lease_id) : NULL;
    enum qr_return_reason reason;

    if (!lease || !qr_eng_lease_is_held(lease))
        return;
    if (lease->state == QR_LEASE_STOPPING)
        qr_eng_stop_ended(engine, lease, false);
    reason = lease->stop ? QR_RETURN_STOPPED : delay_ms != 0 ? QR_RETURN_WAITS : QR_RETURN_RELEASED;
    qr_eng_return_add(engine, lease);
    qr_eng_return_later(engine, session->pk, session->attach, reason,
                        reason == QR_RETURN_WAITS ? delay_ms : 0, checkpoint, len);
    qr_eng_session_arm(engine, session);
}

bool qr_engine_checkpoint(struct qr_engine *engine, uint64_t stream,
                          struct qr_checkpoint *checkpoint)
{
    struct qr_eng_session *session = qr_eng_stream_hear(engine, stream);
    struct qr_eng_lease *lease = session ? own(engine, session, checkpoint->lease_id) : NULL;

    if (!lease || lease->in_checkpoint ||
        (lease->state != QR_LEASE_ACTIVE && lease->state != QR_LEASE_STOPPING))
        return true; /* one answer follows, or the next Sync says that it is over */
    lease->in_checkpoint = true;
    checkpoint->job_id = lease->job_id;
    checkpoint->session_pk = session->pk;
    checkpoint->attach = session->attach;
    engine->checkpoints_in_flight++;
    engine->port.db_checkpoint(engine->port.ctx, checkpoint);
    return false;
}

void qr_engine_done_checkpoint(struct qr_engine *engine, const struct qr_checkpoint *checkpoint,
                               enum qr_db_status status)
{
    struct qr_eng_session *session = qr_eng_session_find_pk(engine, checkpoint->session_pk);
    struct qr_eng_lease *lease = qr_eng_lease_find(engine, checkpoint->lease_id);
    bool kept = status == QR_DB_DONE && checkpoint->stands >= checkpoint->number;

    engine->checkpoints_in_flight--;
    engine->stats.checkpoints += kept;
    engine->stats.checkpoint_bytes += kept ? checkpoint->part_len : 0;
    engine->stats.checkpoints_refused += !kept;
    if (!session || !lease || lease->session != session)
        return;
    lease->in_checkpoint = false;
    if (status != QR_DB_DONE || checkpoint->stale || !session->stream)
        return; /* it is sent again; or the lease is over, which a Sync says */
    engine->port.checkpoint_ack(engine->port.ctx, session->stream->id, ++session->stream->seq,
                                lease->id, checkpoint->number, checkpoint->stands);
}

uint64_t qr_engine_holds(struct qr_engine *engine, uint64_t stream, uint64_t lease_id)
{
    struct qr_eng_session *session = qr_eng_stream_hear(engine, stream);
    struct qr_eng_lease *lease = session ? own(engine, session, lease_id) : NULL;

    return lease && (lease->state == QR_LEASE_OFFERED || lease->state == QR_LEASE_ACTIVE)
               ? lease->job_id
               : 0;
}

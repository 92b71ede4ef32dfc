/* Sessions: tables, detaching, letting go, and the one timer that each has. */
#include "coordinator/engine/internal.h"

#include <stdlib.h>

struct qr_eng_session *qr_eng_session_find(struct qr_engine *engine, const uint8_t *id)
{
    struct qr_eng_session *session;

    HASH_FIND(hh, engine->sessions, id, QR_SESSION_BYTES, session);
    return session;
}

struct qr_eng_session *qr_eng_session_find_pk(struct qr_engine *engine, uint64_t pk)
{
    struct qr_eng_session *session;

    HASH_FIND(hh_pk, engine->sessions_by_pk, &pk, sizeof pk, session);
    return session;
}

/* ------------------------------------------------------------------ the timer */

static bool is_over(const struct qr_eng_session *session)
{
    return !session->stream && !session->greeting && !session->waiting && !session->uncertain &&
           session->n_leases == 0;
}

/* Silent for a ttl: what it held goes back; what is being settled stays with the database. */
static void expire(struct qr_engine *engine, struct qr_eng_session *session)
{
    struct qr_eng_lease *lease, *next;
    bool held = false;

    DL_FOREACH_SAFE(session->leases, lease, next)
    {
        bool spare = lease->in_settle && !QR_MUTANT(expire_settling);
        if (spare || lease->state == QR_LEASE_RETURNING)
            continue;
        held = true;
        if (!session->uncertain)
            qr_eng_return_add(engine, lease);
    }
    if (held)
        engine->stats.sessions_expired++;
    qr_eng_return_send(engine, session->pk, session->attach, QR_RETURN_EXPIRED, NULL, 0);
    if (session->stream)
        qr_eng_stream_end(engine, session->stream, QR_END_NOT_RENEWED, 0,
                          "nothing was heard for a whole ttl");
    if (session->uncertain && !session->greeting)
        qr_eng_hello_recover(engine, session);
}

/* INT64_MAX where there is none. The Accept may have waited through a stall of this coordinator:
 * what waited is read first, whoever feeds the engine and in whatever turns (rule 6). */
static int64_t offers_run_out_at(const struct qr_engine *engine,
                                 const struct qr_eng_session *session)
{
    int64_t caught_up = engine->stalled_until + QR_ENG_CATCH_UP_MS;

    if (!session->offer_due)
        return INT64_MAX;
    return session->offer_due > caught_up || QR_MUTANT(no_grace) ? session->offer_due : caught_up;
}

/* Offers that were not accepted in time go back. */
static void check_offers(struct qr_engine *engine, struct qr_eng_session *session)
{
    struct qr_eng_lease *lease, *next;

    session->offer_due = 0;
    DL_FOREACH_SAFE(session->leases, lease, next)
    {
        if (lease->state != QR_LEASE_OFFERED)
            continue;
        if (lease->offer_until <= engine->now) {
            engine->stats.leases_not_accepted++;
            qr_eng_return_add(engine, lease);
        } else if (!session->offer_due || lease->offer_until < session->offer_due) {
            session->offer_due = lease->offer_until;
        }
    }
    qr_eng_return_send(engine, session->pk, session->attach, QR_RETURN_NOT_ACCEPTED, NULL, 0);
}

/* INT64_MAX where there is nothing to expire. */
static int64_t expires_at(const struct qr_engine *engine, const struct qr_eng_session *session)
{
    uint32_t held = session->n_state[QR_LEASE_OFFERED] + session->n_state[QR_LEASE_ACTIVE] +
                    session->n_state[QR_LEASE_STOPPING] +
                    (QR_MUTANT(expire_settling) ? session->n_state[QR_LEASE_SETTLING] : 0);

    if (!session->stream && (session->greeting || session->waiting))
        return INT64_MAX;
    if (!session->stream && !session->uncertain && held == 0)
        return INT64_MAX;
    return qr_eng_watch_since(engine, session) + engine->config.ttl_ms;
}

static void fire(struct qr_engine *engine, struct qr_eng_timer *timer)
{
    struct qr_eng_session *session = QR_CONTAINER_OF(timer, struct qr_eng_session, timer);

    if (session->gone_at && engine->now - session->gone_at >= QR_ENG_GONE_KEEP_MS) {
        qr_eng_session_free(engine, session);
        return;
    }
    if (offers_run_out_at(engine, session) <= engine->now)
        check_offers(engine, session);
    if (qr_eng_stop_due(engine, session) <= engine->now)
        qr_eng_stop_fence(engine, session);
    if (expires_at(engine, session) <= engine->now) {
        if (qr_eng_watch_can_commit(engine))
            expire(engine, session);
        else
            qr_eng_watch_restart(engine);
    }
    if (qr_eng_claim_plan(engine, session) <= engine->now)
        qr_eng_claim_send(engine, session);
    qr_eng_session_arm(engine, session);
}

void qr_eng_session_arm(struct qr_engine *engine, struct qr_eng_session *session)
{
    int64_t at = expires_at(engine, session);
    int64_t claim_at = qr_eng_claim_plan(engine, session);

    /* not while a claim of unknown end may have left leases: nobody could take them back */
    if (session->goodbye && session->attach && session->n_leases == 0 && !session->claim_token &&
        (!session->uncertain || QR_MUTANT(end_uncertain))) {
        engine->port.db_end_session(engine->port.ctx, session->pk, session->attach);
        session->attach = 0;
    }
    if (!is_over(session))
        session->gone_at = 0;
    else if (!session->gone_at)
        session->gone_at = engine->now;
    if (offers_run_out_at(engine, session) < at)
        at = offers_run_out_at(engine, session);
    if (qr_eng_stop_due(engine, session) < at)
        at = qr_eng_stop_due(engine, session);
    if (claim_at < at)
        at = claim_at;
    if (session->gone_at && session->gone_at + QR_ENG_GONE_KEEP_MS < at)
        at = session->gone_at + QR_ENG_GONE_KEEP_MS;
    if (at == INT64_MAX)
        qr_eng_timer_cancel(engine, &session->timer);
    else
        qr_eng_timer_arm(engine, &session->timer, at);
}

/* ------------------------------------------------------------------ life */

/* The longest gone session makes room. */
bool qr_eng_session_room(struct qr_engine *engine)
{
    struct qr_eng_session *session, *next, *oldest = NULL;

    if (HASH_COUNT(engine->sessions) < engine->config.sessions_max)
        return true;
    HASH_ITER (hh, engine->sessions, session, next)
        if (session->gone_at && (!oldest || session->gone_at < oldest->gone_at))
            oldest = session;
    if (oldest)
        qr_eng_session_free(engine, oldest);
    return oldest != NULL;
}

struct qr_eng_session *qr_eng_session_new(struct qr_engine *engine, const uint8_t *id,
                                          const char *worker_id)
{
    struct qr_eng_session *session = qr_eng_alloc(1, sizeof *session);

    memcpy(session->id, id, sizeof session->id);
    session->worker_id = strdup(worker_id);
    if (!session->worker_id)
        abort(); /* as qr_eng_alloc() */
    session->heard_at = engine->now;
    session->timer.fire = fire;
    HASH_ADD(hh, engine->sessions, id, QR_SESSION_BYTES, session);
    return session;
}

void qr_eng_session_free(struct qr_engine *engine, struct qr_eng_session *session)
{
    struct qr_eng_lease *lease, *next;

    DL_FOREACH_SAFE(session->leases, lease, next)
    qr_eng_lease_remove(engine, lease);
    if (QR_MUTANT(old_stream))
        for (struct qr_eng_stream *s = engine->streams; s; s = s->hh.next)
            s->session = s->session == session ? NULL : s->session;
    qr_eng_timer_cancel(engine, &session->timer);
    qr_eng_line_forget(engine, session);
    if (session->has_pk)
        HASH_DELETE(hh_pk, engine->sessions_by_pk, session);
    HASH_DELETE(hh, engine->sessions, session);
    free(session->worker_id);
    free(session->info);
    free(session->credit.unseen);
    free(session->acks);
    free(session);
}

void qr_eng_session_set_pk(struct qr_engine *engine, struct qr_eng_session *session, uint64_t pk)
{
    struct qr_eng_session *other = qr_eng_session_find_pk(engine, pk);

    if (other == session)
        return;
    if (other) {
        HASH_DELETE(hh_pk, engine->sessions_by_pk, other);
        other->has_pk = false;
    }
    if (session->has_pk)
        HASH_DELETE(hh_pk, engine->sessions_by_pk, session);
    session->pk = pk;
    session->has_pk = true;
    HASH_ADD(hh_pk, engine->sessions_by_pk, pk, sizeof session->pk, session);
}

void qr_eng_session_detach(struct qr_engine *engine, struct qr_eng_session *session, bool returning)
{
    struct qr_eng_lease *lease, *next;

    session->stream = NULL;
    session->linger_from = 0;
    qr_eng_line_leave(session);
    if (!returning || QR_MUTANT(break_keeps))
        return;
    DL_FOREACH_SAFE(session->leases, lease, next)
    if (lease->state == QR_LEASE_OFFERED)
        qr_eng_return_add(engine, lease);
    qr_eng_return_send(engine, session->pk, session->attach, QR_RETURN_STREAM_BROKEN, NULL, 0);
}

void qr_eng_session_forget(struct qr_engine *engine, struct qr_eng_session *session,
                           enum qr_end_reason reason, const char *message)
{
    struct qr_eng_lease *lease, *next;
    struct qr_eng_stream *stream = session->stream;

    DL_FOREACH_SAFE(session->leases, lease, next)
    qr_eng_lease_remove(engine, lease);
    session->attach = 0;
    session->uncertain = session->goodbye = false;
    session->claim_token = 0;
    session->offer_due = session->stop_due = 0;
    if (stream)
        qr_eng_stream_end(engine, stream, reason, 0, message);
    qr_eng_session_arm(engine, session);
}

void qr_eng_session_moved(struct qr_engine *engine, struct qr_eng_session *session)
{
    session->uncertain = !QR_MUTANT(forget_uncertain);
    if (session->greeting || session->waiting)
        return; /* its answer says where the session is; a recovery does, where that fails */
    if (!session->uncertain)
        qr_eng_session_forget(engine, session, QR_END_NOT_RENEWED, "the session has moved");
    else if (session->stream)
        qr_eng_stream_end(engine, session->stream, QR_END_NOT_RENEWED, 0, "the session has moved");
    qr_eng_session_arm(engine, session);
}

void qr_eng_session_install(struct qr_engine *engine, struct qr_eng_session *session,
                            const struct qr_kept_lease *kept, size_t n)
{
    struct qr_eng_lease *lease, *next;

    session->mark++;
    for (size_t i = 0; i < n; i++) {
        lease = qr_eng_lease_find(engine, kept[i].lease_id);
        if (lease && lease->session != session) {
            qr_eng_lease_remove(engine, lease);
            lease = NULL;
        }
        if (!lease) {
            lease = qr_eng_lease_add(engine, session, kept[i].lease_id, kept[i].job_id,
                                     QR_LEASE_ACTIVE);
            lease->type = kept[i].type;
        }
        lease->run_id = kept[i].run_id;
        if (lease->in_settle)
            qr_eng_lease_set(engine, lease, QR_LEASE_SETTLING);
        else if (lease->state != QR_LEASE_STOPPING)
            qr_eng_lease_set(engine, lease, QR_LEASE_ACTIVE);
        if (kept[i].stop && !kept[i].spooled && !QR_MUTANT(stop_once))
            qr_eng_stop_lease(engine, lease, kept[i].stop);
        lease->ghost = false;
        lease->seq = 0;
        lease->mark = session->mark;
    }
    DL_FOREACH_SAFE(session->leases, lease, next)
    if (lease->mark != session->mark)
        qr_eng_lease_remove(engine, lease);
}

void qr_engine_adopt(struct qr_engine *engine, const struct qr_adopted *adopted)
{
    struct qr_eng_session *session = qr_eng_session_find(engine, adopted->session);

    if (!session) { /* never refused: nobody else would take its leases back */
        (void)qr_eng_session_room(engine);
        session = qr_eng_session_new(engine, adopted->session, adopted->worker_id);
    }
    if (session->attach >= adopted->attach)
        return;
    if (session->stream)
        qr_eng_stream_end(engine, session->stream, QR_END_NOT_RENEWED, 0, "the session has moved");
    qr_eng_session_set_pk(engine, session, adopted->session_pk);
    session->attach = adopted->attach;
    session->uncertain = false;
    session->claim_token = 0;
    session->heard_at = engine->now;
    qr_eng_session_install(engine, session, adopted->leases, adopted->n_leases);
    qr_eng_session_arm(engine, session);
}

void qr_engine_goodbye(struct qr_engine *engine, uint64_t stream)
{
    struct qr_eng_session *session = qr_eng_stream_hear(engine, stream);
    struct qr_eng_lease *lease, *next;

    if (!session)
        return;
    session->goodbye = true;
    DL_FOREACH_SAFE(session->leases, lease, next)
    if (!lease->in_settle && lease->state != QR_LEASE_RETURNING)
        qr_eng_return_add(engine, lease);
    qr_eng_return_send(engine, session->pk, session->attach, QR_RETURN_GOODBYE, NULL, 0);
    qr_eng_stream_end(engine, session->stream, QR_END_GOODBYE, 0, "goodbye");
}

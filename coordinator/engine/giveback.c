/* Take-backs: leases that return to pending. Repeated until the database said DONE or FENCED. */
#include "coordinator/engine/internal.h"

#include <stdlib.h>

static void submit(struct qr_engine *engine, struct qr_eng_return *request)
{
    struct qr_db_return asked = {
        .token = request->token,
        .session_pk = request->session_pk,
        .attach = request->attach,
        .reason = request->reason,
        .leases = request->leases,
        .n_leases = request->n_leases,
        .checkpoint = request->checkpoint,
        .checkpoint_len = request->checkpoint_len,
        .delay_ms = request->delay_ms,
    };

    engine->port.db_return(engine->port.ctx, &asked);
}

/* The session as the request saw it; NULL: it was forgotten or has another attach by now. */
static struct qr_eng_session *same_attach(struct qr_engine *engine, uint64_t pk, uint64_t attach)
{
    struct qr_eng_session *session = qr_eng_session_find_pk(engine, pk);

    return session && session->attach == attach ? session : NULL;
}

static void again(struct qr_engine *engine, struct qr_eng_timer *timer)
{
    struct qr_eng_return *request = QR_CONTAINER_OF(timer, struct qr_eng_return, timer);
    struct qr_eng_session *session = qr_eng_session_find_pk(engine, request->session_pk);

    if (session && session->attach != request->attach)
        qr_eng_return_free(engine, request); /* it would be FENCED */
    else
        submit(engine, request);
}

void qr_eng_return_free(struct qr_engine *engine, struct qr_eng_return *request)
{
    qr_eng_timer_cancel(engine, &request->timer);
    HASH_DEL(engine->returns, request);
    free(request->leases);
    free(request->checkpoint);
    free(request);
}

void qr_eng_return_add_ref(struct qr_engine *engine, uint64_t lease_id, uint64_t job_id)
{
    qr_eng_reserve((void **)&engine->refs, &engine->cap_refs, engine->n_refs + 1,
                   sizeof *engine->refs);
    engine->refs[engine->n_refs++] = (struct qr_lease_ref){lease_id, job_id};
}

void qr_eng_return_add(struct qr_engine *engine, struct qr_eng_lease *lease)
{
    qr_eng_return_add_ref(engine, lease->id, lease->job_id);
    qr_eng_lease_set(engine, lease, QR_LEASE_RETURNING);
    if (QR_MUTANT(coord_restores) && lease->session->credit.sent_total > 0) {
        lease->session->credit.sent_total--;
        lease->session->credit.sent_type[lease->type]--;
    }
}

void qr_eng_return_send(struct qr_engine *engine, uint64_t session_pk, uint64_t attach,
                        enum qr_return_reason reason, const void *checkpoint, size_t len)
{
    qr_eng_return_later(engine, session_pk, attach, reason, 0, checkpoint, len);
}

void qr_eng_return_later(struct qr_engine *engine, uint64_t session_pk, uint64_t attach,
                         enum qr_return_reason reason, uint64_t delay_ms, const void *checkpoint,
                         size_t len)
{
    struct qr_eng_return *request;

    if (engine->n_refs == 0)
        return;
    request = qr_eng_alloc(1, sizeof *request);
    request->token = ++engine->last_token;
    request->session_pk = session_pk;
    request->attach = attach;
    request->reason = reason;
    request->delay_ms = delay_ms;
    request->n_leases = engine->n_refs;
    request->leases = qr_eng_alloc(engine->n_refs, sizeof *request->leases);
    memcpy(request->leases, engine->refs, engine->n_refs * sizeof *request->leases);
    engine->n_refs = 0;
    if (len) {
        request->checkpoint = qr_eng_alloc(1, len);
        memcpy(request->checkpoint, checkpoint, len);
        request->checkpoint_len = len;
    }
    request->timer.fire = again;
    HASH_ADD(hh, engine->returns, token, sizeof request->token, request);
    submit(engine, request);
}

static void finish(struct qr_engine *engine, struct qr_eng_return *request, uint64_t returned)
{
    struct qr_eng_session *session = same_attach(engine, request->session_pk, request->attach);

    if (QR_MUTANT(old_completion))
        session = qr_eng_session_find_pk(engine, request->session_pk);
    if (request->reason == QR_RETURN_EXPIRED)
        engine->stats.leases_expired += returned;
    else
        engine->stats.leases_returned += returned;
    if (!session)
        return;
    for (size_t i = 0; i < request->n_leases; i++) {
        struct qr_eng_lease *lease = qr_eng_lease_find(engine, request->leases[i].lease_id);
        if (lease && lease->session == session &&
            (lease->state == QR_LEASE_RETURNING || QR_MUTANT(old_completion)))
            qr_eng_lease_remove(engine, lease);
    }
    qr_eng_session_arm(engine, session);
}

void qr_engine_done_return(struct qr_engine *engine, const struct qr_db_return_reply *reply)
{
    struct qr_eng_return *request;
    struct qr_eng_session *session;

    HASH_FIND(hh, engine->returns, &reply->token, sizeof reply->token, request);
    if (!request)
        return;
    if (reply->status == QR_DB_FAILED || reply->status == QR_DB_UNKNOWN) {
        qr_eng_watch_restart(engine);
        if (QR_MUTANT(return_once)) {
            finish(engine, request, 0);
            qr_eng_return_free(engine, request);
            return;
        }
        request->backoff_ms = qr_eng_next_backoff(request->backoff_ms);
        qr_eng_timer_arm(engine, &request->timer, engine->now + request->backoff_ms);
        return;
    }
    session = same_attach(engine, request->session_pk, request->attach);
    if (reply->status == QR_DB_DONE || QR_MUTANT(old_completion))
        finish(engine, request, reply->returned);
    else if (session)
        qr_eng_session_moved(engine, session);
    qr_eng_return_free(engine, request);
}

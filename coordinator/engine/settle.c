/* Results: to the database with the session of the stream that brought them; the database decides.
 */
#include "coordinator/engine/internal.h"

#include <stdlib.h>

enum { ACKS_A_FRAME = 128 };

static void send_ack(struct qr_engine *engine, struct qr_eng_session *session,
                     const struct qr_ack *acks, size_t n)
{
    if (session->stream)
        engine->port.ack(engine->port.ctx, session->stream->id, ++session->stream->seq, acks, n);
}

static void retry_later(struct qr_engine *engine, struct qr_eng_session *session, uint64_t lease_id)
{
    struct qr_ack ack = {.lease_id = lease_id, .code = QR_ACK_RETRY_LATER};

    engine->stats.results_retry_later++;
    send_ack(engine, session, &ack, 1);
}

static void submit(struct qr_engine *engine, struct qr_eng_session *session,
                   const struct qr_eng_lease *lease, struct qr_settle *settle)
{
    settle->session_pk = session->pk;
    settle->attach = session->attach;
    settle->budget_ms = lease && lease->offered_here ? lease->budget_ms : 0;
    engine->settles_in_flight++;
    engine->port.db_settle(engine->port.ctx, settle);
}

bool qr_engine_result(struct qr_engine *engine, uint64_t stream, struct qr_settle *settle)
{
    struct qr_eng_session *session = qr_eng_stream_hear(engine, stream);
    struct qr_eng_lease *lease;

    if (!session)
        return true;
    lease = qr_eng_lease_find(engine, settle->lease_id);
    if (!lease && QR_MUTANT(stale_from_memory)) {
        struct qr_ack ack = {.lease_id = settle->lease_id, .code = QR_ACK_STALE};
        send_ack(engine, session, &ack, 1);
        return true;
    }
    if (!lease) {
        /* Not known here; remembered while the database decides, so that a second copy waits. */
        if (session->n_leases >= QR_ENG_SESSION_LEASES_MAX) {
            retry_later(engine, session, settle->lease_id);
            return true;
        }
        lease =
            qr_eng_lease_add(engine, session, settle->lease_id, settle->job_id, QR_LEASE_SETTLING);
        lease->ghost = true;
        lease->in_settle = true;
    } else if (lease->session == session) {
        if (lease->in_settle)
            return true; /* one Ack follows */
        lease->in_settle = true;
        if (lease->state != QR_LEASE_RETURNING)
            qr_eng_lease_set(engine, lease, QR_LEASE_SETTLING);
    } /* else: another session's; the fence says so */
    submit(engine, session, lease, settle);
    qr_eng_session_arm(engine, session);
    return false;
}

void qr_engine_refuse_result(struct qr_engine *engine, uint64_t stream, uint64_t lease_id)
{
    struct qr_eng_session *session = qr_eng_stream_hear(engine, stream);

    if (session)
        retry_later(engine, session, lease_id);
}

void qr_eng_settle_budget(struct qr_engine *engine, struct qr_eng_lease *lease, const char *why)
{
    struct qr_eng_session *session = lease->session;
    struct qr_settle *settle = qr_eng_alloc(1, sizeof *settle);

    settle->lease_id = lease->id;
    settle->job_id = lease->job_id;
    settle->error_class = QR_CLASS_TIMEOUT;
    settle->message = strdup(why);
    settle->by_coordinator = true;
    engine->stats.budget_exceeded++;
    lease->in_settle = true;
    qr_eng_lease_set(engine, lease, QR_LEASE_SETTLING);
    engine->port.stop(engine->port.ctx, session->stream->id, ++session->stream->seq, lease->id,
                      QR_STOP_STALE, 0);
    submit(engine, session, lease, settle);
}

/* ------------------------------------------------------------------ the answer */

static void count(struct qr_engine *engine, struct qr_eng_session *session,
                  const struct qr_settle *settle, enum qr_ack_code code)
{
    switch (code) {
    case QR_ACK_COMMITTED:
        engine->stats.results_committed++;
        if (settle->error_class != QR_CLASS_NONE)
            engine->stats.results_failed++;
        if (session && settle->error_class != QR_CLASS_NONE)
            session->failed++;
        else if (session)
            session->completed++;
        break;
    case QR_ACK_DUPLICATE:
        engine->stats.results_duplicate++;
        break;
    case QR_ACK_STALE:
        engine->stats.results_stale++;
        break;
    case QR_ACK_REJECTED:
        engine->stats.results_rejected++;
        break;
    case QR_ACK_RETRY_LATER:
        engine->stats.results_retry_later++;
        break;
    }
}

/* How long it took, for the budgets of those to come. */
static void learn(struct qr_engine *engine, const struct qr_eng_lease *lease,
                  const struct qr_settle *settle, enum qr_ack_code code)
{
    bool timed_out = settle->error_class == QR_CLASS_TIMEOUT;

    if (engine->config.learn && code == QR_ACK_COMMITTED && lease->offered_here &&
        (timed_out || settle->error_class == QR_CLASS_NONE))
        engine->config.learn(engine->config.budget_ctx, lease->type, lease->bytes,
                             settle->duration_ms, timed_out, lease->budget_ms);
}

/* Whatever its state and attach: a final answer means that the lease is over for this session. */
static void settled(struct qr_engine *engine, struct qr_eng_session *session,
                    const struct qr_settle *settle, enum qr_ack_code code)
{
    struct qr_eng_lease *lease = qr_eng_lease_find(engine, settle->lease_id);

    if (!lease || lease->session != session || !lease->in_settle)
        return;
    lease->in_settle = false;
    learn(engine, lease, settle, code);
    if (code != QR_ACK_RETRY_LATER || lease->ghost)
        qr_eng_lease_remove(engine, lease);
    else if (lease->state == QR_LEASE_SETTLING)
        qr_eng_stop_unsettled(engine, lease);
}

static void collect_ack(struct qr_eng_session *session, struct qr_eng_session **touched,
                        const struct qr_settle *settle, enum qr_ack_code code)
{
    if (session->n_acks == 0) {
        session->next_acks = *touched;
        *touched = session;
    }
    qr_eng_reserve((void **)&session->acks, &session->cap_acks, session->n_acks + 1,
                   sizeof *session->acks);
    session->acks[session->n_acks++] = (struct qr_ack){
        .lease_id = settle->lease_id,
        .code = code,
        .error_class = code == QR_ACK_REJECTED ? settle->reject_class : QR_CLASS_NONE,
        .message = code == QR_ACK_REJECTED ? settle->reject_message : NULL,
    };
}

void qr_engine_done_settle(struct qr_engine *engine, struct qr_settle *const *settles, size_t n,
                           enum qr_db_status status)
{
    struct qr_eng_session *touched = NULL;

    if (status != QR_DB_DONE)
        qr_eng_watch_restart(engine);
    for (size_t i = 0; i < n; i++) {
        const struct qr_settle *settle = settles[i];
        struct qr_eng_session *session = qr_eng_session_find_pk(engine, settle->session_pk);
        enum qr_ack_code code = status == QR_DB_DONE ? settle->code : QR_ACK_RETRY_LATER;
        engine->settles_in_flight--;
        count(engine, session, settle, code);
        if (!session)
            continue;
        settled(engine, session, settle, code);
        if (!settle->by_coordinator && session->stream)
            collect_ack(session, &touched, settle, code);
        else
            qr_eng_session_arm(engine, session);
    }
    while (touched) {
        struct qr_eng_session *session = touched;
        touched = session->next_acks;
        for (size_t at = 0; at < session->n_acks; at += ACKS_A_FRAME) {
            size_t left = session->n_acks - at;
            send_ack(engine, session, session->acks + at,
                     left < ACKS_A_FRAME ? left : ACKS_A_FRAME);
        }
        session->n_acks = 0;
        qr_eng_session_arm(engine, session);
    }
}

/* Rule 6: whether silence counts, whether this coordinator may go on, and the two periodic
 * requests: renewal of its own row and the mirror of long leases. */
#include "coordinator/engine/internal.h"

enum { MIRROR_ROWS = 512 };

static int64_t renew_every(const struct qr_engine *engine) { return engine->config.ttl_ms / 4; }

void qr_eng_watch_restart(struct qr_engine *engine) { engine->watch_from = engine->now; }

int64_t qr_eng_watch_since(const struct qr_engine *engine, const struct qr_eng_session *session)
{
    if (QR_MUTANT(no_grace))
        return session->heard_at;
    return session->heard_at > engine->watch_from ? session->heard_at : engine->watch_from;
}

bool qr_eng_watch_can_commit(const struct qr_engine *engine)
{
    return QR_MUTANT(no_grace) || engine->now - engine->renewed_at <= engine->config.ttl_ms / 2;
}

void qr_eng_watch_wake(struct qr_engine *engine)
{
    struct qr_eng_stream *stream, *next;

    if (engine->lapsed || engine->now - engine->renewed_at <= engine->config.ttl_ms ||
        QR_MUTANT(hold_on))
        return;
    engine->lapsed = true;
    engine->watch_from = engine->now;
    HASH_ITER (hh, engine->streams, stream, next)
        if (stream->state == QR_STREAM_GREETING || stream->state == QR_STREAM_ATTACHED)
            qr_eng_stream_end(engine, stream, QR_END_NOT_RENEWED, 0,
                              "this coordinator cannot reach its database");
}

static void renew(struct qr_engine *engine, struct qr_eng_timer *timer)
{
    (void)timer;
    engine->renewing = true;
    engine->renew_sent_at = engine->now;
    engine->port.db_renew(engine->port.ctx);
}

void qr_engine_done_renew(struct qr_engine *engine, bool ok)
{
    int64_t at = engine->renew_sent_at + renew_every(engine);

    if (!engine->renewing)
        return;
    engine->renewing = false;
    if (!ok) {
        qr_eng_watch_restart(engine);
        at = engine->now + renew_every(engine) / 4;
    } else {
        engine->renewed_at = engine->renew_sent_at; /* the row is at least as young */
        if (engine->lapsed && engine->now - engine->renewed_at <= engine->config.ttl_ms) {
            engine->lapsed = false;
            engine->watch_from = engine->now; /* the workers need time to come back */
        }
    }
    qr_eng_timer_arm(engine, &engine->renew_timer, at > engine->now ? at : engine->now + 1);
}

/* A lease that has become old is shown at once, then its heartbeat twice a ttl, and its progress as
 * often as beats bring it. */
static bool wants_mirror(const struct qr_engine *engine, const struct qr_eng_lease *lease)
{
    bool moved = lease->permille != lease->mirrored_permille || lease->done != lease->mirrored_done;

    if ((lease->state != QR_LEASE_ACTIVE && lease->state != QR_LEASE_STOPPING) ||
        engine->now - lease->since < engine->config.mirror_after_ms)
        return false;
    return !lease->mirrored_at ||
           engine->now - lease->mirrored_at >= engine->config.ttl_ms / (moved ? 4 : 2);
}

static void mirror(struct qr_engine *engine, struct qr_eng_timer *timer)
{
    struct qr_mirror rows[MIRROR_ROWS];
    size_t n = 0;

    for (struct qr_eng_lease *lease = engine->leases; lease; lease = lease->hh.next) {
        if (!wants_mirror(engine, lease))
            continue;
        lease->mirrored_at = engine->now;
        lease->mirrored_permille = lease->permille;
        lease->mirrored_done = lease->done;
        rows[n++] = (struct qr_mirror){
            .lease_id = lease->id,
            .job_id = lease->job_id,
            .session_pk = lease->session->pk,
            .age_ms = (uint64_t)(engine->now - lease->since),
            .heard_ms = (uint64_t)(engine->now - lease->session->heard_at),
            .permille = lease->permille,
            .done = lease->done,
            .total = lease->total,
        };
        if (n == MIRROR_ROWS) {
            engine->port.db_mirror(engine->port.ctx, rows, n);
            n = 0;
        }
    }
    if (n)
        engine->port.db_mirror(engine->port.ctx, rows, n);
    qr_eng_timer_arm(engine, timer, engine->now + QR_ENG_MIRROR_EVERY_MS);
}

void qr_eng_watch_start(struct qr_engine *engine)
{
    engine->watch_from = engine->now;
    engine->renewed_at = engine->now; /* its row was made just before */
    engine->renew_timer.fire = renew;
    engine->mirror_timer.fire = mirror;
    qr_eng_timer_arm(engine, &engine->renew_timer, engine->now);
    qr_eng_timer_arm(engine, &engine->mirror_timer, engine->now + QR_ENG_MIRROR_EVERY_MS);
}

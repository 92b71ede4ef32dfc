/* Beats: level-triggered comparison of what the worker has with what memory holds (rule 3), and the
 * time budgets of its jobs (rule 5). */
#include "coordinator/engine/internal.h"

#include <stdio.h>
#include <stdlib.h>

static void add_drop(struct qr_engine *engine, uint64_t lease_id)
{
    qr_eng_reserve((void **)&engine->drop, &engine->cap_drop, engine->n_drop + 1,
                   sizeof *engine->drop);
    engine->drop[engine->n_drop++] = lease_id;
    engine->stats.sync_drops++;
}

/* The worker's own limits come first; these are for a worker whose limits failed. */
static void check_budget(struct qr_engine *engine, struct qr_eng_lease *lease,
                         const struct qr_lease_progress *now)
{
    char why[120];

    if (lease->state != QR_LEASE_ACTIVE || now->phase == QR_PHASE_FINISHED ||
        now->started_ms_ago == 0)
        return;
    if (!lease->progress_at || now->permille != lease->permille || now->done != lease->done ||
        now->phase != lease->phase)
        lease->progress_at = engine->now;
    lease->permille = now->permille;
    lease->done = now->done;
    lease->total = now->total;
    if (now->started_ms_ago > lease->budget_ms + QR_ENG_BUDGET_SLACK_MS) {
        snprintf(why, sizeof why, "time budget of %.0f s used up",
                 (double)lease->budget_ms / 1000.0);
        qr_eng_settle_budget(engine, lease, why);
    } else if (engine->now - lease->progress_at >
               (int64_t)lease->progress_budget_ms + QR_ENG_BUDGET_SLACK_MS) {
        snprintf(why, sizeof why, "no progress for %.0f s",
                 (double)lease->progress_budget_ms / 1000.0);
        qr_eng_settle_budget(engine, lease, why);
    }
}

/* What the beat names. Memory holds every live lease of an attached session: its Hello loaded them,
 * and a claim of unknown end ends the stream. So what memory lacks is over. A lease that is being
 * returned is for the database to decide: nothing is said of it before. */
static void compare_named(struct qr_engine *engine, struct qr_eng_session *session,
                          const struct qr_beat *beat)
{
    session->mark++;
    for (size_t i = 0; i < beat->n_leases; i++) {
        const struct qr_lease_progress *named = &beat->leases[i];
        struct qr_eng_lease *lease = qr_eng_lease_find(engine, named->lease_id);
        if (!lease || lease->session != session) {
            if (!QR_MUTANT(no_drop))
                add_drop(engine, named->lease_id);
            continue;
        }
        lease->mark = session->mark;
        if (lease->state == QR_LEASE_OFFERED) {
            qr_eng_lease_set(engine, lease, QR_LEASE_ACTIVE);
            engine->stats.leases_accepted++;
        }
        check_budget(engine, lease, named);
        lease->phase = named->phase;
    }
}

/* What the beat lacks although its Offer was seen: the worker does not have it. */
static void compare_lacking(struct qr_engine *engine, struct qr_eng_session *session, uint64_t seen)
{
    struct qr_eng_lease *lease, *next;

    DL_FOREACH_SAFE(session->leases, lease, next)
    {
        if (lease->mark == session->mark || lease->in_settle || !qr_eng_lease_is_held(lease))
            continue;
        if (lease->seq > seen && !QR_MUTANT(no_seq))
            continue;
        qr_eng_return_add(engine, lease);
        engine->stats.sync_returns++;
    }
}

static void answer(struct qr_engine *engine, struct qr_eng_session *session, uint64_t seen)
{
    size_t n_expected = engine->n_refs;
    uint64_t *expected = qr_eng_alloc(n_expected, sizeof *expected);

    for (size_t i = 0; i < n_expected; i++)
        expected[i] = engine->refs[i].lease_id;
    if (n_expected || engine->n_drop || !QR_MUTANT(no_answer))
        engine->port.sync(engine->port.ctx, session->stream->id, ++session->stream->seq, seen,
                          engine->drop, engine->n_drop, expected, n_expected);
    free(expected);
    engine->stats.beats++;
}

void qr_engine_beat(struct qr_engine *engine, uint64_t id, const struct qr_beat *beat)
{
    struct qr_eng_session *session = qr_eng_stream_hear(engine, id);

    if (!session)
        return;
    if (beat->seen > session->stream->seq) {
        if (!QR_MUTANT(old_stream))
            qr_eng_stream_end(engine, session->stream, QR_END_PROTOCOL, 0,
                              "a Beat has seen a frame that was not sent");
        return;
    }
    session->load = beat->load >= 0 && beat->load < 1e6 ? beat->load : 0; /* NaN, too */
    session->disk_free_bytes = beat->disk_free_bytes;
    session->rss_bytes = beat->rss_bytes;
    if (!QR_MUTANT(no_received))
        qr_eng_credit_seen(&session->credit, beat->seen, beat->received, beat->n_received,
                           beat->received_total);
    engine->n_drop = 0;
    compare_named(engine, session, beat);
    compare_lacking(engine, session, beat->seen);
    answer(engine, session, beat->seen);
    qr_eng_return_send(engine, session->pk, session->attach, QR_RETURN_DROPPED, NULL, 0);
    qr_eng_session_arm(engine, session);
}

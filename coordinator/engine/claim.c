/* Claims: when a session asks for work, how much, and what becomes of the answer.
 *
 * One claim a session is under way at a time. Claims go out in qr_engine_timers(), that is once a
 * turn, so that what the frames of a turn freed is asked for at once, and the claims of all
 * sessions reach the lane together. A few free slots wait QR_ENG_LINGER_MS for more. */
#include "coordinator/engine/internal.h"

#include <stdlib.h>

enum { OFFER_BYTES_MAX = 48 * 1024, OFFER_OVERHEAD = 96 }; /* a frame has 64 KiB */

/* How many the session may be asked for now, in all and per type; 0: none. */
static uint32_t wants(const struct qr_engine *engine, const struct qr_eng_session *session,
                      struct qr_type_count *ret_types, size_t *ret_n)
{
    const struct qr_eng_credit *credit = &session->credit;
    const struct qr_hello *info = session->info;
    uint64_t free_total = qr_eng_credit_free(credit);
    uint64_t sum = 0;

    *ret_n = 0;
    if (free_total > engine->config.claim_max)
        free_total = engine->config.claim_max;
    if (session->n_leases >= QR_ENG_SESSION_LEASES_MAX || credit->unseen_n >= QR_ENG_UNSEEN_MAX)
        return 0;
    if (free_total > QR_ENG_SESSION_LEASES_MAX - session->n_leases)
        free_total = QR_ENG_SESSION_LEASES_MAX - session->n_leases;
    for (size_t i = 0; i < info->n_types && *ret_n < QR_TYPES_MAX; i++) {
        qr_type_id type = info->types[i];
        uint64_t n = free_total;
        if (type == 0 || type >= QR_TYPES_MAX)
            continue;
        if (credit->limited[type]) {
            uint64_t left = credit->type[type] > credit->sent_type[type]
                                ? credit->type[type] - credit->sent_type[type]
                                : 0;
            n = left < n ? left : n;
        }
        if (n == 0)
            continue;
        ret_types[(*ret_n)++] = (struct qr_type_count){.type = type, .count = n};
        sum += n;
    }
    return (uint32_t)(sum < free_total ? sum : free_total);
}

int64_t qr_eng_claim_plan(struct qr_engine *engine, struct qr_eng_session *session)
{
    struct qr_type_count types[QR_TYPES_MAX];
    size_t n;
    uint32_t free_total, enough;
    int64_t at;

    if (!session->stream || !session->attach || session->claim_token || session->draining ||
        engine->stopping || engine->lapsed || session->is_waiting)
        return INT64_MAX;
    free_total = wants(engine, session, types, &n);
    if (free_total == 0) {
        session->linger_from = 0;
        return INT64_MAX;
    }
    enough = session->info->slots / 2; /* a quarter of the credit, where it is twice the slots */
    if (session->linger_from == 0)
        session->linger_from = engine->now;
    at = free_total >= enough ? engine->now : session->linger_from + QR_ENG_LINGER_MS;
    if (at < session->claim_not_before)
        at = session->claim_not_before;
    return at;
}

void qr_eng_claim_send(struct qr_engine *engine, struct qr_eng_session *session)
{
    struct qr_type_count types[QR_TYPES_MAX];
    struct qr_db_claim claim = {
        .session_pk = session->pk,
        .attach = session->attach,
        .want = types,
        .roots = session->info->roots,
        .n_roots = session->info->n_roots,
    };

    claim.want_total = wants(engine, session, types, &claim.n_want);
    claim.token = session->claim_token = ++engine->last_token;
    session->announced = engine->announced;
    session->linger_from = 0;
    engine->claims_in_flight++;
    engine->stats.claims++;
    engine->port.db_claim(engine->port.ctx, &claim);
}

/* ------------------------------------------------------------------ the answer */

static size_t offer_size(const struct qr_offer *offer)
{
    return OFFER_OVERHEAD + 2 * strlen(offer->uri) + /* it may travel as bytes, too */
           (offer->options_json ? 2 * strlen(offer->options_json) : 0) + offer->checkpoint_len;
}

/* A lease just claimed. Memory may know its number from a result that guessed it: that answer will
 * find the lease in another state. */
static struct qr_eng_lease *add_claimed(struct qr_engine *engine, struct qr_eng_session *session,
                                        const struct qr_offer *offer, enum qr_eng_lease_state state)
{
    struct qr_eng_lease *guessed = qr_eng_lease_find(engine, offer->lease_id);

    if (guessed)
        qr_eng_lease_remove(engine, guessed);
    return qr_eng_lease_add(engine, session, offer->lease_id, offer->job_id, state);
}

/* One Offer frame: as many of the leases as it holds; how many that were. */
static size_t offer_frame(struct qr_engine *engine, struct qr_eng_session *session,
                          const struct qr_offer *offers, size_t n)
{
    struct qr_eng_stream *stream = session->stream;
    uint64_t seq = ++stream->seq;
    struct qr_offer *filled = qr_eng_alloc(n, sizeof *filled);
    size_t size = 0, k = 0;

    for (; k < n; k++) {
        size += offer_size(&offers[k]);
        if (k > 0 && size > OFFER_BYTES_MAX)
            break;
        struct qr_eng_lease *lease =
            add_claimed(engine, session, &offers[k],
                        QR_MUTANT(accept_skipped) ? QR_LEASE_ACTIVE : QR_LEASE_OFFERED);
        lease->run_id = offers[k].run_id;
        lease->type = offers[k].type < QR_TYPES_MAX ? offers[k].type : 0;
        lease->seq = seq;
        lease->offer_until = engine->now + engine->config.offer_timeout_ms;
        qr_eng_lease_budget(engine, lease, offers[k].bytes);
        qr_eng_credit_sent(&session->credit, seq, lease->type);
        filled[k] = offers[k];
        filled[k].budget_ms = lease->budget_ms;
        filled[k].progress_budget_ms = lease->progress_budget_ms;
    }
    engine->stats.leases_offered += k;
    if (!session->offer_due)
        session->offer_due = engine->now + engine->config.offer_timeout_ms;
    engine->port.offer(engine->port.ctx, stream->id, seq, filled, k);
    free(filled);
    return k;
}

/* Leased, but nobody is there to take them. */
static void give_back(struct qr_engine *engine, const struct qr_db_claim_reply *reply,
                      struct qr_eng_session *session)
{
    for (size_t i = 0; i < reply->n_offers; i++) {
        const struct qr_offer *offer = &reply->offers[i];
        if (session)
            qr_eng_return_add(engine, add_claimed(engine, session, offer, QR_LEASE_OFFERED));
        else
            qr_eng_return_add_ref(engine, offer->lease_id, offer->job_id);
    }
    qr_eng_return_send(engine, reply->session_pk, reply->attach,
                       session && session->goodbye ? QR_RETURN_GOODBYE : QR_RETURN_STREAM_BROKEN,
                       NULL, 0);
}

static void claimed(struct qr_engine *engine, const struct qr_db_claim_reply *reply,
                    struct qr_eng_session *session)
{
    if (reply->dry || reply->n_offers == 0) {
        engine->stats.claims_dry++;
        engine->stats.claims_limited += reply->limited;
        if (session->stream)
            qr_eng_line_join(engine, session, reply->retry_ms);
    } else {
        qr_eng_line_more(engine, session);
    }
    session->backoff_ms = 0;
    if (!session->stream || session->draining || engine->stopping) {
        give_back(engine, reply, session);
        return;
    }
    for (size_t i = 0; i < reply->n_offers;)
        i += offer_frame(engine, session, reply->offers + i, reply->n_offers - i);
}

void qr_engine_done_claim(struct qr_engine *engine, const struct qr_db_claim_reply *reply)
{
    struct qr_eng_session *session = qr_eng_session_find_pk(engine, reply->session_pk);

    engine->claims_in_flight--;
    if (!session) {
        if (reply->status == QR_DB_DONE)
            give_back(engine, reply, NULL);
        return;
    }
    if (session->attach != reply->attach && !QR_MUTANT(late_claim))
        return; /* a later Hello has seen these rows, or its transaction came before and fenced them
                 */
    if (session->claim_token == reply->token)
        session->claim_token = 0;
    switch (reply->status) {
    case QR_DB_DONE:
        claimed(engine, reply, session);
        break;
    case QR_DB_FENCED:
        qr_eng_session_moved(engine, session);
        break;
    case QR_DB_UNKNOWN:
        /* Leases may exist that memory does not know: the next Hello's transaction takes them back.
         */
        session->uncertain = !QR_MUTANT(forget_uncertain);
        if (session->stream && !QR_MUTANT(forget_uncertain))
            qr_eng_stream_end(engine, session->stream, QR_END_NOT_RENEWED, 0,
                              "the database did not answer");
        /* fall through */
    case QR_DB_FAILED:
        qr_eng_watch_restart(engine);
        session->backoff_ms = qr_eng_next_backoff(session->backoff_ms);
        session->claim_not_before = engine->now + session->backoff_ms;
        break;
    }
    qr_eng_session_arm(engine, session);
}

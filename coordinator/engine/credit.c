/* Credits (rule 13): cumulative counts on both sides, so that a lost or doubled frame changes
 * nothing. */
#include "coordinator/engine/internal.h"

#include <stdlib.h>

static uint64_t larger(uint64_t a, uint64_t b) { return a > b ? a : b; }

void qr_eng_credit_grant(struct qr_eng_credit *credit, const struct qr_credits *granted, bool anew)
{
    if (anew) {
        credit->total = 0;
        memset(credit->type, 0, sizeof credit->type);
        memset(credit->limited, 0, sizeof credit->limited);
    }
    credit->total = larger(credit->total, granted->total);
    for (size_t i = 0; i < granted->n_per_type; i++) {
        qr_type_id type = granted->per_type[i].type;
        if (type == 0 || type >= QR_TYPES_MAX)
            continue;
        credit->limited[type] = true;
        credit->type[type] = larger(credit->type[type], granted->per_type[i].count);
    }
}

void qr_eng_credit_seen(struct qr_eng_credit *credit, uint64_t seen,
                        const struct qr_type_count *received, size_t n_received, uint64_t total)
{
    while (credit->unseen_n && credit->unseen[credit->unseen_head].seq <= seen) {
        credit->unseen_head = (credit->unseen_head + 1) & (credit->unseen_cap - 1);
        credit->unseen_n--;
    }
    memset(credit->sent_type, 0, sizeof credit->sent_type);
    for (size_t i = 0; i < n_received; i++)
        if (received[i].type < QR_TYPES_MAX)
            credit->sent_type[received[i].type] = received[i].count;
    for (size_t i = 0; i < credit->unseen_n; i++)
        credit->sent_type[credit->unseen[(credit->unseen_head + i) & (credit->unseen_cap - 1)]
                              .type]++;
    credit->sent_total = total + credit->unseen_n;
}

static void grow(struct qr_eng_credit *credit)
{
    size_t cap = credit->unseen_cap ? credit->unseen_cap * 2 : 32;
    struct qr_eng_sent *unseen = qr_eng_alloc(cap, sizeof *unseen);

    for (size_t i = 0; i < credit->unseen_n; i++)
        unseen[i] = credit->unseen[(credit->unseen_head + i) & (credit->unseen_cap - 1)];
    free(credit->unseen);
    credit->unseen = unseen;
    credit->unseen_head = 0;
    credit->unseen_cap = cap;
}

void qr_eng_credit_sent(struct qr_eng_credit *credit, uint64_t seq, qr_type_id type)
{
    if (credit->unseen_n == credit->unseen_cap)
        grow(credit);
    credit->unseen[(credit->unseen_head + credit->unseen_n++) & (credit->unseen_cap - 1)] =
        (struct qr_eng_sent){.seq = seq, .type = type};
    credit->sent_total++;
    credit->sent_type[type]++;
}

uint64_t qr_eng_credit_free(const struct qr_eng_credit *credit)
{
    return credit->total > credit->sent_total ? credit->total - credit->sent_total : 0;
}

void qr_engine_credits(struct qr_engine *engine, uint64_t id, const struct qr_credits *credits)
{
    struct qr_eng_stream *stream = qr_eng_stream_find(engine, id);
    struct qr_eng_session *session = qr_eng_stream_hear(engine, id);

    if (session) {
        qr_eng_credit_grant(&session->credit, credits, false);
        qr_eng_session_arm(engine, session);
    } else if (stream && stream->state == QR_STREAM_GREETING && stream->greeting) {
        qr_eng_credit_grant(&stream->greeting->granted, credits, false);
    }
}

/* The line of sessions that found no work. Sessions that can do the same (types and roots) stand in
 * one line; what wakes them is paid by the work there is, not by the number that waits: an
 * announcement wakes a few, each claim that comes back full wakes more, and the poll that stands
 * behind the announcements is one claim a line, whoever waits longest. */
#include "coordinator/engine/internal.h"

#include <stdlib.h>

enum { WAKE_FIRST = 4, WAKE_MORE = 2 };

static uint64_t hash_bytes(uint64_t hash, const void *data, size_t len)
{
    const uint8_t *bytes = data;

    for (size_t i = 0; i < len; i++)
        hash = (hash ^ bytes[i]) * 1099511628211U; /* FNV-1a */
    return hash;
}

/* Two sets that differ and hash alike share a line: a poll then may ask for the wrong one, the next
 * asks for the other. */
static uint64_t ability(const struct qr_hello *info)
{
    uint64_t hash =
        hash_bytes(14695981039346656037U, info->types, info->n_types * sizeof *info->types);

    for (size_t i = 0; i < info->n_roots; i++)
        hash = hash_bytes(hash, info->roots[i], strlen(info->roots[i]) + 1);
    return hash;
}

/* The one who waits longest goes and claims. False: nobody can. */
static bool wake_one(struct qr_engine *engine, struct qr_eng_line *line)
{
    while (line->first) {
        struct qr_eng_session *session = line->first;
        qr_eng_line_leave(session);
        qr_eng_session_arm(engine, session);
        if (qr_eng_claim_plan(engine, session) != INT64_MAX)
            return true;
    }
    return false;
}

static void look_again(struct qr_engine *engine, struct qr_eng_timer *timer)
{
    struct qr_eng_line *line = QR_CONTAINER_OF(timer, struct qr_eng_line, timer);

    line->retry_at = 0;
    if (wake_one(engine, line)) /* its answer sets the timer anew; should it never come: */
        qr_eng_timer_arm(engine, &line->timer, engine->now + engine->config.poll_ms);
}

/* `retry_ms`: a rate lets something through then, so the line asks that early; 0: as usual. */
void qr_eng_line_join(struct qr_engine *engine, struct qr_eng_session *session, uint32_t retry_ms)
{
    int64_t at = engine->now + engine->config.poll_ms;
    uint64_t key = ability(session->info);
    struct qr_eng_line *line = session->line;

    qr_eng_line_leave(session);
    if (line && line->key != key) {
        qr_eng_line_forget(engine, session);
        line = NULL;
    }
    if (!line)
        HASH_FIND(hh, engine->lines, &key, sizeof key, line);
    if (!line) {
        line = qr_eng_alloc(1, sizeof *line);
        line->key = key;
        line->n_types = session->info->n_types;
        line->types = qr_eng_alloc(line->n_types, sizeof *line->types);
        memcpy(line->types, session->info->types, line->n_types * sizeof *line->types);
        line->timer.fire = look_again;
        HASH_ADD(hh, engine->lines, key, sizeof line->key, line);
    }
    if (!session->line)
        line->members++;
    session->line = line;
    session->is_waiting = true;
    DL_APPEND2(line->first, session, line_prev, line_next);
    if (retry_ms > 0 && (line->retry_at <= engine->now || line->retry_at > engine->now + retry_ms))
        line->retry_at = engine->now + retry_ms;
    if (line->retry_at > engine->now && line->retry_at < at)
        at = line->retry_at;
    qr_eng_timer_arm(engine, &line->timer, at);
    if (line->served < session->announced)
        line->served = session->announced;
    if (line->served < engine->announced && wake_one(engine, line)) /* while all were asking */
        line->served = engine->announced;
}

void qr_eng_line_leave(struct qr_eng_session *session)
{
    if (!session->is_waiting)
        return;
    session->is_waiting = false;
    DL_DELETE2(session->line->first, session, line_prev, line_next);
}

void qr_eng_line_forget(struct qr_engine *engine, struct qr_eng_session *session)
{
    struct qr_eng_line *line = session->line;

    if (!line)
        return;
    qr_eng_line_leave(session);
    session->line = NULL;
    if (--line->members > 0)
        return;
    qr_eng_timer_cancel(engine, &line->timer);
    HASH_DEL(engine->lines, line);
    free(line->types);
    free(line);
}

void qr_eng_line_more(struct qr_engine *engine, struct qr_eng_session *session)
{
    for (int i = 0; session->line && i < WAKE_MORE; i++)
        if (!wake_one(engine, session->line))
            break;
}

void qr_engine_work_available(struct qr_engine *engine, qr_type_id type)
{
    struct qr_eng_line *line, *next;

    engine->announced++;
    HASH_ITER (hh, engine->lines, line, next) {
        bool able = type == 0;
        for (size_t i = 0; !able && i < line->n_types; i++)
            able = line->types[i] == type;
        for (int i = 0; able && i < WAKE_FIRST && wake_one(engine, line); i++)
            line->served = engine->announced;
    }
}

/* Parts that stand behind an offered checkpoint, fetched from the coordinator piece by piece: the
 * worker asks for as much as the coordinator gives at a time, so neither holds more than that. */
#include "common/fleet/session_intern.h"

#include <stdlib.h>
#include <string.h>

enum { ASK_AGAIN_MS = 2000, ASKS_MAX = 8 };
#define PARTS_BYTES_MAX ((size_t)128 << 20)

struct parts {
    struct held *held;
    struct qr_buf data;
    int64_t due_ms; /* ask then */
    int asks;       /* without a piece in between */
    struct parts *prev, *next;
};

void qr_session_parts_free(struct qr_session *s, struct held *held)
{
    struct parts *p = held->parts;

    if (!p)
        return;
    DL_DELETE(s->fetching, p);
    qr_buf_done(&p->data);
    free(p);
    held->parts = NULL;
}

/* To the owner, who may give up the lease in it. */
static void hand_over(struct qr_session *s, struct parts *p, bool whole)
{
    uint64_t lease_id = p->held->lease_id;
    struct qr_buf data = p->data;

    qr_buf_init(&p->data, 0);
    qr_session_parts_free(s, p->held);
    s->port.parts(s->port.ctx, lease_id, whole ? data.data : NULL, whole ? data.len : 0);
    qr_buf_done(&data);
}

bool qr_session_fetch_parts(struct qr_session *s, uint64_t lease_id)
{
    struct held *held = qr_session_find(s, lease_id);

    if (!held || held->state != HELD_ACCEPTED || held->parts || held->part_bytes == 0 ||
        held->part_bytes > PARTS_BYTES_MAX || !s->port.parts)
        return false;
    struct parts *p = calloc(1, sizeof *p);
    if (!p)
        return false;
    p->held = held;
    qr_buf_init(&p->data, PARTS_BYTES_MAX);
    p->due_ms = s->now_ms;
    DL_APPEND(s->fetching, p);
    held->parts = p;
    return true;
}

void qr_session_on_parts_chunk(struct qr_session *s, const Quarry__V1__PartsChunk *chunk)
{
    struct held *held = qr_session_find(s, chunk->lease_id);
    struct parts *p = held ? held->parts : NULL;

    if (!p || chunk->offset != p->data.len)
        return; /* an answer to an earlier question */
    if (chunk->data.len == 0 || chunk->data.len > held->part_bytes - p->data.len ||
        !qr_buf_append(&p->data, chunk->data.data, chunk->data.len)) {
        hand_over(s, p, false);
        return;
    }
    p->asks = 0;
    p->due_ms = chunk->last ? s->now_ms : s->now_ms + ASK_AGAIN_MS;
    if (p->data.len == held->part_bytes)
        hand_over(s, p, true);
}

void qr_session_parts_unsent(struct qr_session *s)
{
    struct parts *p;

    DL_FOREACH (s->fetching, p) {
        p->due_ms = 0;
        p->asks = 0;
    }
}

/* Ask where it is time. */
void qr_session_ask_parts(struct qr_session *s)
{
    struct parts *p;
    struct parts *next;

    DL_FOREACH_SAFE(s->fetching, p, next)
    {
        if (s->now_ms < p->due_ms || !s->is_open)
            continue;
        if (p->asks++ >= ASKS_MAX) {
            hand_over(s, p, false);
            continue;
        }
        p->due_ms = s->now_ms + ASK_AGAIN_MS;
        qr_session_send_parts_request(s, p->held->lease_id, p->data.len);
    }
}

int64_t qr_session_parts_deadline(const struct qr_session *s)
{
    const struct parts *p;
    int64_t deadline = INT64_MAX;

    DL_FOREACH (s->fetching, p)
        if (p->due_ms < deadline)
            deadline = p->due_ms;
    return deadline;
}

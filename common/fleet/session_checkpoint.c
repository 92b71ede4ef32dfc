/* Checkpoints on their way: one of a lease at a time is with the coordinator; what is finished
 * meanwhile is put behind the next one, because parts one behind the other are one part. A lease
 * that is handed back waits a moment for the answer, so that nothing finished is lost. */
#include "common/fleet/session_intern.h"

#include <stdlib.h>
#include <string.h>

enum { RELEASE_WAIT_MS = 1500 };
#define KEEPING_BYTES_MAX ((size_t)32 << 20) /* of all leases, waiting for the coordinator */

/* A state and the part that leads to it. */
struct step {
    bool there, anew;
    uint8_t *state;
    size_t state_len;
    struct qr_buf part;
};

struct keeping {
    struct held *held;
    uint64_t number;   /* of `out` */
    struct step out;   /* with the coordinator, or being sent */
    struct step after; /* what was finished since */
    size_t chunk_at;   /* of out.part: sent so far */
    bool sent;         /* all of `out`; due_ms: again when there is no answer */
    int64_t due_ms;
    bool given_up; /* what came later would not fit what stands */
    struct keeping *prev, *next;
};

static void step_clear(struct qr_session *s, struct step *step)
{
    s->keeping_bytes -= step->part.len + step->state_len;
    free(step->state);
    qr_buf_done(&step->part);
    memset(step, 0, sizeof *step);
    qr_buf_init(&step->part, KEEPING_BYTES_MAX);
}

/* Put a newer state and what leads to it behind what the step has. */
static bool step_add(struct qr_session *s, struct step *step,
                     const struct qr_session_checkpoint *given)
{
    size_t more = given->state_len + given->part_len;
    uint8_t *state = NULL;

    if (s->keeping_bytes + more > KEEPING_BYTES_MAX || given->state_len > CHUNK_BYTES)
        return false;
    if (!step->there || given->anew) /* what was before is void */
        step_clear(s, step);
    state = malloc(given->state_len + 1);
    if (!state || !qr_buf_append(&step->part, given->part, given->part_len)) {
        free(state);
        return false;
    }
    memcpy(state, given->state, given->state_len);
    s->keeping_bytes += more;
    s->keeping_bytes -= step->state_len;
    free(step->state);
    step->state = state;
    step->state_len = given->state_len;
    step->anew = step->anew || given->anew;
    step->there = true;
    return true;
}

static struct keeping *keeping_of(struct qr_session *s, struct held *held)
{
    struct keeping *k = held->keeping;

    if (k)
        return k;
    k = calloc(1, sizeof *k);
    if (!k)
        return NULL;
    k->held = held;
    k->number = held->checkpoint_number + 1;
    qr_buf_init(&k->out.part, KEEPING_BYTES_MAX);
    qr_buf_init(&k->after.part, KEEPING_BYTES_MAX);
    DL_APPEND(s->keepings, k);
    return held->keeping = k;
}

void qr_session_keeping_free(struct qr_session *s, struct held *held)
{
    struct keeping *k = held->keeping;

    if (!k)
        return;
    step_clear(s, &k->out);
    step_clear(s, &k->after);
    DL_DELETE(s->keepings, k);
    free(k);
    held->keeping = NULL;
}

static void give_up(struct qr_session *s, struct keeping *k, const char *why)
{
    step_clear(s, &k->out);
    step_clear(s, &k->after);
    k->given_up = true;
    qr_session_note(s, "checkpoint.ended", why);
}

void qr_session_checkpoint(struct qr_session *s, uint64_t lease_id,
                           const struct qr_session_checkpoint *given)
{
    struct held *held = qr_session_find(s, lease_id);
    struct keeping *k = held && held->state == HELD_ACCEPTED ? keeping_of(s, held) : NULL;

    if (!k || k->given_up)
        return;
    s->stats.checkpoints++;
    if (!step_add(s, k->out.there ? &k->after : &k->out, given))
        give_up(s, k, "too much waits for the coordinator; later work of this job is not kept");
}

/* ---- handing back */

bool qr_session_keeping_waits(const struct held *held)
{
    return held->keeping && held->keeping->out.there;
}

void qr_session_leave_later(struct qr_session *s, struct held *held)
{
    held->state = HELD_LEAVING;
    held->due_ms = s->now_ms + RELEASE_WAIT_MS;
    s->n_running--;
}

static void release_now(struct qr_session *s, struct held *held)
{
    uint64_t lease_id = held->lease_id;
    char reason[sizeof held->leave_reason];

    memcpy(reason, held->leave_reason, sizeof reason);
    qr_session_forget(s, held);
    qr_spool_end(s->spool, lease_id);
    qr_session_send_release(s, lease_id, reason);
}

/* ---- what came */

void qr_session_on_checkpoint_ack(struct qr_session *s, const Quarry__V1__CheckpointAck *ack)
{
    struct held *held = qr_session_find(s, ack->lease_id);
    struct keeping *k = held ? held->keeping : NULL;

    if (!k || !k->out.there || ack->number != k->number)
        return; /* the answer to a second copy */
    if (ack->stands < ack->number) {
        give_up(s, k, "the coordinator keeps no more of this job");
    } else {
        step_clear(s, &k->out);
        k->number++;
        k->out = k->after;
        k->chunk_at = 0;
        k->sent = false;
        memset(&k->after, 0, sizeof k->after);
        qr_buf_init(&k->after.part, KEEPING_BYTES_MAX);
    }
    if (held->state == HELD_LEAVING && !k->out.there)
        release_now(s, held);
}

void qr_session_keepings_unsent(struct qr_session *s)
{
    struct keeping *k;

    DL_FOREACH (s->keepings, k) {
        k->sent = false;
        k->chunk_at = 0;
    }
}

/* ---- sending */

static bool send_bulk(struct qr_session *s, const Quarry__V1__WorkerFrame *frame)
{
    qr_buf_clear(&s->frame);
    uint8_t *at = qr_buf_reserve(&s->frame, quarry__v1__worker_frame__get_packed_size(frame));
    if (at)
        s->frame.len = quarry__v1__worker_frame__pack(frame, at);
    return qr_session_send_buf(s, true);
}

static bool send_piece(struct qr_session *s, struct keeping *k)
{
    Quarry__V1__WorkerFrame frame = QUARRY__V1__WORKER_FRAME__INIT;
    Quarry__V1__PartChunk chunk = QUARRY__V1__PART_CHUNK__INIT;
    size_t left = k->out.part.len - k->chunk_at;

    chunk.lease_id = k->held->lease_id;
    chunk.number = k->number;
    chunk.offset = k->chunk_at;
    chunk.data.data = k->out.part.data + k->chunk_at;
    chunk.data.len = left < CHUNK_BYTES ? left : CHUNK_BYTES;
    frame.body_case = QUARRY__V1__WORKER_FRAME__BODY_PART_CHUNK;
    frame.part_chunk = &chunk;
    if (!send_bulk(s, &frame))
        return false;
    k->chunk_at += chunk.data.len;
    return true;
}

/* In the order of the pieces, so that none can come behind it. */
static bool send_end(struct qr_session *s, struct keeping *k, bool whole)
{
    Quarry__V1__WorkerFrame frame = QUARRY__V1__WORKER_FRAME__INIT;
    Quarry__V1__Checkpoint checkpoint = QUARRY__V1__CHECKPOINT__INIT;

    checkpoint.lease_id = k->held->lease_id;
    checkpoint.number = k->number;
    checkpoint.data.data = k->out.state;
    checkpoint.data.len = k->out.state_len;
    checkpoint.anew = k->out.anew;
    if (whole) {
        checkpoint.part.data = k->out.part.data;
        checkpoint.part.len = k->out.part.len;
    } else {
        checkpoint.part_bytes = k->out.part.len;
    }
    frame.body_case = QUARRY__V1__WORKER_FRAME__BODY_CHECKPOINT;
    frame.checkpoint = &checkpoint;
    if (!send_bulk(s, &frame))
        return false;
    k->sent = true;
    k->due_ms = s->now_ms + s->resend_ms;
    return true;
}

void qr_session_send_checkpoints(struct qr_session *s)
{
    struct keeping *k;
    struct keeping *next;

    DL_FOREACH_SAFE(s->keepings, k, next)
    {
        bool whole = k->out.part.len + k->out.state_len <= INLINE_BYTES;
        bool good = true;
        if (!k->out.there || k->sent)
            continue;
        while (good && !whole && k->chunk_at < k->out.part.len)
            good = send_piece(s, k);
        if (!good || !send_end(s, k, whole))
            return; /* blocked, or the stream is gone */
    }
}

/* ---- time */

void qr_session_keeping_timers(struct qr_session *s)
{
    struct keeping *k;
    struct keeping *next;

    DL_FOREACH_SAFE(s->keepings, k, next)
    {
        if (k->held->state == HELD_LEAVING && s->now_ms >= k->held->due_ms) {
            release_now(s, k->held);
        } else if (k->out.there && k->sent && !s->blocked && s->now_ms >= k->due_ms) {
            k->sent = false;
            k->chunk_at = 0;
        }
    }
}

int64_t qr_session_keeping_deadline(const struct qr_session *s)
{
    const struct keeping *k;
    int64_t deadline = INT64_MAX;

    DL_FOREACH (s->keepings, k) {
        if (k->held->state == HELD_LEAVING && k->held->due_ms < deadline)
            deadline = k->held->due_ms;
        if (k->out.there && k->sent && !s->blocked && k->due_ms < deadline)
            deadline = k->due_ms;
    }
    return deadline;
}

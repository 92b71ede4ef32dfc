#include "common/fleet/session_intern.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    BACKOFF_MIN_MS = 100,
    BACKOFF_MAX_MS = 5000,
    HELLO_WAIT_MS = 10000, /* for the Welcome */
    GOODBYE_WAIT_MS = 2000,
};

void qr_session_note(struct qr_session *s, const char *event, const char *detail)
{
    if (s->port.note)
        s->port.note(s->port.ctx, event, detail);
}

static uint64_t next_random(struct qr_session *s) /* xorshift64 */
{
    s->random ^= s->random << 13;
    s->random ^= s->random >> 7;
    s->random ^= s->random << 17;
    return s->random;
}

/* Half to all of a delay that doubles each time the whole list of coordinators failed. */
static int64_t backoff(struct qr_session *s)
{
    size_t round = s->failures / s->config.n_coordinators;
    int64_t delay = round < 6 ? (int64_t)BACKOFF_MIN_MS << round : BACKOFF_MAX_MS;
    if (delay > BACKOFF_MAX_MS)
        delay = BACKOFF_MAX_MS;
    return delay / 2 + (int64_t)(next_random(s) % (uint64_t)(delay / 2 + 1));
}

/* What was on its way is unsent again. Offers without an answer are given up: the coordinator takes
 * them back with the stream. */
static void lose_stream(struct qr_session *s)
{
    struct held *held;
    struct held *next;

    s->is_open = false;
    s->blocked = false;
    s->accepts.n = 0;
    while (s->sent)
        qr_session_queue(s, s->sent, PLACE_UNSENT);
    while (s->later)
        qr_session_queue(s, s->later, PLACE_UNSENT);
    qr_session_keepings_unsent(s);
    qr_session_parts_unsent(s);
    DL_FOREACH (s->unsent, held)
        held->chunk_at = 0;
    HASH_ITER (hh, s->held, held, next)
        if (held->state == HELD_OFFERED)
            qr_session_drop(s, held);
}

/* The stream is gone or is left; the next attempt follows after the back-off, or at once. */
static void stream_over(struct qr_session *s, const char *why, bool at_once)
{
    bool lasted = s->state == QR_SESSION_WELCOMED && s->now_ms - s->welcomed_ms >= s->ttl_ms;
    int64_t delay = 0;

    if (s->state == QR_SESSION_CONNECTING && !at_once)
        s->next_coordinator++;
    if (lasted)
        s->failures = 0;
    s->state = QR_SESSION_WAITING;
    lose_stream(s);
    if (!at_once) {
        delay = backoff(s);
        s->failures++;
    }
    s->connect_ms = s->now_ms + delay;
    if (s->port.lost)
        s->port.lost(s->port.ctx, s->address, why, delay);
    if (s->saying_goodbye)
        qr_session_end(s, QR_OK, "");
}

void qr_session_leave(struct qr_session *s, const char *why, bool at_once)
{
    if (!s->is_open)
        return;
    s->is_open = false;
    s->port.disconnect(s->port.ctx, s->stream);
    stream_over(s, why, at_once);
}

void qr_session_end(struct qr_session *s, int code, const char *message)
{
    if (s->state == QR_SESSION_OVER)
        return;
    if (s->is_open)
        s->port.disconnect(s->port.ctx, s->stream);
    s->state = QR_SESSION_OVER;
    lose_stream(s);
    if (s->port.over)
        s->port.over(s->port.ctx, code, message);
}

static void connect_now(struct qr_session *s)
{
    if (s->n_redirect > 0) {
        snprintf(s->address, sizeof s->address, "%s", s->redirect[0]);
        s->n_redirect--;
        memmove(s->redirect, s->redirect + 1, s->n_redirect * sizeof s->redirect[0]);
    } else {
        size_t i = s->next_coordinator % s->config.n_coordinators;
        snprintf(s->address, sizeof s->address, "%s", s->config.coordinators[i]);
    }
    s->stream++;
    s->stats.connects++;
    s->is_open = true;
    s->state = QR_SESSION_CONNECTING;
    s->heard_ms = s->now_ms;
    s->seen = 0;
    s->port.connect(s->port.ctx, s->stream, s->address);
    qr_session_send_hello(s);
}

void qr_session_set_now(struct qr_session *s, int64_t now_ms) { s->now_ms = now_ms; }

void qr_session_closed(struct qr_session *s, uint64_t stream, const char *message)
{
    if (s->is_open && stream == s->stream)
        stream_over(s, message, false);
}

void qr_session_writable(struct qr_session *s, uint64_t stream)
{
    if (s->is_open && stream == s->stream)
        s->blocked = false;
}

static void run_timers(struct qr_session *s)
{
    int64_t patience = s->state == QR_SESSION_WELCOMED ? s->ttl_ms : HELLO_WAIT_MS;

    if (s->saying_goodbye && s->now_ms >= s->goodbye_ms) {
        qr_session_end(s, QR_OK, "");
        return;
    }
    if (s->is_open && s->now_ms - s->heard_ms > patience)
        qr_session_leave(s, "nothing was heard from the coordinator for too long", false);
    if (s->state == QR_SESSION_WAITING && s->now_ms >= s->connect_ms)
        connect_now(s);
    qr_session_keeping_timers(s);
    while (s->later && s->now_ms >= s->later->due_ms)
        qr_session_queue(s, s->later, PLACE_UNSENT);
    /* While our own queue is full a result may not have left yet: not the time to send it again. */
    while (s->sent && !s->blocked && s->now_ms >= s->sent->due_ms)
        qr_session_queue(s, s->sent, PLACE_UNSENT);
}

void qr_session_flush(struct qr_session *s)
{
    if (s->state == QR_SESSION_OVER)
        return;
    run_timers(s);
    if (s->state != QR_SESSION_WELCOMED)
        return;
    qr_session_send_accepts(s);
    if (s->is_open)
        qr_session_send_credits(s);
    if (s->is_open && s->now_ms >= s->beat_due_ms)
        qr_session_send_beat(s);
    if (s->is_open)
        qr_session_send_results(s);
    if (s->is_open && !s->blocked)
        qr_session_send_checkpoints(s);
    if (s->is_open)
        qr_session_ask_parts(s);
}

static void sooner(int64_t *deadline, int64_t candidate)
{
    if (candidate < *deadline)
        *deadline = candidate;
}

int64_t qr_session_next_deadline(const struct qr_session *s)
{
    int64_t deadline = INT64_MAX;

    if (s->state == QR_SESSION_OVER)
        return deadline;
    if (s->state == QR_SESSION_WAITING)
        sooner(&deadline, s->connect_ms);
    if (s->state == QR_SESSION_CONNECTING)
        sooner(&deadline, s->heard_ms + HELLO_WAIT_MS + 1);
    if (s->state == QR_SESSION_WELCOMED) {
        sooner(&deadline, s->beat_due_ms);
        sooner(&deadline, s->heard_ms + s->ttl_ms + 1);
        if (s->later)
            sooner(&deadline, s->later->due_ms);
        if (s->sent && !s->blocked)
            sooner(&deadline, s->sent->due_ms);
        sooner(&deadline, qr_session_keeping_deadline(s));
        sooner(&deadline, qr_session_parts_deadline(s));
    }
    if (s->saying_goodbye)
        sooner(&deadline, s->goodbye_ms);
    return deadline;
}

void qr_session_stop_offers(struct qr_session *s, const char *reason)
{
    s->no_offers = true;
    snprintf(s->no_offers_reason, sizeof s->no_offers_reason, "%s", reason);
}

void qr_session_take_offers(struct qr_session *s)
{
    if (!s->saying_goodbye)
        s->no_offers = false;
}

void qr_session_goodbye(struct qr_session *s, const char *reason)
{
    if (s->saying_goodbye || s->state == QR_SESSION_OVER)
        return;
    qr_session_stop_offers(s, reason);
    s->saying_goodbye = true;
    s->goodbye_ms = s->now_ms + GOODBYE_WAIT_MS;
    snprintf(s->goodbye_reason, sizeof s->goodbye_reason, "%s", reason);
    if (s->state == QR_SESSION_WELCOMED)
        qr_session_send_goodbye(s);
    else if (s->state == QR_SESSION_WAITING)
        qr_session_end(s, QR_OK, "");
}

enum qr_session_state qr_session_get_state(const struct qr_session *s) { return s->state; }

size_t qr_session_unsettled(const struct qr_session *s)
{
    return HASH_COUNT(s->held) - s->n_running;
}

size_t qr_session_held(const struct qr_session *s) { return s->n_running; }

void qr_session_get_stats(const struct qr_session *s, struct qr_session_stats *ret)
{
    *ret = s->stats;
}

#include "common/fleet/session_intern.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct held *qr_session_find(const struct qr_session *s, uint64_t lease_id)
{
    struct held *held = NULL;
    HASH_FIND(hh, s->held, &lease_id, sizeof lease_id, held);
    return held;
}

struct held *qr_session_hold(struct qr_session *s, uint64_t lease_id, uint64_t job_id, int type)
{
    struct held *held = calloc(1, sizeof *held);
    if (!held)
        return NULL;
    held->lease_id = lease_id;
    held->job_id = job_id;
    held->type = type;
    held->phase = QUARRY__V1__LEASE_PHASE__LEASE_PHASE_QUEUED;
    HASH_ADD_KEYPTR(hh, s->held, &held->lease_id, sizeof held->lease_id, held);
    return held;
}

void qr_session_queue(struct qr_session *s, struct held *held, enum queue_place place)
{
    if (held->place == PLACE_UNSENT)
        DL_DELETE(s->unsent, held);
    else if (held->place == PLACE_SENT)
        DL_DELETE(s->sent, held);
    else if (held->place == PLACE_LATER)
        DL_DELETE(s->later, held);
    held->place = place;
    held->chunk_at = 0;
    if (place == PLACE_UNSENT)
        DL_APPEND(s->unsent, held);
    else if (place == PLACE_SENT)
        DL_APPEND(s->sent, held);
    else if (place == PLACE_LATER)
        DL_APPEND(s->later, held);
}

/* The lease is over for good: out of every list. */
void qr_session_forget(struct qr_session *s, struct held *held)
{
    if (held->state == HELD_OFFERED || held->state == HELD_ACCEPTED)
        s->n_running--;
    qr_session_queue(s, held, PLACE_NONE);
    qr_session_keeping_free(s, held);
    qr_session_parts_free(s, held);
    HASH_DELETE(hh, s->held, held);
    free(held);
}

/* Rule 13: once for each offer received, when its slot is free. */
void qr_session_give_back(struct qr_session *s, struct held *held)
{
    s->freed_total++;
    if (held->type >= 0)
        s->types[held->type].freed++;
}

/* Not ours any more while it ran: stop the work, free the slot. */
void qr_session_drop(struct qr_session *s, struct held *held)
{
    uint64_t lease_id = held->lease_id;

    bool leaving = held->state == HELD_LEAVING;

    s->stats.dropped++;
    if (!leaving)
        qr_session_give_back(s, held);
    qr_session_forget(s, held);
    qr_spool_end(s->spool, lease_id);
    if (!leaving)
        s->port.stop(s->port.ctx, lease_id, QR_SESSION_STOP_STALE, 0);
}

int qr_session_type_index(struct qr_session *s, const char *name)
{
    for (size_t i = 0; i < s->n_types; i++)
        if (strcmp(s->types[i].name, name) == 0)
            return (int)i;
    return -1;
}

bool qr_session_may_take(const struct qr_session *s, const char **ret_reason)
{
    if (s->no_offers) {
        *ret_reason = s->no_offers_reason;
        return false;
    }
    if (HASH_COUNT(s->held) - s->n_running >= QR_SESSION_UNSETTLED_MAX) {
        *ret_reason = "too many results wait for their answer";
        return false;
    }
    return !qr_spool_is_full(s->spool, ret_reason);
}

bool qr_session_add_id(struct id_list *list, uint64_t id)
{
    if (list->n == list->cap) {
        size_t cap = list->cap ? list->cap * 2 : 64;
        uint64_t *ids = realloc(list->ids, cap * sizeof *ids);
        if (!ids)
            return false;
        list->ids = ids;
        list->cap = cap;
    }
    list->ids[list->n++] = id;
    return true;
}

/* ---- what the owner does */

void qr_session_accept(struct qr_session *s, uint64_t lease_id)
{
    struct held *held = qr_session_find(s, lease_id);

    if (!held || held->state != HELD_OFFERED)
        return;
    held->state = HELD_ACCEPTED;
    s->stats.accepted++;
    if (!qr_session_add_id(&s->accepts, lease_id))
        qr_session_leave(s, "out of memory", false); /* Hello will name it */
}

void qr_session_decline(struct qr_session *s, uint64_t lease_id, const char *reason)
{
    struct held *held = qr_session_find(s, lease_id);

    if (!held || held->state != HELD_OFFERED)
        return;
    s->stats.declined++;
    qr_session_give_back(s, held);
    qr_session_forget(s, held);
    qr_session_send_decline(s, lease_id, reason);
}

void qr_session_progress(struct qr_session *s, uint64_t lease_id,
                         const struct qr_session_progress *progress)
{
    struct held *held = qr_session_find(s, lease_id);

    if (!held || held->state != HELD_ACCEPTED)
        return;
    held->phase = progress->phase;
    held->permille = progress->permille;
    held->done = progress->done;
    held->total = progress->total;
    held->started_ms = progress->started_ms;
}

void qr_session_started(struct qr_session *s, uint64_t lease_id)
{
    struct held *held = qr_session_find(s, lease_id);
    struct qr_err err = {0};

    if (!held || held->state != HELD_ACCEPTED)
        return;
    if (qr_spool_start(s->spool, lease_id, held->job_id, &err) < 0)
        qr_session_note(s, "start.unrecorded", err.msg);
}

void qr_session_release(struct qr_session *s, uint64_t lease_id, const char *reason)
{
    struct held *held = qr_session_find(s, lease_id);

    if (!held || held->state != HELD_ACCEPTED)
        return;
    s->stats.released++;
    qr_session_give_back(s, held);
    if (s->state == QR_SESSION_WELCOMED && qr_session_keeping_waits(held)) {
        snprintf(held->leave_reason, sizeof held->leave_reason, "%s", reason);
        qr_session_leave_later(s, held);
        return;
    }
    qr_session_forget(s, held);
    qr_spool_end(s->spool, lease_id);
    qr_session_send_release(s, lease_id, reason);
}

void qr_session_postpone(struct qr_session *s, uint64_t lease_id, const char *reason,
                         uint64_t delay_ms, const void *note, size_t len)
{
    struct held *held = qr_session_find(s, lease_id);

    if (!held || held->state != HELD_ACCEPTED)
        return;
    s->stats.released++;
    qr_session_give_back(s, held);
    qr_session_forget(s, held);
    qr_spool_end(s->spool, lease_id);
    qr_session_send_postpone(s, lease_id, reason, delay_ms, note, len);
}

static void add_spooled(void *ctx, uint64_t lease_id, uint64_t job_id, size_t bytes)
{
    struct qr_session *s = ctx;
    (void)bytes;

    struct held *held =
        qr_session_find(s, lease_id) ? NULL : qr_session_hold(s, lease_id, job_id, -1);
    if (!held)
        return; /* out of memory: stays in the spool for the next life */
    held->state = HELD_FINISHED;
    held->phase = QUARRY__V1__LEASE_PHASE__LEASE_PHASE_FINISHED;
    qr_session_queue(s, held, PLACE_UNSENT);
}

int qr_session_new(const struct qr_session_config *config, const struct qr_session_port *port,
                   struct qr_spool *spool, int64_t now_ms, struct qr_session **ret,
                   struct qr_err *err)
{
    if (config->n_coordinators == 0 || config->slots == 0 || config->n_types > QR_SESSION_TYPES_MAX)
        return qr_fail(err, QR_E_INVALID,
                       "a session needs coordinators, slots and at most %d types",
                       QR_SESSION_TYPES_MAX);
    struct qr_session *s = calloc(1, sizeof *s);
    if (!s)
        return qr_fail(err, QR_E_NOMEM, "out of memory");
    s->config = *config;
    if (s->config.prefetch > config->slots)
        s->config.prefetch = config->slots;
    s->port = *port;
    s->spool = spool;
    s->now_ms = now_ms;
    s->connect_ms = now_ms;
    s->random = config->seed | 1;
    s->ttl_ms = 8000;
    s->beat_ms = 2000;
    s->resend_ms = 10000;
    s->max_record_bytes = 64 << 20;
    qr_buf_init(&s->frame, 4 * FRAME_BYTES_MAX);
    for (size_t i = 0; i < config->n_types; i++) {
        if (strlen(config->types[i].name) >= sizeof s->types[0].name) {
            qr_session_free(s);
            return qr_fail(err, QR_E_INVALID, "job type '%s' is too long", config->types[i].name);
        }
        struct type_count *type = &s->types[s->n_types++];
        snprintf(type->name, sizeof type->name, "%s", config->types[i].name);
        type->max_slots = config->types[i].max_slots;
    }
    qr_spool_each_result(spool, add_spooled, s);
    *ret = s;
    return QR_OK;
}

void qr_session_free(struct qr_session *s)
{
    struct held *held;
    struct held *next;

    if (!s)
        return;
    HASH_ITER (hh, s->held, held, next) {
        qr_session_keeping_free(s, held);
        qr_session_parts_free(s, held);
        HASH_DELETE(hh, s->held, held);
        free(held);
    }
    free(s->accepts.ids);
    qr_buf_done(&s->frame);
    free(s);
}

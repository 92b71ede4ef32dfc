/* Numbers of fields: proto/quarry/v1/fleet.proto. As protobuf does, fields are written by number,
 * and those that are zero or empty are left out. */
#include "coordinator/service/hot.h"

#include <stdlib.h>

#include "common/wire.h"
#include "coordinator/engine/types.h"

enum {
    TO_WORKER_SEQ = 1,
    TO_WORKER_OFFER = 3,
    TO_WORKER_SYNC = 4,
    TO_WORKER_ACK = 5,
    FROM_WORKER_CREDITS = 2,
    FROM_WORKER_ACCEPT = 3,
    FROM_WORKER_BEAT = 5,
    FROM_WORKER_RESULT = 9,
    HEAD_MAX = 24, /* seq, and the body's head */
    TYPE_MAX = 32
};

/* ------------------------------------------------------------------ out */

static size_t field_size(uint64_t value) { return value ? 1 + wire_varint_size(value) : 0; }

static uint8_t *put_field(uint8_t *to, unsigned field, uint64_t value)
{
    return value ? wire_put_u64(to, field, value) : to;
}

static size_t text_size(size_t len) { return len ? 1 + wire_varint_size(len) + len : 0; }

static bool is_plain(const struct qr_offer *offer)
{
    return !offer->options_json && offer->checkpoint_len == 0 && offer->checkpoint_number == 0 &&
           offer->part_bytes == 0 && !strchr(offer->uri, '%');
}

static size_t lease_size(const struct qr_offer *o, size_t uri_len, size_t type_len)
{
    return field_size(o->lease_id) + field_size(o->job_id) + text_size(uri_len) +
           text_size(type_len) + field_size(o->attempt) + field_size(o->budget_ms) +
           field_size(o->progress_budget_ms) + field_size(o->bytes) + field_size(o->run_id) +
           field_size(o->alone) + field_size((uint64_t)o->modified_ms);
}

static uint8_t *put_lease(uint8_t *to, const struct qr_offer *o)
{
    const char *type = qr_type_name(o->type);
    size_t uri_len = strlen(o->uri);
    size_t type_len = strlen(type);

    to = wire_put_head(to, 1, lease_size(o, uri_len, type_len));
    to = put_field(to, 1, o->lease_id);
    to = put_field(to, 2, o->job_id);
    if (uri_len)
        to = wire_put_bytes(to, 3, o->uri, uri_len);
    if (type_len)
        to = wire_put_bytes(to, 4, type, type_len);
    to = put_field(to, 5, o->attempt);
    to = put_field(to, 6, o->budget_ms);
    to = put_field(to, 7, o->progress_budget_ms);
    to = put_field(to, 10, o->bytes);
    to = put_field(to, 11, o->run_id);
    to = put_field(to, 12, o->alone);
    return put_field(to, 13, (uint64_t)o->modified_ms);
}

/* The frame's head goes before what was written from `body` on, which HEAD_MAX bytes precede. */
static size_t close_frame(uint8_t *frame, uint64_t seq, unsigned field, const uint8_t *body,
                          const uint8_t *end)
{
    size_t len = (size_t)(end - body);
    uint8_t *to = put_field(frame, TO_WORKER_SEQ, seq);

    to = wire_put_head(to, field, len);
    memmove(to, body, len);
    return (size_t)(to - frame) + len;
}

size_t qr_hot_put_offer(uint8_t *to, size_t room, uint64_t seq, const struct qr_offer *offers,
                        size_t n)
{
    enum { NUMBERS = 128 }; /* no more than that beside uri and type */
    uint8_t *body = to + HEAD_MAX;
    uint8_t *at = body;

    for (size_t i = 0; i < n; i++) {
        if (!is_plain(&offers[i]) ||
            (size_t)(at - to) + strlen(offers[i].uri) + TYPE_MAX + NUMBERS > room)
            return 0;
        at = put_lease(at, &offers[i]);
    }
    return close_frame(to, seq, TO_WORKER_OFFER, body, at);
}

size_t qr_hot_put_ack(uint8_t *to, size_t room, uint64_t seq, const struct qr_ack *acks, size_t n)
{
    enum { ACK_MAX = 32 };
    uint8_t *body = to + HEAD_MAX;
    uint8_t *at = body;

    if (room < HEAD_MAX + n * ACK_MAX)
        return 0;
    for (size_t i = 0; i < n; i++) {
        if (acks[i].code == QR_ACK_REJECTED)
            return 0;
        at = wire_put_head(at, 1, field_size(acks[i].lease_id) + field_size(acks[i].code));
        at = put_field(at, 1, acks[i].lease_id);
        at = put_field(at, 2, acks[i].code);
    }
    return close_frame(to, seq, TO_WORKER_ACK, body, at);
}

static uint8_t *put_ids(uint8_t *to, unsigned field, const uint64_t *ids, size_t n)
{
    size_t len = 0;

    if (n == 0)
        return to;
    for (size_t i = 0; i < n; i++)
        len += wire_varint_size(ids[i]);
    to = wire_put_head(to, field, len);
    for (size_t i = 0; i < n; i++)
        to = wire_put_varint(to, ids[i]);
    return to;
}

size_t qr_hot_put_sync(uint8_t *to, size_t room, uint64_t seq, uint64_t seen, uint32_t beat_ms,
                       const uint64_t *drop, size_t n_drop, const uint64_t *expected,
                       size_t n_expected)
{
    enum { ID_MAX = 10, OTHERS = 48 };
    uint8_t *body = to + HEAD_MAX;

    if (room < HEAD_MAX + OTHERS + (n_drop + n_expected) * ID_MAX)
        return 0;
    uint8_t *at = put_field(body, 1, seen);
    at = put_ids(at, 2, drop, n_drop);
    at = put_ids(at, 3, expected, n_expected);
    at = put_field(at, 4, beat_ms);
    return close_frame(to, seq, TO_WORKER_SYNC, body, at);
}

/* ------------------------------------------------------------------ in */

/* A field of another kind than the message has: the general code refuses the frame. */
static bool is_number(const struct wire *in) { return !in->data && !in->fixed; }

static bool room_for(void **array, size_t *cap, size_t n, size_t size)
{
    if (n < *cap)
        return true;
    size_t grown = *cap ? *cap * 2 : 64;
    void *memory = realloc(*array, grown * size);
    if (!memory)
        return false;
    *array = memory;
    *cap = grown;
    return true;
}

static bool take_credits(struct qr_hot_frame *frame, struct wire in)
{
    frame->credits = (struct qr_credits){.total = 0};
    while (wire_next(&in)) {
        if (!is_number(&in) || (in.field != 2 && in.field != 3))
            return false; /* per type */
        if (in.field == 2)
            frame->credits.total = in.value;
    }
    return !in.bad;
}

static bool take_accept(struct qr_hot_frame *frame, struct wire in)
{
    while (wire_next(&in)) {
        if (in.field != 1 || !in.data)
            return false;
        struct wire ids = wire_of(in.data, in.len);
        while (ids.at < ids.end) {
            if (!room_for((void **)&frame->leases, &frame->cap_leases, frame->n,
                          sizeof *frame->leases) ||
                !wire_varint(&ids, &frame->leases[frame->n]))
                return false;
            frame->n++;
        }
    }
    return !in.bad;
}

static bool take_received(struct qr_hot_frame *frame, struct wire in)
{
    char name[TYPE_MAX + 1] = "";
    uint64_t count = 0;

    while (wire_next(&in)) {
        if (in.field == 1 && in.data && in.len <= TYPE_MAX) {
            memcpy(name, in.data, in.len);
            name[in.len] = '\0';
        } else if (in.field == 2 && is_number(&in)) {
            count = in.value;
        } else {
            return false;
        }
    }
    if (in.bad || !room_for((void **)&frame->received, &frame->cap_received, frame->beat.n_received,
                            sizeof *frame->received))
        return false;
    qr_type_id type = qr_type_find(name);
    if (type != 0)
        frame->received[frame->beat.n_received++] =
            (struct qr_type_count){.type = type, .count = count};
    return true;
}

static bool take_state(struct qr_hot_frame *frame, struct wire in)
{
    struct qr_lease_progress state = {.lease_id = 0};

    while (wire_next(&in)) {
        if (!is_number(&in))
            return false;
        if (in.field == 1)
            state.lease_id = in.value;
        else if (in.field == 2)
            state.phase =
                in.value <= QR_PHASE_FINISHED ? (enum qr_phase)in.value : QR_PHASE_UNKNOWN;
        else if (in.field == 3)
            state.permille = (uint32_t)in.value;
        else if (in.field == 4)
            state.started_ms_ago = in.value;
        else if (in.field == 10)
            state.done = (uint32_t)in.value;
        else if (in.field == 11)
            state.total = (uint32_t)in.value;
        else
            return false;
    }
    if (in.bad ||
        !room_for((void **)&frame->states, &frame->cap_states, frame->n, sizeof *frame->states))
        return false;
    frame->states[frame->n++] = state;
    return true;
}

static bool take_beat(struct qr_hot_frame *frame, struct wire in)
{
    struct qr_beat *beat = &frame->beat;

    *beat = (struct qr_beat){.seen = 0};
    while (wire_next(&in)) {
        if (in.field == 2 || in.field == 4) {
            if (!in.data)
                return false;
            struct wire part = wire_of(in.data, in.len);
            if (!(in.field == 2 ? take_received(frame, part) : take_state(frame, part)))
                return false;
            continue;
        }
        if (in.field == 5 && in.fixed == sizeof beat->load)
            memcpy(&beat->load, &in.value, sizeof beat->load);
        else if (!is_number(&in))
            return false;
        else if (in.field == 1)
            beat->seen = in.value;
        else if (in.field == 3)
            beat->received_total = in.value;
        else if (in.field == 6)
            beat->disk_free_bytes = in.value;
        else if (in.field == 8)
            beat->rss_bytes = in.value;
        else if (in.field != 7)
            return false;
    }
    beat->received = frame->received;
    beat->leases = frame->states;
    beat->n_leases = frame->n;
    return !in.bad;
}

static bool take_job_result(struct qr_hot_frame *frame, struct wire in)
{
    struct qr_hot_result result = {.lease_id = 0};

    while (wire_next(&in)) {
        if (in.field == 4 && in.data) {
            result.record = in.data;
            result.record_len = in.len;
        } else if (!is_number(&in)) {
            return false; /* an error */
        } else if (in.field == 1) {
            result.lease_id = in.value;
        } else if (in.field == 2) {
            result.job_id = in.value;
        } else if (in.field == 7) {
            result.duration_ms = (uint32_t)in.value;
        } else if (in.field == 8) {
            result.retry_after_ms = in.value;
        } else {
            return false; /* in chunks */
        }
    }
    if (in.bad ||
        !room_for((void **)&frame->results, &frame->cap_results, frame->n, sizeof *frame->results))
        return false;
    frame->results[frame->n++] = result;
    return true;
}

static bool take_results(struct qr_hot_frame *frame, struct wire in)
{
    while (wire_next(&in))
        if (in.field != 1 || !in.data || !take_job_result(frame, wire_of(in.data, in.len)))
            return false;
    return !in.bad;
}

enum qr_hot_kind qr_hot_take(struct qr_hot_frame *frame, const uint8_t *data, size_t len)
{
    struct wire in = wire_of(data, len);
    bool taken = false;
    enum qr_hot_kind kind = QR_HOT_NONE;

    if (!wire_next(&in) || !in.data || in.at != in.end)
        return QR_HOT_NONE;
    frame->n = 0;
    struct wire body = wire_of(in.data, in.len);
    if (in.field == FROM_WORKER_CREDITS) {
        taken = take_credits(frame, body);
        kind = QR_HOT_CREDITS;
    } else if (in.field == FROM_WORKER_ACCEPT) {
        taken = take_accept(frame, body);
        kind = QR_HOT_ACCEPT;
    } else if (in.field == FROM_WORKER_BEAT) {
        taken = take_beat(frame, body);
        kind = QR_HOT_BEAT;
    } else if (in.field == FROM_WORKER_RESULT) {
        taken = take_results(frame, body);
        kind = QR_HOT_RESULT;
    }
    return taken ? kind : QR_HOT_NONE;
}

void qr_hot_done(struct qr_hot_frame *frame)
{
    free(frame->leases);
    free(frame->results);
    free(frame->states);
    free(frame->received);
}

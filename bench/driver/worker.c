#include "bench/driver/worker.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base.h"
#include "common/clock.h"
#include "common/wire.h"

/* Fields of proto/quarry/v1/fleet.proto. */
enum {
    FRAME_HELLO = 1,
    FRAME_CREDITS = 2,
    FRAME_ACCEPT = 3,
    FRAME_BEAT = 5,
    FRAME_RESULT = 9,
    FRAME_GOODBYE = 10,
    COORD_SEQ = 1,
    COORD_WELCOME = 2,
    COORD_OFFER = 3,
    COORD_SYNC = 4,
    COORD_ACK = 5,
    COORD_END = 9,
    PHASE_RUNNING = 3,
    PHASE_FINISHED = 4,
    FRAME_MAX = 60 << 10
};

static uint8_t body[FRAME_MAX + 8192], frame[FRAME_MAX + 8192 + 16];

#define COUNT(name, by) atomic_fetch_add_explicit(&fleet.shared->name, by, memory_order_relaxed)

static void send_frame(struct worker *worker, unsigned field, const uint8_t *end)
{
    const uint8_t *to = wire_put_bytes(frame, field, body, (size_t)(end - body));
    h2_send(&worker->h2, frame, (size_t)(to - frame));
}

/* ------------------------------------------------------------------ leases */

static void remember(struct worker *worker, uint64_t lease)
{
    if (worker->first + worker->n_unacked == worker->cap_unacked) {
        if (worker->first > worker->n_unacked) {
            memmove(worker->unacked, worker->unacked + worker->first,
                    worker->n_unacked * sizeof *worker->unacked);
        } else {
            uint32_t cap = worker->cap_unacked ? worker->cap_unacked * 2 : 16;
            uint64_t *list = malloc(cap * sizeof *list);
            if (!list)
                abort(); /* a benchmark */
            if (worker->n_unacked > 0)
                memcpy(list, worker->unacked + worker->first, worker->n_unacked * sizeof *list);
            free(worker->unacked);
            worker->unacked = list;
            worker->cap_unacked = cap;
        }
        worker->first = 0;
    }
    worker->unacked[worker->first + worker->n_unacked++] = lease;
}

/* Acks come about in order: the lease is near the front. */
static bool forget(struct worker *worker, uint64_t lease)
{
    uint64_t *list = worker->unacked + worker->first;

    for (uint32_t i = 0; i < worker->n_unacked; i++)
        if (list[i] == lease) {
            list[i] = list[0];
            worker->first++;
            worker->n_unacked--;
            return true;
        }
    return false;
}

/* ------------------------------------------------------------------ frames out */

static uint8_t *put_credits(uint8_t *to, const struct worker *worker)
{
    return wire_put_u64(to, 2, worker->credits);
}

static void send_hello(struct worker *worker)
{
    char id[64];
    uint8_t part[64], *to = body;

    snprintf(id, sizeof id, "bench-%02x%02x%02x%02x-%u", worker->session[0], worker->session[1],
             worker->session[2], worker->session[3], worker->index);
    to = wire_put_bytes(to, 1, id, strlen(id));
    to = wire_put_bytes(to, 2, worker->session, sizeof worker->session);
    to = wire_put_u64(to, 3, 1);
    to = wire_put_bytes(to, 5, "localhost", 9);
    to = wire_put_bytes(to, 6, "linux", 5);
    to = wire_put_bytes(to, 8, QUARRY_VERSION, strlen(QUARRY_VERSION));
    uint8_t *end = wire_put_bytes(part, 1, fleet.type, strlen(fleet.type));
    to = wire_put_bytes(to, 9, part, (size_t)(end - part));
    to = wire_put_bytes(to, 11, "bench", 5);
    to = wire_put_u64(to, 12, fleet.slots);
    to = wire_put_u64(to, 14, worker->received);
    unsigned list = fleet.hold ? 15 : 16; /* they run, or their results are in the spool */
    for (uint32_t i = 0; i < worker->n_unacked; i++) {
        end = wire_put_u64(part, 1, worker->unacked[worker->first + i]);
        to = wire_put_bytes(to, list, part, (size_t)(end - part));
    }
    end = put_credits(part, worker);
    to = wire_put_bytes(to, 18, part, (size_t)(end - part));
    send_frame(worker, FRAME_HELLO, to);
}

static void send_accept(struct worker *worker, const uint64_t *leases, size_t n)
{
    size_t len = 0;

    for (size_t i = 0; i < n; i++)
        len += wire_varint_size(leases[i]);
    uint8_t *to = wire_put_head(body, 1, len);
    for (size_t i = 0; i < n; i++)
        to = wire_put_varint(to, leases[i]);
    send_frame(worker, FRAME_ACCEPT, to);
}

static void send_results(struct worker *worker, const uint64_t *leases, const uint64_t *jobs,
                         size_t n)
{
    const struct qr_noop_shared *shared = fleet.shared;
    uint8_t *to = body;

    for (size_t i = 0; i < n; i++) {
        size_t len = 2 + wire_varint_size(leases[i]) + wire_varint_size(jobs[i]);
        if (shared->record_len > 0)
            len += 1 + wire_varint_size(shared->record_len) + shared->record_len;
        to = wire_put_head(to, 1, len);
        to = wire_put_u64(to, 1, leases[i]);
        to = wire_put_u64(to, 2, jobs[i]);
        if (shared->record_len > 0)
            to = wire_put_bytes(to, 4, shared->record, shared->record_len);
        if (to - body > FRAME_MAX - QR_NOOP_RECORD_MAX - 64 || i + 1 == n) {
            send_frame(worker, FRAME_RESULT, to);
            to = body;
        }
    }
}

void worker_beat(struct worker *worker)
{
    uint8_t *to = wire_put_u64(body, 1, worker->seen);

    to = wire_put_u64(to, 3, worker->received);
    for (uint32_t i = 0; i < worker->n_unacked && to - body < FRAME_MAX; i++) {
        uint64_t lease = worker->unacked[worker->first + i];
        to = wire_put_head(to, 4, 3 + wire_varint_size(lease));
        to = wire_put_u64(to, 1, lease);
        to = wire_put_u64(to, 2, fleet.hold ? PHASE_RUNNING : PHASE_FINISHED);
    }
    send_frame(worker, FRAME_BEAT, to);
    COUNT(beats, 1);
}

void worker_goodbye(struct worker *worker)
{
    send_frame(worker, FRAME_GOODBYE, wire_put_bytes(body, 1, "done", 4));
    h2_send_end(&worker->h2);
}

/* ------------------------------------------------------------------ frames in */

static void take_sample(const uint8_t *uri, size_t len, int64_t now_ns)
{
    const uint8_t *at = memchr(uri, '@', len);
    int64_t began = 0;

    if (!at)
        return;
    for (at++; at < uri + len && *at >= '0' && *at <= '9'; at++)
        began = began * 10 + (*at - '0');
    uint64_t n = COUNT(n_samples, 1);
    fleet.shared->samples[n % QR_NOOP_SAMPLES_MAX] = now_ns - began;
}

/* The slots are free again as soon as the results are on their way: the work took no time. */
static void on_offer(struct worker *worker, struct wire offer)
{
    static uint64_t leases[4096], jobs[4096];
    size_t n = 0;
    int64_t now_ns = qr_clock_ns();

    while (wire_next(&offer) && n < QR_COUNT(leases)) {
        struct wire lease = wire_of(offer.data, offer.len);
        if (offer.field != 1 || !offer.data)
            continue;
        while (wire_next(&lease)) {
            if (lease.field == 1)
                leases[n] = lease.value;
            else if (lease.field == 2)
                jobs[n] = lease.value;
            else if (lease.field == 3 && lease.data)
                take_sample(lease.data, lease.len, now_ns);
        }
        remember(worker, leases[n]);
        n++;
    }
    worker->received += n;
    COUNT(offered, n);
    COUNT(offer_frames, 1);
    atomic_store_explicit(&fleet.shared->last_offer_ns, now_ns, memory_order_relaxed);
    if (n == 0 || atomic_load_explicit(&fleet.shared->no_accepts, memory_order_relaxed))
        return;
    send_accept(worker, leases, n);
    if (fleet.hold)
        return;
    worker->credits += n;
    send_results(worker, leases, jobs, n);
    send_frame(worker, FRAME_CREDITS, put_credits(body, worker));
}

static void on_ack(struct worker *worker, struct wire acks)
{
    uint64_t counts[5] = {0}; /* COMMITTED is 1, DUPLICATE 2, STALE 3; 0 is all else */

    while (wire_next(&acks)) {
        struct wire ack = wire_of(acks.data, acks.len);
        uint64_t lease = 0, code = 0;
        if (acks.field != 1 || !acks.data)
            continue;
        while (wire_next(&ack)) {
            if (ack.field == 1)
                lease = ack.value;
            else if (ack.field == 2)
                code = ack.value;
        }
        counts[code >= 1 && code <= 3 ? code : 0]++;
        if (code >= 1 && code <= 4)
            forget(worker, lease);
    }
    COUNT(ack_frames, 1);
    COUNT(committed, counts[1]);
    if (counts[2])
        COUNT(duplicate, counts[2]);
    if (counts[3])
        COUNT(stale, counts[3]);
    if (counts[0])
        COUNT(other, counts[0]);
}

static void set_beat(struct worker *worker, uint64_t beat_ms)
{
    worker->beat_ms = beat_ms > 0 && beat_ms < 3600000 ? (uint32_t)beat_ms : 2000;
    atomic_store_explicit(&fleet.shared->beat_ms, worker->beat_ms, memory_order_relaxed);
}

static void on_welcome(struct worker *worker, struct wire welcome)
{
    uint64_t beat_ms = 0;

    while (wire_next(&welcome))
        if (welcome.field == 4)
            beat_ms = welcome.value;
    set_beat(worker, beat_ms);
    worker->welcomed = 1;
    worker->failures = 0;
    COUNT(welcomed, 1);
    COUNT(welcomes, 1);
    atomic_store_explicit(&fleet.shared->last_welcome_ns, qr_clock_ns(), memory_order_relaxed);
}

static void on_sync(struct worker *worker, struct wire sync)
{
    struct wire drop;
    uint64_t lease;

    COUNT(syncs, 1);
    while (wire_next(&sync)) {
        if (sync.field == 4)
            set_beat(worker, sync.value);
        if (sync.field != 2 || !sync.data)
            continue;
        for (drop = wire_of(sync.data, sync.len); wire_varint(&drop, &lease);)
            if (fleet.hold && forget(worker, lease))
                worker->credits++;
    }
}

static void on_end(const struct worker *worker, struct wire end)
{
    uint64_t reason = 0;
    const uint8_t *text = NULL;
    size_t len = 0;

    while (wire_next(&end)) {
        if (end.field == 1)
            reason = end.value;
        else if (end.field == 3) {
            text = end.data;
            len = end.len;
        }
    }
    static int told;

    if (reason != 6 && told++ < 5) /* GOODBYE */
        fprintf(stderr, "noop_fleet: worker %u was ended: %.*s\n", worker->index, (int)len,
                text ? (const char *)text : "");
}

static void on_message(void *ctx, const uint8_t *data, size_t len)
{
    struct worker *worker = ctx;
    struct wire in = wire_of(data, len);

    while (wire_next(&in)) {
        struct wire part = wire_of(in.data ? in.data : data, in.len);
        switch (in.field) {
        case COORD_SEQ:
            worker->seen = in.value;
            break;
        case COORD_WELCOME:
            on_welcome(worker, part);
            break;
        case COORD_OFFER:
            on_offer(worker, part);
            break;
        case COORD_SYNC:
            on_sync(worker, part);
            break;
        case COORD_ACK:
            on_ack(worker, part);
            break;
        case COORD_END:
            on_end(worker, part);
            break;
        default:
            break;
        }
    }
}

/* ------------------------------------------------------------------ life */

int worker_open(struct worker *worker)
{
    uint32_t source = fleet.sources ? 0x7f000001 + worker->index % fleet.sources : 0;
    int rc = h2_open(&worker->h2, &fleet.to, source, "/quarry.v1.Fleet/Work");

    worker->seen = 0;
    if (rc < 0)
        return rc;
    if (worker->credits == 0)
        worker->credits = fleet.credits;
    COUNT(connects, 1);
    COUNT(connected, 1);
    send_hello(worker);
    return 0;
}

int worker_read(struct worker *worker) { return h2_read(&worker->h2, on_message, worker); }

void worker_closed(struct worker *worker)
{
    h2_close(&worker->h2);
    COUNT(breaks, 1);
    COUNT(connected, (uint64_t)-1);
    if (worker->welcomed)
        COUNT(welcomed, (uint64_t)-1);
    worker->welcomed = 0;
    worker->failures++;
}

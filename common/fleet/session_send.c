#include "common/fleet/session_intern.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FRAME_INIT QUARRY__V1__WORKER_FRAME__INIT

bool qr_session_send_buf(struct qr_session *s, bool bulk)
{
    if (!s->is_open)
        return false;
    if (s->frame.failed || s->frame.len > FRAME_BYTES_MAX) {
        qr_session_leave(s, "a frame of ours is too large", false);
        return false;
    }
    if (s->port.send(s->port.ctx, s->stream, bulk, s->frame.data, s->frame.len) == QR_OK)
        return true;
    if (bulk)
        s->blocked = true;
    else
        qr_session_leave(s, "the coordinator does not read", false);
    return false;
}

static bool send_frame(struct qr_session *s, const Quarry__V1__WorkerFrame *frame)
{
    size_t size = quarry__v1__worker_frame__get_packed_size(frame);
    qr_buf_clear(&s->frame);
    uint8_t *at = qr_buf_reserve(&s->frame, size);
    if (at)
        s->frame.len = quarry__v1__worker_frame__pack(frame, at);
    return qr_session_send_buf(s, false);
}

/* ---- counts */

struct counts {
    Quarry__V1__TypeCount items[QR_SESSION_TYPES_MAX];
    Quarry__V1__TypeCount *list[QR_SESSION_TYPES_MAX];
    size_t n;
};

static void add_count(struct counts *counts, struct type_count *type, uint64_t count)
{
    Quarry__V1__TypeCount *item = &counts->items[counts->n];
    *item = (Quarry__V1__TypeCount)QUARRY__V1__TYPE_COUNT__INIT;
    item->type = type->name;
    item->count = count;
    counts->list[counts->n++] = item;
}

static void count_received(struct qr_session *s, struct counts *counts)
{
    counts->n = 0;
    for (size_t i = 0; i < s->n_types; i++)
        if (s->types[i].received > 0)
            add_count(counts, &s->types[i], s->types[i].received);
}

/* Cumulative: how many offers may have been received in all (rule 13). A type with slots of its own
 * gets as many ahead as it has, like the whole. */
static void fill_credits(struct qr_session *s, Quarry__V1__Credits *credits, struct counts *counts)
{
    uint32_t prefetch = s->config.prefetch;

    counts->n = 0;
    for (size_t i = 0; i < s->n_types; i++) {
        uint32_t own = s->types[i].max_slots;
        if (own > 0)
            add_count(counts, &s->types[i],
                      s->types[i].freed + own + (own < prefetch ? own : prefetch));
    }
    credits->n_per_type = counts->n;
    credits->per_type = counts->list;
    credits->total = s->freed_total + s->config.slots + prefetch;
}

void qr_session_send_credits(struct qr_session *s)
{
    Quarry__V1__WorkerFrame frame = FRAME_INIT;
    Quarry__V1__Credits credits = QUARRY__V1__CREDITS__INIT;
    struct counts counts;
    const char *reason;

    if (s->credit_sent == s->freed_total || !qr_session_may_take(s, &reason))
        return;
    fill_credits(s, &credits, &counts);
    frame.body_case = QUARRY__V1__WORKER_FRAME__BODY_CREDITS;
    frame.credits = &credits;
    if (send_frame(s, &frame))
        s->credit_sent = s->freed_total;
}

/* ---- Hello */

struct refs {
    Quarry__V1__LeaseRef *items;
    Quarry__V1__LeaseRef **list;
    size_t n;
};

/* More than this many leases of any kind would not fit the frame; the rest goes unnamed, which
 * costs doing their work again. Only a spool of many earlier lives can come that far. */
enum { NAMED_MAX = 2200 };

static bool refs_init(struct refs *refs, size_t max)
{
    refs->n = 0;
    refs->items = calloc(max + 1, sizeof *refs->items);
    refs->list = calloc(max + 1, sizeof(Quarry__V1__LeaseRef *));
    return refs->items && refs->list;
}

static void refs_done(struct refs *refs)
{
    free(refs->items);
    free(refs->list);
}

static void refs_add(struct refs *refs, const struct held *held)
{
    Quarry__V1__LeaseRef *item = &refs->items[refs->n];
    *item = (Quarry__V1__LeaseRef)QUARRY__V1__LEASE_REF__INIT;
    item->lease_id = held->lease_id;
    item->job_id = held->job_id;
    refs->list[refs->n++] = item;
}

struct starts {
    Quarry__V1__StartRecord items[256];
    Quarry__V1__StartRecord *list[256];
    size_t n;
};

static void add_start(void *ctx, uint64_t lease_id, uint64_t job_id, size_t bytes)
{
    struct starts *starts = ctx;
    (void)bytes;

    if (starts->n == QR_COUNT(starts->items))
        return;
    Quarry__V1__StartRecord *item = &starts->items[starts->n];
    *item = (Quarry__V1__StartRecord)QUARRY__V1__START_RECORD__INIT;
    item->lease_id = lease_id;
    item->job_id = job_id;
    starts->list[starts->n++] = item;
}

struct labels {
    Quarry__V1__Hello__LabelsEntry items[64];
    Quarry__V1__Hello__LabelsEntry *list[64];
    char text[64][256];
};

static void fill_labels(const struct qr_session *s, struct labels *labels, Quarry__V1__Hello *hello)
{
    hello->labels = labels->list;
    for (size_t i = 0; i < s->config.n_labels && i < QR_COUNT(labels->items); i++) {
        Quarry__V1__Hello__LabelsEntry *item = &labels->items[i];
        *item = (Quarry__V1__Hello__LabelsEntry)QUARRY__V1__HELLO__LABELS_ENTRY__INIT;
        snprintf(labels->text[i], sizeof labels->text[i], "%s", s->config.labels[i]);
        item->key = labels->text[i];
        char *equals = strchr(item->key, '=');
        if (equals)
            *equals = '\0';
        item->value = equals ? equals + 1 : item->key + strlen(item->key);
        labels->list[hello->n_labels++] = item;
    }
}

static void fill_identity(struct qr_session *s, Quarry__V1__Hello *hello)
{
    hello->worker_id = (char *)s->config.worker_id;
    hello->session.data = s->config.session;
    hello->session.len = sizeof s->config.session;
    hello->start_counter = qr_spool_start_counter(s->spool);
    hello->cluster_epoch.data = (uint8_t *)qr_spool_epoch(s->spool, &hello->cluster_epoch.len);
    hello->host = (char *)s->config.host;
    hello->os = (char *)s->config.os;
    hello->arch = (char *)s->config.arch;
    hello->version = (char *)s->config.version;
    hello->n_roots = s->config.n_roots;
    hello->roots = (char **)s->config.roots;
    hello->slots = s->config.slots;
    hello->received_total = s->received_total;
    hello->stream_number = ++s->stream_number;
}

void qr_session_send_hello(struct qr_session *s)
{
    Quarry__V1__WorkerFrame frame = FRAME_INIT;
    Quarry__V1__Hello hello = QUARRY__V1__HELLO__INIT;
    Quarry__V1__Credits credits = QUARRY__V1__CREDITS__INIT;
    Quarry__V1__TypeLimit types[QR_SESSION_TYPES_MAX];
    Quarry__V1__TypeLimit *type_list[QR_SESSION_TYPES_MAX];
    struct counts per_type;
    struct counts received;
    struct starts starts = {.n = 0};
    struct labels *labels = calloc(1, sizeof *labels);
    struct refs running;
    struct refs spooled;
    const char *reason;

    bool ok = refs_init(&running, NAMED_MAX);
    ok = refs_init(&spooled, NAMED_MAX) && ok && labels;
    for (const struct held *held = s->held; ok && held && running.n + spooled.n < NAMED_MAX;
         held = held->hh.next)
        refs_add(held->state == HELD_FINISHED ? &spooled : &running, held);
    if (ok) {
        fill_identity(s, &hello);
        fill_labels(s, labels, &hello);
        for (size_t i = 0; i < s->n_types; i++) {
            types[i] = (Quarry__V1__TypeLimit)QUARRY__V1__TYPE_LIMIT__INIT;
            types[i].type = s->types[i].name;
            types[i].max_slots = s->types[i].max_slots;
            type_list[i] = &types[i];
        }
        hello.n_types = s->n_types;
        hello.types = type_list;
        count_received(s, &received);
        hello.n_received = received.n;
        hello.received = received.list;
        hello.n_running = running.n;
        hello.running = running.list;
        hello.n_spooled = spooled.n;
        hello.spooled = spooled.list;
        qr_spool_each_earlier_start(s->spool, add_start, &starts);
        hello.n_earlier_starts = starts.n;
        hello.earlier_starts = starts.list;
        fill_credits(s, &credits, &per_type);
        s->credit_sent = s->freed_total;
        if (!qr_session_may_take(s, &reason)) { /* nothing now; Credits follow when it may again */
            credits.total = s->received_total;
            s->credit_sent = UINT64_MAX;
        }
        hello.credits = &credits;
        frame.body_case = QUARRY__V1__WORKER_FRAME__BODY_HELLO;
        frame.hello = &hello;
        send_frame(s, &frame);
    } else {
        qr_session_leave(s, "out of memory", false);
    }
    refs_done(&running);
    refs_done(&spooled);
    free(labels);
}

/* ---- Beat and the short frames */

void qr_session_send_beat(struct qr_session *s)
{
    Quarry__V1__WorkerFrame frame = FRAME_INIT;
    Quarry__V1__Beat beat = QUARRY__V1__BEAT__INIT;
    struct qr_session_vitals vitals = {0};
    struct counts received;
    size_t n = HASH_COUNT(s->held);
    Quarry__V1__LeaseState *items = calloc(n + 1, sizeof *items);
    Quarry__V1__LeaseState **list = calloc(n + 1, sizeof(Quarry__V1__LeaseState *));
    size_t at = 0;

    s->beat_due_ms = s->now_ms + s->beat_ms;
    s->port.vitals(s->port.ctx, &vitals);
    for (const struct held *held = s->held; items && list && held && at < NAMED_MAX;
         held = held->hh.next) {
        Quarry__V1__LeaseState *item = &items[at];
        if (held->state == HELD_OFFERED)
            continue; /* not answered: nothing is known about it yet */
        *item = (Quarry__V1__LeaseState)QUARRY__V1__LEASE_STATE__INIT;
        item->lease_id = held->lease_id;
        item->phase = held->phase;
        item->progress_permille = held->permille;
        item->done = held->done;
        item->total = held->total;
        if (held->started_ms != 0 && held->state == HELD_ACCEPTED)
            item->started_ms_ago = (uint64_t)(s->now_ms - held->started_ms) + 1;
        list[at++] = item;
    }
    if (items && list) {
        count_received(s, &received);
        beat.seen = s->seen;
        beat.n_received = received.n;
        beat.received = received.list;
        beat.received_total = s->received_total;
        beat.n_leases = at;
        beat.leases = list;
        beat.load = vitals.load;
        beat.disk_free_bytes = (uint64_t)qr_spool_disk_free(s->spool);
        beat.children = vitals.children;
        beat.rss_bytes = vitals.rss_bytes;
        frame.body_case = QUARRY__V1__WORKER_FRAME__BODY_BEAT;
        frame.beat = &beat;
        s->stats.beats += send_frame(s, &frame);
    }
    free(items);
    free(list);
}

void qr_session_send_accepts(struct qr_session *s)
{
    enum { BATCH = 2048 };

    for (size_t at = 0; s->is_open && at < s->accepts.n; at += BATCH) {
        Quarry__V1__WorkerFrame frame = FRAME_INIT;
        Quarry__V1__Accept accept = QUARRY__V1__ACCEPT__INIT;
        size_t left = s->accepts.n - at;
        accept.lease_id = s->accepts.ids + at;
        accept.n_lease_id = left < BATCH ? left : BATCH;
        frame.body_case = QUARRY__V1__WORKER_FRAME__BODY_ACCEPT;
        frame.accept = &accept;
        send_frame(s, &frame);
    }
    s->accepts.n = 0;
}

void qr_session_send_decline(struct qr_session *s, uint64_t lease_id, const char *reason)
{
    Quarry__V1__WorkerFrame frame = FRAME_INIT;
    Quarry__V1__Decline decline = QUARRY__V1__DECLINE__INIT;

    decline.lease_id = &lease_id;
    decline.n_lease_id = 1;
    decline.reason = (char *)reason;
    frame.body_case = QUARRY__V1__WORKER_FRAME__BODY_DECLINE;
    frame.decline = &decline;
    if (s->state == QR_SESSION_WELCOMED)
        send_frame(s, &frame);
}

void qr_session_send_release(struct qr_session *s, uint64_t lease_id, const char *reason)
{
    qr_session_send_postpone(s, lease_id, reason, 0, NULL, 0);
}

void qr_session_send_postpone(struct qr_session *s, uint64_t lease_id, const char *reason,
                              uint64_t delay_ms, const void *note, size_t len)
{
    Quarry__V1__WorkerFrame frame = FRAME_INIT;
    Quarry__V1__Release release = QUARRY__V1__RELEASE__INIT;

    if (s->state != QR_SESSION_WELCOMED)
        return;                 /* the next Hello does not name it: it returns to pending */
    qr_session_send_accepts(s); /* what was accepted before stays before */
    release.lease_id = lease_id;
    release.reason = (char *)reason;
    release.delay_ms = delay_ms;
    release.checkpoint.data = (uint8_t *)(uintptr_t)note;
    release.checkpoint.len = note ? len : 0;
    frame.body_case = QUARRY__V1__WORKER_FRAME__BODY_RELEASE;
    frame.release = &release;
    send_frame(s, &frame);
}

void qr_session_send_parts_request(struct qr_session *s, uint64_t lease_id, uint64_t offset)
{
    Quarry__V1__WorkerFrame frame = FRAME_INIT;
    Quarry__V1__PartsRequest request = QUARRY__V1__PARTS_REQUEST__INIT;

    request.lease_id = lease_id;
    request.offset = offset;
    frame.body_case = QUARRY__V1__WORKER_FRAME__BODY_PARTS_REQUEST;
    frame.parts_request = &request;
    send_frame(s, &frame);
}

void qr_session_send_goodbye(struct qr_session *s)
{
    Quarry__V1__WorkerFrame frame = FRAME_INIT;
    Quarry__V1__Goodbye goodbye = QUARRY__V1__GOODBYE__INIT;

    goodbye.reason = s->goodbye_reason;
    frame.body_case = QUARRY__V1__WORKER_FRAME__BODY_GOODBYE;
    frame.goodbye = &goodbye;
    send_frame(s, &frame);
}

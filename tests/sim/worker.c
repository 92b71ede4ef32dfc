/* The worker's side of the protocol, small but faithful: slots, credits, a spool that outlives the
 * process, results sent again until an Ack, reconnects, start counters. One struct worker is one
 * spool folder; its processes come and go. */
#include <stdio.h>
#include <stdlib.h>

#include "tests/sim/work.h"

enum { BEAT_MS = TTL_MS / 4 };

static void connect_soon(struct sim *sim, struct worker *worker, int64_t low, int64_t high);

/* ------------------------------------------------------------------ frames */

static void take_offer(struct sim *sim, struct worker *worker, const struct frame *frame)
{
    uint64_t accepted[HELD_MAX] = {0}, declined[HELD_MAX] = {0};
    size_t n_accepted = 0, n_declined = 0;

    for (size_t i = 0; i < frame->n; i++) {
        const struct item *item = &frame->items[i];
        struct held held = {
            .lease = item->lease,
            .job = item->job,
            .type = item->type,
            .alone = item->alone,
            .keep = {.checkpoint = item->checkpoint, .part_bytes = item->part_bytes}};
        sim->db.leases[item->lease].received = true;
        worker->received_total++;
        worker->received[item->type]++;
        worker->used++;
        if (worker->used > worker->window)
            sim_violation(sim, "credit_respected", "worker %s has %u offers for %u places",
                          worker->id, worker->used, worker->window);
        if (worker->draining || worker->n_held >= HELD_MAX ||
            (!sim->peace && rng_chance(&sim->rng, sim->profile.declines))) {
            work_free_place(worker, &held);
            declined[n_declined++] = item->lease;
        } else if (work_find(worker, item->lease)) {
            sim_violation(sim, "lease_offered_once", "lease %llu is offered again",
                          (unsigned long long)item->lease);
        } else {
            worker->held[worker->n_held++] = held;
            accepted[n_accepted++] = item->lease;
        }
    }
    work_send_leases(sim, worker, UP_ACCEPT, accepted, n_accepted);
    work_send_leases(sim, worker, UP_DECLINE, declined, n_declined);
    if (n_declined)
        work_send_credits(sim, worker);
    work_start_jobs(sim, worker);
}

/* Stop running work; only an Ack removes a spool entry, so ask again at once. */
static void drop(struct sim *sim, struct worker *worker, uint64_t lease)
{
    struct held *held = work_find(worker, lease);

    if (!held)
        return;
    if (held->spooled && !BROKEN(drop_spool)) {
        if (!BROKEN(no_resend))
            work_send_result_soon(sim, worker, held, 0);
        return;
    }
    if (!held->spooled)
        work_free_place(worker, held);
    work_forget(worker, held);
}

/* The answer to a beat says by silence that the coordinator knows the rest as this worker's. */
static void confirm(struct sim *sim, struct worker *worker)
{
    size_t kept = 0;

    worker->syncs_seen++;
    for (size_t i = 0; i < worker->n_named; i++) {
        uint64_t lease = worker->named[i].lease;
        if (worker->named[i].beat > worker->syncs_seen)
            worker->named[kept++] = worker->named[i];
        else if (work_find(worker, lease))
            sim->db.leases[lease].confirmed = true;
    }
    worker->n_named = kept;
}

static void take_sync(struct sim *sim, struct worker *worker, const struct frame *frame)
{
    for (size_t i = 0; i < frame->n; i++) {
        check_drop(sim, worker, frame->items[i].lease);
        drop(sim, worker, frame->items[i].lease);
    }
    confirm(sim, worker);
    work_send_credits(sim, worker);
    work_start_jobs(sim, worker);
    work_say_goodbye(sim, worker);
}

static void take_ack(struct sim *sim, struct worker *worker, const struct frame *frame)
{
    for (size_t i = 0; i < frame->n; i++) {
        struct held *held = work_find(worker, frame->items[i].lease);
        int code = frame->items[i].code;
        if (!held || !held->spooled || code == QR_ACK_RETRY_LATER)
            continue;
        check_ack(sim, worker, held->lease, code);
        work_forget(worker, held);
    }
    work_say_goodbye(sim, worker);
}

static bool is_in(const struct frame *frame, uint64_t lease)
{
    for (size_t i = 0; i < frame->n; i++)
        if (frame->items[i].lease == lease)
            return true;
    return false;
}

static void take_welcome(struct sim *sim, struct worker *worker, const struct frame *frame)
{
    worker->welcomed = worker->ever_welcomed = true;
    worker->n_earlier = 0;
    for (size_t i = worker->n_held; i-- > 0;) {
        struct held *held = &worker->held[i];
        if (is_in(frame, held->lease)) {
            sim->db.leases[held->lease].confirmed = true;
        } else if (!held->spooled) {
            check_drop(sim, worker, held->lease);
            work_free_place(worker, held);
            work_forget(worker, held);
            continue;
        }
        if (held->spooled)
            work_send_result_soon(sim, worker, held, rng_range(&sim->rng, 0, 200));
    }
    keep_send_all(sim, worker);
    work_send_credits(sim, worker);
    work_start_jobs(sim, worker);
    work_say_goodbye(sim, worker);
}

/* Asked to stop: hands back soon, unless it has a result, or hangs. Over: stops without a word. */
static void take_stop(struct sim *sim, struct worker *worker, const struct item *item)
{
    struct held *held = work_find(worker, item->lease);

    if (item->stop == QR_STOP_STALE) {
        drop(sim, worker, item->lease);
        work_send_credits(sim, worker);
    } else if (held && !held->spooled && !worker->deaf) {
        work_release(sim, worker, held);
    }
    work_start_jobs(sim, worker);
}

static void take_drain(struct sim *sim, struct worker *worker)
{
    worker->draining = true;
    for (size_t i = worker->n_held; i-- > 0;)
        if (!worker->held[i].spooled && !worker->held[i].started)
            work_release(sim, worker, &worker->held[i]);
    work_say_goodbye(sim, worker);
}

/* Only the spool outlives the process. */
static void stop_process(struct sim *sim, struct worker *worker, bool for_good)
{
    size_t kept = 0;

    if (worker->stream)
        net_leave(sim, worker->stream);
    worker->stream = NULL;
    worker->alive = worker->welcomed = false;
    worker->stopped = for_good;
    for (size_t i = 0; i < worker->n_held; i++)
        if (worker->held[i].spooled) {
            worker->held[kept] = worker->held[i];
            worker->held[kept++].found *= !BROKEN(found_not_spooled);
        }
    worker->n_held = kept;
}

static void restart_later(struct sim *sim, void *object, void *arg, uint64_t life)
{
    struct worker *worker = object;

    (void)arg;
    if (!worker->alive && !worker->stopped && worker->life == life)
        worker_start(sim, worker);
}

static void take_end(struct sim *sim, struct worker *worker, const struct frame *frame)
{
    bool over = frame->a == QR_END_REPLACED || frame->a == QR_END_LOWER_COUNTER;

    net_leave(sim, worker->stream);
    worker->stream = NULL;
    worker->welcomed = false;
    if (frame->a == QR_END_GOODBYE || (over && worker->draining)) { /* it was leaving anyway */
        stop_process(sim, worker, false);
        sim_at(sim, sim->now + rng_range(&sim->rng, 500, 5000), restart_later, worker, NULL,
               worker->life, NULL);
        return;
    }
    if (over && worker->ever_welcomed) {
        sim_trace(sim, "worker %d: stops, a newer process of %s took over", worker->index,
                  worker->id);
        stop_process(sim, worker, true);
        return;
    }
    if (over) { /* never welcomed: above the newest, and as a session nobody has ended */
        worker->counter = frame->b + 1;
        worker->session[QR_SESSION_BYTES - 1]++;
    } else {
        worker->target = (worker->target + 1) % (int)sim->profile.coords;
    }
    connect_soon(sim, worker, 100, 1500);
}

static void take_frame(struct sim *sim, struct worker *worker, const struct frame *frame)
{
    if (frame->seq <= worker->seen)
        return; /* a second copy */
    worker->seen = frame->seq;
    worker->answer_at = sim->now;
    switch (frame->kind) {
    case DOWN_WELCOME:
        take_welcome(sim, worker, frame);
        break;
    case DOWN_OFFER:
        take_offer(sim, worker, frame);
        break;
    case DOWN_SYNC:
        take_sync(sim, worker, frame);
        break;
    case DOWN_ACK:
        take_ack(sim, worker, frame);
        break;
    case DOWN_CHECKPOINT_ACK:
        keep_ack(sim, worker, frame);
        break;
    case DOWN_STOP:
        take_stop(sim, worker, &frame->items[0]);
        break;
    case DOWN_DRAIN:
        take_drain(sim, worker);
        break;
    case DOWN_RESTARTING:
        net_leave(sim, worker->stream);
        worker->stream = NULL;
        worker->welcomed = false;
        worker->target = (worker->target + 1) % (int)sim->profile.coords;
        connect_soon(sim, worker, 0, 100);
        break;
    case DOWN_END:
        take_end(sim, worker, frame);
        break;
    default:
        break;
    }
}

static void wake(struct sim *sim, void *object, void *arg, uint64_t life)
{
    struct worker *worker = object;
    struct frame **backlog = worker->backlog;
    size_t n = worker->n_backlog;

    (void)arg;
    if (!worker->alive || worker->life != life || !backlog)
        return;
    if (work_is_stalled(sim, worker)) { /* again, or longer */
        sim_at(sim, worker->stalled_until, wake, worker, NULL, life, NULL);
        return;
    }
    worker->backlog = NULL;
    worker->n_backlog = worker->cap_backlog = 0;
    for (size_t i = 0; i < n; i++) {
        if (worker->stream)
            take_frame(sim, worker, backlog[i]);
        free(backlog[i]);
    }
    free(backlog);
    work_send_results(sim, worker, NULL, life);
}

void worker_frame(struct sim *sim, struct worker *worker, struct stream *stream,
                  struct frame *frame)
{
    if (!worker->alive || worker->stream != stream) {
        free(frame);
        return;
    }
    if (!work_is_stalled(sim, worker) && !worker->backlog) {
        take_frame(sim, worker, frame);
        free(frame);
        return;
    }
    if (worker->n_backlog == worker->cap_backlog) {
        worker->cap_backlog = worker->cap_backlog ? worker->cap_backlog * 2 : 16;
        worker->backlog = realloc(worker->backlog, worker->cap_backlog * sizeof *worker->backlog);
    }
    worker->backlog[worker->n_backlog++] = frame;
    sim_at(sim, worker->stalled_until > sim->now ? worker->stalled_until : sim->now, wake, worker,
           NULL, worker->life, NULL);
}

/* ------------------------------------------------------------------ streams and processes */

static void clear_backlog(struct worker *worker)
{
    for (size_t i = 0; i < worker->n_backlog; i++)
        free(worker->backlog[i]);
    free(worker->backlog);
    worker->backlog = NULL;
    worker->n_backlog = worker->cap_backlog = 0;
}

static void connect_now(struct sim *sim, void *object, void *arg, uint64_t life)
{
    struct worker *worker = object;
    struct frame *hello;

    (void)arg;
    if (!worker->alive || worker->life != life || worker->stream)
        return;
    clear_backlog(worker);
    worker->stream = net_connect(sim, worker, &sim->coords[worker->target]);
    if (!worker->stream) {
        worker->target = (worker->target + 1) % (int)sim->profile.coords;
        connect_soon(sim, worker, 200, 2000);
        return;
    }
    worker->welcomed = false;
    worker->seen = worker->beats_sent = worker->syncs_seen = 0;
    worker->n_named = 0;
    worker->answer_at = sim->now;
    hello = work_frame(sim, worker, UP_HELLO);
    hello->a = worker->counter;
    hello->b = ++worker->hellos_sent;
    work_send(sim, worker, hello);
}

static void connect_soon(struct sim *sim, struct worker *worker, int64_t low, int64_t high)
{
    sim_at(sim, sim->now + rng_range(&sim->rng, low, high), connect_now, worker, NULL, worker->life,
           NULL);
}

void worker_lost(struct sim *sim, struct worker *worker, struct stream *stream)
{
    if (!worker->alive || worker->stream != stream)
        return;
    stream->left = true;
    worker->stream = NULL;
    worker->welcomed = false;
    if (rng_chance(&sim->rng, 500))
        worker->target = (worker->target + 1) % (int)sim->profile.coords;
    connect_soon(sim, worker, 10, 1500);
}

static void beat(struct sim *sim, void *object, void *arg, uint64_t life)
{
    struct worker *worker = object;
    struct frame *frame;

    (void)arg;
    if (!worker->alive || worker->life != life)
        return;
    sim_at(sim, sim->now + BEAT_MS, beat, worker, NULL, life, NULL);
    if (work_is_stalled(sim, worker) || !worker->stream)
        return;
    if (sim->now - worker->answer_at > (worker->welcomed ? TTL_MS : TTL_MS / 2)) {
        /* nobody answers: somewhere else */
        net_leave(sim, worker->stream);
        worker->stream = NULL;
        worker->welcomed = false;
        worker->target = (worker->target + 1) % (int)sim->profile.coords;
        connect_soon(sim, worker, 0, 500);
        return;
    }
    if (!worker->welcomed)
        return;
    frame = work_frame(sim, worker, UP_BEAT);
    frame->a = worker->seen;
    worker->beats_sent++;
    for (size_t i = 0; i < frame->n && worker->n_named < QR_COUNT(worker->named); i++) {
        worker->named[worker->n_named].beat = worker->beats_sent;
        worker->named[worker->n_named++].lease = frame->items[i].lease;
    }
    work_send(sim, worker, frame);
    work_send_credits(sim, worker);
    work_say_goodbye(sim, worker);
}

void worker_start(struct sim *sim, struct worker *worker)
{
    worker->life++;
    worker->counter++;
    worker->birth = ++sim->births;
    worker->exists = worker->alive = true;
    worker->welcomed = worker->ever_welcomed = worker->draining = false;
    worker->stream = NULL;
    worker->stalled_until = 0;
    worker->used = worker->running = 0;
    worker->alone_running = false;
    worker->hellos_sent = 0;
    worker->deaf = rng_chance(&sim->rng, 300);
    worker->received_total = 0;
    memset(worker->received, 0, sizeof worker->received);
    worker->credit_total = worker->window;
    for (size_t i = 1; i <= TYPES; i++)
        worker->credit[i] = worker->window;
    memset(worker->session, 0, sizeof worker->session);
    memcpy(worker->session, &worker->birth, sizeof worker->birth);
    memcpy(worker->session + 8, &worker->index, sizeof worker->index);
    sim_trace(sim, "worker %d: process %llu of %s starts, counter %llu, %zu results in the spool",
              worker->index, (unsigned long long)worker->birth, worker->id,
              (unsigned long long)worker->counter, worker->n_held);
    connect_soon(sim, worker, 0, 300);
    sim_at(sim, sim->now + rng_range(&sim->rng, 1, BEAT_MS), beat, worker, NULL, worker->life,
           NULL);
}

void worker_crash(struct sim *sim, struct worker *worker, int64_t back_ms)
{
    sim_trace(sim, "fault: worker %d crashes", worker->index);
    sim->faults.worker_crashes++;
    suspect_died(sim, worker);
    stop_process(sim, worker, false);
    clear_backlog(worker);
    sim_at(sim, sim->now + rng_range(&sim->rng, 100, back_ms), restart_later, worker, NULL,
           worker->life, NULL);
}

void worker_done(struct worker *worker) { clear_backlog(worker); }

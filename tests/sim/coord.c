/* One coordinator: what arrives waits in an inbox; a turn takes all of it, then the timers, exactly
 * as the service does. Around it: stalls, crashes, and the watch over peers whose sessions it
 * adopts. */
#include <stdio.h>
#include <stdlib.h>

#include "tests/sim/sim.h"

enum input_kind { IN_OPEN, IN_FRAME, IN_CLOSED, IN_REPLY, IN_WORK, IN_STOPS };

struct input {
    enum input_kind kind;
    uint64_t stream;
    struct frame *frame;
    struct req *req;
    struct stops *stops;
    struct input *next;
};

static void turn(struct sim *sim, void *object, void *arg, uint64_t n);

static void plan_turn(struct sim *sim, struct coord *coord, int64_t at)
{
    if (at < coord->stalled_until)
        at = coord->stalled_until;
    if (at < sim->now)
        at = sim->now;
    if (coord->turn_at >= 0 && coord->turn_at <= at)
        return;
    coord->turn_at = at;
    sim_at(sim, at, turn, coord, NULL, ++coord->turn, NULL);
}

static void add_input(struct sim *sim, struct coord *coord, struct input in)
{
    struct input *made = malloc(sizeof *made);

    *made = in;
    made->next = NULL;
    if (coord->last)
        coord->last->next = made;
    else
        coord->first = made;
    coord->last = made;
    plan_turn(sim, coord, sim->now + rng_range(&sim->rng, 0, 2));
}

static void input_free(struct input *in)
{
    free(in->frame);
    free(in->stops);
    if (in->req)
        db_req_free(in->req);
    free(in);
}

static struct input *next_input(struct coord *coord)
{
    struct input *in = coord->first;

    if (in) {
        coord->first = in->next;
        if (!coord->first)
            coord->last = NULL;
    }
    return in;
}

static void take(struct sim *sim, struct coord *coord, struct input *in)
{
    struct stream *stream = net_find(sim, in->stream);

    switch (in->kind) {
    case IN_OPEN:
        qr_engine_stream_open(coord->engine, in->stream);
        break;
    case IN_FRAME:
        input_frame(sim, coord, stream, in->frame);
        break;
    case IN_CLOSED:
        qr_engine_stream_closed(coord->engine, in->stream);
        break;
    case IN_REPLY:
        input_reply(sim, coord, in->req);
        break;
    case IN_WORK:
        qr_engine_work_available(coord->engine, 0);
        break;
    case IN_STOPS:
        input_stops(coord, in->stops);
        break;
    }
}

/* ------------------------------------------------------------------ peers (rule 6) */

/* A peer is dead after a ttl in which this one, running and able to commit, saw no renewal. */
static void watch_peers(struct sim *sim, struct coord *coord)
{
    if (!db_is_up(sim, coord->index)) {
        coord->trouble_at = sim->now;
        return;
    }
    for (uint64_t instance = 1; instance <= sim->last_instance; instance++) {
        int64_t since;
        if (instance == coord->instance)
            continue;
        if (coord->watch_count[instance] != sim->db.renewals[instance] ||
            !coord->watch_since[instance]) {
            coord->watch_count[instance] = sim->db.renewals[instance];
            coord->watch_since[instance] = sim->now;
        }
        since = coord->watch_since[instance];
        if (since < coord->trouble_at)
            since = coord->trouble_at;
        if (BROKEN(row_age))
            since = sim->db.renewed_at[instance];
        if (sim->now - since > TTL_MS)
            db_adopt(sim, coord, instance, BROKEN(reap_at_once));
    }
}

static void maintain(struct sim *sim, void *object, void *arg, uint64_t instance)
{
    struct coord *coord = object;

    (void)arg;
    if (!coord->alive || coord->instance != instance)
        return;
    if (sim->now >= coord->stalled_until) {
        watch_peers(sim, coord);
        if (db_is_up(sim, coord->index)) {
            stop_sweep(sim);
            coord_poll_stops(sim, coord);
        }
    }
    sim_at(sim, sim->now + 1000, maintain, coord, NULL, instance, NULL);
}

/* ------------------------------------------------------------------ turns */

static void turn(struct sim *sim, void *object, void *arg, uint64_t n)
{
    struct coord *coord = object;
    struct input *in;

    (void)arg;
    if (!coord->alive || n != coord->turn)
        return;
    coord->turn_at = -1;
    if (sim->now < coord->stalled_until) {
        plan_turn(sim, coord, coord->stalled_until);
        return;
    }
    qr_engine_set_now(coord->engine, sim->now);
    if (BROKEN(timers_first))
        qr_engine_timers(coord->engine);
    while ((in = next_input(coord))) {
        take(sim, coord, in);
        input_free(in);
    }
    qr_engine_timers(coord->engine);
    plan_turn(sim, coord, qr_engine_next_deadline(coord->engine));
}

static bool here(const struct coord *coord, uint64_t instance)
{
    return coord->alive && coord->instance == instance;
}

void coord_frame(struct sim *sim, struct coord *coord, struct stream *stream, struct frame *frame)
{
    for (size_t i = 0; frame->kind == UP_ACCEPT && i < frame->n; i++)
        if (!sim->db.leases[frame->items[i].lease].accept_order)
            sim->db.leases[frame->items[i].lease].accept_order = sim->db.order;
    add_input(sim, coord, (struct input){.kind = IN_FRAME, .stream = stream->id, .frame = frame});
}

void coord_open(struct sim *sim, struct coord *coord, struct stream *stream)
{
    add_input(sim, coord, (struct input){.kind = IN_OPEN, .stream = stream->id});
}

void coord_closed(struct sim *sim, struct coord *coord, struct stream *stream)
{
    add_input(sim, coord, (struct input){.kind = IN_CLOSED, .stream = stream->id});
}

void coord_reply(struct sim *sim, struct coord *coord, struct req *req)
{
    if (here(coord, req->instance)) {
        add_input(sim, coord, (struct input){.kind = IN_REPLY, .req = req});
    } else {
        db_forget_in_flight(sim, req);
        db_req_free(req);
    }
}

void coord_poll_stops(struct sim *sim, struct coord *coord)
{
    if (coord->alive)
        add_input(sim, coord, (struct input){.kind = IN_STOPS, .stops = stop_list(sim)});
}

void coord_work_available(struct sim *sim, struct coord *coord)
{
    if (coord->alive)
        add_input(sim, coord, (struct input){.kind = IN_WORK});
}

/* ------------------------------------------------------------------ life */

static void budget(void *ctx, qr_type_id type, uint64_t bytes, uint64_t *ret_budget_ms,
                   uint64_t *ret_progress_ms)
{
    (void)ctx;
    (void)bytes;
    *ret_budget_ms = type == 1 ? 12000 : 15000;
    *ret_progress_ms = 8000;
}

void coord_start(struct sim *sim, struct coord *coord)
{
    const struct qr_engine_config config = {
        .ttl_ms = TTL_MS, .sessions_max = 64, .claim_max = 16, .budget = budget};
    struct qr_engine_port engine_port = port_of(sim, coord);

    coord->alive = true;
    coord->instance = ++sim->last_instance;
    coord->engine = qr_engine_new(&config, &engine_port);
    coord->stalled_until = 0;
    coord->turn_at = -1;
    coord->trouble_at = sim->now;
    memset(coord->watch_since, 0, sizeof coord->watch_since);
    sim->db.renewals[coord->instance] = 1;
    sim->db.renewed_at[coord->instance] = sim->now;
    sim_trace(sim, "coord %d: starts as instance %llu", coord->index,
              (unsigned long long)coord->instance);
    plan_turn(sim, coord, sim->now);
    sim_at(sim, sim->now + 500, maintain, coord, NULL, coord->instance, NULL);
}

void coord_add_stats(struct coord *coord, struct qr_engine_stats *sum)
{
    struct qr_engine_stats stats;

    if (!coord->engine)
        return;
    qr_engine_get_stats(coord->engine, &stats);
#define SIM_ADD(name, help) sum->name += stats.name;
    QR_ENGINE_COUNTERS(SIM_ADD)
#undef SIM_ADD
}

void coord_done(struct coord *coord)
{
    struct input *in;

    while ((in = next_input(coord)))
        input_free(in);
    qr_engine_free(coord->engine);
    coord->engine = NULL;
    coord->alive = false;
}

void coord_crash(struct sim *sim, struct coord *coord)
{
    struct input *in;

    sim_trace(sim, "fault: coord %d crashes", coord->index);
    sim->faults.coordinator_crashes++;
    coord_add_stats(coord, &sim->stats);
    for (in = coord->first; in; in = in->next)
        if (in->req)
            db_forget_in_flight(sim, in->req);
    coord_done(coord);
    for (uint64_t i = 0; i < sim->n_streams; i++)
        if (sim->streams[i].coord == coord->index && !sim->streams[i].left)
            net_break(sim, &sim->streams[i]);
}

void coord_stall(struct sim *sim, struct coord *coord, int64_t ms)
{
    sim_trace(sim, "fault: coord %d stalls for %lld ms", coord->index, (long long)ms);
    sim->faults.coordinator_stalls++;
    coord->stalled_until = sim->now + ms;
    coord->trouble_at = coord->stalled_until;
}

/* Asked to stop: it says so, and goes a little later. */
static void stopped(struct sim *sim, void *object, void *arg, uint64_t instance)
{
    struct coord *coord = object;

    (void)arg;
    if (here(coord, instance))
        coord_crash(sim, coord);
}

void coord_shutdown(struct sim *sim, struct coord *coord)
{
    sim_trace(sim, "fault: coord %d is asked to stop", coord->index);
    sim->faults.coordinator_stops++;
    qr_engine_shutdown(coord->engine);
    sim_at(sim, sim->now + 3000, stopped, coord, NULL, coord->instance, NULL);
}

void coord_drain(struct sim *sim, struct coord *coord, struct worker *worker)
{
    sim_trace(sim, "fault: worker %d is drained", worker->index);
    sim->faults.worker_drains++;
    (void)qr_engine_drain_worker(coord->engine, worker->id, 5000);
}

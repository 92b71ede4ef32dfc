/* Time and the story of a run: trouble for a while, then peace; all work must end; then every
 * worker must fill up once more (no credit leaked), and nothing may be left anywhere. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "coordinator/engine/types.h"
#include "tests/sim/sim.h"

enum {
    TICK_MS = 500,
    QUIET_MS_MAX = 200000, /* in peace some job ends within */
    FILL_MS_MAX = 30000,
    FILL_SETTLE_MS = 5 * TTL_MS,
};

enum sim_mutation sim_mutation;

/* ------------------------------------------------------------------ events: a heap by time and
 * order */

static bool earlier(const struct event *a, const struct event *b)
{
    return a->at != b->at ? a->at < b->at : a->order < b->order;
}

void sim_at(struct sim *sim, int64_t at, event_fn run, void *object, void *arg, uint64_t n,
            void (*drop)(void *))
{
    struct event event = {at, ++sim->order, run, object, arg, n, drop};
    size_t i = sim->n_events++;

    if (sim->n_events > sim->cap_events) {
        sim->cap_events = sim->cap_events ? sim->cap_events * 2 : 1024;
        sim->events = realloc(sim->events, sim->cap_events * sizeof *sim->events);
    }
    for (; i > 0 && earlier(&event, &sim->events[(i - 1) / 2]); i = (i - 1) / 2)
        sim->events[i] = sim->events[(i - 1) / 2];
    sim->events[i] = event;
}

static struct event next_event(struct sim *sim)
{
    struct event top = sim->events[0], last = sim->events[--sim->n_events];
    size_t i = 0;

    for (;;) {
        size_t child = 2 * i + 1;
        if (child >= sim->n_events)
            break;
        if (child + 1 < sim->n_events && earlier(&sim->events[child + 1], &sim->events[child]))
            child++;
        if (!earlier(&sim->events[child], &last))
            break;
        sim->events[i] = sim->events[child];
        i = child;
    }
    sim->events[i] = last;
    return top;
}

void sim_trace(struct sim *sim, const char *fmt, ...)
{
    va_list args;

    if (!sim->trace)
        return;
    printf("%9.3f ", (double)sim->now / 1000.0);
    va_start(args, fmt);
    vprintf(fmt, args);
    va_end(args);
    printf("\n");
}

void sim_violation(struct sim *sim, const char *invariant, const char *fmt, ...)
{
    va_list args;
    size_t len;

    if (sim->failed)
        return;
    sim->failed = true;
    len = (size_t)snprintf(sim->why, sizeof sim->why, "%s: ", invariant);
    va_start(args, fmt);
    vsnprintf(sim->why + len, sizeof sim->why - len, fmt, args);
    va_end(args);
    sim_trace(sim, "VIOLATION %s", sim->why);
}

/* ------------------------------------------------------------------ what this seed is like */

static uint32_t maybe(struct sim *sim, uint32_t per_mille)
{
    return rng_chance(&sim->rng, 500) ? (uint32_t)rng_range(&sim->rng, 1, per_mille) : 0;
}

static void choose_profile(struct sim *sim)
{
    struct profile *p = &sim->profile;

    *p = (struct profile){.calm = sim->seed % 5 == 0,
                          .coords = (uint32_t)rng_range(&sim->rng, 1, COORDS),
                          .workers = (uint32_t)rng_range(&sim->rng, 1, 4),
                          .stalls = maybe(sim, 25),
                          .outages = maybe(sim, 25),
                          .cuts = maybe(sim, 25),
                          .declines = maybe(sim, 60),
                          .releases = maybe(sim, 100),
                          .failures = maybe(sim, 200),
                          .net_delay = rng_range(&sim->rng, 1, 200),
                          .db_delay = rng_range(&sim->rng, 2, 400),
                          .trouble_ms = rng_range(&sim->rng, 20, 70) * 1000,
                          .job_ms = rng_range(&sim->rng, 100, 6000)};
    p->longs = sim->seed % 4 == 1 ? (uint32_t)rng_range(&sim->own, 100, 600) : 0;
    if (p->calm)
        return;
    p->poison = sim->seed % 6 == 5 ? (uint32_t)rng_range(&sim->own, 10, 80) : 0;
    p->requests = maybe(sim, 150);
    p->run_requests = maybe(sim, 80);
    p->limit = rng_chance(&sim->rng, 500) ? (uint32_t)rng_range(&sim->rng, 1, 4) : 0;
    p->breaks = maybe(sim, 60);
    p->loss = maybe(sim, 50);
    p->doubles = maybe(sim, 50);
    p->crashes = maybe(sim, 40);
    p->coord_crashes = maybe(sim, 25);
    p->fails = maybe(sim, 60);
    p->unknowns = maybe(sim, 60);
    p->slows = maybe(sim, 30);
    p->hangs = maybe(sim, 80);
    p->drains = maybe(sim, 10);
    p->stops = maybe(sim, 10);
    p->twin = rng_chance(&sim->rng, 200);
}

static void make_worker(struct sim *sim, int index, const char *id)
{
    struct worker *worker = &sim->workers[index];

    *worker = (struct worker){.index = index};
    snprintf(worker->id, sizeof worker->id, "%s", id);
    worker->slots = (uint32_t)rng_range(&sim->rng, 1, 4);
    worker->window = 2 * worker->slots;
    worker->types[1] = worker->types[2] = true;
    if (index > 0 && index < WORKERS_MAX - 1 && rng_chance(&sim->rng, 300))
        worker->types[rng_range(&sim->rng, 1, TYPES)] = false;
    worker->target = (int)rng_range(&sim->rng, 0, sim->profile.coords - 1);
    worker_start(sim, worker);
}

/* Work comes into runs whose token is held; for the last check into the run that never closes. */
static void add_jobs(struct sim *sim, int64_t n, bool fill)
{
    for (int64_t i = 0; i < n; i++) {
        int run = fill ? 0 : (int)rng_range(&sim->rng, 1, RUNS - 1);
        struct job job = {.type =
                              (qr_type_id)(fill ? 1 + i % TYPES : rng_range(&sim->rng, 1, TYPES)),
                          .fill = fill,
                          .uri = (uint32_t)sim->db.n_jobs + 1,
                          .children = (uint8_t)(fill || rng_chance(&sim->rng, 700) ? 0 : 2)};
        if (!fill && rng_chance(&sim->own, sim->profile.longs))
            job.pages = (uint8_t)rng_range(&sim->own, 3, 9);
        job.poison = !fill && rng_chance(&sim->own, sim->profile.poison);
        if (sim->db.runs[run].adding && sim->db.runs[run].gate != GATE_CANCELLED)
            stage_add_job(sim, run, &job);
    }
    for (uint32_t i = 0; i < sim->profile.coords; i++)
        coord_work_available(sim, &sim->coords[i]);
}

/* ------------------------------------------------------------------ trouble */

static void start_coord(struct sim *sim, void *object, void *arg, uint64_t n)
{
    struct coord *coord = object;

    (void)arg;
    (void)n;
    if (!coord->alive && sim->last_instance + 1 < QR_COUNT(sim->db.renewals))
        coord_start(sim, coord);
}

/* Calm: while one coordinator is out of order the other can serve, as in the model of rule 6. */
static bool may_disturb(const struct sim *sim, const struct coord *coord)
{
    if (!sim->profile.calm)
        return coord->stalled_until <= sim->now;
    for (uint32_t i = 0; i < sim->profile.coords; i++)
        if (sim->coords[i].stalled_until + 2 * TTL_MS > sim->now ||
            sim->db.cut_until[i] + 2 * TTL_MS > sim->now)
            return false;
    return sim->db.down_until + 2 * TTL_MS <= sim->now;
}

static void trouble_coords(struct sim *sim)
{
    const struct profile *p = &sim->profile;

    for (uint32_t i = 0; i < p->coords; i++) {
        struct coord *coord = &sim->coords[i];
        if (!coord->alive) {
            if (rng_chance(&sim->rng, 100))
                start_coord(sim, coord, NULL, 0);
            continue;
        }
        if (rng_chance(&sim->rng, p->coord_crashes))
            coord_crash(sim, coord);
        else if (rng_chance(&sim->rng, p->stops))
            coord_shutdown(sim, coord);
        else if (rng_chance(&sim->rng, p->stalls) && may_disturb(sim, coord))
            coord_stall(sim, coord, rng_range(&sim->rng, 100, 3 * TTL_MS));
        else if (rng_chance(&sim->rng, p->cuts) && may_disturb(sim, coord))
            db_cut(sim, coord->index, rng_range(&sim->rng, 100, 4 * TTL_MS));
    }
}

static void trouble_workers(struct sim *sim)
{
    const struct profile *p = &sim->profile;

    for (int i = 0; i < WORKERS_MAX; i++) {
        struct worker *worker = &sim->workers[i];
        if (!worker->alive)
            continue;
        if (rng_chance(&sim->rng, p->crashes)) {
            worker_crash(sim, worker, 3 * TTL_MS);
        } else if (worker->stream && rng_chance(&sim->rng, p->breaks)) {
            sim->faults.stream_breaks++;
            sim_trace(sim, "fault: stream %llu of worker %d breaks",
                      (unsigned long long)worker->stream->id, i);
            net_break(sim, worker->stream);
        } else if (!p->calm && rng_chance(&sim->rng, p->stalls / 2)) {
            sim->faults.worker_stalls++;
            worker->stalled_until = sim->now + rng_range(&sim->rng, 100, 3 * TTL_MS);
            sim_trace(sim, "fault: worker %d stalls until %.3f", i,
                      (double)worker->stalled_until / 1000.0);
        } else if (worker->stream && rng_chance(&sim->rng, p->drains) &&
                   sim->coords[worker->stream->coord].alive) {
            coord_drain(sim, &sim->coords[worker->stream->coord], worker);
        }
    }
}

static void make_peace(struct sim *sim)
{
    sim_trace(sim, "peace");
    sim->peace = true;
    sim->end_of_trouble = sim->progress_at = sim->now;
    for (uint32_t i = 0; i < sim->profile.coords; i++)
        if (!sim->coords[i].alive)
            start_coord(sim, &sim->coords[i], NULL, 0);
}

static void trouble(struct sim *sim)
{
    if (rng_chance(&sim->rng, sim->profile.outages) && may_disturb(sim, &sim->coords[0]))
        db_outage(sim, rng_range(&sim->rng, 100, 2 * TTL_MS));
    trouble_coords(sim);
    trouble_workers(sim);
    operator_trouble(sim);
    if (rng_chance(&sim->rng, 100))
        add_jobs(sim, rng_range(&sim->rng, 1, 8), false);
    if (sim->profile.twin && !sim->workers[WORKERS_MAX - 1].exists && rng_chance(&sim->rng, 30)) {
        sim->faults.worker_twins++;
        make_worker(sim, WORKERS_MAX - 1, sim->workers[0].id);
    }
    if (sim->now >= sim->end_of_trouble || (sim->max_steps && sim->steps >= sim->max_steps))
        make_peace(sim);
}

/* ------------------------------------------------------------------ peace, and the last check */

static void begin_filling(struct sim *sim)
{
    int64_t places = 0;

    sim->filling = true;
    sim->fill_from = sim->now;
    for (int i = 0; i < WORKERS_MAX; i++)
        if (sim->workers[i].alive)
            places += sim->workers[i].window;
    sim_trace(sim, "all jobs have ended; %lld more to fill every worker", (long long)(2 * places));
    add_jobs(sim, 2 * places, true);
}

static void watch_filling(struct sim *sim)
{
    bool all = true;

    for (int i = 0; i < WORKERS_MAX; i++) {
        const struct worker *worker = &sim->workers[i];
        if (worker->alive && worker->used >= worker->window)
            sim->full |= 1ull << i;
        if (worker->alive && !(sim->full & 1ull << i)) {
            all = false;
            if (sim->now > sim->fill_from + FILL_MS_MAX)
                sim_violation(sim, "credit_not_lost", "worker %d got only %u leases for %u places",
                              i, worker->used, worker->window);
        }
    }
    if (all && check_is_finished(sim)) {
        check_end(sim);
        sim->over = true;
    }
}

static void tick(struct sim *sim, void *object, void *arg, uint64_t n)
{
    (void)object;
    (void)arg;
    (void)n;
    sim_at(sim, sim->now + TICK_MS, tick, NULL, NULL, 0, NULL);
    check_times(sim);
    if (!sim->peace) {
        trouble(sim);
        return;
    }
    for (uint32_t i = 0; i < sim->profile.coords; i++)
        if (!sim->coords[i].alive) /* one that was asked to stop before */
            start_coord(sim, &sim->coords[i], NULL, 0);
    operator_peace(sim);
    if (sim->filling)
        watch_filling(sim);
    else if (sim->now > sim->end_of_trouble + FILL_SETTLE_MS && check_is_finished(sim))
        begin_filling(sim);
    if (sim->progress != sim->jobs_done + sim->jobs_failed) {
        sim->progress = sim->jobs_done + sim->jobs_failed;
        sim->progress_at = sim->now;
    }
    if (sim->now > sim->progress_at + QUIET_MS_MAX) {
        check_end(sim);
        sim_violation(sim, "every_job_ends", "no job has ended for %d s", QUIET_MS_MAX / 1000);
    }
}

/* ------------------------------------------------------------------ a run */

bool sim_run(struct sim *sim, uint64_t seed, uint64_t max_steps, bool trace)
{
    memset(sim, 0, sizeof *sim);
    sim->seed = seed;
    sim->max_steps = max_steps;
    sim->trace = trace;
    sim->rng.state = seed * 0x9e3779b97f4a7c15u + 1;
    sim->own.state = ~sim->rng.state;
    sim->now = 1000;
    (void)qr_type_intern("one");
    (void)qr_type_intern("two");
    sim->streams = calloc(STREAMS_MAX, sizeof *sim->streams);
    db_init(sim);
    choose_profile(sim);
    sim->end_of_trouble = sim->now + sim->profile.trouble_ms;
    for (uint32_t i = 0; i < sim->profile.coords; i++) {
        sim->coords[i].index = (int)i;
        coord_start(sim, &sim->coords[i]);
    }
    for (uint32_t i = 0; i < sim->profile.workers; i++) {
        char id[16];
        snprintf(id, sizeof id, "w%u", i + 1);
        make_worker(sim, (int)i, id);
    }
    add_jobs(sim, rng_range(&sim->rng, 5, 40), false);
    sim_at(sim, sim->now, tick, NULL, NULL, 0, NULL);

    while (!sim->failed && !sim->over && sim->n_events) {
        struct event event = next_event(sim);
        sim->now = event.at;
        sim->steps++;
        event.run(sim, event.object, event.arg, event.n);
    }
    for (uint32_t i = 0; i < sim->profile.coords; i++)
        coord_add_stats(&sim->coords[i], &sim->stats);
    return !sim->failed;
}

void sim_free(struct sim *sim)
{
    while (sim->n_events) {
        struct event event = next_event(sim);
        if (event.drop)
            event.drop(event.arg);
    }
    for (uint32_t i = 0; i < sim->profile.coords; i++)
        coord_done(&sim->coords[i]);
    for (int i = 0; i < WORKERS_MAX; i++)
        worker_done(&sim->workers[i]);
    free(sim->events);
    free(sim->streams);
    db_done(sim);
}

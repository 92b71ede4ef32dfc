/* What a worker holds, runs and sends. */
#include <stdlib.h>

#include "common/class.h"
#include "tests/sim/work.h"

enum { RESEND_MS = 3000 };

/* ------------------------------------------------------------------ what it holds */

struct held *work_find(struct worker *worker, uint64_t lease)
{
    for (size_t i = 0; i < worker->n_held; i++)
        if (worker->held[i].lease == lease)
            return &worker->held[i];
    return NULL;
}

bool worker_has(const struct worker *worker, uint64_t lease)
{
    if (!worker->alive)
        return false;
    for (size_t i = 0; i < worker->n_held; i++)
        if (worker->held[i].lease == lease)
            return true;
    return false;
}

void work_forget(struct worker *worker, struct held *held)
{
    *held = worker->held[--worker->n_held];
}

/* One more credit for each received offer whose place is free, and only then (rule 13). */
void work_free_place(struct worker *worker, const struct held *held)
{
    worker->used--;
    if (held->started)
        worker->running--;
    if (held->started && held->alone)
        worker->alone_running = false;
    worker->credit_total++;
    worker->credit[held->type]++;
}

bool work_is_stalled(const struct sim *sim, const struct worker *worker)
{
    return sim->now < worker->stalled_until;
}

/* ------------------------------------------------------------------ sending */

/* Who drains grants nothing, not even on a coordinator that knows nothing of the drain: its Hello
 * takes back what it had granted (as in common/fleet/session_send.c). */
void work_send(struct sim *sim, struct worker *worker, struct frame *frame)
{
    memcpy(frame->received, worker->received, sizeof frame->received);
    frame->received_total = worker->received_total;
    memcpy(frame->credit, worker->credit, sizeof frame->credit);
    frame->credit_total = worker->draining ? worker->received_total : worker->credit_total;
    memcpy(frame->session, worker->session, sizeof frame->session);
    net_up(sim, worker->stream, frame);
}

void work_send_credits(struct sim *sim, struct worker *worker)
{
    if (worker->welcomed && !worker->draining)
        work_send(sim, worker, frame_new(UP_CREDITS, 0));
}

void work_send_leases(struct sim *sim, struct worker *worker, enum frame_kind kind,
                      const uint64_t *leases, size_t n)
{
    struct frame *frame;

    if (n == 0)
        return;
    frame = frame_new(kind, n);
    for (size_t i = 0; i < n; i++)
        frame->items[i].lease = leases[i];
    work_send(sim, worker, frame);
}

struct frame *work_frame(struct sim *sim, struct worker *worker, enum frame_kind kind)
{
    size_t n_earlier = kind == UP_HELLO ? worker->n_earlier : 0;
    struct frame *frame = frame_new(kind, worker->n_held + n_earlier);

    frame->n = 0;
    for (size_t i = 0; i < worker->n_held; i++) {
        const struct held *held = &worker->held[i];
        struct item *item = &frame->items[frame->n];
        if (kind == UP_BEAT && held->spooled && BROKEN(beat_no_spool))
            continue;
        frame->n++;
        *item = (struct item){.lease = held->lease, .job = held->job, .spooled = held->spooled};
        item->phase = held->spooled   ? QR_PHASE_FINISHED
                      : held->started ? QR_PHASE_RUNNING
                                      : QR_PHASE_QUEUED;
        if (!held->started || held->spooled)
            continue;
        item->started_ms_ago = (uint64_t)(sim->now - held->started_at + 1);
        if (held->finish_at != INT64_MAX)
            item->permille = (uint32_t)((sim->now - held->started_at) * 1000 /
                                        (held->finish_at - held->started_at + 1));
    }
    for (size_t i = 0; i < n_earlier; i++)
        frame->items[frame->n++] = (struct item){
            .lease = worker->earlier[i].lease, .job = worker->earlier[i].job, .earlier = true};
    return frame;
}

void work_send_results(struct sim *sim, void *object, void *arg, uint64_t life)
{
    struct worker *worker = object;

    (void)arg;
    if (!worker->alive || worker->life != life || !worker->welcomed)
        return;
    if (work_is_stalled(sim, worker)) {
        sim_at(sim, worker->stalled_until, work_send_results, worker, NULL, life, NULL);
        return;
    }
    for (size_t i = 0; i < worker->n_held; i++) {
        struct held *held = &worker->held[i];
        struct frame *frame;
        if (!held->spooled || held->send_at > sim->now)
            continue;
        frame = frame_new(UP_RESULT, 1);
        frame->items[0] = (struct item){.lease = held->lease,
                                        .job = held->job,
                                        .code = held->error_class,
                                        .found = held->found};
        if (!held->error_class) {
            frame->n_pages = held->keep.n;
            memcpy(frame->pages, held->keep.pages, held->keep.n);
        }
        work_send(sim, worker, frame);
        held->send_at = BROKEN(no_resend) ? INT64_MAX : sim->now + RESEND_MS;
        if (held->send_at != INT64_MAX)
            sim_at(sim, held->send_at, work_send_results, worker, NULL, life, NULL);
    }
}

/* Control frames overtake results: these wait a little in the sender's queue. */
void work_send_result_soon(struct sim *sim, struct worker *worker, struct held *held,
                           int64_t wait_ms)
{
    held->send_at = sim->now + wait_ms;
    sim_at(sim, held->send_at, work_send_results, worker, NULL, worker->life, NULL);
}

/* ------------------------------------------------------------------ work */

void work_say_goodbye(struct sim *sim, struct worker *worker)
{
    if (worker->draining && worker->n_held == 0 && worker->welcomed)
        work_send(sim, worker, frame_new(UP_GOODBYE, 0));
}

void work_release(struct sim *sim, struct worker *worker, struct held *held)
{
    uint64_t lease = held->lease;

    work_free_place(worker, held);
    work_forget(worker, held);
    work_send_leases(sim, worker, UP_RELEASE, &lease, 1);
    work_send_credits(sim, worker);
}

static int pick_outcome(struct sim *sim, const struct job *job)
{
    static const int classes[] = {QR_CLASS_CONNECTION, QR_CLASS_CRASH, QR_CLASS_INVALID_INPUT};

    if (!rng_chance(&sim->rng, sim->profile.failures) ||
        (sim->peace && job->stage != STAGE_EXTRACT))
        return QR_CLASS_NONE;
    return classes[rng_range(&sim->rng, 0, 2)];
}

static void finish(struct sim *sim, void *object, void *arg, uint64_t lease)
{
    struct worker *worker = object;
    struct held *held = worker->alive ? work_find(worker, lease) : NULL;

    (void)arg;
    if (!held || held->spooled || !held->started || held->finish_at > sim->now)
        return;
    if (work_is_stalled(sim, worker)) {
        sim_at(sim, worker->stalled_until, finish, worker, NULL, lease, NULL);
        return;
    }
    if (sim->db.jobs[held->job - 1].poison) {
        suspect_kills(sim, worker, &sim->db.jobs[held->job - 1]);
        return;
    }
    if (!sim->peace && worker->welcomed && rng_chance(&sim->rng, sim->profile.releases)) {
        work_release(sim, worker, held);
    } else {
        work_free_place(worker, held);
        held->spooled = true; /* on disk before it is sent */
        keep_finish(sim, held);
        held->error_class = pick_outcome(sim, &sim->db.jobs[held->job - 1]);
        held->found = held->error_class ? 0 : sim->db.jobs[held->job - 1].children;
        work_send_result_soon(sim, worker, held, rng_range(&sim->rng, 0, 400));
        work_send_credits(sim, worker);
    }
    work_start_jobs(sim, worker);
    work_say_goodbye(sim, worker);
}

/* What is to run alone waits until nothing runs, and others wait for it (rule 7). */
static bool may_start(const struct worker *worker, const struct held *held)
{
    if (BROKEN(alone_beside))
        return true;
    if (worker->alone_running || held->alone)
        return worker->running == 0;
    for (size_t i = 0; i < worker->n_held; i++)
        if (worker->held[i].alone && !worker->held[i].started)
            return false;
    return true;
}

void work_start_jobs(struct sim *sim, struct worker *worker)
{
    for (size_t i = 0; i < worker->n_held && worker->running < worker->slots; i++) {
        struct held *held = &worker->held[i];
        int64_t takes = rng_range(&sim->rng, 20, sim->profile.job_ms);
        if (held->spooled || held->started || !may_start(worker, held))
            continue;
        if (sim->db.jobs[held->job - 1].fill)
            takes = 10000;
        held->started = true;
        held->started_at = sim->now;
        held->finish_at = sim->now + takes;
        worker->running++;
        worker->alone_running = held->alone;
        sim->starts++;
        sim->db.jobs[held->job - 1].starts++;
        if (!sim->peace && rng_chance(&sim->rng, sim->profile.hangs))
            held->finish_at = INT64_MAX;
        else
            sim_at(sim, held->finish_at, finish, worker, NULL, held->lease, NULL);
        keep_begin(sim, worker, held, takes);
    }
}

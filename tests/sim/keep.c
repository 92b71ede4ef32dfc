/* Checkpoints: a long job is pages, one a byte, and what is finished travels in parts while the
 * rest is read. In the worker: one part of a lease at a time is with the coordinator, again when no
 * answer comes. In the database: the fence of a result, and the next number only. */
#include <stdlib.h>

#include "common/class.h"
#include "tests/sim/work.h"

enum { AGAIN_MS = 3000, ANEW_PER_MILLE = 150 };

/* ------------------------------------------------------------------ in the worker */

static void send(struct sim *sim, struct worker *worker, const struct held *held)
{
    struct frame *frame = frame_new(UP_CHECKPOINT, 1);

    frame->items[0] = (struct item){.lease = held->lease, .job = held->job};
    frame->a = held->keep.checkpoint + 1;
    frame->b = held->keep.anew;
    frame->n_pages = held->keep.out;
    memcpy(frame->pages, held->keep.pages + held->keep.kept, held->keep.out);
    work_send(sim, worker, frame);
}

static void send_again(struct sim *sim, void *object, void *arg, uint64_t lease);

/* What was finished since the last part, once that was answered. */
static void send_next(struct sim *sim, struct worker *worker, struct held *held)
{
    if (held->spooled || held->keep.given_up || held->keep.out || held->keep.n == held->keep.kept ||
        !worker->welcomed)
        return;
    held->keep.out = (uint8_t)(held->keep.n - held->keep.kept);
    held->keep.due = sim->now + AGAIN_MS;
    sim_at(sim, held->keep.due, send_again, worker, NULL, held->lease, NULL);
    send(sim, worker, held);
}

static void send_again(struct sim *sim, void *object, void *arg, uint64_t lease)
{
    struct worker *worker = object;
    struct held *held = worker->alive ? work_find(worker, lease) : NULL;

    (void)arg;
    if (!held || held->spooled || !held->keep.out || sim->now < held->keep.due)
        return;
    held->keep.due = sim->now + AGAIN_MS;
    sim_at(sim, held->keep.due, send_again, worker, NULL, lease, NULL);
    if (worker->welcomed && !work_is_stalled(sim, worker))
        send(sim, worker, held);
}

void keep_send_all(struct sim *sim, struct worker *worker)
{
    for (size_t i = 0; i < worker->n_held; i++) {
        struct held *held = &worker->held[i];
        if (!held->spooled && held->keep.out)
            send(sim, worker, held);
        else if (held->started)
            send_next(sim, worker, held);
    }
}

void keep_ack(struct sim *sim, struct worker *worker, const struct frame *frame)
{
    struct held *held = work_find(worker, frame->items[0].lease);

    if (!held || held->spooled || !held->keep.out || frame->a != held->keep.checkpoint + 1)
        return; /* the answer to a second copy */
    if (frame->b < frame->a) {
        held->keep.given_up = true;
        held->keep.out = 0;
        return;
    }
    held->keep.checkpoint = frame->a;
    held->keep.kept = (uint8_t)(held->keep.kept + held->keep.out);
    held->keep.out = 0;
    held->keep.anew = false;
    send_next(sim, worker, held);
}

static void page(struct sim *sim, void *object, void *arg, uint64_t lease)
{
    struct worker *worker = object;
    struct held *held = worker->alive ? work_find(worker, lease) : NULL;

    (void)arg;
    if (!held || held->spooled || !held->started ||
        held->keep.n >= sim->db.jobs[held->job - 1].pages)
        return;
    held->keep.pages[held->keep.n] = (uint8_t)(held->keep.n + 1);
    held->keep.n++;
    sim_at(sim, sim->now + held->keep.page_ms, page, worker, NULL, lease, NULL);
    if (!work_is_stalled(sim, worker))
        send_next(sim, worker, held);
}

/* Where another lease stopped; or from the beginning, when its parts cannot be had. */
void keep_begin(struct sim *sim, struct worker *worker, struct held *held, int64_t takes)
{
    const struct job *job = &sim->db.jobs[held->job - 1];
    uint8_t stands = held->keep.part_bytes;

    if (!job->pages)
        return;
    held->keep.anew = true;
    if (stands && stands <= job->n_parts && !rng_chance(&sim->own, ANEW_PER_MILLE)) {
        memcpy(held->keep.pages, job->parts, stands);
        held->keep.n = held->keep.kept = stands;
        held->keep.anew = false;
        sim_trace(sim, "worker %d: lease %llu goes on behind %u pages", worker->index,
                  (unsigned long long)held->lease, stands);
    }
    held->keep.page_ms = takes / (job->pages + 1) + 1;
    sim_at(sim, sim->now + held->keep.page_ms, page, worker, NULL, held->lease, NULL);
}

void keep_finish(struct sim *sim, struct held *held)
{
    uint8_t pages = sim->db.jobs[held->job - 1].pages;

    while (held->keep.n < pages) {
        held->keep.pages[held->keep.n] = (uint8_t)(held->keep.n + 1);
        held->keep.n++;
    }
    if (BROKEN(result_is_rest) && held->keep.part_bytes <= held->keep.n && !held->keep.anew) {
        held->keep.n = (uint8_t)(held->keep.n - held->keep.part_bytes);
        memmove(held->keep.pages, held->keep.pages + held->keep.part_bytes, held->keep.n);
    }
}

/* ------------------------------------------------------------------ in the database */

static bool is_whole(const uint8_t *pages, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (pages[i] != i + 1)
            return false;
    return true;
}

static bool may_write(const struct sim *sim, const struct req *req, const struct job *job)
{
    const struct lease_row *row = &sim->db.leases[req->lease];

    if (row->job != req->job)
        return false;
    if (BROKEN(part_unfenced))
        return job->state < JOB_DONE;
    return db_is_live(sim, req->lease) && row->session == req->session_pk;
}

/* The next one; begun anew, a larger one. */
static bool is_next(const struct req *req, const struct job *job)
{
    if (BROKEN(part_any_number))
        return true;
    return req->anew ? job->checkpoint < req->number : job->checkpoint + 1 == req->number;
}

void keep_store(struct sim *sim, struct req *req)
{
    struct job *job = db_job(sim, req->job);

    req->stale = !may_write(sim, req, job);
    req->stands = req->stale ? 0 : job->checkpoint;
    if (req->stale || !is_next(req, job))
        return;
    if (job->current != req->lease)
        sim_violation(sim, "part_is_held", "a part of lease %llu is kept, job %llu is held by %llu",
                      (unsigned long long)req->lease, (unsigned long long)req->job,
                      (unsigned long long)job->current);
    if (req->anew && !BROKEN(anew_keeps))
        job->n_parts = 0;
    for (size_t i = 0; i < req->n_pages && job->n_parts < PAGES_MAX; i++)
        job->parts[job->n_parts++] = req->pages[i];
    if (!is_whole(job->parts, job->n_parts))
        sim_violation(sim, "pages_once", "the parts of job %llu have a page twice, or not at all",
                      (unsigned long long)req->job);
    job->checkpoint = (uint32_t)req->number;
    sim->db.leases[req->lease].brought_part = true;
    req->stands = req->number;
}

void keep_complete(struct sim *sim, struct job *job, const struct req *req)
{
    if (req->n_pages != job->pages || !is_whole(req->pages, req->n_pages))
        sim_violation(sim, "pages_whole", "the result of job %llu has %u of %u pages",
                      (unsigned long long)req->job, req->n_pages, job->pages);
    job->n_parts = 0;
    job->checkpoint = 0;
}

/* A crash may come from the parts, where the attempt came no further than they lead. */
void keep_fail(struct sim *sim, struct job *job, const struct req *req)
{
    if (job->state != JOB_FAILED && !sim->db.leases[req->lease].brought_part &&
        (req->error_class == QR_CLASS_CRASH || req->error_class == QR_CLASS_INTERNAL))
        job->n_parts = 0;
}

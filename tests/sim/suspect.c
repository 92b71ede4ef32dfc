/* Rule 7: what an earlier life of a worker had started is marked; marked twice it runs alone, and
 * what kills alone is convicted. */
#include <string.h>

#include "common/class.h"
#include "tests/sim/sim.h"

/* Two to be marked, one alone; and one more a worker: its next life may tell of a death only when
 * somebody else holds the job, who is then the next. */
enum { KILLS_MAX = 3 + WORKERS_MAX - 1 };

/* ------------------------------------------------------------------ in the worker */

void suspect_died(struct sim *sim, struct worker *worker)
{
    size_t running = 0;

    for (size_t i = 0; i < worker->n_held; i++)
        running += worker->held[i].started && !worker->held[i].spooled;
    for (size_t i = 0; i < worker->n_held; i++) {
        const struct held *held = &worker->held[i];
        struct lease_row *row = &sim->db.leases[held->lease];
        if (!held->started || held->spooled)
            continue;
        row->died = true;
        row->beside = running > 1;
        sim->db.jobs[held->job - 1].deaths++;
        if (worker->n_earlier < HELD_MAX && !BROKEN(starts_forgotten)) {
            worker->earlier[worker->n_earlier].lease = held->lease;
            worker->earlier[worker->n_earlier++].job = held->job;
        }
    }
}

/* ------------------------------------------------------------------ in the database */

/* A lease that this worker claimed and that no Hello has spoken of yet. */
static bool is_told(const struct sim *sim, const struct req *req, const struct item *start)
{
    const struct lease_row *row = &sim->db.leases[start->lease];

    return row->job == start->job && (!row->marked || BROKEN(mark_again)) &&
           strcmp(sim->db.sessions[row->claimed_by].worker_id, req->worker_id) == 0;
}

static void check_conviction(struct sim *sim, const struct job *job, uint64_t lease)
{
    const struct lease_row *row = &sim->db.leases[lease];
    unsigned long long id = (unsigned long long)row->job;

    if (job->current)
        sim_violation(sim, "convicted_is_free", "job %llu is convicted, lease %llu holds it", id,
                      (unsigned long long)job->current);
    if (!row->died || row->beside)
        sim_violation(sim, "convicted_was_alone", "job %llu is convicted for lease %llu, %s", id,
                      (unsigned long long)lease,
                      row->died ? "which ran beside others" : "whose process lives");
    if (!job->poison &&
        sim->profile.crashes == 0) /* a process that dies by chance proves as much */
        sim_violation(sim, "innocent_is_free", "job %llu is convicted, and kills nobody", id);
}

static void mark(struct sim *sim, struct req *req, struct job *job, uint64_t lease)
{
    struct lease_row *row = &sim->db.leases[lease];
    bool is_free = job->state == JOB_READY || job->state == JOB_DELAYED || BROKEN(convict_held);

    row->marked = true;
    job->marks++;
    if (job->marks > job->deaths)
        sim_violation(sim, "marks_are_deaths", "job %llu is marked %u times, %u processes died",
                      (unsigned long long)row->job, job->marks, job->deaths);
    job->alone = job->alone || (job->marks >= 2 && !BROKEN(not_alone));
    if (!is_free || !(row->alone || (BROKEN(convict_beside) && job->marks >= 2))) {
        req->suspects++;
        return;
    }
    check_conviction(sim, job, lease);
    req->convicted++;
    job->settled_lease = lease;
    job->error_class = QR_CLASS_CRASH;
    stage_set(sim, job, JOB_FAILED);
    sim->jobs_failed++;
    sim_trace(sim, "db: job %llu is convicted, %s", (unsigned long long)row->job,
              job->poison ? "and rightly" : "by chance");
}

void suspect_mark(struct sim *sim, struct req *req)
{
    for (size_t i = req->n; i < req->n + req->n_starts; i++) {
        const struct item *start = &req->items[i];
        struct job *job = db_job(sim, start->job);
        bool newest = true;
        for (size_t k = req->n; k < req->n + req->n_starts; k++) /* one of a job: the newest */
            newest =
                newest && (req->items[k].job != start->job || req->items[k].lease <= start->lease ||
                           !is_told(sim, req, &req->items[k]));
        if (newest && is_told(sim, req, start) && job->state < JOB_DONE &&
            job->settled_lease != start->lease)
            mark(sim, req, job, start->lease);
    }
}

void suspect_claim(struct sim *sim, struct job *job, uint64_t lease)
{
    sim->db.leases[lease].alone = job->alone;
}

bool suspect_retry(const struct sim *sim, const struct job *job, uint64_t lease)
{
    return !(job->alone && sim->db.leases[lease].alone);
}

void suspect_clear(struct job *job)
{
    job->marks = job->killed = 0;
    job->alone = false;
}

void suspect_kills(struct sim *sim, struct worker *worker, struct job *job)
{
    sim->faults.worker_poisonings++;
    if (++job->killed > KILLS_MAX)
        sim_violation(sim, "poison_is_convicted", "job %zu has killed %u processes",
                      (size_t)(job - sim->db.jobs) + 1, job->killed);
    worker_crash(sim, worker, 5000);
}

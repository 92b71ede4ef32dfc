/* Rule 10 in the database: what an operator asks for. Each function is one transaction. */
#include <stdlib.h>

#include "common/class.h"

#include "tests/sim/sim.h"

static bool is_waiting(const struct job *job)
{
    return job->state == JOB_READY || job->state == JOB_DELAYED;
}

static void ask(struct sim *sim, struct job *job, enum stop stop)
{
    job->asked = stop;
    job->asked_at = sim->now;
}

void stop_job(struct sim *sim, uint64_t id, enum stop stop)
{
    struct job *job = db_job(sim, id);

    if (job->state >= JOB_DONE || (stop == STOP_PAUSE && job->stop == STOP_CANCEL))
        return; /* cancel outranks pause */
    ask(sim, job, stop);
    if (job->state == JOB_LEASED) {
        if (!BROKEN(stop_memory))
            job->stop = stop;
    } else if (stop == STOP_CANCEL) {
        stage_set(sim, job, JOB_CANCELLED);
    } else {
        stage_set(sim, job, JOB_PAUSED);
    }
    sim_trace(sim, "operator: job %llu %s", (unsigned long long)id,
              stop == STOP_CANCEL ? "cancelled" : "paused");
    check_transaction(sim);
}

void stop_resume(struct sim *sim, uint64_t id)
{
    struct job *job = db_job(sim, id);

    if (job->state == JOB_PAUSED)
        stage_set(sim, job, JOB_READY);
    else if (job->state != JOB_LEASED || job->asked != STOP_PAUSE)
        return;
    else if (!BROKEN(resume_keeps_stop))
        job->stop = STOP_NONE;
    ask(sim, job, STOP_NONE);
    sim_trace(sim, "operator: job %llu resumed", (unsigned long long)id);
    check_transaction(sim);
}

void stop_retry(struct sim *sim, uint64_t id)
{
    struct job *job = db_job(sim, id);

    if ((job->state != JOB_FAILED && job->state != JOB_CANCELLED) ||
        sim->db.runs[job->run].gate == GATE_CANCELLED)
        return;
    ask(sim, job, STOP_NONE);
    job->retries = 0;
    job->retried = true;
    suspect_clear(job);
    job->alone = job->error_class == QR_CLASS_CRASH; /* what crashed runs alone at once */
    job->error_class = QR_CLASS_NONE;
    stage_set(sim, job, JOB_READY);
    sim_trace(sim, "operator: job %llu retried", (unsigned long long)id);
    check_transaction(sim);
}

void stop_gate(struct sim *sim, int number, enum gate gate)
{
    struct run *run = &sim->db.runs[number];

    if (run->gate == GATE_CANCELLED)
        return;
    run->gate = gate;
    sim_trace(sim, "operator: gate of run %d is %d", number, (int)gate);
    check_transaction(sim);
}

static enum qr_stop_reason reason_of(enum stop stop)
{
    return stop == STOP_CANCEL ? QR_STOP_CANCEL : stop == STOP_PAUSE ? QR_STOP_PAUSE : QR_STOP_NONE;
}

static enum qr_stop_reason reason_of_gate(enum gate gate)
{
    return gate == GATE_CANCELLED ? QR_STOP_CANCEL
           : gate == GATE_PAUSED  ? QR_STOP_PAUSE
                                  : QR_STOP_NONE;
}

enum qr_stop_reason stop_reason(const struct sim *sim, const struct job *job)
{
    enum qr_stop_reason own = reason_of(job->stop);
    enum qr_stop_reason run = reason_of_gate(sim->db.runs[job->run].gate);

    return own > run ? own : run;
}

struct stops *stop_list(const struct sim *sim)
{
    struct stops *stops = malloc(sizeof *stops);

    stops->n_jobs = stops->n_runs = 0;
    for (size_t i = 0; i < sim->db.n_jobs; i++)
        if (sim->db.jobs[i].stop != STOP_NONE)
            stops->jobs[stops->n_jobs++] =
                (struct qr_job_stop){.job_id = i + 1, .reason = reason_of(sim->db.jobs[i].stop)};
    for (size_t i = 0; i < RUNS; i++)
        if (sim->db.runs[i].gate != GATE_OPEN)
            stops->runs[stops->n_runs++] = (struct qr_run_stop){
                .run_id = i + 1, .reason = reason_of_gate(sim->db.runs[i].gate)};
    return stops;
}

void stop_sweep(struct sim *sim)
{
    for (size_t i = 0; i < sim->db.n_jobs; i++) {
        struct job *job = &sim->db.jobs[i];
        if (sim->db.runs[job->run].gate == GATE_CANCELLED &&
            (is_waiting(job) || job->state == JOB_PAUSED))
            stage_set(sim, job, JOB_CANCELLED);
    }
    check_transaction(sim);
}

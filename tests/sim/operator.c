/* The operator: pauses, resumes, cancels and retries jobs and runs, begins a stage early. */
#include "tests/sim/sim.h"

static void ask_about_job(struct sim *sim)
{
    uint64_t id = (uint64_t)rng_range(&sim->rng, 1, (int64_t)sim->db.n_jobs);
    const struct job *job = db_job(sim, id);

    if (job->run == 0 || job->stage != STAGE_EXTRACT)
        return;
    switch (rng_range(&sim->rng, 0, 5)) {
    case 0:
        stop_job(sim, id, STOP_CANCEL);
        break;
    case 1:
    case 2:
        stop_job(sim, id, STOP_PAUSE);
        break;
    case 3:
    case 4:
        stop_resume(sim, id);
        break;
    default:
        stop_retry(sim, id);
        break;
    }
}

static void ask_about_run(struct sim *sim)
{
    int run = (int)rng_range(&sim->rng, 1, RUNS - 1);

    switch (rng_range(&sim->rng, 0, 9)) {
    case 0:
        if (rng_chance(&sim->rng, 300))
            stop_gate(sim, run, GATE_CANCELLED);
        break;
    case 1:
    case 2:
    case 3:
        stop_gate(sim, run, GATE_PAUSED);
        break;
    case 4:
    case 5:
        stage_finish_adding(sim, run);
        break;
    case 6:
        stage_begin_early(sim, run);
        break;
    default:
        stop_gate(sim, run, GATE_OPEN);
        break;
    }
}

void operator_trouble(struct sim *sim)
{
    if (sim->now < sim->db.down_until)
        return;
    for (int i = 0; i < 3; i++)
        if (sim->db.n_jobs && rng_chance(&sim->rng, sim->profile.requests))
            ask_about_job(sim);
    if (rng_chance(&sim->rng, sim->profile.run_requests))
        ask_about_run(sim);
    for (uint32_t i = 0; i < sim->profile.coords; i++) /* some are notified, all poll */
        if (db_is_up(sim, (int)i) && rng_chance(&sim->rng, 300))
            coord_poll_stops(sim, &sim->coords[i]);
}

void operator_peace(struct sim *sim)
{
    if (sim->now < sim->db.down_until)
        return;
    for (int run = 1; run < RUNS; run++) {
        if (sim->db.runs[run].gate == GATE_PAUSED)
            stop_gate(sim, run, GATE_OPEN);
        stage_finish_adding(sim, run);
    }
    for (uint64_t id = 1; id <= sim->db.n_jobs; id++) {
        const struct job *job = db_job(sim, id);
        if (job->asked == STOP_PAUSE && job->state < JOB_DONE)
            stop_resume(sim, id);
        if (job->state == JOB_FAILED &&
            (job->stage != STAGE_EXTRACT || (!job->retried && rng_chance(&sim->rng, 30))))
            stop_retry(sim, id);
    }
}

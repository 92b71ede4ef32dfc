/* Invariants of runs: counters equal the rows, and in the end every stage was done for its last
 * epoch. Names as in docs/engine.md. */
#include "tests/sim/sim.h"

void check_runs(struct sim *sim)
{
    int64_t open[RUNS][STAGES] = {0};

    for (size_t i = 0; i < sim->db.n_jobs; i++) {
        const struct job *job = &sim->db.jobs[i];
        open[job->run][job->stage] += job->state < JOB_DONE;
    }
    for (int i = 0; i < RUNS; i++)
        for (int k = 0; k < STAGES; k++) {
            struct stage *stage = &sim->db.runs[i].stages[k];
            int64_t rows = open[i][k] + (k == STAGE_EXTRACT && sim->db.runs[i].adding);
            if (stage->open != rows)
                sim_violation(sim, "counter_is_rows", "run %d stage %d: %lld open, %lld by rows", i,
                              k, (long long)stage->open, (long long)rows);
            else if (stage->closed != (rows == 0))
                sim_violation(sim, "counter_is_rows", "run %d stage %d: %lld open, closed %d", i, k,
                              (long long)rows, stage->closed);
            if (stage->fired && !stage->closed)
                sim_violation(sim, "trigger_is_last",
                              "run %d stage %d: the next stage is begun with %lld open", i, k,
                              (long long)rows);
            stage->fired = false;
        }
}

void check_runs_end(struct sim *sim)
{
    for (int i = 1; i < RUNS; i++) {
        const struct run *run = &sim->db.runs[i];
        for (int k = 1; run->gate != GATE_CANCELLED && k < STAGES; k++)
            if (run->stages[k].written != run->stages[k - 1].epoch)
                sim_violation(sim, "last_epoch_done",
                              "run %d stage %d: written for epoch %u, the last is %u", i, k,
                              run->stages[k].written, run->stages[k - 1].epoch);
    }
}

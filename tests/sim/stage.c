/* Runs and their stages (protocol.md "Stages of a run"): a counter of open jobs a stage, moved in
 * the transaction that moves the jobs; who brings it to zero begins the next stage. */
#include "tests/sim/sim.h"

enum { CHILD_URIS = 7, FIRST_CHILD = 1000 };

void stage_init(struct sim *sim)
{
    for (int i = 0; i < RUNS; i++) {
        struct run *run = &sim->db.runs[i];
        *run = (struct run){.adding = true};
        for (int k = 0; k < STAGES; k++)
            run->stages[k] = (struct stage){.epoch = 1, .closed = k > 0};
        run->stages[STAGE_EXTRACT].open = 1; /* the token of who adds */
    }
}

static bool is_final(enum job_state state) { return state >= JOB_DONE; }

static void begin_next(struct sim *sim, int run, int stage, uint32_t epoch, bool partial)
{
    const struct job job = {
        .type = 1, .stage = (uint8_t)(stage + 1), .epoch = epoch, .partial = partial};

    stage_add_job(sim, run, &job);
}

static void begin_next_later(struct sim *sim, void *object, void *arg, uint64_t n)
{
    struct coord *coord = object;
    int run = (int)(n >> 8 & 0xff), stage = (int)(n & 0xff);

    (void)arg;
    if (coord->alive && coord->instance == n >> 32)
        begin_next(sim, run, stage, sim->db.runs[run].stages[stage].epoch, false);
}

/* The transaction brought the counter to zero. */
static void trigger(struct sim *sim, int number, int stage)
{
    struct run *run = &sim->db.runs[number];
    struct stage *at = &run->stages[stage];

    if (stage == STAGE_REPORT || run->gate == GATE_CANCELLED)
        return;
    if (BROKEN(early_counts) && at->early[at->epoch % EPOCHS_MAX])
        return;
    at->fired = true;
    if (++at->triggers[at->epoch % EPOCHS_MAX] > 1)
        sim_violation(sim, "one_trigger", "run %d stage %d: epoch %u begins the next stage twice",
                      number, stage, at->epoch);
    if (BROKEN(trigger_separate)) {
        struct coord *coord = &sim->coords[0];
        sim_at(sim, sim->now + rng_range(&sim->rng, 1, 200), begin_next_later, coord, NULL,
               coord->instance << 32 | (uint64_t)number << 8 | (uint64_t)stage, NULL);
        return;
    }
    begin_next(sim, number, stage, at->epoch, false);
}

static void change(struct sim *sim, int number, int stage, int64_t by)
{
    struct stage *at = &sim->db.runs[number].stages[stage];

    if (by > 0 && at->closed) {
        at->closed = false;
        if (!(stage == STAGE_EXTRACT ? BROKEN(no_epoch) : BROKEN(link_epoch)))
            at->epoch++;
        if (at->open == 0 && at->epoch >= EPOCHS_MAX)
            sim_violation(sim, "bounded", "run %d stage %d: more epochs than fit", number, stage);
    }
    at->open += by;
    if (by < 0 && at->open == 0) {
        at->closed = true;
        trigger(sim, number, stage);
    }
}

void stage_set(struct sim *sim, struct job *job, enum job_state state)
{
    bool was = is_final(job->state), is = is_final(state);

    job->state = state;
    if (was != is)
        change(sim, job->run, job->stage, is ? -1 : 1);
}

void stage_add_job(struct sim *sim, int run, const struct job *job)
{
    struct job *made = &sim->db.jobs[sim->db.n_jobs];

    for (size_t i = 0; job->uri && i < sim->db.n_jobs; i++)
        if (sim->db.jobs[i].run == run && sim->db.jobs[i].uri == job->uri) {
            if (BROKEN(count_blind))
                sim->db.runs[run].stages[job->stage].open++;
            return;
        }
    if (sim->db.n_jobs == JOBS_MAX)
        return;
    sim->db.n_jobs++;
    *made = *job;
    made->run = (uint8_t)run;
    change(sim, run, job->stage, 1);
}

void stage_add_children(struct sim *sim, const struct job *job, uint64_t lease, uint32_t n)
{
    if (sim->db.runs[job->run].gate == GATE_CANCELLED)
        return; /* inserts look at the gate too */
    if (n && !BROKEN(parent_first) && job->current != lease)
        sim_violation(sim, "children_fenced", "lease %llu adds jobs, its job is held by %llu",
                      (unsigned long long)lease, (unsigned long long)job->current);
    for (uint32_t i = 0; i < n; i++) {
        const struct job child = {.type = (qr_type_id)(1 + (job->uri + i) % TYPES),
                                  .uri = FIRST_CHILD + (job->uri * 3 + i) % CHILD_URIS};
        stage_add_job(sim, job->run, &child);
    }
}

void stage_write(struct sim *sim, const struct job *job)
{
    struct run *run = &sim->db.runs[job->run];
    struct stage *at = &run->stages[job->stage];

    if (job->stage == STAGE_EXTRACT || job->partial)
        return;
    if (job->epoch < run->stages[job->stage - 1].epoch && !BROKEN(old_epoch_writes))
        return; /* superseded: closes without writing */
    if (job->epoch < at->written)
        sim_violation(sim, "newest_epoch_stays", "run %d stage %d: epoch %u overwrites %u",
                      job->run, job->stage, job->epoch, at->written);
    at->written = job->epoch;
}

void stage_finish_adding(struct sim *sim, int number)
{
    struct run *run = &sim->db.runs[number];

    if (!run->adding)
        return;
    run->adding = false;
    change(sim, number, STAGE_EXTRACT, -1);
    check_transaction(sim);
}

void stage_begin_early(struct sim *sim, int number)
{
    struct run *run = &sim->db.runs[number];
    struct stage *at = &run->stages[STAGE_EXTRACT];

    if (at->closed || run->gate != GATE_OPEN)
        return;
    at->early[at->epoch % EPOCHS_MAX] = true;
    begin_next(sim, number, STAGE_EXTRACT, at->epoch, true);
    check_transaction(sim);
}

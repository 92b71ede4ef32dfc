/* A limit on how many jobs of type 2 run at once (rule 8): a row a slot, made by the claim, deleted
 * by lease id in the transaction that ends the lease. */
#include "tests/sim/sim.h"

static bool is_limited(const struct sim *sim, const struct job *job)
{
    return sim->profile.limit > 0 && job->type == 2 && !job->fill;
}

bool limit_allows(const struct sim *sim, const struct job *job)
{
    return !is_limited(sim, job) || sim->db.n_holds < sim->profile.limit;
}

void limit_take(struct sim *sim, const struct job *job, uint64_t lease)
{
    if (is_limited(sim, job) && sim->db.n_holds < QR_COUNT(sim->db.holds))
        sim->db.holds[sim->db.n_holds++] = lease;
}

void limit_give(struct sim *sim, uint64_t lease)
{
    struct db *db = &sim->db;

    for (size_t i = 0; i < db->n_holds; i++)
        if (db->holds[i] == lease || BROKEN(slot_twice)) { /* a count knows no lease */
            db->holds[i] = db->holds[--db->n_holds];
            return;
        }
}

void limit_check(struct sim *sim)
{
    size_t live = 0;

    for (size_t i = 0; i < sim->db.n_jobs; i++)
        live += sim->db.jobs[i].current && is_limited(sim, &sim->db.jobs[i]);
    if (live > sim->profile.limit && sim->profile.limit > 0)
        sim_violation(sim, "limit_holds", "%zu jobs have leases under a limit of %u", live,
                      sim->profile.limit);
    if (live < sim->db.n_holds)
        sim_violation(sim, "slot_returns", "%zu slots are taken by %zu leases", sim->db.n_holds,
                      live);
}

/* Invariants: of every transaction, of every Ack, and of the end. Names as in docs/engine.md. */
#include "tests/sim/sim.h"

/* The time-outs of 5 s and 2 s, and what a tick and the ways there and back may add. */
enum { OFFER_RETURNS_MS = 5600, STOP_ENDS_MS = 9000 };

static bool is_final(const struct job *job) { return job->state >= JOB_DONE; }

/* At most one live lease a job; leased if and only if there is one: none is lost. */
static void check_job(struct sim *sim, size_t i)
{
    const struct job *job = &sim->db.jobs[i];
    unsigned live = 0;

    for (uint64_t lease = job->newest; lease; lease = sim->db.leases[lease].before)
        live += db_is_live(sim, lease);
    if (live > 1)
        sim_violation(sim, "one_live_lease", "job %zu has %u live leases", i + 1, live);
    else if (live == 1 && job->state != JOB_LEASED)
        sim_violation(sim, "one_live_lease", "job %zu is not leased and has a live lease", i + 1);
    else if (live == 0 && job->state == JOB_LEASED)
        sim_violation(sim, "no_job_lost", "job %zu is leased and nobody holds it", i + 1);
    if (job->rows != (job->state == JOB_DONE))
        sim_violation(sim, "rows_once", "job %zu has %u result row sets in state %d", i + 1,
                      job->rows, (int)job->state);
}

void check_transaction(struct sim *sim)
{
    for (size_t i = 0; i < sim->db.n_jobs; i++)
        check_job(sim, i);
    check_runs(sim);
    limit_check(sim);
}

/* A job is about to be given out. */
void check_claim(struct sim *sim, const struct job *job)
{
    unsigned long long id = (unsigned long long)(job - sim->db.jobs) + 1;

    if (job->current)
        sim_violation(sim, "one_live_lease", "job %llu is given out while lease %llu holds it", id,
                      (unsigned long long)job->current);
    if (job->asked != STOP_NONE)
        sim_violation(sim, "stop_holds", "job %llu is given out, it was to be %s", id,
                      job->asked == STOP_CANCEL ? "cancelled" : "paused");
    if (sim->db.runs[job->run].gate != GATE_OPEN)
        sim_violation(sim, "gate_holds", "job %llu is given out, its run is stopped", id);
}

static bool is_with_database(const struct sim *sim, const struct req *req, uint64_t lease)
{
    for (size_t i = 0; i < sim->db.n_in_flight; i++) {
        const struct req *settle = sim->db.in_flight[i];
        if (settle->lease == lease && settle->instance == req->instance &&
            settle->session_pk == req->session_pk && settle->order < req->order)
            return true;
    }
    return false;
}

static bool is_held(const struct sim *sim, uint64_t lease)
{
    for (int i = 0; i < WORKERS_MAX; i++)
        if (worker_has(&sim->workers[i], lease))
            return true;
    return false;
}

static bool is_in_spool_list(const struct req *req, uint64_t lease)
{
    for (size_t i = 0; i < req->n; i++)
        if (req->items[i].lease == lease && req->items[i].spooled)
            return true;
    return false;
}

/* What the reason of a take-back says has to be so. */
static void check_reason(struct sim *sim, uint64_t lease, const struct req *req)
{
    const struct lease_row *row = &sim->db.leases[lease];

    if (req->kind == REQ_HELLO && is_in_spool_list(req, lease))
        sim_violation(sim, "spool_counts", "lease %llu is taken back, its result is in the spool",
                      (unsigned long long)lease);
    if (req->kind != REQ_RETURN)
        return;
    if (req->reason == QR_RETURN_DROPPED && is_held(sim, lease))
        sim_violation(sim, "dropped_is_absent", "lease %llu is taken back, its worker has it",
                      (unsigned long long)lease);
    if (req->reason == QR_RETURN_NOT_ACCEPTED && sim->profile.calm && row->accept_order &&
        row->accept_order < req->order)
        sim_violation(sim, "accept_counts", "lease %llu is taken back, its Accept had come",
                      (unsigned long long)lease);
}

/* An offer of a lease that is over makes a worker run for nothing. Where a Hello of unknown end may
 * commit late, or a peer take the session at that moment, it cannot be helped. */
void check_offer(struct sim *sim, const struct coord *coord, uint64_t lease)
{
    const struct lease_row *row = &sim->db.leases[lease];
    const struct session_row *session = &sim->db.sessions[row->session];

    if (sim->profile.unknowns == 0 && session->owner == coord->instance && !session->ended &&
        !db_is_live(sim, lease))
        sim_violation(sim, "offer_is_live", "lease %llu is offered, it is over",
                      (unsigned long long)lease);
}

/* Rule 2: an offer that nobody accepted returns after 5 s. Looked at where coordinators and
 * database do not add delays of their own (check_times). */
static void check_offers(struct sim *sim)
{
    for (size_t i = 0; i < sim->db.n_jobs; i++) {
        uint64_t lease = sim->db.jobs[i].current;
        const struct lease_row *row = &sim->db.leases[lease];
        if (lease && !row->received &&
            sim->now - row->given_at > OFFER_RETURNS_MS + 3 * sim->profile.db_delay)
            sim_violation(sim, "offer_returns", "lease %llu was offered %lld ms ago, nobody has it",
                          (unsigned long long)lease, (long long)(sim->now - row->given_at));
    }
}

/* Rule 10: a lease that is asked to stop is over two seconds after its coordinator heard of it. */
static void check_stops(struct sim *sim)
{
    for (size_t i = 0; i < sim->db.n_jobs; i++) {
        const struct job *job = &sim->db.jobs[i];
        if (job->state == JOB_LEASED && job->asked != STOP_NONE &&
            sim->now - job->asked_at > STOP_ENDS_MS)
            sim_violation(sim, "stop_ends", "job %zu was asked to stop %lld ms ago, and is leased",
                          i + 1, (long long)(sim->now - job->asked_at));
    }
}

void check_times(struct sim *sim)
{
    const struct profile *p = &sim->profile;

    if (p->stalls || p->cuts || p->outages || p->fails || p->unknowns || p->slows ||
        p->coord_crashes || p->stops)
        return;
    check_offers(sim);
    check_stops(sim);
}

/* A lease is about to return to pending without a result. */
void check_give_back(struct sim *sim, uint64_t lease, const struct req *req)
{
    const struct lease_row *row = &sim->db.leases[lease];
    const struct session_row *session = &sim->db.sessions[req->session_pk];

    if (req->kind == REQ_RETURN &&
        (session->ended || session->owner != req->instance || session->attach != req->attach))
        sim_violation(
            sim, "moved_session_untouched",
            "lease %llu is taken back by instance %llu, attach %llu, after its session moved",
            (unsigned long long)lease, (unsigned long long)req->instance,
            (unsigned long long)req->attach);
    if (req->kind == REQ_RETURN && is_with_database(sim, req, lease))
        sim_violation(sim, "settling_not_returned",
                      "lease %llu is taken back while its result is with the database",
                      (unsigned long long)lease);
    check_reason(sim, lease, req);
    if (sim->profile.calm && row->confirmed && req->reason != QR_RETURN_RELEASED &&
        req->reason != QR_RETURN_STOPPED && req->reason != QR_RETURN_FENCED && is_held(sim, lease))
        sim_violation(sim, "healthy_keeps", "lease %llu is taken from a healthy worker",
                      (unsigned long long)lease);
}

/* The coordinator that holds the session says that a lease is over: it is never answered from
 * memory alone. */
void check_drop(struct sim *sim, const struct worker *worker, uint64_t lease)
{
    const struct lease_row *row = &sim->db.leases[lease];
    const struct session_row *session = &sim->db.sessions[row->session];

    if (worker->stream && db_is_live(sim, lease) && session->owner == worker->stream->instance &&
        memcmp(session->id, worker->session, sizeof session->id) == 0)
        sim_violation(sim, "drop_is_true", "worker %d is told to drop lease %llu, which is live",
                      worker->index, (unsigned long long)lease);
}

/* The spool forgets a result only when its lease is over, and STALE is never said of one that
 * counts. */
void check_ack(struct sim *sim, struct worker *worker, uint64_t lease, int code)
{
    const struct lease_row *row = &sim->db.leases[lease];
    const struct job *job = &sim->db.jobs[row->job - 1];

    if (db_is_live(sim, lease))
        sim_violation(sim, "ack_is_final", "worker %d is told %d of lease %llu, which is live",
                      worker->index, code, (unsigned long long)lease);
    if (code == QR_ACK_STALE && job->rows_by == lease)
        sim_violation(sim, "ack_is_true", "worker %d is told STALE of lease %llu, which completed",
                      worker->index, (unsigned long long)lease);
    if (code == QR_ACK_STALE && job->settled_lease == lease)
        sim_violation(sim, "ack_is_true", "worker %d is told STALE of lease %llu, which settled",
                      worker->index, (unsigned long long)lease);
    if ((code == QR_ACK_COMMITTED || code == QR_ACK_DUPLICATE) && job->rows_by != lease &&
        job->settled_lease != lease && !is_final(job) && job->retries == 0 && !job->retried)
        sim_violation(sim, "ack_is_true", "worker %d is told %d of lease %llu, which never settled",
                      worker->index, code, (unsigned long long)lease);
}

bool check_is_finished(const struct sim *sim)
{
    for (size_t i = 0; i < sim->db.n_jobs; i++)
        if (!is_final(&sim->db.jobs[i]))
            return false;
    for (int i = 0; i < WORKERS_MAX; i++) {
        const struct worker *worker = &sim->workers[i];
        if (worker->exists && !worker->alive && !worker->stopped)
            return false; /* its next process comes, with its spool and places to fill */
        if (worker->alive && worker->n_held > 0)
            return false;
    }
    for (uint32_t i = 0; i < sim->profile.coords; i++)
        if (!sim->coords[i].alive || !qr_engine_is_idle(sim->coords[i].engine))
            return false;
    return true;
}

/* Everything is quiet: nothing is left anywhere. */
void check_end(struct sim *sim)
{
    for (size_t i = 0; i < sim->db.n_jobs; i++)
        if (!is_final(&sim->db.jobs[i]))
            sim_violation(sim, "every_job_ends", "job %zu is in state %d when all is quiet", i + 1,
                          (int)sim->db.jobs[i].state);
    check_runs_end(sim);
    for (int i = 0; i < WORKERS_MAX; i++) {
        const struct worker *worker = &sim->workers[i];
        if (!worker->alive)
            continue;
        if (worker->n_held)
            sim_violation(sim, "every_result_answered", "worker %d still has %zu leases", i,
                          worker->n_held);
        if (worker->credit_total != worker->received_total + worker->window)
            sim_violation(sim, "credit_not_lost", "worker %d granted %llu, received %llu", i,
                          (unsigned long long)worker->credit_total,
                          (unsigned long long)worker->received_total);
    }
    for (uint32_t i = 0; i < sim->profile.coords; i++) {
        struct qr_engine_stats stats;
        qr_engine_get_stats(sim->coords[i].engine, &stats);
        if (stats.leases_offered_now || stats.leases_active_now || stats.leases_settling_now ||
            stats.leases_stopping_now || stats.leases_returning_now)
            sim_violation(sim, "memory_is_empty",
                          "coordinator %u remembers %u offered, %u active, %u stopping, %u "
                          "settling, %u returning",
                          i, stats.leases_offered_now, stats.leases_active_now,
                          stats.leases_stopping_now, stats.leases_settling_now,
                          stats.leases_returning_now);
    }
}

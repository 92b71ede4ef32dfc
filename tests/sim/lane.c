/* The way to the database and back. A request waits, then commits, fails, or ends unknown:
 * committed or not, at once or later (a connection that broke at COMMIT while the server went on).
 */
#include <stdlib.h>

#include "tests/sim/sim.h"

void db_req_free(void *arg)
{
    struct req *req = arg;

    if (req->settle) {
        free(req->settle->message);
        free(req->settle->found);
        free(req->settle->record);
        free(req->settle);
    }
    qr_checkpoint_free(req->checkpoint);
    free(req->out);
    free(req);
}

void db_forget_in_flight(struct sim *sim, const struct req *req)
{
    struct db *db = &sim->db;

    for (size_t i = 0; i < db->n_in_flight; i++)
        if (db->in_flight[i] == req) {
            db->in_flight[i] = db->in_flight[--db->n_in_flight];
            return;
        }
}

static void reply_arrives(struct sim *sim, void *object, void *arg, uint64_t n)
{
    struct req *req = arg;

    (void)n;
    coord_reply(sim, object, req);
}

static void reply(struct sim *sim, struct req *req)
{
    struct coord *coord = &sim->coords[req->coord];

    sim_at(sim, sim->now + rng_range(&sim->rng, 0, sim->profile.db_delay / 2), reply_arrives, coord,
           req, 0, db_req_free);
}

static void late_commit(struct sim *sim, void *object, void *arg, uint64_t n)
{
    struct req *req = arg;

    (void)object;
    (void)n;
    sim->faults.unknown_late++;
    db_execute(sim, req);
    db_req_free(req);
}

/* The same request once more, without whoever waits for it. */
static struct req *copy_of(const struct req *req)
{
    size_t size = sizeof *req + (req->n + req->n_starts) * sizeof req->items[0];
    struct req *copy = malloc(size);

    memcpy(copy, req, size);
    copy->settle = NULL;
    copy->checkpoint = NULL;
    return copy;
}

static void unknown_end(struct sim *sim, struct req *req)
{
    sim->faults.requests_unknown++;
    switch (rng_range(&sim->rng, 0, 2)) {
    case 0:
        if (BROKEN(split_txn) && req->kind == REQ_SETTLE && !req->error_class &&
            db_settle_fence(sim, req))
            db_write_rows(sim, db_job(sim, req->job), req);
        break;
    case 1:
        sim->faults.unknown_committed++;
        db_execute(sim, req);
        free(req->out);
        req->out = NULL;
        req->n_out = 0;
        break;
    default:
        sim_at(sim, sim->now + rng_range(&sim->rng, 1, 2000), late_commit, NULL, copy_of(req), 0,
               db_req_free);
        break;
    }
    req->status = QR_DB_UNKNOWN;
    reply(sim, req);
}

static void failed_end(struct sim *sim, struct req *req)
{
    sim->faults.requests_failed++;
    req->status = QR_DB_FAILED;
    if (BROKEN(ack_before_commit) && req->kind == REQ_SETTLE) {
        req->status = QR_DB_DONE;
        req->code = QR_ACK_COMMITTED;
    }
    reply(sim, req);
}

static bool is_unlucky(struct sim *sim, uint32_t per_mille)
{
    return !sim->peace && rng_chance(&sim->rng, per_mille);
}

static void arrives(struct sim *sim, void *object, void *arg, uint64_t n)
{
    struct req *req = arg;
    const struct coord *coord = object;
    uint32_t slows;

    if (!coord->alive || coord->instance != req->instance) { /* its coordinator died meanwhile */
        if (rng_chance(&sim->rng, 500))
            db_execute(sim, req);
        db_forget_in_flight(sim, req);
        db_req_free(req);
        return;
    }
    if (sim->now < sim->db.down_until && sim->db.down_hangs) {
        sim_at(sim, sim->db.down_until + rng_range(&sim->rng, 0, 50), arrives, object, req, n,
               db_req_free);
        return;
    }
    slows = sim->profile.slows * (req->kind == REQ_RETURN ? 5 : 1);
    if (n == 0 && is_unlucky(sim, slows)) { /* it waits for a lock */
        sim->faults.requests_slow++;
        sim_at(sim, sim->now + rng_range(&sim->rng, 500, 2 * TTL_MS), arrives, object, req, 1,
               db_req_free);
        return;
    }
    if (!db_is_up(sim, req->coord) || is_unlucky(sim, sim->profile.fails))
        failed_end(sim, req);
    else if (is_unlucky(sim, sim->profile.unknowns))
        unknown_end(sim, req);
    else {
        db_execute(sim, req);
        reply(sim, req);
    }
}

/* A take-back that failed is asked for again under its token. */
static uint64_t order_of(struct db *db, const struct req *req)
{
    size_t room = QR_COUNT(db->returns);

    if (req->kind != REQ_RETURN)
        return ++db->order;
    for (size_t i = 0; i < room; i++)
        if (db->returns[i].instance == req->instance && db->returns[i].token == req->token)
            return db->returns[i].order;
    size_t at = db->n_returns++ % room;
    db->returns[at].instance = req->instance;
    db->returns[at].token = req->token;
    return db->returns[at].order = ++db->order;
}

void db_submit(struct sim *sim, struct req *req)
{
    struct db *db = &sim->db;

    req->order = order_of(db, req);
    for (int i = 0; i < RUNS; i++)
        req->gates[i] = db->runs[i].gate;
    if (req->kind == REQ_SETTLE && db->n_in_flight < QR_COUNT(db->in_flight))
        db->in_flight[db->n_in_flight++] = req;
    sim_at(sim, sim->now + rng_range(&sim->rng, 1, sim->profile.db_delay), arrives,
           &sim->coords[req->coord], req, 0, db_req_free);
}

void db_outage(struct sim *sim, int64_t ms)
{
    sim->faults.database_outages++;
    sim->db.down_until = sim->now + ms;
    sim->db.down_hangs = rng_chance(&sim->rng, 500);
    sim_trace(sim, "fault: database %s for %lld ms", sim->db.down_hangs ? "hangs" : "is down",
              (long long)ms);
}

void db_cut(struct sim *sim, int coord, int64_t ms)
{
    sim->faults.coordinators_cut++;
    sim->db.cut_until[coord] = sim->now + ms;
    sim_trace(sim, "fault: coord %d cannot reach the database for %lld ms", coord, (long long)ms);
}

bool db_is_up(const struct sim *sim, int coord)
{
    return sim->now >= sim->db.down_until && sim->now >= sim->db.cut_until[coord];
}

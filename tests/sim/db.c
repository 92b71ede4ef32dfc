/* The database: tables in memory, transactions one after another, each with its fences. A request
 * waits, then commits, fails, or ends unknown: committed or not, at once or later (a connection
 * that broke at COMMIT while the server went on). */
#include <stdlib.h>

#include "common/class.h"
#include "tests/sim/sim.h"

enum { RETRY_MS_MAX = 2000 }; /* delays of the real table, cut so that a run stays short */

/* ------------------------------------------------------------------ rows */

static bool is_final(const struct job *job) { return job->state >= JOB_DONE; }

struct job *db_job(struct sim *sim, uint64_t id)
{
    return id >= 1 && id <= sim->db.n_jobs ? &sim->db.jobs[id - 1] : NULL;
}

/* An unmarked element of an unfinished job. */
bool db_is_live(const struct sim *sim, uint64_t lease)
{
    const struct lease_row *row;

    if (lease == 0 || lease > sim->db.last_lease)
        return false;
    row = &sim->db.leases[lease];
    return !row->gone && !is_final(&sim->db.jobs[row->job - 1]);
}

/* Calls `each` for the live leases of a session; it may end them. */
static void each_live(struct sim *sim, uint64_t session,
                      void (*each)(struct sim *sim, uint64_t lease, struct req *req),
                      struct req *req)
{
    for (size_t i = 0; i < sim->db.n_jobs; i++)
        for (uint64_t lease = sim->db.jobs[i].newest; lease; lease = sim->db.leases[lease].before)
            if (sim->db.leases[lease].session == session && db_is_live(sim, lease))
                each(sim, lease, req);
}

/* Rule 10: cancel -> cancelled, pause -> paused, none -> `otherwise`. */
void db_end_lease(struct sim *sim, struct job *job, uint64_t lease, enum job_state otherwise)
{
    enum job_state state = job->stop == STOP_CANCEL  ? JOB_CANCELLED
                           : job->stop == STOP_PAUSE ? JOB_PAUSED
                                                     : otherwise;

    if (BROKEN(return_ignores_stop))
        state = otherwise;
    else
        job->stop = STOP_NONE;
    if (state == JOB_PAUSED && job->asked == STOP_NONE)
        sim_violation(sim, "resume_holds", "job %llu is paused, it had been resumed",
                      (unsigned long long)sim->db.leases[lease].job);
    job->current = 0;
    stage_set(sim, job, state);
}

static void give_back(struct sim *sim, uint64_t lease, struct req *req)
{
    struct lease_row *row = &sim->db.leases[lease];

    check_give_back(sim, lease, req);
    row->gone = !BROKEN(release_no_mark);
    db_end_lease(sim, db_job(sim, row->job), lease, JOB_READY);
    if (!BROKEN(slot_leak))
        limit_give(sim, lease);
    req->returned++;
}

static bool names(const struct req *req, uint64_t lease, bool spool_only)
{
    for (size_t i = 0; i < req->n; i++)
        if (req->items[i].lease == lease && (!spool_only || req->items[i].spooled))
            return true;
    return false;
}

static void keep(struct sim *sim, uint64_t lease, struct req *req)
{
    const struct lease_row *row = &sim->db.leases[lease];
    const struct job *job = db_job(sim, row->job);

    req->out = realloc(req->out, (req->n_out + 1) * sizeof *req->out);
    req->out[req->n_out++] = (struct item){.lease = lease,
                                           .job = row->job,
                                           .run = job->run,
                                           .type = job->type,
                                           .spooled = names(req, lease, true),
                                           .alone = row->alone,
                                           .part_bytes = job->n_parts,
                                           .checkpoint = job->checkpoint,
                                           .stop = stop_reason(sim, job)};
}

/* ------------------------------------------------------------------ Hello (rules 1 and 4) */

static void end_of_older(struct sim *sim, uint64_t lease, struct req *req)
{
    bool spooled = names(req, lease, true) && !BROKEN(end_returns_all);

    if (BROKEN(no_rebind))
        return;
    if (spooled)
        sim->db.leases[lease].session = req->pk;
    else
        give_back(sim, lease, req);
}

static void keep_or_return(struct sim *sim, uint64_t lease, struct req *req)
{
    if (names(req, lease, false) || BROKEN(hello_keeps_unnamed))
        keep(sim, lease, req);
    else
        give_back(sim, lease, req);
}

static uint64_t find_session(const struct sim *sim, const uint8_t *id)
{
    for (uint64_t pk = 1; pk <= sim->db.last_session; pk++)
        if (memcmp(sim->db.sessions[pk].id, id, QR_SESSION_BYTES) == 0)
            return pk;
    return 0;
}

/* The worker's session that has not ended; and the newest counter of all its sessions. */
static uint64_t newest_session(const struct sim *sim, const char *worker_id, uint64_t *ret_counter)
{
    uint64_t found = 0;

    *ret_counter = 0;
    for (uint64_t pk = 1; pk <= sim->db.last_session; pk++) {
        const struct session_row *row = &sim->db.sessions[pk];
        if (strcmp(row->worker_id, worker_id) != 0)
            continue;
        if (row->counter > *ret_counter)
            *ret_counter = row->counter;
        if (!row->ended)
            found = pk;
    }
    return found;
}

static uint64_t birth_of(const struct sim *sim, const uint8_t *session)
{
    uint64_t birth;

    (void)sim;
    memcpy(&birth, session, sizeof birth);
    return birth;
}

static void replace_older(struct sim *sim, struct req *req, uint64_t older)
{
    struct session_row *row = &sim->db.sessions[older];

    /* A twin may take over from its elder, a process never from the one that came after it in the
     * same spool folder. */
    if (row->worker == sim->db.sessions[req->pk].worker && row->birth > birth_of(sim, req->session))
        sim_violation(sim, "newer_process_wins", "session %llu ended the newer session %llu",
                      (unsigned long long)req->pk, (unsigned long long)older);
    row->ended = true;
    row->owner = 0;
    req->ended_pk = older;
    each_live(sim, older, end_of_older, req);
}

static void hello(struct sim *sim, struct req *req)
{
    uint64_t pk = find_session(sim, req->session), counter;
    uint64_t older = newest_session(sim, req->worker_id, &counter);
    struct session_row *row = &sim->db.sessions[pk];

    req->newest = counter;
    if (req->recover && (!pk || row->ended || row->owner != req->instance)) {
        req->status = QR_DB_FENCED;
        return;
    }
    if (pk && row->ended && !BROKEN(no_start_order)) {
        req->code = QR_HELLO_REPLACED;
        return;
    }
    if (!pk && req->counter <= counter && !BROKEN(no_start_order)) {
        req->code = QR_HELLO_LOWER_COUNTER;
        return;
    }
    if (pk && req->stream_number && req->stream_number <= row->stream_number &&
        !BROKEN(no_stream_number)) {
        req->code = QR_HELLO_OLDER_STREAM;
        return;
    }
    if (pk && req->stream_number && req->stream_number < row->stream_number)
        sim_violation(sim, "newest_stream_wins", "session %llu: Hello %llu comes after Hello %llu",
                      (unsigned long long)pk, (unsigned long long)req->stream_number,
                      (unsigned long long)row->stream_number);
    if (!pk) {
        pk = ++sim->db.last_session;
        row = &sim->db.sessions[pk];
        *row = (struct session_row){.counter = req->counter, .worker = req->worker};
        row->birth = birth_of(sim, req->session);
        memcpy(row->id, req->session, sizeof row->id);
        memcpy(row->worker_id, req->worker_id, sizeof row->worker_id);
    }
    req->pk = pk;
    if (older && older != pk)
        replace_older(sim, req, older);
    row->ended = false;
    row->owner = req->instance;
    if (req->stream_number > row->stream_number)
        row->stream_number = req->stream_number;
    req->answer_attach = ++row->attach;
    req->code = QR_HELLO_WELCOME;
    each_live(sim, pk, keep_or_return, req);
    if (!req->recover)
        suspect_mark(sim, req);
}

/* ------------------------------------------------------------------ claim, return */

static bool owner_matches(const struct sim *sim, const struct req *req)
{
    const struct session_row *row = &sim->db.sessions[req->session_pk];

    if (row->ended)
        return false;
    return row->owner == req->instance && (row->attach == req->attach || BROKEN(no_attach));
}

/* In the claim's own transaction (rule 10). */
static bool gate_is_open(const struct sim *sim, const struct req *req, int run)
{
    return (BROKEN(gate_snapshot) ? req->gates[run] : sim->db.runs[run].gate) == GATE_OPEN;
}

static void claim(struct sim *sim, struct req *req)
{
    struct db *db = &sim->db;

    if (!owner_matches(sim, req) &&
        !(BROKEN(no_claim_fence) && !db->sessions[req->session_pk].ended)) {
        req->status = QR_DB_FENCED;
        return;
    }
    for (size_t i = 0; i < db->n_jobs && req->n_out < req->want_total; i++) {
        struct job *job = &db->jobs[i];
        if (job->state == JOB_DELAYED && job->run_at <= sim->now)
            job->state = JOB_READY;
        if (job->state != JOB_READY || req->want[job->type] == 0 ||
            !gate_is_open(sim, req, job->run) || !limit_allows(sim, job))
            continue;
        if (db->last_lease + 1 >= LEASES_MAX) {
            sim_violation(sim, "work_gets_on", "%d leases, and jobs are left", LEASES_MAX);
            return;
        }
        check_claim(sim, job);
        req->want[job->type]--;
        db->leases[++db->last_lease] = (struct lease_row){
            .job = i + 1, .session = req->session_pk, .before = job->newest, .given_at = sim->now};
        db->leases[db->last_lease].claimed_by = req->session_pk;
        suspect_claim(sim, job, db->last_lease);
        job->newest = job->current = db->last_lease;
        job->state = JOB_LEASED;
        limit_take(sim, job, db->last_lease);
        keep(sim, db->last_lease, req);
    }
    req->dry = req->n_out < req->want_total;
}

/* What cancel_blind and slot_twice do where the lease is over. */
static void stop_blindly(struct sim *sim, uint64_t lease)
{
    struct job *job = lease ? db_job(sim, sim->db.leases[lease].job) : NULL;

    if (BROKEN(cancel_blind) && job && job->asked == STOP_CANCEL && job->state != JOB_CANCELLED)
        stage_set(sim, job, JOB_CANCELLED);
    if (BROKEN(slot_twice))
        limit_give(sim, lease);
}

static void take_back(struct sim *sim, struct req *req)
{
    if (!owner_matches(sim, req) && !BROKEN(no_owner_fence)) {
        req->status = QR_DB_FENCED;
        return;
    }
    for (size_t i = 0; i < req->n; i++) {
        uint64_t lease = req->items[i].lease;
        if (db_is_live(sim, lease) && sim->db.leases[lease].session == req->session_pk)
            give_back(sim, lease, req);
        else
            stop_blindly(sim, lease);
    }
}

/* ------------------------------------------------------------------ settle (rules 1, 14) */

bool db_settle_fence(const struct sim *sim, const struct req *req)
{
    const struct lease_row *row = &sim->db.leases[req->lease];

    if (req->lease == 0 || req->lease > sim->db.last_lease || row->job != req->job)
        return false;
    if (BROKEN(no_fence))
        return !is_final(&sim->db.jobs[row->job - 1]);
    if (BROKEN(no_cancel_fence) && sim->db.jobs[row->job - 1].state == JOB_CANCELLED)
        return sim->db.jobs[row->job - 1].newest == req->lease;
    return db_is_live(sim, req->lease) &&
           (row->session == req->session_pk || BROKEN(no_session_fence));
}

void db_write_rows(struct sim *sim, struct job *job, struct req *req)
{
    if (job->current != req->lease)
        sim_violation(sim, "nothing_stale",
                      "result of lease %llu is stored, job %llu is held by %llu",
                      (unsigned long long)req->lease, (unsigned long long)req->job,
                      (unsigned long long)job->current);
    job->rows++;
    job->rows_by = req->lease;
    req->rows_written = true;
    if (job->rows > 1)
        sim_violation(sim, "rows_once", "job %llu has its result rows twice",
                      (unsigned long long)req->job);
}

static void fail_job(struct sim *sim, struct job *job, struct req *req)
{
    int64_t delay = 0;
    bool again;

    if (job->current != req->lease)
        sim_violation(sim, "nothing_stale",
                      "failure of lease %llu counts, job %llu is held by %llu",
                      (unsigned long long)req->lease, (unsigned long long)req->job,
                      (unsigned long long)job->current);
    job->settled_lease = req->lease;
    sim->db.leases[req->lease].gone = !BROKEN(fail_no_mark);
    limit_give(sim, req->lease);
    again = qr_class_retry((enum qr_class)req->error_class, job->retries, false, req->job, &delay);
    if (req->error_class == QR_CLASS_CRASH) { /* rule 7: whatever the attempts before */
        again = suspect_retry(sim, job, req->lease);
        delay = qr_class_policy(QR_CLASS_CRASH)->base_ms;
        job->alone = true;
    }
    job->error_class = req->error_class;
    if (again) {
        job->retries++;
        job->run_at = sim->now + (delay > RETRY_MS_MAX ? RETRY_MS_MAX : delay);
        db_end_lease(sim, job, req->lease, JOB_DELAYED);
        keep_fail(sim, job, req);
        return;
    }
    job->current = 0;
    job->stop = STOP_NONE;
    stage_set(sim, job, JOB_FAILED);
    sim->jobs_failed++;
}

static void complete_job(struct sim *sim, struct job *job, struct req *req)
{
    db_write_rows(sim, job, req);
    if (req->found != job->children)
        sim_violation(sim, "found_stays", "lease %llu completes with %u jobs found, not %u",
                      (unsigned long long)req->lease, req->found, job->children);
    if (!BROKEN(parent_first))
        stage_add_children(sim, job, req->lease, req->found);
    stage_write(sim, job);
    keep_complete(sim, job, req);
    suspect_clear(job);
    job->current = 0;
    job->stop = STOP_NONE;
    job->settled_lease = req->lease;
    limit_give(sim, req->lease);
    stage_set(sim, job, JOB_DONE);
    if (BROKEN(parent_first))
        stage_add_children(sim, job, req->lease, req->found);
    sim->jobs_done++;
}

/* What some mutations do with a result whose lease is over. */
static void settle_unfenced(struct sim *sim, struct job *job, const struct req *req)
{
    if (job && BROKEN(child_unfenced) && !req->error_class)
        stage_add_children(sim, job, req->lease, req->found);
    if (job && BROKEN(close_unfenced) && job->settled_lease != req->lease)
        sim->db.runs[job->run].stages[job->stage].open--;
    if (BROKEN(slot_twice))
        limit_give(sim, req->lease);
}

static void settle(struct sim *sim, struct req *req)
{
    struct job *job = db_job(sim, req->job);

    if (!db_settle_fence(sim, req)) {
        bool replay = job && job->settled_lease == req->lease && !BROKEN(no_settled_id);
        req->code = replay ? QR_ACK_DUPLICATE : QR_ACK_STALE;
        settle_unfenced(sim, job, req);
        return;
    }
    if (req->error_class)
        fail_job(sim, job, req);
    else
        complete_job(sim, job, req);
    req->code = QR_ACK_COMMITTED;
}

/* ------------------------------------------------------------------ the rest */

static bool holds_a_lease(const struct sim *sim, uint64_t session)
{
    for (size_t i = 0; i < sim->db.n_jobs; i++)
        for (uint64_t lease = sim->db.jobs[i].newest; lease; lease = sim->db.leases[lease].before)
            if (sim->db.leases[lease].session == session && db_is_live(sim, lease))
                return true;
    return false;
}

static void end_session(struct sim *sim, struct req *req)
{
    if (owner_matches(sim, req) && !holds_a_lease(sim, req->session_pk))
        sim->db.sessions[req->session_pk].ended = true;
}

static void adopted_keep(struct sim *sim, uint64_t lease, struct req *req)
{
    keep(sim, lease, req);
}

void db_adopt(struct sim *sim, struct coord *coord, uint64_t instance, bool reap)
{
    for (uint64_t pk = 1; pk <= sim->db.last_session; pk++) {
        struct session_row *row = &sim->db.sessions[pk];
        struct req *req;
        if (row->ended || row->owner != instance)
            continue;
        req = calloc(1, sizeof *req);
        req->kind = REQ_KINDS;
        req->coord = coord->index;
        req->instance = coord->instance;
        req->pk = pk;
        row->owner = coord->instance;
        req->answer_attach = ++row->attach;
        memcpy(req->session, row->id, sizeof req->session);
        memcpy(req->worker_id, row->worker_id, sizeof req->worker_id);
        each_live(sim, pk, reap ? give_back : adopted_keep, req);
        sim_trace(sim, "db: session %llu adopted by instance %llu, attach %llu, %zu leases",
                  (unsigned long long)pk, (unsigned long long)coord->instance,
                  (unsigned long long)row->attach, req->n_out);
        coord_reply(sim, coord, req);
    }
    check_transaction(sim);
}

void db_execute(struct sim *sim, struct req *req)
{
    req->status = QR_DB_DONE;
    switch (req->kind) {
    case REQ_HELLO:
        hello(sim, req);
        break;
    case REQ_CLAIM:
        claim(sim, req);
        break;
    case REQ_RETURN:
        take_back(sim, req);
        break;
    case REQ_SETTLE:
        settle(sim, req);
        break;
    case REQ_CHECKPOINT:
        keep_store(sim, req);
        break;
    case REQ_RENEW:
        sim->db.renewals[req->instance]++;
        sim->db.renewed_at[req->instance] = sim->now;
        break;
    case REQ_END_SESSION:
        end_session(sim, req);
        break;
    case REQ_POLL:
    case REQ_KINDS:
        break;
    }
    sim_trace(sim,
              "db: %s instance %llu session %llu attach %llu lease %llu: status %d code %d, %llu "
              "returned, %zu out",
              (const char *[]){"hello", "claim", "return", "settle", "checkpoint", "renew",
                               "end_session", "poll"}[req->kind],
              (unsigned long long)req->instance,
              (unsigned long long)(req->kind == REQ_HELLO ? req->pk : req->session_pk),
              (unsigned long long)(req->kind == REQ_HELLO ? req->answer_attach : req->attach),
              (unsigned long long)(req->n ? req->items[0].lease : req->lease), (int)req->status,
              req->code, (unsigned long long)req->returned, req->n_out);
    check_transaction(sim);
}

void db_init(struct sim *sim)
{
    stage_init(sim);
    sim->db.leases = calloc(LEASES_MAX, sizeof *sim->db.leases);
    sim->db.sessions = calloc(SESSIONS_MAX, sizeof *sim->db.sessions);
}

void db_done(struct sim *sim)
{
    free(sim->db.leases);
    free(sim->db.sessions);
}

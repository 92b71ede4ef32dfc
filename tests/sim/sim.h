/* tests/sim/sim.h
 *
 * A whole fleet in one thread and in virtual time: coordinators around the production engine, small
 * faithful workers, streams that break, and a database with real transactions that fail, hang or
 * end unknown. Everything that happens is an event in one queue, every chance comes from one seed.
 *
 *     world   time, events, the story of a run (trouble, then peace, then the last check)
 *     net     streams: delay, break, loss, doubles, late frames
 *     coord   one coordinator: inbox, turns, stalls, crashes, adoption; owns an engine
 *     port, input  what its engine asks for; what it is told
 *     tables  the rows of the database
 *     db      its transactions and fences (rules 1, 2, 4, 14)
 *     stage   runs: counters, triggers, jobs that find jobs
 *     stop    pause, resume, cancel, retry (rule 10); what a coordinator's poll finds
 *     limit   slots of a limited job type (rule 8)
 *     keep    finished pages of long jobs: in the worker, in the database (rule 1)
 *     suspect who is marked and convicted when workers die (rule 7)
 *     operator  who asks for all that
 *     lane    the way there and back: waits, failures, unknown ends
 *     worker  the other side of the protocol: slots, credits, spool, resend, restart
 *     check   invariants
 *
 * Design: docs/engine.md "The simulation".
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base.h"
#include "coordinator/engine/engine.h"
#include "tests/sim/rng.h"

enum {
    TTL_MS = 8000,
    TYPES = 2, /* job types 1 and 2 */
    WORKERS_MAX = 6,
    COORDS = 2,
    JOBS_MAX = 600,
    LEASES_MAX = 40000,
    SESSIONS_MAX = 2000,
    STREAMS_MAX = 6000,
    HELD_MAX = 512, /* of one worker: running and spooled */
    RUNS = 3,       /* the first is for the last check, never closed */
    EPOCHS_MAX = 64,
    PAGES_MAX = 32, /* of a long job; bugs may double some */
};

/* ---- rules taken out: in the database, the worker or the world; those of the engine are in
 *      coordinator/engine/mutation.h */
#define SIM_MUTATION_MAP(X)                                                        \
    X(no_fence, "a settle checks only that the job is not completed")              \
    X(no_session_fence, "a settle does not check the session")                     \
    X(split_txn, "result rows commit before, and apart from, the job's state")     \
    X(no_settled_id, "the job does not remember which lease settled it")           \
    X(no_owner_fence, "a take-back does not check the owner")                      \
    X(no_attach, "owner alone is checked, no attach number")                       \
    X(no_claim_fence, "a claim does not check the owner")                          \
    X(hello_keeps_unnamed, "a Hello returns nothing")                              \
    X(no_rebind, "leases of the ended session do not follow the spool")            \
    X(end_returns_all, "a new session ends all leases of the old one, spool too")  \
    X(no_start_order, "any unknown session replaces the worker's newest")          \
    X(release_no_mark, "a take-back does not mark the batch row")                  \
    X(fail_no_mark, "a retryable failure does not mark the batch row")             \
    X(beat_no_spool, "a beat does not name results in the spool")                  \
    X(no_resend, "a result without an Ack is not sent again")                      \
    X(drop_spool, "a Sync removes a spool entry")                                  \
    X(ack_before_commit, "the database says COMMITTED before it has committed")    \
    X(timers_first, "after a stall timers run before the frames that waited")      \
    X(row_age, "a peer is dead when its row is old, watched or not")               \
    X(reap_at_once, "adopted sessions are reaped without another ttl")             \
    X(no_stream_number, "a Hello read late takes the session from a newer stream") \
    X(return_ignores_stop, "the end of a lease does not look at stop_requested")   \
    X(stop_memory, "a stop is told to the engine, and not stored")                 \
    X(no_cancel_fence, "a result counts after its job was cancelled")              \
    X(cancel_blind, "what stops a job does not check the lease")                   \
    X(gate_snapshot, "a claim reads the run's gate before its transaction")        \
    X(resume_keeps_stop, "resume leaves stop_requested as it is")                  \
    X(trigger_separate, "the next stage is begun in a transaction of its own")     \
    X(parent_first, "a job is subtracted before what it found is added")           \
    X(child_unfenced, "what a job found is added though its lease is over")        \
    X(found_not_spooled, "the spool keeps a result without the jobs it found")     \
    X(count_blind, "the counter grows by rows sent, not by rows inserted")         \
    X(close_unfenced, "a result of a lease that is over is subtracted too")        \
    X(no_epoch, "a stage that reopens keeps its epoch")                            \
    X(link_epoch, "the next stage reopens with the epoch it had")                  \
    X(early_counts, "a stage begun early uses up the trigger")                     \
    X(old_epoch_writes, "a superseded stage job writes")                           \
    X(slot_twice, "a slot is given back whenever its lease is spoken of")          \
    X(slot_leak, "a take-back keeps the slot of its lease")                        \
    X(part_unfenced, "a checkpoint counts though its lease is over")               \
    X(part_any_number, "a checkpoint counts whatever its number")                  \
    X(anew_keeps, "work begun anew leaves the parts before it")                    \
    X(result_is_rest, "a result lacks what the parts had")                         \
    X(not_alone, "a suspect is given out like any other job")                      \
    X(alone_beside, "a worker runs others beside what is to run alone")            \
    X(convict_beside, "two marks convict, whatever ran beside it")                 \
    X(convict_held, "a suspect is convicted though somebody else holds it")        \
    X(mark_again, "a Hello that comes again marks its starts again")               \
    X(starts_forgotten, "a worker does not say what an earlier life had started")

enum sim_mutation {
    SIM_MUTATION_none,
#define SIM_MUTATION_ENUM(name, text) SIM_MUTATION_##name,
    SIM_MUTATION_MAP(SIM_MUTATION_ENUM)
#undef SIM_MUTATION_ENUM
};
extern enum sim_mutation sim_mutation;
#define BROKEN(name) (sim_mutation == SIM_MUTATION_##name)

/* ---- what can go wrong, counted */
/* clang-format off */
#define SIM_FAULT_MAP(X) \
    X(stream_breaks) \
    X(frames_lost) \
    X(frames_doubled) \
    X(frames_late) \
    X(worker_crashes) \
    X(worker_twins) \
    X(worker_poisonings) \
    X(worker_stalls) \
    X(coordinator_crashes) \
    X(coordinator_stalls) \
    X(coordinator_stops) \
    X(worker_drains) \
    X(database_outages) \
    X(requests_failed) \
    X(requests_slow) \
    X(coordinators_cut) \
    X(requests_unknown) \
    X(unknown_committed) \
    X(unknown_late)
/* clang-format on */

struct sim_faults {
#define SIM_FAULT_FIELD(name) uint64_t name;
    SIM_FAULT_MAP(SIM_FAULT_FIELD)
#undef SIM_FAULT_FIELD
};

/* ---- frames, both ways */
enum frame_kind {
    UP_HELLO,
    UP_CREDITS,
    UP_ACCEPT,
    UP_DECLINE,
    UP_BEAT,
    UP_RELEASE,
    UP_RESULT,
    UP_CHECKPOINT,
    UP_GOODBYE,
    DOWN_WELCOME,
    DOWN_OFFER,
    DOWN_SYNC,
    DOWN_ACK,
    DOWN_CHECKPOINT_ACK,
    DOWN_STOP,
    DOWN_DRAIN,
    DOWN_RESTARTING,
    DOWN_END,
};

struct item {
    uint64_t lease, job;
    qr_type_id type;
    bool spooled, earlier, alone;
    uint8_t run, part_bytes; /* offer: what is kept of it */
    uint32_t checkpoint;
    enum qr_stop_reason stop;
    int code;       /* Ack code, or error class of a result */
    uint32_t found; /* result: jobs it brings */
    uint64_t started_ms_ago;
    uint32_t permille;
    enum qr_phase phase;
};

struct frame {
    enum frame_kind kind;
    uint64_t seq;
    uint64_t a, b; /* seen; start counter and stream number; reason and newest counter */
    uint8_t session[QR_SESSION_BYTES];
    uint64_t received[TYPES + 1], received_total;
    uint64_t credit[TYPES + 1], credit_total;
    uint8_t n_pages, pages[PAGES_MAX]; /* of a result, of a checkpoint's part */
    size_t n;
    struct item items[];
};
struct frame *frame_new(enum frame_kind kind, size_t n);

/* ---- streams */
struct stream {
    uint64_t id;
    int worker, coord;
    uint64_t life, instance; /* of the worker's process, of the coordinator */
    bool cut;                /* nothing passes any more, except up_cut frames on their way up */
    bool left;               /* the worker does not listen any more */
    bool closed;             /* the coordinator knows */
    int64_t up_at, down_at;  /* when the last frame arrives */
    uint64_t up_cut;
    int64_t late_at;
};

#include "tests/sim/tables.h"

/* ---- workers: one struct is one spool folder; its processes come and go */
struct held {
    uint64_t lease, job;
    qr_type_id type;
    bool spooled;
    /* running or queued */
    bool started, alone;
    struct {                 /* of a long job */
        uint64_t checkpoint; /* the newest that stands */
        uint8_t part_bytes, n, pages[PAGES_MAX];
        uint8_t kept, out;   /* of the pages: stand, are with the coordinator */
        bool anew, given_up; /* the next checkpoint voids what stands */
        int64_t page_ms, due;
    } keep;
    int64_t started_at, finish_at; /* INT64_MAX: it hangs */
    /* spooled */
    int error_class;
    uint32_t found;  /* jobs that it found, kept with its result */
    int64_t send_at; /* when it is sent (again) */
};

struct worker {
    int index;
    char id[16];
    bool exists, alive, stopped; /* stopped: ended by a newer process, for good */
    bool twin;
    uint64_t life;    /* counts processes; old events are void */
    uint64_t counter; /* durable */
    uint8_t session[QR_SESSION_BYTES];
    uint64_t birth;
    bool types[TYPES + 1];
    uint32_t slots, window, used, running;
    uint64_t credit[TYPES + 1], credit_total, received[TYPES + 1], received_total;
    struct held held[HELD_MAX];
    size_t n_held;
    bool alone_running;
    struct {
        uint64_t lease, job;
    } earlier[HELD_MAX]; /* durable: started by earlier lives, and no Welcome since */
    size_t n_earlier;
    bool deaf; /* leaves Stops to the fence */
    struct stream *stream;
    bool welcomed, ever_welcomed, draining;
    int target;
    uint64_t seen;
    int64_t answer_at, stalled_until;
    uint64_t beats_sent, syncs_seen, hellos_sent;
    struct {
        uint64_t beat, lease;
    } named[HELD_MAX * 2];
    size_t n_named;
    struct frame **backlog; /* frames that came while it was stalled */
    size_t n_backlog, cap_backlog;
};

/* ---- what a poll finds stopped */
struct stops {
    size_t n_jobs, n_runs;
    struct qr_job_stop jobs[JOBS_MAX];
    struct qr_run_stop runs[RUNS];
};

/* ---- coordinators */
struct input;
struct coord;
struct sim;
struct port { /* what the engine's port gets back */
    struct sim *sim;
    struct coord *coord;
};
struct coord {
    int index;
    struct port port;
    bool alive;
    uint64_t instance;
    struct qr_engine *engine;
    int64_t stalled_until, turn_at;
    uint64_t turn; /* number of the turn that is planned; older ones are void */
    struct input *first, *last;
    int64_t trouble_at; /* of the watch over its peers */
    uint64_t watch_count[COORDS * 200];
    int64_t watch_since[COORDS * 200];
    struct qr_engine_stats stats; /* of earlier lives, summed */
};

/* ---- events */
typedef void (*event_fn)(struct sim *sim, void *object, void *arg, uint64_t n);
struct event {
    int64_t at;
    uint64_t order;
    event_fn run;
    void *object, *arg;
    uint64_t n;
    void (*drop)(void *arg);
};

struct profile {
    bool calm; /* no breaks, crashes, loss: a healthy worker must keep its leases */
    uint32_t coords, workers;
    uint32_t breaks, loss, doubles, crashes, coord_crashes, stalls, cuts,
        outages;                                  /* per mille and tick */
    uint32_t fails, unknowns, slows;              /* per mille and request */
    uint32_t declines, releases, failures, hangs; /* per mille and lease */
    uint32_t drains, stops;                       /* per mille and tick */
    uint32_t requests, run_requests;              /* of the operator, per mille and tick */
    uint32_t limit;                               /* slots of job type 2; 0: no limit */
    uint32_t longs, poison;                       /* per mille and job */
    bool twin;
    int64_t net_delay, db_delay, trouble_ms, job_ms;
};

struct sim {
    uint64_t seed, steps, max_steps;
    int64_t now, end_of_trouble;
    bool trace, peace, filling, over;
    struct rng rng,
        own; /* own: of what only some seeds have, so that the others stay as they are */
    struct profile profile;
    struct event *events; /* a heap */
    size_t n_events, cap_events;
    uint64_t order, last_instance, births;
    struct stream *streams;
    uint64_t n_streams;
    struct worker workers[WORKERS_MAX];
    struct coord coords[COORDS];
    struct db db;
    struct sim_faults faults;
    struct qr_engine_stats stats;
    uint64_t full; /* workers seen full in the last check, as bits */
    int64_t fill_from;
    uint64_t jobs_done, jobs_failed, starts;
    uint64_t progress; /* in peace: jobs ended, and since when no more did */
    int64_t progress_at;
    bool failed;
    char why[240];
};

/* world.c */
bool sim_run(struct sim *sim, uint64_t seed, uint64_t max_steps, bool trace);
void sim_free(struct sim *sim);
void sim_at(struct sim *sim, int64_t at, event_fn run, void *object, void *arg, uint64_t n,
            void (*drop)(void *));
void sim_trace(struct sim *sim, const char *fmt, ...) QR_PRINTF(2, 3);
/** An invariant does not hold; the first one counts. */
void sim_violation(struct sim *sim, const char *invariant, const char *fmt, ...) QR_PRINTF(3, 4);

/* net.c */
struct stream *net_connect(struct sim *sim, struct worker *worker, struct coord *coord);
void net_up(struct sim *sim, struct stream *stream, struct frame *frame);
void net_down(struct sim *sim, struct stream *stream, struct frame *frame);
/** The network breaks it: both sides hear of it later. */
void net_break(struct sim *sim, struct stream *stream);
/** The worker leaves it: the coordinator hears of it later. */
void net_leave(struct sim *sim, struct stream *stream);
struct stream *net_find(struct sim *sim, uint64_t id);

/* coord.c */
void coord_start(struct sim *sim, struct coord *coord);
void coord_crash(struct sim *sim, struct coord *coord);
void coord_shutdown(struct sim *sim, struct coord *coord);
void coord_drain(struct sim *sim, struct coord *coord, struct worker *worker);
void coord_stall(struct sim *sim, struct coord *coord, int64_t ms);
void coord_frame(struct sim *sim, struct coord *coord, struct stream *stream, struct frame *frame);
void coord_open(struct sim *sim, struct coord *coord, struct stream *stream);
void coord_closed(struct sim *sim, struct coord *coord, struct stream *stream);
void coord_reply(struct sim *sim, struct coord *coord, struct req *req);
/** What is stopped is read now, and told when the coordinator takes its turn. */
void coord_poll_stops(struct sim *sim, struct coord *coord);
void coord_work_available(struct sim *sim, struct coord *coord);
void coord_add_stats(struct coord *coord, struct qr_engine_stats *sum);
void coord_done(struct coord *coord);

/* port.c, input.c */
struct qr_engine_port port_of(struct sim *sim, struct coord *coord);
void input_frame(struct sim *sim, struct coord *coord, struct stream *stream,
                 const struct frame *frame);
void input_stops(struct coord *coord, const struct stops *stops);
void input_reply(struct sim *sim, struct coord *coord, struct req *req);

/* db.c */
void db_init(struct sim *sim);
void db_done(struct sim *sim);
struct job *db_job(struct sim *sim, uint64_t id);
bool db_settle_fence(const struct sim *sim, const struct req *req);
void db_write_rows(struct sim *sim, struct job *job, struct req *req);
/** One transaction. */
void db_execute(struct sim *sim, struct req *req);

/** Its lease ends without a completed result: where stop_requested says, or to `otherwise`. */
void db_end_lease(struct sim *sim, struct job *job, uint64_t lease, enum job_state otherwise);

/* stage.c */
void stage_init(struct sim *sim);
/** The one way to change a job's state: its stage's counter moves with it. */
void stage_set(struct sim *sim, struct job *job, enum job_state state);
/** A new job, unless the run has one of this uri (0: it has none of its own). */
void stage_add_job(struct sim *sim, int run, const struct job *job);
/** What a result of `job` found; before the job itself closes. */
void stage_add_children(struct sim *sim, const struct job *job, uint64_t lease, uint32_t n);
/** A stage job's result is stored, unless a newer epoch supersedes it. */
void stage_write(struct sim *sim, const struct job *job);
void stage_finish_adding(struct sim *sim, int run);
void stage_begin_early(struct sim *sim, int run);

/* stop.c: transactions of their own */
void stop_job(struct sim *sim, uint64_t job, enum stop stop);
void stop_resume(struct sim *sim, uint64_t job);
void stop_retry(struct sim *sim, uint64_t job);
void stop_gate(struct sim *sim, int run, enum gate gate);
/** What is stopped now; free() it. */
struct stops *stop_list(const struct sim *sim);
/** What a lease of this job is to do, by the job or by its run's gate. */
enum qr_stop_reason stop_reason(const struct sim *sim, const struct job *job);
/** Close what a cancelled run still has pending. */
void stop_sweep(struct sim *sim);

/* limit.c */
bool limit_allows(const struct sim *sim, const struct job *job);
void limit_take(struct sim *sim, const struct job *job, uint64_t lease);
void limit_give(struct sim *sim, uint64_t lease);
void limit_check(struct sim *sim);

/* keep.c */
void keep_begin(struct sim *sim, struct worker *worker, struct held *held, int64_t takes);
void keep_ack(struct sim *sim, struct worker *worker, const struct frame *frame);
/** On a new stream: what was not answered. */
void keep_send_all(struct sim *sim, struct worker *worker);
/** It is done: all pages, to the result. */
void keep_finish(struct sim *sim, struct held *held);
/** In the database: a checkpoint, and what becomes of the parts when a result or failure counts. */
void keep_store(struct sim *sim, struct req *req);
void keep_complete(struct sim *sim, struct job *job, const struct req *req);
void keep_fail(struct sim *sim, struct job *job, const struct req *req);

/* suspect.c */
/** What an earlier life of the worker had started; in the Hello's transaction, after its leases. */
void suspect_mark(struct sim *sim, struct req *req);
void suspect_claim(struct sim *sim, struct job *job, uint64_t lease);
/** A crash: once more, alone. */
bool suspect_retry(const struct sim *sim, const struct job *job, uint64_t lease);
void suspect_clear(struct job *job);
/** A poison job has run: its worker dies. */
void suspect_kills(struct sim *sim, struct worker *worker, struct job *job);
/** The process dies: what ran in it is on disk for its next life to tell. */
void suspect_died(struct sim *sim, struct worker *worker);

/* operator.c */
void operator_trouble(struct sim *sim);
/** In peace: resumes and retries until everything can end. */
void operator_peace(struct sim *sim);

/* lane.c */
void db_submit(struct sim *sim, struct req *req);
void db_outage(struct sim *sim, int64_t ms);
void db_forget_in_flight(struct sim *sim, const struct req *req);
void db_cut(struct sim *sim, int coord, int64_t ms);
bool db_is_up(const struct sim *sim, int coord);
bool db_is_live(const struct sim *sim, uint64_t lease);
/** Adopt the sessions of a dead instance for `coord`; each comes as a req with kept leases. */
void db_adopt(struct sim *sim, struct coord *coord, uint64_t instance, bool reap);
void db_req_free(void *req);

/* worker.c */
void worker_start(struct sim *sim, struct worker *worker);
/** Back within so many ms. */
void worker_crash(struct sim *sim, struct worker *worker, int64_t back_ms);
void worker_frame(struct sim *sim, struct worker *worker, struct stream *stream,
                  struct frame *frame);
void worker_lost(struct sim *sim, struct worker *worker, struct stream *stream);
bool worker_has(const struct worker *worker, uint64_t lease);
void worker_done(struct worker *worker);

/* check.c */
void check_transaction(struct sim *sim);
void check_claim(struct sim *sim, const struct job *job);
void check_times(struct sim *sim);
void check_give_back(struct sim *sim, uint64_t lease, const struct req *req);
void check_offer(struct sim *sim, const struct coord *coord, uint64_t lease);
void check_drop(struct sim *sim, const struct worker *worker, uint64_t lease);
void check_ack(struct sim *sim, struct worker *worker, uint64_t lease, int code);
bool check_is_finished(const struct sim *sim);
void check_end(struct sim *sim);

/* check_run.c */
void check_runs(struct sim *sim);
void check_runs_end(struct sim *sim);

/* coordinator/db/impl.h
 *
 * What the files behind db.h share. Inside coordinator/db/ only.
 *
 * Lock order within the database, for every transaction: workers and sessions (advisory locks,
 * sorted), the gate of a run (advisory), runs FOR SHARE (claims, enqueue, retry), keys, jobs by id,
 * batch rows, files by id, stage counters by run, and last, where a counter reaches zero, the run's
 * row.
 * docs/database.md "Locks".
 */
#pragma once
#include <stdatomic.h>

#include "common/uri.h"
#include "coordinator/db/db.h"
#include "coordinator/db/lane.h"

enum { QR_EPOCH_BYTES = 16, QR_BATCH_MAX = 256, QR_EVENT_IDS_MAX = 512 };

struct qr_db_watch; /* control.c */

enum { QR_HOT_SHARE = 3 }; /* a hot lane's statements may take the configured time divided by it */
enum { QR_FLOORS_MAX = 256, QR_SLOW_MAX = 16, QR_BLOCKED_MAX = 256 };

/* A result that the database did not store in time (settle_slow.c). */
struct qr_slow {
    uint64_t lease_id; /* 0: free */
    int tries;
    unsigned long long renewals; /* of this coordinator, at the last try */
};

/* Where the head of a queue was last seen (claim_floor.c). */
struct qr_floor {
    int32_t queue_id, rank;
    int64_t job_id;
    qr_type_id type;
    char root[QR_ROOT_NAME_MAX + 1];
    int64_t checked_ms; /* when a look that began at the queue's first entry was had; 0: never */
    unsigned long long seen; /* announcements, as of then */
    bool used;               /* by the look under way */
};

/* How far the sweep of a cancelled run has come; lost with the process, begun again from the start.
 */
struct qr_sweep {
    int64_t run_id;
    int32_t queue_id, rank;
    int64_t job_id;     /* behind these in ready */
    int64_t after_file; /* of the walk for paused jobs */
};

/* A limit that lets nothing through for a while (claim_limit.c). */
struct qr_blocked {
    int32_t limit_id;
    bool by_rate;   /* until there is a token; otherwise until a place is free */
    uint64_t types; /* of the jobs that wait behind it */
    int64_t until_ms;
    double next_ms, gap_ms; /* when the next one who asks should come back */
    unsigned long long freed_seen;
};

struct qr_db {
    struct qr_db_config config; /* strings owned */
    struct qr_db_events events;
    atomic_ullong coordinator_id;
    uint8_t epoch[QR_EPOCH_BYTES];
    struct qr_lane lanes[QR_DB_STATS_COUNT];
    struct qr_db_watch *watch; /* of the control lane's thread */
    atomic_bool announce;      /* others should hear that there is work */
    atomic_bool has_peers;     /* somebody to tell */
    atomic_bool tell;          /* the control lane has to be woken for that */
    atomic_uint claims;        /* that wait or run */
    atomic_ullong freed;       /* how often places under a full limit were given back */
    atomic_ullong halted;      /* runs that paused themselves */
    atomic_ullong swept;       /* places found held by no lease */
    atomic_ullong announced;   /* how often there was: rows may have come below a floor */
    atomic_bool stopped;
    atomic_bool replaced;      /* by a restored one: nothing more is asked of it */
    atomic_ullong renewals;    /* own row, as often as it could be renewed */
    pthread_mutex_t slow_lock; /* guards slow[] */
    struct qr_slow slow[QR_SLOW_MAX];
    atomic_uint n_slow; /* in use */
    atomic_uint bulk;   /* pieces of QR_DB_LANE_BULK that wait or run */
    atomic_bool guest;  /* one of them is with the batch lane */
    atomic_uint n_long; /* pieces of QR_DB_LANE_LONG, and the stage under way */
    /* maintenance lane's thread only */
    int64_t close_after_session, close_after_lease;
    int64_t next_close_ms;
    int64_t next_clean_ms, next_expire_ms;
    struct qr_sweep sweep;
    int64_t next_budget_ms;
    int64_t next_sweep_ms;
    /* claim lane's thread only */
    struct qr_floor floors[QR_FLOORS_MAX];
    size_t n_floors;
    int64_t looked_ms;    /* when the last look without some of them was had */
    int64_t look_ms;      /* what it took */
    int64_t next_ends_ms; /* when queues without a head may be asked for again */
    bool found_last;      /* the last claim came to the end of the work */
    struct qr_blocked blocked[QR_BLOCKED_MAX];
    size_t n_blocked;
    unsigned long long freed_now; /* `freed`, as of this claim's begin */
};

/* Requests on their way. Each run function answers and frees what it is given. */
void qr_claim_run(void *ctx, struct qr_lane *lane, struct qr_conn *conn, struct qr_item *list,
                  size_t n);
void qr_settle_run(void *ctx, struct qr_lane *lane, struct qr_conn *conn, struct qr_item *list,
                   size_t n);
void qr_session_run(void *ctx, struct qr_lane *lane, struct qr_conn *conn, struct qr_item *list,
                    size_t n);
void qr_control_run(void *ctx, struct qr_lane *lane, struct qr_conn *conn, struct qr_item *list,
                    size_t n);
void qr_control_tick(void *ctx, struct qr_lane *lane, struct qr_conn *conn);
void qr_maintain_run(void *ctx, struct qr_lane *lane, struct qr_conn *conn, struct qr_item *list,
                     size_t n);
void qr_maintain_tick(void *ctx, struct qr_lane *lane, struct qr_conn *conn);
/** budget.c: merges learned budgets when it is time. */
QR_MUST_CHECK int qr_budget_tick(struct qr_db *db, struct qr_conn *conn, int64_t now_ms,
                                 struct qr_err *err);
void qr_stage_tick(void *ctx, struct qr_lane *lane, struct qr_conn *conn);
void qr_work_run(void *ctx, struct qr_lane *lane, struct qr_conn *conn, struct qr_item *list,
                 size_t n);

QR_MUST_CHECK int qr_control_init(struct qr_db *db, struct qr_err *err);
void qr_control_done(struct qr_db *db);

/** On a connection that was just opened: does it lead to the database this coordinator knows? */
QR_MUST_CHECK int qr_db_check_epoch(struct qr_db *db, struct qr_conn *conn, struct qr_err *err);
/** It does not: from now on nothing is asked of it. Returns the error. */
int qr_db_found_replaced(struct qr_db *db, struct qr_err *err);

/** There is work of a type: tell the engine here, and coordinators elsewhere soon. */
void qr_db_announce(const struct qr_db *db, qr_type_id type);
/** Wake the control lane if others are to be told. Claims here go first: whoever has just begun one
 * would share processors and log with the NOTIFY. */
void qr_db_tell(struct qr_db *db);

/* ---- pieces that several transactions use */

/** The advisory lock of a session; of a worker's name; of a run's gate. */
int64_t qr_lock_key_session(uint64_t session_pk);
int64_t qr_lock_key_worker(const char *worker_id);
int64_t qr_lock_key_gate(int64_t run_id);

/** Lock exclusively, in sorted order (sorts `keys`). */
QR_MUST_CHECK int qr_lock_exclusive(struct qr_conn *conn, int64_t *keys, size_t n,
                                    struct qr_err *err);
/** Sort and make unique; the new length. */
size_t qr_sort_unique(int64_t *keys, size_t n);

/* Changes of one run's counters (sql/stage_change.sql). */
struct qr_stage_change {
    int64_t run_id;
    int64_t open, total, completed, failed, paused, cancelled, empty, partial, retries,
        infra_losses;
    int64_t faults;               /* of `failed`: not the file's own fault */
    int64_t found, found_refused; /* jobs that others found; of `total`, and not added */
};
/* A few runs' changes, found by run. */
struct qr_stage_changes {
    struct qr_stage_change *list;
    size_t n, cap;
    int64_t halts; /* a run of which too many jobs fail, as they were applied; 0 none */
};
/** The run's entry, made when missing; NULL when out of memory. Valid until the next call. */
struct qr_stage_change *qr_stage_of(struct qr_stage_changes *changes, int64_t run_id);
/** Apply all, by run. Last in its transaction. */
QR_MUST_CHECK int qr_stage_apply(struct qr_conn *conn, struct qr_stage_changes *changes,
                                 struct qr_err *err);
/** The transaction has committed: a run whose jobs fail too often pauses itself, in a transaction
 * of its own. */
void qr_stage_halt(struct qr_db *db, struct qr_conn *conn, struct qr_stage_changes *changes);
void qr_stage_done(struct qr_stage_changes *changes);

/** Rows of control_end or sweep_end (run, status before, how many) to counters. lifecycle.c */
QR_MUST_CHECK int qr_control_count_ended(const PGresult *rows, bool cancelled,
                                         struct qr_stage_changes *changes, struct qr_err *err);

/** sweep.c: one bounded piece of closing the jobs of cancelled runs; on the maintenance lane. */
QR_MUST_CHECK int qr_sweep_tick(struct qr_db *db, struct qr_conn *conn, struct qr_err *err);

/** stops.c: reads what is stopped and tells the engine; on the control lane. */
QR_MUST_CHECK int qr_stops_poll(struct qr_db *db, struct qr_conn *conn, struct qr_err *err);

/* Release: leases of one session end without a result (sql/release.sql). */
struct qr_release {
    uint64_t session_pk;
    const struct qr_lease_ref *leases;
    size_t n;
    bool infra_loss; /* counts as one */
    const char *event, *detail;
    const void *checkpoint;
    size_t checkpoint_len;
    int64_t delay_ms; /* 0: claimable at once */
};
/** In a transaction that holds the session's exclusive lock. ret_types: bit per type id that has
 * work again. */
QR_MUST_CHECK int qr_release_leases(struct qr_conn *conn, const struct qr_release *release,
                                    struct qr_stage_changes *changes, uint64_t *ret_returned,
                                    uint64_t *types, struct qr_err *err);
void qr_announce_types(const struct qr_db *db, uint64_t types);

/** Run `body` in a transaction, again (three times in all) when it met a deadlock or a lock
 * time-out. `piped`: the body sends `begin` and `commit` itself, as first and last of its
 * pipelines. `ret_status`: DONE, FAILED or UNKNOWN. conn may be NULL: FAILED. */
typedef int (*qr_body_fn)(struct qr_conn *conn, void *arg, struct qr_err *err);
QR_MUST_CHECK int qr_transaction(struct qr_conn *conn, bool piped, qr_body_fn body, void *arg,
                                 enum qr_db_status *ret_status, struct qr_err *err);

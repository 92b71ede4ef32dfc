/* coordinator/db/db.h
 *
 * The database side of a coordinator: a fixed number of lanes between the engine and PostgreSQL.
 *
 * A lane is a thread with one connection. It takes everything that waits in its queue, executes it
 * as one transaction and completes each request; what arrives together travels together (rule 9).
 * No function here blocks on the database except qr_db_new() and qr_db_stop():
 * requests are copied into a bounded queue, and one that does not fit is answered QR_DB_FAILED at
 * once, on the caller's thread. Every request is answered exactly once, on a lane's thread or, when
 * refused, before the call returns.
 *
 * How a lane deals with trouble: a statement has a deadline, on the server and here; a lost
 * connection is opened again with jittered back-off, and what was under way is answered FAILED when
 * it certainly did not commit, UNKNOWN when the connection broke at COMMIT. Settles are then run
 * again on the new connection (the guard makes that safe) before they are reported.
 *
 * Design: docs/database.md; the numbered rules: docs/protocol.md. Thread-safe.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base.h"
#include "common/err.h"
#include "common/histogram.h"
#include "coordinator/engine/engine.h"

struct qr_db;
struct qr_budgets; /* engine/budget.h */
struct qr_conn;    /* conn.h; libpq stays inside coordinator/db/ */

struct qr_db_config {
    const char *url;              /* postgresql://… or key=value */
    unsigned settle_lanes;        /* 0: 2; the last of several is the maintain lane's */
    unsigned read_lanes;          /* 0: 1 */
    int64_t connect_timeout_ms;   /* 0: 5000 */
    int64_t statement_timeout_ms; /* 0: 30000; hot lanes use a third of it */
    int64_t ttl_ms;               /* of sessions and of this coordinator's own row; 0: 8000 */
    size_t queue_max;             /* requests waiting per lane; 0: 65536 */
    size_t queue_bytes_max;       /* bytes of results waiting; 0: 256 MiB */
    const char *instance;         /* name of this coordinator, e.g. host:port */
    const char *host;
    struct qr_budgets *budgets; /* merged every few seconds; borrowed; NULL: none are learned */
};

/* Called on lane threads (or on the caller's, see above). All pointers live for the call only; NULL
 * members are not called. */
struct qr_db_events {
    void *ctx;
    void (*hello)(void *ctx, const struct qr_db_hello_reply *reply);
    void (*claim)(void *ctx, const struct qr_db_claim_reply *reply);
    void (*returned)(void *ctx, const struct qr_db_return_reply *reply);
    /* Gives the settles back; the array lives for the call, the settles belong to the callee. */
    void (*settled)(void *ctx, struct qr_settle *const *settles, size_t n,
                    enum qr_db_status status);
    /* Gives the checkpoint back: it belongs to the callee. */
    void (*checkpointed)(void *ctx, struct qr_checkpoint *checkpoint, enum qr_db_status status);
    void (*renewed)(void *ctx, bool ok);
    void (*adopted)(void *ctx, const struct qr_adopted *adopted);
    /* What is stopped now: once a second, and soon after somebody asked (rule 10). */
    void (*stops)(void *ctx, const struct qr_stops *stops);
    /* Jobs of this type may be claimable now (0: of any type). */
    void (*work_available)(void *ctx, qr_type_id type);
};

/**
 * Connect, check the server (>= 14) and the schema, register this coordinator and start the lanes.
 *
 * `config` and its strings are copied, `events` too.
 * Errors: QR_E_UNREACHABLE no server within the connect timeout; QR_E_UNSUPPORTED server too old;
 *         QR_E_DB schema missing or of another version (hint: migrate); QR_E_NOMEM.
 */
QR_MUST_CHECK int qr_db_new(const struct qr_db_config *config, const struct qr_db_events *events,
                            struct qr_db **ret, struct qr_err *err);

/** Accept nothing more, finish what waits within `deadline_ms`, answer the rest FAILED, mark this
 *  coordinator's row as stopped. Callbacks run until it returns. May be called once. */
void qr_db_stop(struct qr_db *db, int64_t deadline_ms);
/** After qr_db_stop(); stops first (1 s) when that was not called. */
void qr_db_free(struct qr_db *db);
QR_DEFINE_AUTO(qr_db)

/** Number of this coordinator: its owner epoch, from a sequence. A coordinator that was declared
 *  dead by a peer gets a new one at its next renewal. */
uint64_t qr_db_coordinator_id(const struct qr_db *db);
/** 16 random bytes that name this database; another after a restore. */
const uint8_t *qr_db_cluster_epoch(const struct qr_db *db, size_t *ret_len);
/** The database was restored while this coordinator ran (another cluster epoch, noticed at the next
 *  renewal). From then on every request is answered FAILED: what is in memory is void, the program
 *  has to be started again. */
bool qr_db_is_replaced(const struct qr_db *db);

/* ---- requests of the engine's port (port.h); everything needed is copied */
void qr_db_hello(struct qr_db *db, const struct qr_db_hello *request);
void qr_db_claim(struct qr_db *db, const struct qr_db_claim *request);
void qr_db_return(struct qr_db *db, const struct qr_db_return *request);
void qr_db_settle(struct qr_db *db, struct qr_settle *settle); /* takes ownership until `settled` */
void qr_db_mirror(struct qr_db *db, const struct qr_mirror *rows, size_t n);
void qr_db_checkpoint(struct qr_db *db, struct qr_checkpoint *checkpoint); /* takes ownership */
void qr_db_end_session(struct qr_db *db, uint64_t session_pk, uint64_t attach);
void qr_db_renew(struct qr_db *db);

/* ---- work for people: admin calls */
enum qr_db_lane {
    QR_DB_LANE_READ,    /* queries; several connections */
    QR_DB_LANE_ENQUEUE, /* what changes jobs and runs; one connection, ahead of BULK */
    QR_DB_LANE_BULK,    /* many new jobs: the same; while that one works, one piece at a time where
                           LONG goes */
    QR_DB_LANE_LONG,    /* what takes its time (exports); one connection, shared with stages */
};

/* One piece of work with a lane's connection. Outside of any transaction when called and after. */
typedef int (*qr_db_work_fn)(struct qr_conn *conn, void *arg, struct qr_err *err);
/* On the lane's thread; `err` is filled when rc < 0. Must not block for long. */
typedef void (*qr_db_done_fn)(void *arg, int rc, const struct qr_err *err);

/** Run `fn` on a lane's thread, then `done` on the same thread. When the queue is full or the lanes
 * are stopped, `done` is called at once with QR_E_LIMIT or QR_E_CANCELLED; a dead connection gives
 *  QR_E_UNREACHABLE after one attempt to reconnect. */
void qr_db_submit(struct qr_db *db, enum qr_db_lane lane, qr_db_work_fn fn, qr_db_done_fn done,
                  void *arg);

/** The same, but false when it cannot be queued: `done` is not called then. */
bool qr_db_try_submit(struct qr_db *db, enum qr_db_lane lane, qr_db_work_fn fn, qr_db_done_fn done,
                      void *arg);

/* ---- looking in */
/*    name       what it does */
#define QR_DB_LANES(X)                                          \
    X(claim, "hands out jobs")                                  \
    X(settle, "commits results")                                \
    X(session, "Hellos and returned leases")                    \
    X(control, "own renewal, peers, notifications")             \
    X(maintain, "retries that come due, mirror of long leases") \
    X(enqueue, "new jobs")                                      \
    X(read, "queries")                                          \
    X(batch, "stages of runs, exports, a second bulk of new jobs")

/*    name             help */
#define QR_DB_LANE_COUNTERS(X)                                \
    X(batches, "transactions executed")                       \
    X(items, "requests executed")                             \
    X(failures, "batches that failed")                        \
    X(bisections, "batches split because of one bad request") \
    X(refused, "requests refused because the queue was full") \
    X(reconnects, "connections opened again")                 \
    X(busy_ns, "time spent executing")

struct qr_db_lane_stats {
    const char *name;
    const char *help;
#define QR_DB_COUNTER_FIELD(name, help) uint64_t name;
    QR_DB_LANE_COUNTERS(QR_DB_COUNTER_FIELD)
#undef QR_DB_COUNTER_FIELD
    /* gauges */
    uint64_t waiting;                   /* requests in the queue */
    uint64_t connections;               /* open now */
    uint64_t lanes;                     /* threads, hence connections at most */
    struct qr_histogram *batch_seconds; /* how long each batch took; lives as long as the db */
};

enum {
#define QR_DB_LANE_ENUM(name, help) QR_DB_STATS_##name,
    QR_DB_LANES(QR_DB_LANE_ENUM)
#undef QR_DB_LANE_ENUM
        QR_DB_STATS_COUNT
};

struct qr_db_stats {
    struct qr_db_lane_stats lanes[QR_DB_STATS_COUNT];
    uint64_t places_swept; /* under limits, found held by no lease */
    uint64_t runs_halted;  /* runs that paused themselves, noticed here */
};
void qr_db_get_stats(const struct qr_db *db, struct qr_db_stats *ret);

/* coordinator/db/lane.h
 *
 * A lane: a bounded queue, and threads with one connection each that take everything waiting.
 *
 * Connections are opened by the lane's threads and opened again when they broke: one attempt per
 * batch and not before a jittered back-off (0.1 s doubling to 3 s) is over. While there is no
 * connection, batches are run with conn NULL, so that every request is answered at once.
 */
#pragma once
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "common/histogram.h"
#include "coordinator/db/conn.h"
#include "coordinator/db/db.h"

struct qr_item { /* embedded in every request */
    struct qr_item *next;
    size_t bytes; /* counted against the queue's and the batch's limit */
    bool urgent;  /* ahead of all that are not, in the order they came */
};

struct qr_lane;

struct qr_lane_config {
    const char *name, *help;
    unsigned threads;
    bool hot;
    size_t batch_items, batch_bytes; /* at most in one go */
    size_t queue_items, queue_bytes;
    void *ctx;
    /* Runs and answers `n` requests, linked by `next`, in the order they came; conn is NULL while
     * the database cannot be reached. The requests are the callee's. */
    void (*run)(void *ctx, struct qr_lane *lane, struct qr_conn *conn, struct qr_item *list,
                size_t n);
    /* Called about every tick_ms on the first thread, conn as above; may be NULL. */
    void (*tick)(void *ctx, struct qr_lane *lane, struct qr_conn *conn);
    int64_t tick_ms;
    /* One thread, which also wakes for what the server sends by itself (NOTIFY) and for
     * qr_lane_poke(); `tick` is called then. */
    bool listens;
    /* When all own threads are at work, the first thread of that lane takes a batch too, on its
     * connection and whenever it has nothing of its own. Started later; NULL: nobody helps. */
    struct qr_lane *helper;
    struct qr_conn_config conn;
};

struct qr_lane {
    struct qr_lane_config config;
    pthread_mutex_t lock; /* guards the fields down to `abandon` */
    pthread_cond_t wake;
    int poke_fd;          /* eventfd of a lane that listens; -1 */
    int64_t tick_soon_ms; /* its thread only: the next tick is due in so many; 0: in tick_ms */
    struct qr_item *head, **tail;
    struct qr_item **urgent_tail; /* behind the last urgent one */
    size_t waiting_items, waiting_bytes;
    unsigned running;           /* own threads in run() */
    struct qr_lane *wants_help; /* of a helper: who has work for it */
    bool stopping;              /* accept nothing more; threads end when the queue is empty */
    bool abandon;               /* what is left is answered without the database */

    pthread_t *threads;
    unsigned n_threads; /* started */
#define QR_LANE_COUNTER(name, help) atomic_ullong name;
    QR_DB_LANE_COUNTERS(QR_LANE_COUNTER)
#undef QR_LANE_COUNTER
    atomic_uint connections;
    atomic_llong failure_said_ms; /* when qr_lane_say_failure() last wrote a line */
    atomic_ullong failures_unsaid;
    struct qr_histogram batch_seconds;
};

/** Log that a batch of `n` requests failed: at once, and while that goes on every 10 s with the
 * number of batches in between. A full disk or a lock storm must not fill the log's disk as well.
 */
void qr_lane_say_failure(struct qr_lane *lane, const char *event, size_t n,
                         const struct qr_err *err);

QR_MUST_CHECK int qr_lane_start(struct qr_lane *lane, const struct qr_lane_config *config,
                                struct qr_err *err);
/** False when the queue is full or the lane stops: the caller answers the request itself. */
bool qr_lane_push(struct qr_lane *lane, struct qr_item *item);
/** Have a listening lane's `tick` called now. From any thread; cheap. */
void qr_lane_poke(struct qr_lane *lane);
/** In `tick`: call it again so soon. */
void qr_lane_tick_in(struct qr_lane *lane, int64_t ms);
/** Stop in two steps, so that all lanes drain at the same time. The deadline is absolute. */
void qr_lane_stop(struct qr_lane *lane);
void qr_lane_join(struct qr_lane *lane, int64_t deadline_ms);
/** After all lanes were joined: until then an answer of one may push to another, and is refused. */
void qr_lane_done(struct qr_lane *lane);
void qr_lane_get_stats(const struct qr_lane *lane, struct qr_db_lane_stats *ret);

/* coordinator/engine/engine.h
 *
 * The engine: sessions, leases, credits, expiry and sync of one coordinator, as a state machine.
 *
 * It owns what the coordinator knows in memory; PostgreSQL is the truth, this is a cache that can
 * be rebuilt. No I/O, no threads, no clock reads: it is fed events with the time and calls the
 * functions of its port (port.h). One thread at a time may call it. The deterministic simulation
 * (tests/sim) links this very object.
 *
 * Order of a turn: qr_engine_set_now(), then every waiting event (frames, replies), then
 * qr_engine_timers(). After a stall the waiting frames thereby count before any timer (rule 6).
 *
 * Design: docs/protocol.md (the numbered rules), docs/engine.md.
 */
#pragma once
#include "common/base.h"
#include "coordinator/engine/port.h"

struct qr_engine;

struct qr_engine_config {
    int64_t ttl_ms;           /* a silent worker keeps its leases so long; 1000 .. 3600000 */
    int64_t offer_timeout_ms; /* accept within; default 5000 */
    int64_t poll_ms;          /* a dry claim is asked again after; default 1000 */
    uint32_t claim_max;       /* jobs per claim request; default 128 */
    uint32_t sessions_max;    /* default 32768 */
    int64_t mirror_after_ms;  /* default 2000 */
    uint32_t stop_grace_ms;   /* a paused job may write its last checkpoint so long; default 1000 */
    int64_t stop_fence_ms;    /* after a Stop the lease is kept so long; default 2000 */
    /* Time budgets of a job, by type and size; NULL: 300 s and 120 s for all. Pure function. */
    void (*budget)(void *ctx, qr_type_id type, uint64_t bytes, uint64_t *ret_budget_ms,
                   uint64_t *ret_progress_ms);
    /* A job has ended whose Offer was made here: well after duration_ms, or over its budget of
     * budget_ms. NULL: nobody wants to know. Both hooks may be budget.h's. */
    void (*learn)(void *ctx, qr_type_id type, uint64_t bytes, uint64_t duration_ms, bool timed_out,
                  uint64_t budget_ms);
    void *budget_ctx;
};

/** NULL when out of memory. `port` is copied. */
struct qr_engine *qr_engine_new(const struct qr_engine_config *config,
                                const struct qr_engine_port *port);
void qr_engine_free(struct qr_engine *engine);
QR_DEFINE_AUTO(qr_engine)

/* ---- time */
void qr_engine_set_now(struct qr_engine *engine, int64_t now_ms);
void qr_engine_timers(struct qr_engine *engine);
/** When qr_engine_timers() wants to be called next, ms on the same clock. */
int64_t qr_engine_next_deadline(const struct qr_engine *engine);

/* ---- streams; `stream` numbers are never used again. Unknown streams are ignored. */
void qr_engine_stream_open(struct qr_engine *engine, uint64_t stream);
void qr_engine_stream_closed(struct qr_engine *engine, uint64_t stream);
/** A part of a large result came in: proves life, nothing more. */
void qr_engine_heard(struct qr_engine *engine, uint64_t stream);

void qr_engine_hello(struct qr_engine *engine, uint64_t stream, const struct qr_hello *hello);
void qr_engine_credits(struct qr_engine *engine, uint64_t stream, const struct qr_credits *credits);
void qr_engine_accept(struct qr_engine *engine, uint64_t stream, const uint64_t *leases, size_t n);
void qr_engine_decline(struct qr_engine *engine, uint64_t stream, const uint64_t *leases, size_t n);
void qr_engine_beat(struct qr_engine *engine, uint64_t stream, const struct qr_beat *beat);
/** Takes ownership of `checkpoint`, which comes back by port.db_checkpoint; true: it was dropped
 * (the lease is over, or one is with the database already), the caller frees. */
QR_MUST_CHECK bool qr_engine_checkpoint(struct qr_engine *engine, uint64_t stream,
                                        struct qr_checkpoint *checkpoint);
/** Proves life. The job whose lease the stream's session holds; 0: it does not. */
uint64_t qr_engine_holds(struct qr_engine *engine, uint64_t stream, uint64_t lease_id);
void qr_engine_release(struct qr_engine *engine, uint64_t stream, uint64_t lease_id,
                       uint64_t delay_ms, const void *checkpoint, size_t len);
/** Takes ownership of `settle`; it comes back by port.db_settle or, when it is dropped (a second
 * copy of a lease already settling, an unwelcome stream), by the return value true: the caller
 * frees. */
QR_MUST_CHECK bool qr_engine_result(struct qr_engine *engine, uint64_t stream,
                                    struct qr_settle *settle);
/** A result that was refused for lack of memory: answered RETRY_LATER, nothing else changes. */
void qr_engine_refuse_result(struct qr_engine *engine, uint64_t stream, uint64_t lease_id);
void qr_engine_goodbye(struct qr_engine *engine, uint64_t stream);
/** The frame broke the rules: the stream is ended with this message. */
void qr_engine_protocol_error(struct qr_engine *engine, uint64_t stream, const char *message);
/** The peer does not read its frames. */
void qr_engine_slow_peer(struct qr_engine *engine, uint64_t stream);

/* ---- answers of the database */
void qr_engine_done_hello(struct qr_engine *engine, const struct qr_db_hello_reply *reply);
void qr_engine_done_claim(struct qr_engine *engine, const struct qr_db_claim_reply *reply);
void qr_engine_done_return(struct qr_engine *engine, const struct qr_db_return_reply *reply);
/** After the call the caller frees them; `n` results in one go become one Ack frame per stream. */
void qr_engine_done_settle(struct qr_engine *engine, struct qr_settle *const *settles, size_t n,
                           enum qr_db_status status);
/** After the call the caller frees it. */
void qr_engine_done_checkpoint(struct qr_engine *engine, const struct qr_checkpoint *checkpoint,
                               enum qr_db_status status);
void qr_engine_done_renew(struct qr_engine *engine, bool ok);

/** A session taken over from a dead coordinator (attach already set): its leases live for one more
 *  ttl, then they are reaped unless a Hello came. */
struct qr_adopted {
    uint64_t session_pk, attach;
    uint8_t session[QR_SESSION_BYTES];
    const char *worker_id;
    const struct qr_kept_lease *leases;
    size_t n_leases;
};
void qr_engine_adopt(struct qr_engine *engine, const struct qr_adopted *adopted);

/** There may be work of this type again (0: of any): jobs came in, or a delay is over. */
void qr_engine_work_available(struct qr_engine *engine, qr_type_id type);

/** What is stopped now: every lease, offer and session is compared with it (rule 10). */
void qr_engine_stops(struct qr_engine *engine, const struct qr_stops *stops);

/* ---- operators */
/** No more offers to this worker; it finishes or hands back. Returns its leases; -1 unknown worker.
 */
int qr_engine_drain_worker(struct qr_engine *engine, const char *worker_id, uint32_t grace_ms);
/** The coordinator stops: no new claims, Restarting to everyone. */
void qr_engine_shutdown(struct qr_engine *engine);
/** True when no request is under way and no result waits. */
bool qr_engine_is_idle(const struct qr_engine *engine);

/* ---- looking in; values as of the last call */
struct qr_session_view {
    const char *worker_id, *host, *os, *version;
    uint8_t session[QR_SESSION_BYTES];
    uint64_t session_pk;
    const char *status; /* connected, silent, draining, gone */
    uint32_t slots, leases, running;
    int64_t heard_ms_ago;
    double load;
    uint64_t rss_bytes, disk_free_bytes;
    uint64_t completed, failed;
    uint64_t stream; /* 0: none */
    const qr_type_id *types;
    size_t n_types;
    const char *const *roots;
    size_t n_roots;
};
/** Calls `each` for every session known, in order of worker id. Pointers live for the call. */
void qr_engine_each_session(const struct qr_engine *engine,
                            void (*each)(void *ctx, const struct qr_session_view *view), void *ctx);

/* One X-macro so that metrics, JSON and the simulation name the same counters.
 *    name                help */
#define QR_ENGINE_COUNTERS(X)                                                         \
    X(leases_offered, "leases offered to workers")                                    \
    X(leases_accepted, "leases accepted by workers")                                  \
    X(leases_declined, "leases declined by workers")                                  \
    X(leases_not_accepted, "offers that were not accepted in time")                   \
    X(leases_returned, "leases that went back to pending without costing an attempt") \
    X(leases_expired, "leases of workers that fell silent")                           \
    X(leases_reclaimed, "leases kept over a reconnect")                               \
    X(results_committed, "results committed")                                         \
    X(results_failed, "results committed that say the job failed")                    \
    X(results_duplicate, "results that had been committed before")                    \
    X(results_stale, "results rejected because their lease was over")                 \
    X(results_rejected, "results that could not be stored")                           \
    X(results_retry_later, "results the worker was asked to send again")              \
    X(sessions_welcomed, "Hellos accepted")                                           \
    X(sessions_refused, "Hellos refused")                                             \
    X(sessions_expired, "sessions whose leases ran out")                              \
    X(beats, "beats answered")                                                        \
    X(sync_drops, "leases dropped by a Sync")                                         \
    X(sync_returns, "leases taken back because the worker did not have them")         \
    X(claims, "claim requests")                                                       \
    X(claims_dry, "claim requests that found too little work")                        \
    X(claims_limited, "claim requests that found work, but no room under its limits") \
    X(budget_exceeded, "jobs stopped because a time budget ran out")                  \
    X(stops_sent, "Stops sent because a job or its run was paused or cancelled")      \
    X(stops_released, "stopped leases that their worker handed back")                 \
    X(stops_fenced, "stopped leases taken back because nothing was heard in time")    \
    X(stops_offers, "offers taken back because their job or run was stopped")         \
    X(suspects, "jobs marked because an agent died while it ran them")                \
    X(convictions, "jobs that killed an agent alone, now dead letters")               \
    X(checkpoints, "checkpoints kept")                                                \
    X(checkpoint_bytes, "bytes of finished work kept with checkpoints")               \
    X(checkpoints_refused, "checkpoints that were not kept")                          \
    X(frames_old_stream, "frames of older streams dropped")

struct qr_engine_stats {
#define QR_ENGINE_COUNTER_FIELD(name, help) uint64_t name;
    QR_ENGINE_COUNTERS(QR_ENGINE_COUNTER_FIELD)
#undef QR_ENGINE_COUNTER_FIELD
    uint64_t stops_ms; /* from a Stop to its Release or fence, all together */
    /* gauges */
    uint32_t sessions_connected, sessions_known;
    uint32_t leases_offered_now, leases_active_now, leases_stopping_now, leases_settling_now,
        leases_returning_now;
    uint32_t slots;
    uint64_t pages_done, pages_total; /* of running jobs that count pages */
    bool renewed; /* this coordinator's own row is younger than a ttl: it may serve (rule 6) */
};
void qr_engine_get_stats(const struct qr_engine *engine, struct qr_engine_stats *ret);

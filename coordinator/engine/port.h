/* coordinator/engine/port.h
 *
 * What the engine is told and what it asks for: plain data between three rooms.
 *
 *     streams (service/)  --frames-->  engine  --requests-->  lanes (db/)
 *                         <--frames--          <--replies---
 *
 * The engine itself does no I/O: it calls the functions of struct qr_engine_port, which hand the
 * work on and return at once. Every database request is answered exactly once, in any order, by the
 * qr_engine_done_*() call of its kind (engine.h).
 *
 * Names follow protocol.md. Types are small numbers from coordinator/engine/types.h. Times are
 * milliseconds; lease and job ids start at 1.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/class.h"

typedef uint16_t qr_type_id; /* job type, interned; 0 is none */

enum { QR_SESSION_BYTES = 16, QR_TYPES_MAX = 64 };

struct qr_lease_ref {
    uint64_t lease_id;
    uint64_t job_id;
};

struct qr_type_count {
    qr_type_id type;
    uint64_t count;
};

/* ------------------------------------------------------------------ frames of a worker */

struct qr_credits {
    const struct qr_type_count *per_type; /* cumulative over the session */
    size_t n_per_type;
    uint64_t total;
};

struct qr_hello {
    uint8_t session[QR_SESSION_BYTES];
    const char *worker_id;
    uint64_t start_counter;
    uint64_t stream_number; /* counts the session's Hellos; 0: not counted */
    const char *host, *os, *arch, *version;
    const char *labels_json;  /* object */
    const char *const *roots; /* names of its file roots */
    size_t n_roots;
    const qr_type_id *types; /* what it can do; types nobody knows were interned */
    size_t n_types;
    uint32_t slots;
    const struct qr_type_count *received; /* offers received in this session */
    size_t n_received;
    uint64_t received_total;
    const struct qr_lease_ref *running;
    size_t n_running;
    const struct qr_lease_ref *spooled;
    size_t n_spooled;
    const struct qr_lease_ref *earlier_starts;
    size_t n_earlier_starts;
    struct qr_credits credits;
};

enum qr_phase {
    QR_PHASE_UNKNOWN,
    QR_PHASE_QUEUED,
    QR_PHASE_FETCHING,
    QR_PHASE_RUNNING,
    QR_PHASE_FINISHED,
};

struct qr_lease_progress {
    uint64_t lease_id;
    enum qr_phase phase;
    uint32_t permille;
    uint64_t started_ms_ago; /* 0: not started */
    uint32_t done, total;    /* pages; 0: not known */
};

struct qr_beat {
    uint64_t seen;                        /* last sequence number seen on this stream */
    const struct qr_type_count *received; /* offers received in this session, per type */
    size_t n_received;
    uint64_t received_total;
    const struct qr_lease_progress *leases; /* all without a final Ack */
    size_t n_leases;
    double load;
    uint64_t disk_free_bytes, rss_bytes;
};

/* ------------------------------------------------------------------ frames to a worker */

enum qr_ack_code { /* numbers of proto AckCode */
                   QR_ACK_COMMITTED = 1,
                   QR_ACK_DUPLICATE = 2,
                   QR_ACK_STALE = 3,
                   QR_ACK_REJECTED = 4,
                   QR_ACK_RETRY_LATER = 5,
};

struct qr_ack {
    uint64_t lease_id;
    enum qr_ack_code code;
    enum qr_class error_class; /* REJECTED */
    const char *message;       /* REJECTED; NULL otherwise */
};

enum qr_end_reason { /* numbers of proto EndReason */
                     QR_END_REPLACED = 1,
                     QR_END_LOWER_COUNTER = 2,
                     QR_END_PROTOCOL = 3,
                     QR_END_NOT_RENEWED = 4,
                     QR_END_SLOW = 5,
                     QR_END_GOODBYE = 6,
};

/* Numbers of proto StopReason; of what people ask for the greater outranks (rule 10). */
enum qr_stop_reason {
    QR_STOP_NONE = 0,
    QR_STOP_PAUSE = 1,
    QR_STOP_CANCEL = 2,
    QR_STOP_STALE = 3, /* its time is over here: no Release is wanted */
};

struct qr_welcome {
    uint64_t attach;
    const struct qr_lease_ref *kept; /* leases of the Hello that are still its own */
    size_t n_kept;
};

/* A lease on its way out: everything the Offer says. Strings are borrowed for the call. */
struct qr_offer {
    uint64_t lease_id;
    uint64_t job_id;
    uint64_t run_id;
    qr_type_id type;
    uint32_t attempt; /* from 1 */
    const char *uri;
    uint64_t bytes;
    int64_t modified_ms;
    const char *options_json; /* flat object of strings, or NULL */
    const void *checkpoint;
    size_t checkpoint_len;
    uint64_t checkpoint_number, part_bytes; /* its parts are fetched by the worker */
    uint64_t budget_ms, progress_budget_ms; /* set by the engine */
    bool alone;
};

/* ------------------------------------------------------------------ database requests */

/* How a request ended, as far as anyone can know. */
enum qr_db_status {
    QR_DB_DONE,    /* committed */
    QR_DB_FENCED,  /* the session has moved on (other owner or attach): nothing changed */
    QR_DB_FAILED,  /* certainly not committed: nothing changed; may be asked again */
    QR_DB_UNKNOWN, /* the connection broke at COMMIT: it may have happened */
};

/* Hello: compare-and-set on the session row (start counter, owner, attach + 1); in the same
 * transaction every live lease of the session that neither list names returns to pending, and the
 * worker's older session ends: what the spool does not name returns, the rest moves here. Jobs of
 * hello->earlier_starts become suspects, or are convicted (rule 7). */
struct qr_db_hello {
    uint64_t token;               /* comes back in the reply */
    const struct qr_hello *hello; /* borrowed for the call: the lane copies */
    /* No worker said this: the engine asks for itself, after a request of the session ended UNKNOWN
     * or FENCED and the worker did not come back for a ttl. Of the Hello only session and running
     * count (the rest is the last Hello's, or empty). Only where the session's owner is this very
     * coordinator (instance and epoch, any attach) and the session has not ended; otherwise the
     * answer is FENCED and nothing changed. The rest is as for any Hello: attach + 1, leases that
     * the lists do not name return to pending, the rest come back as kept. */
    bool recover;
};

enum qr_hello_outcome {
    QR_HELLO_WELCOME,
    QR_HELLO_LOWER_COUNTER, /* a newer process of this worker is known */
    QR_HELLO_REPLACED,      /* this very session was replaced */
    QR_HELLO_OLDER_STREAM,  /* the session has a newer stream: nothing changed */
};

struct qr_kept_lease {
    uint64_t lease_id, job_id, run_id;
    qr_type_id type;
    bool spooled;             /* named by the spool: it has a result, it does not run */
    enum qr_stop_reason stop; /* asked of the job, or by its run's gate */
};

struct qr_db_hello_reply {
    uint64_t token;
    enum qr_db_status status;
    enum qr_hello_outcome outcome;
    uint64_t newest_counter; /* LOWER_COUNTER, REPLACED */
    uint64_t session_pk;     /* durable number of the session, from 1 */
    uint64_t attach;
    uint64_t ended_session_pk; /* the worker's older session that this Hello ended; 0 none */
    const struct qr_kept_lease *kept;
    size_t n_kept;
    uint64_t returned; /* leases that went back to pending */
    uint64_t suspects; /* jobs of its earlier starts that were marked (rule 7) */
    uint64_t convicted;
};

/* Claim: up to `want` jobs for one session in one transaction. It locks the session row FOR SHARE
 * and is FENCED unless owner and attach match. */
struct qr_db_claim {
    uint64_t token;
    uint64_t session_pk, attach;
    const struct qr_type_count *want; /* per type, at most; types the session can do */
    size_t n_want;
    uint32_t want_total;
    const char *const *roots; /* the session's roots; borrowed for the call */
    size_t n_roots;
};

struct qr_db_claim_reply {
    uint64_t token;
    uint64_t session_pk, attach; /* as asked */
    enum qr_db_status status;
    const struct qr_offer *offers; /* DONE: leased now; strings live for the call */
    size_t n_offers;
    bool dry;          /* no more work of these types just now */
    bool limited;      /* dry: there is more, but limits let nothing through (rule 8) */
    uint32_t retry_ms; /* dry: a rate lets something through then; 0: as usual */
};

/* Return: leases end without a result and without costing an attempt, unless a result was first.
 * Marks the batch row; reads and clears stop_requested in the same transaction (rule 10): the job
 * is cancelled, paused or pending after it. FENCED unless owner and attach match. */
enum qr_return_reason {
    QR_RETURN_DECLINED,
    QR_RETURN_NOT_ACCEPTED,  /* offer timed out */
    QR_RETURN_STREAM_BROKEN, /* before acceptance */
    QR_RETURN_DROPPED,       /* the worker does not have it */
    QR_RETURN_RELEASED,      /* handed back */
    QR_RETURN_WAITS,         /* handed back until something outside is there: delay_ms */
    QR_RETURN_EXPIRED,       /* the session was silent for a ttl */
    QR_RETURN_GOODBYE,
    QR_RETURN_STOPPED, /* released, or an offer taken back, because job or run was stopped */
    QR_RETURN_FENCED,  /* stopped, and nothing was heard of it in time */
};

struct qr_db_return {
    uint64_t token;
    uint64_t session_pk, attach;
    enum qr_return_reason reason;
    const struct qr_lease_ref *leases; /* borrowed for the call */
    size_t n_leases;
    const void *checkpoint; /* RELEASED of one lease: kept with the job; or NULL */
    size_t checkpoint_len;
    uint64_t delay_ms; /* WAITS: not claimable before so long from now */
};

struct qr_db_return_reply {
    uint64_t token;
    uint64_t session_pk, attach;
    enum qr_db_status status;
    enum qr_return_reason reason;
    const struct qr_lease_ref
        *leases; /* all of the request, now gone one way or the other when DONE */
    size_t n_leases;
    uint64_t returned; /* of them, really returned; the others had been settled */
};

/* Jobs that a completed result brings: found while its file was worked on. One block, strings and
 * all: free() gives it back. */
enum { QR_FOUND_MAX = 256, QR_FOUND_DEPTH_MAX = 16 };
struct qr_found_job {
    const char *uri, *type;
    const char *key;  /* "": none */
    int32_t priority; /* added to its parent's */
    uint64_t bytes;
    int64_t modified_ms; /* 0 unknown */
};
struct qr_found {
    uint32_t left_out; /* found, and not among them: */
    enum qr_class left_out_class;
    char left_out_why[160];
    size_t n, n_bytes; /* jobs; size of the block */
    struct qr_found_job jobs[];
};

/* Settle: one result. Made by service/ when the frame came in (or by the engine with calloc() and
 * strdup() when a budget ran out: by_coordinator), owned by the lane from qr_engine_port
 * .db_settle() on, given back with the answer filled in, freed by service/ after
 * qr_engine_done_settle. The fence is (lease_id, job_id, session_pk) and the cluster epoch of this
 * coordinator. */
struct qr_settle {
    uint64_t lease_id, job_id;
    uint64_t session_pk;       /* set by the engine: the session of the stream that brought it */
    uint64_t attach;           /* set by the engine */
    enum qr_class error_class; /* QR_CLASS_NONE: completed */
    char *message;             /* why it failed; owned, or NULL */
    uint8_t *record;           /* encoded ExtractionRecord; owned, or NULL */
    size_t record_len;
    struct qr_found *found; /* owned; NULL, as usual: none */
    uint32_t duration_ms;
    uint64_t retry_after_ms; /* the source asked for it; 0 no */
    bool final;              /* the worker says: not to be tried again */
    uint64_t budget_ms;      /* set by the engine: the lease's; 0 when it is not known here */
    bool by_coordinator;     /* a budget ran out here: no worker waits for an Ack */
    /* answer */
    enum qr_ack_code code;
    enum qr_class reject_class;
    char reject_message[200];
    bool will_retry;        /* failed, and back to pending after a while */
    struct qr_settle *next; /* for whoever holds it */
};

/* Checkpoint: how far a job has come, and the part of its record that leads there. Made by
 * service/, owned by the lane from .db_checkpoint() on, given back with the answer filled in, freed
 * by service/ after qr_engine_done_checkpoint(). The fence is that of a result; a number that is
 * not the next (or, begun anew, not larger) changes nothing. */
struct qr_checkpoint {
    uint64_t lease_id, job_id;
    uint64_t session_pk, attach; /* set by the engine */
    uint64_t number;
    uint8_t *data, *part; /* owned, or NULL */
    size_t data_len, part_len;
    bool anew; /* earlier parts are void */
    /* answer */
    bool stale;                 /* the lease is over */
    uint64_t stands;            /* the newest number that does */
    struct qr_checkpoint *next; /* for whoever holds it */
};
void qr_checkpoint_free(struct qr_checkpoint *checkpoint);

/* Mirror: leases older than 2 s shown in extraction_jobs (status, claimed_by, claimed_at,
 * heartbeat). */
struct qr_mirror {
    uint64_t lease_id, job_id;
    uint64_t session_pk;
    uint64_t age_ms;                /* since it was claimed */
    uint64_t heard_ms;              /* since its worker was last heard */
    uint32_t permille, done, total; /* how far it has come */
};

/* What people have stopped, as the database has it: told whenever it may have changed and at least
 * once a second, whole each time (rule 10: by level, not by edge). What is no longer in it was
 * withdrawn. All lists ascend by their first member. */
struct qr_job_stop {
    uint64_t job_id;
    enum qr_stop_reason reason; /* PAUSE, CANCEL */
};
struct qr_run_stop { /* the run's gate is not open */
    uint64_t run_id;
    enum qr_stop_reason reason;
};
struct qr_session_drain {
    uint64_t session_pk;
    uint32_t grace_ms;
};
struct qr_stops {
    const struct qr_job_stop *jobs;
    size_t n_jobs;
    const struct qr_run_stop *runs;
    size_t n_runs;
    const struct qr_session_drain *drains;
    size_t n_drains;
};

struct qr_engine_port {
    void *ctx;

    /* Frames, on a stream that is open. `seq` is the frame's number on this stream, from 1. */
    void (*welcome)(void *ctx, uint64_t stream, uint64_t seq, const struct qr_welcome *welcome);
    void (*offer)(void *ctx, uint64_t stream, uint64_t seq, const struct qr_offer *offers,
                  size_t n);
    void (*sync)(void *ctx, uint64_t stream, uint64_t seq, uint64_t seen, const uint64_t *drop,
                 size_t n_drop, const uint64_t *expected, size_t n_expected);
    void (*ack)(void *ctx, uint64_t stream, uint64_t seq, const struct qr_ack *acks, size_t n);
    void (*checkpoint_ack)(void *ctx, uint64_t stream, uint64_t seq, uint64_t lease_id,
                           uint64_t number, uint64_t stands);
    void (*stop)(void *ctx, uint64_t stream, uint64_t seq, uint64_t lease_id,
                 enum qr_stop_reason reason, uint32_t grace_ms);
    /* `resume`: a drain is undone. */
    void (*drain)(void *ctx, uint64_t stream, uint64_t seq, uint32_t grace_ms, bool resume);
    void (*restarting)(void *ctx, uint64_t stream, uint64_t seq);
    /* The last frame: the stream is closed behind it, qr_engine_stream_closed() follows. */
    void (*end)(void *ctx, uint64_t stream, uint64_t seq, enum qr_end_reason reason,
                uint64_t newest_counter, const char *message);

    /* Database; see the structs. */
    void (*db_hello)(void *ctx, const struct qr_db_hello *request);
    void (*db_claim)(void *ctx, const struct qr_db_claim *request);
    void (*db_return)(void *ctx, const struct qr_db_return *request);
    void (*db_settle)(void *ctx, struct qr_settle *settle);             /* takes ownership */
    void (*db_checkpoint)(void *ctx, struct qr_checkpoint *checkpoint); /* takes ownership */
    /* Fire and forget: */
    void (*db_mirror)(void *ctx, const struct qr_mirror *rows, size_t n);
    /* The worker said goodbye and holds nothing: the session row may say so. */
    void (*db_end_session)(void *ctx, uint64_t session_pk, uint64_t attach);
    /* Renew this coordinator's own row; answered by qr_engine_done_renew(). */
    void (*db_renew)(void *ctx);
};

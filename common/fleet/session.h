/* common/fleet/session.h
 *
 * The worker side of the lease protocol: a state machine over the spool.
 *
 * It holds the leases of one worker process, speaks for them on one stream at a time and keeps the
 * rules of docs/protocol.md. No sockets, threads or clock reads: frames and time are fed in,
 * effects go out by the port. The one thing it touches is the spool, because a result is written
 * before it is sent. Shared by the worker and the CAD bridge.
 *
 *     offered -> port.offer -> qr_session_accept  -> running -> qr_session_result  -> finished ->
 * Ack |                               `-> qr_session_release
 *                           `-> qr_session_decline
 *
 * A turn of the owner's loop: qr_session_set_now(), every event that waits, qr_session_flush().
 * Accepts, credits and small results of one turn travel together in one frame each. Sleep until
 * qr_session_next_deadline() at most.
 *
 * Not thread-safe; one thread uses it. The port's functions may call accept, decline, release and
 * result, except within `connect` and `disconnect`.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/class.h"
#include "common/err.h"
#include "common/fleet/spool.h"
#include "quarry/v1/fleet.pb-c.h"

struct qr_session;

enum {
    QR_SESSION_TYPES_MAX = 63, /* as many as a coordinator takes */
    QR_SESSION_UNSETTLED_MAX =
        1500, /* results waiting for their Ack, beyond which no credit is given */
};

struct qr_session_type {
    const char *name;
    uint32_t max_slots; /* 0: as many as there are slots */
};

struct qr_session_config {
    const char *worker_id;
    uint8_t session[16]; /* random */
    uint64_t seed;       /* for the jitter of reconnects */
    const char *host, *os, *arch, *version;
    const struct qr_session_type *types;
    size_t n_types;
    const char *const *roots; /* names */
    size_t n_roots;
    const char *const *labels; /* "key=value" */
    size_t n_labels;
    const char *const *coordinators; /* "HOST:PORT", tried in turn; at least one */
    size_t n_coordinators;
    uint32_t slots;    /* jobs at a time */
    uint32_t prefetch; /* leases held beyond the slots, at most as many */
};

/* Why and how a running lease must stop. */
enum qr_session_stop {
    QR_SESSION_STOP_PAUSE = 1, /* answer with release (or a result) within the grace */
    QR_SESSION_STOP_CANCEL,    /* the same, the work is of no use */
    QR_SESSION_STOP_STALE,     /* not ours any more: the session has forgotten it, just stop */
};

enum qr_session_state {
    QR_SESSION_WAITING,    /* no stream; the next attempt has its time */
    QR_SESSION_CONNECTING, /* Hello sent */
    QR_SESSION_WELCOMED,
    QR_SESSION_OVER, /* after Goodbye, or refused for good */
};

struct qr_session_vitals { /* for the Beat */
    double load;           /* per core */
    uint32_t children;
    uint64_t rss_bytes;
};

struct qr_session_ack {
    uint64_t lease_id, job_id;
    Quarry__V1__AckCode code;
    enum qr_class cls;   /* REJECTED */
    const char *message; /* REJECTED; "" otherwise */
};

struct qr_session_port {
    void *ctx;

    /** Open a stream; its frames and its end are reported with this number. Failure is reported by
     *  qr_session_closed(), not from within. */
    void (*connect)(void *ctx, uint64_t stream, const char *address);
    /** Leave the stream. Nothing about it needs to be reported any more. */
    void (*disconnect)(void *ctx, uint64_t stream);
    /** Queue a frame. QR_OK, or negative: not queued; then qr_session_writable() tells when to go
     * on. */
    int (*send)(void *ctx, uint64_t stream, bool bulk, const uint8_t *frame, size_t len);

    /** A lease; answer at once or later by accept or decline. `lease` lives for the call. */
    void (*offer)(void *ctx, const Quarry__V1__Lease *lease);
    /** Work must stop; comes at most once a lease and reason. */
    void (*stop)(void *ctx, uint64_t lease_id, enum qr_session_stop reason, uint32_t grace_ms);
    /** The parts asked for by qr_session_fetch_parts(), one behind the other; NULL: they cannot be
     *  had, the work begins anew. `data` lives for the call. */
    void (*parts)(void *ctx, uint64_t lease_id, const uint8_t *data, size_t len);
    /** No more offers will be accepted: the coordinator asks this worker to finish and leave. */
    void (*drain)(void *ctx, uint32_t grace_ms, const char *reason);
    /** It need not any more: see qr_session_take_offers(). */
    void (*undrain)(void *ctx);
    /** A Beat is about to be made: report progress and fill in the numbers. */
    void (*vitals)(void *ctx, struct qr_session_vitals *ret);

    /* What happened, for log and metrics; each may be NULL. */
    void (*welcomed)(void *ctx, const char *address, size_t kept, size_t lost);
    void (*settled)(void *ctx, const struct qr_session_ack *ack);
    /** The stream is gone, or did not come about; the next attempt is in delay_ms. */
    void (*lost)(void *ctx, const char *address, const char *why, int64_t delay_ms);
    /** The session is over. QR_OK: said Goodbye. Otherwise the process must end. */
    void (*over)(void *ctx, int code, const char *message);
    void (*note)(void *ctx, const char *event, const char *detail);
};

/**
 * A session that is going to connect at the next flush.
 *
 *   config  strings are borrowed for the session's life
 *   spool   borrowed; its results are taken up and sent
 *
 * Errors: QR_E_INVALID, no coordinators, no slots, too many types. QR_E_NOMEM.
 */
QR_MUST_CHECK int qr_session_new(const struct qr_session_config *config,
                                 const struct qr_session_port *port, struct qr_spool *spool,
                                 int64_t now_ms, struct qr_session **ret, struct qr_err *err);
void qr_session_free(struct qr_session *session);
QR_DEFINE_AUTO(qr_session)

/* ---- what comes in */
void qr_session_set_now(struct qr_session *session, int64_t now_ms);
void qr_session_frame(struct qr_session *session, uint64_t stream, const uint8_t *data, size_t len);
void qr_session_closed(struct qr_session *session, uint64_t stream, const char *message);
void qr_session_writable(struct qr_session *session, uint64_t stream);
/** Timers, then everything that is to be sent. */
void qr_session_flush(struct qr_session *session);
/** When qr_session_flush() is wanted at the latest, on the clock of set_now. */
int64_t qr_session_next_deadline(const struct qr_session *session);

/* ---- what the owner does with a lease. Unknown leases (stopped meanwhile) are ignored. */
void qr_session_accept(struct qr_session *session, uint64_t lease_id);
void qr_session_decline(struct qr_session *session, uint64_t lease_id, const char *reason);
/* Where the work on a lease stands. */
struct qr_session_progress {
    Quarry__V1__LeasePhase phase;
    uint32_t permille, done, total; /* pages; 0: not known */
    int64_t started_ms; /* when the work on it began, on the clock of set_now; 0: it waits */
};
/** For the next Beat. */
void qr_session_progress(struct qr_session *session, uint64_t lease_id,
                         const struct qr_session_progress *progress);

/** Ask for the parts behind the checkpoint of an accepted lease; port.parts follows. False: there
 *  are none to be had. */
bool qr_session_fetch_parts(struct qr_session *session, uint64_t lease_id);

struct qr_session_checkpoint {
    const uint8_t *state, *part; /* copied */
    size_t state_len, part_len;
    bool anew; /* the work began at its start: what was kept before is void */
};
/** What was finished since the last one, and the state to go on with; sent until it is answered.
 *  Kept in memory only: what is lost is done again. */
void qr_session_checkpoint(struct qr_session *session, uint64_t lease_id,
                           const struct qr_session_checkpoint *given);
/** The file is handed to whatever works on it: remembered in the spool, so that an agent it kills
 * has a suspect. */
void qr_session_started(struct qr_session *session, uint64_t lease_id);
/** Hand it back without a result; costs no attempt. The slot is free. A checkpoint on its way is
 *  waited for first, a moment at most. */
void qr_session_release(struct qr_session *session, uint64_t lease_id, const char *reason);
/** Hand it back until something outside is there: it is not offered before delay_ms from now. Costs
 *  no attempt and counts as no loss. `note` (48 KiB at most, may be NULL) is its next offer's
 *  checkpoint; only for jobs whose work keeps no checkpoints of its own. */
void qr_session_postpone(struct qr_session *session, uint64_t lease_id, const char *reason,
                         uint64_t delay_ms, const void *note, size_t len);

/* A job that was found while another was worked on (fleet.proto, FoundJob). */
struct qr_session_found {
    const char *uri;  /* UTF-8 */
    const char *type; /* job type */
    uint64_t bytes;
    int64_t modified_ms; /* 0: unknown */
};
enum {
    QR_SESSION_FOUND_BYTES = 24 << 10
}; /* of a result's addresses; what is beyond is left out */

struct qr_session_result {
    uint64_t lease_id;
    enum qr_class cls;     /* QR_CLASS_NONE: completed */
    const char *message;   /* of a failure */
    bool final;            /* of a failure: not to be tried again, whatever its class says */
    const uint8_t *record; /* encoded ExtractionRecord, may be NULL */
    size_t record_bytes;
    uint32_t duration_ms;
    uint64_t retry_after_ms;              /* 0: none */
    const struct qr_session_found *found; /* only of completed jobs; 256 at most */
    size_t n_found;
    uint32_t found_left_out; /* that many more, because: */
    const char *found_why;   /* may be NULL */
    enum qr_class found_class;
};
/** Done, well or not: written to the spool, then sent until an Ack comes. The slot is free. */
void qr_session_result(struct qr_session *session, const struct qr_session_result *result);

/** From now on no credit is given back and `port.offer` is not called: offers are declined. */
void qr_session_stop_offers(struct qr_session *session, const char *reason);
/** Offers are taken again; nothing once goodbye was said. */
void qr_session_take_offers(struct qr_session *session);
/** Leave for good: what is held is handed back by the coordinator. Ends with port.over. */
void qr_session_goodbye(struct qr_session *session, const char *reason);

/* ---- looking in */
enum qr_session_state qr_session_get_state(const struct qr_session *session);
size_t qr_session_unsettled(const struct qr_session *session); /* results without an Ack */
size_t qr_session_held(const struct qr_session *session);      /* leases that run or wait */

struct qr_session_stats {
    uint64_t offers, accepted, declined, released;
    uint64_t results, resent, committed, duplicate, stale, rejected, retry_later;
    uint64_t checkpoints;
    uint64_t beats, syncs, dropped, connects, welcomes;
};
void qr_session_get_stats(const struct qr_session *session, struct qr_session_stats *ret);

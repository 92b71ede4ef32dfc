/* coordinator/engine/internal.h
 *
 * What the engine's own files share. Nobody else includes it, except its unit tests' library twin.
 *
 * Ownership: the engine owns streams, sessions, leases, Hello and return requests; every one is in
 * a hash table by its number. A session owns its leases (a list). A session object lives while a
 * Hello of it is under way, while it is attached, uncertain or holds leases, and for a while after,
 * so that operators see it.
 *
 * Out of memory ends the process: all of this is a cache, the restarted coordinator reads it back.
 */
#pragma once
#include <uthash.h>
#include <utlist.h>

#include "coordinator/engine/engine.h"
#include "coordinator/engine/mutation.h"

enum {
    QR_ENG_SESSION_LEASES_MAX = 4096, /* of one session, spooled results included */
    QR_ENG_UNSEEN_MAX = 16384,  /* offers that no Beat has confirmed: no more until one does */
    QR_ENG_CATCH_UP_MS = 1000,  /* after a stall: for what waited, before offers run out */
    QR_ENG_LINGER_MS = 4,       /* a claim for a few slots waits so long for more */
    QR_ENG_BACKOFF_MIN_MS = 50, /* after a database request failed, doubled up to … */
    QR_ENG_BACKOFF_MAX_MS = 2000,
    QR_ENG_BUDGET_SLACK_MS = 10000, /* the worker's own enforcement comes first */
    QR_ENG_GONE_KEEP_MS = 600000,   /* a session that is over stays visible */
    QR_ENG_MIRROR_EVERY_MS = 500,
};

/* ---- timer.c: a binary heap */
struct qr_eng_timer {
    int64_t at;
    size_t pos; /* place in the heap + 1; 0: not armed */
    void (*fire)(struct qr_engine *engine, struct qr_eng_timer *timer);
};
void qr_eng_timer_arm(struct qr_engine *engine, struct qr_eng_timer *timer, int64_t at);
void qr_eng_timer_cancel(struct qr_engine *engine, struct qr_eng_timer *timer);

/* ---- leases */
enum qr_eng_lease_state {
    QR_LEASE_OFFERED,   /* sent, not accepted; -> active, settling, returning */
    QR_LEASE_ACTIVE,    /* accepted, or named by a Hello; -> stopping, settling, returning */
    QR_LEASE_STOPPING,  /* Stop was sent; -> settling, returning, nothing makes it active again */
    QR_LEASE_SETTLING,  /* its result is with the database; -> gone; on RETRY_LATER what it was */
    QR_LEASE_RETURNING, /* a take-back is with the database; -> gone, nothing revives it but a Hello
                         */
    QR_LEASE_STATES,
};

struct qr_eng_lease {
    uint64_t id, job_id, run_id;
    struct qr_eng_session *session;
    struct qr_eng_lease *prev, *next; /* in its session's list */
    enum qr_eng_lease_state state;
    bool in_settle; /* a result is with the database; also while returning */
    bool ghost;     /* not known here: only remembers that its result is with the database */
    qr_type_id type;
    uint64_t seq;             /* of the Offer on the present stream; 0: kept by a Hello */
    uint64_t mark;            /* named by the list of leases being compared */
    enum qr_stop_reason stop; /* asked for while it was active */
    int64_t stop_since, stop_until;
    int64_t since, offer_until, mirrored_at;
    uint64_t budget_ms, progress_budget_ms;
    uint64_t bytes;
    bool offered_here;   /* not kept by a Hello: type and bytes are known */
    int64_t progress_at; /* 0: not started */
    uint32_t permille, done, total;
    uint32_t mirrored_permille, mirrored_done;
    enum qr_phase phase;
    bool in_checkpoint; /* one is with the database */
    UT_hash_handle hh;
};

/* ---- streams */
enum qr_eng_stream_state {
    QR_STREAM_OPEN,     /* no Hello yet */
    QR_STREAM_GREETING, /* its Hello is with the database, or waits for an older one to come back */
    QR_STREAM_ATTACHED,
    QR_STREAM_LEFT, /* ended, or older than the session's newest: its frames are dropped */
};

struct qr_eng_stream {
    uint64_t id, seq;
    enum qr_eng_stream_state state;
    struct qr_eng_session *session; /* greeting, attached */
    struct qr_eng_greeting *greeting;
    UT_hash_handle hh;
};

/* ---- credits: what was granted and what was sent, per type and in total; all cumulative */
struct qr_eng_sent {
    uint64_t seq;
    qr_type_id type;
};

struct qr_eng_credit {
    uint64_t total, sent_total;
    uint64_t type[QR_TYPES_MAX], sent_type[QR_TYPES_MAX];
    bool limited[QR_TYPES_MAX];   /* the type has a credit of its own */
    struct qr_eng_sent *unseen;   /* ring: offers the worker has not confirmed */
    size_t unseen_head, unseen_n; /* oldest, count */
    size_t unseen_cap;            /* a power of two, or 0 */
};

/* A Hello on its way through the database. */
struct qr_eng_greeting {
    uint64_t token;
    struct qr_eng_session *session;
    struct qr_eng_stream *stream; /* NULL: closed meanwhile, or a recovery */
    struct qr_hello *hello;       /* one block, see qr_eng_hello_copy() */
    struct qr_eng_credit granted; /* by the Hello and by Credits that came behind it */
    bool recover;
    UT_hash_handle hh;
};

/* ---- sessions */
struct qr_eng_session {
    uint8_t id[QR_SESSION_BYTES];
    uint64_t pk, attach;    /* 0: not (or no longer) ours */
    uint64_t stream_number; /* of its newest Hello here */
    char *worker_id;
    struct qr_hello *info; /* the Hello last welcomed; NULL: adopted */
    struct qr_eng_stream *stream;
    struct qr_eng_greeting *greeting, *waiting; /* with the database; behind it */
    struct qr_eng_timer timer;
    int64_t heard_at;
    int64_t gone_at; /* since when it is over; 0: it is not */
    bool draining, goodbye;
    bool drain_stored; /* the database asks for the drain, and may take it back */
    bool uncertain;    /* a request ended UNKNOWN: the database may know more leases than memory */
    bool has_pk;       /* in the table by pk */

    struct qr_eng_credit credit;
    uint64_t claim_token; /* under way; 0 none */
    uint64_t announced;   /* engine->announced when it was sent */
    int64_t linger_from;  /* since when a few slots wait; 0 none */
    int64_t claim_not_before, backoff_ms;

    struct qr_eng_line *line; /* where it waited last, or NULL */
    bool is_waiting;          /* in that line: it found no work */
    struct qr_eng_session *line_prev, *line_next;

    struct qr_eng_lease *leases;
    uint32_t n_leases, n_state[QR_LEASE_STATES];
    int64_t offer_due; /* no offer runs out earlier; 0 none */
    int64_t stop_due;  /* no stopping lease is fenced earlier; 0 none */
    uint64_t mark;

    struct qr_ack *acks; /* of the call under way */
    size_t n_acks, cap_acks;
    struct qr_eng_session *next_acks;

    double load;
    uint64_t disk_free_bytes, rss_bytes, completed, failed;
    uint32_t drain_grace_ms;
    UT_hash_handle hh;    /* by id */
    UT_hash_handle hh_pk; /* by pk */
};

/* ---- sessions that can do the same, and found no work (line.c) */
struct qr_eng_line {
    uint64_t key; /* of types and roots */
    qr_type_id *types;
    size_t n_types;
    size_t members;               /* sessions whose `line` this is */
    uint64_t served;              /* a claim was sent after that announcement */
    struct qr_eng_session *first; /* waits longest */
    struct qr_eng_timer timer;    /* the poll */
    int64_t retry_at;             /* it is early because of a rate */
    UT_hash_handle hh;
};

/* ---- take-backs on their way through the database, repeated until they are DONE or FENCED */
struct qr_eng_return {
    uint64_t token, session_pk, attach;
    enum qr_return_reason reason;
    struct qr_lease_ref *leases;
    size_t n_leases;
    void *checkpoint;
    size_t checkpoint_len;
    uint64_t delay_ms; /* of a job that waits */
    int64_t backoff_ms;
    struct qr_eng_timer timer;
    UT_hash_handle hh;
};

struct qr_engine {
    struct qr_engine_config config;
    struct qr_engine_port port;
    struct qr_engine_stats stats;
    int64_t now;
    bool started, stopping;

    /* rule 6 */
    int64_t stalled_until;             /* the last stall of this coordinator ended then */
    int64_t watch_from;                /* silence counts from here on only */
    int64_t renewed_at, renew_sent_at; /* the last good renewal was asked for then */
    bool renewing, lapsed;
    struct qr_eng_timer renew_timer, mirror_timer;

    struct qr_eng_stream *streams;
    struct qr_eng_session *sessions, *sessions_by_pk;
    struct qr_eng_lease *leases;
    struct qr_eng_lease *free_leases; /* chained by next */
    struct qr_eng_greeting *greetings;
    struct qr_eng_return *returns;
    struct qr_eng_line *lines;
    uint64_t announced; /* how often there was work */
    uint64_t last_token;
    uint64_t claims_in_flight, settles_in_flight, checkpoints_in_flight;

    struct qr_eng_timer **heap;
    size_t n_heap, cap_heap;

    struct qr_lease_ref *refs; /* being collected for one return */
    size_t n_refs, cap_refs;
    uint64_t *drop; /* being collected for one Sync */
    size_t n_drop, cap_drop;
};

/* ---- engine.c */
/** Zeroed memory; ends the process when there is none. */
void *qr_eng_alloc(size_t n, size_t size);
/** Grows `*array` so that it holds `need` elements. */
void qr_eng_reserve(void **array, size_t *cap, size_t need, size_t size);
int64_t qr_eng_next_backoff(int64_t backoff_ms);

/* ---- stream.c */
struct qr_eng_stream *qr_eng_stream_find(struct qr_engine *engine, uint64_t id);
/** The session of a frame that counts, marked as heard; NULL: drop the frame. */
struct qr_eng_session *qr_eng_stream_hear(struct qr_engine *engine, uint64_t id);
void qr_eng_stream_end(struct qr_engine *engine, struct qr_eng_stream *stream,
                       enum qr_end_reason reason, uint64_t newest, const char *message);

/* ---- hello.c */
struct qr_hello *qr_eng_hello_copy(const struct qr_hello *hello); /* one block: free() it */
void qr_eng_hello_send(struct qr_engine *engine, struct qr_eng_session *session,
                       struct qr_eng_stream *stream, const struct qr_hello *hello, bool recover);
void qr_eng_hello_forget_stream(struct qr_engine *engine, struct qr_eng_stream *stream);
/** Ask the database what an uncertain, silent session still has, and take it back. */
void qr_eng_hello_recover(struct qr_engine *engine, struct qr_eng_session *session);

/* ---- session.c */
struct qr_eng_session *qr_eng_session_find(struct qr_engine *engine, const uint8_t *id);
struct qr_eng_session *qr_eng_session_find_pk(struct qr_engine *engine, uint64_t pk);
/** Whether there is room for one more; a session that is long over makes it. */
bool qr_eng_session_room(struct qr_engine *engine);
struct qr_eng_session *qr_eng_session_new(struct qr_engine *engine, const uint8_t *id,
                                          const char *worker_id);
void qr_eng_session_free(struct qr_engine *engine, struct qr_eng_session *session);
void qr_eng_session_set_pk(struct qr_engine *engine, struct qr_eng_session *session, uint64_t pk);
/** The stream is gone. `returning`: offers that were not accepted go back at once. */
void qr_eng_session_detach(struct qr_engine *engine, struct qr_eng_session *session,
                           bool returning);
/** The session is not ours any more: memory of it goes, nothing is taken back. */
void qr_eng_session_forget(struct qr_engine *engine, struct qr_eng_session *session,
                           enum qr_end_reason reason, const char *message);
/** Memory of its leases becomes just these, active but for results under way. */
void qr_eng_session_install(struct qr_engine *engine, struct qr_eng_session *session,
                            const struct qr_kept_lease *kept, size_t n);
/** A request was FENCED: another coordinator has the session, or a Hello of unknown end committed.
 */
void qr_eng_session_moved(struct qr_engine *engine, struct qr_eng_session *session);
/** Set the timer anew; after every event that touched the session. */
void qr_eng_session_arm(struct qr_engine *engine, struct qr_eng_session *session);

/* ---- lease.c */
struct qr_eng_lease *qr_eng_lease_find(struct qr_engine *engine, uint64_t id);
struct qr_eng_lease *qr_eng_lease_add(struct qr_engine *engine, struct qr_eng_session *session,
                                      uint64_t id, uint64_t job_id, enum qr_eng_lease_state state);
void qr_eng_lease_remove(struct qr_engine *engine, struct qr_eng_lease *lease);
void qr_eng_lease_set(struct qr_engine *engine, struct qr_eng_lease *lease,
                      enum qr_eng_lease_state state);
/** Offered, active or stopping: the worker's to work on, or about to be. */
bool qr_eng_lease_is_held(const struct qr_eng_lease *lease);
/** Of a lease that is offered here. One kept by a Hello has the longest there are: its worker knows
 *  what it was offered with, which may be more than what has been learned since. */
void qr_eng_lease_budget(struct qr_engine *engine, struct qr_eng_lease *lease, uint64_t bytes);

/* ---- giveback.c: collect, then send as one request */
void qr_eng_return_add(struct qr_engine *engine, struct qr_eng_lease *lease);
void qr_eng_return_add_ref(struct qr_engine *engine, uint64_t lease_id, uint64_t job_id);
void qr_eng_return_later(struct qr_engine *engine, uint64_t session_pk, uint64_t attach,
                         enum qr_return_reason reason, uint64_t delay_ms, const void *checkpoint,
                         size_t len);
void qr_eng_return_send(struct qr_engine *engine, uint64_t session_pk, uint64_t attach,
                        enum qr_return_reason reason, const void *checkpoint, size_t len);
void qr_eng_return_free(struct qr_engine *engine, struct qr_eng_return *request);

/* ---- credit.c */
void qr_eng_credit_grant(struct qr_eng_credit *credit, const struct qr_credits *granted, bool anew);
/** sent = received + offers numbered above `seen` (rule 13). */
void qr_eng_credit_seen(struct qr_eng_credit *credit, uint64_t seen,
                        const struct qr_type_count *received, size_t n_received, uint64_t total);
void qr_eng_credit_sent(struct qr_eng_credit *credit, uint64_t seq, qr_type_id type);
uint64_t qr_eng_credit_free(const struct qr_eng_credit *credit);

/* ---- claim.c */
/** When the session wants to claim next; INT64_MAX: not before something happens. */
int64_t qr_eng_claim_plan(struct qr_engine *engine, struct qr_eng_session *session);
void qr_eng_claim_send(struct qr_engine *engine, struct qr_eng_session *session);

/* ---- line.c */
/** A claim found nothing: the session waits behind those that wait already. */
void qr_eng_line_join(struct qr_engine *engine, struct qr_eng_session *session, uint32_t retry_ms);
void qr_eng_line_leave(struct qr_eng_session *session);
/** It ends, or can do other things than before. */
void qr_eng_line_forget(struct qr_engine *engine, struct qr_eng_session *session);
/** A claim of this session came back full: others may try. */
void qr_eng_line_more(struct qr_engine *engine, struct qr_eng_session *session);

/* ---- settle.c */
/** A job's time is over: the worker is told to stop, the database that it failed. */
void qr_eng_settle_budget(struct qr_engine *engine, struct qr_eng_lease *lease, const char *why);

/* ---- stop.c (rule 10) */
/** The job or run of an active lease is stopped: told to the worker, fenced in time. */
void qr_eng_stop_lease(struct qr_engine *engine, struct qr_eng_lease *lease,
                       enum qr_stop_reason reason);
/** Its result could not be settled: what it was before, active or stopping. */
void qr_eng_stop_unsettled(struct qr_engine *engine, struct qr_eng_lease *lease);
/** A stopping lease ends: counted. */
void qr_eng_stop_ended(struct qr_engine *engine, const struct qr_eng_lease *lease, bool fenced);
/** A new stream: Stop is sent again for what is stopping. */
void qr_eng_stop_repeat(struct qr_engine *engine, struct qr_eng_session *session);
/** When the first stopping lease is to be fenced; INT64_MAX: none. */
int64_t qr_eng_stop_due(const struct qr_engine *engine, const struct qr_eng_session *session);
void qr_eng_stop_fence(struct qr_engine *engine, struct qr_eng_session *session);

/* ---- watch.c */
/** A request failed: silence until now does not count (rule 6). */
void qr_eng_watch_restart(struct qr_engine *engine);
/** From when on silence of this session counts. */
int64_t qr_eng_watch_since(const struct qr_engine *engine, const struct qr_eng_session *session);
bool qr_eng_watch_can_commit(const struct qr_engine *engine);
/** After a clock step: lets go when the own row is too old. */
void qr_eng_watch_wake(struct qr_engine *engine);
void qr_eng_watch_start(struct qr_engine *engine);

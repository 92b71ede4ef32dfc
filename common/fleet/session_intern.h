/* common/fleet/session_intern.h
 *
 * Between the files of the session: life of the stream (session.c), frames that came
 * (session_frames.c), leases and credits (session_lease.c), frames that are sent (session_send.c),
 * results (session_result.c).
 */
#pragma once
#include "common/buf.h"
#include "common/fleet/session.h"

#include <uthash.h>
#include <utlist.h>

enum {
    FRAME_BYTES_MAX = 64 << 10,
    CHUNK_BYTES = 48 << 10,  /* payload of one bulk frame */
    INLINE_BYTES = 40 << 10, /* a record up to this size travels inside its JobResult */
    MESSAGE_BYTES_MAX = 4 << 10,
};

enum held_state {
    HELD_OFFERED,  /* the owner has not answered */
    HELD_ACCEPTED, /* runs, or waits for its slot */
    HELD_FINISHED, /* in the spool */
    HELD_LEAVING,  /* handed back as soon as its last checkpoint is answered; due_ms: at the latest
                    */
};

enum queue_place { PLACE_NONE, PLACE_UNSENT, PLACE_SENT, PLACE_LATER };

struct held { /* a lease without a final Ack */
    uint64_t lease_id, job_id;
    enum held_state state;
    int type; /* index of the type; -1: a result of an earlier life */
    Quarry__V1__LeasePhase phase;
    uint32_t permille, done, total;
    int64_t started_ms; /* 0: not yet */
    int stopping;       /* port.stop was called with this StopReason; 0: not yet */
    enum queue_place place;
    int64_t due_ms; /* SENT: resend, LATER: send */
    bool sent_once;
    size_t meta_bytes;                      /* of the spooled result; 0: not looked at */
    size_t chunk_at;                        /* next byte of the record to be sent in chunks */
    uint64_t checkpoint_number, part_bytes; /* of the offer */
    struct keeping *keeping;                /* checkpoints; NULL: none so far */
    struct parts *parts;                    /* being fetched */
    char leave_reason[64];
    struct held *prev, *next;
    UT_hash_handle hh;
};

struct type_count {
    char name[64];
    uint32_t max_slots;
    uint64_t received;
    uint64_t freed;
};

struct id_list {
    uint64_t *ids;
    size_t n, cap;
};

struct qr_session {
    struct qr_session_config config;
    struct qr_session_port port;
    struct qr_spool *spool;
    int64_t now_ms;
    uint64_t random;
    enum qr_session_state state;
    struct qr_session_stats stats;

    /* the stream */
    uint64_t stream; /* number of the present one */
    bool is_open;    /* connect was called, and neither closed nor disconnect since */
    char address[256];
    char redirect[4][256]; /* from Restarting: tried first */
    size_t n_redirect;
    size_t next_coordinator;
    unsigned failures;   /* attempts in a row that gave no lasting stream */
    int64_t connect_ms;  /* WAITING: when to try */
    int64_t welcomed_ms; /* of the present stream */
    int64_t heard_ms;    /* last frame of it */
    int64_t beat_due_ms;
    uint64_t seen;          /* sequence number */
    uint64_t stream_number; /* Hellos sent in this session */
    bool was_welcomed;
    bool blocked; /* a send was refused; wait for writable */
    bool saying_goodbye;
    int64_t goodbye_ms; /* deadline of the answer */
    char goodbye_reason[64];

    /* from Welcome */
    uint32_t ttl_ms, beat_ms, resend_ms;
    uint64_t max_record_bytes;

    /* leases */
    struct held *held;
    size_t n_running; /* OFFERED or ACCEPTED */
    struct held *unsent, *sent, *later;
    struct keeping *keepings;
    size_t keeping_bytes;
    struct parts *fetching;
    struct type_count types[QR_SESSION_TYPES_MAX];
    size_t n_types;
    uint64_t received_total, freed_total;
    uint64_t credit_sent; /* freed_total as the coordinator knows it */
    bool no_offers;
    char no_offers_reason[64];
    struct id_list accepts;

    struct qr_buf frame;
};

/* session.c */
void qr_session_leave(struct qr_session *s, const char *why, bool at_once);
void qr_session_end(struct qr_session *s, int code, const char *message);
void qr_session_note(struct qr_session *s, const char *event, const char *detail);

/* session_lease.c */
struct held *qr_session_find(const struct qr_session *s, uint64_t lease_id);
struct held *qr_session_hold(struct qr_session *s, uint64_t lease_id, uint64_t job_id, int type);
void qr_session_forget(struct qr_session *s, struct held *held);
void qr_session_queue(struct qr_session *s, struct held *held, enum queue_place place);
void qr_session_give_back(struct qr_session *s, struct held *held);
void qr_session_drop(struct qr_session *s, struct held *held);
int qr_session_type_index(struct qr_session *s, const char *name);
bool qr_session_may_take(const struct qr_session *s, const char **ret_reason);
bool qr_session_add_id(struct id_list *list, uint64_t id);

/* session_send.c */
void qr_session_send_hello(struct qr_session *s);
void qr_session_send_beat(struct qr_session *s);
void qr_session_send_accepts(struct qr_session *s);
void qr_session_send_credits(struct qr_session *s);
void qr_session_send_decline(struct qr_session *s, uint64_t lease_id, const char *reason);
void qr_session_send_release(struct qr_session *s, uint64_t lease_id, const char *reason);
void qr_session_send_postpone(struct qr_session *s, uint64_t lease_id, const char *reason,
                              uint64_t delay_ms, const void *note, size_t len);
void qr_session_send_goodbye(struct qr_session *s);
void qr_session_send_parts_request(struct qr_session *s, uint64_t lease_id, uint64_t offset);
/** Hand s->frame to the port. A control frame that finds no place means the peer does not read. */
bool qr_session_send_buf(struct qr_session *s, bool bulk);

/* session_result.c */
void qr_session_send_results(struct qr_session *s);

/* session_checkpoint.c */
void qr_session_keeping_free(struct qr_session *s, struct held *held);
/** Is a checkpoint on its way? */
bool qr_session_keeping_waits(const struct held *held);
/** The slot is free; Release follows when the checkpoint is answered. */
void qr_session_leave_later(struct qr_session *s, struct held *held);
void qr_session_on_checkpoint_ack(struct qr_session *s, const Quarry__V1__CheckpointAck *ack);
/** The stream is gone: everything is sent again. */
void qr_session_keepings_unsent(struct qr_session *s);
void qr_session_send_checkpoints(struct qr_session *s);
void qr_session_keeping_timers(struct qr_session *s);
int64_t qr_session_keeping_deadline(const struct qr_session *s);

/* session_parts.c */
void qr_session_parts_free(struct qr_session *s, struct held *held);
void qr_session_on_parts_chunk(struct qr_session *s, const Quarry__V1__PartsChunk *chunk);
void qr_session_parts_unsent(struct qr_session *s);
void qr_session_ask_parts(struct qr_session *s);
int64_t qr_session_parts_deadline(const struct qr_session *s);

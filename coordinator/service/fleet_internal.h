/* coordinator/service/fleet_internal.h
 *
 * What the files of quarry.v1.Fleet share: fleet.c (entering the engine, the timer thread, life),
 * fleet_stream.c (streams), fleet_db.c (requests and answers of the database), hello_in.c and
 * frame_in.c (frames to the engine), frame_out.c (the engine's frames to streams), assembly.c
 * (records that come in chunks). Everything here is guarded by qr_fleet.mutex unless said
 * otherwise.
 */
#pragma once
#include <openssl/evp.h>
#include <pthread.h>
#include <stdbool.h>
#include <uthash.h>

#include "coordinator/service/fleet.h"
#include "coordinator/service/hot.h"
#include "quarry/v1/fleet.pb-c.h"

enum {
    QR_FRAME_MAX = 64 << 10,      /* protocol.md: frames are at most 64 KiB */
    QR_CHECKPOINT_MAX = 48 << 10, /* its data, without the part */
    QR_PARTS_READS_MAX = 64,      /* at a time, of all workers */
    QR_ASSEMBLY_LEASES_MAX = 256, /* half-received records per stream */
    QR_ASSEMBLY_KEEP_MS = 120000, /* without another chunk; the worker sends all of it again */
    QR_STREAM_WAIT_MS = 10000 /* for a stream's Hello, and after its End for the peer to read it */
};

/* A record, or a part of one, that comes in chunks. */
struct qr_assembly {
    uint64_t lease_id; /* key */
    uint8_t *data;
    size_t len, cap;
    EVP_MD_CTX *digest; /* SHA-256 so far; NULL: a part, which has none */
    int64_t touched_ms;
    UT_hash_handle hh;
};

enum { QR_OFFERS_TIMED = 8 }; /* Offer frames of a stream whose Accept is timed, at most */

struct qr_timed_offer {
    uint64_t lease_id; /* the first of the frame; 0: accepted, or none */
    int64_t sent_ns;
};

struct qr_fleet_stream {
    uint64_t id; /* key */
    struct qr_rpc_stream *rpc;
    struct qr_assembly *assemblies; /* oldest first */
    size_t assembly_bytes;
    bool slow;          /* its send queue is full: to be told to the engine */
    bool ended;         /* End was sent */
    bool is_waited_for; /* no Hello has come yet, or End is not read: not for long */
    int64_t waited_since_ms;
    struct qr_timed_offer offers[QR_OFFERS_TIMED];
    unsigned next_offer;
    UT_hash_handle hh;
};

struct qr_refused; /* refused.c */

struct qr_fleet {
    struct qr_fleet_config config;
    struct qr_rpc_server *server;
    struct qr_db *db;

    pthread_mutex_t mutex;
    pthread_cond_t wake; /* for the timer thread: an earlier deadline, or stop */
    struct qr_engine *engine;
    struct qr_fleet_stream *streams;
    uint64_t next_stream;
    size_t n_slow;     /* streams with `slow` set */
    size_t n_waited;   /* streams with `is_waited_for` set */
    int64_t looked_ms; /* when the streams were last looked after */
    size_t assembly_bytes, pending_bytes;
    size_t parts_reads;             /* with the database */
    struct qr_settle *free_settles; /* chained by next */
    size_t n_free_settles;
    struct qr_hot_frame hot_in;
    struct qr_histogram offer_accept;
    uint8_t *hot_out; /* QR_FRAME_MAX bytes for the frame being encoded */
    struct qr_refused *refused, **refused_tail;
    int64_t timer_at; /* what the timer thread sleeps for */
    bool started, stopping;
    pthread_t timer;
};

/** fleet.c: a turn of the engine begins and ends; the mutex is held in between. */
void qr_fleet_enter(struct qr_fleet *fleet);
void qr_fleet_leave(struct qr_fleet *fleet);

/* fleet_stream.c */
extern const struct qr_rpc_stream_handler qr_fleet_stream_handler;
/** From now on its Hello, or the end of the call, is waited for; or no more. */
void qr_fleet_wait_for(struct qr_fleet *fleet, struct qr_fleet_stream *stream, bool waits);
/** Now and then: ends what was waited for too long. */
void qr_fleet_look_after_streams(struct qr_fleet *fleet, int64_t now);

struct qr_fleet_stream *qr_fleet_find_stream(struct qr_fleet *fleet, uint64_t id);

/* refused.c: a request that a full (or stopping) lane refuses is answered before the engine's call
 * returned, on the same thread. The engine is not re-entrant, so such answers wait until its call
 * is over. Each function returns true when it kept a copy; false: this is an ordinary answer. */
void qr_refused_enter(struct qr_fleet *fleet); /* this thread is in the engine from here … */
void qr_refused_leave(void);                   /* … to here */
bool qr_refused_hello(struct qr_fleet *fleet, const struct qr_db_hello_reply *reply);
bool qr_refused_claim(struct qr_fleet *fleet, const struct qr_db_claim_reply *reply);
bool qr_refused_return(struct qr_fleet *fleet, const struct qr_db_return_reply *reply);
bool qr_refused_settles(struct qr_fleet *fleet, struct qr_settle *const *settles, size_t n,
                        enum qr_db_status status);
bool qr_refused_checkpoint(struct qr_fleet *fleet, struct qr_checkpoint *checkpoint,
                           enum qr_db_status status);
bool qr_refused_renew(struct qr_fleet *fleet, bool ok);
/** Hand the kept answers to the engine; those that follow from them wait for the next call. */
void qr_refused_deliver(struct qr_fleet *fleet);
/** At the end: those that came when nobody waited for them any more. */
void qr_refused_drop_all(struct qr_fleet *fleet);

/** hello_in.c: what a worker is, can do and has. */
void qr_fleet_hello_in(struct qr_fleet *fleet, uint64_t stream, const Quarry__V1__Hello *hello);
void qr_fleet_credits_in(struct qr_fleet *fleet, uint64_t stream,
                         const Quarry__V1__Credits *credits);
void qr_fleet_beat_in(struct qr_fleet *fleet, uint64_t stream, const Quarry__V1__Beat *beat);

/** frame_in.c: hand one decoded frame to the engine. May take parts out of the frame. */
void qr_fleet_frame_in(struct qr_fleet *fleet, struct qr_fleet_stream *stream,
                       Quarry__V1__WorkerFrame *frame);

/** fleet.c: from an Offer frame's sending to the Accept of its first lease. */
void qr_fleet_time_offer(struct qr_fleet *fleet, uint64_t stream, uint64_t lease_id);
void qr_fleet_time_accept(struct qr_fleet *fleet, struct qr_fleet_stream *stream,
                          uint64_t lease_id);

/** frame_in.c: the same for a hot frame; false: it is none, nothing was done with it. */
bool qr_fleet_hot_in(struct qr_fleet *fleet, struct qr_fleet_stream *stream, const uint8_t *data,
                     size_t len);

/** fleet_db.c: a zeroed settle; its record, of that length, is in the same block. NULL: no memory.
 */
struct qr_settle *qr_fleet_new_settle(struct qr_fleet *fleet, size_t record_len);
/** The only way to free a settle here, however it was made. */
void qr_fleet_free_settle(struct qr_fleet *fleet, struct qr_settle *settle);

/** What it counts for in pending_bytes. */
static inline size_t qr_fleet_settle_bytes(const struct qr_settle *settle)
{
    return settle->record_len + (settle->found ? settle->found->n_bytes : 0);
}

/** fleet_db.c: the database is done with these: count, tell the engine, free. Under the mutex. */
void qr_fleet_settled(struct qr_fleet *fleet, struct qr_settle *const *settles, size_t n,
                      enum qr_db_status status);

/** fleet_db.c: the same for a checkpoint. */
void qr_fleet_checkpointed(struct qr_fleet *fleet, struct qr_checkpoint *checkpoint,
                           enum qr_db_status status);

/** parts.c: the parts of a leased job from `offset` on go out, as many as one answer has. */
void qr_fleet_send_parts(struct qr_fleet *fleet, uint64_t stream, uint64_t lease_id,
                         uint64_t offset);

/** frame_out.c: how often a worker beats: a quarter of the ttl, further apart in a large fleet so
 * that all beats together stay below about 1,000 a second, but never more than half the ttl (rule
 * 5). */
uint32_t qr_fleet_beat_ms(int64_t ttl_ms, size_t streams);

/** frame_out.c and fleet_db.c: the port's functions. */
void qr_fleet_port_frames(struct qr_engine_port *port);
void qr_fleet_port_db(struct qr_engine_port *port);

/* assembly.c: what is never finished (its job failed meanwhile, its worker is broken) is dropped
 * with its lease, or when its stream has too many or too large ones (the oldest goes), or in time.
 */

/** One chunk. `hashed`: of a record, whose SHA-256 will be asked for. False: refused (out of order
 * or over a limit), what was there is dropped. */
bool qr_assembly_add(struct qr_fleet *fleet, struct qr_fleet_stream *stream, uint64_t lease_id,
                     uint64_t offset, const ProtobufCBinaryData *chunk, bool hashed);
/** Takes the record out when it has `len` bytes and this SHA-256 (may be empty: not checked); false
 *  otherwise, and the parts are dropped. The caller owns *ret_data. */
bool qr_assembly_take(struct qr_fleet *fleet, struct qr_fleet_stream *stream, uint64_t lease_id,
                      size_t len, const ProtobufCBinaryData *sha256, uint8_t **ret_data);
/** Nothing more will come for this lease. */
void qr_assembly_drop(struct qr_fleet *fleet, struct qr_fleet_stream *stream, uint64_t lease_id);
/** Drops what no chunk came for in QR_ASSEMBLY_KEEP_MS. */
void qr_assembly_drop_old(struct qr_fleet *fleet, struct qr_fleet_stream *stream, int64_t now_ms);
void qr_assembly_drop_all(struct qr_fleet *fleet, struct qr_fleet_stream *stream);

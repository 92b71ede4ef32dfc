/* common/rpc/internal.h
 *
 * What the files of common/rpc/ share and nobody else sees: the only header with gRPC types.
 *
 * The parts, each used by the next: an op is one pending batch and its own tag; a queue is a
 * completion queue with the one thread that serves it; a home (server or channel) owns queues,
 * configuration and the list of live streams; a stream belongs to one home and one queue.
 *
 * Locks: a home's lock is taken before a stream's, never the other way round; callbacks run without
 * any.
 */
#pragma once
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <grpc/grpc.h>
#include <grpc/grpc_security.h>

#include "common/buf.h"
#include "common/err.h"
#include "common/rpc/rpc.h"
#include "common/rpc/stream.h"

#define QR_RPC_STATUS_BYTES 512 /* longest status message sent or kept */
#define QR_RPC_FRAME_COST 64    /* added to a waiting message's size: tiny ones cost memory too */

/* -- ops and queues (queue.c) ------------------------------------------------------------- */

/** One pending gRPC batch. It is the tag: embed it in what owns it. gRPC orders what the starting
 *  thread did before what `done` does; `handed` says so in C's terms, for ThreadSanitizer too. */
struct qr_rpc_op {
    atomic_bool handed;
    void (*done)(struct qr_rpc_op *op, bool ok); /* on the queue thread; may free its owner */
};

/** A completion queue and its thread. One thread a queue: callbacks of a stream never overlap. */
struct qr_rpc_queue {
    grpc_completion_queue *cq;
    pthread_t thread;
    bool running;     /* the thread was started and not joined */
    uint8_t *scratch; /* queue thread only: a message that arrived in pieces */
    size_t scratch_cap;
};

int qr_rpc_queue_start(struct qr_rpc_queue *queue, struct qr_err *err);
/** When nothing can start a batch any more: drain, join, destroy. Accepts a zeroed queue. */
void qr_rpc_queue_stop(struct qr_rpc_queue *queue);

/** Before an op goes to gRPC by another way than qr_rpc_start(). */
static inline void qr_rpc_op_hand(struct qr_rpc_op *op)
{
    atomic_store_explicit(&op->handed, true, memory_order_release);
}

/** Start a batch. The only errors gRPC reports here are mistakes in this folder: aborts on one. */
void qr_rpc_start(grpc_call *call, const grpc_op *ops, size_t n, struct qr_rpc_op *op);

/** The bytes of a received message, contiguous, for this queue's thread; valid until its next call
 *  or the buffer's end. NULL: out of memory. */
const uint8_t *qr_rpc_message_bytes(struct qr_rpc_queue *queue, grpc_byte_buffer *buffer,
                                    size_t *ret_len);

/* -- what server and channel have in common (home.c) -------------------------------------- */

/** Checked configuration, defaults filled in. */
struct qr_rpc_limits {
    size_t max_message_bytes;
    size_t max_queue_bytes;
    int64_t keepalive_ms;
    int64_t keepalive_timeout_ms;
};

struct qr_rpc_home {
    struct qr_rpc_limits limits;
    grpc_metadata *head; /* metadata sent first on each call; own slices */
    size_t n_head;

    pthread_mutex_t lock;
    pthread_cond_t idle; /* a counter fell to 0 */
    /* under the lock: */
    struct qr_rpc_stream *streams; /* live ones, doubly linked */
    size_t live;                   /* how many */
    size_t pending;                /* those not yet gone, and ops the home itself waits for */
    bool ended;                    /* everything was cancelled; what still arrives is too */
};

int qr_rpc_limits_check(struct qr_rpc_limits *limits, struct qr_err *err);
int qr_rpc_home_init(struct qr_rpc_home *home, const struct qr_rpc_limits *limits,
                     const struct qr_rpc_metadata *metadata, struct qr_err *err);
void qr_rpc_home_done(struct qr_rpc_home *home);
void qr_rpc_home_enter(struct qr_rpc_home *home);  /* one more pending */
void qr_rpc_home_leave(struct qr_rpc_home *home);  /* one less */
size_t qr_rpc_home_live(struct qr_rpc_home *home); /* live streams */
/** Wait until a counter of the home is 0; timeout_ms < 0 waits for ever. */
void qr_rpc_home_wait(struct qr_rpc_home *home, const size_t *counter, int64_t timeout_ms);
/** Cancel every live stream, and those that still come. */
void qr_rpc_home_cancel(struct qr_rpc_home *home, int code, const char *message);

/** Channel arguments, filled by qr_rpc_args_*. Strings are constants. */
struct qr_rpc_args {
    grpc_arg items[32];
    grpc_channel_args list;
};
void qr_rpc_args_init(struct qr_rpc_args *args, const struct qr_rpc_limits *limits);
void qr_rpc_args_add(struct qr_rpc_args *args, const char *key, int64_t value); /* clamped to int */

/* -- the one place that chooses credentials (credentials.c) ------------------------------- */

grpc_server_credentials *qr_rpc_server_credentials(void);
grpc_channel_credentials *qr_rpc_channel_credentials(void);

/* -- small conversions (status.c) --------------------------------------------------------- */

gpr_timespec qr_rpc_deadline(int64_t ms_from_now); /* <= 0: none */
int64_t qr_rpc_deadline_left_ms(gpr_timespec deadline);
/** Cut a foreign text into a buffer: NUL-terminated, control characters as blanks. */
void qr_rpc_text(char *ret, size_t size, grpc_slice slice);
/**
 * Our code for the status a client got.
 *
 *   text       the status message, cut
 *   cancelled  what this side cancelled the call with, QR_OK if it did not
 *   trailers   may tell our own code, see rpc.h
 *
 * A server that is shutting down drops calls it has not looked at with CANCELLED and no text but
 * that word; to the caller, who cancelled nothing, the server is gone.
 */
int qr_rpc_code_of(grpc_status_code status, const char *text, int cancelled,
                   const grpc_metadata_array *trailers);
/** The trailer that tells a code where its status alone does not. False: none is needed.
 *  Its slices need no unref. */
bool qr_rpc_code_trailer(int code, grpc_metadata *ret);
bool qr_rpc_path_is_valid(const char *path);
/** "HOST:PORT" with a port of min_port..65535, or "unix:PATH". */
int qr_rpc_address_check(const char *address, long min_port, struct qr_err *err);

/* -- streams (stream*.c, sendq.c) --------------------------------------------------------- */

/** Slices waiting to be sent, oldest first: a ring that grows. */
struct qr_rpc_ring {
    grpc_slice *slots;
    size_t head, count, cap;
};
bool qr_rpc_ring_push(struct qr_rpc_ring *ring, grpc_slice slice); /* false: out of memory */
grpc_slice qr_rpc_ring_pop(struct qr_rpc_ring *ring);              /* not when empty */
void qr_rpc_ring_clear(struct qr_rpc_ring *ring);                  /* unrefs and frees all */

/** What the peer sent ahead of its messages, copied so that it outlives the call. */
struct qr_rpc_head {
    char *peer;
    char *pairs; /* key NUL value NUL ..., closed by an empty key; NULL when there are none */
    gpr_timespec deadline;
};

enum qr_rpc_state {               /* only the queue thread changes it */
                    RPC_STARTING, /* before `open` has returned. Left by opened(), or by the end op
                                   */
                    RPC_OPEN,     /* messages come in. Left by the end op */
                    RPC_ENDED,  /* gRPC said it is over, ops are on their way back. Left by the last
                                   of them */
                    RPC_CLOSED, /* `closed` was called, the gRPC call released. Final */
};

struct qr_rpc_stream {
    atomic_uint refs; /* one is the queue thread's, until closed */
    const struct qr_rpc_stream_handler *handler;
    void *ctx;
    void *user;
    struct qr_rpc_home *home;          /* valid until closed */
    struct qr_rpc_queue *queue;        /* the same */
    struct qr_rpc_stream *prev, *next; /* in home->streams, under the home's lock */
    size_t max_message_bytes, max_queue_bytes;
    bool is_client;
    bool greets; /* server: sends its head at once, not with the first answer */
    struct qr_rpc_head head;

    struct qr_rpc_op send_op, recv_op, end_op, head_op;
    grpc_byte_buffer *out;                    /* reused for every message sent */
    grpc_byte_buffer *in;                     /* set by recv_op */
    grpc_metadata_array head_in, trailers_in; /* client: set by head_op, end_op */
    grpc_status_code status;                  /* client: set by end_op */
    grpc_slice details;                       /* the same */
    int cancelled;                            /* server: set by end_op */

    pthread_mutex_t lock;
    /* under the lock: */
    grpc_call *call; /* NULL once closed */
    enum qr_rpc_state state;
    bool sending, receiving, heading; /* which ops are out; end_op always is until RPC_ENDED */
    bool greeted;                     /* the head was sent */
    bool finishing;                   /* no more messages: finish_* go out behind the queue */
    bool finished;                    /* ... and were handed to gRPC */
    bool paused;
    bool eof;     /* the peer sends no more */
    bool refused; /* a send met a full queue; `writable` is due */
    struct qr_rpc_ring control, bulk;
    size_t queued; /* bytes in both rings, costs included */
    int finish_code;
    grpc_metadata trailer; /* server: goes out with finish_code, if that needs one */
    char finish_message[QR_RPC_STATUS_BYTES];
    int cancel_code; /* QR_OK: not cancelled here */
    char cancel_message[QR_RPC_STATUS_BYTES];
};

/** Server: a stream for an accepted call; takes over the call. NULL: out of memory. */
struct qr_rpc_stream *qr_rpc_stream_new(struct qr_rpc_home *home, struct qr_rpc_queue *queue,
                                        const struct qr_rpc_stream_handler *handler, void *ctx,
                                        grpc_call *call, bool is_client);
/** On the queue thread: open, read, live. */
void qr_rpc_stream_serve(struct qr_rpc_stream *s, bool greets);
/** On any thread: send the request's head, read the answer's. */
void qr_rpc_stream_call(struct qr_rpc_stream *s);
/** One message and QR_OK, in one batch; QR_E_LIMIT when it is too long. */
void qr_rpc_stream_reply(struct qr_rpc_stream *s, const uint8_t *data, size_t len);
/** Nobody waits at the other end any more. */
bool qr_rpc_stream_is_dead(struct qr_rpc_stream *s);
/** Copy what the peer sent first. False: out of memory. */
bool qr_rpc_head_copy(struct qr_rpc_head *head, grpc_call *call,
                      const grpc_metadata_array *metadata);

/* common/rpc/stream.h
 *
 * One live call that carries messages both ways: the same type for both ends of a connection.
 *
 * Callbacks. A stream belongs to one queue thread; all its callbacks run there, one at a time, in
 * the order open, (message | half_closed | writable)*, closed. `closed` comes exactly once, also
 * when `open` never did (a client whose call failed). No lock is held in a callback, so it may call
 * anything here, but it must not block: other streams wait behind it. Only a client's `writable`
 * may come before its `open`: messages are sent before the server has answered.
 *
 * Threads. Every function here may be called from any thread, from callbacks too, as long as the
 * caller holds a reference. After the end they do nothing or return QR_E_CANCELLED.
 *
 * References. A callback borrows the stream until `closed` returns; who keeps the pointer longer,
 * or uses it on another thread, takes a reference. qr_rpc_stream_open() gives its caller one.
 */
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "common/rpc/rpc.h"

struct qr_rpc_stream;

enum qr_rpc_priority { QR_RPC_CONTROL, QR_RPC_BULK };

/** What to do about a stream; a NULL callback is skipped. */
struct qr_rpc_stream_handler {
    /** Server: a call arrived. Client: the server answered (its metadata can be read now). */
    void (*open)(void *ctx, struct qr_rpc_stream *s);

    /** One message, valid during the callback. */
    void (*message)(void *ctx, struct qr_rpc_stream *s, const uint8_t *data, size_t len);

    /** Server only: the client has sent all. Answer with qr_rpc_stream_finish() when done. Not
     *  called when the client is gone: `closed` is then. */
    void (*half_closed)(void *ctx, struct qr_rpc_stream *s);

    /** A send was refused for a full queue, and the queue has drained below half since. */
    void (*writable)(void *ctx, struct qr_rpc_stream *s);

    /**
     * The end.
     *
     *   code     Client: what the server finished with; QR_E_UNREACHABLE, it is gone; QR_E_LIMIT,
     *            a message over the limit; or what qr_rpc_stream_cancel() was given.
     *            Server: what was given to finish, when that went out, or to cancel; else
     *            QR_E_TIMEOUT, the call's deadline passed, or QR_E_CANCELLED, the client
     *            cancelled (perhaps for the deadline), is gone, or sent a message over the limit.
     *   message  human text, never NULL, "" when there is none; valid during the callback
     */
    void (*closed)(void *ctx, struct qr_rpc_stream *s, int code, const char *message);
};

/**
 * Queue one message; never blocks.
 *
 *   priority  control messages overtake waiting bulk messages; within a priority order is kept
 *   data      copied; may be NULL when len is 0
 *
 * Returns QR_OK; QR_E_LIMIT: the queue is full, nothing was queued, `writable` will tell (bulk
 * messages may fill max_queue_bytes, control messages a quarter more, so a beat passes a blocked
 * result); QR_E_INVALID: larger than max_message_bytes; QR_E_CANCELLED: finished, cancelled or
 * closed; QR_E_NOMEM. QR_OK does not mean delivered: what is queued when the stream breaks is lost.
 */
QR_MUST_CHECK int qr_rpc_stream_send(struct qr_rpc_stream *s, enum qr_rpc_priority priority,
                                     const uint8_t *data, size_t len);

/** Bytes waiting in the send queue, not counting the message being written. */
size_t qr_rpc_stream_queued(const struct qr_rpc_stream *s);

/**
 * Stop and go for reading. While paused at most QR_RPC_WINDOW_BYTES are taken off the peer, whose
 * sends then wait. Exact when called in a callback of this stream; called elsewhere, one message
 * already on its way may still be delivered. Not nested. A client stream that is paused does not
 * see the server's end until it resumes or is cancelled.
 */
void qr_rpc_stream_pause_reads(struct qr_rpc_stream *s);
void qr_rpc_stream_resume_reads(struct qr_rpc_stream *s);

/**
 * Nothing more to send; what is queued still goes out.
 * Server: then the status (QR_OK or QR_E_*, text up to 512 bytes, NULL for none) ends the call.
 * Client: half-close, code and message are not used; the server decides when the call ends.
 * The first call counts.
 */
void qr_rpc_stream_finish(struct qr_rpc_stream *s, int code, const char *message);

/**
 * End at once, dropping what is queued; for a peer that does not read, or that nobody waits for.
 * The other side learns `code` (a QR_E_*) and message where the connection still works.
 */
void qr_rpc_stream_cancel(struct qr_rpc_stream *s, int code, const char *message);

struct qr_rpc_stream *qr_rpc_stream_ref(struct qr_rpc_stream *s); /* returns s */
void qr_rpc_stream_unref(struct qr_rpc_stream *s);                /* accepts NULL */

/** A pointer of the caller's, NULL at first. Set it in `open` (or before sharing the stream): no
 * lock. */
void qr_rpc_stream_set_user(struct qr_rpc_stream *s, void *user);
void *qr_rpc_stream_user(const struct qr_rpc_stream *s);

/** Address of the other side, "ipv4:10.0.0.7:51234"; "" while a client is not connected. Valid
 * while the reference is held; on a client not before `open`. */
const char *qr_rpc_stream_peer(const struct qr_rpc_stream *s);

/** Value of a metadata key the peer sent first, NULL when it did not. Valid like peer. */
const char *qr_rpc_stream_metadata(const struct qr_rpc_stream *s, const char *key);

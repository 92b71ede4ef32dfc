/* common/rpc/client.h
 *
 * The calling side: a channel is one connection to one server, made when the first call needs it
 * and made again after it broke. Calls that find no connection fail at once with QR_E_UNREACHABLE;
 * retrying is the caller's. Thread-safe; any number of calls may be under way.
 *
 * Unary and server-streaming calls block the caller and run their callback on its thread.
 * Bidirectional streams get their callbacks on the channel's queue thread, which is started by the
 * first of them.
 *
 * Interrupting blocking calls: let the configuration's `interrupted` point to an atomic_bool. When
 * a signal handler or another thread sets it, every blocking call of the channel ends with
 * QR_E_CANCELLED within QR_RPC_INTERRUPT_MS. Or return a negative code from the message callback.
 */
#pragma once
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/err.h"
#include "common/rpc/rpc.h"
#include "common/rpc/stream.h"

#define QR_RPC_INTERRUPT_MS 100

struct qr_rpc_channel;

/** A zero takes the default of rpc.h. Everything but `interrupted` is copied. */
struct qr_rpc_channel_config {
    size_t max_message_bytes; /* either direction */
    size_t max_queue_bytes;   /* send queue of each stream; at least max_message_bytes */
    int64_t keepalive_ms;     /* QR_RPC_KEEPALIVE_MIN_MS or more */
    int64_t keepalive_timeout_ms;
    int64_t reconnect_min_ms; /* back-off between connection attempts, jittered; default 100 ... */
    int64_t reconnect_max_ms; /* ... 2000; calls meanwhile fail at once */
    const struct qr_rpc_metadata *metadata; /* sent with every call; NULL: none */
    const atomic_bool *interrupted;         /* borrowed for the channel's life; NULL: none */
};

/**
 * A channel. Does not connect yet.
 *
 *   target  "HOST:PORT" (name or address), "[::1]:PORT" or "unix:PATH"
 *   config  NULL: all defaults
 *   ret     caller owns it: qr_rpc_channel_free()
 *
 * Errors: QR_E_INVALID, a value outside its range, or not an address. QR_E_NOMEM.
 */
QR_MUST_CHECK int qr_rpc_channel_new(const char *target, const struct qr_rpc_channel_config *config,
                                     struct qr_rpc_channel **ret, struct qr_err *err);

/** Cancels live streams, waits for their last callbacks, closes. No blocking call may be under way.
 *  Not from a callback. Streams referenced stay valid, dead. */
void qr_rpc_channel_free(struct qr_rpc_channel *channel);
QR_DEFINE_AUTO(qr_rpc_channel)

/**
 * Call a unary method and wait for its answer.
 *
 *   path         "/quarry.v1.Admin/GetRun"
 *   deadline_ms  from now; 0: QR_RPC_DEADLINE_MS
 *   reply        initialised by the caller; the answer is appended. Its cap counts: beyond it
 * QR_E_LIMIT
 *
 * Errors: QR_E_UNREACHABLE with a hint, no connection; QR_E_TIMEOUT; QR_E_CANCELLED, interrupted;
 * what the server answered, with its message (err->sys is the gRPC status number, 0 when the error
 * is not from there).
 */
QR_MUST_CHECK int qr_rpc_unary(struct qr_rpc_channel *channel, const char *path,
                               const uint8_t *request, size_t len, int64_t deadline_ms,
                               struct qr_buf *reply, struct qr_err *err);

/** One message of a server stream, valid during the callback. A negative value (a QR_E_*) ends the
 * call. */
typedef int (*qr_rpc_message_fn)(void *ctx, const uint8_t *data, size_t len);

/**
 * Call a server-streaming method and hand each message to `fn` on this thread, until the server
 * ends it. While fn works the server is slowed down, not buffered. fn may make other calls.
 *
 *   deadline_ms  from now, for the whole stream; 0: none
 *
 * Returns QR_OK when the server ended the stream well; the code of fn, when fn ended it; else as
 * unary.
 */
QR_MUST_CHECK int qr_rpc_server_stream(struct qr_rpc_channel *channel, const char *path,
                                       const uint8_t *request, size_t len, int64_t deadline_ms,
                                       qr_rpc_message_fn fn, void *ctx, struct qr_err *err);

/**
 * Open a bidirectional stream. Returns at once; messages may be queued at once. Whether the server
 * can be reached is told by `open` or `closed`, which may run before this returns.
 *
 *   handler, ctx  borrowed until `closed` has returned
 *   ret           set before any callback; a reference the caller owns: qr_rpc_stream_unref()
 *
 * Errors: QR_E_INVALID, not a path. QR_E_NOMEM. No callback runs then.
 */
QR_MUST_CHECK int qr_rpc_stream_open(struct qr_rpc_channel *channel, const char *path,
                                     const struct qr_rpc_stream_handler *handler, void *ctx,
                                     struct qr_rpc_stream **ret, struct qr_err *err);

/* common/rpc/server.h
 *
 * A gRPC server: methods are registered by path, then it is started, later stopped and freed.
 *
 *     new -> add_unary/add_stream ... -> start -> (serving) -> stop -> free
 *
 * Callbacks run on the server's queue threads and must not block: hand the work to another thread,
 * which answers by qr_rpc_call_reply() or qr_rpc_stream_send() from there. A path nobody registered
 * is answered with QR_E_UNSUPPORTED (UNIMPLEMENTED), a message over the limit with QR_E_LIMIT
 * (RESOURCE_EXHAUSTED).
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "common/rpc/rpc.h"
#include "common/rpc/stream.h"

struct qr_rpc_server;
struct qr_rpc_call; /* one unary call that waits for its answer */

/** A zero takes the default of rpc.h. Everything is copied. */
struct qr_rpc_server_config {
    const char *listen; /* "HOST:PORT", "[::1]:PORT", port 0 picks a free one; or "unix:PATH" */
    unsigned threads;   /* queue threads, each with its own share of the calls; default 1 */
    size_t max_message_bytes; /* either direction */
    size_t max_queue_bytes;   /* send queue of each stream; at least max_message_bytes */
    size_t max_calls;         /* live at a time; more are answered with QR_E_LIMIT */
    int64_t keepalive_ms;     /* QR_RPC_KEEPALIVE_MIN_MS or more */
    int64_t keepalive_timeout_ms;
    const struct qr_rpc_metadata *metadata; /* sent ahead of every answer; NULL: none */
};

/**
 * A server that does not listen yet.
 *
 *   ret  caller owns it: qr_rpc_server_free()
 *
 * Errors: QR_E_INVALID, a value outside its range. QR_E_NOMEM.
 */
QR_MUST_CHECK int qr_rpc_server_new(const struct qr_rpc_server_config *config,
                                    struct qr_rpc_server **ret, struct qr_err *err);

/**
 * Handler of a unary method.
 *
 *   call     must be answered exactly once, by reply or fail, here or later, on any thread; also
 *            when the client has gone meanwhile or the server has stopped: that just frees it
 *   request  valid during the callback
 */
typedef void (*qr_rpc_unary_fn)(void *ctx, struct qr_rpc_call *call, const uint8_t *request,
                                size_t len);

/**
 * Register a method, before start. `path` is "/package.Service/Method"; path and handler table are
 * copied, ctx is borrowed until the server is freed. Server-streaming methods are streams too: one
 * `message`, then `half_closed`.
 *
 * Errors: QR_E_EXISTS, the path is taken. QR_E_INVALID, not a path, or already started. QR_E_NOMEM.
 */
QR_MUST_CHECK int qr_rpc_server_add_unary(struct qr_rpc_server *server, const char *path,
                                          qr_rpc_unary_fn fn, void *ctx, struct qr_err *err);
QR_MUST_CHECK int qr_rpc_server_add_stream(struct qr_rpc_server *server, const char *path,
                                           const struct qr_rpc_stream_handler *handler, void *ctx,
                                           struct qr_err *err);

/**
 * Listen and serve. Callbacks may run before this returns.
 *
 * Errors: QR_E_EXISTS, the address is in use or cannot be bound (hint in the message); the server
 * can only be freed then. QR_E_NOMEM, no threads.
 */
QR_MUST_CHECK int qr_rpc_server_start(struct qr_rpc_server *server, struct qr_err *err);

/** Where it listens, with the real port: "127.0.0.1:40123". "" before start. */
const char *qr_rpc_server_address(const struct qr_rpc_server *server);

/**
 * Stop: refuse new calls, wait up to grace_ms for live ones to end, cancel the rest, and wait for
 * their last callbacks. No callback runs once this returned. Tell streams to end
 * (qr_rpc_stream_finish) before or from another thread; the server itself does not finish them. The
 * peers of calls that were cancelled see UNAVAILABLE; the text may be lost with the connection,
 * which closes right behind it. Not from a callback. A second call does nothing.
 */
void qr_rpc_server_stop(struct qr_rpc_server *server, int64_t grace_ms);

/** Stops with no grace if that was not done, and frees. Streams referenced and unary calls
 * unanswered stay valid, dead, until unref or answer. */
void qr_rpc_server_free(struct qr_rpc_server *server);
QR_DEFINE_AUTO(qr_rpc_server)

/** Answer a unary call. Consumes it. Data is copied; longer than max_message_bytes is answered with
 * QR_E_LIMIT. */
void qr_rpc_call_reply(struct qr_rpc_call *call, const uint8_t *data, size_t len);

/** Answer with an error: status from err->code by the table, message err->msg. Consumes the call.
 */
void qr_rpc_call_fail(struct qr_rpc_call *call, const struct qr_err *err);

/** What is known about a call until it is answered; see the stream functions of the same names. */
const char *qr_rpc_call_metadata(const struct qr_rpc_call *call, const char *key);
const char *qr_rpc_call_peer(const struct qr_rpc_call *call);

/** The client waits no longer (cancelled, gone, deadline passed): the work may be skipped. */
bool qr_rpc_call_is_dead(const struct qr_rpc_call *call);

/** Milliseconds the client still waits: 0 when it does not any more, INT64_MAX when it waits for
 * ever. */
int64_t qr_rpc_call_deadline_ms(const struct qr_rpc_call *call);

/* common/rpc/stream_intern.h
 *
 * What stream.c (birth, end), stream_send.c (the way out) and stream_receive.c (the way in) share.
 *
 * Each op comes back on the queue thread; after it has looked at what is next it calls
 * qr_rpc_stream_settle(), because it may have been the last one out.
 */
#pragma once
#include "common/rpc/internal.h"

/** The send op and the receive op are back. */
void qr_rpc_stream_on_sent(struct qr_rpc_op *op, bool ok);
void qr_rpc_stream_on_received(struct qr_rpc_op *op, bool ok);

/** Called with the lock held, releases it: hands the next of what waits to gRPC, if the last is
 *  done. */
void qr_rpc_stream_send_next(struct qr_rpc_stream *s);
/** Called with the lock held, releases it: asks for the next message, if one is wanted. */
void qr_rpc_stream_receive_next(struct qr_rpc_stream *s);
/** With the lock held: what waits is not sent any more. */
void qr_rpc_stream_drop_queue(struct qr_rpc_stream *s);

/** Queue thread, no lock held: the end, when nothing is out any more. `s` may be gone after it. */
void qr_rpc_stream_settle(struct qr_rpc_stream *s);

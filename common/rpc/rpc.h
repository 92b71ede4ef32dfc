/* common/rpc/rpc.h
 *
 * gRPC for plain C: what all of common/rpc/ shares. How it fits together: docs/rpc.md.
 *
 * Only common/rpc/ includes <grpc/...>. Messages are bytes here; callers encode and decode them.
 * Codes are always Quarry's (QR_OK, QR_E_*): they become gRPC status numbers on the wire by the
 * table in common/err.h and come back by the same table. Several codes share a number; between our
 * own programs the trailing metadata "qr-code" then tells which it was.
 */
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "common/base.h"

/* What a zero in a configuration means. */
#define QR_RPC_MESSAGE_BYTES ((size_t)4 << 20)       /* largest message, either direction */
#define QR_RPC_QUEUE_BYTES ((size_t)8 << 20)         /* send queue of one stream */
#define QR_RPC_KEEPALIVE_MS ((int64_t)20000)         /* ping a silent connection this often */
#define QR_RPC_KEEPALIVE_TIMEOUT_MS ((int64_t)10000) /* and drop it this long after */
#define QR_RPC_DEADLINE_MS ((int64_t)30000)          /* of a unary call */
#define QR_RPC_CALLS ((size_t)16384)                 /* live calls on a server */

/* Fixed limits. */
#define QR_RPC_KEEPALIVE_MIN_MS ((int64_t)1000) /* servers tolerate pings twice as frequent */
#define QR_RPC_CONNECT_MS ((int64_t)10000)      /* time a connection attempt has */
#define QR_RPC_WINDOW_BYTES (256 << 10)         /* HTTP/2 window: what a paused reader takes in */
#define QR_RPC_METADATA_BYTES (16 << 10)        /* metadata of one call */
#define QR_RPC_STREAMS_MAX 1024                 /* live calls on one connection */
#define QR_RPC_THREADS_MAX 64

/** One pair of call metadata. Keys are lower case; a key that ends in "-bin" is not supported.
 *  Arrays of pairs end with {NULL, NULL}. */
struct qr_rpc_metadata {
    const char *key;
    const char *value;
};

/**
 * Start and stop the library, counted; the first starts, the last stops. Servers and channels hold
 * a count of their own, so a program needs these only to pay the start once. gRPC's own messages go
 * to the log at debug level. Thread-safe.
 */
void qr_rpc_init(void);
void qr_rpc_shutdown(void);

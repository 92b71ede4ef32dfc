/* bench/driver/h2.h
 *
 * One TCP connection with one gRPC stream on it, as a client: HTTP/2 by hand, without a library, so
 * that ten thousand of them cost little and each is a connection of its own. No TLS, no trailers
 * read: the stream's end is all that is told. Not thread-safe.
 */
#pragma once
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct h2_bytes {
    uint8_t *data;
    size_t len, cap;
};

struct h2 {
    int fd; /* -1: closed */
    bool connecting, ended;
    bool want_write;             /* what is in `out` did not fit into the socket */
    struct h2_bytes in;          /* part of a frame */
    struct h2_bytes message;     /* part of a message */
    struct h2_bytes out;         /* frames for the socket */
    struct h2_bytes held;        /* messages that the peer's window does not take yet */
    int64_t window, conn_window; /* what may be sent */
    int64_t initial_window;
    uint32_t taken; /* received since the last WINDOW_UPDATE */
};

/** One message from the server. */
typedef void (*h2_message_fn)(void *ctx, const uint8_t *data, size_t len);

/** Start connecting from `source` (0: any) and put the request's head in line. 0 or -errno. */
int h2_open(struct h2 *c, const struct sockaddr_in *to, uint32_t source, const char *path);
void h2_close(struct h2 *c);

/** Put a message in line. */
void h2_send(struct h2 *c, const uint8_t *data, size_t len);
/** Put the end of the client's half in line. */
void h2_send_end(struct h2 *c);
/** Write what waits. 0 or -errno (the connection is gone). */
int h2_flush(struct h2 *c);
/** Read what is there and hand over messages. 0; -ECONNRESET and others when it is over. */
int h2_read(struct h2 *c, h2_message_fn fn, void *ctx);

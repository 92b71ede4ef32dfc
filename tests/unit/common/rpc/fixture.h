/* tests/unit/common/rpc/fixture.h
 *
 * A server with one method of each kind, and a recorder of what a stream's callbacks saw. Both ends
 * are the real thing, over loopback.
 */
#pragma once
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/rpc/client.h"
#include "common/rpc/health.h"
#include "common/rpc/server.h"
#include "tests/harness/test.h"

#define WAIT_MS 30000 /* a wait that long means the awaited thing does not come */

/** What happened on one stream, in order; waits until more does. */
struct recorder {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct qr_buf log; /* one a line: "open", a message's first 16 bytes, "half", "writable" */
    int opened, messages, half_closed, writable, closed;
    int bytes; /* of all messages */
    int code;
    char text[512];
    struct qr_rpc_stream *stream; /* server side: the stream, referenced; put by the fixture */
    bool pause_first;             /* pause reads in open */
    int finish_after_half;        /* QR_OK, or the code to finish with; 1: do not finish */
};

extern const struct qr_rpc_stream_handler recorder_handler; /* ctx is the recorder */

void recorder_init(struct recorder *r);
void recorder_set(struct recorder *r, bool pause_first, int finish_after_half);
void recorder_done(struct recorder *r);
int recorder_get(struct recorder *r, const int *counter); /* under the lock */
/** Until *counter >= want; fails the test after WAIT_MS. */
void recorder_wait(struct recorder *r, const int *counter, int want);

/**
 * The server. Methods of service test.T:
 *   Echo     unary: the request back
 *   Fail     unary: NOT_FOUND "no job '<request>'; hint: list them"; DB for request "db"
 *   Meta     unary: value of the metadata key named by the request, or "none"
 *   Left     unary: milliseconds left of the deadline, as text
 *   Hold     unary: kept in `held`, answered by nobody
 *   Big      unary: as many bytes as the request says
 *   Count    server stream: "0", "1" ... as many as the request says, then OK; slowed by its reader
 *   Bidi     each message back, control priority; finishes OK after the half-close
 *   Record   stream handled by `server_side`
 */
struct fixture {
    struct qr_rpc_server *server;
    struct qr_rpc_health *health;
    struct recorder server_side;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct qr_rpc_call *held[8];
    size_t n_held;
};

void fixture_start(struct fixture *f, const struct qr_rpc_server_config *config);
void fixture_stop(struct fixture *f);
struct qr_rpc_channel *fixture_channel(struct fixture *f,
                                       const struct qr_rpc_channel_config *config);
/** The server's end of the n-th Record call, from 1, once it is open; borrowed until the next
 * opens. */
struct qr_rpc_stream *fixture_stream(struct fixture *f, int n);
void fixture_wait_held(struct fixture *f, size_t want);

/** qr_rpc_unary with text. The answer, NUL-terminated, is in *reply, which the caller frees. */
int call_text(struct qr_rpc_channel *channel, const char *path, const char *request,
              int64_t deadline_ms, struct qr_buf *reply, struct qr_err *err);

/* bench/driver/worker.h
 *
 * One no-op worker: its session, its connection, its leases. The loop (main.c) tells it what
 * happened on the connection and when its beat is due.
 */
#pragma once
#include "bench/driver/h2.h"
#include "bench/noop_shared.h"

struct fleet {
    struct qr_noop_shared *shared;
    const char *type;
    struct sockaddr_in to;
    uint32_t streams, slots, credits, sources, connect_per_s;
    int reconnect, hold;
};

struct worker {
    struct h2 h2;
    uint32_t index;
    int welcomed;
    uint8_t session[16];
    uint64_t seen, received, credits;
    uint64_t *unacked; /* leases without a final Ack, from `first` */
    uint32_t first, n_unacked, cap_unacked;
    uint32_t beat_ms;
    uint32_t failures; /* connections broken in a row */
    int64_t due_ms;    /* beat, or connect; in the heap by it */
    uint32_t place;    /* in the heap */
};

extern struct fleet fleet;

/** Connect and put the Hello in line. 0 or -errno. */
int worker_open(struct worker *worker);
/** Bytes can be read. 0; -errno: the connection is over. */
int worker_read(struct worker *worker);
/** The connection is over. */
void worker_closed(struct worker *worker);
/** Put a Beat in line. */
void worker_beat(struct worker *worker);
void worker_goodbye(struct worker *worker);

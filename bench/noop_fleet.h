/* bench/noop_fleet.h
 *
 * Many workers whose jobs take no time: what a fleet asks of the coordinator, with nothing else in
 * the way. They live in a process of their own (noop_fleet, bench/driver/), whose processor time is
 * told apart. Each has its own TCP connection and is a worker of its own to the coordinator: Hello,
 * credits of at most twice its slots, an Accept and a Result for every lease, beats as far apart as
 * the coordinator says, Acks counted, and where asked for a jittered reconnect.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "bench/noop_shared.h"
#include "common/err.h"

struct qr_noop_fleet;

/** Zeros: no more than that. */
struct qr_noop_fleet_config {
    const char *coordinator; /* IPV4:PORT */
    unsigned streams;
    unsigned slots;     /* of each */
    unsigned credits;   /* of each, at most twice the slots */
    const char *type;   /* job type it takes */
    const void *record; /* encoded ExtractionRecord of every result; at most QR_NOOP_RECORD_MAX */
    size_t record_len;
    unsigned sources;       /* connect from 127.0.0.1 … 127.0.0.N, in turn; 0: from any */
    unsigned connect_per_s; /* new connections a second; 0: all at once */
    bool reconnect;         /* after a break, with back-off; otherwise that worker is over */
    bool hold;              /* jobs are accepted and never finished */
};

struct qr_noop_fleet_counts {
    uint64_t offered, committed, duplicate, stale, other;
    uint64_t offer_frames, ack_frames, beats, syncs;
    uint64_t connected, welcomed, connects, breaks, welcomes;
    uint64_t beat_ms;
    int64_t last_offer_ns, last_welcome_ns;
};

/** Starts the process, which opens all connections. Caller frees. */
QR_MUST_CHECK int qr_noop_fleet_start(const struct qr_noop_fleet_config *config,
                                      struct qr_noop_fleet **ret, struct qr_err *err);
pid_t qr_noop_fleet_pid(const struct qr_noop_fleet *fleet);
/** The shared memory itself: commands and samples. */
struct qr_noop_shared *qr_noop_fleet_shared(struct qr_noop_fleet *fleet);
void qr_noop_fleet_counts(const struct qr_noop_fleet *fleet, struct qr_noop_fleet_counts *ret);
/** Wait until so many workers are welcome. */
QR_MUST_CHECK int qr_noop_fleet_wait_welcomed(const struct qr_noop_fleet *fleet, uint64_t n,
                                              int64_t timeout_ms, struct qr_err *err);
/** Says Goodbye and closes; waits for the process. NULL is fine. */
void qr_noop_fleet_free(struct qr_noop_fleet *fleet);

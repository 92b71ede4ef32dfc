/* bench/noop_fleet.h
 *
 * Many worker streams in one process whose jobs take no time: what a fleet asks of the coordinator,
 * with nothing else in the way. Each stream is a worker of its own to the coordinator: Hello,
 * credits of at most twice its slots, an Accept and a Result for every lease, beats, Acks counted.
 */
#pragma once
#include <stdatomic.h>
#include <stdint.h>

#include "common/rpc/client.h"

struct qr_noop_fleet;

struct qr_noop_fleet_config {
    const char *coordinator; /* HOST:PORT */
    unsigned streams;
    unsigned slots;   /* of each */
    unsigned credits; /* of each, at most twice the slots */
    const char *type; /* job type it takes */
};

struct qr_noop_fleet_counts {
    uint64_t offered, committed, duplicate, stale, other;
    uint64_t welcomed, closed;
    uint64_t offer_frames, ack_frames;
};

/** Opens all streams. Caller frees. */
QR_MUST_CHECK int qr_noop_fleet_start(const struct qr_noop_fleet_config *config,
                                      struct qr_noop_fleet **ret, struct qr_err *err);
/** Sends due beats; call about every 500 ms. */
void qr_noop_fleet_beat(struct qr_noop_fleet *fleet);
void qr_noop_fleet_counts(const struct qr_noop_fleet *fleet, struct qr_noop_fleet_counts *ret);
/** Says Goodbye and closes. NULL is fine. */
void qr_noop_fleet_free(struct qr_noop_fleet *fleet);

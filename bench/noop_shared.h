/* bench/noop_shared.h
 *
 * What a benchmark and its fleet of no-op workers (bench/driver/, a process of its own, so that its
 * processor time is counted apart) share: a piece of memory that the driver fills while it works.
 */
#pragma once
#include <stdatomic.h>
#include <stdint.h>

enum { QR_NOOP_RECORD_MAX = 4096, QR_NOOP_SAMPLES_MAX = 1 << 20 };

struct qr_noop_shared {
    /* set before the driver starts */
    uint32_t record_len; /* of every result; 0: none */
    uint8_t record[QR_NOOP_RECORD_MAX];
    /* commands, at any time */
    atomic_uint no_accepts; /* offers are taken in, and not answered */
    /* counted by the driver */
    atomic_uint_fast64_t offered, committed, duplicate, stale, other;
    atomic_uint_fast64_t offer_frames, ack_frames, beats, syncs;
    atomic_uint_fast64_t connected, welcomed;           /* now */
    atomic_uint_fast64_t connects, breaks, welcomes;    /* in all */
    atomic_uint_fast64_t beat_ms;                       /* what the coordinator asked for last */
    atomic_int_fast64_t last_offer_ns, last_welcome_ns; /* when, qr_clock_ns() */
    /* A job whose URI ends in "@NANOSECONDS" tells when its enqueueing began: from there to the
     * offer's arrival, in nanoseconds. */
    atomic_uint_fast64_t n_samples; /* may pass QR_NOOP_SAMPLES_MAX: then the oldest are gone */
    int64_t samples[QR_NOOP_SAMPLES_MAX];
};

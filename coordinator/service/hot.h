/* coordinator/service/hot.h
 *
 * The frames that come with every job and every beat, encoded and decoded without the general
 * protobuf code, whose allocations would cost more than the engine itself. Only their plain form is
 * known here; whatever has more in it is left to the general code, which yields the same bytes
 * (tests/unit/coordinator/service/hot_test.c compares them).
 */
#pragma once
#include "coordinator/engine/port.h"

/** An Offer frame into `to`; its length, or 0: not plain (options, checkpoint, escapes), or no
 *  room. */
size_t qr_hot_put_offer(uint8_t *to, size_t room, uint64_t seq, const struct qr_offer *offers,
                        size_t n);
/** An Ack frame; 0: one of them has a message, or no room. */
size_t qr_hot_put_ack(uint8_t *to, size_t room, uint64_t seq, const struct qr_ack *acks, size_t n);
/** A Sync frame; 0: no room. */
size_t qr_hot_put_sync(uint8_t *to, size_t room, uint64_t seq, uint64_t seen, uint32_t beat_ms,
                       const uint64_t *drop, size_t n_drop, const uint64_t *expected,
                       size_t n_expected);

enum qr_hot_kind { QR_HOT_NONE, QR_HOT_CREDITS, QR_HOT_ACCEPT, QR_HOT_BEAT, QR_HOT_RESULT };

struct qr_hot_result {
    uint64_t lease_id, job_id, retry_after_ms;
    uint32_t duration_ms;
    const uint8_t *record; /* inside the frame */
    size_t record_len;
};

/* One decoded frame. Arrays are kept from frame to frame; a zeroed struct is a good start. */
struct qr_hot_frame {
    struct qr_credits credits;
    struct qr_beat beat;
    size_t n;                         /* of the array of its kind */
    uint64_t *leases;                 /* ACCEPT */
    struct qr_hot_result *results;    /* RESULT */
    struct qr_lease_progress *states; /* BEAT */
    struct qr_type_count *received;   /* BEAT */
    size_t cap_leases, cap_results, cap_states, cap_received;
};

/** NONE: another kind of frame, not plain, broken, or no memory: for the general code. */
enum qr_hot_kind qr_hot_take(struct qr_hot_frame *frame, const uint8_t *data, size_t len);
void qr_hot_done(struct qr_hot_frame *frame);

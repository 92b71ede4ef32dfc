/* cadbridge/slots.h
 *
 * The threads that work on jobs, one call or import each. The loop gives a free slot a job; the
 * slot posts a letter DONE whose block is a struct qr_slot_done. Used by the loop's thread.
 */
#pragma once
#include "cadbridge/work.h"
#include "common/fleet/mailbox.h"

enum { QR_SLOTS_MAX = 256 };

struct qr_slots;

struct qr_slot_done {
    int slot;
    int64_t took_ms;
    struct qr_work_result result; /* the receiver's: qr_work_result_done() */
};

/** Starts `n` threads. Borrows all. Errors: QR_E_LIMIT, QR_E_NOMEM, those of qr_worker_new(). */
QR_MUST_CHECK int qr_slots_new(const struct qr_work_shared *shared, struct qr_mailbox *mailbox,
                               int n, struct qr_slots **ret, struct qr_err *err);
/** Ends what is under way and waits for the threads, at most `wait_ms`. False: one hangs in a
 *  share and the process should exit. */
bool qr_slots_free(struct qr_slots *slots, int64_t wait_ms);

/** A free slot, or -1. */
int qr_slots_find(const struct qr_slots *slots);
/** Strings of the job are copied. Errors: QR_E_NOMEM. */
QR_MUST_CHECK int qr_slots_start(struct qr_slots *slots, int slot, uint64_t id,
                                 const struct qr_work_job *job, struct qr_err *err);
/** End what it works on, soon; DONE comes all the same. */
void qr_slots_interrupt(struct qr_slots *slots, int slot);
/** Its letter was read: it is free. */
void qr_slots_finished(struct qr_slots *slots, int slot);

/* tests/unit/coordinator/engine/rig.h
 *
 * One engine and a port that writes down everything: what a test did not answer stays open. Helpers
 * speak for one worker "w1" with one session on stream 1 unless told otherwise. Only the last frame
 * or request of a kind is kept in full, beside counts of all.
 */
#pragma once
#include "coordinator/engine/engine.h"
#include "coordinator/engine/types.h"
#include "tests/harness/test.h"

enum { RIG_MANY = 256, RIG_TTL = 8000 };

struct rig {
    struct qr_engine *engine;
    int64_t now;

    int n_welcome, n_offer, n_sync, n_ack, n_stop, n_drain, n_restarting, n_end;
    uint64_t seq[16]; /* last number used, by stream */
    struct qr_lease_ref kept[RIG_MANY];
    size_t n_kept;
    uint64_t offered[RIG_MANY]; /* all leases offered so far */
    size_t n_offered;
    uint64_t offer_stream, offer_seq, offer_budget_ms;
    uint64_t drop[RIG_MANY], expected[RIG_MANY], sync_seen;
    size_t n_drop, n_expected;
    uint64_t acked[RIG_MANY]; /* of the last Ack frame */
    enum qr_ack_code ack_code[RIG_MANY];
    size_t n_acked;
    uint64_t ack_stream, stopped;
    enum qr_stop_reason stop_reason; /* of the last Stop */
    uint32_t stop_grace_ms;
    bool drain_resumed;
    enum qr_stop_reason kept_stop; /* what the next welcome says of every kept lease */
    uint64_t run_id;               /* of what is claimed next */
    uint64_t learned_ms;           /* the budget of what is offered; 0: the default */
    enum qr_end_reason end_reason;
    uint64_t end_stream, end_newest;

    int n_hello, n_claim, n_return, n_settle, n_mirror, n_checkpoint, n_end_session, n_renew;
    struct qr_checkpoint *checkpoint; /* with the database */
    int n_checkpoint_ack;
    uint64_t acked_number, acked_stands;
    uint64_t hello_token[8];
    bool recover;
    size_t hello_running, hello_spooled;
    struct qr_db_claim claim;
    struct qr_type_count want[QR_TYPES_MAX];
    struct qr_db_return back;
    struct qr_lease_ref back_leases[RIG_MANY];
    struct qr_settle *settles[RIG_MANY]; /* not answered */
    size_t n_settles;
    struct qr_mirror mirror[RIG_MANY];
    size_t n_mirror_rows;
};

int rig_setup(void **state); /* an engine with the default times at now = 1000 */
int rig_teardown(void **state);

/* Time goes on in small steps, timers run, renewals succeed. */
void rig_pass(struct rig *rig, int64_t ms);
/* The timers of this moment. */
void rig_turn(struct rig *rig);

/* Hello of session `id` on a new stream, with credit for `credit` offers in all, holding `held`. */
void rig_hello(struct rig *rig, uint64_t stream, uint8_t id, uint64_t credit, const uint64_t *held,
               size_t n_held);
/* The database welcomes the newest Hello. */
void rig_welcome(struct rig *rig, uint64_t pk, uint64_t attach, const uint64_t *kept,
                 size_t n_kept);
/* rig_hello() and rig_welcome() of session 1 with pk 1, attach 1, nothing held; the claim is out.
 */
void rig_connect(struct rig *rig, uint64_t credit);
/* The open claim brings leases first .. first + n - 1 (job = lease + 1000). */
void rig_claimed(struct rig *rig, uint64_t first, size_t n);
void rig_claim_reply(struct rig *rig, enum qr_db_status status);
void rig_accept(struct rig *rig, uint64_t stream, uint64_t first, size_t n);
void rig_beat(struct rig *rig, uint64_t stream, uint64_t seen, uint64_t received,
              const uint64_t *held, size_t n_held);
/* True: dropped by the engine (freed here). */
bool rig_result(struct rig *rig, uint64_t stream, uint64_t lease);
/* All open settles are answered, in one go. */
void rig_settled(struct rig *rig, enum qr_db_status status, enum qr_ack_code code);
void rig_returned(struct rig *rig, enum qr_db_status status);
/* The database says what is stopped: one job (0: none), one run. */
void rig_stops(struct rig *rig, uint64_t job_id, enum qr_stop_reason of_job, uint64_t run_id,
               enum qr_stop_reason of_run);
struct qr_engine_stats rig_stats(struct rig *rig);

/** A Checkpoint frame; false when the engine dropped it. */
bool rig_checkpoint(struct rig *rig, uint64_t stream, uint64_t lease_id, uint64_t number);
/** The database's answer to the last one it got. */
void rig_done_checkpoint(struct rig *rig, enum qr_db_status status, bool stale, uint64_t stands);

/* coordinator/db/run.h
 *
 * Runs: create or join, look at, list files into, close. For qr_db_submit() functions.
 *
 * Replies are protobuf-c messages; free them with their …__free_unpacked(msg, NULL).
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "quarry/v1/admin.pb-c.h"

#include "common/base.h"
#include "common/class.h"
#include "common/err.h"

struct qr_conn;

#define QR_RUN_HALT_AT \
    0.2 /* share of failures at which a run pauses itself, unless told otherwise */
#define QR_RUN_WEIGHT_MIN 0.01
#define QR_RUN_WEIGHT_MAX 1000.0

/**
 * Create a run, or join the active one with the same config hash (source, types, options; name too
 * for manual ones). `request->source` is root://NAME/path already. Without `again` the run will
 * take only files that are new or changed since the finished runs of the same hash. Use
 * QR_DB_LANE_ENQUEUE. Errors: QR_E_INVALID, QR_E_DB, QR_E_UNREACHABLE.
 */
QR_MUST_CHECK int qr_run_create(struct qr_conn *conn, const Quarry__V1__CreateRunRequest *request,
                                Quarry__V1__CreateRunReply **ret, struct qr_err *err);

/** QR_E_NOT_FOUND when there is no such run. `report` fills types[]. */
QR_MUST_CHECK int qr_run_get(struct qr_conn *conn, int64_t run_id, bool report,
                             Quarry__V1__RunReply **ret, struct qr_err *err);

/** Newest first. */
QR_MUST_CHECK int qr_run_list(struct qr_conn *conn, const Quarry__V1__ListRunsRequest *request,
                              Quarry__V1__ListRunsReply **ret, struct qr_err *err);

/** No more jobs by hand: a manual run ends when its jobs have. Closing twice is fine. */
QR_MUST_CHECK int qr_run_close(struct qr_conn *conn, int64_t run_id, Quarry__V1__RunReply **ret,
                               struct qr_err *err);

/** Weight, priority and halt-at of a run that is not over. Errors: QR_E_INVALID, QR_E_NOT_FOUND,
 *  QR_E_STALE it is over. */
QR_MUST_CHECK int qr_run_set(struct qr_conn *conn, const Quarry__V1__SetRunRequest *request,
                             Quarry__V1__RunReply **ret, struct qr_err *err);
/** 0 is "as usual" for both, a negative halt_at "never". Errors: QR_E_INVALID. */
QR_MUST_CHECK int qr_run_check_order(double weight, double halt_at, struct qr_err *err);

/** start_at_ms and delay_ms: 366 days ahead at most. Errors: QR_E_INVALID. */
QR_MUST_CHECK int qr_run_check_start(const Quarry__V1__CreateRunRequest *request,
                                     struct qr_err *err);

/* A run whose files are still to be listed. */
struct qr_run_listing {
    int64_t run_id;
    char *source;
    int32_t priority;
    char **types; /* wanted; none: all */
    size_t n_types;
};
struct qr_run_listings {
    struct qr_run_listing *list;
    size_t n;
};
/** Take over the listings that nobody living works on (`coordinator_id` is the taker, `roots` the
 *  names of its roots); those taken before by the same coordinator come again. A listing below
 *  another root is taken only while no other coordinator lives: to fail with that reason. */
QR_MUST_CHECK int qr_run_take_listings(struct qr_conn *conn, uint64_t coordinator_id,
                                       const char *const *roots, size_t n_roots,
                                       struct qr_run_listings *ret, struct qr_err *err);
void qr_run_listings_done(struct qr_run_listings *listings);

/** The listing is complete: gives up discover's token; may end the run. Twice is fine. */
QR_MUST_CHECK int qr_run_finish_listing(struct qr_conn *conn, int64_t run_id, struct qr_err *err);

/** The listing failed: what was found is still done, the run ends as `failed` with this message. */
QR_MUST_CHECK int qr_run_fail_listing(struct qr_conn *conn, int64_t run_id, const char *message,
                                      struct qr_err *err);

/* All runs together, from their counters: nothing is counted job by job but what runs just now. */
struct qr_run_totals {
    uint64_t pending, processing, completed, failed, paused, cancelled;
    uint64_t empty;       /* of the completed: nothing came out */
    uint64_t runs_active; /* not over: active or paused */
    uint64_t dead_letters[QR_CLASS_COUNT];
};
QR_MUST_CHECK int qr_run_get_totals(struct qr_conn *conn, struct qr_run_totals *ret,
                                    struct qr_err *err);

/* coordinator/db/enqueue.h
 *
 * New jobs, set-wise: one transaction for up to QR_ENQUEUE_MAX jobs of one run.
 *
 * Files that nobody has seen yet are copied in with ids taken in ranges; what is known, or turns
 * out to be, goes the general way. docs/database.md "Enqueue".
 */
#pragma once
#include <stdint.h>

#include "common/base.h"
#include "common/err.h"

enum { QR_ENQUEUE_MAX = 10000, QR_DEDUPE_MAX = 200 };

struct qr_conn;

struct qr_new_job {
    const char *uri;  /* unique within the run; UTF-8, 4096 bytes at most */
    const char *type; /* qr_type_intern() must know it */
    int32_t priority; /* -100 .. 100, added to the run's */
    uint64_t bytes;
    int64_t modified_ms; /* 0 unknown */
    int64_t delay_ms;    /* not to be claimed before so long; 0: at once; a year at most */
    int64_t run_at_ms;   /* or not before this time, Unix; 0: at once. The later of both counts */
    const char *dedupe;  /* at most one open job of the run has this key; NULL or "": none */
};

struct qr_enqueue_result {
    uint64_t inserted;  /* were not yet in the run */
    uint64_t unchanged; /* left out: done by an earlier run of the same configuration */
};

/**
 * Add jobs to an open run. Use QR_DB_LANE_BULK.
 *
 * `work_available` of struct qr_db_events follows by itself once it is committed.
 * Errors: QR_E_NOT_FOUND no such run; QR_E_STALE the run is closed; QR_E_INVALID a job that cannot
 * be stored (message says which); then nothing was inserted.
 */
QR_MUST_CHECK int qr_enqueue(struct qr_conn *conn, int64_t run_id, const struct qr_new_job *jobs,
                             size_t n, struct qr_enqueue_result *ret, struct qr_err *err);

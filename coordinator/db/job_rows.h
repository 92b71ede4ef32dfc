/* coordinator/db/job_rows.h
 *
 * What job.c and dead_letter.c share: rows as messages, runs that open again, steps of a retry.
 */
#pragma once
#include "coordinator/db/conn.h"
#include "coordinator/db/impl.h"
#include "quarry/v1/admin.pb-c.h"

/** Rows of job_list's columns, of job_events'. NULL: out of memory. */
Quarry__V1__Job *qr_job_of_row(const PGresult *rows, int i);
Quarry__V1__JobEvent *qr_job_event_of_row(const PGresult *rows, int i);
/** At most `limit` of the rows; one row more says that there are more. False: out of memory. */
bool qr_jobs_of_rows(const PGresult *rows, uint32_t limit, Quarry__V1__Job ***ret, size_t *ret_n,
                     protobuf_c_boolean *ret_more);
/** 0: 100; at most 10,000. */
uint32_t qr_list_limit(uint32_t limit);

/** Runs of `changes` are active again: after their counters, in the same transaction. Errors:
 * QR_E_EXISTS, a newer run of the same source is active. */
QR_MUST_CHECK int qr_runs_reopen(struct qr_conn *conn, const struct qr_stage_changes *changes,
                                 struct qr_err *err);

/* A set-wise retry, one bounded statement after the other, each a transaction of its own. */
struct qr_dead_letter_step {
    int64_t run_id; /* 0, "", 0: any */
    const char *error_class;
    uint32_t pattern;
    int64_t after_id; /* moves on */
    /* so far */
    uint64_t retried, skipped;
    bool more;
};
QR_MUST_CHECK int qr_dead_letter_retry_step(struct qr_conn *conn, struct qr_dead_letter_step *step,
                                            struct qr_err *err);

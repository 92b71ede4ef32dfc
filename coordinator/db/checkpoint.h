/* coordinator/db/checkpoint.h
 *
 * Finished work of jobs that have not ended: the newest checkpoint stands with the job, the parts
 * of its record that lead there in job_parts. Written under the fence of a result, in one
 * transaction; a checkpoint that is not the next one changes nothing, so lost, doubled and late
 * ones do no harm. docs/database.md "Checkpoints".
 */
#pragma once
#include "coordinator/db/impl.h"
#include "coordinator/db/parts.h"
#include "coordinator/db/record.h"

#define QR_PARTS_BYTES_MAX ((int64_t)64 << 20) /* of one job; more is not kept */

enum { QR_PARTS_KEEP_DAYS = 14 }; /* of jobs that failed or were cancelled */

/** In a transaction that holds the session's shared lock: fills in the answer. */
QR_MUST_CHECK int qr_checkpoint_write(struct qr_conn *conn, struct qr_checkpoint *checkpoint,
                                      struct qr_err *err);

/**
 * The record that a job's parts make, marked partial; NULL when there are none, or they do not fit
 * together. Freed with qr_record_free().
 */
QR_MUST_CHECK int qr_parts_record(struct qr_conn *conn, int64_t job_id, const char *why,
                                  qr_record **ret, struct qr_err *err);

/** Parts of jobs that are in their result by now (`for_good`), or void: in the transaction that
 * says so. */
QR_MUST_CHECK int qr_parts_drop(struct qr_conn *conn, struct qr_array *job_ids, bool for_good,
                                struct qr_err *err);

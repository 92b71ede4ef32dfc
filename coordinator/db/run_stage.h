/* coordinator/db/run_stage.h
 *
 * What GetRun says beside the run itself: its stages and stored report, its jobs by type; and
 * beginning a stage early.
 */
#pragma once
#include "quarry/v1/admin.pb-c.h"

#include "common/base.h"
#include "common/err.h"

struct qr_conn;

/** Sets stages and report of a run that has been read. Errors: QR_E_DB, QR_E_NOMEM. */
QR_MUST_CHECK int qr_run_fill_stages(struct qr_conn *conn, Quarry__V1__Run *run,
                                     struct qr_err *err);

/** run_report.c: sets the counts by type. Errors: QR_E_DB, QR_E_NOMEM. */
QR_MUST_CHECK int qr_run_fill_report(struct qr_conn *conn, Quarry__V1__Run *run,
                                     struct qr_err *err);

/** Begin a stage (link, index, report) early: an extra job over what is there, `ret_id` unless
 * NULL. Errors: QR_E_INVALID, no such stage; QR_E_NOT_FOUND, no such run, or it is over. */
QR_MUST_CHECK int qr_stage_begin_early(struct qr_conn *conn, int64_t run_id, const char *stage,
                                       int64_t *ret_id, struct qr_err *err);

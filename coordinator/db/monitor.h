/* coordinator/db/monitor.h
 *
 * The installation as it is now, for GetMonitor: jobs, runs that are not over with their rates,
 * coordinators. Counted from the runs' counters and the last minute of the audit trail, so it costs
 * the same whatever there is to do. For qr_db_submit() on QR_DB_LANE_READ.
 */
#pragma once
#include "common/base.h"
#include "common/err.h"
#include "quarry/v1/admin.pb-c.h"

struct qr_conn;

enum { QR_MONITOR_RUNS_MAX = 100 };

/** Fills jobs, rate, coordinators and runs: those that are not over, the newest first, or, with
 * `run_id`, that one with its types and stages. Errors: QR_E_NOT_FOUND, QR_E_NOMEM, those of
 * qr_conn_run(). */
QR_MUST_CHECK int qr_monitor_fill(struct qr_conn *conn, int64_t run_id,
                                  Quarry__V1__MonitorReply *reply, struct qr_err *err);

/* coordinator/db/why.h
 *
 * Why a job, or a run, is not running: every reason that holds, with numbers, the strongest first.
 * From the database alone, so every coordinator says the same. For qr_db_submit() functions on
 * QR_DB_LANE_READ; replies are freed with quarry__v1__explain_reply__free_unpacked().
 *
 * Codes of a job: finished, stopping, running, paused, run_paused, run_halted, run_cancelled,
 * backoff, delayed_start, no_workers, no_type, no_root, limit_running, limit_rate, alone, urgent,
 * behind, turns, next. Of a run: finished, run_*, listing, open, paused, leased, then per queue
 * no_*, backoff, delayed_start, limit_*, ready, then stage_running, stage_backoff, stage_ready,
 * stage_not_begun.
 */
#pragma once
#include "common/base.h"
#include "common/err.h"
#include "quarry/v1/admin.pb-c.h"

struct qr_conn;

enum { QR_WHY_COUNT_MAX = 10000 }; /* further is not counted */

/** Errors: QR_E_NOT_FOUND, QR_E_NOMEM, those of qr_conn_run(). */
QR_MUST_CHECK int qr_why_job(struct qr_conn *conn, int64_t job_id, Quarry__V1__ExplainReply **ret,
                             struct qr_err *err);
QR_MUST_CHECK int qr_why_run(struct qr_conn *conn, int64_t run_id, Quarry__V1__ExplainReply **ret,
                             struct qr_err *err);

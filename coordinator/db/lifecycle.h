/* coordinator/db/lifecycle.h
 *
 * What people do with jobs, runs and workers while they last: pause, resume, cancel, drain (rule
 * 10). For qr_db_submit() functions on QR_DB_LANE_ENQUEUE; replies are freed with
 * …__free_unpacked().
 *
 * A job that nobody holds changes at once. A leased one is asked: `stop_requested` is set, every
 * coordinator is told to look (NOTIFY, and a poll behind it), and whatever transaction ends the
 * lease without a completed result reads and clears it. A run is stopped by its gate alone.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "quarry/v1/admin.pb-c.h"

#include "common/base.h"
#include "common/err.h"

struct qr_conn;

enum { QR_CONTROL_IDS_MAX = 10000 };

enum qr_control { QR_CONTROL_PAUSE, QR_CONTROL_RESUME, QR_CONTROL_CANCEL };

/** Each job is answered for itself: what it was, what it is now, or why nothing was changed; asking
 *  twice is fine. Errors: QR_E_INVALID none or too many ids; QR_E_DB, QR_E_UNREACHABLE: those of
 *  the thousands before stay changed. */
QR_MUST_CHECK int qr_job_control(struct qr_conn *conn, enum qr_control verb,
                                 const Quarry__V1__ControlJobsRequest *request,
                                 Quarry__V1__ControlJobsReply **ret, struct qr_err *err);

/** Moves the run's gate. Errors: QR_E_NOT_FOUND; QR_E_STALE the run is over, or being cancelled. */
QR_MUST_CHECK int qr_run_control(struct qr_conn *conn, enum qr_control verb,
                                 const Quarry__V1__ControlRunRequest *request,
                                 Quarry__V1__RunReply **ret, struct qr_err *err);

/** Of a request: 500 and 100 bytes of UTF-8 at most. Errors: QR_E_INVALID. */
QR_MUST_CHECK int qr_control_check(const char *reason, const char *by, struct qr_err *err);

/** Jobs of the run that workers hold just now, wherever they are attached. */
QR_MUST_CHECK int qr_run_count_leased(struct qr_conn *conn, int64_t run_id, uint64_t *ret,
                                      struct qr_err *err);

/* Workers whose sessions were changed; freed with qr_drained_done(). */
struct qr_drained {
    char **workers; /* each once, in order */
    uint64_t *sessions;
    size_t n, n_sessions;
};
/** Workers of this name ("" any) with all of these labels (JSON object) are to finish within
 *  `grace_ms`, or, when that is negative, need not any more. None found is success. */
QR_MUST_CHECK int qr_worker_drain(struct qr_conn *conn, const char *worker_id,
                                  const char *labels_json, int64_t grace_ms, struct qr_drained *ret,
                                  struct qr_err *err);
void qr_drained_done(struct qr_drained *drained);

/** One worker as the database knows it: its newest session, and what it holds. QR_E_NOT_FOUND. */
QR_MUST_CHECK int qr_worker_get(struct qr_conn *conn, const char *worker_id,
                                Quarry__V1__WorkerReply **ret, struct qr_err *err);

/** What a refused retry was about: fills `jobs` with the present states of these jobs. */
QR_MUST_CHECK int qr_job_control_states(struct qr_conn *conn, const int64_t *ids, size_t n,
                                        const char *message, Quarry__V1__JobControl ***jobs,
                                        size_t *n_jobs, struct qr_err *err);

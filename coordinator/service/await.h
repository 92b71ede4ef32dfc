/* coordinator/service/await.h
 *
 * Run one piece of work on a database lane and wait for it: for the service's own threads, never
 * for gRPC queue threads.
 */
#pragma once
#include "coordinator/db/db.h"

/** As qr_db_submit(), but returns the result. Bounded by the statement timeouts of the lane. */
QR_MUST_CHECK int qr_await(struct qr_db *db, enum qr_db_lane lane, qr_db_work_fn fn, void *arg,
                           struct qr_err *err);

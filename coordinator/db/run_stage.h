/* coordinator/db/run_stage.h
 *
 * The stages of a run and its stored report, for GetRun.
 */
#pragma once
#include "quarry/v1/admin.pb-c.h"

#include "common/base.h"
#include "common/err.h"

struct qr_conn;

/** Sets stages and report of a run that has been read. Errors: QR_E_DB, QR_E_NOMEM. */
QR_MUST_CHECK int qr_run_fill_stages(struct qr_conn *conn, Quarry__V1__Run *run,
                                     struct qr_err *err);

/* coordinator/db/report.h
 *
 * What reports count over results.
 */
#pragma once
#include "common/base.h"
#include "common/err.h"
#include "quarry/v1/admin.pb-c.h"

struct qr_conn;

/** Models by the way they came: figures of cad_models as they are now. Freed with
 * quarry__v1__report_cad_reply__free_unpacked(). */
QR_MUST_CHECK int qr_report_cad(struct qr_conn *conn, const Quarry__V1__ReportCadRequest *request,
                                Quarry__V1__ReportCadReply **ret, struct qr_err *err);

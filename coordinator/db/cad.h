/* coordinator/db/cad.h
 *
 * CAD bridges in the database: their reports, their switches, what is ordered. Reports come about
 * once a second from each bridge, over whichever coordinator it has; orders are rows, so that every
 * coordinator answers with them, now and after a restart. docs/bridge.md.
 */
#pragma once
#include "common/err.h"
#include "quarry/v1/admin.pb-c.h"

struct qr_conn;

/**
 * Keep a report, answer with what is ordered.
 *
 *   coordinator  this one's name
 *
 * Errors: QR_E_INVALID, a report without names or with too much in it. QR_E_DB.
 */
QR_MUST_CHECK int qr_cad_report(struct qr_conn *conn, const Quarry__V1__BridgeReport *report,
                                const char *coordinator, Quarry__V1__BridgeOrders **ret,
                                struct qr_err *err);
/** Errors: QR_E_NOT_FOUND, a worker that never reported as a bridge. QR_E_DB, QR_E_NOMEM. */
QR_MUST_CHECK int qr_cad_status(struct qr_conn *conn, const Quarry__V1__CadStatusRequest *request,
                                Quarry__V1__CadStatusReply **ret, struct qr_err *err);
/** Errors: QR_E_INVALID, no such mode. QR_E_NOT_FOUND, as above. QR_E_DB, QR_E_NOMEM. */
QR_MUST_CHECK int qr_cad_set_mode(struct qr_conn *conn,
                                  const Quarry__V1__SetCadModeRequest *request,
                                  Quarry__V1__SetCadModeReply **ret, struct qr_err *err);

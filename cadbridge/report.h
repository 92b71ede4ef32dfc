/* cadbridge/report.h
 *
 * Tells the coordinator what the gate looks like, about once a second on a thread of its own, and
 * the gate what an operator ordered. Switches are told until they are acknowledged.
 */
#pragma once
#include <stdbool.h>

#include "cadbridge/gate.h"

struct qr_report;

/** Strings and gate are borrowed. Reports begin with the first qr_report_to(). Errors: QR_E_LIMIT,
 *  QR_E_NOMEM. */
QR_MUST_CHECK int qr_report_new(struct qr_gate *gate, const char *worker_id, const char *creo,
                                const char *exports, struct qr_report **ret, struct qr_err *err);
/** Says the last word, where the coordinator answers soon. */
void qr_report_free(struct qr_report *report);

/** The coordinator that welcomed us. */
void qr_report_to(struct qr_report *report, const char *address);
/** Has a coordinator answered since the start, or said that it takes no reports? */
bool qr_report_is_ordered(struct qr_report *report);

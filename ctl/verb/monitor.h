/* ctl/verb/monitor.h
 *
 * One look at the installation, as lines for people.
 */
#pragma once
#include "ctl/ctl.h"
#include "quarry/v1/admin.pb-c.h"

struct qr_monitor_look {
    bool details; /* coordinators; types and roots of workers; stages of runs */
    bool alerts;  /* nothing else */
};

/** Lines are cut to the terminal's width. Errors: QR_E_NOMEM. */
QR_MUST_CHECK int qr_monitor_print(const Quarry__V1__MonitorReply *reply,
                                   const struct qr_monitor_look *look, const struct qr_term *term,
                                   FILE *out, struct qr_err *err);

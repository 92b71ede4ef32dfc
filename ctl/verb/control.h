/* ctl/verb/control.h
 *
 * Options that pausing, resuming and cancelling share, of jobs as of runs.
 */
#pragma once
#include "ctl/ctl.h"

struct qr_control_args {
    struct qr_ctl_common common;
    char *reason; /* NULL: none given */
    bool wait;
};

/* Rows of an option table; `where` ends "kept …", `until` is what --wait waits for. */
/* clang-format off */
#define QR_CONTROL_REASON(where) \
    {"reason", 0, QR_OPT_STR, offsetof(struct qr_control_args, reason), NULL, 0, 0, 0, "TEXT", "kept " where, "docs/cli.md"}
#define QR_CONTROL_WAIT(until) \
    {"wait", 0, QR_OPT_BOOL, offsetof(struct qr_control_args, wait), "false", 0, 0, 0, NULL, until, "docs/cli.md"}
/* clang-format on */

/** "anna@ws1": who is logged in here, for the history. 100 bytes are enough. Returns buf. */
const char *qr_control_by(char *buf, size_t cap);

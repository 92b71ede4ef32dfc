/* ctl/when.h
 *
 * Times as people type them.
 */
#pragma once
#include <stdint.h>

#include "common/base.h"
#include "common/err.h"

/**
 * "2026-01-31T08:15[:30]" (local time; UTC with a Z behind it) as Unix milliseconds.
 *
 *   option  for the message: "--at"
 * Errors: QR_E_USAGE.
 */
QR_MUST_CHECK int qr_when_parse(const char *option, const char *text, int64_t *ret_ms,
                                struct qr_err *err);

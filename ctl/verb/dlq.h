/* ctl/verb/dlq.h
 *
 * What the dlq verbs share: which dead letters are meant.
 */
#pragma once
#include "common/options.h"
#include "ctl/ctl.h"

#define QR_DLQ_CLASSES \
    "timeout|connection|rate_limit|resource|invalid_input|permission|unsupported|crash|internal"

/** "3fa2b1c1", as `quarry dlq analyze` prints it; NULL gives 0, any. Errors: QR_E_USAGE. */
QR_MUST_CHECK int qr_dlq_parse_pattern(const char *text, uint32_t *ret, struct qr_err *err);

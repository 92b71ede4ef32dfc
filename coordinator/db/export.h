/* coordinator/db/export.h
 *
 * All files of a run with what was extracted from them, in whole lines, by a server-side cursor:
 * memory stays bounded however large the run is.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base.h"
#include "common/err.h"

struct qr_conn;

/** One piece of output: whole lines. Return false to stop (the reader has gone away). */
typedef bool (*qr_export_fn)(void *ctx, const char *data, size_t len);

/** `format` is "jsonl" or "csv". Stopping by the callback gives QR_E_CANCELLED. */
QR_MUST_CHECK int qr_export(struct qr_conn *conn, int64_t run_id, const char *format,
                            qr_export_fn each, void *ctx, struct qr_err *err);

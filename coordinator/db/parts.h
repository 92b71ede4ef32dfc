/* coordinator/db/parts.h
 *
 * Finished work of a job that has not ended, read for the worker that goes on with it.
 */
#pragma once
#include "common/buf.h"
#include "common/err.h"

struct qr_conn; /* conn.h */

/**
 * Append up to `most` bytes of the parts of a job, from byte `offset` of all of them on; fewer at
 * the end of a part, none behind the last one.
 */
QR_MUST_CHECK int qr_parts_read(struct qr_conn *conn, int64_t job_id, uint64_t offset, int32_t most,
                                struct qr_buf *out, struct qr_err *err);

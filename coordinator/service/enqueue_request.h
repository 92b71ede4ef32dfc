/* coordinator/service/enqueue_request.h
 *
 * Admin.Enqueue's request, read where it lies: ten thousand jobs cost one array instead of three
 * allocations each. Reads what proto3 readers read: fields in any order, the last of several
 * counts, unknown ones are skipped.
 */
#pragma once
#include "common/base.h"
#include "coordinator/db/enqueue.h"

struct qr_enqueue_request {
    int64_t run_id;
    struct qr_new_job *jobs; /* texts point into the message */
    size_t n_jobs;
};

/**
 * Take a message apart.
 *
 *   bytes  len + 1 bytes, which are written to (texts get their NULs) and must outlive `ret`
 *
 * Errors: QR_E_INVALID not an EnqueueRequest, or a text with a NUL inside; QR_E_LIMIT more than
 *         QR_ENQUEUE_MAX jobs; QR_E_NOMEM. `ret` is untouched then.
 * Source: protobuf.dev, "Encoding".
 */
QR_MUST_CHECK int qr_enqueue_request_read(uint8_t *bytes, size_t len,
                                          struct qr_enqueue_request *ret, struct qr_err *err);
void qr_enqueue_request_done(struct qr_enqueue_request *request);

/* coordinator/db/dead_letter.h
 *
 * Dead letters: list, one with its history, what they have in common, retry, purge. For
 * qr_db_submit() functions; replies are freed with …__free_unpacked().
 *
 * A retry or purge of many is one bounded statement after the other, each a transaction of its own;
 * a call does a bounded number of them and says when there is more.
 */
#pragma once
#include <stdint.h>

#include "quarry/v1/admin.pb-c.h"

#include "common/base.h"
#include "common/class.h"
#include "common/err.h"

struct qr_conn;

QR_MUST_CHECK int qr_dead_letter_list(struct qr_conn *conn,
                                      const Quarry__V1__ListDeadLettersRequest *request,
                                      Quarry__V1__ListDeadLettersReply **ret, struct qr_err *err);
/** With every lease and event. Errors: QR_E_NOT_FOUND, no such job, or it is no dead letter. */
QR_MUST_CHECK int qr_dead_letter_get(struct qr_conn *conn, int64_t job_id,
                                     Quarry__V1__GetDeadLetterReply **ret, struct qr_err *err);
/** By class and pattern (pattern.h), the most frequent first. */
QR_MUST_CHECK int qr_dead_letter_analyze(struct qr_conn *conn,
                                         const Quarry__V1__AnalyzeDeadLettersRequest *request,
                                         Quarry__V1__AnalyzeDeadLettersReply **ret,
                                         struct qr_err *err);
/** Back to pending with all their attempts; runs open again. Use QR_DB_LANE_ENQUEUE. Errors:
 *  QR_E_INVALID, nothing says which. */
QR_MUST_CHECK int qr_dead_letter_retry(struct qr_conn *conn,
                                       const Quarry__V1__RetryDeadLettersRequest *request,
                                       Quarry__V1__RetryDeadLettersReply **ret, struct qr_err *err);
/** They go, their jobs stay failed and keep their history. */
QR_MUST_CHECK int qr_dead_letter_purge(struct qr_conn *conn,
                                       const Quarry__V1__PurgeDeadLettersRequest *request,
                                       Quarry__V1__PurgeDeadLettersReply **ret, struct qr_err *err);
/** How many there are of each class: QR_CLASS_COUNT numbers. */
QR_MUST_CHECK int qr_dead_letter_classes(struct qr_conn *conn, uint64_t *ret_by_class,
                                         struct qr_err *err);

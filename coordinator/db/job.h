/* coordinator/db/job.h
 *
 * Jobs as people see them. For qr_db_submit() functions; replies are freed with …__free_unpacked().
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "quarry/v1/admin.pb-c.h"

#include "common/base.h"
#include "common/err.h"

struct qr_conn;

QR_MUST_CHECK int qr_job_list(struct qr_conn *conn, const Quarry__V1__ListJobsRequest *request,
                              Quarry__V1__ListJobsReply **ret, struct qr_err *err);
QR_MUST_CHECK int qr_job_get(struct qr_conn *conn, int64_t job_id, Quarry__V1__JobReply **ret,
                             struct qr_err *err);
/** The job's whole history, oldest first; milliseconds however many jobs there are. */
QR_MUST_CHECK int qr_job_events(struct qr_conn *conn, int64_t job_id,
                                Quarry__V1__ListJobEventsReply **ret, struct qr_err *err);
/** failed and cancelled -> pending; the run opens again. Use QR_DB_LANE_ENQUEUE. */
QR_MUST_CHECK int qr_job_retry(struct qr_conn *conn, const Quarry__V1__RetryJobsRequest *request,
                               Quarry__V1__RetryJobsReply **ret, struct qr_err *err);

/* coordinator/db/job_rows.h
 *
 * What job.c, dead_letter.c and retry.c share: rows as messages, what narrows dead letters down.
 */
#pragma once
#include "coordinator/db/conn.h"
#include "coordinator/db/impl.h"
#include "quarry/v1/admin.pb-c.h"

/** Rows of job_list's columns, of job_events'. NULL: out of memory. */
Quarry__V1__Job *qr_job_of_row(const PGresult *rows, int i);
Quarry__V1__JobEvent *qr_job_event_of_row(const PGresult *rows, int i);
/** At most `limit` of the rows; one row more says that there are more. False: out of memory. */
bool qr_jobs_of_rows(const PGresult *rows, uint32_t limit, Quarry__V1__Job ***ret, size_t *ret_n,
                     protobuf_c_boolean *ret_more);
/** 0: 100; at most 10,000. */
uint32_t qr_list_limit(uint32_t limit);

enum { QR_STEPS_A_CALL = 8 }; /* of what goes step by step: so that a call ends in seconds */

/** The first three parameters of what narrows dead letters down: 0, "", 0 for any. */
void qr_dead_letter_filter(struct qr_params *params, int64_t run_id, const char *error_class,
                           uint32_t pattern);
/** Errors: QR_E_INVALID, there is no such class. */
QR_MUST_CHECK int qr_dead_letter_check_class(const char *error_class, struct qr_err *err);

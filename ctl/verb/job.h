/* ctl/verb/job.h
 *
 * What the verbs of jobs and dead letters share.
 */
#pragma once
#include "ctl/ctl.h"
#include "ctl/table.h"
#include "quarry/v1/admin.pb-c.h"

enum { QR_JOB_PAGE = 1000 }; /* jobs asked for at once */

/** Set these jobs back to pending, and tell how many were. Errors: QR_E_USAGE, no number;
 * QR_E_INVALID, some were refused; those of a call. */
QR_MUST_CHECK int qr_job_retry_ids(struct qr_ctl *ctl, const struct qr_option_list *ids,
                                   struct qr_err *err);

/** What became of each job, and an error when some were refused (QR_E_STALE; QR_E_NOT_FOUND when
 * none exists); `verb` is "paused". */
QR_MUST_CHECK int qr_job_print_control(struct qr_ctl *ctl, Quarry__V1__JobControl *const *jobs,
                                       size_t n, const char *verb, struct qr_err *err);

/** When a job's state last changed: finished, claimed or created. */
int64_t qr_job_changed_ms(const Quarry__V1__Job *job);

/** What there is to say about a job, in one line: class and message of a failed one or of one that
 * waits for a retry, the reason of an empty one, how far a running one has come, "partial", or "".
 * Returns buf. */
const char *qr_job_reason(const Quarry__V1__Job *job, char *buf, size_t cap);

/** How far a running job has come: "62 %, page 3100 of 5000"; "" when nothing is known. Returns
 * buf.
 */
const char *qr_job_progress(const Quarry__V1__Job *job, char *buf, size_t cap);

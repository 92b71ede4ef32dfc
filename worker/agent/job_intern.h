/* worker/agent/job_intern.h
 *
 * What job.c (a job's way), job_offer.c (its way in) and job_found.c (the files that it names)
 * share.
 */
#pragma once
#include "worker/agent/job.h"

struct qr_job *qr_job_find(const struct qr_jobs *jobs, uint64_t lease_id);
/** Its result, to the session; counted. */
void qr_job_report(struct qr_jobs *jobs, const struct qr_session_result *result);
/** A result of class and message; the record may be NULL. */
void qr_job_answer(struct qr_jobs *jobs, uint64_t lease_id, enum qr_class cls, const char *message,
                   const uint8_t *record, size_t record_bytes, int64_t duration_ms);
void qr_job_free(struct qr_jobs *jobs, struct qr_job *job);
/** One that is in no list. */
void qr_job_dispose(struct qr_job *job);
/** A place in the pool or with the programs is taken, or free again. */
void qr_job_hold_place(struct qr_jobs *jobs, const struct qr_job *job);
void qr_job_free_place(struct qr_jobs *jobs, const struct qr_job *job);
/** Its file and its parts are there: it stands in line for the pool. */
void qr_job_ready(struct qr_jobs *jobs, struct qr_job *job);
/** An encoded record and one more note, the caller's to free; NULL: out of memory. */
uint8_t *qr_job_with_note(const uint8_t *record, size_t len, const char *code, uint32_t count,
                          const char *message, size_t *ret_len);

/* ---- job_prepare.c */
/** Its extension or its first bytes say that a program of others reads it: that is set. */
void qr_job_choose_tool(const struct qr_jobs *jobs, struct qr_job *job, const void *head,
                        size_t head_len);
/** Hand it to its program; it comes back in front of the line. */
void qr_job_prepare(struct qr_jobs *jobs, struct qr_job *job);
/** Its program is ended. */
void qr_job_unprepare(struct qr_jobs *jobs, struct qr_job *job);

/* ---- job_found.c */
/** The job is completed and names files: they are looked at first. False: it names none, the
 *  result can go now. The record is copied. */
bool qr_job_refer(struct qr_jobs *jobs, struct qr_job *job, const struct qr_pool_result *result,
                  const uint8_t *record, size_t len);
/** Its files were not looked at all the same: says so in the answer, where it names any. */
void qr_job_unreferred(const struct qr_job *job, const struct qr_pool_result *result,
                       struct qr_session_result *answer);
/** Until then; behind it the result goes without them. */
int64_t qr_job_refer_deadline(const struct qr_job *job);
void qr_job_refer_too_long(struct qr_jobs *jobs, struct qr_job *job);

/* coordinator/db/why_intern.h
 *
 * What why.c (a job) and why_run.c (a run) share: reasons that both can have.
 */
#pragma once
#include "coordinator/db/impl.h"
#include "coordinator/db/message.h"
#include "coordinator/db/why.h"

/* Of the first row. */
static inline int64_t qr_why_i64(const PGresult *r, const char *name)
{
    return qr_get_i64(r, 0, PQfnumber(r, name));
}

/** Adds a reason; NULL when out of memory. The text is what a person reads. */
Quarry__V1__Reason *qr_why_add(Quarry__V1__ExplainReply *reply, const char *code, const char *fmt,
                               ...) QR_PRINTF(3, 4);

/** " or more" where a count stopped. */
const char *qr_why_more(int64_t n);

/** completed, failed, cancelled */
bool qr_why_is_over(const char *status);

/** Somebody, or the run itself, closed its gate. Columns gate, gate_reason, gate_ms. */
void qr_why_gate(Quarry__V1__ExplainReply *reply, const PGresult *r, bool *ok);

/* Workers that are there, drained ones left out. */
struct qr_why_workers {
    int64_t all, with_type, with_root; /* with_root: of those with_type */
};
/** Nobody can do it: which of the three ways, for `count` jobs. False when somebody can. */
bool qr_why_worker(Quarry__V1__ExplainReply *reply, const char *type, const char *root,
                   const struct qr_why_workers *workers, int64_t count, bool *ok);

/** Limits that let nothing of this queue through just now. */
QR_MUST_CHECK int qr_why_limits(struct qr_conn *conn, Quarry__V1__ExplainReply *reply,
                                int32_t queue_id, bool *ret_any, struct qr_err *err);

/** Jobs a second that the run completed in the last minutes; 0 where there is no basis. */
QR_MUST_CHECK int qr_why_rate(struct qr_conn *conn, int64_t run_id, double *ret,
                              struct qr_err *err);

/** A statement of $1 id and, if `bound`, $2 QR_WHY_COUNT_MAX. */
QR_MUST_CHECK int qr_why_ask(struct qr_conn *conn, enum qr_sql sql, int64_t id, bool bound,
                             PGresult **ret, struct qr_err *err);

/** An empty reply; NULL when out of memory. */
Quarry__V1__ExplainReply *qr_why_reply(void);

/* coordinator/db/limit.h
 *
 * Limits (rule 8): how many jobs of a type, a run or a source may run at a time and start a second,
 * over all coordinators. A place under `running` is a row of limit_holds, made by the claim and
 * deleted by lease id in whatever transaction ends the lease; a rate is a token bucket by the
 * database's clock. Jobs without a limit meet none of this: their queue says so.
 * docs/database.md "Limits".
 */
#pragma once
#include "common/base.h"
#include "common/err.h"
#include "quarry/v1/admin.pb-c.h"

struct qr_conn;

/* For people; use QR_DB_LANE_READ. */
/** Make or change a limit. Counts what runs already. Errors: QR_E_INVALID; QR_E_NOT_FOUND no such
 *  run; QR_E_STALE the run is over. */
QR_MUST_CHECK int qr_limit_set(struct qr_conn *conn, const Quarry__V1__SetLimitRequest *request,
                               Quarry__V1__LimitReply **ret, struct qr_err *err);
QR_MUST_CHECK int qr_limit_list(struct qr_conn *conn, const Quarry__V1__ListLimitsRequest *request,
                                Quarry__V1__ListLimitsReply **ret, struct qr_err *err);
/** QR_E_NOT_FOUND when there is none; the reply has it as it was. */
QR_MUST_CHECK int qr_limit_remove(struct qr_conn *conn,
                                  const Quarry__V1__RemoveLimitRequest *request,
                                  Quarry__V1__LimitReply **ret, struct qr_err *err);

/* coordinator/health.h
 *
 * What /health says of the fleet: every reason why work stands still that needs a person.
 */
#pragma once
#include "common/buf.h"
#include "coordinator/service/unserved.h"
#include "coordinator/totals.h"

/**
 * A line a reason; none when all is well, then what there is: "ok: 3 workers, 120 jobs to do".
 * From memory. False when there is a reason.
 *
 *   oldest_job_ms  a job that waits for longer is one; 0: it may wait for ever
 */
bool qr_health_tell(struct qr_unserved *unserved, struct qr_totals *totals, int64_t oldest_job_ms,
                    struct qr_buf *out);

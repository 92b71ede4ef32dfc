/* ctl/verb/run.h
 *
 * What the verbs of runs share: asking for one, watching it, printing it.
 */
#pragma once
#include "ctl/ctl.h"
#include "quarry/v1/admin.pb-c.h"

/** One run; `report` fills types[]. Caller frees *ret. Errors: those of qr_client_call(). */
QR_MUST_CHECK int qr_run_get(struct qr_ctl *ctl, int64_t run_id, bool report,
                             Quarry__V1__RunReply **ret, struct qr_err *err);

/** For a list that came out empty. Errors: QR_E_NOT_FOUND when there is no such run. */
QR_MUST_CHECK int qr_run_must_exist(struct qr_ctl *ctl, int64_t run_id, struct qr_err *err);

/** The run as the user asked for it: heading and table by type, or JSON. */
QR_MUST_CHECK int qr_run_print(struct qr_ctl *ctl, const Quarry__V1__Run *run, struct qr_err *err);

/** The answer to `run create`; JSON is the run with a member "joined". */
QR_MUST_CHECK int qr_run_print_created(struct qr_ctl *ctl, const Quarry__V1__CreateRunReply *reply,
                                       struct qr_err *err);

/** The name a person gave it; "" when it has none of its own, but its source's. */
const char *qr_run_name(const Quarry__V1__Run *run);

/** "0.2", "20%" or "off" (-1) of --halt-at. Errors: QR_E_USAGE. */
QR_MUST_CHECK int qr_run_parse_share(const char *text, double *ret, struct qr_err *err);

/** True when nothing will happen any more: completed, failed, cancelled. */
bool qr_run_is_over(const Quarry__V1__Run *run);

/** How a run that is over went, and what to do about it, as lines for people. */
void qr_run_summary(FILE *out, const Quarry__V1__Run *run);

/* How qr_run_follow() came to its end. */
enum qr_run_followed { QR_RUN_OVER, QR_RUN_LEFT /* by Ctrl-C */ };

/**
 * Follow a run until it is over, through restarts of the coordinator.
 *
 *   progress_out  where progress is shown
 *   each          called for every message that came, or NULL
 *   ret_run       its last state, caller frees; NULL when none came
 *
 * Errors: QR_E_NOT_FOUND; QR_E_UNREACHABLE at the first attempt, or for longer than a minute later.
 */
QR_MUST_CHECK int
qr_run_follow(struct qr_ctl *ctl, int64_t run_id, FILE *progress_out,
              int (*each)(struct qr_ctl *ctl, const Quarry__V1__Run *run, struct qr_err *err),
              enum qr_run_followed *ret, Quarry__V1__RunReply **ret_run, struct qr_err *err);

/** `run create --wait`: progress on standard error, then the report. Fails with QR_E_INTERNAL
 * unless every file reached a final state. */
QR_MUST_CHECK int qr_run_wait(struct qr_ctl *ctl, int64_t run_id, struct qr_err *err);

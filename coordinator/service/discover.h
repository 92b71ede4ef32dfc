/* coordinator/service/discover.h
 *
 * Lists the files of new runs into jobs: one thread, one run after the other, in batches. A listing
 * that a dead coordinator left unfinished is taken over and done again; jobs are unique within a
 * run, so nothing is counted twice.
 */
#pragma once
#include "common/roots.h"
#include "coordinator/db/db.h"

struct qr_discover;

/** `db` and `roots` are borrowed until qr_discover_free(). */
QR_MUST_CHECK int qr_discover_start(struct qr_db *db, const struct qr_roots *roots,
                                    struct qr_discover **ret, struct qr_err *err);

/** There may be a run to list. Thread-safe. */
void qr_discover_kick(struct qr_discover *discover);

/** Ends the listing under way (it is taken up again at the next start) and joins; while the
 * database still serves. NULL is fine. */
void qr_discover_stop(struct qr_discover *discover);

/** After the database was stopped: calls that it still ran may kick. NULL is fine. */
void qr_discover_free(struct qr_discover *discover);

/* coordinator/totals.h
 *
 * How many jobs there are, for /metrics: read from the runs' counters now and then, kept in memory,
 * so that a scrape never waits for the database. Thread-safe.
 */
#pragma once
#include "common/base.h"
#include "coordinator/db/db.h"
#include "coordinator/db/run.h"

struct qr_totals;

/** NULL when out of memory. Free it after qr_db_free(): a question may be under way until then. */
struct qr_totals *qr_totals_new(void);
void qr_totals_free(struct qr_totals *totals);
QR_DEFINE_AUTO(qr_totals)

/** Ask the database, unless it was asked less than 5 s ago or has not answered yet. Never blocks.
 */
void qr_totals_refresh(struct qr_totals *totals, struct qr_db *db);

/** What is known; false when the database has never answered. */
bool qr_totals_get(struct qr_totals *totals, struct qr_run_totals *ret);

/* coordinator/service/unserved.h
 *
 * What no worker can do, as this coordinator last read it: asked of the database every two seconds
 * (less often where that takes long) however many people look, for `run show` and `run watch`,
 * /health and /metrics. Thread-safe.
 */
#pragma once
#include "coordinator/db/db.h"
#include "coordinator/engine/types.h"
#include "quarry/v1/admin.pb-c.h"

struct qr_unserved;

/** NULL when out of memory. Free it after qr_db_free(): a question may be under way until then. */
struct qr_unserved *qr_unserved_new(void);
void qr_unserved_free(struct qr_unserved *unserved);
QR_DEFINE_AUTO(qr_unserved)

/** Ask the database, unless it was asked less than 2 s ago or has not answered yet. Never blocks.
 */
void qr_unserved_refresh(struct qr_unserved *unserved, struct qr_db *db);

/** Adds what nobody can do of this run, or of all runs when `run_id` is 0, to a list as
 * Run.unserved is. False when out of memory. */
bool qr_unserved_list(struct qr_unserved *unserved, int64_t run_id, Quarry__V1__Unserved ***ret,
                      size_t *ret_n);

/* All runs together. */
struct qr_unserved_sum {
    uint64_t workers; /* that take work, of all coordinators */
    uint64_t stuck;   /* leases older than a quarter of an hour */
    int64_t oldest_s; /* so long waits the oldest job that may start; 0: none waits */
    uint64_t runs;    /* with such jobs */
    struct {
        char name[48];
        uint64_t jobs;
    } types[QR_TYPES_MAX];
    size_t n_types;
};
/** False when the database has never answered. */
bool qr_unserved_get(struct qr_unserved *unserved, struct qr_unserved_sum *ret);

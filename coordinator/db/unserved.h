/* coordinator/db/unserved.h
 *
 * Jobs that may start now and that no worker can do: the type or the root is missing, or there is
 * no worker at all. Of all runs and coordinators. For qr_db_submit() on QR_DB_LANE_READ.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "common/base.h"
#include "common/err.h"

struct qr_conn;

enum {
    QR_UNSERVED_MAX = 256 /* queues */,
    QR_UNSERVED_COUNT_MAX = 1000 /* of a queue; not counted further */
};

struct qr_unserved_row {
    int64_t run_id;
    char *type, *root; /* root "": any worker could reach it */
    uint64_t jobs;
    bool more;         /* than `jobs` */
    bool type_is_done; /* some worker does the type: the root is missing */
};

struct qr_unserved_rows {
    struct qr_unserved_row *list; /* by run, type and root */
    size_t n;
    uint64_t workers; /* that take work, of all coordinators */
    uint64_t stuck;   /* leases older than a quarter of an hour */
    int64_t oldest_s; /* so long waits the oldest job that may start; 0: none waits */
};

/** Caller frees with qr_unserved_rows_done(). Errors: QR_E_NOMEM, those of qr_conn_run(). */
QR_MUST_CHECK int qr_unserved_read(struct qr_conn *conn, struct qr_unserved_rows *ret,
                                   struct qr_err *err);
void qr_unserved_rows_done(struct qr_unserved_rows *rows);

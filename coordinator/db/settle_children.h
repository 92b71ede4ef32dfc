/* coordinator/db/settle_children.h
 *
 * What settle_children.c (which found jobs may be added) and settle_children_store.c (adding them)
 * share.
 */
#pragma once
#include "coordinator/db/enqueue_intern.h"
#include "coordinator/db/settle.h"

/* A found job on its way. */
struct qr_child {
    struct settle_item *item; /* of its parent */
    struct qr_new_job job;
    int32_t depth;
};

/* Those of one run. */
struct qr_children {
    int64_t run_id;
    bool skips; /* what earlier runs did */
    struct qr_child *list;
    size_t n;
    bool keyed;
    struct qr_enqueue_txn queues; /* only its jobs and queues are used */
    int64_t first_job;
};

/** Add them, one statement each for files and jobs; counts in their items (n_new, n_known,
 *  n_unchanged). In the transaction, behind the fence. */
QR_MUST_CHECK int qr_children_store(struct qr_conn *conn, struct settle_txn *txn,
                                    struct qr_children *children, struct qr_err *err);

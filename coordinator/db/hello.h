/* coordinator/db/hello.h
 *
 * A Hello's transaction: hello.c decides who it is, hello_leases.c what becomes of the leases. On
 * the session lane's thread alone.
 */
#pragma once
#include "coordinator/db/impl.h"
#include "coordinator/db/session.h"

struct hello_txn {
    struct qr_db *db;
    struct session_request *r;
    struct qr_db_hello_reply reply;
    struct qr_kept_lease *kept;
    struct qr_stage_changes changes;
    uint64_t types; /* with work again */
    int64_t own_pk; /* 0: not known yet */
    bool fenced;    /* a recovery of a session that is not this coordinator's any more */
    int64_t *older; /* sessions to end, ascending */
    size_t n_older;
};

/** Keeps, moves or releases every live lease of this session and of `older`; fills the reply's
 *  `kept`. Errors: as qr_conn_run(). */
QR_MUST_CHECK int qr_hello_settle_leases(struct qr_conn *conn, struct hello_txn *txn,
                                         struct qr_err *err);
/** Jobs that the worker had begun when it ended are suspects, or convicted. Errors: as
 *  qr_conn_run(). */
QR_MUST_CHECK int qr_hello_mark_suspects(struct qr_conn *conn, struct hello_txn *txn,
                                         struct qr_err *err);

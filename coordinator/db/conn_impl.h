/* coordinator/db/conn_impl.h
 *
 * What the files behind conn.h share: conn_open.c connects, conn.c runs statements.
 */
#pragma once
#include "coordinator/db/conn.h"

struct qr_conn {
    PGconn *pg;
    char *url;
    char *lane;
    int64_t connect_timeout_ms;
    int64_t statement_timeout_ms;
    int64_t long_ms; /* instead, in this transaction; 0: as usual */
    const atomic_bool *stopped;
    bool hot;
    bool broken;
    bool commit_sent; /* since the last BEGIN */
    unsigned generation;
    const struct qr_db *db;
    bool prepared[QR_SQL_COUNT];
};

/** It broke, or is given up: whatever it held is let go of by the server. Returns the error. */
int qr_conn_lost(struct qr_conn *conn, struct qr_err *err, const char *what);
/** Wait until the socket can be read (or written, when libpq still has bytes to send). False: not
 * until then. */
bool qr_conn_wait(struct qr_conn *conn, short events, int64_t deadline_ms);

/* coordinator/db/conn.h
 *
 * One connection to PostgreSQL: prepared statements by name, binary values, deadlines, pipelines.
 *
 * Inside coordinator/db/ only; elsewhere struct qr_conn is opaque. One thread at a time.
 * Every wait has a deadline: the server's statement_timeout first, and a little later this side's,
 * after which the connection counts as broken. A broken connection fails every call with
 * QR_E_UNREACHABLE until qr_conn_reopen().
 */
#pragma once
#include <libpq-fe.h>
#include <stdatomic.h>

#include "common/base.h"
#include "common/err.h"
#include "coordinator/db/params.h"
#include "coordinator/db/statements.h"

struct qr_conn;

struct qr_conn_config {
    const char *url;
    const char *lane; /* shown as application_name "quarry LANE" */
    int64_t connect_timeout_ms;
    int64_t statement_timeout_ms;
    bool hot; /* plans fixed to index look-ups: batches are small, statistics come late */
    const struct qr_db *db;     /* whom work_available goes to; NULL: none */
    const atomic_bool *stopped; /* when it is set what takes long is given up; NULL: never */
};

/** Strings of `config` are copied. Errors: QR_E_UNREACHABLE, QR_E_UNSUPPORTED (server < 14),
 * QR_E_NOMEM. */
QR_MUST_CHECK int qr_conn_open(const struct qr_conn_config *config, struct qr_conn **ret,
                               struct qr_err *err);
/** Drop what is there and connect again, with the same configuration. */
QR_MUST_CHECK int qr_conn_reopen(struct qr_conn *conn, struct qr_err *err);
void qr_conn_free(struct qr_conn *conn);
QR_DEFINE_AUTO(qr_conn)

bool qr_conn_is_broken(const struct qr_conn *conn);
/** Between two uses: has the server gone meanwhile? Then it is broken, and the next one need not
 *  fail to find out. False: broken. Never waits. */
bool qr_conn_check_idle(struct qr_conn *conn);
/** Changes whenever it is opened anew: what the server knew of the old one (LISTEN) is gone. */
unsigned qr_conn_generation(const struct qr_conn *conn);
/** For poll(): readable when the server sent something by itself; -1 when there is none. */
int qr_conn_socket(const struct qr_conn *conn);
/** The database has taken back an open transaction or holds one: not idle. */
bool qr_conn_in_transaction(const struct qr_conn *conn);
const struct qr_db *qr_conn_db(const struct qr_conn *conn);

/** One statement; `ret` (may be NULL) gets the result, freed with PQclear(). Errors: QR_E_DB with
 *  sqlstate, QR_E_UNREACHABLE when the connection broke, QR_E_NOMEM. */
QR_MUST_CHECK int qr_conn_run(struct qr_conn *conn, enum qr_sql sql, const struct qr_params *params,
                              PGresult **ret, struct qr_err *err);

/** Text of one or several commands, without values: migrations, BEGIN, cursors. */
QR_MUST_CHECK int qr_conn_exec(struct qr_conn *conn, const char *text, struct qr_err *err);
/** A query in text form with text results. */
QR_MUST_CHECK int qr_conn_query(struct qr_conn *conn, const char *text, PGresult **ret,
                                struct qr_err *err);

/** COPY … FROM STDIN, of which `data` is all (copy.h). Inside a transaction, outside of a pipeline.
 */
QR_MUST_CHECK int qr_conn_copy(struct qr_conn *conn, enum qr_sql sql, const void *data, size_t len,
                               struct qr_err *err);

struct qr_call {
    enum qr_sql sql;
    const struct qr_params *params; /* NULL: none */
};
/** Several statements in one round trip. All or nothing: on an error `results` is empty, and the
 *  statements behind the failing one did not run. `results` has n places. */
QR_MUST_CHECK int qr_conn_pipeline(struct qr_conn *conn, const struct qr_call *calls, size_t n,
                                   PGresult **results, struct qr_err *err);

QR_MUST_CHECK int qr_conn_begin(struct qr_conn *conn, struct qr_err *err);
QR_MUST_CHECK int qr_conn_commit(struct qr_conn *conn, struct qr_err *err);
/** The statements of this transaction may take so long each, unless the program stops. */
QR_MUST_CHECK int qr_conn_take_long(struct qr_conn *conn, int64_t ms, struct qr_err *err);
/** Does nothing outside a transaction. */
void qr_conn_rollback(struct qr_conn *conn);
/** The connection broke when a COMMIT had been sent and not answered: it may have happened. */
bool qr_conn_is_unknown(const struct qr_conn *conn);

/** Take the notifications that have come in on channels LISTENed to: a bit for each. */
enum { QR_NOTIFY_WORK = 1, QR_NOTIFY_CONTROL = 2 };
unsigned qr_conn_take_notifies(struct qr_conn *conn);

/** What kind of trouble an error is. */
bool qr_err_is_data(const struct qr_err *err); /* the values are to blame: classes 21 22 23 54 */
bool qr_err_is_slow(
    const struct qr_err *err); /* longer than statement_timeout: no use at once again */
bool qr_err_is_transient(const struct qr_err *err); /* deadlock, serialization, lock time-out */

/** QR_AUTO for results. */
static inline void qr_result_free_slot(PGresult **slot) { PQclear(*slot); }
#define QR_AUTO_RESULT __attribute__((cleanup(qr_result_free_slot))) PGresult *

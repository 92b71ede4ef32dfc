/* Statements on a connection: one, several in a pipeline, COPY; transactions; kinds of errors. */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "coordinator/db/conn_impl.h"

enum { GRACE_MS = 3000, STOP_LOOK_MS = 500 };

static int64_t deadline_of(const struct qr_conn *conn)
{
    return qr_clock_ms() + (conn->long_ms > 0 ? conn->long_ms : conn->statement_timeout_ms) +
           GRACE_MS;
}

static bool is_stopped(const struct qr_conn *conn)
{
    return conn->stopped && atomic_load(conn->stopped);
}

/* The next PGresult or NULL, as PQgetResult(), but with a deadline. False: connection lost. */
static bool next_result(struct qr_conn *conn, int64_t deadline, PGresult **ret)
{
    int unsent;

    while ((unsent = PQflush(conn->pg)) > 0 || PQisBusy(conn->pg)) {
        int64_t until = conn->long_ms > 0 ? qr_clock_ms() + STOP_LOOK_MS : deadline;
        bool ready = qr_conn_wait(conn, (short)(unsent > 0 ? POLLIN | POLLOUT : POLLIN),
                                  until < deadline ? until : deadline);
        if (!ready && (qr_clock_ms() >= deadline || is_stopped(conn) || until == deadline ||
                       PQstatus(conn->pg) == CONNECTION_BAD))
            return false;
        if (!ready)
            continue;
        if (!PQconsumeInput(conn->pg))
            return false;
    }
    if (unsent < 0)
        return false;
    *ret = PQgetResult(conn->pg);
    return true;
}

/* The error of a failed result. A connection that died reports itself as a fatal result too. */
static int result_error(struct qr_conn *conn, const PGresult *result, const char *what,
                        struct qr_err *err)
{
    const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const char *primary = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);

    if (PQstatus(conn->pg) == CONNECTION_BAD || !state || strncmp(state, "57P", 3) == 0)
        return qr_conn_lost(conn, err, what);
    bool full = strcmp(state, "53100") == 0;
    int rc = qr_fail(
        err, QR_E_DB, "%s: %s (SQLSTATE %s)%s", what, primary ? primary : "unknown error", state,
        full ? "; hint: make space on the database's disk, work goes on by itself" : "");
    if (err)
        snprintf(err->sqlstate, sizeof err->sqlstate, "%s", state);
    return rc;
}

static bool is_good(const PGresult *result)
{
    ExecStatusType status = PQresultStatus(result);
    return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;
}

/* Take all results of what was sent; keeps the last good one, the first error decides. */
static int collect(struct qr_conn *conn, const char *what, PGresult **ret, struct qr_err *err)
{
    int64_t deadline = deadline_of(conn);
    QR_AUTO_RESULT kept = NULL;
    int rc = QR_OK;

    for (;;) {
        PGresult *result;
        if (!next_result(conn, deadline, &result))
            return qr_conn_lost(conn, err, what);
        if (!result)
            break;
        if (is_good(result)) {
            PQclear(kept);
            kept = result;
            continue;
        }
        if (rc == QR_OK)
            rc = result_error(conn, result, what, err);
        PQclear(result);
        if (conn->broken)
            return rc;
    }
    if (rc < 0)
        return rc;
    if (ret) {
        *ret = kept;
        kept = NULL;
    }
    return QR_OK;
}

static int prepare(struct qr_conn *conn, enum qr_sql sql, struct qr_err *err)
{
    const char *name = qr_sql_name(sql);

    if (conn->prepared[sql])
        return QR_OK;
    if (!PQsendPrepare(conn->pg, name, qr_sql_text(sql), 0, NULL))
        return qr_conn_lost(conn, err, name);
    int rc = collect(conn, name, NULL, err);
    conn->prepared[sql] = rc == QR_OK;
    return rc;
}

static bool send_call(struct qr_conn *conn, enum qr_sql sql, const struct qr_params *params)
{
    int binary[QR_PARAMS_MAX];

    for (int i = 0; params && i < params->n; i++)
        binary[i] = 1;
    if (sql == QR_SQL_begin || sql == QR_SQL_commit)
        conn->commit_sent = sql == QR_SQL_commit;
    if (sql == QR_SQL_begin)
        conn->long_ms = 0;
    return PQsendQueryPrepared(conn->pg, qr_sql_name(sql), params ? params->n : 0,
                               params ? params->values : NULL, params ? params->lengths : NULL,
                               binary, 1) == 1;
}

static int check(struct qr_conn *conn, const struct qr_params *params, const char *what,
                 struct qr_err *err)
{
    if (conn->broken)
        return qr_conn_lost(conn, err, what);
    if (params && params->failed)
        return qr_fail(err, QR_E_LIMIT, "%s: the batch is larger than %d bytes", what,
                       QR_PARAM_BYTES_MAX);
    return QR_OK;
}

int qr_conn_run(struct qr_conn *conn, enum qr_sql sql, const struct qr_params *params,
                PGresult **ret, struct qr_err *err)
{
    const char *name = qr_sql_name(sql);
    int rc = check(conn, params, name, err);

    if (rc == QR_OK)
        rc = prepare(conn, sql, err);
    if (rc < 0)
        return rc;
    if (!send_call(conn, sql, params))
        return qr_conn_lost(conn, err, name);
    return collect(conn, name, ret, err);
}

int qr_conn_query(struct qr_conn *conn, const char *text, PGresult **ret, struct qr_err *err)
{
    char what[40];

    snprintf(what, sizeof what, "%.30s", text);
    what[strcspn(what, "\n;")] = '\0';
    int rc = check(conn, NULL, what, err);
    if (rc < 0)
        return rc;
    if (!PQsendQuery(conn->pg, text))
        return qr_conn_lost(conn, err, what);
    return collect(conn, what, ret, err);
}

int qr_conn_exec(struct qr_conn *conn, const char *text, struct qr_err *err)
{
    return qr_conn_query(conn, text, NULL, err);
}

/* ------------------------------------------------------------------ COPY */

/* The answer to a COPY statement: the server wants the rows. */
static int copy_begin(struct qr_conn *conn, const char *what, struct qr_err *err)
{
    PGresult *result;

    if (!next_result(conn, deadline_of(conn), &result) || !result)
        return qr_conn_lost(conn, err, what);
    bool ready = PQresultStatus(result) == PGRES_COPY_IN;
    int rc = ready ? QR_OK : result_error(conn, result, what, err);
    PQclear(result);
    if (!ready && !conn->broken) { /* the NULL behind it */
        struct qr_err ignored;
        rc = collect(conn, what, NULL, &ignored) < 0 && conn->broken ? qr_conn_lost(conn, err, what)
                                                                     : rc;
    }
    return rc;
}

int qr_conn_copy(struct qr_conn *conn, enum qr_sql sql, const void *data, size_t len,
                 struct qr_err *err)
{
    enum { PIECE_BYTES = 256 * 1024 };
    const char *name = qr_sql_name(sql);
    int64_t deadline = deadline_of(conn);
    int rc = check(conn, NULL, name, err);

    if (rc < 0)
        return rc;
    if (!PQsendQuery(conn->pg, qr_sql_text(sql)))
        return qr_conn_lost(conn, err, name);
    rc = copy_begin(conn, name, err);
    for (size_t at = 0; rc == QR_OK && at < len;) {
        size_t n = len - at < PIECE_BYTES ? len - at : PIECE_BYTES;
        int sent = PQputCopyData(conn->pg, (const char *)data + at, (int)n);
        if (sent < 0 || (sent == 0 && !qr_conn_wait(conn, POLLOUT, deadline)))
            return qr_conn_lost(conn, err, name);
        at += sent > 0 ? n : 0;
    }
    for (int sent = 0; rc == QR_OK && sent == 0;) {
        sent = PQputCopyEnd(conn->pg, NULL);
        if (sent < 0 || (sent == 0 && !qr_conn_wait(conn, POLLOUT, deadline)))
            return qr_conn_lost(conn, err, name);
    }
    return rc < 0 ? rc : collect(conn, name, NULL, err);
}

/* ------------------------------------------------------------------ pipelines */

/* One statement's result and the NULL behind it. */
static bool pipeline_take(struct qr_conn *conn, int64_t deadline, PGresult **ret)
{
    PGresult *end;

    if (!next_result(conn, deadline, ret) || !*ret)
        return false;
    if (!next_result(conn, deadline, &end))
        return false;
    PQclear(end);
    return true;
}

static int pipeline_collect(struct qr_conn *conn, const struct qr_call *calls, size_t n,
                            PGresult **results, struct qr_err *err)
{
    PGresult *sync = NULL;
    int rc = QR_OK;

    for (size_t i = 0; i < n; i++) { /* the server's time-out begins anew with each of them, too */
        const char *name = qr_sql_name(calls[i].sql);
        if (!pipeline_take(conn, deadline_of(conn), &results[i]))
            return rc < 0 ? rc : qr_conn_lost(conn, err, name);
        if (!is_good(results[i]) && rc == QR_OK)
            rc = result_error(conn, results[i], name, err);
    }
    if (!next_result(conn, deadline_of(conn), &sync) || PQresultStatus(sync) != PGRES_PIPELINE_SYNC)
        rc = rc < 0 ? rc : qr_conn_lost(conn, err, "at the end of a batch");
    PQclear(sync);
    return rc;
}

int qr_conn_pipeline(struct qr_conn *conn, const struct qr_call *calls, size_t n,
                     PGresult **results, struct qr_err *err)
{
    int rc = QR_OK;

    memset(results, 0, n * sizeof *results);
    for (size_t i = 0; i < n && rc == QR_OK; i++) {
        rc = check(conn, calls[i].params, qr_sql_name(calls[i].sql), err);
        if (rc == QR_OK)
            rc = prepare(conn, calls[i].sql, err);
    }
    if (rc < 0)
        return rc;
    if (!PQenterPipelineMode(conn->pg))
        return qr_conn_lost(conn, err, "entering a pipeline");
    for (size_t i = 0; i < n; i++)
        if (!send_call(conn, calls[i].sql, calls[i].params))
            return qr_conn_lost(conn, err, qr_sql_name(calls[i].sql));
    if (!PQpipelineSync(conn->pg))
        return qr_conn_lost(conn, err, "sending a batch");
    rc = pipeline_collect(conn, calls, n, results, err);
    if (!conn->broken && !PQexitPipelineMode(conn->pg))
        rc = rc < 0 ? rc : qr_conn_lost(conn, err, "leaving a pipeline");
    if (rc < 0)
        for (size_t i = 0; i < n; i++) {
            PQclear(results[i]);
            results[i] = NULL;
        }
    return rc;
}

/* ------------------------------------------------------------------ transactions */

int qr_conn_begin(struct qr_conn *conn, struct qr_err *err)
{
    return qr_conn_run(conn, QR_SQL_begin, NULL, NULL, err);
}

int qr_conn_commit(struct qr_conn *conn, struct qr_err *err)
{
    QR_AUTO_RESULT result = NULL;
    int rc = qr_conn_run(conn, QR_SQL_commit, NULL, &result, err);

    if (rc == QR_OK && strcmp(PQcmdStatus(result), "COMMIT") != 0)
        rc = qr_fail(err, QR_E_DB, "commit: the transaction had failed before");
    return rc;
}

int qr_conn_take_long(struct qr_conn *conn, int64_t ms, struct qr_err *err)
{
    char text[64];

    snprintf(text, sizeof text, "SET LOCAL statement_timeout = %lld", (long long)ms);
    int rc = qr_conn_exec(conn, text, err);
    conn->long_ms = rc == QR_OK ? ms : 0;
    return rc;
}

bool qr_conn_is_unknown(const struct qr_conn *conn) { return conn->broken && conn->commit_sent; }

void qr_conn_rollback(struct qr_conn *conn)
{
    struct qr_err err;

    conn->long_ms = 0;
    if (conn->broken || PQtransactionStatus(conn->pg) == PQTRANS_IDLE)
        return;
    if (qr_conn_exec(conn, "ROLLBACK", &err) < 0)
        conn->broken = true;
}

int qr_conn_socket(const struct qr_conn *conn)
{
    return conn && conn->pg && !conn->broken ? PQsocket(conn->pg) : -1;
}

unsigned qr_conn_take_notifies(struct qr_conn *conn)
{
    unsigned any = 0;
    PGnotify *note;

    if (conn->broken)
        return 0;
    if (!PQconsumeInput(conn->pg))
        conn->broken = true;
    while ((note = PQnotifies(conn->pg)) != NULL) {
        if (strcmp(note->relname, "quarry_control") == 0)
            any |= QR_NOTIFY_CONTROL;
        else if (note->be_pid != PQbackendPID(conn->pg)) /* own work was announced at once */
            any |= QR_NOTIFY_WORK;
        PQfreemem(note);
    }
    return any;
}

/* ------------------------------------------------------------------ errors */

bool qr_err_is_data(const struct qr_err *err)
{
    static const char *const classes[] = {"21", "22", "23", "54"};

    if (err->code == QR_E_LIMIT || err->code == QR_E_DATA)
        return true;
    for (size_t i = 0; err->code == QR_E_DB && i < QR_COUNT(classes); i++)
        if (strncmp(err->sqlstate, classes[i], 2) == 0)
            return true;
    return false;
}

bool qr_err_is_transient(const struct qr_err *err)
{
    static const char *const states[] = {"40001", "40P01", "55P03", "53300"};

    for (size_t i = 0; err->code == QR_E_DB && i < QR_COUNT(states); i++)
        if (strcmp(err->sqlstate, states[i]) == 0)
            return true;
    return false;
}

bool qr_err_is_slow(const struct qr_err *err)
{
    return err->code == QR_E_DB && strcmp(err->sqlstate, "57014") == 0;
}

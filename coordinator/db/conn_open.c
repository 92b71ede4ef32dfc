/* Connections are opened, looked after between two uses, and given up. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "common/clock.h"
#include "coordinator/db/conn_impl.h"

enum { SERVER_VERSION_MIN = 140000 };

/* The server must see the end now, not when this lane has work again: what it had received of the
 * last batch may begin to run, take locks, and keep them while it waits for the rest. */
static void hang_up(struct qr_conn *conn)
{
    int fd = PQsocket(conn->pg);

    if (fd >= 0)
        shutdown(fd, SHUT_RDWR);
    conn->broken = true;
}

int qr_conn_lost(struct qr_conn *conn, struct qr_err *err, const char *what)
{
    char text[300];

    hang_up(conn);
    snprintf(text, sizeof text, "%s", conn->pg ? PQerrorMessage(conn->pg) : "not connected");
    text[strcspn(text, "\n")] = '\0';
    return qr_fail(err, QR_E_UNREACHABLE, "database connection lost %s: %s", what,
                   text[0] ? text : "closed by the server");
}

bool qr_conn_wait(struct qr_conn *conn, short events, int64_t deadline_ms)
{
    for (;;) {
        int64_t left = deadline_ms - qr_clock_ms();
        struct pollfd fd = {.fd = PQsocket(conn->pg), .events = events};
        if (fd.fd < 0 || left <= 0)
            return false;
        int n = poll(&fd, 1, left > 1000 ? 1000 : (int)left);
        if (n > 0)
            return true;
        if (n < 0 && errno != EINTR)
            return false;
    }
}

/* ------------------------------------------------------------------ connecting */

static int session_settings(struct qr_conn *conn, struct qr_err *err)
{
    char text[800];

    snprintf(text, sizeof text,
             "SET statement_timeout = %lld; SET lock_timeout = %lld;"
             "SET idle_in_transaction_session_timeout = %lld; SET timezone = 'UTC'; SET jit = off;"
             "SET client_min_messages = warning; SET synchronous_commit = on;"
             "SET search_path = public;"
             "%s",
             (long long)conn->statement_timeout_ms, (long long)conn->statement_timeout_ms / 2 + 1,
             (long long)conn->statement_timeout_ms * 2,
             conn->hot ? "SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off;"
                         "SET enable_hashjoin = off; SET enable_mergejoin = off;"
                         "SET max_parallel_workers_per_gather = 0; SET cpu_tuple_cost = 10;"
                       : "SET plan_cache_mode = force_custom_plan;");
    return qr_conn_exec(conn, text, err);
}

/* Whoever gives up a statement that takes long hangs up; the server looks for that while it works,
 * where it can (not on every system). */
static void notice_end(struct qr_conn *conn)
{
    struct qr_err ignored = {0};

    (void)(qr_conn_exec(conn, "SET client_connection_check_interval = 2000", &ignored) < 0);
}

/* What the server says beside its answers is not ours to print. */
static void no_notice(void *arg, const PGresult *result)
{
    (void)arg;
    (void)result;
}

static int connect_now(struct qr_conn *conn, struct qr_err *err)
{
    char name[80];
    snprintf(name, sizeof name, "quarry %s", conn->lane);
    const char *keys[] = {
        "dbname",           "application_name", "keepalives_idle", "keepalives_interval",
        "keepalives_count", "tcp_user_timeout", "client_encoding", NULL};
    const char *values[] = {conn->url, name, "10", "5", "3", "20000", "UTF8", NULL};
    int64_t deadline = qr_clock_ms() + conn->connect_timeout_ms;

    PQfinish(conn->pg);
    memset(conn->prepared, 0, sizeof conn->prepared);
    conn->broken = true;
    conn->pg = PQconnectStartParams(keys, values, 1);
    if (!conn->pg)
        return qr_fail(err, QR_E_NOMEM, "connect to database: out of memory");
    PQsetNoticeReceiver(conn->pg, no_notice, NULL);
    PostgresPollingStatusType state = PGRES_POLLING_WRITING;
    while (PQstatus(conn->pg) != CONNECTION_BAD && state != PGRES_POLLING_OK &&
           state != PGRES_POLLING_FAILED) {
        if (!qr_conn_wait(conn, state == PGRES_POLLING_READING ? POLLIN : POLLOUT, deadline))
            return qr_fail(err, QR_E_UNREACHABLE,
                           "connect to database: no answer within %lld ms; hint: is the server "
                           "of --database running?",
                           (long long)conn->connect_timeout_ms);
        state = PQconnectPoll(conn->pg);
    }
    if (PQstatus(conn->pg) != CONNECTION_OK) {
        char text[300];
        snprintf(text, sizeof text, "%s", PQerrorMessage(conn->pg));
        text[strcspn(text, "\n")] = '\0';
        return qr_fail(err, QR_E_UNREACHABLE, "connect to database: %s; hint: check --database",
                       text);
    }
    if (PQserverVersion(conn->pg) < SERVER_VERSION_MIN)
        return qr_fail(err, QR_E_UNSUPPORTED, "PostgreSQL %d is too old; hint: use 14 or newer",
                       PQserverVersion(conn->pg) / 10000);
    if (PQsetnonblocking(conn->pg, 1) != 0)
        return qr_conn_lost(conn, err, "at start");
    conn->broken = false;
    conn->generation++;
    conn->long_ms = 0;
    int rc = session_settings(conn, err);
    if (rc == QR_OK && !conn->hot)
        notice_end(conn);
    return rc;
}

int qr_conn_open(const struct qr_conn_config *config, struct qr_conn **ret, struct qr_err *err)
{
    QR_AUTO(qr_conn) conn = calloc(1, sizeof *conn);

    if (!conn)
        return qr_fail(err, QR_E_NOMEM, "connect to database: out of memory");
    conn->url = strdup(config->url);
    conn->lane = strdup(config->lane);
    if (!conn->url || !conn->lane)
        return qr_fail(err, QR_E_NOMEM, "connect to database: out of memory");
    conn->connect_timeout_ms = config->connect_timeout_ms;
    conn->statement_timeout_ms = config->statement_timeout_ms;
    conn->hot = config->hot;
    conn->db = config->db;
    conn->stopped = config->stopped;
    int rc = connect_now(conn, err);
    if (rc < 0)
        return rc;
    *ret = qr_steal(&conn);
    return QR_OK;
}

int qr_conn_reopen(struct qr_conn *conn, struct qr_err *err)
{
    int rc = connect_now(conn, err);
    if (rc < 0)
        conn->broken = true;
    return rc;
}

void qr_conn_free(struct qr_conn *conn)
{
    if (!conn)
        return;
    PQfinish(conn->pg);
    free(conn->url);
    free(conn->lane);
    free(conn);
}

bool qr_conn_is_broken(const struct qr_conn *conn) { return conn->broken; }

bool qr_conn_check_idle(struct qr_conn *conn)
{
    enum { READS = 4 }; /* a farewell, then the end of the stream */
    struct pollfd fd = {.fd = conn->broken ? -1 : PQsocket(conn->pg), .events = POLLIN};

    for (int i = 0; i < READS && !conn->broken && poll(&fd, 1, 0) > 0; i++)
        if (!PQconsumeInput(conn->pg) || PQstatus(conn->pg) == CONNECTION_BAD)
            conn->broken = true;
    return !conn->broken;
}

unsigned qr_conn_generation(const struct qr_conn *conn) { return conn->generation; }

bool qr_conn_in_transaction(const struct qr_conn *conn)
{
    return !conn->broken && PQtransactionStatus(conn->pg) != PQTRANS_IDLE;
}

const struct qr_db *qr_conn_db(const struct qr_conn *conn) { return conn->db; }

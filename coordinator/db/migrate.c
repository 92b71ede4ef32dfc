#include "coordinator/db/migrate.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/log.h"
#include "coordinator/db/conn.h"
#include "quarry_migrations.h"

/* One number for all of Quarry's migrations: "QUARRYMG" cut to 63 bits. */
static const char lock_sql[] = "SELECT pg_advisory_lock(5854424951437868359)";
static const char unlock_sql[] = "SELECT pg_advisory_unlock(5854424951437868359)";

static int number_of(const char *name) { return atoi(name); } /* 0001_schema.sql */

int qr_migrate_newest(void)
{
    return number_of(qr_migration_table[QR_COUNT(qr_migration_table) - 1].name);
}

int qr_migrate_current(struct qr_conn *conn, int *ret_version, struct qr_err *err)
{
    QR_AUTO_RESULT there = NULL;
    QR_AUTO_RESULT version = NULL;
    int rc = qr_conn_query(conn, "SELECT to_regclass('public.schema_migrations') IS NOT NULL",
                           &there, err);

    if (rc < 0)
        return rc;
    if (strcmp(PQgetvalue(there, 0, 0), "t") != 0) {
        *ret_version = 0;
        return QR_OK;
    }
    rc = qr_conn_query(conn, "SELECT coalesce(max(version), 0) FROM schema_migrations", &version,
                       err);
    if (rc == QR_OK)
        *ret_version = atoi(PQgetvalue(version, 0, 0));
    return rc;
}

static int apply_one(struct qr_conn *conn, const char *name, const char *text, struct qr_err *err)
{
    char record[200];
    int rc = qr_conn_exec(conn, "BEGIN", err);

    if (rc == QR_OK)
        rc = qr_conn_exec(conn, text, err);
    snprintf(record, sizeof record,
             "INSERT INTO schema_migrations (version, name) VALUES (%d, '%s')", number_of(name),
             name);
    if (rc == QR_OK)
        rc = qr_conn_exec(conn, record, err);
    if (rc == QR_OK)
        rc = qr_conn_exec(conn, "COMMIT", err);
    if (rc < 0) {
        qr_conn_rollback(conn);
        return qr_err_wrap(err, rc, "migration %s", name);
    }
    return QR_OK;
}

static int apply_all(struct qr_conn *conn, Quarry__V1__MigrateReply *reply, struct qr_err *err)
{
    int current;
    int rc = qr_conn_exec(conn,
                          "CREATE TABLE IF NOT EXISTS schema_migrations ("
                          "version integer PRIMARY KEY, name text NOT NULL,"
                          "applied_at timestamptz NOT NULL DEFAULT now())",
                          err);
    if (rc == QR_OK)
        rc = qr_migrate_current(conn, &current, err);
    if (rc < 0)
        return rc;
    if (current > qr_migrate_newest())
        return qr_fail(err, QR_E_UNSUPPORTED,
                       "the database has schema version %d, this program knows %d; hint: use the "
                       "newer program",
                       current, qr_migrate_newest());
    for (size_t i = 0; i < QR_COUNT(qr_migration_table); i++) {
        const char *name = qr_migration_table[i].name;
        if (number_of(name) <= current)
            continue;
        rc = apply_one(conn, name, qr_migration_table[i].text, err);
        if (rc < 0)
            return rc;
        char *copy = strdup(name);
        if (!copy)
            return qr_fail(err, QR_E_NOMEM, "migrate: out of memory");
        reply->applied[reply->n_applied++] = copy;
    }
    return QR_OK;
}

/* pgvector may have come since the last start; without it search is exact, so a failure is no
 * reason not to start. */
static void prepare_vectors(struct qr_conn *conn)
{
    QR_AUTO_RESULT row = NULL;
    struct qr_err err;

    if (qr_conn_query(conn, "SELECT cad_vectors_prepare()", &row, &err) == QR_OK)
        qr_log(QR_LOG_INFO, "db.vectors", "search=\"%s\"", PQgetvalue(row, 0, 0));
    else
        qr_log_err(QR_LOG_WARN, "db.vectors", &err, "search=exact");
}

static Quarry__V1__MigrateReply *reply_new(void)
{
    Quarry__V1__MigrateReply *reply = malloc(sizeof *reply);
    char version[16];

    if (!reply)
        return NULL;
    quarry__v1__migrate_reply__init(reply);
    snprintf(version, sizeof version, "%d", qr_migrate_newest());
    reply->applied = calloc(QR_COUNT(qr_migration_table), sizeof(char *));
    char *copy = strdup(version);
    if (copy)
        reply->schema_version = copy;
    if (reply->applied && copy)
        return reply;
    quarry__v1__migrate_reply__free_unpacked(reply, NULL);
    return NULL;
}

int qr_migrate(struct qr_conn *conn, Quarry__V1__MigrateReply **ret, struct qr_err *err)
{
    Quarry__V1__MigrateReply *reply = reply_new();
    struct qr_err ignored;

    if (!reply)
        return qr_fail(err, QR_E_NOMEM, "migrate: out of memory");
    int rc = qr_conn_exec(conn, lock_sql, err);
    if (rc == QR_OK) {
        rc = apply_all(conn, reply, err);
        if (rc == QR_OK)
            prepare_vectors(conn);
        if (qr_conn_exec(conn, unlock_sql, &ignored) < 0 && rc == QR_OK)
            rc = qr_fail(err, QR_E_DB, "migrate: %s", ignored.msg);
    }
    if (rc == QR_OK && ret) {
        *ret = reply;
        return QR_OK;
    }
    quarry__v1__migrate_reply__free_unpacked(reply, NULL);
    return rc;
}

int qr_migrate_url(const char *url, int64_t connect_timeout_ms, Quarry__V1__MigrateReply **ret,
                   struct qr_err *err)
{
    QR_AUTO(qr_conn) conn = NULL;
    const struct qr_conn_config config = {
        .url = url,
        .lane = "migrate",
        .connect_timeout_ms = connect_timeout_ms ? connect_timeout_ms : 5000,
        .statement_timeout_ms = 600000,
    };
    int rc = qr_conn_open(&config, &conn, err);
    return rc < 0 ? rc : qr_migrate(conn, ret, err);
}

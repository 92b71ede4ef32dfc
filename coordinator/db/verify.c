#include "coordinator/db/verify.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "coordinator/db/conn.h"
#include "coordinator/db/message.h"
#include "coordinator/db/migrate.h"

/* What must be there. Tables with the columns that operators' SQL and this program rely on. */
static const struct {
    const char *table;
    const char *columns; /* blank separated */
} tables[] = {
    {"extraction_jobs",
     "id run_id file_id job_type status priority claimed_by claimed_at heartbeat "
     "retry_count last_error error_class parameters bom settled_lease_id "
     "parent_job_id depth"},
    {"cloud_files", "id uri root bytes modified_at sha256 extraction_status"},
    {"cad_models", "id file_id job_id status extraction_mode source brep_genome point_cloud "
                   "deepsdf_latent face_count edge_count bbox name kind part_number schema volume "
                   "area mass point_count geometry_status superseded_by details"},
    {"cad_model_embeddings", "cad_model_id embedding_type embedding dimensions"},
    {"cad_assembly_relations", "parent_model_id child_model_id child_name quantity transform "
                               "occurrences"},
    {"cad_manufacturing_features", "cad_model_id feature_type parameters source"},
    {"cad_rendered_views", "cad_model_id view source image"},
    {"document_groups", "id needs_review"},
    {"document_group_members", "group_id file_id"},
    {"extracted_metadata", "job_id file_id metadata"},
    {"extracted_pages", "job_id page text"},
    {"extracted_dimensions", "job_id kind value"},
    {"extracted_parameters", "job_id name value"},
    {"extracted_materials", "job_id name"},
    {"extracted_bom_items", "job_id part_number"},
    {"runs", "id source config_hash status"},
    {"run_stages", "run_id stage open"},
    {"run_queues", "run_id job_type root source limits"},
    {"run_shares", "run_id pass weight"},
    {"limits", "scope name running rate"},
    {"limit_holds", "lease_id limit_id"},
    {"sessions", "pk worker_id session attach coordinator_id"},
    {"coordinators", "id renewals stopped_at"},
    {"ready", "queue_id rank job_id uri again"},
    {"delayed", "job_id run_at"},
    {"control", "id job_id"},
    {"job_keys", "run_id key job_id"},
    {"stage_jobs", "id run_id stage lease_id"},
    {"run_reports", "run_id report"},
    {"lease_batches", "first_lease_id session_pk job_ids gone"},
    {"live_batches", "session_pk first_lease_id"},
    {"job_events", "at event job_id job_ids"},
    {"dead_letters", "job_id error_class"},
    {"job_parts", "job_id number begin_at data"},
};

static const char *const indexes[] = {
    "extraction_jobs_pkey",
    "extraction_jobs_run_file",
    "extraction_jobs_parent",
    "idx_jobs_claimed",
    "cloud_files_uri",
    "ready_pkey",
    "ready_again",
    "delayed_run_at",
    "lease_batches_pkey",
    "live_batches_pkey",
    "job_events_job",
    "job_events_batch",
    "runs_active_hash",
    "runs_gate",
    "delayed_queue",
};

/* ------------------------------------------------------------------ checks */

bool qr_verify_add(Quarry__V1__VerifyReply *reply, bool ok, const char *name, const char *fmt, ...)
{
    char detail[600];
    va_list args;
    Quarry__V1__Check **checks =
        realloc(reply->checks, (reply->n_checks + 1) * sizeof *reply->checks);
    Quarry__V1__Check *check = malloc(sizeof *check);

    if (checks)
        reply->checks = checks;
    if (!checks || !check) {
        free(check);
        return false;
    }
    va_start(args, fmt);
    vsnprintf(detail, sizeof detail, fmt, args);
    va_end(args);
    quarry__v1__check__init(check);
    reply->checks[reply->n_checks++] = check;
    check->ok = ok;
    return qr_message_set(&check->name, name) && qr_message_set(&check->detail, detail);
}

static int number(struct qr_conn *conn, const char *text, int64_t *ret, struct qr_err *err)
{
    QR_AUTO_RESULT row = NULL;
    int rc = qr_conn_query(conn, text, &row, err);

    if (rc == QR_OK)
        *ret = PQntuples(row) > 0 ? strtoll(PQgetvalue(row, 0, 0), NULL, 10) : 0;
    return rc;
}

/* The columns of a table that are missing, blank separated. */
static int missing_columns(struct qr_conn *conn, const char *table, const char *columns,
                           struct qr_buf *ret, bool *ret_table, struct qr_err *err)
{
    char text[300];
    QR_AUTO_RESULT rows = NULL;
    char *copy;

    snprintf(text, sizeof text,
             "SELECT column_name FROM information_schema.columns"
             " WHERE table_schema = 'public' AND table_name = '%s'",
             table);
    int rc = qr_conn_query(conn, text, &rows, err);
    if (rc < 0)
        return rc;
    *ret_table = PQntuples(rows) > 0;
    if (!(copy = strdup(columns)))
        return qr_fail(err, QR_E_NOMEM, "verify: out of memory");
    for (char *rest = copy, *name; (name = strsep(&rest, " ")) != NULL;) {
        bool there = false;
        for (int i = 0; i < PQntuples(rows) && !there; i++)
            there = strcmp(PQgetvalue(rows, i, 0), name) == 0;
        if (!there)
            qr_buf_printf(ret, " %s", name);
    }
    free(copy);
    return QR_OK;
}

static int check_tables(struct qr_conn *conn, Quarry__V1__VerifyReply *reply, struct qr_err *err)
{
    bool ok = true;

    for (size_t i = 0; i < QR_COUNT(tables) && ok; i++) {
        struct qr_buf missing;
        char name[80];
        bool there = false;
        qr_buf_init(&missing, 4096);
        int rc = missing_columns(conn, tables[i].table, tables[i].columns, &missing, &there, err);
        snprintf(name, sizeof name, "table %s", tables[i].table);
        if (rc == QR_OK && !there)
            ok = qr_verify_add(reply, false, name, "missing; hint: run `quarry migrate`");
        else if (rc == QR_OK && missing.len > 0)
            ok = qr_verify_add(reply, false, name, "lacks%s; hint: run `quarry migrate`",
                               (const char *)missing.data);
        else if (rc == QR_OK)
            ok = qr_verify_add(reply, true, name, "columns present");
        qr_buf_done(&missing);
        if (rc < 0)
            return rc;
    }
    return ok ? QR_OK : qr_fail(err, QR_E_NOMEM, "verify: out of memory");
}

static int check_indexes(struct qr_conn *conn, Quarry__V1__VerifyReply *reply, struct qr_err *err)
{
    for (size_t i = 0; i < QR_COUNT(indexes); i++) {
        char name[80];
        char text[300];
        int64_t valid;
        snprintf(name, sizeof name, "index %s", indexes[i]);
        snprintf(text, sizeof text,
                 "SELECT count(*) FROM pg_index WHERE indisvalid AND indexrelid ="
                 " to_regclass('public.%s')",
                 indexes[i]);
        int rc = number(conn, text, &valid, err);
        if (rc < 0)
            return rc;
        if (!qr_verify_add(reply, valid == 1, name, "%s",
                           valid == 1 ? "valid" : "missing or invalid; hint: run `quarry migrate`"))
            return qr_fail(err, QR_E_NOMEM, "verify: out of memory");
    }
    return QR_OK;
}

/* Optional ones: search uses them where they are, and does without where they are not. */
static int check_extensions(struct qr_conn *conn, Quarry__V1__VerifyReply *reply,
                            struct qr_err *err)
{
    static const char *const names[] = {"pg_trgm", "vector"};

    for (size_t i = 0; i < QR_COUNT(names); i++) {
        char name[80];
        char text[200];
        int64_t there;
        snprintf(name, sizeof name, "extension %s", names[i]);
        snprintf(text, sizeof text,
                 "SELECT count(*) FROM pg_available_extensions WHERE name = '%s'", names[i]);
        int rc = number(conn, text, &there, err);
        if (rc < 0)
            return rc;
        if (!qr_verify_add(reply, true, name, "%s",
                           there ? "available" : "not available (optional)"))
            return qr_fail(err, QR_E_NOMEM, "verify: out of memory");
    }
    return QR_OK;
}

static int check_server(struct qr_conn *conn, unsigned connections, Quarry__V1__VerifyReply *reply,
                        struct qr_err *err)
{
    QR_AUTO_RESULT row = NULL;
    int version;
    int rc =
        qr_conn_query(conn,
                      "SELECT current_setting('server_version'),"
                      " current_setting('server_version_num')::int,"
                      " current_setting('max_connections')::int"
                      " - current_setting('superuser_reserved_connections')::int,"
                      " current_setting('server_encoding'),"
                      " current_setting('fsync') || ' ' || current_setting('full_page_writes')",
                      &row, err);
    if (rc == QR_OK)
        rc = qr_migrate_current(conn, &version, err);
    if (rc < 0)
        return rc;
    int room = atoi(PQgetvalue(row, 0, 2));
    bool safe = strcmp(PQgetvalue(row, 0, 4), "on on") == 0;
    bool utf8 = strcmp(PQgetvalue(row, 0, 3), "UTF8") == 0;
    bool added =
        qr_verify_add(reply, atoi(PQgetvalue(row, 0, 1)) >= 140000, "server", "PostgreSQL %s",
                      PQgetvalue(row, 0, 0)) &&
        qr_verify_add(reply, utf8, "encoding", "%s%s", PQgetvalue(row, 0, 3),
                      utf8 ? "" : "; hint: create the database with ENCODING 'UTF8'") &&
        qr_verify_add(reply, safe, "durability", "fsync and full_page_writes: %s",
                      PQgetvalue(row, 0, 4)) &&
        qr_verify_add(reply, version == qr_migrate_newest(), "schema",
                      version == qr_migrate_newest() ? "version %d"
                                                     : "version %d; hint: run `quarry migrate`",
                      version) &&
        qr_verify_add(reply, room >= (int)connections, "pool size",
                      "%u connections of %d the server allows%s", connections, room,
                      room >= (int)connections ? "" : "; hint: raise max_connections");
    return added ? QR_OK : qr_fail(err, QR_E_NOMEM, "verify: out of memory");
}

/* Rows that no foreign key guards: each count should be 0. */
static int check_strays(struct qr_conn *conn, Quarry__V1__VerifyReply *reply, struct qr_err *err)
{
    static const struct {
        const char *name, *text;
    } strays[] = {
        {"jobs without their file", "SELECT count(*) FROM extraction_jobs j WHERE NOT EXISTS"
                                    " (SELECT FROM cloud_files f WHERE f.id = j.file_id)"},
        /* part_bytes: what was finished of a job that failed */
        {"results without their job", "SELECT count(*) FROM extracted_metadata m WHERE NOT EXISTS"
                                      " (SELECT FROM extraction_jobs j WHERE j.id = m.job_id AND"
                                      " (j.status = 'completed' OR j.part_bytes IS NOT NULL))"},
        {"ready jobs that are not pending", "SELECT count(*) FROM ready r WHERE NOT EXISTS (SELECT"
                                            " FROM extraction_jobs j WHERE j.id = r.job_id AND"
                                            " j.status = 'pending')"},
    };

    for (size_t i = 0; i < QR_COUNT(strays); i++) {
        int64_t n;
        int rc = number(conn, strays[i].text, &n, err);
        if (rc < 0)
            return rc;
        if (!qr_verify_add(reply, n == 0, strays[i].name, "%lld", (long long)n))
            return qr_fail(err, QR_E_NOMEM, "verify: out of memory");
    }
    return QR_OK;
}

int qr_verify(struct qr_conn *conn, unsigned connections, Quarry__V1__VerifyReply **ret,
              struct qr_err *err)
{
    Quarry__V1__VerifyReply *reply = malloc(sizeof *reply);
    bool whole = true;

    if (!reply)
        return qr_fail(err, QR_E_NOMEM, "verify: out of memory");
    quarry__v1__verify_reply__init(reply);
    int rc = check_server(conn, connections, reply, err);
    if (rc == QR_OK)
        rc = check_tables(conn, reply, err);
    if (rc == QR_OK)
        rc = check_indexes(conn, reply, err);
    if (rc == QR_OK)
        rc = check_extensions(conn, reply, err);
    for (size_t i = 0; i < reply->n_checks; i++)
        whole = whole && reply->checks[i]->ok;
    if (rc == QR_OK && whole) /* they need the tables */
        rc = check_strays(conn, reply, err);
    if (rc < 0) {
        quarry__v1__verify_reply__free_unpacked(reply, NULL);
        return rc;
    }
    *ret = reply;
    return QR_OK;
}

int qr_verify_versions(struct qr_conn *conn, char **ret_schema, char **ret_postgres,
                       struct qr_err *err)
{
    QR_AUTO_RESULT row = NULL;
    char text[16];
    int version;
    int rc = qr_migrate_current(conn, &version, err);

    if (rc == QR_OK)
        rc = qr_conn_query(conn, "SELECT current_setting('server_version')", &row, err);
    if (rc < 0)
        return rc;
    snprintf(text, sizeof text, "%d", version);
    char *schema = strdup(text);
    char *postgres = strdup(PQgetvalue(row, 0, 0));
    if (!schema || !postgres) {
        free(schema);
        free(postgres);
        return qr_fail(err, QR_E_NOMEM, "verify: out of memory");
    }
    *ret_schema = schema;
    *ret_postgres = postgres;
    return QR_OK;
}

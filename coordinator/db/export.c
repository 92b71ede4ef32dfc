#include "coordinator/db/export.h"

#include "coordinator/db/conn.h"

static const char csv_head[] = "job_id,file,type,bytes,sha256,status,error_class,error,pages,chars,"
                               "partial,empty_reason,duration_ms\n";

/* Rows of one FETCH, as one piece of text. False: the reader has gone. */
static bool pass_on(const PGresult *rows, struct qr_buf *chunk, qr_export_fn each, void *ctx)
{
    qr_buf_clear(chunk);
    for (int i = 0; i < PQntuples(rows); i++) {
        qr_buf_append_str(chunk, PQgetvalue(rows, i, 0));
        qr_buf_append(chunk, "\n", 1);
        if (chunk->len > ((size_t)256 << 10)) {
            if (!each(ctx, (const char *)chunk->data, chunk->len))
                return false;
            qr_buf_clear(chunk);
        }
    }
    return chunk->len == 0 || (!chunk->failed && each(ctx, (const char *)chunk->data, chunk->len));
}

static int fetch_all(struct qr_conn *conn, qr_export_fn each, void *ctx, struct qr_err *err)
{
    struct qr_buf chunk;
    int rc = QR_OK;

    qr_buf_init(&chunk, (size_t)1 << 30);
    for (int n = 1; rc == QR_OK && n > 0;) {
        QR_AUTO_RESULT rows = NULL;
        rc = qr_conn_query(conn, "FETCH 50 FROM export", &rows, err);
        n = rc == QR_OK ? PQntuples(rows) : 0;
        if (n > 0 && !pass_on(rows, &chunk, each, ctx))
            rc = qr_fail(err, QR_E_CANCELLED, "export: the reader has gone away");
    }
    qr_buf_done(&chunk);
    return rc;
}

static int check_run(struct qr_conn *conn, int64_t run_id, struct qr_err *err)
{
    struct qr_params params;
    QR_AUTO_RESULT row = NULL;

    qr_params_init(&params);
    qr_param_i64(&params, run_id);
    qr_param_i64(&params, 0);
    qr_param_i32(&params, 1);
    qr_param_bool(&params, false);
    int rc = qr_conn_run(conn, QR_SQL_run_show, &params, &row, err);
    if (rc == QR_OK && PQntuples(row) == 0)
        rc = qr_fail(err, QR_E_NOT_FOUND, "run %lld does not exist", (long long)run_id);
    return rc;
}

int qr_export(struct qr_conn *conn, int64_t run_id, const char *format, qr_export_fn each,
              void *ctx, struct qr_err *err)
{
    bool csv = strcmp(format, "csv") == 0;
    struct qr_params params;

    if (!csv && strcmp(format, "jsonl") != 0)
        return qr_fail(err, QR_E_INVALID, "format '%.40s' is neither jsonl nor csv", format);
    int rc = check_run(conn, run_id, err);
    if (rc < 0)
        return rc;
    if (csv && !each(ctx, csv_head, sizeof csv_head - 1))
        return qr_fail(err, QR_E_CANCELLED, "export: the reader has gone away");
    qr_params_init(&params);
    qr_param_i64(&params, run_id);
    rc = qr_conn_exec(conn, "BEGIN READ ONLY", err);
    if (rc == QR_OK)
        rc = qr_conn_run(conn, csv ? QR_SQL_export_csv : QR_SQL_export_jsonl, &params, NULL, err);
    if (rc == QR_OK)
        rc = fetch_all(conn, each, ctx, err);
    qr_conn_rollback(conn);
    return rc;
}

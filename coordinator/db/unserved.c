#include "coordinator/db/unserved.h"

#include <stdlib.h>

#include "coordinator/db/impl.h"

void qr_unserved_rows_done(struct qr_unserved_rows *rows)
{
    for (size_t i = 0; i < rows->n; i++) {
        free(rows->list[i].type);
        free(rows->list[i].root);
    }
    free(rows->list);
    memset(rows, 0, sizeof *rows);
}

static bool add(struct qr_unserved_rows *rows, const PGresult *r, int i)
{
    if (PQgetisnull(r, i, 0)) {
        rows->workers = (uint64_t)qr_get_i64(r, i, 3);
        rows->stuck = (uint64_t)qr_get_i64(r, i, 6);
        rows->oldest_s = PQgetisnull(r, i, 7) ? 0 : qr_get_i64(r, i, 7);
        return true;
    }
    struct qr_unserved_row *row = &rows->list[rows->n++];
    *row = (struct qr_unserved_row){
        .run_id = qr_get_i64(r, i, 0),
        .type = strdup(qr_get_text(r, i, 1)),
        .root = strdup(qr_get_text(r, i, 2)),
        .jobs = (uint64_t)qr_get_i64(r, i, 3),
        .more = qr_get_bool(r, i, 4),
        .type_is_done = qr_get_bool(r, i, 5),
    };
    return row->type && row->root;
}

int qr_unserved_read(struct qr_conn *conn, struct qr_unserved_rows *ret, struct qr_err *err)
{
    struct qr_unserved_rows rows = {0};
    QR_AUTO_RESULT result = NULL;
    struct qr_params params;

    qr_params_init(&params);
    qr_param_i32(&params, QR_UNSERVED_MAX);
    qr_param_i32(&params, QR_UNSERVED_COUNT_MAX);
    int rc = qr_conn_run(conn, QR_SQL_unserved, &params, &result, err);
    if (rc < 0)
        return rc;
    rows.list = calloc((size_t)PQntuples(result) + 1, sizeof *rows.list);
    bool ok = rows.list != NULL;
    for (int i = 0; ok && i < PQntuples(result); i++)
        ok = add(&rows, result, i);
    if (!ok) {
        qr_unserved_rows_done(&rows);
        return qr_fail(err, QR_E_NOMEM, "unserved: out of memory");
    }
    *ret = rows;
    return QR_OK;
}

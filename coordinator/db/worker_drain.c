/* Workers: a drain is a mark on their sessions, so that every coordinator finds it, now and after a
 * fail-over. A new process of the worker begins without. */
#include <stdlib.h>

#include "coordinator/db/impl.h"
#include "coordinator/db/lifecycle.h"

enum { GRACE_MAX_MS = 24 * 3600 * 1000 };

void qr_drained_done(struct qr_drained *drained)
{
    for (size_t i = 0; i < drained->n; i++)
        free(drained->workers[i]);
    free(drained->workers);
    free(drained->sessions);
    memset(drained, 0, sizeof *drained);
}

static int read_rows(const PGresult *rows, struct qr_drained *ret, struct qr_err *err)
{
    struct qr_drained drained = {0};
    size_t n = (size_t)PQntuples(rows);

    drained.workers = calloc(n + 1, sizeof(char *));
    drained.sessions = calloc(n + 1, sizeof *drained.sessions);
    for (int i = 0; drained.workers && drained.sessions && i < (int)n; i++) {
        const char *worker = qr_get_text(rows, i, 0);
        drained.sessions[drained.n_sessions++] = (uint64_t)qr_get_i64(rows, i, 1);
        if (drained.n > 0 && strcmp(drained.workers[drained.n - 1], worker) == 0)
            continue;
        if (!(drained.workers[drained.n] = strdup(worker)))
            break;
        drained.n++;
    }
    if (drained.n_sessions < n || !drained.workers || !drained.sessions) {
        qr_drained_done(&drained);
        return qr_fail(err, QR_E_NOMEM, "drain: out of memory");
    }
    *ret = drained;
    return QR_OK;
}

int qr_worker_drain(struct qr_conn *conn, const char *worker_id, const char *labels_json,
                    int64_t grace_ms, struct qr_drained *ret, struct qr_err *err)
{
    struct qr_params params;
    QR_AUTO_RESULT rows = NULL;

    if (!worker_id[0] && strcmp(labels_json, "{}") == 0)
        return qr_fail(err, QR_E_INVALID, "no worker is named; hint: an id, or labels");
    if (grace_ms > GRACE_MAX_MS)
        return qr_fail(err, QR_E_INVALID, "a grace of at most a day");
    qr_params_init(&params);
    qr_param_text(&params, worker_id);
    qr_param_text(&params, labels_json);
    if (grace_ms < 0)
        qr_param_null(&params);
    else
        qr_param_i32(&params, (int32_t)grace_ms);
    int rc = qr_conn_run(conn, QR_SQL_control_drain, &params, &rows, err);
    return rc < 0 ? rc : read_rows(rows, ret, err);
}

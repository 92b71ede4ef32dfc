/* Runs as people see them. */
#include "coordinator/db/run.h"

#include <stdlib.h>

#include "coordinator/db/conn.h"
#include "coordinator/db/impl.h"
#include "coordinator/db/json.h"
#include "coordinator/db/message.h"
#include "coordinator/db/run_stage.h"

enum { LIST_DEFAULT = 50, LIST_MAX = 1000 };

static bool fill_options(Quarry__V1__Run *run, const char *json)
{
    struct qr_pairs pairs = {0};
    bool ok = qr_pairs_of_json(json, &pairs);

    run->options = calloc(pairs.n + 1, sizeof *run->options);
    for (size_t i = 0; ok && run->options && i < pairs.n; i++) {
        Quarry__V1__Run__OptionsEntry *entry = malloc(sizeof *entry);
        if (!entry) {
            ok = false;
            break;
        }
        quarry__v1__run__options_entry__init(entry);
        run->options[run->n_options++] = entry;
        ok = qr_message_set(&entry->key, pairs.keys[i]) &&
             qr_message_set(&entry->value, pairs.values[i]);
    }
    qr_pairs_done(&pairs);
    return ok && run->options;
}

static Quarry__V1__Run *run_of_row(const PGresult *r, int i)
{
    Quarry__V1__Run *run = malloc(sizeof *run);
    int64_t open = qr_get_i64(r, i, 9);
    int64_t processing = qr_get_i64(r, i, 10);
    int64_t paused = qr_get_i64(r, i, 13);
    int64_t pending = open - processing - paused;

    if (!run)
        return NULL;
    quarry__v1__run__init(run);
    bool ok = qr_message_set(&run->name, qr_get_text(r, i, 1)) &&
              qr_message_set(&run->source, qr_get_text(r, i, 2)) &&
              qr_message_set(&run->status, qr_get_text(r, i, 3)) &&
              qr_message_set(&run->discover_error, qr_get_text(r, i, 18)) &&
              qr_message_set(&run->gate, qr_get_named(r, i, "gate")) &&
              qr_message_set(&run->gate_reason, qr_get_named(r, i, "gate_reason")) &&
              qr_message_set(&run->gate_by, qr_get_named(r, i, "gate_by"));
    run->working_permille = (uint64_t)qr_get_i64(r, i, PQfnumber(r, "working_permille"));
    run->found = (uint64_t)qr_get_i64(r, i, PQfnumber(r, "found"));
    run->found_refused = (uint64_t)qr_get_i64(r, i, PQfnumber(r, "found_refused"));
    run->id = qr_get_i64(r, i, 0);
    run->priority = qr_get_i32(r, i, 4);
    run->created_ms = qr_get_i64(r, i, 5);
    run->finished_ms = qr_get_i64(r, i, 6);
    run->listing = qr_get_bool(r, i, 7);
    run->total = (uint64_t)qr_get_i64(r, i, 8);
    run->pending = pending > 0 ? (uint64_t)pending : 0;
    run->processing = (uint64_t)processing;
    run->completed = (uint64_t)qr_get_i64(r, i, 11);
    run->failed = (uint64_t)qr_get_i64(r, i, 12);
    run->paused = (uint64_t)paused;
    run->cancelled = (uint64_t)qr_get_i64(r, i, 14);
    run->empty = (uint64_t)qr_get_i64(r, i, 15);
    run->retries = (uint64_t)qr_get_i64(r, i, 16);
    run->infra_losses = (uint64_t)qr_get_i64(r, i, 17);
    run->weight = qr_get_f64(r, i, 20);
    run->halt_at = qr_get_f64(r, i, 21);
    run->start_at_ms = qr_get_i64(r, i, PQfnumber(r, "start_at_ms"));
    if (ok && fill_options(run, qr_get_text(r, i, 19)))
        return run;
    quarry__v1__run__free_unpacked(run, NULL);
    return NULL;
}

static int show(struct qr_conn *conn, int64_t run_id, int64_t before_id, uint32_t limit,
                bool active, PGresult **ret, struct qr_err *err)
{
    struct qr_params params;

    qr_params_init(&params);
    if (run_id != 0)
        qr_param_i64(&params, run_id);
    else
        qr_param_null(&params);
    qr_param_i64(&params, before_id);
    qr_param_i32(&params, (int32_t)limit);
    qr_param_bool(&params, active);
    return qr_conn_run(conn, QR_SQL_run_show, &params, ret, err);
}

int qr_run_list(struct qr_conn *conn, const Quarry__V1__ListRunsRequest *request,
                Quarry__V1__ListRunsReply **ret, struct qr_err *err)
{
    QR_AUTO_RESULT rows = NULL;
    uint32_t limit = request->limit ? request->limit : LIST_DEFAULT;

    int rc = show(conn, 0, request->before_id, limit > LIST_MAX ? LIST_MAX : limit, request->active,
                  &rows, err);
    if (rc < 0)
        return rc;
    Quarry__V1__ListRunsReply *reply = malloc(sizeof *reply);
    if (!reply)
        return qr_fail(err, QR_E_NOMEM, "run: out of memory");
    quarry__v1__list_runs_reply__init(reply);
    reply->runs = calloc((size_t)PQntuples(rows) + 1, sizeof *reply->runs);
    for (int i = 0; reply->runs && i < PQntuples(rows); i++) {
        Quarry__V1__Run *run = run_of_row(rows, i);
        if (!run)
            break;
        reply->runs[reply->n_runs++] = run;
    }
    if (!reply->runs || reply->n_runs < (size_t)PQntuples(rows)) {
        quarry__v1__list_runs_reply__free_unpacked(reply, NULL);
        return qr_fail(err, QR_E_NOMEM, "run: out of memory");
    }
    *ret = reply;
    return QR_OK;
}

int qr_run_get_totals(struct qr_conn *conn, struct qr_run_totals *ret, struct qr_err *err)
{
    QR_AUTO_RESULT row = NULL;
    struct qr_params params;

    qr_params_init(&params);
    int rc = qr_conn_run(conn, QR_SQL_run_totals, &params, &row, err);
    if (rc < 0)
        return rc;
    int64_t open = qr_get_i64(row, 0, 0);
    int64_t processing = qr_get_i64(row, 0, 1);
    int64_t paused = qr_get_i64(row, 0, 4);
    int64_t pending = open - processing - paused;
    *ret = (struct qr_run_totals){
        .pending = pending > 0 ? (uint64_t)pending : 0,
        .processing = (uint64_t)processing,
        .completed = (uint64_t)qr_get_i64(row, 0, 2),
        .failed = (uint64_t)qr_get_i64(row, 0, 3),
        .paused = (uint64_t)paused,
        .cancelled = (uint64_t)qr_get_i64(row, 0, 5),
        .empty = (uint64_t)qr_get_i64(row, 0, 6),
        .runs_active = (uint64_t)qr_get_i64(row, 0, 7),
    };
    return QR_OK;
}

int qr_run_get(struct qr_conn *conn, int64_t run_id, bool report, Quarry__V1__RunReply **ret,
               struct qr_err *err)
{
    QR_AUTO_RESULT rows = NULL;
    int rc = show(conn, run_id > 0 ? run_id : -1, 0, 1, false, &rows, err);

    if (rc < 0)
        return rc;
    if (PQntuples(rows) == 0)
        return qr_fail(err, QR_E_NOT_FOUND, "run %lld does not exist", (long long)run_id);
    Quarry__V1__RunReply *reply = malloc(sizeof *reply);
    if (!reply)
        return qr_fail(err, QR_E_NOMEM, "run: out of memory");
    quarry__v1__run_reply__init(reply);
    reply->run = run_of_row(rows, 0);
    if (!reply->run)
        rc = qr_fail(err, QR_E_NOMEM, "run: out of memory");
    if (rc == QR_OK && report)
        rc = qr_run_fill_report(conn, reply->run, err);
    if (rc == QR_OK && report)
        rc = qr_run_fill_stages(conn, reply->run, err);
    if (rc < 0) {
        quarry__v1__run_reply__free_unpacked(reply, NULL);
        return rc;
    }
    *ret = reply;
    return QR_OK;
}

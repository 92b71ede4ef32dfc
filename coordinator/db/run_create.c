/* A run is made, or the active one of the same configuration joined. */
#include <stdlib.h>

#include "coordinator/db/impl.h"
#include "coordinator/db/json.h"
#include "coordinator/db/run.h"

enum { CONFIG_BYTES_MAX = 1 << 20 };

static int compare_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static int compare_option(const void *a, const void *b)
{
    const Quarry__V1__CreateRunRequest__OptionsEntry *x =
        *(Quarry__V1__CreateRunRequest__OptionsEntry *const *)a;
    const Quarry__V1__CreateRunRequest__OptionsEntry *y =
        *(Quarry__V1__CreateRunRequest__OptionsEntry *const *)b;
    return strcmp(x->key, y->key);
}

/* What makes two runs the same: a JSON array, so that no value can be read as another's. */
static int config_text(const Quarry__V1__CreateRunRequest *q, struct qr_buf *out,
                       struct qr_err *err)
{
    char **types = calloc(q->n_types + 1, sizeof *types);
    Quarry__V1__CreateRunRequest__OptionsEntry **options =
        calloc(q->n_options + 1, sizeof *options);

    if (types && options) {
        bool first = true;
        if (q->n_types > 0)
            memcpy(types, q->types, q->n_types * sizeof *types);
        if (q->n_options > 0)
            memcpy(options, q->options, q->n_options * sizeof *options);
        qsort(types, q->n_types, sizeof *types, compare_text);
        qsort(options, q->n_options, sizeof *options, compare_option);
        qr_buf_append_str(out, "[");
        qr_json_text(out, QUARRY_VERSION);
        qr_buf_append_str(out, ",");
        qr_json_text(out, q->source);
        qr_buf_append_str(out, ",");
        qr_json_text(out, q->manual ? q->name : "");
        qr_buf_append_str(out, q->manual ? ",true,[" : ",false,[");
        for (size_t i = 0; i < q->n_types; i++) {
            qr_buf_append_str(out, i ? "," : "");
            qr_json_text(out, types[i]);
        }
        qr_buf_append_str(out, "],{");
        for (size_t i = 0; i < q->n_options; i++) {
            qr_json_key(out, &first, options[i]->key);
            qr_json_text(out, options[i]->value);
        }
        qr_buf_append_str(out, "}]");
    }
    bool ok = types && options && !out->failed;
    free(types);
    free(options);
    return ok ? QR_OK : qr_fail(err, QR_E_LIMIT, "run: configuration too large");
}

static void options_json(const Quarry__V1__CreateRunRequest *q, struct qr_buf *out)
{
    bool first = true;

    qr_buf_append_str(out, "{");
    for (size_t i = 0; i < q->n_options; i++) {
        qr_json_key(out, &first, q->options[i]->key);
        qr_json_text(out, q->options[i]->value);
    }
    qr_buf_append_str(out, "}");
}

static bool is_upload(const Quarry__V1__CreateRunRequest *q)
{
    for (size_t i = 0; i < q->n_options; i++)
        if (strcmp(q->options[i]->key, "upload") == 0)
            return strcmp(q->options[i]->value, "true") == 0;
    return false;
}

struct create_txn {
    const Quarry__V1__CreateRunRequest *request;
    const char *config, *options;
    int64_t run_id;
    bool joined;
};

static int insert_run(struct qr_conn *conn, struct create_txn *txn, PGresult **ret,
                      struct qr_err *err)
{
    const Quarry__V1__CreateRunRequest *q = txn->request;
    struct qr_array types;
    struct qr_params params;

    qr_array_init(&types, QR_OID_TEXT);
    for (size_t i = 0; i < q->n_types; i++)
        qr_array_text(&types, q->types[i]);
    qr_params_init(&params);
    qr_param_text(&params, q->name[0] ? q->name : q->source);
    qr_param_text(&params, q->source);
    qr_param_array(&params, &types);
    qr_param_text(&params, txn->options);
    qr_param_i32(&params, q->priority);
    qr_param_text(&params, txn->config);
    qr_param_bool(&params, q->again);
    qr_param_bool(&params, q->manual);
    qr_param_bool(&params, is_upload(q));
    qr_param_f64(&params, q->weight > 0 ? q->weight : 1);
    if (q->halt_at < 0)
        qr_param_null(&params);
    else
        qr_param_f64(&params, q->halt_at > 0 ? q->halt_at : QR_RUN_HALT_AT);
    qr_param_i64(&params, q->start_at_ms);
    qr_param_i64(&params, q->delay_ms);
    int rc = qr_conn_run(conn, QR_SQL_run_create, &params, ret, err);
    qr_array_done(&types);
    return rc;
}

static int create_body(struct qr_conn *conn, void *arg, struct qr_err *err)
{
    struct create_txn *txn = arg;
    QR_AUTO_RESULT made = NULL;
    QR_AUTO_RESULT active = NULL;
    struct qr_params params;

    int rc = insert_run(conn, txn, &made, err);
    if (rc < 0)
        return rc;
    txn->joined = PQntuples(made) == 0;
    if (!txn->joined) {
        txn->run_id = qr_get_i64(made, 0, 0);
        return QR_OK;
    }
    qr_params_init(&params);
    qr_param_text(&params, txn->config);
    rc = qr_conn_run(conn, QR_SQL_run_active, &params, &active, err);
    if (rc == QR_OK && PQntuples(active) == 1 && qr_get_bool(active, 0, 1))
        rc = qr_fail(err, QR_E_EXISTS,
                     "run %lld of the same source is being cancelled; hint: try again when it is",
                     (long long)qr_get_i64(active, 0, 0));
    if (rc == QR_OK && PQntuples(active) == 0)
        rc = qr_fail(err, QR_E_DB, "run: the active one ended this moment; hint: try again");
    if (rc == QR_OK)
        txn->run_id = qr_get_i64(active, 0, 0);
    return rc;
}

int qr_run_create(struct qr_conn *conn, const Quarry__V1__CreateRunRequest *request,
                  Quarry__V1__CreateRunReply **ret, struct qr_err *err)
{
    struct create_txn txn = {.request = request};
    struct qr_buf config, options;
    enum qr_db_status status;
    Quarry__V1__RunReply *run = NULL;

    if (request->priority < -100 || request->priority > 100)
        return qr_fail(err, QR_E_INVALID, "priority %d outside -100 .. 100",
                       (int)request->priority);
    int rc = qr_run_check_order(request->weight, request->halt_at, err);
    if (rc == QR_OK)
        rc = qr_run_check_start(request, err);
    if (rc < 0)
        return rc;
    if (!request->source[0] && !request->manual)
        return qr_fail(err, QR_E_INVALID, "a run needs a source; hint: --source root://NAME/path");
    if (!qr_utf8_is_valid(request->source) || !qr_utf8_is_valid(request->name))
        return qr_fail(err, QR_E_INVALID, "source and name must be UTF-8");
    qr_buf_init(&config, CONFIG_BYTES_MAX);
    qr_buf_init(&options, CONFIG_BYTES_MAX);
    rc = config_text(request, &config, err);
    if (rc == QR_OK) {
        options_json(request, &options);
        txn.config = (const char *)config.data;
        txn.options = (const char *)options.data;
        rc = qr_transaction(conn, false, create_body, &txn, &status, err);
    }
    qr_buf_done(&config);
    qr_buf_done(&options);
    if (rc == QR_OK)
        rc = qr_run_get(conn, txn.run_id, false, &run, err);
    if (rc < 0)
        return rc;
    Quarry__V1__CreateRunReply *reply = malloc(sizeof *reply);
    if (reply) {
        quarry__v1__create_run_reply__init(reply);
        reply->run = run->run;
        run->run = NULL;
        reply->joined = txn.joined;
    }
    quarry__v1__run_reply__free_unpacked(run, NULL);
    if (!reply)
        return qr_fail(err, QR_E_NOMEM, "run: out of memory");
    *ret = reply;
    return QR_OK;
}

#include "coordinator/db/run.h"

#include <stdio.h>
#include <stdlib.h>

#include "coordinator/db/conn.h"
#include "coordinator/db/impl.h"
#include "coordinator/db/json.h"
#include "coordinator/db/message.h"
#include "coordinator/db/run_stage.h"

enum { CONFIG_BYTES_MAX = 1 << 20, LIST_DEFAULT = 50, LIST_MAX = 1000 };

/* ------------------------------------------------------------------ create */

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

/* ------------------------------------------------------------------ look at */

static bool fill_options(Quarry__V1__Run *run, const char *json);

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
              qr_message_set(&run->gate_reason, qr_get_named(r, i, "gate_reason"));
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

/* ------------------------------------------------------------------ report by type */

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

/* protobuf-c gives each map its own entry type of one shape. */
#define ADD_COUNT(list, n, type, init_fn, name, amount, ok)              \
    do {                                                                 \
        size_t at_ = 0;                                                  \
        while (at_ < (n) && strcmp((list)[at_]->key, (name)) != 0)       \
            at_++;                                                       \
        if (at_ == (n)) {                                                \
            type **grown_ = realloc((list), ((n) + 1) * sizeof *grown_); \
            type *entry_ = malloc(sizeof *entry_);                       \
            if (grown_)                                                  \
                (list) = grown_;                                         \
            if (!grown_ || !entry_) {                                    \
                free(entry_);                                            \
                ok = false;                                              \
                break;                                                   \
            }                                                            \
            init_fn(entry_);                                             \
            (list)[(n)++] = entry_;                                      \
            ok = qr_message_set(&entry_->key, (name));                   \
        }                                                                \
        (list)[at_]->value += (amount);                                  \
    } while (0)

static Quarry__V1__TypeReport *report_of(Quarry__V1__Run *run, const char *type)
{
    for (size_t i = 0; i < run->n_types; i++)
        if (strcmp(run->types[i]->type, type) == 0)
            return run->types[i];
    Quarry__V1__TypeReport **types = realloc(run->types, (run->n_types + 1) * sizeof *types);
    if (!types)
        return NULL;
    run->types = types;
    Quarry__V1__TypeReport *report = malloc(sizeof *report);
    if (!report)
        return NULL;
    quarry__v1__type_report__init(report);
    run->types[run->n_types++] = report;
    return qr_message_set(&report->type, type) ? report : NULL;
}

static bool count_row(Quarry__V1__Run *run, const PGresult *rows, int i)
{
    const char *status = qr_get_text(rows, i, 1);
    const char *class = qr_get_text(rows, i, 2);
    const char *reason = qr_get_text(rows, i, 3);
    uint64_t n = (uint64_t)qr_get_i64(rows, i, 5);
    Quarry__V1__TypeReport *report = report_of(run, qr_get_text(rows, i, 0));
    bool ok = true;

    if (!report)
        return false;
    report->total += n;
    if (strcmp(status, "completed") == 0) {
        report->completed += n;
        report->partial += qr_get_bool(rows, i, 4) ? n : 0;
        if (reason[0]) {
            report->empty += n;
            ADD_COUNT(report->empty_by_reason, report->n_empty_by_reason,
                      Quarry__V1__TypeReport__EmptyByReasonEntry,
                      quarry__v1__type_report__empty_by_reason_entry__init, reason, n, ok);
        }
    } else if (strcmp(status, "failed") == 0) {
        report->failed += n;
        ADD_COUNT(report->failed_by_class, report->n_failed_by_class,
                  Quarry__V1__TypeReport__FailedByClassEntry,
                  quarry__v1__type_report__failed_by_class_entry__init, class, n, ok);
    } else if (strcmp(status, "pending") == 0) {
        report->pending += n;
    } else if (strcmp(status, "processing") == 0) {
        report->processing += n;
    } else {
        report->other += n;
    }
    return ok;
}

static int fill_report(struct qr_conn *conn, Quarry__V1__Run *run, struct qr_err *err)
{
    struct qr_params params;
    QR_AUTO_RESULT rows = NULL;

    qr_params_init(&params);
    qr_param_i64(&params, run->id);
    int rc = qr_conn_run(conn, QR_SQL_run_report, &params, &rows, err);
    for (int i = 0; rc == QR_OK && i < PQntuples(rows); i++)
        if (!count_row(run, rows, i))
            rc = qr_fail(err, QR_E_NOMEM, "run: out of memory");
    return rc;
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
        rc = fill_report(conn, reply->run, err);
    if (rc == QR_OK && report)
        rc = qr_run_fill_stages(conn, reply->run, err);
    if (rc < 0) {
        quarry__v1__run_reply__free_unpacked(reply, NULL);
        return rc;
    }
    *ret = reply;
    return QR_OK;
}

/* ------------------------------------------------------------------ adding ends */

struct finish_txn {
    int64_t run_id;
    const char *message; /* NULL: all is well */
};

static int finish_body(struct qr_conn *conn, void *arg, struct qr_err *err)
{
    const struct finish_txn *txn = arg;
    struct qr_params params;
    QR_AUTO_RESULT row = NULL;
    struct qr_stage_change change = {.run_id = txn->run_id, .open = -1};
    struct qr_stage_changes changes = {.list = &change, .n = 1, .cap = 1};

    qr_params_init(&params);
    qr_param_i64(&params, txn->run_id);
    qr_param_text(&params, txn->message);
    int rc = qr_conn_run(conn, QR_SQL_run_finish_adding, &params, &row, err);
    if (rc < 0 || PQntuples(row) == 0)
        return rc;
    return qr_stage_apply(conn, &changes, err);
}

static int finish_adding(struct qr_conn *conn, int64_t run_id, const char *message,
                         struct qr_err *err)
{
    struct finish_txn txn = {run_id, message};
    enum qr_db_status status;

    return qr_transaction(conn, false, finish_body, &txn, &status, err);
}

int qr_run_close(struct qr_conn *conn, int64_t run_id, Quarry__V1__RunReply **ret,
                 struct qr_err *err)
{
    Quarry__V1__RunReply *before = NULL;
    int rc = qr_run_get(conn, run_id, false, &before, err);

    if (rc < 0)
        return rc;
    if (before->run->listing)
        rc = qr_fail(err, QR_E_INVALID, "run %lld closes by itself when its files are listed",
                     (long long)run_id);
    quarry__v1__run_reply__free_unpacked(before, NULL);
    if (rc == QR_OK)
        rc = finish_adding(conn, run_id, NULL, err);
    return rc < 0 ? rc : qr_run_get(conn, run_id, false, ret, err);
}

int qr_run_finish_listing(struct qr_conn *conn, int64_t run_id, struct qr_err *err)
{
    return finish_adding(conn, run_id, NULL, err);
}

int qr_run_fail_listing(struct qr_conn *conn, int64_t run_id, const char *message,
                        struct qr_err *err)
{
    struct qr_buf clean;

    qr_buf_init(&clean, CONFIG_BYTES_MAX);
    qr_utf8_clean(&clean, message);
    int rc = finish_adding(conn, run_id, clean.data ? (const char *)clean.data : "failed", err);
    qr_buf_done(&clean);
    return rc;
}

/* ------------------------------------------------------------------ listings */

static bool split_types(struct qr_run_listing *listing, char *text)
{
    size_t n = 1;

    for (const char *c = text; *c; c++)
        n += *c == ',';
    listing->types = calloc(n + 1, sizeof *listing->types);
    if (!listing->types)
        return false;
    for (char *rest = text, *type; (type = strsep(&rest, ",")) != NULL;) {
        if (!type[0])
            continue;
        char *copy = strdup(type);
        if (!copy)
            return false;
        listing->types[listing->n_types++] = copy;
    }
    return true;
}

int qr_run_take_listings(struct qr_conn *conn, uint64_t coordinator_id, const char *const *roots,
                         size_t n_roots, struct qr_run_listings *ret, struct qr_err *err)
{
    struct qr_array names;
    struct qr_params params;
    QR_AUTO_RESULT rows = NULL;
    struct qr_run_listings listings = {0};
    bool ok = true;

    qr_params_init(&params);
    qr_param_i64(&params, (int64_t)coordinator_id);
    qr_array_init(&names, QR_OID_TEXT);
    for (size_t i = 0; i < n_roots; i++)
        qr_array_text(&names, roots[i]);
    qr_param_array(&params, &names);
    int rc = qr_conn_run(conn, QR_SQL_run_take_listings, &params, &rows, err);
    qr_array_done(&names);
    if (rc < 0)
        return rc;
    listings.list = calloc((size_t)PQntuples(rows) + 1, sizeof *listings.list);
    for (int i = 0; listings.list && ok && i < PQntuples(rows); i++) {
        struct qr_run_listing *listing = &listings.list[listings.n++];
        char *types = strdup(qr_get_text(rows, i, 3));
        listing->run_id = qr_get_i64(rows, i, 0);
        listing->source = strdup(qr_get_text(rows, i, 1));
        listing->priority = qr_get_i32(rows, i, 2);
        ok = types && listing->source && split_types(listing, types);
        free(types);
    }
    if (!listings.list || !ok) {
        qr_run_listings_done(&listings);
        return qr_fail(err, QR_E_NOMEM, "run: out of memory");
    }
    *ret = listings;
    return QR_OK;
}

void qr_run_listings_done(struct qr_run_listings *listings)
{
    for (size_t i = 0; i < listings->n; i++) {
        for (size_t k = 0; k < listings->list[i].n_types; k++)
            free(listings->list[i].types[k]);
        free(listings->list[i].types);
        free(listings->list[i].source);
    }
    free(listings->list);
    memset(listings, 0, sizeof *listings);
}

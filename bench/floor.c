#include "bench/floor.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "coordinator/db/conn.h"
#include "coordinator/db/enqueue.h"
#include "coordinator/db/record.h"
#include "coordinator/db/run.h"
#include "coordinator/engine/types.h"

enum {
    BATCH_MAX = 4096,
    LEASE_BATCH_MAX = 256,
    EVENT_IDS_MAX = 512,
    TIMEOUT_MS = 60000,
    EPOCH_BYTES = 16
};

/* One claimed batch and the columns its statements are called with. */
struct floor {
    struct qr_conn *conn;
    int64_t run_id, session_pk, coordinator_id;
    uint8_t epoch[EPOCH_BYTES];
    int64_t jobs[BATCH_MAX];
    int64_t leases[BATCH_MAX];
    int64_t files[BATCH_MAX]; /* of settled jobs, with `jobs` of the same rows */
    int64_t settled[BATCH_MAX];
    int n;
    qr_record *record; /* what each result brings; NULL: nothing */
    struct qr_results rows;
    int32_t queue_id, rank; /* where the next search starts, as the claim lane does */
    int64_t next_job;       /* 0: not known yet */
    struct qr_array ints[5], longs[6], texts[2];
    int n_ints, n_longs, n_texts;
};

static struct qr_array *next_of(struct qr_array *arrays, int *n)
{
    qr_array_clear(&arrays[*n]);
    return &arrays[(*n)++];
}

static void begin_columns(struct floor *f) { f->n_ints = f->n_longs = f->n_texts = 0; }

static struct qr_array *longs(struct floor *f, int64_t value, int n)
{
    struct qr_array *array = next_of(f->longs, &f->n_longs);
    for (int i = 0; i < n; i++)
        qr_array_i64(array, value);
    return array;
}

static struct qr_array *ints(struct floor *f, int32_t value, int n)
{
    struct qr_array *array = next_of(f->ints, &f->n_ints);
    for (int i = 0; i < n; i++)
        qr_array_i32(array, value);
    return array;
}

static struct qr_array *texts(struct floor *f, const char *value, int n)
{
    struct qr_array *array = next_of(f->texts, &f->n_texts);
    for (int i = 0; i < n; i++)
        qr_array_text(array, value);
    return array;
}

static struct qr_array *job_ids(struct floor *f)
{
    struct qr_array *array = next_of(f->longs, &f->n_longs);
    for (int i = 0; i < f->n; i++)
        qr_array_i64(array, f->jobs[i]);
    return array;
}

static void clear(PGresult **results, size_t n)
{
    for (size_t i = 0; i < n; i++)
        PQclear(results[i]);
}

/* ------------------------------------------------------------------ the two transactions */

static int take(struct floor *f, const PGresult *head, unsigned batch, struct qr_err *err)
{
    struct qr_params params;
    struct qr_array rank;
    PGresult *taken = NULL;

    begin_columns(f);
    qr_array_init(&rank, QR_OID_INT2);
    qr_array_i16(&rank, (int16_t)qr_get_i32(head, 0, 4));
    qr_params_init(&params);
    qr_param_array(&params, ints(f, qr_get_i32(head, 0, 0), 1));
    qr_param_array(&params, &rank);
    qr_param_array(&params, ints(f, (int32_t)batch, 1));
    qr_param_array(&params, longs(f, qr_get_i64(head, 0, 5), 1));
    struct qr_array *until = longs(f, 0, 0);
    qr_array_null(until);
    qr_param_array(&params, until);
    int rc = qr_conn_run(f->conn, QR_SQL_claim_take, &params, &taken, err);
    f->n = 0;
    for (int i = 0; rc == QR_OK && i < PQntuples(taken) && i < BATCH_MAX; i++)
        f->jobs[f->n++] = qr_get_i64(taken, i, 1);
    f->queue_id = qr_get_i32(head, 0, 0);
    f->rank = qr_get_i32(head, 0, 4);
    f->next_job = f->n > 0 ? f->jobs[f->n - 1] + 1 : 0;
    PQclear(taken);
    qr_array_done(&rank);
    return rc;
}

static int claim(struct floor *f, unsigned batch, struct qr_err *err)
{
    struct qr_params lock, check, heads, lease;
    struct qr_array rank;
    PGresult *opened[4] = {NULL}, *closed[2] = {NULL};

    begin_columns(f);
    int known = f->next_job > 0;
    qr_array_init(&rank, QR_OID_INT2);
    if (known)
        qr_array_i16(&rank, (int16_t)f->rank);
    qr_params_init(&lock);
    qr_param_array(&lock, longs(f, f->session_pk, 1));
    qr_param_bytes(&lock, f->epoch, sizeof f->epoch);
    qr_params_init(&check);
    qr_param_array(&check, longs(f, f->session_pk, 1));
    qr_param_array(&check, longs(f, 1, 1));
    qr_param_i64(&check, f->coordinator_id);
    qr_params_init(&heads);
    qr_param_array(&heads, texts(f, "noop", 1));
    qr_param_array(&heads, texts(f, "", 1));
    qr_param_array(&heads, ints(f, f->queue_id, known));
    qr_param_array(&heads, &rank);
    qr_param_array(&heads, longs(f, f->next_job, known));
    qr_param_array(&heads, ints(f, 0, 0));
    const struct qr_call open[] = {{QR_SQL_begin, NULL},
                                   {QR_SQL_lock_shared, &lock},
                                   {QR_SQL_session_check, &check},
                                   {QR_SQL_claim_heads, &heads}};
    int rc = qr_conn_pipeline(f->conn, open, QR_COUNT(open), opened, err);
    f->n = 0;
    if (rc == QR_OK && PQntuples(opened[3]) > 0)
        rc = take(f, opened[3], batch, err);
    clear(opened, QR_COUNT(opened));
    qr_array_done(&rank);
    begin_columns(f);
    qr_params_init(&lease);
    int slices = (f->n + LEASE_BATCH_MAX - 1) / LEASE_BATCH_MAX; /* a batch row holds 256 leases */
    struct qr_array *from = ints(f, 0, 0), *to = ints(f, 0, 0);
    for (int i = 0; i < slices; i++) {
        int end = (i + 1) * LEASE_BATCH_MAX;
        qr_array_i32(from, i * LEASE_BATCH_MAX + 1);
        qr_array_i32(to, end < f->n ? end : f->n);
    }
    qr_param_array(&lease, longs(f, f->session_pk, slices));
    qr_param_array(&lease, from);
    qr_param_array(&lease, to);
    qr_param_array(&lease, job_ids(f));
    const struct qr_call close[] = {{QR_SQL_claim_lease, &lease}, {QR_SQL_commit, NULL}};
    if (rc == QR_OK && f->n > 0)
        rc = qr_conn_pipeline(f->conn, close, QR_COUNT(close), closed, err);
    for (int i = 0; rc == QR_OK && i < f->n; i++) /* batch rows come in the order of their slices */
        f->leases[i] = qr_get_i64(closed[0], i / LEASE_BATCH_MAX, 0) + i % LEASE_BATCH_MAX;
    clear(closed, QR_COUNT(closed));
    return rc;
}

/* First lease ids of the claimed batch's rows. */
static struct qr_array *first_leases(struct floor *f)
{
    struct qr_array *array = next_of(f->longs, &f->n_longs);
    for (int i = 0; i < f->n; i += LEASE_BATCH_MAX)
        qr_array_i64(array, f->leases[i]);
    return array;
}

static int settle_jobs(struct floor *f, struct qr_err *err)
{
    struct qr_params lock, batches, done;
    PGresult *opened[3] = {NULL}, *result = NULL;

    begin_columns(f);
    qr_params_init(&lock);
    qr_param_array(&lock, longs(f, f->session_pk, 1));
    qr_param_bytes(&lock, f->epoch, sizeof f->epoch);
    qr_params_init(&batches);
    qr_param_array(&batches, first_leases(f));
    struct qr_array *leases = next_of(f->longs, &f->n_longs);
    for (int i = 0; i < f->n; i++)
        qr_array_i64(leases, f->leases[i]);
    qr_params_init(&done);
    qr_param_array(&done, leases);
    qr_param_array(&done, job_ids(f));
    qr_param_array(&done, ints(f, 0, f->n));
    const struct qr_call open[] = {
        {QR_SQL_begin, NULL}, {QR_SQL_lock_shared, &lock}, {QR_SQL_settle_batches, &batches}};
    int rc = qr_conn_pipeline(f->conn, open, QR_COUNT(open), opened, err);
    clear(opened, QR_COUNT(opened));
    if (rc == QR_OK)
        rc = qr_conn_run(f->conn, QR_SQL_settle_done, &done, &result, err);
    if (rc == QR_OK && PQntuples(result) != f->n)
        rc = qr_fail(err, QR_E_INTERNAL, "%d of %d results passed the fence", PQntuples(result),
                     f->n);
    for (int i = 0; rc == QR_OK && i < f->n; i++) {
        f->settled[i] = f->jobs[qr_get_i64(result, i, 0) - 1];
        f->files[i] = qr_get_i64(result, i, 2);
    }
    PQclear(result);
    return rc;
}

/* Rows of the results, and what their files' rows then say. */
static int store_rows(struct floor *f, struct qr_err *err)
{
    struct qr_call calls[QR_RESULT_TABLES + 1];
    PGresult *results[QR_RESULT_TABLES + 1] = {NULL};
    struct qr_params files;
    struct qr_array sha256;

    if (!f->record)
        return QR_OK;
    begin_columns(f);
    qr_results_clear(&f->rows);
    qr_array_init(&sha256, QR_OID_BYTEA);
    struct qr_array *ids = longs(f, 0, 0), *states = texts(f, "", 0);
    for (int i = 0; i < f->n; i++) {
        char state[160];
        snprintf(state, sizeof state,
                 "{\"status\":\"completed\",\"run_id\":%" PRId64 ",\"job_id\":%" PRId64 "}",
                 f->run_id, f->settled[i]);
        qr_array_text(states, state);
        qr_results_add(&f->rows, f->settled[i], f->files[i], f->run_id, "completed", f->record);
        qr_array_i64(ids, f->files[i]);
        qr_array_bytes(&sha256, f->record->sha256.data, f->record->sha256.len);
    }
    qr_params_init(&files);
    qr_param_array(&files, ids);
    qr_param_array(&files, states);
    qr_param_array(&files, &sha256);
    qr_param_array(&files, texts(f, f->record->type, f->n));
    int rc = qr_results_send_full(f->conn, &f->rows, err);
    size_t n = qr_results_calls(&f->rows, calls);
    calls[n++] = (struct qr_call){QR_SQL_settle_files, &files};
    if (rc == QR_OK)
        rc = qr_conn_pipeline(f->conn, calls, n, results, err);
    clear(results, n);
    qr_array_done(&sha256);
    return rc;
}

static int settle(struct floor *f, struct qr_err *err)
{
    struct qr_params closed, events, stage;
    PGresult *results[4] = {NULL};

    int rc = settle_jobs(f, err);
    if (rc == QR_OK)
        rc = store_rows(f, err);
    begin_columns(f);
    qr_params_init(&closed);
    qr_param_array(&closed,
                   longs(f, f->session_pk, (f->n + LEASE_BATCH_MAX - 1) / LEASE_BATCH_MAX));
    qr_param_array(&closed, first_leases(f));
    qr_params_init(&events);
    int slices = (f->n + EVENT_IDS_MAX - 1) / EVENT_IDS_MAX; /* an audit row names 512 jobs */
    struct qr_array *from = ints(f, 0, 0), *to = ints(f, 0, 0);
    for (int i = 0; i < slices; i++) {
        int end = (i + 1) * EVENT_IDS_MAX;
        qr_array_i32(from, i * EVENT_IDS_MAX + 1);
        qr_array_i32(to, end < f->n ? end : f->n);
    }
    qr_param_text(&events, "completed");
    qr_param_array(&events, longs(f, f->run_id, slices));
    qr_param_array(&events, from);
    qr_param_array(&events, to);
    qr_param_array(&events, job_ids(f));
    qr_params_init(&stage);
    qr_param_i64(&stage, f->run_id);
    qr_param_text(&stage, "extract");
    const int64_t changes[] = {-f->n, 0, f->n, 0, 0, 0, 0, 0, 0, 0};
    for (size_t i = 0; i < QR_COUNT(changes); i++)
        qr_param_i64(&stage, changes[i]);
    const struct qr_call close[] = {{QR_SQL_settle_close, &closed},
                                    {QR_SQL_events_batch, &events},
                                    {QR_SQL_stage_change, &stage},
                                    {QR_SQL_commit, NULL}};
    if (rc == QR_OK)
        rc = qr_conn_pipeline(f->conn, close, QR_COUNT(close), results, err);
    clear(results, QR_COUNT(results));
    return rc;
}

/* ------------------------------------------------------------------ before the clock starts */

static int make_run(struct floor *f, struct qr_conn *conn, struct qr_err *err)
{
    Quarry__V1__CreateRunRequest request = QUARRY__V1__CREATE_RUN_REQUEST__INIT;
    Quarry__V1__CreateRunReply *reply = NULL;
    char name[64];

    snprintf(name, sizeof name, "floor-%" PRId64, qr_clock_wall_ms());
    request.name = name;
    request.manual = true;
    int rc = qr_run_create(conn, &request, &reply, err);
    if (rc == QR_OK) {
        f->run_id = reply->run->id;
        quarry__v1__create_run_reply__free_unpacked(reply, NULL);
    }
    return rc;
}

static int make_jobs(struct floor *f, struct qr_conn *conn, int64_t jobs, struct qr_err *err)
{
    struct qr_new_job *list = calloc(QR_ENQUEUE_MAX, sizeof *list);
    char(*uris)[48] = calloc(QR_ENQUEUE_MAX, sizeof *uris);
    struct qr_enqueue_result result;
    int rc = list && uris ? QR_OK : qr_fail(err, QR_E_NOMEM, "no memory for jobs");

    qr_type_intern("noop");
    for (int64_t at = 0; rc == QR_OK && at < jobs; at += QR_ENQUEUE_MAX) {
        size_t n = (size_t)(jobs - at < QR_ENQUEUE_MAX ? jobs - at : QR_ENQUEUE_MAX);
        for (size_t i = 0; i < n; i++) {
            snprintf(uris[i], sizeof uris[i], "floor:%" PRId64 "/%" PRId64, f->run_id,
                     at + (int64_t)i);
            list[i] = (struct qr_new_job){.uri = uris[i], .type = "noop"};
        }
        rc = qr_enqueue(conn, f->run_id, list, n, &result, err);
    }
    free(list);
    free(uris);
    return rc;
}

static int make_session(struct floor *f, struct qr_conn *conn, struct qr_err *err)
{
    PGresult *result = NULL;
    int rc = qr_conn_query(
        conn,
        "WITH c AS (INSERT INTO coordinators (instance, host, stopped_at) VALUES ('floor', '', "
        "now()) "
        "RETURNING id), "
        "s AS (INSERT INTO sessions (worker_id, session, start_counter, coordinator_id) "
        "SELECT 'floor', decode(replace(gen_random_uuid()::text, '-', ''), 'hex'), 1, id FROM c "
        "RETURNING pk, coordinator_id) "
        "SELECT pk, coordinator_id, encode(epoch, 'hex') FROM s, cluster",
        &result, err);

    if (rc == QR_OK) {
        const char *hex = PQgetvalue(result, 0, 2);
        f->session_pk = strtoll(PQgetvalue(result, 0, 0), NULL, 10);
        f->coordinator_id = strtoll(PQgetvalue(result, 0, 1), NULL, 10);
        for (size_t i = 0; i < EPOCH_BYTES && hex[2 * i]; i++) {
            const char byte[] = {hex[2 * i], hex[2 * i + 1], '\0'};
            f->epoch[i] = (uint8_t)strtoul(byte, NULL, 16);
        }
    }
    PQclear(result);
    return rc;
}

static int prepare(struct floor *f, const char *url, int64_t jobs, struct qr_err *err)
{
    const struct qr_conn_config config = {.url = url,
                                          .lane = "floor",
                                          .connect_timeout_ms = TIMEOUT_MS,
                                          .statement_timeout_ms = TIMEOUT_MS};
    struct qr_conn_config hot = config;
    QR_AUTO(qr_conn) conn = NULL;

    int rc = qr_conn_open(&config, &conn, err);
    if (rc == QR_OK)
        rc = make_run(f, conn, err);
    if (rc == QR_OK)
        rc = make_jobs(f, conn, jobs, err);
    if (rc == QR_OK)
        rc = make_session(f, conn, err);
    if (rc == QR_OK)
        rc = qr_conn_exec(conn, "CHECKPOINT", err);
    hot.hot = true;
    return rc == QR_OK ? qr_conn_open(&hot, &f->conn, err) : rc;
}

static void columns_init(struct floor *f)
{
    for (size_t i = 0; i < QR_COUNT(f->ints); i++)
        qr_array_init(&f->ints[i], QR_OID_INT4);
    for (size_t i = 0; i < QR_COUNT(f->longs); i++)
        qr_array_init(&f->longs[i], QR_OID_INT8);
    for (size_t i = 0; i < QR_COUNT(f->texts); i++)
        qr_array_init(&f->texts[i], QR_OID_TEXT);
}

static void columns_done(struct floor *f)
{
    for (size_t i = 0; i < QR_COUNT(f->ints); i++)
        qr_array_done(&f->ints[i]);
    for (size_t i = 0; i < QR_COUNT(f->longs); i++)
        qr_array_done(&f->longs[i]);
    for (size_t i = 0; i < QR_COUNT(f->texts); i++)
        qr_array_done(&f->texts[i]);
}

int qr_bench_floor(const char *url, int64_t jobs, unsigned batch, const uint8_t *record,
                   size_t record_len, double *ret_jobs_per_s, struct qr_err *err)
{
    struct floor *f = calloc(1, sizeof *f);
    int64_t left = jobs;

    if (!f)
        return qr_fail(err, QR_E_NOMEM, "no memory for the floor");
    if (batch < 1)
        batch = 1;
    if (batch > BATCH_MAX)
        batch = BATCH_MAX;
    columns_init(f);
    qr_results_init(&f->rows);
    if (record_len > 0)
        f->record = quarry__v1__extraction_record__unpack(NULL, record_len, record);
    int rc = prepare(f, url, jobs, err);
    int64_t start = qr_clock_ns();
    while (rc == QR_OK && left > 0) {
        rc = claim(f, batch, err);
        if (rc == QR_OK && f->n == 0)
            rc =
                qr_fail(err, QR_E_INTERNAL, "the queue is empty with %" PRId64 " jobs to go", left);
        if (rc == QR_OK)
            rc = settle(f, err);
        left -= f->n;
    }
    *ret_jobs_per_s = (double)(jobs - left) * 1e9 / (double)(qr_clock_ns() - start);
    if (rc == QR_OK)
        rc = qr_conn_exec(f->conn, "UPDATE sessions SET ended_at = now() WHERE worker_id = 'floor'",
                          err);
    qr_conn_free(f->conn);
    qr_record_free(f->record);
    qr_results_done(&f->rows);
    columns_done(f);
    free(f);
    return rc < 0 ? qr_err_wrap(err, rc, "floor") : QR_OK;
}

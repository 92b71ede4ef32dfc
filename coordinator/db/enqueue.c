#include "coordinator/db/enqueue.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "coordinator/db/enqueue_intern.h"
#include "coordinator/db/impl.h"
#include "coordinator/db/json.h"

static const int64_t year_ms = (int64_t)366 * 24 * 3600 * 1000;
static const int64_t latest_ms = 253402300799999; /* the year 9999 */

/* ------------------------------------------------------------------ checking */

static int check_start(const struct qr_new_job *job, struct qr_err *err)
{
    if (job->delay_ms < 0 || job->delay_ms > year_ms)
        return qr_fail(err, QR_E_INVALID, "job '%.80s': a delay is 0 .. 366 days", job->uri);
    if (job->run_at_ms < 0 || job->run_at_ms > latest_ms)
        return qr_fail(err, QR_E_INVALID, "job '%.80s': its start lies beyond the year 9999",
                       job->uri);
    if (job->dedupe && (strlen(job->dedupe) > QR_DEDUPE_MAX || !qr_utf8_is_valid(job->dedupe)))
        return qr_fail(err, QR_E_INVALID, "job '%.80s': a key has %d bytes of UTF-8 at most",
                       job->uri, QR_DEDUPE_MAX);
    return QR_OK;
}

static int check_job(const struct qr_new_job *job, size_t len, struct qr_err *err)
{
    if (len == 0 || len > QR_URI_MAX)
        return qr_fail(err, QR_E_INVALID, "job '%.80s': an address has 1 .. %d bytes", job->uri,
                       QR_URI_MAX);
    if (!qr_utf8_is_valid(job->uri))
        return qr_fail(err, QR_E_INVALID,
                       "job: address is not UTF-8; hint: percent-encode the bytes");
    if (job->priority < -100 || job->priority > 100)
        return qr_fail(err, QR_E_INVALID, "job '%.80s': priority %d outside -100 .. 100", job->uri,
                       (int)job->priority);
    if (job->bytes > INT64_MAX)
        return qr_fail(err, QR_E_INVALID, "job '%.80s': size out of range", job->uri);
    return check_start(job, err);
}

/* ------------------------------------------------------------------ order */

static int compare_uri(const void *a, const void *b)
{
    const struct qr_enqueue_job *x = a;
    const struct qr_enqueue_job *y = b;
    int order = strcmp(x->job->uri, y->job->uri);

    return order != 0 ? order : x->place < y->place ? -1 : 1;
}

static int take_jobs(struct qr_enqueue_txn *txn, const struct qr_new_job *jobs, struct qr_err *err)
{
    for (size_t i = 0; i < txn->n; i++) {
        struct qr_enqueue_job *j = &txn->jobs[i];
        const char *uri = jobs[i].uri;
        size_t len = strlen(uri);
        int rc = check_job(&jobs[i], len, err);
        if (rc < 0)
            return rc;
        const char *slash = strrchr(uri, '/');
        *j = (struct qr_enqueue_job){
            .job = &jobs[i],
            .place = (uint32_t)i,
            .uri_len = (uint16_t)len,
            .name_at = (uint16_t)(slash ? slash + 1 - uri : 0),
        };
        txn->plain &= !jobs[i].dedupe || !jobs[i].dedupe[0];
        rc = qr_enqueue_find_queue(txn, j, i > 0 ? j - 1 : NULL, err);
        if (rc < 0)
            return rc;
    }
    return QR_OK;
}

/* By uri: two calls that bring the same files meet them in one order, and neighbours in the index
 * are written together. A uri that stood before goes, whatever else its job says. */
static void sort_jobs(struct qr_enqueue_txn *txn)
{
    bool sorted = true;
    size_t kept = 0;

    for (size_t i = 1; i < txn->n && sorted; i++)
        sorted = strcmp(txn->jobs[i - 1].job->uri, txn->jobs[i].job->uri) < 0;
    txn->n_jobs = txn->n;
    if (sorted)
        return;
    qsort(txn->jobs, txn->n, sizeof *txn->jobs, compare_uri);
    for (size_t i = 0; i < txn->n; i++)
        if (kept == 0 || strcmp(txn->jobs[kept - 1].job->uri, txn->jobs[i].job->uri) != 0)
            txn->jobs[kept++] = txn->jobs[i];
    txn->n_jobs = kept;
}

/* ------------------------------------------------------------------ times */

bool qr_enqueue_modified(const struct qr_new_job *job, int64_t *ret_us)
{
    *ret_us = (job->modified_ms - 946684800000) * 1000; /* 2000-01-01 */
    return job->modified_ms >= 1 && job->modified_ms <= latest_ms;
}

int64_t qr_enqueue_start(const struct qr_enqueue_txn *txn, const struct qr_new_job *job)
{
    int64_t start_us = txn->start_us;

    if (job->delay_ms > 0 && txn->now_us + job->delay_ms * 1000 > start_us)
        start_us = txn->now_us + job->delay_ms * 1000;
    if (job->run_at_ms > 0 && (job->run_at_ms - 946684800000) * 1000 > start_us)
        start_us = (job->run_at_ms - 946684800000) * 1000;
    return start_us > txn->now_us ? start_us : 0;
}

/* ------------------------------------------------------------------ the transaction */

void qr_enqueue_gate_params(const struct qr_enqueue_txn *txn, struct qr_params *ret)
{
    qr_params_init(ret);
    qr_param_i64(ret, qr_lock_key_gate(txn->run_id));
}

static void run_params(const struct qr_enqueue_txn *txn, struct qr_params *ret)
{
    qr_params_init(ret);
    qr_param_i64(ret, txn->run_id);
    qr_param_i64(ret, (int64_t)(txn->n > 0 ? txn->n : 1));
}

/* First round trip: begin, the run, and its queue where it is one, as it mostly is. */
static int open_enqueue(struct qr_conn *conn, struct qr_enqueue_txn *txn, PGresult **ret_run,
                        struct qr_err *err)
{
    struct qr_params gate, run, queue;
    struct qr_call calls[5] = {{QR_SQL_begin, NULL}};
    PGresult *results[5] = {NULL};
    size_t n = 1;

    for (size_t i = 0; i < txn->n_queues; i++)
        txn->queues[i].id = 0; /* what an attempt before made is gone */
    if (txn->n <= QR_ENQUEUE_FEW)
        calls[n++] = (struct qr_call){QR_SQL_plan_generic, NULL};
    qr_enqueue_gate_params(txn, &gate);
    calls[n++] = (struct qr_call){QR_SQL_gate_share, &gate};
    run_params(txn, &run);
    size_t at = n++;
    calls[at] = (struct qr_call){QR_SQL_enqueue_run, &run};
    if (txn->n_queues == 1) {
        qr_enqueue_queue_params(txn, &txn->queues[0], &queue);
        calls[n++] = (struct qr_call){QR_SQL_enqueue_queue_live, &queue};
    }
    int rc = qr_conn_pipeline(conn, calls, n, results, err);
    if (rc == QR_OK && n > at + 1 && PQntuples(results[at + 1]) > 0)
        txn->queues[0].id = qr_get_i32(results[at + 1], 0, 0);
    *ret_run = results[at];
    for (size_t i = 0; i < n; i++)
        if (i != at)
            PQclear(results[i]);
    return rc;
}

static int read_run(struct qr_conn *conn, struct qr_enqueue_txn *txn, struct qr_err *err)
{
    QR_AUTO_RESULT row = NULL;
    int rc = open_enqueue(conn, txn, &row, err);

    if (rc < 0)
        return rc;
    if (PQntuples(row) == 0)
        return qr_fail(err, QR_E_NOT_FOUND, "run %lld does not exist", (long long)txn->run_id);
    if (!qr_get_bool(row, 0, 0))
        return qr_fail(err, QR_E_STALE, "run %lld is closed; hint: create a new run",
                       (long long)txn->run_id);
    txn->run_priority = qr_get_i32(row, 0, 1);
    txn->has_previous = qr_get_bool(row, 0, 2);
    txn->skip_unchanged = qr_get_bool(row, 0, 3);
    txn->first_file = qr_get_i64(row, 0, 4);
    txn->first_job = qr_get_i64(row, 0, 5);
    txn->now_us = qr_get_i64(row, 0, 6);
    txn->start_us = qr_get_i64(row, 0, 7);
    return QR_OK;
}

static int lock_keys(struct qr_conn *conn, const struct qr_enqueue_txn *txn, struct qr_err *err)
{
    struct qr_array keys;
    struct qr_params params;

    qr_array_init(&keys, QR_OID_TEXT);
    for (size_t i = 0; i < txn->n_jobs; i++)
        if (txn->jobs[i].job->dedupe && txn->jobs[i].job->dedupe[0])
            qr_array_text(&keys, txn->jobs[i].job->dedupe);
    qr_params_init(&params);
    qr_param_i64(&params, txn->run_id);
    qr_param_array(&params, &keys);
    int rc = qr_conn_run(conn, QR_SQL_enqueue_keys, &params, NULL, err);
    qr_array_done(&keys);
    return rc;
}

/* Columns of enqueue_jobs.sql, in the order of its parameters. */
enum column { URI, ROOT, NAME, BYTES, MODIFIED, QUEUE, TYPE, PRIORITY, CAD, PLACE, START, KEY, N };

static const enum qr_oid column_oid[N] = {
    [URI] = QR_OID_TEXT,   [ROOT] = QR_OID_TEXT,     [NAME] = QR_OID_TEXT,
    [BYTES] = QR_OID_INT8, [MODIFIED] = QR_OID_INT8, [QUEUE] = QR_OID_INT4,
    [TYPE] = QR_OID_TEXT,  [PRIORITY] = QR_OID_INT4, [CAD] = QR_OID_BOOL,
    [PLACE] = QR_OID_INT4, [START] = QR_OID_INT8,    [KEY] = QR_OID_TEXT,
};

static void fill_row(const struct qr_enqueue_txn *txn, const struct qr_enqueue_job *j,
                     struct qr_array *c)
{
    const struct qr_enqueue_queue *queue = &txn->queues[j->queue];
    const struct qr_new_job *job = j->job;
    int64_t start_us = qr_enqueue_start(txn, job);
    int64_t modified_us;

    qr_array_bytes(&c[URI], job->uri, j->uri_len);
    qr_array_text(&c[ROOT], queue->root);
    qr_array_text(&c[NAME], job->uri + j->name_at);
    qr_array_i64(&c[BYTES], (int64_t)job->bytes);
    if (qr_enqueue_modified(job, &modified_us))
        qr_array_i64(&c[MODIFIED], modified_us);
    else
        qr_array_null(&c[MODIFIED]);
    qr_array_i32(&c[QUEUE], queue->id);
    qr_array_text(&c[TYPE], qr_type_name(queue->type));
    qr_array_i32(&c[PRIORITY], txn->run_priority + job->priority);
    qr_array_bool(&c[CAD], queue->cad);
    qr_array_i32(&c[PLACE], (int32_t)j->place);
    if (start_us != 0)
        qr_array_i64(&c[START], start_us);
    else
        qr_array_null(&c[START]);
    qr_array_text(&c[KEY], job->dedupe && job->dedupe[0] ? job->dedupe : NULL);
}

int qr_enqueue_closed(const struct qr_enqueue_txn *txn, struct qr_err *err)
{
    return qr_fail(err, QR_E_STALE, "run %lld was closed meanwhile; hint: create a new run",
                   (long long)txn->run_id);
}

/* The way for all that may be known already. */
static int insert(struct qr_conn *conn, struct qr_enqueue_txn *txn, struct qr_err *err)
{
    struct qr_array columns[N];
    struct qr_params params;
    QR_AUTO_RESULT row = NULL;

    for (int i = 0; i < N; i++)
        qr_array_init(&columns[i], column_oid[i]);
    for (size_t i = 0; i < txn->n_jobs; i++)
        fill_row(txn, &txn->jobs[i], columns);
    qr_params_init(&params);
    qr_param_i64(&params, txn->run_id);
    for (int i = URI; i <= PRIORITY; i++)
        qr_param_array(&params, &columns[i]);
    qr_param_bool(&params, txn->skip_unchanged);
    for (int i = CAD; i < N; i++)
        qr_param_array(&params, &columns[i]);
    qr_param_i64(&params, txn->first_file);
    qr_param_i64(&params, txn->first_job);
    int rc = txn->plain ? QR_OK : lock_keys(conn, txn, err);
    if (rc == QR_OK)
        rc = qr_conn_run(conn, QR_SQL_enqueue_jobs, &params, &row, err);
    for (int i = 0; i < N; i++)
        qr_array_done(&columns[i]);
    if (rc < 0)
        return rc;
    txn->result.inserted = (uint64_t)qr_get_i64(row, 0, 0);
    txn->result.unchanged = (uint64_t)qr_get_i64(row, 0, 1);
    return qr_get_i64(row, 0, 2) > 0 ? QR_OK : qr_enqueue_closed(txn, err);
}

static int count(struct qr_conn *conn, struct qr_enqueue_txn *txn, struct qr_err *err)
{
    struct qr_params params;
    QR_AUTO_RESULT row = NULL;

    qr_params_init(&params);
    qr_param_i64(&params, txn->run_id);
    qr_param_i64(&params, (int64_t)txn->result.inserted);
    int rc = qr_conn_run(conn, QR_SQL_stage_enqueue, &params, &row, err);
    return rc == QR_OK && PQntuples(row) == 0 ? qr_enqueue_closed(txn, err) : rc;
}

static int general_body(struct qr_conn *conn, void *arg, struct qr_err *err)
{
    struct qr_enqueue_txn *txn = arg;
    int rc = read_run(conn, txn, err);

    if (rc == QR_OK)
        rc = qr_enqueue_make_queues(conn, txn, err);
    if (rc == QR_OK)
        rc = insert(conn, txn, err);
    return rc < 0 ? rc : qr_conn_commit(conn, err);
}

static int copy_body(struct qr_conn *conn, void *arg, struct qr_err *err)
{
    struct qr_enqueue_txn *txn = arg;
    int rc = read_run(conn, txn, err);

    if (rc == QR_OK)
        rc = qr_enqueue_make_queues(conn, txn, err);
    if (rc == QR_OK)
        rc = qr_enqueue_copy(conn, txn, err);
    if (rc == QR_OK)
        rc = count(conn, txn, err);
    return rc < 0 ? rc : qr_conn_commit(conn, err);
}

static bool is_known_after_all(const struct qr_err *err)
{
    return err->code == QR_E_DB && strcmp(err->sqlstate, "23505") == 0;
}

static int store(struct qr_conn *conn, struct qr_enqueue_txn *txn, struct qr_err *err)
{
    enum { WORTH = 8 }; /* below, the look costs more than it saves */
    enum qr_db_status status;
    bool all_new = txn->plain && txn->n_jobs >= WORTH;
    int rc = QR_OK;

    if (qr_enqueue_are_few(txn)) {
        rc = qr_transaction(conn, true, qr_enqueue_few, txn, &status, err);
        if (rc < 0 || txn->stored)
            return rc;
    }
    rc = all_new ? qr_enqueue_probe(conn, txn, &all_new, err) : QR_OK;

    if (rc < 0)
        return rc;
    if (all_new) {
        rc = qr_transaction(conn, true, copy_body, txn, &status, err);
        if (rc == QR_OK || !is_known_after_all(err))
            return rc;
    }
    return qr_transaction(conn, true, general_body, txn, &status, err);
}

int qr_enqueue(struct qr_conn *conn, int64_t run_id, const struct qr_new_job *jobs, size_t n,
               struct qr_enqueue_result *ret, struct qr_err *err)
{
    struct qr_enqueue_txn txn = {.run_id = run_id, .n = n, .plain = true};
    uint64_t types = 0;
    int rc = QR_OK;

    if (n > QR_ENQUEUE_MAX)
        return qr_fail(err, QR_E_INVALID, "%zu jobs in one call; hint: at most %d", n,
                       QR_ENQUEUE_MAX);
    txn.jobs = malloc((n + 1) * sizeof *txn.jobs);
    txn.queues = malloc((QR_ENQUEUE_QUEUES_MAX + QR_TYPES_MAX) * sizeof *txn.queues);
    if (!txn.jobs || !txn.queues)
        rc = qr_fail(err, QR_E_NOMEM, "enqueue: out of memory");
    if (rc == QR_OK)
        rc = take_jobs(&txn, jobs, err);
    if (rc == QR_OK) {
        sort_jobs(&txn);
        rc = store(conn, &txn, err);
    }
    for (size_t i = 0; rc == QR_OK && i < txn.n_queues; i++)
        types |= (uint64_t)1 << txn.queues[i].type;
    if (rc == QR_OK && txn.result.inserted > 0)
        qr_announce_types(qr_conn_db(conn), types);
    free(txn.jobs);
    free(txn.queues);
    if (rc == QR_OK)
        *ret = txn.result;
    return rc;
}

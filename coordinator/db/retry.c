/* Jobs that have ended go back to pending: by their numbers, or dead letters set-wise. Each step is
 * a transaction: hold the runs, so that none ends meanwhile, and the keys; the jobs; their
 * counters; runs that are over open again. */
#include <stdlib.h>

#include "coordinator/db/dead_letter.h"
#include "coordinator/db/job.h"
#include "coordinator/db/job_rows.h"
#include "coordinator/db/lifecycle.h"
#include "coordinator/engine/types.h"

enum { STEP = 5000, IDS_MAX = 100000 };

/* Which dead letters; NULL in a step by numbers. */
struct filter {
    int64_t run_id; /* 0, "", 0: any */
    const char *error_class;
    uint32_t pattern;
    int64_t after_id; /* moves on */
};

struct retry_txn {
    const struct filter *filter;
    const int64_t *given; /* or these numbers */
    size_t n_given;
    uint8_t *done; /* per number */
    struct qr_array ids;
    size_t looked_at;
    int64_t last;
    uint64_t retried, types;
    struct qr_stage_changes changes;
};

/* ------------------------------------------------------------------ one step */

static int pick(struct qr_conn *conn, struct retry_txn *txn, struct qr_err *err)
{
    const struct filter *f = txn->filter;
    struct qr_params params;
    QR_AUTO_RESULT rows = NULL;

    for (size_t i = 0; i < txn->n_given; i++)
        qr_array_i64(&txn->ids, txn->given[i]);
    if (!f)
        return QR_OK;
    qr_dead_letter_filter(&params, f->run_id, f->error_class, f->pattern);
    qr_param_i64(&params, f->after_id);
    qr_param_i32(&params, STEP);
    int rc = qr_conn_run(conn, QR_SQL_dead_letter_pick, &params, &rows, err);
    for (int i = 0; rc == QR_OK && i < PQntuples(rows); i++) {
        txn->last = qr_get_i64(rows, i, 0);
        qr_array_i64(&txn->ids, txn->last);
        txn->looked_at++;
    }
    return rc;
}

static int count(struct retry_txn *txn, const PGresult *rows, struct qr_err *err)
{
    for (int i = 0; i < PQntuples(rows); i++) {
        struct qr_stage_change *change = qr_stage_of(&txn->changes, qr_get_i64(rows, i, 1));
        int64_t id = qr_get_i64(rows, i, 0);
        if (!change)
            return qr_fail(err, QR_E_NOMEM, "retry: out of memory");
        change->open++;
        if (strcmp(qr_get_text(rows, i, 2), "failed") == 0)
            change->failed--;
        else
            change->cancelled--;
        txn->types |= (uint64_t)1 << (qr_type_intern(qr_get_text(rows, i, 3)) % QR_TYPES_MAX);
        txn->retried++;
        for (size_t k = 0; txn->done && k < txn->n_given; k++)
            if (txn->given[k] == id)
                txn->done[k] = 1;
    }
    return QR_OK;
}

static int run_ids(struct qr_conn *conn, enum qr_sql sql, struct retry_txn *txn, PGresult **ret,
                   struct qr_err *err)
{
    struct qr_params params;

    qr_params_init(&params);
    qr_param_array(&params, &txn->ids);
    if (sql == QR_SQL_job_retry)
        qr_param_bool(&params, txn->filter != NULL);
    return qr_conn_run(conn, sql, &params, ret, err);
}

/* Cancelled while this went on: what it adds would never run, and end with nothing. */
static int check_gates(struct qr_conn *conn, const struct qr_params *runs, struct qr_err *err)
{
    QR_AUTO_RESULT row = NULL;

    int rc = qr_conn_run(conn, QR_SQL_run_still_open, runs, &row, err);
    if (rc == QR_OK && !qr_get_null(row, 0, 0))
        rc = qr_fail(err, QR_E_STALE, "run %lld was cancelled meanwhile",
                     (long long)qr_get_i64(row, 0, 0));
    return rc;
}

/* Runs of the changes are active again, behind their counters. */
static int reopen(struct qr_conn *conn, const struct qr_stage_changes *changes, struct qr_err *err)
{
    struct qr_array runs;
    struct qr_params params;

    if (changes->n == 0)
        return QR_OK;
    qr_array_init(&runs, QR_OID_INT8);
    for (size_t i = 0; i < changes->n; i++)
        qr_array_i64(&runs, changes->list[i].run_id);
    qr_params_init(&params);
    qr_param_array(&params, &runs);
    int rc = qr_conn_run(conn, QR_SQL_run_reopen, &params, NULL, err);
    if (rc < 0 && strcmp(err->sqlstate, "23505") == 0)
        rc = qr_fail(err, QR_E_EXISTS,
                     "the run cannot open again: a newer run of the same source is active; hint: "
                     "wait for it to end");
    if (rc == QR_OK)
        rc = check_gates(conn, &params, err);
    qr_array_done(&runs);
    return rc;
}

static int retry_body(struct qr_conn *conn, void *arg, struct qr_err *err)
{
    struct retry_txn *txn = arg;
    QR_AUTO_RESULT rows = NULL;

    txn->changes.n = 0;
    txn->looked_at = 0;
    txn->retried = txn->types = 0;
    qr_array_clear(&txn->ids);
    if (txn->done)
        memset(txn->done, 0, txn->n_given);
    int rc = pick(conn, txn, err);
    if (rc == QR_OK)
        rc = run_ids(conn, QR_SQL_retry_hold, txn, NULL, err);
    if (rc == QR_OK)
        rc = run_ids(conn, QR_SQL_job_retry, txn, &rows, err);
    if (rc == QR_OK)
        rc = count(txn, rows, err);
    if (rc == QR_OK)
        rc = qr_stage_apply(conn, &txn->changes, err);
    return rc < 0 ? rc : reopen(conn, &txn->changes, err);
}

static int step(struct qr_conn *conn, struct retry_txn *txn, struct qr_err *err)
{
    enum qr_db_status status;

    qr_array_init(&txn->ids, QR_OID_INT8);
    int rc = qr_transaction(conn, false, retry_body, txn, &status, err);
    if (rc == QR_OK)
        qr_announce_types(qr_conn_db(conn), txn->types);
    qr_array_done(&txn->ids);
    qr_stage_done(&txn->changes);
    return rc;
}

/* ------------------------------------------------------------------ dead letters, set-wise */

struct sum {
    uint64_t retried, skipped;
    bool more;
};

static int dead_letter_step(struct qr_conn *conn, struct filter *filter, struct sum *sum,
                            struct qr_err *err)
{
    struct retry_txn txn = {.filter = filter};
    int rc = step(conn, &txn, err);

    if (rc < 0)
        return rc;
    sum->retried += txn.retried;
    sum->skipped += txn.looked_at - txn.retried;
    sum->more = txn.looked_at == STEP;
    filter->after_id = txn.looked_at > 0 ? txn.last : filter->after_id;
    return QR_OK;
}

static int dead_letter_steps(struct qr_conn *conn, struct filter *filter, struct sum *sum,
                             struct qr_err *err)
{
    int rc = QR_OK;

    for (int i = 0; rc == QR_OK && i < QR_STEPS_A_CALL && (i == 0 || sum->more); i++)
        rc = dead_letter_step(conn, filter, sum, err);
    return rc;
}

int qr_dead_letter_retry(struct qr_conn *conn, const Quarry__V1__RetryDeadLettersRequest *request,
                         Quarry__V1__RetryDeadLettersReply **ret, struct qr_err *err)
{
    struct filter filter = {request->run_id, request->error_class, request->pattern,
                            request->after_id};
    struct sum sum = {0};
    int rc = qr_dead_letter_check_class(request->error_class, err);

    if (rc == QR_OK && !request->all && !request->run_id && !request->error_class[0] &&
        !request->pattern)
        rc = qr_fail(err, QR_E_INVALID, "retry what? hint: a run, a class, a pattern, or all");
    if (rc == QR_OK)
        rc = dead_letter_steps(conn, &filter, &sum, err);
    if (rc < 0)
        return rc;
    Quarry__V1__RetryDeadLettersReply *reply = malloc(sizeof *reply);
    if (!reply)
        return qr_fail(err, QR_E_NOMEM, "retry: out of memory");
    quarry__v1__retry_dead_letters_reply__init(reply);
    reply->retried = sum.retried;
    reply->skipped = sum.skipped;
    reply->more = sum.more;
    reply->after_id = filter.after_id;
    *ret = reply;
    return QR_OK;
}

/* ------------------------------------------------------------------ jobs */

static int retry_ids(struct qr_conn *conn, const int64_t *ids, size_t n,
                     Quarry__V1__RetryJobsReply *reply, struct qr_err *err)
{
    struct retry_txn txn = {.given = ids, .n_given = n, .done = calloc(n + 1, 1)};
    int rc = txn.done ? step(conn, &txn, err) : qr_fail(err, QR_E_NOMEM, "retry: out of memory");

    for (size_t i = 0; rc == QR_OK && i < n; i++)
        if (!txn.done[i])
            reply->refused[reply->n_refused++] = ids[i];
    reply->retried += rc == QR_OK ? txn.retried : 0;
    free(txn.done);
    return rc;
}

static int retry_all_ids(struct qr_conn *conn, const Quarry__V1__RetryJobsRequest *request,
                         Quarry__V1__RetryJobsReply *reply, struct qr_err *err)
{
    int rc = QR_OK;

    reply->refused = calloc(request->n_job_ids, sizeof *reply->refused);
    if (!reply->refused)
        return qr_fail(err, QR_E_NOMEM, "retry: out of memory");
    for (size_t at = 0; rc == QR_OK && at < request->n_job_ids; at += STEP) {
        size_t left = request->n_job_ids - at;
        rc = retry_ids(conn, request->job_ids + at, left < STEP ? left : STEP, reply, err);
    }
    return rc < 0 ? rc
                  : qr_job_control_states(conn, reply->refused, reply->n_refused,
                                          "only failed and cancelled jobs are retried, and one of "
                                          "a key",
                                          &reply->jobs, &reply->n_jobs, err);
}

static int retry_run(struct qr_conn *conn, const Quarry__V1__RetryJobsRequest *request,
                     Quarry__V1__RetryJobsReply *reply, struct qr_err *err)
{
    struct filter filter = {.run_id = request->run_id,
                            .error_class = request->error_class,
                            .after_id = request->after_id};
    struct sum sum = {0};
    int rc = dead_letter_steps(conn, &filter, &sum, err);

    reply->retried = sum.retried;
    reply->more = sum.more;
    reply->after_id = filter.after_id;
    return rc;
}

int qr_job_retry(struct qr_conn *conn, const Quarry__V1__RetryJobsRequest *request,
                 Quarry__V1__RetryJobsReply **ret, struct qr_err *err)
{
    if ((request->n_job_ids == 0) == (request->run_id == 0))
        return qr_fail(err, QR_E_INVALID, "retry what? hint: give job ids or a run");
    if (request->n_job_ids > IDS_MAX)
        return qr_fail(err, QR_E_INVALID, "%zu jobs in one call; hint: at most %d, or a run",
                       request->n_job_ids, IDS_MAX);
    int rc = qr_dead_letter_check_class(request->error_class, err);
    if (rc < 0)
        return rc;
    Quarry__V1__RetryJobsReply *reply = malloc(sizeof *reply);
    if (!reply)
        return qr_fail(err, QR_E_NOMEM, "retry: out of memory");
    quarry__v1__retry_jobs_reply__init(reply);
    rc = request->n_job_ids > 0 ? retry_all_ids(conn, request, reply, err)
                                : retry_run(conn, request, reply, err);
    if (rc < 0) {
        quarry__v1__retry_jobs_reply__free_unpacked(reply, NULL);
        return rc;
    }
    *ret = reply;
    return QR_OK;
}

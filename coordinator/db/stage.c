/* The stages of a run behind extract: link, index, report. Their work is leased to a coordinator
 * and done here, set-wise, in one transaction with what it writes and with the stage's counter (of
 * index only the end is: a search vector is right whoever writes it). A coordinator that dies
 * leaves a lease; whoever finds it over takes the job (rule 6). */
#include <stdio.h>
#include <string.h>

#include "common/log.h"
#include "coordinator/db/impl.h"
#include "coordinator/db/run_stage.h"

enum { ATTEMPTS_MAX = 5, INDEX_STEP = 500, A_TICK_MAX = 32 };
enum { LONGER = 20 }; /* than other statements: it is one over all files of a run */

struct stage_job {
    const struct qr_db *db;
    int64_t id, run_id, lease_id;
    char stage[16];
    int64_t written;
    const char *outcome; /* status it closes with */
    bool superseded;
    const char *error; /* of the attempt that was its last */
};

/* ------------------------------------------------------------------ what a stage does */

static int run_one(struct qr_conn *conn, enum qr_sql sql, int64_t run_id, int64_t *ret_count,
                   struct qr_err *err)
{
    struct qr_params params;
    QR_AUTO_RESULT row = NULL;

    qr_params_init(&params);
    qr_param_i64(&params, run_id);
    int rc = qr_conn_run(conn, sql, &params, &row, err);
    if (rc == QR_OK && ret_count)
        *ret_count = qr_get_i64(row, 0, 0);
    return rc;
}

static int link_documents(struct qr_conn *conn, struct stage_job *job, struct qr_err *err)
{
    int rc = run_one(conn, QR_SQL_stage_link_clear, job->run_id, NULL, err);
    if (rc == QR_OK)
        rc = run_one(conn, QR_SQL_stage_link_models, job->run_id, NULL, err);
    return rc < 0 ? rc : run_one(conn, QR_SQL_stage_link, job->run_id, &job->written, err);
}

/* Before the job's transaction, each step for itself: what a step writes is right whoever writes it
 * and however often, and a transaction over all of them would hold back vacuum for as long as it
 * lasts. */
static int index_pages(struct qr_conn *conn, struct stage_job *job, struct qr_err *err)
{
    int64_t step = INDEX_STEP;
    int64_t job_id = 0;
    int32_t page = 0;
    int rc = QR_OK;

    while (rc == QR_OK && step == INDEX_STEP) {
        struct qr_params params;
        QR_AUTO_RESULT row = NULL;
        if (atomic_load(&job->db->stopped))
            return qr_fail(err, QR_E_CANCELLED, "index: the coordinator stops");
        qr_params_init(&params);
        qr_param_i64(&params, job_id);
        qr_param_i32(&params, page);
        qr_param_i32(&params, INDEX_STEP);
        rc = qr_conn_run(conn, QR_SQL_stage_index, &params, &row, err);
        step = rc == QR_OK && PQntuples(row) > 0 ? qr_get_i64(row, 0, 0) : 0;
        if (step > 0) {
            job_id = qr_get_i64(row, 0, 1);
            page = qr_get_i32(row, 0, 2);
        }
        job->written += step;
    }
    return rc;
}

static int write_report(struct qr_conn *conn, struct stage_job *job, int32_t epoch,
                        struct qr_err *err)
{
    struct qr_params params;

    qr_params_init(&params);
    qr_param_i64(&params, job->run_id);
    qr_param_i32(&params, epoch);
    return qr_conn_run(conn, QR_SQL_stage_report, &params, NULL, err);
}

static int do_work(struct qr_conn *conn, struct stage_job *job, int32_t epoch, struct qr_err *err)
{
    if (strcmp(job->stage, "link") == 0)
        return link_documents(conn, job, err);
    if (strcmp(job->stage, "report") == 0)
        return write_report(conn, job, epoch, err);
    return QR_OK; /* index: done by now */
}

/* ------------------------------------------------------------------ the lease */

static void lease_params(struct qr_params *params, const struct stage_job *job)
{
    qr_params_init(params);
    qr_param_i64(params, job->id);
    qr_param_i64(params, job->lease_id);
}

/* Closes the job and, last, subtracts it from its stage: the trigger goes on from there. */
static int close_job(struct qr_conn *conn, const struct stage_job *job, struct qr_err *err)
{
    struct qr_params params;
    QR_AUTO_RESULT row = NULL;

    lease_params(&params, job);
    qr_param_text(&params, job->outcome);
    qr_param_bool(&params, job->superseded);
    qr_param_i64(&params, job->written);
    qr_param_text(&params, job->error);
    int rc = qr_conn_run(conn, QR_SQL_stage_end, &params, &row, err);
    if (rc < 0 || PQntuples(row) == 0 || qr_get_bool(row, 0, 2))
        return rc;
    const int64_t values[] = {-1,
                              0,
                              strcmp(job->outcome, "completed") == 0,
                              strcmp(job->outcome, "failed") == 0,
                              0,
                              strcmp(job->outcome, "cancelled") == 0,
                              0,
                              0,
                              0,
                              0};
    qr_params_init(&params);
    qr_param_i64(&params, job->run_id);
    qr_param_text(&params, job->stage);
    for (size_t i = 0; i < QR_COUNT(values); i++)
        qr_param_i64(&params, values[i]);
    return qr_conn_run(conn, QR_SQL_stage_change, &params, NULL, err);
}

static int work_body(struct qr_conn *conn, void *arg, struct qr_err *err)
{
    struct stage_job *job = arg;
    struct qr_params params;
    QR_AUTO_RESULT row = NULL;

    qr_params_init(&params);
    qr_param_i64(&params, job->run_id);
    qr_param_text(&params, job->stage);
    int rc = qr_conn_take_long(conn, job->db->config.statement_timeout_ms * LONGER, err);
    if (rc == QR_OK)
        rc = qr_conn_run(conn, QR_SQL_stage_lock, &params, NULL, err);
    if (rc < 0)
        return rc;
    lease_params(&params, job);
    rc = qr_conn_run(conn, QR_SQL_stage_begin, &params, &row, err);
    if (rc < 0 || PQntuples(row) == 0)
        return rc; /* somebody else has it by now */
    job->error = NULL;
    bool cancelled = qr_get_bool(row, 0, 0);
    job->outcome = cancelled ? "cancelled" : "completed";
    job->superseded = qr_get_bool(row, 0, 1);
    if (!cancelled && !job->superseded)
        rc = do_work(conn, job, qr_get_i32(row, 0, 2), err);
    return rc < 0 ? rc : close_job(conn, job, err);
}

/* Whether there is something to do, as of now. */
static int is_due(struct qr_conn *conn, const struct stage_job *job, bool *ret, struct qr_err *err)
{
    struct qr_params params;
    QR_AUTO_RESULT row = NULL;

    lease_params(&params, job);
    int rc = qr_conn_run(conn, QR_SQL_stage_begin, &params, &row, err);
    *ret = rc == QR_OK && PQntuples(row) > 0 && !qr_get_bool(row, 0, 0) && !qr_get_bool(row, 0, 1);
    return rc;
}

static int work(struct qr_conn *conn, struct stage_job *job, enum qr_db_status *ret_status,
                struct qr_err *err)
{
    bool due = false;
    int rc = QR_OK;

    *ret_status = QR_DB_FAILED;
    job->written = 0;
    if (strcmp(job->stage, "index") == 0)
        rc = is_due(conn, job, &due, err);
    if (rc == QR_OK && due)
        rc = index_pages(conn, job, err);
    return rc < 0 ? rc : qr_transaction(conn, false, work_body, job, ret_status, err);
}

/* It failed: later again, or closed as failed, so that the run can go on and end. */
static int failed_body(struct qr_conn *conn, void *arg, struct qr_err *err)
{
    struct stage_job *job = arg;
    struct qr_params params;
    QR_AUTO_RESULT row = NULL;

    lease_params(&params, job);
    qr_param_text(&params, job->error);
    qr_param_i32(&params, ATTEMPTS_MAX);
    int rc = qr_conn_run(conn, QR_SQL_stage_again, &params, &row, err);
    if (rc < 0 || PQntuples(row) > 0)
        return rc;
    job->outcome = "failed";
    job->written = 0;
    return close_job(conn, job, err);
}

/* ------------------------------------------------------------------ one after the other */

static int take(struct qr_conn *conn, struct stage_job *job, bool *ret_any, struct qr_err *err)
{
    struct qr_params params;
    QR_AUTO_RESULT row = NULL;

    qr_params_init(&params);
    qr_param_i64(&params, (int64_t)qr_db_coordinator_id(job->db));
    int rc = qr_conn_run(conn, QR_SQL_stage_take, &params, &row, err);
    *ret_any = rc == QR_OK && PQntuples(row) > 0;
    if (*ret_any) {
        job->id = qr_get_i64(row, 0, 0);
        job->run_id = qr_get_i64(row, 0, 1);
        snprintf(job->stage, sizeof job->stage, "%s", qr_get_text(row, 0, 2));
        job->lease_id = qr_get_i64(row, 0, 3);
    }
    return rc;
}

void qr_stage_tick(void *ctx, struct qr_lane *lane, struct qr_conn *conn)
{
    struct qr_db *db = ctx;
    struct stage_job job = {.db = db};
    bool any = conn != NULL;

    for (int i = 0; i < A_TICK_MAX && any && !atomic_load(&db->stopped); i++) {
        struct qr_err err = {0};
        struct qr_err ignored = {0};
        enum qr_db_status status;
        atomic_fetch_add(&db->n_long, 1);
        if (take(conn, &job, &any, &err) == QR_OK && any && work(conn, &job, &status, &err) < 0 &&
            status == QR_DB_FAILED && !qr_conn_is_broken(conn)) {
            job.error = err.msg;
            (void)(qr_transaction(conn, false, failed_body, &job, &status, &ignored) < 0);
        }
        atomic_fetch_sub(&db->n_long, 1);
        if (err.code != 0) {
            atomic_fetch_add(&lane->failures, 1);
            qr_lane_say_failure(lane, "db.stage", 1, &err);
            any = !qr_conn_is_broken(conn);
        }
    }
}

int qr_stage_begin_early(struct qr_conn *conn, int64_t run_id, const char *stage, int64_t *ret_id,
                         struct qr_err *err)
{
    struct qr_params params;
    QR_AUTO_RESULT row = NULL;

    if (strcmp(stage, "link") != 0 && strcmp(stage, "index") != 0 && strcmp(stage, "report") != 0)
        return qr_fail(err, QR_E_INVALID, "'%.40s' is no stage to begin; hint: link, index, report",
                       stage);
    qr_params_init(&params);
    qr_param_i64(&params, run_id);
    qr_param_text(&params, stage);
    int rc = qr_conn_run(conn, QR_SQL_stage_early, &params, &row, err);
    if (rc == QR_OK && PQntuples(row) == 0)
        rc = qr_fail(err, QR_E_NOT_FOUND, "run %lld does not exist or is over", (long long)run_id);
    if (rc == QR_OK && ret_id)
        *ret_id = qr_get_i64(row, 0, 0);
    return rc;
}

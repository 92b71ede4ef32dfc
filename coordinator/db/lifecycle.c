/* Jobs: pause, resume, cancel; what becomes of each: lifecycle_judge.c. Lock order: jobs by id,
 * then their rows in delayed and ready, then the stage counters. */
#include "coordinator/db/lifecycle.h"

#include <stdio.h>
#include <stdlib.h>

#include "coordinator/db/impl.h"
#include "coordinator/db/json.h"
#include "coordinator/db/lifecycle_judge.h"
#include "coordinator/db/message.h"
#include "coordinator/engine/types.h"

enum { STEP = 1000 };

struct control_txn {
    enum qr_control verb;
    const char *reason, *by;           /* NULL: not said */
    struct qr_control_target *targets; /* by id */
    size_t n;
    struct qr_stage_changes changes;
    uint64_t types;
};

static int compare_target(const void *a, const void *b)
{
    const struct qr_control_target *x = a;
    const struct qr_control_target *y = b;
    return x->id < y->id ? -1 : x->id > y->id;
}

static struct qr_control_target *target_of(struct control_txn *txn, int64_t id)
{
    const struct qr_control_target key = {.id = id};
    return txn->n == 0 ? NULL
                       : bsearch(&key, txn->targets, txn->n, sizeof *txn->targets, compare_target);
}

/* ------------------------------------------------------------------ statements over some targets
 */

typedef bool (*pick_fn)(const struct qr_control_target *target);

static bool is_any(const struct qr_control_target *target)
{
    (void)target;
    return true;
}

static bool may_wait(const struct qr_control_target *target)
{
    return target->found && target->status == QR_STATE_PENDING;
}

/* Runs `sql` with the ids picked and up to three texts; nothing when none is picked. */
static int run_on(struct qr_conn *conn, const struct control_txn *txn, enum qr_sql sql,
                  pick_fn pick, enum fate fate, const char *text, PGresult **ret,
                  struct qr_err *err)
{
    struct qr_array ids;
    struct qr_params params;
    int rc = QR_OK;

    *ret = NULL;
    qr_array_init(&ids, QR_OID_INT8);
    for (size_t i = 0; i < txn->n; i++)
        if (pick ? pick(&txn->targets[i]) : txn->targets[i].fate == fate)
            qr_array_i64(&ids, txn->targets[i].id);
    qr_params_init(&params);
    qr_param_array(&params, &ids);
    if (text)
        qr_param_text(&params, text);
    if (!pick) {
        qr_param_text(&params, txn->reason);
        qr_param_text(&params, txn->by);
    }
    if (ids.n > 0)
        rc = qr_conn_run(conn, sql, &params, ret, err);
    qr_array_done(&ids);
    return rc;
}

static int lock(struct qr_conn *conn, struct control_txn *txn, struct qr_err *err)
{
    QR_AUTO_RESULT rows = NULL;
    int rc = run_on(conn, txn, QR_SQL_control_lock, is_any, FATE_NOTHING, NULL, &rows, err);

    for (int i = 0; rows && i < PQntuples(rows); i++) {
        struct qr_control_target *target = target_of(txn, qr_get_i64(rows, i, 0));
        if (!target)
            continue;
        target->found = true;
        target->status = qr_state_parse(qr_get_text(rows, i, 2));
        snprintf(target->asked, sizeof target->asked, "%s", qr_get_text(rows, i, 3));
        snprintf(target->gate, sizeof target->gate, "%s", qr_get_text(rows, i, 4));
    }
    return rc;
}

/* Out of the queues, one after the other (sql/control_undelay.sql says why in this order). */
static int take_out(struct qr_conn *conn, struct control_txn *txn, struct qr_err *err)
{
    static const enum qr_sql queues[] = {QR_SQL_control_undelay, QR_SQL_control_unready};

    for (size_t k = 0; k < QR_COUNT(queues); k++) {
        QR_AUTO_RESULT rows = NULL;
        int rc = run_on(conn, txn, queues[k], may_wait, FATE_NOTHING, NULL, &rows, err);
        if (rc < 0)
            return rc;
        for (int i = 0; rows && i < PQntuples(rows); i++) {
            struct qr_control_target *target = target_of(txn, qr_get_i64(rows, i, 0));
            if (target)
                target->loose = true;
        }
    }
    return QR_OK;
}

/* ------------------------------------------------------------------ the transaction */

int qr_control_count_ended(const PGresult *rows, bool cancelled, struct qr_stage_changes *changes,
                           struct qr_err *err)
{
    for (int i = 0; rows && i < PQntuples(rows); i++) {
        struct qr_stage_change *change = qr_stage_of(changes, qr_get_i64(rows, i, 0));
        int64_t n = qr_get_i64(rows, i, 2);
        if (!change)
            return qr_fail(err, QR_E_NOMEM, "control: out of memory");
        if (strcmp(qr_get_text(rows, i, 1), "paused") == 0)
            change->paused -= n;
        if (cancelled) {
            change->cancelled += n;
            change->open -= n;
        } else {
            change->paused += n;
        }
    }
    return QR_OK;
}

static int count_resumed(const PGresult *rows, struct control_txn *txn, struct qr_err *err)
{
    for (int i = 0; rows && i < PQntuples(rows); i++) {
        struct qr_stage_change *change = qr_stage_of(&txn->changes, qr_get_i64(rows, i, 0));
        if (!change)
            return qr_fail(err, QR_E_NOMEM, "control: out of memory");
        change->paused -= qr_get_i64(rows, i, 1);
        txn->types |= (uint64_t)1 << (qr_type_intern(qr_get_text(rows, i, 2)) % QR_TYPES_MAX);
    }
    return QR_OK;
}

static int carry_out(struct qr_conn *conn, struct control_txn *txn, struct qr_err *err)
{
    bool cancel = txn->verb == QR_CONTROL_CANCEL;
    QR_AUTO_RESULT ended = NULL;
    QR_AUTO_RESULT asked = NULL;
    QR_AUTO_RESULT resumed = NULL;
    QR_AUTO_RESULT withdrawn = NULL;

    int rc = run_on(conn, txn, QR_SQL_control_end, NULL, FATE_END,
                    qr_state_text(cancel ? QR_STATE_CANCELLED : QR_STATE_PAUSED), &ended, err);
    if (rc == QR_OK)
        rc = run_on(conn, txn, QR_SQL_control_ask, NULL, FATE_ASK, cancel ? "cancel" : "pause",
                    &asked, err);
    if (rc == QR_OK)
        rc = run_on(conn, txn, QR_SQL_control_resume, NULL, FATE_RESUME, NULL, &resumed, err);
    if (rc == QR_OK)
        rc = run_on(conn, txn, QR_SQL_control_withdraw, NULL, FATE_WITHDRAW, NULL, &withdrawn, err);
    if (rc == QR_OK)
        rc = qr_control_count_ended(ended, cancel, &txn->changes, err);
    if (rc == QR_OK)
        rc = count_resumed(resumed, txn, err);
    return rc < 0 ? rc : qr_stage_apply(conn, &txn->changes, err);
}

static int control_body(struct qr_conn *conn, void *arg, struct qr_err *err)
{
    struct control_txn *txn = arg;

    txn->changes.n = 0;
    txn->types = 0;
    for (size_t i = 0; i < txn->n; i++)
        txn->targets[i] = (struct qr_control_target){.id = txn->targets[i].id};
    int rc = lock(conn, txn, err);
    if (rc == QR_OK && txn->verb != QR_CONTROL_RESUME)
        rc = take_out(conn, txn, err);
    if (rc < 0)
        return rc;
    for (size_t i = 0; i < txn->n; i++)
        qr_control_judge(&txn->targets[i], txn->verb);
    return carry_out(conn, txn, err);
}

/* ------------------------------------------------------------------ the call */

static Quarry__V1__JobControl *answer_of(const struct qr_control_target *target)
{
    Quarry__V1__JobControl *job = malloc(sizeof *job);

    if (!job)
        return NULL;
    quarry__v1__job_control__init(job);
    job->job_id = target->id;
    job->refused = target->refused;
    if (qr_message_set(&job->before, target->found ? qr_state_text(target->status) : "") &&
        qr_message_set(&job->after, target->after ? target->after : "") &&
        qr_message_set(&job->message, target->message))
        return job;
    quarry__v1__job_control__free_unpacked(job, NULL);
    return NULL;
}

/* The ids of one step, each once, by id; and their places in the reply in the order asked. */
static int control_step(struct qr_conn *conn, enum qr_control verb,
                        const Quarry__V1__ControlJobsRequest *request, const int64_t *ids, size_t n,
                        Quarry__V1__ControlJobsReply *reply, struct qr_err *err)
{
    struct control_txn txn = {.verb = verb,
                              .reason = request->reason[0] ? request->reason : NULL,
                              .by = request->by[0] ? request->by : NULL,
                              .n = n};
    enum qr_db_status status;
    int rc = QR_OK;

    txn.targets = calloc(n + 1, sizeof *txn.targets);
    if (!txn.targets)
        return qr_fail(err, QR_E_NOMEM, "control: out of memory");
    for (size_t i = 0; i < n; i++)
        txn.targets[i].id = ids[i];
    qsort(txn.targets, n, sizeof *txn.targets, compare_target);
    rc = qr_transaction(conn, false, control_body, &txn, &status, err);
    for (size_t i = 0; rc == QR_OK && i < n; i++) {
        Quarry__V1__JobControl *job = answer_of(target_of(&txn, ids[i]));
        if (job)
            reply->jobs[reply->n_jobs++] = job;
        else
            rc = qr_fail(err, QR_E_NOMEM, "control: out of memory");
    }
    if (rc == QR_OK)
        qr_announce_types(qr_conn_db(conn), txn.types);
    free(txn.targets);
    qr_stage_done(&txn.changes);
    return rc;
}

static int compare_place(const void *a, const void *b)
{
    const int64_t *x = *(const int64_t *const *)a;
    const int64_t *y = *(const int64_t *const *)b;
    if (*x != *y)
        return *x < *y ? -1 : 1;
    return x < y ? -1 : x > y;
}

/* A copy in the order asked without doubles; NULL: out of memory. */
static int64_t *each_once(const int64_t *ids, size_t n, size_t *ret_n)
{
    const int64_t **sorted = calloc(n + 1, sizeof *sorted);
    int64_t *once = calloc(n + 1, sizeof *once);
    uint8_t *doubled = calloc(n + 1, 1);

    *ret_n = 0;
    if (sorted && once && doubled) {
        for (size_t i = 0; i < n; i++)
            sorted[i] = &ids[i];
        qsort(sorted, n, sizeof *sorted, compare_place);
        for (size_t i = 1; i < n; i++)
            doubled[sorted[i] - ids] = *sorted[i] == *sorted[i - 1];
        for (size_t i = 0; i < n; i++)
            if (!doubled[i])
                once[(*ret_n)++] = ids[i];
    } else {
        free(once);
        once = NULL;
    }
    free(sorted);
    free(doubled);
    return once;
}

int qr_job_control(struct qr_conn *conn, enum qr_control verb,
                   const Quarry__V1__ControlJobsRequest *request,
                   Quarry__V1__ControlJobsReply **ret, struct qr_err *err)
{
    size_t n = 0;

    if (request->n_job_ids == 0)
        return qr_fail(err, QR_E_INVALID, "no job is named; hint: give job ids");
    if (request->n_job_ids > QR_CONTROL_IDS_MAX)
        return qr_fail(err, QR_E_INVALID, "%zu jobs in one call; hint: at most %d, or the run",
                       request->n_job_ids, QR_CONTROL_IDS_MAX);
    if (qr_control_check(request->reason, request->by, err) < 0)
        return err->code;
    int64_t *ids = each_once(request->job_ids, request->n_job_ids, &n);
    Quarry__V1__ControlJobsReply *reply = malloc(sizeof *reply);
    int rc = ids && reply ? QR_OK : qr_fail(err, QR_E_NOMEM, "control: out of memory");
    if (reply) {
        quarry__v1__control_jobs_reply__init(reply);
        reply->jobs = calloc(n + 1, sizeof *reply->jobs);
        if (!reply->jobs)
            rc = qr_fail(err, QR_E_NOMEM, "control: out of memory");
    }
    for (size_t at = 0; rc == QR_OK && at < n; at += STEP)
        rc = control_step(conn, verb, request, ids + at, n - at < STEP ? n - at : STEP, reply, err);
    free(ids);
    if (rc < 0) {
        if (reply)
            quarry__v1__control_jobs_reply__free_unpacked(reply, NULL);
        return rc;
    }
    *ret = reply;
    return QR_OK;
}

int qr_job_control_states(struct qr_conn *conn, const int64_t *ids, size_t n, const char *message,
                          Quarry__V1__JobControl ***jobs, size_t *n_jobs, struct qr_err *err)
{
    struct qr_array array;
    struct qr_params params;
    QR_AUTO_RESULT rows = NULL;
    int next = 0;

    qr_array_init(&array, QR_OID_INT8);
    for (size_t i = 0; i < n; i++)
        qr_array_i64(&array, ids[i]);
    qr_params_init(&params);
    qr_param_array(&params, &array);
    int rc = qr_conn_run(conn, QR_SQL_control_states, &params, &rows, err);
    qr_array_done(&array);
    *jobs = rc == QR_OK ? calloc(n + 1, sizeof **jobs) : NULL;
    for (size_t i = 0; *jobs && i < n; i++) {
        struct qr_control_target target = {.id = ids[i]};
        /* both ascend, but for ids that were asked for in another order */
        for (next = 0; next < PQntuples(rows) && qr_get_i64(rows, next, 0) != ids[i];)
            next++;
        if (next < PQntuples(rows)) {
            target.found = true;
            target.status = qr_state_parse(qr_get_text(rows, next, 1));
            target.after = qr_state_text(target.status);
            qr_control_refuse(&target, strcmp(qr_get_text(rows, next, 3), "cancelled") == 0
                                           ? "its run is cancelled"
                                           : message);
        } else {
            qr_control_refuse(&target, "there is no such job");
        }
        (*jobs)[i] = answer_of(&target);
        if (!(*jobs)[i])
            break;
        ++*n_jobs;
    }
    if (rc == QR_OK && *n_jobs < n)
        rc = qr_fail(err, QR_E_NOMEM, "control: out of memory");
    return rc;
}

/* Limits as people set them, and what gives places back; claims meet them in claim_limit.c. */
#include "coordinator/db/limit.h"

#include <math.h>
#include <stdlib.h>

#include "common/clock.h"
#include "common/log.h"
#include "coordinator/db/claim_limit.h"
#include "coordinator/db/message.h"
#include "coordinator/engine/types.h"

enum { SWEEP_GAP_MS = 10000, NAME_MAX_BYTES = 253, RUNNING_MAX = 1000000 };
static const double rate_min = 1.0 / 86400; /* one a day */
static const double rate_max = 1e6;

/* ------------------------------------------------------------------ checking */

static bool is_source(const char *name)
{
    for (const char *c = name; *c; c++)
        if (!((*c >= 'a' && *c <= 'z') || (*c >= '0' && *c <= '9') || strchr("._-:[]*", *c)))
            return false;
    return true;
}

static int check_name(const char *scope, const char *name, struct qr_err *err)
{
    if (strcmp(scope, "type") != 0 && strcmp(scope, "run") != 0 && strcmp(scope, "source") != 0)
        return qr_fail(err, QR_E_INVALID,
                       "limits are of a type, a run or a source, not of '%.40s'; hint: type=pdf, "
                       "run=12, source=files.example",
                       scope);
    if (!name[0] || strlen(name) > NAME_MAX_BYTES)
        return qr_fail(err, QR_E_INVALID, "%s= needs a name of 1 .. %d bytes", scope,
                       NAME_MAX_BYTES);
    if (strcmp(scope, "type") == 0 && qr_type_intern(name) == 0)
        return qr_fail(err, QR_E_INVALID, "'%.40s' is no job type; hint: pdf, text, dxf", name);
    if (strcmp(scope, "source") == 0 && !is_source(name))
        return qr_fail(err, QR_E_INVALID,
                       "'%.80s' is no source; hint: a host in small letters, a bucket, or the name "
                       "of a root, without scheme and path",
                       name);
    return QR_OK;
}

static int check_run(struct qr_conn *conn, const char *name, bool must_last, struct qr_err *err)
{
    struct qr_params params;
    QR_AUTO_RESULT row = NULL;
    char *end;
    long long id = strtoll(name, &end, 10);
    char again[24];

    snprintf(again, sizeof again, "%lld", id);
    if (id <= 0 || *end || strcmp(again, name) != 0)
        return qr_fail(err, QR_E_INVALID, "run='%.40s' is no number of a run", name);
    qr_params_init(&params);
    qr_param_i64(&params, id);
    int rc = qr_conn_run(conn, QR_SQL_limit_run, &params, &row, err);
    if (rc < 0 || !must_last)
        return rc;
    if (PQntuples(row) == 0)
        return qr_fail(err, QR_E_NOT_FOUND, "run %lld does not exist", id);
    return qr_get_bool(row, 0, 0) ? QR_OK : qr_fail(err, QR_E_STALE, "run %lld is over", id);
}

static int check_values(const Quarry__V1__SetLimitRequest *q, struct qr_err *err)
{
    bool rate = q->rate != 0;

    if (q->running < 0 || q->running > RUNNING_MAX)
        return qr_fail(err, QR_E_INVALID,
                       "running %lld outside 1 .. %d; hint: pause the run to stop "
                       "it",
                       (long long)q->running, RUNNING_MAX);
    if (rate && !(q->rate >= rate_min && q->rate <= rate_max))
        return qr_fail(err, QR_E_INVALID, "rate %g a second is outside one a day .. %g a second",
                       q->rate, rate_max);
    if (q->running == 0 && !rate)
        return qr_fail(err, QR_E_INVALID,
                       "a limit needs running, rate or both, above zero; hint: "
                       "limit remove lifts one");
    if (q->burst != 0 && !rate)
        return qr_fail(err, QR_E_INVALID, "burst goes with a rate");
    if (q->burst != 0 && !(q->burst >= 1 && q->burst <= rate_max))
        return qr_fail(err, QR_E_INVALID, "burst %g outside 1 .. %g", q->burst, rate_max);
    return QR_OK;
}

/* ------------------------------------------------------------------ look at */

static Quarry__V1__Limit *limit_of_row(const PGresult *r, int i)
{
    Quarry__V1__Limit *limit = malloc(sizeof *limit);

    if (!limit)
        return NULL;
    quarry__v1__limit__init(limit);
    bool ok = qr_message_set(&limit->scope, qr_get_text(r, i, 0)) &&
              qr_message_set(&limit->name, qr_get_text(r, i, 1));
    limit->running_max = qr_get_i64(r, i, 2);
    limit->rate = qr_get_f64(r, i, 3);
    limit->burst = qr_get_f64(r, i, 4);
    limit->running = qr_get_i64(r, i, 5);
    limit->tokens = qr_get_f64(r, i, 6);
    limit->created_ms = qr_get_i64(r, i, 7);
    limit->id = qr_get_i32(r, i, 8);
    if (ok)
        return limit;
    quarry__v1__limit__free_unpacked(limit, NULL);
    return NULL;
}

static int list(struct qr_conn *conn, const char *scope, const char *name, PGresult **ret,
                struct qr_err *err)
{
    struct qr_params params;

    qr_params_init(&params);
    qr_param_text(&params, scope && scope[0] ? scope : NULL);
    qr_param_text(&params, name && name[0] ? name : NULL);
    return qr_conn_run(conn, QR_SQL_limit_list, &params, ret, err);
}

int qr_limit_list(struct qr_conn *conn, const Quarry__V1__ListLimitsRequest *request,
                  Quarry__V1__ListLimitsReply **ret, struct qr_err *err)
{
    QR_AUTO_RESULT rows = NULL;
    int rc = list(conn, request->scope, request->name, &rows, err);

    if (rc < 0)
        return rc;
    Quarry__V1__ListLimitsReply *reply = malloc(sizeof *reply);
    if (!reply)
        return qr_fail(err, QR_E_NOMEM, "limit: out of memory");
    quarry__v1__list_limits_reply__init(reply);
    reply->limits = calloc((size_t)PQntuples(rows) + 1, sizeof *reply->limits);
    for (int i = 0; reply->limits && i < PQntuples(rows); i++) {
        Quarry__V1__Limit *limit = limit_of_row(rows, i);
        if (!limit)
            break;
        reply->limits[reply->n_limits++] = limit;
    }
    if (!reply->limits || reply->n_limits < (size_t)PQntuples(rows)) {
        quarry__v1__list_limits_reply__free_unpacked(reply, NULL);
        return qr_fail(err, QR_E_NOMEM, "limit: out of memory");
    }
    *ret = reply;
    return QR_OK;
}

static int reply_of(struct qr_conn *conn, const char *scope, const char *name,
                    Quarry__V1__LimitReply **ret, struct qr_err *err)
{
    QR_AUTO_RESULT rows = NULL;
    int rc = list(conn, scope, name, &rows, err);

    if (rc == QR_OK && PQntuples(rows) == 0)
        rc = qr_fail(err, QR_E_NOT_FOUND, "there is no limit %s=%s; hint: quarry limit list", scope,
                     name);
    if (rc < 0)
        return rc;
    Quarry__V1__LimitReply *reply = malloc(sizeof *reply);
    if (!reply)
        return qr_fail(err, QR_E_NOMEM, "limit: out of memory");
    quarry__v1__limit_reply__init(reply);
    reply->limit = limit_of_row(rows, 0);
    if (!reply->limit) {
        quarry__v1__limit_reply__free_unpacked(reply, NULL);
        return qr_fail(err, QR_E_NOMEM, "limit: out of memory");
    }
    *ret = reply;
    return QR_OK;
}

/* ------------------------------------------------------------------ set, remove */

struct set_txn {
    const Quarry__V1__SetLimitRequest *request;
    int32_t remove_id;
    bool created;
};

/* Queues are not made meanwhile: the new ones know of the limit. Claims only read the table. */
static const char lock_queues[] = "LOCK TABLE run_queues IN SHARE ROW EXCLUSIVE MODE";

/* No lease begins or ends while those that live get their places. Sessions come first (lock order).
 */
static int lock_sessions(struct qr_conn *conn, struct qr_err *err)
{
    QR_AUTO_RESULT rows = NULL;
    int rc = qr_conn_query(conn, "SELECT DISTINCT session_pk FROM live_batches LIMIT 100000", &rows,
                           err);

    if (rc < 0 || PQntuples(rows) == 0)
        return rc;
    size_t n = (size_t)PQntuples(rows);
    int64_t *keys = calloc(n, sizeof *keys);
    if (!keys)
        return qr_fail(err, QR_E_NOMEM, "limit: out of memory");
    for (size_t i = 0; i < n; i++)
        keys[i] = qr_lock_key_session(strtoull(PQgetvalue(rows, (int)i, 0), NULL, 10));
    rc = qr_lock_exclusive(conn, keys, n, err);
    free(keys);
    return rc;
}

static void positive_or_null(struct qr_params *params, double value)
{
    if (value > 0)
        qr_param_f64(params, value);
    else
        qr_param_null(params);
}

static int set_body(struct qr_conn *conn, void *arg, struct qr_err *err)
{
    struct set_txn *txn = arg;
    const Quarry__V1__SetLimitRequest *q = txn->request;
    struct qr_params params;
    QR_AUTO_RESULT row = NULL;

    int rc = lock_sessions(conn, err);
    if (rc == QR_OK)
        rc = qr_conn_exec(conn, lock_queues, err);
    if (rc < 0)
        return rc;
    qr_params_init(&params);
    qr_param_text(&params, q->scope);
    qr_param_text(&params, q->name);
    if (q->running > 0)
        qr_param_i32(&params, (int32_t)q->running);
    else
        qr_param_null(&params);
    positive_or_null(&params, q->rate);
    positive_or_null(&params, q->burst);
    rc = qr_conn_run(conn, QR_SQL_limit_set, &params, &row, err);
    if (rc < 0)
        return rc;
    txn->created = qr_get_bool(row, 0, 1);
    qr_params_init(&params);
    qr_param_i32(&params, qr_get_i32(row, 0, 0));
    return qr_conn_run(conn, QR_SQL_limit_bind, &params, NULL, err);
}

static int remove_body(struct qr_conn *conn, void *arg, struct qr_err *err)
{
    const struct set_txn *txn = arg;
    struct qr_params params;
    int rc = qr_conn_exec(conn, lock_queues, err);

    qr_params_init(&params);
    qr_param_i32(&params, txn->remove_id);
    return rc < 0 ? rc : qr_conn_run(conn, QR_SQL_limit_remove, &params, NULL, err);
}

int qr_limit_set(struct qr_conn *conn, const Quarry__V1__SetLimitRequest *request,
                 Quarry__V1__LimitReply **ret, struct qr_err *err)
{
    struct set_txn txn = {.request = request};
    enum qr_db_status status;
    int rc = check_name(request->scope, request->name, err);

    if (rc == QR_OK)
        rc = check_values(request, err);
    if (rc == QR_OK && strcmp(request->scope, "run") == 0)
        rc = check_run(conn, request->name, true, err);
    if (rc == QR_OK)
        rc = qr_transaction(conn, false, set_body, &txn, &status, err);
    if (rc == QR_OK)
        rc = reply_of(conn, request->scope, request->name, ret, err);
    if (rc < 0)
        return rc;
    (*ret)->created = txn.created;
    qr_limit_announce(qr_conn_db(conn), 1);
    return QR_OK;
}

int qr_limit_remove(struct qr_conn *conn, const Quarry__V1__RemoveLimitRequest *request,
                    Quarry__V1__LimitReply **ret, struct qr_err *err)
{
    struct set_txn txn = {0};
    enum qr_db_status status;
    int rc = check_name(request->scope, request->name, err);

    if (rc == QR_OK)
        rc = reply_of(conn, request->scope, request->name, ret, err);
    if (rc < 0)
        return rc;
    txn.remove_id = (int32_t)(*ret)->limit->id;
    rc = qr_transaction(conn, false, remove_body, &txn, &status, err);
    if (rc == QR_OK)
        qr_limit_announce(qr_conn_db(conn), 1);
    else
        quarry__v1__limit_reply__free_unpacked(*ret, NULL);
    if (rc < 0)
        *ret = NULL;
    return rc;
}

/* ------------------------------------------------------------------ places that are free again */

uint64_t qr_limit_freed(const PGresult *result)
{
    uint64_t types = 0;

    for (int i = 0; i < PQntuples(result); i++)
        types |= strcmp(qr_get_text(result, i, 0), "type") == 0
                     ? (uint64_t)1 << (qr_type_intern(qr_get_text(result, i, 1)) % QR_TYPES_MAX)
                     : 1;
    return types;
}

void qr_limit_announce(const struct qr_db *db, uint64_t types)
{
    if (!db || types == 0)
        return;
    atomic_fetch_add(&((struct qr_db *)(uintptr_t)db)->freed, 1);
    qr_announce_types(db, types & 1 ? 1 : types);
}

int qr_limit_sweep(struct qr_db *db, struct qr_conn *conn, struct qr_err *err)
{
    struct qr_params params;
    QR_AUTO_RESULT rows = NULL;
    int64_t now = qr_clock_ms();

    if (now < db->next_sweep_ms)
        return QR_OK;
    db->next_sweep_ms = now + SWEEP_GAP_MS;
    qr_params_init(&params);
    int rc = qr_conn_run(conn, QR_SQL_limit_sweep, &params, &rows, err);
    if (rc < 0 || PQntuples(rows) == 0)
        return rc;
    qr_log(QR_LOG_WARN, "limit.swept", "places=%d first_lease=%lld", PQntuples(rows),
           (long long)qr_get_i64(rows, 0, 0));
    atomic_fetch_add(&db->swept, (unsigned long long)PQntuples(rows));
    qr_limit_announce(db, 1);
    return QR_OK;
}

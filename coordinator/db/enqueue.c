#include "coordinator/db/enqueue.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/uri.h"
#include "coordinator/db/impl.h"
#include "coordinator/db/json.h"
#include "coordinator/engine/types.h"

enum { COLUMNS = 9, QUEUES_MAX = 512, SOURCE_MAX = 253 };

/* A queue of the run that is being filled: jobs of one type from one root or host. */
struct queue {
    qr_type_id type;
    char root[QR_ROOT_NAME_MAX + 1];
    char source[SOURCE_MAX + 1];
    int32_t id;
};

struct enqueue_txn {
    int64_t run_id;
    const struct qr_new_job *jobs;
    size_t n;
    struct qr_array columns[COLUMNS];
    struct queue *queues;
    size_t n_queues;
    uint8_t *skip; /* the same uri stood before */
    int32_t run_priority;
    bool skip_unchanged;
    uint64_t types; /* bit per type */
    struct qr_enqueue_result result;
};

static const enum qr_oid column_oid[COLUMNS] = {QR_OID_TEXT, QR_OID_TEXT, QR_OID_TEXT,
                                                QR_OID_INT8, QR_OID_INT8, QR_OID_INT4,
                                                QR_OID_TEXT, QR_OID_INT4, QR_OID_BOOL};

/* ------------------------------------------------------------------ checking */

static int check_job(const struct qr_new_job *job, struct qr_err *err)
{
    size_t len = strlen(job->uri);

    if (len == 0 || len > QR_URI_MAX)
        return qr_fail(err, QR_E_INVALID, "job '%.80s': an address has 1 .. %d bytes", job->uri,
                       QR_URI_MAX);
    if (!qr_utf8_is_valid(job->uri))
        return qr_fail(err, QR_E_INVALID,
                       "job: address is not UTF-8; hint: percent-encode the bytes");
    if (qr_type_intern(job->type) == 0)
        return qr_fail(err, QR_E_INVALID, "job '%.80s': '%.40s' is no job type", job->uri,
                       job->type);
    if (job->priority < -100 || job->priority > 100)
        return qr_fail(err, QR_E_INVALID, "job '%.80s': priority %d outside -100 .. 100", job->uri,
                       (int)job->priority);
    if (job->bytes > INT64_MAX)
        return qr_fail(err, QR_E_INVALID, "job '%.80s': size out of range", job->uri);
    return QR_OK;
}

static uint64_t hash_of(const char *text)
{
    uint64_t hash = 0xCBF29CE484222325u; /* FNV-1a, as in tools.c */

    for (const unsigned char *c = (const unsigned char *)text; *c; c++)
        hash = (hash ^ *c) * 0x100000001B3u;
    return hash;
}

/* One statement must not see a uri twice: mark what stood before. */
static int mark_doubles(struct enqueue_txn *txn, struct qr_err *err)
{
    size_t slots = 16;

    while (slots < txn->n * 2)
        slots *= 2;
    uint32_t *table = calloc(slots, sizeof *table); /* index + 1 */
    txn->skip = calloc(txn->n + 1, 1);
    if (!table || !txn->skip) {
        free(table);
        return qr_fail(err, QR_E_NOMEM, "enqueue: out of memory");
    }
    for (size_t i = 0; i < txn->n; i++) {
        size_t at = hash_of(txn->jobs[i].uri) & (slots - 1);
        while (table[at] && strcmp(txn->jobs[table[at] - 1].uri, txn->jobs[i].uri) != 0)
            at = (at + 1) & (slots - 1);
        txn->skip[i] = table[at] != 0;
        if (!table[at])
            table[at] = (uint32_t)i + 1;
    }
    free(table);
    return QR_OK;
}

/* ------------------------------------------------------------------ the transaction */

static int read_run(struct qr_conn *conn, struct enqueue_txn *txn, struct qr_err *err)
{
    struct qr_params params;
    QR_AUTO_RESULT row = NULL;

    qr_params_init(&params);
    qr_param_i64(&params, txn->run_id);
    int rc = qr_conn_run(conn, QR_SQL_enqueue_run, &params, &row, err);
    if (rc < 0)
        return rc;
    if (PQntuples(row) == 0)
        return qr_fail(err, QR_E_NOT_FOUND, "run %lld does not exist", (long long)txn->run_id);
    if (!qr_get_bool(row, 0, 0))
        return qr_fail(err, QR_E_STALE, "run %lld is closed; hint: create a new run",
                       (long long)txn->run_id);
    txn->run_priority = qr_get_i32(row, 0, 1);
    txn->skip_unchanged = qr_get_bool(row, 0, 3);
    return QR_OK;
}

static void root_of(const char *uri, char *root, size_t cap)
{
    static const char scheme[] = "root://";

    root[0] = '\0';
    if (strncmp(uri, scheme, sizeof scheme - 1) != 0)
        return;
    uri += sizeof scheme - 1;
    size_t len = strcspn(uri, "/");
    if (len < cap) {
        memcpy(root, uri, len);
        root[len] = '\0';
    }
}

/* What a limit of a source is about: the root's name, or the host (bucket) in small letters. */
static void source_of(const char *uri, const char *root, char *source, size_t cap)
{
    const char *at = strstr(uri, "://");
    size_t len = 0;

    snprintf(source, cap, "%s", root);
    if (root[0] || !at)
        return;
    at += 3;
    size_t end = strcspn(at, "/?#");
    for (size_t i = 0; i < end; i++)
        if (at[i] == '@') /* a name and a password are no part of it */
            len = i + 1;
    at += len;
    end -= len;
    len = at[0] == '[' ? strcspn(at, "]") + 1 : strcspn(at, ":/?#");
    if (len > end || len >= cap)
        return;
    for (size_t i = 0; i < len; i++)
        source[i] = (char)(at[i] >= 'A' && at[i] <= 'Z' ? at[i] + 32 : at[i]);
    source[len] = '\0';
}

static int queue_of(struct qr_conn *conn, struct enqueue_txn *txn, qr_type_id type,
                    const char *root, const char *source, int32_t *ret_id, struct qr_err *err)
{
    struct qr_params params;
    QR_AUTO_RESULT row = NULL;

    for (size_t i = 0; i < txn->n_queues; i++)
        if (txn->queues[i].type == type && strcmp(txn->queues[i].root, root) == 0 &&
            strcmp(txn->queues[i].source, source) == 0) {
            *ret_id = txn->queues[i].id;
            return QR_OK;
        }
    if (txn->n_queues >= QUEUES_MAX && !root[0] && strcmp(source, "*") != 0)
        return queue_of(conn, txn, type, root, "*", ret_id, err);
    if (txn->n_queues >= QUEUES_MAX + QR_TYPES_MAX)
        return qr_fail(err, QR_E_LIMIT, "enqueue: more than %d roots and types at once",
                       QUEUES_MAX);
    qr_params_init(&params);
    qr_param_i64(&params, txn->run_id);
    qr_param_text(&params, qr_type_name(type));
    qr_param_text(&params, root);
    qr_param_text(&params, source);
    int rc = qr_conn_run(conn, QR_SQL_enqueue_queue, &params, &row, err);
    if (rc < 0)
        return rc;
    struct queue *queue = &txn->queues[txn->n_queues++];
    queue->type = type;
    snprintf(queue->root, sizeof queue->root, "%s", root);
    snprintf(queue->source, sizeof queue->source, "%s", source);
    queue->id = *ret_id = qr_get_i32(row, 0, 0);
    return QR_OK;
}

static bool is_cad(const char *type)
{
    return strcmp(type, "creo") == 0 || strcmp(type, "cad") == 0;
}

static int fill(struct qr_conn *conn, struct enqueue_txn *txn, struct qr_err *err)
{
    struct qr_array *c = txn->columns;

    for (int i = 0; i < COLUMNS; i++)
        qr_array_clear(&c[i]);
    for (size_t i = 0; i < txn->n; i++) {
        const struct qr_new_job *job = &txn->jobs[i];
        char root[QR_ROOT_NAME_MAX + 1];
        char source[SOURCE_MAX + 1];
        int32_t queue_id;
        if (txn->skip[i])
            continue;
        qr_type_id type = qr_type_intern(job->type);
        root_of(job->uri, root, sizeof root);
        source_of(job->uri, root, source, sizeof source);
        int rc = queue_of(conn, txn, type, root, source, &queue_id, err);
        if (rc < 0)
            return rc;
        const char *slash = strrchr(job->uri, '/');
        int32_t priority = txn->run_priority + job->priority;
        qr_array_text(&c[0], job->uri);
        qr_array_text(&c[1], root);
        qr_array_text(&c[2], slash ? slash + 1 : job->uri);
        qr_array_i64(&c[3], (int64_t)job->bytes);
        qr_array_i64(&c[4], job->modified_ms);
        qr_array_i32(&c[5], queue_id);
        qr_array_text(&c[6], job->type);
        qr_array_i32(&c[7], priority);
        qr_array_bool(&c[8], is_cad(job->type));
        txn->types |= (uint64_t)1 << type;
    }
    return QR_OK;
}

static int insert(struct qr_conn *conn, struct enqueue_txn *txn, struct qr_err *err)
{
    struct qr_params params;
    QR_AUTO_RESULT row = NULL;

    qr_params_init(&params);
    qr_param_i64(&params, txn->run_id);
    for (int i = 0; i < COLUMNS - 1; i++)
        qr_param_array(&params, &txn->columns[i]);
    qr_param_bool(&params, txn->skip_unchanged);
    qr_param_array(&params, &txn->columns[COLUMNS - 1]);
    int rc = qr_conn_run(conn, QR_SQL_enqueue_jobs, &params, &row, err);
    if (rc < 0)
        return rc;
    txn->result.inserted = (uint64_t)qr_get_i64(row, 0, 0);
    txn->result.unchanged = (uint64_t)qr_get_i64(row, 0, 1);
    return QR_OK;
}

static int count(struct qr_conn *conn, struct enqueue_txn *txn, struct qr_err *err)
{
    struct qr_params params;
    QR_AUTO_RESULT row = NULL;

    qr_params_init(&params);
    qr_param_i64(&params, txn->run_id);
    qr_param_i64(&params, (int64_t)txn->result.inserted);
    int rc = qr_conn_run(conn, QR_SQL_stage_enqueue, &params, &row, err);
    if (rc == QR_OK && PQntuples(row) == 0)
        rc = qr_fail(err, QR_E_STALE, "run %lld was closed meanwhile; hint: create a new run",
                     (long long)txn->run_id);
    return rc;
}

static int enqueue_body(struct qr_conn *conn, void *arg, struct qr_err *err)
{
    struct enqueue_txn *txn = arg;

    txn->n_queues = 0;
    txn->types = 0;
    int rc = read_run(conn, txn, err);
    if (rc == QR_OK)
        rc = fill(conn, txn, err);
    if (rc == QR_OK)
        rc = insert(conn, txn, err);
    return rc < 0 ? rc : count(conn, txn, err);
}

int qr_enqueue(struct qr_conn *conn, int64_t run_id, const struct qr_new_job *jobs, size_t n,
               struct qr_enqueue_result *ret, struct qr_err *err)
{
    struct enqueue_txn txn = {.run_id = run_id, .jobs = jobs, .n = n};
    enum qr_db_status status;
    int rc = QR_OK;

    if (n > QR_ENQUEUE_MAX)
        return qr_fail(err, QR_E_INVALID, "%zu jobs in one call; hint: at most %d", n,
                       QR_ENQUEUE_MAX);
    for (size_t i = 0; i < n && rc == QR_OK; i++)
        rc = check_job(&jobs[i], err);
    if (rc < 0)
        return rc;
    txn.queues = calloc(QUEUES_MAX + QR_TYPES_MAX, sizeof *txn.queues);
    if (!txn.queues)
        return qr_fail(err, QR_E_NOMEM, "enqueue: out of memory");
    for (int i = 0; i < COLUMNS; i++)
        qr_array_init(&txn.columns[i], column_oid[i]);
    rc = mark_doubles(&txn, err);
    if (rc == QR_OK)
        rc = qr_transaction(conn, false, enqueue_body, &txn, &status, err);
    for (int i = 0; i < COLUMNS; i++)
        qr_array_done(&txn.columns[i]);
    free(txn.queues);
    free(txn.skip);
    if (rc < 0)
        return rc;
    if (txn.result.inserted > 0)
        qr_announce_types(qr_conn_db(conn), txn.types);
    *ret = txn.result;
    return QR_OK;
}

/* Which queue of its run a job belongs to: the jobs of one type from one root or host. */
#include <stdio.h>
#include <string.h>

#include "common/filetype.h"
#include "coordinator/db/enqueue_intern.h"
#include "coordinator/db/impl.h"

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

static int find(struct qr_enqueue_txn *txn, qr_type_id type, const char *root, const char *source,
                uint16_t *ret, struct qr_err *err)
{
    struct qr_enqueue_queue *queue;

    for (size_t i = 0; i < txn->n_queues; i++) {
        queue = &txn->queues[i];
        if (queue->type == type && strcmp(queue->root, root) == 0 &&
            strcmp(queue->source, source) == 0) {
            *ret = (uint16_t)i;
            return QR_OK;
        }
    }
    if (txn->n_queues >= QR_ENQUEUE_QUEUES_MAX && !root[0] && strcmp(source, "*") != 0)
        return find(txn, type, root, "*", ret, err);
    if (txn->n_queues >= QR_ENQUEUE_QUEUES_MAX + QR_TYPES_MAX)
        return qr_fail(err, QR_E_LIMIT, "enqueue: more than %d roots and types at once",
                       QR_ENQUEUE_QUEUES_MAX);
    queue = &txn->queues[txn->n_queues];
    *queue =
        (struct qr_enqueue_queue){.type = type, .cad = qr_filetype_is_model(qr_type_name(type))};
    snprintf(queue->root, sizeof queue->root, "%s", root);
    snprintf(queue->source, sizeof queue->source, "%s", source);
    *ret = (uint16_t)txn->n_queues++;
    return QR_OK;
}

/* Where that part of a uri ends which says what root and source are. */
static size_t authority_of(const char *uri)
{
    const char *at = strstr(uri, "://");
    return at ? (size_t)(at - uri) + 3 + strcspn(at + 3, "/?#") : 0;
}

int qr_enqueue_find_queue(struct qr_enqueue_txn *txn, struct qr_enqueue_job *j,
                          const struct qr_enqueue_job *last, struct qr_err *err)
{
    char root[QR_ROOT_NAME_MAX + 1], source[QR_ENQUEUE_SOURCE_MAX + 1];
    const char *uri = j->job->uri;

    j->authority_len = (uint16_t)authority_of(uri);
    if (last && last->authority_len == j->authority_len &&
        memcmp(last->job->uri, uri, j->authority_len) == 0 &&
        strcmp(last->job->type, j->job->type) == 0) {
        j->queue = last->queue;
        return QR_OK;
    }
    qr_type_id type = qr_type_intern(j->job->type);
    if (type == 0)
        return qr_fail(err, QR_E_INVALID, "job '%.80s': '%.40s' is no job type", uri, j->job->type);
    root_of(uri, root, sizeof root);
    source_of(uri, root, source, sizeof source);
    return find(txn, type, root, source, &j->queue, err);
}

void qr_enqueue_queue_params(const struct qr_enqueue_txn *txn, const struct qr_enqueue_queue *queue,
                             struct qr_params *ret)
{
    qr_params_init(ret);
    qr_param_i64(ret, txn->run_id);
    qr_param_text(ret, qr_type_name(queue->type));
    qr_param_text(ret, queue->root);
    qr_param_text(ret, queue->source);
}

static int make_queue(struct qr_conn *conn, const struct qr_enqueue_txn *txn,
                      struct qr_enqueue_queue *queue, struct qr_err *err)
{
    struct qr_params params;
    QR_AUTO_RESULT row = NULL;

    qr_enqueue_queue_params(txn, queue, &params);
    int rc = qr_conn_run(conn, QR_SQL_enqueue_queue_live, &params, &row, err);
    if (rc == QR_OK && PQntuples(row) == 0) { /* for the first time, or again */
        PQclear(row);
        row = NULL;
        rc = qr_conn_run(conn, QR_SQL_enqueue_queue, &params, &row, err);
    }
    if (rc == QR_OK)
        queue->id = qr_get_i32(row, 0, 0);
    return rc;
}

int qr_enqueue_make_queues(struct qr_conn *conn, struct qr_enqueue_txn *txn, struct qr_err *err)
{
    int rc = QR_OK;

    for (size_t i = 0; rc == QR_OK && i < txn->n_queues; i++)
        if (txn->queues[i].id == 0)
            rc = make_queue(conn, txn, &txn->queues[i], err);
    return rc;
}

/* Found jobs of one run to its tables: in the order of their uris, each once, files first, then
 * jobs. What an enqueue does for its calls (queues, keys) is used as it is. */
#include <stdlib.h>

#include "coordinator/db/settle_children.h"

static int compare_child(const void *a, const void *b)
{
    const struct qr_child *x = a;
    const struct qr_child *y = b;
    int order = strcmp(x->job.uri, y->job.uri);

    if (order != 0)
        return order;
    return (x->item->settle->job_id > y->item->settle->job_id) -
           (x->item->settle->job_id < y->item->settle->job_id);
}

/* By uri, each once; the queue of each. */
static int sort_out(struct qr_children *c, struct qr_err *err)
{
    size_t kept = 0;
    int rc = QR_OK;

    qsort(c->list, c->n, sizeof *c->list, compare_child);
    for (size_t i = 0; i < c->n; i++) {
        if (kept > 0 && strcmp(c->list[kept - 1].job.uri, c->list[i].job.uri) == 0)
            c->list[i].item->children->n_known++;
        else
            c->list[kept++] = c->list[i];
    }
    c->n = kept;
    c->queues = (struct qr_enqueue_txn){.run_id = c->run_id, .n = kept, .n_jobs = kept};
    c->queues.jobs = calloc(kept, sizeof *c->queues.jobs);
    c->queues.queues = malloc((QR_ENQUEUE_QUEUES_MAX + QR_TYPES_MAX) * sizeof *c->queues.queues);
    if (!c->queues.jobs || !c->queues.queues)
        return qr_fail(err, QR_E_NOMEM, "settle: out of memory");
    for (size_t i = 0; rc == QR_OK && i < kept; i++) {
        c->queues.jobs[i].job = &c->list[i].job;
        c->keyed = c->keyed || c->list[i].job.dedupe;
        rc = qr_enqueue_find_queue(&c->queues, &c->queues.jobs[i], NULL, err);
    }
    return rc;
}

static int lock_keys(struct qr_conn *conn, const struct qr_children *c, struct qr_err *err)
{
    struct qr_array keys;
    struct qr_params params;

    if (!c->keyed)
        return QR_OK;
    qr_array_init(&keys, QR_OID_TEXT);
    for (size_t i = 0; i < c->n; i++)
        if (c->list[i].job.dedupe)
            qr_array_text(&keys, c->list[i].job.dedupe);
    qr_params_init(&params);
    qr_param_i64(&params, c->run_id);
    qr_param_array(&params, &keys);
    int rc = qr_conn_run(conn, QR_SQL_enqueue_keys, &params, NULL, err);
    qr_array_done(&keys);
    return rc;
}

static int add_files(struct qr_conn *conn, struct qr_children *c, struct qr_err *err)
{
    enum { URI, ROOT, NAME, BYTES, MODIFIED, N };
    static const enum qr_oid oids[N] = {QR_OID_TEXT, QR_OID_TEXT, QR_OID_TEXT, QR_OID_INT8,
                                        QR_OID_INT8};
    struct qr_array columns[N];
    struct qr_params params;
    QR_AUTO_RESULT row = NULL;

    for (int i = 0; i < N; i++)
        qr_array_init(&columns[i], oids[i]);
    for (size_t i = 0; i < c->n; i++) {
        const struct qr_new_job *job = &c->list[i].job;
        const char *slash = strrchr(job->uri, '/');
        int64_t modified_us;
        qr_array_text(&columns[URI], job->uri);
        qr_array_text(&columns[ROOT], c->queues.queues[c->queues.jobs[i].queue].root);
        qr_array_text(&columns[NAME], slash ? slash + 1 : job->uri);
        qr_array_i64(&columns[BYTES], (int64_t)job->bytes);
        if (qr_enqueue_modified(job, &modified_us))
            qr_array_i64(&columns[MODIFIED], modified_us);
        else
            qr_array_null(&columns[MODIFIED]);
    }
    qr_params_init(&params);
    for (int i = 0; i < N; i++)
        qr_param_array(&params, &columns[i]);
    int rc = qr_conn_run(conn, QR_SQL_children_files, &params, &row, err);
    if (rc == QR_OK)
        c->first_job = qr_get_i64(row, 0, 0);
    for (int i = 0; i < N; i++)
        qr_array_done(&columns[i]);
    return rc;
}

enum column { PARENT, URI, QUEUE, TYPE, PRIORITY, CAD, KEY, DEPTH, COLUMNS };

static void fill_jobs(const struct qr_children *c, struct qr_array *columns)
{
    for (size_t i = 0; i < c->n; i++) {
        const struct qr_child *child = &c->list[i];
        const struct qr_enqueue_queue *queue = &c->queues.queues[c->queues.jobs[i].queue];
        qr_array_i64(&columns[PARENT], (int64_t)child->item->settle->job_id);
        qr_array_text(&columns[URI], child->job.uri);
        qr_array_i32(&columns[QUEUE], queue->id);
        qr_array_text(&columns[TYPE], qr_type_name(queue->type));
        qr_array_i32(&columns[PRIORITY], child->job.priority);
        qr_array_bool(&columns[CAD], queue->cad);
        qr_array_text(&columns[KEY], child->job.dedupe);
        qr_array_i32(&columns[DEPTH], child->depth);
    }
}

static void read_added(struct settle_txn *txn, const struct qr_children *c, const PGresult *rows)
{
    for (int i = 0; i < PQntuples(rows); i++) {
        size_t at = (size_t)qr_get_i64(rows, i, 0) - 1;
        struct settle_item *item = c->list[at].item;
        if (qr_get_bool(rows, i, 1)) {
            item->children->n_new++;
            txn->found_types |= (uint64_t)1 << c->queues.queues[c->queues.jobs[at].queue].type;
        } else if (qr_get_bool(rows, i, 2)) {
            item->children->n_unchanged++;
        } else {
            item->children->n_known++;
        }
    }
}

static int add_jobs(struct qr_conn *conn, struct settle_txn *txn, struct qr_children *c,
                    struct qr_err *err)
{
    static const enum qr_oid oids[COLUMNS] = {
        [PARENT] = QR_OID_INT8, [URI] = QR_OID_TEXT,      [QUEUE] = QR_OID_INT4,
        [TYPE] = QR_OID_TEXT,   [PRIORITY] = QR_OID_INT4, [CAD] = QR_OID_BOOL,
        [KEY] = QR_OID_TEXT,    [DEPTH] = QR_OID_INT4};
    struct qr_array columns[COLUMNS];
    struct qr_params params;
    QR_AUTO_RESULT rows = NULL;

    for (int i = 0; i < COLUMNS; i++)
        qr_array_init(&columns[i], oids[i]);
    fill_jobs(c, columns);
    qr_params_init(&params);
    qr_param_i64(&params, c->run_id);
    for (int i = 0; i < COLUMNS; i++)
        qr_param_array(&params, &columns[i]);
    qr_param_i64(&params, c->first_job);
    qr_param_bool(&params, c->skips);
    int rc = qr_conn_run(conn, QR_SQL_children_jobs, &params, &rows, err);
    if (rc == QR_OK)
        read_added(txn, c, rows);
    for (int i = 0; i < COLUMNS; i++)
        qr_array_done(&columns[i]);
    return rc;
}

int qr_children_store(struct qr_conn *conn, struct settle_txn *txn, struct qr_children *c,
                      struct qr_err *err)
{
    int rc = c->n > 0 ? sort_out(c, err) : QR_OK;

    if (rc == QR_OK && c->n > 0)
        rc = qr_enqueue_make_queues(conn, &c->queues, err);
    if (rc == QR_OK && c->n > 0)
        rc = lock_keys(conn, c, err);
    if (rc == QR_OK && c->n > 0)
        rc = add_files(conn, c, err);
    if (rc == QR_OK && c->n > 0)
        rc = add_jobs(conn, txn, c, err);
    free(c->queues.jobs);
    free(c->queues.queues);
    c->queues = (struct qr_enqueue_txn){.run_id = 0};
    return rc;
}

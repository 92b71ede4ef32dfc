/* Files that nobody has seen yet. Their jobs are new too, in this run and in every earlier one, so
 * plain rows are copied in; that a file is new after all is checked by its unique index alone. */
#include <stdlib.h>
#include <string.h>

#include "coordinator/db/copy.h"
#include "coordinator/db/enqueue_intern.h"
#include "coordinator/db/impl.h"

/* ------------------------------------------------------------------ probing */

/* Whoever lists a folder again lists known files, so a few tell. */
int qr_enqueue_probe(struct qr_conn *conn, const struct qr_enqueue_txn *txn, bool *ret_new,
                     struct qr_err *err)
{
    enum { SAMPLES = 16 };
    struct qr_array uris;
    struct qr_params params;
    QR_AUTO_RESULT row = NULL;
    size_t step = txn->n_jobs / SAMPLES + 1;

    qr_array_init(&uris, QR_OID_TEXT);
    for (size_t i = 0; i < txn->n_jobs; i += step)
        qr_array_text(&uris, txn->jobs[i].job->uri);
    qr_params_init(&params);
    qr_param_array(&params, &uris);
    int rc = qr_conn_run(conn, QR_SQL_enqueue_known, &params, &row, err);
    qr_array_done(&uris);
    *ret_new = rc == QR_OK && !qr_get_bool(row, 0, 0);
    return rc;
}

/* ------------------------------------------------------------------ rows */

static void fill_files(const struct qr_enqueue_txn *txn, struct qr_copy *copy)
{
    for (size_t i = 0; i < txn->n_jobs; i++) {
        const struct qr_enqueue_job *j = &txn->jobs[i];
        int64_t modified_us;
        qr_copy_row(copy, 6);
        qr_copy_i64(copy, txn->first_file + (int64_t)i);
        qr_copy_text(copy, j->job->uri, j->uri_len);
        const char *root = txn->queues[j->queue].root;
        qr_copy_text(copy, root, strlen(root));
        qr_copy_text(copy, j->job->uri + j->name_at, (size_t)(j->uri_len - j->name_at));
        qr_copy_i64(copy, (int64_t)j->job->bytes);
        if (qr_enqueue_modified(j->job, &modified_us))
            qr_copy_i64(copy, modified_us);
        else
            qr_copy_null(copy);
    }
}

/* by_place: index into txn->jobs + 1, 0 where the uri stood before. Jobs are written in the order
 * of their numbers, which is that of the call. */
static void fill_jobs(const struct qr_enqueue_txn *txn, const uint32_t *by_place,
                      struct qr_copy *copy)
{
    for (size_t place = 0; place < txn->n; place++) {
        if (by_place[place] == 0)
            continue;
        const struct qr_enqueue_job *j = &txn->jobs[by_place[place] - 1];
        const char *type = qr_type_name(txn->queues[j->queue].type);
        qr_copy_row(copy, 6);
        qr_copy_i64(copy, txn->first_job + (int64_t)place);
        qr_copy_i64(copy, txn->run_id);
        qr_copy_i64(copy, txn->first_file + (int64_t)by_place[place] - 1);
        qr_copy_i32(copy, txn->queues[j->queue].id);
        qr_copy_i32(copy, txn->run_priority + j->job->priority);
        qr_copy_text(copy, type, strlen(type));
    }
}

/* What an offer says, so that the claim need not look it up. */
static void fill_offer(const struct qr_enqueue_job *j, struct qr_copy *copy)
{
    int64_t modified_us;

    qr_copy_i64(copy, (int64_t)j->job->bytes);
    if (qr_enqueue_modified(j->job, &modified_us))
        qr_copy_i64(copy, j->job->modified_ms);
    else
        qr_copy_null(copy);
    qr_copy_text(copy, j->job->uri, j->uri_len);
}

/* Those that start now, or those that start later. */
static void fill_ready(const struct qr_enqueue_txn *txn, const uint32_t *by_place, bool later,
                       struct qr_copy *copy)
{
    for (size_t place = 0; place < txn->n; place++) {
        if (by_place[place] == 0)
            continue;
        const struct qr_enqueue_job *j = &txn->jobs[by_place[place] - 1];
        int64_t start_us = qr_enqueue_start(txn, j->job);
        if ((start_us != 0) != later)
            continue;
        qr_copy_row(copy, later ? 4 : 6);
        qr_copy_i64(copy, txn->first_job + (int64_t)place);
        qr_copy_i32(copy, txn->queues[j->queue].id);
        qr_copy_i16(copy, (int16_t)(-txn->run_priority - j->job->priority));
        if (later)
            qr_copy_i64(copy, start_us);
        else
            fill_offer(j, copy);
    }
}

static void fill_models(const struct qr_enqueue_txn *txn, struct qr_copy *copy)
{
    for (size_t i = 0; i < txn->n_jobs; i++) {
        if (!txn->queues[txn->jobs[i].queue].cad)
            continue;
        qr_copy_row(copy, 3);
        qr_copy_i64(copy, txn->first_file + (int64_t)i);
        qr_copy_i64(copy, txn->first_job + txn->jobs[i].place);
        qr_copy_i64(copy, txn->run_id);
    }
}

/* ------------------------------------------------------------------ the audit trail */

static int write_events(struct qr_conn *conn, const struct qr_enqueue_txn *txn,
                        const uint32_t *by_place, struct qr_err *err)
{
    struct qr_array run, from, to, ids;
    struct qr_params params;

    qr_array_init(&run, QR_OID_INT8);
    qr_array_init(&from, QR_OID_INT4);
    qr_array_init(&to, QR_OID_INT4);
    qr_array_init(&ids, QR_OID_INT8);
    for (size_t place = 0; place < txn->n; place++)
        if (by_place[place] != 0)
            qr_array_i64(&ids, txn->first_job + (int64_t)place);
    for (int32_t at = 1; at <= ids.n; at += QR_EVENT_IDS_MAX) {
        qr_array_i64(&run, txn->run_id);
        qr_array_i32(&from, at);
        qr_array_i32(&to, at + QR_EVENT_IDS_MAX - 1 < ids.n ? at + QR_EVENT_IDS_MAX - 1 : ids.n);
    }
    qr_params_init(&params);
    qr_param_text(&params, "created");
    qr_param_array(&params, &run);
    qr_param_array(&params, &from);
    qr_param_array(&params, &to);
    qr_param_array(&params, &ids);
    int rc = qr_conn_run(conn, QR_SQL_events_batch, &params, NULL, err);
    qr_array_done(&run);
    qr_array_done(&from);
    qr_array_done(&to);
    qr_array_done(&ids);
    return rc;
}

/* ------------------------------------------------------------------ all of it */

static int send_all(struct qr_conn *conn, const struct qr_enqueue_txn *txn,
                    const uint32_t *by_place, struct qr_copy *copy, struct qr_err *err)
{
    qr_copy_begin(copy);
    fill_files(txn, copy);
    int rc = qr_copy_send(conn, QR_SQL_enqueue_copy_files, copy, err);
    if (rc < 0)
        return rc;
    qr_copy_begin(copy);
    fill_jobs(txn, by_place, copy);
    rc = qr_copy_send(conn, QR_SQL_enqueue_copy_jobs, copy, err);
    for (int later = 0; rc == QR_OK && later < 2; later++) {
        qr_copy_begin(copy);
        fill_ready(txn, by_place, later, copy);
        rc = qr_copy_send(conn, later ? QR_SQL_enqueue_copy_delayed : QR_SQL_enqueue_copy_ready,
                          copy, err);
    }
    if (rc < 0)
        return rc;
    qr_copy_begin(copy);
    fill_models(txn, copy);
    rc = qr_copy_send(conn, QR_SQL_enqueue_copy_models, copy, err);
    return rc < 0 ? rc : write_events(conn, txn, by_place, err);
}

int qr_enqueue_copy(struct qr_conn *conn, struct qr_enqueue_txn *txn, struct qr_err *err)
{
    uint32_t *by_place = calloc(txn->n + 1, sizeof *by_place);
    struct qr_copy copy;

    if (!by_place)
        return qr_fail(err, QR_E_NOMEM, "enqueue: out of memory");
    for (size_t i = 0; i < txn->n_jobs; i++)
        by_place[txn->jobs[i].place] = (uint32_t)i + 1;
    qr_copy_init(&copy);
    int rc = send_all(conn, txn, by_place, &copy, err);
    qr_copy_done(&copy);
    free(by_place);
    txn->result = (struct qr_enqueue_result){.inserted = rc < 0 ? 0 : txn->n_jobs};
    return rc;
}

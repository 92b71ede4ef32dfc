#include "coordinator/db/checkpoint.h"

#include <stdlib.h>

#include "common/log.h"
#include "common/record/notes.h"

static void fence(struct qr_params *params, const struct qr_checkpoint *c)
{
    qr_params_init(params);
    qr_param_i64(params, (int64_t)c->lease_id);
    qr_param_i64(params, (int64_t)c->job_id);
    qr_param_i64(params, (int64_t)c->session_pk);
}

/* Why was it not taken? */
static int look(struct qr_conn *conn, struct qr_checkpoint *c, struct qr_err *err)
{
    struct qr_params params;
    QR_AUTO_RESULT row = NULL;

    fence(&params, c);
    int rc = qr_conn_run(conn, QR_SQL_checkpoint_stands, &params, &row, err);
    if (rc < 0)
        return rc;
    c->stale = PQntuples(row) == 0;
    c->stands = c->stale ? 0 : (uint64_t)qr_get_i32(row, 0, 0);
    if (!c->stale && c->stands + 1 == c->number)
        qr_log(QR_LOG_WARN, "checkpoint.full",
               "job=%llu bytes=%lld more=%zu limit=%lld detail=\"later work of this attempt is not "
               "kept\"",
               (unsigned long long)c->job_id, (long long)qr_get_i64(row, 0, 1), c->part_len,
               (long long)QR_PARTS_BYTES_MAX);
    return QR_OK;
}

int qr_checkpoint_write(struct qr_conn *conn, struct qr_checkpoint *c, struct qr_err *err)
{
    struct qr_params params;
    QR_AUTO_RESULT row = NULL;

    fence(&params, c);
    qr_param_i32(&params, (int32_t)c->number);
    qr_param_bytes(&params, c->data ? (const void *)c->data : "", c->data_len);
    qr_param_bytes(&params, c->part ? (const void *)c->part : "", c->part_len);
    qr_param_bool(&params, c->anew);
    qr_param_i64(&params, QR_PARTS_BYTES_MAX);
    c->stale = false;
    c->stands = c->number;
    int rc = qr_conn_run(conn, QR_SQL_checkpoint, &params, &row, err);
    return rc == QR_OK && PQntuples(row) == 0 ? look(conn, c, err) : rc;
}

int qr_parts_read(struct qr_conn *conn, int64_t job_id, uint64_t offset, int32_t most,
                  struct qr_buf *out, struct qr_err *err)
{
    struct qr_params params;
    size_t before = out->len;
    size_t len = 1;

    while (len > 0 && out->len - before < (size_t)most) {
        QR_AUTO_RESULT row = NULL;
        size_t have = out->len - before;
        qr_params_init(&params);
        qr_param_i64(&params, job_id);
        qr_param_i64(&params, (int64_t)(offset + have));
        qr_param_i32(&params, most - (int32_t)have);
        int rc = qr_conn_run(conn, QR_SQL_parts_read, &params, &row, err);
        if (rc < 0)
            return rc;
        len = 0;
        const void *data = PQntuples(row) > 0 ? qr_get_bytes(row, 0, 0, &len) : NULL;
        if (len > 0 && !qr_buf_append(out, data, len))
            return qr_fail(err, QR_E_NOMEM, "read the parts of a job: out of memory");
    }
    return QR_OK;
}

/* Adds a note to a record that the decoder made: its memory is the C library's. */
static void add_note(qr_record *record, const char *code, const char *message)
{
    Quarry__V1__Note *note = malloc(sizeof *note);
    Quarry__V1__Note **notes =
        realloc(record->notes, (record->n_notes + 1) * sizeof(Quarry__V1__Note *));

    if (notes)
        record->notes = notes;
    if (!note || !notes) {
        free(note);
        return;
    }
    quarry__v1__note__init(note);
    note->code = strdup(code);
    note->message = strdup(message);
    note->count = 1;
    if (!note->code || !note->message) {
        free(note->code);
        free(note->message);
        free(note);
        return;
    }
    record->notes[record->n_notes++] = note;
}

static qr_record *join(const struct qr_buf *parts, const char *why)
{
    enum qr_class class = QR_CLASS_NONE;
    char message[200];
    qr_record *record = qr_record_decode(parts->data, parts->len, &class, message, sizeof message);

    if (!record)
        return NULL;
    size_t kept = qr_record_join_notes(record);
    while (record->n_notes > kept)
        quarry__v1__note__free_unpacked(record->notes[--record->n_notes], NULL);
    record->partial = true;
    add_note(record, "job.unfinished", why);
    return record;
}

int qr_parts_record(struct qr_conn *conn, int64_t job_id, const char *why, qr_record **ret,
                    struct qr_err *err)
{
    struct qr_params params;
    struct qr_buf parts;
    QR_AUTO_RESULT rows = NULL;
    bool whole = true;

    *ret = NULL;
    qr_params_init(&params);
    qr_param_i64(&params, job_id);
    int rc = qr_conn_run(conn, QR_SQL_parts_all, &params, &rows, err);
    if (rc < 0)
        return rc;
    qr_buf_init(&parts, (size_t)QR_PARTS_BYTES_MAX);
    for (int i = 0; whole && i < PQntuples(rows); i++) {
        size_t len = 0;
        const void *data = qr_get_bytes(rows, i, 1, &len);
        whole = qr_get_i64(rows, i, 0) == (int64_t)parts.len && qr_buf_append(&parts, data, len);
    }
    if (whole && parts.len > 0)
        *ret = join(&parts, why);
    qr_buf_done(&parts);
    return QR_OK;
}

int qr_parts_drop(struct qr_conn *conn, struct qr_array *job_ids, bool for_good, struct qr_err *err)
{
    struct qr_params params;

    qr_params_init(&params);
    qr_param_array(&params, job_ids);
    qr_param_bool(&params, for_good);
    return qr_conn_run(conn, QR_SQL_parts_drop, &params, NULL, err);
}

/* The states of settled jobs (steps 1 and 2 of settle.c): the fence, completions, failures and what
 * becomes of them, and what the fence refused. */
#include <stdlib.h>

#include "common/filetype.h"
#include "coordinator/db/json.h"
#include "coordinator/db/pattern.h"
#include "coordinator/db/settle.h"

enum { MESSAGE_MAX = 2000 };

bool qr_settle_is_failure(const struct settle_item *item)
{
    return item->rejected || item->settle->error_class != QR_CLASS_NONE;
}

struct session_key {
    int64_t key;
    bool fails;
};

static int compare_keys(const void *a, const void *b)
{
    const struct session_key *x = a;
    const struct session_key *y = b;
    return (x->key > y->key) - (x->key < y->key);
}

/* The sessions' locks, in order; exclusive where a result says that its job failed. */
static int gather_locks(struct settle_txn *txn, struct qr_err *err)
{
    struct session_key *keys = calloc(txn->n, sizeof *keys);

    if (!keys)
        return qr_fail(err, QR_E_NOMEM, "settle: out of memory");
    for (size_t i = 0; i < txn->n; i++)
        keys[i] = (struct session_key){qr_lock_key_session(txn->items[i]->settle->session_pk),
                                       qr_settle_is_failure(txn->items[i])};
    qsort(keys, txn->n, sizeof *keys, compare_keys);
    qr_array_clear(&txn->columns[0]);
    qr_array_clear(&txn->columns[4]);
    for (size_t i = 0; i < txn->n;) {
        int64_t key = keys[i].key;
        bool fails = false;
        for (; i < txn->n && keys[i].key == key; i++)
            fails = fails || keys[i].fails;
        qr_array_i64(&txn->columns[0], key);
        qr_array_bool(&txn->columns[4], fails);
    }
    free(keys);
    return QR_OK;
}

int qr_settle_lock_sessions(struct qr_conn *conn, struct settle_txn *txn, struct qr_err *err)
{
    struct qr_params params, batches;
    PGresult *results[3] = {NULL};

    int rc = gather_locks(txn, err);
    if (rc < 0)
        return rc;
    qr_params_init(&params);
    qr_param_array(&params, &txn->columns[0]);
    qr_param_bytes(&params, txn->db->epoch, QR_EPOCH_BYTES);
    qr_param_array(&params, &txn->columns[4]);
    rc = qr_settle_batches_params(txn, &batches, err);
    if (rc < 0)
        return rc;
    const struct qr_call calls[] = {
        {QR_SQL_begin, NULL}, {QR_SQL_settle_locks, &params}, {QR_SQL_settle_batches, &batches}};
    rc = qr_conn_pipeline(conn, calls, QR_COUNT(calls), results, err);
    txn->epoch_holds = rc == QR_OK && qr_get_bool(results[1], 0, 0);
    PQclear(results[0]);
    PQclear(results[1]);
    return rc == QR_OK ? qr_settle_batches_read(txn, results[2], err) : rc;
}

static void accept(struct settle_txn *txn, struct settle_item *item, int64_t run_id,
                   int64_t file_id, const char *type, bool limited)
{
    item->accepted = true;
    item->run_id = run_id;
    item->file_id = file_id;
    item->is_cad = qr_filetype_is_model(type);
    item->limited = limited;
    txn->n_limited += limited;
    txn->n_accepted++;
}

/* Nothing to write but that it is done: most no-ops, and records without parameters or parts. */
static bool is_bare(const struct settle_item *item)
{
    const qr_record *r = item->record;

    return !item->parameters && !item->bom && !(r && (r->partial || r->empty_reason[0]));
}

static void gather_completed(struct settle_txn *txn, bool bare)
{
    struct qr_array *c = txn->columns;

    for (int i = 0; i < SETTLE_COLUMNS; i++)
        qr_array_clear(&c[i]);
    txn->n_order = 0;
    for (size_t i = 0; i < txn->n; i++) {
        struct settle_item *item = txn->items[i];
        const struct qr_settle *s = item->settle;
        const qr_record *r = item->record;
        if (qr_settle_is_failure(item) || is_bare(item) != bare || !qr_settle_holds(txn, s))
            continue;
        txn->order[txn->n_order++] = item;
        qr_array_i64(&c[0], (int64_t)s->lease_id);
        qr_array_i64(&c[1], (int64_t)s->job_id);
        qr_array_i32(&c[3], s->duration_ms > INT32_MAX ? INT32_MAX : (int32_t)s->duration_ms);
        if (bare)
            continue;
        qr_array_bool(&c[4], r && r->partial);
        qr_array_text(&c[5], r && r->empty_reason[0] ? r->empty_reason : NULL);
        qr_array_text(&c[6], item->parameters);
        qr_array_text(&c[7], item->bom);
    }
}

static int complete(struct qr_conn *conn, struct settle_txn *txn, bool bare, struct qr_err *err)
{
    struct qr_array *c = txn->columns;
    struct qr_params params;
    QR_AUTO_RESULT result = NULL;

    gather_completed(txn, bare);
    if (txn->n_order == 0)
        return QR_OK;
    qr_params_init(&params);
    qr_param_array(&params, &c[0]);
    qr_param_array(&params, &c[1]);
    for (int i = 3; i < (bare ? 4 : 8); i++)
        qr_param_array(&params, &c[i]);
    int rc =
        qr_conn_run(conn, bare ? QR_SQL_settle_done : QR_SQL_settle_found, &params, &result, err);
    for (int i = 0; rc == QR_OK && i < PQntuples(result); i++) {
        struct settle_item *item = txn->order[qr_get_i64(result, i, 0) - 1];
        accept(txn, item, qr_get_i64(result, i, 1), qr_get_i64(result, i, 2),
               qr_get_text(result, i, 3), qr_settle_is_limited(txn, item->settle));
        item->has_parts = qr_get_bool(result, i, 4);
        qr_settle_ended(txn, item->settle);
    }
    return rc;
}

int qr_settle_complete(struct qr_conn *conn, struct settle_txn *txn, struct qr_err *err)
{
    int rc = complete(conn, txn, true, err);

    return rc == QR_OK ? complete(conn, txn, false, err) : rc;
}

/* What becomes of a failed job: to `item`. */
static void decide(struct settle_item *item, const PGresult *row, int i)
{
    const struct qr_settle *s = item->settle;
    const char *stop = qr_get_text(row, i, 7);
    enum qr_class class = item->rejected ? s->reject_class : s->error_class;
    int retries = qr_get_i32(row, i, 6);
    bool retry;

    item->class = class;
    item->retry_count = retries;
    item->delay_ms = 0;
    item->status = "failed";
    retry = qr_class_retry(class, retries, qr_get_bool(row, i, 8), s->lease_id, &item->delay_ms) &&
            !s->final;
    if (class == QR_CLASS_CRASH) { /* rule 7: once more, alone, whatever the attempts before */
        retry = !qr_get_bool(row, i, 9);
        item->delay_ms = qr_class_policy(class)->base_ms;
    }
    if (retry && !item->rejected) {
        item->retry_count = retries + 1;
        item->delay_ms =
            qr_class_retry_after(class, item->delay_ms, s->retry_after_ms, s->lease_id);
        item->status = strcmp(stop, "cancel") == 0  ? "cancelled"
                       : strcmp(stop, "pause") == 0 ? "paused"
                                                    : "pending";
    }
}

int qr_settle_lock_failed(struct qr_conn *conn, struct settle_txn *txn, struct qr_err *err)
{
    struct qr_array *c = txn->columns;
    struct qr_params params;
    QR_AUTO_RESULT result = NULL;

    for (int i = 0; i < SETTLE_COLUMNS; i++)
        qr_array_clear(&c[i]);
    txn->n_order = 0;
    for (size_t i = 0; i < txn->n; i++) {
        struct settle_item *item = txn->items[i];
        if (!qr_settle_is_failure(item))
            continue;
        txn->order[txn->n_order++] = item;
        qr_array_i64(&c[0], (int64_t)item->settle->lease_id);
        qr_array_i64(&c[1], (int64_t)item->settle->job_id);
        qr_array_i64(&c[2], (int64_t)item->settle->session_pk);
    }
    if (txn->n_order == 0)
        return QR_OK;
    qr_params_init(&params);
    for (int i = 0; i < 3; i++)
        qr_param_array(&params, &c[i]);
    int rc = qr_conn_run(conn, QR_SQL_settle_lock, &params, &result, err);
    const struct settle_item *previous = NULL;
    for (int i = 0; rc == QR_OK && i < PQntuples(result); i++) {
        struct settle_item *item = txn->order[qr_get_i64(result, i, 0) - 1];
        if (previous && previous->settle->job_id == item->settle->job_id)
            continue; /* the same lease twice in one batch */
        previous = item;
        decide(item, result, i);
        item->has_parts = qr_get_bool(result, i, 11);
        item->brought_part = qr_get_bool(result, i, 12);
        accept(txn, item, qr_get_i64(result, i, 1), qr_get_i64(result, i, 2),
               qr_get_text(result, i, 3), qr_get_bool(result, i, 10));
    }
    return rc;
}

static void failure_text(const struct settle_item *item, struct qr_buf *out)
{
    const struct qr_settle *s = item->settle;
    const char *text = item->rejected ? s->reject_message : s->message;

    qr_buf_init(out, (size_t)1 << 20);
    if (item->rejected)
        qr_buf_append_str(out, "the result could not be stored: ");
    qr_utf8_clean(out, text && text[0] ? text : "no reason given");
    if (out->len > MESSAGE_MAX) {
        size_t cut = MESSAGE_MAX;
        while (cut > 0 && (out->data[cut] & 0xC0) == 0x80)
            cut--;
        out->len = cut;
        out->data[cut] = '\0';
    }
}

int qr_settle_write_failed(struct qr_conn *conn, struct settle_txn *txn, struct qr_err *err)
{
    struct qr_array *c = txn->columns;
    struct qr_params params;

    for (int i = 0; i < SETTLE_COLUMNS; i++)
        qr_array_clear(&c[i]);
    struct qr_array *status = &c[5];
    struct qr_array *class = &c[6];
    struct qr_array *message = &c[7];
    for (size_t i = 0; i < txn->n_order; i++) {
        const struct settle_item *item = txn->order[i];
        struct qr_buf text;
        char pattern[QR_PATTERN_MAX] = "";
        if (!item->accepted)
            continue;
        qr_array_i64(&c[0], (int64_t)item->settle->lease_id);
        qr_array_i64(&c[1], (int64_t)item->settle->job_id);
        qr_array_text(status, item->status);
        qr_array_i32(&c[3], item->retry_count);
        qr_array_text(class, qr_class_text(item->class));
        failure_text(item, &text);
        qr_array_bytes(message, text.data ? (const void *)text.data : "", text.len);
        if (text.data)
            qr_pattern_of((const char *)text.data, pattern);
        qr_array_text(&c[9], pattern);
        qr_array_i64(&c[10], (int64_t)item->settle->budget_ms);
        qr_buf_done(&text);
        qr_array_i64(&c[2], item->delay_ms);
        qr_array_i32(&c[8], item->settle->duration_ms > INT32_MAX
                                ? INT32_MAX
                                : (int32_t)item->settle->duration_ms);
    }
    if (c[0].n == 0)
        return QR_OK;
    qr_params_init(&params);
    qr_param_array(&params, &c[0]);
    qr_param_array(&params, &c[1]);
    qr_param_array(&params, status);
    qr_param_array(&params, &c[3]);
    qr_param_array(&params, class);
    qr_param_array(&params, message);
    qr_param_array(&params, &c[2]);
    for (int i = 8; i < SETTLE_COLUMNS; i++)
        qr_param_array(&params, &c[i]);
    return qr_conn_run(conn, QR_SQL_settle_failed, &params, NULL, err);
}

/* What the fence refused: committed before, or stale. */
int qr_settle_classify(struct qr_conn *conn, struct settle_txn *txn, struct qr_err *err)
{
    struct qr_array *c = txn->columns;
    struct qr_params params;
    QR_AUTO_RESULT result = NULL;

    qr_array_clear(&c[0]);
    qr_array_clear(&c[1]);
    txn->n_order = 0;
    for (size_t i = 0; i < txn->n; i++) {
        if (txn->items[i]->accepted)
            continue;
        txn->order[txn->n_order++] = txn->items[i];
        qr_array_i64(&c[0], (int64_t)txn->items[i]->settle->lease_id);
        qr_array_i64(&c[1], (int64_t)txn->items[i]->settle->job_id);
    }
    qr_params_init(&params);
    qr_param_array(&params, &c[0]);
    qr_param_array(&params, &c[1]);
    int rc = qr_conn_run(conn, QR_SQL_settle_classify, &params, &result, err);
    for (int i = 0; rc == QR_OK && i < PQntuples(result); i++)
        txn->order[qr_get_i64(result, i, 0) - 1]->duplicate = qr_get_bool(result, i, 1);
    return rc;
}

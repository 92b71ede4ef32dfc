/* Files come into a run: who lists its source, and the end of adding, which gives back the token
 * that kept its first stage open. */
#include <stdlib.h>

#include "coordinator/db/impl.h"
#include "coordinator/db/json.h"
#include "coordinator/db/run.h"

enum { MESSAGE_BYTES_MAX = 1 << 20 };

/* ------------------------------------------------------------------ adding ends */

struct finish_txn {
    int64_t run_id;
    const char *message; /* NULL: all is well */
};

static int finish_body(struct qr_conn *conn, void *arg, struct qr_err *err)
{
    const struct finish_txn *txn = arg;
    struct qr_params params;
    QR_AUTO_RESULT row = NULL;
    struct qr_stage_change change = {.run_id = txn->run_id, .open = -1};
    struct qr_stage_changes changes = {.list = &change, .n = 1, .cap = 1};

    qr_params_init(&params);
    qr_param_i64(&params, txn->run_id);
    qr_param_text(&params, txn->message);
    int rc = qr_conn_run(conn, QR_SQL_run_finish_adding, &params, &row, err);
    if (rc < 0 || PQntuples(row) == 0)
        return rc;
    return qr_stage_apply(conn, &changes, err);
}

static int finish_adding(struct qr_conn *conn, int64_t run_id, const char *message,
                         struct qr_err *err)
{
    struct finish_txn txn = {run_id, message};
    enum qr_db_status status;

    return qr_transaction(conn, false, finish_body, &txn, &status, err);
}

int qr_run_close(struct qr_conn *conn, int64_t run_id, Quarry__V1__RunReply **ret,
                 struct qr_err *err)
{
    Quarry__V1__RunReply *before = NULL;
    int rc = qr_run_get(conn, run_id, false, &before, err);

    if (rc < 0)
        return rc;
    if (before->run->listing)
        rc = qr_fail(err, QR_E_INVALID, "run %lld closes by itself when its files are listed",
                     (long long)run_id);
    quarry__v1__run_reply__free_unpacked(before, NULL);
    if (rc == QR_OK)
        rc = finish_adding(conn, run_id, NULL, err);
    return rc < 0 ? rc : qr_run_get(conn, run_id, false, ret, err);
}

int qr_run_finish_listing(struct qr_conn *conn, int64_t run_id, struct qr_err *err)
{
    return finish_adding(conn, run_id, NULL, err);
}

int qr_run_fail_listing(struct qr_conn *conn, int64_t run_id, const char *message,
                        struct qr_err *err)
{
    struct qr_buf clean;

    qr_buf_init(&clean, MESSAGE_BYTES_MAX);
    qr_utf8_clean(&clean, message);
    int rc = finish_adding(conn, run_id, clean.data ? (const char *)clean.data : "failed", err);
    qr_buf_done(&clean);
    return rc;
}

/* ------------------------------------------------------------------ listings */

static bool split_types(struct qr_run_listing *listing, char *text)
{
    size_t n = 1;

    for (const char *c = text; *c; c++)
        n += *c == ',';
    listing->types = calloc(n + 1, sizeof *listing->types);
    if (!listing->types)
        return false;
    for (char *rest = text, *type; (type = strsep(&rest, ",")) != NULL;) {
        if (!type[0])
            continue;
        char *copy = strdup(type);
        if (!copy)
            return false;
        listing->types[listing->n_types++] = copy;
    }
    return true;
}

int qr_run_take_listings(struct qr_conn *conn, uint64_t coordinator_id, const char *const *roots,
                         size_t n_roots, struct qr_run_listings *ret, struct qr_err *err)
{
    struct qr_array names;
    struct qr_params params;
    QR_AUTO_RESULT rows = NULL;
    struct qr_run_listings listings = {0};
    bool ok = true;

    qr_params_init(&params);
    qr_param_i64(&params, (int64_t)coordinator_id);
    qr_array_init(&names, QR_OID_TEXT);
    for (size_t i = 0; i < n_roots; i++)
        qr_array_text(&names, roots[i]);
    qr_param_array(&params, &names);
    int rc = qr_conn_run(conn, QR_SQL_run_take_listings, &params, &rows, err);
    qr_array_done(&names);
    if (rc < 0)
        return rc;
    listings.list = calloc((size_t)PQntuples(rows) + 1, sizeof *listings.list);
    for (int i = 0; listings.list && ok && i < PQntuples(rows); i++) {
        struct qr_run_listing *listing = &listings.list[listings.n++];
        char *types = strdup(qr_get_text(rows, i, 3));
        listing->run_id = qr_get_i64(rows, i, 0);
        listing->source = strdup(qr_get_text(rows, i, 1));
        listing->priority = qr_get_i32(rows, i, 2);
        ok = types && listing->source && split_types(listing, types);
        free(types);
    }
    if (!listings.list || !ok) {
        qr_run_listings_done(&listings);
        return qr_fail(err, QR_E_NOMEM, "run: out of memory");
    }
    *ret = listings;
    return QR_OK;
}

void qr_run_listings_done(struct qr_run_listings *listings)
{
    for (size_t i = 0; i < listings->n; i++) {
        for (size_t k = 0; k < listings->list[i].n_types; k++)
            free(listings->list[i].types[k]);
        free(listings->list[i].types);
        free(listings->list[i].source);
    }
    free(listings->list);
    memset(listings, 0, sizeof *listings);
}

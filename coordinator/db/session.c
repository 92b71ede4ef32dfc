/* Sessions: leases handed back, ends (rules 1, 4, 10); Hellos are in hello.c. Each request is a
 * transaction of its own, as one must not fail because of another; only Hellos that name nothing,
 * which come by the thousand after a restart, go together, and alone when that fails. */
#include <stdlib.h>

#include "common/log.h"
#include "coordinator/db/impl.h"
#include "coordinator/db/session.h"

enum { HELLOS_AT_ONCE = 32, WAIT_MAX_MS = 24 * 3600 * 1000 };

/* ------------------------------------------------------------------ requests */

static char *copy_text(const char *text) { return strdup(text ? text : ""); }

static bool copy_leases(struct qr_lease_ref **ret, size_t *ret_n, const struct qr_lease_ref *leases,
                        size_t n)
{
    *ret_n = n;
    *ret = calloc(n + 1, sizeof **ret);
    if (*ret && n > 0)
        memcpy(*ret, leases, n * sizeof *leases);
    return *ret != NULL;
}

static void request_free(struct session_request *r)
{
    free(r->worker_id);
    free(r->host);
    free(r->os);
    free(r->arch);
    free(r->version);
    free(r->labels_json);
    for (size_t i = 0; r->roots && i < r->n_roots; i++)
        free(r->roots[i]);
    free(r->roots);
    free(r->types);
    free(r->leases);
    free(r->spooled);
    free(r->starts);
    free(r->checkpoint);
    free(r);
}

static bool copy_hello(struct session_request *r, const struct qr_hello *h)
{
    r->worker_id = copy_text(h->worker_id);
    r->host = copy_text(h->host);
    r->os = copy_text(h->os);
    r->arch = copy_text(h->arch);
    r->version = copy_text(h->version);
    r->labels_json = copy_text(h->labels_json && h->labels_json[0] ? h->labels_json : "{}");
    memcpy(r->session, h->session, QR_SESSION_BYTES);
    r->start_counter = h->start_counter;
    r->stream_number = h->stream_number;
    r->slots = h->slots;
    r->roots = calloc(h->n_roots + 1, sizeof(char *));
    r->types = calloc(h->n_types + 1, sizeof *r->types);
    if (!r->worker_id || !r->host || !r->os || !r->arch || !r->version || !r->labels_json ||
        !r->roots || !r->types)
        return false;
    for (r->n_roots = 0; r->n_roots < h->n_roots; r->n_roots++)
        if (!(r->roots[r->n_roots] = copy_text(h->roots[r->n_roots])))
            return false;
    r->n_types = h->n_types;
    if (h->n_types > 0)
        memcpy(r->types, h->types, h->n_types * sizeof *r->types);
    return copy_leases(&r->leases, &r->n_leases, h->running, h->n_running) &&
           copy_leases(&r->spooled, &r->n_spooled, h->spooled, h->n_spooled) &&
           copy_leases(&r->starts, &r->n_starts, h->earlier_starts, h->n_earlier_starts);
}

void qr_db_hello(struct qr_db *db, const struct qr_db_hello *request)
{
    struct session_request *r = calloc(1, sizeof *r);

    if (r) {
        r->kind = SESSION_HELLO;
        r->token = request->token;
        r->recover = request->recover;
        r->item.bytes = sizeof *r;
        if (copy_hello(r, request->hello)) {
            r->item.bytes += (r->n_leases + r->n_spooled) * sizeof *r->leases;
            if (qr_lane_push(&db->lanes[QR_DB_STATS_session], &r->item))
                return;
        }
        request_free(r);
    }
    struct qr_db_hello_reply reply = {.token = request->token, .status = QR_DB_FAILED};
    db->events.hello(db->events.ctx, &reply);
}

void qr_db_return(struct qr_db *db, const struct qr_db_return *request)
{
    struct session_request *r = calloc(1, sizeof *r);

    if (r) {
        r->kind = SESSION_RETURN;
        r->token = request->token;
        r->session_pk = request->session_pk;
        r->attach = request->attach;
        r->reason = request->reason;
        r->item.bytes = sizeof *r + request->n_leases * sizeof *r->leases + request->checkpoint_len;
        r->checkpoint_len = request->checkpoint_len;
        r->delay_ms = request->delay_ms;
        r->checkpoint = request->checkpoint ? malloc(request->checkpoint_len + 1) : NULL;
        if (r->checkpoint)
            memcpy(r->checkpoint, request->checkpoint, request->checkpoint_len);
        if (copy_leases(&r->leases, &r->n_leases, request->leases, request->n_leases) &&
            qr_lane_push(&db->lanes[QR_DB_STATS_session], &r->item))
            return;
        request_free(r);
    }
    struct qr_db_return_reply reply = {
        .token = request->token,
        .session_pk = request->session_pk,
        .attach = request->attach,
        .status = QR_DB_FAILED,
        .reason = request->reason,
        .leases = request->leases,
        .n_leases = request->n_leases,
    };
    db->events.returned(db->events.ctx, &reply);
}

void qr_db_end_session(struct qr_db *db, uint64_t session_pk, uint64_t attach)
{
    struct session_request *r = calloc(1, sizeof *r);

    if (!r)
        return; /* the row is ended when the session expires */
    r->kind = SESSION_END;
    r->session_pk = session_pk;
    r->attach = attach;
    r->item.bytes = sizeof *r;
    if (!qr_lane_push(&db->lanes[QR_DB_STATS_session], &r->item))
        request_free(r);
}

/* ------------------------------------------------------------------ Return */

struct return_txn {
    struct qr_db *db;
    struct session_request *r;
    struct qr_stage_changes changes;
    uint64_t returned, types;
    bool fenced;
};

static const struct {
    const char *event, *detail;
    bool infra_loss;
} return_reasons[] = {
    [QR_RETURN_DECLINED] = {"returned", "declined", false},
    [QR_RETURN_NOT_ACCEPTED] = {"returned", "not accepted in time", false},
    [QR_RETURN_STREAM_BROKEN] = {"returned", "the stream broke before it was accepted", false},
    [QR_RETURN_DROPPED] = {"returned", "the worker does not have it", true},
    [QR_RETURN_RELEASED] = {"released", "handed back by the worker", true},
    [QR_RETURN_WAITS] = {"waits", "for what its worker needs and does not reach", false},
    [QR_RETURN_EXPIRED] = {"expired", "the worker fell silent", true},
    [QR_RETURN_GOODBYE] = {"returned", "the worker said goodbye", true},
    [QR_RETURN_STOPPED] = {"returned", "its run was stopped", false},
    [QR_RETURN_FENCED] = {"returned", "asked to stop, and not heard of in time", false},
};

static int check_owner(struct qr_conn *conn, struct return_txn *txn, struct qr_err *err)
{
    struct qr_array pks, attaches;
    struct qr_params params;
    QR_AUTO_RESULT result = NULL;

    qr_array_init(&pks, QR_OID_INT8);
    qr_array_init(&attaches, QR_OID_INT8);
    qr_array_i64(&pks, (int64_t)txn->r->session_pk);
    qr_array_i64(&attaches, (int64_t)txn->r->attach);
    qr_params_init(&params);
    qr_param_array(&params, &pks);
    qr_param_array(&params, &attaches);
    qr_param_i64(&params, (int64_t)atomic_load(&txn->db->coordinator_id));
    int rc = qr_conn_run(conn, QR_SQL_session_check, &params, &result, err);
    qr_array_done(&pks);
    qr_array_done(&attaches);
    txn->fenced = rc == QR_OK && PQntuples(result) == 0;
    return rc;
}

static int return_body(struct qr_conn *conn, void *arg, struct qr_err *err)
{
    struct return_txn *txn = arg;
    const struct session_request *r = txn->r;
    int64_t key = qr_lock_key_session(r->session_pk);
    const struct qr_release release = {
        .session_pk = r->session_pk,
        .leases = r->leases,
        .n = r->n_leases,
        .infra_loss = return_reasons[r->reason].infra_loss,
        .event = return_reasons[r->reason].event,
        .detail = return_reasons[r->reason].detail,
        .checkpoint = r->checkpoint,
        .checkpoint_len = r->checkpoint_len,
        .delay_ms = (int64_t)(r->delay_ms < WAIT_MAX_MS ? r->delay_ms : WAIT_MAX_MS),
    };

    txn->changes.n = 0;
    txn->returned = 0;
    txn->types = 0;
    int rc = qr_lock_exclusive(conn, &key, 1, err);
    if (rc == QR_OK)
        rc = check_owner(conn, txn, err);
    if (rc == QR_OK && !txn->fenced)
        rc = qr_release_leases(conn, &release, &txn->changes, &txn->returned, &txn->types, err);
    return rc < 0 ? rc : qr_stage_apply(conn, &txn->changes, err);
}

static void run_return(struct qr_db *db, struct qr_lane *lane, struct qr_conn *conn,
                       struct session_request *r)
{
    struct return_txn txn = {.db = db, .r = r};
    struct qr_err err = {0};
    enum qr_db_status status;

    if (qr_transaction(conn, false, return_body, &txn, &status, &err) < 0) {
        atomic_fetch_add(&lane->failures, 1);
        if (conn)
            qr_log_err(QR_LOG_WARN, "db.return", &err, "leases=%zu", r->n_leases);
    }
    const struct qr_db_return_reply reply = {
        .token = r->token,
        .session_pk = r->session_pk,
        .attach = r->attach,
        .status = status == QR_DB_DONE && txn.fenced ? QR_DB_FENCED : status,
        .reason = r->reason,
        .leases = r->leases,
        .n_leases = r->n_leases,
        .returned = txn.returned,
    };
    if (status != QR_DB_FAILED) /* first: who hears the reply may claim what came back */
        qr_announce_types(db, txn.types);
    db->events.returned(db->events.ctx, &reply);
    qr_stage_done(&txn.changes);
}

/* ------------------------------------------------------------------ End */

static void run_end(struct qr_db *db, struct qr_lane *lane, struct qr_conn *conn,
                    struct session_request *r)
{
    struct qr_params params;
    struct qr_err err = {0};

    qr_params_init(&params);
    qr_param_i64(&params, (int64_t)r->session_pk);
    qr_param_i64(&params, (int64_t)r->attach);
    qr_param_i64(&params, (int64_t)atomic_load(&db->coordinator_id));
    qr_param_text(&params, "goodbye");
    if (!conn || qr_conn_run(conn, QR_SQL_session_end, &params, NULL, &err) < 0)
        atomic_fetch_add(&lane->failures, 1);
}

void qr_session_run(void *ctx, struct qr_lane *lane, struct qr_conn *conn, struct qr_item *list,
                    size_t n)
{
    struct qr_db *db = ctx;

    (void)n;
    while (list) {
        struct session_request *r = (struct session_request *)(void *)list;
        struct session_request *plain[HELLOS_AT_ONCE];
        size_t n_plain = 0;
        if (conn && qr_conn_is_broken(conn))
            conn = NULL; /* the rest of the batch is answered at once */
        while (list && n_plain < HELLOS_AT_ONCE &&
               qr_session_hello_is_plain((struct session_request *)(void *)list)) {
            plain[n_plain++] = (struct session_request *)(void *)list;
            list = list->next;
        }
        if (n_plain > 0) {
            qr_session_run_hellos(db, lane, conn, plain, n_plain);
            while (n_plain > 0)
                request_free(plain[--n_plain]);
            continue;
        }
        list = list->next;
        if (r->kind == SESSION_HELLO)
            qr_session_run_hello(db, lane, conn, r);
        else if (r->kind == SESSION_RETURN)
            run_return(db, lane, conn, r);
        else
            run_end(db, lane, conn, r);
        request_free(r);
    }
}

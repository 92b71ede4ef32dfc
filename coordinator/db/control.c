/* The control lane: renews this coordinator's row, watches its peers, adopts the sessions of dead
 * ones, passes on that there is work. Nothing here waits behind anything long.
 *
 * A peer is dead when this coordinator, running and able to commit throughout, saw its row
 * unchanged for one ttl; the row's time counts for nothing (rule 6). A stall of this thread or a
 * failed statement starts every watch anew. */
#include <stdlib.h>

#include "common/clock.h"
#include "common/log.h"
#include "coordinator/db/impl.h"
#include "coordinator/engine/types.h"

enum { PEERS_MAX = 256, NOTIFY_GAP_MS = 10, STOPS_GAP_MS = 1000 };

struct peer {
    int64_t id, renewals;
    int64_t since_ms; /* unchanged since */
};

struct qr_db_watch {
    struct peer peers[PEERS_MAX];
    size_t n;
    int64_t last_look_ms; /* 0: never */
    int64_t next_look_ms;
    int64_t next_notify_ms;
    int64_t next_stops_ms;
    int64_t *unsure; /* sessions of an adoption whose COMMIT was not heard of */
    size_t n_unsure;
    unsigned generation; /* of the connection that all this was learnt on */
    bool listening;
};

struct control_request {
    struct qr_item item;
};

int qr_control_init(struct qr_db *db, struct qr_err *err)
{
    db->watch = calloc(1, sizeof *db->watch);
    return db->watch ? QR_OK : qr_fail(err, QR_E_NOMEM, "start database lanes: out of memory");
}

void qr_control_done(struct qr_db *db)
{
    if (db->watch)
        free(db->watch->unsure);
    free(db->watch);
    db->watch = NULL;
}

/* ------------------------------------------------------------------ renewal */

void qr_db_renew(struct qr_db *db)
{
    struct control_request *request = calloc(1, sizeof *request);

    if (request) {
        request->item.bytes = sizeof *request;
        if (qr_lane_push(&db->lanes[QR_DB_STATS_control], &request->item))
            return;
        free(request);
    }
    if (db->events.renewed)
        db->events.renewed(db->events.ctx, false);
}

/* Declared dead by a peer: under a new number, what the old one owned is fenced off. */
static int register_again(struct qr_db *db, struct qr_conn *conn, struct qr_err *err)
{
    struct qr_params params;
    QR_AUTO_RESULT result = NULL;

    qr_params_init(&params);
    qr_param_text(&params, db->config.instance);
    qr_param_text(&params, db->config.host);
    int rc = qr_conn_run(conn, QR_SQL_coordinator_register, &params, &result, err);
    if (rc < 0)
        return rc;
    unsigned long long id = (unsigned long long)qr_get_i64(result, 0, 0);
    qr_log(QR_LOG_WARN, "db.declared_dead", "coordinator=%llu new=%llu",
           (unsigned long long)atomic_load(&db->coordinator_id), id);
    atomic_store(&db->coordinator_id, id);
    return QR_OK;
}

static int renew(struct qr_db *db, struct qr_conn *conn, struct qr_err *err)
{
    struct qr_params params;
    QR_AUTO_RESULT result = NULL;

    qr_params_init(&params);
    qr_param_i64(&params, (int64_t)atomic_load(&db->coordinator_id));
    qr_param_bytes(&params, db->epoch, QR_EPOCH_BYTES);
    int rc = qr_conn_run(conn, QR_SQL_coordinator_renew, &params, &result, err);
    if (rc == QR_OK && !qr_get_bool(result, 0, 0))
        return qr_db_found_replaced(db, err);
    if (rc == QR_OK && !qr_get_bool(result, 0, 1))
        rc = register_again(db, conn, err);
    if (rc == QR_OK)
        atomic_fetch_add(&db->renewals, 1);
    return rc;
}

void qr_control_run(void *ctx, struct qr_lane *lane, struct qr_conn *conn, struct qr_item *list,
                    size_t n)
{
    struct qr_db *db = ctx;
    struct qr_err err = {0};
    bool ok = conn && renew(db, conn, &err) == QR_OK; /* one renewal serves all that wait */

    (void)n;
    if (!ok) {
        atomic_fetch_add(&lane->failures, 1);
        if (conn)
            qr_log_err(QR_LOG_WARN, "db.renew", &err, "coordinator=%llu",
                       (unsigned long long)atomic_load(&db->coordinator_id));
    }
    while (list) {
        struct qr_item *next = list->next;
        free(list);
        list = next;
        if (db->events.renewed)
            db->events.renewed(db->events.ctx, ok);
    }
}

/* ------------------------------------------------------------------ adoption */

struct adopt_txn {
    struct qr_db *db;
    int64_t *pks;
    size_t n;
    bool again;         /* after an unknown COMMIT: they may be this coordinator's by now */
    PGresult *sessions; /* pk, attach, session, worker */
    PGresult *leases;   /* session, lease, job, run, type */
};

static int adopt_body(struct qr_conn *conn, void *arg, struct qr_err *err)
{
    struct adopt_txn *txn = arg;
    struct qr_array pks;
    struct qr_params params;
    int64_t *keys = calloc(txn->n, sizeof *keys);

    PQclear(txn->sessions);
    PQclear(txn->leases);
    txn->sessions = NULL;
    txn->leases = NULL;
    if (!keys)
        return qr_fail(err, QR_E_NOMEM, "adopt: out of memory");
    for (size_t i = 0; i < txn->n; i++)
        keys[i] = qr_lock_key_session((uint64_t)txn->pks[i]);
    int rc = qr_lock_exclusive(conn, keys, txn->n, err);
    free(keys);
    qr_array_init(&pks, QR_OID_INT8);
    for (size_t i = 0; i < txn->n; i++)
        qr_array_i64(&pks, txn->pks[i]);
    qr_params_init(&params);
    qr_param_array(&params, &pks);
    qr_param_i64(&params, (int64_t)atomic_load(&txn->db->coordinator_id));
    qr_param_bool(&params, txn->again);
    if (rc == QR_OK)
        rc = qr_conn_run(conn, QR_SQL_adopt_session, &params, &txn->sessions, err);
    qr_params_init(&params);
    qr_param_array(&params, &pks);
    if (rc == QR_OK)
        rc = qr_conn_run(conn, QR_SQL_session_leases, &params, &txn->leases, err);
    qr_array_done(&pks);
    return rc;
}

static void report_adopted(struct qr_db *db, const struct adopt_txn *txn)
{
    size_t n_rows = (size_t)PQntuples(txn->leases);
    struct qr_kept_lease *leases = calloc(n_rows + 1, sizeof *leases);

    for (int i = 0; leases && i < PQntuples(txn->sessions); i++) {
        struct qr_adopted adopted = {
            .session_pk = (uint64_t)qr_get_i64(txn->sessions, i, 0),
            .attach = (uint64_t)qr_get_i64(txn->sessions, i, 1),
            .worker_id = qr_get_text(txn->sessions, i, 3),
            .leases = leases,
        };
        size_t len;
        const void *session = qr_get_bytes(txn->sessions, i, 2, &len);
        memcpy(adopted.session, session, len < QR_SESSION_BYTES ? len : QR_SESSION_BYTES);
        for (int k = 0; k < (int)n_rows; k++)
            if ((uint64_t)qr_get_i64(txn->leases, k, 0) == adopted.session_pk)
                leases[adopted.n_leases++] = (struct qr_kept_lease){
                    .lease_id = (uint64_t)qr_get_i64(txn->leases, k, 1),
                    .job_id = (uint64_t)qr_get_i64(txn->leases, k, 2),
                    .run_id = (uint64_t)qr_get_i64(txn->leases, k, 3),
                    .type = qr_type_intern(qr_get_text(txn->leases, k, 4)),
                    .stop = (enum qr_stop_reason)qr_get_i32(txn->leases, k, 5),
                };
        if (db->events.adopted)
            db->events.adopted(db->events.ctx, &adopted);
    }
    free(leases);
}

/* Sessions whose coordinator has stopped, or was found dead: to `txn`. */
static int find_orphans(struct qr_db *db, struct qr_conn *conn, struct adopt_txn *txn,
                        struct qr_err *err)
{
    struct qr_params params;
    QR_AUTO_RESULT orphans = NULL;

    qr_params_init(&params);
    qr_param_i64(&params, (int64_t)atomic_load(&db->coordinator_id));
    int rc = qr_conn_run(conn, QR_SQL_adopt_orphans, &params, &orphans, err);
    if (rc < 0)
        return rc;
    txn->n = (size_t)PQntuples(orphans);
    txn->pks = calloc(txn->n + 1, sizeof *txn->pks);
    if (!txn->pks)
        return qr_fail(err, QR_E_NOMEM, "adopt: out of memory");
    for (size_t i = 0; i < txn->n; i++)
        txn->pks[i] = qr_get_i64(orphans, (int)i, 0);
    return QR_OK;
}

/* An adoption of unknown end is done again: if it had happened, nobody else would ever take these
 * sessions, and the engine does not know them. */
static int adopt(struct qr_db *db, struct qr_conn *conn, struct qr_err *err)
{
    struct qr_db_watch *watch = db->watch;
    struct adopt_txn txn = {.db = db, .pks = watch->unsure, .n = watch->n_unsure};
    enum qr_db_status status = QR_DB_DONE;
    int rc = QR_OK;

    txn.again = txn.n > 0;
    if (!txn.again)
        rc = find_orphans(db, conn, &txn, err);
    if (rc == QR_OK && txn.n > 0)
        rc = qr_transaction(conn, false, adopt_body, &txn, &status, err);
    if (rc == QR_OK && txn.n > 0)
        report_adopted(db, &txn);
    bool unsure = rc < 0 && (txn.again || status == QR_DB_UNKNOWN);
    watch->unsure = unsure ? txn.pks : NULL;
    watch->n_unsure = unsure ? txn.n : 0;
    if (!unsure)
        free(txn.pks);
    PQclear(txn.sessions);
    PQclear(txn.leases);
    return rc;
}

/* ------------------------------------------------------------------ watching */

static struct peer *peer_of(struct qr_db_watch *watch, int64_t id)
{
    for (size_t i = 0; i < watch->n; i++)
        if (watch->peers[i].id == id)
            return &watch->peers[i];
    return NULL;
}

static int declare_dead(struct qr_conn *conn, const struct peer *peer, struct qr_err *err)
{
    struct qr_params params;
    QR_AUTO_RESULT result = NULL;

    qr_params_init(&params);
    qr_param_i64(&params, peer->id);
    qr_param_i64(&params, peer->renewals);
    int rc = qr_conn_run(conn, QR_SQL_coordinator_stop, &params, &result, err);
    if (rc == QR_OK && PQntuples(result) == 1)
        qr_log(QR_LOG_WARN, "db.peer_dead", "coordinator=%lld", (long long)peer->id);
    return rc;
}

static int look(struct qr_db *db, struct qr_conn *conn, int64_t now, struct qr_err *err)
{
    struct qr_db_watch *watch = db->watch;
    struct qr_db_watch seen = {.n = 0};
    struct qr_params params;
    QR_AUTO_RESULT rows = NULL;

    qr_params_init(&params);
    qr_param_i64(&params, (int64_t)atomic_load(&db->coordinator_id));
    int rc = qr_conn_run(conn, QR_SQL_coordinator_peers, &params, &rows, err);
    int64_t read_ms = qr_clock_ms(); /* what the answer says is no older than the question */
    for (int i = 0; rc == QR_OK && i < PQntuples(rows) && seen.n < PEERS_MAX; i++) {
        struct peer peer = {qr_get_i64(rows, i, 0), qr_get_i64(rows, i, 1), read_ms};
        const struct peer *before = peer_of(watch, peer.id);
        if (before && before->renewals == peer.renewals)
            peer.since_ms = before->since_ms;
        if (now - peer.since_ms > db->config.ttl_ms)
            rc = declare_dead(conn, &peer, err);
        else
            seen.peers[seen.n++] = peer;
    }
    if (rc < 0)
        return rc;
    memcpy(watch->peers, seen.peers, seen.n * sizeof seen.peers[0]);
    watch->n = seen.n;
    return adopt(db, conn, err);
}

/* ------------------------------------------------------------------ notifications */

static int pass_on_work(struct qr_db *db, struct qr_conn *conn, int64_t now, struct qr_err *err)
{
    struct qr_db_watch *watch = db->watch;
    int rc = QR_OK;

    if (!watch->listening) {
        rc = qr_conn_exec(conn, "LISTEN quarry_work; LISTEN quarry_control", err);
        watch->next_stops_ms = now;
        watch->listening = rc == QR_OK;
        if (watch->listening && db->events.work_available) /* what was said meanwhile is lost */
            db->events.work_available(db->events.ctx, 0);
    }
    atomic_store(&db->has_peers, watch->n > 0);
    if (rc == QR_OK && watch->n == 0)
        atomic_store(&db->announce, false); /* nobody to tell */
    if (rc == QR_OK && now >= watch->next_notify_ms && atomic_exchange(&db->announce, false)) {
        watch->next_notify_ms = now + NOTIFY_GAP_MS;
        rc = qr_conn_exec(conn, "NOTIFY quarry_work", err);
    }
    if (rc < 0)
        return rc;
    unsigned heard = qr_conn_take_notifies(conn);
    if (heard & QR_NOTIFY_WORK) {
        atomic_fetch_add(&db->freed, 1); /* perhaps a place under a limit */
        atomic_fetch_add(&db->announced, 1);
    }
    if (heard & QR_NOTIFY_WORK && db->events.work_available)
        db->events.work_available(db->events.ctx, 0);
    if (heard & QR_NOTIFY_CONTROL)
        watch->next_stops_ms = now;
    return QR_OK;
}

/* What people stopped (rule 10): at once when somebody said so, and by a poll behind it. */
static int pass_on_stops(struct qr_db *db, struct qr_conn *conn, int64_t now, struct qr_err *err)
{
    if (now < db->watch->next_stops_ms)
        return QR_OK;
    db->watch->next_stops_ms = now + STOPS_GAP_MS;
    return qr_stops_poll(db, conn, err);
}

void qr_control_tick(void *ctx, struct qr_lane *lane, struct qr_conn *conn)
{
    struct qr_db *db = ctx;
    struct qr_db_watch *watch = db->watch;
    struct qr_err err = {0};
    int64_t now = qr_clock_ms();
    int64_t gap = db->config.ttl_ms / 4;
    int rc = QR_OK;

    if (!conn) {
        watch->n = 0;
        watch->last_look_ms = 0;
        watch->listening = false;
        return;
    }
    if (watch->generation !=
        qr_conn_generation(conn)) { /* it broke: what was seen counts no more */
        watch->generation = qr_conn_generation(conn);
        watch->n = 0;
        watch->listening = false;
    }
    int64_t slack = gap < 1000 ? gap : 1000; /* in all less than a ttl, however short it is */
    if (watch->last_look_ms != 0 && now - watch->last_look_ms > 2 * gap + slack)
        watch->n = 0; /* stalled: what was seen before counts no more */
    if (now >= watch->next_look_ms) {
        rc = look(db, conn, now, &err);
        watch->last_look_ms = now;
        watch->next_look_ms = now + gap;
    }
    if (rc == QR_OK)
        rc = pass_on_work(db, conn, now, &err);
    if (rc == QR_OK)
        rc = pass_on_stops(db, conn, now, &err);
    if (atomic_load(&db->announce))
        qr_lane_tick_in(lane, NOTIFY_GAP_MS);
    if (rc < 0) {
        atomic_fetch_add(&lane->failures, 1);
        qr_log_err(QR_LOG_WARN, "db.control", &err, "coordinator=%llu",
                   (unsigned long long)atomic_load(&db->coordinator_id));
        watch->n = 0;
        watch->listening = false;
    }
}

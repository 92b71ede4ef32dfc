#include "coordinator/db/db.h"

#include <stdlib.h>

#include "common/clock.h"
#include "coordinator/db/impl.h"
#include "coordinator/db/migrate.h"

/* ------------------------------------------------------------------ start */

static char *copy_text(const char *text) { return strdup(text ? text : ""); }

static int copy_config(struct qr_db *db, const struct qr_db_config *config, struct qr_err *err)
{
    struct qr_db_config *c = &db->config;

    *c = *config;
    c->url = copy_text(config->url);
    c->instance = copy_text(config->instance);
    c->host = copy_text(config->host);
    if (!c->url || !c->instance || !c->host)
        return qr_fail(err, QR_E_NOMEM, "start database lanes: out of memory");
    c->settle_lanes = c->settle_lanes ? c->settle_lanes : 2;
    c->read_lanes = c->read_lanes ? c->read_lanes : 1;
    c->connect_timeout_ms = c->connect_timeout_ms ? c->connect_timeout_ms : 5000;
    c->statement_timeout_ms = c->statement_timeout_ms ? c->statement_timeout_ms : 30000;
    c->ttl_ms = c->ttl_ms ? c->ttl_ms : 8000;
    c->queue_max = c->queue_max ? c->queue_max : 65536;
    c->queue_bytes_max = c->queue_bytes_max ? c->queue_bytes_max : (size_t)256 << 20;
    return QR_OK;
}

static int check_schema(struct qr_conn *conn, struct qr_err *err)
{
    int version;
    int rc = qr_migrate_current(conn, &version, err);

    if (rc < 0)
        return rc;
    if (version != qr_migrate_newest())
        return qr_fail(
            err, QR_E_DB, "the database has schema version %d, this program needs %d; hint: %s",
            version, qr_migrate_newest(),
            version < qr_migrate_newest() ? "start without --no-migrate" : "use the newer program");
    return QR_OK;
}

static int register_self(struct qr_db *db, struct qr_conn *conn, struct qr_err *err)
{
    struct qr_params params;
    QR_AUTO_RESULT result = NULL;
    size_t len;

    qr_params_init(&params);
    qr_param_text(&params, db->config.instance);
    qr_param_text(&params, db->config.host);
    int rc = qr_conn_run(conn, QR_SQL_coordinator_register, &params, &result, err);
    if (rc < 0)
        return rc;
    const void *epoch = qr_get_bytes(result, 0, 1, &len);
    if (len != QR_EPOCH_BYTES)
        return qr_fail(err, QR_E_DB, "cluster epoch has %zu bytes, not %d", len, QR_EPOCH_BYTES);
    memcpy(db->epoch, epoch, len);
    atomic_store(&db->coordinator_id, (unsigned long long)qr_get_i64(result, 0, 0));
    return QR_OK;
}

static int first_contact(struct qr_db *db, struct qr_err *err)
{
    QR_AUTO(qr_conn) conn = NULL;
    struct qr_conn_config config = {
        .url = db->config.url,
        .lane = "start",
        .connect_timeout_ms = db->config.connect_timeout_ms,
        .statement_timeout_ms = db->config.statement_timeout_ms,
    };
    int rc = qr_conn_open(&config, &conn, err);
    if (rc == QR_OK)
        rc = check_schema(conn, err);
    if (rc == QR_OK)
        rc = register_self(db, conn, err);
    return rc;
}

static int start_lane(struct qr_db *db, int id, struct qr_lane_config config, struct qr_err *err)
{
    static const char *const names[] = {
#define QR_DB_LANE_NAME(name, help) #name,
        QR_DB_LANES(QR_DB_LANE_NAME)
#undef QR_DB_LANE_NAME
    };
    static const char *const helps[] = {
#define QR_DB_LANE_HELP(name, help) help,
        QR_DB_LANES(QR_DB_LANE_HELP)
#undef QR_DB_LANE_HELP
    };

    config.name = names[id];
    config.help = helps[id];
    config.ctx = db;
    config.queue_items = db->config.queue_max;
    config.queue_bytes = db->config.queue_bytes_max;
    config.conn = (struct qr_conn_config){
        .url = db->config.url,
        .lane = names[id],
        .connect_timeout_ms = db->config.connect_timeout_ms,
        .statement_timeout_ms = config.hot ? db->config.statement_timeout_ms / QR_HOT_SHARE
                                           : db->config.statement_timeout_ms,
        .hot = config.hot,
        .db = db,
        .stopped = &db->stopped,
    };
    return qr_lane_start(&db->lanes[id], &config, err);
}

static int start_lanes(struct qr_db *db, struct qr_err *err)
{
    const size_t mib = (size_t)1 << 20;
    const bool shared = db->config.settle_lanes > 1; /* the last one is the maintain lane's */
    const struct qr_lane_config lanes[QR_DB_STATS_COUNT] = {
        [QR_DB_STATS_claim] = {.run = qr_claim_run,
                               .threads = 1,
                               .hot = true,
                               .batch_items = 1024,
                               .batch_bytes = 16 * mib},
        [QR_DB_STATS_settle] = {.run = qr_settle_run,
                                .threads = db->config.settle_lanes - shared,
                                .helper = shared ? &db->lanes[QR_DB_STATS_maintain] : NULL,
                                .hot = true,
                                .batch_items = 1024,
                                .batch_bytes = 4 * mib},
        [QR_DB_STATS_session] = {.run = qr_session_run,
                                 .threads = 1,
                                 .hot = true,
                                 .batch_items = 64,
                                 .batch_bytes = 16 * mib},
        [QR_DB_STATS_control] = {.run = qr_control_run,
                                 .threads = 1,
                                 .hot = true,
                                 .batch_items = 64,
                                 .batch_bytes = mib,
                                 .tick = qr_control_tick,
                                 .tick_ms = 100,
                                 .listens = true},
        [QR_DB_STATS_maintain] = {.run = qr_maintain_run,
                                  .threads = 1,
                                  .hot = true,
                                  .batch_items = 256,
                                  .batch_bytes = 16 * mib,
                                  .tick = qr_maintain_tick,
                                  .tick_ms = 250},
        [QR_DB_STATS_enqueue] = {.run = qr_work_run,
                                 .threads = 1,
                                 .batch_items = 1,
                                 .batch_bytes = mib},
        [QR_DB_STATS_batch] = {.run = qr_work_run,
                               .threads = 1,
                               .batch_items = 1,
                               .batch_bytes = mib,
                               .tick = qr_stage_tick,
                               .tick_ms = 200},
        [QR_DB_STATS_read] = {.run = qr_work_run,
                              .threads = db->config.read_lanes,
                              .batch_items = 1,
                              .batch_bytes = mib},
    };
    int rc = QR_OK;

    for (int i = 0; i < QR_DB_STATS_COUNT && rc == QR_OK; i++)
        rc = start_lane(db, i, lanes[i], err);
    return rc;
}

int qr_db_new(const struct qr_db_config *config, const struct qr_db_events *events,
              struct qr_db **ret, struct qr_err *err)
{
    QR_AUTO(qr_db) db = calloc(1, sizeof *db);

    if (!db)
        return qr_fail(err, QR_E_NOMEM, "start database lanes: out of memory");
    db->events = *events;
    pthread_mutex_init(&db->slow_lock, NULL);
    int rc = copy_config(db, config, err);
    if (rc == QR_OK)
        rc = first_contact(db, err);
    if (rc == QR_OK)
        rc = qr_control_init(db, err);
    if (rc == QR_OK)
        rc = start_lanes(db, err);
    if (rc < 0)
        return rc;
    *ret = qr_steal(&db);
    return QR_OK;
}

/* ------------------------------------------------------------------ stop */

static void say_stopped(struct qr_db *db)
{
    QR_AUTO(qr_conn) conn = NULL;
    struct qr_err err;
    struct qr_params params;
    struct qr_conn_config config = {
        .url = db->config.url,
        .lane = "stop",
        .connect_timeout_ms = 1000,
        .statement_timeout_ms = 2000,
    };

    if (qr_conn_open(&config, &conn, &err) < 0)
        return; /* peers find out by themselves */
    qr_params_init(&params);
    qr_param_i64(&params, (int64_t)atomic_load(&db->coordinator_id));
    qr_param_null(&params);
    if (qr_conn_run(conn, QR_SQL_coordinator_stop, &params, NULL, &err) < 0)
        return;
}

void qr_db_stop(struct qr_db *db, int64_t deadline_ms)
{
    int64_t deadline = qr_clock_ms() + deadline_ms;

    if (atomic_exchange(&db->stopped, true))
        return;
    for (int i = 0; i < QR_DB_STATS_COUNT; i++)
        qr_lane_stop(&db->lanes[i]);
    for (int i = 0; i < QR_DB_STATS_COUNT; i++)
        qr_lane_join(&db->lanes[i], deadline);
    if (atomic_load(&db->coordinator_id) != 0 && !qr_db_is_replaced(db))
        say_stopped(db);
}

void qr_db_free(struct qr_db *db)
{
    if (!db)
        return;
    qr_db_stop(db, 1000);
    for (int i = 0; i < QR_DB_STATS_COUNT; i++)
        qr_lane_done(&db->lanes[i]);
    qr_control_done(db);
    pthread_mutex_destroy(&db->slow_lock);
    free((char *)(uintptr_t)db->config.url);
    free((char *)(uintptr_t)db->config.instance);
    free((char *)(uintptr_t)db->config.host);
    free(db);
}

/* ------------------------------------------------------------------ looking in */

uint64_t qr_db_coordinator_id(const struct qr_db *db)
{
    return atomic_load(&((struct qr_db *)(uintptr_t)db)->coordinator_id);
}

/* ------------------------------------------------------------------ another database */

/* Sessions and leases in memory are of a database that is no more. Their numbers may come again, so
 * not one more statement is run for them. */
int qr_db_found_replaced(struct qr_db *db, struct qr_err *err)
{
    atomic_store(&db->replaced, true);
    return qr_fail(err, QR_E_DB, "the database has another cluster epoch: it was restored");
}

int qr_db_check_epoch(struct qr_db *db, struct qr_conn *conn, struct qr_err *err)
{
    struct qr_params params;
    QR_AUTO_RESULT result = NULL;

    qr_params_init(&params);
    qr_param_bytes(&params, db->epoch, QR_EPOCH_BYTES);
    int rc = qr_conn_run(conn, QR_SQL_cluster_holds, &params, &result, err);
    if (rc == QR_OK && !(PQntuples(result) == 1 && qr_get_bool(result, 0, 0)))
        rc = qr_db_found_replaced(db, err);
    return rc;
}

bool qr_db_is_replaced(const struct qr_db *db) { return atomic_load(&db->replaced); }

const uint8_t *qr_db_cluster_epoch(const struct qr_db *db, size_t *ret_len)
{
    *ret_len = QR_EPOCH_BYTES;
    return db->epoch;
}

void qr_db_get_stats(const struct qr_db *db, struct qr_db_stats *ret)
{
    ret->places_swept = atomic_load(&db->swept);
    ret->runs_halted = atomic_load(&db->halted);
    for (int i = 0; i < QR_DB_STATS_COUNT; i++)
        qr_lane_get_stats(&db->lanes[i], &ret->lanes[i]);
}

void qr_db_announce(const struct qr_db *db, qr_type_id type)
{
    if (!db)
        return;
    struct qr_db *self = (struct qr_db *)(uintptr_t)db; /* counting does not change what it is */

    atomic_fetch_add(&self->announced, 1);
    if (db->events.work_available)
        db->events.work_available(db->events.ctx, type);
    if (!atomic_exchange(&self->announce, true) && atomic_load(&self->has_peers)) {
        atomic_store(&self->tell, true);
        if (atomic_load(&self->claims) == 0) /* else behind the claim that this has begun */
            qr_db_tell(self);
    }
}

void qr_db_tell(struct qr_db *db)
{
    if (atomic_load(&db->tell) && atomic_exchange(&db->tell, false))
        qr_lane_poke(&db->lanes[QR_DB_STATS_control]);
}

/* ------------------------------------------------------------------ work for people */

struct work {
    struct qr_item item;
    qr_db_work_fn fn;
    qr_db_done_fn done;
    void *arg;
    bool bulk, guest, is_long;
};

/* Where a piece of work goes. Bulk work beside the enqueue lane's goes to the batch lane while
 * nothing long is there. */
static int lane_of(struct qr_db *db, struct work *work, enum qr_db_lane lane)
{
    if (lane == QR_DB_LANE_READ)
        return QR_DB_STATS_read;
    work->is_long = lane == QR_DB_LANE_LONG;
    if (work->is_long) {
        atomic_fetch_add(&db->n_long, 1);
        return QR_DB_STATS_batch;
    }
    work->bulk = lane == QR_DB_LANE_BULK;
    work->guest = work->bulk && atomic_fetch_add(&db->bulk, 1) > 0 &&
                  atomic_load(&db->n_long) == 0 && !atomic_exchange(&db->guest, true);
    return work->guest ? QR_DB_STATS_batch : QR_DB_STATS_enqueue;
}

static void work_over(struct qr_db *db, struct work *work)
{
    if (work->guest)
        atomic_store(&db->guest, false);
    if (work->bulk)
        atomic_fetch_sub(&db->bulk, 1);
    if (work->is_long)
        atomic_fetch_sub(&db->n_long, 1);
    free(work);
}

void qr_work_run(void *ctx, struct qr_lane *lane, struct qr_conn *conn, struct qr_item *list,
                 size_t n)
{
    (void)n;
    while (list) {
        struct work *work = (struct work *)(void *)list;
        struct qr_err err = {0};
        list = list->next;
        int rc = conn ? work->fn(conn, work->arg, &err)
                      : qr_fail(&err, QR_E_UNREACHABLE,
                                "the database cannot be reached; hint: try again");
        if (rc < 0)
            atomic_fetch_add(&lane->failures, 1);
        if (conn && qr_conn_in_transaction(conn))
            qr_conn_rollback(conn);
        qr_db_done_fn done = work->done;
        void *arg = work->arg;
        work_over(ctx, work); /* first: who hears the answer may bring the next one at once */
        done(arg, rc, &err);
    }
}

bool qr_db_try_submit(struct qr_db *db, enum qr_db_lane lane, qr_db_work_fn fn, qr_db_done_fn done,
                      void *arg)
{
    struct work *work = malloc(sizeof *work);

    if (!work)
        return false;
    *work = (struct work){.item.bytes = sizeof *work, .fn = fn, .done = done, .arg = arg};
    work->item.urgent =
        lane != QR_DB_LANE_BULK; /* what people ask for does not wait behind new jobs */
    if (qr_lane_push(&db->lanes[lane_of(db, work, lane)], &work->item))
        return true;
    work_over(db, work);
    return false;
}

void qr_db_submit(struct qr_db *db, enum qr_db_lane lane, qr_db_work_fn fn, qr_db_done_fn done,
                  void *arg)
{
    struct qr_err err = {0};

    if (qr_db_try_submit(db, lane, fn, done, arg))
        return;
    int rc = atomic_load(&db->stopped)
                 ? qr_fail(&err, QR_E_CANCELLED, "the coordinator is stopping")
                 : qr_fail(&err, QR_E_LIMIT, "too many requests wait; hint: try again later");
    done(arg, rc, &err);
}

#include "coordinator/service/fleet.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "common/clock.h"
#include "common/log.h"
#include "coordinator/service/fleet_internal.h"

enum { FREE_SETTLES_MAX = 16384, LOOK_MS = 1000 };

/* Finer around what is aimed at (20 ms) than qr_histogram_seconds. */
static const double offer_accept_seconds[] = {
    0.0002, 0.0005, 0.001, 0.002, 0.003, 0.004, 0.005, 0.0065, 0.008, 0.01, 0.0125, 0.015,
    0.0175, 0.02,   0.025, 0.03,  0.04,  0.05,  0.075, 0.1,    0.25,  0.5,  1,      5};

/* ------------------------------------------------------------------ entering the engine */

struct qr_fleet_stream *qr_fleet_find_stream(struct qr_fleet *fleet, uint64_t id)
{
    struct qr_fleet_stream *stream = NULL;
    HASH_FIND(hh, fleet->streams, &id, sizeof id, stream);
    return stream;
}

static void enter(struct qr_fleet *fleet)
{
    pthread_mutex_lock(&fleet->mutex);
    qr_refused_enter(fleet);
    if (fleet->started)
        qr_engine_set_now(fleet->engine, qr_clock_ms());
}

/* The engine may have found a stream full while it was sending: it is told here, at the top. */
static void report_slow_streams(struct qr_fleet *fleet)
{
    struct qr_fleet_stream *stream;
    struct qr_fleet_stream *next;

    while (fleet->n_slow > 0) {
        HASH_ITER (hh, fleet->streams, stream, next) {
            if (!stream->slow)
                continue;
            stream->slow = false;
            fleet->n_slow--;
            qr_log(QR_LOG_WARN, "stream.slow", "stream=%llu peer=%s queued=%zu",
                   (unsigned long long)stream->id, qr_rpc_stream_peer(stream->rpc),
                   qr_rpc_stream_queued(stream->rpc));
            if (!stream->ended)
                qr_engine_slow_peer(fleet->engine, stream->id);
        }
    }
}

/* A turn of the engine ends here. What is due already (the claims that the event made possible)
 * goes out at once; for later the timer thread is woken if it sleeps too long. After a stall of
 * this process the first turn restarts the engine's watch, so that no timer acts before waiting
 * frames were read. */
static void leave(struct qr_fleet *fleet)
{
    if (fleet->started) {
        if (qr_engine_next_deadline(fleet->engine) <= qr_clock_ms())
            qr_engine_timers(fleet->engine);
        if (fleet->n_slow > 0)
            report_slow_streams(fleet);
        if (fleet->refused)
            qr_refused_deliver(fleet);
        if (qr_engine_next_deadline(fleet->engine) < fleet->timer_at)
            pthread_cond_signal(&fleet->wake);
    }
    qr_refused_leave();
    pthread_mutex_unlock(&fleet->mutex);
}

/* ------------------------------------------------------------------ streams */

void qr_fleet_wait_for(struct qr_fleet *fleet, struct qr_fleet_stream *stream, bool waits)
{
    fleet->n_waited += (size_t)waits - (size_t)stream->is_waited_for;
    stream->is_waited_for = waits;
    stream->waited_since_ms = qr_clock_ms();
}

static void look_after(struct qr_fleet *fleet, struct qr_fleet_stream *stream, int64_t now)
{
    qr_assembly_drop_old(fleet, stream, now);
    if (!stream->is_waited_for || now - stream->waited_since_ms < QR_STREAM_WAIT_MS)
        return;
    if (stream->ended)
        qr_rpc_stream_cancel(stream->rpc, QR_E_LIMIT, "the worker does not read its frames");
    else
        qr_engine_protocol_error(fleet->engine, stream->id, "no Hello came");
}

/* Streams that say nothing, or do not go, and records that are never finished: nothing of a peer
 * is waited for without end (rule 12). After a stall of this process what waits is read first. */
static void look_after_streams(struct qr_fleet *fleet, int64_t now)
{
    struct qr_fleet_stream *stream;
    struct qr_fleet_stream *next;
    bool stalled = now - fleet->looked_ms > 3 * LOOK_MS;

    if (now - fleet->looked_ms < LOOK_MS)
        return;
    fleet->looked_ms = now;
    if (stalled || (fleet->n_waited == 0 && fleet->assembly_bytes == 0))
        return;
    HASH_ITER (hh, fleet->streams, stream, next)
        look_after(fleet, stream, now);
}

static void on_open(void *ctx, struct qr_rpc_stream *rpc)
{
    struct qr_fleet *fleet = ctx;
    struct qr_fleet_stream *stream = calloc(1, sizeof *stream);

    if (!stream) {
        qr_rpc_stream_cancel(rpc, QR_E_NOMEM, "out of memory, come back later");
        return;
    }
    stream->rpc = qr_rpc_stream_ref(rpc);
    qr_rpc_stream_set_user(rpc, stream);
    enter(fleet);
    stream->id = fleet->next_stream++;
    bool serving = fleet->started && !fleet->stopping;
    if (serving) {
        HASH_ADD(hh, fleet->streams, id, sizeof stream->id, stream);
        qr_fleet_wait_for(fleet, stream, true);
        qr_engine_stream_open(fleet->engine, stream->id);
    }
    leave(fleet);
    if (!serving) {
        qr_rpc_stream_set_user(rpc, NULL);
        qr_rpc_stream_cancel(rpc, QR_E_UNREACHABLE, "this coordinator is not serving");
        qr_rpc_stream_unref(stream->rpc);
        free(stream);
    }
}

static void on_message(void *ctx, struct qr_rpc_stream *rpc, const uint8_t *data, size_t len)
{
    struct qr_fleet *fleet = ctx;
    struct qr_fleet_stream *stream = qr_rpc_stream_user(rpc);
    Quarry__V1__WorkerFrame *frame;

    if (!stream)
        return;
    enter(fleet);
    bool done = len > QR_FRAME_MAX || qr_fleet_hot_in(fleet, stream, data, len);
    if (len > QR_FRAME_MAX)
        qr_engine_protocol_error(fleet->engine, stream->id, "frame larger than 64 KiB");
    leave(fleet);
    if (done)
        return;
    frame = quarry__v1__worker_frame__unpack(NULL, len, data);
    enter(fleet);
    if (frame)
        qr_fleet_frame_in(fleet, stream, frame);
    else
        qr_engine_protocol_error(fleet->engine, stream->id, "frame cannot be decoded");
    leave(fleet);
    if (frame)
        quarry__v1__worker_frame__free_unpacked(frame, NULL);
}

static void on_half_closed(void *ctx, struct qr_rpc_stream *rpc)
{
    (void)ctx;
    qr_rpc_stream_finish(rpc, QR_OK, NULL);
}

static void on_closed(void *ctx, struct qr_rpc_stream *rpc, int code, const char *message)
{
    struct qr_fleet *fleet = ctx;
    struct qr_fleet_stream *stream = qr_rpc_stream_user(rpc);

    (void)code;
    (void)message;
    if (!stream)
        return;
    enter(fleet);
    if (stream->slow)
        fleet->n_slow--;
    qr_fleet_wait_for(fleet, stream, false);
    qr_assembly_drop_all(fleet, stream);
    HASH_DEL(fleet->streams, stream);
    qr_engine_stream_closed(fleet->engine, stream->id);
    leave(fleet);
    qr_rpc_stream_unref(stream->rpc);
    free(stream);
}

static const struct qr_rpc_stream_handler stream_handler = {
    .open = on_open,
    .message = on_message,
    .half_closed = on_half_closed,
    .closed = on_closed,
};

/* ------------------------------------------------------------------ database */

static void port_hello(void *ctx, const struct qr_db_hello *request)
{
    qr_db_hello(((struct qr_fleet *)ctx)->db, request);
}

static void port_claim(void *ctx, const struct qr_db_claim *request)
{
    qr_db_claim(((struct qr_fleet *)ctx)->db, request);
}

static void port_return(void *ctx, const struct qr_db_return *request)
{
    qr_db_return(((struct qr_fleet *)ctx)->db, request);
}

static void port_settle(void *ctx, struct qr_settle *settle)
{
    qr_db_settle(((struct qr_fleet *)ctx)->db, settle);
}

static void port_mirror(void *ctx, const struct qr_mirror *rows, size_t n)
{
    qr_db_mirror(((struct qr_fleet *)ctx)->db, rows, n);
}

static void port_checkpoint(void *ctx, struct qr_checkpoint *checkpoint)
{
    qr_db_checkpoint(((struct qr_fleet *)ctx)->db, checkpoint);
}

static void port_end_session(void *ctx, uint64_t session_pk, uint64_t attach)
{
    qr_db_end_session(((struct qr_fleet *)ctx)->db, session_pk, attach);
}

static void port_renew(void *ctx) { qr_db_renew(((struct qr_fleet *)ctx)->db); }

static void on_hello_reply(void *ctx, const struct qr_db_hello_reply *reply)
{
    struct qr_fleet *fleet = ctx;
    if (qr_refused_hello(fleet, reply))
        return;
    enter(fleet);
    qr_engine_done_hello(fleet->engine, reply);
    leave(fleet);
}

static void on_claim_reply(void *ctx, const struct qr_db_claim_reply *reply)
{
    struct qr_fleet *fleet = ctx;
    if (qr_refused_claim(fleet, reply))
        return;
    enter(fleet);
    qr_engine_done_claim(fleet->engine, reply);
    leave(fleet);
}

static void on_return_reply(void *ctx, const struct qr_db_return_reply *reply)
{
    struct qr_fleet *fleet = ctx;
    if (qr_refused_return(fleet, reply))
        return;
    enter(fleet);
    qr_engine_done_return(fleet->engine, reply);
    leave(fleet);
}

void qr_fleet_time_offer(struct qr_fleet *fleet, uint64_t id, uint64_t lease_id)
{
    struct qr_fleet_stream *stream = qr_fleet_find_stream(fleet, id);

    if (stream)
        stream->offers[stream->next_offer++ % QR_OFFERS_TIMED] =
            (struct qr_timed_offer){lease_id, qr_clock_ns()};
}

void qr_fleet_time_accept(struct qr_fleet *fleet, struct qr_fleet_stream *stream, uint64_t lease_id)
{
    for (unsigned i = 0; i < QR_OFFERS_TIMED; i++) {
        struct qr_timed_offer *offer = &stream->offers[i];
        if (offer->lease_id != lease_id || lease_id == 0)
            continue;
        qr_histogram_observe(&fleet->offer_accept, (double)(qr_clock_ns() - offer->sent_ns) / 1e9);
        offer->lease_id = 0;
        return;
    }
}

struct qr_histogram *qr_fleet_offer_accept(struct qr_fleet *fleet) { return &fleet->offer_accept; }

/* Settles come and go with every job, on different threads: the empty ones are kept. */
struct qr_settle *qr_fleet_new_settle(struct qr_fleet *fleet, size_t record_len)
{
    struct qr_settle *settle = record_len == 0 ? fleet->free_settles : NULL;

    if (settle) {
        fleet->free_settles = settle->next;
        fleet->n_free_settles--;
        memset(settle, 0, sizeof *settle);
        return settle;
    }
    settle = calloc(1, sizeof *settle + record_len);
    if (settle && record_len > 0) {
        settle->record = (uint8_t *)(settle + 1);
        settle->record_len = record_len;
    }
    return settle;
}

void qr_fleet_free_settle(struct qr_fleet *fleet, struct qr_settle *settle)
{
    bool is_whole = settle->record == (uint8_t *)(settle + 1);

    free(settle->message);
    if (!is_whole)
        free(settle->record);
    if (is_whole || fleet->n_free_settles >= FREE_SETTLES_MAX) {
        free(settle);
        return;
    }
    settle->next = fleet->free_settles;
    fleet->free_settles = settle;
    fleet->n_free_settles++;
}

void qr_fleet_settled(struct qr_fleet *fleet, struct qr_settle *const *settles, size_t n,
                      enum qr_db_status status)
{
    qr_engine_done_settle(fleet->engine, settles, n, status);
    for (size_t i = 0; i < n; i++) {
        fleet->pending_bytes -= settles[i]->record_len;
        qr_fleet_free_settle(fleet, settles[i]);
    }
}

static void on_settled(void *ctx, struct qr_settle *const *settles, size_t n,
                       enum qr_db_status status)
{
    struct qr_fleet *fleet = ctx;
    if (qr_refused_settles(fleet, settles, n, status))
        return;
    enter(fleet);
    qr_fleet_settled(fleet, settles, n, status);
    leave(fleet);
}

void qr_fleet_checkpointed(struct qr_fleet *fleet, struct qr_checkpoint *checkpoint,
                           enum qr_db_status status)
{
    fleet->pending_bytes -= checkpoint->part_len;
    qr_engine_done_checkpoint(fleet->engine, checkpoint, status);
    qr_checkpoint_free(checkpoint);
}

static void on_checkpointed(void *ctx, struct qr_checkpoint *checkpoint, enum qr_db_status status)
{
    struct qr_fleet *fleet = ctx;
    if (qr_refused_checkpoint(fleet, checkpoint, status))
        return;
    enter(fleet);
    qr_fleet_checkpointed(fleet, checkpoint, status);
    leave(fleet);
}

static void on_renewed(void *ctx, bool ok)
{
    struct qr_fleet *fleet = ctx;
    if (qr_refused_renew(fleet, ok))
        return;
    enter(fleet);
    qr_engine_done_renew(fleet->engine, ok);
    leave(fleet);
}

static void on_adopted(void *ctx, const struct qr_adopted *adopted)
{
    struct qr_fleet *fleet = ctx;
    enter(fleet);
    qr_engine_adopt(fleet->engine, adopted);
    leave(fleet);
}

static void on_stops(void *ctx, const struct qr_stops *stops)
{
    struct qr_fleet *fleet = ctx;
    enter(fleet);
    qr_engine_stops(fleet->engine, stops);
    leave(fleet);
}

static void on_work_available(void *ctx, qr_type_id type) { qr_fleet_work_available(ctx, type); }

struct qr_db_events qr_fleet_db_events(struct qr_fleet *fleet)
{
    return (struct qr_db_events){
        .ctx = fleet,
        .hello = on_hello_reply,
        .claim = on_claim_reply,
        .returned = on_return_reply,
        .settled = on_settled,
        .checkpointed = on_checkpointed,
        .renewed = on_renewed,
        .adopted = on_adopted,
        .stops = on_stops,
        .work_available = on_work_available,
    };
}

/* ------------------------------------------------------------------ timers and life */

static void *run_timer(void *arg)
{
    struct qr_fleet *fleet = arg;

    pthread_mutex_lock(&fleet->mutex);
    qr_refused_enter(fleet);
    while (!fleet->stopping) {
        int64_t now = qr_clock_ms();
        qr_engine_set_now(fleet->engine, now);
        qr_engine_timers(fleet->engine);
        look_after_streams(fleet, now);
        if (fleet->n_slow > 0)
            report_slow_streams(fleet);
        if (fleet->refused)
            qr_refused_deliver(fleet);
        int64_t until = qr_engine_next_deadline(fleet->engine);
        if (until <= now)
            until = now + 1;
        if (until > now + 1000)
            until = now + 1000;
        fleet->timer_at = until;
        struct timespec at; /* the condition waits on CLOCK_MONOTONIC; only the distance counts */
        clock_gettime(CLOCK_MONOTONIC, &at);
        int64_t ns = at.tv_nsec + (until - now) * 1000000;
        at.tv_sec += (time_t)(ns / 1000000000);
        at.tv_nsec = (long)(ns % 1000000000);
        pthread_cond_timedwait(&fleet->wake, &fleet->mutex, &at);
    }
    pthread_mutex_unlock(&fleet->mutex);
    return NULL;
}

int qr_fleet_new(const struct qr_fleet_config *config, struct qr_rpc_server *server,
                 struct qr_fleet **ret, struct qr_err *err)
{
    QR_AUTO(qr_fleet) fleet = calloc(1, sizeof *fleet);
    struct qr_engine_port port = {
        .ctx = fleet,
        .db_hello = port_hello,
        .db_claim = port_claim,
        .db_return = port_return,
        .db_settle = port_settle,
        .db_mirror = port_mirror,
        .db_checkpoint = port_checkpoint,
        .db_end_session = port_end_session,
        .db_renew = port_renew,
    };
    pthread_condattr_t attr;

    if (!fleet)
        return qr_fail(err, QR_E_NOMEM, "no memory for the fleet service");
    fleet->config = *config;
    if (fleet->config.max_record_bytes == 0)
        fleet->config.max_record_bytes = (size_t)64 << 20;
    if (fleet->config.max_assembly_bytes == 0)
        fleet->config.max_assembly_bytes = (size_t)256 << 20;
    if (fleet->config.max_pending_bytes == 0)
        fleet->config.max_pending_bytes = (size_t)256 << 20;
    /* a record that is allowed fits: what never fits would be refused and sent again for ever */
    if (fleet->config.max_assembly_bytes < fleet->config.max_record_bytes)
        fleet->config.max_assembly_bytes = fleet->config.max_record_bytes;
    if (fleet->config.max_pending_bytes < fleet->config.max_record_bytes)
        fleet->config.max_pending_bytes = fleet->config.max_record_bytes;
    fleet->server = server;
    fleet->next_stream = 1;
    qr_histogram_init(&fleet->offer_accept, offer_accept_seconds, QR_COUNT(offer_accept_seconds));
    fleet->timer_at = INT64_MAX;
    fleet->refused_tail = &fleet->refused;
    pthread_mutex_init(&fleet->mutex, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&fleet->wake, &attr);
    pthread_condattr_destroy(&attr);
    qr_fleet_port_frames(&port);
    fleet->engine = qr_engine_new(&fleet->config.engine, &port);
    fleet->hot_out = malloc(QR_FRAME_MAX);
    if (!fleet->engine || !fleet->hot_out)
        return qr_fail(err, QR_E_NOMEM, "no memory for the engine");
    int rc = qr_rpc_server_add_stream(server, "/quarry.v1.Fleet/Work", &stream_handler, fleet, err);
    if (rc < 0)
        return rc;
    *ret = qr_steal(&fleet);
    return QR_OK;
}

int qr_fleet_start(struct qr_fleet *fleet, struct qr_db *db, struct qr_err *err)
{
    pthread_mutex_lock(&fleet->mutex);
    fleet->db = db;
    fleet->started = true;
    pthread_mutex_unlock(&fleet->mutex);
    int rc = pthread_create(&fleet->timer, NULL, run_timer, fleet);
    if (rc != 0) {
        fleet->started = false;
        return qr_fail_errno(err, QR_E_LIMIT, rc, "start the timer thread");
    }
    return QR_OK;
}

void qr_fleet_stop(struct qr_fleet *fleet, int64_t grace_ms)
{
    int64_t deadline = qr_clock_ms() + grace_ms;
    bool idle = false;

    if (!fleet->started)
        return;
    enter(fleet);
    qr_engine_shutdown(fleet->engine);
    leave(fleet);
    while (!idle && qr_clock_ms() < deadline) {
        enter(fleet);
        idle = qr_engine_is_idle(fleet->engine);
        leave(fleet);
        if (!idle)
            qr_clock_sleep_ms(10);
    }
    pthread_mutex_lock(&fleet->mutex);
    fleet->stopping = true;
    pthread_cond_signal(&fleet->wake);
    pthread_mutex_unlock(&fleet->mutex);
    pthread_join(fleet->timer, NULL);
    pthread_mutex_lock(&fleet->mutex);
    fleet->started = false;
    pthread_mutex_unlock(&fleet->mutex);
}

void qr_fleet_free(struct qr_fleet *fleet)
{
    if (!fleet)
        return;
    qr_refused_drop_all(fleet);
    qr_engine_free(fleet->engine);
    while (fleet->free_settles) {
        struct qr_settle *settle = fleet->free_settles;
        fleet->free_settles = settle->next;
        free(settle);
    }
    qr_hot_done(&fleet->hot_in);
    free(fleet->hot_out);
    pthread_cond_destroy(&fleet->wake);
    pthread_mutex_destroy(&fleet->mutex);
    free(fleet);
}

/* ------------------------------------------------------------------ looking in */

void qr_fleet_work_available(struct qr_fleet *fleet, qr_type_id type)
{
    enter(fleet);
    qr_engine_work_available(fleet->engine, type);
    leave(fleet);
}

void qr_fleet_get_stats(struct qr_fleet *fleet, struct qr_engine_stats *ret)
{
    enter(fleet);
    qr_engine_get_stats(fleet->engine, ret);
    leave(fleet);
}

struct each_ctx {
    struct qr_fleet *fleet;
    qr_fleet_session_fn fn;
    void *ctx;
};

static void with_peer(void *ctx, const struct qr_session_view *view)
{
    struct each_ctx *each = ctx;
    struct qr_fleet_stream *stream = qr_fleet_find_stream(each->fleet, view->stream);
    each->fn(each->ctx, view, stream ? qr_rpc_stream_peer(stream->rpc) : "");
}

void qr_fleet_each_session(struct qr_fleet *fleet, qr_fleet_session_fn fn, void *ctx)
{
    struct each_ctx each = {fleet, fn, ctx};
    enter(fleet);
    qr_engine_each_session(fleet->engine, with_peer, &each);
    leave(fleet);
}

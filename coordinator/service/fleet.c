#include "coordinator/service/fleet.h"

#include <stdlib.h>
#include <time.h>

#include "common/clock.h"
#include "common/log.h"
#include "coordinator/service/fleet_internal.h"

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

void qr_fleet_enter(struct qr_fleet *fleet)
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
void qr_fleet_leave(struct qr_fleet *fleet)
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
        qr_fleet_look_after_streams(fleet, now);
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
    struct qr_engine_port port = {.ctx = fleet};
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
    qr_fleet_port_db(&port);
    fleet->engine = qr_engine_new(&fleet->config.engine, &port);
    fleet->hot_out = malloc(QR_FRAME_MAX);
    if (!fleet->engine || !fleet->hot_out)
        return qr_fail(err, QR_E_NOMEM, "no memory for the engine");
    int rc = qr_rpc_server_add_stream(server, "/quarry.v1.Fleet/Work", &qr_fleet_stream_handler,
                                      fleet, err);
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
    qr_fleet_enter(fleet);
    qr_engine_shutdown(fleet->engine);
    qr_fleet_leave(fleet);
    while (!idle && qr_clock_ms() < deadline) {
        qr_fleet_enter(fleet);
        idle = qr_engine_is_idle(fleet->engine);
        qr_fleet_leave(fleet);
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

void qr_fleet_work_available(struct qr_fleet *fleet, qr_type_id type)
{
    qr_fleet_enter(fleet);
    qr_engine_work_available(fleet->engine, type);
    qr_fleet_leave(fleet);
}

void qr_fleet_get_stats(struct qr_fleet *fleet, struct qr_engine_stats *ret)
{
    qr_fleet_enter(fleet);
    qr_engine_get_stats(fleet->engine, ret);
    qr_fleet_leave(fleet);
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
    qr_fleet_enter(fleet);
    qr_engine_each_session(fleet->engine, with_peer, &each);
    qr_fleet_leave(fleet);
}

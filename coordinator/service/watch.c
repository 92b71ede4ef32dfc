/* WatchRun: one thread looks after all watches. Each is a run asked for again and again at its own
 * pace; two people who watch the same run cost two reads. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/clock.h"
#include "coordinator/db/run.h"
#include "coordinator/service/admin_internal.h"
#include "coordinator/service/await.h"

enum {
    WATCHES_MAX = 256,
    INTERVAL_DEFAULT_MS = 500,
    INTERVAL_MIN_MS = 100,
    INTERVAL_MAX_MS = 60000
};

struct watch {
    struct qr_rpc_stream *stream; /* a reference */
    int64_t run_id;
    int64_t interval_ms;
    int64_t next_at;
    bool closed; /* the stream is over; a watch that is just being reported finds out by sending */
    struct watch *next;
};

struct qr_watches {
    struct qr_admin *admin;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t wake;
    bool started, stopping;
    struct watch *list; /* guarded by mutex; nodes are freed by the thread alone once it runs */
    size_t n;
};

struct get_call {
    struct qr_admin *admin;
    int64_t run_id;
    Quarry__V1__RunReply *reply;
};

static int get(struct qr_conn *conn, void *arg, struct qr_err *err)
{
    struct get_call *call = arg;
    int rc = qr_run_get(conn, call->run_id, false, &call->reply, err);

    if (rc < 0)
        return rc;
    rc = qr_admin_add_unserved(call->admin, call->reply->run, err);
    if (rc < 0) {
        quarry__v1__run_reply__free_unpacked(call->reply, NULL);
        call->reply = NULL;
    }
    return rc;
}

/* True when the watch is over. */
static bool report(struct qr_watches *watches, struct watch *watch)
{
    struct get_call call = {.admin = watches->admin, .run_id = watch->run_id};
    struct qr_err err = {0};
    bool over = false;
    int rc = qr_await(watches->admin->db, QR_DB_LANE_READ, get, &call, &err);

    if (rc == QR_OK) {
        const char *status = call.reply->run->status;
        over = strcmp(status, "active") != 0 && strcmp(status, "paused") != 0;
        rc = qr_admin_send(watch->stream, &call.reply->base);
        if (rc == QR_E_LIMIT)
            rc = QR_OK; /* the reader is slow: it gets the next one */
        if (over || rc < 0)
            qr_rpc_stream_finish(watch->stream, rc, NULL);
        over = over || rc < 0;
        quarry__v1__run_reply__free_unpacked(call.reply, NULL);
    } else if (!qr_err_is_retryable(rc)) { /* a database that is away comes back */
        qr_rpc_stream_finish(watch->stream, rc, err.msg);
        over = true;
    }
    return over;
}

/* The watch that is due first, taken out of the list; NULL when none is due yet. */
static struct watch *take_due(struct qr_watches *watches, int64_t now, int64_t *ret_next)
{
    struct watch **best = NULL;

    for (struct watch **at = &watches->list; *at; at = &(*at)->next)
        if ((*at)->closed || !best || (*at)->next_at < (*best)->next_at) {
            best = at;
            if ((*at)->closed)
                break;
        }
    *ret_next = best ? (*best)->next_at : now + 1000;
    if (!best || (!(*best)->closed && (*best)->next_at > now))
        return NULL;
    struct watch *due = *best;
    *best = due->next;
    return due;
}

static void drop(struct qr_watches *watches, struct watch *watch)
{
    watches->n--;
    qr_rpc_stream_unref(watch->stream);
    free(watch);
}

static void sleep_until(struct qr_watches *watches, int64_t at_ms)
{
    int64_t ms = at_ms - qr_clock_ms();
    struct timespec at;

    if (ms < 1)
        ms = 1;
    if (ms > 1000)
        ms = 1000;
    clock_gettime(CLOCK_MONOTONIC, &at);
    int64_t ns = at.tv_nsec + ms * 1000000;
    at.tv_sec += (time_t)(ns / 1000000000);
    at.tv_nsec = (long)(ns % 1000000000);
    pthread_cond_timedwait(&watches->wake, &watches->mutex, &at);
}

static void *run_watches(void *arg)
{
    struct qr_watches *watches = arg;
    int64_t next;

    pthread_mutex_lock(&watches->mutex);
    while (!watches->stopping) {
        struct watch *watch = take_due(watches, qr_clock_ms(), &next);
        if (!watch) {
            sleep_until(watches, next);
            continue;
        }
        bool over = watch->closed;
        watch->next = NULL;
        if (!over) {
            pthread_mutex_unlock(&watches->mutex);
            over = report(watches, watch);
            pthread_mutex_lock(&watches->mutex);
        }
        if (over || watch->closed) {
            drop(watches, watch);
            continue;
        }
        watch->next_at = qr_clock_ms() + watch->interval_ms;
        watch->next = watches->list;
        watches->list = watch;
    }
    pthread_mutex_unlock(&watches->mutex);
    return NULL;
}

static void on_request(void *ctx, struct qr_rpc_stream *stream, const uint8_t *data, size_t len)
{
    struct qr_watches *watches = ctx;
    Quarry__V1__WatchRunRequest *request = quarry__v1__watch_run_request__unpack(NULL, len, data);
    struct watch *watch = request ? calloc(1, sizeof *watch) : NULL;
    bool taken = false;

    if (watch) {
        watch->stream = qr_rpc_stream_ref(stream);
        watch->run_id = request->run_id;
        watch->interval_ms = request->interval_ms > 0 ? request->interval_ms : INTERVAL_DEFAULT_MS;
        if (watch->interval_ms < INTERVAL_MIN_MS)
            watch->interval_ms = INTERVAL_MIN_MS;
        if (watch->interval_ms > INTERVAL_MAX_MS)
            watch->interval_ms = INTERVAL_MAX_MS;
        pthread_mutex_lock(&watches->mutex);
        taken = watches->started && !watches->stopping && watches->n < WATCHES_MAX;
        if (taken) {
            watch->next = watches->list;
            watches->list = watch;
            watches->n++;
            pthread_cond_signal(&watches->wake);
        }
        pthread_mutex_unlock(&watches->mutex);
    }
    if (!taken) {
        if (!request)
            qr_rpc_stream_finish(stream, QR_E_INVALID, "the request cannot be decoded");
        else
            qr_rpc_stream_finish(stream, QR_E_LIMIT, "no watch can be taken now, try again later");
        if (watch)
            qr_rpc_stream_unref(watch->stream);
        free(watch);
    }
    if (request)
        quarry__v1__watch_run_request__free_unpacked(request, NULL);
}

static void on_closed(void *ctx, struct qr_rpc_stream *stream, int code, const char *message)
{
    struct qr_watches *watches = ctx;
    (void)code;
    (void)message;

    pthread_mutex_lock(&watches->mutex);
    for (struct watch *watch = watches->list; watch; watch = watch->next)
        if (watch->stream == stream) {
            watch->closed = true;
            pthread_cond_signal(&watches->wake);
        }
    pthread_mutex_unlock(&watches->mutex);
}

static const struct qr_rpc_stream_handler watch_handler = {
    .message = on_request,
    .closed = on_closed,
};

int qr_watches_new(struct qr_admin *admin, struct qr_rpc_server *server, struct qr_watches **ret,
                   struct qr_err *err)
{
    struct qr_watches *watches = calloc(1, sizeof *watches);
    pthread_condattr_t attr;

    if (!watches)
        return qr_fail(err, QR_E_NOMEM, "no memory for watches");
    watches->admin = admin;
    pthread_mutex_init(&watches->mutex, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&watches->wake, &attr);
    pthread_condattr_destroy(&attr);
    *ret = watches; /* freed with the admin service, also when this fails */
    return qr_rpc_server_add_stream(server, "/quarry.v1.Admin/WatchRun", &watch_handler, watches,
                                    err);
}

int qr_watches_start(struct qr_watches *watches, struct qr_err *err)
{
    pthread_mutex_lock(&watches->mutex);
    int rc = pthread_create(&watches->thread, NULL, run_watches, watches);
    watches->started = rc == 0;
    pthread_mutex_unlock(&watches->mutex);
    return rc == 0 ? QR_OK : qr_fail_errno(err, QR_E_LIMIT, rc, "start the watch thread");
}

void qr_watches_stop(struct qr_watches *watches)
{
    pthread_mutex_lock(&watches->mutex);
    bool running = watches->started && !watches->stopping;
    watches->stopping = true;
    pthread_cond_signal(&watches->wake);
    pthread_mutex_unlock(&watches->mutex);
    if (running)
        pthread_join(watches->thread, NULL);
    pthread_mutex_lock(&watches->mutex);
    while (watches->list) {
        struct watch *watch = watches->list;
        watches->list = watch->next;
        qr_rpc_stream_finish(watch->stream, QR_E_UNREACHABLE, "the coordinator stops");
        drop(watches, watch);
    }
    pthread_mutex_unlock(&watches->mutex);
}

void qr_watches_free(struct qr_watches *watches)
{
    if (!watches)
        return;
    pthread_cond_destroy(&watches->wake);
    pthread_mutex_destroy(&watches->mutex);
    free(watches);
}

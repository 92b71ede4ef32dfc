/* Export: the rows of a run as a stream. A read lane executes it and waits for the
 * reader where the stream's queue is full, so exports are limited to one at a time: the other read
 * lanes stay free for everyone else. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "coordinator/db/export.h"
#include "coordinator/service/admin_internal.h"

enum {
    STALL_S = 60,         /* a reader that takes nothing for so long is dropped */
    PIECE_BYTES = 1 << 20 /* of one message: the record of one large file takes several */
};

struct qr_exports {
    struct qr_admin *admin;
    pthread_mutex_t mutex;
    pthread_cond_t moved;         /* the stream is writable again, or over, or we stop */
    bool stopping;                /* guarded by mutex, as all below */
    struct qr_rpc_stream *stream; /* the export under way; a reference */
    bool stream_over;
    uint64_t writable; /* counts the stream's writable callbacks */
};

struct export_call {
    struct qr_exports *exports;
    struct qr_rpc_stream *stream;
    Quarry__V1__ExportRequest *request;
    const char *stopped; /* why the reader was given up; NULL */
};

/* True when there is room again, false when the export is over. */
static bool wait_for_room(struct export_call *call, uint64_t seen)
{
    struct qr_exports *exports = call->exports;
    struct timespec until;
    bool timed_out = false;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += STALL_S;
    pthread_mutex_lock(&exports->mutex);
    while (!exports->stopping && !exports->stream_over && exports->writable == seen && !timed_out)
        timed_out = pthread_cond_timedwait(&exports->moved, &exports->mutex, &until) != 0;
    if (exports->stopping)
        call->stopped = "the coordinator stops";
    else if (timed_out)
        call->stopped = "the reader took nothing for a minute";
    bool go_on = !call->stopped && !exports->stream_over;
    pthread_mutex_unlock(&exports->mutex);
    return go_on;
}

static bool send_piece(struct export_call *call, const char *data, size_t len)
{
    Quarry__V1__ExportReply reply = QUARRY__V1__EXPORT_REPLY__INIT;

    reply.data.data = (uint8_t *)data;
    reply.data.len = len;
    for (;;) {
        pthread_mutex_lock(&call->exports->mutex);
        uint64_t seen = call->exports->writable;
        pthread_mutex_unlock(&call->exports->mutex);
        int rc = qr_admin_send(call->stream, &reply.base);
        if (rc == QR_OK)
            return true;
        if (rc != QR_E_LIMIT || !wait_for_room(call, seen))
            return false;
    }
}

static bool send_lines(void *ctx, const char *data, size_t len)
{
    for (size_t at = 0, n; at < len; at += n) {
        n = len - at < PIECE_BYTES ? len - at : PIECE_BYTES;
        if (!send_piece(ctx, data + at, n))
            return false;
    }
    return true;
}

static int run_export(struct qr_conn *conn, void *arg, struct qr_err *err)
{
    struct export_call *call = arg;
    return qr_export(conn, call->request->run_id, call->request->format, send_lines, call, err);
}

static void export_done(void *arg, int rc, const struct qr_err *err)
{
    struct export_call *call = arg;
    struct qr_exports *exports = call->exports;

    if (call->stopped)
        qr_rpc_stream_cancel(call->stream, QR_E_UNREACHABLE, call->stopped);
    else
        qr_rpc_stream_finish(call->stream, rc, rc < 0 ? err->msg : NULL);
    pthread_mutex_lock(&exports->mutex);
    exports->stream = NULL;
    pthread_cond_broadcast(&exports->moved);
    pthread_mutex_unlock(&exports->mutex);
    qr_rpc_stream_unref(call->stream);
    quarry__v1__export_request__free_unpacked(call->request, NULL);
    free(call);
}

static void on_request(void *ctx, struct qr_rpc_stream *stream, const uint8_t *data, size_t len)
{
    struct qr_exports *exports = ctx;
    struct export_call *call = calloc(1, sizeof *call);
    bool free_now = false;

    if (call)
        call->request = quarry__v1__export_request__unpack(NULL, len, data);
    if (!call || !call->request || !atomic_load(&exports->admin->serving)) {
        qr_rpc_stream_finish(stream, call && !call->request ? QR_E_INVALID : QR_E_UNREACHABLE,
                             "the export cannot be taken");
        if (call && call->request)
            quarry__v1__export_request__free_unpacked(call->request, NULL);
        free(call);
        return;
    }
    call->exports = exports;
    pthread_mutex_lock(&exports->mutex);
    if (exports->stream || exports->stopping) {
        free_now = true;
    } else {
        exports->stream = call->stream = qr_rpc_stream_ref(stream);
        exports->stream_over = false;
    }
    pthread_mutex_unlock(&exports->mutex);
    if (free_now) {
        qr_rpc_stream_finish(stream, QR_E_LIMIT,
                             "another export is under way; hint: try again later");
        quarry__v1__export_request__free_unpacked(call->request, NULL);
        free(call);
        return;
    }
    qr_db_submit(exports->admin->db, QR_DB_LANE_LONG, run_export, export_done, call);
}

static void on_writable(void *ctx, struct qr_rpc_stream *stream)
{
    struct qr_exports *exports = ctx;

    pthread_mutex_lock(&exports->mutex);
    if (exports->stream == stream) {
        exports->writable++;
        pthread_cond_broadcast(&exports->moved);
    }
    pthread_mutex_unlock(&exports->mutex);
}

static void on_closed(void *ctx, struct qr_rpc_stream *stream, int code, const char *message)
{
    struct qr_exports *exports = ctx;
    (void)code;
    (void)message;

    pthread_mutex_lock(&exports->mutex);
    if (exports->stream == stream) {
        exports->stream_over = true;
        pthread_cond_broadcast(&exports->moved);
    }
    pthread_mutex_unlock(&exports->mutex);
}

static const struct qr_rpc_stream_handler export_handler = {
    .message = on_request,
    .writable = on_writable,
    .closed = on_closed,
};

int qr_exports_new(struct qr_admin *admin, struct qr_rpc_server *server, struct qr_exports **ret,
                   struct qr_err *err)
{
    struct qr_exports *exports = calloc(1, sizeof *exports);
    pthread_condattr_t attr;

    if (!exports)
        return qr_fail(err, QR_E_NOMEM, "no memory for exports");
    exports->admin = admin;
    pthread_mutex_init(&exports->mutex, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&exports->moved, &attr);
    pthread_condattr_destroy(&attr);
    *ret = exports; /* freed with the admin service, also when this fails */
    return qr_rpc_server_add_stream(server, "/quarry.v1.Admin/Export", &export_handler, exports,
                                    err);
}

void qr_exports_stop(struct qr_exports *exports)
{
    pthread_mutex_lock(&exports->mutex);
    exports->stopping = true;
    pthread_cond_broadcast(&exports->moved);
    while (exports->stream) /* bounded: the lane's statements have deadlines */
        pthread_cond_wait(&exports->moved, &exports->mutex);
    pthread_mutex_unlock(&exports->mutex);
}

void qr_exports_free(struct qr_exports *exports)
{
    if (!exports)
        return;
    pthread_cond_destroy(&exports->moved);
    pthread_mutex_destroy(&exports->mutex);
    free(exports);
}

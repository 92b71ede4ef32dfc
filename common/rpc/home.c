#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <grpc/slice.h>

#include "common/rpc/internal.h"

int qr_rpc_limits_check(struct qr_rpc_limits *limits, struct qr_err *err)
{
    if (limits->max_message_bytes == 0)
        limits->max_message_bytes = QR_RPC_MESSAGE_BYTES;
    if (limits->max_message_bytes > (size_t)1 << 30)
        return qr_fail(err, QR_E_INVALID, "max_message_bytes %zu over 1 GiB",
                       limits->max_message_bytes);
    if (limits->max_queue_bytes == 0)
        limits->max_queue_bytes = limits->max_message_bytes > QR_RPC_QUEUE_BYTES / 2
                                      ? 2 * limits->max_message_bytes
                                      : QR_RPC_QUEUE_BYTES;
    if (limits->max_queue_bytes < limits->max_message_bytes)
        return qr_fail(err, QR_E_INVALID, "max_queue_bytes %zu under max_message_bytes %zu",
                       limits->max_queue_bytes, limits->max_message_bytes);
    if (limits->keepalive_ms == 0)
        limits->keepalive_ms = QR_RPC_KEEPALIVE_MS;
    if (limits->keepalive_timeout_ms == 0)
        limits->keepalive_timeout_ms = QR_RPC_KEEPALIVE_TIMEOUT_MS;
    if (limits->keepalive_ms < QR_RPC_KEEPALIVE_MIN_MS || limits->keepalive_timeout_ms < 1)
        return qr_fail(err, QR_E_INVALID, "keepalive_ms %lld under %lld, or no time-out",
                       (long long)limits->keepalive_ms, (long long)QR_RPC_KEEPALIVE_MIN_MS);
    return QR_OK;
}

static int add_head(struct qr_rpc_home *home, const struct qr_rpc_metadata *pair,
                    struct qr_err *err)
{
    grpc_metadata *item = &home->head[home->n_head];

    item->key = grpc_slice_from_copied_string(pair->key);
    item->value = grpc_slice_from_copied_string(pair->value);
    home->n_head++;
    if (!grpc_header_key_is_legal(item->key) || grpc_is_binary_header(item->key) ||
        !grpc_header_nonbin_value_is_legal(item->value))
        return qr_fail(err, QR_E_INVALID, "metadata '%s' is not legal", pair->key);
    return QR_OK;
}

int qr_rpc_home_init(struct qr_rpc_home *home, const struct qr_rpc_limits *limits,
                     const struct qr_rpc_metadata *metadata, struct qr_err *err)
{
    size_t n = 0;
    pthread_condattr_t attr;

    memset(home, 0, sizeof *home);
    home->limits = *limits;
    pthread_mutex_init(&home->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&home->idle, &attr);
    pthread_condattr_destroy(&attr);
    while (metadata && metadata[n].key)
        n++;
    if (n == 0)
        return QR_OK;
    home->head = calloc(n, sizeof *home->head);
    if (!home->head)
        return qr_fail(err, QR_E_NOMEM, "metadata");
    for (size_t i = 0; i < n; i++) {
        int rc = add_head(home, &metadata[i], err);
        if (rc < 0)
            return rc;
    }
    return QR_OK;
}

void qr_rpc_home_done(struct qr_rpc_home *home)
{
    for (size_t i = 0; i < home->n_head; i++) {
        grpc_slice_unref(home->head[i].key);
        grpc_slice_unref(home->head[i].value);
    }
    free(home->head);
    pthread_cond_destroy(&home->idle);
    pthread_mutex_destroy(&home->lock);
}

void qr_rpc_home_enter(struct qr_rpc_home *home)
{
    pthread_mutex_lock(&home->lock);
    home->pending++;
    pthread_mutex_unlock(&home->lock);
}

void qr_rpc_home_leave(struct qr_rpc_home *home)
{
    pthread_mutex_lock(&home->lock);
    if (--home->pending == 0)
        pthread_cond_broadcast(&home->idle);
    pthread_mutex_unlock(&home->lock);
}

size_t qr_rpc_home_live(struct qr_rpc_home *home)
{
    pthread_mutex_lock(&home->lock);
    size_t live = home->live;
    pthread_mutex_unlock(&home->lock);
    return live;
}

void qr_rpc_home_wait(struct qr_rpc_home *home, const size_t *counter, int64_t timeout_ms)
{
    struct timespec until;
    int rc = 0;

    clock_gettime(CLOCK_MONOTONIC, &until);
    if (timeout_ms > 0) {
        until.tv_sec += timeout_ms / 1000;
        until.tv_nsec += timeout_ms % 1000 * 1000000;
        until.tv_sec += until.tv_nsec / 1000000000;
        until.tv_nsec %= 1000000000;
    }
    pthread_mutex_lock(&home->lock);
    while (*counter > 0 && rc != ETIMEDOUT)
        rc = timeout_ms < 0 ? pthread_cond_wait(&home->idle, &home->lock)
                            : pthread_cond_timedwait(&home->idle, &home->lock, &until);
    pthread_mutex_unlock(&home->lock);
}

void qr_rpc_home_cancel(struct qr_rpc_home *home, int code, const char *message)
{
    pthread_mutex_lock(&home->lock);
    home->ended = true;
    for (struct qr_rpc_stream *s = home->streams; s; s = s->next)
        qr_rpc_stream_cancel(s, code, message);
    pthread_mutex_unlock(&home->lock);
}

void qr_rpc_args_add(struct qr_rpc_args *args, const char *key, int64_t value)
{
    if (args->list.num_args == QR_COUNT(args->items))
        abort();
    grpc_arg *arg = &args->items[args->list.num_args++];
    arg->type = GRPC_ARG_INTEGER;
    arg->key = (char *)(uintptr_t)key; /* gRPC does not write to it */
    arg->value.integer = value > INT_MAX ? INT_MAX : (int)value;
}

/* Both ends alike. Off: what costs time on each call and nobody reads (channelz, compression,
 * connection idling), and probing for the bandwidth-delay product: windows stay as they are
 * configured. Not GRPC_ARG_MINIMAL_STACK: that drops the size limit and the deadline too. */
void qr_rpc_args_init(struct qr_rpc_args *args, const struct qr_rpc_limits *limits)
{
    int64_t bytes = (int64_t)limits->max_message_bytes;

    memset(args, 0, sizeof *args);
    args->list.args = args->items;
    qr_rpc_args_add(args, GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH, bytes);
    qr_rpc_args_add(args, GRPC_ARG_MAX_SEND_MESSAGE_LENGTH, bytes);
    qr_rpc_args_add(args, GRPC_ARG_MAX_METADATA_SIZE, QR_RPC_METADATA_BYTES);
    qr_rpc_args_add(args, GRPC_ARG_HTTP2_STREAM_LOOKAHEAD_BYTES, QR_RPC_WINDOW_BYTES);
    qr_rpc_args_add(args, GRPC_ARG_HTTP2_BDP_PROBE, 0);
    qr_rpc_args_add(args, GRPC_ARG_KEEPALIVE_TIME_MS, limits->keepalive_ms);
    qr_rpc_args_add(args, GRPC_ARG_KEEPALIVE_TIMEOUT_MS, limits->keepalive_timeout_ms);
    qr_rpc_args_add(args, GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
    qr_rpc_args_add(args, GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
    qr_rpc_args_add(args, GRPC_ARG_ENABLE_CHANNELZ, 0);
    qr_rpc_args_add(args, GRPC_ARG_ENABLE_PER_MESSAGE_COMPRESSION, 0);
}

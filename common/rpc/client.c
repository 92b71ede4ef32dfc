#include "common/rpc/client.h"

#include <stdlib.h>
#include <string.h>

#include <grpc/slice.h>

#include "common/rpc/channel.h"

static grpc_channel *create_core(const char *target, const struct qr_rpc_limits *limits,
                                 int64_t reconnect_min_ms, int64_t reconnect_max_ms)
{
    struct qr_rpc_args args;
    grpc_channel_credentials *creds = qr_rpc_channel_credentials();

    qr_rpc_args_init(&args, limits);
    qr_rpc_args_add(&args, GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, reconnect_min_ms);
    /* in spite of its name: the time a connection attempt has */
    qr_rpc_args_add(&args, GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, QR_RPC_CONNECT_MS);
    qr_rpc_args_add(&args, GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, reconnect_max_ms);
    qr_rpc_args_add(&args, GRPC_ARG_ENABLE_RETRIES, 0); /* retrying is the caller's */
    qr_rpc_args_add(&args, GRPC_ARG_SERVICE_CONFIG_DISABLE_RESOLUTION, 1);
    qr_rpc_args_add(&args, GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1); /* a channel is a connection */
    qr_rpc_args_add(&args, GRPC_ARG_ENABLE_HTTP_PROXY, 0);
    qr_rpc_args_add(&args, GRPC_ARG_CLIENT_IDLE_TIMEOUT_MS, INT64_MAX);
    grpc_channel *core = grpc_channel_create(target, creds, &args.list);
    grpc_channel_credentials_release(creds);
    return core;
}

int qr_rpc_channel_new(const char *target, const struct qr_rpc_channel_config *config,
                       struct qr_rpc_channel **ret, struct qr_err *err)
{
    static const struct qr_rpc_channel_config defaults;
    const struct qr_rpc_channel_config *c = config ? config : &defaults;
    int64_t min_ms = c->reconnect_min_ms ? c->reconnect_min_ms : 100;
    int64_t max_ms = c->reconnect_max_ms ? c->reconnect_max_ms : 2000;
    struct qr_rpc_limits limits = {
        .max_message_bytes = c->max_message_bytes,
        .max_queue_bytes = c->max_queue_bytes,
        .keepalive_ms = c->keepalive_ms,
        .keepalive_timeout_ms = c->keepalive_timeout_ms,
    };
    int rc = qr_rpc_address_check(target, 1, err);

    if (rc == QR_OK)
        rc = qr_rpc_limits_check(&limits, err);
    if (rc == QR_OK && (min_ms < 1 || max_ms < min_ms))
        rc = qr_fail(err, QR_E_INVALID, "reconnect_min_ms over reconnect_max_ms, or under 1");
    if (rc < 0)
        return rc;
    struct qr_rpc_channel *channel = calloc(1, sizeof *channel);
    if (!channel)
        return qr_fail(err, QR_E_NOMEM, "channel to '%s'", target);
    qr_rpc_init();
    rc = qr_rpc_home_init(&channel->home, &limits, c->metadata, err);
    channel->target = strdup(target);
    channel->interrupted = c->interrupted;
    if (rc == QR_OK && !channel->target)
        rc = qr_fail(err, QR_E_NOMEM, "channel to '%s'", target);
    if (rc == QR_OK)
        channel->core = create_core(target, &limits, min_ms, max_ms);
    if (rc < 0) {
        qr_rpc_channel_free(channel);
        return rc;
    }
    *ret = channel;
    return QR_OK;
}

void qr_rpc_channel_free(struct qr_rpc_channel *channel)
{
    if (!channel)
        return;
    qr_rpc_home_cancel(&channel->home, QR_E_CANCELLED, "the channel is closing");
    qr_rpc_home_wait(&channel->home, &channel->home.pending, -1);
    qr_rpc_queue_stop(&channel->queue);
    if (channel->core)
        grpc_channel_destroy(channel->core);
    free(channel->target);
    qr_rpc_home_done(&channel->home);
    free(channel);
    qr_rpc_shutdown();
}

grpc_call *qr_rpc_channel_call(struct qr_rpc_channel *channel, grpc_completion_queue *cq,
                               const char *path, int64_t deadline_ms)
{
    grpc_slice method = grpc_slice_from_copied_string(path);
    grpc_call *call = grpc_channel_create_call(channel->core, NULL, GRPC_PROPAGATE_DEFAULTS, cq,
                                               method, NULL, qr_rpc_deadline(deadline_ms), NULL);

    grpc_slice_unref(method);
    return call;
}

/* The queue thread is started by the first stream: a program that only makes blocking calls has
 * none. */
static int need_queue(struct qr_rpc_channel *channel, struct qr_err *err)
{
    int rc = QR_OK;

    pthread_mutex_lock(&channel->home.lock);
    if (!channel->queue.running) {
        if (!channel->queue.cq)
            channel->queue.cq = grpc_completion_queue_create_for_next(NULL);
        rc = qr_rpc_queue_start(&channel->queue, err);
    }
    pthread_mutex_unlock(&channel->home.lock);
    return rc;
}

int qr_rpc_stream_open(struct qr_rpc_channel *channel, const char *path,
                       const struct qr_rpc_stream_handler *handler, void *ctx,
                       struct qr_rpc_stream **ret, struct qr_err *err)
{
    if (!qr_rpc_path_is_valid(path))
        return qr_fail(err, QR_E_INVALID, "not a method path: '%s'", path ? path : "");
    int rc = need_queue(channel, err);
    if (rc < 0)
        return rc;
    grpc_call *call = qr_rpc_channel_call(channel, channel->queue.cq, path, 0);
    struct qr_rpc_stream *s =
        qr_rpc_stream_new(&channel->home, &channel->queue, handler, ctx, call, true);
    if (!s) {
        grpc_call_unref(call);
        return qr_fail(err, QR_E_NOMEM, "stream '%s'", path);
    }
    *ret = qr_rpc_stream_ref(s);
    qr_rpc_stream_call(s);
    return QR_OK;
}

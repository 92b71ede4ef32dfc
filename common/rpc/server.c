#include "common/rpc/server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <grpc/slice.h>

#include "common/rpc/internal.h"

#define ACCEPTS 8 /* calls a queue can take at once; more wait inside gRPC */

struct method {
    char *path;
    bool is_unary;
    struct qr_rpc_stream_handler handler; /* of a stream */
    qr_rpc_unary_fn fn;                   /* of a unary method */
    void *ctx;
};

/* One outstanding wish for the next call. */
struct accept {
    struct qr_rpc_op op;
    struct qr_rpc_server *server;
    struct qr_rpc_queue *queue;
    grpc_call *call;
    grpc_call_details details;
    grpc_metadata_array metadata;
};

struct qr_rpc_server {
    struct qr_rpc_home home;
    char *listen;
    char *address;
    size_t max_calls;
    unsigned n_queues;
    struct qr_rpc_queue *queues;
    struct accept *accepts; /* n_queues x ACCEPTS */
    struct method *methods; /* fixed once started */
    size_t n_methods;
    grpc_server *core;
    struct qr_rpc_op shutdown_op;
    bool started;
    atomic_bool stopping; /* live calls may end, new ones are refused */
};

/* -- unary methods: streams of one message each way --------------------------------------- */

static void unary_message(void *ctx, struct qr_rpc_stream *s, const uint8_t *data, size_t len)
{
    const struct method *method = ctx;

    qr_rpc_stream_pause_reads(s);
    method->fn(method->ctx, (struct qr_rpc_call *)qr_rpc_stream_ref(s), data, len);
}

static void unary_half_closed(void *ctx, struct qr_rpc_stream *s)
{
    (void)ctx;
    qr_rpc_stream_finish(s, QR_E_INVALID, "the request is missing");
}

static const struct qr_rpc_stream_handler unary_handler = {
    .message = unary_message,
    .half_closed = unary_half_closed,
};

/* A call is its stream, under a name that allows only to answer. */
static struct qr_rpc_stream *stream_of(const struct qr_rpc_call *call)
{
    return (struct qr_rpc_stream *)(uintptr_t)call;
}

void qr_rpc_call_reply(struct qr_rpc_call *call, const uint8_t *data, size_t len)
{
    struct qr_rpc_stream *s = stream_of(call);

    qr_rpc_stream_reply(s, data, len);
    qr_rpc_stream_unref(s);
}

void qr_rpc_call_fail(struct qr_rpc_call *call, const struct qr_err *err)
{
    struct qr_rpc_stream *s = stream_of(call);

    qr_rpc_stream_finish(s, err->code == QR_OK ? QR_E_INTERNAL : err->code, err->msg);
    qr_rpc_stream_unref(s);
}

const char *qr_rpc_call_metadata(const struct qr_rpc_call *call, const char *key)
{
    return qr_rpc_stream_metadata(stream_of(call), key);
}

const char *qr_rpc_call_peer(const struct qr_rpc_call *call)
{
    return qr_rpc_stream_peer(stream_of(call));
}

bool qr_rpc_call_is_dead(const struct qr_rpc_call *call)
{
    return qr_rpc_stream_is_dead(stream_of(call));
}

int64_t qr_rpc_call_deadline_ms(const struct qr_rpc_call *call)
{
    return qr_rpc_call_is_dead(call) ? 0 : qr_rpc_deadline_left_ms(stream_of(call)->head.deadline);
}

/* -- accepting ---------------------------------------------------------------------------- */

static void unknown_open(void *ctx, struct qr_rpc_stream *s)
{
    (void)ctx;
    qr_rpc_stream_finish(s, QR_E_UNSUPPORTED, "the server has no such method");
}

static const struct qr_rpc_stream_handler unknown_handler = {.open = unknown_open};

static void nomem_open(void *ctx, struct qr_rpc_stream *s)
{
    (void)ctx;
    qr_rpc_stream_finish(s, QR_E_NOMEM, "the server is out of memory");
}

static void stopping_open(void *ctx, struct qr_rpc_stream *s)
{
    (void)ctx;
    qr_rpc_stream_finish(s, QR_E_UNREACHABLE, "the server is stopping");
}

static const struct qr_rpc_stream_handler stopping_handler = {.open = stopping_open};
static void crowded_open(void *ctx, struct qr_rpc_stream *s)
{
    (void)ctx;
    qr_rpc_stream_finish(s, QR_E_LIMIT, "the server has too many calls; hint: try again later");
}

static const struct qr_rpc_stream_handler crowded_handler = {.open = crowded_open};
static const struct qr_rpc_stream_handler nomem_handler = {.open = nomem_open};

static const struct method *find(const struct qr_rpc_server *server, const char *path, size_t len)
{
    for (size_t i = 0; i < server->n_methods; i++)
        if (strlen(server->methods[i].path) == len &&
            memcmp(server->methods[i].path, path, len) == 0)
            return &server->methods[i];
    return NULL;
}

static void accept_next(struct accept *accept)
{
    grpc_call_details_init(&accept->details);
    grpc_metadata_array_init(&accept->metadata);
    qr_rpc_op_hand(&accept->op);
    if (grpc_server_request_call(accept->server->core, &accept->call, &accept->details,
                                 &accept->metadata, accept->queue->cq, accept->queue->cq,
                                 &accept->op) != GRPC_CALL_OK)
        abort();
}

/* A call has come: give it a stream. */
static void serve(struct accept *accept)
{
    struct qr_rpc_server *server = accept->server;
    const struct method *method =
        find(server, (const char *)GRPC_SLICE_START_PTR(accept->details.method),
             GRPC_SLICE_LENGTH(accept->details.method));
    const struct qr_rpc_stream_handler *handler = !method            ? &unknown_handler
                                                  : method->is_unary ? &unary_handler
                                                                     : &method->handler;
    void *ctx = !method ? NULL : method->is_unary ? (void *)(uintptr_t)method : method->ctx;
    struct qr_rpc_stream *s =
        qr_rpc_stream_new(&server->home, accept->queue, handler, ctx, accept->call, false);

    if (!s) {
        grpc_call_cancel_with_status(accept->call, GRPC_STATUS_RESOURCE_EXHAUSTED,
                                     "the server is out of memory", NULL);
        grpc_call_unref(accept->call);
        return;
    }
    if (!qr_rpc_head_copy(&s->head, accept->call, &accept->metadata))
        s->handler = &nomem_handler;
    s->head.deadline = accept->details.deadline;
    if (atomic_load(&server->stopping))
        s->handler = &stopping_handler;
    else if (qr_rpc_home_live(&server->home) >= server->max_calls)
        s->handler = &crowded_handler;
    qr_rpc_stream_serve(s, method && !method->is_unary);
}

static void on_accepted(struct qr_rpc_op *op, bool ok)
{
    struct accept *accept = QR_CONTAINER_OF(op, struct accept, op);
    struct qr_rpc_home *home = &accept->server->home;

    if (ok)
        serve(accept);
    grpc_call_details_destroy(&accept->details);
    grpc_metadata_array_destroy(&accept->metadata);
    if (ok)
        accept_next(accept); /* fails by itself when the server is shutting down */
    else
        qr_rpc_home_leave(home);
}

/* -- life --------------------------------------------------------------------------------- */

int qr_rpc_server_new(const struct qr_rpc_server_config *config, struct qr_rpc_server **ret,
                      struct qr_err *err)
{
    struct qr_rpc_limits limits = {
        .max_message_bytes = config->max_message_bytes,
        .max_queue_bytes = config->max_queue_bytes,
        .keepalive_ms = config->keepalive_ms,
        .keepalive_timeout_ms = config->keepalive_timeout_ms,
    };
    unsigned n_queues = config->threads ? config->threads : 1;
    int rc = qr_rpc_address_check(config->listen, 0, err);

    if (rc == QR_OK)
        rc = qr_rpc_limits_check(&limits, err);
    if (rc < 0)
        return rc;
    if (n_queues > QR_RPC_THREADS_MAX)
        return qr_fail(err, QR_E_INVALID, "threads %u over %d", n_queues, QR_RPC_THREADS_MAX);
    struct qr_rpc_server *server = calloc(1, sizeof *server);
    if (!server)
        return qr_fail(err, QR_E_NOMEM, "server");
    qr_rpc_init();
    rc = qr_rpc_home_init(&server->home, &limits, config->metadata, err);
    server->max_calls = config->max_calls ? config->max_calls : QR_RPC_CALLS;
    server->n_queues = n_queues;
    server->listen = strdup(config->listen);
    server->queues = calloc(n_queues, sizeof *server->queues);
    server->accepts = calloc((size_t)n_queues * ACCEPTS, sizeof *server->accepts);
    if (rc == QR_OK && (!server->listen || !server->queues || !server->accepts))
        rc = qr_fail(err, QR_E_NOMEM, "server");
    if (rc < 0) {
        qr_rpc_server_free(server);
        return rc;
    }
    *ret = server;
    return QR_OK;
}

static int add_method(struct qr_rpc_server *server, const char *path, const struct method *row,
                      struct qr_err *err)
{
    if (server->started || !qr_rpc_path_is_valid(path))
        return qr_fail(
            err, QR_E_INVALID, "%s '%s'",
            server->started ? "server already started, method" : "not a method path:", path);
    if (find(server, path, strlen(path)))
        return qr_fail(err, QR_E_EXISTS, "method '%s' is registered already", path);
    struct method *methods =
        realloc(server->methods, (server->n_methods + 1) * sizeof *server->methods);
    if (!methods)
        return qr_fail(err, QR_E_NOMEM, "method '%s'", path);
    server->methods = methods;
    methods[server->n_methods] = *row;
    methods[server->n_methods].path = strdup(path);
    if (!methods[server->n_methods].path)
        return qr_fail(err, QR_E_NOMEM, "method '%s'", path);
    server->n_methods++;
    return QR_OK;
}

int qr_rpc_server_add_unary(struct qr_rpc_server *server, const char *path, qr_rpc_unary_fn fn,
                            void *ctx, struct qr_err *err)
{
    return add_method(server, path, &(struct method){.is_unary = true, .fn = fn, .ctx = ctx}, err);
}

int qr_rpc_server_add_stream(struct qr_rpc_server *server, const char *path,
                             const struct qr_rpc_stream_handler *handler, void *ctx,
                             struct qr_err *err)
{
    return add_method(server, path, &(struct method){.handler = *handler, .ctx = ctx}, err);
}

static void create_core(struct qr_rpc_server *server)
{
    struct qr_rpc_args args;

    qr_rpc_args_init(&args, &server->home.limits);
    /* a second server on the port is an error */
    qr_rpc_args_add(&args, GRPC_ARG_ALLOW_REUSEPORT, 0);
    qr_rpc_args_add(&args, GRPC_ARG_MAX_CONCURRENT_STREAMS, QR_RPC_STREAMS_MAX);
    qr_rpc_args_add(&args, GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS, 10000);
    qr_rpc_args_add(&args, GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS,
                    QR_RPC_KEEPALIVE_MIN_MS / 2);
    server->core = grpc_server_create(&args.list, NULL);
    for (unsigned i = 0; i < server->n_queues; i++) {
        server->queues[i].cq = grpc_completion_queue_create_for_next(NULL);
        grpc_server_register_completion_queue(server->core, server->queues[i].cq, NULL);
    }
}

static int bind_port(struct qr_rpc_server *server, struct qr_err *err)
{
    grpc_server_credentials *creds = qr_rpc_server_credentials();
    int port = grpc_server_add_http2_port(server->core, server->listen, creds);

    grpc_server_credentials_release(creds);
    if (port <= 0)
        return qr_fail(err, QR_E_EXISTS,
                       "listen on '%s': in use or not an address of this machine; hint: stop what "
                       "listens there, or listen on another port (0 picks a free one)",
                       server->listen);
    size_t size = strlen(server->listen) + 8;
    server->address = malloc(size);
    if (!server->address)
        return qr_fail(err, QR_E_NOMEM, "address");
    if (strncmp(server->listen, "unix:", 5) == 0)
        snprintf(server->address, size, "%s", server->listen);
    else
        snprintf(server->address, size, "%.*s:%d",
                 (int)(strrchr(server->listen, ':') - server->listen), server->listen, port);
    return QR_OK;
}

int qr_rpc_server_start(struct qr_rpc_server *server, struct qr_err *err)
{
    if (server->started)
        return qr_fail(err, QR_E_INVALID, "server already started");
    server->started = true;
    create_core(server);
    int rc = bind_port(server, err);
    for (unsigned i = 0; rc == QR_OK && i < server->n_queues; i++)
        rc = qr_rpc_queue_start(&server->queues[i], err);
    if (rc < 0)
        return rc;
    grpc_server_start(server->core);
    for (unsigned i = 0; i < server->n_queues * ACCEPTS; i++) {
        struct accept *accept = &server->accepts[i];
        accept->op.done = on_accepted;
        accept->server = server;
        accept->queue = &server->queues[i / ACCEPTS];
        qr_rpc_home_enter(&server->home);
        accept_next(accept);
    }
    return QR_OK;
}

const char *qr_rpc_server_address(const struct qr_rpc_server *server)
{
    return server->address ? server->address : "";
}

static void on_shutdown(struct qr_rpc_op *op, bool ok)
{
    struct qr_rpc_server *server = QR_CONTAINER_OF(op, struct qr_rpc_server, shutdown_op);

    (void)ok;
    qr_rpc_home_leave(&server->home);
}

void qr_rpc_server_stop(struct qr_rpc_server *server, int64_t grace_ms)
{
    if (!server->core || atomic_exchange(&server->stopping, true))
        return;
    if (grace_ms > 0)
        qr_rpc_home_wait(&server->home, &server->home.live, grace_ms);
    server->shutdown_op.done = on_shutdown;
    qr_rpc_home_enter(&server->home);
    qr_rpc_op_hand(&server->shutdown_op);
    grpc_server_shutdown_and_notify(server->core, server->queues[0].cq, &server->shutdown_op);
    qr_rpc_home_cancel(&server->home, QR_E_UNREACHABLE, "the server is stopping");
    grpc_server_cancel_all_calls(server->core); /* closes the connections */
    for (unsigned i = 0; i < server->n_queues; i++)
        if (!server->queues[i]
                 .running) /* start failed half-way: nobody pumps, and nothing is live */
            return;
    qr_rpc_home_wait(&server->home, &server->home.pending, -1);
}

void qr_rpc_server_free(struct qr_rpc_server *server)
{
    if (!server)
        return;
    qr_rpc_server_stop(server, 0);
    for (unsigned i = 0; server->queues && i < server->n_queues; i++)
        qr_rpc_queue_stop(&server->queues[i]);
    if (server->core)
        grpc_server_destroy(server->core);
    for (size_t i = 0; i < server->n_methods; i++)
        free(server->methods[i].path);
    free(server->methods);
    free(server->queues);
    free(server->accepts);
    free(server->listen);
    free(server->address);
    qr_rpc_home_done(&server->home);
    free(server);
    qr_rpc_shutdown();
}

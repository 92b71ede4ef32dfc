#include "ctl/client.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/rpc/client.h"

enum { TARGETS_MAX = 16 };
static const size_t message_bytes_max = (size_t)64 << 20;

struct qr_client {
    char *targets[TARGETS_MAX];
    struct qr_rpc_channel *channels[TARGETS_MAX];
    size_t n;
    size_t current; /* answered last */
    int64_t deadline_ms;
    const atomic_bool *interrupted;
};

static int add_target(struct qr_client *client, const char *target, const atomic_bool *interrupted,
                      struct qr_err *err)
{
    struct qr_rpc_channel_config config = {.max_message_bytes = message_bytes_max,
                                           .max_queue_bytes = message_bytes_max,
                                           .interrupted = interrupted};

    if (client->n == TARGETS_MAX)
        return qr_fail(err, QR_E_USAGE, "more than %d coordinators", TARGETS_MAX);
    client->targets[client->n] = strdup(target);
    if (!client->targets[client->n])
        return qr_fail(err, QR_E_NOMEM, "out of memory");
    int rc = qr_rpc_channel_new(target, &config, &client->channels[client->n], err);
    client->n++;
    if (rc == QR_E_INVALID)
        rc = QR_E_USAGE; /* it came from the command line or the environment */
    return rc < 0 ? qr_err_wrap(err, rc, "--coordinator") : QR_OK;
}

int qr_client_new(const struct qr_option_list *coordinators, int64_t deadline_ms,
                  const atomic_bool *interrupted, struct qr_client **ret, struct qr_err *err)
{
    QR_AUTO(qr_client) client = calloc(1, sizeof *client);

    if (!client)
        return qr_fail(err, QR_E_NOMEM, "out of memory");
    client->deadline_ms = deadline_ms;
    client->interrupted = interrupted;
    for (size_t i = 0; i < coordinators->n; i++) {
        int rc = add_target(client, coordinators->items[i], interrupted, err);
        if (rc < 0)
            return rc;
    }
    if (client->n == 0)
        return qr_fail(err, QR_E_USAGE, "no coordinator named; hint: --coordinator HOST:PORT");
    *ret = qr_steal(&client);
    return QR_OK;
}

void qr_client_free(struct qr_client *client)
{
    if (!client)
        return;
    for (size_t i = 0; i < client->n; i++) {
        qr_rpc_channel_free(client->channels[i]);
        free(client->targets[i]);
    }
    free(client);
}

const char *qr_client_target(const struct qr_client *client)
{
    return client->targets[client->current];
}

/* ------------------------------------------------------------------ one attempt after the other */

struct request {
    char path[128];
    uint8_t *data;
    size_t len;
};

static void request_done(struct request *request) { free(request->data); }

static int request_init(struct request *request, const char *method,
                        const ProtobufCMessage *message, struct qr_err *err)
{
    snprintf(request->path, sizeof request->path, "/quarry.v1.Admin/%s", method);
    request->len = protobuf_c_message_get_packed_size(message);
    request->data = malloc(request->len + 1);
    if (!request->data)
        return qr_fail(err, QR_E_NOMEM, "out of memory");
    protobuf_c_message_pack(message, request->data);
    return QR_OK;
}

/* What the coordinator said stands for itself: "no run 7", not "call /quarry.v1.Admin/GetRun: no
 * run 7". */
static int own_words(const struct request *request, int rc, struct qr_err *err)
{
    char context[sizeof request->path + 16];

    if (rc < 0 && err->sys != 0) {
        size_t len = (size_t)snprintf(context, sizeof context, "call %s: ", request->path);
        if (strncmp(err->msg, context, len) == 0)
            memmove(err->msg, err->msg + len, strlen(err->msg + len) + 1);
    }
    return rc;
}

/* Calls `attempt` for each coordinator, the one that answered last first, until one is reached. */
static int try_each(struct qr_client *client, const struct request *request,
                    int (*attempt)(struct qr_client *client, size_t i,
                                   const struct request *request, void *ctx, struct qr_err *err),
                    void *ctx, struct qr_err *err)
{
    size_t first = client->current;
    int rc = QR_OK;

    for (size_t k = 0; k < client->n; k++) {
        size_t i = (first + k) % client->n;
        rc = attempt(client, i, request, ctx, err);
        if (rc != QR_E_UNREACHABLE) {
            client->current = i;
            return own_words(request, rc, err);
        }
    }
    if (err->sys != 0) /* a coordinator answered UNAVAILABLE: its own words say why */
        return own_words(request, rc, err);
    if (client->n > 1)
        return qr_fail(err, rc,
                       "none of the %zu coordinators can be reached, the last tried is %s; "
                       "hint: start one, or name others with --coordinator HOST:PORT",
                       client->n, client->targets[(first + client->n - 1) % client->n]);
    return qr_fail(
        err, rc,
        "no coordinator at %s; hint: start one (./dev up, or quarry-coordinator), or name "
        "it with --coordinator HOST:PORT or QUARRY_COORDINATOR",
        client->targets[0]);
}

static int unpack(const ProtobufCMessageDescriptor *type, const uint8_t *data, size_t len,
                  ProtobufCMessage **ret, struct qr_err *err)
{
    *ret = protobuf_c_message_unpack(type, NULL, len, data);
    if (!*ret)
        return qr_fail(err, QR_E_DATA,
                       "the coordinator's answer is not a %s; hint: quarry version shows whether "
                       "both are of the same version",
                       type->short_name);
    return QR_OK;
}

/* ------------------------------------------------------------------ unary */

static int attempt_unary(struct qr_client *client, size_t i, const struct request *request,
                         void *ctx, struct qr_err *err)
{
    struct qr_buf *reply = ctx;

    qr_buf_clear(reply);
    int rc = qr_rpc_unary(client->channels[i], request->path, request->data, request->len,
                          client->deadline_ms, reply, err);
    if (rc == QR_E_TIMEOUT)
        return qr_fail(err, rc,
                       "the coordinator at %s did not answer within %" PRId64
                       " ms; hint: --timeout 2m, or see its log",
                       client->targets[i], client->deadline_ms);
    return rc;
}

int qr_client_call(struct qr_client *client, const char *method, const ProtobufCMessage *message,
                   const ProtobufCMessageDescriptor *type, ProtobufCMessage **ret,
                   struct qr_err *err)
{
    struct request request = {.data = NULL};
    struct qr_buf reply;

    qr_buf_init(&reply, message_bytes_max);
    int rc = request_init(&request, method, message, err);
    if (rc == QR_OK)
        rc = try_each(client, &request, attempt_unary, &reply, err);
    if (rc == QR_OK)
        rc = unpack(type, reply.data, reply.len, ret, err);
    qr_buf_done(&reply);
    request_done(&request);
    return rc;
}

/* ------------------------------------------------------------------ stream */

struct stream {
    const ProtobufCMessageDescriptor *type;
    qr_client_message_fn fn;
    void *ctx;
    const atomic_bool *interrupted;
    bool answered;
    struct qr_err stopped; /* why fn ended it */
};

static int take_message(void *ctx, const uint8_t *data, size_t len)
{
    struct stream *stream = ctx;
    ProtobufCMessage *reply = NULL;

    stream->answered = true;
    if (atomic_load(stream->interrupted)) /* a busy stream is not interrupted while it waits */
        return qr_fail(&stream->stopped, QR_E_CANCELLED, "interrupted");
    int rc = unpack(stream->type, data, len, &reply, &stream->stopped);
    if (rc < 0)
        return rc;
    rc = stream->fn(stream->ctx, reply, &stream->stopped);
    protobuf_c_message_free_unpacked(reply, NULL);
    return rc;
}

static int attempt_stream(struct qr_client *client, size_t i, const struct request *request,
                          void *ctx, struct qr_err *err)
{
    struct stream *stream = ctx;

    int rc = qr_rpc_server_stream(client->channels[i], request->path, request->data, request->len,
                                  0, take_message, stream, err);
    if (rc < 0 && stream->stopped.code != QR_OK)
        *err = stream->stopped;
    else if (rc == QR_E_UNREACHABLE && stream->answered)
        err->sys = -1; /* broke in the middle: the next one would start anew; caller decides */
    return rc;
}

int qr_client_stream(struct qr_client *client, const char *method, const ProtobufCMessage *message,
                     const ProtobufCMessageDescriptor *type, qr_client_message_fn fn, void *ctx,
                     struct qr_err *err)
{
    struct stream stream = {.type = type, .fn = fn, .ctx = ctx, .interrupted = client->interrupted};
    struct request request = {.data = NULL};

    int rc = request_init(&request, method, message, err);
    if (rc == QR_OK)
        rc = try_each(client, &request, attempt_stream, &stream, err);
    request_done(&request);
    return rc;
}

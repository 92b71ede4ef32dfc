#include <stdlib.h>
#include <string.h>

#include <grpc/byte_buffer.h>
#include <grpc/slice.h>

#include "common/rpc/channel.h"
#include "common/rpc/client.h"

/* One blocking call, with a queue of its own that the caller's thread serves. */
struct waiting {
    struct qr_rpc_channel *channel;
    struct qr_rpc_queue queue; /* no thread */
    grpc_call *call;
    struct qr_rpc_op request_op, message_op, end_op; /* tags only */
    grpc_byte_buffer *request, *message;
    grpc_metadata_array head, trailers;
    grpc_status_code status;
    grpc_slice details;
    bool interrupted;
};

/* Wait for one of the ops; how it went. The call's deadline bounds the wait, or the caller wants
 * none. */
static bool wait_for(struct waiting *w, struct qr_rpc_op *op)
{
    const atomic_bool *flag = w->channel->interrupted;

    for (;;) { /* the flag comes first: a stream that never pauses must not hide it */
        if (flag && atomic_load(flag) && !w->interrupted) {
            w->interrupted = true;
            grpc_call_cancel(w->call, NULL); /* brings all ops back */
        }
        gpr_timespec until = qr_rpc_deadline(flag && !w->interrupted ? QR_RPC_INTERRUPT_MS : 0);
        grpc_event ev = grpc_completion_queue_pluck(w->queue.cq, op, until, NULL);
        if (ev.type == GRPC_OP_COMPLETE)
            return ev.success != 0;
    }
}

static void begin(struct waiting *w, const char *path, const uint8_t *request, size_t len,
                  int64_t deadline_ms)
{
    grpc_slice slice = grpc_slice_from_copied_buffer((const char *)request, len);
    grpc_op ops[4] = {{.op = GRPC_OP_SEND_INITIAL_METADATA},
                      {.op = GRPC_OP_SEND_MESSAGE},
                      {.op = GRPC_OP_SEND_CLOSE_FROM_CLIENT},
                      {.op = GRPC_OP_RECV_INITIAL_METADATA}};
    grpc_op end = {.op = GRPC_OP_RECV_STATUS_ON_CLIENT};

    w->queue.cq = grpc_completion_queue_create_for_pluck(NULL);
    w->call = qr_rpc_channel_call(w->channel, w->queue.cq, path, deadline_ms);
    w->request = grpc_raw_byte_buffer_create(&slice, 1);
    w->details = grpc_empty_slice();
    grpc_slice_unref(slice);
    ops[0].data.send_initial_metadata.count = w->channel->home.n_head;
    ops[0].data.send_initial_metadata.metadata = w->channel->home.head;
    ops[1].data.send_message.send_message = w->request;
    ops[3].data.recv_initial_metadata.recv_initial_metadata = &w->head;
    end.data.recv_status_on_client.trailing_metadata = &w->trailers;
    end.data.recv_status_on_client.status = &w->status;
    end.data.recv_status_on_client.status_details = &w->details;
    qr_rpc_start(w->call, ops, QR_COUNT(ops), &w->request_op);
    qr_rpc_start(w->call, &end, 1, &w->end_op);
}

/* Next message, or NULL at the end; the caller destroys it. */
static grpc_byte_buffer *next_message(struct waiting *w)
{
    grpc_op op = {.op = GRPC_OP_RECV_MESSAGE};

    w->message = NULL;
    op.data.recv_message.recv_message = &w->message;
    qr_rpc_start(w->call, &op, 1, &w->message_op);
    wait_for(w, &w->message_op);
    return w->message;
}

/* One message to fn. Returns its verdict, or QR_E_NOMEM. */
static int hand_over(struct waiting *w, grpc_byte_buffer *message, qr_rpc_message_fn fn, void *ctx)
{
    size_t len;
    const uint8_t *data = qr_rpc_message_bytes(&w->queue, message, &len);

    return data ? fn(ctx, data, len) : QR_E_NOMEM;
}

/* What the status says, as an error of ours. */
static int outcome(struct waiting *w, bool connected, struct qr_err *err)
{
    char text[QR_RPC_STATUS_BYTES];

    qr_rpc_text(text, sizeof text, w->details);
    int code =
        qr_rpc_code_of(w->status, text, w->interrupted ? QR_E_CANCELLED : QR_OK, &w->trailers);
    if (w->interrupted && code == QR_E_CANCELLED)
        return qr_fail(err, code, "interrupted");
    if (code == QR_OK)
        return QR_OK;
    if (code == QR_E_UNREACHABLE && !connected)
        return qr_fail(err, code,
                       "'%s' cannot be reached: %s; hint: check that it runs and listens there",
                       w->channel->target, text);
    code = qr_fail(err, code, "%s", text[0] ? text : qr_err_text(code));
    if (err)
        err->sys = (int)w->status;
    return code;
}

static int run(struct waiting *w, qr_rpc_message_fn fn, void *ctx, struct qr_err *err)
{
    int rc = QR_OK;
    grpc_byte_buffer *message;

    while (rc >= 0 && (message = next_message(w))) {
        rc = hand_over(w, message, fn, ctx);
        grpc_byte_buffer_destroy(message);
    }
    if (rc < 0)
        grpc_call_cancel(w->call, NULL);
    bool connected = wait_for(w, &w->request_op);
    wait_for(w, &w->end_op);
    if (rc < 0)
        return qr_fail(err, rc, "stopped by the receiver");
    return outcome(w, connected, err);
}

static void finish(struct waiting *w)
{
    grpc_byte_buffer_destroy(w->request);
    grpc_metadata_array_destroy(&w->head);
    grpc_metadata_array_destroy(&w->trailers);
    grpc_slice_unref(w->details);
    grpc_call_unref(w->call);
    grpc_completion_queue_shutdown(w->queue.cq); /* nothing is out: shuts down at once */
    grpc_completion_queue_destroy(w->queue.cq);
    free(w->queue.scratch);
}

int qr_rpc_server_stream(struct qr_rpc_channel *channel, const char *path, const uint8_t *request,
                         size_t len, int64_t deadline_ms, qr_rpc_message_fn fn, void *ctx,
                         struct qr_err *err)
{
    struct waiting w = {.channel = channel};

    if (!qr_rpc_path_is_valid(path))
        return qr_fail(err, QR_E_INVALID, "not a method path: '%s'", path ? path : "");
    begin(&w, path, request, len, deadline_ms);
    int rc = run(&w, fn, ctx, err);
    finish(&w);
    return rc;
}

struct answer {
    struct qr_buf *buf;
    int count;
};

static int take_answer(void *ctx, const uint8_t *data, size_t len)
{
    struct answer *answer = ctx;

    answer->count++;
    return qr_buf_append(answer->buf, data, len) ? QR_OK : QR_E_LIMIT;
}

int qr_rpc_unary(struct qr_rpc_channel *channel, const char *path, const uint8_t *request,
                 size_t len, int64_t deadline_ms, struct qr_buf *reply, struct qr_err *err)
{
    struct answer answer = {.buf = reply};
    int rc = qr_rpc_server_stream(channel, path, request, len,
                                  deadline_ms > 0 ? deadline_ms : QR_RPC_DEADLINE_MS, take_answer,
                                  &answer, err);

    if (rc == QR_OK && answer.count != 1)
        rc = qr_fail(err, QR_E_DATA, "%d answers instead of one", answer.count);
    else if (rc == QR_E_LIMIT && reply->failed)
        rc = qr_fail(err, QR_E_LIMIT, "the answer is larger than %zu bytes", reply->max);
    return rc < 0 ? qr_err_wrap(err, rc, "call %s", path) : rc;
}

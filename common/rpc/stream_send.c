/* Streams, the way out: what waits goes to gRPC one batch at a time, control before bulk, the end
 * behind all of it. */
#include <stdio.h>

#include <grpc/byte_buffer.h>
#include <grpc/slice.h>

#include "common/rpc/stream_intern.h"

/* With the lock held: nothing more can be queued. */
static bool is_over(const struct qr_rpc_stream *s)
{
    return s->finishing || s->cancel_code != QR_OK || s->state >= RPC_ENDED;
}

static grpc_op send_head(const struct qr_rpc_stream *s)
{
    grpc_op op = {.op = GRPC_OP_SEND_INITIAL_METADATA};

    op.data.send_initial_metadata.count = s->home->n_head;
    op.data.send_initial_metadata.metadata = s->home->head;
    return op;
}

static grpc_op send_message(struct qr_rpc_stream *s, grpc_slice slice, bool more)
{
    grpc_op op = {.op = GRPC_OP_SEND_MESSAGE, .flags = more ? GRPC_WRITE_BUFFER_HINT : 0};

    grpc_slice_buffer_add(&s->out->data.raw.slice_buffer, slice); /* empty since the last start */
    op.data.send_message.send_message = s->out;
    return op;
}

static grpc_op send_end(struct qr_rpc_stream *s, grpc_slice *details)
{
    grpc_op op = {.op = GRPC_OP_SEND_CLOSE_FROM_CLIENT};

    if (s->is_client)
        return op;
    *details = grpc_slice_from_copied_string(s->finish_message);
    op.op = GRPC_OP_SEND_STATUS_FROM_SERVER;
    op.data.send_status_from_server.status = (grpc_status_code)qr_err_grpc_status(s->finish_code);
    op.data.send_status_from_server.status_details = details;
    if (qr_rpc_code_trailer(s->finish_code, &s->trailer)) {
        op.data.send_status_from_server.trailing_metadata_count = 1;
        op.data.send_status_from_server.trailing_metadata = &s->trailer;
    }
    return op;
}

/* Called with the lock held, releases it: hands the next of what waits to gRPC, if the last is
 * done. */
void qr_rpc_stream_send_next(struct qr_rpc_stream *s)
{
    grpc_op ops[3];
    grpc_slice details = grpc_empty_slice();
    size_t n = 0;
    size_t waiting = s->control.count + s->bulk.count;
    bool end = s->finishing && !s->finished && waiting <= 1;

    if (s->sending || s->state >= RPC_ENDED || s->cancel_code != QR_OK ||
        (waiting == 0 && !end && (s->greeted || !s->greets))) {
        pthread_mutex_unlock(&s->lock);
        return;
    }
    if (!s->greeted)
        ops[n++] = send_head(s);
    s->greeted = true;
    if (waiting > 0) {
        grpc_slice slice = qr_rpc_ring_pop(s->control.count > 0 ? &s->control : &s->bulk);
        s->queued -= GRPC_SLICE_LENGTH(slice) + QR_RPC_FRAME_COST;
        ops[n++] = send_message(s, slice, waiting > 1);
    }
    if (end)
        ops[n++] = send_end(s, &details);
    s->finished = s->finished || end;
    s->sending = true; /* keeps the call alive and everybody else out of here */
    pthread_mutex_unlock(&s->lock);

    qr_rpc_start(s->call, ops, n, &s->send_op);
    grpc_slice_unref(details);
}

void qr_rpc_stream_on_sent(struct qr_rpc_op *op, bool ok)
{
    struct qr_rpc_stream *s = QR_CONTAINER_OF(op, struct qr_rpc_stream, send_op);

    (void)ok; /* a failed send means the call is over, and end_op says so */
    pthread_mutex_lock(&s->lock);
    s->sending = false;
    bool writable = s->refused && s->state < RPC_ENDED && s->queued <= s->max_queue_bytes / 2;
    if (writable)
        s->refused = false;
    qr_rpc_stream_send_next(s);
    if (writable && s->handler->writable)
        s->handler->writable(s->ctx, s);
    qr_rpc_stream_settle(s);
}

int qr_rpc_stream_send(struct qr_rpc_stream *s, enum qr_rpc_priority priority, const uint8_t *data,
                       size_t len)
{
    int rc = QR_OK;

    if (len > s->max_message_bytes)
        return QR_E_INVALID;
    grpc_slice slice = grpc_slice_from_copied_buffer((const char *)data, len);
    pthread_mutex_lock(&s->lock);
    size_t room = s->max_queue_bytes + (priority == QR_RPC_CONTROL ? s->max_queue_bytes / 4 : 0);
    if (is_over(s)) {
        rc = QR_E_CANCELLED;
    } else if (s->queued > 0 && s->queued + len + QR_RPC_FRAME_COST > room) {
        s->refused = true;
        rc = QR_E_LIMIT;
    } else if (!qr_rpc_ring_push(priority == QR_RPC_CONTROL ? &s->control : &s->bulk, slice)) {
        rc = QR_E_NOMEM;
    }
    if (rc != QR_OK) {
        pthread_mutex_unlock(&s->lock);
        grpc_slice_unref(slice);
        return rc;
    }
    s->queued += len + QR_RPC_FRAME_COST;
    qr_rpc_stream_send_next(s);
    return QR_OK;
}

void qr_rpc_stream_reply(struct qr_rpc_stream *s, const uint8_t *data, size_t len)
{
    if (len > s->max_message_bytes) {
        qr_rpc_stream_finish(s, QR_E_LIMIT, "the answer is larger than a message may be");
        return;
    }
    grpc_slice slice = grpc_slice_from_copied_buffer((const char *)data, len);
    pthread_mutex_lock(&s->lock);
    if (!is_over(s)) {
        s->finishing = true;
        if (qr_rpc_ring_push(&s->bulk, slice)) {
            s->queued += len + QR_RPC_FRAME_COST;
            slice = grpc_empty_slice();
        } else {
            s->finish_code = QR_E_NOMEM;
        }
    }
    qr_rpc_stream_send_next(s);
    grpc_slice_unref(slice);
}

size_t qr_rpc_stream_queued(const struct qr_rpc_stream *s)
{
    struct qr_rpc_stream *self = (struct qr_rpc_stream *)(uintptr_t)s; /* for its lock */

    pthread_mutex_lock(&self->lock);
    size_t queued = self->queued;
    pthread_mutex_unlock(&self->lock);
    return queued;
}

void qr_rpc_stream_finish(struct qr_rpc_stream *s, int code, const char *message)
{
    pthread_mutex_lock(&s->lock);
    if (s->finishing) {
        pthread_mutex_unlock(&s->lock);
        return;
    }
    s->finishing = true;
    s->finish_code = code;
    snprintf(s->finish_message, sizeof s->finish_message, "%s", message ? message : "");
    qr_rpc_stream_send_next(s);
}

/* With the lock held. */
void qr_rpc_stream_drop_queue(struct qr_rpc_stream *s)
{
    qr_rpc_ring_clear(&s->control);
    qr_rpc_ring_clear(&s->bulk);
    s->queued = 0;
}

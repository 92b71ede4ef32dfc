/* Streams, the way in: one message is asked for when the one before has been looked at. */
#include <grpc/byte_buffer.h>

#include "common/rpc/stream_intern.h"

/* Called with the lock held, releases it: asks for the next message, if one is wanted. */
void qr_rpc_stream_receive_next(struct qr_rpc_stream *s)
{
    bool wanted = !s->receiving && !s->paused && !s->eof && s->state == RPC_OPEN;

    s->receiving = s->receiving || wanted;
    pthread_mutex_unlock(&s->lock);
    if (wanted) {
        grpc_op op = {.op = GRPC_OP_RECV_MESSAGE};
        op.data.recv_message.recv_message = &s->in;
        qr_rpc_start(s->call, &op, 1, &s->recv_op);
    }
}

/* `receiving` stays set during the callback, so that a resume in it asks for nothing yet. */
static void deliver(struct qr_rpc_stream *s)
{
    size_t len;
    const uint8_t *data = qr_rpc_message_bytes(s->queue, s->in, &len);

    if (!data)
        qr_rpc_stream_cancel(s, QR_E_NOMEM, "no memory for a message");
    else if (s->handler->message)
        s->handler->message(s->ctx, s, data, len);
    grpc_byte_buffer_destroy(s->in);
    s->in = NULL;
}

void qr_rpc_stream_on_received(struct qr_rpc_op *op, bool ok)
{
    struct qr_rpc_stream *s = QR_CONTAINER_OF(op, struct qr_rpc_stream, recv_op);

    pthread_mutex_lock(&s->lock);
    bool got = ok && s->in;
    bool alive = s->cancel_code == QR_OK;
    bool half = !got && !s->is_client && s->state == RPC_OPEN && alive &&
                !grpc_call_failed_before_recv_message(s->call);
    pthread_mutex_unlock(&s->lock);
    if (got && alive)
        deliver(s);
    else if (got)
        grpc_byte_buffer_destroy(s->in);
    else if (half && s->handler->half_closed)
        s->handler->half_closed(s->ctx, s);
    pthread_mutex_lock(&s->lock);
    s->in = NULL;
    s->receiving = false;
    s->eof = s->eof || !got;
    qr_rpc_stream_receive_next(s);
    qr_rpc_stream_settle(s);
}

void qr_rpc_stream_pause_reads(struct qr_rpc_stream *s)
{
    pthread_mutex_lock(&s->lock);
    s->paused = true;
    pthread_mutex_unlock(&s->lock);
}

void qr_rpc_stream_resume_reads(struct qr_rpc_stream *s)
{
    pthread_mutex_lock(&s->lock);
    s->paused = false;
    qr_rpc_stream_receive_next(s);
}

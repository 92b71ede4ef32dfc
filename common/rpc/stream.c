#include "common/rpc/stream.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <grpc/byte_buffer.h>
#include <grpc/slice.h>
#include <grpc/support/alloc.h>
#include <grpc/support/time.h>

#include "common/rpc/internal.h"

/* How a stream ends. end_op is out from the start and comes back when gRPC knows the call is over,
 * for whatever reason; it sets RPC_ENDED, after which no batch is started. Whichever of the ops
 * comes back last finds the others gone (settle), closes the stream and drops the queue thread's
 * reference. */

static void on_sent(struct qr_rpc_op *op, bool ok);
static void on_received(struct qr_rpc_op *op, bool ok);
static void on_head(struct qr_rpc_op *op, bool ok);
static void on_end(struct qr_rpc_op *op, bool ok);

/* -- birth and death ---------------------------------------------------------------------- */

struct qr_rpc_stream *qr_rpc_stream_new(struct qr_rpc_home *home, struct qr_rpc_queue *queue,
                                        const struct qr_rpc_stream_handler *handler, void *ctx,
                                        grpc_call *call, bool is_client)
{
    struct qr_rpc_stream *s = calloc(1, sizeof *s);

    if (!s)
        return NULL;
    atomic_init(&s->refs, 1);
    s->handler = handler;
    s->ctx = ctx;
    s->home = home;
    s->queue = queue;
    s->max_message_bytes = home->limits.max_message_bytes;
    s->max_queue_bytes = home->limits.max_queue_bytes;
    s->is_client = is_client;
    s->head.deadline = gpr_inf_future(GPR_CLOCK_MONOTONIC);
    s->send_op.done = on_sent;
    s->recv_op.done = on_received;
    s->head_op.done = on_head;
    s->end_op.done = on_end;
    s->out = grpc_raw_byte_buffer_create(NULL, 0);
    s->details = grpc_empty_slice();
    pthread_mutex_init(&s->lock, NULL);
    s->call = call;
    return s;
}

struct qr_rpc_stream *qr_rpc_stream_ref(struct qr_rpc_stream *s)
{
    atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);
    return s;
}

void qr_rpc_stream_unref(struct qr_rpc_stream *s)
{
    if (!s || atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) != 1)
        return;
    free(s->head.peer);
    free(s->head.pairs);
    pthread_mutex_destroy(&s->lock);
    free(s);
}

/* Into the home's list. False: the home has ended, nobody may start now. */
static bool enlist(struct qr_rpc_stream *s)
{
    struct qr_rpc_home *home = s->home;

    pthread_mutex_lock(&home->lock);
    home->pending++;
    home->live++;
    s->next = home->streams;
    if (s->next)
        s->next->prev = s;
    home->streams = s;
    bool alive = !home->ended;
    pthread_mutex_unlock(&home->lock);
    return alive;
}

static void delist(struct qr_rpc_stream *s)
{
    struct qr_rpc_home *home = s->home;

    pthread_mutex_lock(&home->lock);
    if (s->prev)
        s->prev->next = s->next;
    else
        home->streams = s->next;
    if (s->next)
        s->next->prev = s->prev;
    if (--home->live == 0)
        pthread_cond_broadcast(&home->idle);
    pthread_mutex_unlock(&home->lock);
}

/* The verdict of a call that is over: what `closed` says. */
static int verdict(struct qr_rpc_stream *s, char message[QR_RPC_STATUS_BYTES])
{
    if (s->is_client) {
        qr_rpc_text(message, QR_RPC_STATUS_BYTES, s->details);
        return qr_rpc_code_of(s->status, message, s->cancel_code, &s->trailers_in);
    }
    if (s->finished && !s->cancelled) {
        memcpy(message, s->finish_message, QR_RPC_STATUS_BYTES);
        return s->finish_code;
    }
    if (s->cancel_code != QR_OK) {
        memcpy(message, s->cancel_message, QR_RPC_STATUS_BYTES);
        return s->cancel_code;
    }
    bool late = qr_rpc_deadline_left_ms(s->head.deadline) == 0;
    snprintf(message, QR_RPC_STATUS_BYTES, "%s",
             late ? "the call's deadline passed" : "the client cancelled or is gone");
    return late ? QR_E_TIMEOUT : QR_E_CANCELLED;
}

/* Queue thread, no lock held: the end, when nothing is out any more. */
static void settle(struct qr_rpc_stream *s)
{
    char message[QR_RPC_STATUS_BYTES] = "";
    struct qr_rpc_home *home = s->home;

    pthread_mutex_lock(&s->lock);
    if (s->state != RPC_ENDED || s->sending || s->receiving || s->heading) {
        pthread_mutex_unlock(&s->lock);
        return;
    }
    s->state = RPC_CLOSED;
    grpc_call *call = s->call;
    s->call = NULL;
    int code = verdict(s, message);
    pthread_mutex_unlock(&s->lock);

    if (s->handler->closed)
        s->handler->closed(s->ctx, s, code, message);
    delist(s);
    grpc_byte_buffer_destroy(s->out);
    grpc_metadata_array_destroy(&s->head_in);
    grpc_metadata_array_destroy(&s->trailers_in);
    grpc_slice_unref(s->details);
    grpc_call_unref(call);
    qr_rpc_stream_unref(s);
    qr_rpc_home_leave(home); /* the home may be gone after this */
}

/* With the lock held: nothing more can be queued. */
static bool is_over(const struct qr_rpc_stream *s)
{
    return s->finishing || s->cancel_code != QR_OK || s->state >= RPC_ENDED;
}

bool qr_rpc_stream_is_dead(struct qr_rpc_stream *s)
{
    pthread_mutex_lock(&s->lock);
    bool dead = s->cancel_code != QR_OK || s->state >= RPC_ENDED;
    pthread_mutex_unlock(&s->lock);
    return dead;
}

/* -- sending ------------------------------------------------------------------------------ */

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
static void send_next_and_unlock(struct qr_rpc_stream *s)
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

static void on_sent(struct qr_rpc_op *op, bool ok)
{
    struct qr_rpc_stream *s = QR_CONTAINER_OF(op, struct qr_rpc_stream, send_op);

    (void)ok; /* a failed send means the call is over, and end_op says so */
    pthread_mutex_lock(&s->lock);
    s->sending = false;
    bool writable = s->refused && s->state < RPC_ENDED && s->queued <= s->max_queue_bytes / 2;
    if (writable)
        s->refused = false;
    send_next_and_unlock(s);
    if (writable && s->handler->writable)
        s->handler->writable(s->ctx, s);
    settle(s);
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
    send_next_and_unlock(s);
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
    send_next_and_unlock(s);
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
    send_next_and_unlock(s);
}

/* With the lock held. */
static void drop_queue(struct qr_rpc_stream *s)
{
    qr_rpc_ring_clear(&s->control);
    qr_rpc_ring_clear(&s->bulk);
    s->queued = 0;
}

void qr_rpc_stream_cancel(struct qr_rpc_stream *s, int code, const char *message)
{
    pthread_mutex_lock(&s->lock);
    if (s->call && s->state != RPC_ENDED && s->cancel_code == QR_OK) {
        s->cancel_code = code == QR_OK ? QR_E_CANCELLED : code;
        snprintf(s->cancel_message, sizeof s->cancel_message, "%s", message ? message : "");
        drop_queue(s);
        grpc_call_cancel_with_status(s->call, (grpc_status_code)qr_err_grpc_status(s->cancel_code),
                                     s->cancel_message, NULL);
    }
    pthread_mutex_unlock(&s->lock);
}

/* -- receiving ---------------------------------------------------------------------------- */

/* Called with the lock held, releases it: asks for the next message, if one is wanted. */
static void receive_next_and_unlock(struct qr_rpc_stream *s)
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

static void on_received(struct qr_rpc_op *op, bool ok)
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
    receive_next_and_unlock(s);
    settle(s);
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
    receive_next_and_unlock(s);
}

/* -- begin and end ------------------------------------------------------------------------ */

/* Queue thread: the stream is open for messages. */
static void opened(struct qr_rpc_stream *s)
{
    if (s->handler->open)
        s->handler->open(s->ctx, s);
    pthread_mutex_lock(&s->lock);
    if (s->state == RPC_STARTING)
        s->state = RPC_OPEN;
    receive_next_and_unlock(s);
}

void qr_rpc_stream_serve(struct qr_rpc_stream *s, bool greets)
{
    grpc_op op = {.op = GRPC_OP_RECV_CLOSE_ON_SERVER};

    bool alive = enlist(s);
    op.data.recv_close_on_server.cancelled = &s->cancelled;
    qr_rpc_start(s->call, &op, 1, &s->end_op);
    if (!alive)
        qr_rpc_stream_cancel(s, QR_E_UNREACHABLE, "the server is stopping");
    opened(s);
    pthread_mutex_lock(&s->lock);
    s->greets = greets;
    send_next_and_unlock(s);
}

void qr_rpc_stream_call(struct qr_rpc_stream *s)
{
    grpc_op head = {.op = GRPC_OP_RECV_INITIAL_METADATA};
    grpc_op end = {.op = GRPC_OP_RECV_STATUS_ON_CLIENT};

    bool alive = enlist(s);
    head.data.recv_initial_metadata.recv_initial_metadata = &s->head_in;
    end.data.recv_status_on_client.trailing_metadata = &s->trailers_in;
    end.data.recv_status_on_client.status = &s->status;
    end.data.recv_status_on_client.status_details = &s->details;
    pthread_mutex_lock(&s->lock);
    s->greets = true;
    s->heading = true;
    send_next_and_unlock(s);
    qr_rpc_start(s->call, &head, 1, &s->head_op);
    qr_rpc_start(s->call, &end, 1, &s->end_op);
    if (!alive)
        qr_rpc_stream_cancel(s, QR_E_CANCELLED, "the channel is closing");
}

static void on_head(struct qr_rpc_op *op, bool ok)
{
    struct qr_rpc_stream *s = QR_CONTAINER_OF(op, struct qr_rpc_stream, head_op);

    if (ok && !qr_rpc_head_copy(&s->head, s->call, &s->head_in)) {
        qr_rpc_stream_cancel(s, QR_E_NOMEM, "no memory for the metadata");
        ok = false;
    }
    if (ok)
        opened(s);
    pthread_mutex_lock(&s->lock);
    s->heading = false;
    pthread_mutex_unlock(&s->lock);
    settle(s);
}

static void on_end(struct qr_rpc_op *op, bool ok)
{
    struct qr_rpc_stream *s = QR_CONTAINER_OF(op, struct qr_rpc_stream, end_op);

    (void)ok;
    pthread_mutex_lock(&s->lock);
    s->state = RPC_ENDED;
    drop_queue(s);
    pthread_mutex_unlock(&s->lock);
    settle(s);
}

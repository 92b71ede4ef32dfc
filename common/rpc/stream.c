#include "common/rpc/stream.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <grpc/byte_buffer.h>
#include <grpc/slice.h>
#include <grpc/support/alloc.h>
#include <grpc/support/time.h>

#include "common/rpc/stream_intern.h"

/* How a stream ends. end_op is out from the start and comes back when gRPC knows the call is over,
 * for whatever reason; it sets RPC_ENDED, after which no batch is started. Whichever of the ops
 * comes back last finds the others gone (qr_rpc_stream_settle), closes the stream and drops the
 * queue thread's reference. */

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
    s->send_op.done = qr_rpc_stream_on_sent;
    s->recv_op.done = qr_rpc_stream_on_received;
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
void qr_rpc_stream_settle(struct qr_rpc_stream *s)
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

bool qr_rpc_stream_is_dead(struct qr_rpc_stream *s)
{
    pthread_mutex_lock(&s->lock);
    bool dead = s->cancel_code != QR_OK || s->state >= RPC_ENDED;
    pthread_mutex_unlock(&s->lock);
    return dead;
}

/* -- begin and end ------------------------------------------------------------------------ */

void qr_rpc_stream_cancel(struct qr_rpc_stream *s, int code, const char *message)
{
    pthread_mutex_lock(&s->lock);
    if (s->call && s->state != RPC_ENDED && s->cancel_code == QR_OK) {
        s->cancel_code = code == QR_OK ? QR_E_CANCELLED : code;
        snprintf(s->cancel_message, sizeof s->cancel_message, "%s", message ? message : "");
        qr_rpc_stream_drop_queue(s);
        grpc_call_cancel_with_status(s->call, (grpc_status_code)qr_err_grpc_status(s->cancel_code),
                                     s->cancel_message, NULL);
    }
    pthread_mutex_unlock(&s->lock);
}

/* Queue thread: the stream is open for messages. */
static void opened(struct qr_rpc_stream *s)
{
    if (s->handler->open)
        s->handler->open(s->ctx, s);
    pthread_mutex_lock(&s->lock);
    if (s->state == RPC_STARTING)
        s->state = RPC_OPEN;
    qr_rpc_stream_receive_next(s);
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
    qr_rpc_stream_send_next(s);
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
    qr_rpc_stream_send_next(s);
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
    qr_rpc_stream_settle(s);
}

static void on_end(struct qr_rpc_op *op, bool ok)
{
    struct qr_rpc_stream *s = QR_CONTAINER_OF(op, struct qr_rpc_stream, end_op);

    (void)ok;
    pthread_mutex_lock(&s->lock);
    s->state = RPC_ENDED;
    qr_rpc_stream_drop_queue(s);
    pthread_mutex_unlock(&s->lock);
    qr_rpc_stream_settle(s);
}

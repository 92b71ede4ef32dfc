#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include <grpc/byte_buffer.h>
#include <grpc/byte_buffer_reader.h>
#include <grpc/slice.h>
#include <grpc/support/time.h>

#include "common/rpc/internal.h"

#define SCRATCH_KEEP ((size_t)1 << 20) /* a larger scratch is given back after its message */

#ifdef __SANITIZE_THREAD__
/* libgrpc is not instrumented: ThreadSanitizer sees its memory accesses through libc calls, but not
 * the locks and atomics that order them, and would report each as a race. Compiled in, so that
 * every program that uses gRPC has it, however it is started; TSAN_OPTIONS adds to it. Races in our
 * own code are still reported: planted_race. */
const char *__tsan_default_options(void);
const char *__tsan_default_options(void) { return "ignore_noninstrumented_modules=1"; }
#endif

/* Body of every queue thread. */
static void *pump(void *arg)
{
    struct qr_rpc_queue *queue = arg;

    for (;;) {
        grpc_event ev =
            grpc_completion_queue_next(queue->cq, gpr_inf_future(GPR_CLOCK_REALTIME), NULL);
        if (ev.type == GRPC_QUEUE_SHUTDOWN)
            return NULL; /* shut down and drained */
        struct qr_rpc_op *op = ev.tag;
        (void)atomic_load_explicit(&op->handed, memory_order_acquire);
        op->done(op, ev.success != 0);
    }
}

int qr_rpc_queue_start(struct qr_rpc_queue *queue, struct qr_err *err)
{
    sigset_t all, before;

    sigfillset(&all); /* signals are the program's, not this thread's */
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(&queue->thread, NULL, pump, queue);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failed)
        return qr_fail_errno(err, QR_E_NOMEM, failed, "start a queue thread");
    queue->running = true;
    return QR_OK;
}

void qr_rpc_queue_stop(struct qr_rpc_queue *queue)
{
    if (!queue->cq)
        return;
    grpc_completion_queue_shutdown(queue->cq);
    if (queue->running)
        pthread_join(queue->thread, NULL);
    else
        pump(queue);
    grpc_completion_queue_destroy(queue->cq);
    free(queue->scratch);
    memset(queue, 0, sizeof *queue);
}

void qr_rpc_start(grpc_call *call, const grpc_op *ops, size_t n, struct qr_rpc_op *op)
{
    qr_rpc_op_hand(op);
    if (grpc_call_start_batch(call, ops, n, op, NULL) != GRPC_CALL_OK)
        abort();
}

static uint8_t *scratch_of(struct qr_rpc_queue *queue, size_t size)
{
    if (queue->scratch_cap < size || queue->scratch_cap > SCRATCH_KEEP) {
        free(queue->scratch);
        queue->scratch = malloc(size);
        queue->scratch_cap = queue->scratch ? size : 0;
    }
    return queue->scratch;
}

const uint8_t *qr_rpc_message_bytes(struct qr_rpc_queue *queue, grpc_byte_buffer *buffer,
                                    size_t *ret_len)
{
    grpc_slice_buffer *pieces = &buffer->data.raw.slice_buffer;

    *ret_len = pieces->length;
    if (pieces->length == 0)
        return (const uint8_t *)"";
    if (pieces->count == 1)
        return GRPC_SLICE_START_PTR(pieces->slices[0]);
    uint8_t *to = scratch_of(queue, pieces->length);
    size_t used = 0;
    for (size_t i = 0; to && i < pieces->count; i++) {
        size_t len = GRPC_SLICE_LENGTH(pieces->slices[i]);
        memcpy(to + used, GRPC_SLICE_START_PTR(pieces->slices[i]), len);
        used += len;
    }
    return to;
}

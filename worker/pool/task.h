/* worker/pool/task.h
 *
 * A job as the pool holds it from its submission to its end, and the queue of those that no child
 * has. Not thread-safe, as the pool.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "worker/child/wire.h"
#include "worker/pool/pool.h"

struct qr_pool_task {
    struct qr_pool_task *next;
    uint64_t id;
    int fd;        /* owned: kept until the job ends, in case another child needs it */
    int resume_fd; /* the same; -1: from the start */
    uint64_t state_bytes;
    struct qr_prepared *prepared; /* owned; NULL: none */
    int prepared_fd;              /* as fd; -1: none */
    int64_t budget_ms;
    int64_t progress_ms;
    bool cancelled;
    struct qr_wire_job wire;
    size_t text_len;
    char text[]; /* name and type, each with its NUL */
};

/** The oldest is the first. */
struct qr_pool_queue {
    struct qr_pool_task *first;
    struct qr_pool_task **end;
};

/**
 * A task for a job; on success its descriptors are the task's.
 * Errors: QR_E_INVALID name or type too long; QR_E_NOMEM.
 */
QR_MUST_CHECK int qr_pool_task_new(const struct qr_pool_job *job, struct qr_pool_task **ret,
                                   struct qr_err *err);
void qr_pool_task_free(struct qr_pool_task *task);

void qr_pool_queue_init(struct qr_pool_queue *queue);
void qr_pool_queue_push(struct qr_pool_queue *queue, struct qr_pool_task *task);
void qr_pool_queue_push_front(struct qr_pool_queue *queue, struct qr_pool_task *task);

/** The queue must not be empty. */
struct qr_pool_task *qr_pool_queue_pop(struct qr_pool_queue *queue);

/** All of them, linked by `next`; the queue is empty then. */
struct qr_pool_task *qr_pool_queue_take_all(struct qr_pool_queue *queue);

#include "worker/pool/task.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int qr_pool_task_new(const struct qr_pool_job *job, struct qr_pool_task **ret, struct qr_err *err)
{
    size_t name_len = strlen(job->name) + 1;
    size_t type_len = strlen(job->type) + 1;

    if (name_len + type_len > QR_WIRE_TEXT_MAX)
        return qr_fail(err, QR_E_INVALID, "a file name of %zu bytes is too long", name_len - 1);
    struct qr_pool_task *task = calloc(1, sizeof *task + name_len + type_len);
    if (task && job->prepared)
        task->prepared = malloc(sizeof *task->prepared);
    if (!task || (job->prepared && !task->prepared)) {
        free(task);
        return qr_fail(err, QR_E_NOMEM, "no memory for a job");
    }
    if (job->prepared)
        *task->prepared = *job->prepared;
    task->prepared_fd = job->prepared && job->prepared_fd > 0 ? job->prepared_fd : -1;
    task->id = job->id;
    task->fd = job->fd;
    task->budget_ms = job->budget_ms > 0 ? job->budget_ms : 120000;
    task->progress_ms = job->progress_ms;
    task->wire.max_file_bytes = job->max_file_bytes > 0 ? job->max_file_bytes : (uint64_t)2 << 30;
    task->resume_fd = job->resume_fd > 0 ? job->resume_fd : -1;
    task->state_bytes = job->state_bytes;
    task->wire.budget_ms = task->budget_ms;
    task->wire.keep_ms = job->keep_ms;
    task->wire.options = job->options;
    task->text_len = name_len + type_len;
    memcpy(task->text, job->name, name_len);
    memcpy(task->text + name_len, job->type, type_len);
    *ret = task;
    return QR_OK;
}

void qr_pool_task_free(struct qr_pool_task *task)
{
    close(task->fd);
    if (task->resume_fd >= 0)
        close(task->resume_fd);
    if (task->prepared_fd >= 0)
        close(task->prepared_fd);
    free(task->prepared);
    free(task);
}

void qr_pool_queue_init(struct qr_pool_queue *queue)
{
    queue->first = NULL;
    queue->end = &queue->first;
}

void qr_pool_queue_push(struct qr_pool_queue *queue, struct qr_pool_task *task)
{
    task->next = NULL;
    *queue->end = task;
    queue->end = &task->next;
}

void qr_pool_queue_push_front(struct qr_pool_queue *queue, struct qr_pool_task *task)
{
    task->next = queue->first;
    if (!queue->first)
        queue->end = &task->next;
    queue->first = task;
}

struct qr_pool_task *qr_pool_queue_pop(struct qr_pool_queue *queue)
{
    struct qr_pool_task *task = queue->first;

    queue->first = task->next;
    if (!queue->first)
        queue->end = &queue->first;
    return task;
}

struct qr_pool_task *qr_pool_queue_take_all(struct qr_pool_queue *queue)
{
    struct qr_pool_task *all = queue->first;

    qr_pool_queue_init(queue);
    return all;
}

#include "worker/child/inbox.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/os/file.h"

void qr_inbox_init(struct qr_inbox *box, struct qr_pipe *pipe)
{
    *box = (struct qr_inbox){.pipe = pipe, .resume_fd = -1, .prepared_fd = -1};
}

/* Put a JOB frame behind those that wait. Takes the descriptor only on success. */
static int queue_job(struct qr_inbox *box, const struct qr_pipe_header *header,
                     const uint8_t *payload, int fd, struct qr_err *err)
{
    struct qr_inbox_job *job = &box->jobs[box->n];
    size_t len = header->len;

    if (fd < 0 || len < sizeof job->wire + 2 || len > sizeof job->wire + sizeof job->text ||
        payload[len - 1] != '\0' || box->n == QR_COUNT(box->jobs))
        return qr_fail(err, QR_E_DATA, "not a job");
    memcpy(&job->wire, payload, sizeof job->wire);
    memcpy(job->text, payload + sizeof job->wire, len - sizeof job->wire);
    job->type = strlen(job->text) + 1;
    if (job->type >= len - sizeof job->wire)
        return qr_fail(err, QR_E_DATA, "not a job");
    job->id = header->id;
    job->fd = fd;
    job->resume_fd = -1;
    if (box->resume_fd >= 0 && box->resume_id == header->id) {
        job->resume_fd = box->resume_fd;
        job->state_bytes = box->resume_state_bytes;
        box->resume_fd = -1;
    }
    job->prepared = NULL;
    job->prepared_fd = -1;
    if (box->prepared && box->prepared_id == header->id) {
        job->prepared = box->prepared;
        job->prepared_fd = box->prepared_fd;
        box->prepared = NULL;
    }
    box->n++;
    return QR_OK;
}

static int take_resume(struct qr_inbox *box, const struct qr_pipe_header *header,
                       const uint8_t *payload, int fd, struct qr_err *err)
{
    if (fd < 0 || header->len != sizeof box->resume_state_bytes || box->resume_fd >= 0)
        return qr_fail(err, QR_E_DATA, "not where to go on from");
    memcpy(&box->resume_state_bytes, payload, sizeof box->resume_state_bytes);
    box->resume_id = header->id;
    box->resume_fd = fd;
    return QR_OK;
}

/* Takes the descriptor, which may be none, on success. */
static int take_prepared(struct qr_inbox *box, const struct qr_pipe_header *header,
                         const uint8_t *payload, int fd, struct qr_err *err)
{
    if (header->len != sizeof *box->prepared || box->prepared)
        return qr_fail(err, QR_E_DATA, "not what a program made");
    box->prepared = malloc(sizeof *box->prepared);
    if (!box->prepared)
        return qr_fail(err, QR_E_NOMEM, "out of memory");
    memcpy(box->prepared, payload, sizeof *box->prepared);
    box->prepared_id = header->id;
    box->prepared_fd = fd;
    return QR_OK;
}

uint8_t *qr_inbox_resume(const struct qr_inbox_job *job, size_t max_bytes,
                         struct qr_extract_resume *ret)
{
    struct qr_file_info info;
    struct qr_err err;

    if (job->resume_fd < 0 || qr_file_info(job->resume_fd, &info, &err) < 0 ||
        info.size > max_bytes || job->state_bytes > info.size)
        return NULL;
    uint8_t *data = malloc(info.size + 1);
    for (size_t have = 0; data && have < info.size;) {
        ssize_t n = pread(job->resume_fd, data + have, info.size - have, (off_t)have);
        if (n <= 0) {
            free(data);
            return NULL;
        }
        have += (size_t)n;
    }
    if (data)
        *ret = (struct qr_extract_resume){.state = data,
                                          .state_len = job->state_bytes,
                                          .parts = data + job->state_bytes,
                                          .parts_len = info.size - job->state_bytes};
    return data;
}

static void drop(struct qr_inbox *box, size_t index)
{
    close(box->jobs[index].fd);
    if (box->jobs[index].resume_fd >= 0)
        close(box->jobs[index].resume_fd);
    if (box->jobs[index].prepared_fd >= 0)
        close(box->jobs[index].prepared_fd);
    free(box->jobs[index].prepared);
    box->n--;
    memmove(&box->jobs[index], &box->jobs[index + 1], (box->n - index) * sizeof box->jobs[0]);
}

void qr_inbox_drop_first(struct qr_inbox *box)
{
    drop(box, 0);
    box->busy = false;
}

static int skip_job(struct qr_inbox *box, uint64_t id, struct qr_err *err)
{
    for (size_t i = box->busy; i < box->n; i++) {
        if (box->jobs[i].id == id) {
            drop(box, i);
            return qr_pipe_send(box->pipe, QR_WIRE_SKIPPED, id, NULL, 0, -1, err);
        }
    }
    return QR_OK; /* it was answered meanwhile */
}

static int keep_soon(struct qr_inbox *box, uint64_t id)
{
    if (box->busy && box->jobs[0].id == id)
        box->keep_now = true;
    return QR_OK;
}

/* All whole frames that were read. */
static int take_frames(struct qr_inbox *box, struct qr_err *err)
{
    struct qr_pipe_header header;
    const uint8_t *payload;
    int fd;
    int rc;

    while ((rc = qr_pipe_take(box->pipe, &header, &payload, &fd, err)) > 0) {
        if (header.type == QR_WIRE_JOB)
            rc = queue_job(box, &header, payload, fd, err);
        else if (header.type == QR_WIRE_SKIP)
            rc = skip_job(box, header.id, err);
        else if (header.type == QR_WIRE_RESUME)
            rc = take_resume(box, &header, payload, fd, err);
        else if (header.type == QR_WIRE_PREPARED)
            rc = take_prepared(box, &header, payload, fd, err);
        else if (header.type == QR_WIRE_KEEP)
            rc = keep_soon(box, header.id);
        else
            rc = qr_fail(err, QR_E_DATA, "frame of type %u", header.type);
        if (rc < 0)
            break;
    }
    return rc;
}

int qr_inbox_receive(struct qr_inbox *box, bool wait, struct qr_err *err)
{
    int rc = take_frames(box, err);

    while (rc == QR_OK && ((wait && box->n == 0) || qr_pipe_readable(box->pipe))) {
        rc = qr_pipe_fill(box->pipe, err);
        if (rc == QR_OK)
            rc = take_frames(box, err);
    }
    return rc;
}

/* worker/child/inbox.h
 *
 * What the pool has sent to a child and the child has not begun with: jobs, where to go on from,
 * what a program of others made of them. Frames: worker/child/wire.h.
 *
 * Descriptors and memory in it are its own until the job is dropped. Not thread-safe.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"
#include "common/os/pipe.h"
#include "worker/child/wire.h"
#include "worker/extract/extract.h"

struct qr_inbox_job {
    uint64_t id;
    int fd;
    struct qr_wire_job wire;
    size_t type;   /* where it begins in `text`, behind the name */
    int resume_fd; /* -1: from the start */
    uint64_t state_bytes;
    struct qr_prepared *prepared; /* NULL: none */
    int prepared_fd;              /* -1: none */
    char text[QR_WIRE_TEXT_MAX];
};

struct qr_inbox {
    struct qr_pipe *pipe; /* borrowed */
    struct qr_inbox_job jobs[QR_WIRE_DEPTH + 1];
    size_t n;
    bool busy;     /* the first of them is worked on */
    bool keep_now; /* the pool wants that one's finished part */
    /* a RESUME whose JOB comes next */
    uint64_t resume_id;
    int resume_fd;
    uint64_t resume_state_bytes;
    /* a PREPARED whose JOB comes next */
    uint64_t prepared_id;
    struct qr_prepared *prepared;
    int prepared_fd;
};

void qr_inbox_init(struct qr_inbox *box, struct qr_pipe *pipe);

/**
 * Read whatever the pool has sent.
 *
 *   wait  until there is a job; otherwise only what is there already is read
 *
 * Errors: QR_E_UNREACHABLE the pipe is closed; QR_E_DATA a frame that is none; QR_E_NOMEM.
 */
QR_MUST_CHECK int qr_inbox_receive(struct qr_inbox *box, bool wait, struct qr_err *err);

/** What the job goes on from, in memory that the caller frees: *ret points into it. NULL: begin at
 * the start, also when it cannot be read or has more than `max_bytes`. */
uint8_t *qr_inbox_resume(const struct qr_inbox_job *job, size_t max_bytes,
                         struct qr_extract_resume *ret);

/** The first job is answered. */
void qr_inbox_drop_first(struct qr_inbox *box);

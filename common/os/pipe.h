/* common/os/pipe.h
 *
 * A two-way pipe between two processes that carries frames and open files.
 *
 * A frame is a header (type, id, payload length) and its payload; a file descriptor may travel with
 * it. Both ends run the same program on the same machine, so the header is a plain struct in native
 * order. What comes from the less trusted end is checked: lengths are capped, a descriptor nobody
 * asked for is closed. One thread per end.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "common/base.h"
#include "common/buf.h"
#include "common/err.h"

#define QR_PIPE_MAX_FRAME ((uint32_t)256 * 1024) /* payload bytes */

struct qr_pipe_header {
    uint32_t len;     /* of the payload */
    uint16_t type;    /* meaning is the users' */
    uint16_t with_fd; /* 1: a descriptor belongs to this frame */
    uint64_t id;
};

struct qr_pipe {
    int fd;           /* -1: closed */
    bool accept_fds;  /* false: a descriptor that arrives breaks the pipe */
    struct qr_buf in; /* received */
    size_t taken;     /* bytes at its front that were taken as frames */
    int fds[8];       /* descriptors received, in order, not yet taken */
    int n_fds;
};

/** A connected pair, both close-on-exec. Errors: QR_E_LIMIT out of descriptors. */
QR_MUST_CHECK int qr_pipe_pair(int ret[2], struct qr_err *err);

/** Take over `fd`; nonblocking as asked. */
void qr_pipe_init(struct qr_pipe *pipe, int fd, bool accept_fds, bool nonblocking);

/** Close, with all descriptors that were never taken. */
void qr_pipe_done(struct qr_pipe *pipe);

/**
 * Send one whole frame; pass_fd -1: none. The descriptor stays the caller's.
 *
 * On a nonblocking pipe the frame must fit what the peer has not read yet: a frame that fits
 * nowhere gives QR_E_LIMIT and nothing was sent; keep outstanding frames small. Errors:
 * QR_E_UNREACHABLE the other end is gone, QR_E_LIMIT would block.
 */
QR_MUST_CHECK int qr_pipe_send(struct qr_pipe *pipe, uint16_t type, uint64_t id,
                               const void *payload, size_t len, int pass_fd, struct qr_err *err);

/**
 * Read what is there (a blocking pipe waits for the first byte).
 * Returns QR_OK when bytes came, 1 when a nonblocking pipe had none.
 * Errors: QR_E_UNREACHABLE end of file, QR_E_DATA the peer broke the rules.
 */
QR_MUST_CHECK int qr_pipe_fill(struct qr_pipe *pipe, struct qr_err *err);

/** Is there something to read, or the end? Does not wait. */
bool qr_pipe_readable(const struct qr_pipe *pipe);

/**
 * The next whole frame out of what was read.
 *
 *   ret_payload  borrowed until the next fill or take
 *   ret_fd       the caller's to close; -1 when the frame has none
 *
 * Returns 1 with a frame, 0 when there is none yet. Errors: QR_E_DATA, longer than allowed or its
 * descriptor is missing.
 */
QR_MUST_CHECK int qr_pipe_take(struct qr_pipe *pipe, struct qr_pipe_header *ret_header,
                               const uint8_t **ret_payload, int *ret_fd, struct qr_err *err);

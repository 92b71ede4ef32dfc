#include "common/os/pipe.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#define READ_SIZE ((size_t)256 * 1024)
#define REST_WAIT_MS 1000 /* for the rest of a frame whose beginning was taken */

int qr_pipe_pair(int ret[2], struct qr_err *err)
{
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ret) < 0)
        return qr_fail_errno(err, QR_E_LIMIT, errno, "socketpair");
    return QR_OK;
}

void qr_pipe_init(struct qr_pipe *pipe, int fd, bool accept_fds, bool nonblocking)
{
    memset(pipe, 0, sizeof *pipe);
    pipe->fd = fd;
    pipe->accept_fds = accept_fds;
    qr_buf_init(&pipe->in, sizeof(struct qr_pipe_header) + QR_PIPE_MAX_FRAME + READ_SIZE);
    if (nonblocking)
        fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
}

void qr_pipe_done(struct qr_pipe *pipe)
{
    if (pipe->fd >= 0)
        close(pipe->fd);
    for (int i = 0; i < pipe->n_fds; i++)
        close(pipe->fds[i]);
    qr_buf_done(&pipe->in);
    memset(pipe, 0, sizeof *pipe);
    pipe->fd = -1;
}

/* Room for one descriptor in a control message, aligned as the kernel wants it. */
union control {
    struct cmsghdr align;
    char bytes[CMSG_SPACE(sizeof(int))];
};

static ssize_t send_first(struct qr_pipe *pipe, struct iovec *iov, int n_iov, int pass_fd)
{
    union control control;
    struct msghdr msg = {.msg_iov = iov, .msg_iovlen = (size_t)n_iov};
    ssize_t n;

    if (pass_fd >= 0) {
        memset(&control, 0, sizeof control);
        msg.msg_control = control.bytes;
        msg.msg_controllen = sizeof control.bytes;
        struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);
        cmsg->cmsg_level = SOL_SOCKET;
        cmsg->cmsg_type = SCM_RIGHTS;
        cmsg->cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(cmsg), &pass_fd, sizeof(int));
    }
    do
        n = sendmsg(pipe->fd, &msg, MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    return n;
}

int qr_pipe_send(struct qr_pipe *pipe, uint16_t type, uint64_t id, const void *payload, size_t len,
                 int pass_fd, struct qr_err *err)
{
    struct qr_pipe_header header = {.type = type, .with_fd = pass_fd >= 0, .id = id};
    struct iovec iov[2] = {{&header, sizeof header}, {(void *)(uintptr_t)payload, len}};
    size_t left = sizeof header + len;
    bool first = true;

    if (len > QR_PIPE_MAX_FRAME)
        return qr_fail(err, QR_E_INVALID, "frame of %zu bytes", len);
    header.len = (uint32_t)len;
    while (left > 0) {
        ssize_t n = send_first(pipe, iov, 2, first ? pass_fd : -1);
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
            struct pollfd room = {.fd = pipe->fd, .events = POLLOUT};
            if (first)
                return qr_fail(err, QR_E_LIMIT, "the pipe is full");
            if (poll(&room, 1, REST_WAIT_MS) <= 0)
                return qr_fail(err, QR_E_UNREACHABLE, "the other end does not read");
            continue;
        }
        if (n < 0)
            return qr_fail_errno(err, QR_E_UNREACHABLE, errno, "write to pipe");
        first = false;
        left -= (size_t)n;
        for (int i = 0; i < 2; i++) {
            size_t part = (size_t)n < iov[i].iov_len ? (size_t)n : iov[i].iov_len;
            iov[i].iov_base = (char *)iov[i].iov_base + part;
            iov[i].iov_len -= part;
            n -= (ssize_t)part;
        }
    }
    return QR_OK;
}

/* Keep the descriptors of one recvmsg(); false: more than allowed, they are closed. */
static bool keep_fds(struct qr_pipe *pipe, struct msghdr *msg)
{
    bool good = (msg->msg_flags & MSG_CTRUNC) == 0;

    for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
            continue;
        size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < n; i++) {
            int fd;
            memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof fd);
            if (good && pipe->accept_fds && pipe->n_fds < (int)QR_COUNT(pipe->fds)) {
                pipe->fds[pipe->n_fds++] = fd;
            } else {
                close(fd);
                good = false;
            }
        }
    }
    return good;
}

int qr_pipe_fill(struct qr_pipe *pipe, struct qr_err *err)
{
    union control control;
    ssize_t n;

    qr_buf_consume(&pipe->in, pipe->taken);
    pipe->taken = 0;
    size_t room = pipe->in.max - pipe->in.len;
    size_t want = room < READ_SIZE ? room : READ_SIZE;
    uint8_t *at = want > 0 ? qr_buf_reserve(&pipe->in, want) : NULL;
    if (!at)
        return qr_fail(err, QR_E_DATA, "pipe: frame larger than allowed");
    struct iovec iov = {at, want};
    struct msghdr msg = {.msg_iov = &iov,
                         .msg_iovlen = 1,
                         .msg_control = control.bytes,
                         .msg_controllen = sizeof control.bytes};
    do
        n = recvmsg(pipe->fd, &msg, MSG_CMSG_CLOEXEC);
    while (n < 0 && errno == EINTR);
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
        return 1;
    if (n < 0)
        return qr_fail_errno(err, QR_E_UNREACHABLE, errno, "read from pipe");
    if (!keep_fds(pipe, &msg))
        return qr_fail(err, QR_E_DATA, "pipe: a descriptor that was not asked for");
    if (n == 0)
        return qr_fail(err, QR_E_UNREACHABLE, "pipe closed by the other end");
    pipe->in.len += (size_t)n;
    return QR_OK;
}

bool qr_pipe_readable(const struct qr_pipe *pipe)
{
    struct pollfd fd = {.fd = pipe->fd, .events = POLLIN};
    return poll(&fd, 1, 0) > 0;
}

int qr_pipe_take(struct qr_pipe *pipe, struct qr_pipe_header *ret_header,
                 const uint8_t **ret_payload, int *ret_fd, struct qr_err *err)
{
    size_t have = pipe->in.len - pipe->taken;
    struct qr_pipe_header header;

    if (have < sizeof header)
        return 0;
    memcpy(&header, pipe->in.data + pipe->taken, sizeof header);
    if (header.len > QR_PIPE_MAX_FRAME)
        return qr_fail(err, QR_E_DATA, "pipe: frame of %u bytes", header.len);
    if (have - sizeof header < header.len)
        return 0;
    if (header.with_fd && pipe->n_fds == 0)
        return qr_fail(err, QR_E_DATA, "pipe: a frame without its descriptor");
    *ret_fd = -1;
    if (header.with_fd) {
        *ret_fd = pipe->fds[0];
        pipe->n_fds--;
        memmove(pipe->fds, pipe->fds + 1, (size_t)pipe->n_fds * sizeof pipe->fds[0]);
    }
    *ret_header = header;
    *ret_payload = pipe->in.data + pipe->taken + sizeof header;
    pipe->taken += sizeof header + header.len;
    return 1;
}

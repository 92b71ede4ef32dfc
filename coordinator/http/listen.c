#include "coordinator/http/listen.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct host_port {
    char host[256];
    char port[6];
};

static int split(const char *address, struct host_port *ret, struct qr_err *err)
{
    const char *colon = strrchr(address, ':');
    const char *host = address;
    size_t host_len = colon ? (size_t)(colon - address) : 0;
    char *end = NULL;

    if (colon && host_len >= 2 && host[0] == '[' && host[host_len - 1] == ']') {
        host++;
        host_len -= 2;
    } else if (colon && memchr(host, ':', host_len)) {
        colon = NULL; /* an IPv6 address without brackets: which colon is it? */
    }
    if (!colon || host_len == 0 || host_len >= sizeof ret->host)
        return qr_fail(err, QR_E_INVALID,
                       "'%s' is not an address; hint: HOST:PORT, e.g. 127.0.0.1:7421", address);
    long port = strtol(colon + 1, &end, 10);
    if (colon[1] < '0' || colon[1] > '9' || *end || port > 65535)
        return qr_fail(err, QR_E_INVALID, "'%s' has no valid port; hint: 0 (any free) to 65535",
                       address);
    memcpy(ret->host, host, host_len);
    ret->host[host_len] = '\0';
    snprintf(ret->port, sizeof ret->port, "%ld", port);
    return QR_OK;
}

/* What is bound, as text. */
static int describe(int fd, char *ret, size_t cap, struct qr_err *err)
{
    struct sockaddr_storage addr;
    socklen_t len = sizeof addr;
    char host[64];
    char port[8];

    if (getsockname(fd, (struct sockaddr *)&addr, &len) < 0)
        return qr_fail_errno(err, QR_E_IO, errno, "read the address of a socket");
    if (getnameinfo((struct sockaddr *)&addr, len, host, sizeof host, port, sizeof port,
                    NI_NUMERICHOST | NI_NUMERICSERV) != 0)
        return qr_fail(err, QR_E_IO, "format the address of a socket");
    snprintf(ret, cap, strchr(host, ':') ? "[%s]:%s" : "%s:%s", host, port);
    return QR_OK;
}

static int bind_one(const struct addrinfo *info, int *ret_fd)
{
    int on = 1;
    int fd = socket(info->ai_family, info->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK,
                    info->ai_protocol);

    if (fd < 0)
        return errno;
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
        bind(fd, info->ai_addr, info->ai_addrlen) == 0 && listen(fd, 128) == 0) {
        *ret_fd = fd;
        return 0;
    }
    int saved = errno;
    close(fd);
    return saved;
}

int qr_listen_tcp(const char *address, int *ret_fd, char *ret_address, size_t cap,
                  struct qr_err *err)
{
    struct addrinfo hints = {.ai_family = AF_UNSPEC,
                             .ai_socktype = SOCK_STREAM,
                             .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    struct addrinfo *list = NULL;
    struct host_port where;
    int fd = -1;

    int rc = split(address, &where, err);
    if (rc < 0)
        return rc;
    int gai = getaddrinfo(where.host, where.port, &hints, &list);
    if (gai != 0)
        return qr_fail(err, QR_E_INVALID, "address '%s': %s", address, gai_strerror(gai));
    int errnum = bind_one(list, &fd);
    freeaddrinfo(list);
    if (errnum == EADDRINUSE)
        return qr_fail_errno(err, QR_E_IO, errnum,
                             "listen on %s (hint: another coordinator may be running; "
                             "port 0 picks a free one)",
                             address);
    if (errnum != 0)
        return qr_fail_errno(err, QR_E_IO, errnum, "listen on %s", address);
    rc = describe(fd, ret_address, cap, err);
    if (rc < 0) {
        close(fd);
        return rc;
    }
    *ret_fd = fd;
    return QR_OK;
}

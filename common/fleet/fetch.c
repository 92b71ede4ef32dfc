#include "common/fleet/fetch.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/filetype.h"
#include "common/uri.h"

#define READ_FLAGS (O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
#define AHEAD_BYTES ((off_t)8 << 20) /* the kernel is asked to read this much ahead */

static void refuse(struct qr_fetched *ret, enum qr_class cls, const char *fmt, ...) QR_PRINTF(3, 4);

static void refuse(struct qr_fetched *ret, enum qr_class cls, const char *fmt, ...)
{
    va_list args;

    if (ret->fd >= 0)
        close(ret->fd);
    ret->fd = -1;
    ret->cls = cls;
    va_start(args, fmt);
    vsnprintf(ret->message, sizeof ret->message, fmt, args);
    va_end(args);
}

/* Part by part, no links. For kernels before 5.6 and sandboxes that hide openat2. */
static int walk_beneath(int root_fd, const char *path)
{
    int dir = fcntl(root_fd, F_DUPFD_CLOEXEC, 0);

    while (dir >= 0) {
        char part[NAME_MAX + 1];
        size_t len = strcspn(path, "/");
        if (len > NAME_MAX) {
            close(dir);
            return -ENAMETOOLONG;
        }
        memcpy(part, path, len);
        part[len] = '\0';
        path += len + strspn(path + len, "/");
        bool last = *path == '\0';
        bool outside = strcmp(part, "..") == 0;
        int next = outside ? -1
                           : openat(dir, len ? part : ".",
                                    READ_FLAGS | O_NOFOLLOW | (last ? 0 : O_DIRECTORY | O_PATH));
        int saved = outside ? EXDEV : errno;
        close(dir);
        if (next < 0)
            return -saved;
        if (last)
            return next;
        dir = next;
    }
    return -errno;
}

int qr_fetch_open_beneath(int root_fd, const char *path, bool walk)
{
    const struct open_how how = {.flags = READ_FLAGS,
                                 .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS};
    if (path[0] == '/')
        return -EXDEV;
    if (!walk) {
        long fd = syscall(SYS_openat2, root_fd, path, &how, sizeof how);
        if (fd >= 0 || (errno != ENOSYS && errno != EPERM))
            return fd >= 0 ? (int)fd : -errno;
    }
    return walk_beneath(root_fd, path);
}

static void explain(struct qr_fetched *ret, int error, const char *uri)
{
    switch (error) {
    case ENOENT:
    case ENOTDIR:
        refuse(ret, QR_CLASS_INVALID_INPUT,
               "%s is gone: it was deleted or renamed after it was listed; hint: list its source "
               "again with a new run",
               uri);
        break;
    case EACCES:
    case EPERM:
        refuse(ret, QR_CLASS_PERMISSION,
               "%s cannot be read: permission denied; hint: make it readable for user id %ld of "
               "the worker, then retry the job",
               uri, (long)geteuid());
        break;
    case EXDEV:
    case ELOOP:
        refuse(ret, QR_CLASS_INVALID_INPUT,
               "%s leads out of its root (by a link or \"..\") and is not followed", uri);
        break;
    case EISDIR:
        refuse(ret, QR_CLASS_INVALID_INPUT, "%s is a folder, not a file", uri);
        break;
    case ENXIO:
        refuse(ret, QR_CLASS_INVALID_INPUT, "%s is not a regular file", uri);
        break;
    case ENAMETOOLONG:
    case EINVAL:
        refuse(ret, QR_CLASS_INVALID_INPUT, "%s is not a possible file name here: %s", uri,
               strerror(error));
        break;
    case EMFILE:
    case ENFILE:
    case ENOMEM:
        refuse(ret, QR_CLASS_RESOURCE, "cannot open %s: %s; hint: raise the limit of open files",
               uri, strerror(error));
        break;
    case EIO:
    case ESTALE:
    case ETIMEDOUT:
    case EHOSTDOWN:
    case EHOSTUNREACH:
    case ENOTCONN:
    case ENODEV:
    case EAGAIN:
        refuse(ret, QR_CLASS_CONNECTION, "cannot open %s: %s", uri, strerror(error));
        break;
    default:
        refuse(ret, QR_CLASS_INTERNAL, "cannot open %s: %s", uri, strerror(error));
        break;
    }
}

static void check_file(const struct qr_fetch_request *request, struct qr_fetched *ret)
{
    struct stat st;

    if (fstat(ret->fd, &st) < 0) {
        explain(ret, errno, request->uri);
        return;
    }
    if (!S_ISREG(st.st_mode)) {
        refuse(ret, QR_CLASS_INVALID_INPUT, "%s is %s, not a file", request->uri,
               S_ISDIR(st.st_mode)    ? "a folder"
               : S_ISFIFO(st.st_mode) ? "a pipe"
                                      : "a device");
        return;
    }
    if ((uint64_t)st.st_size > request->max_file_bytes) {
        refuse(ret, QR_CLASS_INVALID_INPUT,
               "%s has %" PRIu64 " bytes, more than the %" PRIu64 " this worker takes; hint: raise "
               "--max-file-size",
               request->uri, (uint64_t)st.st_size, request->max_file_bytes);
        return;
    }
    ret->size = (uint64_t)st.st_size;
    ret->modified_ms = (int64_t)st.st_mtim.tv_sec * 1000 + st.st_mtim.tv_nsec / 1000000;
    posix_fadvise(ret->fd, 0, AHEAD_BYTES, POSIX_FADV_WILLNEED);
}

/* What the file is shows in its first bytes, where its name does not say it. */
static void read_head(const char *path, struct qr_fetched *ret)
{
    if (ret->fd < 0 || strcmp(qr_filetype_of_name(path), "other") != 0)
        return;
    ssize_t n = pread(ret->fd, ret->head, sizeof ret->head, 0);
    ret->head_len = n > 0 ? (size_t)n : 0;
}

static void open_path(const struct qr_fetch_request *request, const char *root, const char *path,
                      struct qr_fetched *ret)
{
    const char *dir = qr_roots_dir(request->roots, root);

    if (!dir) {
        refuse(ret, QR_CLASS_INTERNAL, "this worker has no root '%s'; hint: --root %s=DIR", root,
               root);
        return;
    }
    int root_fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (root_fd < 0) {
        refuse(ret, QR_CLASS_CONNECTION, "the folder of root '%s' (%s) cannot be entered: %s", root,
               dir, strerror(errno));
        return;
    }
    int fd = qr_fetch_open_beneath(root_fd, path[0] ? path : ".", false);
    close(root_fd);
    if (fd < 0) {
        explain(ret, -fd, request->uri);
        return;
    }
    ret->fd = fd;
    check_file(request, ret);
    read_head(path, ret);
}

void qr_fetch_open(const struct qr_fetch_request *request, struct qr_fetched *ret)
{
    struct qr_uri uri = {.path = NULL};
    struct qr_err err = {0};
    char *raw = NULL;

    memset(ret, 0, sizeof *ret);
    ret->fd = -1;
    if (qr_uri_parse(request->uri, &uri, &err) < 0) {
        refuse(ret, QR_CLASS_INVALID_INPUT, "%s", err.msg);
        return;
    }
    if (request->raw_len > 0) {
        raw = memchr(request->raw, '\0', request->raw_len)
                  ? NULL
                  : strndup((const char *)request->raw, request->raw_len);
        if (raw)
            open_path(request, uri.root, raw, ret);
        else
            refuse(ret, QR_CLASS_INVALID_INPUT, "%s: the path has a NUL byte", request->uri);
        free(raw);
    } else {
        open_path(request, uri.root, uri.path, ret);
    }
    qr_uri_done(&uri);
}

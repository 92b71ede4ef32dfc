/* The folder of a spool: made, locked, its starts counted; and its small files. */
#include "common/fleet/spool_intern.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- small files: written whole, durably */

static int write_all(int fd, const void *data, size_t len)
{
    ssize_t wrote = write(fd, data, len);
    if (wrote >= 0 && (size_t)wrote != len)
        errno = ENOSPC;
    return wrote >= 0 && (size_t)wrote == len ? 0 : -1;
}

int qr_spool_replace_file(const struct qr_spool *spool, const char *name, const void *data,
                          size_t len, struct qr_err *err)
{
    int fd =
        openat(spool->dir_fd, "new", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    bool ok = fd >= 0 && write_all(fd, data, len) == 0 && fsync(fd) == 0 &&
              renameat(spool->dir_fd, "new", spool->dir_fd, name) == 0 && fsync(spool->dir_fd) == 0;
    int saved = errno;
    if (fd >= 0)
        close(fd);
    if (!ok)
        return qr_fail_errno(err, QR_E_IO, saved, "write '%s/%s'", spool->config.dir, name);
    return QR_OK;
}

/* Up to `size` bytes of a small file; 0 when there is none. */
size_t qr_spool_load_file(const struct qr_spool *spool, const char *name, void *buf, size_t size)
{
    int fd = openat(spool->dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return 0;
    ssize_t got = read(fd, buf, size);
    close(fd);
    return got > 0 ? (size_t)got : 0;
}

/* ---- opening */

static int make_dirs(const char *path, struct qr_err *err)
{
    char part[PATH_MAX];
    size_t len = strlen(path);

    if (len == 0 || len >= sizeof part)
        return qr_fail(err, QR_E_USAGE, "spool folder '%s': not a path", path);
    for (size_t i = 1; i <= len; i++) {
        if (path[i] != '/' && path[i] != '\0')
            continue;
        memcpy(part, path, i);
        part[i] = '\0';
        if (mkdir(part, 0700) < 0 && errno != EEXIST)
            return qr_fail_errno(err, errno == EACCES ? QR_E_DENIED : QR_E_IO, errno,
                                 "make the spool folder '%s'", part);
    }
    return QR_OK;
}

int qr_spool_open_folder(struct qr_spool *spool, struct qr_err *err)
{
    const char *dir = spool->config.dir;

    int rc = make_dirs(dir, err);
    if (rc < 0)
        return rc;
    spool->dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (spool->dir_fd < 0)
        return qr_fail_errno(err, errno == EACCES ? QR_E_DENIED : QR_E_IO, errno,
                             "open the spool folder '%s'", dir);
    spool->lock_fd = openat(spool->dir_fd, "lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (spool->lock_fd < 0)
        return qr_fail_errno(err, errno == EACCES ? QR_E_DENIED : QR_E_IO, errno,
                             "open '%s/lock'; hint: the worker must be able to write there", dir);
    if (flock(spool->lock_fd, LOCK_EX | LOCK_NB) < 0) {
        char pid[24] = "";
        qr_spool_load_file(spool, "lock", pid, sizeof pid - 1);
        pid[strcspn(pid, "\n")] = '\0';
        return qr_fail(
            err, QR_E_EXISTS,
            "spool folder '%s' is in use by process %s; hint: give each worker a --spool "
            "of its own",
            dir, pid[0] ? pid : "(unknown)");
    }
    char pid[24];
    int len = snprintf(pid, sizeof pid, "%ld\n", (long)getpid());
    if (ftruncate(spool->lock_fd, 0) < 0 || write_all(spool->lock_fd, pid, (size_t)len) < 0)
        return qr_fail_errno(err, QR_E_IO, errno, "write '%s/lock'", dir);
    return QR_OK;
}

int qr_spool_count_start(struct qr_spool *spool, struct qr_err *err)
{
    char text[24] = "";

    qr_spool_load_file(spool, "counter", text, sizeof text - 1);
    return qr_spool_set_start_counter(spool, strtoull(text, NULL, 10) + 1, err);
}

uint64_t qr_spool_start_counter(const struct qr_spool *spool) { return spool->counter; }

int qr_spool_set_start_counter(struct qr_spool *spool, uint64_t counter, struct qr_err *err)
{
    char text[24];
    int len = snprintf(text, sizeof text, "%" PRIu64 "\n", counter);
    int rc = qr_spool_replace_file(spool, "counter", text, (size_t)len, err);
    if (rc == QR_OK)
        spool->counter = counter;
    return rc;
}

#include "worker/tool/folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/os/cage.h"

#define BLOCK ((size_t)256 * 1024)
#define PREFIX "quarry-exec-"
#define STALE_S 60
#define DEPTH_MAX 64 /* folders in folders that are removed */

static int make_sub(const struct qr_tool_folder *folder, const char *name, uint32_t uid,
                    uint32_t gid, struct qr_err *err)
{
    if (mkdirat(folder->fd, name, 0700) != 0 || fchownat(folder->fd, name, uid, gid, 0) != 0)
        return qr_fail_errno(err, QR_E_IO, errno, "make '%s/%s'", folder->path, name);
    return QR_OK;
}

int qr_tool_folder_make(struct qr_tool_folder *folder, const char *base, struct qr_err *err)
{
    uint32_t uid;
    uint32_t gid;

    folder->fd = -1;
    int n = snprintf(folder->path, sizeof folder->path, "%s/" PREFIX "XXXXXX", base);
    if (n < 0 || (size_t)n >= sizeof folder->path)
        return qr_fail(err, QR_E_IO, "the path of the folder for temporary files is too long");
    if (!mkdtemp(folder->path))
        return qr_fail_errno(err, QR_E_IO, errno,
                             "make a folder in '%s'; hint: set TMPDIR to a folder with space",
                             base);
    folder->fd = open(folder->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (folder->fd < 0)
        return qr_fail_errno(err, QR_E_IO, errno, "open '%s'", folder->path);
    flock(folder->fd, LOCK_EX | LOCK_NB); /* ours as long as we live */
    qr_cage_user(&uid, &gid);
    int rc = make_sub(folder, "in", uid, gid, err);
    if (rc == QR_OK)
        rc = make_sub(folder, "out", uid, gid, err);
    if (rc == QR_OK && fchown(folder->fd, uid, gid) != 0)
        rc = qr_fail_errno(err, QR_E_IO, errno, "give '%s' away", folder->path);
    return rc;
}

static void empty(int dir, int depth)
{
    int copy = dup(dir);
    DIR *list = copy >= 0 ? fdopendir(copy) : NULL;
    struct dirent *entry;

    if (!list) {
        if (copy >= 0)
            close(copy);
        return;
    }
    rewinddir(list);
    while ((entry = readdir(list)) != NULL) {
        const char *name = entry->d_name;
        if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || unlinkat(dir, name, 0) == 0 ||
            depth == DEPTH_MAX)
            continue;
        fchmodat(dir, name, 0700, 0); /* a folder; the program may have taken the rights from it */
        int below = openat(dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
        if (below >= 0) {
            empty(below, depth + 1);
            close(below);
        }
        unlinkat(dir, name, AT_REMOVEDIR);
    }
    closedir(list);
}

static bool is_stale(int fd)
{
    struct stat st;
    uint32_t uid;
    uint32_t gid;

    qr_cage_user(&uid, &gid);
    return fstat(fd, &st) == 0 && (st.st_uid == uid || st.st_uid == geteuid()) &&
           st.st_ctime < time(NULL) - STALE_S && flock(fd, LOCK_EX | LOCK_NB) == 0;
}

void qr_tool_folder_sweep(const char *base)
{
    DIR *list = opendir(base);
    struct dirent *entry;

    while (list && (entry = readdir(list)) != NULL) {
        if (strncmp(entry->d_name, PREFIX, strlen(PREFIX)) != 0)
            continue;
        int fd =
            openat(dirfd(list), entry->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
        if (fd >= 0 && is_stale(fd)) {
            empty(fd, 0);
            unlinkat(dirfd(list), entry->d_name, AT_REMOVEDIR);
        }
        if (fd >= 0)
            close(fd);
    }
    if (list)
        closedir(list);
}

void qr_tool_folder_remove(struct qr_tool_folder *folder)
{
    if (folder->fd < 0)
        return;
    fchmod(folder->fd, 0700);
    empty(folder->fd, 0);
    close(folder->fd);
    folder->fd = -1;
    rmdir(folder->path);
}

int qr_tool_folder_create(const struct qr_tool_folder *folder, const char *name, struct qr_err *err)
{
    int fd = openat(folder->fd, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);

    if (fd < 0)
        return qr_fail_errno(err, errno == EEXIST ? QR_E_EXISTS : QR_E_IO, errno, "make '%s/%s'",
                             folder->path, name);
    return fd;
}

static bool write_all(int fd, const char *data, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, data, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        data += n;
        len -= (size_t)n;
    }
    return true;
}

int qr_tool_folder_put(const struct qr_tool_folder *folder, const char *name, int from,
                       struct qr_err *err)
{
    uint32_t uid;
    uint32_t gid;
    int to = qr_tool_folder_create(folder, name, err);
    char *block = malloc(BLOCK);
    int rc = to < 0 ? to : QR_OK;

    if (rc == QR_OK && !block)
        rc = qr_fail(err, QR_E_NOMEM, "out of memory");
    for (off_t at = 0; rc == QR_OK;) {
        ssize_t n = pread(from, block, BLOCK, at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            rc = qr_fail_errno(err, QR_E_IO, errno, "read the file");
        if (n <= 0)
            break;
        if (!write_all(to, block, (size_t)n))
            rc = qr_fail_errno(err, QR_E_IO, errno, "write '%s/%s'", folder->path, name);
        at += n;
    }
    qr_cage_user(&uid, &gid);
    if (rc == QR_OK && fchown(to, uid, gid) != 0)
        rc = qr_fail_errno(err, QR_E_IO, errno, "give '%s' away", name);
    free(block);
    if (to >= 0)
        close(to);
    return rc;
}

/* The name of the only entry of out/. */
static int find_only(const struct qr_tool_folder *folder, char *name, size_t size,
                     struct qr_err *err)
{
    int out = openat(folder->fd, "out", O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    DIR *list = out >= 0 ? fdopendir(out) : NULL;
    struct dirent *entry;
    size_t n = 0;

    while (list && (entry = readdir(list)) != NULL) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        snprintf(name, size, "out/%s", entry->d_name);
        n++;
    }
    if (list)
        closedir(list);
    else if (out >= 0)
        close(out);
    if (n == 1)
        return QR_OK;
    return qr_fail(err, n == 0 ? QR_E_NOT_FOUND : QR_E_DATA, "it wrote %zu files, not one", n);
}

int qr_tool_folder_take(const struct qr_tool_folder *folder, const char *name, struct qr_err *err)
{
    char only[NAME_MAX + 8];
    struct stat st;
    uint32_t uid;
    uint32_t gid;

    if (strcmp(name, "out/") == 0) {
        int rc = find_only(folder, only, sizeof only, err);
        if (rc < 0)
            return rc;
        name = only;
    }
    int fd = openat(folder->fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return qr_fail_errno(err, errno == ENOENT ? QR_E_NOT_FOUND : QR_E_DATA, errno,
                             "open what it wrote");
    qr_cage_user(&uid, &gid);
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || st.st_nlink != 1 ||
        (st.st_uid != uid && st.st_uid != geteuid())) {
        close(fd);
        return qr_fail(err, QR_E_DATA, "what it wrote is not a plain file of its own");
    }
    unlinkat(folder->fd, name, 0);
    return fd;
}

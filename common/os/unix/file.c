#include "common/os/file.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static enum qr_file_kind kind_of(mode_t mode)
{
    if (S_ISREG(mode))
        return QR_FILE_REGULAR;
    if (S_ISDIR(mode))
        return QR_FILE_FOLDER;
    if (S_ISFIFO(mode))
        return QR_FILE_PIPE;
    if (S_ISSOCK(mode))
        return QR_FILE_SOCKET;
    return S_ISCHR(mode) || S_ISBLK(mode) ? QR_FILE_DEVICE : QR_FILE_OTHER;
}

int qr_file_info(int fd, struct qr_file_info *ret, struct qr_err *err)
{
    struct stat st;

    /* the call itself: the C library's fstat() is newfstatat(), which could look at paths as well
     * and is therefore not allowed in the sandbox. On 64-bit Linux both fill the same struct. */
    _Static_assert(sizeof(long) == 8, "64-bit Linux");
    if (syscall(SYS_fstat, fd, &st) != 0)
        return qr_fail_errno(err, QR_E_IO, errno, "look at the open file");
    ret->kind = kind_of(st.st_mode);
    ret->size = st.st_size > 0 ? (uint64_t)st.st_size : 0;
    ret->changed_ns = (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec;
    return QR_OK;
}

const char *qr_file_kind_text(enum qr_file_kind kind)
{
    static const char *const texts[] = {"a file",   "a folder", "a pipe",
                                        "a socket", "a device", "not a file"};
    return texts[kind];
}

int qr_file_unnamed(const char *name, const struct iovec *bytes, size_t n, struct qr_err *err)
{
    int fd = memfd_create(name, MFD_CLOEXEC);

    if (fd < 0)
        return qr_fail_errno(err, QR_E_NOMEM, errno, "make a file in memory");
    for (size_t i = 0; i < n; i++) {
        const char *at = bytes[i].iov_base;
        for (size_t left = bytes[i].iov_len; left > 0;) {
            ssize_t done = write(fd, at, left);
            if (done < 0 && errno == EINTR)
                continue;
            if (done <= 0) {
                int rc = qr_fail_errno(err, QR_E_NOMEM, errno, "fill a file in memory");
                close(fd);
                return rc;
            }
            at += done;
            left -= (size_t)done;
        }
    }
    return fd;
}

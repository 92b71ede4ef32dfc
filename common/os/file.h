/* common/os/file.h
 *
 * What an open descriptor is. Works inside the sandbox, where no path can be looked at.
 */
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "common/base.h"
#include "common/err.h"

enum qr_file_kind {
    QR_FILE_REGULAR,
    QR_FILE_FOLDER,
    QR_FILE_PIPE,
    QR_FILE_SOCKET,
    QR_FILE_DEVICE,
    QR_FILE_OTHER,
};

struct qr_file_info {
    enum qr_file_kind kind;
    uint64_t size;      /* bytes */
    int64_t changed_ns; /* time of the last change of its content, nanoseconds since 1970 */
};

/** Errors: QR_E_IO. */
QR_MUST_CHECK int qr_file_info(int fd, struct qr_file_info *ret, struct qr_err *err);

/**
 * A file without a name, in memory, with these bytes: for handing data to another process.
 *
 *   name  for people who look at the process
 *
 * Returns the descriptor, the caller's to close. Errors: QR_E_NOMEM.
 */
QR_MUST_CHECK int qr_file_unnamed(const char *name, const struct iovec *bytes, size_t n,
                                  struct qr_err *err);

/** For messages: "a folder". */
const char *qr_file_kind_text(enum qr_file_kind kind);

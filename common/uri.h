/* common/uri.h
 *
 * File addresses: root://NAME/path. A named root is a folder that has another path on every
 * machine; the path below it is bytes (file names need not be UTF-8), so bytes that a URI cannot
 * carry as text are percent-encoded: control characters, '%' itself and everything that is not
 * valid UTF-8. Thread-safe: no state.
 */
#pragma once
#include <stdbool.h>

#include "common/buf.h"
#include "common/err.h"

enum { QR_ROOT_NAME_MAX = 64, QR_URI_MAX = 4096 };

struct qr_uri {
    char root[QR_ROOT_NAME_MAX + 1];
    char *path; /* decoded bytes below the root, without leading slash; owned */
};

/** a-z 0-9 _ - and 1 .. QR_ROOT_NAME_MAX bytes. */
bool qr_root_name_is_valid(const char *name);

/** Append root://NAME/path for the bytes of `path` (relative, may be ""). False when `out` is full.
 */
bool qr_uri_append(struct qr_buf *out, const char *root, const char *path);

/**
 * Take a URI apart.
 *
 * Errors: QR_E_INVALID, not root://NAME/…, bad name, bad %-escape, an encoded NUL, a ".." part, or
 *         longer than QR_URI_MAX.
 */
QR_MUST_CHECK int qr_uri_parse(const char *text, struct qr_uri *ret, struct qr_err *err);
void qr_uri_done(struct qr_uri *uri);

/** Length of the valid UTF-8 sequence at `s` (1 .. 4, `len` bytes are there), 0 when it is none.
 *  Overlong forms, surrogates and values above U+10FFFF are not valid. Source: RFC 3629. */
size_t qr_utf8_sequence(const unsigned char *s, size_t len);

/* common/roots.h
 *
 * Named roots: the folders that files may come from, `--root NAME=DIR`. The same share has another
 * path on every machine; jobs carry the name (common/uri.h). Read-only after qr_roots_add(), so any
 * thread may look things up.
 */
#pragma once
#include <stddef.h>

#include "common/buf.h"
#include "common/err.h"
#include "common/uri.h"

enum { QR_ROOTS_MAX = 32 };

struct qr_roots {
    size_t n;
    struct {
        char name[QR_ROOT_NAME_MAX + 1];
        char *dir; /* absolute, links resolved, without trailing slash (except "/") */
    } root[QR_ROOTS_MAX];
};

/**
 * Add "NAME=DIR".
 *
 * Errors: QR_E_USAGE, not of that form, a bad name, a name twice, more than QR_ROOTS_MAX.
 *         QR_E_NOT_FOUND, DIR is not a folder that can be entered.
 */
QR_MUST_CHECK int qr_roots_add(struct qr_roots *roots, const char *spec, struct qr_err *err);
void qr_roots_done(struct qr_roots *roots);

/** The folder of a root; NULL when this machine does not have it. */
const char *qr_roots_dir(const struct qr_roots *roots, const char *name);

/**
 * The URI of a source as a person types it: root://NAME/path stays what it is (normalised), an
 * absolute path becomes one if it lies under a root, the longest root winning. The path need not
 * exist.
 *
 *   ret_uri  initialised by the caller; the URI is appended
 *
 * Errors: QR_E_INVALID, a relative path or a malformed URI. QR_E_NOT_FOUND, an unknown root name,
 * or a path below none of the roots (the message lists them).
 */
QR_MUST_CHECK int qr_roots_uri_of(const struct qr_roots *roots, const char *source,
                                  struct qr_buf *ret_uri, struct qr_err *err);

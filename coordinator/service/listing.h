/* coordinator/service/listing.h
 *
 * Lists the files below one folder of a named root, depth first, names in byte order, one folder in
 * memory at a time. Links to folders are not followed (a loop would never end), everything else
 * that is no folder is listed: what turns out not to be a readable file fails as a job, with its
 * reason, instead of being left out silently.
 */
#pragma once
#include <stdatomic.h>
#include <stdint.h>

#include "common/err.h"

struct qr_listed_file {
    const char *path;    /* below the root, bytes; valid during the callback */
    uint64_t bytes;      /* 0 when unknown */
    int64_t modified_ms; /* since 1970; 0 when unknown */
};

/** Negative ends the listing with that code. */
typedef int (*qr_listing_fn)(void *ctx, const struct qr_listed_file *file, struct qr_err *err);

struct qr_listing_result {
    uint64_t files, folders;
    uint64_t links_skipped;      /* links to folders */
    uint64_t folders_unreadable; /* reported, the listing goes on */
    char first_problem[256];     /* "" when there was none */
};

/**
 * Walk.
 *
 *   root_dir  absolute folder of the root
 *   path      below it; "" for all of it; a file lists just that file
 *   stop      set by another thread to end early with QR_E_CANCELLED; may be NULL
 *
 * Errors: QR_E_NOT_FOUND or QR_E_DENIED for `path` itself, QR_E_CANCELLED, QR_E_NOMEM, what fn
 * gave.
 */
QR_MUST_CHECK int qr_listing_walk(const char *root_dir, const char *path, qr_listing_fn fn,
                                  void *ctx, const atomic_bool *stop, struct qr_listing_result *ret,
                                  struct qr_err *err);

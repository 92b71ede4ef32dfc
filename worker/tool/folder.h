/* worker/tool/folder.h
 *
 * The folder that a foreign program works in: made for it, filled, emptied, removed.
 *
 * It belongs to the user that the program runs as, so whatever lies in it may be a trap: nothing is
 * followed, and only a regular file of that user is taken out. Not thread-safe.
 */
#pragma once
#include <limits.h>

#include "common/base.h"
#include "common/err.h"

struct qr_tool_folder {
    char path[PATH_MAX];
    int fd; /* -1: there is none */
};

/** In `base` (an existing folder), with in/ and out/ in it. Errors: QR_E_IO. */
QR_MUST_CHECK int qr_tool_folder_make(struct qr_tool_folder *folder, const char *base,
                                      struct qr_err *err);
/** Remove folders in `base` whose owner was killed: older than a minute, and nobody's lock on them.
 */
void qr_tool_folder_sweep(const char *base);
/** With all that is in it. Accepts one that was never made. */
void qr_tool_folder_remove(struct qr_tool_folder *folder);

/** Copy an open file into it. Errors: QR_E_IO reading or writing failed; QR_E_EXISTS something is
 *  in the place. */
QR_MUST_CHECK int qr_tool_folder_put(const struct qr_tool_folder *folder, const char *name,
                                     int from, struct qr_err *err);
/** Make an empty file in it, to be written by descriptor. Returns that, or an error. */
QR_MUST_CHECK int qr_tool_folder_create(const struct qr_tool_folder *folder, const char *name,
                                        struct qr_err *err);
/** Open a file for reading and remove its name; "out/" takes the only file of that folder.
 *  Returns the descriptor. Errors: QR_E_NOT_FOUND none, QR_E_DATA not a regular file of its own. */
QR_MUST_CHECK int qr_tool_folder_take(const struct qr_tool_folder *folder, const char *name,
                                      struct qr_err *err);

/* common/fleet/fetch.h
 *
 * From the address of a file to an open descriptor.
 *
 * A path is confined to its named root by the kernel (openat2, RESOLVE_BENEATH): no "..", absolute
 * path or symbolic link leads out of it; links that stay inside are followed. Kernels without
 * openat2 get a walk part by part that follows no link at all. Only regular files are handed out,
 * and opening never waits for a writer of a FIFO.
 *
 * Opening can block on a network share, so the agent does it on threads of its own (fetcher.h).
 * Stateless and thread-safe.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "common/class.h"
#include "common/err.h"
#include "common/roots.h"

enum { QR_FETCH_HEAD = 64 };

struct qr_fetch_request {
    const struct qr_roots *roots;
    const char *uri;    /* root://NAME/path */
    const uint8_t *raw; /* the path as bytes where the listing has it so; NULL: it is in the uri */
    size_t raw_len;
    uint64_t max_file_bytes;
};

struct qr_fetched {
    int fd; /* the caller's; -1: failed */
    uint64_t size;
    int64_t modified_ms;         /* since 1970 */
    uint8_t head[QR_FETCH_HEAD]; /* its first bytes, where its extension says nothing */
    size_t head_len;
    enum qr_class cls; /* of the failure */
    char message[512]; /* what happened and what to do */
};

/**
 * Open the file and have the kernel begin to read it ahead. Fills *ret in any case.
 *
 * Classes: invalid_input: gone since it was listed, not a regular file, outside its root, too
 * large, a malformed address. permission: not readable. connection: the share does not answer.
 * resource: out of descriptors or memory. internal: unknown root.
 */
void qr_fetch_open(const struct qr_fetch_request *request, struct qr_fetched *ret);

/** The same confinement alone, for tests: openat2 or (walk = true) the walk. Returns a descriptor
 * or a negative errno. */
int qr_fetch_open_beneath(int root_fd, const char *path, bool walk);

/* worker/agent/refer.h
 *
 * From the names that a drawing gives its external references to files that can be jobs.
 *
 * A name is relative to the folder of the file that names it and says whatever the file's author,
 * or an attacker, wrote. Nothing absolute is followed, and ".." only within the root; what is there
 * is looked at as a fetch opens it (fetch.h): confined to the root by the kernel, links that lead
 * out refused. Touches the disk, which may be a share that does not answer: for fetch threads.
 * Stateless and thread-safe.
 */
#pragma once
#include <stdint.h>

#include "common/fleet/session.h"
#include "common/roots.h"

enum { QR_REFERENCES_MAX = 256 };

/* What became of the names: one block, free() gives it back. */
struct qr_references {
    size_t n;
    uint32_t missing;                /* nothing is there: only said in the record */
    uint32_t outside;                /* absolute, or out of the root: only said in the record */
    uint32_t left_out;               /* more than fit */
    struct qr_session_found files[]; /* each once, in the order they are named first */
};

/**
 * The path below the root that `name` means in the file at `path`.
 *
 *   name  '\' counts as '/'
 *   out   QR_URI_MAX bytes
 *
 * False: absolute, empty, too long, or it leads out of the root.
 */
bool qr_refer_path(const char *path, const char *name, char *out);

/**
 *   uri    of the file that names them
 *   names  one behind the other, each with its NUL
 *
 * A name that ends in .dwg and is not there means the .dxf beside it: a drawing that was exported
 * keeps the names. NULL: out of memory.
 */
struct qr_references *qr_refer(const struct qr_roots *roots, const char *uri, const char *names,
                               size_t names_len);

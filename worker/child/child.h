/* worker/child/child.h
 *
 * The sandboxed child: takes open files from its pipe, one at a time, and answers with records.
 *
 * Everything slow or privileged happens before the first file: the PDF library starts, or the
 * geometry kernel is loaded (docs/geometry.md), then the
 * process locks itself in (common/os/sandbox.h), then it says READY. Design: docs/sandbox.md.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

struct qr_child_config {
    int64_t memory_bytes; /* for the whole process; what one PDF may take follows from it */
    bool geometry;        /* the second step of models instead of extraction */
};

/** Main of `quarry-worker --child` and `--geometry-child`: returns an exit code. Serves until the
 * pipe is closed. */
int qr_child_main(const struct qr_child_config *config);

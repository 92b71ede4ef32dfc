/* worker/local/local.h
 *
 * `quarry-worker --extract FILE…`: extraction on this machine without a coordinator, by the same
 * sandboxed children, printing the same record a worker would send.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "worker/extract/options.h"
#include "worker/tool/tool.h"

struct qr_local_config {
    const char *const *files;
    size_t n_files;
    int jobs;             /* children; 0: as many as processors */
    bool jsonl;           /* one record a line instead of one array */
    int64_t memory_bytes; /* per child; 0: the pool's default */
    int64_t budget_ms;    /* per file; 0: the pool's default */
    int64_t
        geometry_memory_bytes; /* of the second step of models (docs/geometry.md); 0: as above */
    int64_t geometry_budget_ms;
    bool keep_stderr;
    struct qr_extract_options options;
    const struct qr_tool_set *tools; /* programs that read files first; borrowed */
    int64_t tool_output_bytes;       /* the most one may write; 0: the default */
    const char *overlay; /* PNG to write for options.overlay_page of the only file; NULL: none */
};

/**
 * Print one record for each file to `out`, in the order given; a file that cannot be opened has one
 * as well. Returns an exit code: 0 all completed, 1 some failed, or the pool or `out` did.
 */
int qr_local_extract(const struct qr_local_config *config, FILE *out);

/** `quarry-worker --sandbox-report`: start one child and print which layers of its sandbox hold.
 *  Returns 0, or 1 when the child does not get ready. */
int qr_local_sandbox_report(int64_t memory_bytes, FILE *out);

/* worker/extract/pdf/fzmem.h
 *
 * MuPDF's memory under a cap: when it is reached MuPDF empties its store, tries again, and then
 * throws FZ_ERROR_MEMORY, which ends the file and not the process. Not thread-safe.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>

#include <mupdf/fitz.h>

struct qr_fzmem {
    size_t used;
    size_t peak;
    size_t max;
    bool refused; /* an allocation was refused since this was last set to false */
};

/** Set `ret` to an allocator that counts in `mem`; both stay where they are. */
void qr_fzmem_init(struct qr_fzmem *mem, size_t max_bytes, fz_alloc_context *ret);

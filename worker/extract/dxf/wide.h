/* worker/extract/dxf/wide.h
 *
 * Drawings that somebody saved as UTF-16: made UTF-8 before they are read.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>

struct qr_record;

/** Does it begin with a byte order mark of UTF-16? */
bool qr_dxf_is_wide(const void *data, size_t len);

/** As UTF-8, on the heap; NULL after having put the failure into the record (larger than 64 MiB, or
 *  no memory). Adds the note "dxf.encoding.utf16". */
char *qr_dxf_narrow(struct qr_record *rec, const void *data, size_t len, size_t *ret_len);

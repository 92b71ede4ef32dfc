/* common/buf.h
 *
 * A growing byte buffer with a hard cap: what comes from outside never allocates without limit.
 * After the first failed append the buffer stays failed (`failed` is set, further appends do
 * nothing), so a caller may append many pieces and check once. Not thread-safe.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base.h"

struct qr_buf {
    uint8_t *data; /* NUL-terminated behind `len` once anything was appended */
    size_t len;    /* bytes in use */
    size_t cap;    /* bytes allocated */
    size_t max;    /* hard cap on len */
    bool failed;   /* cap reached or out of memory */
};

void qr_buf_init(struct qr_buf *buf, size_t max_bytes);
void qr_buf_done(struct qr_buf *buf);  /* frees; the buffer may be initialised again */
void qr_buf_clear(struct qr_buf *buf); /* keeps the memory, forgets content and failure */

bool qr_buf_append(struct qr_buf *buf, const void *data, size_t len);
bool qr_buf_append_str(struct qr_buf *buf, const char *text);
bool qr_buf_printf(struct qr_buf *buf, const char *fmt, ...) QR_PRINTF(2, 3);

/** Make room for `len` more bytes and return where they go; NULL when that would pass the cap.
 *  The caller writes there and adds to `len` itself. */
uint8_t *qr_buf_reserve(struct qr_buf *buf, size_t len);

/** Drop `len` bytes from the front. */
void qr_buf_consume(struct qr_buf *buf, size_t len);

/** Take the content out, NUL-terminated, caller frees; NULL when the buffer failed. */
char *qr_buf_take(struct qr_buf *buf);

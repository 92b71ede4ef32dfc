/* common/record/utf8.h
 *
 * UTF-8 as it may leave Quarry: valid, without NUL. PostgreSQL, JSON and protobuf refuse the rest.
 * Source: Unicode 15, table 3-7 (well-formed byte sequences) and section 3.9 (one U+FFFD for each
 * maximal subpart of an ill-formed sequence).
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define QR_UTF8_REPLACEMENT 0xFFFDu

struct qr_utf8_stats {
    size_t replaced; /* sequences that became U+FFFD */
    size_t nuls;     /* NUL characters left out */
    size_t chars;    /* code points written */
};

/**
 * One character from the front of `len` > 0 bytes.
 * Returns the bytes it took, at least 1; ill-formed: *ret_cp is U+FFFD and *ret_valid false.
 */
size_t qr_utf8_next(const uint8_t *text, size_t len, uint32_t *ret_cp, bool *ret_valid);

/** Write one code point (surrogates and values past U+10FFFF become U+FFFD); returns 1 .. 4. */
size_t qr_utf8_put(uint32_t cp, char out[4]);

/** Well-formed and free of NUL? */
bool qr_utf8_is_clean(const void *text, size_t len);

/**
 * Copy `len` bytes to `out`, which has room for 3 * len + 1, cleaning on the way; NUL-terminated.
 * `stats` is added to. Returns the bytes written without the NUL.
 */
size_t qr_utf8_clean(const void *text, size_t len, char *out, struct qr_utf8_stats *stats);

/** Number of code points in clean text. */
size_t qr_utf8_count(const char *text, size_t len);

/** The largest n <= max at which clean text of `len` bytes may be cut without splitting a
 * character. */
size_t qr_utf8_cut(const char *text, size_t len, size_t max);

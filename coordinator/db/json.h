/* coordinator/db/json.h
 *
 * Writing JSON into a buffer, the few shapes this room needs. Text that is not UTF-8 gets U+FFFD.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "common/buf.h"

/** "text", quoted and escaped. */
void qr_json_text(struct qr_buf *out, const char *text);
/** `"key":` with a comma before it unless it is the first (`*first`, which becomes false). */
void qr_json_key(struct qr_buf *out, bool *first, const char *key);
void qr_json_number(struct qr_buf *out, double value); /* null when not finite */
void qr_json_i64(struct qr_buf *out, int64_t value);
/** Bare text with invalid sequences replaced. */
void qr_utf8_clean(struct qr_buf *out, const char *text);
/** Is it valid UTF-8 (a C string, so without NUL)? */
bool qr_utf8_is_valid(const char *text);

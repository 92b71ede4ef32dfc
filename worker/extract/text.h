/* worker/extract/text.h
 *
 * Plain text, Markdown and CSV in the encodings they come in.
 *
 * Encoding: a byte order mark decides; else UTF-32 and UTF-16 are seen by where their zero bytes
 * stand; else UTF-8 when all of it is valid; else Windows-1252, called ISO-8859-1 when no byte of
 * 0x80 .. 0x9F occurs. Lines, words and characters are counted over the whole file, even where the
 * text is cut.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct qr_extract;

void qr_text_extract(const struct qr_extract *x);

/** Could these bytes be text of any of the encodings? For files without a known extension. */
bool qr_text_is_likely(const uint8_t *head, size_t len);

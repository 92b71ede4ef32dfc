/* worker/extract/dxf/text.h
 *
 * The text of TEXT, ATTRIB and ATTDEF as a reader sees it, and the escapes that any string of a
 * DXF file may hold.
 *
 * Input is UTF-8, made by qr_dxf_decode(): in the double-byte code pages the second byte of a
 * character may look like a backslash or a caret, so decoding comes first. Output is appended to a
 * buffer; what the buffer's cap does not take is lost there and shows as `failed`. Every function
 * takes time linear in its input. `doc` gives the code page of %%nnn and the tables of \M+; NULL is
 * allowed and means Latin-1 and no tables.
 *
 * Source: AutoCAD user's guide, "control codes and special characters" (%%c %%d %%p %%u %%o %%k
 * %%nnn %%%); DXF reference, "writing a DXF file" (caret notation, \U+XXXX, \M+nXXXX).
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"

struct qr_dxf_doc; /* worker/extract/dxf/doc.h */

/**
 * \U+XXXX (two surrogates become one character) and \M+nXXXX; all else stays as it is.
 * For names: layers, blocks, tags, custom properties.
 */
void qr_dxf_text_unescape(const struct qr_dxf_doc *doc, const char *text, size_t len,
                          struct qr_buf *out);

/**
 * A one-line text: also %%c %%d %%p %%nnn %%% and the caret codes ^I ^J ^M and "^ "; the switches
 * %%u %%o %%k are left out. A caret or %% that is no code stays.
 */
void qr_dxf_text_plain(const struct qr_dxf_doc *doc, const char *text, size_t len,
                       struct qr_buf *out);

/** Pieces for mtext.c. Each looks at the front of `text` and returns the bytes it took after
 *  appending what they stand for, 0 when there is no such code there. */
size_t qr_dxf_text_escape(const struct qr_dxf_doc *doc, const char *text, size_t len,
                          struct qr_buf *out); /* \U+ \M+ */
size_t qr_dxf_text_percent(const struct qr_dxf_doc *doc, const char *text, size_t len,
                           struct qr_buf *out); /* %%x */
size_t qr_dxf_text_caret(const char *text, size_t len, struct qr_buf *out);

/** Append one code point as UTF-8. */
void qr_dxf_text_put(struct qr_buf *out, uint32_t cp);

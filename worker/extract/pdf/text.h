/* worker/extract/pdf/text.h
 *
 * From MuPDF's structured text to UTF-8.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include <mupdf/fitz.h>

#include "common/buf.h"
#include "common/record/utf8.h"

enum { QR_PDF_CHAR_BYTES = 8 }; /* the most that one character becomes */

/** Text of a page as UTF-8; what it has. */
struct qr_pdf_text_stats {
    uint32_t undecodable; /* glyphs without a Unicode value, written as U+FFFD */
    uint32_t images;      /* image blocks */
};

/** Append the text of a page in reading order, lines ended by \n, blocks by an empty line. */
void qr_pdf_print_text(const fz_stext_page *text, struct qr_buf *out,
                       struct qr_pdf_text_stats *ret);

/** A glyph whose font does not say which character it is: MuPDF gives U+FFFD, half a surrogate
 * pair, or the glyph's code, which then is a control character. */
static inline bool qr_pdf_means_nothing(uint32_t cp)
{
    return cp == QR_UTF8_REPLACEMENT || (cp >= 0xD800 && cp <= 0xDFFF) || cp < 0x20 ||
           (cp >= 0x7F && cp < 0xA0);
}

/**
 * One character as clean UTF-8; returns its bytes, 0 for the first half of a surrogate pair, which
 * then waits in *high. MuPDF passes on what a font's ToUnicode table gives as UTF-16: pairs are put
 * together.
 *
 *   high         0 before the first character of a line
 *   out          room for QR_PDF_CHAR_BYTES
 *   undecodable  added to
 */
static inline size_t qr_pdf_put_char(const fz_stext_char *ch, uint32_t *high, char *out,
                                     uint32_t *undecodable)
{
    uint32_t cp = (uint32_t)ch->c;
    size_t n = 0;

    if (*high == 0 && cp >= 0xD800 && cp <= 0xDBFF && ch->next) {
        *high = cp;
        return 0;
    }
    if (*high != 0 && cp >= 0xDC00 && cp <= 0xDFFF) {
        cp = 0x10000 + ((*high - 0xD800) << 10) + (cp - 0xDC00);
    } else if (*high != 0) {
        ++*undecodable;
        n = qr_utf8_put(QR_UTF8_REPLACEMENT, out);
    }
    *high = 0;
    if ((cp >= '\t' && cp <= '\r') || cp == 0x85)
        cp = ' '; /* lines and pages are MuPDF's to tell, not a glyph's */
    if (qr_pdf_means_nothing(cp)) {
        ++*undecodable;
        cp = QR_UTF8_REPLACEMENT;
    }
    return n + qr_utf8_put(cp, out + n);
}

/** Characters that are no blanks, in clean text. */
size_t qr_pdf_count_visible(const struct qr_buf *text);

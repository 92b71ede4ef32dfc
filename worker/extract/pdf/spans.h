/* worker/extract/pdf/spans.h
 *
 * The text of a page as the spans of a sheet.
 *
 * A line of MuPDF's structured text is cut where the gap is wider than the letters are high and
 * where a line of a frame or table stands between two characters, whichever way the text runs.
 * Boxes follow the base line and the height of the letters, not the extremes of the font.
 */
#pragma once
#include <mupdf/fitz.h>

#include "common/record/arena.h"
#include "worker/extract/drawing/sheet.h"

/** Where the text of annotations and form fields begins: the page's last line before they ran. */
struct qr_pdf_text_end {
    const fz_stext_line *line; /* NULL: none */
    const fz_stext_char *ch;
};

struct qr_pdf_text_end qr_pdf_text_end(const fz_stext_page *text);

/**
 * Add the spans of `text`; the sheet's rules must be there already.
 *
 *   end    of the content itself: what comes later is of annotations
 *   arena  gets the texts; a full one drops spans (counted in the sheet)
 *
 * Fonts' names stay borrowed from `text`.
 */
void qr_pdf_add_spans(fz_context *ctx, const fz_stext_page *text, struct qr_pdf_text_end end,
                      struct qr_arena *arena, struct qr_sheet *sheet);

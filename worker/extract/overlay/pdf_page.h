/* worker/extract/overlay/pdf_page.h
 *
 * The overlay of one page of a PDF.
 */
#pragma once
#include <mupdf/pdf.h>

#include "common/record/record.h"

/** Render page `number` (from 1) of the document and mark what the record found there. A page that
 * cannot be rendered is a note. */
void qr_overlay_pdf_page(fz_context *ctx, pdf_document *doc, uint32_t number,
                         struct qr_record *rec);

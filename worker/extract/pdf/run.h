/* worker/extract/pdf/run.h
 *
 * Run a page's content for its text alone.
 */
#pragma once
#include <stdbool.h>

#include <mupdf/pdf.h>

/**
 * Interpret content, annotations and form fields of a page into `dev`.
 *
 *   text_only  paths, clips, colours, shadings and images of the content are passed over, which
 * saves loading and building them: on drawings that is most of the work
 *
 * Throws what MuPDF throws; `cookie` counts errors that were got over.
 */
void qr_pdf_run_page(fz_context *ctx, pdf_page *page, fz_device *dev, bool text_only,
                     fz_cookie *cookie);

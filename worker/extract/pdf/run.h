/* worker/extract/pdf/run.h
 *
 * Run a page's content for its text alone.
 */
#pragma once
#include <stdbool.h>

#include <mupdf/pdf.h>

#include "worker/extract/pdf/marks.h"
#include "worker/extract/pdf/spans.h"

/**
 * Interpret content, annotations and form fields of a page into `dev`, which fills `text`.
 *
 *   marks  not NULL: paths, clips, colours, shadings and images of the content are passed over,
 *          which saves loading and building them (on drawings that is most of the work), and
 *          counted here (qr_pdf_marks_begin() was called)
 *   layers  the document when some of its layers are off, otherwise NULL
 *   end    set to where the content's text ends and that of annotations begins
 *
 * Throws what MuPDF throws; `cookie` counts errors that were got over.
 */
void qr_pdf_run_page(fz_context *ctx, pdf_page *page, fz_device *dev, const fz_stext_page *text,
                     struct qr_pdf_marks *marks, pdf_document *layers, fz_cookie *cookie,
                     struct qr_pdf_text_end *end);

/* worker/extract/pdf/pdf.h
 *
 * PDF by MuPDF: text of each page in reading order, page sizes, Info and XMP metadata.
 *
 * One MuPDF context a process, with an allocator that stops at a cap; its store is emptied after
 * each file. MuPDF repairs what it can: a rebuilt cross-reference table is a note, a page that
 * could not be read wholly says so on the page and makes the record partial.
 */
#pragma once
#include <stddef.h>

#include <mupdf/fitz.h>

#include "common/base.h"
#include "common/err.h"

struct qr_extract;
struct qr_pdf;

/** Errors: QR_E_NOMEM. */
QR_MUST_CHECK int qr_pdf_new(size_t memory_bytes, struct qr_pdf **ret, struct qr_err *err);
void qr_pdf_free(struct qr_pdf *pdf);

/** MuPDF's context, for drawing pictures of other formats: used between files, borrowed. */
fz_context *qr_pdf_context(struct qr_pdf *pdf);

void qr_pdf_extract(const struct qr_extract *x);

/* worker/extract/pdf/outline.h
 *
 * Bookmarks (ISO 32000-1, 12.3.3).
 */
#pragma once
#include "worker/extract/pdf/file.h"

/** Add them to the record in order. Loops are cut and noted as "pdf.outline.loop". Throws. */
void qr_pdf_read_outline(struct qr_pdf_file *file, void *unused);

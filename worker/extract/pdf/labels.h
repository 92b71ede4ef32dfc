/* worker/extract/pdf/labels.h
 *
 * Page labels: "iv", "A-3" (ISO 32000-1, 12.4.2).
 */
#pragma once
#include "worker/extract/pdf/file.h"

/** Read the document's ranges; before the pages. Throws. */
void qr_pdf_read_labels(struct qr_pdf_file *file, void *unused);

/** The label of page `index` (from 0) for the record; NULL when the document gives none. Throws. */
char *qr_pdf_label(struct qr_pdf_file *file, int index);

/* worker/extract/pdf/fonts.h
 *
 * The fonts a document uses (ISO 32000-1, 9.5 to 9.8).
 */
#pragma once
#include "worker/extract/pdf/file.h"

/** Add the fonts in a page's resources and in the forms there, each once. Throws. */
void qr_pdf_read_fonts(struct qr_pdf_file *file, pdf_obj *resources);

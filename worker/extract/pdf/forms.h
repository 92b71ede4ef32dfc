/* worker/extract/pdf/forms.h
 *
 * Form fields and their values (ISO 32000-1, 12.7), as parameters of the set "form".
 */
#pragma once
#include "worker/extract/pdf/file.h"

/** After the pages were read, so that places are known. Signatures and XFA are noted. Throws. */
void qr_pdf_read_form(struct qr_pdf_file *file, void *unused);

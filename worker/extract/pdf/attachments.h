/* worker/extract/pdf/attachments.h
 *
 * Files in the document (ISO 32000-1, 7.11.4): those of the name tree, of annotations, and
 * associated files (PDF 2.0).
 */
#pragma once
#include "worker/extract/pdf/file.h"

/** Add one file specification, once; `name` stands in for a missing name. Throws. */
void qr_pdf_add_attachment(struct qr_pdf_file *file, pdf_obj *spec, pdf_obj *name);

/** All that do not belong to a page. Throws. */
void qr_pdf_read_attachments(struct qr_pdf_file *file, void *unused);

/** The associated files of a page or of the catalog. Throws. */
void qr_pdf_read_associated(struct qr_pdf_file *file, pdf_obj *owner);

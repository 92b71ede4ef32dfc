/* worker/extract/pdf/about.h
 *
 * What a document is beside its pages: language, tags, standards it claims, updates, scripts,
 * portfolio.
 */
#pragma once
#include "worker/extract/pdf/file.h"

/** Metadata and notes. Throws. */
void qr_pdf_read_about(struct qr_pdf_file *file, void *unused);

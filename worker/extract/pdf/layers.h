/* worker/extract/pdf/layers.h
 *
 * Optional content: the document's layers (ISO 32000-1, 8.11).
 */
#pragma once
#include "worker/extract/pdf/file.h"

/** Add each layer with its visibility as the document opens. Throws. */
void qr_pdf_read_layers(struct qr_pdf_file *file, void *unused);

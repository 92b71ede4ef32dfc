/* worker/extract/pdf/metadata.h
 *
 * What a PDF says about itself: version, Info dictionary, XMP packet.
 *
 * Plain keys (title, author, subject, keywords, creator, producer, created, modified, pdf_version)
 * are Quarry's own names; everything else a document brings keeps a prefix, "info:" or "xmp:", so
 * that no document can write a plain key. Where Info lacks a plain key, XMP's Dublin Core gives it.
 */
#pragma once
#include <mupdf/pdf.h>

#include "common/record/record.h"

/** Damaged metadata give a note; nothing is thrown but out of memory. */
void qr_pdf_read_metadata(fz_context *ctx, pdf_document *doc, struct qr_record *rec);

enum { QR_PDF_DATE_BYTES = 96 };

/** "D:20200131081530+01'00'" to "2020-01-31T08:15:30+01:00"; false and as it is, cut, when it is no
 * such date. Source: ISO 32000-1 7.9.4; everything after the year may be missing. */
bool qr_pdf_date(const char *value, char out[QR_PDF_DATE_BYTES]);

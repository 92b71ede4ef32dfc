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

/* worker/extract/pdf/pages.h
 *
 * Which pages a PDF has, found by walking its page tree instead of believing its /Count.
 */
#pragma once
#include <mupdf/pdf.h>

#include "common/record/record.h"

/**
 * Make pdf_load_page() work for pages 0 .. n-1 and return n, 0 when there are none.
 *
 * The tree is walked once, loops left out. Where it gives no page the cross-reference table is
 * rebuilt, and where that does not help all page objects of the file are taken in the order of
 * their numbers. A tree that lies about its pages is replaced in memory by a flat one. Each repair
 * is a note. At most `rec->limits.items` pages. Throws FZ_ERROR_MEMORY only.
 */
int qr_pdf_find_pages(fz_context *ctx, pdf_document *doc, struct qr_record *rec);

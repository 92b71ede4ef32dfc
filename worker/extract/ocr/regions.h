/* worker/extract/ocr/regions.h
 *
 * Places of a page, for OCR: where good text stands, and where images are that have none over them.
 * In points of the page as displayed, from its upper left corner.
 */
#pragma once
#include <mupdf/pdf.h>

#include "worker/extract/drawing/sheet.h"

enum { QR_OCR_REGIONS_MAX = 8192 };

struct qr_ocr_regions {
    size_t n;
    struct qr_sheet_rect rects[QR_OCR_REGIONS_MAX];
};

/** All that is seen of the page into a device. Throws. */
void qr_ocr_run_page(fz_context *ctx, pdf_page *page, fz_device *dev);

/** Add the words of those lines of collected text in which every character is known; `area` is the
 * page's. */
void qr_ocr_add_lines(const fz_stext_page *text, fz_rect area, struct qr_ocr_regions *ret);

/**
 * Add the page's images; they are looked for, not decoded.
 *
 *   known       images that one of these stands on, even in part, are left out; NULL: none
 *   min_share   of the page's area: smaller ones are left out
 *   ret_finest  pixels per point of the finest of those that count; 0 without any; may be NULL
 *
 * Throws what MuPDF throws.
 */
void qr_ocr_add_images(fz_context *ctx, pdf_page *page, const struct qr_ocr_regions *known,
                       double min_share, struct qr_ocr_regions *ret, double *ret_finest);

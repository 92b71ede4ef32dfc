/* worker/extract/ocr/render.h
 *
 * A PDF page as gray pixels for OCR.
 *
 * 300 dpi is what Tesseract reads best, and more than that helps nobody. A page that would have too
 * many pixels is rendered smaller: a scan at no more than its own resolution asks for, a drawing
 * sheet at what QR_OCR_RENDER_MAX leaves.
 */
#pragma once
#include <mupdf/pdf.h>

#include "worker/extract/ocr/ocr.h"
#include "worker/extract/ocr/regions.h"

/** Pixels of a page at most; 24 million are A2 at 250 dpi. */
#define QR_OCR_RENDER_MAX 24e6

struct qr_ocr_raster {
    struct qr_ocr_image image; /* borrows from `pixmap` */
    fz_pixmap *pixmap;
    double scale; /* pixels per point */
};

/**
 * Render the page. Throws what MuPDF throws, and FZ_ERROR_ABORT when it is not drawn at `until_ms`
 * by qr_clock_ms(); call qr_ocr_raster_done() in any case.
 */
void qr_ocr_render(fz_context *ctx, pdf_page *page, int64_t until_ms, struct qr_ocr_raster *ret);
void qr_ocr_raster_done(fz_context *ctx, struct qr_ocr_raster *raster);

/** Paint over all but the regions; without `any` also regions that are photographs by the look of
 * their shades. Returns how many are left. Throws. */
size_t qr_ocr_raster_keep(fz_context *ctx, struct qr_ocr_raster *raster,
                          const struct qr_ocr_regions *regions, bool any);

/** Paint over the regions. */
void qr_ocr_raster_cover(struct qr_ocr_raster *raster, const struct qr_ocr_regions *regions);

/* tests/unit/worker/extract/ocr/page_image.h
 *
 * A page of known text as pixels.
 */
#pragma once
#include <mupdf/fitz.h>

#include "worker/extract/ocr/ocr.h"

struct page_image {
    fz_context *ctx;
    fz_pixmap *pixmap;
    struct qr_ocr_image image;
};

/** Draw lines of text in Helvetica on an A4 page. Free with page_image_done(). */
void page_image_init(struct page_image *page, const char *const *lines, size_t n_lines, int dpi);
void page_image_done(struct page_image *page);

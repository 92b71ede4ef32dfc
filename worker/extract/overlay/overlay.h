/* worker/extract/overlay/overlay.h
 *
 * A picture of one page with a box around everything that was found on it, coloured by kind: for
 * people who want to see why a record says what it says (`quarry extract --overlay`).
 *
 * Runs in the sandboxed child, as all that touches the file. The PNG goes into the record's field
 * `overlay`; it is made only when asked for and never stored.
 */
#pragma once
#include <stddef.h>
#include <stdint.h>

#include <mupdf/fitz.h>

#include "common/record/record.h"

enum { QR_OVERLAY_PIXELS = 2400 }; /* of the longer side */

/** Pixels of a picture of `width` x `height` units, at most QR_OVERLAY_PIXELS a side, and the
 * matrix from units (from `x0`, `y0` on, y downwards) to them. */
fz_matrix qr_overlay_fit(double x0, double y0, double width, double height, fz_irect *ret_pixels);

/**
 * Draw the boxes of a page's findings and a legend.
 *
 *   to_pixels  from the record's coordinates (message Box) to pixels
 *   layout     of DXF: only findings of that layout; NULL: of `page`
 *
 * Throws what MuPDF throws.
 */
void qr_overlay_findings(fz_context *ctx, fz_device *dev, fz_matrix to_pixels, fz_irect pixels,
                         const Quarry__V1__ExtractionRecord *msg, uint32_t page,
                         const char *layout);

/** Encode the picture into the record. Throws what MuPDF throws. */
void qr_overlay_keep(fz_context *ctx, fz_pixmap *picture, struct qr_record *rec);

/* worker/extract/dxf/order.h
 *
 * The text of a layout in reading order.
 */
#pragma once
#include <stddef.h>

#include "common/buf.h"

struct qr_dxf_span;

/**
 * Append the spans' text to `out`: upright text first, then what is turned, each from the top
 * downwards and from left to right; pieces on one line are parted by a blank, or a tab where there
 * is a wide gap. Reorders the spans. O(n log n).
 */
void qr_dxf_order_text(struct qr_dxf_span *spans, size_t n, struct qr_buf *out);

/* worker/extract/overlay/dxf_layout.h
 *
 * The overlay of one layout of a DXF drawing.
 */
#pragma once
#include <stddef.h>
#include <stdint.h>

struct qr_extract;

/** Draw the layout that is page `number` of the record (1: model space when there are no pages) and
 * mark what the record found there. `data` as it lies in the file. What cannot be drawn is a note.
 */
void qr_overlay_dxf_layout(const struct qr_extract *x, const void *data, size_t len,
                           uint32_t number);

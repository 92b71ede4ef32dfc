/* worker/extract/drawing/dimensions.h
 *
 * The dimensions of a sheet, found by their text and by what stands around it.
 *
 * A text that hardly can be anything else ("Ø25 H7") is taken where it stands; a bare number needs
 * a dimension line beside it, letters as high as the other dimensions', and must not be a grid
 * reference, an item of a table, a tick of an axis or a word of a sentence. Nothing is taken from
 * title blocks and tables (`regions`). Feature control frames are found first (gdt.h), so that
 * their values are no dimensions. Signs that are drawn instead of written count as text (signs.h).
 *
 * Where both come from entities (`dimensions_known`), only callouts of holes and threads are
 * taken. O(n log n) in spans and
 * rules; no more than QR_DIMENSION_GROUPS_MAX dimensions of a sheet (note "drawing.capped").
 */
#pragma once
#include "worker/extract/drawing/grid.h"
#include "worker/extract/drawing/regions.h"

void qr_dimensions_find(const struct qr_sheet *sheet, const struct qr_grid *grid,
                        const struct qr_regions *regions, struct qr_record *rec);

/* worker/extract/drawing/signs.h
 *
 * Signs that are drawn instead of written ("Ø", "↧", "⌴", "°", "⌖"), put beside the numbers they
 * belong to as if they were text.
 *
 * A sign is looked for only where one must stand: before a number on its line, about as high as its
 * letters; a small circle raised behind it; the characteristic of a geometric tolerance in the
 * ruled cell before the value's own. Counterbores and countersinks count only before a diameter.
 * Which sign it is, sign_shapes.h tells. O(n log n) in spans and shapes.
 */
#pragma once
#include "worker/extract/drawing/grid.h"
#include "worker/extract/drawing/pieces.h"

/**
 * Copy the sheet's spans and append one for each sign that stands beside a number.
 *
 *   pieces  of the sheet
 *   ret     the same sheet with spans of its own: free(ret->spans)
 *
 * False without memory; *ret is then untouched.
 */
bool qr_signs_add(const struct qr_sheet *sheet, const struct qr_grid *grid,
                  const struct qr_pieces *pieces, struct qr_sheet *ret);

/** Is the middle of the box in a drawn circle of the size of a balloon? `height` of the letters. */
bool qr_signs_in_balloon(const struct qr_sheet *sheet, const struct qr_sheet_rect *box,
                         float height);

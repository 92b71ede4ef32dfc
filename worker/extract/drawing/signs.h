/* worker/extract/drawing/signs.h
 *
 * Signs that are drawn instead of written ("Ø", "↧", "◎", "⌖"), put before the numbers they belong
 * to as if they were text.
 *
 * A sign belongs to a number when it stands before it on its line, about as high as its letters.
 * O(n log n) in spans and figures.
 */
#pragma once
#include "worker/extract/drawing/pieces.h"

/**
 * Copy the sheet's spans and append one for each sign that stands before a number.
 *
 *   pieces  of the sheet
 *   ret     the same sheet with spans of its own: free(ret->spans)
 *
 * False without memory; *ret is then untouched.
 */
bool qr_signs_add(const struct qr_sheet *sheet, const struct qr_pieces *pieces,
                  struct qr_sheet *ret);

/** Is the middle of the box in a drawn circle of the size of a balloon? `height` of the letters. */
bool qr_signs_in_balloon(const struct qr_sheet *sheet, const struct qr_sheet_rect *box,
                         float height);

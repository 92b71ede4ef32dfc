/* worker/extract/drawing/title_block.h
 *
 * The title block of a sheet: its fields go to the record with origin, confidence and place.
 *
 * Origins: "attribute", an ATTRIB whose tag names the field; "label", a text beside, below or
 * behind a label in one of thirteen languages; "position", a text without label that stands out in
 * the title block (only where at least two fields are known by attribute or label). A sheet
 * without title block adds nothing. Of several sheets the first value of a field comes first; a
 * later sheet adds only values that are new, with its page.
 */
#pragma once
#include "common/record/record.h"
#include "worker/extract/drawing/grid.h"
#include "worker/extract/drawing/regions.h"
#include "worker/extract/drawing/sheet.h"

/** The title block becomes a region; those already known (tables) are not searched.
 *  `grid` is the sheet's. */
void qr_title_block_find(const struct qr_sheet *sheet, const struct qr_grid *grid,
                         struct qr_regions *regions, struct qr_record *rec);

/* worker/extract/drawing/revisions.h
 *
 * The revision table: a row of head words (REV, DESCRIPTION, DATE, BY, ZONE in several languages)
 * and the rows below it, or above it where the table grows upwards.
 *
 * Rows go to the record in the order of the sheet, first the one next to the head. A line without
 * revision and date continues the description before it. The table becomes a region.
 */
#pragma once
#include "common/record/record.h"
#include "worker/extract/drawing/grid.h"
#include "worker/extract/drawing/regions.h"
#include "worker/extract/drawing/sheet.h"

/** O(n log n) in spans; at most 4 tables of 200 rows a sheet. */
void qr_revisions_find(const struct qr_sheet *sheet, const struct qr_grid *grid,
                       struct qr_regions *regions, struct qr_record *rec);

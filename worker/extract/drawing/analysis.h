/* worker/extract/drawing/analysis.h
 *
 * What a drawing says, read from its sheets: title block, dimensions, feature control frames, bill
 * of material, materials, revision table, notes.
 *
 * Each finding goes into the record with its place, source and confidence. Everything works on text
 * and line positions alone; nothing here fails, what is not understood is left out. Time is
 * O(n log n) in spans and rules.
 */
#pragma once
#include "common/record/record.h"
#include "worker/extract/drawing/sheet.h"

/** Add what this sheet holds to the record. The sheet's spans may be reordered. */
void qr_drawing_analyse(struct qr_sheet *sheet, struct qr_record *rec);

/** Add the sheet's spans to the record as they are. */
void qr_drawing_keep_spans(const struct qr_sheet *sheet, struct qr_record *rec);

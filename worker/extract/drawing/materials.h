/* worker/extract/drawing/materials.h
 *
 * What the part is made of: from the title block, the parts list, notes ("MATERIAL: ...") and
 * designations that stand on the sheet by themselves. Each material comes once per sheet.
 * O(n) in spans.
 */
#pragma once
#include "common/record/record.h"
#include "worker/extract/drawing/regions.h"
#include "worker/extract/drawing/sheet.h"

/** What the record held before this sheet was looked at: earlier entries are not this sheet's. */
struct qr_materials_before {
    size_t title_fields, bom_rows;
};

/** Call after title block and parts list are in the record. */
void qr_materials_find(const struct qr_sheet *sheet, const struct qr_regions *regions,
                       const struct qr_materials_before *before, struct qr_record *rec);

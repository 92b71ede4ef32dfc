/* worker/extract/drawing/bom.h
 *
 * Bills of material on a sheet: tables whose header has the words of one, ruled or aligned, rows
 * growing down or up.
 *
 * A header needs a quantity or an item number beside a part number or description; revision
 * tables, hole charts, pin tables and title blocks have other words and are none. Each row becomes
 * a BomItem with its place; columns without a field of their own go to `other` under their title.
 * The table's box is added to `regions`. O(n log n) in spans; at most QR_BOM_TABLES_MAX tables.
 */
#pragma once
#include "worker/extract/drawing/grid.h"
#include "worker/extract/drawing/regions.h"

enum { QR_BOM_TABLES_MAX = 16 };

void qr_bom_find(const struct qr_sheet *sheet, const struct qr_grid *grid,
                 struct qr_regions *regions, struct qr_record *rec);

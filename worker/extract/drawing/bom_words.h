/* worker/extract/drawing/bom_words.h
 *
 * What the titles of a parts list's columns mean, in the languages drawings come in.
 */
#pragma once
#include <stddef.h>

enum qr_bom_column {
    QR_BOM_NONE, /* not known */
    QR_BOM_ITEM,
    QR_BOM_PART,
    QR_BOM_REF, /* the item where nothing else is, else a part number */
    QR_BOM_DESC,
    QR_BOM_QTY,
    QR_BOM_UNIT,
    QR_BOM_MATERIAL,
    QR_BOM_OTHER,    /* known to stand in parts lists: remark, weight, supplier, standard */
    QR_BOM_REVISION, /* in parts lists and revision tables */
    QR_BOM_NEVER,    /* of revision tables, hole charts, pin tables, title blocks */
};

/** Titles are compared as fold.h makes them; two languages in one are understood. */
enum qr_bom_column qr_bom_column_by_title(const char *title, size_t len);

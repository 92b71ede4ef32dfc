/* worker/extract/drawing/title_labels.h
 *
 * The words that stand beside the fields of a title block, in the languages drawings come in, and
 * the record's keys for the fields.
 *
 * Fields: ISO 7200:2004 (data fields in title blocks), table 1 and 2, with the ones that CAD
 * templates add. Labels are compared as fold.h makes them. Thread-safe.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>

#include "worker/extract/drawing/fold.h"

enum qr_title_field {
    QR_TITLE_NONE,
    QR_TITLE_DRAWING_NUMBER,
    QR_TITLE_PART_NUMBER,
    QR_TITLE_REVISION,
    QR_TITLE_TITLE,
    QR_TITLE_SUBTITLE,
    QR_TITLE_MATERIAL,
    QR_TITLE_FINISH,
    QR_TITLE_SCALE,
    QR_TITLE_SHEET,
    QR_TITLE_SHEET_COUNT,
    QR_TITLE_SIZE,
    QR_TITLE_UNITS,
    QR_TITLE_DATE,
    QR_TITLE_DRAWN_BY,
    QR_TITLE_DRAWN_DATE,
    QR_TITLE_CHECKED_BY,
    QR_TITLE_CHECKED_DATE,
    QR_TITLE_APPROVED_BY,
    QR_TITLE_APPROVED_DATE,
    QR_TITLE_COMPANY,
    QR_TITLE_PROJECT,
    QR_TITLE_WEIGHT,
    QR_TITLE_GENERAL_TOLERANCE,
    QR_TITLE_PROJECTION,
    QR_TITLE_STATUS,
    QR_TITLE_DEPARTMENT,
    QR_TITLE_FIELDS, /* number of the above */

    /* Labels whose value has no field: known, so that it is not taken for another's. */
    QR_TITLE_OTHER = QR_TITLE_FIELDS,
    QR_TITLE_NAME_COLUMN, /* heads a column of names, dates, signatures */
    QR_TITLE_TABLE_WORD,  /* heads a column of a parts list or revision table */
};

/** "drawing_number", … */
const char *qr_title_field_name(enum qr_title_field field);

/** How much a label alone says that this is a title block: 2 only drawings have it, 1 forms have
 *  it too, 0 nothing. */
int qr_title_field_weight(enum qr_title_field field);

/** The label made of words [first, first + n) of a folded text; QR_TITLE_NONE when it is none. */
enum qr_title_field qr_title_label(const struct qr_fold *fold, size_t first, size_t n);

/** The longest label that begins at word `first`; *ret_n is the number of its words. */
enum qr_title_field qr_title_label_longest(const struct qr_fold *fold, size_t first, size_t *ret_n);

/** The field an attribute tag such as "DWG_NO", "ZeichnungsNr" or "GEN-TITLE-MAT1{25}" is for. */
enum qr_title_field qr_title_tag(const char *tag);

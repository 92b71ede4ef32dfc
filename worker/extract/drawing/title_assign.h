/* worker/extract/drawing/title_assign.h
 *
 * Which text is the value of which label.
 *
 * Every pair of a label and a text that may be its value gets a score from how they stand to each
 * other and how well the text fits the field: in one text, in one ruled cell, in the next cell to
 * the right or below, or without lines right beside or below. The best pairs win; a text in a cell
 * with a label of its own belongs to that label alone.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>

#include "worker/extract/drawing/title_pieces.h"

enum { QR_TITLE_TEXT_MAX = 400 };

struct qr_title_value {
    bool set;
    char text[QR_TITLE_TEXT_MAX + 1];
    struct qr_sheet_rect box; /* of the sheet, not upright */
    float confidence;
    const char *origin; /* "attribute", "label", "position" */
};

/** One value a field, by enum qr_title_field. */
struct qr_title_values {
    struct qr_title_value list[QR_TITLE_FIELDS];
};

/** Keep a value unless the field has one of at least the same confidence. The text is cut to
 *  QR_TITLE_TEXT_MAX bytes; "1 of 3" becomes sheet and sheet count. */
void qr_title_keep(struct qr_title_values *values, enum qr_title_field field, const char *text,
                   size_t len, const struct qr_sheet_rect *box, float confidence,
                   const char *origin);

/** Values by labels; pieces that are taken are marked. */
void qr_title_assign(const struct qr_title_view *view, struct qr_title_piece *pieces, size_t n,
                     struct qr_title_values *values);

/* worker/extract/drawing/dimension_join.h
 *
 * Dimensions whose text stands in several spans: "4X" before "Ø5", a stacked tolerance behind a
 * number, "2 PLACES" below. Joins what only together reads as one dimension; what reads alone stays
 * alone.
 *
 * O(n log n): every piece is parsed once alone and a bounded number of times joined.
 */
#pragma once
#include "worker/extract/drawing/dimension_text.h"
#include "worker/extract/drawing/pieces.h"

enum {
    QR_DIMENSION_MEMBERS_MAX = 10,
    QR_DIMENSION_GROUP_TEXT = 160,
    QR_DIMENSION_GROUPS_MAX = 10000
};

struct qr_dimension_group {
    uint32_t members[QR_DIMENSION_MEMBERS_MAX]; /* pieces; the first has the number or what leads */
    size_t n_members;
    uint32_t next;                      /* the last piece on the first line */
    char text[QR_DIMENSION_GROUP_TEXT]; /* as it reads, joined by blanks */
    size_t len;
    struct qr_dimension_text read;
};

struct qr_dimension_groups {
    struct qr_dimension_group *list;
    size_t n, cap;
    bool capped;
};

/**
 * All texts of the sheet that read as dimensions.
 *
 *   taken  of each span: nonzero when it is something else; set to 1 for those used here
 *
 * False without memory; groups found so far are kept.
 */
bool qr_dimension_groups_find(const struct qr_sheet *sheet, const struct qr_pieces *pieces,
                              uint8_t *taken, struct qr_dimension_groups *ret);
void qr_dimension_groups_done(struct qr_dimension_groups *groups);

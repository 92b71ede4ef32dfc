/* worker/extract/drawing/title_pieces.h
 *
 * The texts of a title block, laid upright: turned so that they read from left to right, cut where
 * a ruled line or a label parts them, each with the ruled cell it stands in.
 *
 * A sheet may stand on its side; its title block is then read in that direction. Upright
 * coordinates: x along the reading direction, y downwards, same unit as the sheet.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>

#include "worker/extract/drawing/grid.h"
#include "worker/extract/drawing/regions.h"
#include "worker/extract/drawing/sheet.h"
#include "worker/extract/drawing/title_labels.h"

enum { QR_TITLE_PIECES_MAX = 1200, QR_TITLE_SEGMENTS_MAX = 12 };

struct qr_title_piece {
    const char *text; /* in the span's text, not terminated */
    size_t len;
    struct qr_sheet_rect box, cell; /* upright */
    float height;
    const struct qr_sheet_span *span;
    enum qr_title_field label; /* QR_TITLE_NONE: not a label */
    bool has_cell;             /* ruled on all four sides */
    bool labelled_cell;        /* some label stands in its cell */
    bool of_before;            /* stands behind the label before it in the same text */
    bool taken;
};

/** A sheet's direction: its rules and area turned upright. */
struct qr_title_view {
    const struct qr_sheet *sheet;
    int quarter; /* text is turned by this many quarters, counter-clockwise */
    struct qr_sheet_rect area;
    struct qr_grid grid;
    bool owns_grid;
};

/** `grid` is the sheet's, borrowed. False without memory. */
bool qr_title_view_init(struct qr_title_view *view, const struct qr_sheet *sheet,
                        const struct qr_grid *grid, int quarter);
void qr_title_view_done(struct qr_title_view *view);

/** The quarter an angle belongs to; -1: text that stands askew. */
int qr_title_quarter(float angle);
struct qr_sheet_rect qr_title_upright(int quarter, const struct qr_sheet_rect *rect);
struct qr_sheet_rect qr_title_turned_back(int quarter, const struct qr_sheet_rect *rect);

/** A part of a text: a label, or what is none. */
struct qr_title_segment {
    enum qr_title_field label;
    size_t from, to; /* bytes */
};

/**
 * Part a text at its labels: "SCALE UNIT" are two labels, "Title: Bracket" a label and its value.
 * A word counts as label when it stands alone, before a colon, or before a value that can only be
 * its own; so prose is one segment without label. Returns their number, 0 for an empty text.
 */
size_t qr_title_segments(const char *text, size_t len, struct qr_title_segment ret[]);

/**
 * The pieces whose middle is in `region` (upright) and in no table, at most QR_TITLE_PIECES_MAX.
 * Returns their number; `ret` has room for that many.
 */
size_t qr_title_pieces(const struct qr_title_view *view, const struct qr_regions *regions,
                       const struct qr_sheet_rect *region, struct qr_title_piece ret[]);

/* worker/extract/drawing/grid.h
 *
 * The ruled lines of a sheet as a grid: which cell of a table or title block holds a point.
 *
 * Pieces of one line are joined, so a frame drawn stroke by stroke works, and lines shorter than a
 * letter (strokes of drawn letters) can be left out of a question. A cell is found by looking from
 * the point in four directions for the nearest line that crosses the view: no table need be closed
 * or regular. Coordinates are those of the sheet. Rules with coordinates that are not finite are
 * left out. Building is O(n log n); a question looks at most at QR_GRID_LOOKS lines a direction.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>

#include "worker/extract/drawing/sheet.h"

enum { QR_GRID_LOOKS = 2048 };

struct qr_grid_line {
    float at;       /* y of a horizontal, x of a vertical line */
    float from, to; /* along it, from <= to */
};

struct qr_grid {
    struct qr_grid_line *rows, *columns; /* horizontal and vertical lines, by `at` */
    size_t n_rows, n_columns;
    float eps; /* what counts as the same place, sheet units */
};

/** False without memory: the grid is empty then, and may be used. */
bool qr_grid_init(struct qr_grid *grid, const struct qr_sheet *sheet);
void qr_grid_done(struct qr_grid *grid);

/**
 * The cell around a point.
 *
 *   min_len  shorter lines are not seen
 *   ret      its box; a side that is open is that of `sheet_area`
 *
 * Returns the number of sides that have a line, 0 to 4.
 */
int qr_grid_cell(const struct qr_grid *grid, const struct qr_sheet_rect *sheet_area, float x,
                 float y, float min_len, struct qr_sheet_rect *ret);

/** A vertical line at least `min_len` long between two points of one row? *ret_at is the place of
 *  the first. */
bool qr_grid_column_between(const struct qr_grid *grid, float x0, float x1, float y, float min_len,
                            float *ret_at);

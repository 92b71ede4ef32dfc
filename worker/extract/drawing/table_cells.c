/* Closed cells with text: what of a sheet stands in ruled tables. */
#include "worker/extract/drawing/table_intern.h"

#include <stdlib.h>

enum { SIDES_TRIED = 512 };

/* A line of this very length: the side of a box that stands alone. */
static bool is_side(const struct qr_grid_line *lines, size_t n, float at, float from, float to,
                    float slack)
{
    size_t left = 0, right = n;

    while (left < right) {
        size_t middle = left + (right - left) / 2;
        if (lines[middle].at < at - slack)
            left = middle + 1;
        else
            right = middle;
    }
    for (size_t i = left; i < n && i < left + SIDES_TRIED && lines[i].at <= at + slack; i++)
        if (fabsf(lines[i].from - from) <= slack && fabsf(lines[i].to - to) <= slack)
            return true;
    return false;
}

bool qr_table_is_box(const struct qr_grid *grid, const struct qr_sheet_rect *b, float slack)
{
    return is_side(grid->rows, grid->n_rows, b->y0, b->x0, b->x1, slack) &&
           is_side(grid->rows, grid->n_rows, b->y1, b->x0, b->x1, slack) &&
           is_side(grid->columns, grid->n_columns, b->x0, b->y0, b->y1, slack) &&
           is_side(grid->columns, grid->n_columns, b->x1, b->y0, b->y1, slack);
}

enum { CELL_SPANS_MAX = 8000 };

struct cell {
    struct qr_sheet_rect box;
    uint32_t span;
    float slack;
    bool beside, stacked; /* there is text in the next cell that way */
};

static int by_row(const void *a, const void *b)
{
    const struct cell *left = a, *right = b;
    if (left->box.y0 != right->box.y0)
        return left->box.y0 < right->box.y0 ? -1 : 1;
    if (left->box.x0 != right->box.x0)
        return left->box.x0 < right->box.x0 ? -1 : 1;
    return left->span < right->span ? -1 : left->span > right->span;
}

static int by_column(const void *a, const void *b)
{
    const struct cell *left = a, *right = b;
    if (left->box.x0 != right->box.x0)
        return left->box.x0 < right->box.x0 ? -1 : 1;
    if (left->box.y0 != right->box.y0)
        return left->box.y0 < right->box.y0 ? -1 : 1;
    return left->span < right->span ? -1 : left->span > right->span;
}

static bool is_beside(const struct qr_sheet_rect *a, const struct qr_sheet_rect *b, float slack)
{
    return qr_table_near(a->y0, b->y0, slack) && qr_table_near(a->y1, b->y1, slack) &&
           qr_table_near(a->x1, b->x0, slack);
}

static bool is_below(const struct qr_sheet_rect *a, const struct qr_sheet_rect *b, float slack)
{
    return qr_table_near(a->x0, b->x0, slack) && qr_table_near(a->x1, b->x1, slack) &&
           qr_table_near(a->y1, b->y0, slack);
}

/* In this order the next cell is one of the few that follow. */
static void link_cells(struct cell *cells, size_t n, bool rows)
{
    for (size_t i = 0; i < n; i++)
        for (size_t j = i + 1; j < n && j <= i + 12; j++) {
            if (rows && is_beside(&cells[i].box, &cells[j].box, cells[i].slack))
                cells[i].beside = cells[j].beside = true;
            if (!rows && is_below(&cells[i].box, &cells[j].box, cells[i].slack))
                cells[i].stacked = cells[j].stacked = true;
        }
}

/* A cell at the end of a row or column belongs to the table as well. */
static void spread(struct cell *cells, size_t n, bool rows, uint8_t *taken)
{
    for (size_t i = 0; i < n; i++)
        for (size_t j = i + 1; j < n && j <= i + 12; j++) {
            bool joined = rows ? is_beside(&cells[i].box, &cells[j].box, cells[i].slack)
                               : is_below(&cells[i].box, &cells[j].box, cells[i].slack);
            if (joined &&
                ((cells[i].beside && cells[i].stacked) || (cells[j].beside && cells[j].stacked)))
                taken[cells[i].span] = taken[cells[j].span] = 1;
        }
}

void qr_table_mark_cells(const struct qr_sheet *sheet, const struct qr_grid *grid, uint8_t *taken)
{
    size_t n_spans = sheet->n_spans < CELL_SPANS_MAX ? sheet->n_spans : CELL_SPANS_MAX, n = 0;
    struct cell *cells = calloc(n_spans + 1, sizeof *cells);
    float widest = 0.45f * (sheet->area.x1 - sheet->area.x0);

    if (!cells)
        return;
    for (size_t i = 0; i < n_spans; i++) {
        const struct qr_sheet_span *span = &sheet->spans[i];
        struct qr_sheet_rect box;
        if (taken[i] || !(span->height > 0) || !isfinite(qr_table_middle_x(&span->box)) ||
            qr_grid_cell(grid, &sheet->area, qr_table_middle_x(&span->box),
                         qr_table_middle_y(&span->box), 1.2f * span->height, &box) < 4 ||
            box.x1 - box.x0 > widest || box.y1 - box.y0 > 6 * span->height)
            continue;
        cells[n++] = (struct cell){
            .box = box, .span = (uint32_t)i, .slack = fmaxf(grid->eps, 0.12f * span->height)};
    }
    qsort(cells, n, sizeof *cells, by_row);
    link_cells(cells, n, true);
    qsort(cells, n, sizeof *cells, by_column);
    link_cells(cells, n, false);
    spread(cells, n, false, taken);
    qsort(cells, n, sizeof *cells, by_row);
    spread(cells, n, true, taken);
    free(cells);
}

#include "worker/extract/drawing/grid.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static int by_place(const void *a, const void *b)
{
    const struct qr_grid_line *l = a, *r = b;

    if (l->at != r->at)
        return l->at < r->at ? -1 : 1;
    if (l->from != r->from)
        return l->from < r->from ? -1 : 1;
    return 0;
}

/* Lines at nearly the same place get the same one, so that their pieces sort one after another. */
static void level(struct qr_grid_line *lines, size_t n, float eps)
{
    qsort(lines, n, sizeof *lines, by_place);
    for (size_t i = 0; i < n;) {
        float at = lines[i].at;
        for (; i < n && lines[i].at - at <= eps; i++)
            lines[i].at = at;
    }
    qsort(lines, n, sizeof *lines, by_place);
}

static size_t join(struct qr_grid_line *lines, size_t n, float eps)
{
    size_t kept = 0;

    level(lines, n, eps);
    for (size_t i = 0; i < n; i++) {
        struct qr_grid_line *last = kept > 0 ? &lines[kept - 1] : NULL;
        if (last && last->at == lines[i].at && lines[i].from <= last->to + eps) {
            if (lines[i].to > last->to)
                last->to = lines[i].to;
        } else {
            lines[kept++] = lines[i];
        }
    }
    return kept;
}

static float tolerance(const struct qr_sheet *sheet)
{
    float w = sheet->area.x1 - sheet->area.x0;
    float h = sheet->area.y1 - sheet->area.y0;
    float eps = (w + h) / 2000;

    return isfinite(eps) && eps > 0 ? eps : 0.5f;
}

bool qr_grid_init(struct qr_grid *grid, const struct qr_sheet *sheet)
{
    memset(grid, 0, sizeof *grid);
    grid->eps = tolerance(sheet);
    if (sheet->n_rules == 0)
        return true;
    grid->rows = malloc(sheet->n_rules * sizeof *grid->rows);
    grid->columns = malloc(sheet->n_rules * sizeof *grid->columns);
    if (!grid->rows || !grid->columns) {
        qr_grid_done(grid);
        return false;
    }
    for (size_t i = 0; i < sheet->n_rules; i++) {
        const struct qr_sheet_rule *rule = &sheet->rules[i];
        if (!isfinite(rule->x0) || !isfinite(rule->x1) || !isfinite(rule->y0) ||
            !isfinite(rule->y1))
            continue;
        if (rule->x1 - rule->x0 >= rule->y1 - rule->y0)
            grid->rows[grid->n_rows++] = (struct qr_grid_line){rule->y0, rule->x0, rule->x1};
        else
            grid->columns[grid->n_columns++] = (struct qr_grid_line){rule->x0, rule->y0, rule->y1};
    }
    grid->n_rows = join(grid->rows, grid->n_rows, grid->eps);
    grid->n_columns = join(grid->columns, grid->n_columns, grid->eps);
    return true;
}

void qr_grid_done(struct qr_grid *grid)
{
    free(grid->rows);
    free(grid->columns);
    *grid = (struct qr_grid){.eps = grid->eps};
}

/* The first line at or after `at`. */
static size_t lower_bound(const struct qr_grid_line *lines, size_t n, float at)
{
    size_t low = 0;

    while (low < n) {
        size_t mid = low + (n - low) / 2;
        if (lines[mid].at < at)
            low = mid + 1;
        else
            n = mid;
    }
    return low;
}

static bool crosses(const struct qr_grid_line *line, float along, float min_len, float eps)
{
    return line->from - eps <= along && along <= line->to + eps && line->to - line->from >= min_len;
}

/* The nearest line on each side of `at` that passes `along`. */
static int nearest(const struct qr_grid_line *lines, size_t n, float at, float along, float min_len,
                   float eps, float *ret_before, float *ret_after)
{
    size_t middle = lower_bound(lines, n, at);
    int found = 0;

    for (size_t i = middle; i < n && i < middle + QR_GRID_LOOKS; i++)
        if (crosses(&lines[i], along, min_len, eps)) {
            *ret_after = lines[i].at;
            found++;
            break;
        }
    for (size_t i = middle; i > 0 && i + QR_GRID_LOOKS > middle; i--)
        if (crosses(&lines[i - 1], along, min_len, eps)) {
            *ret_before = lines[i - 1].at;
            found++;
            break;
        }
    return found;
}

int qr_grid_cell(const struct qr_grid *grid, const struct qr_sheet_rect *sheet_area, float x,
                 float y, float min_len, struct qr_sheet_rect *ret)
{
    *ret = *sheet_area;
    return nearest(grid->columns, grid->n_columns, x, y, min_len, grid->eps, &ret->x0, &ret->x1) +
           nearest(grid->rows, grid->n_rows, y, x, min_len, grid->eps, &ret->y0, &ret->y1);
}

bool qr_grid_column_between(const struct qr_grid *grid, float x0, float x1, float y, float min_len,
                            float *ret_at)
{
    const struct qr_grid_line *lines = grid->columns;
    size_t n = grid->n_columns, first = lower_bound(lines, n, x0);

    for (size_t i = first; i < n && i < first + QR_GRID_LOOKS && lines[i].at <= x1; i++)
        if (crosses(&lines[i], y, min_len, grid->eps)) {
            *ret_at = lines[i].at;
            return true;
        }
    return false;
}

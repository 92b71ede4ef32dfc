/* The rows of a table, ruled or only aligned. */
#include "worker/extract/drawing/table_intern.h"

#include <stdlib.h>

#define OPEN_GAP 3.2f /* between lines of an unruled table, in heights */

struct reader {
    const struct qr_table *table;
    const struct qr_sheet *sheet;
    const struct qr_grid *grid;
    const struct qr_table_lines *lines;
    qr_table_anchor_fn is_anchor;
    qr_table_row_fn fn;
    void *arg;
    struct qr_table_row *row; /* scratch */
    struct qr_sheet_rect covered;
    size_t n_rows;
};

static bool is_ruled(const struct qr_table *table) { return table->columns[0].ruled; }

/* Unruled: the column whose header overlaps the text most, else the nearest. */
static size_t column_of(const struct qr_table *table, const struct qr_sheet_rect *box)
{
    float best = INFINITY;
    size_t found = 0;

    for (size_t i = 0; i < table->n_columns; i++) {
        const struct qr_table_column *c = &table->columns[i];
        float x = qr_table_middle_x(box), away;
        if (c->ruled) {
            if (x >= c->x0 && x <= c->x1)
                return i;
            away = fminf(fabsf(x - c->x0), fabsf(x - c->x1));
        } else {
            float overlap = fminf(box->x1, c->head.x1) - fmaxf(box->x0, c->head.x0);
            float edges =
                fminf(fabsf(box->x0 - c->head.x0),
                      fminf(fabsf(box->x1 - c->head.x1), fabsf(x - qr_table_middle_x(&c->head))));
            away = overlap > 0 ? -overlap + 0.01f * edges : edges;
        }
        if (away < best) {
            best = away;
            found = i;
        }
    }
    return found;
}

/* Does the text fit one column, or reach over several as a remark would? */
static bool fits(const struct qr_table *table, const struct qr_sheet_rect *box)
{
    float slack = 2 * table->height;
    size_t column = column_of(table, box);

    if (box->x0 < table->box.x0 - slack || box->x1 > table->box.x1 + slack)
        return false;
    if (column + 2 < table->n_columns && box->x1 > table->columns[column + 2].head.x0 &&
        box->x0 < table->columns[column + 1].head.x0)
        return false;
    return true;
}

static void begin_row(struct qr_table_row *row, const struct qr_table *table)
{
    for (size_t i = 0; i < table->n_columns; i++)
        row->cells[i][0] = 0;
    row->box = (struct qr_sheet_rect){INFINITY, INFINITY, -INFINITY, -INFINITY};
}

static void add_to_row(struct reader *rd, const struct qr_sheet_span *span)
{
    struct qr_sheet_rect *box = &rd->row->box;

    qr_table_append_text(rd->row->cells[column_of(rd->table, &span->box)], QR_TABLE_CELL_BYTES,
                         span->text, span->len);
    box->x0 = fminf(box->x0, span->box.x0);
    box->y0 = fminf(box->y0, span->box.y0);
    box->x1 = fmaxf(box->x1, span->box.x1);
    box->y1 = fmaxf(box->y1, span->box.y1);
}

static bool has_text(const struct qr_table_row *row, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (row->cells[i][0])
            return true;
    return false;
}

static bool end_row(struct reader *rd)
{
    struct qr_sheet_rect *all = &rd->covered;
    const struct qr_sheet_rect *box = &rd->row->box;

    all->x0 = fminf(all->x0, box->x0);
    all->y0 = fminf(all->y0, box->y0);
    all->x1 = fmaxf(all->x1, box->x1);
    all->y1 = fmaxf(all->y1, box->y1);
    rd->n_rows++;
    return !rd->fn || rd->fn(rd->table, rd->row, rd->arg);
}

/* Read what stands between two lines of a ruled table, line by line. */
static void read_band(struct reader *rd, float y0, float y1)
{
    const struct qr_table *table = rd->table;

    begin_row(rd->row, table);
    for (size_t i = qr_table_lines_at(rd->lines, rd->sheet, y0); i < rd->lines->n; i++) {
        const struct qr_sheet_span *span = &rd->sheet->spans[rd->lines->list[i]];
        float x = qr_table_middle_x(&span->box);
        if (qr_table_middle_y(&span->box) >= y1)
            return;
        if (x > table->box.x0 && x < table->box.x1)
            add_to_row(rd, span);
    }
}

/* Rows of closed cells from the header on; stops where the cells are others. */
static void read_ruled(struct reader *rd, bool down)
{
    const struct qr_table *table = rd->table;
    const struct qr_table_column *anchor = &table->columns[table->anchor];
    float slack = 0.5f * table->height, y = down ? table->y1 : table->y0;
    unsigned empty = 0;

    while (rd->n_rows < QR_TABLE_ROWS_MAX && empty < 40) {
        struct qr_sheet_rect cell;
        float inside = 0.25f * table->height;
        int sides = qr_grid_cell(rd->grid, &rd->sheet->area, (anchor->x0 + anchor->x1) / 2,
                                 down ? y + inside : y - inside, table->height, &cell);
        if (sides < 4 || !qr_table_near(cell.x0, anchor->x0, slack) ||
            !qr_table_near(cell.x1, anchor->x1, slack) ||
            (down ? cell.y1 <= y + inside : cell.y0 >= y - inside) ||
            cell.y1 - cell.y0 > 30 * table->height)
            return;
        read_band(rd, cell.y0, cell.y1);
        y = down ? cell.y1 : cell.y0;
        if (!has_text(rd->row, table->n_columns)) {
            empty++;
            continue;
        }
        if (!rd->row->cells[table->anchor][0]) /* a merged cell or a heading inside */
            continue;
        if (!rd->is_anchor(rd->row->cells[table->anchor], strlen(rd->row->cells[table->anchor])))
            return;
        rd->row->box = (struct qr_sheet_rect){table->box.x0, cell.y0, table->box.x1, cell.y1};
        if (!end_row(rd))
            return;
    }
}

static bool in_width(const struct qr_table *table, const struct qr_sheet_rect *box)
{
    return box->x1 > table->box.x0 && box->x0 < table->box.x1;
}

static bool is_anchor_span(const struct reader *rd, const struct qr_sheet_span *span)
{
    return column_of(rd->table, &span->box) == rd->table->anchor &&
           rd->is_anchor(span->text, span->len);
}

/* How far the lines of an unruled table reach: the first index that is not of it any more, going
 * down from `from`, or the last that is, going up. Only lines with an anchor count as reached. */
static size_t reach(const struct reader *rd, size_t from, bool down)
{
    const struct qr_table *table = rd->table;
    float at = down ? table->y1 : table->y0, h = table->height, pitch = 0, anchored = at;
    size_t last = from;

    for (size_t i = from; down ? i < rd->lines->n : i > 0;) {
        const struct qr_sheet_span *span = &rd->sheet->spans[rd->lines->list[down ? i : i - 1]];
        float y = qr_table_middle_y(&span->box), gap = down ? y - at : at - y;
        if (gap > fmaxf(OPEN_GAP * h, 1.8f * pitch))
            break;
        i = down ? i + 1 : i - 1;
        if (!in_width(table, &span->box))
            continue;
        if (!fits(table, &span->box))
            break;
        at = y;
        if (is_anchor_span(rd, span)) {
            float step = fabsf(y - anchored);
            pitch = pitch == 0 ? step : pitch;
            if (last != from && step > fmaxf(2.2f * pitch, OPEN_GAP * h))
                break;
            anchored = y;
            last = i;
        } else if (column_of(table, &span->box) == table->anchor) {
            break; /* something else begins in the anchor column */
        }
    }
    return last;
}

/* The rows of an unruled table between two indices: each begins at a text of the anchor column. */
static void read_open(struct reader *rd, size_t from, size_t to, bool down)
{
    const struct qr_table *table = rd->table;
    size_t n = 0, cap = to - from + 1;
    float *starts = malloc(cap * sizeof *starts), half;

    if (!starts)
        return;
    for (size_t i = from; i < to && n < QR_TABLE_ROWS_MAX; i++) {
        const struct qr_sheet_span *span = &rd->sheet->spans[rd->lines->list[i]];
        float y = qr_table_middle_y(&span->box);
        if (in_width(table, &span->box) && is_anchor_span(rd, span) &&
            (n == 0 || y - starts[n - 1] > 0.5f * table->height))
            starts[n++] = y;
    }
    half = 0.55f * table->height;
    for (size_t k = 0; k < n; k++) {
        size_t row = down ? k : n - 1 - k;
        float y0 = starts[row] - half;
        float y1 = row + 1 < n ? starts[row + 1] - half : starts[row] + 2.4f * table->height;
        if (row + 1 == n && !down)
            y1 = table->y0 - 0.1f * table->height;
        read_band(rd, y0, y1);
        if (!end_row(rd))
            break;
    }
    free(starts);
}

static void read_side(struct reader *rd, bool down)
{
    size_t from, to;

    if (is_ruled(rd->table)) {
        read_ruled(rd, down);
        if (rd->n_rows > 0)
            return;
    }
    from = qr_table_lines_at(rd->lines, rd->sheet, down ? rd->table->y1 : rd->table->y0);
    to = reach(rd, from, down);
    if (down && to > from)
        read_open(rd, from, to, true);
    else if (!down && to < from)
        read_open(rd, to, from, false);
}

size_t qr_table_rows(struct qr_table *table, const struct qr_sheet *sheet,
                     const struct qr_grid *grid, const struct qr_table_lines *lines,
                     qr_table_anchor_fn is_anchor, qr_table_row_fn fn, void *arg)
{
    struct reader rd = {table, sheet, grid, lines, is_anchor, NULL, arg, NULL, table->box, 0};
    size_t below, above;

    rd.row = malloc(sizeof *rd.row);
    if (!rd.row)
        return 0;
    read_side(&rd, true);
    below = rd.n_rows;
    rd.n_rows = 0;
    read_side(&rd, false);
    above = rd.n_rows;
    rd.n_rows = 0;
    rd.covered = table->box;
    rd.fn = fn;
    if (below > 0 || above > 0)
        read_side(&rd, below >= above);
    free(rd.row);
    table->box = rd.covered;
    return rd.n_rows;
}

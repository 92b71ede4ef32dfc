#include "worker/extract/drawing/table.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define OPEN_GAP 3.2f /* between lines of an unruled table, in heights */

static float middle_x(const struct qr_sheet_rect *b) { return (b->x0 + b->x1) / 2; }
static float middle_y(const struct qr_sheet_rect *b) { return (b->y0 + b->y1) / 2; }

struct ordered {
    float y, x;
    uint32_t span;
};

static int by_place(const void *a, const void *b)
{
    const struct ordered *left = a, *right = b;
    if (left->y != right->y)
        return left->y < right->y ? -1 : 1;
    if (left->x != right->x)
        return left->x < right->x ? -1 : 1;
    return left->span < right->span ? -1 : left->span > right->span;
}

static bool is_horizontal(const struct qr_sheet_span *span)
{
    const struct qr_sheet_rect *b = &span->box;

    return fabsf(span->angle) < 1 && span->height > 0 && isfinite(span->height) &&
           isfinite(b->x0) && isfinite(b->x1) && isfinite(b->y0) && isfinite(b->y1);
}

bool qr_table_lines_init(struct qr_table_lines *lines, const struct qr_sheet *sheet)
{
    struct ordered *order = calloc(sheet->n_spans + 1, sizeof *order);

    *lines = (struct qr_table_lines){.list = calloc(sheet->n_spans + 1, sizeof *lines->list)};
    if (!order || !lines->list) {
        free(order);
        return false;
    }
    for (size_t i = 0; i < sheet->n_spans; i++)
        if (is_horizontal(&sheet->spans[i]))
            order[lines->n++] = (struct ordered){middle_y(&sheet->spans[i].box),
                                                 sheet->spans[i].box.x0, (uint32_t)i};
    qsort(order, lines->n, sizeof *order, by_place);
    for (size_t i = 0; i < lines->n; i++)
        lines->list[i] = order[i].span;
    free(order);
    return true;
}

void qr_table_lines_done(struct qr_table_lines *lines)
{
    free(lines->list);
    *lines = (struct qr_table_lines){0};
}

/* Index of the first whose middle is at y or below. */
static size_t lines_at(const struct qr_table_lines *lines, const struct qr_sheet *sheet, float y)
{
    size_t from = 0, to = lines->n;

    while (from < to) {
        size_t middle = from + (to - from) / 2;
        if (middle_y(&sheet->spans[lines->list[middle]].box) < y)
            from = middle + 1;
        else
            to = middle;
    }
    return from;
}

/* --- columns --- */

static bool near(float a, float b, float slack) { return fabsf(a - b) <= slack; }

static void append_text(char *out, size_t room, const char *text, size_t len)
{
    size_t n = strlen(out);

    if (n > 0 && n + 1 < room)
        out[n++] = ' ';
    if (len > room - 1 - n)
        len = room - 1 - n;
    while (len > 0 && ((unsigned char)text[len] & 0xC0) == 0x80 && n + len == room - 1)
        len--;
    memcpy(out + n, text, len);
    out[n + len] = 0;
}

/* The title of a ruled header cell, all lines of it; false when it is empty. */
static bool title_of(const struct qr_sheet *sheet, const struct qr_table_lines *lines,
                     const struct qr_sheet_rect *cell, struct qr_table_column *column)
{
    column->title[0] = 0;
    for (size_t i = lines_at(lines, sheet, cell->y0); i < lines->n; i++) {
        const struct qr_sheet_span *span = &sheet->spans[lines->list[i]];
        float x = middle_x(&span->box);
        if (middle_y(&span->box) > cell->y1)
            break;
        if (x < cell->x0 || x > cell->x1)
            continue;
        if (!column->title[0])
            column->head = span->box;
        append_text(column->title, sizeof column->title, span->text, span->len);
    }
    return column->title[0] != 0;
}

static void insert_column(struct qr_table *table, size_t at, const struct qr_table_column *column)
{
    memmove(&table->columns[at + 1], &table->columns[at],
            (table->n_columns - at) * sizeof *table->columns);
    table->columns[at] = *column;
    table->n_columns++;
    if (table->anchor >= at)
        table->anchor++;
}

/* Header cells that join the known ones at `x`, to the side `step` goes. */
static void add_unknown(struct qr_table *table, const struct qr_sheet *sheet,
                        const struct qr_grid *grid, const struct qr_table_lines *lines, size_t at,
                        float x, float step)
{
    struct qr_table_column column = {.ruled = true};
    struct qr_sheet_rect cell;

    while (table->n_columns < QR_TABLE_COLUMNS_MAX) {
        if (qr_grid_cell(grid, &sheet->area, x + step, (table->y0 + table->y1) / 2, table->height,
                         &cell) < 4 ||
            !near(cell.y0, table->y0, 0.4f * table->height) ||
            !near(cell.y1, table->y1, 0.4f * table->height) ||
            !title_of(sheet, lines, &cell, &column))
            return;
        if (at < table->n_columns && step > 0 && cell.x1 > table->columns[at].x0 + table->height)
            return; /* the next known one */
        column.x0 = cell.x0;
        column.x1 = cell.x1;
        insert_column(table, at, &column);
        at += step > 0;
        x = step > 0 ? cell.x1 : cell.x0;
    }
}

static void rule_columns(struct qr_table *table, const struct qr_sheet *sheet,
                         const struct qr_grid *grid, const struct qr_table_lines *lines)
{
    float step = 0.3f * table->height;

    add_unknown(table, sheet, grid, lines, 0, table->columns[0].x0, -step);
    for (size_t i = 0; i < table->n_columns; i++) {
        bool last = i + 1 == table->n_columns;
        if (last || table->columns[i + 1].x0 > table->columns[i].x1 + table->height)
            add_unknown(table, sheet, grid, lines, i + 1, table->columns[i].x1, step);
        if (last)
            break;
    }
}

void qr_table_columns(struct qr_table *table, const struct qr_sheet *sheet,
                      const struct qr_grid *grid, const struct qr_table_lines *lines)
{
    size_t ruled = 0;

    for (size_t i = 0; i < table->n_columns; i++) {
        struct qr_table_column *column = &table->columns[i];
        struct qr_sheet_rect cell;
        int sides = qr_grid_cell(grid, &sheet->area, middle_x(&column->head),
                                 middle_y(&column->head), table->height, &cell);
        column->ruled = sides == 4 && cell.y1 - cell.y0 < 8 * table->height;
        if (!column->ruled)
            continue;
        column->x0 = cell.x0;
        column->x1 = cell.x1;
        if (ruled++ == 0) {
            table->y0 = cell.y0;
            table->y1 = cell.y1;
        }
        (void)title_of(sheet, lines, &cell, column);
    }
    if (ruled == table->n_columns) {
        rule_columns(table, sheet, grid, lines);
    } else {
        for (size_t i = 0; i < table->n_columns; i++) {
            const struct qr_sheet_rect *head = &table->columns[i].head;
            float left = i ? table->columns[i - 1].head.x1 : head->x0 - 4 * table->height;
            float right = i + 1 < table->n_columns ? table->columns[i + 1].head.x0
                                                   : head->x1 + 30 * table->height;
            table->columns[i].ruled = false;
            table->columns[i].x0 = left;
            table->columns[i].x1 = right;
        }
    }
    table->box = (struct qr_sheet_rect){table->columns[0].x0, table->y0,
                                        table->columns[table->n_columns - 1].x1, table->y1};
}

/* --- rows --- */

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
        float x = middle_x(box), away;
        if (c->ruled) {
            if (x >= c->x0 && x <= c->x1)
                return i;
            away = fminf(fabsf(x - c->x0), fabsf(x - c->x1));
        } else {
            float overlap = fminf(box->x1, c->head.x1) - fmaxf(box->x0, c->head.x0);
            float edges = fminf(fabsf(box->x0 - c->head.x0),
                                fminf(fabsf(box->x1 - c->head.x1), fabsf(x - middle_x(&c->head))));
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

    append_text(rd->row->cells[column_of(rd->table, &span->box)], QR_TABLE_CELL_BYTES, span->text,
                span->len);
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
    for (size_t i = lines_at(rd->lines, rd->sheet, y0); i < rd->lines->n; i++) {
        const struct qr_sheet_span *span = &rd->sheet->spans[rd->lines->list[i]];
        float x = middle_x(&span->box);
        if (middle_y(&span->box) >= y1)
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
        if (sides < 4 || !near(cell.x0, anchor->x0, slack) || !near(cell.x1, anchor->x1, slack) ||
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
        float y = middle_y(&span->box), gap = down ? y - at : at - y;
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
        float y = middle_y(&span->box);
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
    from = lines_at(rd->lines, rd->sheet, down ? rd->table->y1 : rd->table->y0);
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

/* --- closed cells with text --- */

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
    return near(a->y0, b->y0, slack) && near(a->y1, b->y1, slack) && near(a->x1, b->x0, slack);
}

static bool is_below(const struct qr_sheet_rect *a, const struct qr_sheet_rect *b, float slack)
{
    return near(a->x0, b->x0, slack) && near(a->x1, b->x1, slack) && near(a->y1, b->y0, slack);
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
        if (taken[i] || !(span->height > 0) || !isfinite(middle_x(&span->box)) ||
            qr_grid_cell(grid, &sheet->area, middle_x(&span->box), middle_y(&span->box),
                         1.2f * span->height, &box) < 4 ||
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

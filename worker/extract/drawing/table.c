/* The lines of a sheet, and the columns of a table. */
#include "worker/extract/drawing/table_intern.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

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
            order[lines->n++] = (struct ordered){qr_table_middle_y(&sheet->spans[i].box),
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

size_t qr_table_lines_at(const struct qr_table_lines *lines, const struct qr_sheet *sheet, float y)
{
    size_t from = 0, to = lines->n;

    while (from < to) {
        size_t middle = from + (to - from) / 2;
        if (qr_table_middle_y(&sheet->spans[lines->list[middle]].box) < y)
            from = middle + 1;
        else
            to = middle;
    }
    return from;
}

/* --- columns --- */

void qr_table_append_text(char *cell, size_t room, const char *text, size_t len)
{
    size_t n = strlen(cell);

    if (n > 0 && n + 1 < room)
        cell[n++] = ' ';
    if (len > room - 1 - n)
        len = room - 1 - n;
    while (len > 0 && ((unsigned char)text[len] & 0xC0) == 0x80 && n + len == room - 1)
        len--;
    memcpy(cell + n, text, len);
    cell[n + len] = 0;
}

/* The title of a ruled header cell, all lines of it; false when it is empty. */
static bool title_of(const struct qr_sheet *sheet, const struct qr_table_lines *lines,
                     const struct qr_sheet_rect *cell, struct qr_table_column *column)
{
    column->title[0] = 0;
    for (size_t i = qr_table_lines_at(lines, sheet, cell->y0); i < lines->n; i++) {
        const struct qr_sheet_span *span = &sheet->spans[lines->list[i]];
        float x = qr_table_middle_x(&span->box);
        if (qr_table_middle_y(&span->box) > cell->y1)
            break;
        if (x < cell->x0 || x > cell->x1)
            continue;
        if (!column->title[0])
            column->head = span->box;
        qr_table_append_text(column->title, sizeof column->title, span->text, span->len);
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
            !qr_table_near(cell.y0, table->y0, 0.4f * table->height) ||
            !qr_table_near(cell.y1, table->y1, 0.4f * table->height) ||
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
        int sides = qr_grid_cell(grid, &sheet->area, qr_table_middle_x(&column->head),
                                 qr_table_middle_y(&column->head), table->height, &cell);
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

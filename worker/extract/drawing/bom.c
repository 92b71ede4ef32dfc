#include "worker/extract/drawing/bom.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/record/parts.h"
#include "worker/extract/drawing/bom_words.h"
#include "worker/extract/drawing/fold.h"
#include "worker/extract/drawing/table.h"

enum { TITLE_BYTES = 60, PAIR_BYTES = 16, NEIGHBOURS_TRIED = 24 };

/* A text that could head a column. */
struct head {
    struct qr_sheet_rect box;
    float height;
    enum qr_bom_column column;
    bool used;
    char title[64];
    struct qr_sheet_rect cell;
    bool ruled;
};

struct heads {
    struct head *list; /* top to bottom */
    size_t n;
};

static float middle_y(const struct qr_sheet_rect *b) { return (b->y0 + b->y1) / 2; }

static void unite(struct qr_sheet_rect *a, const struct qr_sheet_rect *b)
{
    a->x0 = fminf(a->x0, b->x0);
    a->y0 = fminf(a->y0, b->y0);
    a->x1 = fmaxf(a->x1, b->x1);
    a->y1 = fmaxf(a->y1, b->y1);
}

/* Titles of columns are short and begin with no digit. */
static bool is_short(const struct qr_sheet_span *span)
{
    return span->len > 0 && span->len <= 40 && span->source != QR_SPAN_DIMENSION &&
           !(span->text[0] >= '0' && span->text[0] <= '9');
}

/* Does `b` continue the title `a` on the line or below it? */
static bool continues(const struct qr_sheet_span *a, const struct qr_sheet_span *b)
{
    float h = a->height, drop = middle_y(&b->box) - middle_y(&a->box);
    float gap = b->box.x0 - a->box.x1;

    if (fabsf(b->height - h) > 0.35f * h)
        return false;
    if (fabsf(drop) < 0.3f * h)
        return gap > -0.2f * h && gap < 0.9f * h;
    return drop > 0.6f * h && drop < 1.7f * h && b->box.x0 < a->box.x1 && b->box.x1 > a->box.x0;
}

static size_t join(char *out, const struct qr_sheet_span *a, const struct qr_sheet_span *b)
{
    if (a->len + b->len + 2 > TITLE_BYTES)
        return 0;
    memcpy(out, a->text, a->len);
    out[a->len] = ' ';
    memcpy(out + a->len + 1, b->text, b->len);
    return (size_t)a->len + 1 + b->len;
}

/* Titles in two pieces: "PART" and "NUMBER", "QTY" above "REQD". */
static void take_pair(const struct qr_sheet *sheet, const struct qr_table_lines *lines, size_t i,
                      uint8_t *second, struct head *head)
{
    const struct qr_sheet_span *span = &sheet->spans[lines->list[i]];

    for (size_t j = i + 1; j < lines->n && j < i + NEIGHBOURS_TRIED; j++) {
        const struct qr_sheet_span *next = &sheet->spans[lines->list[j]];
        char title[TITLE_BYTES];
        enum qr_bom_column column;
        size_t len;
        if (middle_y(&next->box) - middle_y(&span->box) > 1.7f * span->height)
            return;
        if (!is_short(next) || !continues(span, next))
            continue;
        len = join(title, span, next);
        column = len ? qr_bom_column_by_title(title, len) : QR_BOM_NONE;
        if (column == QR_BOM_NONE && head->column != QR_BOM_NONE &&
            qr_bom_column_by_title(next->text, next->len) == head->column)
            column = head->column; /* in two languages */
        if (column == QR_BOM_NONE)
            continue;
        head->column = column;
        unite(&head->box, &next->box);
        second[lines->list[j]] = 1;
        return;
    }
}

static bool collect_heads(const struct qr_sheet *sheet, const struct qr_grid *grid,
                          const struct qr_table_lines *lines, struct heads *ret)
{
    uint8_t *second = calloc(sheet->n_spans + 1, 1); /* of a pair */
    size_t cap = 0;

    for (size_t i = 0; second && i < lines->n; i++) {
        const struct qr_sheet_span *span = &sheet->spans[lines->list[i]];
        struct head head = {.box = span->box, .height = span->height};
        if (second[lines->list[i]] || !is_short(span))
            continue;
        head.column = qr_bom_column_by_title(span->text, span->len);
        if (span->len <= PAIR_BYTES)
            take_pair(sheet, lines, i, second, &head);
        if (head.column == QR_BOM_NONE)
            continue;
        memcpy(head.title, span->text, span->len);
        head.ruled = qr_grid_cell(grid, &sheet->area, (head.box.x0 + head.box.x1) / 2,
                                  middle_y(&head.box), head.height, &head.cell) == 4;
        if (ret->n == cap) {
            struct head *bigger = realloc(ret->list, (cap ? cap * 2 : 64) * sizeof *bigger);
            if (!bigger)
                break;
            ret->list = bigger;
            cap = cap ? cap * 2 : 64;
        }
        ret->list[ret->n++] = head;
    }
    free(second);
    return second != NULL;
}

/* --- header rows --- */

static bool same_row(const struct head *a, const struct head *b)
{
    return a->ruled && b->ruled && fabsf(a->cell.y0 - b->cell.y0) < 0.4f * a->height &&
           fabsf(a->cell.y1 - b->cell.y1) < 0.4f * a->height;
}

static int by_left(const void *a, const void *b)
{
    const struct head *const *left = a;
    const struct head *const *right = b;
    if ((*left)->box.x0 != (*right)->box.x0)
        return (*left)->box.x0 < (*right)->box.x0 ? -1 : 1;
    return *left < *right ? -1 : *left > *right;
}

/* Where most stand in one ruled row, others on the line belong to something else. */
static size_t keep_ruled(struct head **row, size_t n)
{
    size_t best = 0, most = 0, kept = 0;
    const struct head *like;

    for (size_t i = 0; i < n; i++) {
        size_t same = 0;
        for (size_t j = 0; j < n; j++)
            same += same_row(row[i], row[j]);
        if (same > most) {
            most = same;
            best = i;
        }
    }
    if (most < 2 || most * 2 <= n)
        return n;
    like = row[best];
    for (size_t i = 0; i < n; i++)
        if (same_row(like, row[i]))
            row[kept++] = row[i];
    return kept;
}

static bool is_parts_list(struct head *const *row, size_t n)
{
    unsigned count[QR_BOM_NEVER + 1] = {0};
    bool named;

    for (size_t i = 0; i < n; i++)
        count[row[i]->column]++;
    if (count[QR_BOM_REF] && !count[QR_BOM_ITEM])
        count[QR_BOM_ITEM] = 1;
    named = count[QR_BOM_PART] || count[QR_BOM_DESC];
    if (count[QR_BOM_NEVER] > (count[QR_BOM_ITEM] && count[QR_BOM_QTY] && named ? 1 : 0))
        return false;
    if (count[QR_BOM_REVISION] && !count[QR_BOM_QTY])
        return false;
    return (count[QR_BOM_QTY] && named) ||
           (count[QR_BOM_ITEM] && count[QR_BOM_PART] && count[QR_BOM_DESC]) ||
           (count[QR_BOM_ITEM] && (named || count[QR_BOM_QTY]) && count[QR_BOM_MATERIAL]);
}

/* --- rows --- */

static bool has_digit(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (text[i] >= '0' && text[i] <= '9')
            return true;
    return false;
}

/* "1", "12.3", "A", "1a". */
static bool is_item(const char *text, size_t len)
{
    return len > 0 && len <= 10 &&
           (has_digit(text, len) || len == 1 || (len == 2 && text[0] >= 'A' && text[0] <= 'Z'));
}

/* "4", "2.5 m", "AR". */
static bool is_quantity(const char *text, size_t len)
{
    if (len == 0 || len > 12)
        return false;
    return (text[0] >= '0' && text[0] <= '9') || (len <= 4 && !has_digit(text, len));
}

static bool is_part(const char *text, size_t len)
{
    return len > 0 && len <= 48 && has_digit(text, len);
}

struct output {
    const struct qr_sheet *sheet;
    struct qr_record *rec;
    const enum qr_bom_column *columns; /* of the table */
    double confidence;
};

static bool fill(struct output *out, Quarry__V1__BomItem *item, enum qr_bom_column column,
                 const char *cell)
{
    char **field = column == QR_BOM_ITEM       ? &item->item
                   : column == QR_BOM_PART     ? &item->part_number
                   : column == QR_BOM_DESC     ? &item->description
                   : column == QR_BOM_QTY      ? &item->quantity
                   : column == QR_BOM_UNIT     ? &item->unit
                   : column == QR_BOM_MATERIAL ? &item->material
                                               : NULL;
    if (!field || **field)
        return false;
    *field = qr_record_text(out->rec, cell);
    return true;
}

static bool add_row(const struct qr_table *table, const struct qr_table_row *row, void *arg)
{
    struct output *out = arg;
    Quarry__V1__BomItem *item = qr_record_add_bom_item(out->rec);

    if (!item)
        return false;
    for (size_t i = 0; i < table->n_columns; i++) {
        struct qr_fold key;
        if (!row->cells[i][0] || fill(out, item, out->columns[i], row->cells[i]))
            continue;
        qr_fold(table->columns[i].title, strlen(table->columns[i].title), &key);
        qr_record_add_bom_other(out->rec, item, key.len ? key.text : "column", row->cells[i],
                                strlen(row->cells[i]));
    }
    item->source = qr_record_text(out->rec, "table");
    item->page = out->sheet->page;
    item->place = qr_sheet_place(out->sheet, out->rec, &row->box);
    item->confidence = out->confidence;
    return true;
}

/* The field of each column: the first of a kind has it, a second stays under its title. */
static void name_columns(struct qr_table *table, enum qr_bom_column *columns)
{
    bool item = false, part = false;

    for (size_t i = 0; i < table->n_columns; i++) {
        columns[i] =
            qr_bom_column_by_title(table->columns[i].title, strlen(table->columns[i].title));
        item = item || columns[i] == QR_BOM_ITEM;
        part = part || columns[i] == QR_BOM_PART;
    }
    for (size_t i = 0; i < table->n_columns; i++)
        if (columns[i] == QR_BOM_REF) {
            columns[i] = !item ? QR_BOM_ITEM : !part ? QR_BOM_PART : QR_BOM_OTHER;
            item = part = true;
        }
}

static bool find_anchor(const enum qr_bom_column *columns, size_t n, enum qr_bom_column wanted,
                        size_t *ret)
{
    for (size_t i = 0; i < n; i++)
        if (columns[i] == wanted) {
            *ret = i;
            return true;
        }
    return false;
}

static void read_table(const struct qr_sheet *sheet, const struct qr_grid *grid,
                       const struct qr_table_lines *lines, struct head *const *row, size_t n,
                       struct qr_regions *regions, struct qr_record *rec)
{
    struct qr_table table = {.height = row[0]->height, .y0 = row[0]->box.y0, .y1 = row[0]->box.y1};
    enum qr_bom_column columns[QR_TABLE_COLUMNS_MAX];
    struct output out = {sheet, rec, columns, 0.8};
    qr_table_anchor_fn is_anchor = is_item;
    size_t rows, least = 1;
    struct qr_sheet_rect head;

    for (size_t i = 0; i < n && i < QR_TABLE_COLUMNS_MAX; i++) {
        struct qr_table_column *column = &table.columns[table.n_columns++];
        column->head = row[i]->box;
        memcpy(column->title, row[i]->title, sizeof column->title);
        table.y0 = fminf(table.y0, row[i]->box.y0);
        table.y1 = fmaxf(table.y1, row[i]->box.y1);
    }
    qr_table_columns(&table, sheet, grid, lines);
    name_columns(&table, columns);
    if (!find_anchor(columns, table.n_columns, QR_BOM_ITEM, &table.anchor)) {
        least = 2; /* without item numbers one row may be a title block's */
        is_anchor = is_quantity;
        if (!find_anchor(columns, table.n_columns, QR_BOM_QTY, &table.anchor)) {
            is_anchor = is_part;
            if (!find_anchor(columns, table.n_columns, QR_BOM_PART, &table.anchor))
                return;
        }
    }
    if (table.columns[0].ruled)
        out.confidence = 0.95;
    head = table.box;
    rows = qr_table_rows(&table, sheet, grid, lines, is_anchor, NULL, NULL);
    if (rows < least)
        return;
    table.box = head;
    (void)qr_table_rows(&table, sheet, grid, lines, is_anchor, add_row, &out);
    qr_regions_add(regions, QR_REGION_BOM, &table.box);
}

/* Two tables may stand side by side on one line: a second item number begins the second. */
static void read_row(const struct qr_sheet *sheet, const struct qr_grid *grid,
                     const struct qr_table_lines *lines, struct head **row, size_t n,
                     struct qr_regions *regions, struct qr_record *rec, size_t *n_tables)
{
    size_t from = 0;

    qsort(row, n, sizeof *row, by_left);
    for (size_t to = 1; to <= n; to++) {
        bool again = false;
        for (size_t i = from; to < n && i < to; i++)
            again |= row[i]->column == row[to]->column &&
                     (row[to]->column == QR_BOM_ITEM || row[to]->column == QR_BOM_QTY);
        if (to < n && !(again && is_parts_list(row + from, to - from)))
            continue;
        if (is_parts_list(row + from, to - from) && (*n_tables)++ < QR_BOM_TABLES_MAX)
            read_table(sheet, grid, lines, row + from, to - from, regions, rec);
        from = to;
    }
}

static void read_heads(const struct qr_sheet *sheet, const struct qr_grid *grid,
                       const struct qr_table_lines *lines, struct heads *heads,
                       struct qr_regions *regions, struct qr_record *rec)
{
    size_t n_tables = 0;

    for (size_t i = 0; i < heads->n; i++) {
        struct head *row[QR_TABLE_COLUMNS_MAX];
        const struct head *first = &heads->list[i];
        size_t n = 0;
        if (first->used)
            continue;
        for (size_t j = i; j < heads->n && n < QR_TABLE_COLUMNS_MAX; j++) {
            struct head *head = &heads->list[j];
            if (middle_y(&head->box) - middle_y(&first->box) > 0.9f * first->height)
                break;
            if (!head->used && fabsf(head->height - first->height) < 0.4f * first->height)
                row[n++] = head;
        }
        n = keep_ruled(row, n);
        for (size_t k = 0; k < n; k++)
            row[k]->used = true; /* judged as a whole: a part of a header is none */
        if (!is_parts_list(row, n))
            continue;
        read_row(sheet, grid, lines, row, n, regions, rec, &n_tables);
    }
}

void qr_bom_find(const struct qr_sheet *sheet, const struct qr_grid *grid,
                 struct qr_regions *regions, struct qr_record *rec)
{
    struct qr_table_lines lines;
    struct heads heads = {0};

    if (!qr_table_lines_init(&lines, sheet) || !collect_heads(sheet, grid, &lines, &heads))
        rec->failed = true;
    else
        read_heads(sheet, grid, &lines, &heads, regions, rec);
    free(heads.list);
    qr_table_lines_done(&lines);
}

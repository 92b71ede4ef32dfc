/* The cells of ACAD_TABLE. */
#include "worker/extract/dxf/acad_table.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "worker/extract/dxf/mtext.h"
#include "worker/extract/extract.h"

#define CELLS_MAX 100000
#define CELL_TEXT_MAX ((size_t)4 * 1024 * 1024) /* in UTF-8 */

struct table {
    struct qr_dxf_doc *doc;
    const struct qr_dxf_tag *tags; /* the entity's own, without XDATA */
    size_t n;
    size_t rows, columns;
    double *heights, *widths; /* rows + 1, columns + 1: distances from the corner, summed up */
    double corner[3], along[3];
    bool upwards; /* the first row is at the bottom */
    struct qr_buf coded, plain;
};

/* The tags of one cell, from its 171 to the next one. */
struct cell_tags {
    const struct qr_dxf_tag *tags;
    size_t n;
};

static size_t limited(const struct qr_dxf_entity *entity, int code)
{
    int64_t n = qr_dxf_find_int(entity, code, 0);
    return n < 0 ? 0 : n > CELLS_MAX ? CELLS_MAX + 1 : (size_t)n;
}

/* Sum up the sizes of one code into `to`, which has n + 1 places. */
static void sum_sizes(const struct table *t, size_t head, int code, size_t n, double *to)
{
    size_t at = 0;

    for (size_t i = 0; i < head && at < n; i++) {
        if (t->tags[i].code != code)
            continue;
        double size = qr_dxf_real(&t->tags[i], NULL);
        to[at + 1] = to[at] + (isfinite(size) && size > 0 ? size : 0);
        at++;
    }
    for (; at < n; at++)
        to[at + 1] = to[at];
}

/* Index of the first tag of the first cell. Cells begin behind the sizes with 171. */
static size_t head_of(const struct table *t)
{
    size_t i = 0, last_size = 0;

    for (; i < t->n && t->tags[i].code != 301; i++)
        if (t->tags[i].code == 141 || t->tags[i].code == 142)
            last_size = i + 1;
    for (i = last_size; i < t->n && t->tags[i].code != 171; i++)
        ;
    return i;
}

static bool read_head(struct table *t, const struct qr_dxf_entity *entity)
{
    t->n = qr_dxf_xdata_at(entity);
    t->tags = entity->tags;
    t->rows = limited(entity, 91);
    t->columns = limited(entity, 92);
    if (t->rows == 0 || t->columns == 0)
        return false;
    if (t->rows > CELLS_MAX / t->columns) {
        qr_record_partial(t->doc->x->rec, "dxf.table.capped", "a table of %zu rows and %zu columns",
                          t->rows, t->columns);
        return false;
    }
    t->heights = calloc(t->rows + 1, sizeof *t->heights);
    t->widths = calloc(t->columns + 1, sizeof *t->widths);
    if (!t->heights || !t->widths)
        return false;
    sum_sizes(t, head_of(t), 141, t->rows, t->heights);
    sum_sizes(t, head_of(t), 142, t->columns, t->widths);
    t->along[0] = 1;
    qr_dxf_find_point(entity, 10, t->corner);
    qr_dxf_find_point(entity, 11, t->along);
    t->upwards = qr_dxf_find_int(entity, 70, 0) == 1;
    return true;
}

static void box_of(const struct table *t, const struct qr_dxf_cell *cell, double box[4])
{
    double len = hypot(t->along[0], t->along[1]), c = 1, s = 0;
    double sign = t->upwards ? 1 : -1;

    if (len > 0 && isfinite(len)) {
        c = t->along[0] / len;
        s = t->along[1] / len;
    }
    for (int i = 0; i < 4; i++) {
        double x = t->widths[cell->column + (i & 1 ? cell->n_columns : 0)];
        double y = sign * t->heights[cell->row + (i & 2 ? cell->n_rows : 0)];
        double px = t->corner[0] + x * c - y * s, py = t->corner[1] + x * s + y * c;
        box[0] = i == 0 ? px : fmin(box[0], px);
        box[1] = i == 0 ? py : fmin(box[1], py);
        box[2] = i == 0 ? px : fmax(box[2], px);
        box[3] = i == 0 ? py : fmax(box[3], py);
    }
}

/* Chunks and end of one kind of text of the cell, with MTEXT codes, into t->coded. */
static bool text_of(struct table *t, const struct cell_tags *cell, int chunk, int end)
{
    qr_buf_clear(&t->coded);
    qr_dxf_mtext_join(t->doc, cell->tags, cell->n, chunk, end, &t->coded);
    return t->coded.len > 0;
}

/* Attribute texts of a block in the cell: 300 outside of a value, where it is a format. */
static bool attributes_of(struct table *t, const struct cell_tags *cell)
{
    bool in_value = false;

    qr_buf_clear(&t->coded);
    for (size_t i = 0; i < cell->n; i++) {
        const struct qr_dxf_tag *tag = &cell->tags[i];
        if (tag->code == 301)
            in_value = true;
        else if (tag->code == 304)
            in_value = false;
        else if (tag->code == 300 && !in_value && tag->text && tag->len > 0) {
            if (t->coded.len > 0)
                qr_buf_append(&t->coded, " ", 1);
            qr_dxf_decode(t->doc, tag->text, tag->len, &t->coded);
        }
    }
    return t->coded.len > 0;
}

static size_t span_of(int64_t said, size_t at, size_t all)
{
    if (said < 1)
        return 1;
    return (uint64_t)said > all - at ? all - at : (size_t)said;
}

/* One cell; its text is in t->plain. False when it is hidden or empty. */
static bool read_cell(struct table *t, const struct cell_tags *tags, size_t index,
                      struct qr_dxf_cell *ret)
{
    int64_t type = 1, hidden = 0, wide = 1, tall = 1;
    bool in_value = false;

    *ret = (struct qr_dxf_cell){.row = index / t->columns, .column = index % t->columns};
    for (size_t i = 0; i < tags->n; i++) {
        const struct qr_dxf_tag *tag = &tags->tags[i];
        if (tag->code == 301 || tag->code == 304)
            in_value = tag->code == 301;
        if (in_value)
            continue;
        switch (tag->code) {
        case 171:
            type = qr_dxf_int(tag, NULL);
            break;
        case 173:
            hidden = qr_dxf_int(tag, NULL);
            break;
        case 175:
            wide = qr_dxf_int(tag, NULL);
            break;
        case 176:
            tall = qr_dxf_int(tag, NULL);
            break;
        case 140:
            ret->height = qr_dxf_real(tag, NULL);
            break;
        default:
            break;
        }
    }
    if (hidden)
        return false;
    if (type == 2 ? !attributes_of(t, tags)
                  : !text_of(t, tags, 303, 302) && !text_of(t, tags, 2, 1))
        return false;
    ret->n_columns = span_of(wide, ret->column, t->columns);
    ret->n_rows = span_of(tall, ret->row, t->rows);
    qr_buf_clear(&t->plain);
    qr_dxf_mtext_plain(t->doc, (const char *)t->coded.data, t->coded.len, &t->plain, NULL);
    ret->len =
        qr_dxf_trim(t->plain.data ? (const char *)t->plain.data : "", t->plain.len, &ret->text);
    box_of(t, ret, ret->box);
    return ret->len > 0;
}

static void read_cells(struct table *t, const struct qr_dxf_where *where, qr_dxf_cell_fn fn,
                       void *arg)
{
    size_t at = head_of(t), index = 0;

    while (at < t->n && index < t->rows * t->columns) {
        struct cell_tags tags = {.tags = &t->tags[at], .n = 1};
        struct qr_dxf_cell cell;
        while (at + tags.n < t->n && tags.tags[tags.n].code != 171)
            tags.n++;
        if (read_cell(t, &tags, index, &cell)) {
            ((char *)t->plain.data)[cell.text - (const char *)t->plain.data + (ptrdiff_t)cell.len] =
                '\0';
            fn(arg, where, &cell);
        }
        at += tags.n;
        index++;
    }
}

void qr_dxf_acad_table_read(struct qr_dxf_doc *doc, const struct qr_dxf_entity *entity,
                            const struct qr_dxf_where *where, qr_dxf_cell_fn fn, void *arg)
{
    struct table t = {.doc = doc};

    qr_buf_init(&t.coded, CELL_TEXT_MAX);
    qr_buf_init(&t.plain, CELL_TEXT_MAX);
    if (read_head(&t, entity))
        read_cells(&t, where, fn, arg);
    free(t.heights);
    free(t.widths);
    qr_buf_done(&t.coded);
    qr_buf_done(&t.plain);
}

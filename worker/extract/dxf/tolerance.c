/* Feature control frames from TOLERANCE. */
#include "worker/extract/dxf/tolerance.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base.h"
#include "common/record/parts.h"
#include "common/record/utf8.h"
#include "worker/extract/dxf/dimstyle.h"
#include "worker/extract/dxf/gdt.h"
#include "worker/extract/dxf/mtext.h"
#include "worker/extract/extract.h"

#define STRING_MAX 8192 /* bytes of a frame's string */
#define ROWS_MAX 16
#define DATUMS_MAX 6

#define DIAMETER 0x2300
#define CIRCLED_A 0x24B6
#define CIRCLED_Z 0x24CF

/* A frame in the record whose layout is not known yet. */
struct qr_dxf_frame {
    struct qr_dxf_frame *next;
    struct qr_dxf_where where;
    Quarry__V1__GeometricTolerance *gdt;
};

struct row {
    const char *characteristic; /* NULL: none */
    double value;
    bool has_value, diameter;
    char modifiers[16];
    char datums[DATUMS_MAX][24];
    size_t n_datums;
};

static bool is_diameter(uint32_t cp)
{
    return cp == DIAMETER || cp == 0xD8 || cp == 0xF8 || cp == 0x2205;
}

/* "M" of a circled M, NUL of anything else. */
static char modifier_letter(uint32_t cp)
{
    return cp >= CIRCLED_A && cp <= CIRCLED_Z ? (char)('A' + (cp - CIRCLED_A)) : '\0';
}

static void add_letter(char *to, size_t size, char letter)
{
    size_t n = strlen(to);
    if (n + 1 < size) {
        to[n] = letter;
        to[n + 1] = '\0';
    }
}

/* A number at the front of `text`: digits, one point or comma. Returns the bytes it took. */
static size_t read_number(const char *text, size_t len, double *ret)
{
    char digits[32], *end;
    size_t n = 0;

    while (n < len && n + 1 < sizeof digits &&
           ((text[n] >= '0' && text[n] <= '9') || text[n] == '.' || text[n] == ',')) {
        digits[n] = text[n] == ',' ? '.' : text[n];
        n++;
    }
    digits[n] = '\0';
    *ret = strtod(digits, &end);
    return (size_t)(end - digits);
}

/* One cell behind the characteristic: a tolerance when a number is in it, else a datum. */
static void read_cell(const char *text, size_t len, struct row *row)
{
    char datum[24] = "", letters[16] = "";
    bool diameter = false, number = false;
    double value = 0;

    for (size_t at = 0; at < len;) {
        uint32_t cp;
        bool valid;
        size_t took = qr_utf8_next((const uint8_t *)text + at, len - at, &cp, &valid);
        if (is_diameter(cp)) {
            diameter = true;
        } else if (modifier_letter(cp) && qr_dxf_gdt_modifier(cp)) {
            add_letter(letters, sizeof letters, modifier_letter(cp));
        } else if (!number && datum[0] == '\0' && ((cp >= '0' && cp <= '9') || cp == '.')) {
            size_t n = read_number(text + at, len - at, &value);
            number = n > 0;
            took = n > 0 ? n : took;
        } else if (((cp >= 'A' && cp <= 'Z') || cp == '-') && !number) {
            add_letter(datum, sizeof datum - 4, (char)cp);
        }
        at += took;
    }
    if (number && !row->has_value) {
        row->has_value = true;
        row->value = value;
        row->diameter = diameter;
        snprintf(row->modifiers, sizeof row->modifiers, "%s", letters);
    } else if (!number && datum[0] != '\0' && row->n_datums < DATUMS_MAX) {
        char *to = row->datums[row->n_datums++];
        snprintf(to, sizeof row->datums[0], letters[0] ? "%.16s(%.5s)" : "%.16s", datum, letters);
    }
}

static const char *characteristic_in(const char *text, size_t len)
{
    for (size_t at = 0; at < len;) {
        uint32_t cp;
        bool valid;
        at += qr_utf8_next((const uint8_t *)text + at, len - at, &cp, &valid);
        if (qr_dxf_gdt_characteristic(cp))
            return qr_dxf_gdt_characteristic(cp);
    }
    return NULL;
}

/* Bytes up to the next mark, or all; *ret_mark its length. */
static size_t up_to(const char *text, size_t len, const char *const *marks, size_t n_marks,
                    size_t *ret_mark)
{
    *ret_mark = 0;
    for (size_t at = 0; at < len; at++) {
        for (size_t i = 0; i < n_marks; i++) {
            size_t n = strlen(marks[i]);
            if (len - at >= n && memcmp(text + at, marks[i], n) == 0) {
                *ret_mark = n;
                return at;
            }
        }
    }
    return len;
}

/* One row: its cells into `row`, its text into `out`. */
static void read_row(const struct qr_dxf_doc *doc, const char *text, size_t len, struct row *row,
                     struct qr_buf *out)
{
    static const char *const bars[] = {"%%v", "%%V"};
    struct qr_buf cell;
    size_t at = 0;

    qr_buf_init(&cell, STRING_MAX);
    for (size_t i = 0; at <= len; i++) {
        size_t mark, n = up_to(text + at, len - at, bars, QR_COUNT(bars), &mark), plain_len;
        const char *plain;
        qr_buf_clear(&cell);
        qr_dxf_mtext_plain(doc, text + at, n, &cell, NULL);
        plain_len = qr_dxf_trim((const char *)cell.data, cell.len, &plain);
        if (plain_len > 0) {
            if (out->len > 0)
                qr_buf_append_str(out, " | ");
            qr_buf_append(out, plain, plain_len);
        }
        if (!row->characteristic)
            row->characteristic = characteristic_in(plain, plain_len);
        if (i > 0 || mark == 0) /* some writers put no bar behind the symbol */
            read_cell(plain, plain_len, row);
        at += n + (mark ? mark : 1);
    }
    qr_buf_done(&cell);
}

static void report(struct qr_dxf_doc *doc, const struct row *row, const struct qr_buf *text,
                   const struct qr_dxf_entity *entity, const struct qr_dxf_where *where)
{
    const struct qr_dxf_tag *handle = qr_dxf_find(entity, 5);
    Quarry__V1__GeometricTolerance *out = qr_record_add_gdt(doc->x->rec);
    struct qr_dxf_frame *frame = qr_dxf_alloc(doc, sizeof *frame);
    const char *datums[DATUMS_MAX];
    char hex[20];

    if (!out)
        return;
    if (row->characteristic)
        out->characteristic = qr_record_text(doc->x->rec, row->characteristic);
    out->value = row->value;
    out->has_value = row->has_value;
    out->diameter_zone = row->diameter;
    if (row->modifiers[0])
        out->modifiers = qr_record_text(doc->x->rec, row->modifiers);
    for (size_t i = 0; i < row->n_datums; i++)
        datums[i] = row->datums[i];
    qr_record_set_datums(doc->x->rec, out, datums, row->n_datums);
    out->text = qr_record_string(doc->x->rec, (const char *)text->data, text->len);
    out->source = qr_record_text(doc->x->rec, "tolerance");
    if (handle && qr_dxf_handle(handle)) {
        snprintf(hex, sizeof hex, "%llX", (unsigned long long)qr_dxf_handle(handle));
        out->handle = qr_record_text(doc->x->rec, hex);
    }
    if (frame) {
        *frame = (struct qr_dxf_frame){.next = doc->frames, .where = *where, .gdt = out};
        doc->frames = frame;
    }
}

static void hand_out(const struct qr_dxf_entity *entity, const struct qr_dxf_dimvars *vars,
                     const struct qr_dxf_where *where, const struct qr_buf *all, qr_dxf_text_fn fn,
                     void *arg)
{
    double at[3] = {0}, along[3] = {1, 0, 0};
    struct qr_dxf_text piece = {
        .text = (const char *)all->data,
        .len = all->len,
        .height = vars->txt * (vars->scale > 0 ? vars->scale : 1),
        .kind = QR_DXF_TEXT_TOLERANCE,
    };
    const struct qr_dxf_tag *handle = qr_dxf_find(entity, 5);

    if (!fn || all->len == 0)
        return;
    qr_dxf_find_point(entity, 10, at);
    qr_dxf_find_point(entity, 11, along);
    piece.x = at[0];
    piece.y = at[1];
    piece.width = piece.height * (double)qr_utf8_count(piece.text, piece.len);
    piece.rotation = atan2(along[1], along[0]) * 180 / 3.14159265358979323846;
    piece.handle = handle ? qr_dxf_handle(handle) : 0;
    fn(arg, where, &piece);
}

void qr_dxf_tolerance_read(struct qr_dxf_doc *doc, const struct qr_dxf_entity *entity,
                           const struct qr_dxf_where *where, qr_dxf_text_fn fn, void *arg)
{
    static const char *const ends[] = {"^J", "\n", "\\P", "\\n"};
    const struct qr_dxf_tag *tag = qr_dxf_find(entity, 1);
    const char *characteristic = NULL, *text;
    struct qr_buf utf8, line, all;
    struct qr_dxf_dimvars vars;
    size_t at = 0, len;

    if (!tag || !tag->text)
        return;
    qr_buf_init(&utf8, STRING_MAX);
    qr_buf_init(&line, STRING_MAX);
    qr_buf_init(&all, STRING_MAX);
    qr_dxf_decode(doc, tag->text, tag->len < STRING_MAX ? tag->len : STRING_MAX, &utf8);
    text = utf8.data ? (const char *)utf8.data : "";
    len = utf8.len;
    for (size_t i = 0; i < ROWS_MAX && at < len; i++) {
        size_t mark, n = up_to(text + at, len - at, ends, QR_COUNT(ends), &mark);
        struct row row = {0};
        qr_buf_clear(&line);
        read_row(doc, text + at, n, &row, &line);
        if (line.len > 0) {
            if (all.len > 0)
                qr_buf_append_str(&all, "\n");
            qr_buf_append(&all, line.data, line.len);
        }
        if (row.characteristic)
            characteristic = row.characteristic;
        else if (row.has_value && row.n_datums > 0)
            row.characteristic = characteristic; /* the lower part of a composite frame */
        if (row.characteristic || (row.has_value && i == 0))
            report(doc, &row, &line, entity, where);
        at += n + (mark ? mark : 1);
    }
    qr_dxf_dimvars_of(doc, entity, &vars);
    hand_out(entity, &vars, where, &all, fn, arg);
    qr_buf_done(&utf8);
    qr_buf_done(&line);
    qr_buf_done(&all);
}

void qr_dxf_tolerance_finish(struct qr_dxf_doc *doc)
{
    for (struct qr_dxf_frame *f = doc->frames; f; f = f->next) {
        const struct qr_dxf_seen *seen = f->where.block ? f->where.block->seen : NULL;
        if (seen)
            f->gdt->place = qr_record_place(doc->x->rec, seen->page, seen->layout, NULL);
    }
}

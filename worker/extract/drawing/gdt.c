#include "worker/extract/drawing/gdt.h"

#include <math.h>
#include <string.h>

#include "common/record/parts.h"
#include "common/record/utf8.h"
#include "worker/extract/drawing/table.h"
#include "worker/extract/dxf/gdt.h"

enum { FRAME_CELLS = 8, FRAME_BYTES = 96 };

/* --- text of a frame --- */

struct scanner {
    const char *text;
    size_t len, at;
};

static uint32_t peek(const struct scanner *sc, size_t *bytes)
{
    uint32_t cp;
    bool valid;

    *bytes = 0;
    if (sc->at >= sc->len)
        return 0;
    *bytes = qr_utf8_next((const uint8_t *)sc->text + sc->at, sc->len - sc->at, &cp, &valid);
    return cp;
}

static void skip_blanks(struct scanner *sc)
{
    while (sc->at < sc->len && (sc->text[sc->at] == ' ' || sc->text[sc->at] == '|' ||
                                sc->text[sc->at] == '\n' || sc->text[sc->at] == '\t'))
        sc->at++;
}

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

static uint32_t characteristic(struct scanner *sc)
{
    size_t bytes;
    uint32_t cp = peek(sc, &bytes);

    if (cp >= 0xF061 && cp <= 0xF07A) /* letters of a symbol font */
        cp = qr_dxf_gdt_symbol((char)(cp - 0xF000));
    if (cp && qr_dxf_gdt_characteristic(cp)) {
        sc->at += bytes;
        return cp;
    }
    if (sc->len - sc->at > 2 && memcmp(sc->text + sc->at, "//", 2) == 0) {
        sc->at += 2;
        return 0x2225;
    }
    return 0;
}

static bool diameter(struct scanner *sc)
{
    size_t bytes;
    uint32_t cp = peek(sc, &bytes);
    bool letter = cp == 'n' && sc->at + 1 < sc->len && is_digit(sc->text[sc->at + 1]);

    if (!letter && cp != 0xD8 && cp != 0xF8 && cp != 0x2300 && cp != 0x2205 && cp != 0x3C6 &&
        cp != 0xF06E)
        return false;
    sc->at += bytes;
    return true;
}

static bool number(struct scanner *sc, double *ret)
{
    size_t from = sc->at, digits = 0;
    double value = 0, scale = 0;

    for (; sc->at < sc->len && sc->at - from < 12; sc->at++) {
        char c = sc->text[sc->at];
        if (is_digit(c)) {
            value = value * 10 + (c - '0');
            scale *= 10;
            digits++;
        } else if ((c == '.' || c == ',') && scale == 0) {
            scale = 1;
        } else {
            break;
        }
    }
    if (digits == 0) {
        sc->at = from;
        return false;
    }
    *ret = scale > 0 ? value / scale : value;
    return true;
}

/* Circled letters and "(M)"; 0 when there is none. */
static char modifier(struct scanner *sc)
{
    size_t bytes;
    uint32_t cp = peek(sc, &bytes);

    if (cp >= 0x24B6 && cp <= 0x24CF) {
        sc->at += bytes;
        return (char)('A' + (cp - 0x24B6));
    }
    if (cp == '(' && sc->at + 2 < sc->len && sc->text[sc->at + 2] == ')' &&
        strchr("MLPSFTU", sc->text[sc->at + 1])) {
        char letter = sc->text[sc->at + 1];
        sc->at += 3;
        return letter;
    }
    return 0;
}

static bool is_capital(const struct scanner *sc, size_t ahead)
{
    return sc->at + ahead < sc->len && sc->text[sc->at + ahead] >= 'A' &&
           sc->text[sc->at + ahead] <= 'Z';
}

/* "A", "A-B", "B(M)". */
static bool datum(struct scanner *sc, struct qr_gdt_frame *frame)
{
    char *out, letter;
    size_t n = 0;

    if (!is_capital(sc, 0) || is_capital(sc, 1) || frame->n_datums == QR_GDT_DATUMS_MAX)
        return false;
    out = frame->datums[frame->n_datums];
    out[n++] = sc->text[sc->at++];
    if (sc->at < sc->len && sc->text[sc->at] == '-' && is_capital(sc, 1)) {
        out[n++] = '-';
        out[n++] = sc->text[sc->at + 1];
        sc->at += 2;
    }
    if (sc->at < sc->len && is_digit(sc->text[sc->at]))
        return false; /* "C5" is no datum */
    skip_blanks(sc);
    letter = modifier(sc);
    if (letter) {
        out[n++] = '(';
        out[n++] = letter;
        out[n++] = ')';
    }
    out[n] = 0;
    frame->n_datums++;
    return true;
}

bool qr_gdt_parse(const char *utf8, size_t len, struct qr_gdt_frame *ret)
{
    struct scanner sc = {utf8, len < FRAME_BYTES ? len : FRAME_BYTES, 0};
    struct qr_gdt_frame frame = {0};
    size_t n = 0;
    char letter;

    if (len > FRAME_BYTES)
        return false;
    skip_blanks(&sc);
    frame.symbol = characteristic(&sc);
    skip_blanks(&sc);
    frame.diameter_zone = diameter(&sc);
    skip_blanks(&sc);
    frame.has_value = number(&sc, &frame.value);
    if (!frame.has_value)
        return false;
    skip_blanks(&sc);
    while (n + 1 < sizeof frame.modifiers && (letter = modifier(&sc)) != 0) {
        frame.modifiers[n++] = letter;
        skip_blanks(&sc);
    }
    while (sc.at < sc.len) {
        if (!datum(&sc, &frame))
            return false;
        skip_blanks(&sc);
    }
    *ret = frame;
    return true;
}

/* --- frames on a sheet --- */

struct finder {
    const struct qr_sheet *sheet;
    const struct qr_grid *grid;
    const struct qr_pieces *pieces;
    uint8_t *taken;
    struct qr_record *rec;
};

struct members {
    uint32_t list[FRAME_CELLS];
    size_t n;
    char text[FRAME_BYTES + 1];
    size_t len;
};

static const struct qr_sheet_span *span_of(const struct finder *f, size_t piece)
{
    return &f->sheet->spans[f->pieces->list[piece].span];
}

static bool add(struct members *m, uint32_t piece, const char *text, size_t len)
{
    if (m->n == FRAME_CELLS || m->len + len + 1 > FRAME_BYTES)
        return false;
    if (m->len > 0)
        m->text[m->len++] = ' ';
    memcpy(m->text + m->len, text, len);
    m->len += len;
    m->text[m->len] = 0;
    m->list[m->n++] = piece;
    return true;
}

static void emit(const struct finder *f, const struct members *m, const struct qr_gdt_frame *frame,
                 double confidence)
{
    Quarry__V1__GeometricTolerance *out = qr_record_add_gdt(f->rec);
    const char *name = frame->symbol ? qr_dxf_gdt_characteristic(frame->symbol) : NULL;
    const char *datums[QR_GDT_DATUMS_MAX];
    struct qr_sheet_rect box = span_of(f, m->list[0])->box;

    for (size_t i = 0; i < m->n; i++) {
        const struct qr_sheet_rect *b = &span_of(f, m->list[i])->box;
        box.x0 = fminf(box.x0, b->x0);
        box.y0 = fminf(box.y0, b->y0);
        box.x1 = fmaxf(box.x1, b->x1);
        box.y1 = fmaxf(box.y1, b->y1);
        f->taken[f->pieces->list[m->list[i]].span] = 1;
    }
    if (!out)
        return;
    for (size_t i = 0; i < frame->n_datums; i++)
        datums[i] = frame->datums[i];
    if (name)
        out->characteristic = qr_record_text(f->rec, name);
    out->value = frame->value;
    out->has_value = true;
    out->diameter_zone = frame->diameter_zone;
    out->modifiers = qr_record_text(f->rec, frame->modifiers);
    qr_record_set_datums(f->rec, out, datums, frame->n_datums);
    out->text = qr_record_string(f->rec, m->text, m->len);
    out->source =
        qr_record_text(f->rec, span_of(f, m->list[0])->source == QR_SPAN_OCR ? "ocr" : "text");
    out->confidence = confidence;
    out->place = qr_sheet_place(f->sheet, f->rec, &box);
}

/* A cell in the reading frame of a piece; only for text along x or upwards. */
struct cell {
    float u0, u1, v0, v1;
};

static bool cell_at(const struct finder *f, const struct qr_piece *piece, float u, float v,
                    struct cell *ret)
{
    struct qr_sheet_rect box;
    bool flat = piece->turn == 0;
    int sides;

    if (!flat && piece->turn != 900)
        return false;
    sides = qr_grid_cell(f->grid, &f->sheet->area, flat ? u : v, flat ? v : -u,
                         0.9f * piece->height, &box);
    *ret = flat ? (struct cell){box.x0, box.x1, box.y0, box.y1}
                : (struct cell){-box.y1, -box.y0, box.x0, box.x1};
    return sides == 4 && ret->v1 - ret->v0 < 3 * piece->height;
}

static bool same_band(const struct cell *a, const struct cell *b, float slack)
{
    return fabsf(a->v0 - b->v0) < slack && fabsf(a->v1 - b->v1) < slack;
}

/* Follow the line from the last member on as long as it reads as a frame. */
static bool follow(const struct finder *f, struct members *m, struct qr_gdt_frame *ret)
{
    struct members trial = *m;
    struct qr_gdt_frame frame;
    bool found = qr_gdt_parse(m->text, m->len, ret);

    for (int i = 0; i < FRAME_CELLS; i++) {
        uint32_t last = trial.list[trial.n - 1];
        uint32_t next = qr_pieces_next(f->pieces, last, 2.6f * f->pieces->list[last].height);
        const struct qr_sheet_span *span;
        if (next == QR_PIECES_NONE || f->taken[f->pieces->list[next].span])
            break;
        span = span_of(f, next);
        if (span->len > 24 || !add(&trial, next, span->text, span->len))
            break;
        if (qr_gdt_parse(trial.text, trial.len, &frame)) {
            *ret = frame;
            *m = trial;
            found = true;
        } else if (found) {
            break;
        }
    }
    return found;
}

static bool is_symbol_font(const char *font)
{
    for (; *font; font++)
        if ((font[0] | 0x20) == 'g' && (font[1] | 0x20) == 'd' && (font[2] | 0x20) == 't')
            return true;
    return false;
}

/* A frame that begins with its symbol, as a character or as a letter of a symbol font. */
static bool by_symbol(const struct finder *f, uint32_t piece)
{
    const struct qr_sheet_span *span = span_of(f, piece);
    struct scanner sc = {span->text, span->len, 0};
    struct members m = {.n = 0};
    struct qr_gdt_frame frame;
    char symbol[4];
    bool letter = span->len >= 1 && span->text[0] >= 'a' && span->text[0] <= 'u' && span->font &&
                  is_symbol_font(span->font) && (span->len == 1 || span->text[1] == ' ');
    uint32_t cp = letter ? qr_dxf_gdt_symbol(span->text[0]) : 0;

    if (cp && qr_dxf_gdt_characteristic(cp)) {
        m.len = qr_utf8_put(cp, symbol);
        memcpy(m.text, symbol, m.len);
        if (!add(&m, piece, span->text + 1, span->len - 1))
            return false;
    } else if (!characteristic(&sc) || !add(&m, piece, span->text, span->len)) {
        return false;
    }
    if (!follow(f, &m, &frame) || !frame.symbol)
        return false;
    emit(f, &m, &frame, 0.95);
    return true;
}

static bool is_tolerance_value(const struct qr_sheet_span *span)
{
    struct qr_gdt_frame frame;

    return span->len >= 2 && span->len <= 16 && memchr(span->text, '0', span->len) &&
           qr_gdt_parse(span->text, span->len, &frame) && !frame.symbol && frame.value < 10 &&
           (memchr(span->text, '.', span->len) || memchr(span->text, ',', span->len));
}

/* What stands in the cell of the symbol: nothing, or one glyph whose meaning is lost. */
struct symbol_cell {
    const struct finder *f;
    bool text;
    uint32_t lost; /* piece */
};

static bool look_text(size_t index, const struct qr_piece *piece, void *arg)
{
    struct symbol_cell *cell = arg;
    const struct qr_sheet_span *span = span_of(cell->f, index);

    (void)piece;
    if (span->len == 3 && memcmp(span->text, "\xEF\xBF\xBD", 3) == 0)
        cell->lost = (uint32_t)index;
    else
        cell->text = true;
    return !cell->text;
}

/* The cell before the value: of the same height, about square, without readable text. *ret_frame:
 * together they are a box of its own; *ret_lost: the glyph in it, if there is one. */
static bool has_drawn_symbol(const struct finder *f, const struct qr_piece *piece,
                             const struct cell *value, bool *ret_frame, uint32_t *ret_lost)
{
    float h = piece->height, width, height = value->v1 - value->v0;
    struct cell cell;
    struct qr_sheet_rect both;
    struct symbol_cell inside = {f, false, QR_PIECES_NONE};

    if (!cell_at(f, piece, value->u0 - 0.4f * h, (value->v0 + value->v1) / 2, &cell) ||
        !same_band(&cell, value, 0.3f * h))
        return false;
    width = cell.u1 - cell.u0;
    if (width < 0.6f * height || width > 2.5f * height)
        return false;
    both = piece->turn == 0 ? (struct qr_sheet_rect){cell.u0, cell.v0, value->u1, cell.v1}
                            : (struct qr_sheet_rect){cell.v0, -value->u1, cell.v1, -cell.u0};
    *ret_frame = qr_table_is_box(f->grid, &both, 0.15f * h);
    qr_pieces_around(f->pieces, piece,
                     &(struct qr_piece_window){cell.u0 + 0.1f * h, cell.u1 - 0.1f * h,
                                               cell.v0 + 0.1f * h, cell.v1 - 0.1f * h, false},
                     look_text, &inside);
    *ret_lost = inside.lost;
    return !inside.text;
}

/* A value in a cell between a drawn symbol and the letters of datums. */
static bool by_cells(const struct finder *f, uint32_t index)
{
    const struct qr_piece *piece = &f->pieces->list[index];
    const struct qr_sheet_span *span = span_of(f, index);
    struct members m = {.n = 0};
    struct qr_gdt_frame frame;
    struct cell cell, next_cell;
    float h = piece->height;
    bool framed;
    uint32_t lost = QR_PIECES_NONE;

    if (!is_tolerance_value(span) ||
        !cell_at(f, piece, (piece->u0 + piece->u1) / 2, (piece->v0 + piece->v1) / 2, &cell) ||
        cell.u1 - cell.u0 > piece->u1 - piece->u0 + 3 * h ||
        !has_drawn_symbol(f, piece, &cell, &framed, &lost) ||
        !add(&m, index, span->text, span->len))
        return false;
    for (uint32_t last = index; m.n < FRAME_CELLS;) {
        uint32_t next = qr_pieces_next(f->pieces, last, 2.6f * h);
        const struct qr_piece *datum_piece;
        if (next == QR_PIECES_NONE || f->taken[f->pieces->list[next].span])
            break;
        datum_piece = &f->pieces->list[next];
        span = span_of(f, next);
        if (span->len > 6 || span->text[0] < 'A' || span->text[0] > 'Z' ||
            !cell_at(f, datum_piece, (datum_piece->u0 + datum_piece->u1) / 2,
                     (datum_piece->v0 + datum_piece->v1) / 2, &next_cell) ||
            !same_band(&next_cell, &cell, 0.3f * h) || !add(&m, next, span->text, span->len))
            break;
        last = next;
    }
    if (!qr_gdt_parse(m.text, m.len, &frame) ||
        (frame.n_datums == 0 && !framed && lost == QR_PIECES_NONE))
        return false;
    if (lost != QR_PIECES_NONE)
        f->taken[f->pieces->list[lost].span] = 1;
    emit(f, &m, &frame, frame.n_datums ? 0.8 : 0.6);
    return true;
}

void qr_gdt_find(const struct qr_sheet *sheet, const struct qr_grid *grid,
                 const struct qr_pieces *pieces, uint8_t *taken, struct qr_record *rec)
{
    const struct finder f = {sheet, grid, pieces, taken, rec};

    for (uint32_t i = 0; i < pieces->n; i++)
        if (!taken[pieces->list[i].span] && !by_symbol(&f, i))
            (void)by_cells(&f, i);
}

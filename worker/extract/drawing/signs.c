#include "worker/extract/drawing/signs.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/base.h"
#include "worker/extract/drawing/sign_shapes.h"

#define REACH 1.0f     /* how far before a number its sign ends, in heights */
#define PART_MAX 1.15f /* larger shapes are no parts of a sign */
#define TOUCH 0.06f    /* parts of one sign are no farther apart */

enum {
    SIGNS_A_NUMBER = 3,
    TEXT_MAX = 40,
    NEAR_MAX = 64, /* shapes around a number; where there are more it is hatching */
    LOOKS = 512,   /* in one row */
    ROWS = 8,
};

/* --- shapes by place --- */

struct place {
    int32_t row;
    float x; /* of the middle */
    uint32_t shape;
};

struct finder {
    const struct qr_sheet *sheet;
    const struct qr_grid *grid;
    const struct qr_pieces *pieces;
    struct place *places;
    size_t n_places;
    float row_height;
    uint8_t *used; /* by shape */
    struct qr_sheet *out;
};

static int by_place(const void *a, const void *b)
{
    const struct place *left = a, *right = b;
    if (left->row != right->row)
        return left->row < right->row ? -1 : 1;
    if (left->x != right->x)
        return left->x < right->x ? -1 : 1;
    return left->shape < right->shape ? -1 : left->shape > right->shape;
}

static int32_t row_of(const struct finder *f, float y)
{
    float row = floorf(y / f->row_height);
    return row > 1e9f ? 1000000000 : row < -1e9f ? -1000000000 : (int32_t)row;
}

static bool sort_shapes(struct finder *f)
{
    f->places = calloc(f->sheet->n_shapes + 1, sizeof *f->places);
    f->used = calloc(f->sheet->n_shapes + 1, 1);
    f->row_height = f->pieces->row_height;
    if (!f->places || !f->used)
        return false;
    for (size_t i = 0; i < f->sheet->n_shapes; i++) {
        const struct qr_sheet_rect *b = &f->sheet->shapes[i].box;
        float x = (b->x0 + b->x1) / 2, y = (b->y0 + b->y1) / 2;
        if (isfinite(x) && isfinite(y))
            f->places[f->n_places++] = (struct place){row_of(f, y), x, (uint32_t)i};
    }
    qsort(f->places, f->n_places, sizeof *f->places, by_place);
    return true;
}

static size_t lower_bound(const struct finder *f, int32_t row, float x)
{
    size_t from = 0, to = f->n_places;

    while (from < to) {
        size_t middle = from + (to - from) / 2;
        const struct place *p = &f->places[middle];
        if (p->row < row || (p->row == row && p->x < x))
            from = middle + 1;
        else
            to = middle;
    }
    return from;
}

/* --- shapes as a number sees them --- */

/* A number, the direction it is read in, and how high its letters are. */
struct number {
    const struct qr_sheet_span *span;
    const struct qr_piece *piece;
    struct qr_sign_view view;
    float h, v; /* of the middle */
};

struct near {
    uint32_t shape;
    float u0, v0, u1, v1;
    bool taken;
};

/* Unused shapes whose middle is within a box of the number's frame. More than NEAR_MAX: none. */
static size_t look_around(const struct finder *f, const struct number *nr, const float box[4],
                          struct near *ret)
{
    struct qr_sign_view back = {nr->view.c, -nr->view.s};
    float x0 = INFINITY, y0 = INFINITY, x1 = -INFINITY, y1 = -INFINITY;
    size_t n = 0;

    for (int i = 0; i < 4; i++) {
        float u = box[i % 2 ? 2 : 0], v = box[i < 2 ? 1 : 3];
        float x = u * back.c - v * back.s, y = u * back.s + v * back.c;
        x0 = fminf(x0, x), x1 = fmaxf(x1, x), y0 = fminf(y0, y), y1 = fmaxf(y1, y);
    }
    int32_t first = row_of(f, y0), last = row_of(f, y1);
    for (int32_t row = first; row <= last && row < first + ROWS; row++) {
        size_t i = lower_bound(f, row, x0);
        for (size_t looks = 0; i < f->n_places && looks < LOOKS; i++, looks++) {
            const struct place *p = &f->places[i];
            const struct qr_sheet_shape *shape = &f->sheet->shapes[p->shape];
            float b[4], u, v;
            if (p->row != row || p->x > x1)
                break;
            qr_sign_box(shape, nr->view, b);
            u = (b[0] + b[2]) / 2, v = (b[1] + b[3]) / 2;
            if (f->used[p->shape] || u < box[0] || u > box[2] || v < box[1] || v > box[3])
                continue;
            if (n == NEAR_MAX)
                return 0;
            ret[n++] = (struct near){p->shape, b[0], b[1], b[2], b[3], false};
        }
    }
    return n;
}

static void take(const struct finder *f, const struct number *nr, struct near *near,
                 struct qr_sign_figure *figure)
{
    near->taken = true;
    qr_sign_add(figure, &f->sheet->shapes[near->shape], nr->view, 0.03f * nr->h);
}

/* All that hangs together with `seed`. */
static void gather(const struct finder *f, const struct number *nr, struct near *list, size_t n,
                   size_t seed, struct qr_sign_figure *ret)
{
    float touch = TOUCH * nr->h;
    bool grown = true;

    *ret = (struct qr_sign_figure){.n_lines = 0};
    take(f, nr, &list[seed], ret);
    while (grown) {
        grown = false;
        for (size_t i = 0; i < n; i++) {
            struct near *s = &list[i];
            if (s->taken || s->u0 > ret->u1 + touch || s->u1 < ret->u0 - touch ||
                s->v0 > ret->v1 + touch || s->v1 < ret->v0 - touch)
                continue;
            take(f, nr, s, ret);
            grown = true;
        }
    }
}

/* The figure becomes a span on the number's line. */
static void put(struct finder *f, const struct number *nr, const struct near *list, size_t n,
                const struct qr_sign_figure *figure, uint32_t sign)
{
    static const struct {
        uint32_t sign;
        const char *text;
    } texts[] = {
        {0xD8, "\xC3\x98"},       {0x21A7, "\xE2\x86\xA7"}, {0x2334, "\xE2\x8C\xB4"},
        {0x2335, "\xE2\x8C\xB5"}, {0x25A1, "\xE2\x96\xA1"}, {0xB0, "\xC2\xB0"},
        {0x25CE, "\xE2\x97\x8E"}, {0x25CB, "\xE2\x97\x8B"}, {0x2316, "\xE2\x8C\x96"},
        {0x232D, "\xE2\x8C\xAD"}, {0x23E4, "\xE2\x8F\xA4"}, {0x27C2, "\xE2\x9F\x82"},
        {0x2225, "\xE2\x88\xA5"}, {0x2220, "\xE2\x88\xA0"}, {0x23E5, "\xE2\x8F\xA5"},
        {0x232F, "\xE2\x8C\xAF"}, {0x2197, "\xE2\x86\x97"}, {0x2330, "\xE2\x8C\xB0"},
        {0x2312, "\xE2\x8C\x92"}, {0x2313, "\xE2\x8C\x93"},
    };
    const float c = nr->view.c, s = nr->view.s;
    struct qr_sheet_span *span = &f->out->spans[f->out->n_spans];
    const char *text = NULL;

    for (size_t i = 0; i < QR_COUNT(texts); i++)
        if (texts[i].sign == sign)
            text = texts[i].text;
    if (!text || f->out->n_spans == f->out->cap_spans)
        return;
    *span = *nr->span;
    span->text = text;
    span->len = (uint32_t)strlen(text);
    span->box = (struct qr_sheet_rect){INFINITY, INFINITY, -INFINITY, -INFINITY};
    for (int i = 0; i < 4; i++) {
        float u = i % 2 ? figure->u1 : figure->u0, v = i < 2 ? nr->piece->v0 : nr->piece->v1;
        span->box.x0 = fminf(span->box.x0, u * c + v * s);
        span->box.y0 = fminf(span->box.y0, v * c - u * s);
        span->box.x1 = fmaxf(span->box.x1, u * c + v * s);
        span->box.y1 = fmaxf(span->box.y1, v * c - u * s);
    }
    for (size_t i = 0; i < n; i++)
        if (list[i].taken)
            f->used[list[i].shape] = 1;
    f->out->n_spans++;
}

/* --- where signs stand --- */

static bool begins_with_diameter(const struct qr_sheet_span *span)
{
    static const char *const signs[] = {"\xC3\x98", "\xC3\xB8", "\xE2\x8C\x80", "\xE2\x88\x85"};

    for (size_t i = 0; i < QR_COUNT(signs); i++)
        if (span->len > strlen(signs[i]) && memcmp(span->text, signs[i], strlen(signs[i])) == 0)
            return true;
    return false;
}

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

/* The sign that ends just before `edge`; its left edge is *ret_edge. 0: none. */
static uint32_t sign_before(struct finder *f, const struct number *nr, float edge, bool diameter,
                            float *ret_edge)
{
    float h = nr->h, reach[4] = {edge - (REACH + 1.2f) * h, nr->v - 0.75f * h, edge + 0.1f * h,
                                 nr->v + 0.75f * h};
    struct near list[NEAR_MAX];
    struct qr_sign_figure figure;
    size_t n = look_around(f, nr, reach, list), kept = 0, seed = 0;
    uint32_t sign;

    for (size_t i = 0; i < n; i++)
        if (fmaxf(list[i].u1 - list[i].u0, list[i].v1 - list[i].v0) <= PART_MAX * h)
            list[kept++] = list[i];
    for (size_t i = 1; i < kept; i++)
        if (list[i].u1 > list[seed].u1)
            seed = i;
    if (kept == 0)
        return 0;
    gather(f, nr, list, kept, seed, &figure);
    if (figure.u1 < edge - REACH * h || figure.u1 > edge + 0.25f * h ||
        fabsf((figure.v0 + figure.v1) / 2 - nr->v) > 0.4f * h)
        return 0;
    sign = qr_sign_of_dimension(&figure, h);
    if ((sign == 0x2334 || sign == 0x2335) && !diameter)
        return 0;
    if (sign == 0x25A1 && figure.u1 < edge - 0.5f * h)
        return 0;
    if (!sign)
        return 0;
    put(f, nr, list, kept, &figure, sign);
    *ret_edge = figure.u0;
    return sign;
}

/* A small circle behind the head of the number, alone. */
static void degrees_behind(struct finder *f, const struct number *nr)
{
    float h = nr->h, u = nr->piece->u1;
    float reach[4] = {u - 0.1f * h, nr->v - 0.6f * h, u + 0.5f * h, nr->v - 0.08f * h};
    struct near list[NEAR_MAX];
    struct qr_sign_figure figure;
    size_t n = look_around(f, nr, reach, list);
    char last = nr->span->text[nr->span->len - 1];

    if (n == 0 || n > 2 || !is_digit(last))
        return;
    gather(f, nr, list, n, 0, &figure);
    if (figure.other || figure.n_rounds != 1 || figure.n_lines > 0 || figure.n_arcs > 0 ||
        figure.rounds[0].r < 0.06f * h || figure.rounds[0].r > 0.2f * h ||
        figure.u0 > u + 0.35f * h)
        return;
    put(f, nr, list, n, &figure, 0xB0);
}

/* --- frames --- */

static bool cell_at(const struct finder *f, const struct number *nr, float u, float v, float ret[4])
{
    struct qr_sheet_rect box;
    const float c = nr->view.c, s = nr->view.s;
    struct qr_sheet_shape corners = {.kind = QR_SHAPE_OTHER};

    if (qr_grid_cell(f->grid, &f->sheet->area, u * c + v * s, v * c - u * s, 0.9f * nr->h, &box) <
        4)
        return false;
    corners.box = box;
    qr_sign_box(&corners, nr->view, ret);
    return ret[3] - ret[1] < 3 * nr->h;
}

/* The characteristic in the cell before the one that holds the value; `edge` is its left end. */
static void characteristic_before(struct finder *f, const struct number *nr, float edge)
{
    float value[4], cell[4], h = nr->h, margin = 0.04f * h;
    struct near list[NEAR_MAX];
    struct qr_sign_figure figure = {.n_lines = 0};
    size_t n, inside = 0;
    uint32_t sign;

    if (nr->piece->turn % 900 != 0 ||
        !cell_at(f, nr, (nr->piece->u0 + nr->piece->u1) / 2, nr->v, value) ||
        value[0] > edge + 0.1f * h || value[0] < edge - 3 * h ||
        !cell_at(f, nr, value[0] - 0.4f * h, nr->v, cell) || cell[2] - cell[0] > 3 * h ||
        cell[1] > value[1] + 0.3f * h || cell[3] < value[3] - 0.3f * h)
        return;
    n = look_around(f, nr, cell, list);
    for (size_t i = 0; i < n; i++)
        if (list[i].u0 > cell[0] + margin && list[i].u1 < cell[2] - margin &&
            list[i].v0 > cell[1] + margin && list[i].v1 < cell[3] - margin)
            list[inside++] = list[i];
    for (size_t i = 0; i < inside; i++)
        take(f, nr, &list[i], &figure);
    sign = inside > 0 ? qr_sign_of_tolerance(&figure, h) : 0;
    if (sign)
        put(f, nr, list, inside, &figure, sign);
}

static void look_at(struct finder *f, const struct qr_piece *piece)
{
    const struct qr_sheet_span *span = &f->sheet->spans[piece->span];
    float turn = (float)piece->turn / 10 * 0.017453292519943295f, edge = piece->u0;
    struct number nr = {
        span, piece, {cosf(turn), sinf(turn)}, piece->height, (piece->v0 + piece->v1) / 2};
    bool diameter = begins_with_diameter(span);
    uint32_t sign;

    if (span->len == 0 || span->len > TEXT_MAX || span->source == QR_SPAN_OCR ||
        !(diameter || is_digit(span->text[0]) ||
          (span->len > 1 && span->text[0] == '.' && is_digit(span->text[1]))))
        return;
    if (piece->turn % 900 == 0) { /* what is straight stays straight */
        nr.view.c = roundf(nr.view.c);
        nr.view.s = roundf(nr.view.s);
    }
    for (int i = 0; i < SIGNS_A_NUMBER; i++) {
        sign = sign_before(f, &nr, edge, diameter, &edge);
        if (!sign)
            break;
        diameter |= sign == 0xD8;
    }
    characteristic_before(f, &nr, edge);
    degrees_behind(f, &nr);
}

bool qr_signs_add(const struct qr_sheet *sheet, const struct qr_grid *grid,
                  const struct qr_pieces *pieces, struct qr_sheet *ret)
{
    struct qr_sheet out = *sheet;
    struct finder f = {.sheet = sheet, .grid = grid, .pieces = pieces, .out = &out};
    bool ok;

    out.cap_spans = sheet->n_spans + sheet->n_shapes + 1;
    out.spans = calloc(out.cap_spans, sizeof *out.spans);
    ok = out.spans && sort_shapes(&f);
    if (ok) {
        if (sheet->n_spans > 0)
            memcpy(out.spans, sheet->spans, sheet->n_spans * sizeof *out.spans);
        for (size_t i = 0; i < pieces->n; i++)
            look_at(&f, &pieces->list[i]);
        *ret = out;
    } else {
        free(out.spans);
    }
    free(f.places);
    free(f.used);
    return ok;
}

bool qr_signs_in_balloon(const struct qr_sheet *sheet, const struct qr_sheet_rect *box,
                         float height)
{
    float x = (box->x0 + box->x1) / 2, y = (box->y0 + box->y1) / 2;

    for (size_t i = 0; i < sheet->n_shapes; i++) {
        const struct qr_sheet_rect *b = &sheet->shapes[i].box;
        float r = (b->x1 - b->x0) / 2;
        if (sheet->shapes[i].kind == QR_SHAPE_ROUND && r > 0.7f * height && r < 3 * height &&
            fabsf((b->x0 + b->x1) / 2 - x) < 0.4f * r && fabsf((b->y0 + b->y1) / 2 - y) < 0.4f * r)
            return true;
    }
    return false;
}

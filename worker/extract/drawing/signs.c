#include "worker/extract/drawing/signs.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SIGNS_A_NUMBER = 3, FIGURES_TRIED = 256 };

static const char *text_of(enum qr_figure_kind kind)
{
    switch (kind) {
    case QR_FIGURE_DIAMETER:
        return "\xC3\x98"; /* Ø */
    case QR_FIGURE_DEPTH:
        return "\xE2\x86\xA7"; /* ↧ */
    case QR_FIGURE_CONCENTRIC:
        return "\xE2\x97\x8E"; /* ◎ */
    case QR_FIGURE_POSITION:
        return "\xE2\x8C\x96"; /* ⌖ */
    default:
        return NULL;
    }
}

/* Figures that are signs, by their middle from left to right. */
static int by_middle(const void *a, const void *b)
{
    const struct qr_sheet_figure *left = a, *right = b;
    float l = left->box.x0 + left->box.x1, r = right->box.x0 + right->box.x1;
    return (l > r) - (l < r);
}

static bool is_finite(const struct qr_sheet_rect *b)
{
    return isfinite(b->x0) && isfinite(b->x1) && isfinite(b->y0) && isfinite(b->y1);
}

struct signs {
    struct qr_sheet_figure *list;
    size_t n;
};

static bool sort_signs(const struct qr_sheet *sheet, struct signs *ret)
{
    ret->list = calloc(sheet->n_figures + 1, sizeof *ret->list);
    if (!ret->list)
        return false;
    for (size_t i = 0; i < sheet->n_figures; i++)
        if (text_of(sheet->figures[i].kind) && is_finite(&sheet->figures[i].box))
            ret->list[ret->n++] = sheet->figures[i];
    qsort(ret->list, ret->n, sizeof *ret->list, by_middle);
    return true;
}

static float middle_x(const struct qr_sheet_figure *f) { return (f->box.x0 + f->box.x1) / 2; }

/* The place before a text from which to look back, and the direction of reading. */
struct view {
    float u, v, c, s, height;
};

/* The nearest sign before the view's place; NULL when there is none. */
static const struct qr_sheet_figure *look_back(const struct signs *signs, const struct view *view)
{
    float h = view->height, x = view->u * view->c + view->v * view->s, reach = 2.2f * h;
    const struct qr_sheet_figure *found = NULL;
    float best = -INFINITY;
    size_t from = 0, to = signs->n;

    while (from < to) {
        size_t middle = from + (to - from) / 2;
        if (middle_x(&signs->list[middle]) < x - reach)
            from = middle + 1;
        else
            to = middle;
    }
    for (size_t i = from; i < signs->n && i < from + FIGURES_TRIED; i++) {
        const struct qr_sheet_figure *f = &signs->list[i];
        float fx = middle_x(f), fy = (f->box.y0 + f->box.y1) / 2, u, v, half;
        if (fx > x + reach)
            break;
        u = fx * view->c - fy * view->s;
        v = fx * view->s + fy * view->c;
        half = fmaxf(f->box.x1 - f->box.x0, f->box.y1 - f->box.y0) / 2;
        if (half < 0.2f * h || half > 0.8f * h || fabsf(v - view->v) > 0.45f * h ||
            u + half > view->u + 0.25f * h || u + half < view->u - 1.6f * h || u <= best)
            continue;
        best = u;
        found = f;
    }
    return found;
}

static bool has_digit(const struct qr_sheet_span *span)
{
    for (uint32_t i = 0; i < span->len && i < 40; i++)
        if (span->text[i] >= '0' && span->text[i] <= '9')
            return true;
    return false;
}

static void add_signs(const struct signs *signs, const struct qr_sheet_span *number,
                      const struct qr_piece *piece, struct qr_sheet *ret, size_t room)
{
    float turn = (float)piece->turn / 10 * 0.017453292519943295f;
    struct view view = {piece->u0, (piece->v0 + piece->v1) / 2, cosf(turn), sinf(turn),
                        piece->height};

    for (int i = 0; i < SIGNS_A_NUMBER && ret->n_spans < room; i++) {
        const struct qr_sheet_figure *f = look_back(signs, &view);
        struct qr_sheet_span *span = &ret->spans[ret->n_spans];
        float u;
        if (!f)
            return;
        *span = *number;
        span->text = text_of(f->kind);
        span->len = (uint32_t)strlen(span->text);
        span->box = f->box;
        ret->n_spans++;
        u = middle_x(f) * view.c - (f->box.y0 + f->box.y1) / 2 * view.s;
        view.u = u - fmaxf(f->box.x1 - f->box.x0, f->box.y1 - f->box.y0) / 2;
    }
}

bool qr_signs_add(const struct qr_sheet *sheet, const struct qr_pieces *pieces,
                  struct qr_sheet *ret)
{
    size_t room = sheet->n_spans + sheet->n_figures * 2 + 1;
    struct signs signs = {0};
    struct qr_sheet_span *spans = calloc(room, sizeof *spans);

    if (!spans || !sort_signs(sheet, &signs)) {
        free(spans);
        return false;
    }
    if (sheet->n_spans > 0)
        memcpy(spans, sheet->spans, sheet->n_spans * sizeof *spans);
    *ret = *sheet;
    ret->spans = spans;
    ret->cap_spans = room;
    for (size_t i = 0; signs.n > 0 && i < pieces->n; i++) {
        const struct qr_sheet_span *span = &sheet->spans[pieces->list[i].span];
        if (span->len <= 40 && has_digit(span))
            add_signs(&signs, span, &pieces->list[i], ret, room);
    }
    free(signs.list);
    return true;
}

bool qr_signs_in_balloon(const struct qr_sheet *sheet, const struct qr_sheet_rect *box,
                         float height)
{
    float x = (box->x0 + box->x1) / 2, y = (box->y0 + box->y1) / 2;

    for (size_t i = 0; i < sheet->n_figures; i++) {
        const struct qr_sheet_rect *f = &sheet->figures[i].box;
        float r = (f->x1 - f->x0) / 2;
        if (sheet->figures[i].kind == QR_FIGURE_CIRCLE && r > 0.7f * height && r < 3 * height &&
            fabsf((f->x0 + f->x1) / 2 - x) < 0.4f * r && fabsf((f->y0 + f->y1) / 2 - y) < 0.4f * r)
            return true;
    }
    return false;
}

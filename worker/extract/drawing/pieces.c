#include "worker/extract/drawing/pieces.h"

#include <math.h>
#include <stdlib.h>

#define DEGREES 0.017453292519943295f

static bool is_finite_box(const struct qr_sheet_rect *box)
{
    return isfinite(box->x0) && isfinite(box->y0) && isfinite(box->x1) && isfinite(box->y1) &&
           fabsf(box->x0) < 1e9f && fabsf(box->y0) < 1e9f && fabsf(box->x1) < 1e9f &&
           fabsf(box->y1) < 1e9f;
}

/* Of a box turned by an oblique angle only the enclosing one is known: length and centre. */
static void oblique(struct qr_piece *piece, const struct qr_sheet_rect *box, float c, float s)
{
    float width = box->x1 - box->x0, height = box->y1 - box->y0;
    float along_x = fabsf(c) > 0.3f ? (width - piece->height * fabsf(s)) / fabsf(c) : 0;
    float along_y = fabsf(s) > 0.3f ? (height - piece->height * fabsf(c)) / fabsf(s) : 0;
    float length = fmaxf(fmaxf(along_x, along_y), piece->height * 0.5f);
    float x = (box->x0 + box->x1) / 2, y = (box->y0 + box->y1) / 2;
    float u = x * c - y * s, v = x * s + y * c;

    piece->u0 = u - length / 2;
    piece->u1 = u + length / 2;
    piece->v0 = v - piece->height / 2;
    piece->v1 = v + piece->height / 2;
}

static bool fill(struct qr_piece *piece, const struct qr_sheet_span *span)
{
    const struct qr_sheet_rect *b = &span->box;
    float angle = isfinite(span->angle) ? fmodf(span->angle, 360) : 0;

    if (!is_finite_box(b))
        return false;
    if (angle < 0)
        angle += 360;
    piece->turn = (int32_t)lroundf(angle * 10) % 3600;
    piece->height = span->height > 0 && isfinite(span->height) ? span->height : b->y1 - b->y0;
    if (!(piece->height > 0) || piece->height > 1e9f)
        return false;
    switch (piece->turn) {
    case 0:
        piece->u0 = b->x0, piece->u1 = b->x1, piece->v0 = b->y0, piece->v1 = b->y1;
        break;
    case 900:
        piece->u0 = -b->y1, piece->u1 = -b->y0, piece->v0 = b->x0, piece->v1 = b->x1;
        break;
    case 1800:
        piece->u0 = -b->x1, piece->u1 = -b->x0, piece->v0 = -b->y1, piece->v1 = -b->y0;
        break;
    case 2700:
        piece->u0 = b->y0, piece->u1 = b->y1, piece->v0 = -b->x1, piece->v1 = -b->x0;
        break;
    default:
        oblique(piece, b, cosf(angle * DEGREES), sinf(angle * DEGREES));
    }
    return true;
}

static int by_place(const void *a, const void *b)
{
    const struct qr_piece *left = a, *right = b;

    if (left->turn != right->turn)
        return left->turn < right->turn ? -1 : 1;
    if (left->row != right->row)
        return left->row < right->row ? -1 : 1;
    if (left->u0 != right->u0)
        return left->u0 < right->u0 ? -1 : 1;
    return left->span < right->span ? -1 : left->span > right->span;
}

static int by_value(const void *a, const void *b)
{
    const float *left = a, *right = b;
    return (*left > *right) - (*left < *right);
}

static float median_height(const struct qr_pieces *pieces)
{
    float *heights = malloc((pieces->n + 1) * sizeof *heights), middle = 1;

    if (!heights)
        return 1;
    for (size_t i = 0; i < pieces->n; i++)
        heights[i] = pieces->list[i].height;
    qsort(heights, pieces->n, sizeof *heights, by_value);
    if (pieces->n > 0)
        middle = heights[pieces->n / 2];
    free(heights);
    return middle;
}

static int32_t row_of(const struct qr_pieces *pieces, float v)
{
    float row = floorf(v / pieces->row_height);
    return row > 1e9f ? 1000000000 : row < -1e9f ? -1000000000 : (int32_t)row;
}

bool qr_pieces_init(struct qr_pieces *pieces, const struct qr_sheet *sheet)
{
    *pieces = (struct qr_pieces){.row_height = 1};
    if (sheet->n_spans == 0)
        return true;
    pieces->list = calloc(sheet->n_spans, sizeof *pieces->list);
    if (!pieces->list)
        return false;
    for (size_t i = 0; i < sheet->n_spans; i++) {
        struct qr_piece *piece = &pieces->list[pieces->n];
        if (!fill(piece, &sheet->spans[i]))
            continue;
        piece->span = (uint32_t)i;
        pieces->widest = fmaxf(pieces->widest, piece->u1 - piece->u0);
        pieces->n++;
    }
    pieces->row_height = fmaxf(median_height(pieces) * 1.5f, 1e-6f);
    for (size_t i = 0; i < pieces->n; i++)
        pieces->list[i].row = row_of(pieces, (pieces->list[i].v0 + pieces->list[i].v1) / 2);
    qsort(pieces->list, pieces->n, sizeof *pieces->list, by_place);
    return true;
}

void qr_pieces_done(struct qr_pieces *pieces)
{
    free(pieces->list);
    *pieces = (struct qr_pieces){0};
}

/* The first piece of a row that begins at u or later. */
static size_t lower_bound(const struct qr_pieces *pieces, int32_t turn, int32_t row, float u)
{
    size_t from = 0, to = pieces->n;

    while (from < to) {
        size_t middle = from + (to - from) / 2;
        const struct qr_piece *p = &pieces->list[middle];
        if (p->turn < turn || (p->turn == turn && (p->row < row || (p->row == row && p->u0 < u))))
            from = middle + 1;
        else
            to = middle;
    }
    return from;
}

void qr_pieces_around(const struct qr_pieces *pieces, const struct qr_piece *of,
                      const struct qr_piece_window *window, qr_piece_fn fn, void *arg)
{
    float margin = window->begins ? 0 : of->height;
    int32_t first = row_of(pieces, window->v0 - margin), rows = 0;
    int32_t last = row_of(pieces, window->v1 + margin);
    /* how far to the left one may begin */
    float reach = window->begins ? 0 : fminf(pieces->widest, of->height * 12);

    for (int32_t row = first; row <= last && rows < 12; row++, rows++) {
        size_t i = lower_bound(pieces, of->turn, row, window->u0 - reach);
        for (size_t looks = 0; i < pieces->n && looks < QR_PIECES_LOOKS; i++, looks++) {
            const struct qr_piece *p = &pieces->list[i];
            if (p->turn != of->turn || p->row != row || p->u0 > window->u1)
                break;
            if (p == of || p->u1 < window->u0 || p->v0 > window->v1 || p->v1 < window->v0)
                continue;
            if (!fn(i, p, arg))
                return;
        }
    }
}

struct next {
    const struct qr_piece *of;
    uint32_t index;
    float at;
};

static bool look_next(size_t index, const struct qr_piece *piece, void *arg)
{
    struct next *next = arg;
    const struct qr_piece *of = next->of;
    float apart = (piece->v0 + piece->v1 - of->v0 - of->v1) / 2;
    float height = fminf(piece->height, of->height);

    if (fabsf(apart) > 0.45f * height || piece->u0 < of->u1 - 0.8f * of->height ||
        piece->u0 <= of->u0 || piece->u1 <= of->u1)
        return true;
    if (next->index == QR_PIECES_NONE || piece->u0 < next->at) {
        next->index = (uint32_t)index;
        next->at = piece->u0;
    }
    return true;
}

uint32_t qr_pieces_next(const struct qr_pieces *pieces, size_t index, float gap)
{
    const struct qr_piece *of = &pieces->list[index];
    float middle = (of->v0 + of->v1) / 2, across = 0.45f * of->height;
    struct qr_piece_window window = {of->u1 - 0.8f * of->height, of->u1 + gap, middle - across,
                                     middle + across, true};
    struct next next = {of, QR_PIECES_NONE, 0};

    qr_pieces_around(pieces, of, &window, look_next, &next);
    return next.index;
}

#include "worker/extract/drawing/sign_shapes.h"

#include <math.h>

#include "common/base.h"

#define DEGREES 57.29577951308232f

/* ---------------------------------------------------------------- collecting */

static struct qr_sheet_point seen(struct qr_sign_view view, float x, float y)
{
    return (struct qr_sheet_point){x * view.c - y * view.s, x * view.s + y * view.c};
}

static void widen(float box[4], struct qr_sheet_point at)
{
    box[0] = fminf(box[0], at.x);
    box[1] = fminf(box[1], at.y);
    box[2] = fmaxf(box[2], at.x);
    box[3] = fmaxf(box[3], at.y);
}

void qr_sign_box(const struct qr_sheet_shape *shape, struct qr_sign_view view, float ret[4])
{
    const struct qr_sheet_rect *b = &shape->box;
    struct qr_sheet_point middle = seen(view, (b->x0 + b->x1) / 2, (b->y0 + b->y1) / 2);
    float r = (b->x1 - b->x0 + b->y1 - b->y0) / 4;

    ret[0] = ret[1] = INFINITY;
    ret[2] = ret[3] = -INFINITY;
    if (shape->kind == QR_SHAPE_ROUND) {
        widen(ret, (struct qr_sheet_point){middle.x - r, middle.y - r});
        widen(ret, (struct qr_sheet_point){middle.x + r, middle.y + r});
    } else if (shape->kind == QR_SHAPE_CHAIN) {
        for (size_t i = 0; i < shape->n && i < QR_SHAPE_POINTS; i++)
            widen(ret, seen(view, shape->points[i].x, shape->points[i].y));
    } else {
        for (int i = 0; i < 4; i++)
            widen(ret, seen(view, i % 2 ? b->x1 : b->x0, i < 2 ? b->y0 : b->y1));
    }
}

static bool is_near(float u0, float v0, float u1, float v1, float slack)
{
    return fabsf(u0 - u1) <= slack && fabsf(v0 - v1) <= slack;
}

static void add_line(struct qr_sign_figure *figure, struct qr_sheet_point a,
                     struct qr_sheet_point b, float same)
{
    bool turned = b.x < a.x || (b.x == a.x && b.y < a.y);
    struct qr_sign_line line = turned ? (struct qr_sign_line){b.x, b.y, a.x, a.y}
                                      : (struct qr_sign_line){a.x, a.y, b.x, b.y};

    if (is_near(a.x, a.y, b.x, b.y, same))
        return;
    for (size_t i = 0; i < figure->n_lines; i++) {
        const struct qr_sign_line *l = &figure->lines[i];
        if ((is_near(l->u0, l->v0, a.x, a.y, same) && is_near(l->u1, l->v1, b.x, b.y, same)) ||
            (is_near(l->u0, l->v0, b.x, b.y, same) && is_near(l->u1, l->v1, a.x, a.y, same)))
            return;
    }
    if (figure->n_lines == QR_SIGN_LINES)
        figure->other = true;
    else
        figure->lines[figure->n_lines++] = line;
}

static void add_round(struct qr_sign_figure *figure, const float box[4], float same)
{
    float u = (box[0] + box[2]) / 2, v = (box[1] + box[3]) / 2, r = (box[2] - box[0]) / 2;

    for (size_t i = 0; i < figure->n_rounds; i++)
        if (is_near(figure->rounds[i].u, figure->rounds[i].v, u, v, same) &&
            fabsf(figure->rounds[i].r - r) <= same)
            return;
    if (figure->n_rounds == QR_SIGN_ROUNDS) {
        figure->other = true;
        return;
    }
    figure->rounds[figure->n_rounds].u = u;
    figure->rounds[figure->n_rounds].v = v;
    figure->rounds[figure->n_rounds++].r = r;
}

void qr_sign_add(struct qr_sign_figure *figure, const struct qr_sheet_shape *shape,
                 struct qr_sign_view view, float same)
{
    bool first = figure->n_lines + figure->n_rounds + figure->n_arcs == 0 && !figure->other;
    size_t n = shape->n < QR_SHAPE_POINTS ? shape->n : QR_SHAPE_POINTS;
    struct qr_sheet_point points[QR_SHAPE_POINTS];
    float box[4];

    qr_sign_box(shape, view, box);
    figure->u0 = first ? box[0] : fminf(figure->u0, box[0]);
    figure->v0 = first ? box[1] : fminf(figure->v0, box[1]);
    figure->u1 = first ? box[2] : fmaxf(figure->u1, box[2]);
    figure->v1 = first ? box[3] : fmaxf(figure->v1, box[3]);
    for (size_t i = 0; i < n; i++)
        points[i] = seen(view, shape->points[i].x, shape->points[i].y);
    switch ((enum qr_shape_kind)shape->kind) {
    case QR_SHAPE_CHAIN:
        for (size_t i = 0; i + 1 < n; i++)
            add_line(figure, points[i], points[i + 1], same);
        if (shape->closed && n > 2)
            add_line(figure, points[n - 1], points[0], same);
        break;
    case QR_SHAPE_ROUND:
        add_round(figure, box, same);
        break;
    case QR_SHAPE_ARC:
        for (size_t i = 0; i < 3 && n == 3; i++) {
            figure->arc.u[i] = points[i].x;
            figure->arc.v[i] = points[i].y;
        }
        figure->n_arcs++;
        break;
    default:
        figure->other = true;
    }
}

/* ---------------------------------------------------------------- strokes */

enum slope { FLAT, RISING, UPRIGHT, FALLING, BETWEEN };

static enum slope slope_of(const struct qr_sign_line *l)
{
    float degrees = atan2f(l->v0 - l->v1, l->u1 - l->u0) * DEGREES; /* -90 .. 90 */

    if (fabsf(degrees) < 8)
        return FLAT;
    if (fabsf(degrees) > 82)
        return UPRIGHT;
    if (fabsf(degrees) < 18)
        return BETWEEN;
    return degrees > 0 ? RISING : FALLING;
}

static float length_of(const struct qr_sign_line *l)
{
    return hypotf(l->u1 - l->u0, l->v1 - l->v0);
}

static float top(const struct qr_sign_line *l) { return fminf(l->v0, l->v1); }
static float bottom(const struct qr_sign_line *l) { return fmaxf(l->v0, l->v1); }
static float middle_u(const struct qr_sign_line *l) { return (l->u0 + l->u1) / 2; }
static float middle_v(const struct qr_sign_line *l) { return (l->v0 + l->v1) / 2; }

/* The strokes of a figure by their slope, those of one slope from left to right. */
struct strokes {
    const struct qr_sign_line *list[BETWEEN + 1][QR_SIGN_LINES];
    size_t n[BETWEEN + 1];
};

static void sort_strokes(const struct qr_sign_figure *f, struct strokes *ret)
{
    for (size_t i = 0; i <= BETWEEN; i++)
        ret->n[i] = 0;
    for (size_t i = 0; i < f->n_lines; i++) {
        enum slope slope = slope_of(&f->lines[i]);
        const struct qr_sign_line **list = ret->list[slope];
        size_t at = ret->n[slope]++;
        for (; at > 0 && middle_u(list[at - 1]) > middle_u(&f->lines[i]); at--)
            list[at] = list[at - 1];
        list[at] = &f->lines[i];
    }
}

static bool has(const struct strokes *s, size_t flat, size_t rising, size_t upright, size_t falling)
{
    return s->n[FLAT] == flat && s->n[RISING] == rising && s->n[UPRIGHT] == upright &&
           s->n[FALLING] == falling && s->n[BETWEEN] == 0;
}

static bool is_between(float value, float low, float high) { return value >= low && value <= high; }

static bool is_parallel(const struct qr_sign_line *a, const struct qr_sign_line *b)
{
    float cross = (a->u1 - a->u0) * (b->v1 - b->v0) - (a->v1 - a->v0) * (b->u1 - b->u0);
    float la = length_of(a), lb = length_of(b);

    return fabsf(cross) < 0.12f * la * lb && fabsf(la - lb) < 0.2f * fmaxf(la, lb);
}

/* How far a point is from the line through a stroke. */
static float off_line(const struct qr_sign_line *l, float u, float v)
{
    return fabsf((l->u1 - l->u0) * (v - l->v0) - (l->v1 - l->v0) * (u - l->u0)) / length_of(l);
}

/* ---------------------------------------------------------------- signs of dimensions */

static bool is_diameter(const struct qr_sign_figure *f, const struct strokes *s, float h)
{
    const struct qr_sign_line *slash;
    float r = f->rounds[0].r;

    if (f->n_rounds != 1 || !has(s, 0, 1, 0, 0) || !is_between(r, 0.12f * h, 0.6f * h))
        return false;
    slash = s->list[RISING][0];
    return is_near(middle_u(slash), middle_v(slash), f->rounds[0].u, f->rounds[0].v, 0.3f * r) &&
           is_between(length_of(slash), 1.8f * r, 4.5f * r);
}

/* A bar, a stem down from its middle and two barbs, or a triangle, at the foot of the stem. */
static bool is_depth(const struct strokes *s, float width, float height)
{
    const struct qr_sign_line *bar, *stem;
    float slack = 0.18f * height;

    if ((!has(s, 1, 1, 1, 1) && !has(s, 2, 1, 1, 1)) ||
        !is_between(width, 0.4f * height, 1.5f * height))
        return false;
    stem = s->list[UPRIGHT][0];
    bar = s->list[FLAT][0];
    if (s->n[FLAT] == 2 && s->list[FLAT][1]->v0 < bar->v0)
        bar = s->list[FLAT][1];
    const struct qr_sign_line *left = s->list[FALLING][0], *right = s->list[RISING][0];
    return is_near(middle_u(bar), middle_v(bar), middle_u(stem), top(stem), slack) &&
           is_near(left->u1, left->v1, middle_u(stem), bottom(stem), slack) &&
           is_near(right->u0, right->v0, middle_u(stem), bottom(stem), slack) &&
           top(left) > middle_v(bar) + 0.1f * height && bar->u1 - bar->u0 > 0.6f * width;
}

/* A box without lid. */
static bool is_counterbore(const struct strokes *s, float width, float height)
{
    float slack = 0.1f * width;

    if (!has(s, 1, 0, 2, 0) || !is_between(height, 0.25f * width, 1.1f * width))
        return false;
    const struct qr_sign_line *l = s->list[UPRIGHT][0], *r = s->list[UPRIGHT][1];
    const struct qr_sign_line *base = s->list[FLAT][0];
    return is_near(middle_u(l), bottom(l), base->u0, base->v0, slack) &&
           is_near(middle_u(r), bottom(r), base->u1, base->v1, slack) &&
           fabsf(top(l) - top(r)) < slack;
}

static bool is_countersink(const struct strokes *s, float width, float height)
{
    float slack = 0.08f * width;

    if (!has(s, 0, 1, 0, 1) || !is_between(height, 0.35f * width, 1.0f * width))
        return false;
    const struct qr_sign_line *l = s->list[FALLING][0], *r = s->list[RISING][0];
    return is_near(l->u1, l->v1, r->u0, r->v0, slack) && fabsf(l->v0 - r->v1) < slack;
}

static bool is_square(const struct strokes *s, float width, float height)
{
    float slack = 0.06f * width;

    if (!has(s, 2, 0, 2, 0) || fabsf(width - height) > 0.12f * width)
        return false;
    for (size_t i = 0; i < 2; i++)
        if (s->list[FLAT][i]->u1 - s->list[FLAT][i]->u0 < width - slack ||
            bottom(s->list[UPRIGHT][i]) - top(s->list[UPRIGHT][i]) < height - slack)
            return false;
    return fabsf(s->list[FLAT][0]->v0 - s->list[FLAT][1]->v0) > height - slack &&
           s->list[UPRIGHT][1]->u0 - s->list[UPRIGHT][0]->u0 > width - slack;
}

uint32_t qr_sign_of_dimension(const struct qr_sign_figure *f, float h)
{
    float width = f->u1 - f->u0, height = f->v1 - f->v0;
    struct strokes s;

    if (f->other || f->n_arcs > 0 || !(h > 0) || !(fmaxf(width, height) < 1.6f * h))
        return 0;
    sort_strokes(f, &s);
    if (f->n_rounds > 0)
        return is_diameter(f, &s, h) ? 0xD8 : 0;
    if (is_between(height, 0.35f * h, 1.1f * h) && is_depth(&s, width, height))
        return 0x21A7;
    if (is_between(width, 0.4f * h, 1.5f * h) && is_counterbore(&s, width, height))
        return 0x2334;
    if (is_between(width, 0.4f * h, 1.5f * h) && is_countersink(&s, width, height))
        return 0x2335;
    if (is_between(width, 0.35f * h, 0.95f * h) && is_square(&s, width, height))
        return 0x25A1;
    return 0;
}

/* ---------------------------------------------------------------- characteristics */

static uint32_t with_rounds(const struct qr_sign_figure *f, const struct strokes *s)
{
    float u = f->rounds[0].u, v = f->rounds[0].v, r = f->rounds[0].r;

    if (f->n_rounds == 2) {
        float ratio = f->rounds[1].r / r;
        if (f->n_lines > 0 || !is_near(u, v, f->rounds[1].u, f->rounds[1].v, 0.15f * r))
            return 0;
        return is_between(ratio > 1 ? ratio : 1 / ratio, 1.15f, 4) ? 0x25CE : 0;
    }
    if (f->n_lines == 0)
        return 0x25CB;
    if (has(s, 1, 0, 1, 0)) {
        const struct qr_sign_line *flat = s->list[FLAT][0], *upright = s->list[UPRIGHT][0];
        bool crossed = is_near(middle_u(flat), middle_v(flat), u, v, 0.25f * r) &&
                       is_near(middle_u(upright), middle_v(upright), u, v, 0.25f * r) &&
                       length_of(flat) > 1.7f * r && length_of(upright) > 1.7f * r;
        return crossed ? 0x2316 : 0;
    }
    if (has(s, 0, 2, 0, 0)) {
        const struct qr_sign_line *a = s->list[RISING][0], *b = s->list[RISING][1];
        bool touching = is_parallel(a, b) && is_between(off_line(a, u, v), 0.7f * r, 1.35f * r) &&
                        is_between(off_line(b, u, v), 0.7f * r, 1.35f * r) && middle_u(a) < u &&
                        middle_u(b) > u;
        return touching ? 0x232D : 0;
    }
    return 0;
}

/* A long stroke that rises and a head at its upper end; `n` of them side by side. */
static bool is_arrows(const struct qr_sign_figure *f, size_t n)
{
    const struct qr_sign_line *shafts[2] = {NULL, NULL};
    size_t n_shafts = 0, barbs = 0;
    float longest = 0;

    for (size_t i = 0; i < f->n_lines; i++)
        if (slope_of(&f->lines[i]) == RISING)
            longest = fmaxf(longest, length_of(&f->lines[i]));
    for (size_t i = 0; i < f->n_lines; i++) {
        const struct qr_sign_line *l = &f->lines[i];
        if (slope_of(l) != RISING || length_of(l) < 0.75f * longest)
            continue;
        if (n_shafts == n)
            return false;
        shafts[n_shafts++] = l;
    }
    if (n_shafts != n)
        return false;
    for (size_t i = 0; i < f->n_lines; i++) {
        const struct qr_sign_line *l = &f->lines[i];
        bool head = false, base = n == 2 && slope_of(l) == FLAT;
        for (size_t k = 0; k < n; k++) {
            float reach = 0.55f * longest;
            base = base &&
                   is_near(k ? l->u1 : l->u0, l->v0, shafts[k]->u0, shafts[k]->v0, 0.2f * longest);
            head = head || (is_near(l->u0, l->v0, shafts[k]->u1, shafts[k]->v1, reach) &&
                            is_near(l->u1, l->v1, shafts[k]->u1, shafts[k]->v1, reach) &&
                            length_of(l) < reach);
        }
        barbs += head;
        if (l != shafts[0] && l != shafts[1] && !head && !base)
            return false;
    }
    return barbs >= 2 * n && (n == 1 || is_parallel(shafts[0], shafts[1]));
}

static bool is_symmetry(const struct strokes *s, float height)
{
    const struct qr_sign_line *l[3] = {NULL, NULL, NULL};

    if (!has(s, 3, 0, 0, 0))
        return false;
    for (size_t i = 0; i < 3; i++) { /* from above */
        size_t at = 0;
        for (size_t k = 0; k < 3; k++)
            at += s->list[FLAT][k]->v0 < s->list[FLAT][i]->v0;
        l[at] = s->list[FLAT][i];
    }
    if (s->list[FLAT][0]->v0 == s->list[FLAT][1]->v0 ||
        s->list[FLAT][1]->v0 == s->list[FLAT][2]->v0 ||
        s->list[FLAT][0]->v0 == s->list[FLAT][2]->v0)
        return false;
    return fabsf(middle_v(l[1]) - (middle_v(l[0]) + middle_v(l[2])) / 2) < 0.15f * height &&
           length_of(l[1]) > 1.2f * length_of(l[0]) && length_of(l[1]) > 1.2f * length_of(l[2]);
}

static uint32_t with_strokes(const struct qr_sign_figure *f, const struct strokes *s, float width,
                             float height)
{
    const struct qr_sign_line *flat = s->list[FLAT][0];

    if (has(s, 1, 0, 0, 0))
        return 0x23E4;
    if (has(s, 1, 0, 1, 0)) {
        const struct qr_sign_line *stem = s->list[UPRIGHT][0];
        return is_near(middle_u(flat), middle_v(flat), middle_u(stem), bottom(stem),
                       0.12f * width) &&
                       is_between(height, 0.5f * width, 1.6f * width)
                   ? 0x27C2
                   : 0;
    }
    if (has(s, 0, 2, 0, 0)) {
        const struct qr_sign_line *a = s->list[RISING][0], *b = s->list[RISING][1];
        return is_parallel(a, b) && fabsf(middle_v(a) - middle_v(b)) < 0.15f * height &&
                       off_line(a, middle_u(b), middle_v(b)) > 0.1f * height
                   ? 0x2225
                   : 0;
    }
    if (has(s, 1, 1, 0, 0)) {
        const struct qr_sign_line *leg = s->list[RISING][0];
        return is_near(flat->u0, flat->v0, leg->u0, leg->v0, 0.12f * width) ? 0x2220 : 0;
    }
    if (has(s, 2, 2, 0, 0)) {
        const struct qr_sign_line *a = s->list[FLAT][0], *b = s->list[FLAT][1];
        return is_parallel(a, b) && is_parallel(s->list[RISING][0], s->list[RISING][1]) &&
                       fabsf(fabsf(middle_v(a) - middle_v(b)) - height) < 0.15f * height &&
                       width > height
                   ? 0x23E5
                   : 0;
    }
    if (is_symmetry(s, height))
        return 0x232F;
    return is_arrows(f, 1) ? 0x2197 : is_arrows(f, 2) ? 0x2330 : 0;
}

static uint32_t with_arc(const struct qr_sign_figure *f, const struct strokes *s)
{
    float left = fminf(f->arc.u[0], f->arc.u[2]), right = fmaxf(f->arc.u[0], f->arc.u[2]);
    float chord = right - left, foot = (f->arc.v[0] + f->arc.v[2]) / 2;

    if (f->n_arcs != 1 || f->n_rounds > 0 || fabsf(f->arc.v[0] - f->arc.v[2]) > 0.1f * chord ||
        f->arc.v[1] > foot - 0.25f * chord)
        return 0;
    if (f->n_lines == 0)
        return 0x2312;
    return has(s, 1, 0, 0, 0) &&
                   is_near(s->list[FLAT][0]->u0, s->list[FLAT][0]->v0, left, foot, 0.15f * chord) &&
                   is_near(s->list[FLAT][0]->u1, s->list[FLAT][0]->v1, right, foot, 0.15f * chord)
               ? 0x2313
               : 0;
}

uint32_t qr_sign_of_tolerance(const struct qr_sign_figure *f, float h)
{
    float width = f->u1 - f->u0, height = f->v1 - f->v0;
    struct strokes s;

    if (f->other || !(h > 0) || !is_between(fmaxf(width, height), 0.35f * h, 2.2f * h))
        return 0;
    sort_strokes(f, &s);
    if (f->n_arcs > 0)
        return with_arc(f, &s);
    return f->n_rounds > 0 ? with_rounds(f, &s) : with_strokes(f, &s, width, height);
}

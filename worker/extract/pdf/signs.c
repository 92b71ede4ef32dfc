#include "worker/extract/pdf/signs.h"

#include <math.h>

#define ROUND_POINTS_MIN 8 /* of a circle; four curves have as many */
#define ARC_POINTS_MIN 5
#define ROUGH 0.07f /* of the radius: how far a point of a circle may be off it */
#define ROUGH_ARC 0.03f
#define ROUGH_PT 0.12f /* the same in points: coordinates are rounded */
#define ARC_MIN 1.0f   /* radians */

static float distance(fz_point a, fz_point b) { return hypotf(a.x - b.x, a.y - b.y); }

static bool lies_on(const fz_point *points, uint32_t n, fz_point centre, float radius, float rough)
{
    float slack = fmaxf(rough * radius, ROUGH_PT);

    for (uint32_t i = 0; i < n; i++)
        if (fabsf(distance(points[i], centre) - radius) > slack)
            return false;
    return true;
}

/* Does it go all the way round? Looks at the eighths of a circle it comes through. */
static bool goes_round(const fz_point *points, uint32_t n, fz_point centre)
{
    unsigned seen = 0, count = 0;

    for (uint32_t i = 0; i < n; i++) {
        float x = points[i].x - centre.x, y = points[i].y - centre.y;
        seen |= 1u << ((x < 0 ? 1 : 0) | (y < 0 ? 2 : 0) | (fabsf(x) < fabsf(y) ? 4 : 0));
    }
    for (; seen; seen &= seen - 1)
        count++;
    return count >= 6;
}

static bool is_round(const struct qr_pdf_signs *signs, struct qr_sheet_rect box)
{
    float width = box.x1 - box.x0, height = box.y1 - box.y0, radius = (width + height) / 4;
    fz_point centre = {(box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2};

    return signs->n >= ROUND_POINTS_MIN &&
           fabsf(width - height) < fmaxf(0.1f * fmaxf(width, height), 2 * ROUGH_PT) &&
           distance(signs->points[0], signs->points[signs->n - 1]) < 0.4f * radius &&
           lies_on(signs->points, signs->n, centre, radius, ROUGH) &&
           goes_round(signs->points, signs->n, centre);
}

/* The circle through three points. */
static bool circle_through(fz_point a, fz_point b, fz_point c, fz_point *ret)
{
    float bx = b.x - a.x, by = b.y - a.y, cx = c.x - a.x, cy = c.y - a.y;
    float d = 2 * (bx * cy - by * cx), b2 = bx * bx + by * by, c2 = cx * cx + cy * cy;

    if (fabsf(d) < 1e-3f)
        return false;
    *ret = (fz_point){a.x + (cy * b2 - by * c2) / d, a.y + (bx * c2 - cx * b2) / d};
    return isfinite(ret->x) && isfinite(ret->y);
}

static bool is_arc(const struct qr_pdf_signs *signs)
{
    fz_point first = signs->points[0], middle = signs->points[signs->n / 2];
    fz_point last = signs->points[signs->n - 1], centre;
    float radius, half;

    if (signs->n < ARC_POINTS_MIN || !circle_through(first, middle, last, &centre))
        return false;
    radius = distance(first, centre);
    half = asinf(fminf(distance(first, middle) / 2 / radius, 1)); /* a quarter of its angle */
    return radius < QR_PDF_SIGNS_MAX && half * 4 > ARC_MIN &&
           lies_on(signs->points, signs->n, centre, radius, ROUGH_ARC);
}

/* Corners of straight strokes, those that coincide once. False: too many. */
static bool take_corners(const struct qr_pdf_signs *signs, float size, struct qr_sheet_shape *ret)
{
    float same = 0.02f * size;
    fz_point last = {0, 0};

    ret->n = 0;
    for (uint32_t i = 0; i < signs->n; i++) {
        fz_point at = signs->points[i];
        if (ret->n > 0 && distance(at, last) <= same)
            continue;
        if (ret->n > 1 && i == signs->n - 1 &&
            distance(at, signs->points[0]) <= same) { /* back at the first */
            ret->closed = true;
            continue;
        }
        if (ret->n == QR_SHAPE_POINTS)
            return false;
        ret->points[ret->n++] = (struct qr_sheet_point){at.x, at.y};
        last = at;
    }
    return ret->n >= 2;
}

static struct qr_sheet_rect box_of(const struct qr_pdf_signs *signs)
{
    struct qr_sheet_rect box = {INFINITY, INFINITY, -INFINITY, -INFINITY};

    for (uint32_t i = 0; i < signs->n; i++) {
        fz_point at = signs->points[i];
        box.x0 = fminf(box.x0, at.x);
        box.y0 = fminf(box.y0, at.y);
        box.x1 = fmaxf(box.x1, at.x);
        box.y1 = fmaxf(box.y1, at.y);
    }
    return box;
}

static void classify(const struct qr_pdf_signs *signs, struct qr_sheet_shape *ret)
{
    ret->kind = QR_SHAPE_OTHER;
    if (signs->n > QR_PDF_SIGNS_POINTS)
        return;
    ret->box = box_of(signs);
    if (signs->straight == signs->n &&
        take_corners(signs, fmaxf(ret->box.x1 - ret->box.x0, ret->box.y1 - ret->box.y0), ret)) {
        ret->kind = QR_SHAPE_CHAIN;
    } else if (is_round(signs, ret->box)) {
        ret->kind = QR_SHAPE_ROUND;
    } else if (is_arc(signs)) {
        uint32_t at[3] = {0, signs->n / 2, signs->n - 1};
        ret->kind = QR_SHAPE_ARC;
        for (ret->n = 0; ret->n < 3; ret->n++)
            ret->points[ret->n] =
                (struct qr_sheet_point){signs->points[at[ret->n]].x, signs->points[at[ret->n]].y};
    }
}

/* Pages full of letters drawn as paths must not crowd out what signs are made of. */
static size_t room_for(uint8_t kind)
{
    return kind == QR_SHAPE_ROUND   ? QR_SHEET_SHAPES_MAX
           : kind == QR_SHAPE_OTHER ? QR_SHEET_SHAPES_MAX / 2
                                    : QR_SHEET_SHAPES_MAX * 3 / 4;
}

void qr_pdf_signs_subpath(struct qr_pdf_signs *signs, fz_rect bounds, struct qr_sheet *sheet)
{
    float longer = fmaxf(bounds.x1 - bounds.x0, bounds.y1 - bounds.y0);
    struct qr_sheet_shape shape = {.box = {bounds.x0, bounds.y0, bounds.x1, bounds.y1}}, *kept;

    if (!(longer >= QR_PDF_SIGNS_MIN && longer <= QR_PDF_SIGNS_MAX) || signs->n < 2)
        return;
    classify(signs, &shape);
    kept = sheet->n_shapes < room_for(shape.kind) ? qr_sheet_add_shape(sheet) : NULL;
    if (kept)
        *kept = shape;
}

void qr_pdf_signs_painted(struct qr_pdf_signs *signs, const struct qr_sheet *sheet)
{
    signs->kept = sheet->n_shapes;
}

void qr_pdf_signs_forget(struct qr_pdf_signs *signs, struct qr_sheet *sheet)
{
    if (signs->kept < sheet->n_shapes)
        sheet->n_shapes = signs->kept;
}

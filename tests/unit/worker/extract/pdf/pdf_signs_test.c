/* Run it: ctest --preset dev -R pdf_signs_test */
#include "worker/extract/pdf/signs.h"

#include <math.h>

#include "tests/harness/test.h"

#define PI 3.14159265f

static fz_rect box_of(const struct qr_pdf_signs *signs)
{
    fz_rect box = {INFINITY, INFINITY, -INFINITY, -INFINITY};

    for (uint32_t i = 0; i < signs->n && i < QR_PDF_SIGNS_POINTS; i++) {
        box.x0 = fminf(box.x0, signs->points[i].x);
        box.y0 = fminf(box.y0, signs->points[i].y);
        box.x1 = fmaxf(box.x1, signs->points[i].x);
        box.y1 = fmaxf(box.y1, signs->points[i].y);
    }
    return box;
}

/* A polygon with `n` corners on an ellipse, from one angle to another. */
static void polygon(struct qr_pdf_signs *signs, float rx, float ry, int n, float from, float to)
{
    for (int i = 0; i <= n; i++) {
        float a = from + (to - from) * (float)i / (float)n;
        fz_point at = {100 + rx * cosf(a), 100 + ry * sinf(a)};
        if (i == 0)
            qr_pdf_signs_move(signs, at);
        else
            qr_pdf_signs_line(signs, at);
    }
}

static void corners(struct qr_pdf_signs *signs, const float *xy, size_t n)
{
    qr_pdf_signs_move(signs, fz_make_point(xy[0], xy[1]));
    for (size_t i = 1; i < n; i++)
        qr_pdf_signs_line(signs, fz_make_point(xy[2 * i], xy[2 * i + 1]));
}

/* The shape of one painted subpath; *ret_n how many there are. */
static struct qr_sheet_shape shape_of(struct qr_pdf_signs *signs, size_t *ret_n)
{
    struct qr_sheet sheet = {.page = 1};
    struct qr_sheet_shape shape = {.kind = UINT8_MAX};

    signs->kept = 0;
    qr_pdf_signs_subpath(signs, box_of(signs), &sheet);
    qr_pdf_signs_painted(signs, &sheet);
    *ret_n = sheet.n_shapes;
    if (sheet.n_shapes > 0)
        shape = sheet.shapes[0];
    qr_sheet_done(&sheet);
    return shape;
}

static void polygons_on_a_circle_are_round(void **state)
{
    static const struct {
        float rx, ry;
        int n;
        float to;
        enum qr_shape_kind want;
    } cases[] = {
        {4.4f, 4.4f, 56, 2 * PI, QR_SHAPE_ROUND}, {1.1f, 1.1f, 12, 2 * PI, QR_SHAPE_ROUND},
        {4.4f, 3.4f, 56, 2 * PI, QR_SHAPE_OTHER}, /* an ellipse */
        {4.4f, 4.4f, 56, PI, QR_SHAPE_ARC},       {4.4f, 4.4f, 56, 1.7f * PI, QR_SHAPE_ARC},
        {4.4f, 2.0f, 56, PI, QR_SHAPE_OTHER},     {4.4f, 4.4f, 400, 2 * PI, QR_SHAPE_OTHER},
        {4.4f, 4.4f, 6, 2 * PI, QR_SHAPE_CHAIN}, /* a hexagon */
    };
    struct qr_pdf_signs signs = {.n = 0};
    struct qr_sheet_shape shape;
    size_t n;
    (void)state;

    for (size_t i = 0; i < QR_COUNT(cases); i++) {
        polygon(&signs, cases[i].rx, cases[i].ry, cases[i].n, 0, cases[i].to);
        shape = shape_of(&signs, &n);
        assert_int_equal(n, 1);
        if (shape.kind != cases[i].want)
            fail_msg("case %zu: got %d", i, shape.kind);
    }
}

/* Four curves make a circle whatever their first corner is; a star of as many points does not. */
static void curves_are_round(void **state)
{
    const float k = 0.5523f * 5;
    struct qr_pdf_signs signs = {.n = 0};
    size_t n;
    (void)state;

    for (int turned = 0; turned < 2; turned++) {
        float c = turned ? cosf(PI / 4) : 1, s = turned ? sinf(PI / 4) : 0;
        fz_point pen = {5 * c, 5 * s};
        qr_pdf_signs_move(&signs, pen);
        for (int i = 0; i < 4; i++) {
            float t = s;
            fz_point c1 = {5 * c - k * s, 5 * s + k * c}, c2, end;
            s = c, c = -t; /* a quarter on */
            end = fz_make_point(5 * c, 5 * s);
            c2 = fz_make_point(5 * c + k * s, 5 * s - k * c);
            qr_pdf_signs_curve(&signs, pen, c1, c2, end);
            pen = end;
        }
        struct qr_sheet_shape shape = shape_of(&signs, &n);
        assert_int_equal(shape.kind, QR_SHAPE_ROUND);
        assert_true(fabsf(shape.box.x1 - 5) < 0.01f && fabsf(shape.box.y0 + 5) < 0.01f);
    }
    for (int i = 0; i < 16; i++) {
        float r = i % 2 ? 5 : 3, a = (float)i * PI / 8;
        fz_point at = {r * cosf(a), r * sinf(a)};
        if (i == 0)
            qr_pdf_signs_move(&signs, at);
        else
            qr_pdf_signs_line(&signs, at);
    }
    assert_int_equal(shape_of(&signs, &n).kind, QR_SHAPE_OTHER);
}

static void strokes_are_chains(void **state)
{
    static const float stroke[] = {10, 10, 14, 2}, box[] = {0, 0, 9, 0, 9, 9, 0, 9, 0, 0},
                       stair[] = {0, 0, 2, 0, 2, 2, 4, 2, 4, 4, 6, 4, 6, 6, 9, 9},
                       dot[] = {0, 0, 0.3f, 0}, large[] = {0, 0, 80, 0};
    struct qr_pdf_signs signs = {.n = 0};
    struct qr_sheet_shape shape;
    size_t n;
    (void)state;

    corners(&signs, stroke, 2);
    shape = shape_of(&signs, &n);
    assert_int_equal(shape.kind, QR_SHAPE_CHAIN);
    assert_int_equal(shape.n, 2);
    assert_false(shape.closed);
    corners(&signs, box, 5);
    shape = shape_of(&signs, &n);
    assert_int_equal(shape.kind, QR_SHAPE_CHAIN);
    assert_int_equal(shape.n, 4);
    assert_true(shape.closed);
    corners(&signs, stair, 8);
    assert_int_equal(shape_of(&signs, &n).kind, QR_SHAPE_OTHER);
    corners(&signs, dot, 2);
    (void)shape_of(&signs, &n);
    assert_int_equal(n, 0);
    corners(&signs, large, 2);
    (void)shape_of(&signs, &n);
    assert_int_equal(n, 0);
}

static void what_is_not_painted_is_dropped(void **state)
{
    static const float stroke[] = {10, 10, 14, 2};
    struct qr_pdf_signs signs = {.n = 0};
    struct qr_sheet sheet = {.page = 1};
    (void)state;

    corners(&signs, stroke, 2);
    qr_pdf_signs_subpath(&signs, box_of(&signs), &sheet);
    qr_pdf_signs_painted(&signs, &sheet);
    qr_pdf_signs_subpath(&signs, box_of(&signs), &sheet);
    qr_pdf_signs_subpath(&signs, box_of(&signs), &sheet);
    qr_pdf_signs_forget(&signs, &sheet);
    assert_int_equal(sheet.n_shapes, 1);
    qr_sheet_done(&sheet);
}

static void letters_leave_room_for_signs(void **state)
{
    static const float stroke[] = {10, 10, 14, 2},
                       stair[] = {0, 0, 2, 0, 2, 2, 4, 2, 4, 4, 6, 4, 6, 6, 9, 9};
    struct qr_pdf_signs signs = {.n = 0};
    struct qr_sheet sheet = {.page = 1};
    (void)state;

    for (int i = 0; i < QR_SHEET_SHAPES_MAX + 10; i++) {
        corners(&signs, stair, 8);
        qr_pdf_signs_subpath(&signs, box_of(&signs), &sheet);
    }
    for (int i = 0; i < QR_SHEET_SHAPES_MAX; i++) {
        corners(&signs, stroke, 2);
        qr_pdf_signs_subpath(&signs, box_of(&signs), &sheet);
    }
    assert_true(sheet.n_shapes < QR_SHEET_SHAPES_MAX);
    for (int i = 0; i < QR_SHEET_SHAPES_MAX; i++) {
        polygon(&signs, 5, 5, 24, 0, 2 * PI);
        qr_pdf_signs_subpath(&signs, box_of(&signs), &sheet);
    }
    assert_int_equal(sheet.n_shapes, QR_SHEET_SHAPES_MAX);
    assert_int_equal(sheet.shapes[sheet.n_shapes - 1].kind, QR_SHAPE_ROUND);
    qr_sheet_done(&sheet);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(polygons_on_a_circle_are_round),
        cmocka_unit_test(curves_are_round),
        cmocka_unit_test(strokes_are_chains),
        cmocka_unit_test(what_is_not_painted_is_dropped),
        cmocka_unit_test(letters_leave_room_for_signs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

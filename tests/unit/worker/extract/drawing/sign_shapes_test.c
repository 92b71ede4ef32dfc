/* Run it: ctest --preset dev -R sign_shapes_test */
#include "worker/extract/drawing/sign_shapes.h"

#include <math.h>

#include "tests/harness/test.h"

/* A part of a sign in a square of 10 x 10, v downwards. */
struct part {
    char kind; /* 'l' stroke, 'o' circle (u, v, r), 'a' arc above its chord, 'b' below, 'x' other */
    float a, b, c, d;
};

static struct qr_sheet_shape shape_of(const struct part *p, struct qr_sign_view back)
{
    struct qr_sheet_shape shape = {.n = 2};
    float uv[6] = {p->a, p->b, p->c, p->d, 0, 0};

    if (p->kind == 'a' || p->kind == 'b') {
        shape.n = 3;
        uv[2] = (p->a + p->c) / 2;
        uv[3] = p->b + (p->kind == 'a' ? -0.5f : 0.5f) * (p->c - p->a);
        uv[4] = p->c, uv[5] = p->d;
    } else if (p->kind == 'o') {
        uv[0] = p->a - p->c, uv[1] = p->b - p->c, uv[2] = p->a + p->c, uv[3] = p->b + p->c;
    }
    shape.kind = p->kind == 'l'   ? QR_SHAPE_CHAIN
                 : p->kind == 'o' ? QR_SHAPE_ROUND
                 : p->kind == 'x' ? QR_SHAPE_OTHER
                                  : QR_SHAPE_ARC;
    shape.box = (struct qr_sheet_rect){INFINITY, INFINITY, -INFINITY, -INFINITY};
    for (size_t i = 0; i < shape.n; i++) {
        float x = uv[2 * i] * back.c - uv[2 * i + 1] * back.s;
        float y = uv[2 * i] * back.s + uv[2 * i + 1] * back.c;
        shape.points[i] = (struct qr_sheet_point){x, y};
        shape.box.x0 = fminf(shape.box.x0, x), shape.box.x1 = fmaxf(shape.box.x1, x);
        shape.box.y0 = fminf(shape.box.y0, y), shape.box.y1 = fmaxf(shape.box.y1, y);
    }
    return shape;
}

enum { PARTS = 8 };

struct sign_case {
    const char *why;
    struct part parts[PARTS];
    uint32_t dimension, tolerance;
};

static const struct sign_case cases[] = {
    {"diameter", {{'o', 5, 5, 3.5f, 0}, {'l', 2, 10, 8, 0}}, 0xD8, 0},
    {"diameter drawn twice",
     {{'o', 5, 5, 3.5f, 0}, {'l', 2, 10, 8, 0}, {'l', 8, 0, 2, 10}, {'o', 5, 5, 3.5f, 0}},
     0xD8,
     0},
    {"stroke falls", {{'o', 5, 5, 3.5f, 0}, {'l', 2, 0, 8, 10}}, 0, 0},
    {"stroke beside the middle", {{'o', 5, 5, 3.5f, 0}, {'l', 5, 10, 11, 0}}, 0, 0},
    {"leader that ends in a hole", {{'o', 3, 7, 2, 0}, {'l', 3, 7, 9, 0}}, 0, 0},
    {"stroke far too long", {{'o', 5, 5, 1.4f, 0}, {'l', 1, 10, 9, 0}}, 0, 0},
    {"one part too many", {{'o', 5, 5, 3, 0}, {'l', 2, 10, 8, 0}, {'l', 0, 5, 10, 5}}, 0, 0},
    {"part of another kind", {{'o', 5, 5, 3, 0}, {'l', 2, 10, 8, 0}, {'x', 0, 0, 9, 9}}, 0, 0},
    {"depth",
     {{'l', 0, 0, 10, 0}, {'l', 5, 0, 5, 10}, {'l', 1, 4, 5, 10}, {'l', 9, 4, 5, 10}},
     0x21A7,
     0},
    {"depth with a triangle",
     {{'l', 0, 0, 10, 0},
      {'l', 5, 0, 5, 10},
      {'l', 3, 6, 5, 10},
      {'l', 7, 6, 5, 10},
      {'l', 3, 6, 7, 6}},
     0x21A7,
     0},
    {"arrow without a bar", {{'l', 5, 0, 5, 10}, {'l', 1, 4, 5, 10}, {'l', 9, 4, 5, 10}}, 0, 0},
    {"arrow that points up",
     {{'l', 0, 10, 10, 10}, {'l', 5, 0, 5, 10}, {'l', 1, 6, 5, 0}, {'l', 9, 6, 5, 0}},
     0,
     0},
    {"counterbore", {{'l', 0, 3, 0, 8}, {'l', 0, 8, 10, 8}, {'l', 10, 3, 10, 8}}, 0x2334, 0},
    {"counterbore upside down", {{'l', 0, 3, 0, 8}, {'l', 0, 3, 10, 3}, {'l', 10, 3, 10, 8}}, 0, 0},
    {"countersink", {{'l', 0, 3, 5, 8}, {'l', 5, 8, 10, 3}}, 0x2335, 0},
    {"sign of roughness", {{'l', 0, 5, 3, 10}, {'l', 3, 10, 9, 0}}, 0, 0},
    {"square",
     {{'l', 1, 1, 9, 1}, {'l', 9, 1, 9, 9}, {'l', 9, 9, 1, 9}, {'l', 1, 9, 1, 1}},
     0x25A1,
     0},
    {"oblong", {{'l', 1, 1, 9, 1}, {'l', 9, 1, 9, 5}, {'l', 9, 5, 1, 5}, {'l', 1, 5, 1, 1}}, 0, 0},
    {"position", {{'o', 5, 5, 3, 0}, {'l', 0, 5, 10, 5}, {'l', 5, 0, 5, 10}}, 0, 0x2316},
    {"concentricity", {{'o', 5, 5, 5, 0}, {'o', 5, 5, 3, 0}}, 0, 0x25CE},
    {"two circles", {{'o', 3, 5, 3, 0}, {'o', 7, 5, 3, 0}}, 0, 0},
    {"circularity", {{'o', 5, 5, 4, 0}}, 0, 0x25CB},
    {"cylindricity", {{'o', 5, 5, 3, 0}, {'l', 0, 9, 5, 0}, {'l', 5, 10, 10, 1}}, 0, 0x232D},
    {"straightness", {{'l', 0, 5, 10, 5}}, 0, 0x23E4},
    {"perpendicularity", {{'l', 0, 10, 10, 10}, {'l', 5, 0, 5, 10}}, 0, 0x27C2},
    {"corner", {{'l', 0, 10, 10, 10}, {'l', 0, 0, 0, 10}}, 0, 0},
    {"parallelism", {{'l', 1, 10, 5, 0}, {'l', 5, 10, 9, 0}}, 0, 0x2225},
    {"cross of strokes", {{'l', 1, 10, 9, 0}, {'l', 1, 0, 9, 10}}, 0, 0},
    {"angularity", {{'l', 0, 9, 10, 9}, {'l', 0, 9, 8, 2}}, 0, 0x2220},
    {"flatness",
     {{'l', 0, 8, 7, 8}, {'l', 3, 2, 10, 2}, {'l', 0, 8, 3, 2}, {'l', 7, 8, 10, 2}},
     0,
     0x23E5},
    {"symmetry", {{'l', 2, 2, 8, 2}, {'l', 0, 5, 10, 5}, {'l', 2, 8, 8, 8}}, 0, 0x232F},
    {"three strokes of one length",
     {{'l', 0, 2, 9, 2}, {'l', 0, 5, 9, 5}, {'l', 0, 8, 9, 8}},
     0,
     0},
    {"runout", {{'l', 1, 10, 9, 1}, {'l', 6, 2, 9, 1}, {'l', 9, 1, 8.5f, 4}}, 0, 0x2197},
    {"total runout",
     {{'l', 0, 10, 5, 1},
      {'l', 3, 3, 5, 1},
      {'l', 5, 1, 5, 4},
      {'l', 5, 10, 10, 1},
      {'l', 8, 3, 10, 1},
      {'l', 10, 1, 10, 4},
      {'l', 0, 10, 5, 10}},
     0,
     0x2330},
    {"profile of a line", {{'a', 0, 7, 10, 7}}, 0, 0x2312},
    {"profile of a surface", {{'a', 0, 7, 10, 7}, {'l', 0, 7, 10, 7}}, 0, 0x2313},
    {"arc below its chord", {{'b', 0, 3, 10, 3}}, 0, 0},
};

static void signs_are_told_apart(void **state)
{
    static const float turns[] = {0, 90, 180, 270, 33};
    (void)state;

    for (size_t t = 0; t < QR_COUNT(turns); t++)
        for (size_t i = 0; i < QR_COUNT(cases); i++) {
            float turn = turns[t] * 3.14159265f / 180;
            struct qr_sign_view view = {cosf(turn), sinf(turn)}, back = {view.c, -view.s};
            struct qr_sign_figure figure = {.n_lines = 0};
            uint32_t dimension, tolerance;
            for (size_t k = 0; k < PARTS && cases[i].parts[k].kind; k++) {
                struct qr_sheet_shape shape = shape_of(&cases[i].parts[k], back);
                if (shape.kind == QR_SHAPE_ROUND && turns[t] == 33) { /* its box does not turn */
                    const struct part *p = &cases[i].parts[k];
                    float x = p->a * back.c - p->b * back.s, y = p->a * back.s + p->b * back.c;
                    shape.box = (struct qr_sheet_rect){x - p->c, y - p->c, x + p->c, y + p->c};
                }
                qr_sign_add(&figure, &shape, view, 0.3f);
            }
            dimension = qr_sign_of_dimension(&figure, 10);
            tolerance = qr_sign_of_tolerance(&figure, 10);
            if (cases[i].dimension ? dimension != cases[i].dimension : dimension != 0)
                fail_msg("%s, turned %g: U+%04X", cases[i].why, (double)turns[t], dimension);
            if (cases[i].tolerance ? tolerance != cases[i].tolerance
                                   : !cases[i].dimension && tolerance != 0)
                fail_msg("%s, turned %g: U+%04X", cases[i].why, (double)turns[t], tolerance);
            assert_int_equal(qr_sign_of_dimension(&figure, 100), 0); /* far too small */
        }
}

static void many_parts_are_no_sign(void **state)
{
    const struct qr_sign_view view = {1, 0};
    struct qr_sign_figure figure = {.n_lines = 0};
    (void)state;

    for (int i = 0; i < 100; i++) {
        struct qr_sheet_shape shape = {.kind = QR_SHAPE_CHAIN, .n = UINT8_MAX, .closed = true};
        for (int k = 0; k < QR_SHAPE_POINTS; k++)
            shape.points[k] = (struct qr_sheet_point){(float)((i * 7 + k) % 10), (float)(k % 3)};
        qr_sign_add(&figure, &shape, view, 0.1f);
    }
    assert_true(figure.other);
    assert_int_equal(qr_sign_of_dimension(&figure, 10), 0);
    assert_int_equal(qr_sign_of_tolerance(&figure, NAN), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(signs_are_told_apart),
        cmocka_unit_test(many_parts_are_no_sign),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

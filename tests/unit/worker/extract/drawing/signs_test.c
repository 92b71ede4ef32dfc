/* Run it: ctest --preset dev -R "^signs_test" */
#include "worker/extract/drawing/signs.h"

#include <math.h>

#include "tests/unit/worker/extract/drawing/sheet_fixture.h"

static void round_at(struct qr_sheet *sheet, float x, float y, float r)
{
    struct qr_sheet_shape *shape = qr_sheet_add_shape(sheet);

    assert_non_null(shape);
    shape->kind = QR_SHAPE_ROUND;
    shape->box = (struct qr_sheet_rect){x - r, y - r, x + r, y + r};
}

static void stroke(struct qr_sheet *sheet, float x0, float y0, float x1, float y1)
{
    struct qr_sheet_shape *shape = qr_sheet_add_shape(sheet);

    assert_non_null(shape);
    shape->kind = QR_SHAPE_CHAIN;
    shape->n = 2;
    shape->points[0] = (struct qr_sheet_point){x0, y0};
    shape->points[1] = (struct qr_sheet_point){x1, y1};
    shape->box = (struct qr_sheet_rect){fminf(x0, x1), fminf(y0, y1), fmaxf(x0, x1), fmaxf(y0, y1)};
}

/* Signs in squares of 10 x 10, (x, y) at their middle. */
static void diameter(struct qr_sheet *sheet, float x, float y)
{
    round_at(sheet, x, y, 3.5f);
    stroke(sheet, x - 2.5f, y + 5, x + 2.5f, y - 5);
}

static void depth(struct qr_sheet *sheet, float x, float y)
{
    stroke(sheet, x - 4, y - 4, x + 4, y - 4);
    stroke(sheet, x, y - 4, x, y + 4);
    stroke(sheet, x - 3, y, x, y + 4);
    stroke(sheet, x + 3, y, x, y + 4);
}

static void counterbore(struct qr_sheet *sheet, float x, float y)
{
    stroke(sheet, x - 4, y - 2, x - 4, y + 3);
    stroke(sheet, x - 4, y + 3, x + 4, y + 3);
    stroke(sheet, x + 4, y - 2, x + 4, y + 3);
}

static void add(const struct qr_sheet *sheet, struct qr_sheet *ret)
{
    struct qr_pieces pieces;
    struct qr_grid grid;

    assert_true(qr_pieces_init(&pieces, sheet));
    assert_true(qr_grid_init(&grid, sheet));
    assert_true(qr_signs_add(sheet, &grid, &pieces, ret));
    qr_grid_done(&grid);
    qr_pieces_done(&pieces);
}

static bool has_sign(const struct qr_sheet *with, size_t from, const char *text, float x, float y)
{
    for (size_t i = from; i < with->n_spans; i++) {
        const struct qr_sheet_rect *b = &with->spans[i].box;
        if (strcmp(with->spans[i].text, text) == 0 && x > b->x0 && x < b->x1 && y > b->y0 &&
            y < b->y1)
            return true;
    }
    return false;
}

static void signs_beside_numbers_become_text(void **state)
{
    struct qr_sheet sheet, with;
    size_t n;
    (void)state;

    fixture_sheet(&sheet);
    fixture_text(&sheet, 100, 100, 0, "9,14");
    diameter(&sheet, 93, 105);
    fixture_text(&sheet, 300, 300, 0, "26,25");
    depth(&sheet, 293, 305);
    fixture_text(&sheet, 300, 400, 0, "6.5"); /* ⌴ Ø6.5 */
    diameter(&sheet, 293, 405);
    counterbore(&sheet, 282, 405);
    fixture_text(&sheet, 500, 100, 0, "36"); /* 36° */
    round_at(&sheet, 514, 102.5f, 1.2f);
    n = sheet.n_spans;
    add(&sheet, &with);
    assert_int_equal(with.n_spans, n + 5);
    assert_true(has_sign(&with, n, "Ø", 93, 105));
    assert_true(has_sign(&with, n, "↧", 293, 305));
    assert_true(has_sign(&with, n, "Ø", 293, 405));
    assert_true(has_sign(&with, n, "⌴", 282, 405));
    assert_true(has_sign(&with, n, "°", 514, 105));
    free(with.spans);
    qr_sheet_done(&sheet);
}

/* Text read upwards has its signs below; the stroke of "Ø" is turned, too. */
static void turned_text_has_turned_signs(void **state)
{
    struct qr_sheet sheet, with;
    (void)state;

    fixture_sheet(&sheet);
    fixture_text(&sheet, 300, 300, 90, "26,25");
    round_at(&sheet, 305, 337, 3.5f);
    stroke(&sheet, 300, 334.5f, 310, 339.5f);
    fixture_text(&sheet, 400, 300, 90, "26,25");
    round_at(&sheet, 405, 337, 3.5f);
    stroke(&sheet, 400, 339.5f, 410, 334.5f); /* falls when read upwards */
    add(&sheet, &with);
    for (size_t i = 0; i < sheet.n_shapes; i++)
        assert_true(isfinite(sheet.shapes[i].box.x0));
    assert_int_equal(with.n_spans, 3);
    assert_true(has_sign(&with, 2, "Ø", with.spans[2].box.x0 + 5, 337));
    free(with.spans);
    qr_sheet_done(&sheet);
}

static void others_do_not(void **state)
{
    struct qr_sheet sheet, with;
    (void)state;

    fixture_sheet(&sheet);
    fixture_text(&sheet, 100, 100, 0, "9,14");
    diameter(&sheet, 130, 105); /* behind */
    diameter(&sheet, 70, 105);  /* too far */
    diameter(&sheet, 93, 124);  /* another line */
    fixture_text(&sheet, 300, 100, 0, "12");
    round_at(&sheet, 293, 105, 4); /* a hole */
    round_at(&sheet, 320, 105, 4); /* another */
    fixture_text(&sheet, 500, 100, 0, "12");
    round_at(&sheet, 493, 105, NAN);
    fixture_text(&sheet, 300, 200, 0, "NOTE");
    diameter(&sheet, 293, 205);
    fixture_text(&sheet, 300, 300, 0, "6.5"); /* a counterbore needs its diameter */
    counterbore(&sheet, 293, 305);
    fixture_text(&sheet, 500, 300, 0, "6.5"); /* something else touches the sign */
    diameter(&sheet, 493, 305);
    stroke(&sheet, 486, 305, 493, 305);
    fixture_text(&sheet, 500, 400, 0, "6.5");
    for (int i = 0; i < 200; i++) /* hatching */
        stroke(&sheet, 490 + 0.05f * (float)i, 400, 492 + 0.05f * (float)i, 408);
    add(&sheet, &with);
    assert_int_equal(with.n_spans, sheet.n_spans);
    free(with.spans);
    qr_sheet_done(&sheet);
}

static void frames_have_their_characteristic(void **state)
{
    struct qr_sheet sheet, with;
    size_t n;
    (void)state;

    fixture_sheet(&sheet);
    fixture_text(&sheet, 140, 103, 0, "0,02"); /* [◎|Ø 0,02|A] */
    fixture_text(&sheet, 178, 103, 0, "A");
    fixture_box(&sheet, 100, 100, 116, 116);
    fixture_box(&sheet, 116, 100, 172, 116);
    fixture_box(&sheet, 172, 100, 188, 116);
    round_at(&sheet, 108, 108, 5);
    round_at(&sheet, 108, 108, 3);
    diameter(&sheet, 130, 108);
    fixture_text(&sheet, 340, 103, 0, "0,02"); /* no frame around the two circles */
    round_at(&sheet, 330, 108, 5);
    round_at(&sheet, 330, 108, 3);
    n = sheet.n_spans;
    add(&sheet, &with);
    assert_int_equal(with.n_spans, n + 2);
    assert_true(has_sign(&with, n, "◎", 108, 108));
    assert_true(has_sign(&with, n, "Ø", 130, 108));
    free(with.spans);
    qr_sheet_done(&sheet);
}

static void numbers_in_circles_are_balloons(void **state)
{
    struct qr_sheet sheet;
    const struct qr_sheet_rect box = {100, 100, 106, 110}, off = {115, 100, 121, 110};
    (void)state;

    fixture_sheet(&sheet);
    round_at(&sheet, 103, 105, 10);
    assert_true(qr_signs_in_balloon(&sheet, &box, 10));
    assert_false(qr_signs_in_balloon(&sheet, &off, 10));
    assert_false(qr_signs_in_balloon(&sheet, &box, 2));
    qr_sheet_done(&sheet);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(signs_beside_numbers_become_text),
        cmocka_unit_test(turned_text_has_turned_signs),
        cmocka_unit_test(others_do_not),
        cmocka_unit_test(frames_have_their_characteristic),
        cmocka_unit_test(numbers_in_circles_are_balloons),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

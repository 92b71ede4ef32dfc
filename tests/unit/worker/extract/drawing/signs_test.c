/* Run it: ctest --preset dev -R signs_test */
#include "worker/extract/drawing/signs.h"

#include <math.h>

#include "tests/unit/worker/extract/drawing/sheet_fixture.h"

static void figure(struct qr_sheet *sheet, enum qr_figure_kind kind, float x, float y, float size)
{
    qr_sheet_add_figure(sheet, kind, &(struct qr_sheet_rect){x, y, x + size, y + size});
}

static void add(const struct qr_sheet *sheet, struct qr_sheet *ret)
{
    struct qr_pieces pieces;

    assert_true(qr_pieces_init(&pieces, sheet));
    assert_true(qr_signs_add(sheet, &pieces, ret));
    qr_pieces_done(&pieces);
}

static void signs_before_numbers_become_text(void **state)
{
    struct qr_sheet sheet, with;
    (void)state;

    fixture_sheet(&sheet);
    fixture_text(&sheet, 100, 100, 0, "9,14");
    figure(&sheet, QR_FIGURE_DIAMETER, 89, 101, 8);
    fixture_text(&sheet, 300, 300, 90, "26,25"); /* read upwards: the sign is below */
    figure(&sheet, QR_FIGURE_DEPTH, 301, 332, 8);
    add(&sheet, &with);
    assert_int_equal(with.n_spans, 4);
    for (size_t i = 2; i < 4; i++) {
        bool flat = with.spans[i].angle == 0;
        assert_string_equal(with.spans[i].text, flat ? "Ø" : "↧");
        assert_true(with.spans[i].box.x0 == (flat ? 89 : 301));
    }
    free(with.spans);
    qr_sheet_done(&sheet);
}

static void others_do_not(void **state)
{
    struct qr_sheet sheet, with;
    (void)state;

    fixture_sheet(&sheet);
    fixture_text(&sheet, 100, 100, 0, "9,14");
    figure(&sheet, QR_FIGURE_CIRCLE, 89, 101, 8);    /* a hole */
    figure(&sheet, QR_FIGURE_DIAMETER, 126, 101, 8); /* behind */
    figure(&sheet, QR_FIGURE_DIAMETER, 60, 101, 8);  /* too far */
    figure(&sheet, QR_FIGURE_DIAMETER, 89, 120, 8);  /* another line */
    figure(&sheet, QR_FIGURE_DIAMETER, 60, 85, 40);  /* too large */
    figure(&sheet, QR_FIGURE_DIAMETER, NAN, 101, 8);
    fixture_text(&sheet, 300, 100, 0, "NOTE");
    figure(&sheet, QR_FIGURE_DIAMETER, 289, 101, 8);
    add(&sheet, &with);
    assert_int_equal(with.n_spans, sheet.n_spans);
    free(with.spans);
    qr_sheet_done(&sheet);
}

static void numbers_in_circles_are_balloons(void **state)
{
    struct qr_sheet sheet;
    const struct qr_sheet_rect box = {100, 100, 106, 110}, off = {115, 100, 121, 110};
    (void)state;

    fixture_sheet(&sheet);
    figure(&sheet, QR_FIGURE_CIRCLE, 93, 95, 20);
    assert_true(qr_signs_in_balloon(&sheet, &box, 10));
    assert_false(qr_signs_in_balloon(&sheet, &off, 10));
    assert_false(qr_signs_in_balloon(&sheet, &box, 2));
    qr_sheet_done(&sheet);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(signs_before_numbers_become_text),
        cmocka_unit_test(others_do_not),
        cmocka_unit_test(numbers_in_circles_are_balloons),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Run it: ctest --preset dev -R dimensions_test */
#include "worker/extract/drawing/dimensions.h"

#include <math.h>

#include "tests/unit/worker/extract/drawing/sheet_fixture.h"

static void find(struct found *f)
{
    struct qr_grid grid;

    assert_true(qr_grid_init(&grid, &f->sheet));
    qr_dimensions_find(&f->sheet, &grid, &f->regions, f->rec);
    qr_grid_done(&grid);
    assert_false(f->rec->failed);
}

static const Quarry__V1__Dimension *by_text(const struct found *f, const char *text)
{
    for (size_t i = 0; i < f->rec->msg->n_dimensions; i++)
        if (strcmp(f->rec->msg->dimensions[i]->text, text) == 0)
            return f->rec->msg->dimensions[i];
    return NULL;
}

static void what_can_be_nothing_else_is_taken(void **state)
{
    struct found *f = *state;
    const Quarry__V1__Dimension *d;

    fixture_text(&f->sheet, 100, 100, 0,
                 "4X \xC3\x98"
                 "5.5 THRU");
    fixture_text(&f->sheet, 300, 100, 90,
                 "25 \xC2\xB1"
                 "0.1");
    fixture_text(&f->sheet, 500, 100, 0, "SHEET 1 OF 2");
    find(f);
    assert_int_equal(f->rec->msg->n_dimensions, 2);
    d = f->rec->msg->dimensions[0];
    assert_string_equal(d->kind, "diameter");
    assert_int_equal(d->quantity, 4);
    assert_string_equal(d->source, "text");
    assert_string_equal(d->unit, "mm");
    assert_int_equal(d->page, 1);
    d = f->rec->msg->dimensions[1];
    assert_true(d->has_tolerance);
    assert_true(d->angle == 90 && d->box->x0 == 300);
}

static void a_bare_number_needs_a_line(void **state)
{
    struct found *f = *state;

    fixture_text(&f->sheet, 100, 100, 0, "R5.5");
    fixture_text(&f->sheet, 200, 100, 0,
                 "\xC3\x98"
                 "12");
    fixture_text(&f->sheet, 400, 300, 0, "46");
    qr_sheet_add_rule(&f->sheet, 380, 313, 440, 313);
    fixture_text(&f->sheet, 700, 300, 0, "47");
    fixture_text(&f->sheet, 400, 500, 0, "48")->height = 20; /* of a balloon */
    qr_sheet_add_rule(&f->sheet, 380, 513, 440, 513);
    find(f);
    assert_non_null(by_text(f, "46"));
    assert_null(by_text(f, "47"));
    assert_null(by_text(f, "48"));
}

static void pieces_are_joined(void **state)
{
    struct found *f = *state;
    const Quarry__V1__Dimension *d;

    fixture_text(&f->sheet, 100, 100, 0, "4X");
    fixture_text(&f->sheet, 118, 100, 0, "R3");
    fixture_text(&f->sheet, 300, 100, 0, "10"); /* with a stacked tolerance */
    fixture_text(&f->sheet, 316, 94, 0, "+0.1");
    fixture_text(&f->sheet, 316, 106, 0, "-0.2");
    fixture_text(&f->sheet, 500, 100, 0, "M3x0.5");
    fixture_text(&f->sheet, 500, 113, 0, "2 PLACES");
    find(f);
    assert_int_equal(f->rec->msg->n_dimensions, 3);
    d = by_text(f, "4X R3");
    assert_non_null(d);
    assert_int_equal(d->quantity, 4);
    d = by_text(f, "10 +0.1/-0.2");
    assert_non_null(d);
    assert_true(d->upper == 0.1 && d->lower == -0.2 && d->box->y0 == 94);
    d = by_text(f, "M3x0.5 2 PLACES");
    assert_non_null(d);
    assert_int_equal(d->quantity, 2);
}

static void a_sign_in_a_span_of_its_own_counts_for_its_row(void **state)
{
    struct found *f = *state;
    const Quarry__V1__Dimension *d;

    fixture_text(&f->sheet, 300, 100, 0, "3,99");
    fixture_text(&f->sheet, 327, 100, 0, "-");
    fixture_text(&f->sheet, 334, 100, 0, "0,02");
    fixture_text(&f->sheet, 334, 90, 0, "0,00");
    find(f);
    assert_int_equal(f->rec->msg->n_dimensions, 1);
    d = f->rec->msg->dimensions[0];
    assert_true(d->value == 3.99 && d->upper == 0 && d->lower == -0.02);
}

static void neighbours_that_read_alone_stay_alone(void **state)
{
    struct found *f = *state;

    fixture_text(&f->sheet, 100, 100, 0, "10.5");
    fixture_text(&f->sheet, 132, 100, 0, "20.5");
    qr_sheet_add_rule(&f->sheet, 90, 113, 160, 113);
    find(f);
    assert_int_equal(f->rec->msg->n_dimensions, 2);
}

static void grid_references_and_scales_are_none(void **state)
{
    static const char *const numbers[] = {"1", "2", "3", "4", "5", "6"};
    struct found *f = *state;

    fixture_text(&f->sheet, 600, 300, 0, "R5.5");
    fixture_text(&f->sheet, 700, 300, 0, "R6.5");
    qr_sheet_add_rule(&f->sheet, 0, 15, 1190, 15);
    qr_sheet_add_rule(&f->sheet, 0, 827, 1190, 827);
    for (size_t i = 0; i < 3; i++) { /* of the frame */
        fixture_text(&f->sheet, 200 + 300 * (float)i, 3, 0, numbers[i]);
        fixture_text(&f->sheet, 200 + 300 * (float)i, 829, 0, numbers[i]);
    }
    for (size_t i = 0; i < 6; i++) { /* of an axis */
        fixture_text(&f->sheet, 200 + 50 * (float)i, 400, 0, numbers[i]);
        qr_sheet_add_rule(&f->sheet, 190, 395, 500, 395);
    }
    find(f);
    assert_int_equal(f->rec->msg->n_dimensions, 2);
}

static void tables_and_title_blocks_have_none(void **state)
{
    struct found *f = *state;
    struct qr_sheet_rect title = {800, 600, 1190, 842};

    qr_regions_add(&f->regions, QR_REGION_TITLE, &title);
    fixture_text(&f->sheet, 900, 700, 0,
                 "\xC3\x98"
                 "12");
    fixture_text(&f->sheet, 100, 100, 0,
                 "\xC3\x98"
                 "13");
    find(f);
    assert_int_equal(f->rec->msg->n_dimensions, 1);
    assert_true(f->rec->msg->dimensions[0]->value == 13);
}

static void a_number_in_a_box_of_its_own_is_basic(void **state)
{
    struct found *f = *state;

    fixture_text(&f->sheet, 100, 100, 0, "25.40");
    fixture_box(&f->sheet, 96, 97, 134, 113);
    find(f);
    assert_int_equal(f->rec->msg->n_dimensions, 1);
    assert_true(f->rec->msg->dimensions[0]->basic);
}

static void words_beside_speak_against_it(void **state)
{
    struct found *f = *state;

    fixture_text(&f->sheet, 100, 100, 0, "Mass:");
    fixture_text(&f->sheet, 135, 100, 0, "1.25");
    find(f);
    assert_int_equal(f->rec->msg->n_dimensions, 0);
}

static void circuits_have_parts_not_dimensions(void **state)
{
    static const char *const words[] = {"GND", "VCC", "R1", "C2", "U1", "R2", "GND", "R3"};
    struct found *f = *state;

    for (size_t i = 0; i < QR_COUNT(words); i++)
        fixture_text(&f->sheet, 100 + 60 * (float)i, 100, 0, words[i]);
    find(f);
    assert_int_equal(f->rec->msg->n_dimensions, 0);
}

static void known_dimensions_are_not_read_again(void **state)
{
    struct found *f = *state;

    f->sheet.dimensions_known = true;
    fixture_text(&f->sheet, 100, 100, 0,
                 "\xC3\x98"
                 "13");
    find(f);
    assert_int_equal(f->rec->msg->n_dimensions, 0);
}

static void hostile_sheets_are_bounded(void **state)
{
    struct found *f = *state;

    for (int i = 0; i < QR_SHEET_SPANS_MAX; i++) { /* all on one point, and none at all */
        struct qr_sheet_span *span = fixture_text(&f->sheet, 5, 5, 0, i % 3 ? "12.5" : "+0.1");
        if (i % 5 == 0)
            span->box.x0 = NAN;
        if (i % 7 == 0)
            span->height = (float)INFINITY;
        if (i % 11 == 0)
            span->angle = NAN;
    }
    find(f);
    assert_true(f->rec->msg->n_dimensions <= 10000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_can_be_nothing_else_is_taken, begin, end),
        cmocka_unit_test_setup_teardown(a_bare_number_needs_a_line, begin, end),
        cmocka_unit_test_setup_teardown(pieces_are_joined, begin, end),
        cmocka_unit_test_setup_teardown(a_sign_in_a_span_of_its_own_counts_for_its_row, begin, end),
        cmocka_unit_test_setup_teardown(neighbours_that_read_alone_stay_alone, begin, end),
        cmocka_unit_test_setup_teardown(grid_references_and_scales_are_none, begin, end),
        cmocka_unit_test_setup_teardown(tables_and_title_blocks_have_none, begin, end),
        cmocka_unit_test_setup_teardown(a_number_in_a_box_of_its_own_is_basic, begin, end),
        cmocka_unit_test_setup_teardown(words_beside_speak_against_it, begin, end),
        cmocka_unit_test_setup_teardown(circuits_have_parts_not_dimensions, begin, end),
        cmocka_unit_test_setup_teardown(known_dimensions_are_not_read_again, begin, end),
        cmocka_unit_test_setup_teardown(hostile_sheets_are_bounded, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

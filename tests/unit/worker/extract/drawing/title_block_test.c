/* Run it: ctest --preset dev -R title_block_test */
#include "tests/unit/worker/extract/drawing/sheet_builder.h"
#include "worker/extract/drawing/title_block.h"

static void find(struct desk *desk)
{
    struct qr_regions regions = {.n = 0};
    struct qr_grid grid;

    assert_true(qr_grid_init(&grid, &desk->sheet));
    qr_title_block_find(&desk->sheet, &grid, &regions, desk->rec);
    qr_grid_done(&grid);
}

/* Labels small in the corner of their cells, values below: ISO 7200 as most templates draw it. */
static void put_iso_block(struct desk *desk)
{
    put_cell(desk, 20, 20, 822, 575);
    put_cell(desk, 500, 515, 650, 545);
    put_cell(desk, 650, 515, 822, 545);
    put_cell(desk, 500, 545, 650, 575);
    put_cell(desk, 650, 545, 700, 575);
    put_cell(desk, 700, 545, 822, 575);
    put_text(desk, 503, 517, 6, "Created by");
    put_text(desk, 503, 528, 10, "Ada Smith");
    put_text(desk, 580, 528, 10, "2023-02-26");
    put_text(desk, 653, 517, 6, "DWG No.");
    put_text(desk, 653, 528, 10, "QX-4711-02");
    put_text(desk, 503, 547, 6, "Title");
    put_text(desk, 503, 556, 14, "Bearing cap");
    put_text(desk, 653, 547, 6, "Rev.");
    put_text(desk, 653, 558, 10, "B");
    put_text(desk, 703, 547, 6, "Sheet");
    put_text(desk, 703, 558, 10, "2/3");
}

static void assert_iso_block(struct desk *desk)
{
    assert_field(desk, "drawn_by", "Ada Smith");
    assert_field(desk, "drawn_date", "2023-02-26");
    assert_field(desk, "drawing_number", "QX-4711-02");
    assert_field(desk, "title", "Bearing cap");
    assert_field(desk, "revision", "B");
    assert_field(desk, "sheet", "2");
    assert_field(desk, "sheet_count", "3");
    assert_int_equal(desk->rec->msg->n_title_block, 7);
}

static void reads_cells_with_labels(void **state)
{
    struct desk *desk = *state;

    put_iso_block(desk);
    find(desk);
    assert_iso_block(desk);
    const Quarry__V1__MetadataItem *title = find_field(desk, "title");
    assert_string_equal(title->origin, "label");
    assert_int_equal(title->place->page, 1);
    assert_true(title->place->box->x0 == 503 && title->place->box->y0 == 556);
    assert_true(title->confidence > 0.8 && title->confidence <= 1);
}

static void reads_sheets_on_their_side(void **state)
{
    struct desk *desk = *state;

    put_iso_block(desk);
    for (int quarter = 1; quarter < 4; quarter++) {
        turn_desk(desk);
        qr_record_reset(desk->rec);
        find(desk);
        assert_iso_block(desk);
    }
}

static void reads_label_and_value_in_one_text(void **state)
{
    struct desk *desk = *state;

    put_cell(desk, 500, 500, 822, 575);
    put_text(desk, 505, 505, 8, "Title: Motor Driver: rev");
    put_text(desk, 505, 520, 6, "Size: A4");
    put_text(desk, 605, 520, 6, "Date: 2020-12-12");
    put_text(desk, 705, 520, 6, "Rev: X1");
    put_text(desk, 705, 532, 6, "Id: 1/1");
    put_text(desk, 505, 532, 6, "File: driver.sch");
    find(desk);
    assert_field(desk, "title", "Motor Driver: rev");
    assert_field(desk, "size", "A4");
    assert_field(desk, "date", "2020-12-12");
    assert_field(desk, "revision", "X1");
    assert_field(desk, "sheet", "1");
    assert_null(find_field(desk, "drawing_number"));
}

static void reads_rows_of_persons(void **state)
{
    struct desk *desk = *state;
    static const float x[] = {500, 540, 600, 680};
    static const float y[] = {520, 532, 544, 556};

    for (int r = 0; r < 3; r++)
        for (int c = 0; c < 3; c++)
            put_cell(desk, x[c], y[r], x[c + 1], y[r + 1]);
    put_text(desk, 545, 522, 6, "Datum");
    put_text(desk, 605, 522, 6, "Name");
    put_text(desk, 503, 534, 6, "Gez.");
    put_text(desk, 543, 534, 6, "29.03.2021");
    put_text(desk, 603, 534, 6, "L. Gering");
    put_text(desk, 503, 546, 6, "Gepr.");
    put_text(desk, 603, 546, 6, "M. Maier");
    find(desk);
    assert_field(desk, "drawn_by", "L. Gering");
    assert_field(desk, "drawn_date", "29.03.2021");
    assert_field(desk, "checked_by", "M. Maier");
    assert_null(find_field(desk, "date"));
    assert_null(find_field(desk, "checked_date"));
}

static void leaves_empty_fields_empty(void **state)
{
    struct desk *desk = *state;

    put_cell(desk, 500, 515, 650, 545);
    put_cell(desk, 650, 515, 822, 545);
    put_cell(desk, 500, 545, 822, 575);
    put_text(desk, 503, 517, 6, "DRAWING NO.");
    put_text(desk, 653, 517, 6, "SCALE");
    put_text(desk, 653, 530, 8, "1:5");
    put_text(desk, 503, 547, 6, "TITLE");
    find(desk);
    assert_field(desk, "scale", "1:5");
    assert_int_equal(desk->rec->msg->n_title_block, 1);
}

static void parts_texts_that_run_over_a_line(void **state)
{
    struct desk *desk = *state;

    put_cell(desk, 500, 500, 530, 530);
    put_cell(desk, 530, 500, 560, 530);
    put_cell(desk, 560, 500, 622, 530);
    put_text(desk, 512, 502, 6, "SCALE UNIT");
    put_text(desk, 519, 516, 6, "1:2 mm");
    put_text(desk, 563, 502, 6, "DRAWN");
    put_text(desk, 563, 516, 6, "AS");
    find(desk);
    assert_field(desk, "scale", "1:2");
    assert_field(desk, "units", "mm");
    assert_field(desk, "drawn_by", "AS");
}

static void takes_large_text_without_label_for_the_title(void **state)
{
    struct desk *desk = *state;

    put_cell(desk, 500, 515, 650, 545);
    put_cell(desk, 650, 515, 822, 545);
    put_cell(desk, 500, 545, 780, 575);
    put_cell(desk, 780, 545, 822, 575);
    put_text(desk, 503, 517, 6, "Werkstoff");
    put_text(desk, 503, 530, 8, "S235JR");
    put_text(desk, 653, 517, 6, "Maßstab");
    put_text(desk, 653, 530, 8, "1:1");
    put_text(desk, 653, 540, 4, "Gezeichnet");
    put_text(desk, 510, 552, 16, "Lagerdeckel");
    put_text(desk, 785, 555, 8, "A3");
    find(desk);
    assert_field(desk, "title", "Lagerdeckel");
    assert_field(desk, "size", "A3");
    assert_string_equal(find_field(desk, "title")->origin, "position");
    assert_true(find_field(desk, "title")->confidence <= 0.5);
}

static void reads_attributes(void **state)
{
    struct desk *desk = *state;

    put_attribute(desk, "DWG_NO", "4711");
    put_attribute(desk, "TITEL", "Lagerdeckel");
    put_attribute(desk, "MASSSTAB", "1:2");
    put_attribute(desk, "WERKSTOFF", "-");
    put_attribute(desk, "XPOS", "12");
    find(desk);
    assert_field(desk, "drawing_number", "4711");
    assert_field(desk, "title", "Lagerdeckel");
    assert_field(desk, "scale", "1:2");
    assert_string_equal(find_field(desk, "scale")->origin, "attribute");
    assert_int_equal(desk->rec->msg->n_title_block, 3);
}

static void attributes_of_parts_are_no_title_block(void **state)
{
    struct desk *desk = *state;

    for (int i = 0; i < 6; i++) {
        put_attribute(desk, "PART_NO", "R10");
        put_attribute(desk, "TITLE", "Resistor");
        put_attribute(desk, "DATE", "2020-01-01");
    }
    find(desk);
    assert_int_equal(desk->rec->msg->n_title_block, 0);
}

static void text_pages_have_none(void **state)
{
    struct desk *desk = *state;

    put_text(desk, 60, 60, 12, "Memo");
    put_text(desk, 60, 80, 10, "Date: 12 March 2020");
    put_text(desk, 60, 95, 10, "Project: Harbour bridge");
    put_text(desk, 60, 120, 10, "The title of the drawing and its scale are discussed on sheet 4.");
    put_text(desk, 60, 135, 10, "Materials were checked by the supplier; see revision history.");
    find(desk);
    assert_int_equal(desk->rec->msg->n_title_block, 0);
}

static void table_heads_are_no_labels(void **state)
{
    struct desk *desk = *state;
    static const char *const heads[] = {"ITEM", "QTY", "PART NUMBER", "DESCRIPTION", "MATERIAL"};

    for (int i = 0; i < 5; i++) {
        put_cell(desk, 400 + 80 * (float)i, 500, 480 + 80 * (float)i, 515);
        put_cell(desk, 400 + 80 * (float)i, 515, 480 + 80 * (float)i, 530);
        put_text(desk, 405 + 80 * (float)i, 503, 6, heads[i]);
    }
    put_text(desk, 565, 518, 6, "P-1234");
    put_text(desk, 645, 518, 6, "Screw");
    find(desk);
    assert_int_equal(desk->rec->msg->n_title_block, 0);
}

static void later_sheets_add_what_is_new(void **state)
{
    struct desk *desk = *state;

    put_iso_block(desk);
    find(desk);
    desk->sheet.page = 2;
    desk->sheet.spans[desk->sheet.n_spans - 1].text = "3/3";
    find(desk);
    assert_int_equal(desk->rec->msg->n_title_block, 8);
    assert_string_equal(desk->rec->msg->title_block[7]->key, "sheet");
    assert_string_equal(desk->rec->msg->title_block[7]->value, "3");
    assert_int_equal(desk->rec->msg->title_block[7]->place->page, 2);
}

static void bears_hostile_sheets(void **state)
{
    struct desk *desk = *state;
    static const char *const texts[] = {"DRAWN", "Title: x", "SCALE 1:2", "REV", "12 34 mm"};

    for (int i = 0; i < QR_SHEET_SPANS_MAX; i++)
        put_text(desk, 300, 300, 5, texts[i % 5]);
    for (int i = 0; i < QR_SHEET_RULES_MAX; i++)
        qr_sheet_add_rule(&desk->sheet, 300, (float)(i % 7) + 298, 310, (float)(i % 7) + 298);
    find(desk);
    for (size_t i = 0; i < desk->sheet.n_spans; i++) {
        struct qr_sheet_span *span = &desk->sheet.spans[i];
        span->box.x0 = i % 3 == 0 ? NAN : i % 3 == 1 ? INFINITY : -INFINITY;
        span->angle = i % 2 == 0 ? NAN : 0;
        span->height = i % 4 == 0 ? 0 : -1;
        desk->sheet.rules[i].x0 = NAN;
    }
    find(desk);
    assert_true(desk->rec->msg->n_title_block < 100);
}

int main(void)
{
#define DESK_TEST(name) cmocka_unit_test_setup_teardown(name, desk_set_up, desk_tear_down)
    const struct CMUnitTest tests[] = {
        DESK_TEST(reads_cells_with_labels),
        DESK_TEST(reads_sheets_on_their_side),
        DESK_TEST(reads_label_and_value_in_one_text),
        DESK_TEST(reads_rows_of_persons),
        DESK_TEST(leaves_empty_fields_empty),
        DESK_TEST(parts_texts_that_run_over_a_line),
        DESK_TEST(takes_large_text_without_label_for_the_title),
        DESK_TEST(reads_attributes),
        DESK_TEST(attributes_of_parts_are_no_title_block),
        DESK_TEST(text_pages_have_none),
        DESK_TEST(table_heads_are_no_labels),
        DESK_TEST(later_sheets_add_what_is_new),
        DESK_TEST(bears_hostile_sheets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

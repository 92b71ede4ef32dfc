/* Run it: ctest --preset dev -R bom_test */
#include "worker/extract/drawing/bom.h"

#include <math.h>

#include "tests/unit/worker/extract/drawing/sheet_fixture.h"
#include "worker/extract/drawing/bom_words.h"
#include "worker/extract/drawing/table.h"

enum { COLUMNS = 5 };

/* Left edges of the columns of a table at x, and its right end. */
static const float lefts[COLUMNS + 1] = {0, 40, 130, 290, 350, 430};

static void find(struct found *f)
{
    struct qr_grid grid;

    assert_true(qr_grid_init(&grid, &f->sheet));
    qr_bom_find(&f->sheet, &grid, &f->regions, f->rec);
    qr_grid_done(&grid);
    assert_false(f->rec->failed);
}

static void put_row(struct found *f, float x, float y, const char *const cells[COLUMNS])
{
    for (size_t i = 0; i < COLUMNS; i++)
        if (cells[i])
            fixture_text(&f->sheet, x + lefts[i] + 4, y + 4, 0, cells[i]);
}

static void rule_rows(struct found *f, float x, float y, int n)
{
    for (int i = 0; i <= n; i++)
        qr_sheet_add_rule(&f->sheet, x, y + 18 * (float)i, x + lefts[COLUMNS], y + 18 * (float)i);
    for (size_t i = 0; i <= COLUMNS; i++)
        qr_sheet_add_rule(&f->sheet, x + lefts[i], y, x + lefts[i], y + 18 * (float)n);
}

static const char *const english[COLUMNS] = {"ITEM", "PART NUMBER", "DESCRIPTION", "QTY.",
                                             "MATERIAL"};
static const char *const german[COLUMNS] = {"Pos.", "Sachnummer", "Benennung", "Menge",
                                            "Werkstoff"};
static const char *const shaft[COLUMNS] = {"1", "10-001", "SHAFT", "1", "C45"};
static const char *const screw[COLUMNS] = {"2", "DIN 912", "SCREW M5x20", "12", NULL};

static void assert_row(const struct found *f, size_t i, const char *item, const char *part,
                       const char *description, const char *quantity, const char *material)
{
    const Quarry__V1__BomItem *row;

    assert_true(i < f->rec->msg->n_bom);
    row = f->rec->msg->bom[i];
    assert_string_equal(row->item, item);
    assert_string_equal(row->part_number, part);
    assert_string_equal(row->description, description);
    assert_string_equal(row->quantity, quantity);
    assert_string_equal(row->material, material);
}

static void a_ruled_table_is_read_down(void **state)
{
    struct found *f = *state;

    put_row(f, 100, 100, english);
    put_row(f, 100, 118, shaft);
    put_row(f, 100, 136, screw);
    rule_rows(f, 100, 100, 3);
    fixture_text(&f->sheet, 104, 170, 0, "3"); /* below the table */
    find(f);
    assert_int_equal(f->rec->msg->n_bom, 2);
    assert_row(f, 0, "1", "10-001", "SHAFT", "1", "C45");
    assert_row(f, 1, "2", "DIN 912", "SCREW M5x20", "12", "");
    assert_true(f->rec->msg->bom[0]->place->box->y0 == 118);
    assert_int_equal(f->regions.n, 1);
    assert_int_equal(f->regions.list[0].kind, QR_REGION_BOM);
    assert_true(f->regions.list[0].box.y1 == 154);
}

static void one_with_its_header_below_is_read_up(void **state)
{
    struct found *f = *state;

    put_row(f, 700, 700, german);
    put_row(f, 700, 682, shaft);
    put_row(f, 700, 664, screw);
    rule_rows(f, 700, 664, 3);
    fixture_box(&f->sheet, 700, 718, 1130, 800); /* the title block */
    fixture_text(&f->sheet, 720, 730, 0, "1:2");
    find(f);
    assert_int_equal(f->rec->msg->n_bom, 2);
    assert_row(f, 0, "1", "10-001", "SHAFT", "1", "C45");
    assert_row(f, 1, "2", "DIN 912", "SCREW M5x20", "12", "");
}

static void without_lines_alignment_decides(void **state)
{
    struct found *f = *state;

    put_row(f, 100, 100, english);
    put_row(f, 100, 118, shaft);
    put_row(f, 100, 136, screw);
    fixture_text(&f->sheet, 234, 148, 0, "ZINC PLATED"); /* second line of the description */
    put_row(f, 100, 166, (const char *[COLUMNS]){"3", "10-003", "KEY", "1", "C45"});
    fixture_text(&f->sheet, 100, 260, 0, "4 OTHER TEXT FAR BELOW");
    find(f);
    assert_int_equal(f->rec->msg->n_bom, 3);
    assert_row(f, 1, "2", "DIN 912", "SCREW M5x20 ZINC PLATED", "12", "");
    assert_row(f, 2, "3", "10-003", "KEY", "1", "C45");
}

static void cells_of_several_lines_are_joined(void **state)
{
    struct found *f = *state;

    put_row(f, 100, 100, english);
    fixture_text(&f->sheet, 104, 131, 0, "1"); /* centred in a cell twice as high */
    fixture_text(&f->sheet, 234, 122, 0, "HOUSING");
    fixture_text(&f->sheet, 234, 138, 0, "RIGHT HAND");
    fixture_text(&f->sheet, 394, 131, 0, "2");
    fixture_box(&f->sheet, 100, 100, 530, 118);
    fixture_box(&f->sheet, 100, 118, 530, 154);
    for (size_t i = 1; i < COLUMNS; i++)
        qr_sheet_add_rule(&f->sheet, 100 + lefts[i], 100, 100 + lefts[i], 154);
    find(f);
    assert_int_equal(f->rec->msg->n_bom, 1);
    assert_row(f, 0, "1", "", "HOUSING RIGHT HAND", "2", "");
}

static void other_columns_keep_their_title(void **state)
{
    struct found *f = *state;

    put_row(f, 100, 100,
            (const char *[COLUMNS]){"Item", "Function", "Description", "Q'ty", "Remark"});
    put_row(f, 100, 118, (const char *[COLUMNS]){"1", "USB", "SOCKET", "4", "new"});
    rule_rows(f, 100, 100, 2);
    find(f);
    assert_int_equal(f->rec->msg->n_bom, 1);
    assert_int_equal(f->rec->msg->bom[0]->n_other, 2);
    assert_string_equal(f->rec->msg->bom[0]->other[0]->key, "function");
    assert_string_equal(f->rec->msg->bom[0]->other[0]->value, "USB");
    assert_string_equal(f->rec->msg->bom[0]->other[1]->key, "remark");
}

static void two_tables_side_by_side(void **state)
{
    struct found *f = *state;

    put_row(f, 100, 100, english);
    put_row(f, 100, 118, shaft);
    rule_rows(f, 100, 100, 2);
    put_row(f, 600, 100, english);
    put_row(f, 600, 118, screw);
    rule_rows(f, 600, 100, 2);
    find(f);
    assert_int_equal(f->rec->msg->n_bom, 2);
    assert_row(f, 1, "2", "DIN 912", "SCREW M5x20", "12", "");
}

static void other_tables_are_none(void **state)
{
    static const char *const headers[][COLUMNS] = {
        {"REV", "ZONE", "DESCRIPTION", "DATE", "APPROVED"},
        {"HOLE", "X", "Y", "DESCRIPTION", "QTY"},
        {"PIN", "SIGNAL", "DESCRIPTION", "TYPE", "NOTE"},
        {"TAG", "XLOC", "YLOC", "SIZE", "QTY"},
        {"PART NUMBER", "DESCRIPTION", "SPECIFICATION", "SCALE", "SHEET"},
        {"DRAWN BY", "CHECKED BY", "SCALE", "SHEET", "MATERIAL"},
    };
    struct found *f = *state;

    for (size_t i = 0; i < QR_COUNT(headers); i++) {
        float y = 60 + 100 * (float)i;
        put_row(f, 100, y, headers[i]);
        put_row(f, 100, y + 18, (const char *[COLUMNS]){"1", "10", "20", "5", "2"});
        put_row(f, 100, y + 36, (const char *[COLUMNS]){"2", "11", "21", "6", "3"});
        rule_rows(f, 100, y, 3);
    }
    find(f);
    assert_int_equal(f->rec->msg->n_bom, 0);
    assert_int_equal(f->regions.n, 0);
}

static void titles_of_many_languages_are_known(void **state)
{
    static const struct {
        const char *title;
        enum qr_bom_column column;
    } cases[] = {
        {"ITEM NO.", QR_BOM_ITEM},
        {"Pos.-Nr.", QR_BOM_ITEM},
        {"Rep\xC3\xA8re", QR_BOM_ITEM},
        {"QTY", QR_BOM_QTY},
        {"St\xC3\xBC"
         "ck",
         QR_BOM_QTY},
        {"Quantit\xC3\xA9", QR_BOM_QTY},
        {"Q.t\xC3\xA0", QR_BOM_QTY},
        {"Cant.", QR_BOM_QTY},
        {"\xE6\x95\xB0\xE9\x87\x8F", QR_BOM_QTY}, /* 数量 */
        {"PART NO", QR_BOM_PART},
        {"Teilenummer", QR_BOM_PART},
        {"Artikel-Nr.", QR_BOM_PART},
        {"D\xC3\xA9signation", QR_BOM_DESC},
        {"Bezeichnung", QR_BOM_DESC},
        {"DESCRIZIONE", QR_BOM_DESC},
        {"Descripci\xC3\xB3n", QR_BOM_DESC},
        {"\xE5\x90\x8D\xE7\xA7\xB0", QR_BOM_DESC}, /* 名称 */
        {"MAT'L", QR_BOM_MATERIAL},
        {"Werkstoff", QR_BOM_MATERIAL},
        {"Pos. / Item", QR_BOM_ITEM},
        {"Menge / Qty", QR_BOM_QTY},
        {"U/M", QR_BOM_UNIT},
        {"REMARKS", QR_BOM_OTHER},
        {"DATE", QR_BOM_NEVER},
        {"housing", QR_BOM_NONE},
        {"Item Date", QR_BOM_NONE},
        {"", QR_BOM_NONE},
    };
    (void)state;

    for (size_t i = 0; i < QR_COUNT(cases); i++)
        if (qr_bom_column_by_title(cases[i].title, strlen(cases[i].title)) != cases[i].column)
            fail_msg("%s: got %d", cases[i].title,
                     (int)qr_bom_column_by_title(cases[i].title, strlen(cases[i].title)));
}

static void hostile_sheets_are_bounded(void **state)
{
    static const char *const words[] = {"ITEM", "QTY", "PART NO", "DESCRIPTION", "1"};
    struct found *f = *state;

    for (int i = 0; i < QR_SHEET_SPANS_MAX; i++) {
        struct qr_sheet_span *span =
            fixture_text(&f->sheet, (float)(i % 3), 5, 0, words[(size_t)i % QR_COUNT(words)]);
        if (i % 7 == 0)
            span->box.y0 = NAN;
    }
    find(f);
    assert_true(f->rec->msg->n_bom <= 100000);
}

static void spans_in_closed_cells_are_marked(void **state)
{
    struct found *f = *state;
    struct qr_grid grid;
    uint8_t taken[16] = {0};

    put_row(f, 100, 100, shaft);
    put_row(f, 100, 118, screw);
    rule_rows(f, 100, 100, 2);
    fixture_text(&f->sheet, 700, 100, 0, "25.4"); /* a basic dimension */
    fixture_box(&f->sheet, 696, 97, 728, 113);
    assert_true(qr_grid_init(&grid, &f->sheet));
    qr_table_mark_cells(&f->sheet, &grid, taken);
    qr_grid_done(&grid);
    for (size_t i = 0; i < 9; i++)
        assert_int_equal(taken[i], 1);
    assert_int_equal(taken[9], 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_ruled_table_is_read_down, begin, end),
        cmocka_unit_test_setup_teardown(one_with_its_header_below_is_read_up, begin, end),
        cmocka_unit_test_setup_teardown(without_lines_alignment_decides, begin, end),
        cmocka_unit_test_setup_teardown(cells_of_several_lines_are_joined, begin, end),
        cmocka_unit_test_setup_teardown(other_columns_keep_their_title, begin, end),
        cmocka_unit_test_setup_teardown(two_tables_side_by_side, begin, end),
        cmocka_unit_test_setup_teardown(other_tables_are_none, begin, end),
        cmocka_unit_test(titles_of_many_languages_are_known),
        cmocka_unit_test_setup_teardown(hostile_sheets_are_bounded, begin, end),
        cmocka_unit_test_setup_teardown(spans_in_closed_cells_are_marked, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

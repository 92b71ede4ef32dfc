/* Run it: ctest --preset dev -R revisions_test */
#include "tests/unit/worker/extract/drawing/sheet_builder.h"
#include "worker/extract/drawing/notes.h"
#include "worker/extract/drawing/revisions.h"

static void find_revisions(struct desk *desk)
{
    struct qr_regions regions = {.n = 0};
    struct qr_grid grid;

    assert_true(qr_grid_init(&grid, &desk->sheet));
    qr_revisions_find(&desk->sheet, &grid, &regions, desk->rec);
    qr_grid_done(&grid);
}

static void find_notes(struct desk *desk)
{
    struct qr_regions regions = {.n = 0};

    qr_notes_find(&desk->sheet, &regions, desk->rec);
}

static const float columns[] = {500, 530, 640, 700, 760};

static void put_row(struct desk *desk, float y, const char *const texts[4])
{
    for (int i = 0; i < 4; i++) {
        put_cell(desk, columns[i], y, columns[i + 1], y + 12);
        if (texts[i])
            put_text(desk, columns[i] + 3, y + 3, 6, texts[i]);
    }
}

static const char *const head[] = {"REV", "DESCRIPTION", "DATE", "BY"};
static const char *const row_a[] = {"A", "FIRST ISSUE", "2020-01-02", "AS"};
static const char *const row_b[] = {"B", "HOLE 9 WAS 8", "2021-03-04", NULL};

static void assert_revision(const struct desk *desk, size_t i, const char *const row[4])
{
    assert_true(i < desk->rec->msg->n_revisions);
    const Quarry__V1__Revision *revision = desk->rec->msg->revisions[i];
    assert_string_equal(revision->revision, row[0]);
    assert_string_equal(revision->description, row[1]);
    assert_string_equal(revision->date, row[2]);
    assert_string_equal(revision->author, row[3] ? row[3] : "");
    assert_int_equal(revision->place->page, 1);
}

static void reads_tables_that_grow_down(void **state)
{
    struct desk *desk = *state;

    put_row(desk, 20, head);
    put_row(desk, 32, row_a);
    put_row(desk, 44, row_b);
    find_revisions(desk);
    assert_int_equal(desk->rec->msg->n_revisions, 2);
    assert_revision(desk, 0, row_a);
    assert_revision(desk, 1, row_b);
}

static void reads_tables_that_grow_up(void **state)
{
    struct desk *desk = *state;
    static const char *const german[] = {"Zust.", "Änderung", "Datum", "Name"};

    put_row(desk, 500, row_b);
    put_row(desk, 512, row_a);
    put_row(desk, 524, german);
    find_revisions(desk);
    assert_int_equal(desk->rec->msg->n_revisions, 2);
    assert_revision(desk, 0, row_a);
    assert_revision(desk, 1, row_b);
}

static void reads_tables_on_their_side(void **state)
{
    struct desk *desk = *state;

    put_row(desk, 20, head);
    put_row(desk, 32, row_a);
    turn_desk(desk);
    find_revisions(desk);
    assert_int_equal(desk->rec->msg->n_revisions, 1);
    assert_revision(desk, 0, row_a);
}

static void joins_wrapped_descriptions(void **state)
{
    struct desk *desk = *state;

    put_row(desk, 20, head);
    put_row(desk, 32, row_a);
    put_text(desk, 533, 43, 6, "FOR APPROVAL");
    find_revisions(desk);
    assert_int_equal(desk->rec->msg->n_revisions, 1);
    assert_string_equal(desk->rec->msg->revisions[0]->description, "FIRST ISSUE FOR APPROVAL");
}

static void other_tables_have_no_revisions(void **state)
{
    struct desk *desk = *state;
    static const char *const parts[] = {"ITEM", "DESCRIPTION", "QTY", "MATERIAL"};
    static const char *const row[] = {"1", "SHAFT", "2", "C45"};

    put_row(desk, 20, parts);
    put_row(desk, 32, row);
    put_text(desk, 100, 100, 6, "Rev");
    put_text(desk, 100, 110, 6, "A");
    put_text(desk, 130, 100, 6, "Date");
    find_revisions(desk);
    assert_int_equal(desk->rec->msg->n_revisions, 0);
}

static void assert_note(const struct desk *desk, size_t i, const char *number, const char *text)
{
    assert_true(i < desk->rec->msg->n_drawing_notes);
    assert_string_equal(desk->rec->msg->drawing_notes[i]->number, number);
    assert_string_equal(desk->rec->msg->drawing_notes[i]->text, text);
}

static void reads_numbered_notes(void **state)
{
    struct desk *desk = *state;

    put_text(desk, 50, 400, 6, "NOTES:");
    put_text(desk, 50, 410, 6, "1. BREAK ALL SHARP EDGES 0.3");
    put_text(desk, 50, 420, 6, "2.");
    put_text(desk, 62, 420, 6, "SURFACE TREATMENT AFTER");
    put_text(desk, 62, 430, 6, "WELDING ONLY");
    put_text(desk, 50, 440, 6, "3) DO NOT SCALE");
    put_text(desk, 50, 500, 6, "DETAIL A");
    put_text(desk, 400, 410, 6, "Ø25");
    find_notes(desk);
    assert_int_equal(desk->rec->msg->n_drawing_notes, 3);
    assert_note(desk, 0, "1", "BREAK ALL SHARP EDGES 0.3");
    assert_note(desk, 1, "2", "SURFACE TREATMENT AFTER WELDING ONLY");
    assert_note(desk, 2, "3", "DO NOT SCALE");
}

static void reads_notes_without_numbers(void **state)
{
    struct desk *desk = *state;

    put_text(desk, 50, 400, 6, "Hinweise:");
    put_text(desk, 50, 410, 6, "Alle Kanten gebrochen");
    put_text(desk, 50, 420, 6, "Nach dem Schweißen verzinkt");
    put_text(desk, 300, 500, 6, "NOTE: PAINT BLACK");
    find_notes(desk);
    assert_int_equal(desk->rec->msg->n_drawing_notes, 3);
    assert_note(desk, 0, "", "Alle Kanten gebrochen");
    assert_note(desk, 2, "", "PAINT BLACK");
}

static void a_single_number_is_no_note(void **state)
{
    struct desk *desk = *state;

    put_text(desk, 50, 400, 6, "1.");
    put_text(desk, 250, 400, 6, "A. SECTION");
    put_text(desk, 450, 400, 6, "1.5");
    find_notes(desk);
    assert_int_equal(desk->rec->msg->n_drawing_notes, 0);
}

static void bears_hostile_sheets(void **state)
{
    struct desk *desk = *state;
    static const char *const texts[] = {"REV DESCRIPTION DATE BY", "A", "NOTES:", "1. x",
                                        "2020-01-01"};

    for (int i = 0; i < QR_SHEET_SPANS_MAX; i++)
        put_text(desk, 300, 300 + (float)(i % 3), 5, texts[i % 5]);
    find_revisions(desk);
    find_notes(desk);
    for (size_t i = 0; i < desk->sheet.n_spans; i++) {
        desk->sheet.spans[i].box.y0 = i % 2 == 0 ? NAN : -INFINITY;
        desk->sheet.spans[i].height = i % 3 == 0 ? NAN : 0;
    }
    find_revisions(desk);
    find_notes(desk);
    assert_true(desk->rec->msg->n_revisions <= 800 && desk->rec->msg->n_drawing_notes <= 4000);
}

int main(void)
{
#define DESK_TEST(name) cmocka_unit_test_setup_teardown(name, desk_set_up, desk_tear_down)
    const struct CMUnitTest tests[] = {
        DESK_TEST(reads_tables_that_grow_down),    DESK_TEST(reads_tables_that_grow_up),
        DESK_TEST(reads_tables_on_their_side),     DESK_TEST(joins_wrapped_descriptions),
        DESK_TEST(other_tables_have_no_revisions), DESK_TEST(reads_numbered_notes),
        DESK_TEST(reads_notes_without_numbers),    DESK_TEST(a_single_number_is_no_note),
        DESK_TEST(bears_hostile_sheets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

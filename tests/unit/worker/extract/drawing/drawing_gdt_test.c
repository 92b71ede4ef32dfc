/* Run it: ctest --preset dev -R drawing_gdt_test */
#include "worker/extract/drawing/gdt.h"

#include "common/record/record.h"
#include "tests/unit/worker/extract/drawing/sheet_fixture.h"

static const char *render(const struct qr_gdt_frame *f, char *out, size_t room)
{
    int n = snprintf(out, room, "%X %g%s%s%s", (unsigned)f->symbol, f->value,
                     f->diameter_zone ? " dia" : "", f->modifiers[0] ? " " : "", f->modifiers);
    for (size_t i = 0; i < f->n_datums; i++)
        n += snprintf(out + n, room - (size_t)n, " %s", f->datums[i]);
    return out;
}

static void frames_are_read(void **state)
{
    static const struct {
        const char *text;
        const char *want; /* NULL: none */
    } cases[] = {
        {"⌖ Ø0.1 A B C", "2316 0.1 dia A B C"},
        {"⌖|Ø0.1Ⓜ|A|B(M)|C", "2316 0.1 dia M A B(M) C"},
        {"⏥ 0,05", "23E5 0.05"},
        {"⊥ 0.02 A", "22A5 0.02 A"},
        {"// 0.05 A", "2225 0.05 A"},
        {"◎ Ø0.03 A-B", "25CE 0.03 dia A-B"},
        {"\uF06A n0.1 A", "2316 0.1 dia A"},
        {"⌓ 0.2 (M)(P) A", "2313 0.2 MP A"},
        {"0.001 A", "0 0.001 A"},
        {"⌖", NULL},
        {"⌖ A", NULL},
        {"⌖ 0.1 C5", NULL},
        {"⌖ 0.1 THRU", NULL},
        {"", NULL},
        {"text", NULL},
    };
    (void)state;

    for (size_t i = 0; i < QR_COUNT(cases); i++) {
        struct qr_gdt_frame frame;
        char got[128] = "";
        if (qr_gdt_parse(cases[i].text, strlen(cases[i].text), &frame))
            render(&frame, got, sizeof got);
        if (strcmp(got, cases[i].want ? cases[i].want : "") != 0)
            fail_msg("%s: got %s", cases[i].text, got);
    }
}

static void find(struct qr_sheet *sheet, struct qr_record *rec, uint8_t *taken)
{
    struct qr_grid grid;
    struct qr_pieces pieces;

    assert_true(qr_grid_init(&grid, sheet));
    assert_true(qr_pieces_init(&pieces, sheet));
    qr_gdt_find(sheet, &grid, &pieces, taken, rec);
    qr_pieces_done(&pieces);
    qr_grid_done(&grid);
}

static void cells_of_a_frame_are_joined(void **state)
{
    struct qr_sheet sheet;
    struct qr_record *rec = qr_record_new(NULL);
    const Quarry__V1__GeometricTolerance *gdt;
    uint8_t taken[8] = {0};
    (void)state;

    fixture_sheet(&sheet);
    fixture_text(&sheet, 100, 100, 0, "⌖")->box.x1 = 108;
    fixture_text(&sheet, 116, 100, 0, "Ø0.1");
    fixture_text(&sheet, 156, 100, 0, "A");
    fixture_text(&sheet, 172, 100, 0, "B");
    fixture_text(&sheet, 400, 100, 0, "C");
    find(&sheet, rec, taken);
    assert_int_equal(rec->msg->n_gdt, 1);
    gdt = rec->msg->gdt[0];
    assert_string_equal(gdt->characteristic, "position");
    assert_true(gdt->has_value && gdt->value == 0.1 && gdt->diameter_zone);
    assert_int_equal(gdt->n_datums, 2);
    assert_string_equal(gdt->datums[1], "B");
    assert_true(taken[0] && taken[1] && taken[2] && taken[3] && !taken[4]);
    qr_record_free(rec);
    qr_sheet_done(&sheet);
}

/* The symbol is drawn with lines: an empty cell before the value. */
static void a_frame_with_a_drawn_symbol_is_kept(void **state)
{
    struct qr_sheet sheet;
    struct qr_record *rec = qr_record_new(NULL);
    uint8_t taken[8] = {0};
    (void)state;

    fixture_sheet(&sheet);
    fixture_text(&sheet, 124, 103, 0, "0.05");
    fixture_text(&sheet, 159, 103, 0, "A");
    fixture_box(&sheet, 100, 100, 120, 116);
    fixture_box(&sheet, 120, 100, 152, 116);
    fixture_box(&sheet, 152, 100, 172, 116);
    fixture_text(&sheet, 500, 103, 0, "0.05"); /* alone, no frame */
    fixture_text(&sheet, 535, 103, 0, "A");
    find(&sheet, rec, taken);
    assert_int_equal(rec->msg->n_gdt, 1);
    assert_string_equal(rec->msg->gdt[0]->characteristic, "");
    assert_int_equal(rec->msg->gdt[0]->n_datums, 1);
    assert_true(taken[0] && taken[1] && !taken[2]);
    qr_record_free(rec);
    qr_sheet_done(&sheet);
}

static void letters_of_a_symbol_font_are_symbols(void **state)
{
    struct qr_sheet sheet;
    struct qr_record *rec = qr_record_new(NULL);
    uint8_t taken[8] = {0};
    (void)state;

    fixture_sheet(&sheet);
    fixture_text(&sheet, 100, 100, 0, "b")->font = "AMGDT";
    fixture_text(&sheet, 112, 100, 0, "0.02");
    fixture_text(&sheet, 148, 100, 0, "A");
    fixture_text(&sheet, 300, 100, 0, "b")->font = "Arial";
    fixture_text(&sheet, 312, 100, 0, "0.02");
    find(&sheet, rec, taken);
    assert_int_equal(rec->msg->n_gdt, 1);
    assert_string_equal(rec->msg->gdt[0]->characteristic, "perpendicularity");
    qr_record_free(rec);
    qr_sheet_done(&sheet);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_are_read),
        cmocka_unit_test(cells_of_a_frame_are_joined),
        cmocka_unit_test(a_frame_with_a_drawn_symbol_is_kept),
        cmocka_unit_test(letters_of_a_symbol_font_are_symbols),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Run it: ctest --preset dev -R pdf_spans_test
 * Text of drawing pages with its place: where lines are cut, boxes, angles, and which pages are
 * drawings. */
#include "tests/unit/worker/extract/pdf/pdf_file.h"

#include <math.h>

static void assert_near(double got, double want, double by)
{
    if (fabs(got - want) > by)
        fail_msg("%g is not within %g of %g", got, by, want);
}

static const Quarry__V1__ExtractionRecord *with_spans(void **state, const char *content)
{
    struct pdf *pdf = pdf_begin(state);

    pdf->options.spans = QR_EXTRACT_ON;
    pdf_one_page(pdf, "", "", content);
    return pdf_extract(pdf);
}

static void a_span_has_place_height_and_font(void **state)
{
    with_spans(state, "BT /F1 10 Tf 100 500 Td (SCALE 1:2) Tj ET");
    const Quarry__V1__Span *span = pdf_span(*state, "SCALE 1:2");

    assert_near(span->box->x0, 100, 0.01);
    assert_near(span->box->y0, 595 - 500 - 7.8, 0.05); /* y grows downwards */
    assert_near(span->box->y1, 595 - 500 + 2, 0.05);
    assert_near(span->height, 10, 0.05);
    assert_near(span->angle, 0, 0);
    assert_string_equal(span->font, "Helvetica");
    assert_string_equal(span->source, "text");
    assert_int_equal(span->page, 1);
}

static void a_wide_gap_parts_two_cells(void **state)
{
    const Quarry__V1__ExtractionRecord *msg =
        with_spans(state, "BT /F1 10 Tf 100 500 Td (ITEM) Tj 60 0 Td (QTY  3) Tj ET\n"
                          "BT /F1 10 Tf 100 400 Td [(BRA) -100 (CKET)] TJ ET");

    pdf_span(*state, "ITEM");
    pdf_span(*state, "BRACKET");
    pdf_span(*state, "QTY  3"); /* two blanks are no column */
    assert_int_equal(msg->n_spans, 3);
}

static void a_line_of_a_table_parts_two_cells(void **state)
{
    /* "12 34": the rule at x=114 stands in the blank; the short one at 247 crosses no letters */
    with_spans(state, "BT /F1 10 Tf 100 500 Td (12 34) Tj ET 114 495 m 114 515 l S\n"
                      "BT /F1 10 Tf 233 500 Td (12 34) Tj ET 247 488 m 247 494 l S");
    assert_near(pdf_span(*state, "12")->box->x0, 100, 0.01);
    assert_near(pdf_span(*state, "34")->box->x0, 113.9, 0.05);
    assert_near(pdf_span(*state, "12 34")->box->x0, 233, 0.01);
}

static void a_thin_filled_rectangle_is_a_line_too(void **state)
{
    with_spans(state, "BT /F1 10 Tf 100 500 Td (12 34) Tj ET 113.5 495 0.7 20 re f");
    pdf_span(*state, "12");
    pdf_span(*state, "34");
}

static void lines_in_forms_follow_their_matrix(void **state)
{
    struct pdf *pdf = pdf_begin(state);

    pdf->options.spans = QR_EXTRACT_ON;
    pdf_one_page(pdf, "", "/Resources << /Font << /F1 5 0 R >> /XObject << /X 8 0 R >> >>",
                 "BT /F1 10 Tf 100 500 Td (12 34) Tj ET q 1 0 0 1 100 400 cm /X Do Q "
                 "BT /F1 10 Tf 200 300 Td (56 78) Tj ET 214 295 m 214 315 l S");
    pdf_stream(pdf, 8,
               "/Type /XObject /Subtype /Form /BBox [-500 -500 500 500] /Matrix [2 0 0 2 0 0]",
               "q 1 0 0 1 1 1 cm 6 45 m 6 58 l S q"); /* leaves a state on the stack */
    pdf_extract(pdf);
    pdf_span(pdf, "12");
    pdf_span(pdf, "34");
    pdf_span(pdf, "56"); /* the form's matrix is gone again */
    pdf_span(pdf, "78");
}

static void stacked_tolerances_stand_apart(void **state)
{
    with_spans(state, "BT /F1 10 Tf 100 500 Td (20) Tj 13 4 Td (+0.1) Tj 0 -8 Td (-0.2) Tj ET");
    pdf_span(*state, "20");
    pdf_span(*state, "+0.1");
    pdf_span(*state, "-0.2");
}

static void rotated_text_has_its_angle_and_box(void **state)
{
    with_spans(state, "BT /F1 10 Tf 0 1 -1 0 300 200 Tm (120) Tj ET\n"
                      "BT /F1 10 Tf 0.7071 0.7071 -0.7071 0.7071 400 200 Tm (45) Tj ET\n"
                      "BT /F1 10 Tf 0 1 -1 0 500 200 Tm (12 34) Tj ET 480 214 m 510 214 l S");
    const Quarry__V1__Span *up = pdf_span(*state, "120");

    assert_near(up->angle, 90, 0);
    assert_near(up->box->x0, 300 - 7.8, 0.05); /* letters rise to the left */
    assert_near(up->box->x1, 300 + 2, 0.05);
    assert_near(up->box->y1, 595 - 200, 0.05);
    assert_true(up->box->y0 < 595 - 210);
    assert_near(pdf_span(*state, "45")->angle, 45, 0.1);
    assert_near(pdf_span(*state, "34")->box->y1, 595 - 213.9, 0.05); /* cut by a horizontal line */
}

static void a_turned_page_is_read_as_displayed(void **state)
{
    struct pdf *pdf = pdf_begin(state);

    pdf->options.spans = QR_EXTRACT_ON;
    pdf_one_page(pdf, "", "/Rotate 90", "BT /F1 10 Tf 0 1 -1 0 300 200 Tm (UPRIGHT) Tj ET");
    const Quarry__V1__ExtractionRecord *msg = pdf_extract(pdf);
    const Quarry__V1__Span *span = pdf_span(pdf, "UPRIGHT");

    assert_near(msg->pages[0]->width_pt, 595, 0);
    assert_near(span->angle, 0, 0);
    assert_near(span->box->x0, 200, 0.05);
    assert_near(span->box->y1, 300 + 2, 0.05);
}

static void only_drawings_are_kept_in_spans(void **state)
{
    static const char frame[] =
        "20 20 802 555 re S 600 20 222 80 re S 600 40 m 822 40 l S 600 60 m 822 60 l S "
        "BT /F1 8 Tf 604 25 Td (DRAWN) Tj 60 0 Td (SCALE 1:2) Tj -60 20 Td (TITLE) Tj "
        "60 0 Td (MATERIAL) Tj -60 20 Td (SHEET 1) Tj 60 0 Td (REV) Tj ET "
        "BT /F1 8 Tf 200 300 Td (120.5) Tj 50 50 Td (45.25) Tj 50 50 Td (R12) Tj 20 20 Td (30) Tj "
        "ET ";
    struct pdf *pdf = pdf_begin(state);
    struct qr_buf content;

    qr_buf_init(&content, 1 << 20);
    qr_buf_append_str(&content, frame);
    for (int i = 0; i < 100; i++)
        qr_buf_printf(&content, "%d 200 m %d 300 l S ", 100 + 3 * i, 140 + 3 * i);
    pdf_one_page(pdf, "", "", (const char *)content.data);
    const Quarry__V1__ExtractionRecord *msg = pdf_extract(pdf);
    assert_true(msg->pages[0]->drawing && msg->n_spans >= 10);
    assert_int_equal(msg->pages[0]->paths, 104);

    pdf = pdf_begin(state);
    pdf->options.analysis = QR_EXTRACT_OFF;
    pdf_one_page(pdf, "", "", (const char *)content.data);
    msg = pdf_extract(pdf);
    assert_true(!msg->pages[0]->drawing && msg->n_spans == 0);
    qr_buf_done(&content);

    pdf = pdf_begin(state);
    pdf_one_page(pdf, "", "",
                 "BT /F1 12 Tf 72 500 Td (Dear Sir, please find enclosed our drawing.) Tj ET");
    msg = pdf_extract(pdf);
    assert_true(!msg->pages[0]->drawing && msg->n_spans == 0);
}

static void a_drawing_in_one_path_is_one_too(void **state)
{
    struct pdf *pdf = pdf_begin(state);
    struct qr_buf content;

    qr_buf_init(&content, 1 << 20);
    qr_buf_append_str(&content, "100 100 m ");
    for (int i = 0; i < 60; i++)
        qr_buf_printf(&content, "%d %d l ", 100 + i * 9, 100 + i % 7 * 50);
    qr_buf_append_str(&content,
                      "S BT /F1 8 Tf 200 300 Td (120.5) Tj 50 50 Td (45.25) Tj 50 50 Td "
                      "(R12) Tj 20 20 Td (30) Tj 20 20 Td (SCALE) Tj 20 20 Td (TITLE) Tj ET");
    pdf_one_page(pdf, "", "", (const char *)content.data);
    assert_true(pdf_extract(pdf)->pages[0]->drawing);
    qr_buf_done(&content);
}

static void letters_drawn_as_curves_are_suspected(void **state)
{
    struct pdf *pdf = pdf_begin(state);
    struct qr_buf content;

    qr_buf_init(&content, 1 << 20);
    for (int i = 0; i < 200; i++)
        qr_buf_printf(&content, "%d %d m %d %d l %d %d l %d %d l S ", 100 + i % 40 * 8,
                      500 - i / 40 * 12, 104 + i % 40 * 8, 508 - i / 40 * 12, 106 + i % 40 * 8,
                      500 - i / 40 * 12, 101 + i % 40 * 8, 504 - i / 40 * 12);
    pdf_one_page(pdf, "", "", (const char *)content.data);
    assert_true(pdf_extract(pdf)->pages[0]->text_as_paths);
    qr_buf_done(&content);
}

static void an_image_with_a_page_number_is_a_scan(void **state)
{
    static const char *const contents[] = {
        "q 842 0 0 595 0 0 cm /Im Do Q BT /F1 9 Tf 400 10 Td (12) Tj ET",
        "q 80 0 0 60 0 0 cm /Im Do Q BT /F1 9 Tf 400 10 Td (12) Tj ET", /* a logo */
    };

    for (int i = 0; i < 2; i++) {
        struct pdf *pdf = pdf_begin(state);
        pdf_one_page(pdf, "", "/Resources << /Font << /F1 5 0 R >> /XObject << /Im 8 0 R >> >>",
                     contents[i]);
        pdf_stream(pdf, 8,
                   "/Type /XObject /Subtype /Image /Width 2 /Height 2 /BitsPerComponent 8 "
                   "/ColorSpace /DeviceGray",
                   "abcd");
        const Quarry__V1__ExtractionRecord *msg = pdf_extract(pdf);
        assert_int_equal(msg->pages[0]->image_only, i == 0);
        assert_int_equal(msg->pages[0]->images, 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_span_has_place_height_and_font),
        cmocka_unit_test(a_wide_gap_parts_two_cells),
        cmocka_unit_test(a_line_of_a_table_parts_two_cells),
        cmocka_unit_test(a_thin_filled_rectangle_is_a_line_too),
        cmocka_unit_test(lines_in_forms_follow_their_matrix),
        cmocka_unit_test(stacked_tolerances_stand_apart),
        cmocka_unit_test(rotated_text_has_its_angle_and_box),
        cmocka_unit_test(a_turned_page_is_read_as_displayed),
        cmocka_unit_test(only_drawings_are_kept_in_spans),
        cmocka_unit_test(a_drawing_in_one_path_is_one_too),
        cmocka_unit_test(letters_drawn_as_curves_are_suspected),
        cmocka_unit_test(an_image_with_a_page_number_is_a_scan),
    };
    return cmocka_run_group_tests(tests, pdf_set_up, pdf_tear_down);
}

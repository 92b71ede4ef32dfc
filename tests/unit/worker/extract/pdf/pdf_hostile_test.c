/* Run it: ctest --preset dev -R pdf_hostile_test
 * PDFs with far too much of something: caps hold, are noted, and the text is never lost. What is
 * not linear would not end in time. */
#include "tests/unit/worker/extract/pdf/pdf_file.h"

static const char text[] = "BT /F1 10 Tf 100 500 Td (PLATE) Tj ET";

/* Object 9: "[10 0 R 11 0 R …]", `n` of them. */
static void add_list(struct pdf *pdf, int n)
{
    pdf->offsets[9] = pdf->out.len;
    pdf->last = pdf->last > 9 ? pdf->last : 9;
    qr_buf_append_str(&pdf->out, "9 0 obj\n[");
    for (int i = 0; i < n; i++)
        qr_buf_printf(&pdf->out, "%d 0 R ", 10 + i);
    qr_buf_append_str(&pdf->out, "]\nendobj\n");
}

static void assert_text(const Quarry__V1__ExtractionRecord *msg)
{
    assert_null(msg->error);
    assert_true(strncmp(msg->pages[0]->text, "PLATE\n", 6) == 0);
}

static void bookmarks_beyond_the_limit_are_cut(void **state)
{
    struct pdf *pdf = pdf_begin(state);

    pdf_one_page(pdf, "/Outlines << /First 10 0 R >>", "", text);
    for (int i = 0; i < 120000; i++)
        pdf_object(pdf, 10 + i, "<< /Title (B%d) /Dest (n%d) /Next %d 0 R >>", i, i, 11 + i);
    const Quarry__V1__ExtractionRecord *msg = pdf_extract(pdf);

    assert_text(msg);
    assert_int_equal(msg->n_outline, 100000);
    assert_true(msg->partial && pdf_has_note(pdf, "record.capped"));
}

static void deep_bookmarks_names_and_fields_end(void **state)
{
    struct pdf *pdf = pdf_begin(state);

    pdf_one_page(
        pdf,
        "/Outlines << /First 10 0 R >> /PageLabels 10 0 R /AcroForm << /Fields [10 0 R] >> "
        "/Names << /Dests 10 0 R /EmbeddedFiles 10 0 R /JavaScript 10 0 R >>",
        "", text);
    for (int i = 0; i < 100000; i++)
        pdf_object(pdf, 10 + i, "<< /Title (B) /T (f) /First %d 0 R /Kids [%d 0 R] /Dest (x) >>",
                   11 + i, 11 + i);
    const Quarry__V1__ExtractionRecord *msg = pdf_extract(pdf);

    assert_text(msg);
    assert_int_equal(msg->n_outline, 64);
    assert_true(pdf_has_note(pdf, "pdf.outline.deep") && pdf_has_note(pdf, "pdf.names.loop") &&
                pdf_has_note(pdf, "pdf.form.loop"));
}

static void links_to_unknown_names_are_looked_up_fast(void **state)
{
    struct pdf *pdf = pdf_begin(state);
    struct qr_buf names;

    qr_buf_init(&names, (size_t)16 << 20);
    qr_buf_append_str(&names, "<< /Names [");
    for (int i = 0; i < 50000; i++)
        qr_buf_printf(&names, "(n%06d) [3 0 R] ", i);
    qr_buf_append_str(&names, "] >>");
    pdf_one_page(pdf, "/Names << /Dests 8 0 R >>", "/Annots 9 0 R", text);
    pdf->offsets[8] = pdf->out.len;
    qr_buf_append_str(&pdf->out, "8 0 obj\n");
    qr_buf_append(&pdf->out, names.data, names.len);
    qr_buf_append_str(&pdf->out, "\nendobj\n");
    qr_buf_done(&names);
    add_list(pdf, 50000);
    for (int i = 0; i < 50000; i++)
        pdf_object(pdf, 10 + i, "<< /Subtype /Link /Rect [0 0 9 9] /Dest (%c%06d) >>",
                   i % 2 ? 'n' : 'x', i);
    const Quarry__V1__ExtractionRecord *msg = pdf_extract(pdf);

    assert_text(msg);
    assert_int_equal(msg->n_links, 50000);
    assert_string_equal(msg->links[0]->target, "x000000");
    assert_string_equal(msg->links[1]->target, "#page=1");
}

static void shx_comments_without_end_are_cut(void **state)
{
    struct pdf *pdf = pdf_begin(state);

    pdf_one_page(pdf, "", "/Annots 9 0 R", text);
    add_list(pdf, 110000);
    for (int i = 0; i < 110000; i++)
        pdf_object(pdf, 10 + i,
                   "<< /Subtype /Popup /Rect [9 9 20 20] /T (AutoCAD SHX Text) /Contents (T%d) >>",
                   i);
    for (int i = 0; i < 2000; i++)
        pdf_object(pdf, 10 + i,
                   "<< /Subtype /Square /Rect [9 9 20 20] /T (AutoCAD SHX Text) /Contents (T%d) >>",
                   i);
    const Quarry__V1__ExtractionRecord *msg = pdf_extract(pdf);

    assert_text(msg);
    assert_int_equal(msg->n_annotations, 2000);
    assert_non_null(strstr(msg->pages[0]->text, "\nT1999\n"));
    assert_true(msg->partial && pdf_has_note(pdf, "record.capped"));
}

static void more_layers_than_can_be_matched_are_listed(void **state)
{
    struct pdf *pdf = pdf_begin(state);

    pdf_one_page(pdf, "/OCProperties << /OCGs 9 0 R /D << /OFF 9 0 R >> >>", "", text);
    add_list(pdf, 40000);
    for (int i = 0; i < 40000; i++)
        pdf_object(pdf, 10 + i, "<< /Type /OCG /Name (L%d) >>", i);
    const Quarry__V1__ExtractionRecord *msg = pdf_extract(pdf);

    assert_text(msg);
    assert_int_equal(msg->n_layers, 40000);
    assert_string_equal(pdf_property(msg->layers[39999], "visible"), "false");
    assert_true(pdf_has_note(pdf, "pdf.layers.many"));
}

static void a_wide_page_tree_keeps_its_order(void **state)
{
    struct pdf *pdf = pdf_begin(state);
    const int n = 1500;

    pdf_object(pdf, 1, "<< /Type /Catalog /Pages 2 0 R /Outlines << /First 8 0 R >> >>");
    pdf_object(pdf, 8, "<< /Title (end) /Dest [%d 0 R /Fit] >>", 10 + 2 * (n - 1));
    pdf->offsets[2] = pdf->out.len;
    qr_buf_append_str(&pdf->out, "2 0 obj\n<< /Type /Pages /Resources << /Font << /F1 5 0 R >> >> "
                                 "/MediaBox [0 0 595 842] /Kids [");
    for (int i = 0; i < n; i++)
        qr_buf_printf(&pdf->out, "%d 0 R ", 10 + 2 * i);
    qr_buf_printf(&pdf->out, "] /Count %d >>\nendobj\n", n);
    pdf_object(pdf, 5, "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>");
    for (int i = 0; i < n; i++) {
        char content[64];
        snprintf(content, sizeof content, "BT /F1 10 Tf 50 50 Td (page %d) Tj ET", i + 1);
        pdf_object(pdf, 10 + 2 * i, "<< /Type /Page /Parent 2 0 R /Contents %d 0 R >>", 11 + 2 * i);
        pdf_stream(pdf, 11 + 2 * i, "", content);
    }
    const Quarry__V1__ExtractionRecord *msg = pdf_extract(pdf);

    assert_int_equal(msg->n_pages, n);
    assert_string_equal(msg->pages[0]->text, "page 1\n\n");
    assert_string_equal(msg->pages[129]->text, "page 130\n\n");
    assert_string_equal(msg->pages[n - 1]->text, "page 1500\n\n");
    assert_true(msg->pages[n - 1]->width_pt == 595); /* inherited from the tree as it was */
    assert_int_equal(msg->outline[0]->page, n);
    assert_int_equal(msg->n_notes, 0);
}

static void states_and_paths_without_end_are_followed(void **state)
{
    struct pdf *pdf = pdf_begin(state);
    struct qr_buf content;

    pdf->options.spans = QR_EXTRACT_ON;
    qr_buf_init(&content, (size_t)64 << 20);
    for (int i = 0; i < 5000; i++)
        qr_buf_append_str(&content, "q ");
    qr_buf_append_str(&content, "1 0 0 1 7 0 cm ");
    for (int i = 0; i < 5000; i++)
        qr_buf_append_str(&content, "Q ");
    qr_buf_append_str(&content, "Q Q Q 0 0 m ");
    for (int i = 0; i < 200000; i++)
        qr_buf_printf(&content, "%d %d l ", i % 800, i % 2 ? i % 500 : (i - 1) % 500);
    qr_buf_append_str(&content, "S BT /F1 10 Tf 100 500 Td (12 34) Tj ET 114 495 m 114 515 l S");
    pdf_one_page(pdf, "", "", (const char *)content.data);
    qr_buf_done(&content);
    const Quarry__V1__ExtractionRecord *msg = pdf_extract(pdf);

    assert_null(msg->error);
    assert_int_equal(msg->pages[0]->paths, 2);
    pdf_span(pdf, "12");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bookmarks_beyond_the_limit_are_cut),
        cmocka_unit_test(deep_bookmarks_names_and_fields_end),
        cmocka_unit_test(links_to_unknown_names_are_looked_up_fast),
        cmocka_unit_test(shx_comments_without_end_are_cut),
        cmocka_unit_test(more_layers_than_can_be_matched_are_listed),
        cmocka_unit_test(a_wide_page_tree_keeps_its_order),
        cmocka_unit_test(states_and_paths_without_end_are_followed),
    };
    return cmocka_run_group_tests(tests, pdf_set_up, pdf_tear_down);
}

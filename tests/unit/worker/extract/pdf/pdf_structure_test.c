/* Run it: ctest --preset dev -R pdf_structure_test
 * Outline, links, annotations, form, attachments, layers, labels and fonts of a PDF. */
#include "tests/unit/worker/extract/pdf/pdf_file.h"

static const char text[] = "BT /F1 10 Tf 100 500 Td (PLATE) Tj ET";

static void bookmarks_keep_their_order_and_lead_somewhere(void **state)
{
    struct pdf *pdf = pdf_begin(state);

    pdf_one_page(pdf, "/Outlines 10 0 R /Names << /Dests << /Names [(far) [3 0 R /Fit]] >> >>", "",
                 text);
    pdf_object(pdf, 10, "<< /First 11 0 R >>");
    pdf_object(pdf, 11, "<< /Title (Sheet) /Dest [3 0 R /XYZ 0 0 0] /First 12 0 R /Next 13 0 R >>");
    pdf_object(pdf, 12, "<< /Title <FEFF00C4> /A << /S /GoTo /D (far) >> >>");
    pdf_object(pdf, 13,
               "<< /Title (Web) /A << /S /URI /URI (http://example.org/a) >> /Next 14 0 R >>");
    pdf_object(pdf, 14, "<< /Title (Lost) /Dest (nowhere) /Next 11 0 R >>"); /* a loop */
    const Quarry__V1__ExtractionRecord *msg = pdf_extract(pdf);

    assert_int_equal(msg->n_outline, 4);
    assert_string_equal(msg->outline[0]->title, "Sheet");
    assert_true(msg->outline[0]->level == 1 && msg->outline[0]->page == 1);
    assert_string_equal(msg->outline[1]->title, "\xC3\x84");
    assert_true(msg->outline[1]->level == 2 && msg->outline[1]->page == 1);
    assert_string_equal(msg->outline[2]->target, "http://example.org/a");
    assert_true(msg->outline[3]->page == 0);
    assert_string_equal(msg->outline[3]->target, "nowhere");
    assert_true(pdf_has_note(pdf, "pdf.outline.loop") && !msg->partial);
}

static void links_have_a_kind_a_target_and_a_box(void **state)
{
    struct pdf *pdf = pdf_begin(state);

    pdf_one_page(pdf, "", "/Annots [10 0 R 11 0 R 12 0 R 13 0 R]", text);
    pdf_object(pdf, 10,
               "<< /Subtype /Link /Rect [10 20 30 40] /A << /S /URI /URI (http://a.b) >> >>");
    pdf_object(pdf, 11, "<< /Subtype /Link /Rect [10 20 30 40] /Dest [3 0 R /Fit] >>");
    pdf_object(pdf, 12, "<< /Subtype /Link /Rect [0 0 1 1] /A << /S /Launch /F (calc.exe) >> >>");
    pdf_object(
        pdf, 13,
        "<< /Subtype /Link /Rect [0 0 1 1] /A << /S /JavaScript /JS (app.alert\\(1\\)) >> >>");
    const Quarry__V1__ExtractionRecord *msg = pdf_extract(pdf);

    assert_int_equal(msg->n_links, 3);
    assert_string_equal(msg->links[0]->kind, "uri");
    assert_string_equal(msg->links[0]->target, "http://a.b");
    assert_true(msg->links[0]->page == 1 && msg->links[0]->box->x0 == 10 &&
                msg->links[0]->box->y0 == 595 - 40 && msg->links[0]->box->y1 == 595 - 20);
    assert_string_equal(msg->links[1]->kind, "goto");
    assert_string_equal(msg->links[1]->target, "#page=1");
    assert_string_equal(msg->links[2]->kind, "launch");
    assert_string_equal(msg->links[2]->target, "calc.exe");
    assert_true(pdf_has_note(pdf, "pdf.javascript"));
}

static void comments_are_annotations_and_not_text(void **state)
{
    struct pdf *pdf = pdf_begin(state);

    pdf_one_page(pdf, "", "/Annots [10 0 R 11 0 R]", text);
    pdf_object(pdf, 10,
               "<< /Subtype /Text /Rect [10 20 30 40] /Contents (Check this) /T (Miller) "
               "/M (D:20260131081530Z) /Popup 11 0 R >>");
    pdf_object(pdf, 11, "<< /Subtype /Popup /Rect [10 20 30 40] /Parent 10 0 R >>");
    const Quarry__V1__ExtractionRecord *msg = pdf_extract(pdf);

    assert_int_equal(msg->n_annotations, 1);
    assert_string_equal(msg->annotations[0]->kind, "text");
    assert_string_equal(msg->annotations[0]->text, "Check this");
    assert_string_equal(msg->annotations[0]->author, "Miller");
    assert_string_equal(msg->annotations[0]->modified, "2026-01-31T08:15:30Z");
    assert_true(msg->annotations[0]->place->page == 1);
    assert_null(strstr(msg->pages[0]->text, "Check"));
}

static void shx_text_becomes_text_of_the_page(void **state)
{
    struct pdf *pdf = pdf_begin(state);

    pdf->options.spans = QR_EXTRACT_ON;
    pdf_one_page(pdf, "", "/Annots [10 0 R 11 0 R 12 0 R]", text);
    pdf_object(pdf, 10,
               "<< /Subtype /Square /Rect [200 300 240 308] /T (AutoCAD SHX Text) /F 2 "
               "/Contents (%%%%C12) >>");
    pdf_object(pdf, 11,
               "<< /Subtype /Square /Rect [300 300 308 340] /T (AutoCAD SHX Text) /F 2 "
               "/Contents (125.0) >>");
    pdf_object(pdf, 12,
               "<< /Subtype /Square /Rect [100 500 130 508] /T (AutoCAD SHX Text) /F 2 "
               "/Contents (PLATE) >>"); /* there already */
    const Quarry__V1__ExtractionRecord *msg = pdf_extract(pdf);
    const Quarry__V1__Span *span = pdf_span(pdf, "125.0");

    assert_string_equal(msg->pages[0]->text, "PLATE\n\n%%C12\n125.0\n\n");
    assert_int_equal(msg->n_annotations, 3);
    assert_string_equal(span->source, "annotation");
    assert_true(span->angle == 90 && span->height == 8);
    assert_true(pdf_span(pdf, "%%C12")->angle == 0);
}

static void form_fields_have_full_names_values_and_places(void **state)
{
    struct pdf *pdf = pdf_begin(state);

    pdf_one_page(pdf, "/AcroForm << /Fields [10 0 R 13 0 R 14 0 R] /XFA (x) >>",
                 "/Annots [11 0 R 12 0 R 13 0 R 14 0 R]", text);
    pdf_object(pdf, 10, "<< /T (part) /FT /Tx /Kids [11 0 R 12 0 R 10 0 R] >>"); /* and a loop */
    pdf_object(pdf, 11,
               "<< /T (number) /V (P-101) /Parent 10 0 R /Subtype /Widget /Rect [10 20 30 40] >>");
    pdf_object(pdf, 12,
               "<< /T (size) /FT /Ch /V [(M6) (M8)] /Parent 10 0 R /Subtype /Widget "
               "/Rect [0 0 9 9] >>");
    pdf_object(pdf, 13, "<< /T (ok) /FT /Btn /V /Yes /Subtype /Widget /Rect [0 0 9 9] >>");
    pdf_object(pdf, 14,
               "<< /T (sign) /FT /Sig /V << /Type /Sig /Name (A. Miller) /M (D:2026) >> "
               "/Subtype /Widget /Rect [0 0 9 9] >>");
    const Quarry__V1__ExtractionRecord *msg = pdf_extract(pdf);

    assert_int_equal(msg->n_parameters, 4);
    assert_string_equal(msg->parameters[0]->set, "form");
    assert_string_equal(msg->parameters[0]->name, "part.number");
    assert_string_equal(msg->parameters[0]->value, "P-101");
    assert_string_equal(msg->parameters[0]->type, "text");
    assert_true(msg->parameters[0]->place->page == 1 && msg->parameters[0]->place->box->x0 == 10);
    assert_string_equal(msg->parameters[1]->value, "M6; M8");
    assert_string_equal(msg->parameters[1]->type, "choice");
    assert_string_equal(msg->parameters[2]->value, "Yes");
    assert_string_equal(msg->parameters[2]->type, "checkbox");
    assert_string_equal(msg->parameters[3]->value, "A. Miller");
    assert_true(pdf_has_note(pdf, "pdf.form.xfa") && pdf_has_note(pdf, "pdf.signed") &&
                pdf_has_note(pdf, "pdf.form.loop"));
}

static void attached_files_are_listed_once(void **state)
{
    struct pdf *pdf = pdf_begin(state);

    pdf_one_page(pdf, "/Names << /EmbeddedFiles << /Kids [10 0 R 10 0 R] >> >> /AF [11 0 R]",
                 "/Annots [<< /Subtype /FileAttachment /Rect [0 0 9 9] /FS 13 0 R >>]", text);
    pdf_object(pdf, 10, "<< /Names [(a) 11 0 R] >>");
    pdf_object(pdf, 11,
               "<< /Type /Filespec /F (part.step) /Desc (the model) /EF << /F 12 0 R >> >>");
    pdf_stream(pdf, 12, "/Subtype /model#2Fstep /Params << /Size 5 /ModDate (D:20260102) >>",
               "12345");
    pdf_object(pdf, 13, "<< /F (b.dwg) /UF <FEFF00DF> /EF << /F 12 0 R >> >>");
    const Quarry__V1__ExtractionRecord *msg = pdf_extract(pdf);

    assert_int_equal(msg->n_attachments, 2);
    assert_string_equal(msg->attachments[0]->name, "\xC3\x9F");
    assert_string_equal(msg->attachments[1]->name, "part.step");
    assert_string_equal(msg->attachments[1]->description, "the model");
    assert_string_equal(msg->attachments[1]->media_type, "model/step");
    assert_true(msg->attachments[1]->bytes == 5);
    assert_string_equal(msg->attachments[1]->modified, "2026-01-02");
    assert_true(pdf_has_note(pdf, "pdf.names.loop"));
}

static void text_in_hidden_layers_is_kept_and_noted(void **state)
{
    struct pdf *pdf = pdf_begin(state);

    pdf_one_page(pdf, "/OCProperties << /OCGs [6 0 R 7 0 R] /D << /OFF [7 0 R] >> >>", "",
                 "/OC /L1 BDC BT /F1 10 Tf 100 500 Td (SHOWN) Tj ET 0 0 m 9 9 l S EMC "
                 "/OC /L2 BDC /A BMC BT /F1 10 Tf 100 400 Td (HIDDEN) Tj ET 0 0 m 9 9 l S EMC EMC "
                 "0 0 m 9 9 l S");
    pdf_object(pdf, 6, "<< /Type /OCG /Name (Dimensions) >>");
    pdf_object(pdf, 7, "<< /Type /OCG /Name (Help) /Intent /Design >>");
    const Quarry__V1__ExtractionRecord *msg = pdf_extract(pdf);

    assert_string_equal(msg->pages[0]->text, "SHOWN\n\nHIDDEN\n\n");
    assert_int_equal(msg->pages[0]->paths, 2); /* not the hidden one */
    assert_true(pdf_has_note(pdf, "pdf.layers.hidden_text"));
    assert_int_equal(msg->n_layers, 2);
    assert_string_equal(msg->layers[0]->name, "Dimensions");
    assert_string_equal(pdf_property(msg->layers[0], "visible"), "true");
    assert_string_equal(pdf_property(msg->layers[1], "visible"), "false");
    assert_string_equal(pdf_property(msg->layers[1], "intent"), "Design");
}

static void labels_follow_their_ranges(void **state)
{
    static const char *const want[] = {"i", "ii", "iii", "iv", "A-8", "A-9", "aa", "bb"};
    struct pdf *pdf = pdf_begin(state);
    struct qr_buf kids;

    qr_buf_init(&kids, 4096);
    pdf_object(pdf, 1,
               "<< /Type /Catalog /Pages 2 0 R /PageLabels << /Nums [0 << /S /r >> "
               "4 << /S /D /P (A-) /St 8 >> 6 << /S /a /St 27 >>] >> >>");
    for (int i = 0; i < 8; i++) {
        qr_buf_printf(&kids, "%d 0 R ", 3 + i);
        pdf_object(pdf, 3 + i, "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 100 100] >>");
    }
    pdf_object(pdf, 2, "<< /Type /Pages /Kids [%s] /Count 8 >>", (const char *)kids.data);
    qr_buf_done(&kids);
    const Quarry__V1__ExtractionRecord *msg = pdf_extract(pdf);

    assert_int_equal(msg->n_pages, 8);
    for (int i = 0; i < 8; i++)
        assert_string_equal(msg->pages[i]->label, want[i]);
}

static void fonts_and_claims_of_the_document_are_listed(void **state)
{
    struct pdf *pdf = pdf_begin(state);

    pdf_one_page(pdf,
                 "/Lang (de-DE) /MarkInfo << /Marked true >> /Metadata 12 0 R "
                 "/OpenAction << /S /Launch /F (x) >>",
                 "/Resources << /Font << /F1 5 0 R /F2 10 0 R /F3 5 0 R >> >>", text);
    pdf_object(pdf, 10,
               "<< /Type /Font /Subtype /Type0 /BaseFont /ABCDEF+Iso /Encoding /Identity-H "
               "/ToUnicode 12 0 R /DescendantFonts [<< /Subtype /CIDFontType2 "
               "/FontDescriptor << /FontFile2 12 0 R >> >>] >>");
    pdf_stream(pdf, 12, "",
               "<x:xmpmeta xmlns:x='adobe:ns:meta/'><rdf:RDF "
               "xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'><rdf:Description>"
               "<pdfaid:part>2</pdfaid:part><pdfaid:conformance>B</pdfaid:conformance>"
               "</rdf:Description></rdf:RDF></x:xmpmeta>");
    const Quarry__V1__ExtractionRecord *msg = pdf_extract(pdf);

    assert_int_equal(msg->n_fonts, 2);
    assert_string_equal(msg->fonts[0]->name, "Helvetica");
    assert_string_equal(pdf_property(msg->fonts[0], "embedded"), "false");
    assert_string_equal(pdf_property(msg->fonts[0], "encoding"), "WinAnsiEncoding");
    assert_string_equal(msg->fonts[1]->name, "Iso");
    assert_string_equal(pdf_property(msg->fonts[1], "type"), "CIDFontType2");
    assert_string_equal(pdf_property(msg->fonts[1], "embedded"), "true");
    assert_string_equal(pdf_property(msg->fonts[1], "unicode"), "true");
    assert_string_equal(qr_record_find_meta(pdf->rec, "language"), "de-DE");
    assert_string_equal(qr_record_find_meta(pdf->rec, "tagged"), "true");
    assert_string_equal(qr_record_find_meta(pdf->rec, "standard"), "PDF/A-2B");
    assert_true(pdf_has_note(pdf, "pdf.launch"));
}

static void letters_of_a_symbol_font_are_symbols(void **state)
{
    struct pdf *pdf = pdf_begin(state);

    pdf_one_page(pdf, "", "/Resources << /Font << /F1 5 0 R /F2 10 0 R >> >>",
                 "BT /F2 10 Tf 100 500 Td (n) Tj /F1 10 Tf (3.4 now) Tj ET");
    pdf_object(pdf, 10,
               "<< /Type /Font /Subtype /Type1 /BaseFont /AIGDT /Encoding /WinAnsiEncoding >>");
    const Quarry__V1__ExtractionRecord *msg = pdf_extract(pdf);

    assert_string_equal(msg->pages[0]->text, "\xE2\x8C\x80"
                                             "3.4 now\n\n");
}

static void damage_in_one_part_costs_only_that_part(void **state)
{
    struct pdf *pdf = pdf_begin(state);

    pdf_one_page(pdf,
                 "/Outlines 40 0 R /AcroForm 41 0 R /Names 42 0 R /PageLabels 43 0 R "
                 "/OCProperties (no) /Lang [1 2]",
                 "/Annots [(a) 99 0 R null << /Subtype 7 /Rect [(x)] >> << >>]", text);
    pdf_object(pdf, 40, "[(not an outline)]");
    pdf_object(pdf, 41, "<< /Fields [1 2 << /T [1] /Kids 7 >> (x)] >>");
    pdf_object(pdf, 42, "<< /EmbeddedFiles << /Kids [1 (x) << /Names [1] >>] >> /Dests 3 >>");
    pdf_object(pdf, 43, "<< /Nums [(x) 4 -5 << /S 3 >>] /Kids (y) >>");
    const Quarry__V1__ExtractionRecord *msg = pdf_extract(pdf);

    assert_null(msg->error);
    assert_string_equal(msg->pages[0]->text, "PLATE\n\n");
    assert_int_equal(msg->n_outline + msg->n_links + msg->n_attachments, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bookmarks_keep_their_order_and_lead_somewhere),
        cmocka_unit_test(links_have_a_kind_a_target_and_a_box),
        cmocka_unit_test(comments_are_annotations_and_not_text),
        cmocka_unit_test(shx_text_becomes_text_of_the_page),
        cmocka_unit_test(form_fields_have_full_names_values_and_places),
        cmocka_unit_test(attached_files_are_listed_once),
        cmocka_unit_test(text_in_hidden_layers_is_kept_and_noted),
        cmocka_unit_test(labels_follow_their_ranges),
        cmocka_unit_test(fonts_and_claims_of_the_document_are_listed),
        cmocka_unit_test(letters_of_a_symbol_font_are_symbols),
        cmocka_unit_test(damage_in_one_part_costs_only_that_part),
    };
    return cmocka_run_group_tests(tests, pdf_set_up, pdf_tear_down);
}

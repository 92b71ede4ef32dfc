/* Run it: ctest --preset dev -R pdf_resume_test
 * Going on where an earlier extraction stopped: whatever the page, the record is the same. */
#include "tests/unit/worker/extract/pdf/pdf_file.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

enum { KEPT_MAX = 64, PAGES = 24 };

/* All that an extraction kept: parts one behind the other. */
struct kept {
    struct qr_engine *engine;
    struct qr_buf parts, states[KEPT_MAX];
    size_t parts_len[KEPT_MAX]; /* after each */
    size_t n;
};

static bool always(void *arg)
{
    (void)arg;
    return true;
}

static void keep(void *arg, const struct qr_record *rec, const struct qr_buf *state)
{
    struct kept *kept = arg;
    struct qr_err err = {0};

    assert_in_range(kept->n, 0, KEPT_MAX - 1);
    assert_ok(qr_record_encode_part(rec, &kept->engine->mark, &kept->parts, &err), &err);
    qr_buf_init(&kept->states[kept->n], 1 << 16);
    qr_buf_append(&kept->states[kept->n], state->data, state->len);
    kept->parts_len[kept->n++] = kept->parts.len;
}

static void kept_init(struct kept *kept, struct pdf *pdf)
{
    memset(kept, 0, sizeof *kept);
    kept->engine = &pdf->engine;
    qr_buf_init(&kept->parts, (size_t)1 << 28);
}

static void kept_done(struct kept *kept)
{
    for (size_t i = 0; i < kept->n; i++)
        qr_buf_done(&kept->states[i]);
    qr_buf_done(&kept->parts);
}

/* Extract what is in pdf->out as it is; the record without what differs every time. */
static void extract(struct pdf *pdf, const struct qr_extract_resume *resume, struct kept *kept,
                    struct qr_buf *ret)
{
    const struct qr_extract_keeper keeper = {.due = always, .keep = keep, .arg = kept};
    struct qr_extract_job job = {.fd = memfd_create("pdf", MFD_CLOEXEC),
                                 .name = "made.pdf",
                                 .type = "pdf",
                                 .max_file_bytes = 1 << 30,
                                 .options = pdf->options,
                                 .resume = resume,
                                 .keeper = kept ? &keeper : NULL};
    struct qr_err err = {0};

    assert_return_code(write(job.fd, pdf->out.data, pdf->out.len), 0);
    qr_record_reset(pdf->rec);
    qr_extract_file(&pdf->engine, &job, pdf->rec);
    close(job.fd);
    qr_buf_init(ret, (size_t)1 << 28);
    assert_ok(qr_record_encode(pdf->rec, ret, &err), &err);
}

static void finish_file(struct pdf *pdf)
{
    size_t xref = pdf->out.len;

    qr_buf_printf(&pdf->out, "xref\n0 %d\n0000000000 65535 f \n", pdf->last + 1);
    for (int i = 1; i <= pdf->last; i++)
        qr_buf_printf(&pdf->out, "%010zu 00000 n \n", pdf->offsets[i]);
    qr_buf_printf(&pdf->out, "trailer << /Size %d /Root 1 0 R >>\nstartxref\n%zu\n%%%%EOF\n",
                  pdf->last + 1, xref);
}

/* Many pages that share fonts and a field, with links, a damaged page, drawings among them. */
static struct pdf *document(void **state)
{
    struct pdf *pdf = pdf_begin(state);
    char content[1024];

    pdf_object(pdf, 1,
               "<< /Type /Catalog /Pages 2 0 R /AcroForm << /Fields [ 5 0 R ] >> "
               "/PageLabels << /Nums [ 0 << /S /r >> 7 << /S /D >> ] >> >>");
    struct qr_buf kids;
    qr_buf_init(&kids, 1 << 16);
    for (int i = 0; i < PAGES; i++)
        qr_buf_printf(&kids, "%d 0 R ", 100 + 10 * i);
    pdf_object(pdf, 2, "<< /Type /Pages /Count %d /Kids [ %s ] >>", PAGES, (char *)kids.data);
    qr_buf_done(&kids);
    pdf_object(pdf, 3, "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>");
    pdf_object(pdf, 4, "<< /Type /Font /Subtype /Type1 /BaseFont /Courier >>");
    pdf_object(
        pdf, 5,
        "<< /FT /Tx /T (owner) /V (Ada) /Subtype /Widget /Rect [ 10 10 90 30 ] /P 110 0 R >>");
    for (int i = 0; i < PAGES; i++) {
        int at = 100 + 10 * i;
        bool drawing = i % 5 == 3;
        pdf_object(pdf, at,
                   "<< /Type /Page /Parent 2 0 R /MediaBox [ 0 0 %s ] /Contents %d 0 R "
                   "/Resources << /Font << /F1 %d 0 R >> >> /Annots [ %d 0 R %s ] >>",
                   drawing ? "1191 842" : "595 842", at + 1, i % 2 ? 3 : 4, at + 2,
                   i == 1 ? "5 0 R" : "");
        if (drawing)
            snprintf(content, sizeof content,
                     "0 0 m 1191 842 l S BT /F1 12 Tf 900 60 Td (DRAWING NO: A-%d) Tj 0 -15 Td "
                     "(SCALE: 1:2) Tj 0 -15 Td (MATERIAL: S235JR) Tj -600 500 Td (%d.5 mm) Tj "
                     "100 0 Td (ISO 2768-mK) Tj ET",
                     i, 10 + i);
        else
            snprintf(content, sizeof content,
                     "BT /F1 10 Tf 50 700 Td (Page %d of the \377 text, %s) Tj ET %s", i + 1,
                     "some words to fill it", i == 9 ? "/Lost Do (" : "");
        pdf_stream(pdf, at + 1, "", content);
        pdf_object(pdf, at + 2,
                   "<< /Type /Annot /Subtype /Link /Rect [ 0 0 9 9 ] /A << /S /URI /URI "
                   "(https://example.org/%d) >> >>",
                   i);
    }
    finish_file(pdf);
    pdf->options.analysis = QR_EXTRACT_ON;
    pdf->options.spans = QR_EXTRACT_AUTO;
    return pdf;
}

static void any_page_will_do(void **state)
{
    struct pdf *pdf = document(state);
    struct kept kept;
    struct qr_buf whole;

    kept_init(&kept, pdf);
    extract(pdf, NULL, &kept, &whole);
    assert_int_equal(kept.n, PAGES - 1);
    assert_int_equal(pdf->rec->msg->n_pages, PAGES);
    assert_true(pdf->rec->msg->n_title_block > 0);
    assert_int_equal(pdf->rec->msg->n_fonts, 2);
    assert_int_equal(pdf->rec->msg->n_links, PAGES);
    for (size_t i = 0; i < kept.n; i++) {
        const struct qr_extract_resume resume = {.state = kept.states[i].data,
                                                 .state_len = kept.states[i].len,
                                                 .parts = kept.parts.data,
                                                 .parts_len = kept.parts_len[i]};
        struct kept after;
        struct qr_buf again;
        kept_init(&after, pdf);
        extract(pdf, &resume, &after, &again);
        assert_int_equal(pdf->engine.resumed_at, i + 1);
        assert_int_equal(after.n, PAGES - 2 - i); /* pages before were not read again */
        if (again.len != whole.len || memcmp(again.data, whole.data, whole.len) != 0)
            fail_msg("from page %zu on: %zu bytes instead of %zu, or others", i + 1, again.len,
                     whole.len);
        /* and once more, from what the second one kept */
        if (after.n > 1) {
            struct qr_buf third;
            qr_buf_init(&third, (size_t)1 << 28);
            qr_buf_append(&third, kept.parts.data, kept.parts_len[i]);
            qr_buf_append(&third, after.parts.data, after.parts_len[1]);
            const struct qr_extract_resume further = {.state = after.states[1].data,
                                                      .state_len = after.states[1].len,
                                                      .parts = third.data,
                                                      .parts_len = third.len};
            qr_buf_done(&again);
            extract(pdf, &further, NULL, &again);
            assert_int_equal(again.len, whole.len);
            assert_memory_equal(again.data, whole.data, whole.len);
            qr_buf_done(&third);
        }
        qr_buf_done(&again);
        kept_done(&after);
    }
    qr_buf_done(&whole);
    kept_done(&kept);
}

static void what_does_not_fit_begins_anew(void **state)
{
    struct pdf *pdf = document(state);
    struct kept kept;
    struct qr_buf whole, again;

    kept_init(&kept, pdf);
    extract(pdf, NULL, &kept, &whole);
    struct qr_extract_resume resume = {.state = kept.states[7].data,
                                       .state_len = kept.states[7].len,
                                       .parts = kept.parts.data,
                                       .parts_len = kept.parts_len[6]};
    struct qr_extract_resume garbage = {
        .state = "garbage", .state_len = 7, .parts = "\xFF\xFF", .parts_len = 2};
    struct qr_extract_resume torn = resume;
    torn.parts_len = kept.parts_len[7] - 3;
    struct qr_extract_resume half = resume;
    half.state_len /= 2;
    const struct qr_extract_resume *const wrong[] = {&resume /* a part is missing */, &garbage,
                                                     &torn, &half};
    for (size_t i = 0; i < QR_COUNT(wrong); i++) {
        extract(pdf, wrong[i], NULL, &again);
        assert_int_equal(pdf->engine.resumed_at, 0);
        assert_int_equal(again.len, whole.len);
        assert_memory_equal(again.data, whole.data, whole.len);
        qr_buf_done(&again);
    }
    resume.parts_len = kept.parts_len[7];
    pdf->options.spans = QR_EXTRACT_ON; /* other options */
    extract(pdf, &resume, NULL, &again);
    assert_int_equal(pdf->engine.resumed_at, 0);
    qr_buf_done(&again);
    pdf->options.spans = QR_EXTRACT_AUTO;
    qr_buf_append_str(&pdf->out, "\n"); /* another file */
    extract(pdf, &resume, NULL, &again);
    assert_int_equal(pdf->engine.resumed_at, 0);
    assert_int_equal(pdf->rec->msg->n_pages, PAGES);
    qr_buf_done(&again);
    qr_buf_done(&whole);
    kept_done(&kept);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(any_page_will_do, pdf_set_up, pdf_tear_down),
        cmocka_unit_test_setup_teardown(what_does_not_fit_begins_anew, pdf_set_up, pdf_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

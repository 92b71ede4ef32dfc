/* Run it: ctest --preset dev -R ocr_pool_test
 * PDFs of images through real children in their sandbox. Skipped where there is no Tesseract. */
#include "tests/harness/test.h"
#include "worker/pool/pool.h"

#include <poll.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/clock.h"
#include "common/record/record.h"
#include "tests/unit/worker/extract/ocr/page_image.h"

#define GIVE_UP_MS 300000

static const char *const lines[] = {
    "The housing is cast from EN-GJL-250 and machined all over.",
    "Drawing number 4711-0815, revision B, sheet 1 of 2.",
};

struct fixture {
    struct qr_pool *pool;
    struct qr_record *rec; /* of the job that ended last; NULL: it has none */
    enum qr_class cls;
    size_t n_done;
};

static void on_done(void *arg, const struct qr_pool_result *result)
{
    struct fixture *fixture = arg;
    struct qr_err err = {0};

    qr_record_free(fixture->rec);
    fixture->rec = NULL;
    fixture->cls = result->cls;
    fixture->n_done++;
    if (result->record)
        assert_ok(qr_record_decode(result->record, result->record_bytes, NULL, &fixture->rec, &err),
                  &err);
}

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    struct qr_pool_config config = {
        .program = QUARRY_WORKER, .children = 1, .done = on_done, .arg = fixture};
    struct qr_err err = {0};

    *state = fixture;
    return qr_pool_new(&config, &fixture->pool, &err);
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;

    qr_pool_free(fixture->pool);
    qr_record_free(fixture->rec);
    free(fixture);
    return 0;
}

static void need_ocr(void)
{
    QR_AUTO(qr_ocr) ocr = qr_ocr_new();

    if (!qr_ocr_is_available(ocr)) {
        print_message("OCR: %s\n", qr_ocr_describe(ocr));
        skip();
    }
}

/* A PDF whose only page is one image; `more` goes into the image's dictionary. */
static int pdf_of_image(int width, int height, const char *more, const void *data, size_t len)
{
    struct qr_buf pdf;
    int fd = memfd_create("test", MFD_CLOEXEC);

    qr_buf_init(&pdf, (size_t)64 << 20);
    qr_buf_printf(&pdf,
                  "%%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n"
                  "2 0 obj<</Type/Pages/Count 1/Kids[3 0 R]>>endobj\n"
                  "3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R"
                  "/Resources<</XObject<</I 5 0 R>>>>>>endobj\n"
                  "4 0 obj<</Length 27>>stream\nq 595 0 0 842 0 0 cm /I Do Q\nendstream endobj\n"
                  "5 0 obj<</Type/XObject/Subtype/Image/Width %d/Height %d/ColorSpace/DeviceGray"
                  "%s/Length %zu>>stream\n",
                  width, height, more, len);
    qr_buf_append(&pdf, data, len);
    qr_buf_append_str(&pdf, "\nendstream endobj\ntrailer<</Root 1 0 R>>\n");
    assert_false(pdf.failed);
    assert_true(write(fd, pdf.data, pdf.len) == (ssize_t)pdf.len);
    qr_buf_done(&pdf);
    return fd;
}

static const Quarry__V1__ExtractionRecord *extract(struct fixture *fixture, int fd, uint8_t mode)
{
    struct qr_pool_job job = {.id = 1, .fd = fd, .name = "scan.pdf", .type = ""};
    int64_t until = qr_clock_ms() + GIVE_UP_MS;
    size_t before = fixture->n_done;
    struct qr_err err = {0};

    job.options.ocr = mode;
    assert_ok(qr_pool_submit(fixture->pool, &job, &err), &err);
    while (fixture->n_done == before) {
        struct pollfd ready = {.fd = qr_pool_fd(fixture->pool), .events = POLLIN};
        if (qr_clock_ms() > until)
            fail_msg("the job does not end");
        poll(&ready, 1, qr_pool_wait_ms(fixture->pool));
        qr_pool_dispatch(fixture->pool);
    }
    assert_int_equal(fixture->cls, QR_CLASS_NONE);
    assert_non_null(fixture->rec);
    assert_int_equal(fixture->rec->msg->n_pages, 1);
    return fixture->rec->msg;
}

static bool has_note(const Quarry__V1__ExtractionRecord *msg, const char *code)
{
    for (size_t i = 0; i < msg->n_notes; i++)
        if (strcmp(msg->notes[i]->code, code) == 0)
            return true;
    return false;
}

static void a_scanned_page_gives_its_text_from_inside_the_sandbox(void **state)
{
    struct page_image page;

    need_ocr();
    page_image_init(&page, lines, QR_COUNT(lines), 150);
    assert_int_equal(page.image.stride, page.image.width);
    size_t size = page.image.stride * (size_t)page.image.height;
    int fd = pdf_of_image(page.image.width, page.image.height, "/BitsPerComponent 8",
                          page.image.gray, size);
    const Quarry__V1__ExtractionRecord *msg = extract(*state, dup(fd), QR_EXTRACT_AUTO);
    assert_true(msg->pages[0]->image_only);
    assert_int_equal(msg->pages[0]->ocr_words, 19);
    assert_true(msg->pages[0]->ocr_confidence > 0.8);
    assert_non_null(strstr(msg->pages[0]->text, "EN-GJL-250 and machined all over.\n"));
    assert_non_null(strstr(msg->pages[0]->text, "Drawing number 4711-0815, revision B"));
    assert_string_equal(msg->empty_reason, "");
    assert_true(has_note(msg, "pdf.ocr.used"));

    msg = extract(*state, fd, QR_EXTRACT_OFF);
    assert_int_equal(msg->pages[0]->ocr_words, 0);
    assert_string_equal(msg->pages[0]->text, "");
    assert_non_null(strstr(msg->empty_reason, "switched off"));
    page_image_done(&page);
}

static void absurd_images_end_well(void **state)
{
    enum { SIDE = 20000, RUN = 128 };
    const uint8_t dot = 0;
    size_t n = (size_t)SIDE * SIDE / 8 / RUN;
    uint8_t *runs = malloc(2 * n);

    need_ocr();
    const Quarry__V1__ExtractionRecord *msg =
        extract(*state, pdf_of_image(1, 1, "/BitsPerComponent 8", &dot, 1), QR_EXTRACT_AUTO);
    assert_int_equal(msg->pages[0]->ocr_words, 0);
    assert_true(msg->empty_reason[0] != '\0');
    for (size_t i = 0; i < n; i++) { /* 128 times 0xAA: fine stripes all over */
        runs[2 * i] = 257 - RUN;
        runs[2 * i + 1] = 0xAA;
    }
    msg = extract(
        *state, pdf_of_image(SIDE, SIDE, "/BitsPerComponent 1/Filter/RunLengthDecode", runs, 2 * n),
        QR_EXTRACT_AUTO);
    assert_int_equal(msg->pages[0]->ocr_words, 0);
    assert_true(msg->empty_reason[0] != '\0');
    free(runs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_scanned_page_gives_its_text_from_inside_the_sandbox,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(absurd_images_end_well, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

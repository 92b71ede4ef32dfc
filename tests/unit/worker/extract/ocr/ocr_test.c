/* Run it: ctest --preset dev -R ocr_test
 * Text that was drawn is read back from its pixels. Skipped where there is no Tesseract. */
#include "tests/harness/test.h"
#include "worker/extract/ocr/ocr.h"

#include <math.h>
#include <stdlib.h>

#include "tests/unit/worker/extract/ocr/page_image.h"
#include "worker/extract/ocr/pixels.h"

static const char *const english[] = {
    "The housing is cast from EN-GJL-250 and machined all over.",
    "Material 42CrMo4, hardness 28 to 32 HRC, weight 3.45 kg.",
    "Drawing number 4711-0815, revision B, sheet 1 of 2.",
    "All dimensions are in millimetres unless otherwise specified.",
};
static const char *const german[] = {
    "Die Welle ist nach dem Schleifen zu entgraten und mit Fett zu schützen.",
    "Werkstoff und Härte werden auf der Zeichnung angegeben, die Maße gelten für",
    "den Zustand nach der Prüfung; Oberflächen sind nicht für die Lackierung.",
};

static int set_up(void **state)
{
    *state = qr_ocr_new();
    return *state ? 0 : -1;
}

static int tear_down(void **state)
{
    qr_ocr_free(*state);
    return 0;
}

static struct qr_ocr *available(void **state)
{
    struct qr_ocr *ocr = *state;

    if (!qr_ocr_is_available(ocr)) {
        print_message("OCR: %s\n", qr_ocr_describe(ocr));
        skip();
    }
    qr_ocr_begin(ocr);
    return ocr;
}

static bool has_word(const struct qr_ocr_text *text, const char *wanted)
{
    for (size_t i = 0; i < text->n_words; i++)
        if (strcmp(text->words[i].text, wanted) == 0)
            return true;
    return false;
}

static const struct qr_ocr_word *word_of(const struct qr_ocr_text *text, const char *wanted)
{
    for (size_t i = 0; i < text->n_words; i++)
        if (strcmp(text->words[i].text, wanted) == 0)
            return &text->words[i];
    fail_msg("\"%s\" was not read", wanted);
    return NULL;
}

static void assert_english(const struct qr_ocr_text *text)
{
    static const char *const wanted[] = {"housing",    "EN-GJL-250",  "42CrMo4,", "3.45",
                                         "4711-0815,", "millimetres", "machined", "2."};
    for (size_t i = 0; i < QR_COUNT(wanted); i++)
        if (!has_word(text, wanted[i]))
            fail_msg("\"%s\" was not read", wanted[i]);
}

static void a_page_is_read_with_places_lines_and_confidence(void **state)
{
    struct qr_ocr *ocr = available(state);
    struct page_image page;
    struct qr_ocr_text text;
    size_t lines = 0;

    page_image_init(&page, english, QR_COUNT(english), 200);
    assert_int_equal(qr_ocr_read(ocr, &page.image, QR_OCR_COLUMNS, 60000, &text), QR_OCR_READ);
    assert_english(&text);
    for (size_t i = 0; i < text.n_words; i++)
        lines += text.words[i].ends_line;
    assert_int_equal(lines, QR_COUNT(english));
    assert_true(text.confidence > 0.85 && text.confidence <= 1);
    assert_string_equal(text.language, "eng");
    assert_int_equal(text.turn, 0);
    assert_false(text.out_of_time);
    /* "The" begins at x 60, its base line is at y 80 of 842 points */
    const struct qr_ocr_word *the = word_of(&text, "The");
    float points = 72.0f / 200;
    assert_true(fabsf(the->x0 * points - 60) < 3 && fabsf(the->y1 * points - 80) < 3);
    assert_true(fabsf(the->angle) < 1.5f || the->angle > 358.5f);
    page_image_done(&page);
}

static void turned_pages_are_set_upright_and_boxes_turned_back(void **state)
{
    struct qr_ocr *ocr = available(state);
    static const struct {
        int by;      /* clockwise */
        float angle; /* reading direction then, counter-clockwise */
    } cases[] = {{90, 270}, {180, 180}, {270, 90}};
    struct page_image page;

    page_image_init(&page, english, QR_COUNT(english), 200);
    uint8_t *pixels = malloc((size_t)page.image.width * (size_t)page.image.height);
    for (size_t i = 0; i < QR_COUNT(cases); i++) {
        struct qr_ocr_pose pose;
        qr_ocr_pose_set(&pose, &page.image, cases[i].by, 0);
        qr_ocr_straighten(&page.image, &pose, pixels);
        struct qr_ocr_image turned = {.gray = pixels,
                                      .width = pose.width,
                                      .height = pose.height,
                                      .stride = (size_t)pose.width,
                                      .dpi = page.image.dpi};
        struct qr_ocr_text text;
        assert_int_equal(qr_ocr_read(ocr, &turned, QR_OCR_COLUMNS, 60000, &text), QR_OCR_READ);
        assert_english(&text);
        const struct qr_ocr_word *the = word_of(&text, "The");
        float box[4] = {the->x0, the->y0, the->x1, the->y1};
        qr_ocr_pose_back(&pose, box); /* where it was before turning */
        float points = 72.0f / 200;
        assert_true(fabsf(box[0] * points - 60) < 3 && fabsf(box[3] * points - 80) < 3);
        assert_true(fabsf(the->angle - cases[i].angle) < 1.5f);
    }
    free(pixels);
    page_image_done(&page);
}

static void a_german_page_is_read_as_german(void **state)
{
    struct qr_ocr *ocr = available(state);
    struct page_image page;
    struct qr_ocr_text text;

    if (!strstr(qr_ocr_describe(ocr), "deu"))
        skip();
    page_image_init(&page, german, QR_COUNT(german), 200);
    assert_int_equal(qr_ocr_read(ocr, &page.image, QR_OCR_COLUMNS, 60000, &text), QR_OCR_READ);
    assert_string_equal(text.language, "deu");
    word_of(&text, "schützen.");
    word_of(&text, "Härte");
    word_of(&text, "Maße");
    page_image_done(&page);
}

static struct qr_ocr_image plain(uint8_t *pixels, int width, int height)
{
    return (struct qr_ocr_image){
        .gray = pixels, .width = width, .height = height, .stride = (size_t)width, .dpi = 300};
}

static void what_holds_no_text_ends_at_once(void **state)
{
    struct qr_ocr *ocr = available(state);
    struct qr_ocr_text text;
    uint8_t dot = 0;
    const int side = 2000;
    uint8_t *pixels = malloc((size_t)side * (size_t)side);
    uint32_t seed = 1;
    struct qr_ocr_image image = plain(&dot, 1, 1);

    assert_int_equal(qr_ocr_read(ocr, &image, QR_OCR_COLUMNS, 60000, &text), QR_OCR_READ);
    assert_int_equal(text.n_words, 0);
    memset(pixels, 255, (size_t)side * (size_t)side);
    image = plain(pixels, side, side);
    assert_int_equal(qr_ocr_read(ocr, &image, QR_OCR_COLUMNS, 60000, &text), QR_OCR_READ);
    assert_int_equal(text.n_words, 0);
    for (int i = 0; i < side * side; i++) {
        seed = seed * 1664525 + 1013904223;
        pixels[i] = (uint8_t)(seed >> 24);
    }
    assert_int_equal(qr_ocr_read(ocr, &image, QR_OCR_COLUMNS, 60000, &text), QR_OCR_REFUSED);
    for (int i = 0; i < side * side; i++) /* dots of three pixels: letters to the layout analysis */
        pixels[i] = i / side % 6 < 3 && i % side % 6 < 3 ? 0 : 255;
    image = plain(pixels, side, side);
    assert_int_equal(qr_ocr_read(ocr, &image, QR_OCR_COLUMNS, 60000, &text), QR_OCR_REFUSED);
    image = plain(pixels, 1, QR_OCR_SIDE_MAX + 1); /* not looked at */
    assert_int_equal(qr_ocr_read(ocr, &image, QR_OCR_COLUMNS, 60000, &text), QR_OCR_REFUSED);
    free(pixels);
}

static void without_time_nothing_is_read_and_that_is_said(void **state)
{
    struct qr_ocr *ocr = available(state);
    struct page_image page;
    struct qr_ocr_text text;

    page_image_init(&page, english, QR_COUNT(english), 200);
    assert_int_equal(qr_ocr_read(ocr, &page.image, QR_OCR_COLUMNS, 0, &text), QR_OCR_READ);
    assert_true(text.out_of_time);
    assert_int_equal(text.n_words, 0);
    assert_int_equal(qr_ocr_read(ocr, &page.image, QR_OCR_COLUMNS, 60000, &text), QR_OCR_READ);
    assert_english(&text); /* it goes on as before */
    page_image_done(&page);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_page_is_read_with_places_lines_and_confidence),
        cmocka_unit_test(turned_pages_are_set_upright_and_boxes_turned_back),
        cmocka_unit_test(a_german_page_is_read_as_german),
        cmocka_unit_test(what_holds_no_text_ends_at_once),
        cmocka_unit_test(without_time_nothing_is_read_and_that_is_said),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}

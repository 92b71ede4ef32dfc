/* Run it: ctest --preset dev -R pdf_figures_test */
#include "worker/extract/pdf/figures.h"

#include "tests/harness/test.h"

struct part {
    float x0, y0, x1, y1;
    unsigned pieces, oblique;
    bool closed;
};

static enum qr_figure_kind kind_of(const struct part *parts, size_t n)
{
    struct qr_pdf_figure figure = {.parts = 0};
    struct qr_sheet sheet = {.page = 1};
    enum qr_figure_kind kind;

    for (size_t i = 0; i < n; i++)
        qr_pdf_figure_part(&figure, (fz_rect){parts[i].x0, parts[i].y0, parts[i].x1, parts[i].y1},
                           parts[i].pieces, parts[i].oblique, parts[i].closed);
    qr_pdf_figure_painted(&figure, &sheet);
    kind = sheet.n_figures ? sheet.figures[0].kind : QR_FIGURE_NONE;
    qr_sheet_done(&sheet);
    return kind;
}

/* Sizes are those of signs of a public drawing. */
static void figures_are_told_apart(void **state)
{
    static const struct {
        const char *why;
        struct part parts[5];
        size_t n;
        enum qr_figure_kind want;
    } cases[] = {
        {"circle of lines and a stroke",
         {{584, 42, 593, 51, 56, 20, true}, {586, 40, 591, 53, 1, 1, false}},
         2,
         QR_FIGURE_DIAMETER},
        {"circle of curves and a stroke",
         {{586, 40, 591, 53, 1, 1, false}, {584, 42, 593, 51, 4, 4, true}},
         2,
         QR_FIGURE_DIAMETER},
        {"stroke beside",
         {{584, 42, 593, 51, 56, 20, true}, {596, 40, 601, 53, 1, 1, false}},
         2,
         QR_FIGURE_NONE},
        {"circle", {{0, 0, 16, 16, 4, 4, true}}, 1, QR_FIGURE_CIRCLE},
        {"ellipse", {{0, 0, 16, 12, 4, 4, true}}, 1, QR_FIGURE_NONE},
        {"arc", {{0, 0, 16, 16, 4, 4, false}}, 1, QR_FIGURE_NONE},
        {"square", {{0, 0, 16, 16, 4, 0, true}}, 1, QR_FIGURE_NONE},
        {"large circle", {{0, 0, 160, 160, 4, 4, true}}, 1, QR_FIGURE_NONE},
        {"two circles of one middle",
         {{0, 0, 14, 14, 56, 20, true}, {3, 3, 11, 11, 56, 20, true}},
         2,
         QR_FIGURE_CONCENTRIC},
        {"two circles",
         {{0, 0, 14, 14, 56, 20, true}, {20, 3, 28, 11, 56, 20, true}},
         2,
         QR_FIGURE_NONE},
        {"circle with a cross",
         {{2, 2, 12, 12, 56, 20, true}, {0, 7, 14, 7, 1, 0, false}, {7, 0, 7, 14, 1, 0, false}},
         3,
         QR_FIGURE_POSITION},
        {"arrow at a line",
         {{749, 174, 759, 174, 1, 0, false},
          {754, 174, 754, 184, 1, 0, false},
          {750, 178, 754, 184, 1, 1, false},
          {754, 178, 758, 184, 1, 1, false}},
         4,
         QR_FIGURE_DEPTH},
        {"nothing", {{0, 0, 0, 0, 0, 0, false}}, 0, QR_FIGURE_NONE},
    };
    (void)state;

    for (size_t i = 0; i < QR_COUNT(cases); i++)
        if (kind_of(cases[i].parts, cases[i].n) != cases[i].want)
            fail_msg("%s: got %d", cases[i].why, (int)kind_of(cases[i].parts, cases[i].n));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(figures_are_told_apart)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

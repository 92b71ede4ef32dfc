/* Run it: ctest --preset dev -R render_test */
#include "tests/harness/test.h"
#include "worker/extract/ocr/regions.h"
#include "worker/extract/ocr/render.h"

#include <math.h>
#include <stdlib.h>

enum { SIDE = 8 };

/* How many pixels are left when the rectangle is covered. */
static int left_of(fz_context *ctx, float x0, float y0, float x1, float y1)
{
    struct qr_ocr_regions *regions = calloc(1, sizeof *regions);
    fz_pixmap *pixmap = fz_new_pixmap(ctx, fz_device_gray(ctx), SIDE, SIDE, NULL, 0);
    struct qr_ocr_raster raster = {
        .pixmap = pixmap,
        .scale = 4,
        .image = {.gray = pixmap->samples, .width = SIDE, .height = SIDE, .stride = SIDE},
    };
    int left = 0;

    fz_clear_pixmap_with_value(ctx, pixmap, 0);
    regions->rects[regions->n++] = (struct qr_sheet_rect){x0, y0, x1, y1};
    qr_ocr_raster_cover(&raster, regions);
    for (int i = 0; i < SIDE * SIDE; i++)
        left += pixmap->samples[i] == 0;
    fz_drop_pixmap(ctx, pixmap);
    free(regions);
    return left;
}

static void rectangles_of_any_size_are_covered_as_far_as_they_are_seen(void **state)
{
    fz_context *ctx = fz_new_context(NULL, NULL, FZ_STORE_DEFAULT);

    (void)state;
    assert_non_null(ctx);
    assert_int_equal(left_of(ctx, 0, 0, 1, 1), SIDE * SIDE - 4 * 4);
    assert_int_equal(left_of(ctx, -1e30f, -1e30f, 1e30f, 1e30f), 0);
    assert_int_equal(left_of(ctx, 1e30f, 0, 2e30f, 1), SIDE * SIDE);
    assert_int_equal(left_of(ctx, 0, 1e30f, 1, 2e30f), SIDE * SIDE);
    assert_int_equal(left_of(ctx, -2e30f, 0, -1e30f, 1), SIDE * SIDE);
    assert_int_equal(left_of(ctx, INFINITY, 0, INFINITY, 1), SIDE * SIDE);
    assert_int_equal(left_of(ctx, NAN, NAN, NAN, NAN), SIDE * SIDE);
    fz_drop_context(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rectangles_of_any_size_are_covered_as_far_as_they_are_seen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Run it: ctest --preset dev -R limited_test */
#include "tests/harness/test.h"
#include "worker/extract/ocr/limited.h"

#include <stdint.h>

enum { SIDE = 16 };

/* Fill the page black until `until_ms`; returns the code of what was thrown, FZ_ERROR_NONE if
 * nothing was. */
static int fill(fz_context *ctx, fz_pixmap *pixmap, int64_t until_ms, int times)
{
    static const float black[] = {0};
    struct qr_limited limited = {0};
    fz_device *dev = fz_new_draw_device(ctx, fz_identity, pixmap);
    fz_path *path = fz_new_path(ctx);
    int code = FZ_ERROR_NONE;

    fz_rectto(ctx, path, 0, 0, SIDE, SIDE);
    fz_clear_pixmap_with_value(ctx, pixmap, 255);
    qr_limited_begin(&limited, ctx, dev, until_ms);
    for (int i = 0; i < times; i++) {
        fz_try(ctx) fz_fill_path(ctx, dev, path, 0, fz_identity, fz_device_gray(ctx), black, 1,
                                 fz_default_color_params);
        fz_catch(ctx) code = fz_caught(ctx);
    }
    qr_limited_end(&limited, ctx);
    fz_try(ctx) fz_close_device(ctx, dev);
    fz_always(ctx)
    {
        fz_drop_device(ctx, dev);
        fz_drop_path(ctx, path);
    }
    fz_catch(ctx) fail_msg("the device was not closed");
    return code;
}

static void drawing_ends_with_its_time(void **state)
{
    int mark = 0;
    (void)state;
    fz_context *ctx = fz_new_context(NULL, NULL, FZ_STORE_DEFAULT);
    assert_non_null(ctx);
    fz_set_user_context(ctx, &mark);
    fz_pixmap *pixmap = fz_new_pixmap(ctx, fz_device_gray(ctx), SIDE, SIDE, NULL, 0);

    assert_int_equal(fill(ctx, pixmap, INT64_MAX, 1), FZ_ERROR_NONE);
    assert_int_equal(fz_pixmap_samples(ctx, pixmap)[0], 0);
    assert_ptr_equal(fz_user_context(ctx), &mark);

    assert_int_equal(fill(ctx, pixmap, 0, 1), FZ_ERROR_ABORT);
    assert_int_equal(fill(ctx, pixmap, 0, 3),
                     FZ_ERROR_ABORT); /* the device is off after the first */
    assert_int_equal(fz_pixmap_samples(ctx, pixmap)[0], 255);
    assert_ptr_equal(fz_user_context(ctx), &mark);

    fz_drop_pixmap(ctx, pixmap);
    fz_drop_context(ctx);
}

static void ending_what_never_began_changes_nothing(void **state)
{
    struct qr_limited limited = {0};
    int mark = 0;
    (void)state;
    fz_context *ctx = fz_new_context(NULL, NULL, FZ_STORE_DEFAULT);
    assert_non_null(ctx);
    fz_set_user_context(ctx, &mark);
    qr_limited_end(&limited, ctx);
    assert_ptr_equal(fz_user_context(ctx), &mark);
    fz_drop_context(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(drawing_ends_with_its_time),
        cmocka_unit_test(ending_what_never_began_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

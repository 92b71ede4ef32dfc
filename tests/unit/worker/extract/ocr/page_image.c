#include "tests/unit/worker/extract/ocr/page_image.h"

#include <stdlib.h>
#include <string.h>

static void draw_lines(fz_context *ctx, fz_device *dev, const char *const *lines, size_t n)
{
    const float black[1] = {0};
    fz_font *font = fz_new_base14_font(ctx, "Helvetica");
    fz_text *text = fz_new_text(ctx);

    for (size_t i = 0; i < n; i++)
        fz_show_string(ctx, text, font, fz_make_matrix(12, 0, 0, -12, 60, 80 + 18 * (float)i),
                       lines[i], 0, 0, FZ_BIDI_LTR, FZ_LANG_UNSET);
    fz_fill_text(ctx, dev, text, fz_identity, fz_device_gray(ctx), black, 1,
                 fz_default_color_params);
    fz_drop_text(ctx, text);
    fz_drop_font(ctx, font);
}

void page_image_init(struct page_image *page, const char *const *lines, size_t n_lines, int dpi)
{
    float scale = (float)dpi / 72;

    page->ctx = fz_new_context(NULL, NULL, FZ_STORE_DEFAULT);
    page->pixmap = fz_new_pixmap(page->ctx, fz_device_gray(page->ctx), (int)(595 * scale),
                                 (int)(842 * scale), NULL, 0);
    fz_clear_pixmap_with_value(page->ctx, page->pixmap, 255);
    fz_device *dev = fz_new_draw_device(page->ctx, fz_scale(scale, scale), page->pixmap);
    draw_lines(page->ctx, dev, lines, n_lines);
    fz_close_device(page->ctx, dev);
    fz_drop_device(page->ctx, dev);
    page->image = (struct qr_ocr_image){.gray = page->pixmap->samples,
                                        .width = page->pixmap->w,
                                        .height = page->pixmap->h,
                                        .stride = (size_t)page->pixmap->stride,
                                        .dpi = dpi};
}

void page_image_done(struct page_image *page)
{
    fz_drop_pixmap(page->ctx, page->pixmap);
    fz_drop_context(page->ctx);
}

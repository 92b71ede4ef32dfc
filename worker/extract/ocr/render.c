#include "worker/extract/ocr/render.h"

#include <math.h>
#include <string.h>

#include "worker/extract/ocr/limited.h"
#include "worker/extract/ocr/pixels.h"

#define DPI 300.0
#define SMALL_PIXELS 9e6 /* A4 at 300 dpi: always allowed */
#define BIG_IMAGE 0.1    /* share of the page from which an image's resolution counts */
#define PAPER_MIN 0.5    /* of an image with text on it; photographs have less of one shade */
#define DPI_HINT_MIN 150 /* less is no paper size that anybody uses */

static double pick_scale(fz_context *ctx, pdf_page *page, double width, double height)
{
    double area = width * height;
    double scale = DPI / 72;
    double most = QR_OCR_RENDER_MAX;

    if (area * scale * scale > SMALL_PIXELS) {
        double own = 0;
        qr_ocr_add_images(ctx, page, NULL, BIG_IMAGE, NULL, &own);
        if (own > 0)
            most = fmin(most, fmax(SMALL_PIXELS, area * own * own));
        scale = fmin(scale, sqrt(most / area));
    }
    double longest = fmax(width, height);
    return fmin(scale, (QR_OCR_SIDE_MAX - 1) / longest);
}

/* Texts may stand anywhere, also where no integer counts pixels. */
static int within(double pixels, int most) { return (int)fmin(fmax(0, pixels), most); }

/* What a rectangle of the page has become; false when nothing of it is left. */
static bool cut(const struct qr_ocr_raster *raster, const struct qr_sheet_rect *rect,
                struct qr_ocr_image *ret)
{
    const fz_pixmap *from = raster->pixmap;
    int x0 = within(floor((double)rect->x0 * raster->scale), from->w);
    int y0 = within(floor((double)rect->y0 * raster->scale), from->h);
    int x1 = within(ceil((double)rect->x1 * raster->scale), from->w);
    int y1 = within(ceil((double)rect->y1 * raster->scale), from->h);

    if (x0 >= x1 || y0 >= y1)
        return false;
    *ret = raster->image;
    ret->gray += (size_t)y0 * ret->stride + (size_t)x0;
    ret->width = x1 - x0;
    ret->height = y1 - y0;
    return true;
}

static bool may_be_text(const struct qr_ocr_image *image)
{
    struct qr_ocr_look look;

    qr_ocr_look(image, &look);
    return !look.blank && !look.noise && look.paper >= PAPER_MIN;
}

size_t qr_ocr_raster_keep(fz_context *ctx, struct qr_ocr_raster *raster,
                          const struct qr_ocr_regions *regions, bool any)
{
    fz_pixmap *from = raster->pixmap;
    fz_pixmap *to = fz_new_pixmap(ctx, fz_device_gray(ctx), from->w, from->h, NULL, 0);
    size_t kept = 0;

    fz_clear_pixmap_with_value(ctx, to, 255);
    for (size_t i = 0; i < regions->n; i++) {
        struct qr_ocr_image part;
        if (!cut(raster, &regions->rects[i], &part) || (!any && !may_be_text(&part)))
            continue;
        unsigned char *at = to->samples + (part.gray - from->samples);
        for (int y = 0; y < part.height; y++)
            memcpy(at + (ptrdiff_t)y * to->stride, part.gray + (size_t)y * part.stride,
                   (size_t)part.width);
        kept++;
    }
    fz_drop_pixmap(ctx, from);
    raster->pixmap = to;
    raster->image.gray = to->samples;
    return kept;
}

void qr_ocr_raster_cover(struct qr_ocr_raster *raster, const struct qr_ocr_regions *regions)
{
    for (size_t i = 0; i < regions->n; i++) {
        struct qr_ocr_image part;
        if (!cut(raster, &regions->rects[i], &part))
            continue;
        unsigned char *at = raster->pixmap->samples + (part.gray - raster->pixmap->samples);
        for (int y = 0; y < part.height; y++)
            memset(at + (ptrdiff_t)y * raster->pixmap->stride, 255, (size_t)part.width);
    }
}

/* Throws FZ_ERROR_ABORT at `until_ms`. */
static void draw(fz_context *ctx, pdf_page *page, fz_rect box, int64_t until_ms,
                 struct qr_ocr_raster *raster)
{
    struct qr_limited limited = {0};
    fz_matrix ctm =
        fz_pre_translate(fz_scale((float)raster->scale, (float)raster->scale), -box.x0, -box.y0);
    fz_device *dev = NULL;

    fz_clear_pixmap_with_value(ctx, raster->pixmap, 255);
    fz_var(dev);
    fz_try(ctx)
    {
        dev = fz_new_draw_device(ctx, ctm, raster->pixmap);
        qr_limited_begin(&limited, ctx, dev, until_ms);
        qr_ocr_run_page(ctx, page, dev);
        fz_close_device(ctx, dev);
    }
    fz_always(ctx)
    {
        qr_limited_end(&limited, ctx);
        fz_drop_device(ctx, dev);
    }
    fz_catch(ctx) fz_rethrow(ctx);
}

void qr_ocr_render(fz_context *ctx, pdf_page *page, int64_t until_ms, struct qr_ocr_raster *ret)
{
    fz_rect box = pdf_bound_page(ctx, page);
    double width = (double)box.x1 - (double)box.x0;
    double height = (double)box.y1 - (double)box.y0;

    if (!(width >= 1 && height >= 1 && width < 1e6 && height < 1e6))
        fz_throw(ctx, FZ_ERROR_GENERIC, "the page has no size");
    ret->scale = pick_scale(ctx, page, width, height);
    ret->pixmap = fz_new_pixmap(ctx, fz_device_gray(ctx), (int)ceil(width * ret->scale),
                                (int)ceil(height * ret->scale), NULL, 0);
    draw(ctx, page, box, until_ms, ret);
    int dpi = (int)lround(ret->scale * 72);
    ret->image = (struct qr_ocr_image){.gray = ret->pixmap->samples,
                                       .width = ret->pixmap->w,
                                       .height = ret->pixmap->h,
                                       .stride = (size_t)ret->pixmap->stride,
                                       .dpi = dpi < DPI_HINT_MIN ? DPI_HINT_MIN : dpi};
}

void qr_ocr_raster_done(fz_context *ctx, struct qr_ocr_raster *raster)
{
    fz_drop_pixmap(ctx, raster->pixmap);
    raster->pixmap = NULL;
}

#include "worker/extract/ocr/render.h"

#include <math.h>
#include <string.h>

#define DPI 300.0
#define SMALL_PIXELS 9e6 /* A4 at 300 dpi: always allowed */
#define BIG_IMAGE 0.1    /* share of the page from which an image's resolution counts */
#define DPI_HINT_MIN 150 /* less is no paper size that anybody uses */

/* A device that only looks at the images' sizes; they are not even decoded. */
struct probe {
    fz_device super;
    double page_area;
    double pixels_per_point; /* of the finest big image */
};

static void see_image(struct probe *probe, const fz_image *image, fz_matrix ctm)
{
    double area = fabs((double)ctm.a * (double)ctm.d - (double)ctm.b * (double)ctm.c);
    double pixels = (double)image->w * image->h;

    if (area > BIG_IMAGE * probe->page_area && sqrt(pixels / area) > probe->pixels_per_point)
        probe->pixels_per_point = sqrt(pixels / area);
}

static void probe_image(fz_context *ctx, fz_device *dev, fz_image *image, fz_matrix ctm,
                        float alpha, fz_color_params params)
{
    (void)ctx;
    (void)alpha;
    (void)params;
    see_image((struct probe *)dev, image, ctm);
}

static void probe_mask(fz_context *ctx, fz_device *dev, fz_image *image, fz_matrix ctm,
                       fz_colorspace *space, const float *color, float alpha,
                       fz_color_params params)
{
    (void)ctx;
    (void)space;
    (void)color;
    (void)alpha;
    (void)params;
    see_image((struct probe *)dev, image, ctm);
}

/* All that is seen of the page. */
static void run_page(fz_context *ctx, pdf_page *page, fz_device *dev)
{
    fz_cookie cookie = {0}; /* errors that are got over do not matter here */

    pdf_run_page_contents(ctx, page, dev, fz_identity, &cookie);
    pdf_run_page_annots(ctx, page, dev, fz_identity, &cookie);
    pdf_run_page_widgets(ctx, page, dev, fz_identity, &cookie);
}

/* Pixels per point of the page's images, 0 when there are none that matter. */
static double own_resolution(fz_context *ctx, pdf_page *page, double page_area)
{
    struct probe *probe = fz_new_derived_device(ctx, struct probe);
    double found = 0;

    probe->super.fill_image = probe_image;
    probe->super.fill_image_mask = probe_mask;
    probe->page_area = page_area;
    fz_try(ctx)
    {
        run_page(ctx, page, &probe->super);
        fz_close_device(ctx, &probe->super);
    }
    fz_always(ctx)
    {
        found = probe->pixels_per_point;
        fz_drop_device(ctx, &probe->super);
    }
    fz_catch(ctx) fz_rethrow(ctx);
    return found;
}

static double pick_scale(fz_context *ctx, pdf_page *page, double width, double height)
{
    double area = width * height;
    double scale = DPI / 72;
    double most = QR_OCR_RENDER_MAX;

    if (area * scale * scale > SMALL_PIXELS) {
        double own = own_resolution(ctx, page, area);
        if (own > 0)
            most = fmin(most, fmax(SMALL_PIXELS, area * own * own));
        scale = fmin(scale, sqrt(most / area));
    }
    double longest = fmax(width, height);
    return fmin(scale, (QR_OCR_SIDE_MAX - 1) / longest);
}

static void paint_white(fz_pixmap *pixmap, const struct qr_sheet_rect *rect, double scale)
{
    int x0 = (int)fmax(0, floor((double)rect->x0 * scale));
    int y0 = (int)fmax(0, floor((double)rect->y0 * scale));
    int x1 = (int)fmin(pixmap->w, ceil((double)rect->x1 * scale));
    int y1 = (int)fmin(pixmap->h, ceil((double)rect->y1 * scale));

    for (int y = y0; y < y1 && x0 < x1; y++)
        memset(pixmap->samples + (ptrdiff_t)y * pixmap->stride + x0, 255, (size_t)(x1 - x0));
}

/* Keep the regions, paint the rest. A row belongs to few regions, so this is cheap. */
static void keep_regions(fz_context *ctx, struct qr_ocr_raster *raster,
                         const struct qr_ocr_need *need)
{
    fz_pixmap *from = raster->pixmap;
    fz_pixmap *to = fz_new_pixmap(ctx, fz_device_gray(ctx), from->w, from->h, NULL, 0);

    fz_clear_pixmap_with_value(ctx, to, 255);
    for (size_t i = 0; i < need->n_regions; i++) {
        const struct qr_sheet_rect *rect = &need->regions[i];
        int x0 = (int)fmax(0, floor((double)rect->x0 * raster->scale));
        int y0 = (int)fmax(0, floor((double)rect->y0 * raster->scale));
        int x1 = (int)fmin(from->w, ceil((double)rect->x1 * raster->scale));
        int y1 = (int)fmin(from->h, ceil((double)rect->y1 * raster->scale));
        for (int y = y0; y < y1 && x0 < x1; y++)
            memcpy(to->samples + (ptrdiff_t)y * to->stride + x0,
                   from->samples + (ptrdiff_t)y * from->stride + x0, (size_t)(x1 - x0));
    }
    raster->pixmap = to;
    fz_drop_pixmap(ctx, from);
}

static void draw(fz_context *ctx, pdf_page *page, fz_rect box, struct qr_ocr_raster *raster)
{
    fz_matrix ctm =
        fz_pre_translate(fz_scale((float)raster->scale, (float)raster->scale), -box.x0, -box.y0);
    fz_device *dev = NULL;

    fz_clear_pixmap_with_value(ctx, raster->pixmap, 255);
    fz_var(dev);
    fz_try(ctx)
    {
        dev = fz_new_draw_device(ctx, ctm, raster->pixmap);
        run_page(ctx, page, dev);
        fz_close_device(ctx, dev);
    }
    fz_always(ctx) fz_drop_device(ctx, dev);
    fz_catch(ctx) fz_rethrow(ctx);
}

void qr_ocr_render(fz_context *ctx, pdf_page *page, const struct qr_ocr_need *need,
                   struct qr_ocr_raster *ret)
{
    fz_rect box = pdf_bound_page(ctx, page);
    double width = (double)box.x1 - (double)box.x0;
    double height = (double)box.y1 - (double)box.y0;

    if (!(width >= 1 && height >= 1 && width < 1e6 && height < 1e6))
        fz_throw(ctx, FZ_ERROR_GENERIC, "the page has no size");
    ret->scale = pick_scale(ctx, page, width, height);
    ret->pixmap = fz_new_pixmap(ctx, fz_device_gray(ctx), (int)ceil(width * ret->scale),
                                (int)ceil(height * ret->scale), NULL, 0);
    draw(ctx, page, box, ret);
    if (need->n_regions > 0)
        keep_regions(ctx, ret, need);
    for (size_t i = 0; i < need->n_known; i++)
        paint_white(ret->pixmap, &need->known[i], ret->scale);
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

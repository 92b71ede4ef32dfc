#include "worker/extract/ocr/limited.h"

#include "common/clock.h"

/* Throws when the time is over. */
static const fz_device *original(fz_context *ctx)
{
    const struct qr_limited *limited = fz_user_context(ctx);

    if (qr_clock_ms() > limited->until_ms)
        fz_throw(ctx, FZ_ERROR_ABORT, "drawing takes too long");
    return &limited->original;
}

static void fill_path(fz_context *ctx, fz_device *dev, const fz_path *path, int even_odd,
                      fz_matrix ctm, fz_colorspace *space, const float *color, float alpha,
                      fz_color_params params)
{
    original(ctx)->fill_path(ctx, dev, path, even_odd, ctm, space, color, alpha, params);
}

static void stroke_path(fz_context *ctx, fz_device *dev, const fz_path *path,
                        const fz_stroke_state *stroke, fz_matrix ctm, fz_colorspace *space,
                        const float *color, float alpha, fz_color_params params)
{
    original(ctx)->stroke_path(ctx, dev, path, stroke, ctm, space, color, alpha, params);
}

static void clip_path(fz_context *ctx, fz_device *dev, const fz_path *path, int even_odd,
                      fz_matrix ctm, fz_rect scissor)
{
    original(ctx)->clip_path(ctx, dev, path, even_odd, ctm, scissor);
}

static void clip_stroke_path(fz_context *ctx, fz_device *dev, const fz_path *path,
                             const fz_stroke_state *stroke, fz_matrix ctm, fz_rect scissor)
{
    original(ctx)->clip_stroke_path(ctx, dev, path, stroke, ctm, scissor);
}

static void fill_text(fz_context *ctx, fz_device *dev, const fz_text *text, fz_matrix ctm,
                      fz_colorspace *space, const float *color, float alpha, fz_color_params params)
{
    original(ctx)->fill_text(ctx, dev, text, ctm, space, color, alpha, params);
}

static void stroke_text(fz_context *ctx, fz_device *dev, const fz_text *text,
                        const fz_stroke_state *stroke, fz_matrix ctm, fz_colorspace *space,
                        const float *color, float alpha, fz_color_params params)
{
    original(ctx)->stroke_text(ctx, dev, text, stroke, ctm, space, color, alpha, params);
}

static void fill_shade(fz_context *ctx, fz_device *dev, fz_shade *shade, fz_matrix ctm, float alpha,
                       fz_color_params params)
{
    original(ctx)->fill_shade(ctx, dev, shade, ctm, alpha, params);
}

static void fill_image(fz_context *ctx, fz_device *dev, fz_image *image, fz_matrix ctm, float alpha,
                       fz_color_params params)
{
    original(ctx)->fill_image(ctx, dev, image, ctm, alpha, params);
}

static void fill_image_mask(fz_context *ctx, fz_device *dev, fz_image *image, fz_matrix ctm,
                            fz_colorspace *space, const float *color, float alpha,
                            fz_color_params params)
{
    original(ctx)->fill_image_mask(ctx, dev, image, ctm, space, color, alpha, params);
}

static void begin_group(fz_context *ctx, fz_device *dev, fz_rect area, fz_colorspace *space,
                        int isolated, int knockout, int blendmode, float alpha)
{
    original(ctx)->begin_group(ctx, dev, area, space, isolated, knockout, blendmode, alpha);
}

void qr_limited_begin(struct qr_limited *limited, fz_context *ctx, fz_device *dev, int64_t until_ms)
{
    *limited =
        (struct qr_limited){.until_ms = until_ms, .original = *dev, .user = fz_user_context(ctx)};
    fz_set_user_context(ctx, limited);
    dev->fill_path = fill_path;
    dev->stroke_path = stroke_path;
    dev->clip_path = clip_path;
    dev->clip_stroke_path = clip_stroke_path;
    dev->fill_text = fill_text;
    dev->stroke_text = stroke_text;
    dev->fill_shade = fill_shade;
    dev->fill_image = fill_image;
    dev->fill_image_mask = fill_image_mask;
    dev->begin_group = begin_group;
}

void qr_limited_end(struct qr_limited *limited, fz_context *ctx)
{
    if (fz_user_context(ctx) == limited)
        fz_set_user_context(ctx, limited->user);
}

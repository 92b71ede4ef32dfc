#include <string.h>

#include "worker/extract/overlay/overlay.h"

enum kind { TITLE, DIMENSION, GDT, BOM, MATERIAL, REVISION, NOTE, ANNOTATION, PARAMETER, KINDS };

static const struct {
    const char *name;
    float rgb[3];
} kinds[KINDS] = {
    [TITLE] = {"title block", {0.10f, 0.35f, 0.85f}},
    [DIMENSION] = {"dimension", {0.85f, 0.10f, 0.10f}},
    [GDT] = {"tolerance frame", {0.60f, 0.10f, 0.70f}},
    [BOM] = {"bill of material", {0.05f, 0.55f, 0.20f}},
    [MATERIAL] = {"material", {0.90f, 0.50f, 0.00f}},
    [REVISION] = {"revision", {0.00f, 0.55f, 0.60f}},
    [NOTE] = {"note", {0.45f, 0.45f, 0.45f}},
    [ANNOTATION] = {"annotation", {0.55f, 0.40f, 0.10f}},
    [PARAMETER] = {"parameter", {0.35f, 0.60f, 0.85f}},
};

/* One drawing in the making. */
struct canvas {
    fz_context *ctx;
    fz_device *dev;
    fz_font *font;
    fz_stroke_state *stroke;
    fz_matrix to_pixels;
    fz_irect pixels;
    uint32_t page;
    const char *layout;
    size_t count[KINDS];
};

static void fill_rect(struct canvas *canvas, fz_rect rect, const float rgb[3], float alpha,
                      bool outline)
{
    fz_context *ctx = canvas->ctx;
    fz_path *path = fz_new_path(ctx);

    fz_try(ctx)
    {
        fz_rectto(ctx, path, rect.x0, rect.y0, rect.x1, rect.y1);
        if (alpha > 0)
            fz_fill_path(ctx, canvas->dev, path, 0, fz_identity, fz_device_rgb(ctx), rgb, alpha,
                         fz_default_color_params);
        if (outline)
            fz_stroke_path(ctx, canvas->dev, path, canvas->stroke, fz_identity, fz_device_rgb(ctx),
                           rgb, 1, fz_default_color_params);
    }
    fz_always(ctx) fz_drop_path(ctx, path);
    fz_catch(ctx) fz_rethrow(ctx);
}

static void write_text(struct canvas *canvas, float x, float y, float size, const float rgb[3],
                       const char *string)
{
    fz_context *ctx = canvas->ctx;
    fz_text *text = fz_new_text(ctx);

    fz_try(ctx)
    {
        fz_matrix at = {size, 0, 0, -size, x, y};
        fz_show_string(ctx, text, canvas->font, at, string, 0, 0, FZ_BIDI_LTR, FZ_LANG_UNSET);
        fz_fill_text(ctx, canvas->dev, text, fz_identity, fz_device_rgb(ctx), rgb, 1,
                     fz_default_color_params);
    }
    fz_always(ctx) fz_drop_text(ctx, text);
    fz_catch(ctx) fz_rethrow(ctx);
}

static void mark(struct canvas *canvas, enum kind kind, const Quarry__V1__Box *box)
{
    fz_rect rect = {(float)box->x0, (float)box->y0, (float)box->x1, (float)box->y1};

    rect = fz_transform_rect(rect, canvas->to_pixels);
    rect = fz_expand_rect(rect, 2);
    fill_rect(canvas, rect, kinds[kind].rgb, 0.12f, true);
    canvas->count[kind]++;
}

static bool is_here(const struct canvas *canvas, uint32_t page, const char *layout)
{
    if (canvas->layout)
        return strcmp(layout, canvas->layout) == 0;
    return page == canvas->page;
}

static void mark_place(struct canvas *canvas, enum kind kind, const Quarry__V1__Place *place)
{
    if (place && place->box && is_here(canvas, place->page, place->layout))
        mark(canvas, kind, place->box);
}

static void mark_all(struct canvas *canvas, const Quarry__V1__ExtractionRecord *msg)
{
    for (size_t i = 0; i < msg->n_drawing_notes; i++)
        mark_place(canvas, NOTE, msg->drawing_notes[i]->place);
    for (size_t i = 0; i < msg->n_annotations; i++)
        mark_place(canvas, ANNOTATION, msg->annotations[i]->place);
    for (size_t i = 0; i < msg->n_parameters; i++)
        mark_place(canvas, PARAMETER, msg->parameters[i]->place);
    for (size_t i = 0; i < msg->n_bom; i++)
        mark_place(canvas, BOM, msg->bom[i]->place);
    for (size_t i = 0; i < msg->n_revisions; i++)
        mark_place(canvas, REVISION, msg->revisions[i]->place);
    for (size_t i = 0; i < msg->n_title_block; i++)
        mark_place(canvas, TITLE, msg->title_block[i]->place);
    for (size_t i = 0; i < msg->n_materials; i++)
        mark_place(canvas, MATERIAL, msg->materials[i]->place);
    for (size_t i = 0; i < msg->n_gdt; i++)
        mark_place(canvas, GDT, msg->gdt[i]->place);
    for (size_t i = 0; i < msg->n_dimensions; i++) {
        const Quarry__V1__Dimension *dimension = msg->dimensions[i];
        if (dimension->box && is_here(canvas, dimension->page, dimension->layout))
            mark(canvas, DIMENSION, dimension->box);
    }
}

/* What the colours mean and how many there are, on a strip below the page. */
static void draw_legend(struct canvas *canvas)
{
    static const float white[] = {1, 1, 1};
    static const float black[] = {0, 0, 0};
    float y = (float)canvas->pixels.y1 - 14;
    float x = 12;
    fz_rect strip = {0, (float)canvas->pixels.y1 - 40, (float)canvas->pixels.x1,
                     (float)canvas->pixels.y1};
    bool any = false;

    fill_rect(canvas, strip, white, 1, false);
    for (int kind = 0; kind < KINDS; kind++) {
        char label[64];
        if (canvas->count[kind] == 0)
            continue;
        any = true;
        fill_rect(canvas, (fz_rect){x, y - 14, x + 18, y + 2}, kinds[kind].rgb, 0.35f, true);
        int len = snprintf(label, sizeof label, "%s (%zu)", kinds[kind].name, canvas->count[kind]);
        write_text(canvas, x + 24, y, 20, black, label);
        x += 24 + 11 * (float)len + 16;
    }
    if (!any)
        write_text(canvas, x, y, 20, black, "nothing was found on this page");
}

void qr_overlay_findings(fz_context *ctx, fz_device *dev, fz_matrix to_pixels, fz_irect pixels,
                         const Quarry__V1__ExtractionRecord *msg, uint32_t page, const char *layout)
{
    struct canvas canvas = {.ctx = ctx,
                            .dev = dev,
                            .to_pixels = to_pixels,
                            .pixels = pixels,
                            .page = page,
                            .layout = layout};

    fz_var(canvas);
    fz_try(ctx)
    {
        canvas.font = fz_new_base14_font(ctx, "Helvetica");
        canvas.stroke = fz_new_stroke_state(ctx);
        canvas.stroke->linewidth = 2;
        mark_all(&canvas, msg);
        draw_legend(&canvas);
    }
    fz_always(ctx)
    {
        fz_drop_font(ctx, canvas.font);
        fz_drop_stroke_state(ctx, canvas.stroke);
    }
    fz_catch(ctx) fz_rethrow(ctx);
}

fz_matrix qr_overlay_fit(double x0, double y0, double width, double height, fz_irect *ret_pixels)
{
    enum { LEGEND = 40 };
    double longer = width > height ? width : height;
    double scale = longer > 0 ? QR_OVERLAY_PIXELS / longer : 1;
    int w = (int)(width * scale);
    int h = (int)(height * scale);

    *ret_pixels = (fz_irect){0, 0, w > 400 ? w : 400, (h > 100 ? h : 100) + LEGEND};
    return fz_make_matrix((float)scale, 0, 0, (float)scale, (float)(-x0 * scale),
                          (float)(-y0 * scale));
}

void qr_overlay_keep(fz_context *ctx, fz_pixmap *picture, struct qr_record *rec)
{
    fz_buffer *png = fz_new_buffer_from_pixmap_as_png(ctx, picture, fz_default_color_params);

    fz_try(ctx)
    {
        unsigned char *data;
        size_t len = fz_buffer_storage(ctx, png, &data);
        qr_record_set_overlay(rec, data, len);
    }
    fz_always(ctx) fz_drop_buffer(ctx, png);
    fz_catch(ctx) fz_rethrow(ctx);
}

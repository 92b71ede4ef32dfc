#include "worker/extract/overlay/dxf_layout.h"

#include <math.h>
#include <string.h>

#include "worker/extract/extract.h"
#include "worker/extract/overlay/dxf_geometry.h"
#include "worker/extract/overlay/overlay.h"
#include "worker/extract/pdf/pdf.h"

struct drawing {
    fz_context *ctx;
    fz_device *dev;
    const Quarry__V1__ExtractionRecord *msg;
    const char *layout;
    const struct qr_geometry *geometry;
    fz_matrix to_pixels; /* from drawing units, y upwards */
};

static void draw_strokes(const struct drawing *d)
{
    static const float grey[] = {0.25f, 0.25f, 0.25f};
    const struct qr_geometry *g = d->geometry;
    fz_context *ctx = d->ctx;
    fz_path *path = fz_new_path(ctx);
    fz_stroke_state *stroke = NULL;

    fz_var(stroke);
    fz_try(ctx)
    {
        stroke = fz_new_stroke_state(ctx);
        stroke->linewidth = 1;
        for (size_t s = 0; s < g->n_strokes; s++) {
            size_t end = s + 1 < g->n_strokes ? g->starts[s + 1] : g->n_points;
            for (size_t i = g->starts[s]; i < end; i++) {
                fz_point at = fz_transform_point_xy(g->points[i][0], g->points[i][1], d->to_pixels);
                if (i == g->starts[s])
                    fz_moveto(ctx, path, at.x, at.y);
                else
                    fz_lineto(ctx, path, at.x, at.y);
            }
        }
        fz_stroke_path(ctx, d->dev, path, stroke, fz_identity, fz_device_rgb(ctx), grey, 1,
                       fz_default_color_params);
    }
    fz_always(ctx)
    {
        fz_drop_path(ctx, path);
        fz_drop_stroke_state(ctx, stroke);
    }
    fz_catch(ctx) fz_rethrow(ctx);
}

/* Where the base line of a text begins, and how long it is, from its box and its angle. */
static double baseline(const Quarry__V1__Span *span, double cosine, double sine, double ret[2])
{
    const Quarry__V1__Box *box = span->box;
    double length = fabs(cosine) > fabs(sine)
                        ? (box->x1 - box->x0 - span->height * fabs(sine)) / fabs(cosine)
                        : (box->y1 - box->y0 - span->height * fabs(cosine)) / fabs(sine);

    ret[0] = (box->x0 + box->x1 - length * cosine + span->height * sine) / 2;
    ret[1] = (box->y0 + box->y1 - length * sine - span->height * cosine) / 2;
    return length;
}

static void put_text(const struct drawing *d, fz_font *font, const Quarry__V1__Span *span,
                     fz_text *text)
{
    static const float black[] = {0, 0, 0};
    fz_context *ctx = d->ctx;
    double turn = span->angle * 3.14159265358979 / 180;
    float cosine = (float)cos(turn);
    float sine = (float)sin(turn);
    double start[2];
    double room = baseline(span, cos(turn), sin(turn), start);
    float size = (float)span->height * d->to_pixels.a;
    fz_point at = fz_transform_point_xy((float)start[0], (float)start[1], d->to_pixels);
    fz_matrix trm = fz_make_matrix(size, 0, 0, size, 0, 0);
    float width = fz_measure_string(ctx, font, trm, span->text, 0, 0, FZ_BIDI_LTR, FZ_LANG_UNSET).e;
    float squeeze = width > 0 ? (float)room * d->to_pixels.a / width : 1;

    if (!(squeeze > 0.05f && squeeze < 1))
        squeeze = 1;
    trm = fz_make_matrix(size * squeeze * cosine, -size * squeeze * sine, -size * sine,
                         -size * cosine, at.x, at.y);
    fz_show_string(ctx, text, font, trm, span->text, 0, 0, FZ_BIDI_LTR, FZ_LANG_UNSET);
    fz_fill_text(ctx, d->dev, text, fz_identity, fz_device_rgb(ctx), black, 1,
                 fz_default_color_params);
}

static void draw_text(const struct drawing *d, fz_font *font, const Quarry__V1__Span *span)
{
    fz_text *text = fz_new_text(d->ctx);

    fz_try(d->ctx) put_text(d, font, span, text);
    fz_always(d->ctx) fz_drop_text(d->ctx, text);
    fz_catch(d->ctx) fz_rethrow(d->ctx);
}

static void draw_texts(const struct drawing *d)
{
    fz_context *ctx = d->ctx;
    fz_font *font = fz_new_base14_font(ctx, "Helvetica");

    fz_try(ctx)
    {
        for (size_t i = 0; i < d->msg->n_spans; i++) {
            const Quarry__V1__Span *span = d->msg->spans[i];
            if (span->box && strcmp(span->layout, d->layout) == 0)
                draw_text(d, font, span);
        }
    }
    fz_always(ctx) fz_drop_font(ctx, font);
    fz_catch(ctx) fz_rethrow(ctx);
}

/* What is to be seen: all strokes and texts, and a margin. */
static bool find_area(const struct drawing *d, double area[4])
{
    bool any = d->geometry->n_points > 0;

    memcpy(area, d->geometry->box, 4 * sizeof *area);
    for (size_t i = 0; i < d->msg->n_spans; i++) {
        const Quarry__V1__Span *span = d->msg->spans[i];
        if (!span->box || strcmp(span->layout, d->layout) != 0)
            continue;
        const double box[] = {span->box->x0, span->box->y0, span->box->x1, span->box->y1};
        area[0] = any ? fmin(area[0], box[0]) : box[0];
        area[1] = any ? fmin(area[1], box[1]) : box[1];
        area[2] = any ? fmax(area[2], box[2]) : box[2];
        area[3] = any ? fmax(area[3], box[3]) : box[3];
        any = true;
    }
    double margin = 0.03 * fmax(area[2] - area[0], area[3] - area[1]);
    margin = margin > 0 ? margin : 1;
    area[0] -= margin;
    area[1] -= margin;
    area[2] += margin;
    area[3] += margin;
    return any;
}

static void render(struct drawing *d, struct qr_record *rec, uint32_t number)
{
    fz_context *ctx = d->ctx;
    fz_pixmap *picture = NULL;
    fz_irect pixels;
    double area[4];

    if (!find_area(d, area)) {
        qr_record_note(rec, "overlay.failed", "layout '%s' is empty", d->layout);
        return;
    }
    fz_matrix fit =
        qr_overlay_fit(area[0], -area[3], area[2] - area[0], area[3] - area[1], &pixels);
    d->to_pixels = fz_pre_scale(fit, 1, -1);
    fz_var(picture);
    fz_try(ctx)
    {
        picture = fz_new_pixmap_with_bbox(ctx, fz_device_rgb(ctx), pixels, NULL, 0);
        fz_clear_pixmap_with_value(ctx, picture, 0xFF);
        d->dev = fz_new_draw_device(ctx, fz_identity, picture);
        draw_strokes(d);
        draw_texts(d);
        qr_overlay_findings(ctx, d->dev, d->to_pixels, pixels, d->msg, number, d->layout);
        fz_close_device(ctx, d->dev);
        qr_overlay_keep(ctx, picture, rec);
    }
    fz_always(ctx)
    {
        fz_drop_device(ctx, d->dev);
        fz_drop_pixmap(ctx, picture);
    }
    fz_catch(ctx) fz_rethrow(ctx);
}

void qr_overlay_dxf_layout(const struct qr_extract *x, const void *data, size_t len,
                           uint32_t number)
{
    const Quarry__V1__ExtractionRecord *msg = x->rec->msg;
    const char *layout = number <= msg->n_pages ? msg->pages[number - 1]->label : "Model";
    struct qr_geometry geometry;
    struct drawing d = {
        .ctx = qr_pdf_context(x->engine->pdf), .msg = msg, .layout = layout, .geometry = &geometry};

    if (number > msg->n_pages && number > 1)
        return;
    qr_geometry_read(&geometry, data, len, strcmp(layout, "Model") != 0);
    fz_try(d.ctx) render(&d, x->rec, number);
    fz_catch(d.ctx) qr_record_note(x->rec, "overlay.failed", "layout '%s': %s", layout,
                                   fz_caught_message(d.ctx));
    qr_geometry_done(&geometry);
}

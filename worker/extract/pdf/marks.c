#include "worker/extract/pdf/marks.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define LINE_MIN 3.0f   /* points; shorter ones are no frames */
#define SKEW_MAX 0.3f   /* how far from axis-parallel a line may be */
#define THIN_MAX 2.5f   /* a filled rectangle up to this is a line */
#define LETTER_MIN 1.2f /* the larger side of a letter */
#define LETTER_MAX 26.0f
#define LETTER_BENDS_MAX 400
#define PATH_SEGMENTS_MAX 50000
#define IMAGES_LOOKED_AT 256 /* XObjects of a page's resources */

static struct qr_pdf_marks *marks_of(fz_context *ctx) { return fz_user_context(ctx); }

/* ---------------------------------------------------------------- the path in work */

static void add_segment(struct qr_pdf_marks *marks, fz_point a, fz_point b, bool filled)
{
    if (!marks->sheet || marks->n_segments >= PATH_SEGMENTS_MAX)
        return;
    if (marks->n_segments == marks->cap_segments) {
        size_t cap = marks->cap_segments ? marks->cap_segments * 2 : 256;
        void *bigger = realloc(marks->segments, cap * sizeof *marks->segments);
        if (!bigger)
            return;
        marks->segments = bigger;
        marks->cap_segments = cap;
    }
    marks->segments[marks->n_segments++] = (struct qr_pdf_mark_segment){a.x, a.y, b.x, b.y, filled};
}

/* A straight piece; kept when it is a line of a frame. */
static void straight(struct qr_pdf_marks *marks, fz_point a, fz_point b)
{
    float dx = fabsf(b.x - a.x);
    float dy = fabsf(b.y - a.y);

    marks->bends++;
    if (dx > SKEW_MAX && dy > SKEW_MAX) {
        marks->off_axis++;
        return;
    }
    if (dx >= LINE_MIN || dy >= LINE_MIN)
        add_segment(marks, a, b, false);
}

/* The subpath is complete: a letter? a thin rectangle? */
static void end_subpath(struct qr_pdf_marks *marks)
{
    fz_rect box = marks->bounds;
    float width = box.x1 - box.x0;
    float height = box.y1 - box.y0;
    float longer = width > height ? width : height;

    if (marks->bends == 0)
        return;
    if (longer >= LETTER_MIN && longer <= LETTER_MAX && marks->bends <= LETTER_BENDS_MAX &&
        (marks->off_axis > 0 || marks->bends > 4 || (marks->bends >= 2 && marks->bends <= 3)))
        marks->letters_pending++;
    if (marks->off_axis == 0 && marks->bends >= 3 && marks->bends <= 5 && longer >= LINE_MIN) {
        if (height <= THIN_MAX && width > 3 * height) {
            float y = (box.y0 + box.y1) / 2;
            add_segment(marks, fz_make_point(box.x0, y), fz_make_point(box.x1, y), true);
        } else if (width <= THIN_MAX && height > 3 * width) {
            float x = (box.x0 + box.x1) / 2;
            add_segment(marks, fz_make_point(x, box.y0), fz_make_point(x, box.y1), true);
        }
    }
    marks->bends = marks->off_axis = 0;
}

static void begin_subpath(struct qr_pdf_marks *marks, fz_point at)
{
    end_subpath(marks);
    marks->start = marks->pen = at;
    marks->bounds = (fz_rect){at.x, at.y, at.x, at.y};
}

static void include(fz_rect *box, fz_point at)
{
    box->x0 = fminf(box->x0, at.x);
    box->y0 = fminf(box->y0, at.y);
    box->x1 = fmaxf(box->x1, at.x);
    box->y1 = fmaxf(box->y1, at.y);
}

static void line_to(struct qr_pdf_marks *marks, fz_point at)
{
    straight(marks, marks->pen, at);
    include(&marks->bounds, at);
    marks->pen = at;
}

static void close_subpath(struct qr_pdf_marks *marks)
{
    if (marks->bends > 0 && (marks->pen.x != marks->start.x || marks->pen.y != marks->start.y))
        line_to(marks, marks->start);
}

static void forget_path(struct qr_pdf_marks *marks)
{
    marks->n_segments = 0;
    marks->letters_pending = 0;
    marks->bends = marks->off_axis = 0;
}

static void keep_line(struct qr_pdf_marks *marks, const struct qr_pdf_mark_segment *segment)
{
    fz_rect area = marks->area;
    float x0 = fmaxf(fminf(segment->x0, segment->x1), area.x0);
    float y0 = fmaxf(fminf(segment->y0, segment->y1), area.y0);
    float x1 = fminf(fmaxf(segment->x0, segment->x1), area.x1);
    float y1 = fminf(fmaxf(segment->y0, segment->y1), area.y1);

    if (x1 < x0 || y1 < y0)
        return;
    if (x1 - x0 > y1 - y0)
        qr_sheet_add_rule(marks->sheet, x0, (y0 + y1) / 2, x1, (y0 + y1) / 2);
    else
        qr_sheet_add_rule(marks->sheet, (x0 + x1) / 2, y0, (x0 + x1) / 2, y1);
}

static void paint(fz_context *ctx, pdf_processor *proc, bool close, bool fill, bool stroke)
{
    struct qr_pdf_marks *marks = marks_of(ctx);

    if (close)
        close_subpath(marks);
    end_subpath(marks);
    if (marks->masked > 0 || proc->hidden > 0) {
        marks->hidden += proc->hidden > 0;
    } else if (fill || stroke) {
        marks->paths++;
        marks->letters += marks->letters_pending;
        for (size_t i = 0; i < marks->n_segments; i++)
            if (marks->segments[i].filled ? fill && !stroke : stroke)
                keep_line(marks, &marks->segments[i]);
    }
    forget_path(marks);
}

/* ---------------------------------------------------------------- operators of paths */

static fz_point at(struct qr_pdf_marks *marks, float x, float y)
{
    return fz_transform_point_xy(x, y, marks->ctm);
}

static void op_m(fz_context *ctx, pdf_processor *proc, float x, float y)
{
    struct qr_pdf_marks *marks = marks_of(ctx);

    (void)proc;
    begin_subpath(marks, at(marks, x, y));
}

static void op_l(fz_context *ctx, pdf_processor *proc, float x, float y)
{
    struct qr_pdf_marks *marks = marks_of(ctx);

    (void)proc;
    line_to(marks, at(marks, x, y));
}

static void curve_to(struct qr_pdf_marks *marks, float x, float y)
{
    fz_point end = at(marks, x, y);

    marks->bends++;
    marks->off_axis++;
    include(&marks->bounds, end);
    marks->pen = end;
}

static void op_c(fz_context *ctx, pdf_processor *proc, float x1, float y1, float x2, float y2,
                 float x3, float y3)
{
    (void)proc, (void)x1, (void)y1, (void)x2, (void)y2;
    curve_to(marks_of(ctx), x3, y3);
}

static void op_vy(fz_context *ctx, pdf_processor *proc, float x1, float y1, float x3, float y3)
{
    (void)proc, (void)x1, (void)y1;
    curve_to(marks_of(ctx), x3, y3);
}

static void op_h(fz_context *ctx, pdf_processor *proc)
{
    (void)proc;
    close_subpath(marks_of(ctx));
}

static void op_re(fz_context *ctx, pdf_processor *proc, float x, float y, float w, float h)
{
    struct qr_pdf_marks *marks = marks_of(ctx);

    (void)proc;
    begin_subpath(marks, at(marks, x, y));
    line_to(marks, at(marks, x + w, y));
    line_to(marks, at(marks, x + w, y + h));
    line_to(marks, at(marks, x, y + h));
    line_to(marks, marks->start);
}

static void op_S(fz_context *ctx, pdf_processor *proc) { paint(ctx, proc, false, false, true); }
static void op_s(fz_context *ctx, pdf_processor *proc) { paint(ctx, proc, true, false, true); }
static void op_f(fz_context *ctx, pdf_processor *proc) { paint(ctx, proc, true, true, false); }
static void op_B(fz_context *ctx, pdf_processor *proc) { paint(ctx, proc, false, true, true); }
static void op_b(fz_context *ctx, pdf_processor *proc) { paint(ctx, proc, true, true, true); }
static void op_n(fz_context *ctx, pdf_processor *proc)
{
    (void)proc;
    forget_path(marks_of(ctx));
}

/* ---------------------------------------------------------------- images */

static void count_image(struct qr_pdf_marks *marks, const pdf_processor *proc)
{
    fz_rect box = fz_transform_rect(fz_unit_rect, marks->ctm);

    if (marks->masked > 0 || proc->hidden > 0)
        return;
    marks->images++;
    box = fz_intersect_rect(box, marks->area);
    if (!fz_is_empty_rect(box))
        marks->image_area += (double)(box.x1 - box.x0) * (double)(box.y1 - box.y0);
}

static void op_BI(fz_context *ctx, pdf_processor *proc, fz_image *image, const char *colorspace)
{
    (void)image, (void)colorspace;
    count_image(marks_of(ctx), proc);
}

static const char stand_in[] = "QuarryImage";

pdf_obj *qr_pdf_marks_resources(fz_context *ctx, pdf_document *doc, pdf_obj *resources)
{
    pdf_obj *objects = pdf_dict_get(ctx, resources, PDF_NAME(XObject));
    int n = pdf_dict_len(ctx, objects);
    pdf_obj *changed = NULL;
    pdf_obj *ret = NULL;

    if (n > IMAGES_LOOKED_AT)
        n = IMAGES_LOOKED_AT;
    fz_var(changed);
    fz_var(ret);
    fz_try(ctx)
    {
        for (int i = 0; i < n; i++) {
            pdf_obj *object = pdf_dict_get_val(ctx, objects, i);
            if (!pdf_name_eq(ctx, pdf_dict_get(ctx, object, PDF_NAME(Subtype)), PDF_NAME(Image)))
                continue;
            if (!changed)
                changed = pdf_copy_dict(ctx, objects);
            pdf_obj *image = pdf_new_dict(ctx, doc, 3);
            pdf_dict_put_drop(ctx, changed, pdf_dict_get_key(ctx, objects, i), image);
            pdf_dict_put(ctx, image, PDF_NAME(Subtype), PDF_NAME(Form));
            pdf_dict_puts_drop(ctx, image, stand_in, pdf_new_int(ctx, 1));
            pdf_obj *layer = pdf_dict_get(ctx, object, PDF_NAME(OC));
            if (layer)
                pdf_dict_put(ctx, image, PDF_NAME(OC), layer);
        }
        if (changed) {
            ret = pdf_copy_dict(ctx, resources);
            pdf_dict_put(ctx, ret, PDF_NAME(XObject), changed);
        }
    }
    fz_always(ctx) pdf_drop_obj(ctx, changed);
    fz_catch(ctx)
    {
        pdf_drop_obj(ctx, ret);
        fz_rethrow(ctx);
    }
    return ret ? ret : pdf_keep_obj(ctx, resources);
}

/* ---------------------------------------------------------------- graphics state, forms, masks */

static void op_q(fz_context *ctx, pdf_processor *proc)
{
    struct qr_pdf_marks *marks = marks_of(ctx);

    marks->op_q(ctx, proc);
    if (marks->depth < QR_PDF_MARKS_DEPTH)
        marks->saved[marks->depth++] = marks->ctm;
    else
        marks->too_deep++;
}

static void op_Q(fz_context *ctx, pdf_processor *proc)
{
    struct qr_pdf_marks *marks = marks_of(ctx);

    if (marks->too_deep > 0)
        marks->too_deep--;
    else if (marks->depth > marks->floor)
        marks->ctm = marks->saved[--marks->depth];
    marks->op_Q(ctx, proc);
}

static void op_cm(fz_context *ctx, pdf_processor *proc, float a, float b, float c, float d, float e,
                  float f)
{
    struct qr_pdf_marks *marks = marks_of(ctx);

    marks->ctm = fz_concat((fz_matrix){a, b, c, d, e, f}, marks->ctm);
    marks->op_cm(ctx, proc, a, b, c, d, e, f);
}

static bool has_images(fz_context *ctx, pdf_obj *form)
{
    pdf_obj *objects = pdf_dict_getl(ctx, form, PDF_NAME(Resources), PDF_NAME(XObject), NULL);
    int n = pdf_dict_len(ctx, objects);

    for (int i = 0; i < n && i < 16; i++) {
        pdf_obj *type = pdf_dict_get(ctx, pdf_dict_get_val(ctx, objects, i), PDF_NAME(Subtype));
        if (pdf_name_eq(ctx, type, PDF_NAME(Image)))
            return true;
    }
    return false;
}

static void op_Do_form(fz_context *ctx, pdf_processor *proc, const char *name, pdf_obj *form,
                       pdf_obj *resources)
{
    struct qr_pdf_marks *marks = marks_of(ctx);
    fz_matrix ctm = marks->ctm;
    int depth = marks->depth;
    int floor = marks->floor;
    int too_deep = marks->too_deep;

    if (!pdf_is_stream(ctx, form) && pdf_dict_gets(ctx, form, stand_in)) {
        count_image(marks, proc);
        return;
    }
    if (!marks->images_in_form && has_images(ctx, form))
        marks->images_in_form = true;
    marks->ctm = fz_concat(pdf_xobject_matrix(ctx, form), ctm);
    marks->floor = depth;
    fz_try(ctx) marks->op_Do_form(ctx, proc, name, form, resources);
    fz_always(ctx)
    {
        marks->ctm = ctm;
        marks->depth = depth;
        marks->floor = floor;
        marks->too_deep = too_deep;
    }
    fz_catch(ctx) fz_rethrow(ctx);
}

static void begin_mask(fz_context *ctx, fz_device *dev, fz_rect area, int luminosity,
                       fz_colorspace *space, const float *color, fz_color_params params)
{
    struct qr_pdf_marks *marks = marks_of(ctx);

    if (marks->masked++ == 0) {
        marks->before_mask.ctm = marks->ctm;
        marks->before_mask.depth = marks->depth;
        marks->before_mask.floor = marks->floor;
        marks->floor = marks->depth;
    }
    if (marks->begin_mask)
        marks->begin_mask(ctx, dev, area, luminosity, space, color, params);
}

static void end_mask(fz_context *ctx, fz_device *dev)
{
    struct qr_pdf_marks *marks = marks_of(ctx);

    if (marks->masked > 0 && --marks->masked == 0) {
        marks->ctm = marks->before_mask.ctm;
        marks->depth = marks->before_mask.depth;
        marks->floor = marks->before_mask.floor;
        forget_path(marks);
    }
    if (marks->end_mask)
        marks->end_mask(ctx, dev);
}

void qr_pdf_marks_begin(struct qr_pdf_marks *marks, fz_rect area, fz_matrix ctm,
                        struct qr_sheet *sheet)
{
    marks->paths = marks->images = marks->hidden = marks->letters = 0;
    marks->image_area = 0;
    marks->images_in_form = false;
    marks->sheet = sheet;
    marks->area = area;
    marks->ctm = ctm;
    marks->depth = marks->floor = marks->too_deep = marks->masked = 0;
    forget_path(marks);
}

void qr_pdf_marks_done(struct qr_pdf_marks *marks)
{
    free(marks->segments);
    memset(marks, 0, sizeof *marks);
}

void qr_pdf_marks_watch(struct qr_pdf_marks *marks, pdf_processor *proc, fz_device *dev)
{
    marks->dev = dev;
    marks->op_q = proc->op_q;
    marks->op_Q = proc->op_Q;
    marks->op_cm = proc->op_cm;
    marks->op_Do_form = proc->op_Do_form;
    marks->begin_mask = dev->begin_mask;
    marks->end_mask = dev->end_mask;
    proc->op_q = op_q;
    proc->op_Q = op_Q;
    proc->op_cm = op_cm;
    proc->op_Do_form = op_Do_form;
    dev->begin_mask = begin_mask;
    dev->end_mask = end_mask;
    proc->op_m = op_m;
    proc->op_l = op_l;
    proc->op_c = op_c;
    proc->op_v = op_vy;
    proc->op_y = op_vy;
    proc->op_h = op_h;
    proc->op_re = op_re;
    proc->op_S = op_S;
    proc->op_s = op_s;
    proc->op_F = op_f;
    proc->op_f = op_f;
    proc->op_fstar = op_f;
    proc->op_B = op_B;
    proc->op_Bstar = op_B;
    proc->op_b = op_b;
    proc->op_bstar = op_b;
    proc->op_n = op_n;
    proc->op_BI = op_BI;
}

#include "worker/extract/pdf/follow.h"

#include <string.h>

#include "worker/extract/pdf/spans.h"

#define IMAGES_LOOKED_AT 256 /* XObjects of a page's resources */

static struct qr_pdf_marks *marks_of(fz_context *ctx) { return fz_user_context(ctx); }

/* ---------------------------------------------------------------- images */

static void count_image(struct qr_pdf_marks *marks)
{
    fz_rect box = fz_transform_rect(fz_unit_rect, marks->ctm);

    if (marks->masked > 0 || marks->off > 0)
        return;
    marks->images++;
    box = fz_intersect_rect(box, marks->area);
    if (!fz_is_empty_rect(box))
        marks->image_area += (double)(box.x1 - box.x0) * (double)(box.y1 - box.y0);
}

static void op_BI(fz_context *ctx, pdf_processor *proc, fz_image *image, const char *colorspace)
{
    (void)proc, (void)image, (void)colorspace;
    count_image(marks_of(ctx));
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

/* ---------------------------------------------------------------- graphics state */

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

/* ---------------------------------------------------------------- layers */

static const fz_stext_char *last_char(const struct qr_pdf_marks *marks)
{
    return qr_pdf_text_end(marks->text).ch;
}

static bool is_off(fz_context *ctx, const struct qr_pdf_marks *marks, pdf_obj *layer)
{
    return layer && pdf_is_ocg_hidden(ctx, marks->layers, NULL, "View", layer);
}

static void op_BDC(fz_context *ctx, pdf_processor *proc, const char *tag, pdf_obj *raw,
                   pdf_obj *properties)
{
    struct qr_pdf_marks *marks = marks_of(ctx);

    if (marks->off_content > 0) {
        marks->off_content++;
    } else if (strcmp(tag, "OC") == 0 && is_off(ctx, marks, properties)) {
        marks->off_content = 1;
        marks->off++;
        marks->before_off = last_char(marks);
    }
    if (marks->op_BDC)
        marks->op_BDC(ctx, proc, tag, raw, properties);
}

static void op_BMC(fz_context *ctx, pdf_processor *proc, const char *tag)
{
    struct qr_pdf_marks *marks = marks_of(ctx);

    if (marks->off_content > 0)
        marks->off_content++;
    if (marks->op_BMC)
        marks->op_BMC(ctx, proc, tag);
}

static void op_EMC(fz_context *ctx, pdf_processor *proc)
{
    struct qr_pdf_marks *marks = marks_of(ctx);

    if (marks->off_content > 0 && --marks->off_content == 0) {
        marks->off--;
        marks->hidden_text |= last_char(marks) != marks->before_off;
    }
    if (marks->op_EMC)
        marks->op_EMC(ctx, proc);
}

/* ---------------------------------------------------------------- forms and masks */

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

    bool off = marks->layers && is_off(ctx, marks, pdf_dict_get(ctx, form, PDF_NAME(OC)));

    marks->off += off;
    if (!pdf_is_stream(ctx, form) && pdf_dict_gets(ctx, form, stand_in)) {
        count_image(marks);
        marks->off -= off;
        return;
    }
    const fz_stext_char *before = last_char(marks);
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
        marks->off -= off;
        marks->hidden_text |= off && last_char(marks) != before;
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
        qr_pdf_marks_forget_path(marks);
    }
    if (marks->end_mask)
        marks->end_mask(ctx, dev);
}

void qr_pdf_follow(struct qr_pdf_marks *marks, pdf_processor *proc, fz_device *dev)
{
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
    proc->op_BI = op_BI;
    dev->begin_mask = begin_mask;
    dev->end_mask = end_mask;
    if (!marks->layers)
        return;
    marks->op_BDC = proc->op_BDC;
    marks->op_BMC = proc->op_BMC;
    marks->op_EMC = proc->op_EMC;
    proc->op_BDC = op_BDC;
    proc->op_BMC = op_BMC;
    proc->op_EMC = op_EMC;
}

#include "worker/extract/ocr/regions.h"

#include <math.h>

#include "worker/extract/pdf/text.h"

/* A device that only looks at images. */
struct probe {
    fz_device super;
    fz_rect area;
    double least; /* square points */
    const struct qr_ocr_regions *known;
    struct qr_ocr_regions *found;
    double finest;
};

static void add(struct qr_ocr_regions *regions, fz_rect rect, fz_rect area)
{
    if (regions->n < QR_OCR_REGIONS_MAX)
        regions->rects[regions->n++] = (struct qr_sheet_rect){rect.x0 - area.x0, rect.y0 - area.y0,
                                                              rect.x1 - area.x0, rect.y1 - area.y0};
}

static bool overlaps(const struct qr_ocr_regions *known, fz_rect rect, fz_rect area)
{
    for (size_t i = 0; known && i < known->n; i++) {
        const struct qr_sheet_rect *line = &known->rects[i];
        float x = (line->x0 + line->x1) / 2 + area.x0;
        float y = (line->y0 + line->y1) / 2 + area.y0;
        if (x > rect.x0 && x < rect.x1 && y > rect.y0 && y < rect.y1)
            return true;
    }
    return false;
}

static void see_image(struct probe *probe, const fz_image *image, fz_matrix ctm)
{
    fz_rect rect = fz_intersect_rect(fz_transform_rect(fz_unit_rect, ctm), probe->area);
    double area = fabs((double)ctm.a * (double)ctm.d - (double)ctm.b * (double)ctm.c);
    double seen = ((double)rect.x1 - (double)rect.x0) * ((double)rect.y1 - (double)rect.y0);

    if (fz_is_empty_rect(rect) || seen < probe->least || area <= 0)
        return;
    double fine = sqrt((double)image->w * image->h / area);
    probe->finest = fmax(probe->finest, fine);
    if (probe->found && !overlaps(probe->known, rect, probe->area))
        add(probe->found, rect, probe->area);
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

void qr_ocr_run_page(fz_context *ctx, pdf_page *page, fz_device *dev)
{
    fz_cookie cookie = {0}; /* errors that are got over do not matter here */

    pdf_run_page_contents(ctx, page, dev, fz_identity, &cookie);
    pdf_run_page_annots(ctx, page, dev, fz_identity, &cookie);
    pdf_run_page_widgets(ctx, page, dev, fz_identity, &cookie);
}

void qr_ocr_add_images(fz_context *ctx, pdf_page *page, const struct qr_ocr_regions *known,
                       double min_share, struct qr_ocr_regions *ret, double *ret_finest)
{
    struct probe *probe = fz_new_derived_device(ctx, struct probe);

    probe->super.fill_image = probe_image;
    probe->super.fill_image_mask = probe_mask;
    probe->known = known;
    probe->found = ret;
    fz_try(ctx)
    {
        probe->area = pdf_bound_page(ctx, page);
        probe->least = min_share * ((double)probe->area.x1 - (double)probe->area.x0) *
                       ((double)probe->area.y1 - (double)probe->area.y0);
        qr_ocr_run_page(ctx, page, &probe->super);
        fz_close_device(ctx, &probe->super);
        if (ret_finest)
            *ret_finest = probe->finest;
    }
    fz_always(ctx) fz_drop_device(ctx, &probe->super);
    fz_catch(ctx) fz_rethrow(ctx);
}

/* Pairs of surrogates are halves of one character: each half counts as known. */
static bool is_known(const fz_stext_line *line)
{
    for (const fz_stext_char *ch = line->first_char; ch; ch = ch->next) {
        uint32_t cp = (uint32_t)ch->c;
        bool half = cp >= 0xD800 && cp <= 0xDFFF;
        if (!half && qr_pdf_means_nothing(cp))
            return false;
    }
    return line->first_char != NULL;
}

/* Word by word: the box of a line that stands aslant, or has gaps, covers more than its letters. */
static void add_line(const fz_stext_line *line, fz_rect area, struct qr_ocr_regions *ret)
{
    bool level = fabsf(line->dir.y) < 0.02f || fabsf(line->dir.x) < 0.02f;
    fz_rect word = fz_empty_rect;

    for (const fz_stext_char *ch = line->first_char; ch; ch = ch->next) {
        if (ch->c > ' ')
            word = fz_union_rect(word, fz_rect_from_quad(ch->quad));
        if ((ch->c <= ' ' || !level || !ch->next) && !fz_is_empty_rect(word)) {
            add(ret, word, area);
            word = fz_empty_rect;
        }
    }
}

void qr_ocr_add_lines(const fz_stext_page *text, fz_rect area, struct qr_ocr_regions *ret)
{
    for (const fz_stext_block *block = text->first_block; block; block = block->next) {
        if (block->type != FZ_STEXT_BLOCK_TEXT)
            continue;
        for (const fz_stext_line *line = block->u.t.first_line; line; line = line->next)
            if (is_known(line))
                add_line(line, area, ret);
    }
}

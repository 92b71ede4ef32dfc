#include "worker/extract/pdf/page.h"

#include <math.h>
#include <string.h>

#include "worker/extract/drawing/analysis.h"
#include "worker/extract/ocr/page.h"
#include "worker/extract/pdf/annotations.h"
#include "worker/extract/pdf/fonts.h"
#include "worker/extract/pdf/labels.h"
#include "worker/extract/pdf/looks.h"
#include "worker/extract/pdf/run.h"
#include "worker/extract/pdf/spans.h"
#include "worker/extract/pdf/text.h"

/* One page while it is read. */
struct work {
    const struct qr_extract *x;
    struct qr_pdf *pdf;
    int index;
    pdf_page *page;
    pdf_obj *annotations; /* all of them, as the document lists them */
    struct qr_pdf_page_notes notes;
    Quarry__V1__Page *out;
    fz_stext_page *text; /* what was collected, also after an error */
    struct qr_pdf_text_end end;
    struct qr_pdf_text_stats stats;
    fz_cookie cookie;
    bool judged;             /* the collected text is printed */
    struct qr_ocr_text seen; /* words by OCR */
};

/* MuPDF's floats show more digits than they know. */
static double thousandths(float value) { return round((double)value * 1000) / 1000; }

/* Run the page and collect its text. Throws. */
static void collect(struct work *work, bool text_only)
{
    static const fz_stext_options options = {FZ_STEXT_PRESERVE_IMAGES | FZ_STEXT_MEDIABOX_CLIP, 1};
    fz_context *ctx = work->pdf->ctx;
    struct qr_pdf *pdf = work->pdf;
    uint8_t analysis = work->x->job->options.analysis;
    uint8_t spans = work->x->job->options.spans;
    bool lines = analysis != QR_EXTRACT_OFF || spans == QR_EXTRACT_ON;
    fz_device *dev = NULL;
    fz_matrix ctm;

    fz_drop_stext_page(ctx, work->text);
    work->text = NULL;
    fz_var(dev);
    fz_try(ctx)
    {
        fz_rect area = pdf_bound_page(ctx, work->page);
        pdf_page_transform(ctx, work->page, NULL, &ctm);
        if (text_only) {
            qr_sheet_reset(&pdf->sheet);
            qr_pdf_marks_begin(&pdf->marks, area, ctm, lines ? &pdf->sheet : NULL);
        }
        work->text = fz_new_stext_page(ctx, area);
        dev = fz_new_stext_device(ctx, work->text, &options);
        qr_pdf_glyphs_watch(&pdf->marks.glyphs, dev);
        qr_pdf_run_page(ctx, work->page, dev, work->text, text_only ? &pdf->marks : NULL,
                        pdf->file.hidden_layers ? pdf->file.doc : NULL, &work->cookie, &work->end);
        fz_close_device(ctx, dev);
    }
    fz_always(ctx) fz_drop_device(ctx, dev);
    fz_catch(ctx) fz_rethrow(ctx);
}

static void print(struct work *work)
{
    struct qr_buf *text = &work->x->engine->text;

    qr_buf_clear(text);
    if (work->text)
        qr_pdf_print_text(work->text, text, &work->stats);
    qr_pdf_print_shx(&work->notes, text);
    work->out->undecodable = work->stats.undecodable;
}

/* The page as a sheet: what analysis and the spans of the record are made from. */
static void fill_sheet(struct work *work)
{
    struct qr_pdf *pdf = work->pdf;

    pdf->sheet.page = work->out->number;
    pdf->sheet.area =
        (struct qr_sheet_rect){0, 0, (float)work->out->width_pt, (float)work->out->height_pt};
    pdf->sheet.unit_mm = 25.4 / 72;
    pdf->sheet.unit = "";
    qr_arena_reset(&pdf->arena);
    if (work->text)
        qr_pdf_add_spans(pdf->ctx, work->text, work->end, &pdf->arena, &pdf->sheet);
    qr_pdf_add_shx_spans(&work->notes, &pdf->sheet);
    qr_ocr_add_spans(&work->seen, &pdf->arena, &pdf->sheet);
}

/* What the page looks like, from its text so far and its marks. */
static struct qr_pdf_looks looks_of(const struct work *work)
{
    const struct qr_buf *text = &work->x->engine->text;

    return (struct qr_pdf_looks){.width = work->out->width_pt,
                                 .height = work->out->height_pt,
                                 .marks = &work->pdf->marks,
                                 .text = text,
                                 .visible = qr_pdf_count_visible(text),
                                 .undecodable = work->out->undecodable,
                                 .images = work->stats.images > 0};
}

/* Print what was collected and see what kind of page it is. */
static void judge(struct work *work)
{
    Quarry__V1__Page *out = work->out;

    print(work);
    struct qr_pdf_looks looks = looks_of(work);
    out->paths = looks.marks->paths;
    out->images = work->stats.images ? work->stats.images : looks.marks->images;
    out->image_only = qr_pdf_looks_scanned(&looks);
    out->text_as_paths = qr_pdf_looks_traced(&looks);
    if (qr_pdf_looks_garbled(&looks))
        qr_record_partial(work->x->rec, "pdf.text.undecodable",
                          "page %u: %u of %zu characters have no Unicode value", out->number,
                          out->undecodable, looks.visible);
    work->judged = true;
}

/* Does enough of the page lie under images that there may be text in them? */
static bool has_images(const struct work *work)
{
    return work->pdf->marks.image_area >= 0.1 * work->out->width_pt * work->out->height_pt;
}

/* Larger than A4 or letter and lying: more often a drawing than a text. */
static bool is_large_sheet(const Quarry__V1__Page *page)
{
    return page->width_pt > page->height_pt && page->height_pt > 620;
}

/* Add to the text what only OCR can read. Does not throw. */
static void read_pixels(struct work *work)
{
    const struct qr_buf *text = &work->x->engine->text;
    const Quarry__V1__Page *out = work->out;
    bool everything = work->x->job->options.ocr == QR_EXTRACT_ON;
    struct qr_ocr_need need = {.text = work->text, .every_image = everything};

    need.drawing = out->text_as_paths || is_large_sheet(out);
    need.undecodable = (size_t)out->undecodable * 20 > qr_pdf_count_visible(text);
    need.images = !out->image_only && !out->text_as_paths && !need.undecodable;
    if (!need.images || everything || has_images(work))
        qr_ocr_page(work->x, work->pdf->ctx, work->page, &need, work->out, &work->seen);
}

static bool wanted(uint8_t mode, bool automatic)
{
    return mode == QR_EXTRACT_ON || (mode == QR_EXTRACT_AUTO && automatic);
}

/* What follows from the text and the marks of the page; sets its text. Does not throw. */
static void understand(struct work *work)
{
    const struct qr_extract_options *options = &work->x->job->options;
    struct qr_buf *text = &work->x->engine->text;
    struct qr_record *rec = work->x->rec;
    struct qr_pdf_looks looks = looks_of(work);
    Quarry__V1__Page *out = work->out;

    out->drawing = options->analysis != QR_EXTRACT_OFF &&
                   wanted(options->analysis, qr_pdf_looks_drawn(&looks));
    bool keep = wanted(options->spans, out->drawing);
    if (out->drawing || keep)
        fill_sheet(work);
    qr_record_set_page_text(rec, out, (char *)text->data, text->len);
    if (out->drawing)
        qr_drawing_analyse(&work->pdf->sheet, rec);
    if (keep)
        qr_drawing_keep_spans(&work->pdf->sheet, rec);
}

static void read_label(struct qr_pdf_file *file, void *arg)
{
    struct work *work = arg;
    char *label = qr_pdf_label(file, work->index);

    if (label)
        work->out->label = label;
}

static void take_annotations(struct qr_pdf_file *file, void *arg)
{
    struct work *work = arg;

    work->annotations =
        qr_pdf_take_annotations(file, pdf_lookup_page_obj(file->ctx, file->doc, work->index));
}

static void read_annotations(struct qr_pdf_file *file, void *arg)
{
    struct work *work = arg;
    fz_matrix ctm;

    qr_pdf_read_associated(file, work->page->obj);
    pdf_page_transform(file->ctx, work->page, NULL, &ctm);
    qr_pdf_read_annotations(file, work->annotations, ctm, work->out->number, &work->notes);
}

static void read_fonts(struct qr_pdf_file *file, void *arg)
{
    struct work *work = arg;

    qr_pdf_read_fonts(file, pdf_page_resources(file->ctx, work->page));
}

/* What hangs on the page beside its content. Does not throw. */
static void read_structure(struct work *work)
{
    struct qr_pdf_file *file = &work->pdf->file;

    qr_pdf_guard(file, "pdf.labels.damaged", read_label, work);
    qr_pdf_guard(file, "pdf.annotations.damaged", read_annotations, work);
    qr_pdf_guard(file, "pdf.fonts.damaged", read_fonts, work);
    if (work->pdf->marks.hidden_text)
        qr_record_note(work->x->rec, "pdf.layers.hidden_text",
                       "page %u has text in layers that are switched off; it is kept",
                       work->out->number);
}

static void measure(struct work *work)
{
    fz_context *ctx = work->pdf->ctx;
    fz_rect box = pdf_bound_page(ctx, work->page);
    int rotate = pdf_to_int(ctx, pdf_dict_get_inheritable(ctx, work->page->obj, PDF_NAME(Rotate)));

    work->out->width_pt = thousandths(box.x1 - box.x0);
    work->out->height_pt = thousandths(box.y1 - box.y0);
    work->out->rotation = (uint32_t)((rotate % 360 + 360) % 360);
}

/* One page, inside a try of the caller. */
static void read_page(struct work *work)
{
    fz_context *ctx = work->pdf->ctx;
    Quarry__V1__Page *out = work->out;

    measure(work);
    fz_try(ctx)
    {
        collect(work, true);
        read_structure(work);
        print(work);
        if (work->pdf->marks.images_in_form && qr_pdf_count_visible(&work->x->engine->text) == 0)
            collect(work, false); /* are there images instead? */
        judge(work);
        read_pixels(work);
    }
    fz_always(ctx)
    {
        if (!work->judged)
            judge(work);
        understand(work);
    }
    fz_catch(ctx) { fz_rethrow(ctx); }
    if (work->cookie.errors > 0 || work->pdf->lost_data)
        qr_record_fail_page(work->x->rec, out, QR_CLASS_INVALID_INPUT, work->pdf->last_error);
}

bool qr_pdf_read_page(const struct qr_extract *x, struct qr_pdf *pdf, int index)
{
    fz_context *ctx = pdf->ctx;
    struct work work = {.x = x, .pdf = pdf, .index = index};

    work.out = qr_record_add_page(x->rec, (uint32_t)index + 1);
    if (!work.out)
        return false;
    pdf->last_error[0] = '\0';
    pdf->lost_data = false;
    pdf->mem.refused = false;
    qr_pdf_guard(&pdf->file, "pdf.annotations.damaged", take_annotations, &work);
    fz_try(ctx)
    {
        work.page = pdf_load_page(ctx, pdf->file.doc, index);
        read_page(&work);
    }
    fz_always(ctx)
    {
        fz_drop_stext_page(ctx, work.text);
        fz_drop_page(ctx, (fz_page *)work.page);
        pdf_drop_obj(ctx, work.annotations);
        fz_free(ctx, work.notes.shx);
    }
    fz_catch(ctx)
    {
        if (fz_caught(ctx) == FZ_ERROR_MEMORY)
            pdf->mem.refused = true;
        qr_record_fail_page(x->rec, work.out,
                            pdf->mem.refused ? QR_CLASS_RESOURCE : QR_CLASS_INVALID_INPUT,
                            fz_caught_message(ctx));
    }
    if (work.out->error)
        qr_record_partial(x->rec, "pdf.page.damaged", "page %d: %s", index + 1,
                          work.out->error->message);
    return !work.out->error;
}

void qr_pdf_walk_page(const struct qr_extract *x, struct qr_pdf *pdf, int index)
{
    fz_context *ctx = pdf->ctx;
    struct work work = {.x = x, .pdf = pdf, .index = index};
    Quarry__V1__Page unseen = QUARRY__V1__PAGE__INIT;

    unseen.number = (uint32_t)index + 1;
    work.out = &unseen;
    pdf->marks.hidden_text = false;
    qr_pdf_guard(&pdf->file, "pdf.annotations.damaged", take_annotations, &work);
    fz_try(ctx)
    {
        work.page = pdf_load_page(ctx, pdf->file.doc, index);
        read_structure(&work);
    }
    fz_always(ctx)
    {
        fz_drop_page(ctx, (fz_page *)work.page);
        pdf_drop_obj(ctx, work.annotations);
        fz_free(ctx, work.notes.shx);
    }
    fz_catch(ctx) fz_rethrow_if(ctx, FZ_ERROR_MEMORY);
}

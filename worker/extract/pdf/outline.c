#include "worker/extract/pdf/outline.h"

#include "worker/extract/pdf/names.h"

/* Returns false when the list is full. */
static bool add_item(struct qr_pdf_file *file, pdf_obj *item, uint32_t level)
{
    Quarry__V1__OutlineItem *out = qr_record_add_outline_item(file->rec);

    if (!out)
        return false;
    struct qr_pdf_target target = qr_pdf_target_of(file, item);
    out->title = qr_pdf_string(file, pdf_dict_get(file->ctx, item, PDF_NAME(Title)));
    out->level = level;
    out->page = target.page;
    if (target.text)
        out->target = qr_pdf_string(file, target.text);
    return true;
}

static bool walk(struct qr_pdf_file *file, pdf_obj *item, pdf_mark_bits *seen, uint32_t level)
{
    fz_context *ctx = file->ctx;

    for (; pdf_is_dict(ctx, item); item = pdf_dict_get(ctx, item, PDF_NAME(Next))) {
        if (pdf_mark_bits_set(ctx, seen, item)) {
            qr_record_note(file->rec, "pdf.outline.loop", "bookmarks lead back to themselves");
            return true;
        }
        if (!add_item(file, item, level))
            return false;
        pdf_obj *first = pdf_dict_get(ctx, item, PDF_NAME(First));
        if (first && level >= QR_PDF_TREE_DEPTH)
            qr_record_partial(file->rec, "pdf.outline.deep",
                              "bookmarks below level %d are left out", QR_PDF_TREE_DEPTH);
        else if (first && !walk(file, first, seen, level + 1))
            return false;
    }
    return true;
}

void qr_pdf_read_outline(struct qr_pdf_file *file, void *unused)
{
    fz_context *ctx = file->ctx;
    pdf_obj *outlines = pdf_dict_get(ctx, file->root, PDF_NAME(Outlines));
    pdf_mark_bits *seen = NULL;

    (void)unused;
    if (!pdf_is_dict(ctx, outlines))
        return;
    seen = pdf_new_mark_bits(ctx, file->doc);
    fz_try(ctx) walk(file, pdf_dict_get(ctx, outlines, PDF_NAME(First)), seen, 1);
    fz_always(ctx) pdf_drop_mark_bits(ctx, seen);
    fz_catch(ctx) fz_rethrow(ctx);
}

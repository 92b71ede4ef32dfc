#include "worker/extract/overlay/pdf_page.h"

#include "worker/extract/overlay/overlay.h"

static void render(fz_context *ctx, pdf_page *page, uint32_t number, struct qr_record *rec)
{
    fz_rect box = pdf_bound_page(ctx, page);
    fz_irect pixels;
    fz_matrix to_pixels = qr_overlay_fit((double)box.x0, (double)box.y0, (double)(box.x1 - box.x0),
                                         (double)(box.y1 - box.y0), &pixels);
    fz_matrix findings = fz_pre_translate(to_pixels, box.x0, box.y0);
    fz_pixmap *picture = NULL;
    fz_device *dev = NULL;

    fz_var(picture);
    fz_var(dev);
    fz_try(ctx)
    {
        picture = fz_new_pixmap_with_bbox(ctx, fz_device_rgb(ctx), pixels, NULL, 0);
        fz_clear_pixmap_with_value(ctx, picture, 0xFF);
        dev = fz_new_draw_device(ctx, fz_identity, picture);
        pdf_run_page(ctx, page, dev, to_pixels, NULL);
        qr_overlay_findings(ctx, dev, findings, pixels, rec->msg, number, NULL);
        fz_close_device(ctx, dev);
        qr_overlay_keep(ctx, picture, rec);
    }
    fz_always(ctx)
    {
        fz_drop_device(ctx, dev);
        fz_drop_pixmap(ctx, picture);
    }
    fz_catch(ctx) fz_rethrow(ctx);
}

void qr_overlay_pdf_page(fz_context *ctx, pdf_document *doc, uint32_t number, struct qr_record *rec)
{
    pdf_page *page = NULL;

    fz_var(page);
    fz_try(ctx)
    {
        page = pdf_load_page(ctx, doc, (int)number - 1);
        render(ctx, page, number, rec);
    }
    fz_always(ctx) fz_drop_page(ctx, (fz_page *)page);
    fz_catch(ctx)
        qr_record_note(rec, "overlay.failed", "page %u: %s", number, fz_caught_message(ctx));
}

#include "worker/extract/pdf/run.h"

#include "worker/extract/pdf/follow.h"

/* MuPDF's interpreter skips an operator without a function, and does not even load what it needs.
 * The operators of text, graphics state, forms and marked content stay. */
static void keep_text_operators(pdf_processor *proc)
{
    proc->op_m = NULL; /* paths */
    proc->op_l = NULL;
    proc->op_c = NULL;
    proc->op_v = NULL;
    proc->op_y = NULL;
    proc->op_h = NULL;
    proc->op_re = NULL;
    proc->op_S = NULL;
    proc->op_s = NULL;
    proc->op_F = NULL;
    proc->op_f = NULL;
    proc->op_fstar = NULL;
    proc->op_B = NULL;
    proc->op_Bstar = NULL;
    proc->op_b = NULL;
    proc->op_bstar = NULL;
    proc->op_n = NULL;
    proc->op_W = NULL;
    proc->op_Wstar = NULL;
    proc->op_CS = NULL; /* colours */
    proc->op_cs = NULL;
    proc->op_SC_pattern = NULL;
    proc->op_sc_pattern = NULL;
    proc->op_SC_shade = NULL;
    proc->op_sc_shade = NULL;
    proc->op_SC_color = NULL;
    proc->op_sc_color = NULL;
    proc->op_G = NULL;
    proc->op_g = NULL;
    proc->op_RG = NULL;
    proc->op_rg = NULL;
    proc->op_K = NULL;
    proc->op_k = NULL;
    proc->op_BI = NULL; /* images */
    proc->op_sh = NULL;
    proc->op_Do_image = NULL;
}

static void run_text(fz_context *ctx, pdf_page *page, fz_device *dev, const fz_stext_page *text,
                     struct qr_pdf_marks *marks, pdf_document *layers, fz_cookie *cookie)
{
    pdf_processor *proc = NULL;
    pdf_obj *resources = NULL;
    fz_matrix ctm;

    fz_var(proc);
    fz_var(resources);
    fz_try(ctx)
    {
        pdf_page_transform(ctx, page, NULL, &ctm);
        resources = qr_pdf_marks_resources(ctx, page->doc, pdf_page_resources(ctx, page));
        proc = pdf_new_run_processor(ctx, dev, ctm, NULL, NULL, NULL, cookie); /* all layers */
        keep_text_operators(proc);
        qr_pdf_marks_watch(marks, proc, dev, text, layers);
        pdf_process_contents(ctx, proc, page->doc, resources, pdf_page_contents(ctx, page), cookie);
        pdf_close_processor(ctx, proc);
    }
    fz_always(ctx)
    {
        pdf_drop_processor(ctx, proc);
        pdf_drop_obj(ctx, resources);
    }
    fz_catch(ctx) fz_rethrow(ctx);
}

void qr_pdf_run_page(fz_context *ctx, pdf_page *page, fz_device *dev, const fz_stext_page *text,
                     struct qr_pdf_marks *marks, pdf_document *layers, fz_cookie *cookie,
                     struct qr_pdf_text_end *end)
{
    fz_try(ctx)
    {
        if (marks)
            run_text(ctx, page, dev, text, marks, layers, cookie);
        else
            pdf_run_page_contents(ctx, page, dev, fz_identity, cookie);
    }
    fz_always(ctx) *end = qr_pdf_text_end(text);
    fz_catch(ctx) fz_rethrow(ctx);
    pdf_run_page_annots(ctx, page, dev, fz_identity, cookie);
    pdf_run_page_widgets(ctx, page, dev, fz_identity, cookie);
}

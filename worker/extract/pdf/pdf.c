#include "worker/extract/pdf/pdf.h"

#include <stdlib.h>
#include <string.h>

#include "worker/extract/ocr/page.h"
#include "worker/extract/overlay/pdf_page.h"
#include "worker/extract/pdf/about.h"
#include "worker/extract/pdf/attachments.h"
#include "worker/extract/pdf/forms.h"
#include "worker/extract/pdf/labels.h"
#include "worker/extract/pdf/layers.h"
#include "worker/extract/pdf/metadata.h"
#include "worker/extract/pdf/outline.h"
#include "worker/extract/pdf/page.h"
#include "worker/extract/pdf/pages.h"
#include "worker/extract/pdf/state.h"

#define STORE_BYTES ((size_t)64 * 1024 * 1024)
#define LEAK_BYTES ((size_t)1024 * 1024)
#define SHEET_TEXT_BYTES ((size_t)32 * 1024 * 1024) /* of one page's spans and their index */

static void keep_error(struct qr_pdf *pdf, const char *message)
{
    size_t len = qr_utf8_cut(message, strlen(message), sizeof pdf->last_error - 1);

    memcpy(pdf->last_error, message, len);
    pdf->last_error[len] = '\0';
}

/* MuPDF goes on after these as if the data had ended, and only warns. */
static bool means_loss(const char *message)
{
    static const char *const losses[] = {"premature end", "ignoring zlib error",
                                         "treating as end of file", "unknown filter"};

    for (size_t i = 0; i < QR_COUNT(losses); i++)
        if (strstr(message, losses[i]))
            return true;
    return false;
}

static void on_warning(void *user, const char *message)
{
    struct qr_pdf *pdf = user;

    if (!pdf->rec || strncmp(message, "... repeated", 12) == 0)
        return;
    if (means_loss(message)) {
        pdf->lost_data = true;
        keep_error(pdf, message);
    }
    qr_record_note(pdf->rec, "pdf.warning", "%s", message);
}

static void on_error(void *user, const char *message)
{
    struct qr_pdf *pdf = user;

    keep_error(pdf, message);
    if (pdf->rec)
        qr_record_note(pdf->rec, "pdf.error", "%s", message);
}

static bool open_context(struct qr_pdf *pdf)
{
    pdf->ctx = fz_new_context(&pdf->alloc, NULL, STORE_BYTES);
    if (!pdf->ctx)
        return false;
    fz_disable_icc(pdf->ctx); /* colours do not matter to text */
    fz_set_user_context(pdf->ctx, &pdf->marks);
    fz_set_warning_callback(pdf->ctx, on_warning, pdf);
    fz_set_error_callback(pdf->ctx, on_error, pdf);
    pdf->idle_bytes = pdf->mem.used;
    return true;
}

int qr_pdf_new(size_t memory_bytes, struct qr_pdf **ret, struct qr_err *err)
{
    struct qr_pdf *pdf = calloc(1, sizeof *pdf);

    if (!pdf)
        return qr_fail(err, QR_E_NOMEM, "no memory for the PDF library");
    qr_fzmem_init(&pdf->mem, memory_bytes, &pdf->alloc);
    qr_arena_init(&pdf->arena, SHEET_TEXT_BYTES);
    if (!open_context(pdf)) {
        free(pdf);
        return qr_fail(err, QR_E_NOMEM, "the PDF library does not start");
    }
    *ret = pdf;
    return QR_OK;
}

fz_context *qr_pdf_context(struct qr_pdf *pdf) { return pdf->ctx; }

void qr_pdf_free(struct qr_pdf *pdf)
{
    if (!pdf)
        return;
    fz_drop_context(pdf->ctx);
    qr_pdf_marks_done(&pdf->marks);
    qr_sheet_done(&pdf->sheet);
    qr_arena_done(&pdf->arena);
    free(pdf);
}

/* A stream over a file too large to be in memory: MuPDF asks for the next bytes here. */
struct far_stream {
    const struct qr_input *in;
    uint8_t block[64 * 1024];
};

static int far_next(fz_context *ctx, fz_stream *stm, size_t max)
{
    struct far_stream *far = stm->state;
    size_t n = qr_input_read(far->in, (uint64_t)stm->pos, far->block, sizeof far->block);

    (void)ctx;
    (void)max;
    stm->rp = far->block;
    stm->wp = far->block + n;
    stm->pos += (int64_t)n;
    return n > 0 ? *stm->rp++ : EOF;
}

static void far_seek(fz_context *ctx, fz_stream *stm, int64_t offset, int whence)
{
    struct far_stream *far = stm->state;
    int64_t base = whence == SEEK_END ? (int64_t)far->in->size : 0;

    (void)ctx; /* MuPDF turns SEEK_CUR into SEEK_SET itself */
    stm->pos = base + offset < 0 ? 0 : base + offset;
    stm->rp = far->block;
    stm->wp = far->block;
}

static fz_stream *open_stream(fz_context *ctx, const struct qr_input *in)
{
    if (in->data)
        return fz_open_memory(ctx, in->data, (size_t)in->size);
    struct far_stream *far = fz_malloc_struct(ctx, struct far_stream);
    far->in = in;
    fz_stream *stm = fz_new_stream(ctx, far, far_next, fz_free);
    stm->seek = far_seek;
    return stm;
}

static void fail_caught(const struct qr_extract *x, struct qr_pdf *pdf, const char *what)
{
    if (fz_caught(pdf->ctx) == FZ_ERROR_MEMORY || pdf->mem.refused)
        qr_record_fail(x->rec, QR_CLASS_RESOURCE,
                       "%s: more than the %zu MB of memory allowed for one file", what,
                       pdf->mem.max >> 20);
    else
        qr_record_fail(
            x->rec, QR_CLASS_INVALID_INPUT,
            "%s: %s; hint: the file is damaged or not a PDF, get it again from its source", what,
            fz_caught_message(pdf->ctx));
}

/* Pages that an earlier extraction has read: what the document's readers know of them by now. */
static void walk_pages(const struct qr_extract *x, struct qr_pdf *pdf, struct qr_record *aside,
                       uint32_t n)
{
    struct qr_extract walk = *x;

    walk.rec = aside;
    pdf->rec = aside;
    pdf->file.rec = aside;
    for (uint32_t i = 0; i < n; i++)
        qr_pdf_walk_page(&walk, pdf, (int)i);
    pdf->file.rec = x->rec;
    pdf->rec = x->rec;
}

/* How many pages an earlier extraction has read, whose record is in `x->rec` then. */
static uint32_t resume(const struct qr_extract *x, struct qr_pdf *pdf, uint32_t count)
{
    uint64_t memory = 0;

    if (!x->job->resume)
        return 0;
    QR_AUTO(qr_record) aside = qr_record_new(&x->rec->limits);
    uint32_t first = aside ? qr_extract_resume(x, count, &memory) : 0;
    if (first == 0)
        return 0;
    qr_extract_report_pages(x, first, count);
    qr_ocr_remember(x, (uint32_t)memory);
    walk_pages(x, pdf, aside, first);
    return first;
}

static int count_whole(const Quarry__V1__ExtractionRecord *msg)
{
    int whole = 0;

    for (size_t i = 0; i < msg->n_pages; i++)
        whole += !msg->pages[i]->error;
    return whole;
}

static void extract_pages(const struct qr_extract *x, struct qr_pdf *pdf)
{
    int count = qr_pdf_find_pages(pdf->ctx, pdf->file.doc, x->rec);

    if (count <= 0) {
        qr_record_fail(x->rec, QR_CLASS_INVALID_INPUT,
                       "no pages found; hint: the file is damaged, get it again from its source");
        return;
    }
    qr_record_add_meta_number(x->rec, "page_count", (uint64_t)count, "document");
    int first = (int)resume(x, pdf, (uint32_t)count);
    int whole = count_whole(x->rec->msg);
    for (int i = first; i < count; i++) {
        whole += qr_pdf_read_page(x, pdf, i);
        if (i + 1 < count && x->rec->text_used >= x->rec->limits.text_bytes) {
            qr_record_partial(x->rec, "record.capped", "pages from %d on were left out", i + 2);
            break;
        }
        qr_extract_report_pages(x, (uint32_t)i + 1, (uint32_t)count);
        if (i + 1 < count)
            qr_extract_keep(x, (uint32_t)i + 1, (uint32_t)count, qr_ocr_learnt(x));
    }
    x->rec->msg->completeness = (double)whole / count;
}

/* A document from which nothing came says why. */
static void explain_empty(const struct qr_extract *x)
{
    struct qr_record *rec = x->rec;
    const Quarry__V1__ExtractionRecord *msg = rec->msg;
    size_t image_only = 0;
    size_t traced = 0;
    size_t damaged = 0;

    for (size_t i = 0; i < msg->n_pages; i++) {
        const char *text = msg->pages[i]->text;
        if (text[strspn(text, " \t\r\n\f\v")] != '\0')
            return;
        image_only += msg->pages[i]->image_only ? 1 : 0;
        traced += msg->pages[i]->text_as_paths ? 1 : 0;
        damaged += msg->pages[i]->error != NULL;
    }
    if (msg->n_pages == 0 || msg->error)
        return;
    if (damaged == msg->n_pages)
        qr_record_set_empty(rec, "no text: every page is damaged");
    else if (image_only > 0)
        qr_record_set_empty(rec, qr_ocr_explain_empty(x));
    else if (traced > 0)
        qr_record_set_empty(rec, "no text: its letters seem to be drawn as curves");
    else
        qr_record_set_empty(rec, "no text: the pages are blank or drawn without text");
}

static void extract_document(const struct qr_extract *x, struct qr_pdf *pdf, pdf_document *doc)
{
    fz_context *ctx = pdf->ctx;

    x->rec->msg->encrypted = pdf_dict_get(ctx, pdf_trailer(ctx, doc), PDF_NAME(Encrypt)) != NULL;
    if (pdf_needs_password(ctx, doc)) {
        qr_record_fail(x->rec, QR_CLASS_PERMISSION,
                       "the document needs a password; hint: store a copy without one");
        return;
    }
    qr_pdf_read_metadata(ctx, doc, x->rec);
    qr_ocr_begin_document(x);
    qr_pdf_file_open(&pdf->file, x, ctx, doc);
    qr_pdf_guard(&pdf->file, "pdf.layers.damaged", qr_pdf_read_layers, NULL);
    qr_pdf_guard(&pdf->file, "pdf.labels.damaged", qr_pdf_read_labels, NULL);
    extract_pages(x, pdf);
    qr_pdf_guard(&pdf->file, "pdf.outline.damaged", qr_pdf_read_outline, NULL);
    qr_pdf_guard(&pdf->file, "pdf.form.damaged", qr_pdf_read_form, NULL);
    qr_pdf_guard(&pdf->file, "pdf.attachments.damaged", qr_pdf_read_attachments, NULL);
    qr_pdf_guard(&pdf->file, "pdf.about.damaged", qr_pdf_read_about, NULL);
    if (pdf_was_repaired(ctx, doc))
        qr_record_note(x->rec, "pdf.xref.repaired",
                       "the cross-reference table was damaged and has been rebuilt");
    explain_empty(x);
    uint32_t picture = x->job->options.overlay_page;
    if (picture > 0 && picture <= x->rec->msg->n_pages)
        qr_overlay_pdf_page(ctx, doc, picture, x->rec);
}

void qr_pdf_extract(const struct qr_extract *x)
{
    struct qr_pdf *pdf = x->engine->pdf;
    fz_context *ctx = pdf->ctx;
    fz_stream *stm = NULL;
    pdf_document *doc = NULL;

    qr_record_set_extractor(x->rec, "mupdf", FZ_VERSION);
    if (x->in->size == 0) {
        qr_record_fail(x->rec, QR_CLASS_INVALID_INPUT,
                       "the file is empty; hint: get it again from its source");
        return;
    }
    pdf->rec = x->rec;
    pdf->mem.refused = false;
    fz_var(stm);
    fz_var(doc);
    fz_try(ctx)
    {
        stm = open_stream(ctx, x->in);
        doc = pdf_open_document_with_stream(ctx, stm);
        extract_document(x, pdf, doc);
    }
    fz_always(ctx)
    {
        qr_pdf_glyphs_reset(ctx, &pdf->marks.glyphs);
        qr_pdf_file_close(&pdf->file);
        pdf_drop_document(ctx, doc);
        fz_drop_stream(ctx, stm);
    }
    fz_catch(ctx) fail_caught(x, pdf, doc ? "read the document" : "open the document");
    fz_flush_warnings(ctx);
    pdf->rec = NULL;
    fz_empty_store(ctx);
    if (pdf->mem.used > pdf->idle_bytes + LEAK_BYTES) { /* something is kept: start afresh */
        fz_drop_context(ctx);
        if (!open_context(pdf))
            abort(); /* without a context there is nothing left to do; the pool starts a new child
                      */
    }
}

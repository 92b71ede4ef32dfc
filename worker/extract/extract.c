#include "worker/extract/extract.h"

#include <string.h>

#include "worker/extract/drawing/completeness.h"
#include "worker/extract/dxf/codepage.h"
#include "worker/extract/ocr/ocr.h"
#include "worker/extract/pdf/pdf.h"
#include "worker/extract/prepared.h"
#include "worker/extract/table.h"
#include "worker/extract/text.h"

#define SCRATCH_MAX ((size_t)64 * 1024 * 1024)
#define SCRATCH_KEEP ((size_t)4 * 1024 * 1024)

int qr_engine_init(struct qr_engine *engine, size_t memory_bytes, struct qr_err *err)
{
    memset(engine, 0, sizeof *engine);
    qr_input_init(&engine->input);
    qr_input_init(&engine->prepared);
    qr_buf_init(&engine->text, SCRATCH_MAX);
    engine->codepages = qr_dxf_codepages_new();
    engine->ocr = qr_ocr_new();
    if (!engine->ocr)
        return qr_fail(err, QR_E_NOMEM, "no memory for OCR");
    return qr_pdf_new(memory_bytes, &engine->pdf, err);
}

void qr_engine_done(struct qr_engine *engine)
{
    qr_input_done(&engine->input);
    qr_input_done(&engine->prepared);
    qr_buf_done(&engine->text);
    qr_pdf_free(engine->pdf);
    engine->pdf = NULL;
    qr_dxf_codepages_free(engine->codepages);
    engine->codepages = NULL;
    qr_ocr_free(engine->ocr);
    engine->ocr = NULL;
}

void qr_extract_report(const struct qr_extract *x, unsigned permille)
{
    const struct qr_extract_progress progress = {.permille = permille > 1000 ? 1000 : permille};

    if (x->job->progress)
        x->job->progress(x->job->progress_arg, &progress);
}

void qr_extract_report_pages(const struct qr_extract *x, uint32_t done, uint32_t total)
{
    const struct qr_extract_progress progress = {.permille =
                                                     (uint32_t)((uint64_t)done * 1000 / total),
                                                 .done = done,
                                                 .total = total,
                                                 .from = x->engine->resumed_at};

    if (x->job->progress)
        x->job->progress(x->job->progress_arg, &progress);
}

static void fail_mislabelled(struct qr_record *rec, const struct qr_detected *found,
                             const char *extension)
{
    qr_record_set_type(rec, found->by_content->type);
    qr_record_fail(rec, QR_CLASS_INVALID_INPUT,
                   "the name says .%s, but the content is %s; hint: rename the file, or replace it "
                   "by what it should be",
                   extension, found->by_content->what);
}

static bool is_drawing(const char *type)
{
    return strcmp(type, "pdf") == 0 || strcmp(type, "dxf") == 0 || strcmp(type, "dwg") == 0;
}

static void run(const struct qr_extract *x)
{
    struct qr_detected found;
    char extension[16];

    qr_extension_of(x->job->name, extension);
    qr_detect(x->in->head, x->in->head_len, x->job->name, x->job->type, &found);
    if (found.mislabelled) {
        fail_mislabelled(x->rec, &found, extension);
        return;
    }
    if (x->job->prepared) {
        qr_prepared_extract(x);
        return;
    }
    if (!found.format && extension[0] == '\0' && qr_text_is_likely(x->in->head, x->in->head_len))
        found.format = qr_format_find("text");
    if (!found.format) {
        qr_record_fail(
            x->rec, QR_CLASS_UNSUPPORTED,
            "neither the content nor the extension \"%s\" is known; this version extracts "
            "only pdf, dxf, dwg, step, ifc and text",
            extension);
        return;
    }
    qr_record_set_type(x->rec, found.format->type);
    found.format->run(x);
}

/* What stays when the file cannot even be opened. */
static void set_type_by_name(const struct qr_extract *x)
{
    struct qr_detected found;

    qr_detect(NULL, 0, x->job->name, x->job->type, &found);
    qr_record_set_type(x->rec, found.format ? found.format->type : "other");
}

void qr_extract_file(struct qr_engine *engine, const struct qr_extract_job *job,
                     struct qr_record *rec)
{
    struct qr_extract x = {.job = job, .engine = engine, .in = &engine->input, .rec = rec};

    memset(&engine->mark, 0, sizeof engine->mark);
    engine->resumed_at = 0;
    qr_record_set_file(rec, job->name);
    qr_record_set_extractor(rec, "quarry", QUARRY_VERSION);
    set_type_by_name(&x);
    if (qr_input_open(&engine->input, job->fd, job->max_file_bytes, rec))
        run(&x);
    qr_input_close(&engine->input, rec);
    if (is_drawing(rec->msg->type))
        qr_completeness_set(rec);
    qr_buf_clear(&engine->text);
    if (engine->text.cap > SCRATCH_KEEP) {
        qr_buf_done(&engine->text);
        qr_buf_init(&engine->text, SCRATCH_MAX);
    }
    qr_record_finish(rec);
}

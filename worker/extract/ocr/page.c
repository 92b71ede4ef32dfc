#include "worker/extract/ocr/page.h"

#include <math.h>
#include <string.h>

#include "common/clock.h"
#include "worker/extract/ocr/regions.h"
#include "worker/extract/ocr/render.h"

#define PAGE_BUDGET_MS 60000
#define DRAW_BUDGET_MS 15000 /* pages of text take less than one second */
#define DOUBTFUL 0.60
#define SURE 0.70
#define LARGE_IMAGE 0.05 /* of the page: not a logo */
#define SMALL_IMAGE 0.002
/* of the job's time: what is left over is for the rest of the work */
#define SHARE_OF_BUDGET 0.8

void qr_ocr_begin_document(const struct qr_extract *x) { qr_ocr_begin(x->engine->ocr); }

uint32_t qr_ocr_learnt(const struct qr_extract *x) { return qr_ocr_memory(x->engine->ocr); }

void qr_ocr_remember(const struct qr_extract *x, uint32_t learnt)
{
    qr_ocr_set_memory(x->engine->ocr, learnt);
}

const char *qr_ocr_explain_empty(const struct qr_extract *x)
{
    if (x->job->options.ocr == QR_EXTRACT_OFF)
        return "no text: the pages are images, and OCR is switched off";
    if (!qr_ocr_is_available(x->engine->ocr))
        return "no text: the pages are images; OCR could read them and is not available";
    return "no text: the pages are images in which OCR found no words";
}

/* Milliseconds this page may take; 0: the job has no time left for OCR. */
static int64_t time_left(const struct qr_extract *x)
{
    const struct qr_extract_job *job = x->job;
    int64_t left = PAGE_BUDGET_MS;

    if (job->budget_ms > 0)
        left =
            job->started_ms + (int64_t)((double)job->budget_ms * SHARE_OF_BUDGET) - qr_clock_ms();
    return left < 0 ? 0 : left > PAGE_BUDGET_MS ? PAGE_BUDGET_MS : left;
}

/* Pixels of the image that was read to points of the page. */
static void to_points(struct qr_ocr_text *text, double scale)
{
    float points = (float)(1 / scale);

    for (size_t i = 0; i < text->n_words; i++) {
        text->words[i].x0 *= points;
        text->words[i].y0 *= points;
        text->words[i].x1 *= points;
        text->words[i].y1 *= points;
    }
}

static void append_text(const struct qr_ocr_text *text, struct qr_buf *out)
{
    for (size_t i = 0; i < text->n_words; i++) {
        const struct qr_ocr_word *word = &text->words[i];
        bool last = i + 1 == text->n_words;
        qr_buf_append(out, word->text, word->len);
        qr_buf_append_str(out, !word->ends_line && !last ? " " : "\n");
        if (word->ends_block || last)
            qr_buf_append_str(out, "\n");
    }
}

/* Size of a word's box along (not across) the line, and across it. */
static float height_of(const struct qr_ocr_word *word)
{
    bool upright = fabsf(sinf(word->angle * 3.14159265f / 180)) < 0.7f;

    return upright ? word->y1 - word->y0 : word->x1 - word->x0;
}

/* Do the words stand so close that they are one span? */
static bool joins(const struct qr_ocr_word *before, const struct qr_ocr_word *word)
{
    float dx = fmaxf(word->x0 - before->x1, before->x0 - word->x1);
    float dy = fmaxf(word->y0 - before->y1, before->y0 - word->y1);
    float height = fmaxf(height_of(before), height_of(word));

    return !before->ends_line && fmaxf(dx, dy) < height;
}

/* Words i .. end-1 as one span. */
static void add_span(const struct qr_ocr_word *words, size_t n, struct qr_arena *arena,
                     struct qr_sheet *sheet)
{
    struct qr_sheet_rect box = {words->x0, words->y0, words->x1, words->y1};
    float height = 0;
    float weight = 0;
    size_t letters = 0;

    for (size_t i = 0; i < n; i++)
        letters += words[i].len;
    char *text = qr_arena_alloc(arena, letters + n);
    struct qr_sheet_span *span = text ? qr_sheet_add_span(sheet) : NULL;
    if (!span) {
        sheet->dropped += !text;
        return;
    }
    span->text = text;
    for (size_t i = 0; i < n; i++) {
        memcpy(text, words[i].text, words[i].len);
        text += words[i].len;
        *text++ = i + 1 < n ? ' ' : '\0';
        box.x0 = fminf(box.x0, words[i].x0);
        box.y0 = fminf(box.y0, words[i].y0);
        box.x1 = fmaxf(box.x1, words[i].x1);
        box.y1 = fmaxf(box.y1, words[i].y1);
        height = fmaxf(height, height_of(&words[i]));
        weight += (float)words[i].len * words[i].confidence;
    }
    span->len = (uint32_t)(letters + n - 1);
    span->box = box;
    span->angle = words->angle;
    span->height = height;
    span->source = QR_SPAN_OCR;
    span->confidence = weight / (float)letters;
}

void qr_ocr_add_spans(const struct qr_ocr_text *text, struct qr_arena *arena,
                      struct qr_sheet *sheet)
{
    size_t from = 0;

    for (size_t i = 0; i < text->n_words; i++) {
        if (i + 1 < text->n_words && joins(&text->words[i], &text->words[i + 1]))
            continue;
        add_span(&text->words[from], i + 1 - from, arena, sheet);
        from = i + 1;
    }
}

/* Lines of the page's text of which nobody knows what they say go. */
static void drop_undecodable(struct qr_buf *text)
{
    static const char unknown[] = "\xEF\xBF\xBD"; /* U+FFFD */
    size_t to = 0;

    for (size_t at = 0; at < text->len;) {
        const uint8_t *line = text->data + at;
        const uint8_t *end = memchr(line, '\n', text->len - at);
        size_t len = end ? (size_t)(end - line) + 1 : text->len - at;
        size_t bad = 0;
        for (size_t i = 0; i + 3 <= len; i++)
            bad += memcmp(line + i, unknown, 3) == 0;
        if (bad * 3 * 5 < len) { /* less than a fifth of its bytes */
            memmove(text->data + to, line, len);
            to += len;
        }
        at += len;
    }
    text->len = to;
}

static void take(const struct qr_extract *x, const struct qr_ocr_need *need,
                 struct qr_ocr_text *text, const struct qr_ocr_raster *raster,
                 Quarry__V1__Page *out)
{
    to_points(text, raster->scale);
    if (need->undecodable)
        drop_undecodable(&x->engine->text);
    append_text(text, &x->engine->text);
    out->ocr_words = (uint32_t)text->n_words;
    out->ocr_confidence = round(text->confidence * 1000) / 1000;
    qr_record_note(x->rec, "pdf.ocr.used", "page %u: %zu words by OCR at %.0f dpi, language %s",
                   out->number, text->n_words, raster->scale * 72, text->language);
    if (text->confidence < DOUBTFUL)
        qr_record_note(x->rec, "pdf.ocr.low_confidence",
                       "page %u: the words of OCR are doubtful (mean confidence %.2f)", out->number,
                       text->confidence);
}

/* Beside good text only what is sure is of use. */
static bool is_worth_it(const struct qr_ocr_need *need, const struct qr_ocr_text *text)
{
    return text->n_words > 0 && (!(need->images || need->undecodable) || text->confidence >= SURE);
}

/* Rendered: read it. */
static void read_raster(const struct qr_extract *x, const struct qr_ocr_raster *raster,
                        const struct qr_ocr_need *need, Quarry__V1__Page *out,
                        struct qr_ocr_text *text)
{
    enum qr_ocr_status status =
        qr_ocr_read(x->engine->ocr, &raster->image, need->drawing ? QR_OCR_SPARSE : QR_OCR_COLUMNS,
                    time_left(x), text);

    if (status == QR_OCR_REFUSED)
        qr_record_note(x->rec, "pdf.ocr.refused", "page %u: dots all over, not read by OCR",
                       out->number);
    else if (status != QR_OCR_READ)
        qr_record_note(x->rec, "pdf.ocr.failed", "page %u: OCR failed", out->number);
    else if (is_worth_it(need, text))
        take(x, need, text, raster, out);
    else if (!need->images)
        qr_record_note(x->rec, "pdf.ocr.nothing", "page %u: OCR found no words", out->number);
    if (out->ocr_words == 0)
        text->n_words = 0;
    if (text->out_of_time)
        qr_record_partial(x->rec, "pdf.ocr.out_of_time", "page %u: not wholly read by OCR",
                          out->number);
}

/* Throws. */
static void render_and_read(const struct qr_extract *x, fz_context *ctx, pdf_page *page,
                            const struct qr_ocr_need *need, Quarry__V1__Page *out,
                            struct qr_ocr_raster *raster, struct qr_ocr_text *text)
{
    struct qr_ocr_regions known = {.n = 0};
    struct qr_ocr_regions images = {.n = 0};

    if (need->text)
        qr_ocr_add_lines(need->text, pdf_bound_page(ctx, page), &known);
    if (need->images) {
        qr_ocr_add_images(ctx, page, &known, need->every_image ? SMALL_IMAGE : LARGE_IMAGE, &images,
                          NULL);
        if (images.n == 0)
            return;
    }
    int64_t left = time_left(x);
    qr_ocr_render(ctx, page, qr_clock_ms() + (left < DRAW_BUDGET_MS ? left : DRAW_BUDGET_MS),
                  raster);
    if (need->images && qr_ocr_raster_keep(ctx, raster, &images, need->every_image) == 0)
        return;
    qr_ocr_raster_cover(raster, &known);
    read_raster(x, raster, need, out, text);
}

/* MuPDF has thrown. */
static void note_caught(const struct qr_extract *x, fz_context *ctx, const Quarry__V1__Page *out)
{
    if (fz_caught(ctx) == FZ_ERROR_ABORT)
        qr_record_partial(x->rec, "pdf.ocr.out_of_time",
                          "page %u: not read by OCR, drawing it takes too long", out->number);
    else
        qr_record_note(x->rec, "pdf.ocr.failed", "page %u: not rendered for OCR: %s", out->number,
                       fz_caught_message(ctx));
}

bool qr_ocr_page(const struct qr_extract *x, fz_context *ctx, pdf_page *page,
                 const struct qr_ocr_need *need, Quarry__V1__Page *out, struct qr_ocr_text *ret)
{
    struct qr_ocr_raster raster = {0};

    memset(ret, 0, sizeof *ret);
    if (x->job->options.ocr == QR_EXTRACT_OFF)
        return false;
    if (!qr_ocr_is_available(x->engine->ocr)) {
        if (!need->images) /* nobody knows whether there is text in images */
            qr_record_note(x->rec, "pdf.ocr.unavailable",
                           "page %u has text that only OCR could read (OCR: %s)", out->number,
                           qr_ocr_describe(x->engine->ocr));
        return false;
    }
    if (time_left(x) == 0) {
        qr_record_partial(x->rec, "pdf.ocr.out_of_time", "page %u: not read by OCR", out->number);
        return false;
    }
    fz_try(ctx) { render_and_read(x, ctx, page, need, out, &raster, ret); }
    fz_always(ctx) qr_ocr_raster_done(ctx, &raster);
    fz_catch(ctx) note_caught(x, ctx, out);
    return ret->n_words > 0;
}

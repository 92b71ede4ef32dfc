#include "worker/extract/pdf/annotations.h"

#include <ctype.h>
#include <string.h>

#include "worker/extract/pdf/metadata.h"
#include "worker/extract/pdf/names.h"

#define SHX_TITLE "AutoCAD SHX Text"
#define SHOWN_MAX 20000 /* annotations of a page whose look is read for text, too */
#define COMPARED_BYTES                                                         \
    ((size_t)256 * 1024 * 1024) /* when looking for text that is there already \
                                 */

static bool is_link(fz_context *ctx, pdf_obj *annot)
{
    return pdf_name_eq(ctx, pdf_dict_get(ctx, annot, PDF_NAME(Subtype)), PDF_NAME(Link));
}

pdf_obj *qr_pdf_take_annotations(struct qr_pdf_file *file, pdf_obj *page)
{
    fz_context *ctx = file->ctx;
    pdf_obj *list = pdf_dict_get(ctx, page, PDF_NAME(Annots));
    int n = pdf_array_len(ctx, list);
    int max = (int)file->rec->limits.items;
    pdf_obj *others = NULL;
    bool change = n > max || n > SHOWN_MAX;

    if (n == 0)
        return NULL;
    for (int i = 0; i < n && !change; i++)
        change = is_link(ctx, pdf_array_get(ctx, list, i));
    pdf_keep_obj(ctx, list);
    if (!change)
        return list;
    fz_var(others);
    fz_try(ctx)
    {
        if (n > max)
            qr_record_partial(file->rec, "record.capped", "annotations of a page were cut at %d",
                              max);
        others = pdf_new_array(ctx, file->doc, 8);
        for (int i = 0; i < n && i < max; i++) {
            pdf_obj *annot = pdf_array_get(ctx, list, i);
            if (is_link(ctx, annot))
                continue;
            if (pdf_array_len(ctx, others) >= SHOWN_MAX) {
                qr_record_partial(file->rec, "pdf.annotations.capped",
                                  "of a page with more than %d annotations the looks of the others "
                                  "were not read for text",
                                  SHOWN_MAX);
                break;
            }
            pdf_array_push(ctx, others, annot);
        }
        pdf_dict_put(ctx, page, PDF_NAME(Annots), others);
    }
    fz_always(ctx) pdf_drop_obj(ctx, others);
    fz_catch(ctx)
    {
        pdf_drop_obj(ctx, list);
        fz_rethrow(ctx);
    }
    return list;
}

static void add_link(struct qr_pdf_file *file, pdf_obj *annot, const double box[4], uint32_t page)
{
    struct qr_pdf_target target = qr_pdf_target_of(file, annot);
    char fragment[32];

    if (target.kind && strcmp(target.kind, "javascript") == 0)
        qr_record_note(file->rec, "pdf.javascript", "the document has scripts; they are not run");
    if (!target.kind || (target.page == 0 && !target.text))
        return;
    Quarry__V1__Link *link = qr_record_add_link(file->rec);
    if (!link)
        return;
    link->kind = qr_record_text(file->rec, target.kind);
    link->page = page;
    link->box = qr_record_box(file->rec, box);
    if (target.page > 0) {
        snprintf(fragment, sizeof fragment, "#page=%u", target.page);
        link->target = qr_record_text(file->rec, fragment);
    } else if (target.text) {
        link->target = qr_pdf_string(file, target.text);
    }
}

static void add_widget(struct qr_pdf_file *file, pdf_obj *annot, const double box[4], uint32_t page)
{
    struct qr_pdf_widget *widget = NULL;

    if (pdf_to_num(file->ctx, annot) > 0)
        widget = qr_pdf_append(file, &file->widgets, &file->n_widgets, &file->cap_widgets,
                               sizeof *widget);
    if (!widget)
        return;
    widget->object = pdf_to_num(file->ctx, annot);
    widget->page = page;
    memcpy(widget->box, box, sizeof widget->box);
}

/* The text goes into the page as if it had been written, not drawn. */
static void add_shx(struct qr_pdf_file *file, char *text, const double box[4],
                    struct qr_pdf_page_notes *notes)
{
    struct qr_pdf_shx *shx = NULL;

    if (text[strspn(text, " \t\r\n")] != '\0')
        shx = qr_pdf_append(file, &notes->shx, &notes->n_shx, &notes->cap_shx, sizeof *shx);
    if (!shx)
        return;
    for (char *at = text; (at = strpbrk(at, "\r\n")); at++)
        *at = ' '; /* a span is one line */
    shx->text = text;
    shx->box = (struct qr_sheet_rect){(float)box[0], (float)box[1], (float)box[2], (float)box[3]};
}

static void note_active(struct qr_record *rec, const char *kind)
{
    if (strcmp(kind, "3d") == 0 || strcmp(kind, "richmedia") == 0)
        qr_record_note(rec, "pdf.3d", "a 3D model or other media stand on a page and are not read");
    else if (strcmp(kind, "movie") == 0 || strcmp(kind, "sound") == 0 ||
             strcmp(kind, "screen") == 0)
        qr_record_note(rec, "pdf.media", "sound or film stand on a page and are not read");
}

static void add_annotation(struct qr_pdf_file *file, pdf_obj *annot, const double box[4],
                           uint32_t page, struct qr_pdf_page_notes *notes)
{
    fz_context *ctx = file->ctx;
    const char *type = pdf_to_name(ctx, pdf_dict_get(ctx, annot, PDF_NAME(Subtype)));
    pdf_obj *title = pdf_dict_get(ctx, annot, PDF_NAME(T));
    const char *modified = pdf_to_text_string(ctx, pdf_dict_get(ctx, annot, PDF_NAME(M)));
    char kind[32];
    char date[QR_PDF_DATE_BYTES];
    size_t n = 0;

    for (; n < sizeof kind - 1 && type[n] != '\0'; n++)
        kind[n] = (char)tolower((unsigned char)type[n]);
    kind[n] = '\0';
    note_active(file->rec, kind);
    if (strcmp(kind, "fileattachment") == 0)
        qr_pdf_add_attachment(file, pdf_dict_get(ctx, annot, PDF_NAME(FS)), NULL);
    Quarry__V1__Annotation *out = qr_record_add_annotation(file->rec);
    if (!out)
        return;
    out->kind = qr_record_text(file->rec, kind);
    out->text = qr_pdf_string(file, pdf_dict_get(ctx, annot, PDF_NAME(Contents)));
    out->author = qr_pdf_string(file, title);
    if (modified[0] != '\0') {
        qr_pdf_date(modified, date);
        out->modified = qr_record_text(file->rec, date);
    }
    out->place = qr_record_place(file->rec, page, NULL, box);
    if (strcmp(pdf_to_text_string(ctx, title), SHX_TITLE) == 0)
        add_shx(file, out->text, box, notes);
}

static void read_one(struct qr_pdf_file *file, pdf_obj *annot, fz_matrix ctm, uint32_t number,
                     struct qr_pdf_page_notes *notes)
{
    fz_context *ctx = file->ctx;
    pdf_obj *type = pdf_dict_get(ctx, annot, PDF_NAME(Subtype));
    double box[4];

    qr_pdf_box(ctm, pdf_dict_get_rect(ctx, annot, PDF_NAME(Rect)), box);
    if (pdf_name_eq(ctx, type, PDF_NAME(Link)))
        add_link(file, annot, box, number);
    else if (pdf_name_eq(ctx, type, PDF_NAME(Widget)))
        add_widget(file, annot, box, number);
    else if (!pdf_name_eq(ctx, type, PDF_NAME(Popup)))
        add_annotation(file, annot, box, number, notes);
}

void qr_pdf_read_annotations(struct qr_pdf_file *file, pdf_obj *list, fz_matrix ctm,
                             uint32_t number, struct qr_pdf_page_notes *notes)
{
    fz_context *ctx = file->ctx;
    int n = pdf_array_len(ctx, list);
    int max = (int)file->rec->limits.items;

    for (int i = 0; i < n && i < max; i++) {
        pdf_obj *annot = pdf_array_get(ctx, list, i);
        if (pdf_is_dict(ctx, annot))
            read_one(file, annot, ctm, number, notes);
    }
}

void qr_pdf_print_shx(const struct qr_pdf_page_notes *notes, struct qr_buf *text)
{
    size_t before = text->len;
    bool compare = before > 0 && before * notes->n_shx < COMPARED_BYTES;

    for (size_t i = 0; i < notes->n_shx; i++) {
        const char *line = notes->shx[i].text;
        size_t len = strlen(line);
        if (compare && memmem(text->data, before, line, len))
            continue;
        qr_buf_append(text, line, len);
        qr_buf_append(text, "\n", 1);
    }
    if (text->len > before)
        qr_buf_append(text, "\n", 1);
}

void qr_pdf_add_shx_spans(const struct qr_pdf_page_notes *notes, struct qr_sheet *sheet)
{
    for (size_t i = 0; i < notes->n_shx; i++) {
        const struct qr_pdf_shx *shx = &notes->shx[i];
        struct qr_sheet_span *span = qr_sheet_add_span(sheet);
        float width = shx->box.x1 - shx->box.x0;
        float height = shx->box.y1 - shx->box.y0;
        if (!span)
            return;
        bool upright = height > 1.5f * width && strlen(shx->text) > 1;
        span->text = shx->text;
        span->len = (uint32_t)strlen(shx->text);
        span->box = shx->box;
        span->angle = upright ? 90 : 0;
        span->height = upright ? width : height;
        span->source = QR_SPAN_ANNOTATION;
    }
}

#include "worker/extract/pdf/file.h"

#include <math.h>
#include <string.h>

void qr_pdf_file_open(struct qr_pdf_file *file, const struct qr_extract *x, fz_context *ctx,
                      pdf_document *doc)
{
    *file = (struct qr_pdf_file){
        .ctx = ctx, .doc = doc, .x = x, .rec = x->rec, .bytes_left = QR_PDF_STRUCTURE_BYTES};
    file->root = pdf_dict_get(ctx, pdf_trailer(ctx, doc), PDF_NAME(Root));
    file->fonts_seen = pdf_new_mark_bits(ctx, doc);
    file->files_seen = pdf_new_mark_bits(ctx, doc);
}

void qr_pdf_file_close(struct qr_pdf_file *file)
{
    fz_context *ctx = file->ctx;

    if (!ctx)
        return;
    fz_free(ctx, file->dests);
    fz_free(ctx, file->widgets);
    fz_free(ctx, file->labels);
    if (file->fonts_seen)
        pdf_drop_mark_bits(ctx, file->fonts_seen);
    if (file->files_seen)
        pdf_drop_mark_bits(ctx, file->files_seen);
    memset(file, 0, sizeof *file);
}

bool qr_pdf_guard(struct qr_pdf_file *file, const char *code,
                  void (*read)(struct qr_pdf_file *file, void *arg), void *arg)
{
    fz_context *ctx = file->ctx;
    bool good = false;

    fz_var(good);
    fz_try(ctx)
    {
        read(file, arg);
        good = true;
    }
    fz_catch(ctx) qr_record_partial(file->rec, code, "%s", fz_caught_message(ctx));
    return good;
}

char *qr_pdf_string(struct qr_pdf_file *file, pdf_obj *obj)
{
    const char *text = "";
    size_t len;

    if (pdf_is_name(file->ctx, obj))
        text = pdf_to_name(file->ctx, obj);
    else if (pdf_is_string(file->ctx, obj))
        text = pdf_to_text_string(file->ctx, obj);
    len = strnlen(text, file->rec->limits.value_bytes);
    if (len > file->bytes_left) {
        qr_record_partial(file->rec, "record.capped",
                          "texts of bookmarks, comments and fields were cut at %d bytes",
                          QR_PDF_STRUCTURE_BYTES);
        len = 0;
    }
    file->bytes_left -= len;
    return qr_record_string(file->rec, text, len);
}

void *qr_pdf_append(struct qr_pdf_file *file, void *list_slot, size_t *n, size_t *cap, size_t size)
{
    char *list;

    memcpy(&list, list_slot, sizeof list);
    if (*n >= file->rec->limits.items)
        return NULL;
    if (*n == *cap) {
        size_t bigger = *cap ? *cap * 2 : 64;
        list = fz_realloc(file->ctx, list, bigger * size);
        memcpy(list_slot, &list, sizeof list);
        *cap = bigger;
    }
    return memset(list + (*n)++ * size, 0, size);
}

uint32_t qr_pdf_page_number(struct qr_pdf_file *file, pdf_obj *page)
{
    int num = pdf_to_num(file->ctx, page);
    int left = 0;
    int right = file->doc->rev_page_map ? file->doc->map_page_count : 0;

    while (num > 0 && left < right) {
        int middle = left + (right - left) / 2;
        if (file->doc->rev_page_map[middle].object == num)
            return (uint32_t)file->doc->rev_page_map[middle].page + 1;
        if (file->doc->rev_page_map[middle].object < num)
            left = middle + 1;
        else
            right = middle;
    }
    return 0;
}

void qr_pdf_box(fz_matrix ctm, fz_rect rect, double ret[4])
{
    fz_rect box = fz_transform_rect(rect, ctm);
    const float sides[4] = {box.x0, box.y0, box.x1, box.y1};

    for (int i = 0; i < 4; i++)
        ret[i] = isfinite(sides[i]) ? round((double)sides[i] * 1000) / 1000 : 0;
}

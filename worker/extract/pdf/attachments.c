#include "worker/extract/pdf/attachments.h"

#include "worker/extract/pdf/metadata.h"
#include "worker/extract/pdf/names.h"

#define ASSOCIATED_MAX 1000 /* of one object */

void qr_pdf_add_attachment(struct qr_pdf_file *file, pdf_obj *spec, pdf_obj *name)
{
    fz_context *ctx = file->ctx;
    pdf_obj *streams = pdf_dict_get(ctx, spec, PDF_NAME(EF));
    char date[QR_PDF_DATE_BYTES];

    if (!pdf_is_dict(ctx, streams) || pdf_mark_bits_set(ctx, file->files_seen, spec))
        return;
    pdf_obj *stream = pdf_dict_geta(ctx, streams, PDF_NAME(UF), PDF_NAME(F));
    pdf_obj *params = pdf_dict_get(ctx, stream, PDF_NAME(Params));
    pdf_obj *own_name = qr_pdf_file_name(ctx, spec);
    Quarry__V1__Attachment *out = qr_record_add_attachment(file->rec);
    if (!out)
        return;
    out->name = qr_pdf_string(file, own_name ? own_name : name);
    out->description = qr_pdf_string(file, pdf_dict_get(ctx, spec, PDF_NAME(Desc)));
    out->media_type = qr_pdf_string(file, pdf_dict_get(ctx, stream, PDF_NAME(Subtype)));
    int64_t bytes = pdf_to_int64(ctx, pdf_dict_get(ctx, params, PDF_NAME(Size)));
    out->bytes = bytes > 0 ? (uint64_t)bytes : 0;
    const char *modified = pdf_to_text_string(ctx, pdf_dict_get(ctx, params, PDF_NAME(ModDate)));
    if (modified[0] != '\0') {
        qr_pdf_date(modified, date);
        out->modified = qr_record_text(file->rec, date);
    }
}

static bool add_named(struct qr_pdf_file *file, pdf_obj *key, pdf_obj *value, void *unused)
{
    (void)unused;
    qr_pdf_add_attachment(file, value, key);
    return file->rec->msg->n_attachments < file->rec->limits.items;
}

void qr_pdf_read_associated(struct qr_pdf_file *file, pdf_obj *owner)
{
    pdf_obj *list = pdf_dict_gets(file->ctx, owner, "AF");
    int n = pdf_array_len(file->ctx, list);

    for (int i = 0; i < n && i < ASSOCIATED_MAX; i++)
        qr_pdf_add_attachment(file, pdf_array_get(file->ctx, list, i), NULL);
}

void qr_pdf_read_attachments(struct qr_pdf_file *file, void *unused)
{
    fz_context *ctx = file->ctx;
    pdf_obj *tree = pdf_dict_getl(ctx, file->root, PDF_NAME(Names), PDF_NAME(EmbeddedFiles), NULL);

    (void)unused;
    qr_pdf_walk_tree(file, tree, PDF_NAME(Names), add_named, NULL);
    qr_pdf_read_associated(file, file->root);
}

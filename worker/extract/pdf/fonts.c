#include "worker/extract/pdf/fonts.h"

#include <string.h>

#define FORM_DEPTH 3
#define FONTS_LOOKED_AT 1000 /* of one resource dictionary */
#define FORMS_LOOKED_AT 64

static void add_property(struct qr_pdf_file *file, Quarry__V1__NamedObject *font, const char *key,
                         const char *value)
{
    qr_record_add_property(file->rec, font, key, value, strlen(value));
}

static void add_font(struct qr_pdf_file *file, pdf_obj *font)
{
    fz_context *ctx = file->ctx;
    const char *type = pdf_to_name(ctx, pdf_dict_get(ctx, font, PDF_NAME(Subtype)));
    const char *name = pdf_to_name(ctx, pdf_dict_get(ctx, font, PDF_NAME(BaseFont)));
    pdf_obj *inner = pdf_array_get(ctx, pdf_dict_get(ctx, font, PDF_NAME(DescendantFonts)), 0);
    pdf_obj *descriptor = pdf_dict_get(ctx, inner ? inner : font, PDF_NAME(FontDescriptor));
    bool embedded = strcmp(type, "Type3") == 0 ||
                    pdf_dict_get(ctx, descriptor, PDF_NAME(FontFile)) ||
                    pdf_dict_get(ctx, descriptor, PDF_NAME(FontFile2)) ||
                    pdf_dict_get(ctx, descriptor, PDF_NAME(FontFile3));
    pdf_obj *encoding = pdf_dict_get(ctx, font, PDF_NAME(Encoding));

    if (name[0] == '\0')
        name = pdf_to_name(ctx, pdf_dict_get(ctx, font, PDF_NAME(Name)));
    if (strlen(name) > 7 && name[6] == '+')
        name += 7; /* the tag of a subset */
    Quarry__V1__NamedObject *out =
        qr_record_add_named(file->rec, QR_RECORD_FONTS, name, strlen(name));
    if (!out)
        return;
    add_property(file, out, "type",
                 inner ? pdf_to_name(ctx, pdf_dict_get(ctx, inner, PDF_NAME(Subtype))) : type);
    add_property(file, out, "embedded", embedded ? "true" : "false");
    add_property(file, out, "unicode",
                 pdf_dict_get(ctx, font, PDF_NAME(ToUnicode)) ? "true" : "false");
    if (pdf_is_name(ctx, encoding))
        add_property(file, out, "encoding", pdf_to_name(ctx, encoding));
}

static void read_resources(struct qr_pdf_file *file, pdf_obj *resources, int depth)
{
    fz_context *ctx = file->ctx;
    pdf_obj *fonts = pdf_dict_get(ctx, resources, PDF_NAME(Font));
    pdf_obj *objects = pdf_dict_get(ctx, resources, PDF_NAME(XObject));
    int n = pdf_dict_len(ctx, fonts);

    if (pdf_mark_bits_set(ctx, file->fonts_seen, resources))
        return;
    if (pdf_mark_bits_set(ctx, file->fonts_seen, fonts))
        n = 0;
    for (int i = 0; i < n && i < FONTS_LOOKED_AT; i++) {
        pdf_obj *font = pdf_dict_get_val(ctx, fonts, i);
        if (!pdf_mark_bits_set(ctx, file->fonts_seen, font) && pdf_is_dict(ctx, font))
            add_font(file, font);
    }
    n = depth < FORM_DEPTH ? pdf_dict_len(ctx, objects) : 0;
    for (int i = 0; i < n && i < FORMS_LOOKED_AT; i++) {
        pdf_obj *form = pdf_dict_get_val(ctx, objects, i);
        if (pdf_mark_bits_set(ctx, file->fonts_seen, form) ||
            !pdf_name_eq(ctx, pdf_dict_get(ctx, form, PDF_NAME(Subtype)), PDF_NAME(Form)))
            continue;
        pdf_obj *own = pdf_dict_get(ctx, form, PDF_NAME(Resources));
        if (own)
            read_resources(file, own, depth + 1);
    }
}

void qr_pdf_read_fonts(struct qr_pdf_file *file, pdf_obj *resources)
{
    read_resources(file, resources, 0);
}

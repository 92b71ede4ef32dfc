#include "worker/extract/pdf/layers.h"

#include <string.h>

#define LAYERS_MAX 10000 /* MuPDF looks through all of them for each piece of marked content */

static void mark_all(struct qr_pdf_file *file, pdf_obj *list, pdf_mark_bits *marks)
{
    int n = pdf_array_len(file->ctx, list);

    for (int i = 0; i < n; i++)
        pdf_mark_bits_set(file->ctx, marks, pdf_array_get(file->ctx, list, i));
}

static bool add_layer(struct qr_pdf_file *file, pdf_obj *group, bool visible)
{
    fz_context *ctx = file->ctx;
    struct qr_record *rec = file->rec;
    const char *name = qr_pdf_string(file, pdf_dict_get(ctx, group, PDF_NAME(Name)));
    const char *intent = pdf_to_name(ctx, pdf_dict_get(ctx, group, PDF_NAME(Intent)));
    const char *state = visible ? "true" : "false";
    Quarry__V1__NamedObject *layer = qr_record_add_named(rec, QR_RECORD_LAYERS, name, strlen(name));

    if (!layer)
        return false;
    qr_record_add_property(rec, layer, "visible", state, strlen(state));
    if (strcmp(intent, "View") != 0)
        qr_record_add_property(rec, layer, "intent", intent, strlen(intent));
    return true;
}

void qr_pdf_read_layers(struct qr_pdf_file *file, void *unused)
{
    fz_context *ctx = file->ctx;
    pdf_obj *properties = pdf_dict_get(ctx, file->root, PDF_NAME(OCProperties));
    pdf_obj *groups = pdf_dict_get(ctx, properties, PDF_NAME(OCGs));
    pdf_obj *config = pdf_dict_get(ctx, properties, PDF_NAME(D));
    bool base_off = pdf_name_eq(ctx, pdf_dict_get(ctx, config, PDF_NAME(BaseState)), PDF_NAME(OFF));
    int n = pdf_array_len(ctx, groups);
    pdf_mark_bits *changed;

    (void)unused;
    if (n == 0)
        return;
    changed = pdf_new_mark_bits(ctx, file->doc); /* those that are not in the base state */
    fz_try(ctx)
    {
        mark_all(file, pdf_dict_get(ctx, config, base_off ? PDF_NAME(ON) : PDF_NAME(OFF)), changed);
        for (int i = 0; i < n; i++) {
            pdf_obj *group = pdf_array_get(ctx, groups, i);
            bool visible = (pdf_mark_bits_set(ctx, changed, group) != 0) == base_off;
            file->hidden_layers |= !visible;
            if (pdf_is_dict(ctx, group) && !add_layer(file, group, visible))
                break;
        }
        if (n > LAYERS_MAX) {
            pdf_dict_del(ctx, file->root, PDF_NAME(OCProperties));
            file->hidden_layers = false;
            qr_record_note(file->rec, "pdf.layers.many",
                           "%d layers: what is drawn is not matched to them", n);
        }
    }
    fz_always(ctx) pdf_drop_mark_bits(ctx, changed);
    fz_catch(ctx) fz_rethrow(ctx);
}

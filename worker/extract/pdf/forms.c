#include "worker/extract/pdf/forms.h"

#include <stdlib.h>
#include <string.h>

#include "worker/extract/pdf/metadata.h"

#define NAME_BYTES 1024
#define CHOICES_MAX 256 /* selected entries of one list */
#define FLAG_RADIO (1 << 15)
#define FLAG_BUTTON (1 << 16)

struct field {
    pdf_obj *type;  /* inherited */
    pdf_obj *value; /* inherited */
    int flags;
};

static int by_object(const void *a, const void *b)
{
    const struct qr_pdf_widget *left = a;
    const struct qr_pdf_widget *right = b;
    return (left->object > right->object) - (left->object < right->object);
}

/* The place of a field: that of its first widget; fields with one widget are that widget. */
static Quarry__V1__Place *place_of(struct qr_pdf_file *file, pdf_obj *field)
{
    fz_context *ctx = file->ctx;
    struct qr_pdf_widget wanted = {.object = pdf_to_num(ctx, field)};
    pdf_obj *kids = pdf_dict_get(ctx, field, PDF_NAME(Kids));
    const struct qr_pdf_widget *widget = NULL;

    if (pdf_array_len(ctx, kids) > 0)
        wanted.object = pdf_to_num(ctx, pdf_array_get(ctx, kids, 0));
    if (file->n_widgets > 0)
        widget = bsearch(&wanted, file->widgets, file->n_widgets, sizeof wanted, by_object);
    return widget ? qr_record_place(file->rec, widget->page, NULL, widget->box) : NULL;
}

static const char *type_of(fz_context *ctx, const struct field *field)
{
    const char *type = pdf_to_name(ctx, field->type);

    if (strcmp(type, "Btn") == 0)
        return field->flags & FLAG_BUTTON  ? "button"
               : field->flags & FLAG_RADIO ? "radio"
                                           : "checkbox";
    if (strcmp(type, "Ch") == 0)
        return "choice";
    if (strcmp(type, "Sig") == 0)
        return "signature";
    return strcmp(type, "Tx") == 0 ? "text" : "";
}

/* Several values of a list, joined. */
static void join_values(fz_context *ctx, pdf_obj *list, struct qr_buf *out)
{
    int n = pdf_array_len(ctx, list);

    for (int i = 0; i < n && i < CHOICES_MAX; i++) {
        if (i > 0)
            qr_buf_append_str(out, "; ");
        qr_buf_append_str(out, pdf_to_text_string(ctx, pdf_array_get(ctx, list, i)));
    }
}

/* Text, a name, or several of a list; rich or long text as a stream is rare and not read. */
static void set_value(struct qr_pdf_file *file, pdf_obj *value, Quarry__V1__Parameter *out)
{
    fz_context *ctx = file->ctx;
    struct qr_buf joined;

    if (!pdf_is_array(ctx, value)) {
        out->value = qr_pdf_string(file, value);
        return;
    }
    qr_buf_init(&joined, file->rec->limits.value_bytes);
    fz_try(ctx) join_values(ctx, value, &joined);
    fz_always(ctx)
    {
        if (joined.len <= file->bytes_left) {
            file->bytes_left -= joined.len;
            out->value =
                qr_record_string(file->rec, joined.data ? (char *)joined.data : "", joined.len);
        }
        qr_buf_done(&joined);
    }
    fz_catch(ctx) fz_rethrow(ctx);
}

static void add_signature(struct qr_pdf_file *file, pdf_obj *value, Quarry__V1__Parameter *out)
{
    fz_context *ctx = file->ctx;
    const char *when = pdf_to_text_string(ctx, pdf_dict_get(ctx, value, PDF_NAME(M)));
    char date[QR_PDF_DATE_BYTES] = "";

    if (!pdf_is_dict(ctx, value))
        return;
    if (when[0] != '\0')
        qr_pdf_date(when, date);
    out->value = qr_pdf_string(file, pdf_dict_get(ctx, value, PDF_NAME(Name)));
    qr_record_note(file->rec, "pdf.signed",
                   "the document is signed%s%s; signatures are not checked", date[0] ? ", " : "",
                   date);
}

static bool add_field(struct qr_pdf_file *file, pdf_obj *obj, const struct field *field,
                      const char *name)
{
    Quarry__V1__Parameter *out = qr_record_add_parameter(file->rec);
    size_t len = strlen(name);

    if (!out)
        return false;
    if (len > file->bytes_left)
        len = 0;
    file->bytes_left -= len;
    out->set = qr_record_text(file->rec, "form");
    out->name = qr_record_string(file->rec, name, len);
    out->type = qr_record_text(file->rec, type_of(file->ctx, field));
    out->source = qr_record_text(file->rec, "acroform");
    out->place = place_of(file, obj);
    if (strcmp(out->type, "signature") == 0)
        add_signature(file, field->value, out);
    else
        set_value(file, field->value, out);
    return true;
}

/* A kid that has no name of its own is a widget of its parent. */
static bool has_fields(fz_context *ctx, pdf_obj *kids)
{
    int n = pdf_array_len(ctx, kids);

    for (int i = 0; i < n && i < 4; i++)
        if (pdf_dict_get(ctx, pdf_array_get(ctx, kids, i), PDF_NAME(T)))
            return true;
    return false;
}

static bool walk(struct qr_pdf_file *file, pdf_obj *obj, struct field field, char name[NAME_BYTES],
                 pdf_mark_bits *seen, int depth)
{
    fz_context *ctx = file->ctx;
    pdf_obj *kids = pdf_dict_get(ctx, obj, PDF_NAME(Kids));
    pdf_obj *own;
    size_t len = strlen(name);
    bool more = true;

    if (depth > QR_PDF_TREE_DEPTH || pdf_mark_bits_set(ctx, seen, obj)) {
        qr_record_note(file->rec, "pdf.form.loop", "form fields contain themselves");
        return true;
    }
    if ((own = pdf_dict_get(ctx, obj, PDF_NAME(FT))))
        field.type = own;
    if ((own = pdf_dict_get(ctx, obj, PDF_NAME(V))))
        field.value = own;
    if ((own = pdf_dict_get(ctx, obj, PDF_NAME(Ff))))
        field.flags = pdf_to_int(ctx, own);
    if ((own = pdf_dict_get(ctx, obj, PDF_NAME(T))))
        snprintf(name + len, NAME_BYTES - len, "%s%s", len > 0 ? "." : "",
                 pdf_to_text_string(ctx, own));
    if (!has_fields(ctx, kids)) {
        more = add_field(file, obj, &field, name);
    } else {
        int n = pdf_array_len(ctx, kids);
        for (int i = 0; i < n && more; i++) {
            pdf_obj *kid = pdf_array_get(ctx, kids, i);
            if (pdf_is_dict(ctx, kid))
                more = walk(file, kid, field, name, seen, depth + 1);
        }
    }
    name[len] = '\0';
    return more;
}

void qr_pdf_read_form(struct qr_pdf_file *file, void *unused)
{
    fz_context *ctx = file->ctx;
    pdf_obj *form = pdf_dict_get(ctx, file->root, PDF_NAME(AcroForm));
    pdf_obj *fields = pdf_dict_get(ctx, form, PDF_NAME(Fields));
    int n = pdf_array_len(ctx, fields);
    char name[NAME_BYTES] = "";
    pdf_mark_bits *seen;
    bool more = true;

    (void)unused;
    if (pdf_dict_get(ctx, form, PDF_NAME(XFA)))
        qr_record_note(file->rec, "pdf.form.xfa",
                       "the document has an XFA form; its plain form fields are read");
    if (n == 0)
        return;
    if (file->n_widgets > 0)
        qsort(file->widgets, file->n_widgets, sizeof *file->widgets, by_object);
    seen = pdf_new_mark_bits(ctx, file->doc);
    fz_try(ctx)
    {
        for (int i = 0; i < n && more; i++) {
            pdf_obj *field = pdf_array_get(ctx, fields, i);
            if (pdf_is_dict(ctx, field))
                more = walk(file, field, (struct field){0}, name, seen, 0);
        }
    }
    fz_always(ctx) pdf_drop_mark_bits(ctx, seen);
    fz_catch(ctx) fz_rethrow(ctx);
}

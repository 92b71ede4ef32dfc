#include "worker/extract/pdf/about.h"

#include <ctype.h>
#include <string.h>

#include "worker/extract/pdf/names.h"

#define XMP_MAX ((size_t)1024 * 1024)

static void add_meta(struct qr_pdf_file *file, const char *key, const char *value)
{
    if (value[0] != '\0')
        qr_record_add_meta(file->rec, key, value, strlen(value), "document");
}

/* The value of an XMP property, as attribute or element: what stands behind its name, without
 * quotes and tags. Returns false when it is not there. */
static bool find_property(const char *xmp, const char *name, char *out, size_t size)
{
    const char *at = strstr(xmp, name);
    size_t n = 0;

    out[0] = '\0';
    if (!at)
        return false;
    at += strlen(name);
    at += strspn(at, " \t\r\n=>\"'");
    while (n < size - 1 && (isalnum((unsigned char)at[n]) || strchr("-/:. ", at[n])) &&
           at[n] != '\0') {
        out[n] = at[n];
        n++;
    }
    out[n] = '\0';
    return n > 0;
}

/* PDF/A, PDF/UA, PDF/E, PDF/X: their identification schemas. Sources: ISO 19005, 14289, 24517,
 * 15930. */
static void add_standards(struct qr_pdf_file *file, const char *xmp)
{
    char part[32];
    char level[32];
    char name[96];

    if (find_property(xmp, "pdfaid:part", part, sizeof part)) {
        find_property(xmp, "pdfaid:conformance", level, sizeof level);
        snprintf(name, sizeof name, "PDF/A-%.8s%.4s", part, level);
        add_meta(file, "standard", name);
    }
    if (find_property(xmp, "pdfuaid:part", part, sizeof part)) {
        snprintf(name, sizeof name, "PDF/UA-%.8s", part);
        add_meta(file, "standard", name);
    }
    if (find_property(xmp, "ISO_PDFEVersion", part, sizeof part))
        add_meta(file, "standard", part);
    if (find_property(xmp, "GTS_PDFXVersion", part, sizeof part))
        add_meta(file, "standard", part);
}

static void read_standards(struct qr_pdf_file *file)
{
    fz_context *ctx = file->ctx;
    pdf_obj *stream = pdf_dict_get(ctx, file->root, PDF_NAME(Metadata));
    fz_buffer *buffer = NULL;

    if (!pdf_is_stream(ctx, stream))
        return;
    fz_var(buffer);
    fz_try(ctx)
    {
        buffer = pdf_load_stream(ctx, stream);
        if (fz_buffer_storage(ctx, buffer, NULL) <= XMP_MAX)
            add_standards(file, fz_string_from_buffer(ctx, buffer));
    }
    fz_always(ctx) fz_drop_buffer(ctx, buffer);
    fz_catch(ctx) fz_rethrow_if(ctx, FZ_ERROR_MEMORY); /* the metadata reader has said so */
}

static void note_action(struct qr_pdf_file *file, pdf_obj *action)
{
    const char *type = pdf_to_name(file->ctx, pdf_dict_get(file->ctx, action, PDF_NAME(S)));

    if (strcmp(type, "JavaScript") == 0)
        qr_record_note(file->rec, "pdf.javascript", "the document has scripts; they are not run");
    else if (strcmp(type, "Launch") == 0)
        qr_record_note(file->rec, "pdf.launch",
                       "the document wants to start a program when opened");
}

static bool note_script(struct qr_pdf_file *file, pdf_obj *key, pdf_obj *value, void *unused)
{
    (void)key, (void)unused;
    note_action(file, value);
    return false; /* one is enough */
}

static void note_actions(struct qr_pdf_file *file)
{
    fz_context *ctx = file->ctx;
    pdf_obj *more = pdf_dict_get(ctx, file->root, PDF_NAME(AA));
    int n = pdf_dict_len(ctx, more);

    note_action(file, pdf_dict_gets(ctx, file->root, "OpenAction"));
    for (int i = 0; i < n && i < 16; i++)
        note_action(file, pdf_dict_get_val(ctx, more, i));
    qr_pdf_walk_tree(file,
                     pdf_dict_getl(ctx, file->root, PDF_NAME(Names), PDF_NAME(JavaScript), NULL),
                     PDF_NAME(Names), note_script, NULL);
}

void qr_pdf_read_about(struct qr_pdf_file *file, void *unused)
{
    fz_context *ctx = file->ctx;
    int versions = pdf_count_versions(ctx, file->doc);

    (void)unused;
    add_meta(file, "language",
             pdf_to_text_string(ctx, pdf_dict_get(ctx, file->root, PDF_NAME(Lang))));
    if (pdf_to_bool(ctx, pdf_dict_getp(ctx, file->root, "MarkInfo/Marked")))
        add_meta(file, "tagged", "true");
    if (versions > 1 && !pdf_was_repaired(ctx, file->doc))
        qr_record_add_meta_number(file->rec, "incremental_updates", (uint64_t)(versions - 1),
                                  "document");
    if (pdf_dict_get(ctx, file->root, PDF_NAME(Collection)))
        qr_record_note(file->rec, "pdf.portfolio",
                       "the document is a portfolio: its content is in its attachments");
    read_standards(file);
    note_actions(file);
}

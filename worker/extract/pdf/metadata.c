#include "worker/extract/pdf/metadata.h"

#include <stdio.h>
#include <string.h>

#define XMP_MAX ((size_t)1024 * 1024)
#define INFO_MAX 256 /* entries looked at */

static void add(struct qr_record *rec, const char *key, const char *value, const char *origin)
{
    if (value && value[0] != '\0')
        qr_record_add_meta(rec, key, value, strlen(value), origin);
}

static int digits(const char *text, int n)
{
    int value = 0;

    for (int i = 0; i < n; i++) {
        if (text[i] < '0' || text[i] > '9')
            return -1;
        value = value * 10 + (text[i] - '0');
    }
    return value;
}

bool qr_pdf_date(const char *value, char out[QR_PDF_DATE_BYTES])
{
    const char *at = strncmp(value, "D:", 2) == 0 ? value + 2 : value;
    int parts[6] = {0, 1, 1, 0, 0, 0};
    char zone[16] = "";
    size_t n = 0;

    parts[0] = digits(at, 4);
    if (parts[0] < 0) {
        snprintf(out, QR_PDF_DATE_BYTES, "%s", value);
        return false;
    }
    at += 4;
    for (n = 1; n < 6 && digits(at, 2) >= 0; n++, at += 2)
        parts[n] = digits(at, 2);
    if (n < 4) { /* no time of day */
        snprintf(out, QR_PDF_DATE_BYTES, "%04d-%02d-%02d", parts[0], parts[1], parts[2]);
        return true;
    }
    if (*at == 'Z')
        snprintf(zone, sizeof zone, "Z");
    else if ((*at == '+' || *at == '-') && digits(at + 1, 2) >= 0)
        snprintf(zone, sizeof zone, "%c%02d:%02d", *at, digits(at + 1, 2),
                 at[3] == '\'' && digits(at + 4, 2) >= 0 ? digits(at + 4, 2) : 0);
    snprintf(out, QR_PDF_DATE_BYTES, "%04d-%02d-%02dT%02d:%02d:%02d%s", parts[0], parts[1],
             parts[2], parts[3], parts[4], parts[5], zone);
    return true;
}

static void add_date(struct qr_record *rec, const char *key, const char *value)
{
    char text[QR_PDF_DATE_BYTES];

    add(rec, key, qr_pdf_date(value, text) ? text : value, "info");
}

static const struct {
    const char *info;
    const char *key;
    bool is_date;
} known[] = {
    {"Title", "title", false},         {"Author", "author", false},
    {"Subject", "subject", false},     {"Keywords", "keywords", false},
    {"Creator", "creator", false},     {"Producer", "producer", false},
    {"CreationDate", "created", true}, {"ModDate", "modified", true},
};

static void add_info(fz_context *ctx, pdf_obj *name, pdf_obj *value, struct qr_record *rec)
{
    const char *key = pdf_to_name(ctx, name);
    const char *text = "";
    char own_key[128];

    if (pdf_is_name(ctx, value))
        text = pdf_to_name(ctx, value);
    else if (pdf_is_string(ctx, value))
        text = pdf_to_text_string(ctx, value);
    for (size_t i = 0; i < QR_COUNT(known); i++) {
        if (strcmp(known[i].info, key) != 0)
            continue;
        if (known[i].is_date)
            add_date(rec, known[i].key, text);
        else
            add(rec, known[i].key, text, "info");
        return;
    }
    snprintf(own_key, sizeof own_key, "info:%s", key);
    add(rec, own_key, text, "info");
}

static void read_info(fz_context *ctx, pdf_document *doc, struct qr_record *rec)
{
    pdf_obj *info = pdf_dict_get(ctx, pdf_trailer(ctx, doc), PDF_NAME(Info));
    int n = pdf_dict_len(ctx, info);

    for (int i = 0; i < n && i < INFO_MAX; i++)
        add_info(ctx, pdf_dict_get_key(ctx, info, i), pdf_dict_get_val(ctx, info, i), rec);
}

/* The text of an element: its own, or that of the items of an rdf:Seq, Bag or Alt in it, joined. */
static void collect_text(fz_xml *item, struct qr_buf *out, int depth)
{
    for (fz_xml *at = fz_xml_down(item); at; at = fz_xml_next(at)) {
        const char *text = fz_xml_text(at);
        if (text && text[strspn(text, " \t\r\n")] != '\0') {
            if (out->len > 0)
                qr_buf_append_str(out, "; ");
            qr_buf_append_str(out, text);
        } else if (!text && depth < 4) {
            collect_text(at, out, depth + 1);
        }
    }
}

static void add_xmp(struct qr_record *rec, const char *name, const char *value)
{
    static const struct {
        const char *xmp;
        const char *key;
    } plain[] = {
        {"title", "title"},        {"creator", "author"},      {"description", "subject"},
        {"Keywords", "keywords"},  {"CreatorTool", "creator"}, {"Producer", "producer"},
        {"CreateDate", "created"}, {"ModifyDate", "modified"},
    };
    char key[128];

    for (size_t i = 0; i < QR_COUNT(plain); i++)
        if (strcmp(plain[i].xmp, name) == 0 && !qr_record_find_meta(rec, plain[i].key))
            add(rec, plain[i].key, value, "xmp");
    snprintf(key, sizeof key, "xmp:%s", name);
    if (!qr_record_find_meta(rec, key))
        add(rec, key, value, "xmp");
}

/* One rdf:Description: properties stand as attributes or as elements. MuPDF's parser drops the
 * namespace of elements; names are unambiguous enough without. */
static void read_description(fz_xml *description, struct qr_record *rec)
{
    static const char *const attributes[] = {
        "pdf:Producer",     "pdf:Keywords",     "pdf:PDFVersion",   "xmp:CreatorTool",
        "xmp:CreateDate",   "xmp:ModifyDate",   "xmp:MetadataDate", "dc:format",
        "xmpMM:DocumentID", "xmpMM:InstanceID", "pdfaid:part",      "pdfaid:conformance",
    };
    struct qr_buf text;

    for (size_t i = 0; i < QR_COUNT(attributes); i++) {
        const char *value = fz_xml_att(description, attributes[i]);
        if (value)
            add_xmp(rec, strchr(attributes[i], ':') + 1, value);
    }
    qr_buf_init(&text, rec->limits.value_bytes);
    for (fz_xml *at = fz_xml_down(description); at; at = fz_xml_next(at)) {
        const char *name = fz_xml_tag(at);
        qr_buf_clear(&text);
        if (!name)
            continue;
        collect_text(at, &text, 0);
        if (text.len > 0)
            add_xmp(rec, name, (const char *)text.data);
    }
    qr_buf_done(&text);
}

static void read_xmp(fz_context *ctx, pdf_document *doc, struct qr_record *rec)
{
    pdf_obj *root = pdf_dict_get(ctx, pdf_trailer(ctx, doc), PDF_NAME(Root));
    pdf_obj *stream = pdf_dict_get(ctx, root, PDF_NAME(Metadata));
    fz_buffer *buffer = NULL;
    fz_xml *xml = NULL;

    if (!pdf_is_stream(ctx, stream))
        return;
    fz_var(buffer);
    fz_var(xml);
    fz_try(ctx)
    {
        buffer = pdf_load_stream(ctx, stream);
        if (fz_buffer_storage(ctx, buffer, NULL) > XMP_MAX)
            fz_throw(ctx, FZ_ERROR_GENERIC, "larger than %zu bytes", XMP_MAX);
        xml = fz_parse_xml(ctx, buffer, 0);
        fz_xml *rdf = fz_xml_find_dfs(fz_xml_root(xml), "RDF", NULL, NULL);
        for (fz_xml *at = fz_xml_find_down(rdf, "Description"); at;
             at = fz_xml_find_next(at, "Description"))
            read_description(at, rec);
    }
    fz_always(ctx)
    {
        fz_drop_xml(ctx, xml);
        fz_drop_buffer(ctx, buffer);
    }
    fz_catch(ctx)
    {
        fz_rethrow_if(ctx, FZ_ERROR_MEMORY);
        qr_record_note(rec, "pdf.xmp.damaged", "XMP metadata: %s", fz_caught_message(ctx));
    }
}

void qr_pdf_read_metadata(fz_context *ctx, pdf_document *doc, struct qr_record *rec)
{
    char version[16];
    int number = pdf_version(ctx, doc);

    snprintf(version, sizeof version, "%d.%d", number / 10, number % 10);
    add(rec, "pdf_version", version, "header");
    fz_try(ctx) read_info(ctx, doc, rec);
    fz_catch(ctx)
    {
        fz_rethrow_if(ctx, FZ_ERROR_MEMORY);
        qr_record_note(rec, "pdf.info.damaged", "Info dictionary: %s", fz_caught_message(ctx));
    }
    read_xmp(ctx, doc, rec);
}

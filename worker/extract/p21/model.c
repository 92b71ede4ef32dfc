#include "worker/extract/p21/model.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/record/cad.h"
#include "common/record/parts.h"
#include "worker/extract/p21/container.h"
#include "worker/extract/p21/intern.h"

#define INDEX_PERMILLE 300
#define UNPACKED_MAX ((size_t)512 << 20)

static void passed(void *arg, uint64_t offset)
{
    const struct qr_extract *x = arg;

    qr_input_passed(x->in, offset);
    qr_extract_report(x, (unsigned)(offset * INDEX_PERMILLE / (x->in->size ? x->in->size : 1)));
}

struct qr_p21 *qr_p21_read(const struct qr_extract *x, const char *suffixes)
{
    const struct qr_p21_hooks hooks = {passed, (void *)(uintptr_t)x};
    struct qr_p21 *p21 = NULL;
    struct qr_err err = {0};
    const uint8_t *data;
    uint8_t *unpacked = NULL;

    if (x->in->size == 0) {
        qr_record_fail(x->rec, QR_CLASS_INVALID_INPUT, "the file is empty; hint: copy it again");
        return NULL;
    }
    data = qr_input_map((struct qr_input *)(uintptr_t)x->in, x->rec);
    if (!data)
        return NULL;
    size_t len = (size_t)x->in->size;
    bool packed = qr_p21_container_of(data, len) != QR_P21_BARE;
    size_t max =
        x->job->max_file_bytes < UNPACKED_MAX ? (size_t)x->job->max_file_bytes : UNPACKED_MAX;
    if (packed && !qr_p21_unpack(data, len, suffixes, max, x->rec, &unpacked, &len))
        return NULL;
    int rc = qr_p21_open(packed ? unpacked : data, len, packed ? NULL : &hooks, x->rec, &p21, &err);
    if (rc < 0) {
        qr_record_fail(x->rec, rc == QR_E_NOMEM ? QR_CLASS_RESOURCE : QR_CLASS_INVALID_INPUT, "%s",
                       err.msg);
        free(unpacked);
        return NULL;
    }
    p21->own = unpacked;
    return p21;
}

void qr_p21_release(const struct qr_extract *x) { qr_input_passed(x->in, x->in->size); }

const char *qr_p21_string(struct qr_record *rec, const struct qr_p21_value *value)
{
    struct qr_buf text;
    const char *ret = "";

    qr_buf_init(&text, rec->limits.value_bytes * 4);
    qr_p21_text(value, &text, NULL);
    size_t from = 0;
    size_t len = text.len;
    while (from < len && isspace(text.data[from]))
        from++;
    while (len > from && isspace(text.data[len - 1]))
        len--;
    if (len > from)
        ret = qr_record_string(rec, (const char *)text.data + from, len - from);
    qr_buf_done(&text);
    return ret;
}

static void add_meta(struct qr_record *rec, const char *key, const struct qr_p21_value *value)
{
    const char *text = qr_p21_string(rec, value);

    qr_record_add_meta(rec, key, text, strlen(text), "header");
}

/* A string, or each of a list. */
static void add_metas(struct qr_record *rec, const char *key, struct qr_p21_cursor *cursor)
{
    struct qr_p21_value value;
    struct qr_p21_value item;

    if (!qr_p21_next(cursor, &value))
        return;
    if (value.kind == QR_P21_STRING)
        add_meta(rec, key, &value);
    struct qr_p21_cursor items = qr_p21_enter(&value);
    for (int i = 0; i < 100 && qr_p21_next(&items, &item); i++)
        add_meta(rec, key, &item);
}

/* FILE_SCHEMA(('AUTOMOTIVE_DESIGN { 1 0 10303 214 1 1 1 1 }')): the name in front of the object
 * identifier; a stray dot behind it is met. */
static const char *schema_name(struct qr_record *rec, const char *schema)
{
    size_t len = strcspn(schema, "{");
    char *name = qr_record_string(rec, schema, len);

    len = strlen(name);
    while (len > 0 && (isspace((unsigned char)name[len - 1]) || name[len - 1] == '.'))
        name[--len] = '\0';
    for (char *at = name; *at; at++)
        *at = (char)toupper((unsigned char)*at);
    return name;
}

static void add_header(struct qr_record *rec, const struct qr_p21 *p21)
{
    static const char *const of_name[] = {"file_name", "created", "author",       "organization",
                                          "producer",  "creator", "authorisation"};
    struct qr_p21_cursor cursor = qr_p21_header(p21, "FILE_DESCRIPTION");

    add_metas(rec, "description", &cursor);
    add_metas(rec, "implementation_level", &cursor);
    cursor = qr_p21_header(p21, "FILE_NAME");
    for (size_t i = 0; i < QR_COUNT(of_name); i++)
        add_metas(rec, of_name[i], &cursor);
    cursor = qr_p21_header(p21, "FILE_SCHEMA");
    add_metas(rec, "schema", &cursor);
}

static void add_counts(struct qr_record *rec, const struct qr_p21 *p21)
{
    uint32_t n = qr_p21_types(p21);

    for (uint32_t i = QR_P21_FIRST_TYPE; i < n; i++) {
        const char *name = qr_p21_type_name(p21, i);
        if (qr_p21_type_count(p21, i) > 0)
            qr_cad_add_count(rec, QR_CAD_ENTITIES, name, strlen(name), qr_p21_type_count(p21, i));
    }
}

/* Records elsewhere, by the file they are in. */
static void add_outside(struct qr_record *rec, const struct qr_p21 *p21)
{
    const uint8_t *uri;
    size_t at = 0;
    size_t len;

    for (int i = 0; i < 1000 && qr_p21_outside(p21, &at, &uri, &len); i++) {
        Quarry__V1__Link *link = qr_record_add_link(rec);
        if (!link)
            return;
        link->kind = qr_record_text(rec, "reference");
        link->target = qr_record_string(rec, (const char *)uri, len);
    }
}

void qr_p21_describe(const struct qr_extract *x, const struct qr_p21 *p21, const char *source)
{
    struct qr_record *rec = x->rec;
    Quarry__V1__CadModel *cad = qr_record_cad(rec);

    add_header(rec, p21);
    if (!cad)
        return;
    const char *schema = qr_record_find_meta(rec, "schema");
    cad->mode = qr_record_text(rec, "native");
    cad->source = qr_record_text(rec, source);
    cad->schema = (char *)(uintptr_t)schema_name(rec, schema ? schema : "");
    cad->instances = qr_p21_count(p21);
    cad->complex_instances = qr_p21_complex_count(p21);
    cad->data_sections = qr_p21_sections(p21);
    add_counts(rec, p21);
    add_outside(rec, p21);
    cad->unresolved_references = qr_p21_unresolved(p21);
    if (cad->unresolved_references > 0)
        qr_record_note(rec, "p21.reference.lost", "%llu references lead to no record",
                       (unsigned long long)cad->unresolved_references);
}

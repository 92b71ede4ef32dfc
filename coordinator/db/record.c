#include "coordinator/db/record.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "coordinator/db/json.h"

enum table { METADATA, PAGES, DIMENSIONS, PARAMETERS, MATERIALS, BOM };

/* clang-format off */
#define B QR_OID_BOOL
#define Y QR_OID_BYTEA
#define L QR_OID_INT8
#define I QR_OID_INT4
#define F QR_OID_FLOAT8
#define T QR_OID_TEXT
/* Columns in the order of the statements' parameters (sql/result_*.sql). */
static const struct {
    enum qr_sql sql;
    int n;
    enum qr_oid oid[QR_RESULT_COLUMNS_MAX];
} tables[QR_RESULT_TABLES] = {
    [METADATA] = {QR_SQL_result_metadata, 28,
        {L, L, L, L, L, L, F, I, I, B, B, T, T, T, T, T, T, Y, T, T, T, T, T, T, T, T, T, T}},
    [PAGES] = {QR_SQL_result_pages, 12, {L, I, I, F, F, I, I, B, T, T, T, T}},
    [DIMENSIONS] = {QR_SQL_result_dimensions, 20,
        {L, L, T, F, F, F, F, F, F, I, I, T, T, T, T, T, F, F, F, F}},
    [PARAMETERS] = {QR_SQL_result_parameters, 9, {L, L, T, T, T, T, T, T, T}},
    [MATERIALS] = {QR_SQL_result_materials, 8, {L, L, T, T, F, T, T, F}},
    [BOM] = {QR_SQL_result_bom, 11, {L, L, T, T, T, T, T, T, T, T, I}},
};
#undef B
#undef Y
#undef L
#undef I
#undef F
#undef T
/* clang-format on */

/* ------------------------------------------------------------------ decoding */

static size_t count_items(const qr_record *r)
{
    return r->n_metadata + r->n_pages + r->n_notes + r->n_dimensions + r->n_parameters +
           r->n_materials + r->n_bom + r->n_entities + r->n_paper_entities + r->n_layers +
           r->n_blocks + r->n_title_block + r->n_links + r->n_spans;
}

qr_record *qr_record_decode(const uint8_t *data, size_t len, enum qr_class *ret_class,
                            char *ret_message, size_t message_cap)
{
    ret_message[0] = '\0';
    if (len == 0)
        return NULL;
    if (len > QR_RECORD_BYTES_MAX) {
        *ret_class = QR_CLASS_RESOURCE;
        snprintf(ret_message, message_cap, "the record has %zu bytes, at most %d are stored", len,
                 QR_RECORD_BYTES_MAX);
        return NULL;
    }
    qr_record *record = quarry__v1__extraction_record__unpack(NULL, len, data);
    if (!record) {
        *ret_class = QR_CLASS_INTERNAL;
        snprintf(ret_message, message_cap, "the record of %zu bytes is malformed", len);
        return NULL;
    }
    if (count_items(record) > QR_RECORD_ITEMS_MAX) {
        *ret_class = QR_CLASS_RESOURCE;
        snprintf(ret_message, message_cap, "the record has %zu items, at most %d are stored",
                 count_items(record), QR_RECORD_ITEMS_MAX);
        qr_record_free(record);
        return NULL;
    }
    return record;
}

void qr_record_free(qr_record *record)
{
    if (record)
        quarry__v1__extraction_record__free_unpacked(record, NULL);
}

/* ------------------------------------------------------------------ JSON columns */

static void pair(struct qr_buf *out, bool *first, const char *key, const char *value)
{
    if (!value || !value[0])
        return;
    qr_json_key(out, first, key);
    qr_json_text(out, value);
}

char *qr_record_parameters_json(const qr_record *record)
{
    struct qr_buf out;

    if (!record || record->n_parameters == 0)
        return NULL;
    qr_buf_init(&out, QR_RECORD_BYTES_MAX);
    for (size_t i = 0; i < record->n_parameters; i++) {
        const Quarry__V1__Parameter *p = record->parameters[i];
        bool first = true;
        qr_buf_append_str(&out, i ? ",{" : "[{");
        pair(&out, &first, "name", p->name);
        pair(&out, &first, "value", p->value);
        pair(&out, &first, "type", p->type);
        pair(&out, &first, "unit", p->unit);
        pair(&out, &first, "set", p->set);
        pair(&out, &first, "owner", p->owner);
        pair(&out, &first, "source", p->source);
        qr_buf_append_str(&out, "}");
    }
    qr_buf_append_str(&out, "]");
    return qr_buf_take(&out);
}

char *qr_record_bom_json(const qr_record *record)
{
    struct qr_buf out;

    if (!record || record->n_bom == 0)
        return NULL;
    qr_buf_init(&out, QR_RECORD_BYTES_MAX);
    for (size_t i = 0; i < record->n_bom; i++) {
        const Quarry__V1__BomItem *b = record->bom[i];
        bool first = true;
        qr_buf_append_str(&out, i ? ",{" : "[{");
        pair(&out, &first, "item", b->item);
        pair(&out, &first, "part_number", b->part_number);
        pair(&out, &first, "description", b->description);
        pair(&out, &first, "quantity", b->quantity);
        pair(&out, &first, "unit", b->unit);
        pair(&out, &first, "material", b->material);
        pair(&out, &first, "parent", b->parent);
        pair(&out, &first, "source", b->source);
        qr_buf_append_str(&out, "}");
    }
    qr_buf_append_str(&out, "]");
    return qr_buf_take(&out);
}

/* An object of key: value. A key that comes twice keeps its first value; the other goes under
 * origin:key, so that nothing is lost. */
static void items_json(struct qr_buf *out, Quarry__V1__MetadataItem *const *items, size_t n)
{
    bool first = true;

    qr_buf_append_str(out, "{");
    for (size_t i = 0; i < n; i++) {
        bool twice = false;
        for (size_t k = 0; k < i && !twice && n < 1000; k++)
            twice = strcmp(items[k]->key, items[i]->key) == 0;
        if (twice && items[i]->origin[0]) {
            struct qr_buf key;
            qr_buf_init(&key, QR_RECORD_BYTES_MAX);
            qr_buf_append_str(&key, items[i]->origin);
            qr_buf_append_str(&key, ":");
            qr_buf_append_str(&key, items[i]->key);
            qr_json_key(out, &first, key.failed ? "?" : (const char *)key.data);
            qr_buf_done(&key);
        } else if (!twice) {
            qr_json_key(out, &first, items[i]->key);
        } else {
            continue;
        }
        qr_json_text(out, items[i]->value);
    }
    qr_buf_append_str(out, "}");
}

static void counts_json(struct qr_buf *out, Quarry__V1__Count *const *counts, size_t n)
{
    bool first = true;

    qr_buf_append_str(out, "{");
    for (size_t i = 0; i < n; i++) {
        qr_json_key(out, &first, counts[i]->name);
        qr_json_i64(out, (int64_t)counts[i]->count);
    }
    qr_buf_append_str(out, "}");
}

static void named_json(struct qr_buf *out, Quarry__V1__NamedObject *const *named, size_t n)
{
    qr_buf_append_str(out, "[");
    for (size_t i = 0; i < n; i++) {
        bool first = true;
        qr_buf_append_str(out, i ? ",{" : "{");
        qr_json_key(out, &first, "name");
        qr_json_text(out, named[i]->name);
        for (size_t k = 0; k < named[i]->n_properties; k++)
            pair(out, &first, named[i]->properties[k]->key, named[i]->properties[k]->value);
        qr_buf_append_str(out, "}");
    }
    qr_buf_append_str(out, "]");
}

static void notes_json(struct qr_buf *out, Quarry__V1__Note *const *notes, size_t n)
{
    qr_buf_append_str(out, "[");
    for (size_t i = 0; i < n; i++) {
        bool first = true;
        qr_buf_append_str(out, i ? ",{" : "{");
        pair(out, &first, "code", notes[i]->code);
        qr_json_key(out, &first, "count");
        qr_json_i64(out, notes[i]->count);
        pair(out, &first, "message", notes[i]->message);
        qr_buf_append_str(out, "}");
    }
    qr_buf_append_str(out, "]");
}

static void links_json(struct qr_buf *out, Quarry__V1__Link *const *links, size_t n)
{
    qr_buf_append_str(out, "[");
    for (size_t i = 0; i < n; i++) {
        bool first = true;
        qr_buf_append_str(out, i ? ",{" : "{");
        pair(out, &first, "kind", links[i]->kind);
        pair(out, &first, "target", links[i]->target);
        if (links[i]->page > 0) {
            qr_json_key(out, &first, "page");
            qr_json_i64(out, links[i]->page);
        }
        qr_buf_append_str(out, "}");
    }
    qr_buf_append_str(out, "]");
}

static void box_json(struct qr_buf *out, const Quarry__V1__Box *box)
{
    const double corner[] = {box->x0, box->y0, box->x1, box->y1};

    for (size_t i = 0; i < QR_COUNT(corner); i++) {
        qr_buf_append_str(out, i ? "," : "[");
        qr_json_number(out, corner[i]);
    }
    qr_buf_append_str(out, "]");
}

static void spans_json(struct qr_buf *out, Quarry__V1__Span *const *spans, size_t n)
{
    qr_buf_append_str(out, "[");
    for (size_t i = 0; i < n; i++) {
        const Quarry__V1__Span *s = spans[i];
        bool first = true;
        qr_buf_append_str(out, i ? ",{" : "{");
        pair(out, &first, "text", s->text);
        pair(out, &first, "layout", s->layout);
        pair(out, &first, "font", s->font);
        pair(out, &first, "source", s->source);
        qr_json_key(out, &first, "page");
        qr_json_i64(out, s->page);
        qr_json_key(out, &first, "angle");
        qr_json_number(out, s->angle);
        qr_json_key(out, &first, "height");
        qr_json_number(out, s->height);
        if (s->box) {
            qr_json_key(out, &first, "box");
            box_json(out, s->box);
        }
        qr_buf_append_str(out, "}");
    }
    qr_buf_append_str(out, "]");
}

/* ------------------------------------------------------------------ columns */

/* Walks a table's columns from left to right. */
struct row {
    struct qr_array *column;
};

static struct row row_of(struct qr_results *results, enum table table)
{
    return (struct row){results->column[table]};
}

static void i64(struct row *row, int64_t value) { qr_array_i64(row->column++, value); }
static void i32(struct row *row, int64_t value)
{
    qr_array_i32(row->column++, value > INT32_MAX   ? INT32_MAX
                                : value < INT32_MIN ? INT32_MIN
                                                    : (int32_t)value);
}
static void boolean(struct row *row, bool value) { qr_array_bool(row->column++, value); }
static void null(struct row *row) { qr_array_null(row->column++); }

static void number(struct row *row, double value, bool known)
{
    if (known && isfinite(value))
        qr_array_f64(row->column++, value);
    else
        null(row);
}

static void text_always(struct row *row, const char *value)
{
    struct qr_buf clean;

    if (qr_utf8_is_valid(value)) {
        qr_array_text(row->column++, value);
        return;
    }
    qr_buf_init(&clean, QR_PARAM_BYTES_MAX);
    qr_utf8_clean(&clean, value);
    if (clean.failed)
        row->column->buf.failed = true;
    else
        qr_array_bytes(row->column, clean.data, clean.len);
    row->column++;
    qr_buf_done(&clean);
}

static void text(struct row *row, const char *value)
{
    if (value && value[0])
        text_always(row, value);
    else
        null(row);
}

/* A JSON column from a writer; `n` == 0 is NULL. */
#define JSON(row, writer, items, n)              \
    do {                                         \
        struct qr_buf json_;                     \
        if ((n) == 0) {                          \
            null(row);                           \
            break;                               \
        }                                        \
        qr_buf_init(&json_, QR_PARAM_BYTES_MAX); \
        writer(&json_, items, n);                \
        json_column(row, &json_);                \
    } while (0)

static void json_column(struct row *row, struct qr_buf *json)
{
    if (json->failed)
        row->column->buf.failed = true;
    else
        qr_array_bytes(row->column, json->data, json->len);
    row->column++;
    qr_buf_done(json);
}

static int64_t chars_of(const qr_record *r)
{
    int64_t chars = 0;

    for (size_t i = 0; i < r->n_pages; i++)
        chars += r->pages[i]->chars;
    for (const char *c = r->text; *c; c++)
        chars += ((unsigned char)*c & 0xC0) != 0x80;
    return chars;
}

static void add_metadata(struct qr_results *results, int64_t job_id, int64_t file_id,
                         int64_t run_id, const qr_record *r)
{
    struct row row = row_of(results, METADATA);

    i64(&row, job_id);
    i64(&row, file_id);
    i64(&row, run_id);
    i64(&row, (int64_t)r->bytes);
    i64(&row, chars_of(r));
    i64(&row, (int64_t)r->peak_memory_bytes);
    number(&row, r->completeness, r->completeness > 0);
    i32(&row, (int64_t)r->n_pages);
    i32(&row, r->duration_ms);
    boolean(&row, r->encrypted);
    boolean(&row, r->partial);
    text(&row, r->type);
    text(&row, r->extractor);
    text(&row, r->extractor_version);
    text(&row, r->encoding);
    text_always(&row, r->fallback ? "fallback" : "actual");
    text(&row, r->empty_reason);
    if (r->sha256.len > 0)
        qr_array_bytes(row.column++, r->sha256.data, r->sha256.len);
    else
        null(&row);
    JSON(&row, items_json, r->metadata, r->n_metadata);
    JSON(&row, notes_json, r->notes, r->n_notes);
    JSON(&row, items_json, r->title_block, r->n_title_block);
    JSON(&row, counts_json, r->entities, r->n_entities);
    JSON(&row, counts_json, r->paper_entities, r->n_paper_entities);
    JSON(&row, named_json, r->layers, r->n_layers);
    JSON(&row, named_json, r->blocks, r->n_blocks);
    JSON(&row, links_json, r->links, r->n_links);
    JSON(&row, spans_json, r->spans, r->n_spans);
    if (r->cad_json.len > 0)
        qr_array_bytes(row.column++, r->cad_json.data, r->cad_json.len);
    else
        null(&row);
}

static void add_page(struct qr_results *results, int64_t job_id, const Quarry__V1__Page *p)
{
    struct row row = row_of(results, PAGES);

    i64(&row, job_id);
    i32(&row, p->number);
    i32(&row, p->chars);
    number(&row, p->width_pt, p->width_pt > 0);
    number(&row, p->height_pt, p->height_pt > 0);
    i32(&row, p->rotation);
    i32(&row, p->undecodable);
    boolean(&row, p->image_only);
    text(&row, p->label);
    text(&row, p->error ? qr_class_text((enum qr_class)p->error->class_) : NULL);
    text(&row, p->error ? p->error->message : NULL);
    text_always(&row, p->text);
}

static void add_dimension(struct qr_results *results, int64_t job_id, int64_t file_id,
                          const Quarry__V1__Dimension *d)
{
    struct row row = row_of(results, DIMENSIONS);

    i64(&row, job_id);
    i64(&row, file_id);
    text_always(&row, d->kind);
    number(&row, d->value, d->has_value);
    number(&row, d->raw_value, d->has_raw);
    number(&row, d->computed_value, d->has_computed);
    number(&row, d->upper, d->has_tolerance);
    number(&row, d->lower, d->has_tolerance);
    number(&row, d->confidence, d->confidence > 0);
    i32(&row, d->quantity);
    i32(&row, d->page);
    text(&row, d->text);
    text(&row, d->unit);
    text(&row, d->fit);
    text(&row, d->source);
    text(&row, d->handle);
    number(&row, d->box ? d->box->x0 : 0, d->box);
    number(&row, d->box ? d->box->y0 : 0, d->box);
    number(&row, d->box ? d->box->x1 : 0, d->box);
    number(&row, d->box ? d->box->y1 : 0, d->box);
}

static void add_parameter(struct qr_results *results, int64_t job_id, int64_t file_id,
                          const Quarry__V1__Parameter *p)
{
    struct row row = row_of(results, PARAMETERS);

    i64(&row, job_id);
    i64(&row, file_id);
    text_always(&row, p->name);
    text_always(&row, p->value);
    text(&row, p->type);
    text(&row, p->unit);
    text(&row, p->set);
    text(&row, p->owner);
    text(&row, p->source);
}

static void add_material(struct qr_results *results, int64_t job_id, int64_t file_id,
                         const Quarry__V1__Material *m)
{
    struct row row = row_of(results, MATERIALS);

    i64(&row, job_id);
    i64(&row, file_id);
    text_always(&row, m->name);
    text(&row, m->standard);
    number(&row, m->density, m->density > 0);
    text(&row, m->owner);
    text(&row, m->source);
    number(&row, m->confidence, m->confidence > 0);
}

static void add_bom_item(struct qr_results *results, int64_t job_id, int64_t file_id,
                         const Quarry__V1__BomItem *b)
{
    struct row row = row_of(results, BOM);

    i64(&row, job_id);
    i64(&row, file_id);
    text(&row, b->item);
    text(&row, b->part_number);
    text(&row, b->description);
    text(&row, b->quantity);
    text(&row, b->unit);
    text(&row, b->material);
    text(&row, b->parent);
    text(&row, b->source);
    i32(&row, b->page);
}

void qr_results_add(struct qr_results *results, int64_t job_id, int64_t file_id, int64_t run_id,
                    const qr_record *r)
{
    add_metadata(results, job_id, file_id, run_id, r);
    for (size_t i = 0; i < r->n_pages; i++)
        add_page(results, job_id, r->pages[i]);
    if (r->text[0]) { /* a file without pages: page 0 */
        Quarry__V1__Page whole = QUARRY__V1__PAGE__INIT;
        int64_t chars = chars_of(r);
        whole.chars = chars > INT32_MAX ? INT32_MAX : (uint32_t)chars;
        whole.text = r->text;
        add_page(results, job_id, &whole);
    }
    for (size_t i = 0; i < r->n_dimensions; i++)
        add_dimension(results, job_id, file_id, r->dimensions[i]);
    for (size_t i = 0; i < r->n_parameters; i++)
        add_parameter(results, job_id, file_id, r->parameters[i]);
    for (size_t i = 0; i < r->n_materials; i++)
        add_material(results, job_id, file_id, r->materials[i]);
    for (size_t i = 0; i < r->n_bom; i++)
        add_bom_item(results, job_id, file_id, r->bom[i]);
}

void qr_results_init(struct qr_results *results)
{
    for (int t = 0; t < QR_RESULT_TABLES; t++)
        for (int c = 0; c < tables[t].n; c++)
            qr_array_init(&results->column[t][c], tables[t].oid[c]);
}

void qr_results_done(struct qr_results *results)
{
    for (int t = 0; t < QR_RESULT_TABLES; t++)
        for (int c = 0; c < tables[t].n; c++)
            qr_array_done(&results->column[t][c]);
}

void qr_results_clear(struct qr_results *results)
{
    for (int t = 0; t < QR_RESULT_TABLES; t++)
        for (int c = 0; c < tables[t].n; c++)
            qr_array_clear(&results->column[t][c]);
}

size_t qr_results_calls(struct qr_results *results, struct qr_call *calls)
{
    size_t n = 0;

    for (int t = 0; t < QR_RESULT_TABLES; t++) {
        struct qr_params *params = &results->params[t];
        if (results->column[t][0].n == 0)
            continue;
        qr_params_init(params);
        for (int c = 0; c < tables[t].n; c++)
            qr_param_array(params, &results->column[t][c]);
        calls[n++] = (struct qr_call){tables[t].sql, params};
    }
    return n;
}

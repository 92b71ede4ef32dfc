#include "coordinator/db/record.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "coordinator/db/json.h"
#include "coordinator/db/record_json.h"

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
    [METADATA] = {QR_SQL_result_metadata, 29,
        {L, L, L, L, L, L, F, I, I, B, B, T, T, T, T, T, T, Y, T, T, T, T, T, T, T, T, T, T, T}},
    [PAGES] = {QR_SQL_result_pages, 16, {L, I, I, F, F, I, I, B, B, B, I, F, T, T, T, T}},
    [DIMENSIONS] = {QR_SQL_result_dimensions, 30,
        {L, L, T, F, F, F, F, F, F, I, I, T, T, T, T, T, F, F, F, F, F, F, F, B, B, B, T, T, T, T}},
    [PARAMETERS] = {QR_SQL_result_parameters, 12, {L, L, T, T, T, T, T, T, T, T, T, I}},
    [MATERIALS] = {QR_SQL_result_materials, 10, {L, L, T, T, F, T, T, F, I, T}},
    [BOM] = {QR_SQL_result_bom, 14, {L, L, T, T, T, T, T, T, T, T, I, T, F, T}},
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
           r->n_blocks + r->n_title_block + r->n_links + r->n_spans + r->n_outline +
           r->n_annotations + r->n_attachments + r->n_fonts + r->n_styles + r->n_linetypes +
           r->n_layouts + r->n_gdt + r->n_revisions + r->n_drawing_notes;
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

static void write_details(struct qr_buf *out, const qr_record *r, bool any)
{
    (void)any;
    qr_write_details(out, r);
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
    JSON(&row, qr_write_items, r->metadata, r->n_metadata);
    JSON(&row, qr_write_notes, r->notes, r->n_notes);
    JSON(&row, qr_write_items, r->title_block, r->n_title_block);
    JSON(&row, qr_write_counts, r->entities, r->n_entities);
    JSON(&row, qr_write_counts, r->paper_entities, r->n_paper_entities);
    JSON(&row, qr_write_named, r->layers, r->n_layers);
    JSON(&row, qr_write_named, r->blocks, r->n_blocks);
    JSON(&row, qr_write_links, r->links, r->n_links);
    JSON(&row, qr_write_spans, r->spans, r->n_spans);
    if (r->cad_json.len > 0)
        qr_array_bytes(row.column++, r->cad_json.data, r->cad_json.len);
    else
        null(&row);
    JSON(&row, write_details, r, qr_record_has_details(r));
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
    boolean(&row, p->text_as_paths);
    boolean(&row, p->drawing);
    i32(&row, p->ocr_words);
    number(&row, p->ocr_confidence, p->ocr_words > 0);
    text(&row, p->label);
    text(&row, p->error ? qr_class_text((enum qr_class)p->error->class_) : NULL);
    text(&row, p->error ? p->error->message : NULL);
    text_always(&row, p->text);
}

/* An array of PostgreSQL: unnest() takes no arrays of arrays of unequal length. */
static void write_points(struct qr_buf *out, const Quarry__V1__Dimension *d, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        qr_buf_append_str(out, i ? "," : "{");
        if (isfinite(d->points[i]))
            qr_json_number(out, d->points[i]);
        else
            qr_buf_append_str(out, "NULL");
    }
    qr_buf_append_str(out, "}");
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
    number(&row, d->scale_factor, d->scale_factor > 0 || d->scale_factor < 0);
    number(&row, d->secondary_value, d->has_secondary);
    number(&row, d->angle, d->box);
    boolean(&row, d->disagrees);
    boolean(&row, d->reference);
    boolean(&row, d->basic);
    text(&row, d->layout);
    text(&row, d->prefix);
    text(&row, d->suffix);
    JSON(&row, write_points, d, d->n_points);
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
    text(&row, p->handle);
    text(&row, p->place ? p->place->layout : NULL);
    i32(&row, p->place ? p->place->page : 0);
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
    i32(&row, m->place ? m->place->page : 0);
    text(&row, m->place ? m->place->layout : NULL);
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
    i32(&row, b->place && b->place->page > 0 ? b->place->page : b->page);
    text(&row, b->place ? b->place->layout : NULL);
    number(&row, b->confidence, b->confidence > 0);
    JSON(&row, qr_write_items, b->other, b->n_other);
}

/* ------------------------------------------------------------------ parts of a large batch */

/* Full columns, waiting to be sent. */
struct qr_result_part {
    struct qr_result_part *next;
    struct qr_array column[QR_RESULT_TABLES][QR_RESULT_COLUMNS_MAX];
};

static void columns_init(struct qr_array column[][QR_RESULT_COLUMNS_MAX])
{
    for (int t = 0; t < QR_RESULT_TABLES; t++)
        for (int c = 0; c < tables[t].n; c++)
            qr_array_init(&column[t][c], tables[t].oid[c]);
}

static void columns_done(struct qr_array column[][QR_RESULT_COLUMNS_MAX])
{
    for (int t = 0; t < QR_RESULT_TABLES; t++)
        for (int c = 0; c < tables[t].n; c++)
            qr_array_done(&column[t][c]);
}

static void free_parts(struct qr_results *results)
{
    while (results->full) {
        struct qr_result_part *part = results->full;
        results->full = part->next;
        columns_done(part->column);
        free(part);
    }
    results->last = &results->full;
}

/* Before a row of about `bytes`: what is full moves aside. */
static void make_room(struct qr_results *results, size_t bytes)
{
    results->bytes += bytes + 100; /* numbers, and lengths of what is absent */
    if (results->bytes <= QR_RESULT_PART_BYTES || results->bytes == bytes + 100)
        return;
    struct qr_result_part *part = malloc(sizeof *part);
    if (!part) {
        results->failed = true;
        return;
    }
    memcpy(part->column, results->column, sizeof part->column);
    part->next = NULL;
    *results->last = part;
    results->last = &part->next;
    columns_init(results->column);
    results->bytes = bytes + 100;
}

static size_t calls_of(struct qr_array column[][QR_RESULT_COLUMNS_MAX], struct qr_params *params,
                       struct qr_call *calls)
{
    size_t n = 0;

    for (int t = 0; t < QR_RESULT_TABLES; t++) {
        if (column[t][0].n == 0)
            continue;
        qr_params_init(&params[t]);
        for (int c = 0; c < tables[t].n; c++)
            qr_param_array(&params[t], &column[t][c]);
        calls[n++] = (struct qr_call){tables[t].sql, &params[t]};
    }
    return n;
}

int qr_results_send_full(struct qr_conn *conn, struct qr_results *results, struct qr_err *err)
{
    int rc = results->failed ? qr_fail(err, QR_E_NOMEM, "settle: out of memory") : QR_OK;

    for (struct qr_result_part *p = results->full; p && rc == QR_OK; p = p->next) {
        struct qr_call calls[QR_RESULT_TABLES];
        PGresult *answers[QR_RESULT_TABLES] = {NULL};
        size_t n = calls_of(p->column, results->params, calls);
        if (n > 0)
            rc = qr_conn_pipeline(conn, calls, n, answers, err);
        for (size_t i = 0; i < n; i++)
            PQclear(answers[i]);
    }
    return rc;
}

/* ------------------------------------------------------------------ a whole record */

static size_t length(const char *text) { return text ? strlen(text) : 0; }

void qr_results_add(struct qr_results *results, int64_t job_id, int64_t file_id, int64_t run_id,
                    const qr_record *r)
{
    make_room(results, r->n_metadata * 64 + r->n_layers * 64 + r->n_blocks * 64);
    add_metadata(results, job_id, file_id, run_id, r);
    for (size_t i = 0; i < r->n_pages; i++) {
        make_room(results, length(r->pages[i]->text));
        add_page(results, job_id, r->pages[i]);
    }
    if (r->text[0]) { /* a file without pages: page 0 */
        Quarry__V1__Page whole = QUARRY__V1__PAGE__INIT;
        int64_t chars = chars_of(r);
        whole.chars = chars > INT32_MAX ? INT32_MAX : (uint32_t)chars;
        whole.text = r->text;
        make_room(results, length(r->text));
        add_page(results, job_id, &whole);
    }
    for (size_t i = 0; i < r->n_dimensions; i++) {
        make_room(results, 300);
        add_dimension(results, job_id, file_id, r->dimensions[i]);
    }
    for (size_t i = 0; i < r->n_parameters; i++) {
        make_room(results, length(r->parameters[i]->name) + length(r->parameters[i]->value));
        add_parameter(results, job_id, file_id, r->parameters[i]);
    }
    for (size_t i = 0; i < r->n_materials; i++) {
        make_room(results, length(r->materials[i]->name));
        add_material(results, job_id, file_id, r->materials[i]);
    }
    for (size_t i = 0; i < r->n_bom; i++) {
        make_room(results, 300);
        add_bom_item(results, job_id, file_id, r->bom[i]);
    }
}

void qr_results_init(struct qr_results *results)
{
    columns_init(results->column);
    results->bytes = 0;
    results->failed = false;
    results->full = NULL;
    results->last = &results->full;
}

void qr_results_done(struct qr_results *results)
{
    columns_done(results->column);
    free_parts(results);
}

void qr_results_clear(struct qr_results *results)
{
    for (int t = 0; t < QR_RESULT_TABLES; t++)
        for (int c = 0; c < tables[t].n; c++)
            qr_array_clear(&results->column[t][c]);
    results->bytes = 0;
    results->failed = false;
    free_parts(results);
}

size_t qr_results_calls(struct qr_results *results, struct qr_call *calls)
{
    return calls_of(results->column, results->params, calls);
}

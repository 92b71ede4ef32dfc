#include "coordinator/db/record.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "coordinator/db/record_rows.h"

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
    [QR_RESULT_METADATA] = {QR_SQL_result_metadata, 29,
        {L, L, L, L, L, L, F, I, I, B, B, T, T, T, T, T, T, Y, T, T, T, T, T, T, T, T, T, T, T}},
    [QR_RESULT_PAGES] = {QR_SQL_result_pages, 16, {L, I, I, F, F, I, I, B, B, B, I, F, T, T, T, T}},
    [QR_RESULT_DIMENSIONS] = {QR_SQL_result_dimensions, 30,
        {L, L, T, F, F, F, F, F, F, I, I, T, T, T, T, T, F, F, F, F, F, F, F, B, B, B, T, T, T, T}},
    [QR_RESULT_PARAMETERS] = {QR_SQL_result_parameters, 12, {L, L, T, T, T, T, T, T, T, T, T, I}},
    [QR_RESULT_MATERIALS] = {QR_SQL_result_materials, 10, {L, L, T, T, F, T, T, F, I, T}},
    [QR_RESULT_BOM] = {QR_SQL_result_bom, 14, {L, L, T, T, T, T, T, T, T, T, I, T, F, T}},
    [QR_RESULT_MODELS] = {QR_SQL_result_models, 42,
        {L, L, L, T, T, T, T, T, T, T, T, T, T, F, L, T, T, I, I, I, I, I, I, I, I, I, T, T, T, F, F, F, F, T,
         Y, Y, I, T, T, T, T, T}},
    [QR_RESULT_EMBEDDINGS] = {QR_SQL_result_embeddings, 4, {L, T, T, T}},
    [QR_RESULT_ASSEMBLIES] = {QR_SQL_result_assemblies, 8, {L, T, T, F, T, T, B, B}},
    [QR_RESULT_FEATURES] = {QR_SQL_result_features, 8, {L, T, T, T, T, T, T, T}},
    [QR_RESULT_VIEWS] = {QR_SQL_result_views, 7, {L, T, I, I, T, T, Y}},
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
           r->n_layouts + r->n_gdt + r->n_revisions + r->n_drawing_notes + qr_model_items(r);
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

void qr_results_room(struct qr_results *results, size_t bytes)
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
                    const char *status, const qr_record *r)
{
    qr_results_room(results, r->n_metadata * 64 + r->n_layers * 64 + r->n_blocks * 64);
    qr_rows_metadata(results, job_id, file_id, run_id, r);
    for (size_t i = 0; i < r->n_pages; i++) {
        qr_results_room(results, length(r->pages[i]->text));
        qr_rows_page(results, job_id, r->pages[i]);
    }
    if (r->text[0]) { /* a file without pages: page 0 */
        Quarry__V1__Page whole = QUARRY__V1__PAGE__INIT;
        int64_t chars = qr_record_chars(r);
        whole.chars = chars > INT32_MAX ? INT32_MAX : (uint32_t)chars;
        whole.text = r->text;
        qr_results_room(results, length(r->text));
        qr_rows_page(results, job_id, &whole);
    }
    for (size_t i = 0; i < r->n_dimensions; i++) {
        qr_results_room(results, 300);
        qr_rows_dimension(results, job_id, file_id, r->dimensions[i]);
    }
    for (size_t i = 0; i < r->n_parameters; i++) {
        qr_results_room(results, length(r->parameters[i]->name) + length(r->parameters[i]->value));
        qr_rows_parameter(results, job_id, file_id, r->parameters[i]);
    }
    for (size_t i = 0; i < r->n_materials; i++) {
        qr_results_room(results, length(r->materials[i]->name));
        qr_rows_material(results, job_id, file_id, r->materials[i]);
    }
    for (size_t i = 0; i < r->n_bom; i++) {
        qr_results_room(results, 300);
        qr_rows_bom_item(results, job_id, file_id, r->bom[i]);
    }
    qr_rows_model(results, &(struct qr_model_key){job_id, file_id, run_id, status}, r);
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

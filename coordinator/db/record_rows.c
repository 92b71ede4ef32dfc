/* One finding, one row: the columns of the tables, from left to right, in the order of the
 * statements' parameters (sql/result_*.sql; record.c has their types). */
#include <math.h>
#include <string.h>

#include "coordinator/db/json.h"
#include "coordinator/db/record_json.h"
#include "coordinator/db/record_row.h"
#include "coordinator/db/record_rows.h"

/* ------------------------------------------------------------------ columns */

void qr_row_text_always(struct row *row, const char *value)
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

void qr_row_json(struct row *row, struct qr_buf *json)
{
    if (json->failed)
        row->column->buf.failed = true;
    else
        qr_array_bytes(row->column, json->data, json->len);
    row->column++;
    qr_buf_done(json);
}

/* An array of PostgreSQL: unnest() takes no arrays of arrays of unequal length. */
void qr_row_numbers(struct row *row, const double *values, size_t n)
{
    struct qr_buf out;

    if (n == 0) {
        null(row);
        return;
    }
    qr_buf_init(&out, QR_PARAM_BYTES_MAX);
    for (size_t i = 0; i < n; i++) {
        qr_buf_append_str(&out, i ? "," : "{");
        if (isfinite(values[i]))
            qr_json_number(&out, values[i]);
        else
            qr_buf_append_str(&out, "NULL");
    }
    qr_buf_append_str(&out, "}");
    qr_row_json(row, &out);
}

int64_t qr_record_chars(const qr_record *r)
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

void qr_rows_metadata(struct qr_results *results, int64_t job_id, int64_t file_id, int64_t run_id,
                      const qr_record *r)
{
    struct row row = row_of(results, QR_RESULT_METADATA);

    i64(&row, job_id);
    i64(&row, file_id);
    i64(&row, run_id);
    i64(&row, (int64_t)r->bytes);
    i64(&row, qr_record_chars(r));
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
    qr_row_text_always(&row, r->fallback ? "fallback" : "actual");
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
    null(&row); /* models have tables of their own */
    JSON(&row, write_details, r, qr_record_has_details(r));
}

void qr_rows_page(struct qr_results *results, int64_t job_id, const Quarry__V1__Page *p)
{
    struct row row = row_of(results, QR_RESULT_PAGES);

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
    qr_row_text_always(&row, p->text);
}

void qr_rows_dimension(struct qr_results *results, int64_t job_id, int64_t file_id,
                       const Quarry__V1__Dimension *d)
{
    struct row row = row_of(results, QR_RESULT_DIMENSIONS);

    i64(&row, job_id);
    i64(&row, file_id);
    qr_row_text_always(&row, d->kind);
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
    qr_row_numbers(&row, d->points, d->n_points);
}

void qr_rows_parameter(struct qr_results *results, int64_t job_id, int64_t file_id,
                       const Quarry__V1__Parameter *p)
{
    struct row row = row_of(results, QR_RESULT_PARAMETERS);

    i64(&row, job_id);
    i64(&row, file_id);
    qr_row_text_always(&row, p->name);
    qr_row_text_always(&row, p->value);
    text(&row, p->type);
    text(&row, p->unit);
    text(&row, p->set);
    text(&row, p->owner);
    text(&row, p->source);
    text(&row, p->handle);
    text(&row, p->place ? p->place->layout : NULL);
    i32(&row, p->place ? p->place->page : 0);
}

void qr_rows_material(struct qr_results *results, int64_t job_id, int64_t file_id,
                      const Quarry__V1__Material *m)
{
    struct row row = row_of(results, QR_RESULT_MATERIALS);

    i64(&row, job_id);
    i64(&row, file_id);
    qr_row_text_always(&row, m->name);
    text(&row, m->standard);
    number(&row, m->density, m->density > 0);
    text(&row, m->owner);
    text(&row, m->source);
    number(&row, m->confidence, m->confidence > 0);
    i32(&row, m->place ? m->place->page : 0);
    text(&row, m->place ? m->place->layout : NULL);
}

void qr_rows_bom_item(struct qr_results *results, int64_t job_id, int64_t file_id,
                      const Quarry__V1__BomItem *b)
{
    struct row row = row_of(results, QR_RESULT_BOM);

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

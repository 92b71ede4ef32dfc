#include "coordinator/db/record_json.h"

#include <string.h>

#include "coordinator/db/json.h"

static void pair(struct qr_buf *out, bool *first, const char *key, const char *value)
{
    if (!value || !value[0])
        return;
    qr_json_key(out, first, key);
    qr_json_text(out, value);
}

static void number_pair(struct qr_buf *out, bool *first, const char *key, double value)
{
    if (!(value > 0 || value < 0)) /* 0 and NaN say nothing */
        return;
    qr_json_key(out, first, key);
    qr_json_number(out, value);
}

static void flag_pair(struct qr_buf *out, bool *first, const char *key, bool value)
{
    if (!value)
        return;
    qr_json_key(out, first, key);
    qr_buf_append_str(out, "true");
}

static void page_pair(struct qr_buf *out, bool *first, uint32_t page)
{
    if (page == 0)
        return;
    qr_json_key(out, first, "page");
    qr_json_i64(out, page);
}

static void box_pair(struct qr_buf *out, bool *first, const Quarry__V1__Box *box)
{
    if (!box)
        return;
    const double corner[] = {box->x0, box->y0, box->x1, box->y1};

    qr_json_key(out, first, "box");
    for (size_t i = 0; i < QR_COUNT(corner); i++) {
        qr_buf_append_str(out, i ? "," : "[");
        qr_json_number(out, corner[i]);
    }
    qr_buf_append_str(out, "]");
}

static void place_pairs(struct qr_buf *out, bool *first, const Quarry__V1__Place *place)
{
    if (!place)
        return;
    page_pair(out, first, place->page);
    pair(out, first, "layout", place->layout);
    box_pair(out, first, place->box);
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

void qr_write_items(struct qr_buf *out, Quarry__V1__MetadataItem *const *items, size_t n)
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

void qr_write_counts(struct qr_buf *out, Quarry__V1__Count *const *counts, size_t n)
{
    bool first = true;

    qr_buf_append_str(out, "{");
    for (size_t i = 0; i < n; i++) {
        qr_json_key(out, &first, counts[i]->name);
        qr_json_i64(out, (int64_t)counts[i]->count);
    }
    qr_buf_append_str(out, "}");
}

void qr_write_named(struct qr_buf *out, Quarry__V1__NamedObject *const *named, size_t n)
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

void qr_write_notes(struct qr_buf *out, Quarry__V1__Note *const *notes, size_t n)
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

void qr_write_links(struct qr_buf *out, Quarry__V1__Link *const *links, size_t n)
{
    qr_buf_append_str(out, "[");
    for (size_t i = 0; i < n; i++) {
        bool first = true;
        qr_buf_append_str(out, i ? ",{" : "{");
        pair(out, &first, "kind", links[i]->kind);
        pair(out, &first, "target", links[i]->target);
        page_pair(out, &first, links[i]->page);
        box_pair(out, &first, links[i]->box);
        qr_buf_append_str(out, "}");
    }
    qr_buf_append_str(out, "]");
}

void qr_write_spans(struct qr_buf *out, Quarry__V1__Span *const *spans, size_t n)
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
        page_pair(out, &first, s->page);
        number_pair(out, &first, "angle", s->angle);
        number_pair(out, &first, "height", s->height);
        number_pair(out, &first, "confidence", s->confidence);
        box_pair(out, &first, s->box);
        qr_buf_append_str(out, "}");
    }
    qr_buf_append_str(out, "]");
}

/* ------------------------------------------------------------------ details */

static void write_gdt(struct qr_buf *out, const Quarry__V1__GeometricTolerance *g)
{
    bool first = true;

    qr_buf_append_str(out, "{");
    pair(out, &first, "characteristic", g->characteristic);
    if (g->has_value) {
        qr_json_key(out, &first, "value");
        qr_json_number(out, g->value);
    }
    flag_pair(out, &first, "diameter_zone", g->diameter_zone);
    pair(out, &first, "modifiers", g->modifiers);
    if (g->n_datums > 0)
        qr_json_key(out, &first, "datums");
    for (size_t i = 0; i < g->n_datums; i++) {
        qr_buf_append_str(out, i ? "," : "[");
        qr_json_text(out, g->datums[i]);
    }
    if (g->n_datums > 0)
        qr_buf_append_str(out, "]");
    pair(out, &first, "text", g->text);
    pair(out, &first, "source", g->source);
    number_pair(out, &first, "confidence", g->confidence);
    place_pairs(out, &first, g->place);
    pair(out, &first, "handle", g->handle);
    qr_buf_append_str(out, "}");
}

static void write_revision(struct qr_buf *out, const Quarry__V1__Revision *r)
{
    bool first = true;

    qr_buf_append_str(out, "{");
    pair(out, &first, "revision", r->revision);
    pair(out, &first, "date", r->date);
    pair(out, &first, "description", r->description);
    pair(out, &first, "author", r->author);
    pair(out, &first, "zone", r->zone);
    place_pairs(out, &first, r->place);
    qr_buf_append_str(out, "}");
}

static void write_drawing_note(struct qr_buf *out, const Quarry__V1__DrawingNote *n)
{
    bool first = true;

    qr_buf_append_str(out, "{");
    pair(out, &first, "number", n->number);
    pair(out, &first, "text", n->text);
    place_pairs(out, &first, n->place);
    qr_buf_append_str(out, "}");
}

static void write_outline_item(struct qr_buf *out, const Quarry__V1__OutlineItem *o)
{
    bool first = true;

    qr_buf_append_str(out, "{");
    pair(out, &first, "title", o->title);
    qr_json_key(out, &first, "level");
    qr_json_i64(out, o->level);
    page_pair(out, &first, o->page);
    pair(out, &first, "target", o->target);
    qr_buf_append_str(out, "}");
}

static void write_annotation(struct qr_buf *out, const Quarry__V1__Annotation *a)
{
    bool first = true;

    qr_buf_append_str(out, "{");
    pair(out, &first, "kind", a->kind);
    pair(out, &first, "text", a->text);
    pair(out, &first, "author", a->author);
    pair(out, &first, "modified", a->modified);
    place_pairs(out, &first, a->place);
    qr_buf_append_str(out, "}");
}

static void write_attachment(struct qr_buf *out, const Quarry__V1__Attachment *a)
{
    bool first = true;

    qr_buf_append_str(out, "{");
    pair(out, &first, "name", a->name);
    pair(out, &first, "description", a->description);
    pair(out, &first, "media_type", a->media_type);
    number_pair(out, &first, "bytes", (double)a->bytes);
    pair(out, &first, "modified", a->modified);
    qr_buf_append_str(out, "}");
}

/* Where each field stands, by the keys of the title block. */
static void write_title_places(struct qr_buf *out, bool *first, const qr_record *r)
{
    bool first_field = true;

    if (r->n_title_block == 0)
        return;
    qr_json_key(out, first, "title_block_places");
    qr_buf_append_str(out, "{");
    for (size_t i = 0; i < r->n_title_block; i++) {
        const Quarry__V1__MetadataItem *item = r->title_block[i];
        bool first_pair = true;
        qr_json_key(out, &first_field, item->key);
        qr_buf_append_str(out, "{");
        pair(out, &first_pair, "origin", item->origin);
        number_pair(out, &first_pair, "confidence", item->confidence);
        place_pairs(out, &first_pair, item->place);
        qr_buf_append_str(out, "}");
    }
    qr_buf_append_str(out, "}");
}

/* A list of objects under its name; nothing when it is empty. */
#define WRITE_EACH(out, first, name, r, list, writer)   \
    do {                                                \
        if ((r)->n_##list == 0)                         \
            break;                                      \
        qr_json_key(out, first, name);                  \
        for (size_t i_ = 0; i_ < (r)->n_##list; i_++) { \
            qr_buf_append_str(out, i_ ? "," : "[");     \
            writer(out, (r)->list[i_]);                 \
        }                                               \
        qr_buf_append_str(out, "]");                    \
    } while (0)

static void write_named_list(struct qr_buf *out, bool *first, const char *name,
                             Quarry__V1__NamedObject *const *named, size_t n)
{
    if (n == 0)
        return;
    qr_json_key(out, first, name);
    qr_write_named(out, named, n);
}

bool qr_record_has_details(const qr_record *r)
{
    return r->n_outline + r->n_annotations + r->n_attachments + r->n_fonts + r->n_styles +
               r->n_linetypes + r->n_layouts + r->n_gdt + r->n_revisions + r->n_drawing_notes +
               r->n_title_block >
           0;
}

void qr_write_details(struct qr_buf *out, const qr_record *r)
{
    bool first = true;

    qr_buf_append_str(out, "{");
    write_title_places(out, &first, r);
    WRITE_EACH(out, &first, "gdt", r, gdt, write_gdt);
    WRITE_EACH(out, &first, "revisions", r, revisions, write_revision);
    WRITE_EACH(out, &first, "drawing_notes", r, drawing_notes, write_drawing_note);
    WRITE_EACH(out, &first, "outline", r, outline, write_outline_item);
    WRITE_EACH(out, &first, "annotations", r, annotations, write_annotation);
    WRITE_EACH(out, &first, "attachments", r, attachments, write_attachment);
    write_named_list(out, &first, "fonts", r->fonts, r->n_fonts);
    write_named_list(out, &first, "styles", r->styles, r->n_styles);
    write_named_list(out, &first, "linetypes", r->linetypes, r->n_linetypes);
    write_named_list(out, &first, "layouts", r->layouts, r->n_layouts);
    qr_buf_append_str(out, "}");
}

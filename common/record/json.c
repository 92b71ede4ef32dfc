/* The record as JSON. The names are a contract: docs/record.md. */
#include "common/record/record.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static void put_string(json_t *to, const char *name, const char *value)
{
    if (value && value[0] != '\0')
        json_object_set_new(to, name, json_string(value));
}

static void put_number(json_t *to, const char *name, double value)
{
    if (isfinite(value))
        json_object_set_new(to, name, json_real(value));
}

static void put_count(json_t *to, const char *name, uint64_t value)
{
    json_object_set_new(to, name, json_integer((json_int_t)value));
}

static void put_flag(json_t *to, const char *name, bool value)
{
    if (value)
        json_object_set_new(to, name, json_true());
}

/* A list is left out when it is empty; this steals the reference. */
static void put_list(json_t *to, const char *name, json_t *list)
{
    if (json_array_size(list) > 0 || json_object_size(list) > 0)
        json_object_set_new(to, name, list);
    else
        json_decref(list);
}

static json_t *failure_json(const Quarry__V1__Failure *failure)
{
    json_t *out = json_object();
    json_object_set_new(out, "class", json_string(qr_class_text((enum qr_class)failure->class_)));
    json_object_set_new(out, "message", json_string(failure->message));
    return out;
}

/* Key to value; a key that comes again makes its value a list. */
static json_t *metadata_json(Quarry__V1__MetadataItem *const *items, size_t n)
{
    json_t *out = json_object();

    for (size_t i = 0; i < n; i++) {
        json_t *have = json_object_get(out, items[i]->key);
        if (!have) {
            json_object_set_new(out, items[i]->key, json_string(items[i]->value));
        } else if (json_is_array(have)) {
            json_array_append_new(have, json_string(items[i]->value));
        } else {
            json_t *list = json_array();
            json_array_append(list, have);
            json_array_append_new(list, json_string(items[i]->value));
            json_object_set_new(out, items[i]->key, list);
        }
    }
    return out;
}

static json_t *page_json(const Quarry__V1__Page *page)
{
    json_t *out = json_object();

    put_count(out, "number", page->number);
    put_number(out, "width_pt", page->width_pt);
    put_number(out, "height_pt", page->height_pt);
    put_count(out, "chars", page->chars);
    if (page->rotation != 0)
        put_count(out, "rotation", page->rotation);
    put_string(out, "label", page->label);
    put_flag(out, "image_only", page->image_only);
    if (page->undecodable > 0)
        put_count(out, "undecodable", page->undecodable);
    if (page->error)
        json_object_set_new(out, "error", failure_json(page->error));
    return out;
}

/* All pages' text, joined by form feeds. */
static json_t *joined_text(const Quarry__V1__ExtractionRecord *msg)
{
    size_t size = 1;

    for (size_t i = 0; i < msg->n_pages; i++)
        size += strlen(msg->pages[i]->text) + 1;
    char *text = malloc(size);
    if (!text)
        return NULL;
    size_t at = 0;
    for (size_t i = 0; i < msg->n_pages; i++) {
        size_t len = strlen(msg->pages[i]->text);
        memcpy(text + at, msg->pages[i]->text, len);
        at += len;
        if (i + 1 < msg->n_pages)
            text[at++] = '\f';
    }
    json_t *out = json_stringn(text, at);
    free(text);
    return out;
}

static void put_pages(json_t *to, const Quarry__V1__ExtractionRecord *msg)
{
    json_t *pages = json_array();
    bool any = false;

    for (size_t i = 0; i < msg->n_pages; i++) {
        json_array_append_new(pages, page_json(msg->pages[i]));
        any = any || msg->pages[i]->text[0] != '\0';
    }
    if (any)
        json_object_set_new(to, "text", joined_text(msg));
    else
        put_string(to, "text", msg->text);
    put_list(to, "pages", pages);
}

static json_t *notes_json(const Quarry__V1__ExtractionRecord *msg)
{
    json_t *out = json_array();

    for (size_t i = 0; i < msg->n_notes; i++) {
        json_t *note = json_object();
        put_string(note, "code", msg->notes[i]->code);
        put_count(note, "count", msg->notes[i]->count);
        put_string(note, "message", msg->notes[i]->message);
        json_array_append_new(out, note);
    }
    return out;
}

static json_t *box_json(const Quarry__V1__Box *box)
{
    json_t *out = json_array();
    const double edges[] = {box->x0, box->y0, box->x1, box->y1};

    for (size_t i = 0; i < QR_COUNT(edges); i++)
        json_array_append_new(out, json_real(isfinite(edges[i]) ? edges[i] : 0.0));
    return out;
}

static json_t *dimensions_json(const Quarry__V1__ExtractionRecord *msg)
{
    json_t *out = json_array();

    for (size_t i = 0; i < msg->n_dimensions; i++) {
        const Quarry__V1__Dimension *dim = msg->dimensions[i];
        json_t *item = json_object();
        put_string(item, "kind", dim->kind);
        if (dim->has_value)
            put_number(item, "value", dim->value);
        if (dim->has_raw)
            put_number(item, "raw_value", dim->raw_value);
        if (dim->has_computed)
            put_number(item, "computed_value", dim->computed_value);
        put_string(item, "text", dim->text);
        put_string(item, "unit", dim->unit);
        if (dim->has_tolerance) {
            put_number(item, "upper", dim->upper);
            put_number(item, "lower", dim->lower);
        }
        put_string(item, "fit", dim->fit);
        if (dim->quantity > 0)
            put_count(item, "quantity", dim->quantity);
        put_string(item, "source", dim->source);
        if (dim->confidence > 0)
            put_number(item, "confidence", dim->confidence);
        if (dim->page > 0)
            put_count(item, "page", dim->page);
        if (dim->box)
            json_object_set_new(item, "box", box_json(dim->box));
        put_string(item, "handle", dim->handle);
        json_array_append_new(out, item);
    }
    return out;
}

static json_t *parameters_json(const Quarry__V1__ExtractionRecord *msg)
{
    json_t *out = json_array();

    for (size_t i = 0; i < msg->n_parameters; i++) {
        const Quarry__V1__Parameter *parameter = msg->parameters[i];
        json_t *item = json_object();
        put_string(item, "set", parameter->set);
        put_string(item, "name", parameter->name);
        put_string(item, "value", parameter->value);
        put_string(item, "type", parameter->type);
        put_string(item, "unit", parameter->unit);
        put_string(item, "owner", parameter->owner);
        put_string(item, "source", parameter->source);
        json_array_append_new(out, item);
    }
    return out;
}

static json_t *materials_json(const Quarry__V1__ExtractionRecord *msg)
{
    json_t *out = json_array();

    for (size_t i = 0; i < msg->n_materials; i++) {
        const Quarry__V1__Material *material = msg->materials[i];
        json_t *item = json_object();
        put_string(item, "name", material->name);
        put_string(item, "standard", material->standard);
        if (material->density > 0)
            put_number(item, "density", material->density);
        put_string(item, "owner", material->owner);
        put_string(item, "source", material->source);
        if (material->confidence > 0)
            put_number(item, "confidence", material->confidence);
        json_array_append_new(out, item);
    }
    return out;
}

static json_t *bom_json(const Quarry__V1__ExtractionRecord *msg)
{
    json_t *out = json_array();

    for (size_t i = 0; i < msg->n_bom; i++) {
        const Quarry__V1__BomItem *row = msg->bom[i];
        json_t *item = json_object();
        put_string(item, "item", row->item);
        put_string(item, "part_number", row->part_number);
        put_string(item, "description", row->description);
        put_string(item, "quantity", row->quantity);
        put_string(item, "unit", row->unit);
        put_string(item, "material", row->material);
        put_string(item, "parent", row->parent);
        put_string(item, "source", row->source);
        if (row->page > 0)
            put_count(item, "page", row->page);
        json_array_append_new(out, item);
    }
    return out;
}

static json_t *counts_json(Quarry__V1__Count *const *counts, size_t n)
{
    json_t *out = json_object();

    for (size_t i = 0; i < n; i++)
        put_count(out, counts[i]->name, counts[i]->count);
    return out;
}

static json_t *named_json(Quarry__V1__NamedObject *const *objects, size_t n)
{
    json_t *out = json_array();

    for (size_t i = 0; i < n; i++) {
        json_t *item = metadata_json(objects[i]->properties, objects[i]->n_properties);
        json_object_set_new(item, "name", json_string(objects[i]->name));
        json_array_append_new(out, item);
    }
    return out;
}

static json_t *links_json(const Quarry__V1__ExtractionRecord *msg)
{
    json_t *out = json_array();

    for (size_t i = 0; i < msg->n_links; i++) {
        json_t *item = json_object();
        put_string(item, "kind", msg->links[i]->kind);
        put_string(item, "target", msg->links[i]->target);
        if (msg->links[i]->page > 0)
            put_count(item, "page", msg->links[i]->page);
        json_array_append_new(out, item);
    }
    return out;
}

static void put_sha256(json_t *to, const ProtobufCBinaryData *digest)
{
    static const char digits[] = "0123456789abcdef";
    char hex[65];

    if (digest->len != 32)
        return;
    for (size_t i = 0; i < 32; i++) {
        hex[2 * i] = digits[digest->data[i] >> 4];
        hex[2 * i + 1] = digits[digest->data[i] & 15];
    }
    hex[64] = '\0';
    put_string(to, "sha256", hex);
}

/* What the drawing and model formats fill. */
static void put_drawing(json_t *to, const Quarry__V1__ExtractionRecord *msg)
{
    put_list(to, "dimensions", dimensions_json(msg));
    put_list(to, "parameters", parameters_json(msg));
    put_list(to, "materials", materials_json(msg));
    put_list(to, "bom", bom_json(msg));
    put_list(to, "entities", counts_json(msg->entities, msg->n_entities));
    put_list(to, "paper_entities", counts_json(msg->paper_entities, msg->n_paper_entities));
    put_list(to, "layers", named_json(msg->layers, msg->n_layers));
    put_list(to, "blocks", named_json(msg->blocks, msg->n_blocks));
    put_list(to, "title_block", metadata_json(msg->title_block, msg->n_title_block));
    if (msg->cad_json.len > 0) {
        json_t *cad = json_loadb((const char *)msg->cad_json.data, msg->cad_json.len, 0, NULL);
        if (cad)
            json_object_set_new(to, "cad", cad);
    }
    put_list(to, "links", links_json(msg));
}

json_t *qr_record_json(const Quarry__V1__ExtractionRecord *msg)
{
    json_t *out = json_object();

    if (!out)
        return NULL;
    json_object_set_new(out, "file", json_string(msg->file));
    put_string(out, "type", msg->type);
    put_count(out, "bytes", msg->bytes);
    put_sha256(out, &msg->sha256);
    put_string(out, "extractor", msg->extractor);
    put_string(out, "extractor_version", msg->extractor_version);
    put_string(out, "status", msg->error ? "failed" : "completed");
    if (msg->error)
        json_object_set_new(out, "error", failure_json(msg->error));
    put_list(out, "metadata", metadata_json(msg->metadata, msg->n_metadata));
    put_string(out, "encoding", msg->encoding);
    put_pages(out, msg);
    put_flag(out, "encrypted", msg->encrypted);
    put_flag(out, "partial", msg->partial);
    put_string(out, "empty_reason", msg->empty_reason);
    put_list(out, "notes", notes_json(msg));
    put_drawing(out, msg);
    if (!msg->error)
        put_number(out, "completeness", msg->completeness);
    put_string(out, "source", msg->fallback ? "fallback" : "actual");
    put_count(out, "duration_ms", msg->duration_ms);
    if (msg->peak_memory_bytes > 0)
        put_count(out, "peak_memory_bytes", msg->peak_memory_bytes);
    return out;
}

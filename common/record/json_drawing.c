/* What drawings, models and the structure of documents give, as JSON. Names: docs/record.md. */
#include "common/record/json_intern.h"

#include <math.h>

static void put_box(json_t *to, const Quarry__V1__Box *box)
{
    if (!box)
        return;
    json_t *out = json_array();
    const double edges[] = {box->x0, box->y0, box->x1, box->y1};

    for (size_t i = 0; i < QR_COUNT(edges); i++)
        json_array_append_new(out, json_real(isfinite(edges[i]) ? edges[i] : 0.0));
    json_object_set_new(to, "box", out);
}

static void put_page(json_t *to, uint32_t page)
{
    if (page > 0)
        qr_json_put_count(to, "page", page);
}

static void put_place(json_t *to, const Quarry__V1__Place *place)
{
    if (!place)
        return;
    put_page(to, place->page);
    qr_json_put_string(to, "layout", place->layout);
    put_box(to, place->box);
}

static void put_confidence(json_t *to, double confidence)
{
    if (confidence > 0)
        qr_json_put_number(to, "confidence", confidence);
}

static void put_tolerance(json_t *to, const Quarry__V1__Dimension *dim)
{
    if (dim->has_tolerance) {
        qr_json_put_number(to, "upper", dim->upper);
        qr_json_put_number(to, "lower", dim->lower);
    }
    qr_json_put_string(to, "fit", dim->fit);
    qr_json_put_string(to, "prefix", dim->prefix);
    qr_json_put_string(to, "suffix", dim->suffix);
    if (dim->quantity > 0)
        qr_json_put_count(to, "quantity", dim->quantity);
    qr_json_put_flag(to, "reference", dim->reference);
    qr_json_put_flag(to, "basic", dim->basic);
}

static json_t *points_json(const Quarry__V1__Dimension *dim)
{
    json_t *out = json_array();

    for (size_t i = 0; i < dim->n_points; i++)
        json_array_append_new(out, json_real(isfinite(dim->points[i]) ? dim->points[i] : 0.0));
    return out;
}

static json_t *dimension_json(const Quarry__V1__Dimension *dim)
{
    json_t *out = json_object();

    qr_json_put_string(out, "kind", dim->kind);
    if (dim->has_value)
        qr_json_put_number(out, "value", dim->value);
    if (dim->has_secondary)
        qr_json_put_number(out, "secondary_value", dim->secondary_value);
    if (dim->has_raw)
        qr_json_put_number(out, "raw_value", dim->raw_value);
    if (dim->has_computed)
        qr_json_put_number(out, "computed_value", dim->computed_value);
    if (dim->scale_factor > 0 || dim->scale_factor < 0)
        qr_json_put_number(out, "scale_factor", dim->scale_factor);
    qr_json_put_flag(out, "disagrees", dim->disagrees);
    qr_json_put_string(out, "text", dim->text);
    qr_json_put_string(out, "unit", dim->unit);
    put_tolerance(out, dim);
    qr_json_put_string(out, "source", dim->source);
    put_confidence(out, dim->confidence);
    put_page(out, dim->page);
    qr_json_put_string(out, "layout", dim->layout);
    put_box(out, dim->box);
    if (dim->angle > 0 || dim->angle < 0)
        qr_json_put_number(out, "angle", dim->angle);
    qr_json_put_list(out, "points", points_json(dim));
    qr_json_put_string(out, "handle", dim->handle);
    return out;
}

static json_t *gdt_json(const Quarry__V1__GeometricTolerance *gdt)
{
    json_t *out = json_object();
    json_t *datums = json_array();

    qr_json_put_string(out, "characteristic", gdt->characteristic);
    if (gdt->has_value)
        qr_json_put_number(out, "value", gdt->value);
    qr_json_put_flag(out, "diameter_zone", gdt->diameter_zone);
    qr_json_put_string(out, "modifiers", gdt->modifiers);
    for (size_t i = 0; i < gdt->n_datums; i++)
        json_array_append_new(datums, json_string(gdt->datums[i]));
    qr_json_put_list(out, "datums", datums);
    qr_json_put_string(out, "text", gdt->text);
    qr_json_put_string(out, "source", gdt->source);
    put_confidence(out, gdt->confidence);
    put_place(out, gdt->place);
    qr_json_put_string(out, "handle", gdt->handle);
    return out;
}

static json_t *parameter_json(const Quarry__V1__Parameter *parameter)
{
    json_t *out = json_object();

    qr_json_put_string(out, "set", parameter->set);
    qr_json_put_string(out, "name", parameter->name);
    qr_json_put_string(out, "value", parameter->value);
    qr_json_put_string(out, "type", parameter->type);
    qr_json_put_string(out, "unit", parameter->unit);
    qr_json_put_string(out, "owner", parameter->owner);
    qr_json_put_string(out, "source", parameter->source);
    qr_json_put_string(out, "handle", parameter->handle);
    if (parameter->owners > 0)
        qr_json_put_count(out, "owners", parameter->owners);
    qr_json_put_string(out, "description", parameter->description);
    put_place(out, parameter->place);
    return out;
}

static json_t *material_json(const Quarry__V1__Material *material)
{
    json_t *out = json_object();

    qr_json_put_string(out, "name", material->name);
    qr_json_put_string(out, "standard", material->standard);
    if (material->density > 0)
        qr_json_put_number(out, "density", material->density);
    qr_json_put_string(out, "owner", material->owner);
    qr_json_put_string(out, "source", material->source);
    qr_json_put_string(out, "part", material->part);
    if (material->thickness > 0)
        qr_json_put_number(out, "thickness", material->thickness);
    if (material->fraction > 0)
        qr_json_put_number(out, "fraction", material->fraction);
    if (material->owners > 0)
        qr_json_put_count(out, "owners", material->owners);
    put_confidence(out, material->confidence);
    put_place(out, material->place);
    return out;
}

static json_t *bom_item_json(const Quarry__V1__BomItem *row)
{
    json_t *out = json_object();

    qr_json_put_string(out, "item", row->item);
    qr_json_put_string(out, "part_number", row->part_number);
    qr_json_put_string(out, "description", row->description);
    qr_json_put_string(out, "quantity", row->quantity);
    qr_json_put_string(out, "unit", row->unit);
    qr_json_put_string(out, "material", row->material);
    qr_json_put_string(out, "parent", row->parent);
    qr_json_put_list(out, "other", qr_json_metadata(row->other, row->n_other));
    qr_json_put_string(out, "source", row->source);
    put_confidence(out, row->confidence);
    if (row->place)
        put_place(out, row->place);
    else
        put_page(out, row->page);
    return out;
}

static json_t *revision_json(const Quarry__V1__Revision *revision)
{
    json_t *out = json_object();

    qr_json_put_string(out, "revision", revision->revision);
    qr_json_put_string(out, "date", revision->date);
    qr_json_put_string(out, "description", revision->description);
    qr_json_put_string(out, "author", revision->author);
    qr_json_put_string(out, "zone", revision->zone);
    put_place(out, revision->place);
    return out;
}

static json_t *drawing_note_json(const Quarry__V1__DrawingNote *note)
{
    json_t *out = json_object();

    qr_json_put_string(out, "number", note->number);
    qr_json_put_string(out, "text", note->text);
    put_place(out, note->place);
    return out;
}

static json_t *outline_item_json(const Quarry__V1__OutlineItem *item)
{
    json_t *out = json_object();

    qr_json_put_string(out, "title", item->title);
    qr_json_put_count(out, "level", item->level);
    put_page(out, item->page);
    qr_json_put_string(out, "target", item->target);
    return out;
}

static json_t *annotation_json(const Quarry__V1__Annotation *annotation)
{
    json_t *out = json_object();

    qr_json_put_string(out, "kind", annotation->kind);
    qr_json_put_string(out, "text", annotation->text);
    qr_json_put_string(out, "author", annotation->author);
    qr_json_put_string(out, "modified", annotation->modified);
    put_place(out, annotation->place);
    return out;
}

static json_t *attachment_json(const Quarry__V1__Attachment *attachment)
{
    json_t *out = json_object();

    qr_json_put_string(out, "name", attachment->name);
    qr_json_put_string(out, "description", attachment->description);
    qr_json_put_string(out, "media_type", attachment->media_type);
    if (attachment->bytes > 0)
        qr_json_put_count(out, "bytes", attachment->bytes);
    qr_json_put_string(out, "modified", attachment->modified);
    return out;
}

static json_t *link_json(const Quarry__V1__Link *link)
{
    json_t *out = json_object();

    qr_json_put_string(out, "kind", link->kind);
    qr_json_put_string(out, "target", link->target);
    put_page(out, link->page);
    put_box(out, link->box);
    return out;
}

static json_t *span_json(const Quarry__V1__Span *span)
{
    json_t *out = json_object();

    qr_json_put_string(out, "text", span->text);
    put_page(out, span->page);
    qr_json_put_string(out, "layout", span->layout);
    put_box(out, span->box);
    if (span->angle > 0 || span->angle < 0)
        qr_json_put_number(out, "angle", span->angle);
    qr_json_put_number(out, "height", span->height);
    qr_json_put_string(out, "font", span->font);
    qr_json_put_string(out, "source", span->source);
    put_confidence(out, span->confidence);
    return out;
}

static json_t *named_json(const Quarry__V1__NamedObject *object)
{
    json_t *out = qr_json_metadata(object->properties, object->n_properties);

    json_object_set_new(out, "name", json_string(object->name));
    return out;
}

static json_t *counts_json(Quarry__V1__Count *const *counts, size_t n)
{
    json_t *out = json_object();

    for (size_t i = 0; i < n; i++)
        qr_json_put_count(out, counts[i]->name, counts[i]->count);
    return out;
}

/* Where each field of the title block was found, by the same keys. */
static json_t *title_places_json(const Quarry__V1__ExtractionRecord *msg)
{
    json_t *out = json_object();

    for (size_t i = 0; i < msg->n_title_block; i++) {
        const Quarry__V1__MetadataItem *item = msg->title_block[i];
        if (json_object_get(out, item->key))
            continue;
        json_t *found = json_object();
        qr_json_put_string(found, "origin", item->origin);
        put_confidence(found, item->confidence);
        put_place(found, item->place);
        if (json_object_size(found) > 0)
            json_object_set_new(out, item->key, found);
        else
            json_decref(found);
    }
    return out;
}

static void put_structure(json_t *to, const Quarry__V1__ExtractionRecord *msg)
{
    QR_JSON_PUT_EACH(to, "outline", msg, outline, outline_item_json);
    QR_JSON_PUT_EACH(to, "links", msg, links, link_json);
    QR_JSON_PUT_EACH(to, "annotations", msg, annotations, annotation_json);
    QR_JSON_PUT_EACH(to, "attachments", msg, attachments, attachment_json);
    QR_JSON_PUT_EACH(to, "fonts", msg, fonts, named_json);
    QR_JSON_PUT_EACH(to, "styles", msg, styles, named_json);
    QR_JSON_PUT_EACH(to, "linetypes", msg, linetypes, named_json);
    QR_JSON_PUT_EACH(to, "layouts", msg, layouts, named_json);
}

void qr_json_put_drawing(json_t *to, const Quarry__V1__ExtractionRecord *msg)
{
    qr_json_put_list(to, "title_block", qr_json_metadata(msg->title_block, msg->n_title_block));
    qr_json_put_list(to, "title_block_places", title_places_json(msg));
    QR_JSON_PUT_EACH(to, "dimensions", msg, dimensions, dimension_json);
    QR_JSON_PUT_EACH(to, "gdt", msg, gdt, gdt_json);
    QR_JSON_PUT_EACH(to, "parameters", msg, parameters, parameter_json);
    QR_JSON_PUT_EACH(to, "materials", msg, materials, material_json);
    QR_JSON_PUT_EACH(to, "bom", msg, bom, bom_item_json);
    QR_JSON_PUT_EACH(to, "revisions", msg, revisions, revision_json);
    QR_JSON_PUT_EACH(to, "drawing_notes", msg, drawing_notes, drawing_note_json);
    qr_json_put_list(to, "entities", counts_json(msg->entities, msg->n_entities));
    qr_json_put_list(to, "paper_entities", counts_json(msg->paper_entities, msg->n_paper_entities));
    QR_JSON_PUT_EACH(to, "layers", msg, layers, named_json);
    QR_JSON_PUT_EACH(to, "blocks", msg, blocks, named_json);
    qr_json_put_cad(to, msg);
    put_structure(to, msg);
    QR_JSON_PUT_EACH(to, "spans", msg, spans, span_json);
}

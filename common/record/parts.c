#include "common/record/parts.h"

#include <math.h>
#include <string.h>

#include "common/record/intern.h"

static bool has_room(struct qr_record *rec, size_t n, const char *what)
{
    if (n < rec->limits.items)
        return true;
    qr_record_partial(rec, "record.capped", "%s were cut at %zu", what, rec->limits.items);
    return false;
}

/* An appender for one list of the message. */
#define DEFINE_ADD(function, Type, type, list, what)           \
    Quarry__V1__##Type *function(struct qr_record *rec)        \
    {                                                          \
        Quarry__V1__ExtractionRecord *msg = rec->msg;          \
        Quarry__V1__##Type *item;                              \
                                                               \
        if (!has_room(rec, msg->n_##list, what) ||             \
            !qr_record_grow(rec, &msg->list, msg->n_##list) || \
            !(item = qr_record_take(rec, sizeof *item)))       \
            return NULL;                                       \
        quarry__v1__##type##__init(item);                      \
        msg->list[msg->n_##list++] = item;                     \
        return item;                                           \
    }

DEFINE_ADD(qr_record_add_dimension, Dimension, dimension, dimensions, "dimensions")
DEFINE_ADD(qr_record_add_gdt, GeometricTolerance, geometric_tolerance, gdt, "tolerance frames")
DEFINE_ADD(qr_record_add_material, Material, material, materials, "materials")
DEFINE_ADD(qr_record_add_bom_item, BomItem, bom_item, bom, "rows of the bill of material")
DEFINE_ADD(qr_record_add_revision, Revision, revision, revisions, "revisions")
DEFINE_ADD(qr_record_add_drawing_note, DrawingNote, drawing_note, drawing_notes, "notes")
DEFINE_ADD(qr_record_add_title_field, MetadataItem, metadata_item, title_block, "title fields")
DEFINE_ADD(qr_record_add_parameter, Parameter, parameter, parameters, "parameters")
DEFINE_ADD(qr_record_add_link, Link, link, links, "links")
DEFINE_ADD(qr_record_add_span, Span, span, spans, "spans")
DEFINE_ADD(qr_record_add_outline_item, OutlineItem, outline_item, outline, "bookmarks")
DEFINE_ADD(qr_record_add_annotation, Annotation, annotation, annotations, "annotations")
DEFINE_ADD(qr_record_add_attachment, Attachment, attachment, attachments, "attachments")

Quarry__V1__NamedObject *qr_record_add_named(struct qr_record *rec, enum qr_record_list list,
                                             const char *name, size_t len)
{
    Quarry__V1__ExtractionRecord *msg = rec->msg;
    const struct {
        Quarry__V1__NamedObject ***items;
        size_t *n;
        const char *what;
    } lists[] = {
        [QR_RECORD_LAYERS] = {&msg->layers, &msg->n_layers, "layers"},
        [QR_RECORD_BLOCKS] = {&msg->blocks, &msg->n_blocks, "blocks"},
        [QR_RECORD_FONTS] = {&msg->fonts, &msg->n_fonts, "fonts"},
        [QR_RECORD_STYLES] = {&msg->styles, &msg->n_styles, "styles"},
        [QR_RECORD_LINETYPES] = {&msg->linetypes, &msg->n_linetypes, "linetypes"},
        [QR_RECORD_LAYOUTS] = {&msg->layouts, &msg->n_layouts, "layouts"},
    };
    Quarry__V1__NamedObject *object;

    if (!has_room(rec, *lists[list].n, lists[list].what) ||
        !qr_record_grow(rec, lists[list].items, *lists[list].n) ||
        !(object = qr_record_take(rec, sizeof *object)))
        return NULL;
    quarry__v1__named_object__init(object);
    object->name = qr_record_string(rec, name, len);
    (*lists[list].items)[(*lists[list].n)++] = object;
    return object;
}

static Quarry__V1__MetadataItem *new_pair(struct qr_record *rec, const char *key, const char *value,
                                          size_t len)
{
    Quarry__V1__MetadataItem *item = qr_record_take(rec, sizeof *item);

    if (!item)
        return NULL;
    quarry__v1__metadata_item__init(item);
    item->key = qr_record_text(rec, key);
    item->value = qr_record_string(rec, value, len);
    return item->value[0] != '\0' ? item : NULL;
}

void qr_record_add_property(struct qr_record *rec, Quarry__V1__NamedObject *object, const char *key,
                            const char *value, size_t len)
{
    if (!object || len == 0 || !has_room(rec, object->n_properties, "properties"))
        return;
    Quarry__V1__MetadataItem *item = new_pair(rec, key, value, len);
    if (item && qr_record_grow(rec, &object->properties, object->n_properties))
        object->properties[object->n_properties++] = item;
}

void qr_record_add_bom_other(struct qr_record *rec, Quarry__V1__BomItem *row, const char *key,
                             const char *value, size_t len)
{
    if (!row || len == 0 || !has_room(rec, row->n_other, "columns"))
        return;
    Quarry__V1__MetadataItem *item = new_pair(rec, key, value, len);
    if (item && qr_record_grow(rec, &row->other, row->n_other))
        row->other[row->n_other++] = item;
}

void qr_record_add_count(struct qr_record *rec, bool paper, const char *name, size_t len,
                         uint64_t count)
{
    Quarry__V1__ExtractionRecord *msg = rec->msg;
    Quarry__V1__Count ***items = paper ? &msg->paper_entities : &msg->entities;
    size_t *n = paper ? &msg->n_paper_entities : &msg->n_entities;
    Quarry__V1__Count *item;

    if (!has_room(rec, *n, "kinds of entities") || !qr_record_grow(rec, items, *n) ||
        !(item = qr_record_take(rec, sizeof *item)))
        return;
    quarry__v1__count__init(item);
    item->name = qr_record_string(rec, name, len);
    item->count = count;
    (*items)[(*n)++] = item;
}

void qr_record_set_points(struct qr_record *rec, Quarry__V1__Dimension *dimension,
                          const double *points, size_t n)
{
    double *copy = n > 0 ? qr_record_take(rec, n * sizeof *copy) : NULL;

    if (!copy)
        return;
    for (size_t i = 0; i < n; i++)
        copy[i] = isfinite(points[i]) ? points[i] : 0;
    dimension->points = copy;
    dimension->n_points = n;
}

void qr_record_set_datums(struct qr_record *rec, Quarry__V1__GeometricTolerance *gdt,
                          const char *const *datums, size_t n)
{
    char **copy = n > 0 ? qr_record_take(rec, n * sizeof *copy) : NULL;

    if (!copy)
        return;
    for (size_t i = 0; i < n; i++)
        copy[i] = qr_record_text(rec, datums[i]);
    gdt->datums = copy;
    gdt->n_datums = n;
}

Quarry__V1__Box *qr_record_box(struct qr_record *rec, const double box[4])
{
    Quarry__V1__Box *copy = qr_record_take(rec, sizeof *copy);

    if (!copy)
        return NULL;
    quarry__v1__box__init(copy);
    copy->x0 = isfinite(box[0]) ? box[0] : 0;
    copy->y0 = isfinite(box[1]) ? box[1] : 0;
    copy->x1 = isfinite(box[2]) ? box[2] : 0;
    copy->y1 = isfinite(box[3]) ? box[3] : 0;
    return copy;
}

Quarry__V1__Place *qr_record_place(struct qr_record *rec, uint32_t page, const char *layout,
                                   const double box[4])
{
    Quarry__V1__Place *place = qr_record_take(rec, sizeof *place);

    if (!place)
        return NULL;
    quarry__v1__place__init(place);
    place->page = page;
    if (layout)
        place->layout = qr_record_text(rec, layout);
    if (box)
        place->box = qr_record_box(rec, box);
    return place;
}

char *qr_record_text(struct qr_record *rec, const char *text)
{
    return qr_record_string(rec, text, strlen(text));
}

void qr_record_fit(struct qr_record *rec)
{
    Quarry__V1__ExtractionRecord *msg = rec->msg;
    Quarry__V1__CadModel *cad = msg->cad;
    const struct {
        size_t *n;
        const char *what;
    } lists[] = {
        {&msg->n_spans, "spans"},
        {&msg->n_annotations, "annotations"},
        {&msg->n_links, "links"},
        {&msg->n_outline, "bookmarks"},
        {&msg->n_styles, "styles"},
        {&msg->n_blocks, "blocks"},
        {&msg->n_layers, "layers"},
        {&msg->n_parameters, "parameters"},
        {&msg->n_linetypes, "linetypes"},
        {&msg->n_drawing_notes, "notes"},
        {&msg->n_gdt, "tolerance frames"},
        {&msg->n_dimensions, "dimensions"},
        {&msg->n_bom, "rows of the bill of material"},
        {cad ? &cad->n_views : NULL, "views"},
        {cad ? &cad->n_features : NULL, "features"},
        {cad ? &cad->n_assemblies : NULL, "assembly relations"},
        {cad ? &cad->n_spatial : NULL, "places"},
        {cad ? &cad->n_products : NULL, "products"},
    };
    size_t most = rec->limits.encoded_bytes;

    if (most == 0 || rec->failed || rec->arena.used <= most / 2) /* all of it is in the arena */
        return;
    size_t size = quarry__v1__extraction_record__get_packed_size(msg);
    for (size_t i = 0; i < QR_COUNT(lists) && size > most; i++) {
        if (!lists[i].n)
            continue;
        size_t before = *lists[i].n;
        while (*lists[i].n > 0 && size > most) {
            *lists[i].n -= (*lists[i].n + 7) / 8;
            size = quarry__v1__extraction_record__get_packed_size(msg);
        }
        if (*lists[i].n < before)
            qr_record_partial(rec, "record.capped", "%s were cut at %zu: the record is too large",
                              lists[i].what, *lists[i].n);
    }
}

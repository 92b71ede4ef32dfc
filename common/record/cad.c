#include "common/record/cad.h"

#include <math.h>
#include <string.h>

#include "common/record/intern.h"
#include "common/record/parts.h"

static bool has_room(struct qr_record *rec, size_t n, const char *what)
{
    if (n < rec->limits.items)
        return true;
    qr_record_partial(rec, "record.capped", "%s were cut at %zu", what, rec->limits.items);
    return false;
}

/* One part of its kind, made when it is first asked for. */
#define DEFINE_ONE(function, Type, type, parent, slot)              \
    Quarry__V1__##Type *function(struct qr_record *rec)             \
    {                                                               \
        Quarry__V1__##Type **at = (parent) ? &(parent)->slot : 0;   \
                                                                    \
        if (at && !*at && (*at = qr_record_take(rec, sizeof **at))) \
            quarry__v1__##type##__init(*at);                        \
        return at ? *at : NULL;                                     \
    }

DEFINE_ONE(qr_record_cad, CadModel, cad_model, rec->msg, cad)
DEFINE_ONE(qr_cad_topology, CadTopology, cad_topology, qr_record_cad(rec), topology)
DEFINE_ONE(qr_record_geometry, CadGeometry, cad_geometry, rec->msg, geometry)
DEFINE_ONE(qr_cad_family_table, CadTable, cad_table, qr_record_cad(rec), family_table)

/* An appender for one list of a message. */
#define ADD(Type, type, owner, list, what)               \
    Quarry__V1__##Type *item;                            \
    __typeof__(owner) in = owner;                        \
    if (!in || !has_room(rec, in->n_##list, what) ||     \
        !qr_record_grow(rec, &in->list, in->n_##list) || \
        !(item = qr_record_take(rec, sizeof *item)))     \
        return NULL;                                     \
    quarry__v1__##type##__init(item);                    \
    in->list[in->n_##list++] = item;                     \
    return item;

#define DEFINE_ADD(function, Type, type, owner, list, what) \
    Quarry__V1__##Type *function(struct qr_record *rec) { ADD(Type, type, owner(rec), list, what) }

DEFINE_ADD(qr_cad_add_product, CadProduct, cad_product, qr_record_cad, products, "products")
DEFINE_ADD(qr_cad_add_assembly, CadAssembly, cad_assembly, qr_record_cad, assemblies,
           "assembly relations")
DEFINE_ADD(qr_cad_add_mass, CadMass, cad_mass, qr_record_cad, mass, "mass properties")
DEFINE_ADD(qr_cad_add_embedding, CadEmbedding, cad_embedding, qr_record_cad, embeddings,
           "embeddings")
DEFINE_ADD(qr_cad_add_feature, CadFeature, cad_feature, qr_record_cad, features, "features")
DEFINE_ADD(qr_cad_add_view, CadView, cad_view, qr_record_cad, views, "views")
DEFINE_ADD(qr_cad_add_colour, CadColour, cad_colour, qr_record_cad, colours, "colours")
DEFINE_ADD(qr_cad_add_relation, CadRelation, cad_relation, qr_record_cad, relations, "relations")
DEFINE_ADD(qr_cad_add_node, CadNode, cad_node, qr_record_cad, spatial, "places")
DEFINE_ADD(qr_geometry_add_mass, CadMass, cad_mass, qr_record_geometry, mass, "mass properties")
DEFINE_ADD(qr_geometry_add_view, CadView, cad_view, qr_record_geometry, views, "views")
DEFINE_ADD(qr_geometry_add_hole, CadHole, cad_hole, qr_record_geometry, holes, "holes")

Quarry__V1__CadOccurrence *qr_cad_add_occurrence(struct qr_record *rec,
                                                 Quarry__V1__CadAssembly *assembly){
    ADD(CadOccurrence, cad_occurrence, assembly, occurrences, "occurrences")}

Quarry__V1__CadRow *qr_cad_add_row(struct qr_record *rec, Quarry__V1__CadTable *table)
{
    ADD(CadRow, cad_row, table, rows, "rows of the family table")
}

void qr_cad_add_feature_parameter(struct qr_record *rec, Quarry__V1__CadFeature *feature,
                                  const char *key, const char *value)
{
    Quarry__V1__MetadataItem *item;

    if (!feature || !value || !value[0] ||
        !has_room(rec, feature->n_parameters, "parameters of features") ||
        !qr_record_grow(rec, &feature->parameters, feature->n_parameters) ||
        !(item = qr_record_take(rec, sizeof *item)))
        return;
    quarry__v1__metadata_item__init(item);
    item->key = qr_record_text(rec, key);
    item->value = qr_record_text(rec, value);
    feature->parameters[feature->n_parameters++] = item;
}

void qr_cad_add_count(struct qr_record *rec, enum qr_cad_counts list, const char *name, size_t len,
                      uint64_t count)
{
    Quarry__V1__CadModel *cad = qr_record_cad(rec);
    Quarry__V1__CadTopology *topology = list == QR_CAD_ENTITIES ? NULL : qr_cad_topology(rec);
    Quarry__V1__Count *item;

    if (!cad || (!topology && list != QR_CAD_ENTITIES))
        return;
    Quarry__V1__Count ***items = list == QR_CAD_ENTITIES   ? &cad->entity_counts
                                 : list == QR_CAD_SURFACES ? &topology->surface_types
                                                           : &topology->curve_types;
    size_t *n = list == QR_CAD_ENTITIES   ? &cad->n_entity_counts
                : list == QR_CAD_SURFACES ? &topology->n_surface_types
                                          : &topology->n_curve_types;
    if (!has_room(rec, *n, "types") || !qr_record_grow(rec, items, *n) ||
        !(item = qr_record_take(rec, sizeof *item)))
        return;
    quarry__v1__count__init(item);
    item->name = qr_record_string(rec, name, len);
    item->count = count;
    (*items)[(*n)++] = item;
}

void qr_cad_numbers(struct qr_record *rec, const double *values, size_t n, double **ret_values,
                    size_t *ret_n)
{
    for (size_t i = 0; i < n; i++)
        if (!isfinite(values[i]))
            return;
    double *copy = n > 0 ? qr_record_take(rec, n * sizeof *copy) : NULL;
    if (!copy)
        return;
    memcpy(copy, values, n * sizeof *copy);
    *ret_values = copy;
    *ret_n = n;
}

Quarry__V1__CadBounds *qr_cad_bounds(struct qr_record *rec, const double box[6], const char *source)
{
    Quarry__V1__CadBounds *bounds = qr_record_take(rec, sizeof *bounds);

    if (!bounds)
        return NULL;
    quarry__v1__cad_bounds__init(bounds);
    qr_cad_numbers(rec, box, 6, &bounds->box, &bounds->n_box);
    bounds->source = qr_record_text(rec, source);
    return bounds->n_box == 6 ? bounds : NULL;
}

void qr_cad_set_bytes(struct qr_record *rec, ProtobufCBinaryData *field, const void *data,
                      size_t len)
{
    uint8_t *copy = len > 0 ? qr_record_take(rec, len) : NULL;

    if (!copy)
        return;
    memcpy(copy, data, len);
    field->data = copy;
    field->len = len;
}

Quarry__V1__CadPoints *qr_cad_points(struct qr_record *rec, const float *xyz, const float *normals,
                                     uint32_t n, const char *source)
{
    Quarry__V1__CadPoints *points = n > 0 ? qr_record_take(rec, sizeof *points) : NULL;
    size_t bytes = (size_t)n * 3 * sizeof *xyz;

    if (!points)
        return NULL;
    quarry__v1__cad_points__init(points);
    qr_cad_set_bytes(rec, &points->xyz, xyz, bytes);
    if (normals)
        qr_cad_set_bytes(rec, &points->normals, normals, bytes);
    points->count = n;
    points->source = qr_record_text(rec, source);
    return points->xyz.len == bytes ? points : NULL;
}

void qr_cad_set_values(struct qr_record *rec, Quarry__V1__CadEmbedding *embedding,
                       const float *values, size_t n)
{
    float *copy = embedding && n > 0 ? qr_record_take(rec, n * sizeof *copy) : NULL;

    if (!copy)
        return;
    memcpy(copy, values, n * sizeof *copy);
    embedding->values = copy;
    embedding->n_values = n;
}

void qr_cad_set_strings(struct qr_record *rec, char ***ret_items, size_t *ret_n,
                        const char *const *items, size_t n)
{
    char **copy = n > 0 ? qr_record_take(rec, n * sizeof *copy) : NULL;

    if (!copy)
        return;
    for (size_t i = 0; i < n; i++)
        copy[i] = qr_record_text(rec, items[i]);
    *ret_items = copy;
    *ret_n = n;
}

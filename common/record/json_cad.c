/* A model as the JSON object `cad`. Names: docs/record.md. Pictures and point clouds are told by
 * their size: who wants them has the record or the database. */
#include "common/record/cad_json.h"
#include "common/record/json_intern.h"

#include <math.h>

typedef Quarry__V1__CadModel model;

static json_t *counts_json(Quarry__V1__Count *const *counts, size_t n)
{
    json_t *out = json_object();

    for (size_t i = 0; i < n; i++)
        qr_json_put_count(out, counts[i]->name, counts[i]->count);
    return out;
}

static void put_positive(json_t *to, const char *name, uint64_t value)
{
    if (value > 0)
        qr_json_put_count(to, name, value);
}

static void put_numbers(json_t *to, const char *name, const double *values, size_t n)
{
    if (n == 0)
        return;
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++)
        json_array_append_new(list, isfinite(values[i]) ? json_real(values[i]) : json_null());
    json_object_set_new(to, name, list);
}

static void put_strings(json_t *to, const char *name, char *const *items, size_t n)
{
    json_t *list = json_array();

    for (size_t i = 0; i < n; i++)
        json_array_append_new(list, json_string(items[i]));
    qr_json_put_list(to, name, list);
}

/* Bytes that hold JSON: an object stays one. */
static void put_json(json_t *to, const char *name, const ProtobufCBinaryData *data)
{
    if (data->len == 0)
        return;
    json_t *value = json_loadb((const char *)data->data, data->len, 0, NULL);
    if (value)
        json_object_set_new(to, name, value);
}

/* ------------------------------------------------------------------ structure */

static json_t *product_json(const Quarry__V1__CadProduct *product)
{
    json_t *out = json_object();

    qr_json_put_string(out, "id", product->id);
    qr_json_put_string(out, "name", product->name);
    qr_json_put_string(out, "description", product->description);
    qr_json_put_string(out, "revision", product->revision);
    qr_json_put_string(out, "category", product->category);
    qr_json_put_string(out, "source", product->source);
    qr_json_put_flag(out, "root", product->root);
    put_positive(out, "instance", product->instance);
    qr_json_put_string(out, "tag", product->tag);
    qr_json_put_string(out, "object_type", product->object_type);
    qr_json_put_string(out, "predefined_type", product->predefined_type);
    qr_json_put_string(out, "type", product->type);
    qr_json_put_string(out, "container", product->container);
    return out;
}

static json_t *occurrence_json(const Quarry__V1__CadOccurrence *occurrence)
{
    json_t *out = json_object();

    qr_json_put_string(out, "id", occurrence->id);
    qr_json_put_string(out, "name", occurrence->name);
    qr_json_put_string(out, "reference_designator", occurrence->reference_designator);
    qr_json_put_string(out, "path", occurrence->path);
    put_numbers(out, "transform", occurrence->transform, occurrence->n_transform);
    qr_json_put_flag(out, "suppressed", occurrence->suppressed);
    return out;
}

static json_t *assembly_json(const Quarry__V1__CadAssembly *assembly)
{
    json_t *out = json_object();

    qr_json_put_string(out, "parent", assembly->parent);
    qr_json_put_string(out, "child", assembly->child);
    qr_json_put_number(out, "quantity", assembly->quantity);
    QR_JSON_PUT_EACH(out, "occurrences", assembly, occurrences, occurrence_json);
    qr_json_put_flag(out, "cycle", assembly->cycle);
    qr_json_put_flag(out, "unresolved", assembly->unresolved);
    qr_json_put_string(out, "relation", assembly->relation);
    return out;
}

static json_t *node_json(const Quarry__V1__CadNode *node)
{
    json_t *out = json_object();

    qr_json_put_string(out, "id", node->id);
    qr_json_put_string(out, "type", node->type);
    qr_json_put_string(out, "name", node->name);
    qr_json_put_string(out, "long_name", node->long_name);
    qr_json_put_string(out, "parent", node->parent);
    if (node->has_elevation)
        qr_json_put_number(out, "elevation", node->elevation);
    put_positive(out, "elements", node->elements);
    return out;
}

/* ------------------------------------------------------------------ shape */

static void put_topology(json_t *to, const Quarry__V1__CadTopology *t)
{
    if (!t)
        return;
    qr_json_put_count(to, "solid_count", t->solids);
    qr_json_put_count(to, "shell_count", t->shells);
    qr_json_put_count(to, "face_count", t->faces);
    qr_json_put_count(to, "loop_count", t->loops);
    qr_json_put_count(to, "edge_count", t->edges);
    qr_json_put_count(to, "vertex_count", t->vertices);
    put_positive(to, "inner_loops", t->inner_loops);
    put_positive(to, "open_edges", t->open_edges);
    put_positive(to, "non_manifold_edges", t->non_manifold_edges);
    qr_json_put_list(to, "surface_types", counts_json(t->surface_types, t->n_surface_types));
    qr_json_put_list(to, "curve_types", counts_json(t->curve_types, t->n_curve_types));
    qr_json_put_string(to, "adjacency_hash", t->adjacency_hash);
}

static json_t *mass_json(const Quarry__V1__CadMass *mass)
{
    json_t *out = json_object();

    qr_json_put_string(out, "owner", mass->owner);
    qr_json_put_string(out, "source", mass->source);
    if (mass->has_volume)
        qr_json_put_number(out, "volume", mass->volume);
    if (mass->has_area)
        qr_json_put_number(out, "area", mass->area);
    if (mass->has_mass)
        qr_json_put_number(out, "mass", mass->mass);
    if (mass->has_density)
        qr_json_put_number(out, "density", mass->density);
    put_numbers(out, "centroid", mass->centroid, mass->n_centroid);
    put_numbers(out, "inertia", mass->inertia, mass->n_inertia);
    put_numbers(out, "principal_moments", mass->principal_moments, mass->n_principal_moments);
    return out;
}

static json_t *hole_json(const Quarry__V1__CadHole *hole)
{
    json_t *out = json_object();

    qr_json_put_string(out, "kind", hole->kind);
    qr_json_put_number(out, "diameter", hole->diameter);
    if (hole->depth > 0)
        qr_json_put_number(out, "depth", hole->depth);
    qr_json_put_flag(out, "through", hole->through);
    put_numbers(out, "axis", hole->axis, hole->n_axis);
    put_numbers(out, "point", hole->point, hole->n_point);
    return out;
}

static void put_points(json_t *to, const Quarry__V1__CadPoints *points)
{
    if (!points)
        return;
    json_t *out = json_object();
    qr_json_put_count(out, "count", points->count);
    qr_json_put_flag(out, "normals", points->normals.len > 0);
    qr_json_put_string(out, "source", points->source);
    json_object_set_new(to, "point_cloud", out);
}

/* ------------------------------------------------------------------ what else a source gives */

static json_t *embedding_json(const Quarry__V1__CadEmbedding *embedding)
{
    json_t *out = json_object(), *values = json_array();

    qr_json_put_string(out, "type", embedding->type);
    qr_json_put_string(out, "model", embedding->model);
    for (size_t i = 0; i < embedding->n_values; i++)
        json_array_append_new(values, isfinite(embedding->values[i])
                                          ? json_real((double)embedding->values[i])
                                          : json_null());
    qr_json_put_list(out, "values", values);
    return out;
}

static json_t *feature_json(const Quarry__V1__CadFeature *feature)
{
    json_t *out = json_object();

    qr_json_put_string(out, "id", feature->id);
    qr_json_put_string(out, "type", feature->type);
    qr_json_put_string(out, "name", feature->name);
    qr_json_put_string(out, "status", feature->status);
    qr_json_put_string(out, "owner", feature->owner);
    qr_json_put_list(out, "parameters",
                     qr_json_metadata(feature->parameters, feature->n_parameters));
    return out;
}

static json_t *view_json(const Quarry__V1__CadView *view)
{
    json_t *out = json_object();

    qr_json_put_string(out, "name", view->name);
    qr_json_put_count(out, "width", view->width);
    qr_json_put_count(out, "height", view->height);
    qr_json_put_string(out, "media_type", view->media_type);
    qr_json_put_count(out, "bytes", view->image.len);
    qr_json_put_string(out, "source", view->source);
    return out;
}

static json_t *colour_json(const Quarry__V1__CadColour *colour)
{
    json_t *out = json_object();
    const double rgb[] = {colour->red, colour->green, colour->blue};

    qr_json_put_string(out, "owner", colour->owner);
    put_numbers(out, "rgb", rgb, 3);
    put_positive(out, "uses", colour->uses);
    return out;
}

static json_t *relation_json(const Quarry__V1__CadRelation *relation)
{
    json_t *out = json_object();

    qr_json_put_string(out, "owner", relation->owner);
    qr_json_put_string(out, "text", relation->text);
    return out;
}

static json_t *row_json(const Quarry__V1__CadRow *row)
{
    json_t *out = json_object();

    qr_json_put_string(out, "name", row->name);
    put_strings(out, "cells", row->cells, row->n_cells);
    return out;
}

static void put_family_table(json_t *to, const Quarry__V1__CadTable *table)
{
    if (!table)
        return;
    json_t *out = json_object();
    put_strings(out, "columns", table->columns, table->n_columns);
    QR_JSON_PUT_EACH(out, "rows", table, rows, row_json);
    json_object_set_new(to, "family_table", out);
}

/* ------------------------------------------------------------------ all of it */

static void put_origin(json_t *to, const model *cad)
{
    qr_json_put_string(to, "name", cad->name);
    qr_json_put_string(to, "kind", cad->kind);
    qr_json_put_string(to, "mode", cad->mode);
    qr_json_put_string(to, "source", cad->source);
    qr_json_put_string(to, "schema", cad->schema);
    qr_json_put_string(to, "revision", cad->revision);
    qr_json_put_string(to, "generic", cad->generic);
    qr_json_put_string(to, "length_unit", cad->length_unit);
    if (cad->accuracy > 0)
        qr_json_put_number(to, "accuracy", cad->accuracy);
}

static void put_records(json_t *to, const model *cad)
{
    if (cad->data_sections == 0 && cad->instances == 0)
        return;
    qr_json_put_count(to, "instances", cad->instances);
    qr_json_put_count(to, "complex_instances", cad->complex_instances);
    qr_json_put_count(to, "data_sections", cad->data_sections);
    put_positive(to, "unresolved_references", cad->unresolved_references);
    qr_json_put_list(to, "entity_counts", counts_json(cad->entity_counts, cad->n_entity_counts));
}

/* What the kernel found stands beside the rest; where both know something, the kernel is exact. */
static void put_geometry(json_t *to, const Quarry__V1__CadGeometry *geometry)
{
    if (!geometry)
        return;
    json_t *out = json_object();
    qr_json_put_string(out, "kernel", geometry->kernel);
    qr_json_put_string(out, "status", geometry->status);
    qr_json_put_string(out, "message", geometry->message);
    put_positive(out, "duration_ms", geometry->duration_ms);
    put_positive(out, "solids", geometry->solids);
    put_positive(out, "faces", geometry->faces);
    put_positive(out, "convex_edges", geometry->convex_edges);
    put_positive(out, "concave_edges", geometry->concave_edges);
    put_positive(out, "smooth_edges", geometry->smooth_edges);
    QR_JSON_PUT_EACH(out, "views", geometry, views, view_json);
    QR_JSON_PUT_EACH(out, "holes", geometry, holes, hole_json);
    json_object_set_new(to, "geometry", out);
}

static void put_bounds(json_t *to, const Quarry__V1__CadBounds *bounds)
{
    if (!bounds)
        return;
    put_numbers(to, "bbox", bounds->box, bounds->n_box);
    qr_json_put_string(to, "bbox_source", bounds->source);
}

static void put_mass(json_t *to, const model *cad, const Quarry__V1__CadGeometry *geometry)
{
    json_t *list = json_array();

    for (size_t i = 0; geometry && i < geometry->n_mass; i++)
        json_array_append_new(list, mass_json(geometry->mass[i]));
    for (size_t i = 0; i < cad->n_mass; i++)
        json_array_append_new(list, mass_json(cad->mass[i]));
    qr_json_put_list(to, "mass", list);
}

json_t *qr_cad_json(const Quarry__V1__ExtractionRecord *msg)
{
    static const model none = QUARRY__V1__CAD_MODEL__INIT;
    const Quarry__V1__CadGeometry *geometry = msg->geometry;
    const model *cad = msg->cad ? msg->cad : &none;

    if (!msg->cad && !geometry)
        return NULL;
    json_t *out = json_object();
    put_origin(out, cad);
    put_records(out, cad);
    QR_JSON_PUT_EACH(out, "products", cad, products, product_json);
    QR_JSON_PUT_EACH(out, "assemblies", cad, assemblies, assembly_json);
    put_topology(out, cad->topology);
    put_bounds(out, geometry && geometry->bounds ? geometry->bounds : cad->bounds);
    put_mass(out, cad, geometry);
    put_json(out, "genome", &cad->genome);
    put_points(out, geometry && geometry->points ? geometry->points : cad->points);
    QR_JSON_PUT_EACH(out, "embeddings", cad, embeddings, embedding_json);
    QR_JSON_PUT_EACH(out, "features", cad, features, feature_json);
    QR_JSON_PUT_EACH(out, "views", cad, views, view_json);
    QR_JSON_PUT_EACH(out, "colours", cad, colours, colour_json);
    QR_JSON_PUT_EACH(out, "relations", cad, relations, relation_json);
    put_family_table(out, cad->family_table);
    QR_JSON_PUT_EACH(out, "spatial", cad, spatial, node_json);
    put_geometry(out, geometry);
    put_json(out, "details", &cad->details);
    return out;
}

void qr_json_put_cad(json_t *to, const Quarry__V1__ExtractionRecord *msg)
{
    json_t *cad = qr_cad_json(msg);

    if (cad)
        json_object_set_new(to, "cad", cad);
}

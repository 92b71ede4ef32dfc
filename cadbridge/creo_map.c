#include "cadbridge/creo_map.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "common/record/cad.h"
#include "common/record/parts.h"

#define SOURCE "creo"

typedef Quarry__Creo__V1__ExtractReply reply_message;

void qr_creo_map_init(struct qr_creo_map *map, struct qr_record *rec, const char *model)
{
    *map = (struct qr_creo_map){.rec = rec, .model = model, .mm = 1, .kg = 1};
    qr_gather_init(&map->gather, rec);
}

void qr_creo_map_done(struct qr_creo_map *map) { qr_gather_done(&map->gather); }

/* ---- helpers */

static char *text(struct qr_creo_map *map, const char *from)
{
    return qr_record_text(map->rec, from);
}

static void meta(struct qr_creo_map *map, const char *key, const char *value)
{
    qr_record_add_meta(map->rec, key, value, strlen(value), SOURCE);
}

static const char *owner_name(const struct qr_creo_map *map, const Quarry__Creo__V1__Owner *owner,
                              char *buf, size_t size)
{
    if (!owner || strcmp(owner->type, "model") == 0 || owner->type[0] == '\0')
        return map->model;
    if (owner->name[0])
        snprintf(buf, size, "%.40s %.200s", owner->type, owner->name);
    else
        snprintf(buf, size, "%.40s %" PRId64, owner->type, owner->id);
    return buf;
}

/* ---- parts */

static int map_head(struct qr_creo_map *map, const Quarry__Creo__V1__ModelHead *head)
{
    Quarry__V1__CadModel *cad = qr_record_cad(map->rec);
    char revision[16];

    if (!cad)
        return QR_OK; /* the record says so */
    int rc = head->units ? qr_gather_units(head->units->length, head->units->mass, &map->mm,
                                           &map->kg, map->err)
                         : QR_OK;
    if (rc < 0)
        return rc;
    snprintf(revision, sizeof revision, "%" PRIu32, head->revision);
    cad->name = text(map, head->model);
    cad->kind = text(map, head->type);
    cad->revision = text(map, head->revision > 0 ? revision : "");
    cad->generic = text(map, head->generic);
    cad->length_unit = text(map, head->units ? head->units->length : "");
    if (!head->relative_accuracy && isfinite(head->accuracy))
        cad->accuracy = head->accuracy * map->mm;
    meta(map, "creo_version", head->creo_version);
    meta(map, "creator", head->created_by);
    meta(map, "common_name", head->common_name);
    meta(map, "workspace_status", head->workspace_status);
    for (size_t i = 0; i < head->n_simplified_reps; i++)
        meta(map, "simplified_rep", head->simplified_reps[i]);
    return QR_OK;
}

static int map_parameters(struct qr_creo_map *map, const Quarry__Creo__V1__Parameters *parameters)
{
    char owner[300];

    for (size_t i = 0; i < parameters->n_items; i++) {
        const Quarry__Creo__V1__Parameter *from = parameters->items[i];
        Quarry__V1__Parameter *to = qr_record_add_parameter(map->rec);
        if (!to)
            return QR_OK;
        to->set = text(map, from->designated ? "designated" : "");
        to->name = text(map, from->name);
        to->value = text(map, from->value);
        to->type = text(map, from->type);
        to->unit = text(map, from->unit);
        to->description = text(map, from->description);
        to->owner = text(map, owner_name(map, from->owner, owner, sizeof owner));
        to->source = text(map, SOURCE);
    }
    return QR_OK;
}

static int map_box(struct qr_creo_map *map, const Quarry__Creo__V1__MassProperties *from)
{
    Quarry__V1__CadModel *cad = qr_record_cad(map->rec);
    double box[6];

    if (from->n_bounding_box == 0)
        return QR_OK;
    int rc = qr_gather_numbers(from->bounding_box, from->n_bounding_box, 6, map->mm,
                               "a bounding box", box, map->err);
    if (rc == QR_OK && cad)
        cad->bounds = qr_cad_bounds(map->rec, box, SOURCE);
    return rc;
}

static int map_mass(struct qr_creo_map *map, const Quarry__Creo__V1__MassProperties *from)
{
    const double mm = map->mm;
    const double moment = map->kg * mm * mm;
    Quarry__V1__CadMass *to = qr_cad_add_mass(map->rec);

    if (!to)
        return QR_OK;
    to->source = text(map, SOURCE);
    if ((to->has_volume = from->has_volume && isfinite(from->volume)))
        to->volume = from->volume * mm * mm * mm;
    if ((to->has_area = from->has_surface_area && isfinite(from->surface_area)))
        to->area = from->surface_area * mm * mm;
    if ((to->has_mass = from->has_mass && isfinite(from->mass)))
        to->mass = from->mass * map->kg;
    if ((to->has_density = from->has_density && isfinite(from->density)))
        to->density = from->density * map->kg / (mm * mm * mm) * 1e9; /* kg/mm³ to kg/m³ */
    int rc = qr_gather_list(&map->gather, from->centre_of_gravity, from->n_centre_of_gravity, 3, mm,
                            "a centre of gravity", &to->centroid, &to->n_centroid, map->err);
    if (rc == QR_OK)
        rc = qr_gather_list(&map->gather, from->inertia_at_centre, from->n_inertia_at_centre, 9,
                            moment, "an inertia tensor", &to->inertia, &to->n_inertia, map->err);
    if (rc == QR_OK)
        rc = qr_gather_list(&map->gather, from->principal_moments, from->n_principal_moments, 3,
                            moment, "principal moments", &to->principal_moments,
                            &to->n_principal_moments, map->err);
    return rc == QR_OK ? map_box(map, from) : rc;
}

static int map_materials(struct qr_creo_map *map, const Quarry__Creo__V1__Materials *materials)
{
    for (size_t i = 0; i < materials->n_items; i++) {
        const Quarry__Creo__V1__Material *from = materials->items[i];
        Quarry__V1__Material *to = qr_record_add_material(map->rec);
        if (!to)
            return QR_OK;
        bool current = materials->current[0] == '\0' || strcmp(materials->current, from->name) == 0;
        to->name = text(map, from->name);
        to->standard = text(map, from->standard);
        to->density = isfinite(from->density) ? from->density : 0;
        to->owner = text(map, current ? map->model : "");
        to->source = text(map, SOURCE);
        to->confidence = 1;
    }
    return QR_OK;
}

static int map_dimensions(struct qr_creo_map *map, const Quarry__Creo__V1__Dimensions *dimensions)
{
    const Quarry__V1__CadModel *cad = qr_record_cad(map->rec);

    for (size_t i = 0; i < dimensions->n_items; i++) {
        const Quarry__Creo__V1__Dimension *from = dimensions->items[i];
        bool angular = strcmp(from->type, "angular") == 0;
        Quarry__V1__Dimension *to = qr_record_add_dimension(map->rec);
        if (!to)
            return QR_OK;
        to->kind = text(map, strcmp(from->type, "radial") == 0 ? "radius"
                             : angular                         ? "angle"
                                                               : from->type);
        to->has_value = isfinite(from->value);
        to->value = to->has_value ? from->value : 0;
        to->text = text(map, from->text);
        to->unit = text(map, angular ? "deg" : cad ? cad->length_unit : "");
        to->has_tolerance = from->tolerance_type[0] && strcmp(from->tolerance_type, "none") != 0 &&
                            isfinite(from->upper) && isfinite(from->lower);
        to->upper = to->has_tolerance ? from->upper : 0;
        to->lower = to->has_tolerance ? from->lower : 0;
        to->fit = text(map, from->tolerance_table);
        to->source = text(map, SOURCE);
        to->confidence = 1;
        to->page = from->sheet;
        to->layout = text(map, from->view);
        to->handle = text(map, from->name);
        to->reference = from->reference;
        to->basic = from->basic;
    }
    return QR_OK;
}

/* ---- structure */

static int map_component(struct qr_creo_map *map, const Quarry__Creo__V1__BomItem *from)
{
    const char *parent = from->parent[0] ? from->parent : map->model;
    Quarry__V1__CadAssembly *pair = qr_gather_pair(&map->gather, parent, from->model);
    Quarry__V1__CadOccurrence *to = pair ? qr_cad_add_occurrence(map->rec, pair) : NULL;

    if (!to)
        return QR_OK;
    pair->quantity += from->suppressed ? 0 : 1;
    to->path = text(map, from->path);
    to->reference_designator = text(map, from->find_number);
    to->suppressed = from->suppressed;
    int rc = qr_gather_list(&map->gather, from->transform, from->n_transform, 16, 1, "a transform",
                            &to->transform, &to->n_transform, map->err);
    for (size_t i = 3; i < 12 && i < to->n_transform; i += 4)
        to->transform[i] *= map->mm; /* the translation */
    return rc;
}

static int map_bom(struct qr_creo_map *map, const Quarry__Creo__V1__Bom *bom)
{
    int rc = QR_OK;

    for (size_t i = 0; rc == QR_OK && i < bom->n_items; i++)
        rc = map_component(map, bom->items[i]);
    return rc;
}

static int map_features(struct qr_creo_map *map, const Quarry__Creo__V1__Features *features)
{
    char id[32];

    for (size_t i = 0; i < features->n_items; i++) {
        const Quarry__Creo__V1__Feature *from = features->items[i];
        Quarry__V1__CadFeature *to = qr_cad_add_feature(map->rec);
        if (!to)
            return QR_OK;
        snprintf(id, sizeof id, "%" PRId64, from->id);
        to->id = text(map, id);
        to->type = text(map, from->type);
        to->name = text(map, from->name);
        to->status = text(map, from->status);
        to->owner = text(map, map->model);
        for (size_t k = 0; k < from->n_parameters; k++)
            qr_cad_add_feature_parameter(map->rec, to, from->parameters[k]->name,
                                         from->parameters[k]->value);
    }
    return QR_OK;
}

static int map_family_table(struct qr_creo_map *map, const Quarry__Creo__V1__FamilyTable *from)
{
    Quarry__V1__CadTable *table = qr_cad_family_table(map->rec);
    const char *columns[256];
    size_t n = from->n_columns;

    if (!table)
        return QR_OK;
    if (n > QR_COUNT(columns))
        return qr_fail(map->err, QR_E_DATA, "a family table of %zu columns", n);
    for (size_t i = 0; i < n; i++)
        columns[i] = from->columns[i]->id;
    qr_cad_set_strings(map->rec, &table->columns, &table->n_columns, columns, n);
    for (size_t i = 0; i < from->n_instances; i++) {
        const Quarry__Creo__V1__Instance *instance = from->instances[i];
        Quarry__V1__CadRow *row = qr_cad_add_row(map->rec, table);
        if (!row)
            return QR_OK;
        if (instance->n_cells != n)
            return qr_fail(map->err, QR_E_DATA, "instance '%.60s' has %zu cells for %zu columns",
                           instance->name, instance->n_cells, n);
        row->name = text(map, instance->name);
        qr_cad_set_strings(map->rec, &row->cells, &row->n_cells,
                           (const char *const *)instance->cells, n);
    }
    return QR_OK;
}

/* ---- shape */

static int map_genome(struct qr_creo_map *map, const Quarry__Creo__V1__Genome *from)
{
    Quarry__V1__CadTopology *to = qr_cad_topology(map->rec);
    Quarry__V1__CadModel *cad = qr_record_cad(map->rec);

    if (!to || !cad)
        return QR_OK;
    to->solids = from->bodies;
    to->shells = from->shells;
    to->faces = from->faces;
    to->loops = from->loops;
    to->edges = from->edges;
    to->vertices = from->vertices;
    to->adjacency_hash = text(map, from->adjacency_hash);
    for (size_t i = 0; i < from->n_surface_types; i++)
        qr_cad_add_count(map->rec, QR_CAD_SURFACES, from->surface_types[i]->type,
                         strlen(from->surface_types[i]->type), from->surface_types[i]->count);
    for (size_t i = 0; i < from->n_curve_types; i++)
        qr_cad_add_count(map->rec, QR_CAD_CURVES, from->curve_types[i]->type,
                         strlen(from->curve_types[i]->type), from->curve_types[i]->count);
    if (from->json[0] == '\0')
        return QR_OK;
    int rc = qr_gather_object(from->json, "a genome", map->err);
    if (rc == QR_OK)
        qr_cad_set_bytes(map->rec, &cad->genome, from->json, strlen(from->json));
    return rc;
}

static int map_points(struct qr_creo_map *map, const Quarry__Creo__V1__PointCloud *from)
{
    const struct qr_gather_piece piece = {.first = from->first,
                                          .total = from->total,
                                          .xyz = from->xyz,
                                          .normals = from->normals,
                                          .scale = map->mm};

    return qr_gather_points(&map->gather, &piece, map->err);
}

static int map_view(struct qr_creo_map *map, const Quarry__Creo__V1__View *from)
{
    Quarry__V1__CadView *to = qr_cad_add_view(map->rec);

    if (!to)
        return QR_OK;
    to->name = text(map, from->name);
    to->width = from->width;
    to->height = from->height;
    to->media_type = text(map, from->media_type);
    to->source = text(map, SOURCE);
    qr_cad_set_bytes(map->rec, &to->image, from->image.data, from->image.len);
    return QR_OK;
}

static int map_embedding(struct qr_creo_map *map, const Quarry__Creo__V1__Embedding *from)
{
    Quarry__V1__CadEmbedding *to = qr_cad_add_embedding(map->rec);
    int rc = qr_gather_finite(from->values, from->n_values, "an embedding", map->err);

    if (!to || rc < 0)
        return rc;
    to->type = text(map, from->type);
    to->model = text(map, from->model);
    qr_cad_set_values(map->rec, to, from->values, from->n_values);
    return QR_OK;
}

/* ---- text */

static int map_drawing(struct qr_creo_map *map, const Quarry__Creo__V1__Drawing *from)
{
    for (size_t i = 0; i < from->n_sheets; i++) {
        const Quarry__Creo__V1__Sheet *sheet = from->sheets[i];
        Quarry__V1__Page *page = qr_record_add_page(map->rec, sheet->number);
        if (!page)
            return QR_OK;
        page->width_pt = isfinite(sheet->width_mm) ? sheet->width_mm * 72 / 25.4 : 0;
        page->height_pt = isfinite(sheet->height_mm) ? sheet->height_mm * 72 / 25.4 : 0;
        page->label = text(map, sheet->size);
        page->drawing = true;
        qr_record_set_page_text(map->rec, page, sheet->text, strlen(sheet->text));
        meta(map, "scale", sheet->scale);
    }
    for (size_t i = 0; i < from->n_models; i++) {
        Quarry__V1__Link *link = qr_record_add_link(map->rec);
        if (!link)
            return QR_OK;
        link->kind = text(map, "model");
        link->target = text(map, from->models[i]);
    }
    return QR_OK;
}

static int map_relations(struct qr_creo_map *map, const Quarry__Creo__V1__Relations *relations)
{
    char owner[300];

    for (size_t i = 0; i < relations->n_items; i++) {
        Quarry__V1__CadRelation *to = qr_cad_add_relation(map->rec);
        if (!to)
            return QR_OK;
        to->owner = text(map, owner_name(map, relations->items[i]->owner, owner, sizeof owner));
        to->text = text(map, relations->items[i]->text);
    }
    return QR_OK;
}

static int map_layers(struct qr_creo_map *map, const Quarry__Creo__V1__Layers *layers)
{
    for (size_t i = 0; i < layers->n_items; i++) {
        const Quarry__Creo__V1__Layer *from = layers->items[i];
        Quarry__V1__NamedObject *to =
            qr_record_add_named(map->rec, QR_RECORD_LAYERS, from->name, strlen(from->name));
        if (!to)
            return QR_OK;
        qr_record_add_property(map->rec, to, "status", from->status, strlen(from->status));
    }
    return QR_OK;
}

static int map_notes(struct qr_creo_map *map, const Quarry__Creo__V1__Notes *notes)
{
    for (size_t i = 0; i < notes->n_items; i++) {
        const Quarry__Creo__V1__Note *from = notes->items[i];
        Quarry__V1__DrawingNote *to = qr_record_add_drawing_note(map->rec);
        if (!to)
            return QR_OK;
        to->number = text(map, from->name);
        to->text = text(map, from->value_expanded[0] ? from->value_expanded : from->value);
    }
    return QR_OK;
}

/* The kinds of parts: in the protocol's enum, in its message, and of the function above. */
#define PARTS(X)                  \
    X(HEAD, head)                 \
    X(PARAMETERS, parameters)     \
    X(MASS, mass)                 \
    X(MATERIALS, materials)       \
    X(DIMENSIONS, dimensions)     \
    X(BOM, bom)                   \
    X(FEATURES, features)         \
    X(FAMILY_TABLE, family_table) \
    X(GENOME, genome)             \
    X(POINTS, points)             \
    X(VIEW, view)                 \
    X(EMBEDDING, embedding)       \
    X(RELATIONS, relations)       \
    X(DRAWING, drawing)           \
    X(LAYERS, layers)             \
    X(NOTES, notes)

int qr_creo_map_part(struct qr_creo_map *map, const reply_message *reply, struct qr_err *err)
{
#define PART_CASE(NAME, field)                         \
    case QUARRY__CREO__V1__EXTRACT_REPLY__PART_##NAME: \
        return map_##field(map, reply->field);
    map->err = err;
    switch ((int)reply->part_case) {
        PARTS(PART_CASE)
    default:
        return qr_fail(err, QR_E_DATA, "a part of a kind that is not known");
    }
#undef PART_CASE
}

int qr_creo_map_finish(struct qr_creo_map *map, struct qr_err *err)
{
    return qr_gather_finish(&map->gather, SOURCE, err);
}

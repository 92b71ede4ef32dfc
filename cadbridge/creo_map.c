#include "cadbridge/creo_map.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "common/record/cad.h"
#include "common/record/parts.h"

#define SOURCE "creo"
#define POINTS_MAX 5000000u
#define PAIRS_LOOKED_AT 2000u

typedef Quarry__Creo__V1__ExtractReply reply_message;

void qr_creo_map_init(struct qr_creo_map *map, struct qr_record *rec, const char *model)
{
    *map = (struct qr_creo_map){.rec = rec, .model = model, .mm = 1, .kg = 1};
}

/* ---- units */

static bool factor(const char *unit, bool of_mass, double *ret)
{
    static const struct {
        const char *name;
        bool of_mass;
        double factor;
    } units[] = {
        {"mm", false, 1},        {"cm", false, 10},         {"m", false, 1000},
        {"inch", false, 25.4},   {"in", false, 25.4},       {"ft", false, 304.8},
        {"micron", false, 1e-3}, {"kg", true, 1},           {"g", true, 1e-3},
        {"tonne", true, 1000},   {"lbm", true, 0.45359237}, {"slug", true, 14.593903},
    };

    if (unit[0] == '\0')
        return true;
    for (size_t i = 0; i < QR_COUNT(units); i++)
        if (units[i].of_mass == of_mass && strcasecmp(units[i].name, unit) == 0) {
            *ret = units[i].factor;
            return true;
        }
    return false;
}

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

/* Numbers of a length each: scaled into `to`. */
static int scaled(const double *from, size_t n, size_t want, double scale, double *to,
                  const char *what, struct qr_err *err)
{
    if (n != want)
        return qr_fail(err, QR_E_DATA, "%s of %zu numbers instead of %zu", what, n, want);
    for (size_t i = 0; i < n; i++) {
        if (!isfinite(from[i]))
            return qr_fail(err, QR_E_DATA, "%s with a number that is none", what);
        to[i] = from[i] * scale;
    }
    return QR_OK;
}

/* ---- parts */

static int map_head(struct qr_creo_map *map, const Quarry__Creo__V1__ModelHead *head,
                    struct qr_err *err)
{
    Quarry__V1__CadModel *cad = qr_record_cad(map->rec);
    char revision[16];

    if (!cad)
        return QR_OK; /* the record says so */
    if (head->units && (!factor(head->units->length, false, &map->mm) ||
                        !factor(head->units->mass, true, &map->kg)))
        return qr_fail(err, QR_E_UNSUPPORTED, "units '%.20s' and '%.20s' are not known",
                       head->units->length, head->units->mass);
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

static void map_parameters(struct qr_creo_map *map, const Quarry__Creo__V1__Parameters *parameters)
{
    char owner[300];

    for (size_t i = 0; i < parameters->n_items; i++) {
        const Quarry__Creo__V1__Parameter *from = parameters->items[i];
        Quarry__V1__Parameter *to = qr_record_add_parameter(map->rec);
        if (!to)
            return;
        to->set = text(map, from->designated ? "designated" : "");
        to->name = text(map, from->name);
        to->value = text(map, from->value);
        to->type = text(map, from->type);
        to->unit = text(map, from->unit);
        to->owner = text(map, owner_name(map, from->owner, owner, sizeof owner));
        to->source = text(map, SOURCE);
    }
}

static int map_mass(struct qr_creo_map *map, const Quarry__Creo__V1__MassProperties *from,
                    struct qr_err *err)
{
    const double mm = map->mm;
    double numbers[9];
    int rc = QR_OK;
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
    if (from->n_centre_of_gravity > 0) {
        rc = scaled(from->centre_of_gravity, from->n_centre_of_gravity, 3, mm, numbers,
                    "a centre of gravity", err);
        if (rc == QR_OK)
            qr_cad_numbers(map->rec, numbers, 3, &to->centroid, &to->n_centroid);
    }
    if (rc == QR_OK && from->n_inertia_at_centre > 0) {
        rc = scaled(from->inertia_at_centre, from->n_inertia_at_centre, 9, map->kg * mm * mm,
                    numbers, "an inertia tensor", err);
        if (rc == QR_OK)
            qr_cad_numbers(map->rec, numbers, 9, &to->inertia, &to->n_inertia);
    }
    if (rc == QR_OK && from->n_principal_moments > 0) {
        rc = scaled(from->principal_moments, from->n_principal_moments, 3, map->kg * mm * mm,
                    numbers, "principal moments", err);
        if (rc == QR_OK)
            qr_cad_numbers(map->rec, numbers, 3, &to->principal_moments, &to->n_principal_moments);
    }
    if (rc == QR_OK && from->n_bounding_box > 0) {
        rc =
            scaled(from->bounding_box, from->n_bounding_box, 6, mm, numbers, "a bounding box", err);
        Quarry__V1__CadModel *cad = qr_record_cad(map->rec);
        if (rc == QR_OK && cad)
            cad->bounds = qr_cad_bounds(map->rec, numbers, SOURCE);
    }
    return rc;
}

static void map_materials(struct qr_creo_map *map, const Quarry__Creo__V1__Materials *materials)
{
    for (size_t i = 0; i < materials->n_items; i++) {
        const Quarry__Creo__V1__Material *from = materials->items[i];
        Quarry__V1__Material *to = qr_record_add_material(map->rec);
        if (!to)
            return;
        bool current = materials->current[0] == '\0' || strcmp(materials->current, from->name) == 0;
        to->name = text(map, from->name);
        to->standard = text(map, from->standard);
        to->density = isfinite(from->density) ? from->density : 0;
        to->owner = text(map, current ? map->model : "");
        to->source = text(map, SOURCE);
        to->confidence = 1;
    }
}

static void map_dimensions(struct qr_creo_map *map, const Quarry__Creo__V1__Dimensions *dimensions)
{
    const Quarry__V1__CadModel *cad = qr_record_cad(map->rec);

    for (size_t i = 0; i < dimensions->n_items; i++) {
        const Quarry__Creo__V1__Dimension *from = dimensions->items[i];
        bool angular = strcmp(from->type, "angular") == 0;
        Quarry__V1__Dimension *to = qr_record_add_dimension(map->rec);
        if (!to)
            return;
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
}

/* ---- structure */

static Quarry__V1__CadAssembly *pair_of(struct qr_creo_map *map, const char *parent,
                                        const char *child)
{
    const Quarry__V1__CadModel *cad = qr_record_cad(map->rec);

    /* Children of one parent stand together: it is among the newest entries, or new. */
    size_t n = cad ? cad->n_assemblies : 0;
    for (size_t i = n; i > 0 && n - i < PAIRS_LOOKED_AT; i--)
        if (strcmp(cad->assemblies[i - 1]->child, child) == 0 &&
            strcmp(cad->assemblies[i - 1]->parent, parent) == 0)
            return cad->assemblies[i - 1];
    Quarry__V1__CadAssembly *pair = cad ? qr_cad_add_assembly(map->rec) : NULL;
    if (pair) {
        pair->parent = text(map, parent);
        pair->child = text(map, child);
        pair->unresolved = true; /* a file of its own */
    }
    return pair;
}

static int map_component(struct qr_creo_map *map, const Quarry__Creo__V1__BomItem *from,
                         struct qr_err *err)
{
    const char *parent = from->parent[0] ? from->parent : map->model;
    Quarry__V1__CadAssembly *pair = pair_of(map, parent, from->model);
    Quarry__V1__CadOccurrence *to = pair ? qr_cad_add_occurrence(map->rec, pair) : NULL;
    double numbers[16];

    if (!to)
        return QR_OK;
    pair->quantity += from->suppressed ? 0 : 1;
    to->path = text(map, from->path);
    to->reference_designator = text(map, from->find_number);
    to->suppressed = from->suppressed;
    if (from->n_transform == 0)
        return QR_OK;
    int rc = scaled(from->transform, from->n_transform, 16, 1, numbers, "a transform", err);
    for (int i = 3; rc == QR_OK && i < 12; i += 4)
        numbers[i] *= map->mm;
    if (rc == QR_OK)
        qr_cad_numbers(map->rec, numbers, 16, &to->transform, &to->n_transform);
    return rc;
}

/* One row a parent and child, with how many are in it. */
static void map_rows(struct qr_creo_map *map)
{
    const Quarry__V1__CadModel *cad = qr_record_cad(map->rec);
    char quantity[32];

    for (size_t i = 0; cad && i < cad->n_assemblies; i++) {
        const Quarry__V1__CadAssembly *pair = cad->assemblies[i];
        Quarry__V1__BomItem *row = qr_record_add_bom_item(map->rec);
        if (!row)
            return;
        snprintf(quantity, sizeof quantity, "%.15g", pair->quantity);
        row->part_number = pair->child;
        row->parent = pair->parent;
        row->quantity = text(map, quantity);
        row->source = text(map, "structure");
        row->confidence = 1;
    }
}

static int map_bom(struct qr_creo_map *map, const Quarry__Creo__V1__Bom *bom, struct qr_err *err)
{
    int rc = QR_OK;

    for (size_t i = 0; rc == QR_OK && i < bom->n_items; i++)
        rc = map_component(map, bom->items[i], err);
    return rc;
}

static void map_features(struct qr_creo_map *map, const Quarry__Creo__V1__Features *features)
{
    char id[32];

    for (size_t i = 0; i < features->n_items; i++) {
        const Quarry__Creo__V1__Feature *from = features->items[i];
        Quarry__V1__CadFeature *to = qr_cad_add_feature(map->rec);
        if (!to)
            return;
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
}

static int map_family_table(struct qr_creo_map *map, const Quarry__Creo__V1__FamilyTable *from,
                            struct qr_err *err)
{
    Quarry__V1__CadTable *table = qr_cad_family_table(map->rec);
    const char *columns[256];
    size_t n = from->n_columns;

    if (!table)
        return QR_OK;
    if (n > QR_COUNT(columns))
        return qr_fail(err, QR_E_DATA, "a family table of %zu columns", n);
    for (size_t i = 0; i < n; i++)
        columns[i] = from->columns[i]->id;
    qr_cad_set_strings(map->rec, &table->columns, &table->n_columns, columns, n);
    for (size_t i = 0; i < from->n_instances; i++) {
        const Quarry__Creo__V1__Instance *instance = from->instances[i];
        Quarry__V1__CadRow *row = qr_cad_add_row(map->rec, table);
        if (!row)
            return QR_OK;
        if (instance->n_cells != n)
            return qr_fail(err, QR_E_DATA, "instance '%.60s' has %zu cells for %zu columns",
                           instance->name, instance->n_cells, n);
        row->name = text(map, instance->name);
        qr_cad_set_strings(map->rec, &row->cells, &row->n_cells,
                           (const char *const *)instance->cells, n);
    }
    return QR_OK;
}

/* ---- shape */

static int map_genome(struct qr_creo_map *map, const Quarry__Creo__V1__Genome *from,
                      struct qr_err *err)
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
    json_t *json = json_loads(from->json, JSON_REJECT_DUPLICATES, NULL);
    bool object = json_is_object(json);
    json_decref(json);
    if (!object)
        return qr_fail(err, QR_E_DATA, "a genome that is no JSON object");
    qr_cad_set_bytes(map->rec, &cad->genome, from->json, strlen(from->json));
    return QR_OK;
}

static int copy_floats(struct qr_creo_map *map, const ProtobufCBinaryData *from, float **all,
                       uint32_t first, double scale, struct qr_err *err)
{
    size_t n = from->len / sizeof(float);

    if (!*all)
        *all = qr_arena_alloc(&map->rec->arena, (size_t)map->points_total * 3 * sizeof(float));
    if (!*all)
        return qr_fail(err, QR_E_LIMIT, "no memory for %" PRIu32 " points", map->points_total);
    for (size_t i = 0; i < n; i++) {
        float value;
        memcpy(&value, from->data + i * sizeof value, sizeof value); /* little endian, as here */
        if (!isfinite(value))
            return qr_fail(err, QR_E_DATA, "a point with a number that is none");
        (*all)[(size_t)first * 3 + i] = (float)(value * scale);
    }
    return QR_OK;
}

static int map_points(struct qr_creo_map *map, const Quarry__Creo__V1__PointCloud *from,
                      struct qr_err *err)
{
    size_t n = from->xyz.len / 12;

    if (from->xyz.len % 12 != 0 || from->total == 0 || from->total > POINTS_MAX)
        return qr_fail(err, QR_E_DATA, "%zu bytes of %" PRIu32 " points", from->xyz.len,
                       from->total);
    if (map->points_total != 0 && map->points_total != from->total)
        return qr_fail(err, QR_E_DATA, "a cloud of two sizes");
    map->points_total = from->total;
    if (from->first != map->points || n > from->total - map->points)
        return qr_fail(err, QR_E_DATA, "points %" PRIu32 " to %zu of %" PRIu32, from->first,
                       from->first + n, from->total);
    if (from->normals.len != 0 && from->normals.len != from->xyz.len)
        return qr_fail(err, QR_E_DATA, "%zu bytes of normals for %zu points", from->normals.len, n);
    int rc = copy_floats(map, &from->xyz, &map->xyz, map->points, map->mm, err);
    if (rc == QR_OK && from->normals.len > 0)
        rc = copy_floats(map, &from->normals, &map->normals, map->points, 1, err);
    map->points += (uint32_t)n;
    return rc;
}

static void map_view(struct qr_creo_map *map, const Quarry__Creo__V1__View *from)
{
    Quarry__V1__CadView *to = qr_cad_add_view(map->rec);

    if (!to)
        return;
    to->name = text(map, from->name);
    to->width = from->width;
    to->height = from->height;
    to->media_type = text(map, from->media_type);
    to->source = text(map, SOURCE);
    qr_cad_set_bytes(map->rec, &to->image, from->image.data, from->image.len);
}

static int map_embedding(struct qr_creo_map *map, const Quarry__Creo__V1__Embedding *from,
                         struct qr_err *err)
{
    Quarry__V1__CadEmbedding *to = qr_cad_add_embedding(map->rec);

    for (size_t i = 0; i < from->n_values; i++)
        if (!isfinite(from->values[i]))
            return qr_fail(err, QR_E_DATA, "an embedding with a number that is none");
    if (!to)
        return QR_OK;
    to->type = text(map, from->type);
    to->model = text(map, from->model);
    qr_cad_set_values(map->rec, to, from->values, from->n_values);
    return QR_OK;
}

/* ---- text */

static void map_drawing(struct qr_creo_map *map, const Quarry__Creo__V1__Drawing *from)
{
    for (size_t i = 0; i < from->n_sheets; i++) {
        const Quarry__Creo__V1__Sheet *sheet = from->sheets[i];
        Quarry__V1__Page *page = qr_record_add_page(map->rec, sheet->number);
        if (!page)
            return;
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
            return;
        link->kind = text(map, "model");
        link->target = text(map, from->models[i]);
    }
}

static void map_relations(struct qr_creo_map *map, const Quarry__Creo__V1__Relations *relations)
{
    char owner[300];

    for (size_t i = 0; i < relations->n_items; i++) {
        Quarry__V1__CadRelation *to = qr_cad_add_relation(map->rec);
        if (!to)
            return;
        to->owner = text(map, owner_name(map, relations->items[i]->owner, owner, sizeof owner));
        to->text = text(map, relations->items[i]->text);
    }
}

static void map_layers(struct qr_creo_map *map, const Quarry__Creo__V1__Layers *layers)
{
    for (size_t i = 0; i < layers->n_items; i++) {
        const Quarry__Creo__V1__Layer *from = layers->items[i];
        Quarry__V1__NamedObject *to =
            qr_record_add_named(map->rec, QR_RECORD_LAYERS, from->name, strlen(from->name));
        if (!to)
            return;
        qr_record_add_property(map->rec, to, "status", from->status, strlen(from->status));
    }
}

static void map_notes(struct qr_creo_map *map, const Quarry__Creo__V1__Notes *notes)
{
    for (size_t i = 0; i < notes->n_items; i++) {
        const Quarry__Creo__V1__Note *from = notes->items[i];
        Quarry__V1__DrawingNote *to = qr_record_add_drawing_note(map->rec);
        if (!to)
            return;
        to->number = text(map, from->name);
        to->text = text(map, from->value_expanded[0] ? from->value_expanded : from->value);
    }
}

#define PART(name) QUARRY__CREO__V1__EXTRACT_REPLY__PART_##name

int qr_creo_map_part(struct qr_creo_map *map, const reply_message *reply, struct qr_err *err)
{
    switch ((int)reply->part_case) {
    case PART(HEAD):
        return map_head(map, reply->head, err);
    case PART(PARAMETERS):
        map_parameters(map, reply->parameters);
        return QR_OK;
    case PART(MASS):
        return map_mass(map, reply->mass, err);
    case PART(MATERIALS):
        map_materials(map, reply->materials);
        return QR_OK;
    case PART(DIMENSIONS):
        map_dimensions(map, reply->dimensions);
        return QR_OK;
    case PART(BOM):
        return map_bom(map, reply->bom, err);
    case PART(FEATURES):
        map_features(map, reply->features);
        return QR_OK;
    case PART(FAMILY_TABLE):
        return map_family_table(map, reply->family_table, err);
    case PART(GENOME):
        return map_genome(map, reply->genome, err);
    case PART(POINTS):
        return map_points(map, reply->points, err);
    case PART(VIEW):
        map_view(map, reply->view);
        return QR_OK;
    case PART(EMBEDDING):
        return map_embedding(map, reply->embedding, err);
    case PART(RELATIONS):
        map_relations(map, reply->relations);
        return QR_OK;
    case PART(DRAWING):
        map_drawing(map, reply->drawing);
        return QR_OK;
    case PART(LAYERS):
        map_layers(map, reply->layers);
        return QR_OK;
    case PART(NOTES):
        map_notes(map, reply->notes);
        return QR_OK;
    default:
        return qr_fail(err, QR_E_DATA, "a part of a kind that is not known");
    }
}

int qr_creo_map_finish(struct qr_creo_map *map, struct qr_err *err)
{
    Quarry__V1__CadModel *cad = qr_record_cad(map->rec);

    if (map->points != map->points_total)
        return qr_fail(err, QR_E_DATA, "%" PRIu32 " of %" PRIu32 " points", map->points,
                       map->points_total);
    if (map->points > 0 && cad)
        cad->points = qr_cad_points(map->rec, map->xyz, map->normals, map->points, SOURCE);
    map_rows(map);
    return QR_OK;
}

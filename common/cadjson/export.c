/* The documented export: docs/cad-export.schema.json. Its names are those of the record's own JSON
 * (docs/record.md), so that what Quarry prints can be read again. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "common/cadjson/intern.h"

typedef struct qr_cadjson cadjson;

#define FIELD(Type, name_, kind, member)                                         \
    {                                                                            \
        name_, QR_FIELD_##kind, offsetof(Quarry__V1__##Type, member), 0, 0, NULL \
    }
#define NUMBER_OF(Type, name_, member)                                \
    {                                                                 \
        name_, QR_FIELD_NUMBER, offsetof(Quarry__V1__##Type, member), \
            offsetof(Quarry__V1__##Type, has_##member), 0, NULL       \
    }
#define NUMBERS_OF(Type, name_, count, member)                         \
    {                                                                  \
        name_, QR_FIELD_NUMBERS, offsetof(Quarry__V1__##Type, member), \
            offsetof(Quarry__V1__##Type, n_##member), count, NULL      \
    }
#define SPECIAL(name_, function)                   \
    {                                              \
        name_, QR_FIELD_SPECIAL, 0, 0, 0, function \
    }
#define END                                   \
    {                                         \
        NULL, QR_FIELD_SPECIAL, 0, 0, 0, NULL \
    }

/* ------------------------------------------------------------------ structure */

static const struct qr_field product_fields[] = {
    FIELD(CadProduct, "id", TEXT, id),
    FIELD(CadProduct, "name", TEXT, name),
    FIELD(CadProduct, "description", TEXT, description),
    FIELD(CadProduct, "revision", TEXT, revision),
    FIELD(CadProduct, "category", TEXT, category),
    FIELD(CadProduct, "source", TEXT, source),
    FIELD(CadProduct, "root", FLAG, root),
    END,
};

static const struct qr_field occurrence_fields[] = {
    FIELD(CadOccurrence, "id", TEXT, id),
    FIELD(CadOccurrence, "name", TEXT, name),
    FIELD(CadOccurrence, "reference_designator", TEXT, reference_designator),
    FIELD(CadOccurrence, "path", TEXT, path),
    FIELD(CadOccurrence, "suppressed", FLAG, suppressed),
    NUMBERS_OF(CadOccurrence, "transform", 16, transform),
    END,
};

static bool read_product(cadjson *cj)
{
    return qr_cadjson_object(cj, product_fields, qr_cad_add_product(cj->rec));
}

static bool read_products(cadjson *cj, void *target)
{
    (void)target;
    return qr_cadjson_list(cj, read_product);
}

static bool read_occurrences(cadjson *cj, void *target)
{
    Quarry__V1__CadAssembly *assembly = target;

    if (!qr_jr_array(cj->jr))
        return false;
    while (qr_jr_element(cj->jr))
        if (!qr_cadjson_object(cj, occurrence_fields,
                               qr_cadjson_has_room(cj) ? qr_cad_add_occurrence(cj->rec, assembly)
                                                       : NULL))
            return false;
    return !cj->jr->failed;
}

static const struct qr_field assembly_fields[] = {
    FIELD(CadAssembly, "parent", TEXT, parent),
    FIELD(CadAssembly, "child", TEXT, child),
    FIELD(CadAssembly, "quantity", NUMBER, quantity),
    FIELD(CadAssembly, "cycle", FLAG, cycle),
    FIELD(CadAssembly, "unresolved", FLAG, unresolved),
    SPECIAL("occurrences", read_occurrences),
    END,
};

static bool read_assembly(cadjson *cj)
{
    Quarry__V1__CadAssembly *assembly = qr_cad_add_assembly(cj->rec);

    if (!qr_cadjson_object(cj, assembly_fields, assembly))
        return false;
    if (assembly && !assembly->child[0])
        return qr_jr_fail(cj->jr, "a component without \"child\"");
    return true;
}

static bool read_assemblies(cadjson *cj, void *target)
{
    (void)target;
    return qr_cadjson_list(cj, read_assembly);
}

/* ------------------------------------------------------------------ numbers */

static const struct qr_field mass_fields[] = {
    FIELD(CadMass, "owner", TEXT, owner),
    FIELD(CadMass, "source", TEXT, source),
    NUMBER_OF(CadMass, "volume", volume),
    NUMBER_OF(CadMass, "area", area),
    NUMBER_OF(CadMass, "mass", mass),
    NUMBER_OF(CadMass, "density", density),
    NUMBERS_OF(CadMass, "centroid", 3, centroid),
    NUMBERS_OF(CadMass, "inertia", 9, inertia),
    NUMBERS_OF(CadMass, "principal_moments", 3, principal_moments),
    END,
};

static bool read_one_mass(cadjson *cj)
{
    Quarry__V1__CadMass *mass = qr_cad_add_mass(cj->rec);

    if (!qr_cadjson_object(cj, mass_fields, mass))
        return false;
    if (mass && !mass->source[0])
        mass->source = qr_record_text(cj->rec, "export");
    return true;
}

static bool read_mass(cadjson *cj, void *target)
{
    (void)target;
    return qr_jr_peek(cj->jr) == QR_JR_OBJECT ? read_one_mass(cj)
                                              : qr_cadjson_list(cj, read_one_mass);
}

static bool read_bbox(cadjson *cj, void *target)
{
    double *box = NULL;
    size_t n = 0;
    Quarry__V1__CadModel *cad = target;

    if (!qr_cadjson_numbers(cj, 6, &box, &n))
        return false;
    if (n == 6)
        cad->bounds = qr_cad_bounds(cj->rec, box, "export");
    return true;
}

/* {"plane": 12, …} */
static bool read_counts(cadjson *cj, enum qr_cad_counts list)
{
    const char *key;

    if (!qr_jr_object(cj->jr))
        return false;
    while ((key = qr_jr_member(cj->jr))) {
        static const struct qr_field count = {"", QR_FIELD_COUNT, 0, 0, 0, NULL};
        uint64_t n = 0;
        if (!qr_cadjson_value(cj, &count, &n))
            return false;
        qr_cad_add_count(cj->rec, list, key, strlen(key), n);
    }
    return !cj->jr->failed;
}

static bool read_surfaces(cadjson *cj, void *target)
{
    (void)target;
    return read_counts(cj, QR_CAD_SURFACES);
}

static bool read_curves(cadjson *cj, void *target)
{
    (void)target;
    return read_counts(cj, QR_CAD_CURVES);
}

static const struct qr_field topology_fields[] = {
    FIELD(CadTopology, "solid_count", COUNT, solids),
    FIELD(CadTopology, "shell_count", COUNT, shells),
    FIELD(CadTopology, "face_count", COUNT, faces),
    FIELD(CadTopology, "loop_count", COUNT, loops),
    FIELD(CadTopology, "edge_count", COUNT, edges),
    FIELD(CadTopology, "vertex_count", COUNT, vertices),
    FIELD(CadTopology, "inner_loops", COUNT, inner_loops),
    FIELD(CadTopology, "open_edges", COUNT, open_edges),
    FIELD(CadTopology, "non_manifold_edges", COUNT, non_manifold_edges),
    FIELD(CadTopology, "adjacency_hash", TEXT, adjacency_hash),
    SPECIAL("surface_types", read_surfaces),
    SPECIAL("curve_types", read_curves),
    END,
};

/* A JSON object, as it is. */
static bool read_genome(cadjson *cj, void *target)
{
    enum { GENOME_MAX = 4 * 1024 * 1024 };
    Quarry__V1__CadModel *cad = target;
    struct qr_buf json;
    bool ok;

    if (qr_jr_peek(cj->jr) != QR_JR_OBJECT)
        return qr_jr_object(cj->jr); /* says what it is */
    qr_buf_init(&json, GENOME_MAX);
    ok = qr_jr_copy(cj->jr, &json);
    if (ok && json.failed)
        qr_record_partial(cj->rec, "cadjson.genome.capped",
                          "a genome of more than %d MiB was left out", GENOME_MAX >> 20);
    else if (ok && qr_cadjson_fits(cj, json.len))
        qr_cad_set_bytes(cj->rec, &cad->genome, json.data, json.len);
    qr_buf_done(&json);
    return ok;
}

/* ------------------------------------------------------------------ parameters, materials,
 * dimensions */

static const struct qr_field parameter_fields[] = {
    FIELD(Parameter, "name", TEXT, name),
    FIELD(Parameter, "value", TEXT, value),
    FIELD(Parameter, "type", TEXT, type),
    FIELD(Parameter, "unit", TEXT, unit),
    FIELD(Parameter, "set", TEXT, set),
    FIELD(Parameter, "owner", TEXT, owner),
    FIELD(Parameter, "handle", TEXT, handle),
    FIELD(Parameter, "source", TEXT, source),
    END,
};

static bool read_parameter(cadjson *cj)
{
    Quarry__V1__Parameter *p = qr_record_add_parameter(cj->rec);

    if (!qr_cadjson_object(cj, parameter_fields, p))
        return false;
    if (p && !p->name[0])
        return qr_jr_fail(cj->jr, "a parameter without \"name\"");
    if (p && !p->source[0])
        p->source = qr_record_text(cj->rec, "export");
    return true;
}

/* A list of objects, or {"NAME": value, …}. */
static bool read_parameters(cadjson *cj, void *target)
{
    const char *key;
    (void)target;

    if (qr_jr_peek(cj->jr) != QR_JR_OBJECT)
        return qr_cadjson_list(cj, read_parameter);
    if (!qr_jr_object(cj->jr))
        return false;
    while ((key = qr_jr_member(cj->jr))) {
        Quarry__V1__Parameter *p =
            qr_cadjson_has_room(cj) ? qr_record_add_parameter(cj->rec) : NULL;
        if (!p) {
            if (!qr_jr_skip(cj->jr))
                return false;
            continue;
        }
        p->name = qr_record_text(cj->rec, key);
        p->source = qr_record_text(cj->rec, "export");
        if (!qr_cadjson_text(cj, &p->value))
            return false;
    }
    return !cj->jr->failed;
}

static const struct qr_field material_fields[] = {
    FIELD(Material, "name", TEXT, name),         FIELD(Material, "standard", TEXT, standard),
    FIELD(Material, "density", NUMBER, density), FIELD(Material, "owner", TEXT, owner),
    FIELD(Material, "source", TEXT, source),     END,
};

static bool read_material(cadjson *cj)
{
    Quarry__V1__Material *m = qr_record_add_material(cj->rec);

    if (m && qr_jr_peek(cj->jr) == QR_JR_STRING) {
        m->source = qr_record_text(cj->rec, "export");
        return qr_cadjson_text(cj, &m->name);
    }
    if (!qr_cadjson_object(cj, material_fields, m))
        return false;
    if (m && !m->source[0])
        m->source = qr_record_text(cj->rec, "export");
    return true;
}

static bool read_materials(cadjson *cj, void *target)
{
    (void)target;
    return qr_cadjson_list(cj, read_material);
}

static bool read_deviation(cadjson *cj, Quarry__V1__Dimension *d, double *ret)
{
    double value;

    if (!qr_cadjson_number(cj, &value))
        return false;
    if (isnan(value))
        return true;
    *ret = value;
    d->has_tolerance = true;
    return true;
}

static bool read_upper(cadjson *cj, void *target)
{
    Quarry__V1__Dimension *d = target;
    return read_deviation(cj, d, &d->upper);
}

static bool read_lower(cadjson *cj, void *target)
{
    Quarry__V1__Dimension *d = target;
    return read_deviation(cj, d, &d->lower);
}

static const struct qr_field dimension_fields[] = {
    FIELD(Dimension, "kind", TEXT, kind),
    FIELD(Dimension, "name", TEXT, handle),
    NUMBER_OF(Dimension, "value", value),
    FIELD(Dimension, "text", TEXT, text),
    FIELD(Dimension, "unit", TEXT, unit),
    SPECIAL("upper", read_upper),
    SPECIAL("lower", read_lower),
    FIELD(Dimension, "fit", TEXT, fit),
    FIELD(Dimension, "quantity", COUNT32, quantity),
    FIELD(Dimension, "prefix", TEXT, prefix),
    FIELD(Dimension, "suffix", TEXT, suffix),
    FIELD(Dimension, "page", COUNT32, page),
    FIELD(Dimension, "layout", TEXT, layout),
    FIELD(Dimension, "source", TEXT, source),
    FIELD(Dimension, "reference", FLAG, reference),
    FIELD(Dimension, "basic", FLAG, basic),
    END,
};

static bool read_dimension(cadjson *cj)
{
    Quarry__V1__Dimension *d = qr_record_add_dimension(cj->rec);

    if (!qr_cadjson_object(cj, dimension_fields, d))
        return false;
    if (d && !d->source[0])
        d->source = qr_record_text(cj->rec, "export");
    return true;
}

static bool read_dimensions(cadjson *cj, void *target)
{
    (void)target;
    return qr_cadjson_list(cj, read_dimension);
}

/* ------------------------------------------------------------------ features, relations, tables */

struct pair {
    char *name, *value;
};
static const struct qr_field pair_fields[] = {
    {"name", QR_FIELD_TEXT, offsetof(struct pair, name), 0, 0, NULL},
    {"value", QR_FIELD_TEXT, offsetof(struct pair, value), 0, 0, NULL},
    END,
};

/* {"radius": 2} or [{"name": "radius", "value": 2}]. */
static bool read_feature_parameters(cadjson *cj, void *target)
{
    Quarry__V1__CadFeature *feature = target;
    const char *key;

    if (qr_jr_peek(cj->jr) == QR_JR_OBJECT) {
        if (!qr_jr_object(cj->jr))
            return false;
        while ((key = qr_jr_member(cj->jr))) {
            char name[QR_JR_KEY_MAX];
            char *value = QR_NO_TEXT;
            memcpy(name, key, strlen(key) + 1);
            if (qr_cadjson_has_room(cj) ? !qr_cadjson_text(cj, &value) : !qr_jr_skip(cj->jr))
                return false;
            qr_cad_add_feature_parameter(cj->rec, feature, name, value);
        }
        return !cj->jr->failed;
    }
    if (!qr_jr_array(cj->jr))
        return false;
    while (qr_jr_element(cj->jr)) {
        struct pair pair = {QR_NO_TEXT, QR_NO_TEXT};
        if (qr_cadjson_has_room(cj) ? !qr_cadjson_object(cj, pair_fields, &pair)
                                    : !qr_jr_skip(cj->jr))
            return false;
        qr_cad_add_feature_parameter(cj->rec, feature, pair.name, pair.value);
    }
    return !cj->jr->failed;
}

static const struct qr_field feature_fields[] = {
    FIELD(CadFeature, "id", TEXT, id),
    FIELD(CadFeature, "type", TEXT, type),
    FIELD(CadFeature, "name", TEXT, name),
    FIELD(CadFeature, "status", TEXT, status),
    FIELD(CadFeature, "owner", TEXT, owner),
    SPECIAL("parameters", read_feature_parameters),
    END,
};

static bool read_feature(cadjson *cj)
{
    return qr_cadjson_object(cj, feature_fields, qr_cad_add_feature(cj->rec));
}

static bool read_features(cadjson *cj, void *target)
{
    (void)target;
    return qr_cadjson_list(cj, read_feature);
}

static const struct qr_field relation_fields[] = {
    FIELD(CadRelation, "owner", TEXT, owner),
    FIELD(CadRelation, "text", TEXT, text),
    END,
};

static bool read_relation(cadjson *cj)
{
    Quarry__V1__CadRelation *relation = qr_cad_add_relation(cj->rec);

    if (relation && qr_jr_peek(cj->jr) == QR_JR_STRING)
        return qr_cadjson_text(cj, &relation->text);
    return qr_cadjson_object(cj, relation_fields, relation);
}

static bool read_relations(cadjson *cj, void *target)
{
    (void)target;
    return qr_cadjson_list(cj, read_relation);
}

static bool read_colour_rgb(cadjson *cj, void *target)
{
    Quarry__V1__CadColour *colour = target;
    double *rgb = NULL;
    size_t n = 0;

    if (!qr_cadjson_numbers(cj, 3, &rgb, &n))
        return false;
    if (n == 3) {
        colour->red = rgb[0];
        colour->green = rgb[1];
        colour->blue = rgb[2];
    }
    return true;
}

static const struct qr_field colour_fields[] = {
    FIELD(CadColour, "owner", TEXT, owner),
    FIELD(CadColour, "uses", COUNT, uses),
    SPECIAL("rgb", read_colour_rgb),
    END,
};

static bool read_colour(cadjson *cj)
{
    return qr_cadjson_object(cj, colour_fields, qr_cad_add_colour(cj->rec));
}

static bool read_colours(cadjson *cj, void *target)
{
    (void)target;
    return qr_cadjson_list(cj, read_colour);
}

/* A list of texts; at most STRINGS_MAX are kept. */
enum { STRINGS_MAX = 1000 };

static bool read_strings(cadjson *cj, char ***ret, size_t *ret_n)
{
    const char *items[STRINGS_MAX];
    size_t n = 0;

    if (!qr_jr_array(cj->jr))
        return false;
    while (qr_jr_element(cj->jr)) {
        char *text = QR_NO_TEXT;
        if (n == STRINGS_MAX || !qr_cadjson_has_room(cj)) {
            qr_record_partial(cj->rec, "record.capped", "columns were cut at %d", STRINGS_MAX);
            if (!qr_jr_skip(cj->jr))
                return false;
            continue;
        }
        if (!qr_cadjson_text(cj, &text))
            return false;
        items[n++] = text;
    }
    if (cj->jr->failed)
        return false;
    qr_cad_set_strings(cj->rec, ret, ret_n, items, n);
    return true;
}

static bool read_columns(cadjson *cj, void *target)
{
    Quarry__V1__CadTable *table = target;
    return read_strings(cj, &table->columns, &table->n_columns);
}

static bool read_cells(cadjson *cj, void *target)
{
    Quarry__V1__CadRow *row = target;
    return read_strings(cj, &row->cells, &row->n_cells);
}

static const struct qr_field row_fields[] = {
    FIELD(CadRow, "name", TEXT, name),
    SPECIAL("cells", read_cells),
    END,
};

static bool read_row(cadjson *cj)
{
    Quarry__V1__CadTable *table = qr_cad_family_table(cj->rec);
    return qr_cadjson_object(cj, row_fields, table ? qr_cad_add_row(cj->rec, table) : NULL);
}

static bool read_rows(cadjson *cj, void *target)
{
    (void)target;
    return qr_cadjson_list(cj, read_row);
}

static const struct qr_field table_fields[] = {
    SPECIAL("columns", read_columns),
    SPECIAL("rows", read_rows),
    END,
};

static bool read_family_table(cadjson *cj, void *target)
{
    (void)target;
    return qr_cadjson_object(cj, table_fields, qr_cad_family_table(cj->rec));
}

/* ------------------------------------------------------------------ of drawings */

static const struct qr_field note_fields[] = {
    FIELD(DrawingNote, "number", TEXT, number),
    FIELD(DrawingNote, "text", TEXT, text),
    END,
};

static bool read_note(cadjson *cj)
{
    Quarry__V1__DrawingNote *note = qr_record_add_drawing_note(cj->rec);

    if (note && qr_jr_peek(cj->jr) == QR_JR_STRING)
        return qr_cadjson_text(cj, &note->text);
    return qr_cadjson_object(cj, note_fields, note);
}

static bool read_notes(cadjson *cj, void *target)
{
    (void)target;
    return qr_cadjson_list(cj, read_note);
}

/* Objects with a name and whatever else is text. */
static bool read_named(cadjson *cj, enum qr_record_list list)
{
    Quarry__V1__NamedObject *object = qr_record_add_named(cj->rec, list, "", 0);
    const char *key;

    if (!object)
        return qr_jr_skip(cj->jr);
    if (qr_jr_peek(cj->jr) == QR_JR_STRING)
        return qr_cadjson_text(cj, &object->name);
    if (!qr_jr_object(cj->jr))
        return false;
    while ((key = qr_jr_member(cj->jr))) {
        enum qr_jr_kind kind = qr_jr_peek(cj->jr);
        char name[QR_JR_KEY_MAX], *value = QR_NO_TEXT;
        memcpy(name, key, strlen(key) + 1);
        if (kind == QR_JR_OBJECT || kind == QR_JR_ARRAY || !qr_cadjson_has_room(cj)) {
            if (!qr_cadjson_keep(cj))
                return false;
            continue;
        }
        if (!qr_cadjson_text(cj, &value))
            return false;
        if (strcmp(name, "name") == 0)
            object->name = value;
        else
            qr_record_add_property(cj->rec, object, name, value, strlen(value));
    }
    return !cj->jr->failed;
}

static bool read_layer(cadjson *cj) { return read_named(cj, QR_RECORD_LAYERS); }
static bool read_sheet(cadjson *cj) { return read_named(cj, QR_RECORD_LAYOUTS); }

static bool read_layers(cadjson *cj, void *target)
{
    (void)target;
    return qr_cadjson_list(cj, read_layer);
}

static bool read_sheets(cadjson *cj, void *target)
{
    (void)target;
    return qr_cadjson_list(cj, read_sheet);
}

static const struct qr_field link_fields[] = {
    FIELD(Link, "kind", TEXT, kind),
    FIELD(Link, "target", TEXT, target),
    FIELD(Link, "page", COUNT32, page),
    END,
};

static bool read_link(cadjson *cj)
{
    return qr_cadjson_object(cj, link_fields, qr_record_add_link(cj->rec));
}

static bool read_links(cadjson *cj, void *target)
{
    (void)target;
    return qr_cadjson_list(cj, read_link);
}

static bool read_metadata(cadjson *cj, void *target)
{
    const char *key;
    (void)target;

    if (!qr_jr_object(cj->jr))
        return false;
    while ((key = qr_jr_member(cj->jr))) {
        char name[QR_JR_KEY_MAX], *value = QR_NO_TEXT;
        enum qr_jr_kind kind = qr_jr_peek(cj->jr);
        memcpy(name, key, strlen(key) + 1);
        if (kind == QR_JR_OBJECT || kind == QR_JR_ARRAY || !qr_cadjson_has_room(cj)) {
            if (!qr_cadjson_keep(cj))
                return false;
            continue;
        }
        if (!qr_cadjson_text(cj, &value))
            return false;
        qr_record_add_meta(cj->rec, name, value, strlen(value), "export");
    }
    return !cj->jr->failed;
}

static bool read_text(cadjson *cj, void *target)
{
    (void)target;
    if (!qr_jr_string(cj->jr))
        return false;
    qr_record_set_text(cj->rec, cj->jr->text, cj->jr->text_len);
    if (cj->jr->cut)
        qr_record_partial(cj->rec, "record.capped", "texts were cut at %d bytes", QR_JR_TEXT_MAX);
    return true;
}

/* ------------------------------------------------------------------ units, origin */

static bool unit_with(cadjson *cj, bool (*set)(struct qr_cadjson *cj, const char *unit))
{
    return qr_jr_string(cj->jr) && set(cj, cj->jr->text);
}

static bool read_length_unit(cadjson *cj, void *target)
{
    (void)target;
    return unit_with(cj, qr_cadjson_set_length_unit);
}

static bool read_mass_unit(cadjson *cj, void *target)
{
    (void)target;
    return unit_with(cj, qr_cadjson_set_mass_unit);
}

static bool read_angle_unit(cadjson *cj, void *target)
{
    (void)target;
    return unit_with(cj, qr_cadjson_set_angle_unit);
}

static const struct qr_field unit_fields[] = {
    SPECIAL("length", read_length_unit),
    SPECIAL("mass", read_mass_unit),
    SPECIAL("angle", read_angle_unit),
    END,
};

static bool read_units(cadjson *cj, void *target)
{
    return qr_cadjson_object(cj, unit_fields, target);
}

static bool read_name(cadjson *cj, void *target)
{
    Quarry__V1__CadModel *cad = target;

    if (qr_jr_peek(cj->jr) != QR_JR_STRING)
        return qr_jr_string(cj->jr); /* says what it is */
    if (!qr_cadjson_text(cj, &cad->name))
        return false;
    if (!cad->name[0])
        return qr_jr_fail(cj->jr, "a model's name is expected, not nothing");
    qr_cadjson_named(cj, cad->name);
    return true;
}

static bool read_format(cadjson *cj, void *target)
{
    (void)target;
    if (!qr_jr_string(cj->jr))
        return false;
    return strcmp(cj->jr->text, "quarry-cad") == 0 ||
           qr_jr_fail(cj->jr, "\"quarry-cad\" is expected, not \"%.40s\"", cj->jr->text);
}

static bool read_version(cadjson *cj, void *target)
{
    double version;
    (void)target;

    if (!qr_cadjson_number(cj, &version))
        return false;
    return (version >= 1 && version < 2) ||
           qr_jr_fail(cj->jr, "version 1 is known, not %.40s", cj->jr->text);
}

static bool read_models(cadjson *cj, void *target)
{
    (void)target;
    if (!qr_jr_array(cj->jr))
        return false;
    while (qr_jr_element(cj->jr))
        if (cj->found ? !qr_jr_skip(cj->jr) : !qr_cadjson_read_model(cj))
            return false;
    return !cj->jr->failed;
}

/* ------------------------------------------------------------------ the model */

static const struct qr_field model_fields[] = {
    SPECIAL("format", read_format),
    SPECIAL("version", read_version),
    SPECIAL("name", read_name),
    FIELD(CadModel, "kind", TEXT, kind),
    FIELD(CadModel, "schema", TEXT, schema),
    FIELD(CadModel, "revision", TEXT, revision),
    FIELD(CadModel, "generic", TEXT, generic),
    FIELD(CadModel, "accuracy", NUMBER, accuracy),
    SPECIAL("units", read_units),
    SPECIAL("length_unit", read_length_unit),
    SPECIAL("metadata", read_metadata),
    SPECIAL("parameters", read_parameters),
    SPECIAL("materials", read_materials),
    SPECIAL("mass", read_mass),
    SPECIAL("dimensions", read_dimensions),
    SPECIAL("products", read_products),
    SPECIAL("assemblies", read_assemblies),
    SPECIAL("features", read_features),
    SPECIAL("relations", read_relations),
    SPECIAL("family_table", read_family_table),
    SPECIAL("colours", read_colours),
    SPECIAL("bbox", read_bbox),
    SPECIAL("genome", read_genome),
    SPECIAL("point_cloud", qr_cadjson_read_points),
    SPECIAL("embeddings", qr_cadjson_read_embeddings),
    SPECIAL("deepsdf_latent", qr_cadjson_read_latent),
    SPECIAL("views", qr_cadjson_read_views),
    SPECIAL("layers", read_layers),
    SPECIAL("sheets", read_sheets),
    SPECIAL("notes", read_notes),
    SPECIAL("links", read_links),
    SPECIAL("text", read_text),
    SPECIAL("models", read_models),
    SPECIAL("creoson", qr_cadjson_read_exchanges),
    END,
};

/* An object of a dump: one question to CREOSON and its answer. */
static bool is_exchange(const char *key)
{
    return strcmp(key, "command") == 0 || strcmp(key, "function") == 0 ||
           strcmp(key, "request") == 0 || strcmp(key, "response") == 0;
}

static const struct qr_field *find(const struct qr_field *fields, const char *key)
{
    while (fields->name && strcmp(fields->name, key) != 0)
        fields++;
    return fields->name ? fields : NULL;
}

static bool read_member(cadjson *cj, const char *key, uint64_t seen[2])
{
    const struct qr_field *field = find(model_fields, key);
    void *target = qr_record_cad(cj->rec);
    uint64_t *mask = &seen[0];
    const struct qr_field *first = model_fields;

    if (!field) {
        field = find(topology_fields, key);
        if (!field)
            return qr_cadjson_keep(cj);
        target = qr_cad_topology(cj->rec);
        mask = &seen[1];
        first = topology_fields;
    }
    if (!target)
        return qr_jr_fail(cj->jr, "out of memory");
    uint64_t bit = UINT64_C(1) << (field - first);
    if (*mask & bit)
        return qr_jr_fail(cj->jr, "the field comes twice");
    *mask |= bit;
    return qr_cadjson_value(cj, field, target);
}

/* What was read of another model is forgotten. */
static void forget(cadjson *cj)
{
    qr_record_reset(cj->rec);
    cj->details.len = 0;
    cj->length_mm = cj->mass_kg = cj->angle_deg = 0;
    cj->length_unit[0] = '\0';
}

bool qr_cadjson_read_model(struct qr_cadjson *cj)
{
    uint64_t seen[2] = {0, 0};
    bool inner_found = cj->found;
    const char *key;

    cj->named = cj->other = false;
    if (!qr_jr_object(cj->jr))
        return false;
    while ((key = qr_jr_member(cj->jr))) {
        if (seen[0] == 0 && seen[1] == 0 && is_exchange(key))
            return qr_cadjson_read_exchange(cj, NULL);
        if (cj->other ? !qr_jr_skip(cj->jr) : !read_member(cj, key, seen))
            return false;
    }
    if (cj->jr->failed)
        return false;
    if (cj->found != inner_found || cj->answered)
        return true; /* in it, as one of several */
    if (cj->other)
        forget(cj);
    else if (cj->named)
        cj->found = true;
    else if (!(seen[0] & UINT64_C(1) << (find(model_fields, "models") - model_fields)))
        return qr_jr_fail(cj->jr, "the object has no \"name\": which model is it?");
    cj->other = false;
    return true;
}

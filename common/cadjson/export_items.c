/* What a model says of itself, in an export: parameters, materials, dimensions, features,
 * relations, colours, the family table. */
#include <math.h>
#include <string.h>

#include "common/cadjson/export.h"
#include "common/cadjson/fields.h"

typedef struct qr_cadjson cadjson;

/* ------------------------------------------------------------------ parameters, materials,
 * dimensions */

static const struct qr_field parameter_fields[] = {
    FIELD(Parameter, "name", TEXT, name),
    FIELD(Parameter, "value", TEXT, value),
    FIELD(Parameter, "type", TEXT, type),
    FIELD(Parameter, "unit", TEXT, unit),
    FIELD(Parameter, "description", TEXT, description),
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
bool qr_export_parameters(struct qr_cadjson *cj, void *target)
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

bool qr_export_materials(struct qr_cadjson *cj, void *target)
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

bool qr_export_dimensions(struct qr_cadjson *cj, void *target)
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

bool qr_export_features(struct qr_cadjson *cj, void *target)
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

bool qr_export_relations(struct qr_cadjson *cj, void *target)
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

bool qr_export_colours(struct qr_cadjson *cj, void *target)
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

bool qr_export_family_table(struct qr_cadjson *cj, void *target)
{
    (void)target;
    return qr_cadjson_object(cj, table_fields, qr_cad_family_table(cj->rec));
}

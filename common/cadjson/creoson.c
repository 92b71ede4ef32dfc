/* CREOSON's answers, as CREOSON 3 gives them (SimplifiedLogic/creoson, jsonSpecs): the "data" of
 * each function, in the same record as an export. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "common/cadjson/intern.h"

typedef struct qr_cadjson cadjson;

#define TEXT_AT(Type, name_, member)                             \
    {                                                            \
        name_, QR_FIELD_TEXT, offsetof(Type, member), 0, 0, NULL \
    }
#define SPECIAL(name_, function)                   \
    {                                              \
        name_, QR_FIELD_SPECIAL, 0, 0, 0, function \
    }
#define END                                   \
    {                                         \
        NULL, QR_FIELD_SPECIAL, 0, 0, 0, NULL \
    }

static bool skip(cadjson *cj, void *target)
{
    (void)target;
    return qr_jr_skip(cj->jr);
}

static char *say(cadjson *cj, const char *text) { return qr_record_text(cj->rec, text); }

/* ------------------------------------------------------------------ file */

static bool read_file(cadjson *cj, void *target)
{
    Quarry__V1__CadModel *cad = target;
    char *name = QR_NO_TEXT;

    if (!qr_cadjson_text(cj, &name))
        return false;
    if (cj->model && !qr_cadjson_same_model(cj->model, name))
        return qr_jr_fail(cj->jr, "the answer is of '%.100s', not of '%.100s'", name, cj->model);
    if (!cad->name[0])
        cad->name = name;
    return true;
}

static bool read_dirname(cadjson *cj, void *target)
{
    char *text = QR_NO_TEXT;
    (void)target;

    if (!qr_cadjson_text(cj, &text))
        return false;
    qr_record_add_meta(cj->rec, "dirname", text, strlen(text), "creo");
    return true;
}

static const struct qr_field info_fields[] = {
    SPECIAL("file", read_file),
    SPECIAL("dirname", read_dirname),
    TEXT_AT(Quarry__V1__CadModel, "revision", revision),
    TEXT_AT(Quarry__V1__CadModel, "generic", generic),
    END,
};

static bool read_info(cadjson *cj, void *target)
{
    return qr_cadjson_object(cj, info_fields, target);
}

static bool read_centroid(cadjson *cj, void *target)
{
    Quarry__V1__CadMass *mass = target;
    double xyz[3];
    bool known;

    if (!qr_cadjson_read_point(cj, xyz, &known))
        return false;
    if (known)
        qr_cad_numbers(cj->rec, xyz, 3, &mass->centroid, &mass->n_centroid);
    return true;
}

static bool read_inertia(cadjson *cj, void *target)
{
    Quarry__V1__CadMass *mass = target;
    double tensor[9];
    unsigned rows = 0;
    const char *key;

    if (!qr_jr_object(cj->jr))
        return false;
    while ((key = qr_jr_member(cj->jr))) {
        size_t row =
            strlen(key) == 6 && strcmp(key + 1, "_axis") == 0 && key[0] >= 'x' && key[0] <= 'z'
                ? (size_t)(key[0] - 'x')
                : 3;
        bool known = false;
        if (row == 3 ? !qr_cadjson_keep(cj) : !qr_cadjson_read_point(cj, tensor + 3 * row, &known))
            return false;
        rows |= known ? 1U << row : 0;
    }
    if (rows == 7)
        qr_cad_numbers(cj->rec, tensor, 9, &mass->inertia, &mass->n_inertia);
    return !cj->jr->failed;
}

#define NUMBER_AT(name_, member)                                       \
    {                                                                  \
        name_, QR_FIELD_NUMBER, offsetof(Quarry__V1__CadMass, member), \
            offsetof(Quarry__V1__CadMass, has_##member), 0, NULL       \
    }

static const struct qr_field mass_fields[] = {
    NUMBER_AT("volume", volume),
    NUMBER_AT("mass", mass),
    NUMBER_AT("density", density),
    NUMBER_AT("surface_area", area),
    SPECIAL("ctr_grav", read_centroid),
    SPECIAL("ctr_grav_inertia_tensor", read_inertia),
    END,
};

static bool read_mass(cadjson *cj, void *target)
{
    Quarry__V1__CadMass *mass = qr_cad_add_mass(cj->rec);
    (void)target;

    if (mass)
        mass->source = say(cj, "creo");
    return qr_cadjson_object(cj, mass_fields, mass);
}

static bool read_length_unit(cadjson *cj, void *target)
{
    (void)target;
    return qr_jr_string(cj->jr) && qr_cadjson_set_length_unit(cj, cj->jr->text);
}

static bool read_mass_unit(cadjson *cj, void *target)
{
    (void)target;
    return qr_jr_string(cj->jr) && qr_cadjson_set_mass_unit(cj, cj->jr->text);
}

static const struct qr_field length_fields[] = {SPECIAL("units", read_length_unit), END};
static const struct qr_field mass_unit_fields[] = {SPECIAL("units", read_mass_unit), END};

static bool read_length_units(cadjson *cj, void *target)
{
    return qr_cadjson_object(cj, length_fields, target);
}

static bool read_mass_units(cadjson *cj, void *target)
{
    return qr_cadjson_object(cj, mass_unit_fields, target);
}

struct accuracy {
    double value;
    char *relative;
};

static bool read_accuracy_value(cadjson *cj, void *target)
{
    return qr_cadjson_number(cj, &((struct accuracy *)target)->value);
}

static const struct qr_field accuracy_fields[] = {
    SPECIAL("accuracy", read_accuracy_value),
    TEXT_AT(struct accuracy, "relative", relative),
    END,
};

/* A relative one is no length. */
static bool read_accuracy(cadjson *cj, void *target)
{
    Quarry__V1__CadModel *cad = target;
    struct accuracy accuracy = {NAN, QR_NO_TEXT};
    char text[40];

    if (!qr_cadjson_object(cj, accuracy_fields, &accuracy))
        return false;
    if (strcmp(accuracy.relative, "true") != 0 && accuracy.value > 0)
        cad->accuracy = accuracy.value;
    else if (accuracy.value > 0)
        qr_record_add_meta(cj->rec, "relative_accuracy", text,
                           (size_t)snprintf(text, sizeof text, "%.15g", accuracy.value), "creo");
    return true;
}

static bool read_relation(cadjson *cj)
{
    Quarry__V1__CadRelation *relation = qr_cad_add_relation(cj->rec);
    return relation ? qr_cadjson_text(cj, &relation->text) : qr_jr_skip(cj->jr);
}

static bool read_relation_list(cadjson *cj, void *target)
{
    (void)target;
    return qr_cadjson_list(cj, read_relation);
}

static const struct qr_field relation_fields[] = {SPECIAL("relations", read_relation_list), END};

static bool read_relations(cadjson *cj, void *target)
{
    return qr_cadjson_object(cj, relation_fields, target);
}

/* "STEEL", or {"file": …, "material": "STEEL"}. */
static const struct qr_field file_material_fields[] = {
    SPECIAL("file", skip),
    TEXT_AT(Quarry__V1__Material, "material", name),
    END,
};

static bool read_material(cadjson *cj)
{
    Quarry__V1__Material *m;
    enum qr_jr_kind kind = qr_jr_peek(cj->jr);

    if (kind == QR_JR_NULL)
        return qr_jr_null(cj->jr);
    m = qr_record_add_material(cj->rec);
    if (!m)
        return qr_jr_skip(cj->jr);
    m->source = say(cj, "creo");
    return kind == QR_JR_OBJECT ? qr_cadjson_object(cj, file_material_fields, m)
                                : qr_cadjson_text(cj, &m->name);
}

static bool read_current_material(cadjson *cj, void *target)
{
    (void)target;
    return read_material(cj);
}

static bool read_material_list(cadjson *cj, void *target)
{
    (void)target;
    return qr_cadjson_list(cj, read_material);
}

static const struct qr_field material_fields[] = {
    SPECIAL("material", read_current_material),
    SPECIAL("materials", read_material_list),
    END,
};

static bool read_materials(cadjson *cj, void *target)
{
    return qr_cadjson_object(cj, material_fields, target);
}

/* ------------------------------------------------------------------ parameters */

/* Base64 of the value where it is said to be encoded. */
struct parameter {
    Quarry__V1__Parameter *p;
    char *name, *value, *type, *owner_name, *owner_type, *owner_id, *description;
    protobuf_c_boolean encoded;
};

static const struct qr_field parameter_fields[] = {
    TEXT_AT(struct parameter, "name", name),
    TEXT_AT(struct parameter, "value", value),
    TEXT_AT(struct parameter, "type", type),
    TEXT_AT(struct parameter, "owner_name", owner_name),
    TEXT_AT(struct parameter, "owner_type", owner_type),
    TEXT_AT(struct parameter, "owner_id", owner_id),
    TEXT_AT(struct parameter, "description", description),
    {"encoded", QR_FIELD_FLAG, offsetof(struct parameter, encoded), 0, 0, NULL},
    END,
};

static size_t decode(const char *in, char *out)
{
    static const char set[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    uint32_t bits = 0;
    int n_bits = 0;
    size_t n = 0;

    for (; *in; in++) {
        const char *found = strchr(set, *in);
        if (!found)
            continue;
        bits = bits << 6 | (uint32_t)(found - set);
        n_bits += 6;
        if (n_bits >= 8)
            out[n++] = (char)(bits >> (n_bits -= 8));
    }
    return n;
}

/* What is said to be in base64. */
static char *plain(cadjson *cj, char *value, bool encoded)
{
    char out[QR_JR_TEXT_MAX + 1];

    if (!encoded || strlen(value) > QR_JR_TEXT_MAX)
        return value;
    return qr_record_string(cj->rec, out, decode(value, out));
}

static bool read_parameter(cadjson *cj)
{
    struct parameter in = {.name = QR_NO_TEXT,
                           .value = QR_NO_TEXT,
                           .type = QR_NO_TEXT,
                           .owner_name = QR_NO_TEXT,
                           .owner_type = QR_NO_TEXT,
                           .owner_id = QR_NO_TEXT,
                           .description = QR_NO_TEXT};
    Quarry__V1__Parameter *p;

    if (!qr_cadjson_object(cj, parameter_fields, &in))
        return false;
    p = qr_record_add_parameter(cj->rec);
    if (!p)
        return true;
    p->name = in.name;
    p->value = plain(cj, in.value, in.encoded);
    p->type = in.type;
    p->owner = in.owner_name[0] ? in.owner_name : in.owner_id;
    p->set = in.owner_type;
    p->source = say(cj, "creo");
    return true;
}

static bool read_parameter_list(cadjson *cj, void *target)
{
    (void)target;
    return qr_cadjson_list(cj, read_parameter);
}

static const struct qr_field parameters_fields[] = {SPECIAL("paramlist", read_parameter_list), END};

static bool read_parameters(cadjson *cj, void *target)
{
    return qr_cadjson_object(cj, parameters_fields, target);
}

/* ------------------------------------------------------------------ dimensions */

struct dimension {
    char *name, *kind, *view, *type, *value_text;
    double value, lower, upper, plus, minus, symmetric;
    uint32_t sheet;
    protobuf_c_boolean encoded;
    char text[2000];
    size_t text_len;
};

static bool read_dimension_value(cadjson *cj, void *target)
{
    struct dimension *d = target;

    if (qr_jr_peek(cj->jr) == QR_JR_STRING)
        return qr_cadjson_text(cj, &d->value_text);
    return qr_cadjson_number(cj, &d->value);
}

/* Lines; "@D" stands for the value and is left as it is. */
static bool read_dimension_text(cadjson *cj, void *target)
{
    struct dimension *d = target;
    bool list = qr_jr_peek(cj->jr) == QR_JR_ARRAY;

    if (list && !qr_jr_array(cj->jr))
        return false;
    while (!list || qr_jr_element(cj->jr)) {
        if (!qr_jr_string(cj->jr))
            return false;
        size_t room = sizeof d->text - 1 - d->text_len, len = cj->jr->text_len;
        if (len > room)
            len = room;
        memcpy(d->text + d->text_len, cj->jr->text, len);
        d->text_len += len;
        if (!list)
            break;
    }
    return !cj->jr->failed;
}

#define TOLERANCE(name_, member)                                             \
    static bool read_##member(cadjson *cj, void *target)                     \
    {                                                                        \
        return qr_cadjson_number(cj, &((struct dimension *)target)->member); \
    }
TOLERANCE("tol_lower_limit", lower)
TOLERANCE("tol_upper_limit", upper)
TOLERANCE("tol_plus", plus)
TOLERANCE("tol_minus", minus)
TOLERANCE("tol_symmetric_value", symmetric)

static const struct qr_field dimension_fields[] = {
    TEXT_AT(struct dimension, "name", name),
    TEXT_AT(struct dimension, "dim_type", kind),
    TEXT_AT(struct dimension, "view_name", view),
    TEXT_AT(struct dimension, "tolerance_type", type),
    SPECIAL("value", read_dimension_value),
    SPECIAL("text", read_dimension_text),
    SPECIAL("tol_lower_limit", read_lower),
    SPECIAL("tol_upper_limit", read_upper),
    SPECIAL("tol_plus", read_plus),
    SPECIAL("tol_minus", read_minus),
    SPECIAL("tol_symmetric_value", read_symmetric),
    {"sheet", QR_FIELD_COUNT32, offsetof(struct dimension, sheet), 0, 0, NULL},
    {"encoded", QR_FIELD_FLAG, offsetof(struct dimension, encoded), 0, 0, NULL},
    SPECIAL("dwg_dim", skip),
    END,
};

static const char *kind_of(const char *type)
{
    return strcmp(type, "radial") == 0 ? "radius" : strcmp(type, "angular") == 0 ? "angle" : type;
}

/* Deviations: limits are what the value may be, the others what is added to it. */
static void set_tolerance(Quarry__V1__Dimension *d, const struct dimension *in)
{
    double upper = NAN, lower = NAN;

    if (strcmp(in->type, "limits") == 0 && d->has_value) {
        upper = in->upper - in->value;
        lower = in->lower - in->value;
    } else if (strcmp(in->type, "plus_minus") == 0) {
        upper = in->plus;
        lower = -fabs(in->minus);
    } else if (strncmp(in->type, "sym", 3) == 0) {
        upper = in->symmetric;
        lower = -in->symmetric;
    }
    if (isfinite(upper) && isfinite(lower)) {
        d->upper = upper;
        d->lower = lower;
        d->has_tolerance = true;
    }
}

static bool read_dimension(cadjson *cj)
{
    struct dimension in = {.name = QR_NO_TEXT,
                           .kind = QR_NO_TEXT,
                           .view = QR_NO_TEXT,
                           .type = QR_NO_TEXT,
                           .value_text = NULL,
                           .value = NAN,
                           .lower = NAN,
                           .upper = NAN,
                           .plus = NAN,
                           .minus = NAN,
                           .symmetric = NAN};
    Quarry__V1__Dimension *d;
    char *end;

    if (!qr_cadjson_object(cj, dimension_fields, &in))
        return false;
    d = qr_record_add_dimension(cj->rec);
    if (!d)
        return true;
    if (in.value_text) {
        const char *text = plain(cj, in.value_text, in.encoded);
        double value = strtod(text, &end);
        in.value =
            end != text && *end == '\0' && fabs(value) <= QR_CADJSON_NUMBER_MAX ? value : NAN;
    }
    d->handle = in.name;
    d->kind = say(cj, kind_of(in.kind));
    d->text = qr_record_string(cj->rec, in.text, in.text_len);
    d->layout = in.view;
    d->page = in.sheet;
    d->source = say(cj, "creo");
    d->has_value = isfinite(in.value);
    d->value = d->has_value ? in.value : 0;
    set_tolerance(d, &in);
    return true;
}

static bool read_dimension_list(cadjson *cj, void *target)
{
    (void)target;
    return qr_cadjson_list(cj, read_dimension);
}

static const struct qr_field dimensions_fields[] = {SPECIAL("dimlist", read_dimension_list), END};

static bool read_dimensions(cadjson *cj, void *target)
{
    return qr_cadjson_object(cj, dimensions_fields, target);
}

/* ------------------------------------------------------------------ features, layers, notes */

static const struct qr_field feature_fields[] = {
    TEXT_AT(Quarry__V1__CadFeature, "feat_id", id),
    TEXT_AT(Quarry__V1__CadFeature, "type", type),
    TEXT_AT(Quarry__V1__CadFeature, "name", name),
    TEXT_AT(Quarry__V1__CadFeature, "status", status),
    SPECIAL("feat_number", skip),
    END,
};

static void lower(char *text)
{
    for (; *text; text++)
        if (*text >= 'A' && *text <= 'Z')
            *text = (char)(*text + ('a' - 'A'));
}

static bool read_feature(cadjson *cj)
{
    Quarry__V1__CadFeature *f = qr_cad_add_feature(cj->rec);

    if (!qr_cadjson_object(cj, feature_fields, f))
        return false;
    if (f && f->type[0])
        lower(f->type);
    if (f && f->status[0])
        lower(f->status);
    return true;
}

static bool read_feature_list(cadjson *cj, void *target)
{
    (void)target;
    return qr_cadjson_list(cj, read_feature);
}

static const struct qr_field features_fields[] = {SPECIAL("featlist", read_feature_list), END};

static bool read_features(cadjson *cj, void *target)
{
    return qr_cadjson_object(cj, features_fields, target);
}

struct named {
    char *name, *status, *id;
};
static const struct qr_field layer_fields[] = {
    TEXT_AT(struct named, "name", name),
    TEXT_AT(struct named, "status", status),
    TEXT_AT(struct named, "id", id),
    TEXT_AT(struct named, "layer_id", id),
    END,
};

static bool read_layer(cadjson *cj)
{
    struct named layer = {QR_NO_TEXT, QR_NO_TEXT, QR_NO_TEXT};
    Quarry__V1__NamedObject *object;

    if (!qr_cadjson_object(cj, layer_fields, &layer))
        return false;
    object = qr_record_add_named(cj->rec, QR_RECORD_LAYERS, layer.name, strlen(layer.name));
    if (object) {
        qr_record_add_property(cj->rec, object, "status", layer.status, strlen(layer.status));
        qr_record_add_property(cj->rec, object, "id", layer.id, strlen(layer.id));
    }
    return true;
}

static bool read_layer_list(cadjson *cj, void *target)
{
    (void)target;
    return qr_cadjson_list(cj, read_layer);
}

static const struct qr_field layers_fields[] = {SPECIAL("layers", read_layer_list), END};

static bool read_layers(cadjson *cj, void *target)
{
    return qr_cadjson_object(cj, layers_fields, target);
}

struct note {
    char *name, *value, *expanded, *url;
    protobuf_c_boolean encoded;
};
static const struct qr_field note_fields[] = {
    TEXT_AT(struct note, "name", name),
    TEXT_AT(struct note, "value", value),
    TEXT_AT(struct note, "value_expanded", expanded),
    TEXT_AT(struct note, "url", url),
    {"encoded", QR_FIELD_FLAG, offsetof(struct note, encoded), 0, 0, NULL},
    END,
};

static bool read_note(cadjson *cj)
{
    struct note in = {
        .name = QR_NO_TEXT, .value = QR_NO_TEXT, .expanded = QR_NO_TEXT, .url = QR_NO_TEXT};
    Quarry__V1__DrawingNote *note;
    Quarry__V1__Link *link;

    if (!qr_cadjson_object(cj, note_fields, &in))
        return false;
    note = qr_record_add_drawing_note(cj->rec);
    if (note)
        note->text = plain(cj, in.expanded[0] ? in.expanded : in.value, in.encoded);
    link = in.url[0] ? qr_record_add_link(cj->rec) : NULL;
    if (link) {
        link->kind = say(cj, "uri");
        link->target = in.url;
    }
    return true;
}

static bool read_note_list(cadjson *cj, void *target)
{
    (void)target;
    return qr_cadjson_list(cj, read_note);
}

static const struct qr_field notes_fields[] = {SPECIAL("itemlist", read_note_list), END};

static bool read_notes(cadjson *cj, void *target)
{
    return qr_cadjson_object(cj, notes_fields, target);
}

/* ------------------------------------------------------------------ geometry, drawings, families
 */

static const struct qr_field box_fields[] = {
    {"xmin", QR_FIELD_NUMBER, 0 * sizeof(double), 0, 0, NULL},
    {"ymin", QR_FIELD_NUMBER, 1 * sizeof(double), 0, 0, NULL},
    {"zmin", QR_FIELD_NUMBER, 2 * sizeof(double), 0, 0, NULL},
    {"xmax", QR_FIELD_NUMBER, 3 * sizeof(double), 0, 0, NULL},
    {"ymax", QR_FIELD_NUMBER, 4 * sizeof(double), 0, 0, NULL},
    {"zmax", QR_FIELD_NUMBER, 5 * sizeof(double), 0, 0, NULL},
    END,
};

static bool read_box(cadjson *cj, void *target)
{
    Quarry__V1__CadModel *cad = target;
    double box[6] = {NAN, NAN, NAN, NAN, NAN, NAN};
    Quarry__V1__CadBounds *bounds;

    if (!qr_cadjson_object(cj, box_fields, box))
        return false;
    bounds = qr_cad_bounds(cj->rec, box, "creo");
    if (bounds)
        cad->bounds = bounds;
    return true;
}

static bool count_surface(cadjson *cj)
{
    Quarry__V1__CadTopology *topology = qr_cad_topology(cj->rec);

    if (topology)
        topology->faces++;
    return qr_jr_skip(cj->jr);
}

static bool read_surface_list(cadjson *cj, void *target)
{
    (void)target;
    return qr_cadjson_list(cj, count_surface);
}

static const struct qr_field surfaces_fields[] = {SPECIAL("surflist", read_surface_list), END};

static bool read_surfaces(cadjson *cj, void *target)
{
    return qr_cadjson_object(cj, surfaces_fields, target);
}

static bool read_drawn_model(cadjson *cj)
{
    Quarry__V1__Link *link = qr_record_add_link(cj->rec);

    if (!link)
        return qr_jr_skip(cj->jr);
    link->kind = say(cj, "model");
    return qr_cadjson_text(cj, &link->target);
}

static bool read_drawn_list(cadjson *cj, void *target)
{
    (void)target;
    return qr_cadjson_list(cj, read_drawn_model);
}

static const struct qr_field drawn_fields[] = {SPECIAL("files", read_drawn_list), END};

static bool read_drawn(cadjson *cj, void *target)
{
    return qr_cadjson_object(cj, drawn_fields, target);
}

static bool read_instance(cadjson *cj)
{
    Quarry__V1__CadTable *table = qr_cad_family_table(cj->rec);
    Quarry__V1__CadRow *row = table ? qr_cad_add_row(cj->rec, table) : NULL;

    return row ? qr_cadjson_text(cj, &row->name) : qr_jr_skip(cj->jr);
}

static bool read_instance_list(cadjson *cj, void *target)
{
    (void)target;
    return qr_cadjson_list(cj, read_instance);
}

static const struct qr_field instances_fields[] = {
    SPECIAL("instances", read_instance_list),
    SPECIAL("files", read_instance_list),
    SPECIAL("dirname", skip),
    TEXT_AT(Quarry__V1__CadModel, "generic", generic),
    END,
};

static bool read_instances(cadjson *cj, void *target)
{
    return qr_cadjson_object(cj, instances_fields, target);
}

/* ------------------------------------------------------------------ answers */

static const struct {
    const char *command, *function;
    bool (*read)(cadjson *cj, void *target);
} answers[] = {
    {"file", "get_fileinfo", read_info},
    {"file", "get_active", read_info},
    {"file", "massprops", read_mass},
    {"file", "get_length_units", read_length_units},
    {"file", "get_mass_units", read_mass_units},
    {"file", "get_accuracy", read_accuracy},
    {"file", "relations_get", read_relations},
    {"file", "postregen_relations_get", read_relations},
    {"file", "get_cur_material", read_materials},
    {"file", "list_materials", read_materials},
    {"file", "list_instances", read_instances},
    {"parameter", "list", read_parameters},
    {"dimension", "list", read_dimensions},
    {"dimension", "list_detail", read_dimensions},
    {"feature", "list", read_features},
    {"feature", "list_params", read_parameters},
    {"bom", "get_paths", qr_cadjson_read_paths},
    {"geometry", "bound_box", read_box},
    {"geometry", "get_surfaces", read_surfaces},
    {"layer", "list", read_layers},
    {"note", "list", read_notes},
    {"drawing", "list_models", read_drawn},
    {"familytable", "list", read_instances},
};

bool qr_cadjson_read_answer(struct qr_cadjson *cj, const char *command, const char *function)
{
    Quarry__V1__CadModel *cad = qr_record_cad(cj->rec);
    char name[100];

    if (!cad)
        return qr_jr_fail(cj->jr, "out of memory");
    if (qr_jr_peek(cj->jr) == QR_JR_NULL)
        return qr_jr_null(cj->jr);
    for (size_t i = 0; i < QR_COUNT(answers); i++)
        if (strcmp(answers[i].command, command) == 0 && strcmp(answers[i].function, function) == 0)
            return answers[i].read(cj, cad);
    snprintf(name, sizeof name, "creoson.%s.%s", command, function);
    return qr_cadjson_keep_as(cj, name);
}

/* ------------------------------------------------------------------ dumps */

struct exchange {
    char command[40], function[60];
    bool failed; /* CREOSON answered with an error */
    bool other;  /* asked about another model */
};

static bool copy_text(cadjson *cj, char *to, size_t size)
{
    if (qr_jr_peek(cj->jr) == QR_JR_NULL)
        return qr_jr_null(cj->jr);
    if (!qr_jr_string(cj->jr))
        return false;
    snprintf(to, size, "%s", cj->jr->text);
    return true;
}

static bool read_command(cadjson *cj, void *target)
{
    struct exchange *e = target;
    return copy_text(cj, e->command, sizeof e->command);
}

static bool read_function(cadjson *cj, void *target)
{
    struct exchange *e = target;
    return copy_text(cj, e->function, sizeof e->function);
}

/* Which model was asked about. */
static bool read_question(cadjson *cj, void *target)
{
    struct exchange *e = target;
    const char *key;

    if (qr_jr_peek(cj->jr) != QR_JR_OBJECT)
        return qr_jr_skip(cj->jr);
    if (!qr_jr_object(cj->jr))
        return false;
    while ((key = qr_jr_member(cj->jr))) {
        char file[300] = "";
        if (strcmp(key, "file") != 0 || qr_jr_peek(cj->jr) != QR_JR_STRING) {
            if (!qr_jr_skip(cj->jr))
                return false;
            continue;
        }
        if (!copy_text(cj, file, sizeof file))
            return false;
        e->other = cj->model && !qr_cadjson_same_model(cj->model, file);
        if (e->other && cj->n_other++ == 0)
            snprintf(cj->other_name, sizeof cj->other_name, "%s", file);
    }
    return !cj->jr->failed;
}

static bool read_error(cadjson *cj, void *target)
{
    return qr_jr_bool(cj->jr, &((struct exchange *)target)->failed);
}

static const struct qr_field status_fields[] = {
    SPECIAL("error", read_error),
    SPECIAL("message", skip),
    SPECIAL("expired", skip),
    END,
};

static bool read_status(cadjson *cj, void *target)
{
    return qr_cadjson_object(cj, status_fields, target);
}

static bool read_data(cadjson *cj, void *target)
{
    struct exchange *e = target;

    if (!e->command[0] || !e->function[0])
        return qr_jr_fail(cj->jr, "\"command\" and \"function\" are expected before the answer");
    if (e->failed || e->other)
        return qr_jr_skip(cj->jr);
    cj->answered = true;
    return qr_cadjson_read_answer(cj, e->command, e->function);
}

static const struct qr_field request_fields[] = {
    SPECIAL("command", read_command),
    SPECIAL("function", read_function),
    SPECIAL("data", read_question),
    SPECIAL("sessionId", skip),
    END,
};
static const struct qr_field response_fields[] = {
    SPECIAL("status", read_status),
    SPECIAL("data", read_data),
    SPECIAL("sessionId", skip),
    END,
};

static bool read_request(cadjson *cj, void *target)
{
    return qr_cadjson_object(cj, request_fields, target);
}

static bool read_response(cadjson *cj, void *target)
{
    return qr_cadjson_object(cj, response_fields, target);
}

static const struct qr_field exchange_fields[] = {
    SPECIAL("command", read_command),
    SPECIAL("function", read_function),
    SPECIAL("request", read_request),
    SPECIAL("response", read_response),
    SPECIAL("status", read_status),
    SPECIAL("data", read_data),
    END,
};

bool qr_cadjson_read_exchange(struct qr_cadjson *cj, void *target)
{
    struct exchange e = {.command = ""};
    const char *key = cj->jr->level[cj->jr->depth - 1].key;
    (void)target;

    do {
        const struct qr_field *field = exchange_fields;
        while (field->name && strcmp(field->name, key) != 0)
            field++;
        if (field->name ? !qr_cadjson_value(cj, field, &e) : !qr_jr_skip(cj->jr))
            return false;
    } while ((key = qr_jr_member(cj->jr)));
    return !cj->jr->failed;
}

static bool read_one(cadjson *cj)
{
    const char *key;

    if (!qr_jr_object(cj->jr))
        return false;
    key = qr_jr_member(cj->jr);
    return key ? qr_cadjson_read_exchange(cj, NULL) : !cj->jr->failed;
}

bool qr_cadjson_read_exchanges(struct qr_cadjson *cj, void *target)
{
    (void)target;
    return qr_cadjson_list(cj, read_one);
}

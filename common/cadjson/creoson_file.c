/* What CREOSON's command `file` tells of a model: name, mass, units, accuracy, relations,
 * materials. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "common/cadjson/creoson.h"
#include "common/cadjson/fields.h"

typedef struct qr_cadjson cadjson;

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

/* The active model may be another one: that is no answer about ours. */
static bool read_active_file(cadjson *cj, void *target)
{
    Quarry__V1__CadModel *cad = target;
    char *name = QR_NO_TEXT;

    if (!qr_cadjson_text(cj, &name))
        return false;
    if (!cad->name[0] && cj->model && qr_cadjson_same_model(cj->model, name))
        cad->name = name;
    return true;
}

static const struct qr_field active_fields[] = {
    SPECIAL("file", read_active_file),
    SPECIAL("dirname", qr_creoson_skip),
    END,
};

bool qr_creoson_active(struct qr_cadjson *cj, void *target)
{
    return qr_cadjson_object(cj, active_fields, target);
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

bool qr_creoson_info(struct qr_cadjson *cj, void *target)
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

bool qr_creoson_mass(struct qr_cadjson *cj, void *target)
{
    Quarry__V1__CadMass *mass = qr_cad_add_mass(cj->rec);
    (void)target;

    if (mass)
        mass->source = qr_creoson_say(cj, "creo");
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

bool qr_creoson_length_units(struct qr_cadjson *cj, void *target)
{
    return qr_cadjson_object(cj, length_fields, target);
}

bool qr_creoson_mass_units(struct qr_cadjson *cj, void *target)
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
bool qr_creoson_accuracy(struct qr_cadjson *cj, void *target)
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

bool qr_creoson_relations(struct qr_cadjson *cj, void *target)
{
    return qr_cadjson_object(cj, relation_fields, target);
}

static bool read_simplified(cadjson *cj)
{
    char *name = QR_NO_TEXT;

    if (!qr_cadjson_text(cj, &name))
        return false;
    qr_record_add_meta(cj->rec, "simplified_rep", name, strlen(name), "creo");
    return true;
}

static bool read_simplified_list(cadjson *cj, void *target)
{
    (void)target;
    return qr_cadjson_list(cj, read_simplified);
}

static const struct qr_field simplified_fields[] = {SPECIAL("reps", read_simplified_list), END};

bool qr_creoson_simplified(struct qr_cadjson *cj, void *target)
{
    return qr_cadjson_object(cj, simplified_fields, target);
}

/* "STEEL", or {"file": …, "material": "STEEL"}. */
struct file_material {
    char *name;
};
static const struct qr_field file_material_fields[] = {
    SPECIAL("file", qr_creoson_skip),
    TEXT_AT(struct file_material, "material", name),
    END,
};

/* The current one is in the list of all, too. */
static bool is_there(const cadjson *cj, const char *name)
{
    const Quarry__V1__ExtractionRecord *msg = cj->rec->msg;

    for (size_t i = 0; i < msg->n_materials && i < 1000; i++)
        if (strcmp(msg->materials[i]->name, name) == 0)
            return true;
    return false;
}

static bool read_material(cadjson *cj)
{
    struct file_material in = {QR_NO_TEXT};
    Quarry__V1__Material *m;

    if (qr_jr_peek(cj->jr) == QR_JR_OBJECT ? !qr_cadjson_object(cj, file_material_fields, &in)
                                           : !qr_cadjson_text(cj, &in.name))
        return false;
    m = in.name[0] && !is_there(cj, in.name) ? qr_record_add_material(cj->rec) : NULL;
    if (m) {
        m->name = in.name;
        m->source = qr_creoson_say(cj, "creo");
    }
    return true;
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

bool qr_creoson_materials(struct qr_cadjson *cj, void *target)
{
    return qr_cadjson_object(cj, material_fields, target);
}

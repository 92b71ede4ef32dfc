/* The documented export: docs/cad-export.schema.json. Its names are those of the record's own JSON
 * (docs/record.md), so that what Quarry prints can be read again. Here: which model it is, in which
 * units, and who reads each of its fields. */
#include "common/cadjson/export.h"

#include <stdio.h>
#include <string.h>

#include "common/cadjson/fields.h"

typedef struct qr_cadjson cadjson;

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
    SPECIAL("metadata", qr_export_metadata),
    SPECIAL("parameters", qr_export_parameters),
    SPECIAL("materials", qr_export_materials),
    SPECIAL("mass", qr_export_mass),
    SPECIAL("dimensions", qr_export_dimensions),
    SPECIAL("products", qr_export_products),
    SPECIAL("assemblies", qr_export_assemblies),
    SPECIAL("features", qr_export_features),
    SPECIAL("relations", qr_export_relations),
    SPECIAL("family_table", qr_export_family_table),
    SPECIAL("colours", qr_export_colours),
    SPECIAL("bbox", qr_export_bbox),
    SPECIAL("genome", qr_export_genome),
    SPECIAL("point_cloud", qr_cadjson_read_points),
    SPECIAL("embeddings", qr_cadjson_read_embeddings),
    SPECIAL("deepsdf_latent", qr_cadjson_read_latent),
    SPECIAL("views", qr_cadjson_read_views),
    SPECIAL("layers", qr_export_layers),
    SPECIAL("sheets", qr_export_sheets),
    SPECIAL("notes", qr_export_notes),
    SPECIAL("links", qr_export_links),
    SPECIAL("text", qr_export_text),
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
    uint64_t *mask = &seen[0];
    const struct qr_field *first = model_fields;

    if (!field) {
        field = find(qr_export_topology_fields, key);
        if (!field)
            return qr_cadjson_keep(cj);
        mask = &seen[1];
        first = qr_export_topology_fields;
    }
    uint64_t bit = UINT64_C(1) << (field - first);
    if (*mask & bit)
        return qr_jr_fail(cj->jr, "the field comes twice");
    *mask |= bit;
    if (qr_jr_peek(cj->jr) == QR_JR_NULL) /* makes no model, and no topology of zeros */
        return qr_jr_null(cj->jr);
    void *target =
        first == model_fields ? (void *)qr_record_cad(cj->rec) : (void *)qr_cad_topology(cj->rec);
    if (!target)
        return qr_jr_fail(cj->jr, "out of memory");
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

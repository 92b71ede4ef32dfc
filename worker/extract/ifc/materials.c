#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "worker/extract/ifc/properties.h"

#define PARTS_MAX 1000 /* layers of one wall */

/* A material and what it does there. */
struct part {
    uint32_t material; /* instance of IfcMaterial, or QR_P21_NONE */
    struct qr_p21_value name, thickness, fraction;
};

/* Where the parts of a definition stand, the name of what has one, and within a part its material,
 * its thickness (a length) and its fraction. -1: nowhere. */
static const struct {
    const char *type;
    int via;  /* what it stands for: a usage for its set */
    int list; /* its parts; -1: it is one */
    int material, name, thickness, fraction;
} shapes[] = {
    {"IFCMATERIALLAYERSETUSAGE", 0, -1, -1, -1, -1, -1},
    {"IFCMATERIALPROFILESETUSAGE", 0, -1, -1, -1, -1, -1},
    {"IFCMATERIALPROFILESETUSAGETAPERING", 0, -1, -1, -1, -1, -1},
    {"IFCMATERIALLAYERSET", -1, 0, -1, 1, -1, -1},
    {"IFCMATERIALLIST", -1, 0, -1, -1, -1, -1},
    {"IFCMATERIALCONSTITUENTSET", -1, 2, -1, 0, -1, -1},
    {"IFCMATERIALPROFILESET", -1, 2, -1, 0, -1, -1},
    {"IFCMATERIALLAYER", -1, -1, 0, 3, 1, -1},
    {"IFCMATERIALLAYERWITHOFFSETS", -1, -1, 0, 3, 1, -1},
    {"IFCMATERIALCONSTITUENT", -1, -1, 2, 0, -1, 3},
    {"IFCMATERIALPROFILE", -1, -1, 2, 0, -1, -1},
    {"IFCMATERIALPROFILEWITHOFFSETS", -1, -1, 2, 0, -1, -1},
};

static int shape_of(const struct qr_ifc *ifc, uint32_t instance)
{
    const char *type = qr_p21_type_name(ifc->p21, qr_p21_type_of(ifc->p21, instance));

    for (size_t i = 0; i < QR_COUNT(shapes); i++)
        if (strcmp(type, shapes[i].type) == 0)
            return (int)i;
    return -1;
}

static bool is_material(const struct qr_ifc *ifc, uint32_t instance)
{
    return strcmp(qr_p21_type_name(ifc->p21, qr_p21_type_of(ifc->p21, instance)), "IFCMATERIAL") ==
           0;
}

static struct qr_p21_value pick(const struct qr_p21_value *values, int at)
{
    return at >= 0 ? values[at] : (struct qr_p21_value){.kind = QR_P21_END};
}

/* One item of a definition: a material, or a part that has one. */
static bool part_of(struct qr_ifc *ifc, uint32_t instance, struct part *ret)
{
    int shape = instance == QR_P21_NONE ? -1 : shape_of(ifc, instance);
    struct qr_p21_value values[4];

    *ret = (struct part){.material = instance};
    if (shape < 0 || shapes[shape].material < 0)
        return instance != QR_P21_NONE && is_material(ifc, instance);
    qr_p21_get(ifc->p21, instance, QR_P21_UNKNOWN, values, QR_COUNT(values));
    ret->material = qr_p21_follow(ifc->p21, &values[shapes[shape].material]);
    ret->name = pick(values, shapes[shape].name);
    ret->thickness = pick(values, shapes[shape].thickness);
    ret->fraction = pick(values, shapes[shape].fraction);
    return true;
}

/* The parts of a definition, one after the other. */
struct parts {
    struct qr_ifc *ifc;
    struct qr_ifc_refs refs;
    uint32_t single; /* instance; QR_P21_NONE: none, or taken */
    uint32_t left;
};

static void parts_init(struct parts *parts, struct qr_ifc *ifc, uint32_t definition)
{
    struct qr_p21_value value;
    int shape = shape_of(ifc, definition);

    if (shape >= 0 && shapes[shape].via >= 0 &&
        qr_p21_attribute(ifc->p21, definition, QR_P21_UNKNOWN, (size_t)shapes[shape].via, &value)) {
        definition = qr_p21_follow(ifc->p21, &value);
        shape = definition == QR_P21_NONE ? -1 : shape_of(ifc, definition);
    }
    *parts = (struct parts){.ifc = ifc, .single = definition, .left = PARTS_MAX};
    if (shape < 0 || shapes[shape].list < 0)
        return;
    parts->single = QR_P21_NONE;
    if (qr_p21_attribute(ifc->p21, definition, QR_P21_UNKNOWN, (size_t)shapes[shape].list, &value))
        parts->refs = qr_ifc_refs(&value);
}

static bool next_part(struct parts *parts, struct part *ret)
{
    struct qr_p21_value value;

    if (parts->single != QR_P21_NONE) {
        uint32_t single = parts->single;
        parts->single = QR_P21_NONE;
        return part_of(parts->ifc, single, ret);
    }
    while (parts->ifc->parts_left > 0 && qr_ifc_next_ref(&parts->refs, &value)) {
        if (parts->left-- == 0) {
            qr_record_partial(parts->ifc->rec, "ifc.materials.capped",
                              "materials of more than %d parts: the others are left out",
                              PARTS_MAX);
            return false;
        }
        parts->ifc->parts_left--;
        if (part_of(parts->ifc, qr_p21_follow(parts->ifc->p21, &value), ret))
            return true;
    }
    return false;
}

/* ------------------------------------------------------------------ who has what */

static void collect(struct qr_ifc *ifc, void *arg, const struct qr_p21_value *one,
                    struct qr_p21_value *many)
{
    uint32_t definition = qr_p21_follow(ifc->p21, one);

    (void)arg;
    (void)many;
    if (definition != QR_P21_NONE)
        ifc->materials[ifc->n_materials++] =
            (struct qr_ifc_material){.instance = definition, .first = QR_IFC_NOTHING};
    else
        ifc->dangling += one->kind == QR_P21_REF;
}

static int compare(const void *a, const void *b)
{
    uint32_t x = ((const struct qr_ifc_material *)a)->instance;
    uint32_t y = ((const struct qr_ifc_material *)b)->instance;

    return x < y ? -1 : x > y;
}

static struct qr_ifc_material *find(const struct qr_ifc *ifc, uint32_t instance)
{
    struct qr_ifc_material key = {.instance = instance};

    return ifc->n_materials > 0
               ? bsearch(&key, ifc->materials, ifc->n_materials, sizeof key, compare)
               : NULL;
}

static void assign(struct qr_ifc *ifc, void *arg, const struct qr_p21_value *one,
                   struct qr_p21_value *many)
{
    struct qr_ifc_material *material = find(ifc, qr_p21_follow(ifc->p21, one));
    struct qr_ifc_refs refs = qr_ifc_refs(many);
    uint32_t object;

    (void)arg;
    while (material && (object = qr_ifc_next_object(ifc, &refs)) != QR_IFC_NOTHING)
        if (ifc->objects[object].material == QR_IFC_NOTHING)
            ifc->objects[object].material = (uint32_t)(material - ifc->materials);
}

/* The definition an object has, itself, by the object it reflects or by its type. A type has its
 * own only as long as nobody is of it: then its occurrences have it. */
static uint32_t definition_of(const struct qr_ifc *ifc, uint32_t object, bool *ret_own)
{
    const struct qr_ifc_object *entry = &ifc->objects[object];

    *ret_own = entry->material != QR_IFC_NOTHING;
    if (qr_ifc_kind(ifc, object) == QR_IFC_TYPE) {
        *ret_own = false;
        return entry->uses == 0 ? entry->material : QR_IFC_NOTHING;
    }
    if (!*ret_own && entry->reflects != QR_IFC_NOTHING &&
        ifc->objects[entry->reflects].material != QR_IFC_NOTHING)
        return ifc->objects[entry->reflects].material;
    if (*ret_own || entry->type == QR_IFC_NOTHING)
        return entry->material;
    return ifc->objects[entry->type].material;
}

static bool find_definitions(struct qr_ifc *ifc)
{
    static const struct qr_ifc_relation relation = {"IFCRELASSOCIATESMATERIAL", 5, 4};
    uint32_t n = qr_p21_type_count(ifc->p21, qr_p21_type(ifc->p21, relation.name));
    uint32_t kept = 0;
    bool own;

    ifc->materials = calloc((size_t)n + 1, sizeof *ifc->materials);
    if (!ifc->materials)
        return false;
    qr_ifc_each_relation(ifc, &relation, collect, NULL);
    qsort(ifc->materials, ifc->n_materials, sizeof *ifc->materials, compare);
    for (uint32_t i = 0; i < ifc->n_materials; i++)
        if (i == 0 || ifc->materials[i].instance != ifc->materials[i - 1].instance)
            ifc->materials[kept++] = ifc->materials[i];
    ifc->n_materials = kept;
    qr_ifc_each_relation(ifc, &relation, assign, NULL);
    for (uint32_t i = 0; i < ifc->n_objects; i++) {
        uint32_t at = definition_of(ifc, i, &own);
        if (at == QR_IFC_NOTHING)
            continue;
        if (ifc->materials[at].owners++ == 0)
            ifc->materials[at].first = i;
    }
    return true;
}

/* ------------------------------------------------------------------ into the record */

/* State of the whole report. */
struct report {
    struct qr_ifc *ifc;
    uint32_t n_all; /* IfcMaterial records */
    const uint32_t *all;
    double *density; /* of each, kg/m³; 0: not known */
    bool *used;      /* of each */
    uint64_t left_out;
};

/* Place of a material among all; QR_P21_NONE when it is none. */
static uint32_t place_of(const struct report *report, uint32_t instance)
{
    uint32_t low = 0;
    uint32_t high = report->n_all;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (report->all[middle] < instance)
            low = middle + 1;
        else
            high = middle;
    }
    return low < report->n_all && report->all[low] == instance ? low : QR_P21_NONE;
}

/* Twelve digits: factors of units leave dust in the others. */
static double rounded(double value)
{
    char text[40];

    snprintf(text, sizeof text, "%.12g", value);
    return strtod(text, NULL);
}

static bool put_part(struct report *report, const struct part *part, char *owner,
                     const char *source, uint64_t owners)
{
    struct qr_ifc *ifc = report->ifc;
    uint32_t place = part->material == QR_P21_NONE ? QR_P21_NONE : place_of(report, part->material);
    Quarry__V1__Material *material = qr_record_add_material(ifc->rec);
    double number;

    if (!material)
        return false;
    if (place != QR_P21_NONE) {
        report->used[place] = true;
        material->name = (char *)(uintptr_t)qr_ifc_attribute(ifc, part->material, 0);
        material->density = report->density[place];
        qr_ifc_say(ifc, material->name);
    }
    material->part = (char *)(uintptr_t)qr_ifc_text(ifc, &part->name);
    if (qr_p21_number(&part->thickness, &number) && isfinite(number * ifc->mm))
        material->thickness = rounded(number * ifc->mm);
    if (qr_p21_number(&part->fraction, &number))
        material->fraction = number;
    if (owner)
        material->owner = owner;
    material->source = (char *)(uintptr_t)source;
    material->owners = owners;
    return true;
}

/* All parts of one definition, for one owner or for several. */
static void put_definition(struct report *report, uint32_t at, uint32_t object, bool own,
                           uint64_t owners)
{
    struct qr_ifc *ifc = report->ifc;
    char *owner = qr_ifc_id(ifc, object);
    struct parts parts;
    struct part part;

    parts_init(&parts, ifc, ifc->materials[at].instance);
    while (next_part(&parts, &part))
        if (!put_part(report, &part, owner, own ? "occurrence" : "type", owners))
            report->left_out++;
}

static uint64_t count_all(struct qr_ifc *ifc)
{
    uint64_t total = 0;
    struct parts parts;
    struct part part;

    for (uint32_t i = 0; i < ifc->n_materials; i++) {
        uint64_t n = 0;
        parts_init(&parts, ifc, ifc->materials[i].instance);
        while (next_part(&parts, &part))
            n++;
        total += n * ifc->materials[i].owners;
    }
    return total;
}

static void put_owned(struct report *report)
{
    struct qr_ifc *ifc = report->ifc;
    uint64_t total = count_all(ifc);
    bool fits = total <= qr_ifc_room(ifc, ifc->rec->msg->n_materials + report->n_all);
    bool own;

    for (uint32_t i = 0; fits && i < ifc->n_objects; i++) {
        uint32_t at = definition_of(ifc, i, &own);
        if (at != QR_IFC_NOTHING)
            put_definition(report, at, i, own, 0);
    }
    for (uint32_t i = 0; !fits && i < ifc->n_materials; i++) {
        if (ifc->materials[i].owners == 0)
            continue;
        definition_of(ifc, ifc->materials[i].first, &own);
        put_definition(report, i, ifc->materials[i].first, own, ifc->materials[i].owners);
    }
    if (!fits)
        qr_record_partial(ifc->rec, "ifc.materials.merged",
                          "%" PRIu64 " materials of objects are more than the record holds: those "
                          "of one definition are one entry, with the number of objects; %" PRIu64
                          " are left out",
                          total, report->left_out);
}

/* Materials that no object has: libraries of types have them. */
static void put_unused(struct report *report)
{
    for (uint32_t i = 0; i < report->n_all; i++) {
        struct part part = {.material = report->all[i]};
        if (!report->used[i] && !put_part(report, &part, NULL, "library", 0))
            return;
    }
}

/* ------------------------------------------------------------------ their properties */

/* Records that hold properties of a material, and where it stands in them. */
static const struct {
    const char *type;
    int material;
} holders[] = {
    {"IFCEXTENDEDMATERIALPROPERTIES", 0},
    {"IFCGENERALMATERIALPROPERTIES", 0},
    {"IFCMECHANICALMATERIALPROPERTIES", 0},
    {"IFCMECHANICALSTEELMATERIALPROPERTIES", 0},
    {"IFCMECHANICALCONCRETEMATERIALPROPERTIES", 0},
    {"IFCTHERMALMATERIALPROPERTIES", 0},
    {"IFCHYGROSCOPICMATERIALPROPERTIES", 0},
    {"IFCOPTICALMATERIALPROPERTIES", 0},
    {"IFCFUELPROPERTIES", 0},
    {"IFCWATERPROPERTIES", 0},
    {"IFCPRODUCTSOFCOMBUSTIONPROPERTIES", 0},
    {"IFCMATERIALPROPERTIES", 3},
};

/* What a material or a definition of materials is called. */
static const char *name_of(struct qr_ifc *ifc, uint32_t definition)
{
    int shape = shape_of(ifc, definition);

    if (shape < 0)
        return qr_ifc_attribute(ifc, definition, 0);
    return shapes[shape].name >= 0 ? qr_ifc_attribute(ifc, definition, (size_t)shapes[shape].name)
                                   : "";
}

static void put_holder(struct report *report, uint32_t holder, uint32_t material,
                       struct qr_ifc_said *said, size_t *room)
{
    struct qr_ifc *ifc = report->ifc;
    uint32_t place = place_of(report, material);
    const char *owner = name_of(ifc, material);
    struct qr_ifc_leaves leaves;
    struct qr_ifc_leaf leaf;
    double number;

    qr_ifc_leaves_init(&leaves, ifc, holder);
    while (*room > 0 && qr_ifc_next_leaf(&leaves, &leaf)) {
        if (place != QR_P21_NONE && strcmp(leaf.name, "MassDensity") == 0 &&
            qr_ifc_leaf_number(ifc, &leaf, &number) && number > 0 && isfinite(number))
            report->density[place] = rounded(number);
        qr_ifc_say_leaf(ifc, &leaf, said);
        qr_ifc_put_parameter(ifc, &leaf, said, (char *)(uintptr_t)owner, "material", 0);
        --*room;
    }
}

static void put_properties(struct report *report)
{
    struct qr_ifc *ifc = report->ifc;
    size_t room = qr_ifc_room(ifc, ifc->rec->msg->n_parameters) / 4;
    struct qr_ifc_said said;
    struct qr_p21_value value;
    uint32_t n;

    qr_buf_init(&said.text, qr_ifc_text_max(ifc));
    for (size_t k = 0; k < QR_COUNT(holders); k++) {
        const uint32_t *all = qr_p21_of_type(ifc->p21, qr_p21_type(ifc->p21, holders[k].type), &n);
        for (uint32_t i = 0; i < n && room > 0; i++) {
            if (!qr_p21_attribute(ifc->p21, all[i], QR_P21_UNKNOWN, (size_t)holders[k].material,
                                  &value))
                continue;
            uint32_t material = qr_p21_follow(ifc->p21, &value);
            if (material != QR_P21_NONE)
                put_holder(report, all[i], material, &said, &room);
        }
    }
    qr_buf_done(&said.text);
    if (room == 0)
        qr_record_partial(ifc->rec, "ifc.properties.capped",
                          "not all properties of materials are listed");
}

void qr_ifc_report_materials(struct qr_ifc *ifc)
{
    struct report report = {.ifc = ifc};

    ifc->parts_left = qr_ifc_effort(ifc);
    report.all = qr_p21_of_type(ifc->p21, qr_p21_type(ifc->p21, "IFCMATERIAL"), &report.n_all);
    report.density = calloc((size_t)report.n_all + 1, sizeof *report.density);
    report.used = calloc((size_t)report.n_all + 1, sizeof *report.used);
    if (report.density && report.used && find_definitions(ifc)) {
        put_properties(&report);
        put_owned(&report);
        put_unused(&report);
        if (ifc->parts_left == 0)
            qr_record_partial(ifc->rec, "ifc.materials.capped",
                              "definitions of materials are shared so often that not all of them "
                              "were followed");
    } else {
        ifc->rec->failed = true;
    }
    free(report.density);
    free(report.used);
}

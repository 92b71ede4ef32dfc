/* Units: what the document says, and the record's mm, kg, degrees. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "common/cadjson/intern.h"
#include "common/cadjson/units.h"

struct unit {
    const char *name;
    double factor;
};

/* To mm. Names as Creo, CREOSON and people write them. */
static const struct unit lengths[] = {
    {"mm", 1},          {"millimeter", 1},   {"millimetre", 1},    {"cm", 10},
    {"centimeter", 10}, {"centimetre", 10},  {"m", 1000},          {"meter", 1000},
    {"metre", 1000},    {"in", 25.4},        {"inch", 25.4},       {"inches", 25.4},
    {"ft", 304.8},      {"foot", 304.8},     {"feet", 304.8},      {"micron", 1e-3},
    {"um", 1e-3},       {"\xC2\xB5m", 1e-3}, {"micrometer", 1e-3}, {"km", 1e6},
    {"yd", 914.4},
};

/* To kg: the pound of 1959. */
static const struct unit masses[] = {
    {"kg", 1},
    {"kilogram", 1},
    {"g", 1e-3},
    {"gram", 1e-3},
    {"mg", 1e-6},
    {"t", 1000},
    {"tonne", 1000},
    {"lb", 0.45359237},
    {"lbm", 0.45359237},
    {"pound", 0.45359237},
    {"oz", 0.028349523125},
    {"slug", 14.593902937},
};

static const struct unit angles[] = {
    {"deg", 1},
    {"degree", 1},
    {"degrees", 1},
    {"rad", 57.29577951308232},
    {"radian", 57.29577951308232},
};

static double factor_of(const struct unit *units, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (strcasecmp(units[i].name, name) == 0)
            return units[i].factor;
    return 0;
}

double qr_cadjson_length_mm(const char *unit)
{
    return factor_of(lengths, QR_COUNT(lengths), unit);
}

double qr_cadjson_mass_kg(const char *unit) { return factor_of(masses, QR_COUNT(masses), unit); }

static bool set(struct qr_cadjson *cj, double factor, double *to, const char *what,
                const char *examples)
{
    if (!(factor > 0))
        return qr_jr_fail(cj->jr, "a unit of %s is expected (%s, ...)", what, examples);
    if (*to > 0 && fabs(*to - factor) > 1e-12 * factor)
        return qr_jr_fail(cj->jr, "the unit of %s is said twice, and differs", what);
    *to = factor;
    return true;
}

bool qr_cadjson_set_length_unit(struct qr_cadjson *cj, const char *unit)
{
    if (!set(cj, qr_cadjson_length_mm(unit), &cj->length_mm, "length", "mm, cm, m, inch"))
        return false;
    snprintf(cj->length_unit, sizeof cj->length_unit, "%s", unit);
    return true;
}

bool qr_cadjson_set_mass_unit(struct qr_cadjson *cj, const char *unit)
{
    return set(cj, qr_cadjson_mass_kg(unit), &cj->mass_kg, "mass", "kg, g, t, lb");
}

bool qr_cadjson_set_angle_unit(struct qr_cadjson *cj, const char *unit)
{
    return set(cj, factor_of(angles, QR_COUNT(angles), unit), &cj->angle_deg, "angle", "deg, rad");
}

/* ------------------------------------------------------------------ converting */

static void scale(double *values, size_t n, double by)
{
    for (size_t i = 0; i < n; i++)
        values[i] *= by;
}

static void scale_floats(ProtobufCBinaryData *data, double by)
{
    for (size_t i = 0; i + sizeof(float) <= data->len; i += sizeof(float)) {
        float value;
        memcpy(&value, data->data + i, sizeof value);
        value = (float)((double)value * by);
        memcpy(data->data + i, &value, sizeof value);
    }
}

static void convert_mass(Quarry__V1__CadMass *m, double length, double mass)
{
    m->volume *= length * length * length;
    m->area *= length * length;
    m->mass *= mass;
    m->density *= 1e9 * mass / (length * length * length); /* from kg/mm3 to kg/m3 */
    scale(m->centroid, m->n_centroid, length);
    scale(m->inertia, m->n_inertia, mass * length * length);
    scale(m->principal_moments, m->n_principal_moments, mass * length * length);
}

static bool is_angle(const char *kind) { return strncmp(kind, "ang", 3) == 0; }

/* A dimension with a unit of its own keeps it. */
static void convert_dimension(struct qr_cadjson *cj, Quarry__V1__Dimension *d, double length,
                              double angle)
{
    if (d->unit[0])
        return;
    double by = is_angle(d->kind) ? angle : length;
    d->value *= by;
    d->upper *= by;
    d->lower *= by;
    d->unit = qr_record_text(cj->rec, is_angle(d->kind) ? "deg" : "mm");
}

static void convert_assembly(Quarry__V1__CadAssembly *a, double length)
{
    for (size_t i = 0; i < a->n_occurrences; i++) {
        Quarry__V1__CadOccurrence *o = a->occurrences[i];
        for (size_t k = 3; k < 12 && o->n_transform == 16; k += 4)
            o->transform[k] *= length;
    }
}

/* What a source leaves to be counted. */
static void complete_assembly(struct qr_cadjson *cj, Quarry__V1__CadAssembly *a)
{
    size_t there = 0;

    for (size_t i = 0; i < a->n_occurrences; i++)
        there += !a->occurrences[i]->suppressed;
    if (!(a->quantity > 0))
        a->quantity = a->n_occurrences > 0 ? (double)there : 1;
    if (!a->parent[0])
        a->parent = qr_record_text(cj->rec, qr_record_cad(cj->rec)->name);
}

/* The structure as rows of the bill of material, as every source of models gives it. */
static void add_bom(struct qr_cadjson *cj, const Quarry__V1__CadAssembly *a, size_t number)
{
    Quarry__V1__BomItem *item = qr_record_add_bom_item(cj->rec);
    char text[40];

    if (!item)
        return;
    snprintf(text, sizeof text, "%zu", number);
    item->item = qr_record_text(cj->rec, text);
    snprintf(text, sizeof text, "%.15g", a->quantity);
    item->quantity = qr_record_text(cj->rec, text);
    item->part_number = a->child;
    item->parent = a->parent;
    item->source = qr_record_text(cj->rec, "structure");
}

void qr_cadjson_convert(struct qr_cadjson *cj)
{
    Quarry__V1__ExtractionRecord *msg = cj->rec->msg;
    Quarry__V1__CadModel *cad = qr_record_cad(cj->rec);
    double length = cj->length_mm > 0 ? cj->length_mm : 1;
    double mass = cj->mass_kg > 0 ? cj->mass_kg : 1;
    double angle = cj->angle_deg > 0 ? cj->angle_deg : 1;

    if (cj->length_unit[0])
        cad->length_unit = qr_record_text(cj->rec, cj->length_unit);
    cad->accuracy *= length;
    if (cad->bounds)
        scale(cad->bounds->box, cad->bounds->n_box, length);
    if (cad->points)
        scale_floats(&cad->points->xyz, length);
    for (size_t i = 0; i < cad->n_mass; i++)
        convert_mass(cad->mass[i], length, mass);
    for (size_t i = 0; i < msg->n_materials; i++)
        msg->materials[i]->density *= 1e9 * mass / (length * length * length);
    for (size_t i = 0; i < msg->n_dimensions; i++)
        convert_dimension(cj, msg->dimensions[i], length, angle);
    for (size_t i = 0; i < cad->n_assemblies; i++) {
        convert_assembly(cad->assemblies[i], length);
        complete_assembly(cj, cad->assemblies[i]);
        add_bom(cj, cad->assemblies[i], i + 1);
    }
}

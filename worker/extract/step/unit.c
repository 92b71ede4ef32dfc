#include <math.h>
#include <strings.h>

#include "worker/extract/step/intern.h"

#define DEPTH_MAX 8 /* units made of units */
#define ELEMENTS_MAX 8
#define VISITS_MAX 64 /* units looked at for one: elements may share theirs */

static const struct {
    const char *name;
    double factor;
} prefixes[] = {
    {"EXA", 1e18},  {"PETA", 1e15},  {"TERA", 1e12},   {"GIGA", 1e9},
    {"MEGA", 1e6},  {"KILO", 1e3},   {"HECTO", 1e2},   {"DECA", 1e1},
    {"DECI", 1e-1}, {"CENTI", 1e-2}, {"MILLI", 1e-3},  {"MICRO", 1e-6},
    {"NANO", 1e-9}, {"PICO", 1e-12}, {"FEMTO", 1e-15}, {"ATTO", 1e-18},
};

/* Where a walk over units made of units stands. */
struct walk {
    int depth, visits;
};

static struct qr_step_unit unit_at(const struct qr_step *s, uint32_t unit, struct walk *walk);

static struct qr_step_unit si_unit(const struct qr_step *s, uint32_t unit)
{
    struct qr_step_unit ret = {.factor = 1};
    struct qr_p21_value prefix;
    struct qr_p21_value name;
    bool complex = qr_p21_type_of(s->p, unit) == QR_P21_COMPLEX;

    /* the simple form has the dimensions of NAMED_UNIT in front */
    if (!qr_step_attribute(s, unit, STEP_SI_UNIT, complex ? 0 : 1, &prefix) ||
        !qr_step_attribute(s, unit, STEP_SI_UNIT, complex ? 1 : 2, &name))
        return ret;
    for (size_t i = 0; i < QR_COUNT(prefixes); i++)
        if (qr_p21_is_enum(&prefix, prefixes[i].name))
            ret.factor = prefixes[i].factor;
    ret.known = true;
    if (qr_p21_is_enum(&name, "METRE")) {
        ret.length = 1;
    } else if (qr_p21_is_enum(&name, "GRAM")) {
        ret.mass = 1;
        ret.factor /= 1000;
    } else if (qr_p21_is_enum(&name, "RADIAN")) {
        ret.angle = 1;
    }
    return ret;
}

static struct qr_step_unit conversion_unit(const struct qr_step *s, uint32_t unit,
                                           struct walk *walk)
{
    /* dimensions stand in NAMED_UNIT: name, factor follow */
    uint32_t measure =
        qr_step_ref(s, unit, (struct qr_step_field){2, 1, STEP_CONVERSION_BASED_UNIT});
    struct qr_step_unit ret = {.factor = 1};
    struct qr_step_measure one;

    if (!qr_step_measure(s, measure, &one))
        return ret;
    ret = unit_at(s, one.unit, walk);
    ret.factor *= one.value;
    return ret;
}

static struct qr_step_unit derived_unit(const struct qr_step *s, uint32_t unit, struct walk *walk)
{
    struct qr_step_unit ret = {.factor = 1};
    struct qr_p21_value list;
    struct qr_p21_value item;

    if (!qr_step_attribute(s, unit, STEP_DERIVED_UNIT, 0, &list))
        return ret;
    struct qr_p21_cursor cursor = qr_p21_enter(&list);
    for (int i = 0; i < ELEMENTS_MAX && qr_p21_next(&cursor, &item); i++) {
        uint32_t element = qr_p21_follow(s->p, &item);
        double power = 1;
        struct qr_step_unit base = unit_at(
            s, qr_step_ref(s, element, (struct qr_step_field){0, 0, STEP_DERIVED_UNIT_ELEMENT}),
            walk);
        if (!base.known ||
            !qr_step_number(s, element, (struct qr_step_field){1, 1, STEP_DERIVED_UNIT_ELEMENT},
                            &power) ||
            fabs(power) > 20)
            return (struct qr_step_unit){.factor = 1};
        ret.factor *= pow(base.factor, power);
        ret.length += base.length * (int)lround(power);
        ret.mass += base.mass * (int)lround(power);
        ret.angle += base.angle * (int)lround(power);
        ret.known = true;
    }
    return ret;
}

static struct qr_step_unit unit_at(const struct qr_step *s, uint32_t unit, struct walk *walk)
{
    struct qr_step_unit ret = {.factor = 1};

    if (unit == QR_P21_NONE || walk->depth > DEPTH_MAX || ++walk->visits > VISITS_MAX)
        return ret;
    walk->depth++;
    if (qr_step_is(s, unit, STEP_CONVERSION_BASED_UNIT))
        ret = conversion_unit(s, unit, walk);
    else if (qr_step_is(s, unit, STEP_SI_UNIT))
        ret = si_unit(s, unit);
    else
        ret = derived_unit(s, unit, walk);
    walk->depth--;
    return ret;
}

struct qr_step_unit qr_step_unit(const struct qr_step *s, uint32_t unit)
{
    struct walk walk = {0};

    return unit_at(s, unit, &walk);
}

static bool near(double a, double b) { return fabs(a - b) <= 1e-6 * fabs(b); }

const char *qr_step_unit_name(const struct qr_step *s, uint32_t unit)
{
    static const struct {
        int length, mass, angle;
        double factor;
        const char *name;
    } names[] = {
        {1, 0, 0, 1e-3, "mm"},
        {1, 0, 0, 1, "m"},
        {1, 0, 0, 1e-2, "cm"},
        {1, 0, 0, 0.0254, "in"},
        {1, 0, 0, 0.3048, "ft"},
        {1, 0, 0, 1e-6, "µm"},
        {1, 0, 0, 1e3, "km"},
        {0, 0, 1, 1, "rad"},
        {0, 0, 1, M_PI / 180, "deg"},
        {0, 1, 0, 1, "kg"},
        {0, 1, 0, 1e-3, "g"},
        {0, 1, 0, 0.45359237, "lb"},
        {2, 0, 0, 1e-6, "mm²"},
        {2, 0, 0, 1, "m²"},
        {2, 0, 0, 1e-4, "cm²"},
        {3, 0, 0, 1e-9, "mm³"},
        {3, 0, 0, 1, "m³"},
        {3, 0, 0, 1e-6, "cm³"},
        {-3, 1, 0, 1, "kg/m³"},
        {-3, 1, 0, 1e3, "g/cm³"},
        {-3, 1, 0, 1e9, "kg/mm³"},
        {2, 0, 0, 0.00064516, "in²"},
        {3, 0, 0, 1.6387064e-5, "in³"},
    };
    struct qr_step_unit found = qr_step_unit(s, unit);

    if (!found.known)
        return "";
    for (size_t i = 0; i < QR_COUNT(names); i++)
        if (found.length == names[i].length && found.mass == names[i].mass &&
            found.angle == names[i].angle && near(found.factor, names[i].factor))
            return names[i].name;
    /* the name that the file gives it */
    return qr_step_is(s, unit, STEP_CONVERSION_BASED_UNIT)
               ? qr_step_text(s, unit, (struct qr_step_field){1, 0, STEP_CONVERSION_BASED_UNIT})
               : "";
}

/* The units of a context, one by one. */
static struct qr_p21_cursor units_of(const struct qr_step *s, uint32_t context)
{
    struct qr_p21_value list = {.kind = QR_P21_END};

    /* the simple form: identifier, type, units */
    if (context == QR_P21_NONE || !qr_step_is(s, context, STEP_GLOBAL_UNIT_ASSIGNED_CONTEXT) ||
        !qr_step_field(s, context, (struct qr_step_field){2, 0, STEP_GLOBAL_UNIT_ASSIGNED_CONTEXT},
                       &list))
        list.kind = QR_P21_END;
    return qr_p21_enter(&list);
}

void qr_step_context_units(const struct qr_step *s, uint32_t context, double *ret_mm,
                           double *ret_deg)
{
    struct qr_p21_cursor cursor = units_of(s, context);
    struct qr_p21_value item;

    *ret_mm = s->length_mm > 0 ? s->length_mm : 1;
    *ret_deg = s->angle_deg > 0 ? s->angle_deg : 1;
    for (int i = 0; i < ELEMENTS_MAX && qr_p21_next(&cursor, &item); i++) {
        struct qr_step_unit unit = qr_step_unit(s, qr_p21_follow(s->p, &item));
        if (unit.known && unit.length == 1 && unit.mass == 0 && unit.angle == 0 && unit.factor > 0)
            *ret_mm = unit.factor * 1000;
        if (unit.known && unit.angle == 1 && unit.length == 0 && unit.factor > 0)
            *ret_deg = unit.factor * 180 / M_PI;
    }
}

/* The first context with a length is the file's; another unit in a later one is noted. */
static void main_units(struct qr_step *s)
{
    uint32_t n;
    const uint32_t *all = qr_step_all(s, STEP_GLOBAL_UNIT_ASSIGNED_CONTEXT, &n);
    struct qr_p21_value item;

    for (uint32_t i = 0; i < n && i < 10000; i++) {
        struct qr_p21_cursor cursor = units_of(s, all[i]);
        for (int k = 0; k < ELEMENTS_MAX && qr_p21_next(&cursor, &item); k++) {
            uint32_t instance = qr_p21_follow(s->p, &item);
            struct qr_step_unit unit = qr_step_unit(s, instance);
            if (!unit.known || !(unit.factor > 0))
                continue;
            if (unit.angle == 1 && s->angle_deg == 0) /* NOLINT: 0 is "not yet" */
                s->angle_deg = unit.factor * 180 / M_PI;
            if (unit.length != 1 || unit.mass != 0)
                continue;
            if (s->length_mm == 0) { /* NOLINT: 0 is "not yet" */
                s->length_mm = unit.factor * 1000;
                qr_record_cad(s->rec)->length_unit =
                    qr_record_text(s->rec, qr_step_unit_name(s, instance));
            } else if (!near(s->length_mm, unit.factor * 1000)) {
                qr_record_note(s->rec, "step.units.mixed",
                               "parts of the model have another length unit (%s); all is in mm",
                               qr_step_unit_name(s, instance));
            }
        }
    }
}

/* The smallest distance that is one: UNCERTAINTY_MEASURE_WITH_UNIT(LENGTH_MEASURE(1.E-6),#). */
static void accuracy(struct qr_step *s)
{
    uint32_t n;
    const uint32_t *all = qr_step_all(s, STEP_UNCERTAINTY_MEASURE_WITH_UNIT, &n);

    for (uint32_t i = 0; i < n && i < 100; i++) {
        struct qr_step_measure measure;
        if (!qr_step_measure(s, all[i], &measure) || measure.value <= 0)
            continue;
        struct qr_step_unit unit = qr_step_unit(s, measure.unit);
        if (unit.length == 1) {
            qr_record_cad(s->rec)->accuracy = measure.value * unit.factor * 1000;
            return;
        }
    }
}

void qr_step_units(struct qr_step *s)
{
    main_units(s);
    accuracy(s);
    if (s->length_mm == 0) { /* NOLINT: 0 is "not found" */
        qr_record_note(s->rec, "step.units.missing", "no length unit is stated; taken as mm");
        s->length_mm = 1;
    }
    if (s->angle_deg == 0) /* NOLINT: 0 is "not found" */
        s->angle_deg = 180 / M_PI;
}

/* Simple forms: MEASURE_REPRESENTATION_ITEM has its name in front, all others begin with the value;
 * UNCERTAINTY_MEASURE_WITH_UNIT goes on with a name. */
bool qr_step_measure(const struct qr_step *s, uint32_t instance, struct qr_step_measure *ret)
{
    struct qr_p21_value values[3];
    size_t at = 0;

    *ret = (struct qr_step_measure){.name = "", .unit = QR_P21_NONE};
    if (instance == QR_P21_NONE)
        return false;
    if (qr_p21_type_of(s->p, instance) == QR_P21_COMPLEX) {
        if (!qr_step_is(s, instance, STEP_MEASURE_WITH_UNIT) ||
            qr_p21_get(s->p, instance, s->type[STEP_MEASURE_WITH_UNIT], values, 3) < 2)
            return false;
        ret->name =
            qr_step_text(s, instance, (struct qr_step_field){0, 0, STEP_REPRESENTATION_ITEM});
    } else {
        size_t n = qr_p21_get(s->p, instance, QR_P21_UNKNOWN, values, 3);
        at = values[0].kind == QR_P21_STRING;
        if (n < at + 2)
            return false;
        if (at > 0)
            ret->name = qr_p21_string(s->rec, &values[0]);
    }
    if (!qr_p21_number(&values[at], &ret->value))
        return false;
    if (values[at].kind == QR_P21_TYPED) {
        ret->kind = values[at].at;
        ret->kind_len = values[at].len;
    }
    ret->unit = qr_p21_follow(s->p, &values[at + 1]);
    return true;
}

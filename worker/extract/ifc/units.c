#include "worker/extract/ifc/units.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#define UNITS_MAX 256
#define DEPTH_MAX 4
#define ELEMENTS_MAX 16 /* of a derived unit */
#define CACHE 1024      /* a power of two */
#define STEPS_MAX ((uint64_t)1 << 21)

/* What units met lately mean: values name the same few again and again. Units of units can be made
 * to multiply, so all reading of them has one budget. */
struct qr_ifc_memo {
    uint32_t instance[CACHE]; /* plus one; 0: free */
    struct qr_ifc_meaning meaning[CACHE];
    uint64_t steps;
};

/* clang-format off */
static const struct { const char *name, *symbol; int power; } prefixes[] = {
    {"EXA", "E", 18}, {"PETA", "P", 15}, {"TERA", "T", 12}, {"GIGA", "G", 9}, {"MEGA", "M", 6},
    {"KILO", "k", 3}, {"HECTO", "h", 2}, {"DECA", "da", 1}, {"DECI", "d", -1}, {"CENTI", "c", -2},
    {"MILLI", "m", -3}, {"MICRO", "µ", -6}, {"NANO", "n", -9}, {"PICO", "p", -12},
    {"FEMTO", "f", -15}, {"ATTO", "a", -18},
};

/* `dimension`: the prefix counts so many times. */
static const struct { const char *name, *symbol; int dimension; double factor; } si_units[] = {
    {"METRE", "m", 1, 1}, {"SQUARE_METRE", "m²", 2, 1}, {"CUBIC_METRE", "m³", 3, 1},
    {"GRAM", "g", 1, 1e-3}, {"SECOND", "s", 1, 1}, {"RADIAN", "rad", 1, 1},
    {"STERADIAN", "sr", 1, 1}, {"KELVIN", "K", 1, 1}, {"DEGREE_CELSIUS", "°C", 1, 1},
    {"AMPERE", "A", 1, 1}, {"BECQUEREL", "Bq", 1, 1}, {"CANDELA", "cd", 1, 1},
    {"COULOMB", "C", 1, 1}, {"FARAD", "F", 1, 1}, {"GRAY", "Gy", 1, 1}, {"HENRY", "H", 1, 1},
    {"HERTZ", "Hz", 1, 1}, {"JOULE", "J", 1, 1}, {"LUMEN", "lm", 1, 1}, {"LUX", "lx", 1, 1},
    {"MOLE", "mol", 1, 1}, {"NEWTON", "N", 1, 1}, {"OHM", "Ω", 1, 1}, {"PASCAL", "Pa", 1, 1},
    {"SIEMENS", "S", 1, 1}, {"SIEVERT", "Sv", 1, 1}, {"TESLA", "T", 1, 1}, {"VOLT", "V", 1, 1},
    {"WATT", "W", 1, 1}, {"WEBER", "Wb", 1, 1},
};

static const struct { const char *name, *symbol; } conversions[] = {
    {"INCH", "in"}, {"FOOT", "ft"}, {"US SURVEY FOOT", "ft"}, {"YARD", "yd"}, {"MILE", "mi"},
    {"SQUARE INCH", "in²"}, {"SQUARE FOOT", "ft²"}, {"SQUARE YARD", "yd²"}, {"SQUARE MILE", "mi²"},
    {"ACRE", "ac"}, {"CUBIC INCH", "in³"}, {"CUBIC FOOT", "ft³"}, {"CUBIC YARD", "yd³"},
    {"LITRE", "l"}, {"DEGREE", "°"}, {"MINUTE", "min"}, {"HOUR", "h"}, {"DAY", "d"},
    {"OUNCE", "oz"}, {"POUND", "lb"}, {"LBF", "lbf"}, {"KIP", "kip"}, {"PSI", "psi"},
    {"KSI", "ksi"}, {"BTU", "Btu"}, {"FAHRENHEIT", "°F"}, {"TONNE", "t"}, {"PERCENT", "%"},
};
/* clang-format on */

static struct qr_ifc_meaning meaning_of(struct qr_ifc *ifc, uint32_t instance, int depth);

static const char *keep(struct qr_ifc *ifc, const char *text)
{
    return qr_ifc_intern(ifc, text, strlen(text));
}

static bool is_value(const struct qr_p21_value *value, const char *name)
{
    return qr_p21_is_enum(value, name);
}

/* IfcSIUnit: 0 dimensions, 1 kind, 2 prefix, 3 name. */
static struct qr_ifc_meaning si_unit(struct qr_ifc *ifc, const struct qr_p21_value *values)
{
    const char *prefix = "";
    int power = 0;
    char symbol[32];

    for (size_t i = 0; i < QR_COUNT(prefixes); i++)
        if (is_value(&values[2], prefixes[i].name)) {
            prefix = prefixes[i].symbol;
            power = prefixes[i].power;
        }
    for (size_t i = 0; i < QR_COUNT(si_units); i++) {
        if (!is_value(&values[3], si_units[i].name))
            continue;
        snprintf(symbol, sizeof symbol, "%s%s", prefix, si_units[i].symbol);
        return (struct qr_ifc_meaning){keep(ifc, symbol),
                                       si_units[i].factor * pow(10, power * si_units[i].dimension)};
    }
    return (struct qr_ifc_meaning){"", 0};
}

static const char *conversion_symbol(struct qr_ifc *ifc, const struct qr_p21_value *name)
{
    const char *text = qr_ifc_text(ifc, name);

    for (size_t i = 0; i < QR_COUNT(conversions); i++)
        if (strcasecmp(text, conversions[i].name) == 0)
            return conversions[i].symbol;
    return text;
}

/* IfcConversionBasedUnit: 2 name, 3 factor -> IfcMeasureWithUnit: 0 value, 1 unit. */
static struct qr_ifc_meaning conversion_unit(struct qr_ifc *ifc, const struct qr_p21_value *values,
                                             int depth)
{
    struct qr_ifc_meaning ret = {conversion_symbol(ifc, &values[2]), 0};
    uint32_t measure = qr_p21_follow(ifc->p21, &values[3]);
    struct qr_p21_value parts[2];
    double number;

    if (measure == QR_P21_NONE)
        return ret;
    qr_p21_get(ifc->p21, measure, QR_P21_UNKNOWN, parts, QR_COUNT(parts));
    struct qr_ifc_meaning base = meaning_of(ifc, qr_p21_follow(ifc->p21, &parts[1]), depth + 1);
    if (qr_p21_number(&parts[0], &number))
        ret.factor = number * base.factor;
    return ret;
}

static void put_power(struct qr_buf *out, const char *symbol, int power)
{
    static const char *const powers[] = {"", "", "²", "³", "⁴", "⁵", "⁶"};

    qr_buf_append_str(out, symbol);
    if (power > 1 && power < (int)QR_COUNT(powers))
        qr_buf_append_str(out, powers[power]);
    else if (power > 1)
        qr_buf_printf(out, "^%d", power);
}

/* IfcDerivedUnit: 0 elements -> IfcDerivedUnitElement: 0 unit, 1 exponent. */
static struct qr_ifc_meaning derived_unit(struct qr_ifc *ifc, const struct qr_p21_value *elements,
                                          int depth)
{
    struct qr_ifc_refs refs = qr_ifc_refs(elements);
    struct qr_p21_value element;
    struct qr_p21_value parts[2];
    struct qr_ifc_meaning ret = {"", 1};
    struct qr_buf over;
    struct qr_buf under;

    qr_buf_init(&over, 512);
    qr_buf_init(&under, 512);
    for (int i = 0; i < ELEMENTS_MAX && qr_ifc_next_ref(&refs, &element); i++) {
        uint32_t instance = qr_p21_follow(ifc->p21, &element);
        if (instance == QR_P21_NONE)
            continue;
        qr_p21_get(ifc->p21, instance, QR_P21_UNKNOWN, parts, QR_COUNT(parts));
        struct qr_ifc_meaning unit = meaning_of(ifc, qr_p21_follow(ifc->p21, &parts[0]), depth + 1);
        int power = parts[1].kind == QR_P21_INTEGER && llabs(parts[1].integer) < 100
                        ? (int)parts[1].integer
                        : 0;
        struct qr_buf *side = power < 0 ? &under : &over;
        if (power == 0)
            continue;
        ret.factor *= pow(unit.factor, power);
        if (side->len > 0)
            qr_buf_append_str(side, "·");
        put_power(side, unit.symbol, abs(power));
    }
    if (over.len == 0)
        qr_buf_append_str(&over, "1");
    if (under.len > 0)
        qr_buf_printf(&over, strstr((char *)under.data, "·") ? "/(%s)" : "/%s", (char *)under.data);
    if (!over.failed && over.len > 0)
        ret.symbol = qr_ifc_intern(ifc, (const char *)over.data, over.len);
    qr_buf_done(&over);
    qr_buf_done(&under);
    return ret;
}

static struct qr_ifc_meaning read_unit(struct qr_ifc *ifc, uint32_t instance, int depth)
{
    struct qr_p21_value values[4];
    const char *type;

    qr_p21_get(ifc->p21, instance, QR_P21_UNKNOWN, values, QR_COUNT(values));
    type = qr_p21_type_name(ifc->p21, qr_p21_type_of(ifc->p21, instance));
    if (strcmp(type, "IFCSIUNIT") == 0)
        return si_unit(ifc, values);
    if (strncmp(type, "IFCCONVERSIONBASEDUNIT", 22) == 0)
        return conversion_unit(ifc, values, depth);
    if (strcmp(type, "IFCDERIVEDUNIT") == 0)
        return derived_unit(ifc, &values[0], depth);
    if (strcmp(type, "IFCCONTEXTDEPENDENTUNIT") == 0)
        return (struct qr_ifc_meaning){qr_ifc_text(ifc, &values[2]), 0};
    if (strcmp(type, "IFCMONETARYUNIT") == 0 && values[0].kind == QR_P21_ENUM)
        return (struct qr_ifc_meaning){
            qr_ifc_intern(ifc, (const char *)values[0].at, values[0].len), 0};
    if (strcmp(type, "IFCMONETARYUNIT") == 0)
        return (struct qr_ifc_meaning){qr_ifc_text(ifc, &values[0]), 0};
    return (struct qr_ifc_meaning){"", 0};
}

static struct qr_ifc_meaning meaning_of(struct qr_ifc *ifc, uint32_t instance, int depth)
{
    struct qr_ifc_memo *memo = ifc->memo;
    uint32_t at = instance & (CACHE - 1);

    if (instance == QR_P21_NONE || depth > DEPTH_MAX)
        return (struct qr_ifc_meaning){"", 0};
    if (memo->instance[at] == instance + 1)
        return memo->meaning[at];
    if (memo->steps++ == STEPS_MAX)
        qr_record_partial(ifc->rec, "ifc.units.capped",
                          "units refer to each other so often that not all were followed");
    if (memo->steps > STEPS_MAX)
        return (struct qr_ifc_meaning){"", 0};
    struct qr_ifc_meaning ret = read_unit(ifc, instance, depth);
    memo->instance[at] = instance + 1;
    memo->meaning[at] = ret;
    return ret;
}

struct qr_ifc_meaning qr_ifc_unit(struct qr_ifc *ifc, uint32_t instance)
{
    return meaning_of(ifc, instance, 0);
}

/* The kind of a unit, "LENGTHUNIT": attribute 1; money has none. */
static void add_unit(struct qr_ifc *ifc, uint32_t instance)
{
    struct qr_ifc_unit *unit = &ifc->units[ifc->n_units];
    struct qr_p21_value kind;
    struct qr_ifc_meaning meaning = qr_ifc_unit(ifc, instance);

    if (qr_p21_attribute(ifc->p21, instance, QR_P21_UNKNOWN, 1, &kind) && kind.kind == QR_P21_ENUM)
        snprintf(unit->kind, sizeof unit->kind, "%.*s", (int)(kind.len < 40 ? kind.len : 40),
                 (const char *)kind.at);
    else if (strcmp(qr_p21_type_name(ifc->p21, qr_p21_type_of(ifc->p21, instance)),
                    "IFCMONETARYUNIT") == 0)
        snprintf(unit->kind, sizeof unit->kind, "MONETARYUNIT");
    else
        return;
    unit->symbol = meaning.symbol;
    unit->factor = meaning.factor;
    ifc->n_units++;
}

/* The assignment of the project, or the first there is. */
static bool find_assignment(struct qr_ifc *ifc, struct qr_p21_value *ret)
{
    uint32_t n;
    const uint32_t *projects = qr_p21_of_type(ifc->p21, qr_p21_type(ifc->p21, "IFCPROJECT"), &n);
    uint32_t assignment = QR_P21_NONE;

    for (uint32_t i = 0; i < n && assignment == QR_P21_NONE; i++)
        if (qr_p21_attribute(ifc->p21, projects[i], QR_P21_UNKNOWN, 8, ret))
            assignment = qr_p21_follow(ifc->p21, ret);
    if (assignment == QR_P21_NONE) {
        const uint32_t *all =
            qr_p21_of_type(ifc->p21, qr_p21_type(ifc->p21, "IFCUNITASSIGNMENT"), &n);
        assignment = n > 0 ? all[0] : QR_P21_NONE;
    }
    return assignment != QR_P21_NONE &&
           qr_p21_attribute(ifc->p21, assignment, QR_P21_UNKNOWN, 0, ret);
}

bool qr_ifc_units_init(struct qr_ifc *ifc)
{
    ifc->memo = calloc(1, sizeof *ifc->memo);
    ifc->units = calloc(UNITS_MAX, sizeof *ifc->units);
    return ifc->memo && ifc->units;
}

void qr_ifc_units_done(struct qr_ifc *ifc)
{
    free(ifc->memo);
    free(ifc->units);
}

void qr_ifc_read_units(struct qr_ifc *ifc)
{
    struct qr_p21_value value;
    struct qr_ifc_refs refs;

    ifc->mm = 1000; /* IFC's own unit is the metre */
    if (!find_assignment(ifc, &value)) {
        qr_record_note(ifc->rec, "ifc.units.missing", "no units are assigned: metres are assumed");
        return;
    }
    refs = qr_ifc_refs(&value);
    while (qr_ifc_next_ref(&refs, &value)) {
        uint32_t instance = qr_p21_follow(ifc->p21, &value);
        if (instance == QR_P21_NONE)
            ifc->dangling++;
        else if (ifc->n_units < UNITS_MAX)
            add_unit(ifc, instance);
        else
            qr_record_partial(ifc->rec, "ifc.units.capped", "more than %d units are assigned",
                              UNITS_MAX);
    }
    struct qr_ifc_meaning length = qr_ifc_unit_of_kind(ifc, "LENGTHUNIT");
    if (length.factor > 0 && isfinite(length.factor))
        ifc->mm = length.factor * 1000;
    else
        qr_record_note(ifc->rec, "ifc.units.missing",
                       "no length unit is assigned: metres are assumed");
}

struct qr_ifc_meaning qr_ifc_unit_of_kind(const struct qr_ifc *ifc, const char *kind)
{
    for (uint32_t i = 0; i < ifc->n_units; i++)
        if (strcasecmp(ifc->units[i].kind, kind) == 0)
            return (struct qr_ifc_meaning){ifc->units[i].symbol, ifc->units[i].factor};
    return (struct qr_ifc_meaning){"", 0};
}

/* IFCPOSITIVELENGTHMEASURE, IFCLENGTHMEASURE -> LENGTHUNIT: all measures are named like that. */
struct qr_ifc_meaning qr_ifc_unit_of_measure(const struct qr_ifc *ifc,
                                             const struct qr_p21_value *typed)
{
    static const char *const fronts[] = {"IFCPOSITIVE", "IFCNONNEGATIVE", "IFC"};
    const char *name = (const char *)typed->at;
    size_t len = typed->kind == QR_P21_TYPED ? typed->len : 0;
    char kind[64];

    if (len < 11 || len > 48 || strncasecmp(name + len - 7, "MEASURE", 7) != 0)
        return (struct qr_ifc_meaning){"", 0};
    for (size_t i = 0; i < QR_COUNT(fronts); i++) {
        size_t n = strlen(fronts[i]);
        if (len <= n + 7 || strncasecmp(name, fronts[i], n) != 0)
            continue;
        snprintf(kind, sizeof kind, "%.*sUNIT", (int)(len - n - 7), name + n);
        return qr_ifc_unit_of_kind(ifc, kind);
    }
    return (struct qr_ifc_meaning){"", 0};
}

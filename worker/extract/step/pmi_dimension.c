#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "worker/extract/step/pmi.h"

#define ITEMS_MAX 16

/* The words for sizes and locations, and what they are called here. The first that is found counts.
 * Source: CAx-IF Recommended Practices PMI 4.1, 5.1.1 and 5.1.5. */
static const struct {
    const char *word, *kind, *prefix;
} kinds[] = {
    {"spherical diameter", "diameter", "S⌀"},
    {"spherical radius", "radius", "SR"},
    {"diameter", "diameter", "⌀"},
    {"radius", "radius", "R"},
    {"angle", "angle", ""},
    {"curve", "arc_length", ""},
    {"arc", "arc_length", ""},
    {"", "linear", ""},
};

/* What the items of a dimension's representation say. */
struct limits {
    struct qr_step_shown nominal, upper, lower;
    bool basic, reference;
    unsigned unread;
};

static bool holds(const char *text, const char *word)
{
    size_t n = strlen(word);

    for (; n == 0 || *text; text++)
        if (strncasecmp(text, word, n) == 0)
            return true;
    return false;
}

static void take_note(struct limits *limits, const char *note)
{
    limits->basic = limits->basic || holds(note, "theoretical") || holds(note, "basic");
    limits->reference = limits->reference || holds(note, "auxiliary") || holds(note, "reference");
}

static void take_item(const struct qr_step *s, struct limits *limits, uint32_t item)
{
    struct qr_step_shown shown;
    const char *name =
        qr_step_text(s, item, (struct qr_step_field){0, 0, STEP_REPRESENTATION_ITEM});

    if (qr_step_is(s, item, STEP_DESCRIPTIVE_REPRESENTATION_ITEM)) {
        take_note(limits,
                  qr_step_text(s, item,
                               (struct qr_step_field){1, 0, STEP_DESCRIPTIVE_REPRESENTATION_ITEM}));
        return;
    }
    shown = qr_step_shown(s, item);
    if (!shown.found) {
        limits->unread++;
        return;
    }
    const char *qualifier = qr_step_text(s, qr_step_qualifier(s, item, STEP_TYPE_QUALIFIER),
                                         (struct qr_step_field){0, 0, STEP_TYPE_QUALIFIER});
    if (holds(name, "upper") || holds(qualifier, "maximum"))
        limits->upper = shown;
    else if (holds(name, "lower") || holds(qualifier, "minimum"))
        limits->lower = shown;
    else if (!limits->nominal.found || holds(name, "nominal"))
        limits->nominal = shown;
    take_note(limits, qualifier);
}

static struct limits read_limits(const struct qr_step_pmi *pmi, uint32_t dimension)
{
    const struct qr_step *s = pmi->s;
    struct limits limits = {.nominal = {.unit = "", .decimals = -1}};
    uint32_t rep = qr_step_inverse_get(&pmi->values, dimension, 0);
    struct qr_p21_value list;
    struct qr_p21_value item;

    if (rep == QR_P21_NONE ||
        !qr_step_field(s, rep, (struct qr_step_field){1, 1, STEP_REPRESENTATION}, &list))
        return limits;
    struct qr_p21_cursor cursor = qr_p21_enter(&list);
    for (int i = 0; i < ITEMS_MAX && qr_p21_next(&cursor, &item); i++)
        take_item(s, &limits, qr_p21_follow(s->p, &item));
    return limits;
}

/* LIMITS_AND_FITS(form, zone, grade, source): H, hole, 7 -> "H7". */
static void take_fit(const struct qr_step *s, uint32_t range, Quarry__V1__Dimension *out)
{
    char text[48];
    const char *form = qr_step_text(s, range, (struct qr_step_field){0, 0, STEP_LIMITS_AND_FITS});
    const char *grade = qr_step_text(s, range, (struct qr_step_field){2, 2, STEP_LIMITS_AND_FITS});

    if (grade[0] == 'I' && grade[1] == 'T')
        grade += 2;
    snprintf(text, sizeof text, "%.20s%.20s", form, grade);
    out->fit = qr_record_text(s->rec, text);
}

/* TOLERANCE_VALUE(lower, upper), or the limits beside the nominal value. */
static void take_tolerance(const struct qr_step_pmi *pmi, uint32_t dimension,
                           const struct limits *limits, Quarry__V1__Dimension *out,
                           int *ret_decimals)
{
    const struct qr_step *s = pmi->s;
    uint32_t range = qr_step_inverse_get(&pmi->tolerances, dimension, 0);

    *ret_decimals = -1;
    if (qr_step_is(s, range, STEP_LIMITS_AND_FITS)) {
        take_fit(s, range, out);
    } else if (range != QR_P21_NONE) {
        struct qr_step_shown lower = qr_step_shown(
            s, qr_step_ref(s, range, (struct qr_step_field){0, 0, STEP_TOLERANCE_VALUE}));
        struct qr_step_shown upper = qr_step_shown(
            s, qr_step_ref(s, range, (struct qr_step_field){1, 1, STEP_TOLERANCE_VALUE}));
        out->has_tolerance = lower.found && upper.found;
        out->lower = lower.value;
        out->upper = upper.value;
        *ret_decimals = upper.decimals;
    } else if (limits->nominal.found && limits->upper.found && limits->lower.found) {
        char text[40]; /* so that 35.2 - 35 is 0.2 */
        out->has_tolerance = true;
        snprintf(text, sizeof text, "%.9f", limits->upper.value - limits->nominal.value);
        sscanf(text, "%lf", &out->upper);
        snprintf(text, sizeof text, "%.9f", limits->lower.value - limits->nominal.value);
        sscanf(text, "%lf", &out->lower);
    }
}

/* "⌀20 ±0.2", "35 +0.2/-0.1", "⌀10 H7", "34.8 - 35.2" */
static char *shown_text(struct qr_step *s, const struct limits *limits,
                        const Quarry__V1__Dimension *out, int decimals)
{
    char text[200];
    char a[40];
    char b[40];
    int n = limits->nominal.decimals;

    if (!out->has_value && limits->lower.found && limits->upper.found)
        snprintf(text, sizeof text, "%s%s - %s", out->prefix,
                 qr_step_shown_text(limits->lower.value, limits->lower.decimals, a),
                 qr_step_shown_text(limits->upper.value, limits->upper.decimals, b));
    else if (!out->has_value)
        text[0] = '\0';
    else if (out->has_tolerance && out->upper == -out->lower) /* NOLINT: the same digits */
        snprintf(text, sizeof text, "%s%s ±%s", out->prefix, qr_step_shown_text(out->value, n, a),
                 qr_step_shown_text(out->upper, decimals, b));
    else if (out->has_tolerance) {
        char c[40];
        snprintf(text, sizeof text, "%s%s %s%s/%s", out->prefix,
                 qr_step_shown_text(out->value, n, a), out->upper >= 0 ? "+" : "",
                 qr_step_shown_text(out->upper, decimals, b),
                 qr_step_shown_text(out->lower, decimals, c));
    } else
        snprintf(text, sizeof text, "%s%s%s%s", out->prefix, qr_step_shown_text(out->value, n, a),
                 out->fit[0] ? " " : "", out->fit);
    return qr_record_text(s->rec, text);
}

/* "4X": how many round features the dimension is of. */
static void take_quantity(const struct qr_step_pmi *pmi, uint32_t dimension,
                          Quarry__V1__Dimension *out)
{
    uint32_t n = qr_step_round_features(
        pmi, qr_step_ref(pmi->s, dimension, (struct qr_step_field){0, 0, STEP_DIMENSIONAL_SIZE}));
    char text[240];

    if (n < 2)
        return;
    out->quantity = n;
    snprintf(text, sizeof text, "%uX %s", n, out->text);
    if (out->text[0])
        out->text = qr_record_text(pmi->s->rec, text);
}

static void add_dimension(struct qr_step_pmi *pmi, uint32_t instance, const char *name,
                          bool angular)
{
    struct qr_step *s = pmi->s;
    struct limits limits = read_limits(pmi, instance);
    Quarry__V1__Dimension *out = qr_record_add_dimension(s->rec);
    size_t kind = 0;
    int decimals;

    if (!out)
        return;
    while (!holds(name, kinds[kind].word))
        kind++;
    const struct qr_step_shown *unit = limits.nominal.found ? &limits.nominal : &limits.upper;
    if (angular || strcmp(unit->found ? unit->unit : "", "deg") == 0 ||
        strcmp(unit->found ? unit->unit : "", "rad") == 0)
        kind = 4;
    out->kind = qr_record_text(s->rec, kinds[kind].kind);
    out->prefix = qr_record_text(s->rec, kinds[kind].prefix);
    out->has_value = out->has_raw = limits.nominal.found;
    out->value = limits.nominal.value;
    out->raw_value = limits.nominal.stored;
    out->unit = qr_record_text(s->rec, unit->found ? unit->unit : "");
    out->basic = limits.basic;
    out->reference = limits.reference;
    take_tolerance(pmi, instance, &limits, out, &decimals);
    out->text = shown_text(s, &limits, out, decimals);
    if (strcmp(out->kind, "diameter") == 0 || strcmp(out->kind, "radius") == 0)
        take_quantity(pmi, instance, out);
    if (limits.unread > 0)
        qr_record_note(s->rec, "step.pmi.unread",
                       "%s: an item of the dimension is no number or text",
                       qr_step_handle(s, instance));
    out->source = qr_record_text(s->rec, "pmi");
    out->confidence = 1;
    out->handle = qr_step_handle(s, instance);
}

/* DIMENSIONAL_SIZE(applies_to, name), DIMENSIONAL_LOCATION(name, description, relating, related);
 * subtypes go on behind these. Complex instances have the parts of their supertypes. */
void qr_step_dimensions(struct qr_step_pmi *pmi)
{
    static const struct {
        enum qr_step_name type;
        struct qr_step_field name;
        bool angular;
    } types[] = {
        {STEP_DIMENSIONAL_SIZE, {1, 1, STEP_DIMENSIONAL_SIZE}, false},
        {STEP_DIMENSIONAL_SIZE_WITH_PATH, {1, 1, STEP_DIMENSIONAL_SIZE}, false},
        {STEP_DIMENSIONAL_SIZE_WITH_DATUM_FEATURE, {5, 1, STEP_DIMENSIONAL_SIZE}, false},
        {STEP_ANGULAR_SIZE, {1, 1, STEP_DIMENSIONAL_SIZE}, true},
        {STEP_DIMENSIONAL_LOCATION, {0, 0, STEP_SHAPE_ASPECT_RELATIONSHIP}, false},
        {STEP_DIMENSIONAL_LOCATION_WITH_PATH, {0, 0, STEP_SHAPE_ASPECT_RELATIONSHIP}, false},
        {STEP_DIMENSIONAL_LOCATION_WITH_DATUM_FEATURE,
         {0, 0, STEP_SHAPE_ASPECT_RELATIONSHIP},
         false},
        {STEP_DIRECTED_DIMENSIONAL_LOCATION, {0, 0, STEP_SHAPE_ASPECT_RELATIONSHIP}, false},
        {STEP_ANGULAR_LOCATION, {0, 0, STEP_SHAPE_ASPECT_RELATIONSHIP}, true},
    };
    const struct qr_step *s = pmi->s;

    for (size_t i = 0; i < QR_COUNT(types); i++) {
        uint32_t n;
        const uint32_t *all = qr_step_all(s, types[i].type, &n);
        for (uint32_t k = 0; k < n && !s->rec->failed; k++) {
            bool said = false; /* a complex instance is listed under each of its types */
            for (size_t before = 0;
                 before < QR_COUNT(types) && qr_p21_type_of(s->p, all[k]) == QR_P21_COMPLEX;
                 before++)
                said = said || (before < i && qr_step_is(s, all[k], types[before].type));
            if (!said)
                add_dimension(pmi, all[k], qr_step_text(s, all[k], types[i].name),
                              types[i].angular);
        }
    }
}

#include <stdio.h>
#include <strings.h>

#include "worker/extract/step/pmi.h"

#define DATUMS_MAX 12

/* Names are those of dxf/gdt.h. */
static const struct {
    enum qr_step_name type;
    const char *characteristic;
    bool datums; /* the simple form has its datums as fifth attribute */
} types[] = {
    {STEP_ANGULARITY_TOLERANCE, "angularity", true},
    {STEP_CIRCULAR_RUNOUT_TOLERANCE, "circular_runout", true},
    {STEP_COAXIALITY_TOLERANCE, "concentricity", true},
    {STEP_CONCENTRICITY_TOLERANCE, "concentricity", true},
    {STEP_CYLINDRICITY_TOLERANCE, "cylindricity", false},
    {STEP_FLATNESS_TOLERANCE, "flatness", false},
    {STEP_LINE_PROFILE_TOLERANCE, "line_profile", false},
    {STEP_PARALLELISM_TOLERANCE, "parallelism", true},
    {STEP_PERPENDICULARITY_TOLERANCE, "perpendicularity", true},
    {STEP_POSITION_TOLERANCE, "position", false},
    {STEP_ROUNDNESS_TOLERANCE, "circularity", false},
    {STEP_STRAIGHTNESS_TOLERANCE, "straightness", false},
    {STEP_SURFACE_PROFILE_TOLERANCE, "surface_profile", false},
    {STEP_SYMMETRY_TOLERANCE, "symmetry", true},
    {STEP_TOTAL_RUNOUT_TOLERANCE, "total_runout", true},
    {STEP_GEOMETRIC_TOLERANCE, "", false}, /* last: none of the others */
};

/* Source: ISO 10303-47, geometric_tolerance_modifier and limit_condition. */
static const struct {
    const char *word, *letter;
} modifiers[] = {
    {"MAXIMUM_MATERIAL_REQUIREMENT", "M"},
    {"MAXIMUM_MATERIAL_CONDITION", "M"},
    {"LEAST_MATERIAL_REQUIREMENT", "L"},
    {"LEAST_MATERIAL_CONDITION", "L"},
    {"REGARDLESS_OF_FEATURE_SIZE", "S"},
    {"RECIPROCITY_REQUIREMENT", "R"},
    {"FREE_STATE", "F"},
    {"TANGENT_PLANE", "T"},
    {"STATISTICAL_TOLERANCE", "ST"},
    {"COMMON_ZONE", "CZ"},
    {"ANY_CROSS_SECTION", "ACS"},
    {"NOT_CONVEX", "NC"},
    {"MAJOR_DIAMETER", "MD"},
    {"MINOR_DIAMETER", "LD"},
    {"PITCH_DIAMETER", "PD"},
    {"LINE_ELEMENT", "LE"},
    {"EACH_RADIAL_ELEMENT", "ER"},
    {"SEPARATE_REQUIREMENT", "SR"},
    {"UNITED_FEATURE", "UF"},
};

struct frame {
    char modifiers[32];
    char extra[80]; /* of the text: "/ 0.01", "max 0.2" */
};

static void add_modifier(struct frame *frame, const char *letter)
{
    size_t len = strlen(frame->modifiers);

    if (len + strlen(letter) + 1 < sizeof frame->modifiers)
        snprintf(frame->modifiers + len, sizeof frame->modifiers - len, "%s%s",
                 len > 0 && strlen(letter) > 1 ? " " : "", letter);
}

static void take_modifier(struct frame *frame, const struct qr_p21_value *value)
{
    for (size_t i = 0; i < QR_COUNT(modifiers); i++)
        if (qr_p21_is_enum(value, modifiers[i].word))
            add_modifier(frame, modifiers[i].letter);
}

/* Modifiers are a part of a complex instance; MODIFIED_GEOMETRIC_TOLERANCE had one as fifth
 * attribute. */
static void take_modifiers(const struct qr_step *s, uint32_t instance, struct frame *frame)
{
    struct qr_p21_value list;
    struct qr_p21_value item;

    if (qr_step_is(s, instance, STEP_GEOMETRIC_TOLERANCE_WITH_MODIFIERS) &&
        qr_step_field(s, instance,
                      (struct qr_step_field){4, 0, STEP_GEOMETRIC_TOLERANCE_WITH_MODIFIERS},
                      &list)) {
        struct qr_p21_cursor cursor = qr_p21_enter(&list);
        for (int i = 0; i < 16 && qr_p21_next(&cursor, &item); i++)
            take_modifier(frame, &item);
    }
    if (qr_step_is(s, instance, STEP_MODIFIED_GEOMETRIC_TOLERANCE) &&
        qr_step_field(s, instance, (struct qr_step_field){4, 0, STEP_MODIFIED_GEOMETRIC_TOLERANCE},
                      &item))
        take_modifier(frame, &item);
}

/* What else a complex instance can say about its value. */
static void take_extras(const struct qr_step *s, uint32_t instance, struct frame *frame)
{
    static const struct {
        enum qr_step_name type;
        const char *before;
    } extras[] = {
        {STEP_GEOMETRIC_TOLERANCE_WITH_DEFINED_UNIT, "/"},
        {STEP_GEOMETRIC_TOLERANCE_WITH_MAXIMUM_TOLERANCE, "max "},
        {STEP_UNEQUALLY_DISPOSED_GEOMETRIC_TOLERANCE, "U"},
    };

    for (size_t i = 0; i < QR_COUNT(extras); i++) {
        if (qr_p21_type_of(s->p, instance) != QR_P21_COMPLEX ||
            !qr_step_is(s, instance, extras[i].type))
            continue;
        struct qr_step_shown shown = qr_step_shown(
            s, qr_step_ref(s, instance, (struct qr_step_field){0, 0, extras[i].type}));
        char number[40];
        size_t len = strlen(frame->extra);
        if (shown.found)
            snprintf(frame->extra + len, sizeof frame->extra - len, " %s%s", extras[i].before,
                     qr_step_shown_text(shown.value, shown.decimals, number));
    }
}

/* The zone is a cylinder or a sphere, or sticks out. */
static void take_zone(const struct qr_step_pmi *pmi, uint32_t instance,
                      Quarry__V1__GeometricTolerance *out, struct frame *frame)
{
    const struct qr_step *s = pmi->s;
    uint32_t zone = qr_step_inverse_get(&pmi->zones, instance, 0);

    if (zone == QR_P21_NONE)
        return;
    uint32_t form = qr_step_ref(s, zone, (struct qr_step_field){5, 1, STEP_TOLERANCE_ZONE});
    const char *name =
        qr_step_text(s, form, (struct qr_step_field){0, 0, STEP_TOLERANCE_ZONE_FORM});
    out->diameter_zone =
        strncasecmp(name, "cylindrical", 11) == 0 || strncasecmp(name, "spherical", 9) == 0;
    uint32_t projected = qr_step_inverse_get(&pmi->projected, zone, 0);
    if (projected == QR_P21_NONE)
        return;
    struct qr_step_shown length = qr_step_shown(
        s, qr_step_ref(s, projected, (struct qr_step_field){3, 3, STEP_PROJECTED_ZONE_DEFINITION}));
    char number[40];
    size_t len = strlen(frame->extra);
    add_modifier(frame, "P");
    if (length.found)
        snprintf(frame->extra + len, sizeof frame->extra - len, " P%s",
                 qr_step_shown_text(length.value, length.decimals, number));
}

static size_t take_datums(const struct qr_step *s, uint32_t instance, bool simple_has,
                          const char **datums)
{
    struct qr_p21_value list;
    bool complex = qr_p21_type_of(s->p, instance) == QR_P21_COMPLEX;

    if (complex ? !qr_step_is(s, instance, STEP_GEOMETRIC_TOLERANCE_WITH_DATUM_REFERENCE)
                : !simple_has &&
                      !qr_step_is(s, instance, STEP_GEOMETRIC_TOLERANCE_WITH_DATUM_REFERENCE))
        return 0;
    if (!qr_step_field(s, instance,
                       (struct qr_step_field){4, 0, STEP_GEOMETRIC_TOLERANCE_WITH_DATUM_REFERENCE},
                       &list))
        return 0;
    return qr_step_datums(s, &list, datums, DATUMS_MAX);
}

/* "position ⌀0.75(M) A B(M) C" */
static char *frame_text(struct qr_step *s, const Quarry__V1__GeometricTolerance *out,
                        const struct frame *frame, const struct qr_step_shown *value,
                        const char *const *datums, size_t n)
{
    char text[400];
    char number[40];
    size_t len = (size_t)snprintf(
        text, sizeof text, "%s %s%s", out->characteristic, out->diameter_zone ? "⌀" : "",
        out->has_value ? qr_step_shown_text(value->value, value->decimals, number) : "");

    if (frame->modifiers[0])
        len += (size_t)snprintf(text + len, sizeof text - len, "(%s)", frame->modifiers);
    len += (size_t)snprintf(text + len, sizeof text - len, "%s", frame->extra);
    for (size_t i = 0; i < n && len + 64 < sizeof text; i++)
        len += (size_t)snprintf(text + len, sizeof text - len, " %s", datums[i]);
    return qr_record_text(s->rec, text);
}

static void add_tolerance(struct qr_step_pmi *pmi, uint32_t instance, size_t type)
{
    struct qr_step *s = pmi->s;
    Quarry__V1__GeometricTolerance *out = qr_record_add_gdt(s->rec);
    struct qr_step_shown value = qr_step_shown(
        s, qr_step_ref(s, instance, (struct qr_step_field){2, 2, STEP_GEOMETRIC_TOLERANCE}));
    const char *datums[DATUMS_MAX];
    struct frame frame = {.modifiers = ""};

    if (!out)
        return;
    out->characteristic = qr_record_text(s->rec, types[type].characteristic);
    out->has_value = value.found;
    out->value = value.value;
    take_modifiers(s, instance, &frame);
    take_zone(pmi, instance, out, &frame);
    take_extras(s, instance, &frame);
    out->modifiers = qr_record_text(s->rec, frame.modifiers);
    size_t n = take_datums(s, instance, types[type].datums, datums);
    qr_record_set_datums(s->rec, out, datums, n);
    out->text = frame_text(s, out, &frame, &value, datums, n);
    out->source = qr_record_text(s->rec, "pmi");
    out->confidence = 1;
    out->handle = qr_step_handle(s, instance);
}

static bool is_earlier(const struct qr_step *s, uint32_t instance, size_t type)
{
    for (size_t i = 0; i < type; i++)
        if (qr_step_is(s, instance, types[i].type))
            return true;
    return false;
}

void qr_step_geometric_tolerances(struct qr_step_pmi *pmi)
{
    const struct qr_step *s = pmi->s;

    for (size_t i = 0; i < QR_COUNT(types); i++) {
        uint32_t n;
        const uint32_t *all = qr_step_all(s, types[i].type, &n);
        for (uint32_t k = 0; k < n && !s->rec->failed; k++)
            if (qr_p21_type_of(s->p, all[k]) != QR_P21_COMPLEX || !is_earlier(s, all[k], i))
                add_tolerance(pmi, all[k], i);
    }
}

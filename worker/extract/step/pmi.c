#include "worker/extract/step/pmi.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define DECIMALS_MAX 12
#define QUALIFIERS_MAX 8

static uint32_t among(const struct qr_step *s, const struct qr_p21_value *list,
                      enum qr_step_name name)
{
    struct qr_p21_cursor cursor = qr_p21_enter(list);
    struct qr_p21_value item;

    for (int i = 0; i < QUALIFIERS_MAX && qr_p21_next(&cursor, &item); i++) {
        uint32_t qualifier = qr_p21_follow(s->p, &item);
        if (qr_step_is(s, qualifier, name))
            return qualifier;
    }
    return QR_P21_NONE;
}

/* Inside the measure, QUALIFIED_REPRESENTATION_ITEM(qualifiers), or beside it:
 * MEASURE_QUALIFICATION(name, description, measure, qualifiers). */
uint32_t qr_step_qualifier(const struct qr_step *s, uint32_t measure, enum qr_step_name name)
{
    struct qr_p21_value list;
    uint32_t found = QR_P21_NONE;
    uint32_t beside = qr_step_inverse_get(&s->qualified, measure, 0);

    if (qr_step_is(s, measure, STEP_QUALIFIED_REPRESENTATION_ITEM) &&
        qr_step_field(s, measure, (struct qr_step_field){1, 0, STEP_QUALIFIED_REPRESENTATION_ITEM},
                      &list))
        found = among(s, &list, name);
    if (found == QR_P21_NONE &&
        qr_step_field(s, beside, (struct qr_step_field){3, 3, STEP_MEASURE_QUALIFICATION}, &list))
        found = among(s, &list, name);
    return found;
}

/* VALUE_FORMAT_TYPE_QUALIFIER('NR2 1.3'): one digit before, three behind the point. */
static int decimals_of(const struct qr_step *s, uint32_t measure)
{
    uint32_t qualifier = qr_step_qualifier(s, measure, STEP_VALUE_FORMAT_TYPE_QUALIFIER);
    const char *format =
        qr_step_text(s, qualifier, (struct qr_step_field){0, 0, STEP_VALUE_FORMAT_TYPE_QUALIFIER});
    const char *point = strrchr(format, '.');
    int decimals = point ? atoi(point + 1) : -1;

    return decimals <= DECIMALS_MAX ? decimals : -1;
}

struct qr_step_shown qr_step_shown(const struct qr_step *s, uint32_t measure)
{
    struct qr_step_shown ret = {.decimals = -1, .unit = ""};
    struct qr_step_measure found;

    if (!qr_step_measure(s, measure, &found))
        return ret;
    ret.found = true;
    ret.stored = ret.value = found.value;
    ret.unit = qr_step_unit_name(s, found.unit);
    ret.decimals = decimals_of(s, measure);
    /* what conversion between units left behind the twelfth digit is not shown */
    double scale = ret.decimals >= 0 ? pow(10, ret.decimals) : 1e9;
    if (fabs(ret.value) < 1e6)
        ret.value = round(ret.value * scale) / scale;
    return ret;
}

char *qr_step_shown_text(double value, int decimals, char ret[40])
{
    if (decimals >= 0)
        snprintf(ret, 40, "%.*f", decimals, value);
    else
        snprintf(ret, 40, "%.9g", value);
    return ret;
}

#define QR_STEP_SELF UINT8_MAX /* the instance itself rather than one of its attributes */

static void learn(struct qr_step *s, struct qr_step_inverse *inverse, enum qr_step_name name,
                  uint8_t target, uint8_t source)
{
    uint32_t n;
    const uint32_t *all = qr_step_all(s, name, &n);

    for (uint32_t i = 0; i < n; i++)
        if (!qr_step_inverse_add(
                inverse, qr_step_ref(s, all[i], (struct qr_step_field){target, target, name}),
                source == QR_STEP_SELF
                    ? all[i]
                    : qr_step_ref(s, all[i], (struct qr_step_field){source, source, name})))
            s->rec->failed = true;
    qr_step_inverse_sort(inverse);
}

/* TOLERANCE_ZONE(name, description, of_shape, definitional, (tolerances), form). */
static void learn_zones(struct qr_step_pmi *pmi)
{
    struct qr_step *s = pmi->s;
    uint32_t n;
    const uint32_t *all = qr_step_all(s, STEP_TOLERANCE_ZONE, &n);
    struct qr_p21_value list;
    struct qr_p21_value item;

    for (uint32_t i = 0; i < n; i++) {
        if (!qr_step_field(s, all[i], (struct qr_step_field){4, 0, STEP_TOLERANCE_ZONE}, &list))
            continue;
        struct qr_p21_cursor cursor = qr_p21_enter(&list);
        while (qr_p21_next(&cursor, &item))
            if (!qr_step_inverse_add(&pmi->zones, qr_p21_follow(s->p, &item), all[i]))
                s->rec->failed = true;
    }
    qr_step_inverse_sort(&pmi->zones);
    all = qr_step_all(s, STEP_PROJECTED_ZONE_DEFINITION, &n);
    for (uint32_t i = 0; i < n; i++)
        if (!qr_step_inverse_add(
                &pmi->projected,
                qr_step_ref(s, all[i],
                            (struct qr_step_field){0, 0, STEP_PROJECTED_ZONE_DEFINITION}),
                all[i]))
            s->rec->failed = true;
    qr_step_inverse_sort(&pmi->projected);
}

void qr_step_pmi(struct qr_step *s)
{
    struct qr_step_pmi pmi = {.s = s};

    learn(s, &s->qualified, STEP_MEASURE_QUALIFICATION, 2, QR_STEP_SELF);
    learn(s, &pmi.features, STEP_GEOMETRIC_ITEM_SPECIFIC_USAGE, 2, 4);
    learn(s, &pmi.members, STEP_SHAPE_ASPECT_RELATIONSHIP, 2, 3);
    learn(s, &pmi.values, STEP_DIMENSIONAL_CHARACTERISTIC_REPRESENTATION, 0, 1);
    learn(s, &pmi.tolerances, STEP_PLUS_MINUS_TOLERANCE, 1, 0);
    learn_zones(&pmi);
    qr_step_dimensions(&pmi);
    qr_step_geometric_tolerances(&pmi);
    qr_step_datum_list(s);
    qr_step_saved_views(s);
    qr_step_inverse_done(&s->qualified);
    qr_step_inverse_done(&pmi.features);
    qr_step_inverse_done(&pmi.members);
    qr_step_inverse_done(&pmi.values);
    qr_step_inverse_done(&pmi.tolerances);
    qr_step_inverse_done(&pmi.zones);
    qr_step_inverse_done(&pmi.projected);
}

#include "worker/extract/step/pmi.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define DECIMALS_MAX 12

/* VALUE_FORMAT_TYPE_QUALIFIER('NR2 1.3'): one digit before, three behind the point. */
static int decimals_of(const struct qr_step *s, uint32_t measure)
{
    struct qr_p21_value list;
    struct qr_p21_value item;

    if (!qr_step_is(s, measure, STEP_QUALIFIED_REPRESENTATION_ITEM) ||
        !qr_step_attribute(s, measure, STEP_QUALIFIED_REPRESENTATION_ITEM, 0, &list))
        return -1;
    struct qr_p21_cursor cursor = qr_p21_enter(&list);
    for (int i = 0; i < 8 && qr_p21_next(&cursor, &item); i++) {
        uint32_t qualifier = qr_p21_follow(s->p, &item);
        if (!qr_step_is(s, qualifier, STEP_VALUE_FORMAT_TYPE_QUALIFIER))
            continue;
        const char *format = qr_step_text(
            s, qualifier, (struct qr_step_field){0, 0, STEP_VALUE_FORMAT_TYPE_QUALIFIER});
        const char *point = strrchr(format, '.');
        int decimals = point ? atoi(point + 1) : -1;
        return decimals <= DECIMALS_MAX ? decimals : -1;
    }
    return -1;
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

static void learn(struct qr_step *s, struct qr_step_inverse *inverse, enum qr_step_name name,
                  uint8_t target, uint8_t source)
{
    uint32_t n;
    const uint32_t *all = qr_step_all(s, name, &n);

    for (uint32_t i = 0; i < n; i++)
        if (!qr_step_inverse_add(
                inverse, qr_step_ref(s, all[i], (struct qr_step_field){target, target, name}),
                qr_step_ref(s, all[i], (struct qr_step_field){source, source, name})))
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

    learn(s, &pmi.values, STEP_DIMENSIONAL_CHARACTERISTIC_REPRESENTATION, 0, 1);
    learn(s, &pmi.tolerances, STEP_PLUS_MINUS_TOLERANCE, 1, 0);
    learn_zones(&pmi);
    qr_step_dimensions(&pmi);
    qr_step_geometric_tolerances(&pmi);
    qr_step_datum_list(s);
    qr_step_inverse_done(&pmi.values);
    qr_step_inverse_done(&pmi.tolerances);
    qr_step_inverse_done(&pmi.zones);
    qr_step_inverse_done(&pmi.projected);
}

#include <ctype.h>
#include <stdio.h>

#include "worker/extract/step/property.h"

/* Representation items have their name in front in the simple form, in REPRESENTATION_ITEM in the
 * complex one. */
static const char *item_name(const struct qr_step *s, uint32_t instance)
{
    return qr_step_text(s, instance, (struct qr_step_field){0, 0, STEP_REPRESENTATION_ITEM});
}

static const char *number_text(struct qr_step *s, double number)
{
    char text[40];

    snprintf(text, sizeof text, "%.15g", number);
    return qr_record_text(s->rec, text);
}

static const char *lower_kind(struct qr_step *s, const uint8_t *kind, size_t len)
{
    char text[64];
    size_t n = len < sizeof text ? len : sizeof text - 1;

    if (n > 8 && memcmp(kind + n - 8, "_MEASURE", 8) == 0)
        n -= 8;
    for (size_t i = 0; i < n; i++)
        text[i] = kind[i] == '_' ? ' ' : (char)tolower(kind[i]);
    text[n] = '\0';
    return qr_record_text(s->rec, text);
}

static bool read_measure(struct qr_step *s, struct qr_step_item *item)
{
    struct qr_step_measure measure;

    if (!qr_step_measure(s, item->instance, &measure))
        return false;
    item->name = measure.name;
    item->number = measure.value;
    item->is_number = true;
    item->value = number_text(s, measure.value);
    item->unit = qr_step_unit_name(s, measure.unit);
    item->unit_instance = measure.unit;
    item->type = measure.kind_len > 0 ? lower_kind(s, measure.kind, measure.kind_len) : "number";
    return true;
}

static bool read_point(struct qr_step *s, struct qr_step_item *item)
{
    double at[3];
    char text[120];

    if (!qr_step_is(s, item->instance, STEP_CARTESIAN_POINT) ||
        !qr_step_triple(s, item->instance, at))
        return false;
    snprintf(text, sizeof text, "%.15g %.15g %.15g", at[0], at[1], at[2]);
    item->name = item_name(s, item->instance);
    item->value = qr_record_text(s->rec, text);
    item->type = "point";
    return true;
}

/* DESCRIPTIVE_, VALUE_, INTEGER_, REAL_, BOOLEAN_REPRESENTATION_ITEM(name, value). */
static bool read_value(struct qr_step *s, struct qr_step_item *item)
{
    static const struct {
        enum qr_step_name name;
        const char *type;
    } kinds[] = {
        {STEP_DESCRIPTIVE_REPRESENTATION_ITEM, "string"},
        {STEP_VALUE_REPRESENTATION_ITEM, "number"},
        {STEP_INTEGER_REPRESENTATION_ITEM, "integer"},
        {STEP_REAL_REPRESENTATION_ITEM, "real"},
        {STEP_BOOLEAN_REPRESENTATION_ITEM, "boolean"},
    };
    struct qr_p21_value value;

    for (size_t i = 0; i < QR_COUNT(kinds); i++) {
        if (!qr_step_is(s, item->instance, kinds[i].name) ||
            !qr_step_field(s, item->instance, (struct qr_step_field){1, 0, kinds[i].name}, &value))
            continue;
        item->name = item_name(s, item->instance);
        item->type = kinds[i].type;
        item->is_number = qr_p21_number(&value, &item->number);
        if (item->is_number)
            item->value = number_text(s, item->number);
        else if (value.kind == QR_P21_ENUM)
            item->value = qr_p21_is_enum(&value, "T")   ? "true"
                          : qr_p21_is_enum(&value, "F") ? "false"
                                                        : "unknown";
        else
            item->value = qr_p21_string(s->rec, &value);
        return true;
    }
    return false;
}

bool qr_step_item_read(struct qr_step *s, struct qr_step_item *item)
{
    return read_value(s, item) || read_point(s, item) || read_measure(s, item);
}

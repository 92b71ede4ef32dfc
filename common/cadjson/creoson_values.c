/* CREOSON's parameters and dimensions: values that somebody gave a name, texts in base64 where they
 * are said to be encoded. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cadjson/creoson.h"
#include "common/cadjson/fields.h"

typedef struct qr_cadjson cadjson;

/* ------------------------------------------------------------------ parameters */

/* Base64 of the value where it is said to be encoded. */
struct parameter {
    Quarry__V1__Parameter *p;
    char *name, *value, *type, *owner_name, *owner_type, *owner_id, *description;
    protobuf_c_boolean encoded, designated;
};

static const struct qr_field parameter_fields[] = {
    TEXT_AT(struct parameter, "name", name),
    TEXT_AT(struct parameter, "value", value),
    TEXT_AT(struct parameter, "type", type),
    TEXT_AT(struct parameter, "owner_name", owner_name),
    TEXT_AT(struct parameter, "owner_type", owner_type),
    TEXT_AT(struct parameter, "owner_id", owner_id),
    TEXT_AT(struct parameter, "description", description),
    FLAG_AT(struct parameter, "designate", designated),
    {"encoded", QR_FIELD_FLAG, offsetof(struct parameter, encoded), 0, 0, NULL},
    END,
};

static bool read_parameter(cadjson *cj)
{
    struct parameter in = {.name = QR_NO_TEXT,
                           .value = QR_NO_TEXT,
                           .type = QR_NO_TEXT,
                           .owner_name = QR_NO_TEXT,
                           .owner_type = QR_NO_TEXT,
                           .owner_id = QR_NO_TEXT,
                           .description = QR_NO_TEXT};
    Quarry__V1__Parameter *p;

    if (!qr_cadjson_object(cj, parameter_fields, &in))
        return false;
    p = qr_record_add_parameter(cj->rec);
    if (!p)
        return true;
    p->name = in.name;
    p->value = qr_creoson_plain(cj, in.value, in.encoded);
    p->type = in.type;
    p->owner = in.owner_name[0] ? in.owner_name : in.owner_id;
    p->set = in.designated ? qr_creoson_say(cj, "designated") : in.owner_type;
    p->description = in.description;
    p->source = qr_creoson_say(cj, "creo");
    return true;
}

static bool read_parameter_list(cadjson *cj, void *target)
{
    (void)target;
    return qr_cadjson_list(cj, read_parameter);
}

static const struct qr_field parameters_fields[] = {SPECIAL("paramlist", read_parameter_list), END};

bool qr_creoson_parameters(struct qr_cadjson *cj, void *target)
{
    return qr_cadjson_object(cj, parameters_fields, target);
}

/* ------------------------------------------------------------------ dimensions */

struct dimension {
    char *name, *kind, *view, *type, *value_text;
    char *table, *column, *table_type; /* of a tolerance of ISO/DIN: H 7 holes */
    double value, lower, upper, plus, minus, symmetric;
    uint32_t sheet;
    protobuf_c_boolean encoded;
    char text[2000];
    size_t text_len;
};

static bool read_dimension_value(cadjson *cj, void *target)
{
    struct dimension *d = target;

    if (qr_jr_peek(cj->jr) == QR_JR_STRING)
        return qr_cadjson_text(cj, &d->value_text);
    return qr_cadjson_number(cj, &d->value);
}

/* Lines; "@D" stands for the value and is left as it is. */
static bool read_dimension_text(cadjson *cj, void *target)
{
    struct dimension *d = target;
    bool list = qr_jr_peek(cj->jr) == QR_JR_ARRAY;

    if (list && !qr_jr_array(cj->jr))
        return false;
    while (!list || qr_jr_element(cj->jr)) {
        if (!qr_jr_string(cj->jr))
            return false;
        size_t room = sizeof d->text - 1 - d->text_len, len = cj->jr->text_len;
        if (len > room)
            len = room;
        memcpy(d->text + d->text_len, cj->jr->text, len);
        d->text_len += len;
        if (!list)
            break;
    }
    return !cj->jr->failed;
}

#define TOLERANCE(name_, member)                                             \
    static bool read_##member(cadjson *cj, void *target)                     \
    {                                                                        \
        return qr_cadjson_number(cj, &((struct dimension *)target)->member); \
    }
TOLERANCE("tol_lower_limit", lower)
TOLERANCE("tol_upper_limit", upper)
TOLERANCE("tol_plus", plus)
TOLERANCE("tol_minus", minus)
TOLERANCE("tol_symmetric_value", symmetric)

static const struct qr_field dimension_fields[] = {
    TEXT_AT(struct dimension, "name", name),
    TEXT_AT(struct dimension, "dim_type", kind),
    TEXT_AT(struct dimension, "view_name", view),
    TEXT_AT(struct dimension, "tolerance_type", type),
    TEXT_AT(struct dimension, "tol_table_name", table),
    TEXT_AT(struct dimension, "tol_table_column", column),
    TEXT_AT(struct dimension, "tol_table_type", table_type),
    SPECIAL("value", read_dimension_value),
    SPECIAL("text", read_dimension_text),
    SPECIAL("tol_lower_limit", read_lower),
    SPECIAL("tol_upper_limit", read_upper),
    SPECIAL("tol_plus", read_plus),
    SPECIAL("tol_minus", read_minus),
    SPECIAL("tol_symmetric_value", read_symmetric),
    {"sheet", QR_FIELD_COUNT32, offsetof(struct dimension, sheet), 0, 0, NULL},
    {"encoded", QR_FIELD_FLAG, offsetof(struct dimension, encoded), 0, 0, NULL},
    SPECIAL("dwg_dim", qr_creoson_skip),
    END,
};

static const char *kind_of(const char *type)
{
    return strcmp(type, "radial") == 0 ? "radius" : strcmp(type, "angular") == 0 ? "angle" : type;
}

/* Deviations: limits are what the value may be, the others what is added to it. */
static void set_tolerance(Quarry__V1__Dimension *d, const struct dimension *in)
{
    double upper = NAN, lower = NAN;

    if (strcmp(in->type, "limits") == 0 && d->has_value) {
        upper = in->upper - in->value;
        lower = in->lower - in->value;
    } else if (strcmp(in->type, "plus_minus") == 0) {
        upper = in->plus;
        lower = -fabs(in->minus);
    } else if (strncmp(in->type, "sym", 3) == 0) {
        upper = in->symmetric;
        lower = -in->symmetric;
    }
    if (isfinite(upper) && isfinite(lower)) {
        d->upper = upper;
        d->lower = lower;
        d->has_tolerance = true;
    }
}

/* "H7" of a hole's or shaft's table; the others are general ones, by name. */
static void set_fit(cadjson *cj, Quarry__V1__Dimension *d, const struct dimension *in)
{
    bool fit = strcmp(in->table_type, "holes") == 0 || strcmp(in->table_type, "shafts") == 0;
    char text[80];

    if (strcmp(in->type, "isodin") != 0 || !in->table[0])
        return;
    snprintf(text, sizeof text, "%.40s%s%.20s", in->table, fit ? "" : " ", in->column);
    d->fit = qr_creoson_say(cj, text);
}

static bool read_dimension(cadjson *cj)
{
    struct dimension in = {.name = QR_NO_TEXT,
                           .kind = QR_NO_TEXT,
                           .view = QR_NO_TEXT,
                           .type = QR_NO_TEXT,
                           .table = QR_NO_TEXT,
                           .column = QR_NO_TEXT,
                           .table_type = QR_NO_TEXT,
                           .value_text = NULL,
                           .value = NAN,
                           .lower = NAN,
                           .upper = NAN,
                           .plus = NAN,
                           .minus = NAN,
                           .symmetric = NAN};
    Quarry__V1__Dimension *d;
    char *end;

    if (!qr_cadjson_object(cj, dimension_fields, &in))
        return false;
    d = qr_record_add_dimension(cj->rec);
    if (!d)
        return true;
    if (in.value_text) {
        const char *text = qr_creoson_plain(cj, in.value_text, in.encoded);
        double value = strtod(text, &end);
        in.value =
            end != text && *end == '\0' && fabs(value) <= QR_CADJSON_NUMBER_MAX ? value : NAN;
    }
    d->handle = in.name;
    d->kind = qr_creoson_say(cj, kind_of(in.kind));
    d->text = qr_record_string(cj->rec, in.text, in.text_len);
    d->layout = in.view;
    d->page = in.sheet;
    d->source = qr_creoson_say(cj, "creo");
    d->has_value = isfinite(in.value);
    d->value = d->has_value ? in.value : 0;
    set_tolerance(d, &in);
    set_fit(cj, d, &in);
    return true;
}

static bool read_dimension_list(cadjson *cj, void *target)
{
    (void)target;
    return qr_cadjson_list(cj, read_dimension);
}

static const struct qr_field dimensions_fields[] = {SPECIAL("dimlist", read_dimension_list), END};

bool qr_creoson_dimensions(struct qr_cadjson *cj, void *target)
{
    return qr_cadjson_object(cj, dimensions_fields, target);
}

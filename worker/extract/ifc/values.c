#include <stdio.h>
#include <strings.h>

#include "worker/extract/ifc/sets.h"
#include "worker/extract/ifc/units.h"

#define VALUES_MAX 1000 /* of one list */

static void cut(struct qr_ifc *ifc)
{
    qr_record_partial(ifc->rec, "ifc.value.cut", "values beyond %d of one list are left out",
                      VALUES_MAX);
}

static void put_number(struct qr_buf *out, const struct qr_p21_value *value)
{
    if (value->kind == QR_P21_INTEGER && value->len <= 18)
        qr_buf_printf(out, "%lld", (long long)value->integer);
    else
        qr_buf_printf(out, "%.15g", value->real);
}

/* What a reference is called: the first string among its first attributes. */
static void put_reference(struct qr_ifc *ifc, const struct qr_p21_value *value, struct qr_buf *out)
{
    uint32_t instance = qr_p21_follow(ifc->p21, value);
    struct qr_p21_value values[4];

    ifc->dangling += instance == QR_P21_NONE;
    if (instance == QR_P21_NONE)
        return;
    qr_p21_get(ifc->p21, instance, QR_P21_UNKNOWN, values, QR_COUNT(values));
    for (size_t i = 0; i < QR_COUNT(values); i++)
        if (values[i].kind == QR_P21_STRING && values[i].len > 0) {
            qr_ifc_decode(ifc, &values[i], out);
            return;
        }
    qr_buf_append_str(out, qr_p21_type_name(ifc->p21, qr_p21_type_of(ifc->p21, instance)));
}

static void put_enum(const struct qr_p21_value *value, struct qr_buf *out)
{
    if (qr_p21_is_enum(value, "T"))
        qr_buf_append_str(out, "true");
    else if (qr_p21_is_enum(value, "F"))
        qr_buf_append_str(out, "false");
    else if (qr_p21_is_enum(value, "U"))
        qr_buf_append_str(out, "unknown");
    else
        qr_buf_append(out, value->at, value->len);
}

/* One value that is no list. */
static void put_simple(struct qr_ifc *ifc, const struct qr_p21_value *value, struct qr_buf *out)
{
    switch (value->kind) {
    case QR_P21_INTEGER:
    case QR_P21_REAL:
        put_number(out, value);
        break;
    case QR_P21_STRING:
        qr_ifc_decode(ifc, value, out);
        break;
    case QR_P21_ENUM:
        put_enum(value, out);
        break;
    case QR_P21_BINARY:
        qr_buf_append(out, value->at, value->len < 256 ? value->len : 256);
        break;
    case QR_P21_REF:
        put_reference(ifc, value, out);
        break;
    default:
        break;
    }
}

/* A value, a typed one or a list of them; the first type met stays in `typed`. */
static void put_value(struct qr_ifc *ifc, const struct qr_p21_value *value, struct qr_buf *out,
                      struct qr_p21_value *typed)
{
    struct qr_p21_value inner = *value;
    struct qr_p21_cursor items;

    for (int depth = 0; depth < 3; depth++) {
        if (inner.kind == QR_P21_TYPED && typed->kind != QR_P21_TYPED)
            *typed = inner;
        if (inner.kind != QR_P21_TYPED && inner.kind != QR_P21_LIST) {
            put_simple(ifc, &inner, out);
            return;
        }
        items = qr_p21_enter(&inner);
        if (inner.kind == QR_P21_LIST)
            break;
        if (!qr_p21_next(&items, &inner))
            return;
    }
    for (int i = 0; qr_p21_next(&items, &inner); i++) {
        if (i == VALUES_MAX) {
            cut(ifc);
            break;
        }
        if (i > 0)
            qr_buf_append_str(out, "; ");
        struct qr_p21_cursor wrapped = qr_p21_enter(&inner);
        if (inner.kind == QR_P21_TYPED && typed->kind != QR_P21_TYPED)
            *typed = inner;
        if (inner.kind == QR_P21_TYPED && !qr_p21_next(&wrapped, &inner))
            continue;
        put_simple(ifc, &inner, out);
    }
}

static bool is_there(const struct qr_p21_value *value)
{
    return value->kind != QR_P21_UNSET && value->kind != QR_P21_DERIVED &&
           value->kind != QR_P21_END;
}

/* IfcPropertyBoundedValue: 2 upper, 3 lower, 5 set point: "lower .. upper", "set (lower .. upper)";
 * what is not there is left out: ".. upper", "set". */
static void put_bounded(struct qr_ifc *ifc, const struct qr_ifc_leaf *leaf, struct qr_buf *out,
                        struct qr_p21_value *typed)
{
    bool upper = is_there(&leaf->values[2]);
    bool lower = is_there(&leaf->values[3]);

    put_value(ifc, &leaf->values[5], out, typed);
    bool set = out->len > 0;
    if (!upper && !lower)
        return;
    qr_buf_append_str(out, set ? " (" : "");
    put_value(ifc, &leaf->values[3], out, typed);
    qr_buf_append_str(out, lower ? " .." : "..");
    qr_buf_append_str(out, upper ? " " : "");
    put_value(ifc, &leaf->values[2], out, typed);
    qr_buf_append_str(out, set ? ")" : "");
}

/* IfcPropertyTableValue: 2 defining, 3 defined: "1: 0.5; 2: 0.7". */
static void put_table(struct qr_ifc *ifc, const struct qr_ifc_leaf *leaf, struct qr_buf *out,
                      struct qr_p21_value *typed)
{
    struct qr_p21_cursor keys = qr_p21_enter(&leaf->values[2]);
    struct qr_p21_cursor values = qr_p21_enter(&leaf->values[3]);
    struct qr_p21_value key_type = {.kind = QR_P21_TYPED};
    struct qr_p21_value key;
    struct qr_p21_value value;

    for (int i = 0; qr_p21_next(&keys, &key) && qr_p21_next(&values, &value); i++) {
        if (i == VALUES_MAX) {
            cut(ifc);
            break;
        }
        if (i > 0)
            qr_buf_append_str(out, "; ");
        put_value(ifc, &key, out, &key_type);
        qr_buf_append_str(out, ": ");
        put_value(ifc, &value, out, typed);
    }
}

/* Units of quantities by the end of their class: IfcQuantityLength, … */
static const char *quantity_unit(const struct qr_ifc *ifc, const char *type)
{
    static const struct {
        const char *tail, *kind;
    } kinds[] = {{"LENGTH", "LENGTHUNIT"},
                 {"AREA", "AREAUNIT"},
                 {"VOLUME", "VOLUMEUNIT"},
                 {"WEIGHT", "MASSUNIT"},
                 {"TIME", "TIMEUNIT"}};

    for (size_t i = 0; i < QR_COUNT(kinds); i++)
        if (strcmp(type + strlen("IFCQUANTITY"), kinds[i].tail) == 0)
            return kinds[i].kind;
    (void)ifc;
    return "";
}

/* Lengths of predefined sets carry no type. */
static bool is_length(const char *name)
{
    size_t len = strlen(name);

    return (len > 5 && strcmp(name + len - 5, "Depth") == 0) ||
           (len > 9 && strcmp(name + len - 9, "Thickness") == 0);
}

/* Where the unit of a property stands, and where its value (the first of them). */
static const struct {
    const char *type;
    int value, unit;
} places[] = {
    {"IFCPROPERTYSINGLEVALUE", 2, 3},     {"IFCPROPERTYENUMERATEDVALUE", 2, -1},
    {"IFCPROPERTYBOUNDEDVALUE", 2, 4},    {"IFCPROPERTYLISTVALUE", 2, 3},
    {"IFCPROPERTYREFERENCEVALUE", 3, -1}, {"IFCPROPERTYTABLEVALUE", 3, 6},
};

static bool is_quantity(const char *type) { return strncmp(type, "IFCQUANTITY", 11) == 0; }

/* IfcPropertyEnumeration: 2 unit. */
static struct qr_ifc_meaning enumeration_unit(struct qr_ifc *ifc, const struct qr_p21_value *of,
                                              const struct qr_p21_value *typed)
{
    uint32_t enumeration = qr_p21_follow(ifc->p21, of);
    struct qr_p21_value unit;

    if (enumeration != QR_P21_NONE &&
        qr_p21_attribute(ifc->p21, enumeration, QR_P21_UNKNOWN, 2, &unit) &&
        unit.kind == QR_P21_REF)
        return qr_ifc_unit(ifc, qr_p21_follow(ifc->p21, &unit));
    return qr_ifc_unit_of_measure(ifc, typed);
}

/* The unit a leaf's value is in. */
static struct qr_ifc_meaning unit_of(struct qr_ifc *ifc, const struct qr_ifc_leaf *leaf,
                                     const struct qr_p21_value *typed)
{
    int at = is_quantity(leaf->type) ? 2 : -1;

    for (size_t i = 0; i < QR_COUNT(places); i++)
        if (strcmp(leaf->type, places[i].type) == 0)
            at = places[i].unit;
    if (strcmp(leaf->type, "IFCPROPERTYENUMERATEDVALUE") == 0 && leaf->values[3].kind == QR_P21_REF)
        return enumeration_unit(ifc, &leaf->values[3], typed);
    if (at >= 0 && leaf->values[at].kind == QR_P21_REF)
        return qr_ifc_unit(ifc, qr_p21_follow(ifc->p21, &leaf->values[at]));
    if (is_quantity(leaf->type))
        return qr_ifc_unit_of_kind(ifc, quantity_unit(ifc, leaf->type));
    if (leaf->type[0] == '\0' && is_length(leaf->name))
        return qr_ifc_unit_of_kind(ifc, "LENGTHUNIT");
    if (leaf->type[0] == '\0' && strcmp(leaf->name, "MassDensity") == 0)
        return qr_ifc_unit_of_kind(ifc, "MASSDENSITYUNIT");
    return qr_ifc_unit_of_measure(ifc, typed);
}

/* The attribute that holds the value, or the first part of it. */
static const struct qr_p21_value *value_of(const struct qr_ifc_leaf *leaf)
{
    for (size_t i = 0; i < QR_COUNT(places); i++)
        if (strcmp(leaf->type, places[i].type) == 0)
            return &leaf->values[places[i].value];
    return &leaf->values[is_quantity(leaf->type) ? 3 : leaf->type[0] ? 2 : 0];
}

void qr_ifc_say_leaf(struct qr_ifc *ifc, const struct qr_ifc_leaf *leaf, struct qr_ifc_said *said)
{
    const struct qr_p21_value *value = value_of(leaf);
    struct qr_p21_value typed = {.kind = QR_P21_END};

    qr_buf_clear(&said->text);
    if (strcmp(leaf->type, "IFCPROPERTYBOUNDEDVALUE") == 0)
        put_bounded(ifc, leaf, &said->text, &typed);
    else if (strcmp(leaf->type, "IFCPROPERTYTABLEVALUE") == 0)
        put_table(ifc, leaf, &said->text, &typed);
    else
        put_value(ifc, value, &said->text, &typed);
    if (said->text.failed)
        qr_record_partial(ifc->rec, "ifc.value.cut", "values longer than %zu bytes are cut",
                          said->text.len);
    said->unit = unit_of(ifc, leaf, &typed).symbol;
    if (typed.kind == QR_P21_TYPED)
        said->type = qr_ifc_intern(ifc, (const char *)typed.at, typed.len);
    else if (is_quantity(leaf->type))
        said->type = leaf->type;
    else
        said->type = value->kind == QR_P21_REF
                         ? qr_p21_type_name(
                               ifc->p21, qr_p21_type_of(ifc->p21, qr_p21_follow(ifc->p21, value)))
                         : "";
    said->type = qr_ifc_intern(ifc, said->type, strlen(said->type));
}

bool qr_ifc_leaf_number(struct qr_ifc *ifc, const struct qr_ifc_leaf *leaf, double *ret)
{
    const struct qr_p21_value *value = value_of(leaf);
    double number;

    if (!qr_p21_number(value, &number))
        return false;
    struct qr_ifc_meaning unit = unit_of(ifc, leaf, value);
    if (unit.symbol[0] && unit.factor == 0)
        return false;
    *ret = unit.factor > 0 ? number * unit.factor : number;
    return true;
}

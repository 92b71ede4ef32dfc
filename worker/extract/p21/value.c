#include <math.h>
#include <stdlib.h>
#include <strings.h>

#include "worker/extract/p21/intern.h"

#define NUMBER_MAX 64   /* letters of one number */
#define EXACT_DIGITS 15 /* so many decimal digits fit into a double */
#define EXACT_POWER 22  /* and so do powers of ten up to this */

static const double powers[EXACT_POWER + 1] = {
    1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
    1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
};

static bool is_digit(uint8_t c) { return c >= '0' && c <= '9'; }

/* What the fast way cannot do exactly. */
static double slow_number(const uint8_t *at, size_t len)
{
    char text[NUMBER_MAX + 1];

    memcpy(text, at, len);
    text[len] = '\0';
    return strtod(text, NULL);
}

/* Digits, a point, digits, an exponent. Returns behind it; sets REAL or INTEGER, or BAD. */
static const uint8_t *read_number(const uint8_t *at, const uint8_t *end, struct qr_p21_value *ret)
{
    const uint8_t *from = at;
    uint64_t mantissa = 0;
    int digits = 0;
    int scale = 0;
    int exponent = 0;
    bool negative = at < end && *at == '-';
    bool real = false;
    bool any = false;

    at += at < end && (*at == '-' || *at == '+');
    for (; at < end && (is_digit(*at) || (*at == '.' && !real)); at++) {
        if (*at == '.') {
            real = true;
            continue;
        }
        any = true;
        digits += mantissa > 0 || *at != '0';
        if (digits <= 18)
            mantissa = mantissa * 10 + (uint64_t)(*at - '0');
        scale += real && digits <= 18 ? -1 : !real && digits > 18;
    }
    if (any && at < end && (*at == 'E' || *at == 'e' || *at == 'D' || *at == 'd')) {
        const uint8_t *power = at + 1;
        bool down = power < end && *power == '-';
        power += power < end && (*power == '-' || *power == '+');
        if (power < end && is_digit(*power)) {
            for (; power < end && is_digit(*power); power++)
                exponent = exponent < 100000 ? exponent * 10 + (*power - '0') : exponent;
            exponent = down ? -exponent : exponent;
            at = power;
            real = true;
        }
    }
    ret->len = (size_t)(at - from);
    if (!any) {
        ret->kind = QR_P21_BAD;
        return at;
    }
    exponent += scale;
    if (digits <= EXACT_DIGITS && exponent >= -EXACT_POWER && exponent <= EXACT_POWER)
        ret->real = exponent < 0 ? (double)mantissa / powers[-exponent]
                                 : (double)mantissa * powers[exponent];
    else if (ret->len <= NUMBER_MAX && !memchr(from, 'D', ret->len) && !memchr(from, 'd', ret->len))
        ret->real = fabs(slow_number(from, ret->len));
    else
        ret->real = (double)mantissa * pow(10, exponent);
    ret->real = negative ? -ret->real : ret->real;
    ret->kind = !isfinite(ret->real) ? QR_P21_BAD : real ? QR_P21_REAL : QR_P21_INTEGER;
    if (ret->kind == QR_P21_INTEGER) {
        int64_t whole = digits <= 18 ? (int64_t)mantissa : INT64_MAX;
        ret->integer = negative ? -whole : whole;
    }
    return at;
}

static const uint8_t *read_reference(const uint8_t *at, const uint8_t *end,
                                     struct qr_p21_value *ret)
{
    const uint8_t *from = at;

    ret->id = 0;
    for (at++; at < end && is_digit(*at); at++)
        ret->id = ret->id * 10 + (uint64_t)(*at - '0');
    ret->kind = at - from > 1 ? QR_P21_REF : QR_P21_BAD;
    ret->len = (size_t)(at - from);
    return at;
}

/* What stands between two delimiters; BAD when the second is not on the way. */
static const uint8_t *read_between(const uint8_t *at, const uint8_t *end, uint8_t delimiter,
                                   enum qr_p21_kind kind, struct qr_p21_value *ret)
{
    const uint8_t *from = ++at;

    while (at < end && *at != delimiter && *at != ',' && *at != ')' && *at != ';')
        at++;
    ret->at = from;
    ret->len = (size_t)(at - from);
    ret->kind = at < end && *at == delimiter ? kind : QR_P21_BAD;
    return ret->kind == QR_P21_BAD ? at : at + 1;
}

static const uint8_t *read_string(const uint8_t *at, const uint8_t *end, struct qr_p21_value *ret)
{
    bool broken;
    const uint8_t *close = qr_p21_string_end(at + 1, end, &broken);

    ret->kind = QR_P21_STRING;
    ret->at = at + 1;
    ret->len = (size_t)(close - at) - (broken ? 1 : 2);
    return broken ? end : close;
}

static const uint8_t *read_keyword(const uint8_t *at, const uint8_t *end, struct qr_p21_value *ret)
{
    const uint8_t *from = at;

    at += at < end && *at == '!';
    while (at < end && (qr_p21_class[*at] & QR_P21_C_NAME))
        at++;
    ret->len = (size_t)(at - from);
    const uint8_t *open = qr_p21_blanks(at, end);
    if (at > from && open < end && *open == '(') {
        ret->kind = QR_P21_TYPED;
        ret->inner = open + 1;
        return open + 1;
    }
    ret->kind = QR_P21_BAD;
    return at > from ? at : at + (at < end);
}

/* Whatever stands up to the next comma or parenthesis belongs to a value that is none. */
static const uint8_t *skip_rest(const uint8_t *at, const uint8_t *end)
{
    while (at < end && *at != ',' && *at != ')' && *at != ';' && *at != '=' && *at != '(' &&
           *at != '\'')
        at++;
    return at;
}

static const uint8_t *read_value(const uint8_t *at, const uint8_t *end, struct qr_p21_value *ret)
{
    switch (*at) {
    case '$':
        ret->kind = QR_P21_UNSET;
        return at + 1;
    case '*':
        ret->kind = QR_P21_DERIVED;
        return at + 1;
    case '#':
        return read_reference(at, end, ret);
    case '\'':
        return read_string(at, end, ret);
    case '.':
        if (end - at > 1 && is_digit(at[1]))
            return read_number(at, end, ret); /* .5: not allowed, but seen */
        return read_between(at, end, '.', QR_P21_ENUM, ret);
    case '"':
        return read_between(at, end, '"', QR_P21_BINARY, ret);
    case '(':
        ret->kind = QR_P21_LIST;
        ret->inner = at + 1;
        return at + 1;
    default:
        if (is_digit(*at) || *at == '-' || *at == '+')
            return read_number(at, end, ret);
        return read_keyword(at, end, ret);
    }
}

bool qr_p21_next(struct qr_p21_cursor *cursor, struct qr_p21_value *ret)
{
    const uint8_t *end = cursor->end;
    const uint8_t *at = cursor->at;

    *ret = (struct qr_p21_value){.kind = QR_P21_END, .end = end};
    if (cursor->inside)
        at = qr_p21_group_end(at, end);
    cursor->inside = false;
    at = qr_p21_blanks(at, end);
    if (at < end && *at == ',')
        at = qr_p21_blanks(at + 1, end);
    if (at >= end || *at == ')' || *at == ';' || *at == '=' || *at == ',') {
        if (at < end && *at == ',') { /* nothing between two commas */
            ret->kind = QR_P21_BAD;
            ret->at = at;
            cursor->at = at;
            return true;
        }
        cursor->at = cursor->end = at; /* and there it stays */
        return false;
    }
    ret->at = at;
    ret->len = 1;
    at = read_value(at, end, ret);
    if (ret->kind == QR_P21_BAD) {
        at = skip_rest(at, end);
        if (at < end && (*at == '(' || *at == '\'')) {
            struct qr_p21_value junk;
            if (*at == '\'')
                at = read_string(at, end, &junk);
            else
                at = qr_p21_group_end(at + 1, end);
            at = skip_rest(at, end);
        }
    }
    cursor->inside = ret->kind == QR_P21_LIST || ret->kind == QR_P21_TYPED;
    cursor->at = at;
    return true;
}

struct qr_p21_cursor qr_p21_enter(const struct qr_p21_value *value)
{
    if (value->kind != QR_P21_LIST && value->kind != QR_P21_TYPED)
        return (struct qr_p21_cursor){value->end, value->end, false};
    return (struct qr_p21_cursor){value->inner, value->end, false};
}

/* Count what was stepped over; false: the budget is used up. */
static bool spend(const struct qr_p21 *p21, const uint8_t *from, const uint8_t *to)
{
    struct qr_p21 *own = (struct qr_p21 *)(uintptr_t)p21;

    own->work += (uint64_t)(to - from);
    if (own->work <= own->work_max)
        return true;
    qr_p21_note(own, true, "p21.work.capped",
                "large records are referred to so often that not all of it was followed");
    return false;
}

size_t qr_p21_get(const struct qr_p21 *p21, uint32_t instance, uint32_t type,
                  struct qr_p21_value *values, size_t max)
{
    struct qr_p21_cursor cursor = qr_p21_attributes(p21, instance, type);
    const uint8_t *from = cursor.at;
    size_t n = 0;

    while (n < max && qr_p21_next(&cursor, &values[n]))
        n++;
    if (!spend(p21, from, cursor.at))
        n = 0;
    for (size_t i = n; i < max; i++)
        values[i] = (struct qr_p21_value){.kind = QR_P21_END, .end = cursor.end};
    return n;
}

bool qr_p21_attribute(const struct qr_p21 *p21, uint32_t instance, uint32_t type, size_t n,
                      struct qr_p21_value *ret)
{
    struct qr_p21_cursor cursor = qr_p21_attributes(p21, instance, type);

    const uint8_t *from = cursor.at;
    size_t i = 0;
    bool found = qr_p21_next(&cursor, ret);

    while (found && i++ < n)
        found = qr_p21_next(&cursor, ret);
    if (spend(p21, from, cursor.at))
        return found;
    *ret = (struct qr_p21_value){.kind = QR_P21_END, .end = cursor.end};
    return false;
}

uint32_t qr_p21_follow(const struct qr_p21 *p21, const struct qr_p21_value *value)
{
    return value->kind == QR_P21_REF ? qr_p21_find(p21, value->id) : QR_P21_NONE;
}

bool qr_p21_number(const struct qr_p21_value *value, double *ret)
{
    struct qr_p21_value inner = *value;

    for (int depth = 0; inner.kind == QR_P21_TYPED && depth < 4; depth++) {
        struct qr_p21_cursor cursor = qr_p21_enter(&inner);
        if (!qr_p21_next(&cursor, &inner))
            return false;
    }
    if (inner.kind != QR_P21_REAL && inner.kind != QR_P21_INTEGER)
        return false;
    *ret = inner.real;
    return true;
}

size_t qr_p21_numbers(const struct qr_p21_value *value, double *out, size_t max)
{
    struct qr_p21_cursor cursor = qr_p21_enter(value);
    struct qr_p21_value item;
    size_t n = 0;

    while (n < max && qr_p21_next(&cursor, &item) && qr_p21_number(&item, &out[n]))
        n++;
    return n;
}

static bool is_name(const struct qr_p21_value *value, const char *name)
{
    return strlen(name) == value->len &&
           strncasecmp((const char *)value->at, name, value->len) == 0;
}

bool qr_p21_is_enum(const struct qr_p21_value *value, const char *name)
{
    return value->kind == QR_P21_ENUM && is_name(value, name);
}

bool qr_p21_is_typed(const struct qr_p21_value *value, const char *name)
{
    return value->kind == QR_P21_TYPED && is_name(value, name);
}

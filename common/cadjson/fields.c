/* A table of fields read into a message: each value by its type, every object by its table, what no
 * table knows to the details, and no more than the record has room for. */
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cadjson/intern.h"

#define COUNT_MAX 0x1p53

/* ------------------------------------------------------------------ values */

void qr_cadjson_not_finite(struct qr_cadjson *cj)
{
    char path[200];

    qr_jr_path(cj->jr, path, sizeof path);
    qr_record_partial(cj->rec, "cadjson.number", "%s is no finite number: left out", path);
}

/* What is encoded is no larger than the memory it takes. */
static size_t room(const struct qr_cadjson *cj)
{
    const struct qr_record_limits *limits = &cj->rec->limits;
    size_t max = limits->memory_bytes / 4 * 3;

    if (limits->encoded_bytes > 0 && limits->encoded_bytes / 16 * 15 < max)
        max = limits->encoded_bytes / 16 * 15;
    return cj->rec->arena.used < max ? max - cj->rec->arena.used : 0;
}

bool qr_cadjson_fits(struct qr_cadjson *cj, size_t bytes)
{
    if (bytes < room(cj))
        return true;
    qr_record_partial(cj->rec, "record.capped", "the model was cut at %zu MiB",
                      (cj->rec->arena.used + room(cj)) >> 20);
    return false;
}

bool qr_cadjson_has_room(struct qr_cadjson *cj) { return qr_cadjson_fits(cj, 0); }

bool qr_cadjson_number(struct qr_cadjson *cj, double *ret)
{
    struct qr_jr *jr = cj->jr;
    enum qr_jr_kind kind = qr_jr_peek(jr);
    char *end;

    *ret = NAN;
    if (kind == QR_JR_NULL)
        return qr_jr_null(jr);
    if (kind != QR_JR_STRING) {
        if (!qr_jr_number(jr, ret))
            return false;
    } else {
        if (!qr_jr_string(jr))
            return false;
        *ret = strtod(jr->text, &end);
        if (jr->text_len == 0 || *end || isspace((unsigned char)jr->text[0]) ||
            strchr(jr->text, 'x') || strchr(jr->text, 'X'))
            return qr_jr_fail(jr, "a number is expected, not \"%.40s\"", jr->text);
    }
    if (!(fabs(*ret) <= QR_CADJSON_NUMBER_MAX)) { /* or NaN */
        *ret = NAN;
        qr_cadjson_not_finite(cj);
    }
    return true;
}

bool qr_cadjson_text(struct qr_cadjson *cj, char **ret)
{
    struct qr_jr *jr = cj->jr;
    double number;
    bool flag;

    switch (qr_jr_peek(jr)) {
    case QR_JR_NULL:
        return qr_jr_null(jr);
    case QR_JR_NUMBER:
        if (!qr_jr_number(jr, &number))
            return false;
        break;
    case QR_JR_BOOL:
        if (!qr_jr_bool(jr, &flag))
            return false;
        break;
    case QR_JR_END:
    case QR_JR_OBJECT:
    case QR_JR_ARRAY:
    case QR_JR_STRING:
    case QR_JR_OTHER:
    default:
        if (!qr_jr_string(jr))
            return false;
        if (jr->cut)
            qr_record_partial(cj->rec, "record.capped", "texts were cut at %d bytes",
                              QR_JR_TEXT_MAX);
    }
    *ret = qr_record_string(cj->rec, jr->text, jr->text_len);
    return true;
}

bool qr_cadjson_numbers(struct qr_cadjson *cj, size_t n, double **ret, size_t *ret_n)
{
    double values[16];
    size_t have = 0;
    bool finite = true;

    if (!qr_jr_array(cj->jr))
        return false;
    while (qr_jr_element(cj->jr)) {
        double value;
        if (have == n || have == QR_COUNT(values))
            return qr_jr_fail(cj->jr, "%zu numbers are expected, not more", n);
        if (qr_jr_peek(cj->jr) == QR_JR_NULL ? !qr_jr_null(cj->jr) : !qr_cadjson_number(cj, &value))
            return false;
        finite = finite && isfinite(value);
        values[have++] = value;
    }
    if (cj->jr->failed)
        return false;
    if (have != n && have != 0)
        return qr_jr_fail(cj->jr, "%zu numbers are expected, not %zu", n, have);
    if (finite && ret)
        qr_cad_numbers(cj->rec, values, have, ret, ret_n);
    return true;
}

static bool count_value(struct qr_cadjson *cj, double max, uint64_t *ret)
{
    double value;

    if (!qr_cadjson_number(cj, &value))
        return false;
    if (isnan(value))
        return true;
    if (value < 0 || value > max || floor(value) < value)
        return qr_jr_fail(cj->jr, "a count of at most %.0f is expected, not %.40s", max,
                          cj->jr->text);
    *ret = (uint64_t)value;
    return true;
}

static bool number_field(struct qr_cadjson *cj, const struct qr_field *field, char *to)
{
    double value;

    if (!qr_cadjson_number(cj, &value))
        return false;
    if (isnan(value))
        return true;
    *(double *)(void *)(to + field->at) = value;
    if (field->extra)
        *(protobuf_c_boolean *)(void *)(to + field->extra) = true;
    return true;
}

bool qr_cadjson_value(struct qr_cadjson *cj, const struct qr_field *field, void *target)
{
    char *to = target;
    uint64_t count = 0;
    bool flag = false;

    if (qr_jr_peek(cj->jr) == QR_JR_NULL)
        return qr_jr_null(cj->jr);
    switch (field->type) {
    case QR_FIELD_TEXT:
        return qr_cadjson_text(cj, (char **)(void *)(to + field->at));
    case QR_FIELD_NUMBER:
        return number_field(cj, field, to);
    case QR_FIELD_COUNT:
        if (!count_value(cj, COUNT_MAX, &count))
            return false;
        *(uint64_t *)(void *)(to + field->at) = count;
        return true;
    case QR_FIELD_COUNT32:
        if (!count_value(cj, UINT32_MAX, &count))
            return false;
        *(uint32_t *)(void *)(to + field->at) = (uint32_t)count;
        return true;
    case QR_FIELD_FLAG:
        if (!qr_jr_bool(cj->jr, &flag))
            return false;
        *(protobuf_c_boolean *)(void *)(to + field->at) = flag;
        return true;
    case QR_FIELD_NUMBERS:
        return qr_cadjson_numbers(cj, field->n, (double **)(void *)(to + field->at),
                                  (size_t *)(void *)(to + field->extra));
    case QR_FIELD_SPECIAL:
        break;
    }
    return field->read(cj, target);
}

/* ------------------------------------------------------------------ objects and lists */

bool qr_cadjson_keep(struct qr_cadjson *cj)
{
    char path[200], name[sizeof path + sizeof cj->asked];

    qr_jr_path_from(cj->jr, cj->asked[0] ? cj->asked_depth : 0, path, sizeof path);
    snprintf(name, sizeof name, "%s%s", cj->asked, cj->asked[0] ? path : path + 1);
    return qr_cadjson_keep_as(cj, name);
}

bool qr_cadjson_keep_as(struct qr_cadjson *cj, const char *name)
{
    struct qr_buf *out = &cj->details;
    size_t before = out->len;

    if (qr_jr_peek(cj->jr) == QR_JR_NULL)
        return qr_jr_null(cj->jr);
    if (before > 0)
        qr_buf_append_str(out, ",");
    qr_jr_put_string(out, name, strlen(name));
    qr_buf_append_str(out, ":");
    if (!qr_jr_copy(cj->jr, out))
        return false;
    if (out->failed) {
        out->failed = false;
        out->len = before;
        qr_record_partial(cj->rec, "cadjson.details.capped",
                          "unknown fields beyond %d KiB were left out, the first at %s",
                          QR_CADJSON_DETAILS_MAX >> 10, name);
    }
    return true;
}

bool qr_cadjson_object(struct qr_cadjson *cj, const struct qr_field *fields, void *target)
{
    struct qr_jr *jr = cj->jr;
    uint64_t seen = 0;
    const char *key;

    if (!target)
        return qr_jr_skip(jr);
    if (!qr_jr_object(jr))
        return false;
    while ((key = qr_jr_member(jr))) {
        size_t i = 0;
        if (cj->other) { /* as its name has shown */
            if (!qr_jr_skip(jr))
                return false;
            continue;
        }
        while (fields[i].name && strcmp(fields[i].name, key) != 0)
            i++;
        if (!fields[i].name) {
            if (!qr_cadjson_keep(cj))
                return false;
            continue;
        }
        if (seen & (UINT64_C(1) << i))
            return qr_jr_fail(jr, "the field comes twice");
        seen |= UINT64_C(1) << i;
        if (!qr_cadjson_value(cj, &fields[i], target))
            return false;
    }
    return !jr->failed;
}

bool qr_cadjson_list(struct qr_cadjson *cj, bool (*each)(struct qr_cadjson *cj))
{
    if (qr_jr_peek(cj->jr) == QR_JR_NULL)
        return qr_jr_null(cj->jr);
    if (!qr_jr_array(cj->jr))
        return false;
    while (qr_jr_element(cj->jr))
        if (qr_cadjson_has_room(cj) ? !each(cj) : !qr_jr_skip(cj->jr))
            return false;
    return !cj->jr->failed;
}

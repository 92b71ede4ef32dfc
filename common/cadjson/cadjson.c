#include "common/cadjson/intern.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define COUNT_MAX 0x1p53

/* ------------------------------------------------------------------ life */

int qr_cadjson_new(struct qr_record *rec, const char *model, struct qr_cadjson **ret,
                   struct qr_err *err)
{
    struct qr_cadjson *cj = calloc(1, sizeof *cj);

    if (cj)
        cj->jr = malloc(sizeof *cj->jr);
    if (cj && model)
        cj->model = strdup(model);
    if (!cj || !cj->jr || (model && !cj->model)) {
        qr_cadjson_free(cj);
        return qr_fail(err, QR_E_NOMEM, "import: out of memory");
    }
    cj->rec = rec;
    qr_buf_init(&cj->details, QR_CADJSON_DETAILS_MAX);
    *ret = cj;
    return QR_OK;
}

void qr_cadjson_free(struct qr_cadjson *cj)
{
    if (!cj)
        return;
    qr_buf_done(&cj->details);
    free(cj->jr);
    free(cj->model);
    free(cj);
}

/* ------------------------------------------------------------------ names of models */

/* Length of a name without folders, Creo's version and blanks around it; *ret_dot: of its stem. */
static const char *bare(const char *name, size_t *ret_len, size_t *ret_stem)
{
    const char *slash = strrchr(name, '/'), *back = strrchr(name, '\\');
    const char *base = slash && slash > back ? slash + 1 : back ? back + 1 : name;
    size_t len = strlen(base), digits = 0;

    while (digits < len && isdigit((unsigned char)base[len - 1 - digits]))
        digits++;
    if (digits > 0 && digits + 1 < len && base[len - 1 - digits] == '.' &&
        memchr(base, '.', len - 1 - digits))
        len -= digits + 1;
    *ret_len = len;
    const char *dot = memrchr(base, '.', len);
    *ret_stem = dot && dot > base ? (size_t)(dot - base) : len;
    return base;
}

bool qr_cadjson_same_model(const char *a, const char *b)
{
    size_t a_len, a_stem, b_len, b_stem;

    a = bare(a, &a_len, &a_stem);
    b = bare(b, &b_len, &b_stem);
    if (a_stem != b_stem || a_stem == 0 || strncasecmp(a, b, a_stem) != 0)
        return false;
    return a_len == a_stem || b_len == b_stem || (a_len == b_len && strncasecmp(a, b, a_len) == 0);
}

void qr_cadjson_named(struct qr_cadjson *cj, const char *name)
{
    cj->named = true;
    if (!cj->model || qr_cadjson_same_model(cj->model, name))
        return;
    cj->other = true;
    if (cj->n_other++ == 0)
        snprintf(cj->other_name, sizeof cj->other_name, "%s", name);
}

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
    char path[200];

    qr_jr_path(cj->jr, path, sizeof path);
    return qr_cadjson_keep_as(cj, path + 1);
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

/* ------------------------------------------------------------------ documents */

/* What is no JSON at all is told by its first bytes. */
static bool begins_right(struct qr_cadjson *cj)
{
    static const struct {
        const char *bytes;
        size_t n;
        const char *what;
    } signs[] = {
        {"\xFF\xFE", 2, "the export is in UTF-16; hint: write it in UTF-8"},
        {"\xFE\xFF", 2, "the export is in UTF-16; hint: write it in UTF-8"},
        {"{\0", 2, "the export is in UTF-16; hint: write it in UTF-8"},
        {"\0{", 2, "the export is in UTF-16; hint: write it in UTF-8"},
        {"\x1F\x8B", 2,
         "the export is packed by gzip; hint: unpack it, or put it into a zip archive"},
        {"PK\x03\x04", 4, "the export is a zip archive; hint: give the archive as the store"},
        {"version https://git-lfs", 23,
         "this is a Git-LFS pointer, not the export; hint: git lfs pull"},
        {"<", 1, "this is XML or HTML, not JSON"},
    };
    struct qr_jr *jr = cj->jr;

    (void)qr_jr_peek(jr);
    if (jr->before == 0 && jr->at == 0 && jr->len >= 3 && memcmp(jr->block, "\xEF\xBB\xBF", 3) == 0)
        jr->at = 3;
    if (qr_jr_peek(jr) == QR_JR_END)
        return !jr->failed && qr_jr_fail(jr, "the export is empty");
    for (size_t i = 0; jr->before == 0 && i < QR_COUNT(signs); i++)
        if (jr->len >= signs[i].n && memcmp(jr->block, signs[i].bytes, signs[i].n) == 0)
            return qr_jr_fail(jr, "%s", signs[i].what);
    return true;
}

static bool read_documents(struct qr_cadjson *cj)
{
    struct qr_jr *jr = cj->jr;

    if (!begins_right(cj))
        return false;
    while (!cj->found && qr_jr_peek(jr) != QR_JR_END) {
        if (qr_jr_peek(jr) != QR_JR_ARRAY) {
            if (!qr_cadjson_read_model(cj))
                return false;
            continue;
        }
        if (!qr_jr_array(jr))
            return false;
        while (!cj->found && qr_jr_element(jr))
            if (!qr_cadjson_read_model(cj))
                return false;
    }
    enum qr_jr_kind kind = jr->failed || jr->depth > 0 ? QR_JR_END : qr_jr_peek(jr);
    if (kind != QR_JR_END && kind != QR_JR_OBJECT && kind != QR_JR_ARRAY)
        return qr_jr_fail(jr, "something follows the model that is none");
    return !jr->failed;
}

static int nothing_found(struct qr_cadjson *cj, struct qr_err *err)
{
    if (cj->n_other > 0)
        return qr_fail(err, QR_E_DATA, "/name: the export is of '%s'%s, not of '%s'",
                       cj->other_name, cj->n_other > 1 ? " and other models" : "", cj->model);
    return qr_fail(err, QR_E_DATA, "/name: is missing: nothing says which model this is");
}

int qr_cadjson_read(struct qr_cadjson *cj, const struct qr_cadjson_source *source,
                    struct qr_err *err)
{
    struct qr_err own;

    qr_jr_init(cj->jr, source, err ? err : &own);
    if (!read_documents(cj))
        return (err ? err : &own)->code;
    if (!cj->found && !cj->answered)
        return nothing_found(cj, err);
    return QR_OK;
}

struct span {
    const char *data;
    size_t left;
};

static int64_t read_span(void *ctx, uint8_t *buf, size_t cap, struct qr_err *err)
{
    struct span *span = ctx;
    size_t n = span->left < cap ? span->left : cap;
    (void)err;

    memcpy(buf, span->data, n);
    span->data += n;
    span->left -= n;
    return (int64_t)n;
}

int qr_cadjson_answer(struct qr_cadjson *cj, const char *command, const char *function,
                      const char *data, size_t len, struct qr_err *err)
{
    struct span span = {data, len};
    const struct qr_cadjson_source source = {read_span, &span};
    struct qr_err own;

    qr_jr_init(cj->jr, &source, err ? err : &own);
    if (!qr_cadjson_read_answer(cj, command, function))
        return qr_err_wrap(err, (err ? err : &own)->code, "%s %s", command, function);
    cj->answered = true;
    return QR_OK;
}

int qr_cadjson_finish(struct qr_cadjson *cj, struct qr_err *err)
{
    Quarry__V1__CadModel *cad;

    if (!cj->found && !cj->answered)
        return nothing_found(cj, err);
    cad = qr_record_cad(cj->rec);
    if (!cad)
        return qr_fail(err, QR_E_NOMEM, "import: out of memory");
    if (!cad->name[0] && cj->model)
        cad->name = qr_record_text(cj->rec, cj->model);
    qr_cadjson_convert(cj);
    if (cj->details.len > 0) {
        struct qr_buf object;
        qr_buf_init(&object, QR_CADJSON_DETAILS_MAX + 16);
        qr_buf_append_str(&object, "{");
        qr_buf_append(&object, cj->details.data, cj->details.len);
        qr_buf_append_str(&object, "}");
        if (!object.failed)
            qr_cad_set_bytes(cj->rec, &cad->details, object.data, object.len);
        qr_buf_done(&object);
    }
    return cj->rec->failed ? qr_fail(err, QR_E_NOMEM, "import: out of memory") : QR_OK;
}

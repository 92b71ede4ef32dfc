#include "common/options_intern.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct unit {
    const char *name;
    double factor;
};

static const struct unit msec_units[] = {
    {"ms", 1}, {"s", 1e3}, {"sec", 1e3}, {"m", 6e4}, {"min", 6e4}, {"h", 3.6e6}, {"d", 8.64e7},
};
static const struct unit size_units[] = {
    {"", 1},          {"b", 1},          {"k", 1024.0},      {"kb", 1024.0},  {"kib", 1024.0},
    {"m", 1048576.0}, {"mb", 1048576.0}, {"mib", 1048576.0}, {"g", 0x1p30},   {"gb", 0x1p30},
    {"gib", 0x1p30},  {"t", 0x1p40},     {"tb", 0x1p40},     {"tib", 0x1p40},
};

/* A decimal number and a unit: false when `text` is not one, or is beyond 2^53. */
static bool parse_with_unit(const char *text, const struct unit *units, size_t n_units,
                            int64_t *ret)
{
    char *end = NULL;

    if (!isdigit((unsigned char)text[0]) || strpbrk(text, "xXpP"))
        return false;
    double number = strtod(text, &end);
    while (*end == ' ')
        end++;
    for (size_t i = 0; i < n_units; i++) {
        if (strcasecmp(end, units[i].name) != 0)
            continue;
        double value = round(number * units[i].factor);
        if (!(value <= 0x1p53))
            return false;
        *ret = (int64_t)value;
        return true;
    }
    return false;
}

int qr_option_parse_msec(const char *text, int64_t *ret_ms, struct qr_err *err)
{
    if (strcmp(text, "0") == 0) {
        *ret_ms = 0;
        return QR_OK;
    }
    if (parse_with_unit(text, msec_units, QR_COUNT(msec_units), ret_ms))
        return QR_OK;
    return qr_fail(err, QR_E_USAGE, "'%s' is not a duration; hint: give a unit: 500ms, 8s, 2m, 1h",
                   text);
}

int qr_option_parse_size(const char *text, int64_t *ret_bytes, struct qr_err *err)
{
    if (parse_with_unit(text, size_units, QR_COUNT(size_units), ret_bytes))
        return QR_OK;
    return qr_fail(err, QR_E_USAGE, "'%s' is not a size; hint: 4096, 64k, 64M, 2G", text);
}

static const char *format_unit(int64_t value, const int64_t *factors, const char *const *names,
                               size_t n, char *buf, size_t size)
{
    for (size_t i = 0; i < n; i++) {
        if (value != 0 && value % factors[i] == 0) {
            snprintf(buf, size, "%" PRId64 "%s", value / factors[i], names[i]);
            return buf;
        }
    }
    snprintf(buf, size, "%" PRId64 "%s", value, value == 0 ? "" : names[n]);
    return buf;
}

const char *qr_option_format_msec(int64_t ms, char *buf, size_t size)
{
    static const int64_t factors[] = {86400000, 3600000, 60000, 1000};
    static const char *const names[] = {"d", "h", "m", "s", "ms"};
    return format_unit(ms, factors, names, QR_COUNT(factors), buf, size);
}

const char *qr_option_format_size(int64_t bytes, char *buf, size_t size)
{
    static const int64_t factors[] = {(int64_t)1 << 40, 1 << 30, 1 << 20, 1 << 10};
    static const char *const names[] = {"T", "G", "M", "k", ""};
    return format_unit(bytes, factors, names, QR_COUNT(factors), buf, size);
}

const char *qr_option_range(const struct qr_option *row, char *buf, size_t size)
{
    char low[32];
    char high[32];

    buf[0] = '\0';
    if (row->min == 0 && row->max == 0)
        return buf;
    if (row->type == QR_OPT_MSEC)
        snprintf(buf, size, "%s..%s", qr_option_format_msec((int64_t)row->min, low, sizeof low),
                 qr_option_format_msec((int64_t)row->max, high, sizeof high));
    else if (row->type == QR_OPT_SIZE)
        snprintf(buf, size, "%s..%s", qr_option_format_size((int64_t)row->min, low, sizeof low),
                 qr_option_format_size((int64_t)row->max, high, sizeof high));
    else if (row->type == QR_OPT_INT)
        snprintf(buf, size, "%.0f..%.0f", row->min, row->max);
    else
        snprintf(buf, size, "%.15g..%.15g", row->min, row->max);
    return buf;
}

static void *field(const struct qr_option *row, void *target) { return (char *)target + row->at; }

void qr_option_list_done(struct qr_option_list *list)
{
    for (size_t i = 0; i < list->n; i++)
        free(list->items[i]);
    free(list->items);
    memset(list, 0, sizeof *list);
}

int qr_option_list_add(struct qr_option_list *list, const char *item, size_t len,
                       struct qr_err *err)
{
    char **items = realloc(list->items, (list->n + 2) * sizeof *items);
    if (!items)
        return qr_fail(err, QR_E_NOMEM, "out of memory");
    list->items = items;
    items[list->n] = strndup(item, len);
    if (!items[list->n])
        return qr_fail(err, QR_E_NOMEM, "out of memory");
    items[++list->n] = NULL;
    return QR_OK;
}

static bool is_choice(const char *choices, const char *value)
{
    size_t len = strlen(value);
    for (const char *at = choices; at; at = strchr(at, '|')) {
        at += *at == '|';
        if (strncmp(at, value, len) == 0 && (at[len] == '|' || at[len] == '\0') && len > 0)
            return true;
    }
    return false;
}

static int check_pair(const struct qr_option_list *list, const char *item, size_t len,
                      struct qr_err *err)
{
    const char *equals = memchr(item, '=', len);
    if (!equals || equals == item || equals + 1 == item + len)
        return qr_fail(err, QR_E_USAGE, "'%.*s' is not NAME=VALUE", (int)len, item);
    size_t name_len = (size_t)(equals - item) + 1; /* with the = */
    for (size_t i = 0; i < list->n; i++)
        if (strncmp(list->items[i], item, name_len) == 0)
            return qr_fail(err, QR_E_USAGE, "'%.*s' is given twice", (int)name_len - 1, item);
    return QR_OK;
}

static int set_list(const struct qr_option *row, struct qr_option_list *list, const char *value,
                    bool split, struct qr_err *err)
{
    int rc = QR_OK;

    while (rc == QR_OK) {
        size_t len = split ? strcspn(value, ",") : strlen(value);
        if (len == 0 && !split)
            return qr_fail(err, QR_E_USAGE, "empty value");
        if (len > 0 && (row->flags & QR_OPT_PAIRS))
            rc = check_pair(list, value, len, err);
        if (len > 0 && rc == QR_OK)
            rc = qr_option_list_add(list, value, len, err);
        if (value[len] == '\0')
            break;
        value += len + 1;
    }
    return rc;
}

static int set_string(const struct qr_option *row, char **slot, const char *value,
                      struct qr_err *err)
{
    if ((row->flags & QR_OPT_CHOICE) && !is_choice(row->arg, value))
        return qr_fail(err, QR_E_USAGE, "'%s' is not one of %s", value, row->arg);
    char *copy = strdup(value);
    if (!copy)
        return qr_fail(err, QR_E_NOMEM, "out of memory");
    free(*slot);
    *slot = copy;
    return QR_OK;
}

static int set_bool(bool *slot, const char *value, struct qr_err *err)
{
    static const char *const yes[] = {"true", "yes", "on", "1"};
    static const char *const no[] = {"false", "no", "off", "0"};

    for (size_t i = 0; i < QR_COUNT(yes); i++) {
        if (strcasecmp(value, yes[i]) == 0 || strcasecmp(value, no[i]) == 0) {
            *slot = strcasecmp(value, yes[i]) == 0;
            return QR_OK;
        }
    }
    return qr_fail(err, QR_E_USAGE, "'%s' is not true or false", value);
}

static int parse_number(const struct qr_option *row, const char *value, int64_t *ret_int,
                        double *ret_real, struct qr_err *err)
{
    char *end = NULL;

    if (row->type == QR_OPT_MSEC)
        return qr_option_parse_msec(value, ret_int, err);
    if (row->type == QR_OPT_SIZE)
        return qr_option_parse_size(value, ret_int, err);
    errno = 0;
    if (row->type == QR_OPT_INT)
        *ret_int = strtoll(value, &end, 10);
    else
        *ret_real = strtod(value, &end);
    if (end == value || *end != '\0' || errno != 0 || isspace((unsigned char)value[0]) ||
        (row->type == QR_OPT_REAL && !isfinite(*ret_real)))
        return qr_fail(err, QR_E_USAGE, "'%s' is not a%s number", value,
                       row->type == QR_OPT_INT ? " whole" : "");
    return QR_OK;
}

static int set_number(const struct qr_option *row, void *slot, const char *value,
                      struct qr_err *err)
{
    int64_t whole = 0;
    double real = 0;
    char range[80];

    int rc = parse_number(row, value, &whole, &real, err);
    if (rc < 0)
        return rc;
    if (row->type != QR_OPT_REAL)
        real = (double)whole;
    if ((row->min != 0 || row->max != 0) && !(real >= row->min && real <= row->max))
        return qr_fail(err, QR_E_USAGE, "'%s' is outside %s", value,
                       qr_option_range(row, range, sizeof range));
    if (row->type == QR_OPT_REAL)
        *(double *)slot = real;
    else
        *(int64_t *)slot = whole;
    return QR_OK;
}

int qr_option_set(const struct qr_option *row, void *target, const char *value,
                  const struct qr_option_origin *origin, struct qr_err *err)
{
    void *slot = field(row, target);
    int rc;

    switch (row->type) {
    case QR_OPT_STR:
        rc = set_string(row, slot, value, err);
        break;
    case QR_OPT_BOOL:
        rc = set_bool(slot, value, err);
        break;
    case QR_OPT_LIST:
        rc = set_list(row, slot, value, origin->split_commas || (row->flags & QR_OPT_COMMAS), err);
        break;
    default:
        rc = set_number(row, slot, value, err);
        break;
    }
    if (rc == QR_E_USAGE && (row->flags & QR_OPT_SECRET))
        return qr_fail(err, rc, "%s: the value is not valid (it is secret and not shown)",
                       origin->text);
    return rc < 0 ? qr_err_wrap(err, rc, "%s", origin->text) : QR_OK;
}

void qr_option_clear(const struct qr_option *row, void *target)
{
    void *slot = field(row, target);

    if (row->type == QR_OPT_LIST) {
        qr_option_list_done(slot);
    } else if (row->type == QR_OPT_STR) {
        free(*(char **)slot);
        *(char **)slot = NULL;
    }
}

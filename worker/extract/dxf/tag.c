#include "worker/extract/dxf/tag.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define XDATA_FROM 1000
#define EMBEDDED 101

/* Source: AutoCAD DXF reference, "group code value types"; ranges are inclusive, sorted. */
static const struct {
    int16_t from;
    int16_t to;
    enum qr_dxf_kind kind;
} kinds[] = {
    {-5, 4, QR_DXF_STRING},      {5, 5, QR_DXF_HANDLE},      {6, 9, QR_DXF_STRING},
    {10, 59, QR_DXF_REAL},       {60, 79, QR_DXF_INT16},     {90, 99, QR_DXF_INT32},
    {100, 104, QR_DXF_STRING},   {105, 105, QR_DXF_HANDLE},  {110, 149, QR_DXF_REAL},
    {160, 169, QR_DXF_INT64},    {170, 179, QR_DXF_INT16},   {210, 239, QR_DXF_REAL},
    {270, 289, QR_DXF_INT16},    {290, 299, QR_DXF_BOOL},    {300, 309, QR_DXF_STRING},
    {310, 319, QR_DXF_BYTES},    {320, 369, QR_DXF_HANDLE},  {370, 389, QR_DXF_INT16},
    {390, 399, QR_DXF_HANDLE},   {400, 409, QR_DXF_INT16},   {410, 419, QR_DXF_STRING},
    {420, 429, QR_DXF_INT32},    {430, 439, QR_DXF_STRING},  {440, 459, QR_DXF_INT32},
    {460, 469, QR_DXF_REAL},     {470, 479, QR_DXF_STRING},  {480, 481, QR_DXF_HANDLE},
    {999, 1003, QR_DXF_STRING},  {1004, 1004, QR_DXF_BYTES}, {1005, 1005, QR_DXF_HANDLE},
    {1006, 1009, QR_DXF_STRING}, {1010, 1059, QR_DXF_REAL},  {1060, 1070, QR_DXF_INT16},
    {1071, 1071, QR_DXF_INT32},
};

enum qr_dxf_kind qr_dxf_kind_of(int code)
{
    size_t low = 0;
    size_t high = sizeof kinds / sizeof kinds[0];

    while (low < high) {
        size_t middle = (low + high) / 2;
        if (code > kinds[middle].to)
            low = middle + 1;
        else if (code < kinds[middle].from)
            high = middle;
        else
            return kinds[middle].kind;
    }
    return QR_DXF_STRING;
}

static bool is_blank(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

size_t qr_dxf_trim(const char *text, size_t len, const char **ret)
{
    while (len > 0 && is_blank(text[0])) {
        text++;
        len--;
    }
    while (len > 0 && is_blank(text[len - 1]))
        len--;
    *ret = text;
    return len;
}

/* The rare forms: many digits, large exponents, blanks inside. */
static double slow_real(const char *text, size_t len, bool *ret_ok)
{
    char copy[400]; /* 1e308 written out, and more */
    size_t n = 0;

    for (size_t i = 0; i < len && n < sizeof copy - 1; i++)
        if (text[i] != ' ')
            copy[n++] = text[i] == ',' ? '.' : text[i] == 'd' || text[i] == 'D' ? 'e' : text[i];
    copy[n] = '\0';
    char *end;
    /* neither "inf" nor "nan" nor hexadecimal, which no DXF writer means */
    size_t sign = copy[0] == '-' || copy[0] == '+';
    bool digit = isdigit((unsigned char)copy[sign]) || copy[sign] == '.';
    if (!digit || copy[sign + 1] == 'x' || copy[sign + 1] == 'X') {
        *ret_ok = false;
        return 0;
    }
    double value = strtod(copy, &end);
    *ret_ok = end != copy && isfinite(value);
    return *ret_ok ? value : 0;
}

static double parse_real(const char *text, size_t len, bool *ret_ok)
{
    static const double powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                    1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                    1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    const char *at;
    uint64_t digits = 0;
    int scale = 0;
    size_t n_digits = 0;

    len = qr_dxf_trim(text, len, &at);
    const char *end = at + len;
    const char *from = at;
    bool negative = at < end && *at == '-';
    if (at < end && (*at == '-' || *at == '+'))
        at++;
    bool point = false;
    for (; at < end; at++) {
        if (*at >= '0' && *at <= '9') {
            digits = digits * 10 + (uint64_t)(*at - '0');
            scale += point;
            if (++n_digits > 18)
                return slow_real(from, len, ret_ok);
        } else if ((*at == '.' || *at == ',') && !point) {
            point = true;
        } else {
            break;
        }
    }
    /* both factors are exact, so their quotient is the nearest double (Clinger 1990) */
    bool exponent =
        at < end && (*at == 'e' || *at == 'E' || *at == 'd' || *at == 'D' || *at == ' ');
    if (exponent || n_digits == 0 || digits > (UINT64_C(1) << 53))
        return slow_real(from, len, ret_ok);
    *ret_ok = true;
    double value = (double)digits / powers[scale];
    return negative ? -value : value;
}

double qr_dxf_real(const struct qr_dxf_tag *tag, bool *ret_ok)
{
    bool ok;
    double value;

    if (!tag->text) {
        ok = isfinite(tag->real);
        value = ok ? tag->real : 0;
    } else {
        value = parse_real(tag->text, tag->len, &ok);
    }
    if (ret_ok)
        *ret_ok = ok;
    return value;
}

int64_t qr_dxf_int(const struct qr_dxf_tag *tag, bool *ret_ok)
{
    const char *at;
    bool ok = true;
    int64_t value = 0;

    if (!tag->text) {
        if (ret_ok)
            *ret_ok = true;
        return tag->integer;
    }
    size_t len = qr_dxf_trim(tag->text, tag->len, &at);
    size_t i = len > 0 && (at[0] == '-' || at[0] == '+');
    size_t first = i;
    for (; i < len && at[i] >= '0' && at[i] <= '9' && i - first < 18; i++)
        value = value * 10 + (at[i] - '0');
    ok = i > first;
    if (ok && at[0] == '-')
        value = -value;
    if (!ok ||
        (i < len && (at[i] == '.' || (at[i] | 0x20) == 'e' || isdigit((unsigned char)at[i])))) {
        double real = parse_real(at, len, &ok); /* "1.0" or "1e3" for 1 or 1000 */
        ok = ok && fabs(real) < 9e18;
        value = ok ? (int64_t)real : 0;
    }
    if (ret_ok)
        *ret_ok = ok;
    return value;
}

uint64_t qr_dxf_handle(const struct qr_dxf_tag *tag)
{
    const char *at;
    uint64_t value = 0;

    if (!tag->text)
        return (uint64_t)tag->integer;
    size_t len = qr_dxf_trim(tag->text, tag->len, &at);
    if (len == 0 || len > 16)
        return 0;
    for (size_t i = 0; i < len; i++) {
        int c = (unsigned char)at[i];
        if (!isxdigit(c))
            return 0;
        value = value << 4 | (uint64_t)(isdigit(c) ? c - '0' : (c | 0x20) - 'a' + 10);
    }
    return value;
}

static bool says(const char *text, size_t len, const char *word)
{
    size_t n = strlen(word);
    return len == n && strncasecmp(text, word, n) == 0;
}

bool qr_dxf_tag_is(const struct qr_dxf_tag *tag, const char *word)
{
    const char *at;

    if (!tag->text)
        return false;
    size_t len = qr_dxf_trim(tag->text, tag->len, &at);
    return says(at, len, word);
}

bool qr_dxf_type_is(const struct qr_dxf_entity *entity, const char *type)
{
    return says(entity->type, entity->type_len, type);
}

size_t qr_dxf_xdata_at(const struct qr_dxf_entity *entity)
{
    for (size_t i = 0; i < entity->n; i++)
        if (entity->tags[i].code >= XDATA_FROM)
            return i;
    return entity->n;
}

const struct qr_dxf_tag *qr_dxf_find(const struct qr_dxf_entity *entity, int code)
{
    bool group = false;

    for (size_t i = 0; i < entity->n; i++) {
        const struct qr_dxf_tag *tag = &entity->tags[i];
        if (tag->code == EMBEDDED || tag->code >= XDATA_FROM)
            return NULL;
        if (tag->code == 102 && tag->text)
            group = tag->len > 0 && memchr(tag->text, '{', tag->len) != NULL;
        else if (tag->code == 100)
            group = false; /* a group that was never closed */
        if (tag->code == code && !(group && code != 102))
            return tag;
    }
    return NULL;
}

double qr_dxf_find_real(const struct qr_dxf_entity *entity, int code, double otherwise)
{
    const struct qr_dxf_tag *tag = qr_dxf_find(entity, code);
    bool ok = false;
    double value = tag ? qr_dxf_real(tag, &ok) : 0;

    return ok ? value : otherwise;
}

int64_t qr_dxf_find_int(const struct qr_dxf_entity *entity, int code, int64_t otherwise)
{
    const struct qr_dxf_tag *tag = qr_dxf_find(entity, code);
    bool ok = false;
    int64_t value = tag ? qr_dxf_int(tag, &ok) : 0;

    return ok ? value : otherwise;
}

bool qr_dxf_find_point(const struct qr_dxf_entity *entity, int code, double ret[3])
{
    for (int i = 0; i < 3; i++)
        ret[i] = qr_dxf_find_real(entity, code + 10 * i, 0);
    return qr_dxf_find(entity, code) != NULL;
}

const struct qr_dxf_tag *qr_dxf_xdata(const struct qr_dxf_entity *entity, const char *app,
                                      size_t *ret_n)
{
    size_t at = qr_dxf_xdata_at(entity);

    *ret_n = 0;
    if (!app) {
        *ret_n = entity->n - at;
        return at < entity->n ? &entity->tags[at] : NULL;
    }
    for (; at < entity->n; at++) {
        if (entity->tags[at].code != 1001 || !qr_dxf_tag_is(&entity->tags[at], app))
            continue;
        size_t end = at + 1;
        while (end < entity->n && entity->tags[end].code != 1001)
            end++;
        *ret_n = end - at - 1;
        return &entity->tags[at + 1];
    }
    return NULL;
}

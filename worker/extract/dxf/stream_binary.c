/* The binary form of a DXF file. */
#include "worker/extract/dxf/stream.h"

#include <string.h>

static uint64_t little(const char *at, size_t n)
{
    uint64_t value = 0;

    for (size_t i = 0; i < n; i++)
        value |= (uint64_t)(uint8_t)at[i] << (8 * i);
    return value;
}

/* The code at `at`; returns its bytes, 0 when the file ends. */
static size_t read_code(const struct qr_dxf_stream *s, size_t at, int *ret)
{
    size_t left = s->len - at;

    if (left < s->code_bytes)
        return 0;
    if (s->code_bytes == 2) {
        *ret = (int16_t)little(s->data + at, 2);
        return 2;
    }
    *ret = (uint8_t)s->data[at];
    if (*ret != 255)
        return 1;
    if (left < 3)
        return 0;
    *ret = (int16_t)little(s->data + at + 1, 2);
    return 3;
}

static void set_integer(struct qr_dxf_tag *tag, int64_t value)
{
    tag->text = NULL;
    tag->len = 0;
    tag->integer = value;
    tag->real = (double)value;
}

static void set_real(struct qr_dxf_tag *tag, uint64_t bits)
{
    double value;

    memcpy(&value, &bits, sizeof value);
    tag->text = NULL;
    tag->len = 0;
    tag->real = value;
    tag->integer = value > -9e18 && value < 9e18 ? (int64_t)value : 0;
}

/* The value at `at`; returns its bytes, 0 when the file ends within it. */
static size_t read_value(const struct qr_dxf_stream *s, size_t at, struct qr_dxf_tag *tag)
{
    const char *from = s->data + at;
    size_t left = s->len - at;
    const char *nul;
    size_t n;

    switch (qr_dxf_kind_of(tag->code)) {
    case QR_DXF_REAL:
        if (left < 8)
            return 0;
        set_real(tag, little(from, 8));
        return 8;
    case QR_DXF_INT16:
        if (left < 2)
            return 0;
        set_integer(tag, (int16_t)little(from, 2));
        return 2;
    case QR_DXF_INT32:
        if (left < 4)
            return 0;
        set_integer(tag, (int32_t)little(from, 4));
        return 4;
    case QR_DXF_INT64:
        if (left < 8)
            return 0;
        set_integer(tag, (int64_t)little(from, 8));
        return 8;
    case QR_DXF_BOOL:
        if (left < 1)
            return 0;
        set_integer(tag, (uint8_t)from[0]);
        return 1;
    case QR_DXF_BYTES:
        n = left > 0 ? (uint8_t)from[0] : 0;
        if (left < n + 1)
            return 0;
        tag->text = from + 1;
        tag->len = n;
        return n + 1;
    default:
        nul = memchr(from, '\0', left);
        if (!nul)
            return 0;
        tag->text = from;
        tag->len = (size_t)(nul - from);
        return tag->len + 1;
    }
}

static bool is_code(int code)
{
    return (code >= -5 && code <= 481) || (code >= 999 && code <= 1071);
}

/* Lost: go on at what looks like the next 0 group, a type in capitals. */
static bool find_again(struct qr_dxf_stream *s, size_t at)
{
    size_t zeros = s->code_bytes;

    if (s->bad_codes++ == 0)
        s->bad_at = at;
    for (size_t i = at + 1; i + zeros + 4 < s->len; i++) {
        const char *nul = memchr(s->data + i, '\0', s->len - i);
        if (!nul)
            break;
        i = (size_t)(nul - s->data);
        size_t from = i + zeros;
        size_t n = 0;
        if (from >= s->len || (zeros == 2 && s->data[i + 1] != '\0'))
            continue;
        while (n < 40 && from + n < s->len &&
               ((s->data[from + n] >= 'A' && s->data[from + n] <= 'Z') ||
                s->data[from + n] == '_' ||
                (n > 0 && s->data[from + n] >= '0' && s->data[from + n] <= '9')))
            n++;
        if (n >= 3 && from + n < s->len && s->data[from + n] == '\0') {
            s->lost_bytes += i - at;
            s->at = i;
            return true;
        }
    }
    s->lost_bytes += s->len - at;
    s->at = s->len;
    return false;
}

bool qr_dxf_binary_next(struct qr_dxf_stream *s, struct qr_dxf_tag *tag)
{
    while (s->at < s->len) {
        size_t at = s->at;
        int code;
        size_t width = read_code(s, at, &code);
        if (width == 0) {
            s->cut = true;
            break;
        }
        if (!is_code(code)) {
            if (!find_again(s, at))
                break;
            continue;
        }
        tag->code = code;
        size_t n = read_value(s, at + width, tag);
        if (n == 0) {
            s->cut = true;
            break;
        }
        s->tag_at = at;
        s->at = at + width + n;
        if (code == 999) {
            s->comments++;
            continue;
        }
        return true;
    }
    s->at = s->len;
    s->tag_at = s->len;
    return false;
}

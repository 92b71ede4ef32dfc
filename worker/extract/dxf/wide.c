#include "worker/extract/dxf/wide.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/record/record.h"

#define WIDE_MAX ((size_t)64 * 1024 * 1024)

bool qr_dxf_is_wide(const void *data, size_t len)
{
    return len >= 4 && (memcmp(data, "\xFF\xFE", 2) == 0 || memcmp(data, "\xFE\xFF", 2) == 0);
}

static uint32_t unit(const uint8_t *at, bool big)
{
    return big ? (uint32_t)at[0] << 8 | at[1] : (uint32_t)at[1] << 8 | at[0];
}

char *qr_dxf_narrow(struct qr_record *rec, const void *data, size_t len, size_t *ret_len)
{
    const uint8_t *from = data;
    bool big = from[0] == 0xFE;

    if (len > WIDE_MAX) {
        qr_record_fail(rec, QR_CLASS_UNSUPPORTED,
                       "a drawing in UTF-16 of %zu bytes; up to %zu are read; hint: save it as "
                       "UTF-8",
                       len, WIDE_MAX);
        return NULL;
    }
    char *out = malloc(len / 2 * 3 + 1);
    if (!out) {
        qr_record_fail(rec, QR_CLASS_RESOURCE, "no memory for a drawing in UTF-16");
        return NULL;
    }
    size_t n = 0;
    for (size_t at = 2; len - at >= 2; at += 2) {
        uint32_t cp = unit(from + at, big);
        if (cp >= 0xD800 && cp <= 0xDBFF && len - at >= 4) {
            uint32_t low = unit(from + at + 2, big);
            if (low >= 0xDC00 && low <= 0xDFFF) {
                cp = 0x10000 + ((cp - 0xD800) << 10) + (low - 0xDC00);
                at += 2;
            }
        }
        n += qr_utf8_put(cp, out + n);
    }
    *ret_len = n;
    qr_record_note(rec, "dxf.encoding.utf16", "the drawing is in UTF-16%s", big ? "BE" : "LE");
    return out;
}

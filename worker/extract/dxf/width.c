#include "worker/extract/dxf/width.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "common/record/utf8.h"

#define SLACK 1.1 /* the widths are estimates */
#define ROWS_MAX 1000

static double advance(uint32_t cp)
{
    if (cp < 0x80 && strchr("ijl'|", (int)cp))
        return 0.32;
    if (cp < 0x80 && strchr(" Ift.,:;!/\\[]()-", (int)cp))
        return 0.41;
    if (cp < 0x80 && strchr("mMW%@", (int)cp))
        return 1.2;
    if (cp >= 'A' && cp <= 'Z')
        return 0.93;
    if (cp >= 'a' && cp <= 'z')
        return 0.74;
    if (cp < 0x300)
        return 0.78; /* digits, signs, letters with accents */
    if (cp < 0x370)
        return 0; /* combining */
    /* Hangul Jamo, then CJK to Hangul syllables, full-width forms, the further ideographs */
    bool square = (cp >= 0x1100 && cp < 0x1160) || (cp >= 0x2E80 && cp < 0xD7A4) ||
                  (cp >= 0xF900 && cp < 0xFB00) || (cp >= 0xFF00 && cp < 0xFF61) ||
                  (cp >= 0x20000 && cp < 0x40000);
    return square ? 1.4 : 0.85;
}

double qr_dxf_line_width(const char *line, size_t len)
{
    double width = 0;

    for (size_t at = 0; at < len;) {
        uint32_t cp;
        bool valid;
        at += qr_utf8_next((const uint8_t *)line + at, len - at, &cp, &valid);
        width += advance(cp);
    }
    return width;
}

double qr_dxf_text_width(const char *text, size_t len, size_t *ret_lines)
{
    double longest = 0;
    size_t lines = 0;

    for (size_t at = 0; at <= len; lines++) {
        const char *stop = at < len ? memchr(text + at, '\n', len - at) : NULL;
        size_t end = stop ? (size_t)(stop - text) : len;
        double width = qr_dxf_line_width(text + at, end - at);
        longest = width > longest ? width : longest;
        at = end + 1;
    }
    if (ret_lines)
        *ret_lines = lines;
    return longest;
}

size_t qr_dxf_line_rows(double width, double frame)
{
    if (!(frame > 0) || width <= frame * SLACK)
        return 1;
    double rows = ceil(width / frame);
    return rows < ROWS_MAX ? (size_t)rows : ROWS_MAX;
}

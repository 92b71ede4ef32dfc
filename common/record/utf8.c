#include "common/record/utf8.h"

#include <string.h>

size_t qr_utf8_next(const uint8_t *text, size_t len, uint32_t *ret_cp, bool *ret_valid)
{
    uint8_t lead = text[0];
    uint8_t low = 0x80; /* bounds of the second byte */
    uint8_t high = 0xBF;
    size_t need;
    uint32_t cp;

    *ret_valid = true;
    if (lead < 0x80) {
        *ret_cp = lead;
        return 1;
    }
    *ret_cp = QR_UTF8_REPLACEMENT;
    *ret_valid = false;
    if (lead >= 0xC2 && lead <= 0xDF) {
        need = 2;
        cp = lead & 0x1Fu;
    } else if (lead >= 0xE0 && lead <= 0xEF) {
        need = 3;
        cp = lead & 0x0Fu;
        low = lead == 0xE0 ? 0xA0 : 0x80;
        high = lead == 0xED ? 0x9F : 0xBF;
    } else if (lead >= 0xF0 && lead <= 0xF4) {
        need = 4;
        cp = lead & 0x07u;
        low = lead == 0xF0 ? 0x90 : 0x80;
        high = lead == 0xF4 ? 0x8F : 0xBF;
    } else {
        return 1;
    }
    for (size_t i = 1; i < need; i++) {
        if (i >= len || text[i] < low || text[i] > high)
            return i;
        cp = cp << 6 | (text[i] & 0x3Fu);
        low = 0x80;
        high = 0xBF;
    }
    *ret_cp = cp;
    *ret_valid = true;
    return need;
}

size_t qr_utf8_put(uint32_t cp, char out[4])
{
    if (cp > 0x10FFFF || (cp >= 0xD800 && cp <= 0xDFFF))
        cp = QR_UTF8_REPLACEMENT;
    if (cp < 0x80) {
        out[0] = (char)cp;
        return 1;
    }
    if (cp < 0x800) {
        out[0] = (char)(0xC0 | cp >> 6);
        out[1] = (char)(0x80 | (cp & 0x3F));
        return 2;
    }
    if (cp < 0x10000) {
        out[0] = (char)(0xE0 | cp >> 12);
        out[1] = (char)(0x80 | (cp >> 6 & 0x3F));
        out[2] = (char)(0x80 | (cp & 0x3F));
        return 3;
    }
    out[0] = (char)(0xF0 | cp >> 18);
    out[1] = (char)(0x80 | (cp >> 12 & 0x3F));
    out[2] = (char)(0x80 | (cp >> 6 & 0x3F));
    out[3] = (char)(0x80 | (cp & 0x3F));
    return 4;
}

/* Length of the run of bytes 0x01 .. 0x7F at the front, eight at a time. */
static size_t ascii_run(const uint8_t *text, size_t len)
{
    size_t i = 0;

    for (; i + 8 <= len; i += 8) {
        uint64_t word;
        memcpy(&word, text + i, 8);
        /* a byte is NUL exactly if subtracting 1 borrows into its top bit */
        if ((word | (word - 0x0101010101010101u)) & 0x8080808080808080u)
            break;
    }
    while (i < len && text[i] != 0 && text[i] < 0x80)
        i++;
    return i;
}

bool qr_utf8_is_clean(const void *text, size_t len)
{
    const uint8_t *at = text;

    for (size_t i = 0; i < len;) {
        uint32_t cp;
        bool valid;
        size_t run = ascii_run(at + i, len - i);
        i += run;
        if (i == len)
            break;
        i += qr_utf8_next(at + i, len - i, &cp, &valid);
        if (!valid || cp == 0)
            return false;
    }
    return true;
}

size_t qr_utf8_clean(const void *text, size_t len, char *out, struct qr_utf8_stats *stats)
{
    const uint8_t *at = text;
    size_t n = 0;

    for (size_t i = 0; i < len;) {
        uint32_t cp;
        bool valid;
        size_t run = ascii_run(at + i, len - i);
        if (run > 0) {
            memcpy(out + n, at + i, run);
            n += run;
            i += run;
            stats->chars += run;
            continue;
        }
        i += qr_utf8_next(at + i, len - i, &cp, &valid);
        if (valid && cp == 0) {
            stats->nuls++;
            continue;
        }
        stats->replaced += !valid;
        stats->chars++;
        n += qr_utf8_put(cp, out + n);
    }
    out[n] = '\0';
    return n;
}

size_t qr_utf8_count(const char *text, size_t len)
{
    size_t chars = 0;

    for (size_t i = 0; i < len; i++)
        chars += ((unsigned char)text[i] & 0xC0) != 0x80;
    return chars;
}

size_t qr_utf8_cut(const char *text, size_t len, size_t max)
{
    if (len <= max)
        return len;
    while (max > 0 && ((unsigned char)text[max] & 0xC0) == 0x80)
        max--;
    return max;
}

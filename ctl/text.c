#include "ctl/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "common/base.h"

/* ------------------------------------------------------------------ UTF-8 and columns */

uint32_t qr_text_decode(const char *text, size_t len, size_t *ret_bytes)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    unsigned char lead = (unsigned char)text[0];
    size_t need = lead < 0x80 ? 1 : lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC0 ? 2 : 0;
    uint32_t ch = need == 1 ? lead : (uint32_t)lead & (0x7FU >> need);

    *ret_bytes = 1;
    if (need == 0 || need > len || lead > 0xF4)
        return 0xFFFD;
    for (size_t i = 1; i < need; i++) {
        unsigned char next = (unsigned char)text[i];
        if ((next & 0xC0) != 0x80)
            return 0xFFFD;
        ch = (ch << 6) | (next & 0x3F);
    }
    if (need > 1 && (ch < least[need] || ch > 0x10FFFF || (ch >= 0xD800 && ch <= 0xDFFF)))
        return 0xFFFD;
    *ret_bytes = need;
    return ch;
}

struct range {
    uint32_t first, last;
};

/* Blocks of combining marks and invisible characters (Unicode 15, general categories Mn, Me, Cf),
 * and of East Asian Wide characters (EastAsianWidth.txt), by block: exact enough for columns. */
static const struct range zero_width[] = {
    {0x0300, 0x036F}, {0x0483, 0x0489},   {0x0591, 0x05BD}, {0x0610, 0x061A}, {0x064B, 0x065F},
    {0x06D6, 0x06DC}, {0x0900, 0x0902},   {0x0E31, 0x0E31}, {0x0E34, 0x0E3A}, {0x0E47, 0x0E4E},
    {0x1AB0, 0x1AFF}, {0x1DC0, 0x1DFF},   {0x200B, 0x200F}, {0x202A, 0x202E}, {0x2060, 0x2064},
    {0x20D0, 0x20FF}, {0x302A, 0x302D},   {0x3099, 0x309A}, {0xFE00, 0xFE0F}, {0xFE20, 0xFE2F},
    {0xFEFF, 0xFEFF}, {0xE0100, 0xE01EF},
};
static const struct range double_width[] = {
    {0x1100, 0x115F},   {0x231A, 0x231B},   {0x2E80, 0x303E},   {0x3041, 0x33FF},
    {0x3400, 0x4DBF},   {0x4E00, 0x9FFF},   {0xA000, 0xA4CF},   {0xA960, 0xA97F},
    {0xAC00, 0xD7A3},   {0xF900, 0xFAFF},   {0xFE30, 0xFE6F},   {0xFF00, 0xFF60},
    {0xFFE0, 0xFFE6},   {0x1F300, 0x1F64F}, {0x1F680, 0x1F6FF}, {0x1F900, 0x1F9FF},
    {0x1FA70, 0x1FAFF}, {0x20000, 0x3FFFD},
};

static bool in_ranges(uint32_t ch, const struct range *ranges, size_t n)
{
    for (size_t i = 0; i < n && ch >= ranges[i].first; i++)
        if (ch <= ranges[i].last)
            return true;
    return false;
}

int qr_text_char_width(uint32_t ch)
{
    if (ch < 0x300)
        return 1;
    if (in_ranges(ch, zero_width, QR_COUNT(zero_width)))
        return 0;
    return in_ranges(ch, double_width, QR_COUNT(double_width)) ? 2 : 1;
}

size_t qr_text_width(const char *text)
{
    size_t left = strlen(text);
    size_t columns = 0;

    while (left > 0) {
        size_t bytes;
        columns += (size_t)qr_text_char_width(qr_text_decode(text, left, &bytes));
        text += bytes;
        left -= bytes;
    }
    return columns;
}

/* Characters that steer a terminal or the reading direction; they are shown as '?'. */
static bool is_control(uint32_t ch)
{
    return ch < 0x20 || (ch >= 0x7F && ch < 0xA0) || ch == 0x2028 || ch == 0x2029 ||
           (ch >= 0x202A && ch <= 0x202E) || (ch >= 0x2066 && ch <= 0x2069);
}

/* Copies characters until `columns` or `cap` is used up. */
static size_t copy_columns(const char *text, size_t len, size_t columns, char *buf, size_t cap)
{
    size_t used = 0;
    size_t at = 0;

    while (len > 0) {
        size_t bytes;
        uint32_t ch = qr_text_decode(text, len, &bytes);
        const char *shown = text;
        size_t shown_bytes = bytes;
        size_t width = 1;
        if (is_control(ch)) {
            shown = "?";
            shown_bytes = 1;
        } else if (ch == 0xFFFD) {
            shown = "\xEF\xBF\xBD";
            shown_bytes = 3;
        } else {
            width = (size_t)qr_text_char_width(ch);
        }
        if (used + width > columns || at + shown_bytes + 1 > cap)
            break;
        memcpy(buf + at, shown, shown_bytes);
        at += shown_bytes;
        used += width;
        text += bytes;
        len -= bytes;
    }
    buf[at] = '\0';
    return used;
}

size_t qr_text_fit(const char *text, size_t columns, bool keep_end, const char *ellipsis, char *buf,
                   size_t cap)
{
    size_t whole = qr_text_width(text);
    size_t mark = qr_text_width(ellipsis);
    size_t len = strlen(text);

    if (cap == 0)
        return 0;
    if (whole <= columns)
        return copy_columns(text, len, columns, buf, cap);
    if (columns <= mark) /* no room for any of the text */
        return copy_columns(ellipsis, strlen(ellipsis), columns, buf, cap);
    if (!keep_end) {
        size_t used = copy_columns(text, len, columns - mark, buf, cap);
        size_t at = strlen(buf);
        return used + copy_columns(ellipsis, strlen(ellipsis), mark, buf + at, cap - at);
    }
    size_t skip = whole - (columns - mark); /* columns to drop in front */
    while (len > 0 && skip > 0) {
        size_t bytes;
        size_t width = (size_t)qr_text_char_width(qr_text_decode(text, len, &bytes));
        skip = width < skip ? skip - width : 0;
        text += bytes;
        len -= bytes;
    }
    size_t used = copy_columns(ellipsis, strlen(ellipsis), mark, buf, cap);
    size_t at = strlen(buf);
    return used + copy_columns(text, len, columns - mark, buf + at, cap - at);
}

/* ------------------------------------------------------------------ times and sizes */

const char *qr_text_time(int64_t wall_ms, char *buf, size_t cap)
{
    time_t seconds = (time_t)(wall_ms / 1000);
    struct tm local;

    if (wall_ms == 0 || !localtime_r(&seconds, &local) ||
        strftime(buf, cap, "%Y-%m-%d %H:%M:%S", &local) == 0)
        snprintf(buf, cap, "-");
    return buf;
}

const char *qr_text_ago(int64_t now_ms, int64_t then_ms, char *buf, size_t cap)
{
    int64_t s = (now_ms - then_ms) / 1000;
    char whole[32];

    if (then_ms == 0)
        snprintf(buf, cap, "-");
    else if (s < 2) /* clocks of two machines differ a little: never "in the future" */
        snprintf(buf, cap, "just now");
    else if (s < 60)
        snprintf(buf, cap, "%" PRId64 " s ago", s);
    else if (s < 3600)
        snprintf(buf, cap, "%" PRId64 " min ago", s / 60);
    else if (s < 86400)
        snprintf(buf, cap, "%" PRId64 " h ago", s / 3600);
    else if (s < (int64_t)30 * 86400)
        snprintf(buf, cap, "%" PRId64 " d ago", s / 86400);
    else
        snprintf(buf, cap, "%.10s",
                 qr_text_time(then_ms, whole, sizeof whole)); /* the date alone */
    return buf;
}

const char *qr_text_duration(int64_t ms, char *buf, size_t cap)
{
    int64_t s = ms / 1000;

    if (ms < 0)
        snprintf(buf, cap, "-");
    else if (ms < 1000)
        snprintf(buf, cap, "%" PRId64 " ms", ms);
    else if (ms < 60000)
        snprintf(buf, cap, "%" PRId64 ".%" PRId64 " s", s, ms % 1000 / 100);
    else if (s < 3600)
        snprintf(buf, cap, "%" PRId64 " min %" PRId64 " s", s / 60, s % 60);
    else if (s < 86400)
        snprintf(buf, cap, "%" PRId64 " h %" PRId64 " min", s / 3600, s % 3600 / 60);
    else
        snprintf(buf, cap, "%" PRId64 " d %" PRId64 " h", s / 86400, s % 86400 / 3600);
    return buf;
}

const char *qr_text_clock(int64_t ms, char *buf, size_t cap)
{
    int64_t s =
        ms < 0 ? 0 : (ms + 999) / 1000; /* rounded up: 0:00 only when there is nothing left */

    if (s >= (int64_t)100 * 3600)
        snprintf(buf, cap, "%" PRId64 " d", s / 86400);
    else if (s >= 3600)
        snprintf(buf, cap, "%" PRId64 ":%02" PRId64 ":%02" PRId64, s / 3600, s % 3600 / 60, s % 60);
    else
        snprintf(buf, cap, "%" PRId64 ":%02" PRId64, s / 60, s % 60);
    return buf;
}

const char *qr_text_size(uint64_t bytes, char *buf, size_t cap)
{
    static const char *const units[] = {"kB", "MB", "GB", "TB", "PB", "EB"};
    double value = (double)bytes;
    size_t unit = 0;

    if (bytes < 1000) {
        snprintf(buf, cap, "%" PRIu64 " B", bytes);
        return buf;
    }
    for (value /= 1000; value >= 999.95 && unit + 1 < QR_COUNT(units); value /= 1000)
        unit++;
    snprintf(buf, cap, "%.1f %s", value, units[unit]);
    return buf;
}

const char *qr_text_count(uint64_t n, char *buf, size_t cap)
{
    char digits[24];
    size_t len = (size_t)snprintf(digits, sizeof digits, "%" PRIu64, n);
    size_t at = 0;

    for (size_t i = 0; i < len && at + 2 < cap; i++) {
        if (i > 0 && (len - i) % 3 == 0)
            buf[at++] = ',';
        buf[at++] = digits[i];
    }
    if (cap > 0)
        buf[at] = '\0';
    return buf;
}

const char *qr_text_rate(double per_s, char *buf, size_t cap)
{
    if (!(per_s >= 0) || per_s > 1e15)
        snprintf(buf, cap, "-");
    else if (per_s < 9.995)
        snprintf(buf, cap, "%.2f", per_s);
    else if (per_s < 99.95)
        snprintf(buf, cap, "%.1f", per_s);
    else
        qr_text_count((uint64_t)(per_s + 0.5), buf, cap);
    return buf;
}

/* ------------------------------------------------------------------ words */

enum { WORD_MAX = 64 };

static size_t min2(size_t a, size_t b) { return a < b ? a : b; }

size_t qr_text_distance(const char *a, const char *b)
{
    size_t rows[3][WORD_MAX + 1]; /* two rows back, one row back, this row */
    size_t la = strlen(a);
    size_t lb = strlen(b);

    if (la > WORD_MAX || lb > WORD_MAX)
        return SIZE_MAX;
    for (size_t j = 0; j <= lb; j++)
        rows[1][j] = j;
    for (size_t i = 1; i <= la; i++) {
        rows[2][0] = i;
        for (size_t j = 1; j <= lb; j++) {
            size_t best = min2(rows[1][j] + 1, rows[2][j - 1] + 1);
            best = min2(best, rows[1][j - 1] + (a[i - 1] != b[j - 1]));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                best = min2(best, rows[0][j - 2] + 1);
            rows[2][j] = best;
        }
        memcpy(rows[0], rows[1], sizeof rows[0]);
        memcpy(rows[1], rows[2], sizeof rows[1]);
    }
    return rows[1][lb];
}

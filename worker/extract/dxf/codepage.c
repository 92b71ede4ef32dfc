#include "worker/extract/dxf/codepage.h"

#include <ctype.h>
#include <errno.h>
#include <iconv.h>
#include <stdlib.h>
#include <string.h>

#include "common/record/utf8.h"
#include "worker/extract/dxf/codepage_tables.h"

#define UTF8_NUMBER 65001
#define DEFAULT_NUMBER 1252

/* Source: Microsoft's code page identifiers; names as GNU iconv has them. */
static const struct {
    int number;
    const char *name;
    const char *converter;
} doubles[] = {
    {932, "cp932", "CP932"}, {936, "gbk", "GBK"},      {949, "cp949", "UHC"},
    {950, "cp950", "BIG5"},  {1361, "johab", "JOHAB"},
};

struct qr_dxf_codepages {
    iconv_t converters[QR_COUNT(doubles)];
};

/* What the names mean that do not end in their number. */
static const struct {
    const char *name;
    int number;
} words[] = {
    {"ascii", DEFAULT_NUMBER},
    {"undefined", DEFAULT_NUMBER},
    {"macroman", 10000},
    {"big5", 950},
    {"ksc5601", 949},
    {"johab", 1361},
    {"gb2312", 936},
    {"gbk", 936},
    {"utf8", UTF8_NUMBER},
    {"shiftjis", 932},
    {"sjis", 932},
};

struct qr_dxf_codepages *qr_dxf_codepages_new(void)
{
    struct qr_dxf_codepages *pages = malloc(sizeof *pages);

    for (size_t i = 0; pages && i < QR_COUNT(doubles); i++)
        pages->converters[i] = iconv_open("UTF-8", doubles[i].converter);
    return pages;
}

void qr_dxf_codepages_free(struct qr_dxf_codepages *pages)
{
    for (size_t i = 0; pages && i < QR_COUNT(doubles); i++) {
        if (pages->converters[i] == (iconv_t)-1) /* NOLINT: what iconv_open() returns */
            continue;
        iconv_close(pages->converters[i]);
    }
    free(pages);
}

static bool single(int number, struct qr_dxf_codepage *ret)
{
    const struct qr_dxf_table *table = qr_dxf_tables;

    while (table->name && table->number != number)
        table++;
    if (!table->name)
        return false;
    memset(ret, 0, sizeof *ret);
    ret->name = table->name;
    ret->number = number;
    const uint8_t *at = (const uint8_t *)table->high;
    size_t left = strlen(table->high);
    for (size_t i = 0; i < QR_COUNT(ret->high); i++) {
        uint32_t cp = QR_UTF8_REPLACEMENT;
        bool valid;
        size_t n = left > 0 ? qr_utf8_next(at, left, &cp, &valid) : 0;
        ret->high[i] = (uint16_t)(cp == '?' ? QR_UTF8_REPLACEMENT : cp);
        at += n;
        left -= n;
    }
    return true;
}

bool qr_dxf_codepage_numbered(struct qr_dxf_codepages *pages, int number,
                              struct qr_dxf_codepage *ret)
{
    for (size_t i = 0; i < QR_COUNT(doubles); i++) {
        if (doubles[i].number != number)
            continue;
        memset(ret, 0, sizeof *ret);
        ret->name = doubles[i].name;
        ret->number = number;
        ret->wide = true;
        if (pages && pages->converters[i] != (iconv_t)-1) /* NOLINT */
            ret->converter = pages->converters[i];
        return true;
    }
    return false;
}

void qr_dxf_codepage_utf8(struct qr_dxf_codepage *ret)
{
    memset(ret, 0, sizeof *ret);
    ret->name = "utf-8";
    ret->number = UTF8_NUMBER;
    ret->utf8 = true;
}

static bool by_number(struct qr_dxf_codepages *pages, int number, struct qr_dxf_codepage *ret)
{
    if (number == UTF8_NUMBER) {
        qr_dxf_codepage_utf8(ret);
        return true;
    }
    return single(number, ret) || qr_dxf_codepage_numbered(pages, number, ret);
}

bool qr_dxf_codepage_named(struct qr_dxf_codepages *pages, const char *name, size_t len,
                           struct qr_dxf_codepage *ret)
{
    char plain[24];
    size_t n = 0;

    for (size_t i = 0; i < len && n < sizeof plain - 1; i++)
        if (isalnum((unsigned char)name[i]))
            plain[n++] = (char)tolower((unsigned char)name[i]);
    plain[n] = '\0';
    for (size_t i = 0; i < QR_COUNT(words); i++)
        if (strcmp(words[i].name, plain) == 0)
            return by_number(pages, words[i].number, ret);
    int number = 0;
    if (strncmp(plain, "iso8859", 7) == 0) {
        number = 28590 + atoi(plain + 7);
    } else {
        const char *digits = plain + strcspn(plain, "0123456789");
        number = atoi(digits);
    }
    if (by_number(pages, number, ret))
        return true;
    if (!single(DEFAULT_NUMBER, ret))
        qr_dxf_codepage_utf8(ret); /* cannot be: the table is ours */
    return false;
}

static void append_cp(struct qr_buf *out, uint32_t cp)
{
    char bytes[4];
    qr_buf_append(out, bytes, qr_utf8_put(cp, bytes));
}

/* A double-byte character by the C library: two bytes, or one (half-width katakana). */
static size_t convert(struct qr_dxf_codepage *page, const char *text, size_t len,
                      struct qr_buf *out)
{
    char utf8[8];

    for (size_t take = 1; page->converter && take <= 2 && take <= len; take++) {
        char copy[2] = {text[0], take > 1 ? text[1] : '\0'};
        char *from = copy;
        char *to = utf8;
        size_t left = take;
        size_t room = sizeof utf8;
        iconv(page->converter, NULL, NULL, NULL, NULL);
        if (iconv(page->converter, &from, &left, &to, &room) == (size_t)-1 || left > 0)
            continue;
        qr_buf_append(out, utf8, sizeof utf8 - room);
        return take;
    }
    return 0;
}

size_t qr_dxf_codepage_char(struct qr_dxf_codepage *page, const char *text, size_t len,
                            struct qr_buf *out)
{
    uint32_t cp;
    bool valid;

    if (len == 0)
        return 0;
    uint8_t byte = (uint8_t)text[0];
    if (byte < 0x80) {
        qr_buf_append(out, text, 1);
        return 1;
    }
    if (page->wide)
        return convert(page, text, len, out);
    if (!page->utf8) {
        cp = page->high[byte - 0x80];
        if (cp == QR_UTF8_REPLACEMENT)
            return 0;
        append_cp(out, cp);
        return 1;
    }
    size_t n = qr_utf8_next((const uint8_t *)text, len, &cp, &valid);
    if (!valid)
        return 0;
    qr_buf_append(out, text, n);
    return n;
}

void qr_dxf_codepage_decode(struct qr_dxf_codepage *page, const char *text, size_t len,
                            struct qr_buf *out)
{
    size_t at = 0;

    while (at < len && !out->failed) {
        size_t plain = at;
        while (plain < len && (uint8_t)text[plain] < 0x80)
            plain++;
        if (plain > at && !qr_buf_append(out, text + at, plain - at))
            return;
        at = plain;
        if (at == len)
            return;
        size_t n = qr_dxf_codepage_char(page, text + at, len - at, out);
        if (n == 0) {
            page->unknown++;
            append_cp(out, QR_UTF8_REPLACEMENT);
            n = 1;
        }
        at += n;
    }
}

bool qr_dxf_is_utf8(const char *text, size_t len, bool *ret_high)
{
    size_t at = 0;

    *ret_high = false;
    while (at < len) {
        uint64_t word = 0;
        while (len - at >= sizeof word) { /* eight at a time while there is nothing to look at */
            memcpy(&word, text + at, sizeof word);
            if (word & UINT64_C(0x8080808080808080))
                break;
            at += sizeof word;
        }
        uint32_t cp;
        bool valid = true;
        if (at == len)
            break;
        if ((uint8_t)text[at] < 0x80) {
            at++;
            continue;
        }
        *ret_high = true;
        at += qr_utf8_next((const uint8_t *)text + at, len - at, &cp, &valid);
        if (!valid)
            return false;
    }
    return true;
}

#include "worker/extract/text.h"

#include <stdlib.h>
#include <string.h>

#include "worker/extract/extract.h"
#include "worker/extract/table.h"

#define BLOCK ((size_t)256 * 1024)

enum encoding { ASCII, UTF8, UTF16LE, UTF16BE, UTF32LE, UTF32BE, LATIN1, WINDOWS1252 };

static const char *const encoding_names[] = {"ascii",    "utf-8",    "utf-16le",   "utf-16be",
                                             "utf-32le", "utf-32be", "iso-8859-1", "windows-1252"};

/* Windows-1252 where it differs from ISO-8859-1; 0: not assigned.
 * Source: unicode.org/Public/MAPPINGS/VENDORS/MICSFT/WINDOWS/CP1252.TXT */
static const uint16_t windows1252[32] = {
    0x20AC, 0,      0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160,
    0x2039, 0x0152, 0,      0x017D, 0,      0,      0x2018, 0x2019, 0x201C, 0x201D, 0x2022,
    0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0,      0x017E, 0x0178,
};

/* What one pass over the bytes tells. */
struct survey {
    uint64_t high; /* bytes from 0x80 */
    uint64_t c1;   /* bytes 0x80 .. 0x9F */
    uint64_t good; /* well-formed multi-byte UTF-8 sequences */
    uint64_t bad;  /* ill-formed ones */
};

/* Decoding and counting, block by block. */
struct decoder {
    struct qr_record *rec;
    struct qr_buf *out;
    size_t max_out;
    enum encoding encoding;
    bool cut; /* max_out was reached: only counting goes on */
    bool in_word;
    bool open_line; /* characters since the last line end */
    bool after_cr;
    uint64_t chars;
    uint64_t words;
    uint64_t lines;
    uint64_t nuls;
    uint64_t replaced;
    bool blank; /* only white space so far */
};

static enum encoding by_mark(const uint8_t *head, size_t len, size_t *ret_skip)
{
    *ret_skip = 0;
    if (len >= 4 && memcmp(head, "\xFF\xFE\0\0", 4) == 0)
        return *ret_skip = 4, UTF32LE;
    if (len >= 4 && memcmp(head, "\0\0\xFE\xFF", 4) == 0)
        return *ret_skip = 4, UTF32BE;
    if (len >= 3 && memcmp(head, "\xEF\xBB\xBF", 3) == 0)
        return *ret_skip = 3, UTF8;
    if (len >= 2 && memcmp(head, "\xFF\xFE", 2) == 0)
        return *ret_skip = 2, UTF16LE;
    if (len >= 2 && memcmp(head, "\xFE\xFF", 2) == 0)
        return *ret_skip = 2, UTF16BE;
    return ASCII;
}

/* Without a mark: most characters of most texts are below U+0100, so the zero bytes of the wide
 * encodings stand at fixed places. Three quarters of the head's characters must agree. */
static enum encoding by_zeros(const uint8_t *head, size_t len)
{
    size_t zeros[4] = {0};
    size_t quads = len / 4;

    for (size_t i = 0; i < quads * 4; i++)
        zeros[i % 4] += head[i] == 0;
    size_t most = quads - quads / 4;
    size_t few = quads / 8;
    if (quads == 0)
        return ASCII;
    if (zeros[1] >= most && zeros[2] >= most && zeros[3] >= most && zeros[0] <= few)
        return UTF32LE;
    if (zeros[0] >= most && zeros[1] >= most && zeros[2] >= most && zeros[3] <= few)
        return UTF32BE;
    if (zeros[1] + zeros[3] >= 2 * most && zeros[0] + zeros[2] <= 2 * few)
        return UTF16LE;
    if (zeros[0] + zeros[2] >= 2 * most && zeros[1] + zeros[3] <= 2 * few)
        return UTF16BE;
    return ASCII;
}

static void survey_block(struct survey *survey, const uint8_t *text, size_t len)
{
    for (size_t i = 0; i < len;) {
        uint32_t cp;
        bool valid;
        if (text[i] < 0x80) {
            i++;
            continue;
        }
        size_t n = qr_utf8_next(text + i, len - i, &cp, &valid);
        survey->good += valid;
        survey->bad += !valid;
        for (size_t k = 0; k < n; k++) {
            survey->high++;
            survey->c1 += text[i + k] < 0xA0;
        }
        i += n;
    }
}

/* Bytes at the end of a block that begin a UTF-8 sequence the next block goes on with. */
static size_t open_tail(const uint8_t *text, size_t len)
{
    for (size_t back = 1; back <= 3 && back <= len; back++) {
        uint8_t byte = text[len - back];
        if (byte < 0x80)
            return 0;
        if (byte >= 0xC0) {
            size_t need = byte >= 0xF0 ? 4 : byte >= 0xE0 ? 3 : 2;
            return need > back ? back : 0;
        }
    }
    return 0;
}

/* A few broken sequences among many good ones are damage to UTF-8, not another encoding. */
static enum encoding decide(const struct survey *survey)
{
    if (survey->high == 0)
        return ASCII;
    if (survey->bad == 0 || survey->good > 10 * survey->bad)
        return UTF8;
    return survey->c1 > 0 ? WINDOWS1252 : LATIN1;
}

/* White space as Unicode has it (White_Space=yes) and the four ASCII separators. */
static bool is_space(uint32_t cp)
{
    if (cp < 0x80)
        return cp == ' ' || (cp >= 9 && cp <= 13) || (cp >= 0x1C && cp <= 0x1F);
    return cp == 0x85 || cp == 0xA0 || cp == 0x1680 || (cp >= 0x2000 && cp <= 0x200A) ||
           cp == 0x2028 || cp == 0x2029 || cp == 0x202F || cp == 0x205F || cp == 0x3000;
}

static void put(struct decoder *d, uint32_t cp)
{
    char bytes[4];
    bool space = is_space(cp);

    d->chars++;
    if (cp == '\n' || cp == '\r') {
        if (!(cp == '\n' && d->after_cr))
            d->lines++;
        d->open_line = false;
    } else {
        d->open_line = true;
    }
    d->after_cr = cp == '\r';
    if (!space && !d->in_word)
        d->words++;
    d->in_word = !space;
    if (cp == 0) {
        d->nuls++;
        return;
    }
    d->blank = d->blank && space;
    if (d->cut)
        return;
    size_t n = qr_utf8_put(cp, bytes);
    if (d->out->len + n > d->max_out || !qr_buf_append(d->out, bytes, n))
        d->cut = true;
}

static void put_broken(struct decoder *d)
{
    d->replaced++;
    put(d, QR_UTF8_REPLACEMENT);
}

static uint32_t unit16(const uint8_t *at, bool big)
{
    return big ? (uint32_t)at[0] << 8 | at[1] : (uint32_t)at[1] << 8 | at[0];
}

/* Each decodes what is whole and returns how many bytes it took; `last`: the rest is broken. */
static size_t decode16(struct decoder *d, const uint8_t *text, size_t len, bool last)
{
    bool big = d->encoding == UTF16BE;
    size_t at = 0;

    while (len - at >= 2) {
        uint32_t unit = unit16(text + at, big);
        if (unit < 0xD800 || unit > 0xDFFF) {
            put(d, unit);
            at += 2;
            continue;
        }
        if (len - at < 4 && !last)
            return at;
        uint32_t low = len - at >= 4 ? unit16(text + at + 2, big) : 0;
        if (unit <= 0xDBFF && low >= 0xDC00 && low <= 0xDFFF) {
            put(d, 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00));
            at += 4;
        } else {
            put_broken(d);
            at += 2;
        }
    }
    if (last && at < len)
        put_broken(d);
    return last ? len : at;
}

static size_t decode32(struct decoder *d, const uint8_t *text, size_t len, bool last)
{
    bool big = d->encoding == UTF32BE;
    size_t at = 0;

    for (; len - at >= 4; at += 4) {
        uint32_t high = unit16(text + at + (big ? 0 : 2), big);
        uint32_t cp = high << 16 | unit16(text + at + (big ? 2 : 0), big);
        if (cp > 0x10FFFF || (cp >= 0xD800 && cp <= 0xDFFF))
            put_broken(d);
        else
            put(d, cp);
    }
    if (last && at < len)
        put_broken(d);
    return last ? len : at;
}

static size_t decode8(struct decoder *d, const uint8_t *text, size_t len, bool last)
{
    size_t end = last ? len : len - open_tail(text, len);

    for (size_t at = 0; at < end;) {
        uint32_t cp = text[at];
        bool valid = true;
        if (cp < 0x80)
            at++;
        else
            at += qr_utf8_next(text + at, end - at, &cp, &valid);
        if (valid)
            put(d, cp);
        else
            put_broken(d);
    }
    return end;
}

static size_t decode_bytes(struct decoder *d, const uint8_t *text, size_t len)
{
    for (size_t at = 0; at < len; at++) {
        uint32_t cp = text[at];
        if (d->encoding == WINDOWS1252 && cp >= 0x80 && cp <= 0x9F && windows1252[cp - 0x80])
            cp = windows1252[cp - 0x80];
        put(d, cp);
    }
    return len;
}

static size_t decode(struct decoder *d, const uint8_t *text, size_t len, bool last)
{
    switch (d->encoding) {
    case UTF16LE:
    case UTF16BE:
        return decode16(d, text, len, last);
    case UTF32LE:
    case UTF32BE:
        return decode32(d, text, len, last);
    case LATIN1:
    case WINDOWS1252:
        return decode_bytes(d, text, len);
    case ASCII:
    case UTF8:
        break;
    }
    return decode8(d, text, len, last);
}

/* Walk the file in blocks; `step` takes what is whole and leaves the rest for the next block. */
static bool walk(const struct qr_extract *x, uint64_t from,
                 size_t (*step)(void *arg, const uint8_t *text, size_t len, bool last), void *arg)
{
    uint8_t *block = NULL;
    uint64_t at = from;

    if (x->in->data) {
        step(arg, x->in->data + from, (size_t)(x->in->size - from), true);
        return true;
    }
    block = malloc(BLOCK);
    while (block && at < x->in->size) {
        size_t n = qr_input_read(x->in, at, block, BLOCK);
        if (n == 0)
            break;
        at += step(arg, block, n, at + n >= x->in->size);
        qr_extract_report(x, (unsigned)(at * 1000 / x->in->size));
    }
    free(block);
    return at >= x->in->size;
}

static size_t survey_step(void *arg, const uint8_t *text, size_t len, bool last)
{
    size_t end = last ? len : len - open_tail(text, len);
    survey_block(arg, text, end);
    return end;
}

static size_t decode_step(void *arg, const uint8_t *text, size_t len, bool last)
{
    return decode(arg, text, len, last);
}

static void report(const struct qr_extract *x, const struct decoder *d)
{
    struct qr_record *rec = x->rec;
    char extension[16];

    qr_extension_of(x->job->name, extension);
    bool csv = strcmp(extension, "csv") == 0 || strcmp(extension, "tsv") == 0;
    bool markdown = strcmp(extension, "md") == 0 || strcmp(extension, "markdown") == 0;
    const char *form = csv ? extension : markdown ? "markdown" : "plain";
    const char *name = encoding_names[d->encoding];
    rec->msg->encoding = qr_record_string(rec, name, strlen(name));
    qr_record_add_meta(rec, "format", form, strlen(form), "name");
    qr_record_add_meta_number(rec, "lines", d->lines + d->open_line, "count");
    qr_record_add_meta_number(rec, "words", d->words, "count");
    qr_record_add_meta_number(rec, "chars", d->chars, "count");
    if (d->nuls > 0)
        qr_record_note(rec, "text.nul", "%llu NUL characters were left out",
                       (unsigned long long)d->nuls);
    if (d->replaced > 0)
        qr_record_note(rec, "text.invalid", "%llu sequences that are not %s became U+FFFD",
                       (unsigned long long)d->replaced, name);
    if (d->cut)
        qr_record_partial(rec, "record.capped",
                          "text was cut at %zu bytes; counts are of all of it", d->out->len);
}

void qr_text_extract(const struct qr_extract *x)
{
    struct survey survey = {0};
    struct decoder d = {.rec = x->rec,
                        .out = &x->engine->text,
                        .max_out = x->rec->limits.text_bytes,
                        .blank = true};
    size_t skip;
    bool whole = true;

    qr_record_set_extractor(x->rec, "quarry-text", QUARRY_VERSION);
    if (x->in->size == 0) {
        qr_record_set_empty(x->rec, "the file is empty");
        x->rec->msg->completeness = 1;
        return;
    }
    d.encoding = by_mark(x->in->head, x->in->head_len, &skip);
    if (skip == 0)
        d.encoding = by_zeros(x->in->head, x->in->head_len);
    if (skip == 0 && d.encoding == ASCII) {
        whole = walk(x, 0, survey_step, &survey);
        d.encoding = decide(&survey);
    }
    whole = walk(x, skip, decode_step, &d) && whole;
    if (!whole)
        qr_record_fail(x->rec, QR_CLASS_CONNECTION, "reading stopped before the end of the file");
    qr_record_set_text(x->rec, (const char *)x->engine->text.data, x->engine->text.len);
    report(x, &d);
    if (d.blank)
        qr_record_set_empty(x->rec, "the file holds only white space");
    x->rec->msg->completeness = d.cut ? (double)d.out->len / (double)x->in->size : 1;
    if (x->rec->msg->completeness > 1)
        x->rec->msg->completeness = 1;
}

bool qr_text_is_likely(const uint8_t *head, size_t len)
{
    size_t skip;
    size_t odd = 0;

    if (len == 0)
        return false;
    by_mark(head, len, &skip);
    if (skip > 0 || by_zeros(head, len) != ASCII)
        return true;
    for (size_t i = 0; i < len; i++)
        odd += head[i] < 0x20 && !(head[i] >= 8 && head[i] <= 13) && head[i] != 0x1B;
    return odd == 0;
}

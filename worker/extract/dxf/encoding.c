/* Which code page a drawing is in: by what its bytes are first, by what it says second. */
#include <stdlib.h>
#include <string.h>

#include "worker/extract/dxf/reader.h"

#define HEAD ((size_t)256 * 1024) /* the header stands at the beginning */
#define PIECE ((size_t)4 * 1024 * 1024)
#define FIRST_UTF8_VERSION 1021

/* A header variable's value, looked for before anything is read. */
static bool peek(const struct qr_dxf_stream *s, const char *name, struct qr_dxf_tag *ret)
{
    size_t head = s->len < HEAD ? s->len : HEAD;
    const char *at = memmem(s->data, head, name, strlen(name));
    struct qr_dxf_stream ahead = *s;

    if (!at)
        return false;
    at += strlen(name);
    ahead.at = (size_t)(at - s->data);
    if (s->binary) {
        ahead.at++; /* the NUL */
    } else {
        const char *line = memchr(at, s->eol, s->len - ahead.at);
        if (!line)
            return false;
        ahead.at = (size_t)(line - s->data) + 1;
    }
    return qr_dxf_stream_next(&ahead, ret) && ret->text != NULL;
}

/* "AC1032": 1032; "AC2.10": 210; "MC0.0" and the like: 0. */
static int version_number(const char *text, size_t len)
{
    char digits[12];
    size_t n = 0;

    for (size_t i = 0; i < len && n < sizeof digits - 1; i++)
        if (text[i] >= '0' && text[i] <= '9')
            digits[n++] = text[i];
    digits[n] = '\0';
    return atoi(digits);
}

static bool choose_named(struct qr_dxf_reader *r, const char *name, size_t len)
{
    if (qr_dxf_codepage_named(r->doc.codepages, name, len, &r->doc.codepage))
        return true;
    qr_record_note(r->rec, "dxf.codepage.unknown",
                   "code page \"%.*s\" is unknown; read as windows-1252",
                   (int)(len < 40 ? len : 40), name);
    return false;
}

/* All of the file, in pieces that leave memory again: is it UTF-8 that is more than ASCII? */
static bool is_utf8(const struct qr_dxf_reader *r)
{
    const char *data = r->s.data;
    bool any = false;

    for (size_t at = 0; at < r->s.len;) {
        size_t end = r->s.len - at > PIECE ? at + PIECE : r->s.len;
        while (end < r->s.len && end > at + 1 && ((uint8_t)data[end] & 0xC0) == 0x80)
            end--; /* within a character */
        bool high;
        if (!qr_dxf_is_utf8(data + at, end - at, &high))
            return false;
        any = any || high;
        at = end;
        qr_input_passed(r->x->in, at);
    }
    return any;
}

void qr_dxf_choose_encoding(struct qr_dxf_reader *r, bool narrowed)
{
    struct qr_dxf_doc *doc = &r->doc;
    const char *wanted = r->x->job ? r->x->job->options.dxf_encoding : "";
    struct qr_dxf_tag tag;

    if (peek(&r->s, "$ACADVER", &tag))
        doc->version = version_number(tag.text, tag.len);
    if (wanted[0] != '\0') {
        choose_named(r, wanted, strnlen(wanted, sizeof r->x->job->options.dxf_encoding));
        return;
    }
    if (peek(&r->s, "$DWGCODEPAGE", &tag)) {
        const char *name;
        size_t len = qr_dxf_trim(tag.text, tag.len, &name);
        if (len > 0)
            choose_named(r, name, len);
    }
    /* bytes of a binary file are not all text, so only its version decides there */
    bool utf8 = narrowed || doc->version >= FIRST_UTF8_VERSION;
    if (!utf8 && !r->s.binary)
        utf8 = is_utf8(r);
    if (!utf8)
        return;
    doc->second = doc->codepage;
    doc->has_second = !doc->codepage.utf8;
    qr_dxf_codepage_utf8(&doc->codepage);
}

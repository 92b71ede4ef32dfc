#include <stdlib.h>
#include <strings.h>

#include "worker/extract/p21/intern.h"
#include "worker/extract/p21/scan.h"

#define PASSED_EVERY ((size_t)4 << 20)
#define SCOPES_MAX 16
#define BACK_MAX 4096       /* length of a comment between a number and its `=` */
#define OUTSIDE_MAX 1000000 /* entries of a REFERENCE section */

/* The walk over the bytes. */
struct walk {
    struct qr_p21 *p21;
    const struct qr_p21_hooks *hooks;
    struct qr_p21_scan scan;
    const uint8_t *start; /* of the statement */
    bool has_record;      /* in the statement */
    bool in_header;
    bool no_close;  /* there is no end of a comment in the rest of the file */
    bool no_endsec; /* nor of a section */
    size_t passed;  /* when to call the hook */
    uint32_t scopes[SCOPES_MAX];
    uint32_t n_scopes;
};

static bool grow_instances(struct qr_p21 *p21)
{
    /* a first guess by the size, so that few copies are made: records have about 60 bytes */
    uint32_t cap = p21->cap ? p21->cap + p21->cap / 2 : (uint32_t)(p21->len / 56 % 0x40000000) + 64;
    uint64_t *where = realloc(p21->where, cap * sizeof *where);

    if (where)
        p21->where = where;
    uint32_t *ids = where ? realloc(p21->ids, cap * sizeof *ids) : NULL;
    if (!ids || cap >= QR_P21_NONE / 2)
        return false;
    p21->ids = ids;
    p21->cap = cap;
    return true;
}

/* The other way round: to the place behind what stands before blanks and comments. */
static const uint8_t *back_over_blanks(const uint8_t *from, const uint8_t *at)
{
    for (;;) {
        while (at > from && (qr_p21_class[at[-1]] & QR_P21_C_BLANK))
            at--;
        if (at - from < 4 || at[-1] != '/' || at[-2] != '*')
            return at;
        const uint8_t *open = at - 4;
        while (open > from && at - open < BACK_MAX && !(open[0] == '/' && open[1] == '*'))
            open--;
        at = open;
    }
}

uint64_t qr_p21_id_before(const struct qr_p21 *p21, size_t at)
{
    uint64_t id = 0;
    uint64_t weight = 1;

    at = (size_t)(back_over_blanks(p21->data, p21->data + at) - p21->data);
    for (; at > 0 && (qr_p21_class[p21->data[at - 1]] & QR_P21_C_DIGIT); at--) {
        id += weight * (uint64_t)(p21->data[at - 1] - '0');
        weight *= 10; /* beyond 64 bits it is some number, the same each time */
    }
    return id;
}

/* `#12` before the `=` at `at`? Returns the place of the `#`. */
static const uint8_t *record_head(const struct walk *walk, const uint8_t *at, uint64_t *ret_id)
{
    const uint8_t *from = walk->start;
    const uint8_t *digits;
    uint64_t id = 0;
    uint64_t weight = 1;

    at = back_over_blanks(from, at);
    for (digits = at; at > from && (qr_p21_class[at[-1]] & QR_P21_C_DIGIT); at--) {
        id += weight * (uint64_t)(at[-1] - '0');
        weight *= 10;
    }
    *ret_id = id;
    return at < digits && at > from && at[-1] == '#' ? at - 1 : NULL;
}

static bool add_part(struct qr_p21 *p21, const uint8_t *at, uint32_t type)
{
    if (p21->n_parts == p21->cap_parts) {
        uint32_t cap = p21->cap_parts ? p21->cap_parts * 2 : 256;
        struct qr_p21_part *parts = realloc(p21->parts, cap * sizeof *parts);
        if (!parts)
            return false;
        p21->parts = parts;
        p21->cap_parts = cap;
    }
    p21->parts[p21->n_parts++] = (struct qr_p21_part){(uint64_t)(at - p21->data), type};
    p21->types[type].complex += type >= QR_P21_FIRST_TYPE;
    return true;
}

/* The types of a complex instance, from behind its first parenthesis. */
static bool add_several(struct walk *walk, const uint8_t *at, uint32_t instance)
{
    struct qr_p21 *p21 = walk->p21;
    const uint8_t *end = p21->data + p21->len;
    uint32_t first = p21->n_parts;

    if (p21->n_several == p21->cap_several) {
        uint32_t cap = p21->cap_several ? p21->cap_several * 2 : 256;
        struct qr_p21_several *several = realloc(p21->several, cap * sizeof *several);
        if (!several)
            return false;
        p21->several = several;
        p21->cap_several = cap;
    }
    p21->several[p21->n_several++] = (struct qr_p21_several){instance, first};
    for (;;) {
        at = qr_p21_blanks(at, end);
        const uint8_t *name = at;
        if (at < end && *at == '!')
            at++;
        while (at < end && (qr_p21_class[*at] & QR_P21_C_NAME))
            at++;
        if (at == name)
            break;
        if (p21->n_parts - first >= QR_P21_PARTS_MAX) {
            qr_p21_note(p21, true, "p21.parts.capped", "a record of more than %d types",
                        QR_P21_PARTS_MAX);
            break;
        }
        if (!add_part(p21, name, qr_p21_intern(p21, name, (size_t)(at - name))))
            return false;
        at = qr_p21_blanks(at, end);
        if (at < end && *at == '(')
            at = qr_p21_group_end(at + 1, end);
    }
    return true;
}

static uint32_t type_at(struct walk *walk, const uint8_t *at)
{
    const uint8_t *end = walk->p21->data + walk->p21->len;
    const uint8_t *name = at;

    if (at < end && *at == '!')
        at++;
    while (at < end && (qr_p21_class[*at] & QR_P21_C_NAME))
        at++;
    if (at == name || (*name & 0x80) || (qr_p21_class[*name] & QR_P21_C_DIGIT)) {
        qr_p21_note(walk->p21, true, "p21.record.bad", "#%llu has no type",
                    (unsigned long long)qr_p21_id_before(
                        walk->p21, (size_t)(walk->scan.at - walk->p21->data)));
        return QR_P21_UNKNOWN;
    }
    return qr_p21_intern(walk->p21, name, (size_t)(at - name));
}

/* A record whose `=` is at scan.at. */
static bool add_record(struct walk *walk, uint64_t id)
{
    struct qr_p21 *p21 = walk->p21;
    const uint8_t *end = p21->data + p21->len;
    const uint8_t *at = qr_p21_blanks(walk->scan.at + 1, end);
    uint32_t type = QR_P21_UNKNOWN;

    if (p21->n == p21->cap && !grow_instances(p21))
        return false;
    if (at < end && *at == '(') {
        type = QR_P21_COMPLEX;
        if (!add_several(walk, at + 1, p21->n))
            return false;
    } else if (end - at > 6 && memcmp(at, "&SCOPE", 6) == 0) {
        if (walk->n_scopes < SCOPES_MAX)
            walk->scopes[walk->n_scopes++] = p21->n;
    } else {
        type = type_at(walk, at);
    }
    p21->types[type].simple++;
    p21->where[p21->n] =
        (uint64_t)type << QR_P21_OFFSET_BITS | (uint64_t)(walk->scan.at - p21->data);
    p21->ids[p21->n] = id < QR_P21_ID_WIDE ? (uint32_t)id : QR_P21_ID_WIDE;
    p21->wide = p21->wide || id >= QR_P21_ID_WIDE;
    p21->ascending = p21->ascending && (p21->n == 0 || p21->ids[p21->n] > p21->ids[p21->n - 1]);
    p21->n++;
    return true;
}

/* ENDSCOPE /#1,#2/ TYPE(…) ends the record that opened the scope (ISO 10303-21:1994). */
static void end_scope(struct walk *walk, const uint8_t *at, const uint8_t *end)
{
    struct qr_p21 *p21 = walk->p21;

    if (walk->n_scopes == 0)
        return;
    at = qr_p21_blanks(at, end);
    if (at < end && *at == '/') {
        const uint8_t *close = memchr(at + 1, '/', (size_t)(end - at - 1));
        at = qr_p21_blanks(close ? close + 1 : end, end);
    }
    uint32_t instance = walk->scopes[--walk->n_scopes];
    uint32_t type = at < end ? type_at(walk, at) : QR_P21_UNKNOWN;
    p21->types[QR_P21_UNKNOWN].simple--;
    p21->types[type].simple++;
    p21->where[instance] = (uint64_t)type << QR_P21_OFFSET_BITS | (uint64_t)(at - 1 - p21->data);
}

static bool is_word(const uint8_t *at, size_t len, const char *word)
{
    return len == strlen(word) && strncasecmp((const char *)at, word, len) == 0;
}

/* Numbers of records elsewhere: #12=<URI#name>; */
static bool learn_outside(struct qr_p21 *p21, const uint8_t *at, const uint8_t *end)
{
    uint32_t cap = 0;

    p21->reference_at = (size_t)(at - p21->data);
    p21->reference_len = (size_t)(end - at);
    while (at < end && p21->n_outside < OUTSIDE_MAX && (at = memchr(at, '=', (size_t)(end - at)))) {
        if (p21->n_outside == cap) {
            cap = cap ? cap * 2 : 64;
            uint64_t *more = realloc(p21->outside, cap * sizeof *more);
            if (!more)
                return false;
            p21->outside = more;
        }
        p21->outside[p21->n_outside++] = qr_p21_id_before(p21, (size_t)(at - p21->data));
        at = memchr(at, ';', (size_t)(end - at));
        if (!at)
            break;
    }
    return true;
}

/* ANCHOR, REFERENCE and SIGNATURE hold no records; what stands in them may look like strings. */
static void pass_section(struct walk *walk, bool references)
{
    struct qr_p21 *p21 = walk->p21;
    const uint8_t *end = p21->data + p21->len;
    const uint8_t *close =
        walk->no_endsec ? NULL : memmem(walk->scan.at, (size_t)(end - walk->scan.at), "ENDSEC", 6);

    walk->no_endsec = close == NULL;
    if (!close)
        return;
    if (references && !p21->outside && !learn_outside(p21, walk->scan.at + 1, close))
        qr_p21_note(p21, true, "p21.reference.lost", "no memory for the REFERENCE section");
    qr_p21_scan_seek(&walk->scan, close);
    walk->start = close;
}

/* A statement without a number, ended by the `;` at scan.at. */
static void end_statement(struct walk *walk)
{
    struct qr_p21 *p21 = walk->p21;
    const uint8_t *at = qr_p21_blanks(walk->start, walk->scan.at);
    const uint8_t *name = at;

    while (at < walk->scan.at && (qr_p21_class[*at] & QR_P21_C_NAME))
        at++;
    size_t len = (size_t)(at - name);
    walk->start = walk->scan.at + 1;
    if (is_word(name, len, "HEADER")) {
        walk->in_header = true;
    } else if (is_word(name, len, "DATA")) {
        walk->in_header = false;
        p21->sections++;
    } else if (is_word(name, len, "ENDSEC")) {
        walk->in_header = false;
    } else if (is_word(name, len, "END-ISO-10303-21")) {
        p21->end_seen = true;
    } else if (is_word(name, len, "ENDSCOPE")) {
        end_scope(walk, at, walk->scan.at);
    } else if (is_word(name, len, "REFERENCE")) {
        pass_section(walk, true);
    } else if (is_word(name, len, "ANCHOR") || is_word(name, len, "SIGNATURE")) {
        pass_section(walk, false);
    } else if (walk->in_header && len > 0 && p21->n_headers < QR_P21_HEADERS_MAX) {
        p21->headers[p21->n_headers].at = (size_t)(name - p21->data);
        p21->headers[p21->n_headers++].len = (uint32_t)len;
    }
}

static void skip_string(struct walk *walk)
{
    const uint8_t *end = walk->p21->data + walk->p21->len;
    const uint8_t *at = walk->scan.at;
    bool broken = false;

    if (end - at > 2 && at[1] == '\'' && at[2] != '\'')
        at += 2;
    else
        at = qr_p21_string_end(at + 1, end, &broken);
    if (broken) {
        qr_p21_note(walk->p21, true, "p21.string.open", "a string at offset %llu is not ended",
                    (unsigned long long)(walk->scan.at - walk->p21->data));
        walk->start = at;
        walk->has_record = false;
    }
    qr_p21_scan_seek(&walk->scan, at);
}

static void skip_comment(struct walk *walk)
{
    const uint8_t *end = walk->p21->data + walk->p21->len;
    const uint8_t *at = walk->scan.at;

    if (end - at < 2 || at[1] != '*')
        return;
    const uint8_t *close = walk->no_close ? NULL : memmem(at + 2, (size_t)(end - at - 2), "*/", 2);
    if (close) {
        qr_p21_scan_seek(&walk->scan, close + 2);
        if (qr_p21_blanks(walk->start, at) == at)
            walk->start = close + 2; /* it stands before the statement */
        return;
    }
    walk->no_close = true;
    qr_p21_note(walk->p21, false, "p21.comment.open",
                "a comment at offset %llu is not ended; it was read on as if it were none",
                (unsigned long long)(at - walk->p21->data));
}

/* The `=` at scan.at: of a record, or of something else. */
static bool on_equals(struct walk *walk)
{
    uint64_t id;
    const uint8_t *head = record_head(walk, walk->scan.at, &id);

    if (!head)
        return true;
    if (walk->has_record)
        qr_p21_note(walk->p21, false, "p21.semicolon.missing",
                    "the record before #%llu is not ended", (unsigned long long)id);
    walk->has_record = true;
    walk->in_header = false;
    return add_record(walk, id);
}

bool qr_p21_index(struct qr_p21 *p21, const struct qr_p21_hooks *hooks, size_t from)
{
    struct walk walk = {.p21 = p21, .hooks = hooks, .start = p21->data + from};

    walk.passed = PASSED_EVERY;
    p21->ascending = true;
    qr_p21_scan_init(&walk.scan, p21->data, p21->len, from);
    while (qr_p21_scan_next(&walk.scan)) {
        switch (*walk.scan.at) {
        case '=':
            if (!on_equals(&walk))
                return false;
            break;
        case '\'':
            skip_string(&walk);
            break;
        case '/':
            skip_comment(&walk);
            break;
        default:
            if (!walk.has_record)
                end_statement(&walk);
            walk.start = walk.scan.at + 1;
            walk.has_record = false;
            break;
        }
        if (hooks && hooks->passed && (size_t)(walk.scan.at - p21->data) >= walk.passed) {
            hooks->passed(hooks->arg, (uint64_t)(walk.scan.at - p21->data));
            walk.passed += PASSED_EVERY;
        }
    }
    if (walk.has_record)
        qr_p21_note(p21, true, "p21.cut", "the file ends in a record");
    return true;
}

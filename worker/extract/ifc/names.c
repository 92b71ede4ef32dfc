#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include "worker/extract/ifc/intern.h"

#define SLOTS 32768         /* of texts that are stored once */
#define SAID_FIRST 4096     /* lines of the text, at first */
#define SAID_MAX (1u << 20) /* beyond that, lines may come again */
#define SAY_MAX 2000        /* bytes of one */
#define PROBES 64           /* slots that are looked at: texts can be chosen to fall together */

struct qr_ifc_words {
    const char *slots[SLOTS];
    uint64_t *said; /* hashes of lines; 0: free */
    uint32_t n_said, cap_said;
};

/* FNV-1a, 64 bits: http://www.isthe.com/chongo/tech/comp/fnv */
static uint64_t hash_of(const char *text, size_t len)
{
    uint64_t hash = 0xCBF29CE484222325u;

    for (size_t i = 0; i < len; i++)
        hash = (hash ^ (uint8_t)text[i]) * 0x100000001B3u;
    return hash;
}

bool qr_ifc_words_init(struct qr_ifc *ifc)
{
    ifc->words = calloc(1, sizeof *ifc->words);
    if (!ifc->words)
        return false;
    ifc->words->cap_said = SAID_FIRST;
    ifc->words->said = calloc(SAID_FIRST, sizeof *ifc->words->said);
    return ifc->words->said != NULL;
}

void qr_ifc_words_done(struct qr_ifc *ifc)
{
    if (ifc->words)
        free(ifc->words->said);
    free(ifc->words);
    ifc->words = NULL;
}

const char *qr_ifc_intern(struct qr_ifc *ifc, const char *text, size_t len)
{
    struct qr_ifc_words *words = ifc->words;
    uint32_t at = (uint32_t)hash_of(text, len) & (SLOTS - 1);
    int probes = 0;

    if (len == 0)
        return "";
    for (; words->slots[at] && probes < PROBES; at = (at + 1) & (SLOTS - 1), probes++)
        if (strncmp(words->slots[at], text, len) == 0 && words->slots[at][len] == '\0')
            return words->slots[at];
    const char *copy = qr_record_string(ifc->rec, text, len);
    if (!words->slots[at] && strlen(copy) == len)
        words->slots[at] = copy;
    return copy;
}

/* Raw bytes that are looked at: twice a value of the record, for they may be escaped. A byte
 * becomes three at most. */
static size_t raw_max(const struct qr_ifc *ifc) { return ifc->rec->limits.value_bytes * 2; }

size_t qr_ifc_text_max(const struct qr_ifc *ifc) { return raw_max(ifc) * 4; }

void qr_ifc_decode(struct qr_ifc *ifc, const struct qr_p21_value *value, struct qr_buf *out)
{
    struct qr_p21_value inner = *value;

    if (inner.kind == QR_P21_TYPED) {
        struct qr_p21_cursor cursor = qr_p21_enter(value);
        qr_p21_next(&cursor, &inner);
    }
    if (inner.kind == QR_P21_STRING && inner.len > raw_max(ifc)) {
        inner.len = raw_max(ifc);
        qr_record_partial(ifc->rec, "ifc.value.cut", "texts longer than %zu bytes are cut",
                          inner.len);
    }
    qr_p21_text(&inner, out, NULL);
}

/* The characters of a value in `scratch`, without blanks at both ends. */
static const char *decode(struct qr_ifc *ifc, const struct qr_p21_value *value, size_t *ret_len)
{
    struct qr_buf *text = &ifc->scratch;
    size_t from = 0;

    qr_buf_clear(text);
    qr_ifc_decode(ifc, value, text);
    size_t len = text->len;
    while (from < len && isspace(text->data[from]))
        from++;
    while (len > from && isspace(text->data[len - 1]))
        len--;
    *ret_len = len - from;
    return len > from ? (const char *)text->data + from : "";
}

const char *qr_ifc_text(struct qr_ifc *ifc, const struct qr_p21_value *value)
{
    size_t len;
    const char *text = decode(ifc, value, &len);

    return qr_ifc_intern(ifc, text, len);
}

char *qr_ifc_string(struct qr_ifc *ifc, const struct qr_p21_value *value)
{
    size_t len;
    const char *text = decode(ifc, value, &len);

    return qr_record_string(ifc->rec, text, len);
}

const char *qr_ifc_attribute(struct qr_ifc *ifc, uint32_t instance, size_t n)
{
    struct qr_p21_value value;

    if (!qr_p21_attribute(ifc->p21, instance, QR_P21_UNKNOWN, n, &value))
        return "";
    return qr_ifc_text(ifc, &value);
}

char *qr_ifc_id(struct qr_ifc *ifc, uint32_t object)
{
    uint32_t instance = ifc->objects[object].instance;
    struct qr_p21_value value;
    char number[32];

    if (qr_p21_attribute(ifc->p21, instance, QR_P21_UNKNOWN, QR_IFC_GUID, &value) &&
        value.kind == QR_P21_STRING && value.len > 0 && value.len <= 64)
        return qr_record_string(ifc->rec, (const char *)value.at, value.len);
    int n =
        snprintf(number, sizeof number, "#%llu", (unsigned long long)qr_p21_id(ifc->p21, instance));
    return qr_record_string(ifc->rec, number, (size_t)n);
}

/* The slot of a hash, or a free one for it; NULL: too many lie where it belongs. */
static uint64_t *said_slot(struct qr_ifc_words *words, uint64_t hash)
{
    uint32_t mask = words->cap_said - 1;

    for (uint32_t i = 0; i < PROBES; i++) {
        uint64_t *slot = &words->said[((uint32_t)hash + i) & mask];
        if (*slot == 0 || *slot == hash)
            return slot;
    }
    return NULL;
}

/* Twice as many slots for hashes, as long as there may be more. */
static void grow_said(struct qr_ifc_words *words)
{
    uint32_t old = words->cap_said;
    uint64_t *said = old * 2 <= SAID_MAX ? calloc((size_t)old * 2, sizeof *said) : NULL;
    uint64_t *before = words->said;

    if (!said)
        return;
    words->said = said;
    words->cap_said = old * 2;
    for (uint32_t i = 0; i < old; i++) {
        uint64_t *slot = before[i] != 0 ? said_slot(words, before[i]) : NULL;
        if (slot)
            *slot = before[i];
    }
    free(before);
}

/* Was it said before? */
static bool is_known(struct qr_ifc_words *words, uint64_t hash)
{
    hash += hash == 0;
    if (words->n_said >= words->cap_said / 2)
        grow_said(words);
    uint64_t *slot = said_slot(words, hash);
    if (!slot || *slot == hash)
        return slot != NULL;
    *slot = hash;
    words->n_said++;
    return false;
}

static void say(struct qr_ifc *ifc, const char *text, size_t len)
{
    struct qr_buf *out = &ifc->x->engine->text;

    if (len == 0 || is_known(ifc->words, hash_of(text, len)))
        return;
    len = qr_utf8_cut(text, len, SAY_MAX);
    if (out->len + len + 1 > ifc->rec->limits.text_bytes) {
        qr_record_partial(ifc->rec, "ifc.text.capped", "the text was cut at %zu bytes", out->len);
        return;
    }
    qr_buf_append(out, text, len);
    qr_buf_append(out, "\n", 1);
}

void qr_ifc_say(struct qr_ifc *ifc, const char *text) { say(ifc, text, strlen(text)); }

void qr_ifc_say_value(struct qr_ifc *ifc, const struct qr_p21_value *value)
{
    size_t len;
    const char *text = decode(ifc, value, &len);

    say(ifc, text, len);
}

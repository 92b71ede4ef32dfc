#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include "worker/extract/ifc/intern.h"

#define SLOTS 32768         /* of texts that are stored once */
#define SAID_FIRST 4096     /* lines of the text, at first */
#define SAID_MAX (1u << 20) /* beyond that, lines may come twice */
#define SAY_MAX 2000        /* bytes of one */

struct qr_ifc_words {
    const char *slots[SLOTS];
    uint32_t n_slots;
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

    if (len == 0)
        return "";
    for (; words->slots[at]; at = (at + 1) & (SLOTS - 1))
        if (strncmp(words->slots[at], text, len) == 0 && words->slots[at][len] == '\0')
            return words->slots[at];
    const char *copy = qr_record_string(ifc->rec, text, len);
    if (words->n_slots < SLOTS / 4 * 3 && strlen(copy) == len) {
        words->slots[at] = copy;
        words->n_slots++;
    }
    return copy;
}

/* The characters of a value in `scratch`, without blanks at both ends. */
static const char *decode(struct qr_ifc *ifc, const struct qr_p21_value *value, size_t *ret_len)
{
    struct qr_buf *text = &ifc->scratch;
    size_t from = 0;

    qr_buf_clear(text);
    qr_p21_text(value, text, NULL);
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

/* Twice as many slots for hashes; false: there shall be no more. */
static bool grow_said(struct qr_ifc_words *words)
{
    uint32_t cap = words->cap_said * 2;
    uint64_t *said = cap <= SAID_MAX ? calloc(cap, sizeof *said) : NULL;

    if (!said)
        return false;
    for (uint32_t i = 0; i < words->cap_said; i++) {
        uint32_t at = (uint32_t)words->said[i] & (cap - 1);
        while (words->said[i] != 0 && said[at] != 0)
            at = (at + 1) & (cap - 1);
        if (words->said[i] != 0)
            said[at] = words->said[i];
    }
    free(words->said);
    words->said = said;
    words->cap_said = cap;
    return true;
}

/* Was it said before? */
static bool is_known(struct qr_ifc_words *words, uint64_t hash)
{
    uint32_t at;

    hash += hash == 0;
    for (at = (uint32_t)hash & (words->cap_said - 1); words->said[at] != 0;
         at = (at + 1) & (words->cap_said - 1))
        if (words->said[at] == hash)
            return true;
    if (words->n_said < words->cap_said / 4 * 3) {
        words->said[at] = hash;
        words->n_said++;
        if (words->n_said >= words->cap_said / 4 * 3)
            grow_said(words);
    }
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

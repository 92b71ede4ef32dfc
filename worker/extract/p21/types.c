#include <stdlib.h>

#include "worker/extract/p21/intern.h"

#define FNV_BASIS 2166136261u
#define FNV_PRIME 16777619u

static uint8_t upper(uint8_t c) { return c >= 'a' && c <= 'z' ? (uint8_t)(c - 'a' + 'A') : c; }

static uint32_t hash_of(const uint8_t *name, size_t len)
{
    uint32_t hash = FNV_BASIS;

    for (size_t i = 0; i < len; i++)
        hash = (hash ^ upper(name[i])) * FNV_PRIME;
    return hash;
}

static bool equal(const char *name, const uint8_t *text, size_t len)
{
    if (memcmp(name, text, len) != 0)
        for (size_t i = 0; i < len; i++)
            if ((uint8_t)name[i] != upper(text[i]))
                return false;
    return name[len] == '\0';
}

/* The slot of a name, or the free one where it belongs. */
static uint32_t *slot_of(const struct qr_p21 *p21, const uint8_t *name, size_t len, uint32_t hash)
{
    uint32_t at = hash & (p21->n_slots - 1);

    for (;; at = (at + 1) & (p21->n_slots - 1)) {
        const struct qr_p21_type *type = &p21->types[p21->slots[at]];
        if (p21->slots[at] == 0 || (type->hash == hash && equal(type->name, name, len)))
            return &p21->slots[at];
    }
}

bool qr_p21_grow_types(struct qr_p21 *p21)
{
    uint32_t cap = p21->cap_types ? p21->cap_types * 2 : 512;
    uint32_t *slots = calloc((size_t)cap * 2, sizeof *slots);
    struct qr_p21_type *types = realloc(p21->types, cap * sizeof *types);

    if (types)
        p21->types = types;
    if (!types || !slots) {
        free(slots);
        return false;
    }
    free(p21->slots);
    p21->cap_types = cap;
    p21->slots = slots;
    p21->n_slots = cap * 2;
    for (uint32_t i = QR_P21_FIRST_TYPE; i < p21->n_types; i++) {
        uint32_t at = types[i].hash & (p21->n_slots - 1);
        while (slots[at] != 0)
            at = (at + 1) & (p21->n_slots - 1);
        slots[at] = i;
    }
    for (; p21->n_types < QR_P21_FIRST_TYPE; p21->n_types++)
        types[p21->n_types] = (struct qr_p21_type){.name = ""};
    return true;
}

static bool keep_name(struct qr_p21 *p21, struct qr_p21_type *type, const uint8_t *name, size_t len)
{
    char *copy = qr_arena_alloc(&p21->names, len + 1);

    for (size_t i = 0; copy && i < len; i++)
        copy[i] = (char)upper(name[i]);
    type->name = copy;
    return copy != NULL;
}

uint32_t qr_p21_intern(struct qr_p21 *p21, const uint8_t *name, size_t len)
{
    uint32_t hash = hash_of(name, len);

    if (p21->n_types == p21->cap_types && !qr_p21_grow_types(p21))
        return QR_P21_UNKNOWN;
    uint32_t *slot = slot_of(p21, name, len, hash);
    if (*slot != 0)
        return *slot;
    if (len == 0 || len > QR_P21_NAME_MAX || p21->n_types >= QR_P21_TYPES_MAX) {
        qr_p21_note(p21, true, "p21.types.capped", "more than %d types, or a name of %zu letters",
                    QR_P21_TYPES_MAX, len);
        return QR_P21_UNKNOWN;
    }
    struct qr_p21_type type = {.hash = hash};
    if (!keep_name(p21, &type, name, len))
        return QR_P21_UNKNOWN;
    p21->types[p21->n_types] = type;
    *slot = p21->n_types;
    return p21->n_types++;
}

uint32_t qr_p21_type(const struct qr_p21 *p21, const char *name)
{
    size_t len = strlen(name);

    if (p21->n_slots == 0)
        return QR_P21_UNKNOWN;
    uint32_t *slot = slot_of(p21, (const uint8_t *)name, len, hash_of((const uint8_t *)name, len));
    return *slot != 0 ? *slot : QR_P21_UNKNOWN;
}

uint32_t qr_p21_types(const struct qr_p21 *p21) { return p21->n_types; }

const char *qr_p21_type_name(const struct qr_p21 *p21, uint32_t type)
{
    return type < p21->n_types ? p21->types[type].name : "";
}

uint32_t qr_p21_type_simple(const struct qr_p21 *p21, uint32_t type)
{
    return type < p21->n_types ? p21->types[type].simple : 0;
}

uint32_t qr_p21_type_count(const struct qr_p21 *p21, uint32_t type)
{
    return type < p21->n_types ? p21->types[type].simple + p21->types[type].complex : 0;
}

const uint32_t *qr_p21_of_type(const struct qr_p21 *p21, uint32_t type, uint32_t *ret_n)
{
    *ret_n = type >= QR_P21_FIRST_TYPE ? qr_p21_type_count(p21, type) : 0;
    return *ret_n > 0 ? p21->by_type + p21->types[type].first : NULL;
}

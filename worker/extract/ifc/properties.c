#include "worker/extract/ifc/properties.h"

#include <stdlib.h>

const struct qr_ifc_relation qr_ifc_property_relations[2] = {
    {"IFCRELDEFINESBYPROPERTIES", 5, 4},
    {"IFCRELOVERRIDESPROPERTIES", 5, 4},
};

/* ------------------------------------------------------------------ one entry */

/* Words that people look for, not identifiers and numbers. */
static bool is_prose(const char *type)
{
    return strcmp(type, "IFCLABEL") == 0 || strcmp(type, "IFCTEXT") == 0 ||
           strcmp(type, "IFCIDENTIFIER") == 0;
}

Quarry__V1__Parameter *qr_ifc_put_parameter(struct qr_ifc *ifc, const struct qr_ifc_leaf *leaf,
                                            const struct qr_ifc_said *said, char *owner,
                                            const char *source, uint64_t owners)
{
    Quarry__V1__Parameter *parameter = qr_record_add_parameter(ifc->rec);

    if (!parameter)
        return NULL;
    parameter->set = (char *)(uintptr_t)leaf->set;
    parameter->name = (char *)(uintptr_t)qr_ifc_intern(ifc, leaf->name, strlen(leaf->name));
    parameter->value = qr_record_string(ifc->rec, (const char *)said->text.data, said->text.len);
    parameter->type = (char *)(uintptr_t)said->type;
    parameter->unit = (char *)(uintptr_t)said->unit;
    parameter->owner = owner;
    parameter->source = (char *)(uintptr_t)qr_ifc_intern(ifc, source, strlen(source));
    parameter->owners = owners;
    if (is_prose(said->type))
        qr_ifc_say(ifc, parameter->value);
    return parameter;
}

static uint64_t hash_more(uint64_t hash, const void *text, size_t len)
{
    const uint8_t *at = text;

    for (size_t i = 0; i < len; i++)
        hash = (hash ^ at[i]) * 0x100000001B3u; /* FNV-1a */
    return (hash ^ 0xFF) * 0x100000001B3u;
}

uint64_t qr_ifc_leaf_hash(const struct qr_ifc_leaf *leaf, const struct qr_ifc_said *said)
{
    uint64_t hash = hash_more(0xCBF29CE484222325u, leaf->set, strlen(leaf->set));

    hash = hash_more(hash, leaf->name, strlen(leaf->name));
    if (said) {
        hash = hash_more(hash, said->text.data, said->text.len);
        hash = hash_more(hash, said->unit, strlen(said->unit));
    }
    return hash + (hash == 0);
}

/* ------------------------------------------------------------------ do they fit? */

struct estimate {
    uint64_t total, max;
};

/* An empty set counts, too: it is stored for each of its objects. */
static void count_relation(struct qr_ifc *ifc, void *arg, const struct qr_p21_value *one,
                           struct qr_p21_value *many)
{
    struct estimate *estimate = arg;
    struct qr_ifc_refs definitions = qr_ifc_refs(one);
    struct qr_ifc_refs objects = qr_ifc_refs(many);
    struct qr_p21_value value;
    uint64_t owners = 0;

    while (owners <= estimate->max && qr_ifc_next_ref(&objects, &value))
        owners++;
    while (owners > 0 && estimate->total <= estimate->max && qr_ifc_next_ref(&definitions, &value))
        estimate->total +=
            owners * (1 + qr_ifc_count_leaves(ifc, qr_p21_follow(ifc->p21, &value), estimate->max));
}

/* The sets of a type: attribute 5. */
static struct qr_ifc_refs type_sets(const struct qr_ifc *ifc, uint32_t type)
{
    struct qr_p21_value value = {.kind = QR_P21_END};

    qr_p21_attribute(ifc->p21, ifc->objects[type].instance, QR_P21_UNKNOWN, QR_IFC_TYPE_SETS,
                     &value);
    return qr_ifc_refs(&value);
}

static void count_types(struct qr_ifc *ifc, struct estimate *estimate)
{
    struct qr_p21_value value;

    for (uint32_t i = 0; i < ifc->n_objects && estimate->total <= estimate->max; i++) {
        if (qr_ifc_kind(ifc, i) != QR_IFC_TYPE)
            continue;
        struct qr_ifc_refs sets = type_sets(ifc, i);
        uint64_t uses = ifc->objects[i].uses ? ifc->objects[i].uses : 1;
        while (estimate->total <= estimate->max && qr_ifc_next_ref(&sets, &value))
            estimate->total += uses * (1 + qr_ifc_count_leaves(ifc, qr_p21_follow(ifc->p21, &value),
                                                               estimate->max));
    }
}

/* ------------------------------------------------------------------ each object its own */

/* Definitions by object: those of object i stand in items[first[i]] .. items[first[i + 1]]. */
struct owned {
    uint32_t *first;
    uint32_t *items; /* instances */
    bool fill;       /* else counting */
    uint64_t left;   /* properties that may still be looked at */

    uint32_t object; /* the one at hand */
    char *owner;     /* its id, once it is needed */
    uint64_t *seen;  /* hashes of set and name that it has */
    size_t n_seen, cap_seen;
    size_t n_known; /* of them, sorted: what comes now gives way to these */
    struct qr_ifc_said said;
};

static void own_relation(struct qr_ifc *ifc, void *arg, const struct qr_p21_value *one,
                         struct qr_p21_value *many)
{
    struct owned *owned = arg;
    struct qr_ifc_refs definitions = qr_ifc_refs(one);
    struct qr_p21_value value;
    uint32_t object;

    while (qr_ifc_next_ref(&definitions, &value)) {
        uint32_t definition = qr_p21_follow(ifc->p21, &value);
        ifc->dangling += owned->fill && definition == QR_P21_NONE;
        struct qr_ifc_refs objects = qr_ifc_refs(many);
        while (definition != QR_P21_NONE &&
               (object = qr_ifc_next_object(ifc, &objects)) != QR_IFC_NOTHING) {
            if (owned->fill)
                owned->items[owned->first[object]++] = definition;
            else
                owned->first[object + 1]++;
        }
    }
}

static bool own_all(struct qr_ifc *ifc, struct owned *owned)
{
    owned->first = calloc((size_t)ifc->n_objects + 1, sizeof *owned->first);
    if (!owned->first)
        return false;
    uint64_t dangling = ifc->dangling;
    for (size_t i = 0; i < QR_COUNT(qr_ifc_property_relations); i++)
        qr_ifc_each_relation(ifc, &qr_ifc_property_relations[i], own_relation, owned);
    ifc->dangling = dangling; /* counted once */
    for (uint32_t i = 0; i < ifc->n_objects; i++)
        owned->first[i + 1] += owned->first[i];
    owned->items = malloc(((size_t)owned->first[ifc->n_objects] + 1) * sizeof *owned->items);
    if (!owned->items)
        return false;
    owned->fill = true;
    for (size_t i = 0; i < QR_COUNT(qr_ifc_property_relations); i++)
        qr_ifc_each_relation(ifc, &qr_ifc_property_relations[i], own_relation, owned);
    for (uint32_t i = ifc->n_objects; i > 0; i--) /* filling moved each to its end */
        owned->first[i] = owned->first[i - 1];
    owned->first[0] = 0;
    return true;
}

static int compare_hashes(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a;
    uint64_t y = *(const uint64_t *)b;

    return x < y ? -1 : x > y;
}

static bool remember(struct owned *owned, uint64_t hash)
{
    if (owned->n_seen == owned->cap_seen) {
        size_t cap = owned->cap_seen ? owned->cap_seen * 2 : 256;
        uint64_t *seen = realloc(owned->seen, cap * sizeof *seen);
        if (!seen)
            return false;
        owned->seen = seen;
        owned->cap_seen = cap;
    }
    owned->seen[owned->n_seen++] = hash;
    return true;
}

/* What comes next may be overridden by all that was remembered so far. */
static void close_rank(struct owned *owned)
{
    owned->n_known = owned->n_seen;
    if (owned->n_known > 1)
        qsort(owned->seen, owned->n_known, sizeof *owned->seen, compare_hashes);
}

/* The properties of a definition that the object does not have from nearer by. False: no more can
 * be taken. */
static bool put_definition(struct qr_ifc *ifc, struct owned *owned, uint32_t definition,
                           const char *source)
{
    struct qr_ifc_leaves leaves;
    struct qr_ifc_leaf leaf;

    qr_ifc_leaves_init(&leaves, ifc, definition);
    while (qr_ifc_next_leaf(&leaves, &leaf)) {
        uint64_t hash = qr_ifc_leaf_hash(&leaf, NULL);
        if (owned->left == 0) {
            qr_record_partial(ifc->rec, "ifc.properties.capped",
                              "properties are inherited so often that not all were looked at");
            return false;
        }
        owned->left--;
        if (owned->n_known > 0 &&
            bsearch(&hash, owned->seen, owned->n_known, sizeof hash, compare_hashes))
            continue;
        if (!remember(owned, hash)) {
            ifc->rec->failed = true;
            return false;
        }
        owned->owner = owned->owner ? owned->owner : qr_ifc_id(ifc, owned->object);
        qr_ifc_say_leaf(ifc, &leaf, &owned->said);
        if (!qr_ifc_put_parameter(ifc, &leaf, &owned->said, owned->owner, source, 0))
            return false;
    }
    return true;
}

/* What relations give to `from`. */
static bool put_related(struct qr_ifc *ifc, struct owned *owned, uint32_t from, const char *source)
{
    for (uint32_t i = owned->first[from]; i < owned->first[from + 1]; i++)
        if (!put_definition(ifc, owned, owned->items[i], source))
            return false;
    close_rank(owned);
    return true;
}

/* An object's own properties, then those of the object it reflects, then its type's. False: no
 * more can be taken. */
static bool put_object(struct qr_ifc *ifc, struct owned *owned, uint32_t object)
{
    const struct qr_ifc_object *entry = &ifc->objects[object];
    bool unused = qr_ifc_kind(ifc, object) == QR_IFC_TYPE && entry->uses == 0;
    uint32_t type = unused ? object : entry->type;
    struct qr_p21_value value;

    owned->n_seen = owned->n_known = 0;
    owned->object = object;
    owned->owner = NULL;
    if (!put_related(ifc, owned, object, "occurrence") ||
        (entry->reflects != QR_IFC_NOTHING &&
         !put_related(ifc, owned, entry->reflects, "reflected")))
        return false;
    if (type == QR_IFC_NOTHING)
        return true;
    struct qr_ifc_refs sets = type_sets(ifc, type);
    while (qr_ifc_next_ref(&sets, &value))
        if (!put_definition(ifc, owned, qr_p21_follow(ifc->p21, &value), "type"))
            return false;
    return true;
}

static void put_all(struct qr_ifc *ifc)
{
    struct owned owned = {.left = qr_ifc_effort(ifc)};
    bool room = true;

    qr_buf_init(&owned.said.text, qr_ifc_text_max(ifc));
    if (!own_all(ifc, &owned))
        ifc->rec->failed = true;
    else
        for (uint32_t i = 0; i < ifc->n_objects && room; i++)
            room = put_object(ifc, &owned, i);
    free(owned.first);
    free(owned.items);
    free(owned.seen);
    qr_buf_done(&owned.said.text);
}

void qr_ifc_report_properties(struct qr_ifc *ifc)
{
    size_t room = qr_ifc_room(ifc, ifc->rec->msg->n_parameters);
    struct estimate estimate = {0, room};

    for (size_t i = 0; i < QR_COUNT(qr_ifc_property_relations); i++)
        qr_ifc_each_relation(ifc, &qr_ifc_property_relations[i], count_relation, &estimate);
    count_types(ifc, &estimate);
    if (estimate.total <= estimate.max)
        put_all(ifc);
    else
        qr_ifc_merge_properties(ifc, room);
}

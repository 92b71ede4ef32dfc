#include <inttypes.h>
#include <stdlib.h>

#include "worker/extract/ifc/properties.h"

#define SLOTS ((uint32_t)1 << 18) /* a power of two, more than twice the entries of a list */
#define PROBES 128 /* slots that are looked at: hashes can be chosen to fall together */

/* A hash and what belongs to it. */
struct slot {
    uint64_t hash; /* 0: free */
    union {
        Quarry__V1__Parameter *entry; /* of a value */
        uint32_t values;              /* of a property: so many are kept */
    } u;
};

struct merge {
    struct qr_ifc *ifc;
    struct slot *properties; /* by set and name */
    struct slot *values;     /* by set, name and value */
    uint32_t n_properties;
    uint32_t n_values;
    uint32_t per_property;
    size_t room;
    bool counting;               /* the first round: which properties are there? */
    uint64_t leaves, leaves_max; /* that are looked at: sets may be shared by many relations */
    uint64_t kept, lost;         /* values, of all objects */
    struct qr_ifc_said said;
};

/* The slot of a hash, or a free one near where it belongs; NULL: none is free. */
static struct slot *slot_of(struct slot *slots, uint32_t used, uint64_t hash)
{
    for (uint32_t i = 0; i < PROBES; i++) {
        struct slot *slot = &slots[((uint32_t)(hash >> 20) + i) & (SLOTS - 1)];
        if (slot->hash == hash)
            return slot;
        if (slot->hash == 0)
            return used < SLOTS / 2 ? slot : NULL;
    }
    return NULL;
}

static void count_leaf(struct merge *merge, const struct qr_ifc_leaf *leaf)
{
    uint64_t hash = qr_ifc_leaf_hash(leaf, NULL);
    struct slot *slot = slot_of(merge->properties, merge->n_properties, hash);

    if (!slot || slot->hash != 0)
        return;
    slot->hash = hash;
    merge->n_properties++;
}

static void merge_leaf(struct merge *merge, const struct qr_ifc_leaf *leaf, uint32_t object,
                       const char *source, uint64_t owners)
{
    struct qr_ifc *ifc = merge->ifc;

    qr_ifc_say_leaf(ifc, leaf, &merge->said);
    uint64_t hash = qr_ifc_leaf_hash(leaf, &merge->said) ^ (source[0] == 't');
    struct slot *slot = slot_of(merge->values, merge->n_values, hash + (hash == 0));
    struct slot *property =
        slot_of(merge->properties, merge->n_properties, qr_ifc_leaf_hash(leaf, NULL));
    if (slot && slot->hash != 0) {
        slot->u.entry->owners += owners;
        merge->kept += owners;
        return;
    }
    if (!slot || !property || property->u.values >= merge->per_property || merge->room == 0) {
        merge->lost += owners;
        return;
    }
    Quarry__V1__Parameter *entry =
        qr_ifc_put_parameter(ifc, leaf, &merge->said, qr_ifc_id(ifc, object), source, owners);
    if (!entry) {
        merge->room = 0;
        merge->lost += owners;
        return;
    }
    slot->hash = hash + (hash == 0);
    slot->u.entry = entry;
    merge->n_values++;
    merge->room--;
    merge->kept += owners;
    property->u.values++;
}

static void take_definition(struct merge *merge, uint32_t definition, uint32_t object,
                            const char *source, uint64_t owners)
{
    struct qr_ifc_leaves leaves;
    struct qr_ifc_leaf leaf;

    qr_ifc_leaves_init(&leaves, merge->ifc, definition);
    while (merge->leaves < merge->leaves_max && qr_ifc_next_leaf(&leaves, &leaf)) {
        merge->leaves++;
        if (merge->counting)
            count_leaf(merge, &leaf);
        else
            merge_leaf(merge, &leaf, object, source, owners);
    }
}

static void take_relation(struct qr_ifc *ifc, void *arg, const struct qr_p21_value *one,
                          struct qr_p21_value *many)
{
    struct merge *merge = arg;
    struct qr_ifc_refs objects = qr_ifc_refs(many);
    struct qr_ifc_refs definitions = qr_ifc_refs(one);
    uint32_t first = qr_ifc_next_object(ifc, &objects);
    struct qr_p21_value value;
    uint64_t owners = 1;

    if (first == QR_IFC_NOTHING)
        return;
    while (!merge->counting && qr_ifc_next_ref(&objects, &value))
        owners++;
    while (qr_ifc_next_ref(&definitions, &value))
        take_definition(merge, qr_p21_follow(ifc->p21, &value), first, "occurrence", owners);
}

static void take_type(struct merge *merge, uint32_t type)
{
    struct qr_ifc *ifc = merge->ifc;
    struct qr_p21_value value;

    if (!qr_p21_attribute(ifc->p21, ifc->objects[type].instance, QR_P21_UNKNOWN, QR_IFC_TYPE_SETS,
                          &value))
        return;
    struct qr_ifc_refs sets = qr_ifc_refs(&value);
    uint64_t owners = ifc->objects[type].uses ? ifc->objects[type].uses : 1;
    while (qr_ifc_next_ref(&sets, &value))
        take_definition(merge, qr_p21_follow(ifc->p21, &value), type, "type", owners);
}

static void take_all(struct merge *merge)
{
    struct qr_ifc *ifc = merge->ifc;

    for (size_t i = 0; i < QR_COUNT(qr_ifc_property_relations); i++)
        qr_ifc_each_relation(ifc, &qr_ifc_property_relations[i], take_relation, merge);
    for (uint32_t i = 0; i < ifc->n_objects; i++)
        if (qr_ifc_kind(ifc, i) == QR_IFC_TYPE)
            take_type(merge, i);
}

void qr_ifc_merge_properties(struct qr_ifc *ifc, size_t room)
{
    struct merge merge = {.ifc = ifc, .room = room, .counting = true};
    uint64_t dangling = ifc->dangling;

    merge.leaves_max = qr_ifc_effort(ifc);
    merge.properties = calloc(SLOTS, sizeof *merge.properties);
    merge.values = calloc(SLOTS, sizeof *merge.values);
    qr_buf_init(&merge.said.text, qr_ifc_text_max(ifc));
    if (merge.properties && merge.values) {
        take_all(&merge);
        ifc->dangling = dangling; /* the second round counts them again */
        merge.counting = false;
        merge.leaves = 0;
        merge.per_property = (uint32_t)(room / (merge.n_properties ? merge.n_properties : 1));
        merge.per_property += merge.per_property == 0;
        take_all(&merge);
        qr_record_partial(ifc->rec, "ifc.properties.merged",
                          "%" PRIu64 " values of %" PRIu32 " properties are more than the record "
                          "holds: equal ones are one entry, with the number of objects; %" PRIu64
                          " of them beyond %" PRIu32 " different values a property are left out",
                          merge.kept + merge.lost, merge.n_properties, merge.lost,
                          merge.per_property);
        if (merge.leaves == merge.leaves_max)
            qr_record_partial(ifc->rec, "ifc.properties.capped",
                              "sets are shared so often that only the first %" PRIu64
                              " properties were looked at",
                              merge.leaves);
    } else {
        ifc->rec->failed = true;
    }
    free(merge.properties);
    free(merge.values);
    qr_buf_done(&merge.said.text);
}

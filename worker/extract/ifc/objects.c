#include <stdlib.h>

#include "worker/extract/ifc/intern.h"

#define CHAIN_MAX 64 /* wholes within wholes */

/* Complex instances are no objects: IFC has none. */
static enum qr_ifc_kind kind_of_instance(const struct qr_ifc *ifc, uint32_t instance)
{
    uint32_t type = qr_p21_type_of(ifc->p21, instance);

    return type >= QR_P21_FIRST_TYPE ? ifc->classes[type].kind : QR_IFC_NONE;
}

static bool find_classes(struct qr_ifc *ifc)
{
    uint32_t n = qr_p21_types(ifc->p21);

    ifc->classes = calloc(n, sizeof *ifc->classes);
    for (uint32_t i = QR_P21_FIRST_TYPE; ifc->classes && i < n; i++)
        ifc->classes[i] = qr_ifc_class_of(qr_p21_type_name(ifc->p21, i), ifc->old);
    return ifc->classes != NULL;
}

bool qr_ifc_find_objects(struct qr_ifc *ifc)
{
    uint32_t instances = qr_p21_count(ifc->p21);
    size_t n = 0;

    if (!find_classes(ifc))
        return false;
    for (uint32_t i = QR_P21_FIRST_TYPE; i < qr_p21_types(ifc->p21); i++)
        if (ifc->classes[i].kind != QR_IFC_NONE)
            n += qr_p21_type_simple(ifc->p21, i);
    ifc->objects = malloc((n + 1) * sizeof *ifc->objects);
    if (!ifc->objects)
        return false;
    for (uint32_t i = 0; i < instances && ifc->n_objects < n; i++) {
        enum qr_ifc_kind kind = kind_of_instance(ifc, i);
        if (kind == QR_IFC_NONE)
            continue;
        ifc->kinds[kind]++;
        ifc->objects[ifc->n_objects++] = (struct qr_ifc_object){
            .instance = i,
            .type = QR_IFC_NOTHING,
            .reflects = QR_IFC_NOTHING,
            .parent = QR_IFC_NOTHING,
            .container = QR_IFC_NOTHING,
            .material = QR_IFC_NOTHING,
            .class = (uint16_t)qr_p21_type_of(ifc->p21, i),
        };
    }
    return true;
}

uint32_t qr_ifc_object_of(const struct qr_ifc *ifc, uint32_t instance)
{
    uint32_t low = 0;
    uint32_t high = ifc->n_objects;

    if (instance == QR_P21_NONE)
        return QR_IFC_NOTHING;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (ifc->objects[middle].instance < instance)
            low = middle + 1;
        else
            high = middle;
    }
    return low < ifc->n_objects && ifc->objects[low].instance == instance ? low : QR_IFC_NOTHING;
}

uint32_t qr_ifc_object_at(struct qr_ifc *ifc, const struct qr_p21_value *reference)
{
    uint32_t instance = qr_p21_follow(ifc->p21, reference);

    ifc->dangling += reference->kind == QR_P21_REF && instance == QR_P21_NONE;
    return qr_ifc_object_of(ifc, instance);
}

const struct qr_ifc_class *qr_ifc_class(const struct qr_ifc *ifc, uint32_t object)
{
    return &ifc->classes[ifc->objects[object].class];
}

enum qr_ifc_kind qr_ifc_kind(const struct qr_ifc *ifc, uint32_t object)
{
    return object == QR_IFC_NOTHING ? QR_IFC_NONE : qr_ifc_class(ifc, object)->kind;
}

uint32_t qr_ifc_container(const struct qr_ifc *ifc, uint32_t object)
{
    for (int i = 0; i < CHAIN_MAX && object != QR_IFC_NOTHING; i++) {
        if (ifc->objects[object].container != QR_IFC_NOTHING)
            return ifc->objects[object].container;
        object = ifc->objects[object].parent;
        enum qr_ifc_kind kind = qr_ifc_kind(ifc, object);
        if (kind == QR_IFC_SPATIAL || kind == QR_IFC_CONTEXT)
            return object; /* alignments are parts of a project, other products of a site */
    }
    if (object != QR_IFC_NOTHING)
        qr_record_note(
            ifc->rec, "ifc.parts.deep",
            "parts of wholes in a ring, or more than %d levels deep: where they stand is "
            "not known",
            CHAIN_MAX);
    return QR_IFC_NOTHING;
}

struct qr_ifc_refs qr_ifc_refs(const struct qr_p21_value *value)
{
    struct qr_ifc_refs refs = {.cursor = qr_p21_enter(value), .single = {.kind = QR_P21_END}};

    if (value->kind == QR_P21_REF)
        refs.single = *value;
    return refs;
}

/* Lists in lists do not occur; a typed list, IFCPROPERTYSETDEFINITIONSET((#1,#2)), does. */
bool qr_ifc_next_ref(struct qr_ifc_refs *refs, struct qr_p21_value *ret)
{
    if (refs->single.kind == QR_P21_REF) {
        *ret = refs->single;
        refs->single.kind = QR_P21_END;
        return true;
    }
    while (qr_p21_next(&refs->cursor, ret)) {
        if (ret->kind == QR_P21_REF)
            return true;
        if (ret->kind == QR_P21_LIST)
            refs->cursor = qr_p21_enter(ret);
    }
    return false;
}

uint32_t qr_ifc_next_object(struct qr_ifc *ifc, struct qr_ifc_refs *refs)
{
    struct qr_p21_value value;

    while (qr_ifc_next_ref(refs, &value)) {
        uint32_t object = qr_ifc_object_at(ifc, &value);
        if (object != QR_IFC_NOTHING)
            return object;
    }
    return QR_IFC_NOTHING;
}

void qr_ifc_each_relation(struct qr_ifc *ifc, const struct qr_ifc_relation *relation,
                          qr_ifc_relation_fn fn, void *arg)
{
    uint32_t type = qr_p21_type(ifc->p21, relation->name);
    int count = (relation->one > relation->many ? relation->one : relation->many) + 1;
    struct qr_p21_value values[8];
    uint32_t n;
    const uint32_t *instances = qr_p21_of_type(ifc->p21, type, &n);

    for (uint32_t i = 0; i < n; i++) {
        qr_p21_get(ifc->p21, instances[i], type, values, (size_t)count);
        fn(ifc, arg, &values[relation->one], &values[relation->many]);
    }
}

uint64_t qr_ifc_effort(const struct qr_ifc *ifc)
{
    return ((uint64_t)1 << 20) + 4 * (uint64_t)qr_p21_count(ifc->p21);
}

size_t qr_ifc_room(const struct qr_ifc *ifc, size_t n_used)
{
    return n_used < ifc->rec->limits.items ? ifc->rec->limits.items - n_used : 0;
}

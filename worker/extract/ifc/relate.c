#include "worker/extract/ifc/intern.h"

/* Which object field a relation fills. */
enum field { TYPE, REFLECTS, PARENT, CONTAINER };

static uint32_t *field_of(struct qr_ifc_object *object, enum field field)
{
    switch (field) {
    case TYPE:
        return &object->type;
    case REFLECTS:
        return &object->reflects;
    case PARENT:
        return &object->parent;
    default:
        return &object->container;
    }
}

/* Can it be at that end of the relation? */
static bool may_be_target(enum field field, enum qr_ifc_kind kind)
{
    return field == TYPE        ? kind == QR_IFC_TYPE
           : field == REFLECTS  ? qr_ifc_is_product(kind)
           : field == CONTAINER ? kind == QR_IFC_SPATIAL
                                : kind != QR_IFC_NONE;
}

/* Where several relations claim the same, the first in the file has it. */
static void set_field(struct qr_ifc *ifc, void *arg, const struct qr_p21_value *one,
                      struct qr_p21_value *many)
{
    const enum field *field = arg;
    uint32_t target = qr_ifc_object_at(ifc, one);
    struct qr_ifc_refs refs = qr_ifc_refs(many);
    uint32_t object;

    if (!may_be_target(*field, qr_ifc_kind(ifc, target)))
        return;
    while ((object = qr_ifc_next_object(ifc, &refs)) != QR_IFC_NOTHING) {
        uint32_t *slot = field_of(&ifc->objects[object], *field);
        if (object == target || (*field == TYPE && qr_ifc_kind(ifc, object) == QR_IFC_TYPE))
            continue; /* a type of a type */
        if (*slot != QR_IFC_NOTHING) {
            ifc->second += *slot != target && *field != PARENT; /* nested and aggregated is fine */
            continue;
        }
        *slot = target;
        if (*field == TYPE)
            ifc->objects[target].uses++;
    }
}

void qr_ifc_relate(struct qr_ifc *ifc)
{
    static const struct {
        struct qr_ifc_relation relation;
        enum field field;
    } relations[] = {
        {{"IFCRELDEFINESBYTYPE", 5, 4}, TYPE},
        {{"IFCRELDEFINESBYOBJECT", 5, 4}, REFLECTS},
        {{"IFCRELAGGREGATES", 4, 5}, PARENT},
        {{"IFCRELNESTS", 4, 5}, PARENT},
        {{"IFCRELDECOMPOSES", 4, 5}, PARENT},
        {{"IFCRELCONTAINEDINSPATIALSTRUCTURE", 5, 4}, CONTAINER},
    };

    for (size_t i = 0; i < QR_COUNT(relations); i++) {
        enum field field = relations[i].field;
        qr_ifc_each_relation(ifc, &relations[i].relation, set_field, &field);
    }
    for (uint32_t i = 0; i < ifc->n_objects; i++) {
        uint32_t container = qr_ifc_container(ifc, i);
        if (container != QR_IFC_NOTHING && qr_ifc_is_product(qr_ifc_kind(ifc, i)) &&
            qr_ifc_kind(ifc, i) != QR_IFC_SPATIAL)
            ifc->objects[container].uses++;
    }
}

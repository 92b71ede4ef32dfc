#include "worker/extract/ifc/intern.h"

/* One product, type, group or other object. False: the list is full. */
static bool put_product(struct qr_ifc *ifc, uint32_t object)
{
    const struct qr_ifc_object *entry = &ifc->objects[object];
    const struct qr_ifc_class *class = qr_ifc_class(ifc, object);
    struct qr_p21_value values[QR_IFC_ATTRIBUTES];
    struct qr_record *rec = ifc->rec;
    bool is_element = class->kind == QR_IFC_ELEMENT || class->kind == QR_IFC_FEATURE;

    Quarry__V1__CadProduct *product = qr_cad_add_product(rec);
    if (!product)
        return false;
    qr_p21_get(ifc->p21, entry->instance, QR_P21_UNKNOWN, values, QR_COUNT(values));
    product->id = qr_ifc_id(ifc, object);
    product->name = qr_ifc_string(ifc, &values[QR_IFC_NAME]);
    product->description = (char *)(uintptr_t)qr_ifc_text(ifc, &values[QR_IFC_DESCRIPTION]);
    product->category = (char *)(uintptr_t)qr_ifc_intern(ifc, class->name, strlen(class->name));
    product->instance = qr_p21_id(ifc->p21, entry->instance);
    if (is_element || class->kind == QR_IFC_TYPE)
        product->tag = qr_ifc_string(ifc, &values[QR_IFC_TAG]);
    product->object_type = (char *)(uintptr_t)qr_ifc_text(
        ifc, &values[class->kind == QR_IFC_TYPE ? QR_IFC_ELEMENT_TYPE : QR_IFC_OBJECT_TYPE]);
    if (class->predefined >= 0 && values[class->predefined].kind == QR_P21_ENUM)
        product->predefined_type = (char *)(uintptr_t)qr_ifc_intern(
            ifc, (const char *)values[class->predefined].at, values[class->predefined].len);
    if (entry->type != QR_IFC_NOTHING)
        product->type = qr_ifc_id(ifc, entry->type);
    uint32_t container = qr_ifc_container(ifc, object);
    if (container != QR_IFC_NOTHING)
        product->container = qr_ifc_id(ifc, container);
    product->root = class->kind == QR_IFC_ELEMENT && entry->parent == QR_IFC_NOTHING &&
                    container == QR_IFC_NOTHING;
    return true;
}

static void say_product(struct qr_ifc *ifc, uint32_t object)
{
    struct qr_p21_value values[QR_IFC_OBJECT_TYPE + 1];

    qr_p21_get(ifc->p21, ifc->objects[object].instance, QR_P21_UNKNOWN, values, QR_COUNT(values));
    qr_ifc_say(ifc, qr_ifc_class(ifc, object)->name);
    qr_ifc_say_value(ifc, &values[QR_IFC_NAME]);
    qr_ifc_say_value(ifc, &values[QR_IFC_DESCRIPTION]);
    qr_ifc_say_value(ifc, &values[QR_IFC_OBJECT_TYPE]);
}

static bool is_listed(enum qr_ifc_kind kind)
{
    return kind != QR_IFC_NONE && kind != QR_IFC_SPATIAL && kind != QR_IFC_CONTEXT;
}

void qr_ifc_report_products(struct qr_ifc *ifc)
{
    Quarry__V1__CadModel *cad = qr_record_cad(ifc->rec);
    uint64_t few = 0; /* what others refer to, and is kept when there are too many elements */
    uint64_t left_out = 0;
    bool room = true;

    if (!cad)
        return;
    for (int kind = QR_IFC_TYPE; kind <= QR_IFC_OTHER; kind++)
        few += is_listed((enum qr_ifc_kind)kind) ? ifc->kinds[kind] : 0;
    for (int round = 0; round < 2; round++)
        for (uint32_t i = 0; i < ifc->n_objects; i++) {
            enum qr_ifc_kind kind = qr_ifc_kind(ifc, i);
            if (!is_listed(kind) || (kind >= QR_IFC_TYPE) != (round == 1))
                continue;
            say_product(ifc, i);
            room = qr_ifc_room(ifc, cad->n_products) > (round == 0 ? few : 0);
            if (!room || !put_product(ifc, i))
                left_out++;
        }
    if (left_out > 0)
        qr_record_partial(ifc->rec, "ifc.products.capped",
                          "%llu of %llu products are not listed; all are counted",
                          (unsigned long long)left_out,
                          (unsigned long long)(left_out + cad->n_products));
}

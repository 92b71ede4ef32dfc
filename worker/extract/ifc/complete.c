#include "worker/extract/ifc/intern.h"

/* How much of what a building model can hold is there. Weights: docs/record.md, "Completeness". */
void qr_ifc_judge(struct qr_ifc *ifc)
{
    const Quarry__V1__ExtractionRecord *msg = ifc->rec->msg;
    uint64_t elements = 0, placed = 0, typed = 0, made = 0;
    bool lost = msg->partial && !qr_p21_has_end(ifc->p21);

    for (uint32_t i = 0; i < ifc->n_objects; i++) {
        const struct qr_ifc_object *object = &ifc->objects[i];
        if (qr_ifc_kind(ifc, i) != QR_IFC_ELEMENT)
            continue;
        uint32_t type = object->type;
        elements++;
        placed += qr_ifc_container(ifc, i) != QR_IFC_NOTHING;
        typed += type != QR_IFC_NOTHING;
        made += object->material != QR_IFC_NOTHING ||
                (type != QR_IFC_NOTHING && ifc->objects[type].material != QR_IFC_NOTHING);
    }
    double weight = 4;
    double found = (qr_record_find_meta(ifc->rec, "created") != NULL) +
                   (qr_record_find_meta(ifc->rec, "project") != NULL ||
                    qr_record_find_meta(ifc->rec, "project_long_name") != NULL) +
                   (ifc->n_units > 0) + (ifc->kinds[QR_IFC_SPATIAL] > 0);
    if (elements > 0) {
        double n = (double)elements;
        weight += 7;
        found += 3 * (double)placed / n + (double)typed / n + (double)made / n +
                 2 * (msg->n_parameters > 0);
    }
    double share = found / weight;
    ifc->rec->msg->completeness = lost ? share / 2 : share; /* how much was cut off, nobody knows */
}

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "worker/extract/ifc/materials.h"
#include "worker/extract/ifc/properties.h"

uint32_t qr_ifc_stock_place(const struct qr_ifc_stock *stock, uint32_t instance)
{
    uint32_t low = 0;
    uint32_t high = stock->n_all;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (stock->all[middle] < instance)
            low = middle + 1;
        else
            high = middle;
    }
    return low < stock->n_all && stock->all[low] == instance ? low : QR_P21_NONE;
}

double qr_ifc_rounded(double value)
{
    char text[40];

    snprintf(text, sizeof text, "%.12g", value);
    return strtod(text, NULL);
}

/* Records that hold properties of a material, and where it stands in them. */
static const struct {
    const char *type;
    int material;
} holders[] = {
    {"IFCEXTENDEDMATERIALPROPERTIES", 0},
    {"IFCGENERALMATERIALPROPERTIES", 0},
    {"IFCMECHANICALMATERIALPROPERTIES", 0},
    {"IFCMECHANICALSTEELMATERIALPROPERTIES", 0},
    {"IFCMECHANICALCONCRETEMATERIALPROPERTIES", 0},
    {"IFCTHERMALMATERIALPROPERTIES", 0},
    {"IFCHYGROSCOPICMATERIALPROPERTIES", 0},
    {"IFCOPTICALMATERIALPROPERTIES", 0},
    {"IFCFUELPROPERTIES", 0},
    {"IFCWATERPROPERTIES", 0},
    {"IFCPRODUCTSOFCOMBUSTIONPROPERTIES", 0},
    {"IFCMATERIALPROPERTIES", 3},
};

static void put_holder(struct qr_ifc_stock *stock, uint32_t holder, uint32_t material,
                       struct qr_ifc_said *said, size_t *room)
{
    struct qr_ifc *ifc = stock->ifc;
    uint32_t place = qr_ifc_stock_place(stock, material);
    const char *owner = qr_ifc_material_name(ifc, material);
    struct qr_ifc_leaves leaves;
    struct qr_ifc_leaf leaf;
    double number;

    qr_ifc_leaves_init(&leaves, ifc, holder);
    while (*room > 0 && qr_ifc_next_leaf(&leaves, &leaf)) {
        if (place != QR_P21_NONE && strcmp(leaf.name, "MassDensity") == 0 &&
            qr_ifc_leaf_number(ifc, &leaf, &number) && number > 0 && isfinite(number))
            stock->density[place] = qr_ifc_rounded(number);
        qr_ifc_say_leaf(ifc, &leaf, said);
        qr_ifc_put_parameter(ifc, &leaf, said, (char *)(uintptr_t)owner, "material", 0);
        --*room;
    }
}

void qr_ifc_report_material_properties(struct qr_ifc_stock *stock)
{
    struct qr_ifc *ifc = stock->ifc;
    size_t room = qr_ifc_room(ifc, ifc->rec->msg->n_parameters) / 4;
    struct qr_ifc_said said;
    struct qr_p21_value value;
    uint32_t n;

    qr_buf_init(&said.text, qr_ifc_text_max(ifc));
    for (size_t k = 0; k < QR_COUNT(holders); k++) {
        const uint32_t *all = qr_p21_of_type(ifc->p21, qr_p21_type(ifc->p21, holders[k].type), &n);
        for (uint32_t i = 0; i < n && room > 0; i++) {
            if (!qr_p21_attribute(ifc->p21, all[i], QR_P21_UNKNOWN, (size_t)holders[k].material,
                                  &value))
                continue;
            uint32_t material = qr_p21_follow(ifc->p21, &value);
            if (material != QR_P21_NONE)
                put_holder(stock, all[i], material, &said, &room);
        }
    }
    qr_buf_done(&said.text);
    if (room == 0)
        qr_record_partial(ifc->rec, "ifc.properties.capped",
                          "not all properties of materials are listed");
}

/* worker/extract/ifc/materials.h
 *
 * Between the files that put materials into the record: what a definition of materials consists of
 * (material_parts.c), what is known of each material (material_properties.c), and who has which
 * (materials.c).
 */
#pragma once
#include "worker/extract/ifc/intern.h"

/* A material and what it does there. */
struct qr_ifc_part {
    uint32_t material; /* instance of IfcMaterial, or QR_P21_NONE */
    struct qr_p21_value name, thickness, fraction;
};

/* The parts of a definition, one after the other: a material alone, layers, constituents, profiles,
 * a list, or a usage of these. At most 1,000, and all together as many as `parts_left` says
 * ("ifc.materials.capped"). */
struct qr_ifc_parts {
    struct qr_ifc *ifc;
    struct qr_ifc_refs refs;
    uint32_t single; /* instance; QR_P21_NONE: none, or taken */
    uint32_t left;
};
void qr_ifc_parts_init(struct qr_ifc_parts *parts, struct qr_ifc *ifc, uint32_t definition);
bool qr_ifc_next_part(struct qr_ifc_parts *parts, struct qr_ifc_part *ret);

/** What a material or a definition of materials is called; "" when it has no name. */
const char *qr_ifc_material_name(struct qr_ifc *ifc, uint32_t definition);

/* All IfcMaterial records, in the order of the file. */
struct qr_ifc_stock {
    struct qr_ifc *ifc;
    uint32_t n_all;
    const uint32_t *all;
    double *density; /* of each, kg/m³; 0: not known */
    bool *used;      /* of each: some object has it */
};

/** Place of a material among all; QR_P21_NONE when it is none. */
uint32_t qr_ifc_stock_place(const struct qr_ifc_stock *stock, uint32_t instance);

/** Twelve digits: factors of units leave dust in the others. */
double qr_ifc_rounded(double value);

/** Properties of materials as parameters; fills the densities. */
void qr_ifc_report_material_properties(struct qr_ifc_stock *stock);

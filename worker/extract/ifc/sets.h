/* worker/extract/ifc/sets.h
 *
 * Property sets, element quantities, predefined sets and material properties, one value at a time.
 *
 * Properties in complex properties are given under names with dots ("Frame.Width"). They may
 * multiply without end, so they are followed a few levels deep ("ifc.property.deep"), and a budget
 * of the whole file bounds their number ("ifc.properties.capped").
 */
#pragma once
#include "worker/extract/ifc/intern.h"

#define QR_IFC_SET_DEPTH 12
#define QR_IFC_PROPERTY_VALUES 7 /* attributes that are read of one */

struct qr_ifc_leaf {
    const char *set;  /* its name; of sets without one the class: "IfcDoorLiningProperties" */
    const char *name; /* valid until the next leaf */
    const char *type; /* "IFCPROPERTYSINGLEVALUE"; "" of a predefined set */
    struct qr_p21_value values[QR_IFC_PROPERTY_VALUES]; /* of a predefined set: the value first */
};

/* A walk over one definition. */
struct qr_ifc_leaves {
    struct qr_ifc *ifc;
    const char *set;
    struct qr_ifc_refs stack[QR_IFC_SET_DEPTH];
    uint16_t path_len[QR_IFC_SET_DEPTH];
    int depth;                   /* -1: at the end, or a predefined set */
    const char *labels;          /* names of attributes of a predefined set, from here on */
    struct qr_p21_cursor cursor; /* its values */
    char path[256];
    char label[96];
};

/** `definition` is an instance; of another kind: a walk over nothing. */
void qr_ifc_leaves_init(struct qr_ifc_leaves *leaves, struct qr_ifc *ifc, uint32_t definition);
bool qr_ifc_next_leaf(struct qr_ifc_leaves *leaves, struct qr_ifc_leaf *ret);

/** How many leaves there are, at most `max`; properties in properties count as one. */
uint64_t qr_ifc_count_leaves(struct qr_ifc *ifc, uint32_t definition, uint64_t max);

/* What a leaf says. */
struct qr_ifc_said {
    struct qr_buf text;
    const char *type; /* "IFCLENGTHMEASURE"; "" when the file does not say. Stored */
    const char *unit; /* "" when it has none. Stored */
};

/** values.c: `said->text` is emptied first. */
void qr_ifc_say_leaf(struct qr_ifc *ifc, const struct qr_ifc_leaf *leaf, struct qr_ifc_said *said);

/** The value of a leaf as a number in SI units; false: it is none, or its unit is not known. */
bool qr_ifc_leaf_number(struct qr_ifc *ifc, const struct qr_ifc_leaf *leaf, double *ret);

/* worker/extract/step/intern.h
 *
 * What the files of the STEP extractor share. Instances are those of worker/extract/p21/p21.h,
 * QR_P21_NONE: none. Strings live in the record's arena.
 */
#pragma once
#include "common/record/cad.h"
#include "common/record/parts.h"
#include "worker/extract/extract.h"
#include "worker/extract/p21/model.h"
#include "worker/extract/step/names.h"

/* From an instance to those that refer to it by one attribute: pairs, sorted. */
struct qr_step_inverse {
    uint64_t *pairs; /* target above source */
    size_t n, cap;
};

/* A unit: how many SI units it is, and of what. */
struct qr_step_unit {
    double factor;           /* to metre, kilogram, second, radian */
    int length, mass, angle; /* powers; other quantities are not told apart */
    bool known;
};

struct qr_step_product {
    uint32_t instance;
    const char *id, *name;
    bool is_child, is_parent, is_document, is_material;
};

/* A child in its parent, once. */
struct qr_step_usage {
    uint32_t instance;      /* of NEXT_ASSEMBLY_USAGE_OCCURRENCE; QR_P21_NONE: a mapped item */
    uint32_t parent, child; /* index of the product; child QR_P21_NONE: unresolved */
    uint32_t parent_definition, child_definition;
    double amount;
    uint32_t unit; /* of `amount`, when quantified */
    bool quantified, cycle;
    uint32_t mapped;    /* the MAPPED_ITEM that says where; 0: none, else instance + 1 */
    uint32_t mapped_in; /* the parent's representation that has it */
};

struct qr_step_tree {
    struct qr_step_usage *usages; /* by parent, then child, then place in the file */
    uint32_t n, cap;
    uint32_t *first; /* of a product's usages as parent; one more than products */
    uint32_t *up;    /* of a product: first usage as child, plus 1; 0: none */
    uint32_t *level; /* of a product: 0 for roots */
    double *total;   /* of a product: how often it is in the whole */

    struct qr_step_inverse placed;    /* CONTEXT_DEPENDENT_SHAPE_REPRESENTATION by usage */
    struct qr_step_inverse rep_owner; /* PRODUCT_DEFINITION by representation */
    double *rep_mm;                   /* of each pair of these: mm for one length unit */
    struct qr_step_inverse same_rep;  /* representation by representation */
};

struct qr_step {
    const struct qr_extract *x;
    struct qr_record *rec;
    const struct qr_p21 *p;
    uint32_t type[STEP_NAMES]; /* QR_P21_UNKNOWN: the file has none of it */

    struct qr_step_product *products; /* in order of the file */
    uint32_t n_products;

    struct qr_step_inverse shape_of; /* PRODUCT_DEFINITION_SHAPE by what it is the shape of */

    struct qr_step_inverse qualified; /* MEASURE_QUALIFICATION by measure */

    struct qr_step_tree tree;
    double length_mm; /* of the file's main context */
    double angle_deg;
};

/* ---- access (access.c) */
/** An attribute by its place in the simple form, or in the part that declares it. */
struct qr_step_field {
    uint8_t simple;
    uint8_t index;
    enum qr_step_name part;
};

bool qr_step_is(const struct qr_step *s, uint32_t instance, enum qr_step_name name);
/** Instances of a type, in order of the file. */
const uint32_t *qr_step_all(const struct qr_step *s, enum qr_step_name name, uint32_t *ret_n);
/** Attribute `n` of a simple instance; of a complex one, of its part `name`. */
bool qr_step_attribute(const struct qr_step *s, uint32_t instance, enum qr_step_name name, size_t n,
                       struct qr_p21_value *ret);
bool qr_step_field(const struct qr_step *s, uint32_t instance, struct qr_step_field field,
                   struct qr_p21_value *ret);
uint32_t qr_step_ref(const struct qr_step *s, uint32_t instance, struct qr_step_field field);
const char *qr_step_text(const struct qr_step *s, uint32_t instance, struct qr_step_field field);
/** A number of any kind; false: there is none. */
bool qr_step_number(const struct qr_step *s, uint32_t instance, struct qr_step_field field,
                    double *ret);
/** Three coordinates of a CARTESIAN_POINT or DIRECTION, missing ones 0. */
bool qr_step_triple(const struct qr_step *s, uint32_t instance, double ret[3]);
/** The number of an instance as "#12". */
char *qr_step_handle(const struct qr_step *s, uint32_t instance);
bool qr_step_same(const char *a, const char *b); /* ignoring case and what is between words */

/* ---- inverses (inverse.c) */
bool qr_step_inverse_add(struct qr_step_inverse *inverse, uint32_t target, uint32_t source);
void qr_step_inverse_sort(struct qr_step_inverse *inverse);
/** The sources of a target: number `i` of them, QR_P21_NONE behind the last. */
uint32_t qr_step_inverse_get(const struct qr_step_inverse *inverse, uint32_t target, size_t i);
/** Where its pairs begin; `n` when it has none. */
size_t qr_step_inverse_find(const struct qr_step_inverse *inverse, uint32_t target);
void qr_step_inverse_done(struct qr_step_inverse *inverse);

/* ---- units (unit.c) */
struct qr_step_unit qr_step_unit(const struct qr_step *s, uint32_t unit);
/** Millimetres and degrees for one unit of a representation's context; 1 where it says nothing. */
void qr_step_context_units(const struct qr_step *s, uint32_t context, double *ret_mm,
                           double *ret_deg);
/** Its name as people write it: "mm", "in", "kg", "deg"; "" when there is none. */
const char *qr_step_unit_name(const struct qr_step *s, uint32_t unit);
void qr_step_units(struct qr_step *s); /* main units, accuracy -> record */

/* A number with its unit. */
struct qr_step_measure {
    const char *name; /* of the representation item; "" */
    double value;
    uint32_t unit;       /* instance */
    const uint8_t *kind; /* "LENGTH_MEASURE": not NUL-terminated */
    size_t kind_len;
};
/** Of a MEASURE_WITH_UNIT or MEASURE_REPRESENTATION_ITEM in any form; false: it is none. */
bool qr_step_measure(const struct qr_step *s, uint32_t instance, struct qr_step_measure *ret);

/* ---- parts of the extraction */
void qr_step_products(struct qr_step *s);   /* product.c */
void qr_step_assembly(struct qr_step *s);   /* assembly.c */
void qr_step_properties(struct qr_step *s); /* property.c */
void qr_step_styles(struct qr_step *s);     /* style.c */
void qr_step_people(struct qr_step *s);     /* people.c: persons, approvals, dates */
void qr_step_documents(struct qr_step *s);  /* document.c */
void qr_step_brep(struct qr_step *s);       /* brep.c, genome */
void qr_step_points(struct qr_step *s);     /* tessellation.c */
void qr_step_pmi(struct qr_step *s);        /* pmi.c */
void qr_step_say(struct qr_step *s);        /* text.c: what search finds */

/* ---- products and shapes (product.c) */
/** The product of a PRODUCT_DEFINITION or its formation; NULL: none. */
const struct qr_step_product *qr_step_product_of(const struct qr_step *s, uint32_t definition);
/** Whose property or shape it is: the product's name, or that of the aspect; "" when unknown. */
const char *qr_step_owner(const struct qr_step *s, uint32_t thing);
/** The PRODUCT_DEFINITION behind a definition, shape, shape aspect; QR_P21_NONE: none. */
uint32_t qr_step_definition_of(const struct qr_step *s, uint32_t thing);
const char *qr_step_label(const struct qr_step_product *product);

/* worker/extract/step/assembly.h
 *
 * Which product stands where in which: between assembly.c (the tree) and placement.c (places).
 */
#pragma once
#include "worker/extract/step/intern.h"

/* A child in its parent, once. */
struct qr_step_usage {
    uint32_t instance;      /* of NEXT_ASSEMBLY_USAGE_OCCURRENCE; QR_P21_NONE: a mapped item */
    uint32_t parent, child; /* index of the product; child QR_P21_NONE: unresolved */
    uint32_t parent_definition, child_definition;
    double amount;
    uint32_t unit; /* of `amount`, when quantified */
    bool quantified, cycle;
    uint32_t mapped; /* the MAPPED_ITEM that says where; 0: none, else instance + 1 */
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
    struct qr_step_inverse same_rep;  /* representation by representation */
};

/** Sort, find cycles, count. False: out of memory. */
bool qr_step_tree_index(struct qr_step *s, struct qr_step_tree *tree);
void qr_step_tree_done(struct qr_step_tree *tree);

/** Learn which representation belongs to which product, and where usages are placed. */
void qr_step_placements(struct qr_step *s, struct qr_step_tree *tree);
void qr_step_placements_done(struct qr_step_tree *tree);

/** A usage that only a MAPPED_ITEM tells of. */
void qr_step_tree_add(struct qr_step *s, struct qr_step_tree *tree, uint32_t parent_definition,
                      uint32_t child_definition, uint32_t item);

/** 4 x 4 by rows, child to parent, mm; false: the file does not say. */
bool qr_step_placement(const struct qr_step *s, const struct qr_step_tree *tree,
                       const struct qr_step_usage *usage, double ret[16]);

/** The root and the numbers of usages down to this one, the first way there is: "asm/3/12". */
const char *qr_step_path(const struct qr_step *s, const struct qr_step_tree *tree,
                         const struct qr_step_usage *usage);

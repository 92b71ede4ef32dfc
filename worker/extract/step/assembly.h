/* worker/extract/step/assembly.h
 *
 * Which product stands where in which: between assembly.c (the tree) and placement.c (places).
 */
#pragma once
#include "worker/extract/step/intern.h"

/** Sort, find cycles, count. False: out of memory. */
bool qr_step_tree_index(struct qr_step *s, struct qr_step_tree *tree);
void qr_step_tree_done(struct qr_step_tree *tree);

/** Learn which representation belongs to which product, and where usages are placed. */
void qr_step_placements(struct qr_step *s, struct qr_step_tree *tree);
/** Give each MAPPED_ITEM to a usage that nothing has placed, or make it one. mapped.c */
void qr_step_mapped_items(struct qr_step *s, struct qr_step_tree *tree);
void qr_step_placements_done(struct qr_step_tree *tree);

/** Usages that stand for others (ASSEMBLY_COMPONENT_USAGE_SUBSTITUTE), each with what it stands
 * for: they are no parts beside them. usage.c */
void qr_step_substitutes(struct qr_step *s, struct qr_step_inverse *ret);
/** Usages that are no place in the tree, as assemblies with a `relation`: substitute, higher_usage,
 * promised (`promises`: when the tree is made of others); and what is made from what. usage.c */
void qr_step_other_usages(struct qr_step *s, const struct qr_step_tree *tree, bool promises);

/** A usage that only a MAPPED_ITEM tells of. */
void qr_step_tree_add(struct qr_step *s, struct qr_step_tree *tree, uint32_t parent_definition,
                      uint32_t child_definition, uint32_t item, uint32_t rep);

/** 4 x 4 by rows, child to parent, mm; false: the file does not say. */
bool qr_step_placement(const struct qr_step *s, const struct qr_step_tree *tree,
                       const struct qr_step_usage *usage, double ret[16]);

/** The root and the numbers of usages down to this one, the first way there is: "asm/3/12". */
const char *qr_step_path(const struct qr_step *s, const struct qr_step_tree *tree,
                         const struct qr_step_usage *usage);

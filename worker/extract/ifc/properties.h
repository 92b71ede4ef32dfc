/* worker/extract/ifc/properties.h
 *
 * Between the files that put properties into the record.
 *
 * Where all values of all objects fit into the record's list, every object has its own entries,
 * what it inherits from its type included (properties.c). Where they do not, entries that say the
 * same are one, with the number of objects that have it, and a property keeps only so many
 * different values (merge.c).
 */
#pragma once
#include "worker/extract/ifc/sets.h"

/* What defines what: IfcRelDefinesByProperties and its old subtype. */
extern const struct qr_ifc_relation qr_ifc_property_relations[2];

/** One entry. `owner`: in the record's arena. `owners` 0: it is the only one. NULL: no room. */
Quarry__V1__Parameter *qr_ifc_put_parameter(struct qr_ifc *ifc, const struct qr_ifc_leaf *leaf,
                                            const struct qr_ifc_said *said, char *owner,
                                            const char *source, uint64_t owners);

/** 64 bits over set and name; of a value as well, with `said`. */
uint64_t qr_ifc_leaf_hash(const struct qr_ifc_leaf *leaf, const struct qr_ifc_said *said);

/** All properties, merged, in at most `room` entries. */
void qr_ifc_merge_properties(struct qr_ifc *ifc, size_t room);

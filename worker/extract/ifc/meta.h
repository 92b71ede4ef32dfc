/* worker/extract/ifc/meta.h
 *
 * What a model says of itself as a whole: the parts of its metadata (origin `model`). Names of all
 * keys: docs/record.md, "An IFC model".
 */
#pragma once
#include "worker/extract/ifc/intern.h"

/** One value; an empty one is left out. */
void qr_ifc_meta(struct qr_ifc *ifc, const char *key, const char *value);
void qr_ifc_meta_number(struct qr_ifc *ifc, const char *key, double value);

/** Attributes of an instance under these keys, from 0 on; NULL: not wanted. */
void qr_ifc_meta_attributes(struct qr_ifc *ifc, uint32_t instance, const char *const *keys,
                            size_t n_keys);

/** The first record of a type; QR_P21_NONE when there is none. */
uint32_t qr_ifc_first(const struct qr_ifc *ifc, const char *type);

void qr_ifc_report_history(struct qr_ifc *ifc); /* history.c: who made it, with what, when */
void qr_ifc_report_place(struct qr_ifc *ifc);   /* place.c: where on earth it stands */

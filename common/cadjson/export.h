/* common/cadjson/export.h
 *
 * Between the files that read an export: a reader for each field of a model. The value is next; it
 * goes to cj->rec. `target` is its CadModel. False: an error was raised, with the place.
 */
#pragma once
#include "common/cadjson/intern.h"

/* export_structure.c */
bool qr_export_products(struct qr_cadjson *cj, void *target);
bool qr_export_assemblies(struct qr_cadjson *cj, void *target);
bool qr_export_mass(struct qr_cadjson *cj, void *target);
bool qr_export_bbox(struct qr_cadjson *cj, void *target);
bool qr_export_genome(struct qr_cadjson *cj, void *target);
/** Fields of the model that belong to its CadTopology. */
extern const struct qr_field qr_export_topology_fields[];

/* export_items.c */
bool qr_export_parameters(struct qr_cadjson *cj, void *target);
bool qr_export_materials(struct qr_cadjson *cj, void *target);
bool qr_export_dimensions(struct qr_cadjson *cj, void *target);
bool qr_export_features(struct qr_cadjson *cj, void *target);
bool qr_export_relations(struct qr_cadjson *cj, void *target);
bool qr_export_colours(struct qr_cadjson *cj, void *target);
bool qr_export_family_table(struct qr_cadjson *cj, void *target);

/* export_drawing.c */
bool qr_export_notes(struct qr_cadjson *cj, void *target);
bool qr_export_layers(struct qr_cadjson *cj, void *target);
bool qr_export_sheets(struct qr_cadjson *cj, void *target);
bool qr_export_links(struct qr_cadjson *cj, void *target);
bool qr_export_metadata(struct qr_cadjson *cj, void *target);
bool qr_export_text(struct qr_cadjson *cj, void *target);

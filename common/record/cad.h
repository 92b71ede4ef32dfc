/* common/record/cad.h
 *
 * The model of a record (proto/quarry/v1/cad.proto): builders for its lists.
 *
 * Each qr_cad_add_…() appends one zeroed entry and returns it; the caller fills numbers directly
 * and strings with qr_record_text(). NULL: the list has reached `limits.items` (noted as
 * "record.capped", sets `partial`) or memory is short; callers just stop. Entries live in the
 * record's arena. Numbers that are not finite are to be left out by the caller; qr_cad_numbers()
 * does it for lists. Units and meaning of each field: cad.proto. Not thread-safe.
 */
#pragma once
#include "common/record/record.h"

/** The record's model and geometry; made on the first call. NULL when out of memory. */
Quarry__V1__CadModel *qr_record_cad(struct qr_record *rec);
Quarry__V1__CadGeometry *qr_record_geometry(struct qr_record *rec);

/** Parts of the model that exist once; made on the first call. NULL when out of memory. */
Quarry__V1__CadTopology *qr_cad_topology(struct qr_record *rec);
Quarry__V1__CadTable *qr_cad_family_table(struct qr_record *rec);

Quarry__V1__CadProduct *qr_cad_add_product(struct qr_record *rec);
Quarry__V1__CadAssembly *qr_cad_add_assembly(struct qr_record *rec);
Quarry__V1__CadOccurrence *qr_cad_add_occurrence(struct qr_record *rec,
                                                 Quarry__V1__CadAssembly *assembly);
Quarry__V1__CadMass *qr_cad_add_mass(struct qr_record *rec);
Quarry__V1__CadEmbedding *qr_cad_add_embedding(struct qr_record *rec);
Quarry__V1__CadFeature *qr_cad_add_feature(struct qr_record *rec);
Quarry__V1__CadView *qr_cad_add_view(struct qr_record *rec);
Quarry__V1__CadColour *qr_cad_add_colour(struct qr_record *rec);
Quarry__V1__CadRelation *qr_cad_add_relation(struct qr_record *rec);
Quarry__V1__CadNode *qr_cad_add_node(struct qr_record *rec);
Quarry__V1__CadRow *qr_cad_add_row(struct qr_record *rec, Quarry__V1__CadTable *table);

/** Lists of the geometry. */
Quarry__V1__CadMass *qr_geometry_add_mass(struct qr_record *rec);
Quarry__V1__CadView *qr_geometry_add_view(struct qr_record *rec);
Quarry__V1__CadHole *qr_geometry_add_hole(struct qr_record *rec);

/** A parameter of a feature; an empty value adds nothing. */
void qr_cad_add_feature_parameter(struct qr_record *rec, Quarry__V1__CadFeature *feature,
                                  const char *key, const char *value);

/** Lists of counts; the caller calls once per name. */
enum qr_cad_counts { QR_CAD_ENTITIES, QR_CAD_SURFACES, QR_CAD_CURVES };
void qr_cad_add_count(struct qr_record *rec, enum qr_cad_counts list, const char *name, size_t len,
                      uint64_t count);

/** A list of `n` doubles, copied: *ret_values and *ret_n are a repeated field. Nothing is set when
 * one of them is not finite. */
void qr_cad_numbers(struct qr_record *rec, const double *values, size_t n, double **ret_values,
                    size_t *ret_n);

/** Where it lies: xmin ymin zmin xmax ymax zmax in mm. NULL when a number is not finite. */
Quarry__V1__CadBounds *qr_cad_bounds(struct qr_record *rec, const double box[6],
                                     const char *source);

/** `n` points of x y z and, unless NULL, as many normals; copied. NULL when there is none. */
Quarry__V1__CadPoints *qr_cad_points(struct qr_record *rec, const float *xyz, const float *normals,
                                     uint32_t n, const char *source);

/** The numbers of an embedding; copied. */
void qr_cad_set_values(struct qr_record *rec, Quarry__V1__CadEmbedding *embedding,
                       const float *values, size_t n);

/** Cells of a row, or the columns of a table: `n` strings, copied. */
void qr_cad_set_strings(struct qr_record *rec, char ***ret_items, size_t *ret_n,
                        const char *const *items, size_t n);

/** A bytes field (genome, details, an image): copied. */
void qr_cad_set_bytes(struct qr_record *rec, ProtobufCBinaryData *field, const void *data,
                      size_t len);

/* common/record/parts.h
 *
 * What drawings, models and documents hold beside their text: builders for the lists of a record.
 *
 * Each qr_record_add_…() appends one zeroed entry and returns it; the caller fills numbers directly
 * and strings with qr_record_string() or qr_record_text(). NULL: the list has reached
 * `limits.items` (noted as "record.capped", sets `partial`) or memory is short; callers just stop.
 * Entries live in the record's arena. Meaning of each field: docs/record.md. Not thread-safe.
 */
#pragma once
#include "common/record/record.h"

Quarry__V1__Dimension *qr_record_add_dimension(struct qr_record *rec);
Quarry__V1__GeometricTolerance *qr_record_add_gdt(struct qr_record *rec);
Quarry__V1__Material *qr_record_add_material(struct qr_record *rec);
Quarry__V1__BomItem *qr_record_add_bom_item(struct qr_record *rec);
Quarry__V1__Revision *qr_record_add_revision(struct qr_record *rec);
Quarry__V1__DrawingNote *qr_record_add_drawing_note(struct qr_record *rec);
Quarry__V1__MetadataItem *qr_record_add_title_field(struct qr_record *rec);
Quarry__V1__Parameter *qr_record_add_parameter(struct qr_record *rec);
Quarry__V1__Link *qr_record_add_link(struct qr_record *rec);
Quarry__V1__Span *qr_record_add_span(struct qr_record *rec);
Quarry__V1__OutlineItem *qr_record_add_outline_item(struct qr_record *rec);
Quarry__V1__Annotation *qr_record_add_annotation(struct qr_record *rec);
Quarry__V1__Attachment *qr_record_add_attachment(struct qr_record *rec);

/** Lists of named objects. */
enum qr_record_list {
    QR_RECORD_LAYERS,
    QR_RECORD_BLOCKS,
    QR_RECORD_FONTS,
    QR_RECORD_STYLES,
    QR_RECORD_LINETYPES,
    QR_RECORD_LAYOUTS,
};

/** A definition by its name; names may come twice. */
Quarry__V1__NamedObject *qr_record_add_named(struct qr_record *rec, enum qr_record_list list,
                                             const char *name, size_t len);

/** One property of it; an empty value adds nothing. */
void qr_record_add_property(struct qr_record *rec, Quarry__V1__NamedObject *object, const char *key,
                            const char *value, size_t len);

/** A column of a BOM row that has no field of its own; an empty value adds nothing. */
void qr_record_add_bom_other(struct qr_record *rec, Quarry__V1__BomItem *row, const char *key,
                             const char *value, size_t len);

/** The number of entities of one kind; the caller calls once per kind. */
void qr_record_add_count(struct qr_record *rec, bool paper, const char *name, size_t len,
                         uint64_t count);

/** The measured points of a dimension: `n` doubles, copied; NaN and infinities become 0. */
void qr_record_set_points(struct qr_record *rec, Quarry__V1__Dimension *dimension,
                          const double *points, size_t n);

/** The datums of a feature control frame: `n` strings, copied. */
void qr_record_set_datums(struct qr_record *rec, Quarry__V1__GeometricTolerance *gdt,
                          const char *const *datums, size_t n);

/** A place: page (0: none), layout (NULL: none), box (NULL: none; 4 doubles x0 y0 x1 y1 as in
 * message Box). Never fails loudly: NULL when memory is short. */
Quarry__V1__Place *qr_record_place(struct qr_record *rec, uint32_t page, const char *layout,
                                   const double box[4]);
Quarry__V1__Box *qr_record_box(struct qr_record *rec, const double box[4]);

/** qr_record_string() of a NUL-terminated text. */
char *qr_record_text(struct qr_record *rec, const char *text);

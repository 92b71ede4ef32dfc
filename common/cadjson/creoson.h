/* common/cadjson/creoson.h
 *
 * Between the files that read CREOSON's answers: a reader for the "data" of each function. The
 * object is next; it goes to cj->rec. `target` is its CadModel. False: an error was raised, with
 * the place. Which function has which reader stands in creoson.c.
 */
#pragma once
#include "common/cadjson/intern.h"

/* creoson_file.c */
bool qr_creoson_info(struct qr_cadjson *cj, void *target);
bool qr_creoson_mass(struct qr_cadjson *cj, void *target);
bool qr_creoson_length_units(struct qr_cadjson *cj, void *target);
bool qr_creoson_mass_units(struct qr_cadjson *cj, void *target);
bool qr_creoson_accuracy(struct qr_cadjson *cj, void *target);
bool qr_creoson_relations(struct qr_cadjson *cj, void *target);
bool qr_creoson_active(struct qr_cadjson *cj, void *target);
bool qr_creoson_simplified(struct qr_cadjson *cj, void *target);
bool qr_creoson_materials(struct qr_cadjson *cj, void *target);

/* creoson_values.c */
bool qr_creoson_parameters(struct qr_cadjson *cj, void *target);
bool qr_creoson_dimensions(struct qr_cadjson *cj, void *target);

/* creoson_items.c */
bool qr_creoson_features(struct qr_cadjson *cj, void *target);
bool qr_creoson_layers(struct qr_cadjson *cj, void *target);
bool qr_creoson_notes(struct qr_cadjson *cj, void *target);
bool qr_creoson_box(struct qr_cadjson *cj, void *target);
bool qr_creoson_surfaces(struct qr_cadjson *cj, void *target);

/* creoson_drawing.c; the sheet is cj->sheet. */
bool qr_creoson_drawn(struct qr_cadjson *cj, void *target);
bool qr_creoson_sheets(struct qr_cadjson *cj, void *target);
bool qr_creoson_sheet(struct qr_cadjson *cj, void *target);
bool qr_creoson_sheet_format(struct qr_cadjson *cj, void *target);
bool qr_creoson_instances(struct qr_cadjson *cj, void *target);
bool qr_creoson_header(struct qr_cadjson *cj, void *target);
bool qr_creoson_row(struct qr_cadjson *cj, void *target);

/** A field that says nothing new. */
bool qr_creoson_skip(struct qr_cadjson *cj, void *target);
/** A word of ours in the record's memory. */
char *qr_creoson_say(struct qr_cadjson *cj, const char *text);
/** A text, decoded where it is said to be in base64. */
char *qr_creoson_plain(struct qr_cadjson *cj, char *value, bool encoded);

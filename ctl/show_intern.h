/* ctl/show_intern.h
 *
 * Between the files behind ctl/show.h.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include <jansson.h>

#include "ctl/table.h"
#include "ctl/term.h"

struct qr_show {
    const json_t *record;
    size_t rows; /* of a list at most */
    const struct qr_term *term;
    FILE *out;
    int names;   /* columns that the names of pairs take; 0: 16 */
    bool failed; /* out of memory */
};

/** "" when there is no such text. */
const char *qr_show_text(const json_t *object, const char *key);

/** A heading, and how many there are when `n` > 0. */
void qr_show_heading(struct qr_show *show, const char *title, size_t n);

/** A number without zeros at its end: "12.5". Returns buf. */
const char *qr_show_number(const json_t *number, char *buf, size_t cap);

/** "p. 2", or the layout's name, or "". Returns buf. */
const char *qr_show_place(const json_t *object, char *buf, size_t cap);

/** "  name       value", made harmless and cut to the terminal; nothing for an empty value. */
void qr_show_pair(struct qr_show *show, const char *name, const char *value);

/** "n more: …", when n > 0. */
void qr_show_left_out(struct qr_show *show, size_t n);

/** A list as a table: `row` adds the cells of one object. Nothing for an empty list. */
void qr_show_list(struct qr_show *show, const char *title, const char *key,
                  const struct qr_column *columns, size_t n_columns,
                  void (*row)(const json_t *object, struct qr_table *table));

/** The same of a list that is not the record's own; NULL is an empty one. */
void qr_show_list_of(struct qr_show *show, const char *title, const json_t *list,
                     const struct qr_column *columns, size_t n_columns,
                     void (*row)(const json_t *object, struct qr_table *table));

/** Title block, dimensions, tolerance frames, parts list, materials, revisions, notes. */
void qr_show_drawing(struct qr_show *show);

/** A model: shape, structure, mass, holes. Nothing for a record without one. */
void qr_show_model(struct qr_show *show);

/** A building model? Its elements, materials and properties are shown by qr_show_building(). */
bool qr_show_is_building(const struct qr_show *show);

/** Storeys and spaces, elements by type, materials and properties, what is equal once. */
void qr_show_building(struct qr_show *show);

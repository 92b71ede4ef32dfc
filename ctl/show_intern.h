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

/** A list as a table: `row` adds the cells of one object. Nothing for an empty list. */
void qr_show_list(struct qr_show *show, const char *title, const char *key,
                  const struct qr_column *columns, size_t n_columns,
                  void (*row)(const json_t *object, struct qr_table *table));

/** Title block, dimensions, tolerance frames, parts list, materials, revisions, notes. */
void qr_show_drawing(struct qr_show *show);

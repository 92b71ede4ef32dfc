/* ctl/table.h
 *
 * Rows under headings, columns lined up; numbers stand right. On a terminal rows are cut to its
 * width: columns marked for it shrink, the widest first, and what is cut ends in an ellipsis. In a
 * pipe nothing is ever cut. Cells are copied. Not thread-safe.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "common/base.h"
#include "ctl/term.h"

enum qr_column_flag {
    QR_COLUMN_RIGHT = 1 << 0,    /* numbers, sizes */
    QR_COLUMN_SHRINK = 1 << 1,   /* may be cut at its end */
    QR_COLUMN_KEEP_END = 1 << 2, /* with SHRINK: cut at its front; for paths */
    QR_COLUMN_STATUS = 1 << 3,   /* words with a colour: failed, completed, … */
    QR_COLUMN_OPTIONAL = 1 << 4, /* left out of a terminal that is too narrow, the last one first */
};

struct qr_column {
    const char *heading;
    unsigned flags;
};

struct qr_table;

/** `columns` is borrowed for the table's life. NULL when out of memory. */
struct qr_table *qr_table_new(const struct qr_column *columns, size_t n_columns);
void qr_table_free(struct qr_table *table);
QR_DEFINE_AUTO(qr_table)

/* Fill the next cell, from left to right; after the last column a new row begins. An empty cell is
 * shown as "-". Out of memory is remembered and told by qr_table_print(). */
void qr_table_text(struct qr_table *table, const char *text);
void qr_table_u64(struct qr_table *table, uint64_t value);
void qr_table_i64(struct qr_table *table, int64_t value);

size_t qr_table_rows(const struct qr_table *table);

/** The last row is a sum: a rule is drawn above it. */
void qr_table_mark_sum(struct qr_table *table);

/** Headings and rows; nothing at all when there are no rows. False when memory ran out on the way
 * or a cell is missing; write errors are told by ferror(out). */
QR_MUST_CHECK bool qr_table_print(const struct qr_table *table, FILE *out,
                                  const struct qr_term *term);

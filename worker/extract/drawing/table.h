/* worker/extract/drawing/table.h
 *
 * Tables of a sheet from their header: columns and rows, ruled or only aligned.
 *
 * The caller knows which texts are headers; this finds the columns' extents, whether rows grow down
 * or up, and the rows themselves with cells of several lines. A ruled row ends at its lines; an
 * unruled one begins with a text in the anchor column (the item number), and the table ends where
 * the lines' distance grows or a text does not fit the columns. Coordinates are those of the sheet;
 * only horizontal text is read. Work is O(n log n) in spans, with at most QR_TABLE_ROWS_MAX rows.
 */
#pragma once
#include "worker/extract/drawing/grid.h"
#include "worker/extract/drawing/sheet.h"

enum {
    QR_TABLE_COLUMNS_MAX = 24,
    QR_TABLE_ROWS_MAX = 4000,
    QR_TABLE_CELL_BYTES = 400,
};

/** The horizontal spans of a sheet by their middle, top to bottom. */
struct qr_table_lines {
    uint32_t *list;
    size_t n;
};

bool qr_table_lines_init(struct qr_table_lines *lines, const struct qr_sheet *sheet);
void qr_table_lines_done(struct qr_table_lines *lines);

struct qr_table_column {
    struct qr_sheet_rect head; /* of the header's text */
    float x0, x1;              /* of the column */
    char title[64];
    bool ruled; /* x0 and x1 are lines */
};

struct qr_table {
    struct qr_table_column columns[QR_TABLE_COLUMNS_MAX]; /* left to right */
    size_t n_columns;
    size_t anchor;            /* column whose text begins a row */
    float height;             /* of the header's letters */
    float y0, y1;             /* of the header row */
    struct qr_sheet_rect box; /* of the header, then of the whole table */
};

/** One cell's text is "" when it is empty; lines are joined by blanks. */
struct qr_table_row {
    char cells[QR_TABLE_COLUMNS_MAX][QR_TABLE_CELL_BYTES];
    struct qr_sheet_rect box;
};

/** May this text stand in the anchor column of a row? */
typedef bool (*qr_table_anchor_fn)(const char *text, size_t len);

/** Called for each row in the order in which the table grows. False stops. */
typedef bool (*qr_table_row_fn)(const struct qr_table *table, const struct qr_table_row *row,
                                void *arg);

/** Set the columns' extents from lines, where there are any, else between the headers; adds the
 * columns of a ruled header whose titles the caller did not know. */
void qr_table_columns(struct qr_table *table, const struct qr_sheet *sheet,
                      const struct qr_grid *grid, const struct qr_table_lines *lines);

/**
 * Read the rows on the side of the header that has more of them; table->box becomes that of header
 * and rows.
 *
 * Returns the number of rows; 0 also without memory.
 */
size_t qr_table_rows(struct qr_table *table, const struct qr_sheet *sheet,
                     const struct qr_grid *grid, const struct qr_table_lines *lines,
                     qr_table_anchor_fn is_anchor, qr_table_row_fn fn, void *arg);

/** A box with four sides of its own: lines that end at its corners, within `slack`. */
bool qr_table_is_box(const struct qr_grid *grid, const struct qr_sheet_rect *box, float slack);

/** Mark the spans that stand in ruled tables: closed cells with text beside and below each other.
 * `taken` has an entry for each span; marked ones become 1. */
void qr_table_mark_cells(const struct qr_sheet *sheet, const struct qr_grid *grid, uint8_t *taken);

/* worker/extract/drawing/table_intern.h
 *
 * What columns (table.c), rows (table_rows.c) and closed cells (table_cells.c) of a table share.
 */
#pragma once
#include <math.h>

#include "worker/extract/drawing/table.h"

static inline float qr_table_middle_x(const struct qr_sheet_rect *b) { return (b->x0 + b->x1) / 2; }
static inline float qr_table_middle_y(const struct qr_sheet_rect *b) { return (b->y0 + b->y1) / 2; }

static inline bool qr_table_near(float a, float b, float slack) { return fabsf(a - b) <= slack; }

/** Index of the first of the lines whose middle is at `y` or below. */
size_t qr_table_lines_at(const struct qr_table_lines *lines, const struct qr_sheet *sheet, float y);

/** One more line to the text of a cell of `room` bytes, behind a blank; cut between characters. */
void qr_table_append_text(char *cell, size_t room, const char *text, size_t len);

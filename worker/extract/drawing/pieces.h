/* worker/extract/drawing/pieces.h
 *
 * The spans of a sheet in their own direction of reading, in an order in which neighbours are found
 * quickly: what stands beside, above or below a text, whichever way it is turned.
 *
 * Each piece has coordinates (u, v): u along the reading direction, v downwards across it, in sheet
 * units. Boxes of oblique texts are estimated from the enclosing box. Spans whose boxes are not
 * finite are left out. Building is O(n log n), a question looks at a bounded number of pieces.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "worker/extract/drawing/sheet.h"

enum { QR_PIECES_LOOKS = 96 };
#define QR_PIECES_NONE UINT32_MAX

struct qr_piece {
    uint32_t span; /* index into the sheet */
    int32_t turn;  /* reading direction in tenths of a degree */
    int32_t row;   /* v in units of the sheet's usual height */
    float u0, u1, v0, v1;
    float height; /* of its letters, > 0 */
};

struct qr_pieces {
    struct qr_piece *list; /* by turn, row, u0 */
    size_t n;
    float row_height;
    float widest; /* of all */
};

/** False without memory; there are no pieces then. */
bool qr_pieces_init(struct qr_pieces *pieces, const struct qr_sheet *sheet);
void qr_pieces_done(struct qr_pieces *pieces);

/** A window in the reading frame of `of`. */
struct qr_piece_window {
    float u0, u1, v0, v1;
    bool begins; /* only pieces whose begin and middle line are in it, which is quicker */
};

/** Called for each piece of the same direction whose box touches the window. False stops. */
typedef bool (*qr_piece_fn)(size_t index, const struct qr_piece *piece, void *arg);
void qr_pieces_around(const struct qr_pieces *pieces, const struct qr_piece *of,
                      const struct qr_piece_window *window, qr_piece_fn fn, void *arg);

/** The nearest piece that follows on the same line within `gap` (sheet units), else
 * QR_PIECES_NONE. */
uint32_t qr_pieces_next(const struct qr_pieces *pieces, size_t index, float gap);

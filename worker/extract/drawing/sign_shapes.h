/* worker/extract/drawing/sign_shapes.h
 *
 * Which sign a few strokes, circles and arcs make together: "Ø", "↧", "⌴", "⌵", "□", "°" and the
 * characteristics of geometric tolerances. Pure geometry, total, O(1).
 *
 * Coordinates (u, v): u along the direction of reading, v downwards across it, any unit. A figure
 * with a part too many or too few is no sign: a sign that is missed is better than a wrong one.
 *
 * Source of the shapes: ISO 129-1, ISO 1101, ISO 7083, ASME Y14.5.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "worker/extract/drawing/sheet.h"

enum { QR_SIGN_LINES = 12, QR_SIGN_ROUNDS = 2 };

/** A direction of reading: cosine and sine of its angle. */
struct qr_sign_view {
    float c, s;
};

struct qr_sign_line {
    float u0, v0, u1, v1; /* from left to right */
};

struct qr_sign_figure {
    struct qr_sign_line lines[QR_SIGN_LINES];
    size_t n_lines;
    struct {
        float u, v, r;
    } rounds[QR_SIGN_ROUNDS];
    size_t n_rounds;
    struct {
        float u[3], v[3]; /* first, middle, last */
    } arc;
    size_t n_arcs;
    bool other;           /* it has parts of other kinds, or too many */
    float u0, v0, u1, v1; /* of all parts */
};

/** Where a shape stands in a view: its enclosing box as u0, v0, u1, v1. */
void qr_sign_box(const struct qr_sheet_shape *shape, struct qr_sign_view view, float ret[4]);

/** An empty figure is zeroed. What is drawn twice counts once; `same` tells how near that is. */
void qr_sign_add(struct qr_sign_figure *figure, const struct qr_sheet_shape *shape,
                 struct qr_sign_view view, float same);

/** Signs of a dimension: U+00D8, 21A7, 2334, 2335, 25A1; 0: none. `height` of the letters. */
uint32_t qr_sign_of_dimension(const struct qr_sign_figure *figure, float height);

/** The characteristic in the first cell of a feature control frame (dxf/gdt.h); 0: none. */
uint32_t qr_sign_of_tolerance(const struct qr_sign_figure *figure, float height);

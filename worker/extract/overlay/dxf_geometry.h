/* worker/extract/overlay/dxf_geometry.h
 *
 * The lines of a DXF layout, for a picture: points of open and closed strokes in drawing units.
 *
 * A second pass over the file that keeps geometry, which the reader passes over: lines, circles,
 * arcs, ellipses, polylines with bulges, splines as the polygon of their control points, solids,
 * and inserted blocks with their arrays. What does not fit the caps is left out: it is a picture,
 * not a record.
 *
 * Source: AutoCAD DXF reference, ENTITIES section; bulge: tangent of a quarter of the arc's angle.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>

enum {
    QR_GEOMETRY_POINTS = 2000000,
    QR_GEOMETRY_DEPTH = 16,
    QR_GEOMETRY_STEPS = 200000 /* entities and copies of blocks */
};

struct qr_geometry {
    float (*points)[2];
    size_t n_points, cap_points;
    size_t *starts; /* index of each stroke's first point */
    size_t n_strokes, cap_strokes;
    double box[4]; /* of all points: x0 y0 x1 y1; valid when n_points > 0 */
};

/** Collect the strokes of model space, or of the active paper space. `data` as it lies in the file.
 */
void qr_geometry_read(struct qr_geometry *geometry, const char *data, size_t len, bool paper);
void qr_geometry_done(struct qr_geometry *geometry);

/* worker/extract/dxf/dimension_geometry.h
 *
 * What a dimension measures, from its definition points alone.
 *
 * Lengths in drawing units without DIMLFAC, angles in degrees 0 .. 360. Points are x, y, z in world
 * coordinates (10, 13, 14, 15) or in the entity's own (16). All is measured in the plane of the
 * entity, as AutoCAD does: its extrusion gives the axes by the arbitrary axis algorithm.
 *
 * Source: DXF reference, "DIMENSION" and "arbitrary axis algorithm"; what each kind keeps in which
 * point: ezdxf's documentation of dimensions.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>

enum qr_dxf_dim_kind {
    QR_DXF_DIM_LINEAR = 0, /* rotated: 13 to 14 along the angle 50 */
    QR_DXF_DIM_ALIGNED = 1,
    QR_DXF_DIM_ANGULAR = 2, /* lines 13-14 and 15-10, arc through 16 */
    QR_DXF_DIM_DIAMETER = 3,
    QR_DXF_DIM_RADIUS = 4,
    QR_DXF_DIM_ANGULAR3 = 5, /* vertex 15, legs to 13 and 14, arc through 10 */
    QR_DXF_DIM_ORDINATE = 6, /* from origin 10 to feature 13 */
    QR_DXF_DIM_ARC = 8,      /* centre 15, ends 13 and 14, arc through 10 */
    QR_DXF_DIM_JOGGED = 9,   /* radius with a jog at 14: centre 10, drawn as if at 13 */
};

enum { QR_DXF_P10, QR_DXF_P13, QR_DXF_P14, QR_DXF_P15, QR_DXF_P16, QR_DXF_DIM_POINTS };

struct qr_dxf_dim_geometry {
    enum qr_dxf_dim_kind kind;
    bool ordinate_x;     /* along x; else along y */
    double angle;        /* 50, degrees in the entity's coordinates */
    double horizontal;   /* 51, degrees: the x axis of the user is turned by -51 */
    double extrusion[3]; /* 210; 0 0 0 counts as 0 0 1 */
    double points[QR_DXF_DIM_POINTS][3];
    bool have[QR_DXF_DIM_POINTS];
};

bool qr_dxf_dim_is_angle(enum qr_dxf_dim_kind kind);

/**
 * The measurement. False when a point is missing or the result is not a finite number.
 */
bool qr_dxf_dim_measure(const struct qr_dxf_dim_geometry *g, double *ret);

/* worker/geometry/occt/hollow.h
 *
 * Faces that are parts of a hollow cylinder or cone: what holes are made of.
 */
#pragma once
#include <TopoDS_Face.hxx>
#include <gp_Ax3.hxx>

#include <cstdint>

/* Lengths in millimetres, angles in radians. */
struct qr_hollow {
    uint32_t face;
    gp_Ax3 axis;
    double radius;    /* of a cone: the larger end */
    double low, high; /* along the axis, from its location */
    double from, to;  /* around it */
    bool cone;
    double narrow; /* of a cone: its smaller radius; where that is */
    bool wide_at_high;
};

/** What a face is, if its outside is towards an axis that it goes around. Some systems write every
 *  surface as a B-spline: one whose points and normals are those of a cylinder or cone, to within
 *  a thousandth of its radius, is taken for it. False: it is nothing of the kind; *ret is not to be
 *  used. May throw what Open CASCADE throws. */
bool qr_occt_hollow(const TopoDS_Face &face, uint32_t index, qr_hollow &ret);

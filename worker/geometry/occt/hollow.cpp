/* Hollow cylinders and cones, written as such or as B-splines.
 *
 * A B-spline is looked at where its face is: at a grid of points with their normals. Normals of a
 * cylinder or cone lie in one plane (through the unit sphere), whose own normal is the axis. With
 * it the rest is linear: a point is the axis' place plus the radius there along the normal's part
 * across the axis. What was found counts if every point of the grid agrees.
 */
#include "worker/geometry/occt/hollow.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include <BRepTools.hxx>
#include <BRep_Tool.hxx>
#include <Geom_BSplineSurface.hxx>
#include <Geom_BezierSurface.hxx>
#include <Geom_ConicalSurface.hxx>
#include <Geom_CylindricalSurface.hxx>
#include <Geom_RectangularTrimmedSurface.hxx>
#include <gp_Vec.hxx>
#include <math_Gauss.hxx>
#include <math_Jacobi.hxx>
#include <math_Matrix.hxx>
#include <math_Vector.hxx>

namespace {

const int GRID = 17;           /* points each way */
const double DEVIATION = 1e-3; /* of the radius */
const double FLAT = 1e-3;      /* spread of normals below which a face is as good as flat */

/* Points of a face, and the direction across which it is round there. */
struct grid {
    std::vector<gp_Pnt> points;
    std::vector<gp_Vec> normals;
};

Handle(Geom_Surface) plain_surface(const TopoDS_Face &face)
{
    Handle(Geom_Surface) surface = BRep_Tool::Surface(face);
    Handle(Geom_RectangularTrimmedSurface) trimmed =
        Handle(Geom_RectangularTrimmedSurface)::DownCast(surface);

    return trimmed.IsNull() ? surface : trimmed->BasisSurface();
}

/* Is the outside of the face towards the axis? */
bool is_inside(const Handle(Geom_Surface) & surface, const TopoDS_Face &face, const gp_Ax3 &axis,
               double u, double v)
{
    gp_Pnt point;
    gp_Vec du, dv;

    surface->D1(u, v, point, du, dv);
    gp_Vec normal = du.Crossed(dv);
    if (face.Orientation() == TopAbs_REVERSED)
        normal.Reverse();
    const gp_Vec out(axis.Location(), point);
    const gp_Vec radial = out - gp_Vec(axis.Direction()) * out.Dot(gp_Vec(axis.Direction()));
    return normal.Dot(radial) < 0;
}

/* Of a surface that says what it is. */
bool read_plain(const Handle(Geom_Surface) & surface, const TopoDS_Face &face, qr_hollow &ret)
{
    const Handle(Geom_CylindricalSurface) cylinder =
        Handle(Geom_CylindricalSurface)::DownCast(surface);
    const Handle(Geom_ConicalSurface) cone = Handle(Geom_ConicalSurface)::DownCast(surface);
    Standard_Real u0, u1, v0, v1;

    if (cylinder.IsNull() && cone.IsNull())
        return false;
    BRepTools::UVBounds(face, u0, u1, v0, v1);
    ret.axis = cylinder.IsNull() ? cone->Position() : cylinder->Position();
    ret.cone = cylinder.IsNull();
    if (!(u1 > u0) || !(v1 > v0) || !std::isfinite(v1 - v0) ||
        !is_inside(surface, face, ret.axis, (u0 + u1) / 2, (v0 + v1) / 2))
        return false;
    ret.from = u0;
    ret.to = u1;
    ret.low = v0;
    ret.high = v1;
    ret.radius = ret.cone ? 0 : cylinder->Radius();
    if (!ret.cone)
        return ret.radius > 0;
    const double angle = cone->SemiAngle();
    const double at_low = cone->RefRadius() + v0 * std::sin(angle);
    const double at_high = cone->RefRadius() + v1 * std::sin(angle);
    ret.low = v0 * std::cos(angle);
    ret.high = v1 * std::cos(angle);
    ret.wide_at_high = at_high > at_low;
    ret.radius = std::max(at_low, at_high);
    ret.narrow = std::min(at_low, at_high);
    return ret.radius > 0;
}

bool is_spline(const Handle(Geom_Surface) & surface)
{
    return surface->IsKind(STANDARD_TYPE(Geom_BSplineSurface)) ||
           surface->IsKind(STANDARD_TYPE(Geom_BezierSurface));
}

/* Rows of GRID points over the face's range; false where a normal has no direction. */
bool look(const Handle(Geom_Surface) & surface, const double range[4], grid &ret)
{
    for (int i = 0; i < GRID; i++) {
        for (int k = 0; k < GRID; k++) {
            gp_Pnt point;
            gp_Vec du, dv;
            surface->D1(range[0] + (range[1] - range[0]) * i / (GRID - 1),
                        range[2] + (range[3] - range[2]) * k / (GRID - 1), point, du, dv);
            gp_Vec normal = du.Crossed(dv);
            if (!(normal.SquareMagnitude() > 1e-24))
                return false;
            ret.points.push_back(point);
            ret.normals.push_back(normal.Normalized());
        }
    }
    return true;
}

/* The direction that all normals make the same angle with; false: none, or the face is flat. */
bool find_direction(const grid &seen, gp_Dir &ret, double &ret_slope)
{
    const double n = static_cast<double>(seen.normals.size());
    math_Matrix spread(1, 3, 1, 3, 0.0);
    gp_Vec mean(0, 0, 0);

    for (const gp_Vec &normal : seen.normals)
        mean += normal / n;
    for (const gp_Vec &normal : seen.normals)
        for (int i = 1; i <= 3; i++)
            for (int k = 1; k <= 3; k++)
                spread(i, k) += (normal - mean).Coord(i) * (normal - mean).Coord(k) / n;
    math_Jacobi solved(spread);
    if (!solved.IsDone())
        return false;
    int least = 1;
    double sum = 0;
    for (int i = 1; i <= 3; i++) {
        sum += solved.Value(i);
        least = solved.Value(i) < solved.Value(least) ? i : least;
    }
    double second = sum;
    for (int i = 1; i <= 3; i++)
        second = i != least ? std::min(second, solved.Value(i)) : second;
    if (second < FLAT * FLAT || solved.Value(least) > 1e-6 * second)
        return false; /* flat, or round in two ways */
    math_Vector at(1, 3);
    solved.Vector(least, at);
    ret = gp_Dir(at(1), at(2), at(3));
    ret_slope = mean.Dot(gp_Vec(ret));
    return std::fabs(ret_slope) < 0.999;
}

/* Where the axis is, and the radius at its location, by least squares; radii change along it by
 * `growth`. The radius is negative where normals point to the axis. */
bool find_place(const grid &seen, const gp_Ax3 &frame, double growth, gp_Ax3 &ret_axis,
                double &ret_radius)
{
    math_Matrix sums(1, 3, 1, 3, 0.0);
    math_Vector right(1, 3, 0.0), solution(1, 3, 0.0);

    for (size_t i = 0; i < seen.points.size(); i++) {
        const gp_Vec out(frame.Location(), seen.points[i]);
        const double z = out.Dot(gp_Vec(frame.Direction()));
        const gp_Dir ways[2] = {frame.XDirection(), frame.YDirection()};
        gp_Vec across = seen.normals[i] -
                        gp_Vec(frame.Direction()) * seen.normals[i].Dot(gp_Vec(frame.Direction()));
        across.Normalize();
        for (int way = 0; way < 2; way++) {
            const double along = across.Dot(gp_Vec(ways[way]));
            const double row[3] = {way == 0 ? 1.0 : 0.0, way == 1 ? 1.0 : 0.0, along};
            const double value = out.Dot(gp_Vec(ways[way])) - growth * z * along;
            for (int a = 0; a < 3; a++) {
                right(a + 1) += row[a] * value;
                for (int b = 0; b < 3; b++)
                    sums(a + 1, b + 1) += row[a] * row[b];
            }
        }
    }
    math_Gauss solver(sums);
    if (!solver.IsDone())
        return false;
    solver.Solve(right, solution);
    ret_axis = frame.Translated(gp_Vec(frame.XDirection()) * solution(1) +
                                gp_Vec(frame.YDirection()) * solution(2));
    ret_radius = solution(3);
    return std::isfinite(ret_radius) && std::isfinite(solution(1)) && std::isfinite(solution(2));
}

/* Extent along and around the axis; false: a point is not where it should be. */
bool measure(const grid &seen, double radius, double growth, qr_hollow &ret)
{
    std::vector<double> angles(seen.points.size());
    const gp_Vec axis(ret.axis.Direction()), x(ret.axis.XDirection()), y(ret.axis.YDirection());
    double at_low = 0, at_high = 0;

    for (size_t i = 0; i < seen.points.size(); i++) {
        const gp_Vec out(ret.axis.Location(), seen.points[i]);
        const double z = out.Dot(axis), wanted = std::fabs(radius + growth * z);
        const double far = std::hypot(out.Dot(x), out.Dot(y));
        if (std::fabs(far - wanted) > DEVIATION * wanted + 1e-6)
            return false;
        /* the nearest way round from the point before it, in its column or row */
        const size_t before = i % GRID != 0 ? i - 1 : i - GRID;
        angles[i] = std::atan2(out.Dot(y), out.Dot(x));
        if (i > 0)
            angles[i] = angles[before] + std::remainder(angles[i] - angles[before], 2 * M_PI);
        at_low = i == 0 || z < ret.low ? wanted : at_low;
        at_high = i == 0 || z > ret.high ? wanted : at_high;
        ret.low = i == 0 ? z : std::min(ret.low, z);
        ret.high = i == 0 ? z : std::max(ret.high, z);
    }
    ret.from = *std::min_element(angles.begin(), angles.end());
    ret.to = *std::max_element(angles.begin(), angles.end());
    ret.wide_at_high = at_high > at_low;
    ret.radius = ret.cone ? std::max(at_low, at_high) : std::fabs(radius);
    ret.narrow = std::min(at_low, at_high);
    return ret.radius > 0 && ret.high > ret.low && ret.to > ret.from;
}

/* Of a B-spline. */
bool read_spline(const Handle(Geom_Surface) & surface, const TopoDS_Face &face, qr_hollow &ret)
{
    double range[4], slope, radius;
    gp_Dir direction;
    grid seen;

    BRepTools::UVBounds(face, range[0], range[1], range[2], range[3]);
    if (!(range[1] > range[0]) || !(range[3] > range[2]) || !look(surface, range, seen) ||
        !find_direction(seen, direction, slope))
        return false;
    ret.cone = std::fabs(slope) > 1e-4;
    const double growth = ret.cone ? -slope / std::sqrt(1 - slope * slope) : 0;
    if (!find_place(seen, gp_Ax3(seen.points[0], direction), growth, ret.axis, radius) ||
        !measure(seen, radius, growth, ret))
        return false;
    return is_inside(surface, face, ret.axis, (range[0] + range[1]) / 2, (range[2] + range[3]) / 2);
}

} // namespace

bool qr_occt_hollow(const TopoDS_Face &face, uint32_t index, qr_hollow &ret)
{
    const Handle(Geom_Surface) surface = plain_surface(face);

    ret = {};
    ret.face = index;
    if (surface.IsNull())
        return false;
    return is_spline(surface) ? read_spline(surface, face, ret) : read_plain(surface, face, ret);
}

/* Mass properties, and how the faces of a body meet. */
#include "worker/geometry/occt/model.h"

#include <cmath>

#include <BRepGProp.hxx>
#include <BRep_Tool.hxx>
#include <GProp_GProps.hxx>
#include <Geom2d_Curve.hxx>
#include <Geom_Curve.hxx>
#include <Geom_Surface.hxx>
#include <TopExp_Explorer.hxx>
#include <TopTools_IndexedMapOfShape.hxx>
#include <TopoDS.hxx>

namespace {

/* Error of an integral. Without one Open CASCADE takes as many points as a surface has spans, and
 * is wrong by half a percent on small parts of B-spline cylinders. */
const double RELATIVE = 1e-4;
const double SMOOTH_SIN = 0.0175; /* one degree: faces that meet at less are tangent */

/* Is every edge of its shells used by two faces? Only then is there an inside. */
bool is_closed(const TopoDS_Shape &shape)
{
    bool any = false;

    for (TopExp_Explorer at(shape, TopAbs_SHELL); at.More(); at.Next()) {
        if (!BRep_Tool::IsClosed(at.Current()))
            return false;
        any = true;
    }
    return any;
}

void put_centroid(const GProp_GProps &from, double ret[3])
{
    const gp_Pnt centre = from.CentreOfMass();

    ret[0] = centre.X();
    ret[1] = centre.Y();
    ret[2] = centre.Z();
}

/* A face at one side of an edge. */
struct side {
    uint32_t face;
    bool reversed; /* the edge, as this face uses it */
};

/* Both sides of an edge; more than two, or the same face twice, is no meeting of two faces. */
struct meeting {
    side sides[2];
    uint32_t n = 0;
};

/* Outward normal of a face where an edge has the parameter `at`. */
bool normal_at(const TopoDS_Edge &edge, const TopoDS_Face &face, double at, gp_Vec &ret)
{
    Standard_Real first, last;
    TopLoc_Location location;
    gp_Pnt point;
    gp_Vec du, dv;

    const Handle(Geom2d_Curve) curve = BRep_Tool::CurveOnSurface(edge, face, first, last);
    const Handle(Geom_Surface) &surface = BRep_Tool::Surface(face, location);
    if (curve.IsNull() || surface.IsNull() || at < first || at > last)
        return false;
    const gp_Pnt2d uv = curve->Value(at);
    surface->D1(uv.X(), uv.Y(), point, du, dv);
    ret = du.Crossed(dv);
    if (ret.SquareMagnitude() < 1e-24)
        return false;
    ret.Normalize();
    if (!location.IsIdentity())
        ret.Transform(location.Transformation());
    if (face.Orientation() == TopAbs_REVERSED)
        ret.Reverse();
    return true;
}

enum class fold { unknown, convex, concave, smooth };

/* The direction that lies left of the edge, seen along the normal, leads into the face: when it
 * leads away from the other face's outside, the material is thinner than a half space there. */
fold fold_at(const TopoDS_Edge &edge, const TopoDS_Face &one, bool reversed, const TopoDS_Face &two,
             double at)
{
    Standard_Real first, last;
    gp_Pnt point;
    gp_Vec along, normal, other;

    const Handle(Geom_Curve) curve = BRep_Tool::Curve(edge, first, last);
    if (curve.IsNull() || !normal_at(edge, one, at, normal) || !normal_at(edge, two, at, other))
        return fold::unknown;
    curve->D1(at, point, along);
    if (along.SquareMagnitude() < 1e-24)
        return fold::unknown;
    along.Normalize();
    if (reversed)
        along.Reverse();
    const double turn = normal.Crossed(along).Dot(other);
    if (std::fabs(turn) < SMOOTH_SIN)
        return normal.Dot(other) > 0 ? fold::smooth : fold::unknown;
    return turn < 0 ? fold::convex : fold::concave;
}

/* As qr_meeting has it. */
int fold_of(const TopoDS_Edge &edge, const TopoDS_Face &one, bool reversed, const TopoDS_Face &two)
{
    Standard_Real first, last;

    BRep_Tool::Range(edge, first, last);
    for (double share : {0.5, 0.31}) { /* a second place, should the first be singular */
        const fold found = fold_at(edge, one, reversed, two, first + (last - first) * share);
        if (found != fold::unknown)
            return found == fold::convex ? 1 : found == fold::concave ? -1 : 0;
    }
    return QR_OCCT_NO_FOLD;
}

} // namespace

void qr_occt_meetings(qr_body &body, const qr_kernel_watch &watch,
                      const std::function<void(const qr_meeting &)> &each)
{
    const std::vector<TopoDS_Face> &faces = qr_occt_faces(body);
    TopTools_IndexedMapOfShape edges;
    std::vector<meeting> meetings;

    for (uint32_t f = 0; f < faces.size(); f++) {
        if (f % 64 == 0)
            qr_occt_check(watch);
        for (TopExp_Explorer at(faces[f], TopAbs_EDGE); at.More(); at.Next()) {
            const size_t index = static_cast<size_t>(edges.Add(at.Current())) - 1;
            if (index >= meetings.size())
                meetings.resize(index + 1);
            meeting &here = meetings[index];
            if (here.n < 2)
                here.sides[here.n] = {f, at.Current().Orientation() == TopAbs_REVERSED};
            here.n++;
        }
    }
    for (size_t i = 0; i < meetings.size(); i++) {
        const meeting &here = meetings[i];
        const TopoDS_Edge &edge = TopoDS::Edge(edges(static_cast<Standard_Integer>(i) + 1));
        if (here.n != 2 || here.sides[0].face == here.sides[1].face || BRep_Tool::Degenerated(edge))
            continue;
        if (i % 64 == 0)
            qr_occt_check(watch);
        const qr_meeting found = {edge, here.sides[0].face, here.sides[1].face,
                                  fold_of(edge, faces[here.sides[0].face], here.sides[0].reversed,
                                          faces[here.sides[1].face])};
        each(found);
    }
}

void qr_occt_measure(qr_kernel_model &model, qr_body &body, qr_kernel_body *ret)
{
    GProp_GProps surface;
    GProp_GProps volume;

    qr_occt_check(model.watch);
    BRepGProp::SurfaceProperties(body.shape, surface, RELATIVE);
    ret->area = std::fabs(surface.Mass());
    put_centroid(surface, ret->centroid);
    qr_occt_check(model.watch);
    if (body.kind == QR_KERNEL_FACE || !is_closed(body.shape))
        return;
    BRepGProp::VolumeProperties(body.shape, volume, RELATIVE);
    const double sign = volume.Mass() < 0 ? -1 : 1; /* an inside-out body */
    if (!(std::fabs(volume.Mass()) > 0))
        return;
    ret->has_volume = true;
    ret->volume = volume.Mass() * sign;
    put_centroid(volume, ret->centroid);
    const gp_Mat inertia = volume.MatrixOfInertia();
    for (int row = 0; row < 3; row++)
        for (int column = 0; column < 3; column++)
            ret->inertia[row * 3 + column] = inertia.Value(row + 1, column + 1) * sign;
}

void qr_occt_edges(qr_kernel_model &model, qr_body &body, qr_kernel_body *ret)
{
    qr_occt_meetings(body, model.watch, [ret](const qr_meeting &meeting) {
        ret->convex += meeting.fold == 1;
        ret->concave += meeting.fold == -1;
        ret->smooth += meeting.fold == 0;
    });
}

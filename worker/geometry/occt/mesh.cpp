/* Triangles of a body, points on its surfaces, and boxes of its faces. */
#include "worker/geometry/occt/model.h"

#include <algorithm>
#include <cmath>

#include <BRepBndLib.hxx>
#include <BRepMesh_IncrementalMesh.hxx>
#include <BRepTools.hxx>
#include <BRep_Tool.hxx>
#include <Bnd_Box.hxx>
#include <GeomLib.hxx>
#include <Geom_Surface.hxx>
#include <Message_ProgressIndicator.hxx>
#include <Poly_Triangulation.hxx>
#include <Standard_Failure.hxx>
#include <TopoDS.hxx>

namespace {

const double ANGLE = 0.35;        /* radians between two facets of a curve */
const double OF_DIAGONAL = 0.001; /* how far the mesh may be from the surface, at most */

class breaker : public Message_ProgressIndicator {
  public:
    explicit breaker(const qr_kernel_watch &watch) : watch_(watch) {}
    Standard_Boolean UserBreak() override { return watch_.stop(watch_.arg); }

  protected:
    void Show(const Message_ProgressScope &, const Standard_Boolean) override {}

  private:
    qr_kernel_watch watch_;
};

double diagonal(const TopoDS_Shape &shape)
{
    Bnd_Box box;

    BRepBndLib::Add(shape, box, Standard_False);
    return box.IsVoid() || box.IsOpen() ? 0 : std::sqrt(box.SquareExtent());
}

void add_face(qr_kernel_model &model, const TopoDS_Face &face, uint32_t index)
{
    TopLoc_Location location;
    const Handle(Poly_Triangulation) mesh = BRep_Tool::Triangulation(face, location);
    const uint32_t first = static_cast<uint32_t>(model.nodes.size() / 3);
    const bool reversed = face.Orientation() == TopAbs_REVERSED;

    model.first_node.push_back(first);
    if (mesh.IsNull() || mesh->NbTriangles() == 0)
        return;
    for (Standard_Integer i = 1; i <= mesh->NbNodes(); i++) {
        const gp_Pnt at = mesh->Node(i).Transformed(location.Transformation());
        const gp_Pnt2d uv = mesh->HasUVNodes() ? mesh->UVNode(i) : gp_Pnt2d(NAN, NAN);
        model.nodes.insert(model.nodes.end(), {at.X(), at.Y(), at.Z()});
        model.uv.insert(model.uv.end(), {uv.X(), uv.Y()});
    }
    for (Standard_Integer i = 1; i <= mesh->NbTriangles(); i++) {
        Standard_Integer a, b, c;
        mesh->Triangle(i).Get(a, b, c);
        if (reversed)
            std::swap(b, c);
        model.triangles.push_back(
            {{first + static_cast<uint32_t>(a) - 1, first + static_cast<uint32_t>(b) - 1,
              first + static_cast<uint32_t>(c) - 1},
             index});
    }
}

} // namespace

void qr_occt_mesh(qr_kernel_model &model, qr_body &body, qr_kernel_mesh *ret)
{
    const std::vector<TopoDS_Face> &faces = qr_occt_faces(body);
    IMeshTools_Parameters how;
    uint32_t unmeshed = 0;

    qr_occt_check(model.watch);
    const double extent = diagonal(body.shape);
    if (!(extent > 0) || !std::isfinite(extent))
        throw Standard_Failure("a body without extent");
    how.Deflection = extent * OF_DIAGONAL;
    how.Angle = ANGLE;
    how.InParallel = Standard_False;
    how.AllowQualityDecrease = Standard_True;
    Handle(breaker) indicator = new breaker(model.watch);
    BRepMesh_IncrementalMesh mesher(body.shape, how, indicator->Start());
    qr_occt_check(model.watch);
    model.nodes.clear();
    model.uv.clear();
    model.triangles.clear();
    model.first_node.clear();
    for (uint32_t i = 0; i < faces.size(); i++) {
        const size_t before = model.triangles.size();
        add_face(model, faces[i], i);
        unmeshed += model.triangles.size() == before;
    }
    model.first_node.push_back(static_cast<uint32_t>(model.nodes.size() / 3));
    BRepTools::Clean(body.shape); /* the copy is enough */
    *ret = {model.nodes.data(),
            model.uv.data(),
            model.triangles.data(),
            model.nodes.size() / 3,
            model.triangles.size(),
            model.first_node.data(),
            static_cast<uint32_t>(faces.size()),
            unmeshed,
            how.Deflection};
}

void qr_occt_surface(qr_body &body, uint32_t index, double u, double v, double ret_point[3],
                     double ret_normal[3])
{
    const TopoDS_Face &face = qr_occt_faces(body)[index];
    TopLoc_Location location;
    gp_Dir normal;

    const Handle(Geom_Surface) &surface = BRep_Tool::Surface(face, location);
    if (surface.IsNull())
        throw Standard_Failure("a face without a surface");
    gp_Pnt point = surface->Value(u, v);
    if (GeomLib::NormEstim(surface, gp_Pnt2d(u, v), 1e-9, normal) > 1)
        throw Standard_Failure("a surface without a normal");
    if (!location.IsIdentity()) {
        point.Transform(location.Transformation());
        normal.Transform(location.Transformation());
    }
    if (face.Orientation() == TopAbs_REVERSED)
        normal.Reverse();
    for (int i = 0; i < 3; i++) {
        ret_point[i] = point.Coord(i + 1);
        ret_normal[i] = normal.Coord(i + 1);
    }
}

void qr_occt_face_box(qr_kernel_model &model, uint32_t instance, uint32_t face, double ret_box[6])
{
    const qr_instance &at = model.instances[instance];
    Bnd_Box box;

    qr_occt_check(model.watch);
    const TopoDS_Shape placed = qr_occt_faces(model.bodies[at.body])[face].Moved(at.location);
    BRepBndLib::AddOptimal(placed, box, Standard_False, Standard_False);
    if (box.IsVoid() || box.IsOpen())
        throw Standard_Failure("a face without bounds");
    box.SetGap(0);
    box.Get(ret_box[0], ret_box[1], ret_box[2], ret_box[3], ret_box[4], ret_box[5]);
}

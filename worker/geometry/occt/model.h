/* worker/geometry/occt/model.h
 *
 * Between the files of the module: a model as Open CASCADE holds it.
 */
#pragma once
#include <functional>
#include <string>
#include <vector>

#include <TopLoc_Location.hxx>
#include <TopoDS_Edge.hxx>
#include <TopoDS_Face.hxx>
#include <TopoDS_Shape.hxx>

#include "worker/geometry/kernel.h"

struct qr_body {
    TopoDS_Shape shape; /* in its own frame */
    qr_kernel_kind kind;
    std::string name;
    std::vector<TopoDS_Face> faces; /* every face of it once; filled by qr_occt_faces() */
};

struct qr_instance {
    uint32_t body;
    TopLoc_Location location;
};

struct qr_part {
    std::string name;
    std::vector<qr_instance> instances;
};

struct qr_kernel_model {
    qr_kernel_watch watch;
    std::vector<qr_body> bodies;
    std::vector<qr_instance> instances;
    std::vector<qr_part> parts;
    qr_kernel_size size;
    char message[QR_KERNEL_TEXT];
    /* of the last mesh */
    std::vector<double> nodes, uv;
    std::vector<qr_kernel_triangle> triangles;
    std::vector<uint32_t> first_node;
};

/* The watch said stop: thrown between two steps. */
struct qr_occt_stopped {};

void qr_occt_check(const qr_kernel_watch &watch);

const std::vector<TopoDS_Face> &qr_occt_faces(qr_body &body);

/* An edge where two faces of a body meet. */
struct qr_meeting {
    const TopoDS_Edge &edge;
    uint32_t one, two; /* faces */
    int fold;          /* 1 convex, -1 concave, 0 smooth */
};

enum { QR_OCCT_NO_FOLD = 2 }; /* it cannot be said */

/* Calls `each` for every edge between two faces; free edges and seams are left out. */
void qr_occt_meetings(qr_body &body, const qr_kernel_watch &watch,
                      const std::function<void(const qr_meeting &)> &each);

void qr_occt_prepare(void);
void qr_occt_open(qr_kernel_model &model, const void *data, size_t len);
void qr_occt_measure(qr_kernel_model &model, qr_body &body, qr_kernel_body *ret);
void qr_occt_edges(qr_kernel_model &model, qr_body &body, qr_kernel_body *ret);
void qr_occt_holes(qr_kernel_model &model, qr_body &body, std::vector<qr_kernel_hole> &ret);
void qr_occt_mesh(qr_kernel_model &model, qr_body &body, qr_kernel_mesh *ret);
void qr_occt_surface(qr_body &body, uint32_t face, double u, double v, double ret_point[3],
                     double ret_normal[3]);
void qr_occt_face_box(qr_kernel_model &model, uint32_t instance, uint32_t face, double ret_box[6]);

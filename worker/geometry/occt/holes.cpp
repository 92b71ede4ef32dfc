/* Round holes: cylindrical faces (hollow.h) whose material is outside of them.
 *
 * Faces of one axis and radius that together go around at least two thirds of the circle are a
 * bore; a slot's end or a fillet goes around half of it, or a quarter. Bores of one axis that touch
 * are one hole with a counterbore. An end is open when its edge is convex there, as at a flat face
 * or a step to a larger bore, and closed when it is concave, as at a flat or conical bottom; where
 * it is rounded, the end is open when the points behind it on the axis are not in the material.
 */
#include "worker/geometry/occt/hollow.h"
#include "worker/geometry/occt/model.h"

#include <algorithm>
#include <cmath>

#include <BRepClass3d_SolidClassifier.hxx>
#include <BRep_Tool.hxx>
#include <Geom_Curve.hxx>
#include <TopoDS.hxx>

namespace {

const double AROUND = 4 * M_PI / 3;
const size_t CYLINDERS_MAX = 20000;

struct bore {
    gp_Pnt origin;
    gp_Dir direction;
    double radius;
    double low, high;
    double open[2] = {0,
                      0}; /* lengths of edges at low and high: convex positive, concave negative */
    bool smooth[2] = {false, false};
    bool is_open[2] = {true, true};
    std::vector<uint32_t> faces;
    bool counterbore = false, countersink = false;
    double widest;
    double end_radius[2]; /* at low and high */
};

double length_tolerance(double radius) { return 1e-4 * radius + 1e-4; }

bool is_coaxial(const gp_Pnt &origin, const gp_Dir &direction, const gp_Ax3 &axis, double radius)
{
    if (std::fabs(std::fabs(direction.Dot(axis.Direction())) - 1) > 1e-8)
        return false;
    const gp_Vec apart(origin, axis.Location());
    return apart.Crossed(gp_Vec(direction)).Magnitude() <= length_tolerance(radius);
}

/* Put a part into a common frame: lengths from `origin` along `direction`, angles from `zero`. */
qr_hollow in_frame(qr_hollow part, const gp_Pnt &origin, const gp_Dir &direction,
                   const gp_Dir &zero)
{
    const double sign = direction.Dot(part.axis.Direction()) > 0 ? 1 : -1;
    const double at = gp_Vec(origin, part.axis.Location()).Dot(gp_Vec(direction));
    const gp_Dir x = part.axis.XDirection();
    const gp_Dir y = part.axis.YDirection();
    const gp_Dir side = direction.Crossed(zero);
    const double turn = std::atan2(x.Dot(side), x.Dot(zero));
    const double sense = gp_Vec(x).Crossed(gp_Vec(y)).Dot(gp_Vec(direction)) > 0 ? 1 : -1;
    const double a = at + sign * part.low, b = at + sign * part.high;
    const double f = turn + sense * part.from, t = turn + sense * part.to;

    part.low = std::min(a, b);
    part.high = std::max(a, b);
    part.from = std::min(f, t);
    part.to = std::max(f, t);
    if (sign < 0)
        part.wide_at_high = !part.wide_at_high;
    return part;
}

/* How far around the circle these parts go together. */
double around(const std::vector<qr_hollow> &parts)
{
    std::vector<std::pair<double, double>> spans;
    double sum = 0, reached = 0;

    for (const qr_hollow &part : parts) {
        const double width = part.to - part.from;
        if (width >= 2 * M_PI - 1e-6)
            return 2 * M_PI;
        double from = std::fmod(part.from, 2 * M_PI);
        from = from < 0 ? from + 2 * M_PI : from;
        spans.push_back({from, std::min(from + width, 2 * M_PI)});
        if (from + width > 2 * M_PI)
            spans.push_back({0, from + width - 2 * M_PI});
    }
    std::sort(spans.begin(), spans.end());
    for (const auto &span : spans) {
        if (span.second > reached)
            sum += span.second - std::max(span.first, reached);
        reached = std::max(reached, span.second);
    }
    return sum;
}

/* The parts of one axis and radius, cut where nothing is between them. */
void cut_group(std::vector<qr_hollow> &group, const gp_Pnt &origin, const gp_Dir &direction,
               std::vector<bore> &ret)
{
    const double gap = length_tolerance(group[0].radius) * 10;

    std::sort(group.begin(), group.end(),
              [](const qr_hollow &a, const qr_hollow &b) { return a.low < b.low; });
    for (size_t i = 0; i < group.size();) {
        std::vector<qr_hollow> parts;
        bore found;
        found.origin = origin;
        found.direction = direction;
        found.radius = found.widest = group[i].radius;
        found.end_radius[0] = found.end_radius[1] = group[i].radius;
        found.low = group[i].low;
        found.high = group[i].high;
        for (; i < group.size() && (parts.empty() || group[i].low <= found.high + gap); i++) {
            parts.push_back(group[i]);
            found.faces.push_back(group[i].face);
            found.high = std::max(found.high, group[i].high);
        }
        if (around(parts) >= AROUND)
            ret.push_back(found);
    }
}

void find_bores(const std::vector<qr_hollow> &all, const qr_kernel_watch &watch,
                std::vector<bore> &ret)
{
    std::vector<bool> used(all.size(), false);

    for (size_t i = 0; i < all.size(); i++) {
        if (used[i] || all[i].cone)
            continue;
        qr_occt_check(watch);
        const gp_Pnt origin = all[i].axis.Location();
        const gp_Dir direction = all[i].axis.Direction();
        std::vector<qr_hollow> group;
        for (size_t k = i; k < all.size(); k++) {
            if (used[k] || all[k].cone ||
                std::fabs(all[k].radius - all[i].radius) > length_tolerance(all[i].radius) ||
                !is_coaxial(origin, direction, all[k].axis, all[i].radius))
                continue;
            used[k] = true;
            group.push_back(in_frame(all[k], origin, direction, all[i].axis.XDirection()));
        }
        cut_group(group, origin, direction, ret);
    }
}

/* What the edges around the ends of the bores say about them. */
void look_at_ends(qr_body &body, const qr_kernel_watch &watch, std::vector<bore> &bores)
{
    std::vector<int> of_face(qr_occt_faces(body).size(), -1);

    for (size_t i = 0; i < bores.size(); i++)
        for (uint32_t face : bores[i].faces)
            of_face[face] = static_cast<int>(i);
    qr_occt_meetings(body, watch, [&](const qr_meeting &meeting) {
        const int one = of_face[meeting.one], two = of_face[meeting.two];
        Standard_Real first, last;
        if (one == two || meeting.fold == QR_OCCT_NO_FOLD)
            return;
        const Handle(Geom_Curve) curve = BRep_Tool::Curve(meeting.edge, first, last);
        if (curve.IsNull())
            return;
        const gp_Pnt middle = curve->Value((first + last) / 2);
        const double length = middle.Distance(curve->Value(first)) + 1e-9;
        for (int index : {one, two}) {
            if (index < 0)
                continue;
            bore &at = bores[static_cast<size_t>(index)];
            const double place = gp_Vec(at.origin, middle).Dot(gp_Vec(at.direction));
            const int end = place - at.low > at.high - place ? 1 : 0;
            at.open[end] += meeting.fold * length;
            at.smooth[end] = at.smooth[end] || meeting.fold == 0;
        }
    });
}

bool is_material(BRepClass3d_SolidClassifier &classifier, const bore &at, double place)
{
    const gp_Pnt point = at.origin.Translated(gp_Vec(at.direction) * place);

    classifier.Perform(point, 1e-7);
    return classifier.State() == TopAbs_IN;
}

void decide_ends(const qr_kernel_model &model, const qr_body &body, std::vector<bore> &bores)
{
    BRepClass3d_SolidClassifier classifier;
    bool loaded = false;

    for (bore &at : bores) {
        for (int end = 0; end < 2; end++) {
            if (at.open[end] > 0 || at.open[end] < 0 || !at.smooth[end] ||
                body.kind != QR_KERNEL_SOLID) {
                at.is_open[end] = at.open[end] >= 0;
                continue;
            }
            qr_occt_check(model.watch);
            if (!loaded)
                classifier.Load(body.shape);
            loaded = true;
            for (double share : {0.05, 0.5, 1.2}) {
                const double out = share * at.radius;
                if (is_material(classifier, at, end ? at.high + out : at.low - out))
                    at.is_open[end] = false;
            }
        }
    }
}

/* One that goes on in a larger one of the same axis: both are one hole. */
bool join(bore &a, const bore &b)
{
    const double reach = 0.25 * std::max(a.widest, b.widest);

    if (!is_coaxial(a.origin, a.direction, gp_Ax3(b.origin, b.direction), a.radius))
        return false;
    const double sign = a.direction.Dot(b.direction) > 0 ? 1 : -1;
    const double at = gp_Vec(a.origin, b.origin).Dot(gp_Vec(a.direction));
    const double low = std::min(at + sign * b.low, at + sign * b.high);
    const double high = std::max(at + sign * b.low, at + sign * b.high);
    const bool b_low_open = sign > 0 ? b.is_open[0] : b.is_open[1];
    const bool b_high_open = sign > 0 ? b.is_open[1] : b.is_open[0];
    const double gap = length_tolerance(a.widest) * 10;

    if (low >= a.high - gap && low - a.high <= reach && (a.is_open[1] || b_low_open)) {
        a.high = high;
        a.is_open[1] = b_high_open;
        a.end_radius[1] = b.end_radius[sign > 0 ? 1 : 0];
    } else if (a.low >= high - gap && a.low - high <= reach && (a.is_open[0] || b_high_open)) {
        a.low = low;
        a.is_open[0] = b_low_open;
        a.end_radius[0] = b.end_radius[sign > 0 ? 0 : 1];
    } else {
        return false;
    }
    a.counterbore =
        a.counterbore || b.counterbore || std::fabs(a.radius - b.radius) > 0.02 * a.radius;
    a.radius = std::min(a.radius, b.radius);
    a.widest = std::max(a.widest, b.widest);
    return true;
}

void join_all(const qr_kernel_watch &watch, std::vector<bore> &bores)
{
    for (size_t i = 0; i < bores.size(); i++) {
        qr_occt_check(watch);
        for (size_t k = i + 1; k < bores.size(); k++) {
            if (!join(bores[i], bores[k]))
                continue;
            bores.erase(bores.begin() + static_cast<std::ptrdiff_t>(k));
            k = i; /* what it was too far from may touch it now */
        }
    }
}

/* A hollow cone that opens at an open end. */
void add_sinks(const std::vector<qr_hollow> &all, std::vector<bore> &bores)
{
    for (bore &at : bores) {
        for (const qr_hollow &cone : all) {
            if (!cone.cone || cone.radius < 1.25 * at.widest ||
                std::fabs(cone.narrow - at.widest) > 0.02 * at.widest + 1e-3 ||
                !is_coaxial(at.origin, at.direction, cone.axis, at.radius))
                continue;
            const qr_hollow sink = in_frame(cone, at.origin, at.direction, cone.axis.XDirection());
            const double gap = length_tolerance(at.radius) * 10;
            if (at.is_open[1] && sink.wide_at_high && std::fabs(sink.low - at.high) <= gap) {
                at.high = sink.high;
                at.end_radius[1] = sink.radius;
                at.countersink = true;
            } else if (at.is_open[0] && !sink.wide_at_high &&
                       std::fabs(sink.high - at.low) <= gap) {
                at.low = sink.low;
                at.end_radius[0] = sink.radius;
                at.countersink = true;
            }
        }
    }
}

qr_kernel_hole as_hole(const bore &from)
{
    const bool at_high =
        from.is_open[1] && (!from.is_open[0] || from.end_radius[1] > from.end_radius[0]);
    const gp_Pnt point =
        from.origin.Translated(gp_Vec(from.direction) * (at_high ? from.high : from.low));
    qr_kernel_hole hole = {};

    hole.radius = from.radius;
    hole.depth = from.high - from.low;
    hole.through = from.is_open[0] && from.is_open[1];
    hole.counterbore = from.counterbore;
    hole.countersink = from.countersink;
    for (int i = 0; i < 3; i++) {
        hole.point[i] = point.Coord(i + 1);
        hole.axis[i] = from.direction.Coord(i + 1) * (at_high ? -1 : 1);
    }
    return hole;
}

} // namespace

void qr_occt_holes(qr_kernel_model &model, qr_body &body, std::vector<qr_kernel_hole> &ret)
{
    const std::vector<TopoDS_Face> &faces = qr_occt_faces(body);
    std::vector<qr_hollow> hollows;
    std::vector<bore> bores;

    if (body.kind == QR_KERNEL_FACE)
        return;
    for (uint32_t i = 0; i < faces.size() && hollows.size() < CYLINDERS_MAX; i++) {
        qr_hollow found = {};
        if (i % 256 == 0)
            qr_occt_check(model.watch);
        if (qr_occt_hollow(faces[i], i, found))
            hollows.push_back(found);
    }
    find_bores(hollows, model.watch, bores);
    if (bores.empty())
        return;
    look_at_ends(body, model.watch, bores);
    decide_ends(model, body, bores);
    join_all(model.watch, bores);
    add_sinks(hollows, bores);
    for (const bore &found : bores)
        ret.push_back(as_hole(found));
}

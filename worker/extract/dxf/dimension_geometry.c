/* Measurements from definition points. */
#include "worker/extract/dxf/dimension_geometry.h"

#include <math.h>
#include <string.h>

#define DEGREES (180.0 / 3.14159265358979323846)

static double dot(const double a[3], const double b[3])
{
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

static void cross(const double a[3], const double b[3], double ret[3])
{
    ret[0] = a[1] * b[2] - a[2] * b[1];
    ret[1] = a[2] * b[0] - a[0] * b[2];
    ret[2] = a[0] * b[1] - a[1] * b[0];
}

static bool unit(double v[3])
{
    double len = sqrt(dot(v, v));

    if (!isfinite(len) || len < 1e-300)
        return false;
    for (int i = 0; i < 3; i++)
        v[i] /= len;
    return true;
}

/* Axes of an entity's coordinates in the world: x and y for an extrusion. */
static void axes_of(const double extrusion[3], double ret_x[3], double ret_y[3])
{
    static const double world_y[3] = {0, 1, 0}, world_z[3] = {0, 0, 1};
    double z[3] = {extrusion[0], extrusion[1], extrusion[2]};

    if (!unit(z))
        memcpy(z, world_z, sizeof z);
    cross(fabs(z[0]) < 1.0 / 64 && fabs(z[1]) < 1.0 / 64 ? world_y : world_z, z, ret_x);
    unit(ret_x);
    cross(z, ret_x, ret_y);
    unit(ret_y);
}

/* A point in the plane of the entity. */
static void in_plane(const struct qr_dxf_dim_geometry *g, int which, double ret[2])
{
    double x[3], y[3];

    if (which == QR_DXF_P16) { /* stands in that plane already */
        ret[0] = g->points[which][0];
        ret[1] = g->points[which][1];
        return;
    }
    axes_of(g->extrusion, x, y);
    ret[0] = dot(g->points[which], x);
    ret[1] = dot(g->points[which], y);
}

static bool have(const struct qr_dxf_dim_geometry *g, int a, int b)
{
    return g->have[a] && g->have[b];
}

/* The part of b - a along a direction of the plane, degrees. */
static double along(const struct qr_dxf_dim_geometry *g, int a, int b, double degrees)
{
    double p[2], q[2], t = degrees / DEGREES;

    in_plane(g, a, p);
    in_plane(g, b, q);
    return fabs((q[0] - p[0]) * cos(t) + (q[1] - p[1]) * sin(t));
}

static double direction(const double from[2], const double to[2])
{
    return atan2(to[1] - from[1], to[0] - from[0]);
}

/* Counter-clockwise from a to b, 0 .. 2 pi. */
static double sweep(double a, double b)
{
    double s = fmod(b - a, 2 * 3.14159265358979323846);
    return s < 0 ? s + 2 * 3.14159265358979323846 : s;
}

/* The angle of the legs to 13 and 14 around 15 on the side where the arc passes 10, radians. */
static bool three_point(const struct qr_dxf_dim_geometry *g, double *ret)
{
    double centre[2], a[2], b[2], arc[2];

    if (!have(g, QR_DXF_P13, QR_DXF_P14) || !g->have[QR_DXF_P15])
        return false;
    in_plane(g, QR_DXF_P15, centre);
    in_plane(g, QR_DXF_P13, a);
    in_plane(g, QR_DXF_P14, b);
    in_plane(g, QR_DXF_P10, arc);
    double from = direction(centre, a), whole = sweep(from, direction(centre, b));
    double at = sweep(from, direction(centre, arc));
    if (!g->have[QR_DXF_P10]) /* side unknown: the smaller one */
        whole = fmin(whole, sweep(whole, 0));
    else if (at > whole)
        whole = sweep(whole, 0);
    *ret = whole;
    return true;
}

/* The angle between the lines 13-14 and 15-10 in the sector of the arc's point 16, radians. */
static bool two_line(const struct qr_dxf_dim_geometry *g, double *ret)
{
    double a[2], b[2], c[2], d[2], arc[2], u[2], v[2], cross_uv, size;

    if (!have(g, QR_DXF_P13, QR_DXF_P14) || !have(g, QR_DXF_P15, QR_DXF_P10))
        return false;
    in_plane(g, QR_DXF_P13, a);
    in_plane(g, QR_DXF_P14, b);
    in_plane(g, QR_DXF_P15, c);
    in_plane(g, QR_DXF_P10, d);
    for (int i = 0; i < 2; i++) {
        u[i] = b[i] - a[i];
        v[i] = d[i] - c[i];
    }
    size = hypot(u[0], u[1]) * hypot(v[0], v[1]);
    if (!(size > 0))
        return false;
    cross_uv = u[0] * v[1] - u[1] * v[0];
    if (g->have[QR_DXF_P16] && fabs(cross_uv) > 1e-12 * size) {
        /* arc = centre + s u + t v: the signs of s and t name the sector */
        double k = ((c[0] - a[0]) * v[1] - (c[1] - a[1]) * v[0]) / cross_uv;
        in_plane(g, QR_DXF_P16, arc);
        double w[2] = {arc[0] - (a[0] + k * u[0]), arc[1] - (a[1] + k * u[1])};
        double s = (w[0] * v[1] - w[1] * v[0]) / cross_uv;
        double t = (u[0] * w[1] - u[1] * w[0]) / cross_uv;
        if (s * t < 0)
            v[0] = -v[0], v[1] = -v[1];
    }
    *ret = atan2(fabs(u[0] * v[1] - u[1] * v[0]), u[0] * v[0] + u[1] * v[1]);
    return true;
}

static bool between(const struct qr_dxf_dim_geometry *g, int a, int b, double *ret)
{
    double p[2], q[2];

    if (!have(g, a, b))
        return false;
    in_plane(g, a, p);
    in_plane(g, b, q);
    *ret = hypot(q[0] - p[0], q[1] - p[1]);
    return true;
}

static bool arc_length(const struct qr_dxf_dim_geometry *g, double *ret)
{
    double angle, radius;

    if (!three_point(g, &angle) || !between(g, QR_DXF_P15, QR_DXF_P13, &radius))
        return false;
    *ret = angle * radius;
    return true;
}

static bool measure(const struct qr_dxf_dim_geometry *g, double *ret)
{
    bool ok;

    switch (g->kind) {
    case QR_DXF_DIM_LINEAR:
        if (!have(g, QR_DXF_P13, QR_DXF_P14))
            return false;
        *ret = along(g, QR_DXF_P13, QR_DXF_P14, g->angle);
        return true;
    case QR_DXF_DIM_ALIGNED:
        return between(g, QR_DXF_P13, QR_DXF_P14, ret);
    case QR_DXF_DIM_DIAMETER:
    case QR_DXF_DIM_RADIUS:
    case QR_DXF_DIM_JOGGED:
        return between(g, QR_DXF_P10, QR_DXF_P15, ret);
    case QR_DXF_DIM_ORDINATE:
        if (!have(g, QR_DXF_P10, QR_DXF_P13))
            return false;
        *ret = along(g, QR_DXF_P10, QR_DXF_P13, (g->ordinate_x ? 0 : 90) - g->horizontal);
        return true;
    case QR_DXF_DIM_ARC:
        return arc_length(g, ret);
    case QR_DXF_DIM_ANGULAR:
        ok = two_line(g, ret);
        break;
    case QR_DXF_DIM_ANGULAR3:
        ok = three_point(g, ret);
        break;
    default:
        return false;
    }
    *ret *= DEGREES;
    return ok;
}

bool qr_dxf_dim_is_angle(enum qr_dxf_dim_kind kind)
{
    return kind == QR_DXF_DIM_ANGULAR || kind == QR_DXF_DIM_ANGULAR3;
}

bool qr_dxf_dim_measure(const struct qr_dxf_dim_geometry *g, double *ret)
{
    double value = 0;

    if (!measure(g, &value) || !isfinite(value))
        return false;
    *ret = value;
    return true;
}

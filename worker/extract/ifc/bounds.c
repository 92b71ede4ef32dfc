#include <math.h>
#include <stdlib.h>

#include "worker/extract/ifc/intern.h"

#define CHAIN_MAX 32 /* placements relative to placements */
#define CACHE 4096   /* a power of two */

/* Three axes and an origin: columns of a 3 x 4 matrix. */
struct frame {
    double axis[3][3]; /* x, y, z */
    double origin[3];
};

/* Frames of placements that were asked for lately: those of storeys above all. */
struct cache {
    uint32_t instance[CACHE]; /* plus one; 0: free */
    struct frame frame[CACHE];
};

static const struct frame world = {{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}}, {0, 0, 0}};

/* IfcCartesianPoint and IfcDirection: 0 a list of numbers. Two of them: z is 0. */
static bool read_triple(const struct qr_ifc *ifc, const struct qr_p21_value *reference,
                        double ret[3])
{
    uint32_t instance = qr_p21_follow(ifc->p21, reference);
    struct qr_p21_value value;

    ret[2] = 0;
    return instance != QR_P21_NONE &&
           qr_p21_attribute(ifc->p21, instance, QR_P21_UNKNOWN, 0, &value) &&
           qr_p21_numbers(&value, ret, 3) >= 2;
}

static bool normalise(double v[3])
{
    double length = sqrt(v[0] * v[0] + v[1] * v[1] + v[2] * v[2]);

    if (!(length > 1e-12) || !isfinite(length))
        return false;
    for (int i = 0; i < 3; i++)
        v[i] /= length;
    return true;
}

/* IfcAxis2Placement3D: 0 location, 1 z axis, 2 direction of x, made perpendicular to z. */
static bool read_axes(const struct qr_ifc *ifc, uint32_t instance, struct frame *ret)
{
    struct qr_p21_value values[3];
    double x[3];

    *ret = world;
    qr_p21_get(ifc->p21, instance, QR_P21_UNKNOWN, values, QR_COUNT(values));
    if (!read_triple(ifc, &values[0], ret->origin))
        return false;
    double *z = ret->axis[2];
    if (!read_triple(ifc, &values[1], z) || !normalise(z)) {
        z[0] = z[1] = 0;
        z[2] = 1;
    }
    if (!read_triple(ifc, &values[2], x)) {
        x[0] = fabs(z[0]) > 0.999999 ? 0 : 1; /* the standard's own choice */
        x[1] = 0;
        x[2] = fabs(z[0]) > 0.999999 ? 1 : 0;
    }
    double along = x[0] * z[0] + x[1] * z[1] + x[2] * z[2];
    for (int i = 0; i < 3; i++)
        x[i] -= along * z[i];
    if (!normalise(x))
        return true;
    for (int i = 0; i < 3; i++) {
        ret->axis[0][i] = x[i];
        ret->axis[1][i] = z[(i + 1) % 3] * x[(i + 2) % 3] - z[(i + 2) % 3] * x[(i + 1) % 3];
    }
    return true;
}

static struct frame combine(const struct frame *outer, const struct frame *inner)
{
    struct frame ret;

    for (int i = 0; i < 3; i++) {
        ret.origin[i] = outer->origin[i];
        for (int k = 0; k < 3; k++)
            ret.origin[i] += outer->axis[k][i] * inner->origin[k];
        for (int a = 0; a < 3; a++) {
            ret.axis[a][i] = 0;
            for (int k = 0; k < 3; k++)
                ret.axis[a][i] += outer->axis[k][i] * inner->axis[a][k];
        }
    }
    return ret;
}

/* IfcLocalPlacement: 0 what it is relative to, 1 axes. False: another kind, or a ring. */
static bool find_frame(const struct qr_ifc *ifc, struct cache *cache, uint32_t placement,
                       struct frame *ret)
{
    uint32_t chain[CHAIN_MAX];
    struct qr_p21_value values[2];
    uint32_t local = qr_p21_type(ifc->p21, "IFCLOCALPLACEMENT");
    int n = 0;

    *ret = world;
    while (placement != QR_P21_NONE) {
        if (cache->instance[placement % CACHE] == placement + 1) {
            *ret = cache->frame[placement % CACHE];
            break;
        }
        if (n == CHAIN_MAX)
            qr_record_note(ifc->rec, "ifc.placement.deep",
                           "placements in a ring, or more than %d levels deep, are not followed",
                           CHAIN_MAX);
        if (n == CHAIN_MAX || !qr_p21_is(ifc->p21, placement, local))
            return false;
        chain[n++] = placement;
        if (!qr_p21_attribute(ifc->p21, placement, local, 0, &values[0]))
            return false;
        placement = qr_p21_follow(ifc->p21, &values[0]);
    }
    while (n-- > 0) {
        struct frame own;
        qr_p21_get(ifc->p21, chain[n], local, values, 2);
        uint32_t axes = qr_p21_follow(ifc->p21, &values[1]);
        if (axes == QR_P21_NONE || !read_axes(ifc, axes, &own))
            return false;
        *ret = combine(ret, &own);
        cache->instance[chain[n] % CACHE] = chain[n] + 1;
        cache->frame[chain[n] % CACHE] = *ret;
    }
    return isfinite(ret->origin[0] + ret->origin[1] + ret->origin[2]);
}

void qr_ifc_report_bounds(struct qr_ifc *ifc)
{
    Quarry__V1__CadModel *cad = qr_record_cad(ifc->rec);
    struct cache *cache = calloc(1, sizeof *cache);
    double box[6] = {INFINITY, INFINITY, INFINITY, -INFINITY, -INFINITY, -INFINITY};
    struct qr_p21_value value;
    struct frame frame;
    uint64_t n = 0;

    for (uint32_t i = 0; cad && cache && i < ifc->n_objects; i++) {
        if (qr_ifc_kind(ifc, i) != QR_IFC_ELEMENT ||
            !qr_p21_attribute(ifc->p21, ifc->objects[i].instance, QR_P21_UNKNOWN, QR_IFC_PLACEMENT,
                              &value) ||
            qr_p21_follow(ifc->p21, &value) == QR_P21_NONE ||
            !find_frame(ifc, cache, qr_p21_follow(ifc->p21, &value), &frame))
            continue;
        for (int k = 0; k < 3; k++) {
            box[k] = fmin(box[k], frame.origin[k] * ifc->mm);
            box[k + 3] = fmax(box[k + 3], frame.origin[k] * ifc->mm);
        }
        n++;
    }
    if (cad && n > 1)
        cad->bounds = qr_cad_bounds(ifc->rec, box, "placements");
    free(cache);
}

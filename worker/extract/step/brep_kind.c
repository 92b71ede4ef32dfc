#include "worker/extract/step/brep.h"

#include <stdlib.h>

#define WRAPPED_MAX 4 /* a surface or curve inside another */

const char *const qr_step_surface_names[QR_SURFACES] = {
    "other", "plane",   "cylinder",  "cone",       "sphere",
    "torus", "bspline", "extrusion", "revolution", "offset",
};

/* Types of surfaces and curves, in simple and in complex instances. */
static const struct {
    const char *type;
    uint8_t surface;
} surface_types[] = {
    {"PLANE", QR_SURFACE_PLANE},
    {"CYLINDRICAL_SURFACE", QR_SURFACE_CYLINDER},
    {"CONICAL_SURFACE", QR_SURFACE_CONE},
    {"SPHERICAL_SURFACE", QR_SURFACE_SPHERE},
    {"TOROIDAL_SURFACE", QR_SURFACE_TORUS},
    {"DEGENERATE_TOROIDAL_SURFACE", QR_SURFACE_TORUS},
    {"B_SPLINE_SURFACE", QR_SURFACE_BSPLINE},
    {"B_SPLINE_SURFACE_WITH_KNOTS", QR_SURFACE_BSPLINE},
    {"RATIONAL_B_SPLINE_SURFACE", QR_SURFACE_BSPLINE},
    {"BEZIER_SURFACE", QR_SURFACE_BSPLINE},
    {"UNIFORM_SURFACE", QR_SURFACE_BSPLINE},
    {"QUASI_UNIFORM_SURFACE", QR_SURFACE_BSPLINE},
    {"SURFACE_OF_LINEAR_EXTRUSION", QR_SURFACE_EXTRUSION},
    {"SURFACE_OF_REVOLUTION", QR_SURFACE_REVOLUTION},
    {"OFFSET_SURFACE", QR_SURFACE_OFFSET},
};

static const struct {
    const char *type, *name;
} curve_types[] = {
    {"LINE", "line"},
    {"CIRCLE", "circle"},
    {"ELLIPSE", "ellipse"},
    {"HYPERBOLA", "hyperbola"},
    {"PARABOLA", "parabola"},
    {"B_SPLINE_CURVE", "bspline"},
    {"B_SPLINE_CURVE_WITH_KNOTS", "bspline"},
    {"BEZIER_CURVE", "bspline"},
    {"UNIFORM_CURVE", "bspline"},
    {"QUASI_UNIFORM_CURVE", "bspline"},
    {"POLYLINE", "polyline"},
    {"COMPOSITE_CURVE", "composite"},
    {"OFFSET_CURVE_3D", "offset"},
    {"PCURVE", "pcurve"},
    {"CLOTHOID", "clothoid"},
};

bool qr_step_kinds_init(const struct qr_step *s, struct qr_step_kinds *kinds)
{
    size_t n = (size_t)qr_p21_types(s->p) + 1;

    kinds->surface = calloc(n, 1);
    kinds->curve = calloc(n, 1);
    if (!kinds->surface || !kinds->curve)
        return false;
    for (size_t i = 0; i < QR_COUNT(surface_types); i++)
        kinds->surface[qr_p21_type(s->p, surface_types[i].type)] = surface_types[i].surface;
    for (size_t i = 0; i < QR_COUNT(curve_types); i++)
        kinds->curve[qr_p21_type(s->p, curve_types[i].type)] = (uint8_t)(i + 1);
    kinds->surface[QR_P21_UNKNOWN] = kinds->curve[QR_P21_UNKNOWN] = 0;
    return true;
}

static uint8_t kind_of(const struct qr_step *s, const uint8_t *kinds, uint32_t instance)
{
    uint32_t types[16];
    uint32_t n = qr_p21_types_of(s->p, instance, types, QR_COUNT(types));

    for (uint32_t i = 0; i < n && i < QR_COUNT(types); i++)
        if (kinds[types[i]] != 0)
            return kinds[types[i]];
    return 0;
}

void qr_step_kinds_done(struct qr_step_kinds *kinds)
{
    free(kinds->surface);
    free(kinds->curve);
}

uint8_t qr_step_surface_kind(const struct qr_step *s, const struct qr_step_kinds *kinds,
                             uint32_t *surface)
{
    uint8_t kind = QR_SURFACE_OTHER;

    for (int i = 0; i < WRAPPED_MAX && *surface != QR_P21_NONE; i++) {
        kind = kind_of(s, kinds->surface, *surface);
        if (kind != QR_SURFACE_OTHER ||
            !(qr_step_is(s, *surface, STEP_RECTANGULAR_TRIMMED_SURFACE) ||
              qr_step_is(s, *surface, STEP_CURVE_BOUNDED_SURFACE)))
            break;
        *surface = qr_step_ref(s, *surface,
                               (struct qr_step_field){1, 0, STEP_RECTANGULAR_TRIMMED_SURFACE});
    }
    return kind;
}

uint8_t qr_step_curve_kind(const struct qr_step *s, const struct qr_step_kinds *kinds,
                           uint32_t curve)
{
    uint8_t kind = 0;

    for (int i = 0; i < WRAPPED_MAX && curve != QR_P21_NONE; i++) {
        kind = kind_of(s, kinds->curve, curve);
        if (kind != 0 ||
            !(qr_step_is(s, curve, STEP_SURFACE_CURVE) || qr_step_is(s, curve, STEP_SEAM_CURVE) ||
              qr_step_is(s, curve, STEP_INTERSECTION_CURVE) ||
              qr_step_is(s, curve, STEP_TRIMMED_CURVE)))
            break;
        curve = qr_step_ref(s, curve, (struct qr_step_field){1, 0, STEP_SURFACE_CURVE});
    }
    return kind;
}

void qr_step_kinds_report(struct qr_step *s, const struct qr_step_brep *brep)
{
    for (size_t i = 0; i < QR_SURFACES; i++)
        if (brep->surfaces[i] > 0)
            qr_cad_add_count(s->rec, QR_CAD_SURFACES, qr_step_surface_names[i],
                             strlen(qr_step_surface_names[i]), brep->surfaces[i]);
    for (size_t i = 0; i <= QR_COUNT(curve_types); i++) {
        const char *name = i > 0 ? curve_types[i - 1].name : "other";
        uint64_t sum = 0;
        for (size_t k = i; k <= QR_COUNT(curve_types); k++)
            if (k == i || (i > 0 && strcmp(curve_types[k - 1].name, name) == 0))
                sum += brep->curves[k];
        if (i > 1 && strcmp(curve_types[i - 2].name, name) == 0)
            continue; /* counted with the first of that name */
        if (sum > 0)
            qr_cad_add_count(s->rec, QR_CAD_CURVES, name, strlen(name), sum);
    }
}

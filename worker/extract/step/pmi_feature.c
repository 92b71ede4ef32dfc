#include <math.h>
#include <stdio.h>

#include "worker/extract/step/pmi.h"

#define FACES_MAX 256  /* of one dimension */
#define ASPECTS_MAX 64 /* members of one aspect that are looked at */

/* What makes two round faces one feature: they turn about one line, or have one centre. */
struct axis {
    double at[3], along[3];
    bool centre;
};

static double dot(const double a[3], const double b[3])
{
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

static bool same_axis(const struct axis *a, const struct axis *b)
{
    double apart[3];
    double size = 1 + sqrt(dot(a->at, a->at));

    if (a->centre != b->centre)
        return false;
    for (int i = 0; i < 3; i++)
        apart[i] = b->at[i] - a->at[i];
    double along = a->centre ? 0 : dot(apart, a->along);
    for (int i = 0; i < 3; i++)
        apart[i] -= along * a->along[i];
    return sqrt(dot(apart, apart)) < 1e-6 * size &&
           (a->centre || fabs(fabs(dot(a->along, b->along)) - 1) < 1e-9);
}

/* Of a face on a cylinder, a torus or a sphere; false: it is none. */
static bool axis_of(const struct qr_step *s, uint32_t face, struct axis *ret)
{
    uint32_t surface = qr_step_ref(s, face, (struct qr_step_field){2, 0, STEP_FACE_SURFACE});
    bool sphere = qr_step_is(s, surface, STEP_SPHERICAL_SURFACE);

    if (!sphere && !qr_step_is(s, surface, STEP_CYLINDRICAL_SURFACE) &&
        !qr_step_is(s, surface, STEP_TOROIDAL_SURFACE))
        return false;
    uint32_t place =
        qr_step_ref(s, surface, (struct qr_step_field){1, 0, STEP_CYLINDRICAL_SURFACE});
    *ret = (struct axis){.along = {0, 0, 1}, .centre = sphere};
    if (!qr_step_triple(
            s, qr_step_ref(s, place, (struct qr_step_field){1, 0, STEP_AXIS2_PLACEMENT_3D}),
            ret->at))
        return false;
    double along[3];
    if (qr_step_triple(s,
                       qr_step_ref(s, place, (struct qr_step_field){2, 1, STEP_AXIS2_PLACEMENT_3D}),
                       along) &&
        dot(along, along) > 0)
        for (int i = 0; i < 3; i++)
            ret->along[i] = along[i] / sqrt(dot(along, along));
    return true;
}

static uint32_t add_faces(const struct qr_step_pmi *pmi, uint32_t aspect, struct axis *axes,
                          uint32_t n)
{
    uint32_t face;

    for (size_t i = 0; i < FACES_MAX && n < FACES_MAX &&
                       (face = qr_step_inverse_get(&pmi->features, aspect, i)) != QR_P21_NONE;
         i++) {
        bool known = false;
        if (!axis_of(pmi->s, face, &axes[n]))
            continue;
        for (uint32_t k = 0; k < n && !known; k++)
            known = same_axis(&axes[k], &axes[n]);
        n += !known;
    }
    return n;
}

uint32_t qr_step_round_features(const struct qr_step_pmi *pmi, uint32_t aspect)
{
    struct axis axes[FACES_MAX];
    uint32_t member;
    uint32_t n = aspect == QR_P21_NONE ? 0 : add_faces(pmi, aspect, axes, 0);

    for (size_t i = 0; aspect != QR_P21_NONE && i < ASPECTS_MAX &&
                       (member = qr_step_inverse_get(&pmi->members, aspect, i)) != QR_P21_NONE;
         i++)
        n = add_faces(pmi, member, axes, n);
    return n;
}

/* CAMERA_MODEL_D3(name, …): the view that somebody saved; its annotations are in the
 * DRAUGHTING_MODEL that has it among its items. */
void qr_step_saved_views(struct qr_step *s)
{
    static const enum qr_step_name cameras[] = {STEP_CAMERA_MODEL_D3,
                                                STEP_CAMERA_MODEL_D3_MULTI_CLIPPING};

    for (size_t i = 0; i < QR_COUNT(cameras); i++) {
        uint32_t n;
        const uint32_t *all = qr_step_all(s, cameras[i], &n);
        for (uint32_t k = 0; k < n; k++) {
            static const char kind[] = "saved view";
            const char *name =
                qr_step_text(s, all[k], (struct qr_step_field){0, 0, STEP_REPRESENTATION_ITEM});
            Quarry__V1__NamedObject *view =
                qr_record_add_named(s->rec, QR_RECORD_LAYOUTS, name, strlen(name));
            if (!view)
                return;
            qr_record_add_property(s->rec, view, "kind", kind, sizeof kind - 1);
        }
    }
}

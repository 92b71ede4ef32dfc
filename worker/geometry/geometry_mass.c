/* Mass properties of a model, its products and its bodies. */
#include <stdio.h>
#include <string.h>

#include "common/record/cad.h"
#include "worker/geometry/geometry_intern.h"
#include "worker/geometry/mass.h"

static void put_mass(Quarry__V1__CadMass *to, struct qr_record *rec, const struct qr_mass *from)
{
    double principal[3];

    to->source = qr_record_string(rec, "kernel", 6);
    to->has_volume = from->has_volume;
    to->volume = from->volume;
    to->has_area = true;
    to->area = from->area;
    qr_cad_numbers(rec, from->centroid, 3, &to->centroid, &to->n_centroid);
    if (!from->has_volume)
        return;
    qr_mass_principal(from->inertia, principal);
    qr_cad_numbers(rec, from->inertia, 9, &to->inertia, &to->n_inertia);
    qr_cad_numbers(rec, principal, 3, &to->principal_moments, &to->n_principal_moments);
}

static void add_mass(struct qr_geometry_work *work, const char *owner, const struct qr_mass *mass)
{
    if (!(mass->area < 1e300) || !(mass->volume < 1e300))
        return; /* not finite */
    Quarry__V1__CadMass *to = qr_geometry_add_mass(work->rec);
    if (!to)
        return;
    to->owner = qr_record_string(work->rec, owner, strlen(owner));
    put_mass(to, work->rec, mass);
}

bool qr_geometry_measure(struct qr_geometry_work *work)
{
    struct qr_scene *scene = &work->scene;

    for (uint32_t i = 0; i < scene->size.n_bodies; i++) {
        enum qr_kernel_status status =
            scene->kernel->body(scene->model, i, &scene->bodies[i].facts);
        if (status == QR_KERNEL_STOPPED)
            return false;
        scene->bodies[i].measured = status == QR_KERNEL_OK;
        if (status != QR_KERNEL_OK) {
            work->unmeasured++;
            snprintf(work->why, sizeof work->why, "%s", scene->kernel->message(scene->model));
        }
    }
    return true;
}

static void name_of(const struct qr_kernel_body *facts, uint32_t number, char *ret, size_t size)
{
    static const char *const kinds[] = {
        [QR_KERNEL_SOLID] = "solid", [QR_KERNEL_SHELL] = "shell", [QR_KERNEL_FACE] = "face"};

    if (facts->name[0])
        snprintf(ret, size, "%s", facts->name);
    else
        snprintf(ret, size, "%s %u", kinds[facts->kind], number);
}

/* Of each solid, where it stands. */
static void put_body_masses(struct qr_geometry_work *work)
{
    struct qr_scene *scene = &work->scene;
    struct qr_mass one;
    char name[160];

    for (uint32_t i = 0; i < scene->size.n_instances; i++) {
        const struct qr_kernel_instance *at = &scene->instances[i];
        if (work->out->n_mass > QR_GEOMETRY_MASS_MAX || !scene->bodies[at->body].measured)
            continue;
        qr_mass_place(&scene->bodies[at->body].facts, at->to_model, &one);
        name_of(&scene->bodies[at->body].facts, i + 1, name, sizeof name);
        add_mass(work, name, &one);
    }
}

/* Of each product, part or assembly, in its own frame. */
static void put_part_masses(struct qr_geometry_work *work)
{
    struct qr_scene *scene = &work->scene;
    struct qr_kernel_part part;
    struct qr_kernel_instance at;

    for (uint32_t i = 0; i < scene->size.n_parts && work->out->n_mass <= QR_GEOMETRY_MASS_MAX;
         i++) {
        struct qr_mass sum = {0};
        bool measured = true;
        scene->kernel->part(scene->model, i, &part);
        for (uint32_t k = 0; k < part.n_instances && measured; k++) {
            struct qr_mass one;
            scene->kernel->part_instance(scene->model, i, k, &at);
            measured = scene->bodies[at.body].measured;
            qr_mass_place(&scene->bodies[at.body].facts, at.to_model, &one);
            qr_mass_add(&sum, &one);
        }
        if (measured && sum.area > 0)
            add_mass(work, part.name, &sum);
    }
}

void qr_geometry_put_masses(struct qr_geometry_work *work)
{
    struct qr_scene *scene = &work->scene;
    struct qr_mass sum = {0};
    struct qr_mass one;

    for (uint32_t i = 0; i < scene->size.n_instances; i++) {
        const struct qr_kernel_instance *at = &scene->instances[i];
        const struct qr_kernel_body *facts = &scene->bodies[at->body].facts;
        if (!scene->bodies[at->body].measured)
            continue;
        work->out->solids += facts->kind == QR_KERNEL_SOLID;
        work->out->faces += facts->faces;
        work->out->convex_edges += facts->convex;
        work->out->concave_edges += facts->concave;
        work->out->smooth_edges += facts->smooth;
        qr_mass_place(facts, at->to_model, &one);
        qr_mass_add(&sum, &one);
    }
    if (!(sum.area > 0))
        return;
    add_mass(work, "", &sum);
    if (scene->size.n_parts > 1)
        put_part_masses(work);
    else if (scene->size.n_instances > 1)
        put_body_masses(work);
}

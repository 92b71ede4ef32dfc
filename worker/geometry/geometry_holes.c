/* Holes, wherever the bodies that have them stand. */
#include <stdlib.h>
#include <string.h>

#include "common/record/cad.h"
#include "worker/geometry/geometry_intern.h"

enum { HOLES_OF_BODY = 500 };

static void add_hole(struct qr_geometry_work *work, const struct qr_kernel_hole *from,
                     const double to_model[12])
{
    double scale = qr_scene_scale(to_model);
    double point[3], axis[3];
    const char *kind = from->counterbore   ? "counterbore"
                       : from->countersink ? "countersink"
                                           : "simple";
    Quarry__V1__CadHole *to = qr_geometry_add_hole(work->rec);

    if (!to)
        return;
    scale = scale < 0 ? -scale : scale;
    to->diameter = 2 * from->radius * scale;
    to->depth = from->depth * scale;
    to->through = from->through;
    to->kind = qr_record_string(work->rec, kind, strlen(kind));
    qr_scene_place(to_model, from->point, point);
    qr_scene_turn(to_model, from->axis, axis);
    for (size_t i = 0; i < 3 && scale > 0; i++)
        axis[i] = axis[i] / scale + 0.0; /* no minus in front of a zero */
    qr_cad_numbers(work->rec, point, 3, &to->point, &to->n_point);
    qr_cad_numbers(work->rec, axis, 3, &to->axis, &to->n_axis);
}

/* Of one body, everywhere where it stands. */
static void put_holes_of(struct qr_geometry_work *work, uint32_t body,
                         const struct qr_kernel_hole *holes, size_t n, bool *ret_full)
{
    const struct qr_scene *scene = &work->scene;

    for (uint32_t i = 0; i < scene->size.n_instances && n > 0; i++) {
        if (scene->instances[i].body != body)
            continue;
        for (size_t k = 0; k < n; k++) {
            if (work->out->n_holes >= QR_GEOMETRY_HOLES_MAX) {
                *ret_full = true;
                return;
            }
            add_hole(work, &holes[k], scene->instances[i].to_model);
        }
    }
}

bool qr_geometry_put_holes(struct qr_geometry_work *work)
{
    struct qr_scene *scene = &work->scene;
    struct qr_kernel_hole *holes = calloc(HOLES_OF_BODY, sizeof *holes);
    bool full = false;
    bool in_time = true;

    for (uint32_t i = 0; holes && in_time && !full && i < scene->size.n_bodies; i++) {
        size_t n = 0;
        enum qr_kernel_status status =
            scene->kernel->holes(scene->model, i, holes, HOLES_OF_BODY, &n);
        if (status == QR_KERNEL_OK)
            put_holes_of(work, i, holes, n < HOLES_OF_BODY ? n : HOLES_OF_BODY, &full);
        full = full || n > HOLES_OF_BODY;
        in_time = status != QR_KERNEL_STOPPED;
    }
    if (full)
        qr_geometry_lacks(work, "only the first %zu holes are listed", work->out->n_holes);
    free(holes);
    return in_time;
}

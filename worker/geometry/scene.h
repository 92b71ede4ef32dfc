/* worker/geometry/scene.h
 *
 * A model while its geometry is computed: bodies with their triangles, and where each stands.
 *
 * Lengths are millimetres. A transform is 3 x 4 doubles by rows, body to model. Used by one thread.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "worker/geometry/kernel.h"

/* More triangles than these are not kept: what needs them is left out. */
#define QR_SCENE_TRIANGLES_MAX ((size_t)4 * 1000 * 1000)

struct qr_scene_body {
    bool measured; /* `facts` are known */
    struct qr_kernel_body facts;
    bool meshed; /* the rest is known; copies, owned */
    double *nodes, *uv;
    struct qr_kernel_triangle *triangles;
    uint32_t *first_node; /* n_faces + 1 */
    size_t n_nodes, n_triangles;
    uint32_t n_faces;
    uint32_t unmeshed;
    double deflection;
    double *area_until; /* of the triangles up to and including each */
};

struct qr_scene {
    const struct qr_kernel *kernel; /* borrowed, both */
    struct qr_kernel_model *model;
    struct qr_kernel_watch watch;
    struct qr_kernel_size size;
    struct qr_scene_body *bodies;
    struct qr_kernel_instance *instances;
    size_t n_triangles; /* of all bodies */
};

/** Take over what an open model holds. False: out of memory. */
bool qr_scene_init(struct qr_scene *scene, const struct qr_kernel *kernel,
                   struct qr_kernel_model *model, const struct qr_kernel_watch *watch);
void qr_scene_done(struct qr_scene *scene);

/** Triangulate a body and keep a copy. QR_KERNEL_MEMORY also when there would be too many. */
enum qr_kernel_status qr_scene_mesh(struct qr_scene *scene, uint32_t body);

bool qr_scene_stopped(const struct qr_scene *scene);

void qr_scene_place(const double to_model[12], const double point[3], double ret[3]);
/** The same without the shift, for directions; not of unit length where the transform scales. */
void qr_scene_turn(const double to_model[12], const double direction[3], double ret[3]);
/** By how much lengths grow; 1 for a rigid transform, negative for a mirror. */
double qr_scene_scale(const double to_model[12]);

/** Box of the triangles: a lower bound of the model's. False: there are none. */
bool qr_scene_mesh_box(const struct qr_scene *scene, double ret_box[6]);

/**
 * The model's box: that of the triangles, and exactly where a curved face reaches beyond them.
 * Only faces that could be outermost are asked. *ret_exact: none of these failed.
 */
bool qr_scene_box(struct qr_scene *scene, double ret_box[6], bool *ret_exact);

#include "worker/geometry/scene.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

bool qr_scene_init(struct qr_scene *scene, const struct qr_kernel *kernel,
                   struct qr_kernel_model *model, const struct qr_kernel_watch *watch)
{
    memset(scene, 0, sizeof *scene);
    scene->kernel = kernel;
    scene->model = model;
    scene->watch = *watch;
    kernel->size(model, &scene->size);
    scene->bodies = calloc(scene->size.n_bodies + 1, sizeof *scene->bodies);
    scene->instances = calloc(scene->size.n_instances + 1, sizeof *scene->instances);
    if (!scene->bodies || !scene->instances)
        return false;
    for (uint32_t i = 0; i < scene->size.n_instances; i++)
        kernel->instance(model, i, &scene->instances[i]);
    return true;
}

static void free_mesh(struct qr_scene_body *body)
{
    free(body->nodes);
    free(body->uv);
    free(body->triangles);
    free(body->first_node);
    free(body->area_until);
    body->nodes = body->uv = body->area_until = NULL;
    body->triangles = NULL;
    body->first_node = NULL;
}

void qr_scene_done(struct qr_scene *scene)
{
    for (uint32_t i = 0; scene->bodies && i < scene->size.n_bodies; i++)
        free_mesh(&scene->bodies[i]);
    free(scene->bodies);
    free(scene->instances);
    memset(scene, 0, sizeof *scene);
}

bool qr_scene_stopped(const struct qr_scene *scene) { return scene->watch.stop(scene->watch.arg); }

static void *copy(const void *from, size_t size)
{
    void *to = malloc(size > 0 ? size : 1);
    if (to && size > 0)
        memcpy(to, from, size);
    return to;
}

static double triangle_area(const double *a, const double *b, const double *c)
{
    double u[3] = {b[0] - a[0], b[1] - a[1], b[2] - a[2]};
    double v[3] = {c[0] - a[0], c[1] - a[1], c[2] - a[2]};
    double x = u[1] * v[2] - u[2] * v[1];
    double y = u[2] * v[0] - u[0] * v[2];
    double z = u[0] * v[1] - u[1] * v[0];

    return sqrt(x * x + y * y + z * z) / 2;
}

static void sum_areas(struct qr_scene_body *body)
{
    double sum = 0;

    for (size_t i = 0; i < body->n_triangles; i++) {
        const uint32_t *node = body->triangles[i].node;
        double area =
            triangle_area(body->nodes + 3 * (size_t)node[0], body->nodes + 3 * (size_t)node[1],
                          body->nodes + 3 * (size_t)node[2]);
        if (isfinite(area))
            sum += area;
        body->area_until[i] = sum;
    }
}

enum qr_kernel_status qr_scene_mesh(struct qr_scene *scene, uint32_t index)
{
    struct qr_scene_body *body = &scene->bodies[index];
    struct qr_kernel_mesh mesh;

    enum qr_kernel_status status = scene->kernel->mesh(scene->model, index, &mesh);
    if (status != QR_KERNEL_OK)
        return status;
    if (scene->n_triangles + mesh.n_triangles > QR_SCENE_TRIANGLES_MAX)
        return QR_KERNEL_MEMORY;
    body->nodes = copy(mesh.nodes, mesh.n_nodes * 3 * sizeof *mesh.nodes);
    body->uv = copy(mesh.uv, mesh.n_nodes * 2 * sizeof *mesh.uv);
    body->triangles = copy(mesh.triangles, mesh.n_triangles * sizeof *mesh.triangles);
    body->first_node = copy(mesh.first_node, ((size_t)mesh.n_faces + 1) * sizeof *mesh.first_node);
    body->area_until = calloc(mesh.n_triangles + 1, sizeof *body->area_until);
    if (!body->nodes || !body->uv || !body->triangles || !body->first_node || !body->area_until) {
        free_mesh(body);
        return QR_KERNEL_MEMORY;
    }
    body->n_nodes = mesh.n_nodes;
    body->n_triangles = mesh.n_triangles;
    body->n_faces = mesh.n_faces;
    body->unmeshed = mesh.unmeshed;
    body->deflection = mesh.deflection;
    body->meshed = true;
    scene->n_triangles += mesh.n_triangles;
    sum_areas(body);
    return QR_KERNEL_OK;
}

void qr_scene_turn(const double to_model[12], const double direction[3], double ret[3])
{
    double x = direction[0], y = direction[1], z = direction[2];

    for (size_t i = 0; i < 3; i++)
        ret[i] = to_model[4 * i] * x + to_model[4 * i + 1] * y + to_model[4 * i + 2] * z;
}

void qr_scene_place(const double to_model[12], const double point[3], double ret[3])
{
    qr_scene_turn(to_model, point, ret);
    for (size_t i = 0; i < 3; i++)
        ret[i] += to_model[4 * i + 3];
}

double qr_scene_scale(const double m[12])
{
    return cbrt(m[0] * (m[5] * m[10] - m[6] * m[9]) - m[1] * (m[4] * m[10] - m[6] * m[8]) +
                m[2] * (m[4] * m[9] - m[5] * m[8]));
}

/* ---- boxes */

static void empty_box(double box[6])
{
    for (size_t i = 0; i < 3; i++) {
        box[i] = DBL_MAX;
        box[i + 3] = -DBL_MAX;
    }
}

static void add_point(double box[6], const double point[3])
{
    for (size_t i = 0; i < 3; i++) {
        if (!isfinite(point[i]))
            continue;
        box[i] = point[i] < box[i] ? point[i] : box[i];
        box[i + 3] = point[i] > box[i + 3] ? point[i] : box[i + 3];
    }
}

static void add_nodes(double box[6], const struct qr_scene_body *body, const double to_model[12],
                      size_t from, size_t to)
{
    double point[3];

    for (size_t i = from; i < to; i++) {
        qr_scene_place(to_model, body->nodes + 3 * i, point);
        add_point(box, point);
    }
}

bool qr_scene_mesh_box(const struct qr_scene *scene, double ret_box[6])
{
    empty_box(ret_box);
    for (uint32_t i = 0; i < scene->size.n_instances; i++) {
        const struct qr_scene_body *body = &scene->bodies[scene->instances[i].body];
        if (i % 64 == 0 && qr_scene_stopped(scene))
            return false;
        if (body->meshed)
            add_nodes(ret_box, body, scene->instances[i].to_model, 0, body->n_nodes);
    }
    return ret_box[0] <= ret_box[3] && ret_box[1] <= ret_box[4] && ret_box[2] <= ret_box[5];
}

/* Could it reach out of the box by what the mesh may be away from it? */
static bool is_outermost(const double face[6], const double box[6], double reach)
{
    for (size_t i = 0; i < 3; i++)
        if (face[i] - reach < box[i] || face[i + 3] + reach > box[i + 3])
            return true;
    return false;
}

/* The kernel's box of a face; no larger than the mesh allows, since it may be that of the surface
 * behind the face. */
static bool add_exact(struct qr_scene *scene, uint32_t instance, uint32_t face,
                      const double near[6], double reach, double box[6])
{
    double exact[6];

    if (scene->kernel->face_box(scene->model, instance, face, exact) != QR_KERNEL_OK)
        return false;
    for (size_t i = 0; i < 3; i++) {
        double low = exact[i] < near[i] - reach ? near[i] : exact[i];
        double high = exact[i + 3] > near[i + 3] + reach ? near[i + 3] : exact[i + 3];
        box[i] = low < box[i] ? low : box[i];
        box[i + 3] = high > box[i + 3] ? high : box[i + 3];
    }
    return true;
}

bool qr_scene_box(struct qr_scene *scene, double ret_box[6], bool *ret_exact)
{
    double around[6];

    *ret_exact = true;
    if (!qr_scene_mesh_box(scene, around))
        return false;
    memcpy(ret_box, around, sizeof around);
    for (uint32_t i = 0; i < scene->size.n_instances; i++) {
        const struct qr_kernel_instance *at = &scene->instances[i];
        const struct qr_scene_body *body = &scene->bodies[at->body];
        double reach = 4 * body->deflection * fabs(qr_scene_scale(at->to_model));
        for (uint32_t f = 0; body->meshed && f < body->n_faces; f++) {
            double face[6];
            if (f % 64 == 0 && qr_scene_stopped(scene)) {
                *ret_exact = false;
                return true;
            }
            empty_box(face);
            add_nodes(face, body, at->to_model, body->first_node[f], body->first_node[f + 1]);
            if (face[0] <= face[3] && is_outermost(face, around, reach) &&
                !add_exact(scene, i, f, face, reach, ret_box))
                *ret_exact = false;
        }
        *ret_exact = *ret_exact && body->meshed && body->unmeshed == 0;
    }
    return true;
}

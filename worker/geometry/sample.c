#include "worker/geometry/sample.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SEED 0x51756172727943ull

/* Source: Vigna, splitmix64 (public domain). */
static uint64_t next_random(uint64_t *state)
{
    uint64_t z = (*state += 0x9E3779B97F4A7C15ull);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
    return z ^ (z >> 31);
}

static double next_unit(uint64_t *state) { return (double)(next_random(state) >> 11) * 0x1p-53; }

/* The first index whose sum is beyond `at`. */
static size_t pick(const double *until, size_t n, double at)
{
    size_t low = 0, high = n - 1;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (until[middle] > at)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

static bool make_unit(double v[3])
{
    double length = sqrt(v[0] * v[0] + v[1] * v[1] + v[2] * v[2]);

    if (!(length > 0) || !isfinite(length))
        return false;
    for (size_t i = 0; i < 3; i++)
        v[i] /= length;
    return true;
}

static void flat_normal(const double *a, const double *b, const double *c, double ret[3])
{
    double u[3] = {b[0] - a[0], b[1] - a[1], b[2] - a[2]};
    double v[3] = {c[0] - a[0], c[1] - a[1], c[2] - a[2]};

    ret[0] = u[1] * v[2] - u[2] * v[1];
    ret[1] = u[2] * v[0] - u[0] * v[2];
    ret[2] = u[0] * v[1] - u[1] * v[0];
    if (!make_unit(ret))
        ret[0] = ret[1] = 0, ret[2] = 1;
}

/* The surface behind the triangle at these weights, unless it is somewhere else. */
static void lift(struct qr_scene *scene, uint32_t index, const struct qr_kernel_triangle *triangle,
                 const double weights[3], double point[3], double normal[3])
{
    const struct qr_scene_body *body = &scene->bodies[index];
    double uv[2] = {0, 0};
    double exact[3], outward[3];
    double square = 0;

    for (size_t k = 0; k < 3; k++)
        for (size_t i = 0; i < 2; i++)
            uv[i] += weights[k] * body->uv[2 * (size_t)triangle->node[k] + i];
    if (!isfinite(uv[0]) || !isfinite(uv[1]) ||
        scene->kernel->surface(scene->model, index, triangle->face, uv[0], uv[1], exact, outward) !=
            QR_KERNEL_OK)
        return;
    for (size_t i = 0; i < 3; i++)
        square += (exact[i] - point[i]) * (exact[i] - point[i]);
    if (!(sqrt(square) <= 10 * body->deflection) || !make_unit(outward))
        return;
    memcpy(point, exact, sizeof exact);
    if (outward[0] * normal[0] + outward[1] * normal[1] + outward[2] * normal[2] > 0)
        memcpy(normal, outward, sizeof outward);
}

static void sample_one(struct qr_scene *scene, uint32_t instance, double at, uint64_t *random,
                       float *ret_xyz, float *ret_normal)
{
    const struct qr_kernel_instance *where = &scene->instances[instance];
    const struct qr_scene_body *body = &scene->bodies[where->body];
    const struct qr_kernel_triangle *triangle =
        &body->triangles[pick(body->area_until, body->n_triangles, at)];
    double root = sqrt(next_unit(random));
    double share = next_unit(random);
    const double weights[3] = {1 - root, root * (1 - share), root * share};
    double point[3] = {0, 0, 0};
    double normal[3], placed[3], turned[3];

    for (size_t k = 0; k < 3; k++)
        for (size_t i = 0; i < 3; i++)
            point[i] += weights[k] * body->nodes[3 * (size_t)triangle->node[k] + i];
    flat_normal(body->nodes + 3 * (size_t)triangle->node[0],
                body->nodes + 3 * (size_t)triangle->node[1],
                body->nodes + 3 * (size_t)triangle->node[2], normal);
    lift(scene, where->body, triangle, weights, point, normal);
    qr_scene_place(where->to_model, point, placed);
    qr_scene_turn(where->to_model, normal, turned);
    if (!make_unit(turned))
        memcpy(turned, normal, sizeof turned);
    for (size_t i = 0; i < 3; i++) {
        ret_xyz[i] = (float)placed[i];
        ret_normal[i] = (float)turned[i];
    }
}

static void swap_points(float *list, size_t a, size_t b)
{
    float kept[3];

    memcpy(kept, list + 3 * a, sizeof kept);
    memmove(list + 3 * a, list + 3 * b, sizeof kept);
    memcpy(list + 3 * b, kept, sizeof kept);
}

uint32_t qr_sample(struct qr_scene *scene, uint32_t n, float *ret_xyz, float *ret_normals)
{
    double *until = calloc((size_t)scene->size.n_instances + 1, sizeof *until);
    uint64_t random = SEED;
    double sum = 0;
    uint32_t made = 0;

    if (!until)
        return 0;
    for (uint32_t i = 0; i < scene->size.n_instances; i++) {
        const struct qr_scene_body *body = &scene->bodies[scene->instances[i].body];
        double scale = qr_scene_scale(scene->instances[i].to_model);
        if (body->meshed && body->n_triangles > 0)
            sum += body->area_until[body->n_triangles - 1] * scale * scale;
        until[i] = sum;
    }
    for (; sum > 0 && isfinite(sum) && made < n; made++) {
        if (made % 256 == 0 && qr_scene_stopped(scene))
            break;
        /* one in each of n equal shares of the area: more even than n throws of a die */
        double at = ((double)made + next_unit(&random)) / n * sum;
        size_t instance = pick(until, scene->size.n_instances, at);
        double before = instance > 0 ? until[instance - 1] : 0;
        double scale = qr_scene_scale(scene->instances[instance].to_model);
        sample_one(scene, (uint32_t)instance, (at - before) / (scale * scale), &random,
                   ret_xyz + 3 * (size_t)made, ret_normals + 3 * (size_t)made);
    }
    free(until);
    if (made < n)
        return 0;
    for (size_t i = n; i > 1; i--) { /* a part of them is a fair sample too */
        size_t k = (size_t)(next_unit(&random) * (double)i);
        swap_points(ret_xyz, i - 1, k);
        swap_points(ret_normals, i - 1, k);
    }
    return n;
}

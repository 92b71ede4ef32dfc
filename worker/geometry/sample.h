/* worker/geometry/sample.h
 *
 * Points spread evenly over the surfaces of a model.
 */
#pragma once
#include <stdint.h>

#include "worker/geometry/scene.h"

/**
 * `n` points, each triangle as likely as it is large, lifted from it to the surface behind it. The
 * same model gives the same points, in no order.
 *
 *   ret_xyz, ret_normals  n x 3 floats each; normals are unit vectors that point out of the
 * material
 *
 * Returns how many there are: n, or 0 when nothing is meshed, time is over or memory is short.
 */
uint32_t qr_sample(struct qr_scene *scene, uint32_t n, float *ret_xyz, float *ret_normals);

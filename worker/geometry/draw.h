/* worker/geometry/draw.h
 *
 * A picture of a model: its triangles with flat shading and a depth buffer, the borders of faces
 * dark, as a PNG with a palette. No graphics library is used.
 */
#pragma once
#include <stdint.h>

#include "common/buf.h"
#include "worker/geometry/scene.h"

enum qr_draw_view {
    QR_DRAW_ISO,   /* from the right, the front and above */
    QR_DRAW_FRONT, /* along y, z upwards */
};

/**
 *   box     what the picture shows, of the model: qr_scene_box()
 *   pixels  width and height, 16 .. 4096
 *   ret     appended
 *
 * False: nothing is meshed, time is over or memory is short; `ret` is as it was.
 */
bool qr_draw(const struct qr_scene *scene, const double box[6], enum qr_draw_view view,
             uint32_t pixels, struct qr_buf *ret);

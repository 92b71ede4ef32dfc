#include "worker/geometry/draw.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "worker/geometry/png.h"

enum {
    FINE = 2, /* drawn so much larger, then averaged */
    BACKGROUND = 255,
    BRIGHTEST = 235,
    DARKEST = 60,
    BORDER = 20,
    NO_FACE = 0,
};

struct canvas {
    uint32_t size; /* pixels a side, fine ones */
    float *depth;  /* towards the viewer */
    uint8_t *shade;
    uint32_t *face; /* who is seen, from 1 */
    double right[3], up[3], towards[3];
    double centre[3];
    double scale; /* pixels a millimetre */
};

static double dot(const double a[3], const double b[3])
{
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

static void set_view(struct canvas *canvas, const double box[6], enum qr_draw_view view)
{
    static const double axes[][3][3] = {
        [QR_DRAW_ISO] = {{0.70710678118654752, 0.70710678118654752, 0},
                         {-0.40824829046386302, 0.40824829046386302, 0.81649658092772603},
                         {0.57735026918962576, -0.57735026918962576, 0.57735026918962576}},
        [QR_DRAW_FRONT] = {{1, 0, 0}, {0, 0, 1}, {0, -1, 0}},
    };
    double widest = 0;

    memcpy(canvas->right, axes[view][0], sizeof canvas->right);
    memcpy(canvas->up, axes[view][1], sizeof canvas->up);
    memcpy(canvas->towards, axes[view][2], sizeof canvas->towards);
    for (size_t i = 0; i < 3; i++)
        canvas->centre[i] = (box[i] + box[i + 3]) / 2;
    for (size_t corner = 0; corner < 8; corner++) {
        double at[3];
        for (size_t i = 0; i < 3; i++)
            at[i] = box[corner >> i & 1 ? i + 3 : i] - canvas->centre[i];
        double x = fabs(dot(at, canvas->right)), y = fabs(dot(at, canvas->up));
        widest = x > widest ? x : widest;
        widest = y > widest ? y : widest;
    }
    canvas->scale = widest > 0 ? 0.47 * canvas->size / widest : 0;
}

/* Light from the upper left behind the viewer; both sides of a triangle are lit alike. */
static uint8_t shade_of(double corners[3][3])
{
    double u[3], v[3];

    for (size_t i = 0; i < 3; i++) {
        u[i] = corners[1][i] - corners[0][i];
        v[i] = corners[2][i] - corners[0][i];
    }
    double n[3] = {u[1] * v[2] - u[2] * v[1], u[2] * v[0] - u[0] * v[2], u[0] * v[1] - u[1] * v[0]};
    double length = sqrt(dot(n, n));
    if (!(length > 0))
        return DARKEST;
    double sign = n[2] < 0 ? -1 : 1;
    double light = sign * (-0.35 * n[0] + 0.45 * n[1] + 0.82 * n[2]) / length;
    light = light < 0 ? 0 : light > 1 ? 1 : light;
    return (uint8_t)(DARKEST + (BRIGHTEST - DARKEST) * light);
}

/* Pixels of a line of the triangle that lies between its edges. */
static void fill(struct canvas *canvas, double c[3][3], uint8_t shade, uint32_t face)
{
    double last = canvas->size - 1;
    double area =
        (c[1][0] - c[0][0]) * (c[2][1] - c[0][1]) - (c[2][0] - c[0][0]) * (c[1][1] - c[0][1]);
    double x0 = fmin(fmin(c[0][0], c[1][0]), c[2][0]), x1 = fmax(fmax(c[0][0], c[1][0]), c[2][0]);
    double y0 = fmin(fmin(c[0][1], c[1][1]), c[2][1]), y1 = fmax(fmax(c[0][1], c[1][1]), c[2][1]);

    if (!(fabs(area) > 1e-9) || !(x1 >= 0) || !(y1 >= 0) || !(x0 <= last) || !(y0 <= last))
        return;
    uint32_t left = (uint32_t)fmax(floor(x0), 0), right = (uint32_t)fmin(ceil(x1), last);
    uint32_t top = (uint32_t)fmax(floor(y0), 0), bottom = (uint32_t)fmin(ceil(y1), last);
    for (uint32_t y = top; y <= bottom; y++) {
        for (uint32_t x = left; x <= right; x++) {
            double w1 =
                ((x - c[0][0]) * (c[2][1] - c[0][1]) - (c[2][0] - c[0][0]) * (y - c[0][1])) / area;
            double w2 =
                ((c[1][0] - c[0][0]) * (y - c[0][1]) - (x - c[0][0]) * (c[1][1] - c[0][1])) / area;
            if (w1 < -1e-9 || w2 < -1e-9 || w1 + w2 > 1 + 1e-9)
                continue;
            size_t at = (size_t)y * canvas->size + x;
            float depth = (float)(c[0][2] + w1 * (c[1][2] - c[0][2]) + w2 * (c[2][2] - c[0][2]));
            if (depth <= canvas->depth[at])
                continue;
            canvas->depth[at] = depth;
            canvas->shade[at] = shade;
            canvas->face[at] = face;
        }
    }
}

static void draw_triangle(struct canvas *canvas, const struct qr_scene_body *body,
                          const double to_model[12], const struct qr_kernel_triangle *triangle,
                          uint32_t face)
{
    double corners[3][3], pixels[3][3];

    for (size_t k = 0; k < 3; k++) {
        double at[3];
        qr_scene_place(to_model, body->nodes + 3 * (size_t)triangle->node[k], at);
        for (size_t i = 0; i < 3; i++)
            at[i] -= canvas->centre[i];
        corners[k][0] = dot(at, canvas->right);
        corners[k][1] = dot(at, canvas->up);
        corners[k][2] = dot(at, canvas->towards);
        pixels[k][0] = canvas->size / 2.0 + corners[k][0] * canvas->scale;
        pixels[k][1] = canvas->size / 2.0 - corners[k][1] * canvas->scale;
        pixels[k][2] = corners[k][2];
        if (!isfinite(pixels[k][0] + pixels[k][1] + pixels[k][2]))
            return;
    }
    fill(canvas, pixels, shade_of(corners), face);
}

/* False: out of time. */
static bool draw_all(struct canvas *canvas, const struct qr_scene *scene)
{
    uint32_t first_face = 1;

    for (uint32_t i = 0; i < scene->size.n_instances; i++) {
        const struct qr_kernel_instance *at = &scene->instances[i];
        const struct qr_scene_body *body = &scene->bodies[at->body];
        for (size_t t = 0; body->meshed && t < body->n_triangles; t++) {
            if (t % 1024 == 0 && qr_scene_stopped(scene))
                return false;
            draw_triangle(canvas, body, at->to_model, &body->triangles[t],
                          first_face + body->triangles[t].face);
        }
        first_face += body->n_faces;
    }
    return true;
}

/* Is there another face beside or below it, and is this the one in front? */
static bool is_border(const struct canvas *canvas, uint32_t x, uint32_t y)
{
    size_t at = (size_t)y * canvas->size + x;
    size_t next[2] = {x + 1 < canvas->size ? at + 1 : at,
                      y + 1 < canvas->size ? at + canvas->size : at};

    for (size_t i = 0; i < 2; i++)
        if (canvas->face[at] != canvas->face[next[i]])
            return true;
    return false;
}

static void average(const struct canvas *canvas, uint32_t pixels, uint8_t *ret)
{
    for (uint32_t y = 0; y < pixels; y++) {
        for (uint32_t x = 0; x < pixels; x++) {
            uint32_t sum = 0;
            for (uint32_t k = 0; k < FINE * FINE; k++) {
                uint32_t fx = x * FINE + k % FINE, fy = y * FINE + k / FINE;
                sum += is_border(canvas, fx, fy) ? BORDER
                                                 : canvas->shade[(size_t)fy * canvas->size + fx];
            }
            ret[(size_t)y * pixels + x] = (uint8_t)(sum / (FINE * FINE));
        }
    }
}

/* From dark to light blue-grey; the last is the white background. */
static void set_palette(uint8_t ret[768])
{
    for (uint32_t i = 0; i < 256; i++) {
        double light = i / 255.0;
        double tint = 1 - light; /* none in the white */
        ret[3 * i] = (uint8_t)(255 * light * (1 - 0.28 * tint));
        ret[3 * i + 1] = (uint8_t)(255 * light * (1 - 0.12 * tint));
        ret[3 * i + 2] = (uint8_t)(255 * light);
    }
}

bool qr_draw(const struct qr_scene *scene, const double box[6], enum qr_draw_view view,
             uint32_t pixels, struct qr_buf *ret)
{
    struct canvas canvas = {.size = pixels * FINE};
    size_t area = (size_t)canvas.size * canvas.size;
    uint8_t palette[768];
    bool good = false;

    if (pixels < 16 || pixels > 4096)
        return false;
    canvas.depth = malloc(area * sizeof *canvas.depth);
    canvas.shade = malloc(area);
    canvas.face = calloc(area, sizeof *canvas.face);
    uint8_t *image = malloc((size_t)pixels * pixels);
    if (canvas.depth && canvas.shade && canvas.face && image) {
        for (size_t i = 0; i < area; i++)
            canvas.depth[i] = -FLT_MAX;
        memset(canvas.shade, BACKGROUND, area);
        set_view(&canvas, box, view);
        set_palette(palette);
        if (canvas.scale > 0 && scene->n_triangles > 0 && draw_all(&canvas, scene)) {
            average(&canvas, pixels, image);
            good = qr_png_write(image, pixels, pixels, palette, ret);
        }
    }
    free(canvas.depth);
    free(canvas.shade);
    free(canvas.face);
    free(image);
    return good;
}

#include "worker/geometry/geometry.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/record/cad.h"
#include "worker/extract/p21/container.h"
#include "worker/geometry/draw.h"
#include "worker/geometry/hostile.h"
#include "worker/geometry/mass.h"
#include "worker/geometry/sample.h"
#include "worker/geometry/scene.h"

enum { HOLES_OF_BODY = 500 };
#define UNPACKED_MAX ((size_t)512 * 1024 * 1024)
#define VIEW_BYTES_MAX ((size_t)4 * 1024 * 1024)

struct work {
    const struct qr_extract_job *job;
    struct qr_record *rec;
    Quarry__V1__CadGeometry *out;
    struct qr_scene scene;
    int64_t until_ms;
    uint32_t unmeasured, unmeshed; /* bodies; the kernel's message for the last */
    char why[QR_KERNEL_TEXT];
    bool late; /* time was over before all was done */
    char missing[300];
};

static void say(struct work *work, const char *status, const char *fmt, ...) QR_PRINTF(3, 4);

static void say(struct work *work, const char *status, const char *fmt, ...)
{
    char message[400];
    char code[32];
    va_list args;

    va_start(args, fmt);
    vsnprintf(message, sizeof message, fmt, args);
    va_end(args);
    work->out->status = qr_record_string(work->rec, status, strlen(status));
    work->out->message = qr_record_string(work->rec, message, strlen(message));
    if (strcmp(status, "done") == 0)
        return;
    snprintf(code, sizeof code, "geometry.%s", status);
    qr_record_note(work->rec, code, "%s", message);
}

/* What the answer lacks, for its message. */
static void lacks(struct work *work, const char *fmt, ...) QR_PRINTF(2, 3);

static void lacks(struct work *work, const char *fmt, ...)
{
    size_t len = strlen(work->missing);
    va_list args;

    if (len > 0 && len + 3 < sizeof work->missing)
        len += (size_t)snprintf(work->missing + len, sizeof work->missing - len, "; ");
    va_start(args, fmt);
    vsnprintf(work->missing + len, sizeof work->missing - len, fmt, args);
    va_end(args);
}

static bool is_over(void *arg)
{
    struct work *work = arg;

    work->late = work->late || qr_clock_ms() >= work->until_ms;
    return work->late;
}

static void report(const struct work *work, unsigned permille)
{
    const struct qr_extract_progress progress = {.permille = permille};

    if (work->job->progress)
        work->job->progress(work->job->progress_arg, &progress);
}

/* ---- mass */

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

static void add_mass(struct work *work, const char *owner, const struct qr_mass *mass)
{
    if (!(mass->area < 1e300) || !(mass->volume < 1e300))
        return; /* not finite */
    Quarry__V1__CadMass *to = qr_geometry_add_mass(work->rec);
    if (!to)
        return;
    to->owner = qr_record_string(work->rec, owner, strlen(owner));
    put_mass(to, work->rec, mass);
}

/* False: out of time. */
static bool measure_bodies(struct work *work)
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
static void put_body_masses(struct work *work)
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
static void put_part_masses(struct work *work)
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

static void put_masses(struct work *work)
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

/* ---- holes */

static void add_hole(struct work *work, const struct qr_kernel_hole *from,
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
static void put_holes_of(struct work *work, uint32_t body, const struct qr_kernel_hole *holes,
                         size_t n, bool *ret_full)
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

static bool put_holes(struct work *work)
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
        lacks(work, "only the first %zu holes are listed", work->out->n_holes);
    free(holes);
    return in_time;
}

/* ---- shape */

static bool mesh_bodies(struct work *work)
{
    struct qr_scene *scene = &work->scene;

    for (uint32_t i = 0; i < scene->size.n_bodies; i++) {
        enum qr_kernel_status status = qr_scene_mesh(scene, i);
        if (status == QR_KERNEL_STOPPED)
            return false;
        if (status != QR_KERNEL_OK)
            work->unmeshed++;
        report(work, 500 + (unsigned)((uint64_t)i * 300 / scene->size.n_bodies));
    }
    return true;
}

static void put_points(struct work *work, uint32_t n)
{
    float *both = n > 0 ? calloc((size_t)n * 6, sizeof *both) : NULL;

    if (!both)
        return;
    uint32_t made = qr_sample(&work->scene, n, both, both + 3 * (size_t)n);
    if (made > 0)
        work->out->points = qr_cad_points(work->rec, both, both + 3 * (size_t)n, made, "kernel");
    free(both);
}

static void put_view(struct work *work, const double box[6], enum qr_draw_view view,
                     const char *name)
{
    struct qr_buf png;

    qr_buf_init(&png, VIEW_BYTES_MAX);
    if (qr_draw(&work->scene, box, view, QR_GEOMETRY_PIXELS, &png)) {
        Quarry__V1__CadView *to = qr_geometry_add_view(work->rec);
        if (to) {
            to->name = qr_record_string(work->rec, name, strlen(name));
            to->width = to->height = QR_GEOMETRY_PIXELS;
            to->media_type = qr_record_string(work->rec, "image/png", 9);
            to->source = qr_record_string(work->rec, "kernel", 6);
            qr_cad_set_bytes(work->rec, &to->image, png.data, png.len);
        }
    }
    qr_buf_done(&png);
}

static uint32_t points_wanted(const struct qr_extract_options *options)
{
    if (options->geometry_points == 0)
        return QR_GEOMETRY_POINTS;
    return options->geometry_points < 0 ? 0 : (uint32_t)options->geometry_points;
}

/* False: out of time. */
static bool put_shape(struct work *work)
{
    uint32_t points = points_wanted(&work->job->options);
    bool exact = false;
    double box[6];

    if (!mesh_bodies(work) || !qr_scene_box(&work->scene, box, &exact))
        return false;
    work->out->bounds = qr_cad_bounds(work->rec, box, exact ? "kernel" : "tessellation");
    report(work, 850);
    put_points(work, points);
    if (points > 0 && !work->out->points && !work->late)
        lacks(work, "no points could be sampled");
    if (work->job->options.geometry_views != QR_EXTRACT_OFF) {
        put_view(work, box, QR_DRAW_ISO, "iso");
        put_view(work, box, QR_DRAW_FRONT, "front");
    }
    return !work->late;
}

static void conclude(struct work *work)
{
    const struct qr_kernel_size *size = &work->scene.size;

    if (size->lost > 0)
        lacks(work, "%u solids could not be read", size->lost);
    if (size->capped)
        lacks(work, "only the first %u occurrences are counted", size->n_instances);
    if (work->unmeasured > 0)
        lacks(work, "%u of %u bodies could not be measured (%s)", work->unmeasured, size->n_bodies,
              work->why);
    if (work->unmeshed > 0)
        lacks(work, "%u of %u bodies could not be triangulated", work->unmeshed, size->n_bodies);
    if (work->late)
        lacks(work, "time was over before all was computed");
    if (size->n_instances == 0 && size->lost == 0 && !work->late)
        say(work, "done", "the file has no solid, shell or face of its own");
    else if (size->n_instances == 0)
        say(work, "failed", "nothing could be read: %s", work->missing);
    else if (work->missing[0])
        say(work, "partial", "%s", work->missing);
    else
        say(work, "done", "%s", "");
}

/* ---- the way through */

static void look(struct work *work)
{
    bool in_time = measure_bodies(work);

    put_masses(work);
    report(work, 450);
    in_time = in_time && put_holes(work);
    report(work, 500);
    if (in_time && work->scene.size.n_instances > 0)
        (void)put_shape(work);
    conclude(work);
}

static void compute(struct work *work, const struct qr_kernel *kernel, const uint8_t *data,
                    size_t len)
{
    const struct qr_kernel_watch watch = {.stop = is_over, .arg = work};
    struct qr_kernel_model *model = NULL;
    char message[QR_KERNEL_TEXT] = "";

#ifdef QUARRY_TEST_EXTRACTORS
    qr_geometry_misbehave(data, len);
#endif
    enum qr_kernel_status status = kernel->open(data, len, &watch, &model, message);
    report(work, 300);
    if (status == QR_KERNEL_STOPPED) {
        say(work, "timeout", "the kernel had not read the file within %.1f s",
            (double)(qr_clock_ms() - work->job->started_ms) / 1000);
    } else if (status == QR_KERNEL_MEMORY) {
        say(work, "resource", "the memory limit was reached while the kernel read the file");
    } else if (status != QR_KERNEL_OK) {
        say(work, "failed", "%s", message);
    } else {
        if (qr_scene_init(&work->scene, kernel, model, &watch))
            look(work);
        else
            say(work, "resource", "no memory for %u bodies", work->scene.size.n_bodies);
        qr_scene_done(&work->scene);
        kernel->close(model);
    }
}

/* The bytes as they are, or unpacked. */
static void read_and_compute(struct work *work, const struct qr_kernel *kernel, struct qr_input *in,
                             struct qr_record *scratch)
{
    const uint8_t *data = qr_input_map(in, scratch);
    uint8_t *unpacked = NULL;
    size_t len = (size_t)in->size;

    if (data && qr_p21_container_of(data, len) != QR_P21_BARE)
        data = qr_p21_unpack(data, len, ".stp .step .p21", UNPACKED_MAX, scratch, &unpacked, &len)
                   ? unpacked
                   : NULL;
    if (data)
        compute(work, kernel, data, len);
    free(unpacked);
}

void qr_geometry_compute(const struct qr_kernel *kernel, const char *why,
                         const struct qr_extract_job *job, struct qr_record *rec)
{
    struct work work = {.job = job, .rec = rec, .out = qr_record_geometry(rec)};
    QR_AUTO(qr_record) scratch = qr_record_new(NULL); /* what is said about the bytes: known */
    struct qr_input in;

    if (!work.out || !scratch)
        return;
    /* what was computed until then is better than being killed for the rest */
    work.until_ms = job->budget_ms > 0 ? job->started_ms + job->budget_ms * 85 / 100 : INT64_MAX;
    if (!kernel) {
        say(&work, "unsupported", "%s", why);
        return;
    }
    work.out->kernel = qr_record_string(rec, kernel->name, strlen(kernel->name));
    qr_input_init(&in);
    if (qr_input_open(&in, job->fd, job->max_file_bytes, scratch))
        read_and_compute(&work, kernel, &in, scratch);
    qr_input_close(&in, scratch);
    qr_input_done(&in);
    if (scratch->msg->error) /* it changed meanwhile: what was computed is of no file */
        say(&work, "failed", "%s", scratch->msg->error->message);
    work.out->duration_ms = (uint32_t)(qr_clock_ms() - job->started_ms);
}

#include "worker/geometry/geometry_intern.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/record/cad.h"
#include "worker/extract/p21/container.h"
#include "worker/geometry/draw.h"
#include "worker/geometry/hostile.h"
#include "worker/geometry/sample.h"

#define UNPACKED_MAX ((size_t)512 * 1024 * 1024)
#define VIEW_BYTES_MAX ((size_t)4 * 1024 * 1024)

static void say(struct qr_geometry_work *work, const char *status, const char *fmt, ...)
    QR_PRINTF(3, 4);

static void say(struct qr_geometry_work *work, const char *status, const char *fmt, ...)
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

void qr_geometry_lacks(struct qr_geometry_work *work, const char *fmt, ...)
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
    struct qr_geometry_work *work = arg;

    work->late = work->late || qr_clock_ms() >= work->until_ms;
    return work->late;
}

static void report(const struct qr_geometry_work *work, unsigned permille)
{
    const struct qr_extract_progress progress = {.permille = permille};

    if (work->job->progress)
        work->job->progress(work->job->progress_arg, &progress);
}

/* ---- shape */

static bool mesh_bodies(struct qr_geometry_work *work)
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

static void put_points(struct qr_geometry_work *work, uint32_t n)
{
    float *both = n > 0 ? calloc((size_t)n * 6, sizeof *both) : NULL;

    if (!both)
        return;
    uint32_t made = qr_sample(&work->scene, n, both, both + 3 * (size_t)n);
    if (made > 0)
        work->out->points = qr_cad_points(work->rec, both, both + 3 * (size_t)n, made, "kernel");
    free(both);
}

static void put_view(struct qr_geometry_work *work, const double box[6], enum qr_draw_view view,
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
static bool put_shape(struct qr_geometry_work *work)
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
        qr_geometry_lacks(work, "no points could be sampled");
    if (work->job->options.geometry_views != QR_EXTRACT_OFF) {
        put_view(work, box, QR_DRAW_ISO, "iso");
        put_view(work, box, QR_DRAW_FRONT, "front");
    }
    return !work->late;
}

static void conclude(struct qr_geometry_work *work)
{
    const struct qr_kernel_size *size = &work->scene.size;

    if (size->lost > 0)
        qr_geometry_lacks(work, "%u solids could not be read", size->lost);
    if (size->capped)
        qr_geometry_lacks(work, "only the first %u occurrences are counted", size->n_instances);
    if (work->unmeasured > 0)
        qr_geometry_lacks(work, "%u of %u bodies could not be measured (%s)", work->unmeasured,
                          size->n_bodies, work->why);
    if (work->unmeshed > 0)
        qr_geometry_lacks(work, "%u of %u bodies could not be triangulated", work->unmeshed,
                          size->n_bodies);
    if (work->late)
        qr_geometry_lacks(work, "time was over before all was computed");
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

static void look(struct qr_geometry_work *work)
{
    bool in_time = qr_geometry_measure(work);

    qr_geometry_put_masses(work);
    report(work, 450);
    in_time = in_time && qr_geometry_put_holes(work);
    report(work, 500);
    if (in_time && work->scene.size.n_instances > 0)
        (void)put_shape(work);
    conclude(work);
}

static void compute(struct qr_geometry_work *work, const struct qr_kernel *kernel,
                    const uint8_t *data, size_t len)
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
static void read_and_compute(struct qr_geometry_work *work, const struct qr_kernel *kernel,
                             struct qr_input *in, struct qr_record *scratch)
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
    struct qr_geometry_work work = {.job = job, .rec = rec, .out = qr_record_geometry(rec)};
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

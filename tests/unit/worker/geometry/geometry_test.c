/* Run it: ctest --preset dev -R geometry_test
 * Models whose geometry is known by hand, through the kernel's module; without a kernel only what
 * needs none. Here the kernel runs without a sandbox: it gets files of our own making. */
#include "tests/harness/test.h"
#include "worker/geometry/geometry.h"

#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/record/record.h"
#include "worker/geometry/mass.h"
#include "worker/geometry/module.h"
#include "worker/geometry/png.h"

#define PI 3.14159265358979323846

static const struct qr_kernel *kernel;

static int load(void **state)
{
    struct qr_err err = {0};

    (void)state;
    if (qr_geometry_is_there())
        assert_ok(qr_geometry_load(&kernel, &err), &err);
    else
        assert_int_equal(qr_geometry_load(&kernel, &err), QR_E_NOT_FOUND);
    return 0;
}

static struct qr_record *compute(int fd, const char *name, const struct qr_extract_options *options)
{
    struct qr_record *rec = qr_record_new(NULL);
    struct qr_extract_job job = {.fd = fd,
                                 .name = name,
                                 .type = "step",
                                 .max_file_bytes = (uint64_t)1 << 30,
                                 .started_ms = qr_clock_ms()};

    assert_non_null(rec);
    assert_true(fd >= 0);
    if (options)
        job.options = *options;
    qr_geometry_compute(kernel, "no kernel here", &job, rec);
    close(fd);
    assert_non_null(rec->msg->geometry);
    return rec;
}

static struct qr_record *of_sample(const char *name)
{
    char path[512];

    snprintf(path, sizeof path, "%s/step/%s", QUARRY_SAMPLES, name);
    return compute(open(path, O_RDONLY | O_CLOEXEC), name, NULL);
}

static void near(double have, double want)
{
    if (!(fabs(have - want) <= 1e-6 * fabs(want) + 1e-6))
        fail_msg("%.12g instead of %.12g", have, want);
}

static void is_box(const Quarry__V1__CadBounds *bounds, const double want[6])
{
    assert_non_null(bounds);
    assert_int_equal(bounds->n_box, 6);
    for (size_t i = 0; i < 6; i++)
        near(bounds->box[i], want[i]);
}

static void a_block_has_the_volume_area_and_edges_that_it_was_made_with(void **state)
{
    static const double box[6] = {0, 0, 0, 80, 50, 30};

    (void)state;
    if (!kernel)
        skip();
    QR_AUTO(qr_record) rec = of_sample("block.stp");
    const Quarry__V1__CadGeometry *got = rec->msg->geometry;
    assert_string_equal(got->status, "done");
    assert_int_equal(got->solids, 1);
    assert_int_equal(got->faces, 11);
    assert_int_equal(got->convex_edges, 16); /* twelve of the block, four rims */
    assert_int_equal(got->concave_edges, 2); /* both steps */
    assert_int_equal(got->smooth_edges, 0);
    is_box(got->bounds, box);
    assert_string_equal(got->bounds->source, "kernel");
    assert_int_equal(got->n_mass, 1);
    near(got->mass[0]->volume, 120000 - PI * (25 * 20 + 36 * 5 + 9 * 25));
    near(got->mass[0]->area, 15800 + PI * (200 + 60 + 150 - 18));
    near(got->mass[0]->centroid[1], 25);
    assert_int_equal(rec->msg->n_notes, 0);
}

static void holes_have_diameter_depth_axis_and_an_end(void **state)
{
    (void)state;
    if (!kernel)
        skip();
    QR_AUTO(qr_record) rec = of_sample("block.stp");
    const Quarry__V1__CadGeometry *got = rec->msg->geometry;
    assert_int_equal(got->n_holes, 2);
    const Quarry__V1__CadHole *blind = got->holes[0];
    assert_string_equal(blind->kind, "simple");
    near(blind->diameter, 10);
    near(blind->depth, 20);
    assert_false(blind->through);
    near(blind->point[0], 20);
    near(blind->point[2], 30); /* opens above, goes down */
    near(blind->axis[2], -1);
    const Quarry__V1__CadHole *wide = got->holes[1];
    assert_string_equal(wide->kind, "counterbore");
    near(wide->diameter, 6);
    near(wide->depth, 30);
    assert_true(wide->through);
    near(wide->point[2], 30); /* at its wider end */
    near(wide->axis[2], -1);
}

/* Size: x of its axis, diameter, depth. It opens above. */
static void is_hole(const Quarry__V1__CadHole *hole, const char *kind, const double size[3],
                    bool through)
{
    assert_string_equal(hole->kind, kind);
    near(hole->diameter, size[1]);
    near(hole->depth, size[2]);
    assert_int_equal(hole->through, through);
    near(hole->point[0], size[0]);
    near(hole->point[1], 25);
    near(hole->point[2], 30);
    near(hole->axis[0], 0);
    near(hole->axis[1], 0);
    near(hole->axis[2], -1);
}

static void holes_written_as_splines_are_holes(void **state)
{
    (void)state;
    if (!kernel)
        skip();
    QR_AUTO(qr_record) rec = of_sample("splines.stp");
    const Quarry__V1__CadGeometry *got = rec->msg->geometry;
    assert_string_equal(got->status, "done");
    assert_int_equal(got->faces, 13);
    assert_int_equal(got->n_holes, 3);
    is_hole(got->holes[0], "simple", (const double[]){20, 10, 20}, false);
    is_hole(got->holes[1], "counterbore", (const double[]){60, 6, 30}, true);
    is_hole(got->holes[2], "countersink", (const double[]){40, 6, 30}, true);
}

static void a_hole_right_through_is_no_counterbore(void **state)
{
    (void)state;
    if (!kernel)
        skip();
    QR_AUTO(qr_record) rec = of_sample("bracket.stp");
    const Quarry__V1__CadGeometry *got = rec->msg->geometry;
    assert_int_equal(got->n_holes, 1);
    assert_string_equal(got->holes[0]->kind, "simple");
    assert_true(got->holes[0]->through);
    near(got->holes[0]->diameter, 9);
    near(got->holes[0]->depth, 10);
    near(got->mass[0]->volume, 24000 - PI * 4.5 * 4.5 * 10);
}

static const Quarry__V1__CadMass *mass_of(const Quarry__V1__CadGeometry *got, const char *owner)
{
    for (size_t i = 0; i < got->n_mass; i++)
        if (strcmp(got->mass[i]->owner, owner) == 0)
            return got->mass[i];
    fail_msg("nothing of '%s'", owner);
    return NULL;
}

static void an_assembly_counts_each_occurrence_and_inches_are_millimetres(void **state)
{
    (void)state;
    if (!kernel)
        skip();
    QR_AUTO(qr_record) rec = of_sample("gearbox.step");
    const Quarry__V1__CadGeometry *got = rec->msg->geometry;
    double screw = 0.25 * 0.25 * 1 * 25.4 * 25.4 * 25.4;
    assert_int_equal(got->solids, 10);
    assert_int_equal(got->faces, 60);
    near(mass_of(got, "ISO4762-M6x20")->volume, screw);
    near(mass_of(got, "P-1101")->volume, 48000);
    near(mass_of(got, "AS-1100")->volume, 48000 + 4 * screw);
    near(mass_of(got, "")->volume, 2 * (48000 + 4 * screw));
}

static void points_lie_on_the_surface_and_are_the_same_each_time(void **state)
{
    (void)state;
    if (!kernel)
        skip();
    QR_AUTO(qr_record) one = of_sample("block.stp");
    QR_AUTO(qr_record) two = of_sample("block.stp");
    const Quarry__V1__CadPoints *points = one->msg->geometry->points;
    float read[6];
    double at[3], normal[3];
    unsigned in_holes = 0;

    assert_non_null(points);
    assert_int_equal(points->count, QR_GEOMETRY_POINTS);
    assert_int_equal(points->xyz.len, points->count * 12);
    assert_int_equal(points->normals.len, points->count * 12);
    assert_memory_equal(points->xyz.data, two->msg->geometry->points->xyz.data, points->xyz.len);
    for (uint32_t i = 0; i < points->count; i++) {
        memcpy(read, points->xyz.data + 12 * (size_t)i, 12);
        memcpy(read + 3, points->normals.data + 12 * (size_t)i, 12);
        for (size_t k = 0; k < 3; k++) {
            at[k] = (double)read[k];
            normal[k] = (double)read[3 + k];
        }
        assert_true(
            fabs(normal[0] * normal[0] + normal[1] * normal[1] + normal[2] * normal[2] - 1) < 1e-5);
        double blind = hypot(at[0] - 20, at[1] - 25), wide = hypot(at[0] - 60, at[1] - 25);
        bool wall = fabs(blind - 5) < 1e-4 || fabs(wide - 6) < 1e-4 || fabs(wide - 3) < 1e-4;
        bool flat = fabs(at[0]) < 1e-4 || fabs(at[0] - 80) < 1e-4 || fabs(at[1]) < 1e-4 ||
                    fabs(at[1] - 50) < 1e-4 || fabs(at[2]) < 1e-4 || fabs(at[2] - 10) < 1e-4 ||
                    fabs(at[2] - 25) < 1e-4 || fabs(at[2] - 30) < 1e-4;
        assert_true(wall || flat); /* on the surface, not on a chord of the mesh */
        if (wall && !flat) {       /* normals point out of the material: to the axis */
            double x = blind < 7 ? 20 : 60;
            assert_true(normal[0] * (at[0] - x) + normal[1] * (at[1] - 25) < 0);
            in_holes++;
        }
    }
    /* by area: (200 + 60 + 150) pi of 17031 */
    assert_in_range(in_holes, 2048 * 0.06, 2048 * 0.09);
}

static void options_say_how_many_points_and_whether_views(void **state)
{
    const struct qr_extract_options few = {.geometry_points = 100,
                                           .geometry_views = QR_EXTRACT_OFF};
    const struct qr_extract_options none = {.geometry_points = -1};

    (void)state;
    if (!kernel)
        skip();
    QR_AUTO(qr_record) rec = compute(open(QUARRY_SAMPLES "/step/block.stp", O_RDONLY), "a", &few);
    assert_int_equal(rec->msg->geometry->points->count, 100);
    assert_int_equal(rec->msg->geometry->n_views, 0);
    QR_AUTO(qr_record) bare = compute(open(QUARRY_SAMPLES "/step/block.stp", O_RDONLY), "a", &none);
    assert_null(bare->msg->geometry->points);
    assert_int_equal(bare->msg->geometry->n_views, 2);
    for (size_t i = 0; i < 2; i++) {
        const Quarry__V1__CadView *view = bare->msg->geometry->views[i];
        assert_string_equal(view->media_type, "image/png");
        assert_true(view->image.len > 500);
        assert_memory_equal(view->image.data, "\x89PNG\r\n\x1A\n", 8);
    }
}

static int of_text(const char *text)
{
    int fd = memfd_create("model", MFD_CLOEXEC);
    assert_true(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    return fd;
}

static void what_is_no_model_is_said_to_be_none(void **state)
{
#define HEAD "ISO-10303-21;HEADER;FILE_DESCRIPTION((''),'2;1');FILE_NAME('','',(''),(''),'','','');"
    static const struct {
        const char *why, *text, *status;
    } cases[] = {
        {"noise", "\x7F\x01 nothing of the kind", "failed"},
        {"breaks off", HEAD "FILE_SCHEMA(('AUTOMOTIVE_DESIGN'));ENDSEC;DATA;#1=PRODUCT('a",
         "failed"},
        {"no records",
         HEAD "FILE_SCHEMA(('AUTOMOTIVE_DESIGN'));ENDSEC;DATA;ENDSEC;END-ISO-10303-21;", "done"},
        {"a face of itself",
         HEAD "FILE_SCHEMA(('AUTOMOTIVE_DESIGN'));ENDSEC;DATA;"
              "#1=CLOSED_SHELL('',(#1,#1));#2=MANIFOLD_SOLID_BREP('',#1);"
              "#3=ADVANCED_BREP_SHAPE_REPRESENTATION('',(#2,#3),$);ENDSEC;END-ISO-10303-21;",
         NULL},
    };

    (void)state;
    if (!kernel)
        skip();
    for (size_t i = 0; i < QR_COUNT(cases); i++) {
        QR_AUTO(qr_record) rec = compute(of_text(cases[i].text), "a.stp", NULL);
        const char *status = rec->msg->geometry->status;
        if (cases[i].status && strcmp(status, cases[i].status) != 0)
            fail_msg("%s: %s (%s)", cases[i].why, status, rec->msg->geometry->message);
        assert_null(rec->msg->error); /* never a failure of the job */
        assert_int_equal(rec->msg->n_notes, strcmp(status, "done") != 0);
    }
}

static void without_a_kernel_the_answer_says_so(void **state)
{
    const struct qr_kernel *had = kernel;
    struct qr_err err = {0};
    struct qr_buf bytes;

    (void)state;
    kernel = NULL;
    QR_AUTO(qr_record) rec = compute(of_text("x"), "a.stp", NULL);
    kernel = had;
    assert_string_equal(rec->msg->geometry->status, "unsupported");
    assert_string_equal(rec->msg->geometry->message, "no kernel here");
    qr_buf_init(&bytes, 1 << 20);
    assert_ok(qr_geometry_encode(rec, &bytes, &err), &err);
    assert_true(
        qr_geometry_missing("crash", "it fell", 12, &bytes)); /* behind it: the last counts */
    QR_AUTO(qr_record) read = NULL;
    assert_ok(qr_record_decode(bytes.data, bytes.len, NULL, &read, &err), &err);
    assert_string_equal(read->msg->geometry->status, "crash");
    assert_int_equal(read->msg->geometry->duration_ms, 12);
    assert_int_equal(read->msg->n_notes, 2);
    qr_buf_done(&bytes);
}

static void masses_add_up_wherever_they_stand(void **state)
{
    /* a rod of 1 x 1 x 4 along z is two of 1 x 1 x 2; the second is turned upside down */
    const struct qr_kernel_body half = {
        .has_volume = true,
        .volume = 2,
        .area = 10,
        .centroid = {0, 0, 1},
        .inertia = {2 * (1 + 4) / 12.0, 0, 0, 0, 2 * (1 + 4) / 12.0, 0, 0, 0, 2 * 2 / 12.0}};
    const double here[12] = {1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0};
    const double turned[12] = {1, 0, 0, 0, 0, -1, 0, 0, 0, 0, -1, 4};
    const double twice[12] = {2, 0, 0, 0, 0, 2, 0, 0, 0, 0, 2, 0};
    struct qr_mass one, sum = {0};
    double principal[3];

    (void)state;
    qr_mass_place(&half, here, &one);
    qr_mass_add(&sum, &one);
    qr_mass_place(&half, turned, &one);
    qr_mass_add(&sum, &one);
    near(sum.volume, 4);
    near(sum.centroid[2], 2);
    near(sum.inertia[0], 4 * (1 + 16) / 12.0);
    near(sum.inertia[8], 4 * 2 / 12.0);
    qr_mass_principal(sum.inertia, principal);
    near(principal[0], 4 * 2 / 12.0);
    near(principal[2], 4 * 17 / 12.0);
    qr_mass_place(&half, twice, &one);
    near(one.volume, 16);
    near(one.area, 40);
    near(one.inertia[8], 32 * 2 * 2 / 12.0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_block_has_the_volume_area_and_edges_that_it_was_made_with),
        cmocka_unit_test(holes_have_diameter_depth_axis_and_an_end),
        cmocka_unit_test(holes_written_as_splines_are_holes),
        cmocka_unit_test(a_hole_right_through_is_no_counterbore),
        cmocka_unit_test(an_assembly_counts_each_occurrence_and_inches_are_millimetres),
        cmocka_unit_test(points_lie_on_the_surface_and_are_the_same_each_time),
        cmocka_unit_test(options_say_how_many_points_and_whether_views),
        cmocka_unit_test(what_is_no_model_is_said_to_be_none),
        cmocka_unit_test(without_a_kernel_the_answer_says_so),
        cmocka_unit_test(masses_add_up_wherever_they_stand),
    };
    return cmocka_run_group_tests(tests, load, NULL);
}

/* A measurement as AutoCAD writes it, and measurements from points.
 * Run it: ctest --preset dev -R dxf_dimension_format_test */
#include <math.h>

#include "tests/harness/test.h"
#include "worker/extract/dxf/dimension_format.h"

static void check(struct qr_buf *out, const char *want, const char *why)
{
    const char *got = out->data ? (const char *)out->data : "";

    if (strcmp(got, want) != 0)
        fail_msg("%s: expected \"%s\", got \"%s\"", why, want, got);
    qr_buf_done(out);
}

static void lengths_in_every_unit(void **state)
{
    static const struct {
        enum qr_dxf_lunit unit;
        int decimals, zeros;
        double round, value;
        const char *want;
    } cases[] = {
        {QR_DXF_LUNIT_DECIMAL, 2, 0, 0, 12.5, "12.50"},
        {QR_DXF_LUNIT_DECIMAL, 2, 8, 0, 12.5, "12.5"},
        {QR_DXF_LUNIT_DECIMAL, 2, 8, 0, 12, "12"},
        {QR_DXF_LUNIT_DECIMAL, 2, 8, 0, 100, "100"},
        {QR_DXF_LUNIT_DECIMAL, 0, 8, 0, 100, "100"},
        {QR_DXF_LUNIT_DECIMAL, 3, 4, 0, 0.125, ".125"},
        {QR_DXF_LUNIT_DECIMAL, 3, 12, 0, 0.12, ".12"},
        {QR_DXF_LUNIT_DECIMAL, 2, 12, 0, 0, "0"},
        {QR_DXF_LUNIT_DECIMAL, 2, 0, 0, 1.005, "1.01"}, /* half of the last place, in decimal */
        {QR_DXF_LUNIT_DECIMAL, 2, 0, 0, 11.2750000003, "11.28"},
        {QR_DXF_LUNIT_DECIMAL, 2, 8, 0.25, 12.3, "12.25"},
        {QR_DXF_LUNIT_DECIMAL, 0, 0, 0, -3, "-3"},
        {QR_DXF_LUNIT_SCIENTIFIC, 2, 0, 0, 15.5, "1.55E+01"},
        {QR_DXF_LUNIT_FRACTIONAL, 4, 0, 0, 2.5, "2 1/2"},
        {QR_DXF_LUNIT_FRACTIONAL, 4, 0, 0, 0.0625, "1/16"},
        {QR_DXF_LUNIT_FRACTIONAL, 4, 0, 0, 3, "3"},
        {QR_DXF_LUNIT_FRACTIONAL, 4, 0, 0, 2.99, "3"},
        {QR_DXF_LUNIT_FRACTIONAL, 0, 0, 0, 0, "0"},
        {QR_DXF_LUNIT_ARCHITECTURAL, 4, 0, 0, 62.5, "5'-2 1/2\""},
        {QR_DXF_LUNIT_ARCHITECTURAL, 4, 0, 0, 12.75, "1'-0 3/4\""},
        {QR_DXF_LUNIT_ARCHITECTURAL, 4, 0, 0, 0.5, "1/2\""},
        {QR_DXF_LUNIT_ARCHITECTURAL, 4, 0, 0, 12, "1'"},
        {QR_DXF_LUNIT_ARCHITECTURAL, 4, 1, 0, 0.5, "0'-0 1/2\""},
        {QR_DXF_LUNIT_ARCHITECTURAL, 4, 1, 0, 12, "1'-0\""},
        {QR_DXF_LUNIT_ARCHITECTURAL, 4, 2, 0, 6, "0'-6\""},
        {QR_DXF_LUNIT_ARCHITECTURAL, 4, 2, 0, 12, "1'"},
        {QR_DXF_LUNIT_ARCHITECTURAL, 4, 3, 0, 12, "1'-0\""},
        {QR_DXF_LUNIT_ARCHITECTURAL, 4, 0, 0, 0, "0\""},
        {QR_DXF_LUNIT_ENGINEERING, 2, 0, 0, 62.5, "5'-2.50\""},
        {QR_DXF_LUNIT_ENGINEERING, 2, 8, 0, 11.999, "1'"},
        {QR_DXF_LUNIT_WINDOWS, 1, 0, 0, 4.25, "4.3"},
    };
    (void)state;
    for (size_t i = 0; i < QR_COUNT(cases); i++) {
        struct qr_dxf_number_style style = {cases[i].unit, cases[i].decimals, cases[i].zeros,
                                            cases[i].round, '.'};
        struct qr_buf out;
        qr_buf_init(&out, 200);
        qr_dxf_format_length(&style, cases[i].value, &out);
        check(&out, cases[i].want, "length");
    }
}

static void angles_in_every_unit(void **state)
{
    static const struct {
        enum qr_dxf_aunit unit;
        int decimals, zeros;
        double value;
        const char *want;
    } cases[] = {
        {QR_DXF_AUNIT_DEGREES, 0, 0, 126.16, "126°"},
        {QR_DXF_AUNIT_DEGREES, 2, 0, 37.5, "37.50°"},
        {QR_DXF_AUNIT_DEGREES, 2, 2, 37.5, "37.5°"},
        {QR_DXF_AUNIT_DEGREES, 1, 1, 0.5, ".5°"},
        {QR_DXF_AUNIT_DMS, 0, 0, 30.4, "30°"},
        {QR_DXF_AUNIT_DMS, 2, 0, 30.5, "30°30'"},
        {QR_DXF_AUNIT_DMS, 4, 0, 30.5125, "30°30'45\""},
        {QR_DXF_AUNIT_DMS, 4, 0, 29.9999999, "30°0'0\""},
        {QR_DXF_AUNIT_GRADS, 0, 0, 90, "100g"},
        {QR_DXF_AUNIT_RADIANS, 2, 0, 180, "3.14r"},
    };
    (void)state;
    for (size_t i = 0; i < QR_COUNT(cases); i++) {
        struct qr_buf out;
        qr_buf_init(&out, 200);
        qr_dxf_format_angle(cases[i].unit, cases[i].decimals, cases[i].zeros, '.', cases[i].value,
                            &out);
        check(&out, cases[i].want, "angle");
    }
}

static struct qr_dxf_dimvars plain_style(void)
{
    return (struct qr_dxf_dimvars){
        .lfac = 1,
        .altf = 25.4,
        .dec = 2,
        .tdec = 2,
        .altd = 1,
        .zin = 8,
        .tzin = 8,
        .dsep = ',',
        .lunit = QR_DXF_LUNIT_DECIMAL,
        .altu = QR_DXF_LUNIT_DECIMAL,
    };
}

static void check_text(const struct qr_dxf_dimvars *vars, enum qr_dxf_dim_kind kind, double value,
                       const char *text, const char *want)
{
    struct qr_buf out;

    qr_buf_init(&out, 1000);
    qr_dxf_format_text(vars, kind, value, text, text ? strlen(text) : 0, &out);
    check(&out, want, text ? text : "no override");
}

static void what_stands_around_the_number(void **state)
{
    struct qr_dxf_dimvars v = plain_style();
    (void)state;

    check_text(&v, QR_DXF_DIM_LINEAR, 12.345, NULL, "12,35");
    check_text(&v, QR_DXF_DIM_RADIUS, 5, NULL, "R5");
    check_text(&v, QR_DXF_DIM_DIAMETER, 5, "", "Ø5");
    check_text(&v, QR_DXF_DIM_LINEAR, 5, "4x <> TYP (<>)", "4x 5 TYP (5)");
    check_text(&v, QR_DXF_DIM_LINEAR, 5, "about <", "about <");
    check_text(&v, QR_DXF_DIM_LINEAR, 5, "<", "<");
    v.post = "~<> mm";
    check_text(&v, QR_DXF_DIM_RADIUS, 5, NULL, "~5 mm");
    v.post = "<>"; /* some put the sign into the override instead */
    check_text(&v, QR_DXF_DIM_DIAMETER, 5, "\u2300<>", "⌀5");
    v.post = "<> mm";
    check_text(&v, QR_DXF_DIM_DIAMETER, 5, NULL, "Ø5 mm");
    v.post = " mm";
    check_text(&v, QR_DXF_DIM_RADIUS, 5, NULL, "R5 mm");
    check_text(&v, QR_DXF_DIM_ANGULAR, 45, NULL, "45°");
    v.post = NULL;
    v.tol = true;
    v.tp = v.tm = 0.1;
    check_text(&v, QR_DXF_DIM_LINEAR, 5, NULL, "5±0,1");
    v.tm = -0.05; /* both above */
    check_text(&v, QR_DXF_DIM_LINEAR, 5, NULL, "5 +0,1 +0,05");
    v.tm = 0;
    check_text(&v, QR_DXF_DIM_LINEAR, 5, NULL, "5 +0,1 0");
    v.tm = 0.2;
    check_text(&v, QR_DXF_DIM_LINEAR, 5, "<> deep", "5 +0,1 -0,2 deep");
    v.lim = true;
    check_text(&v, QR_DXF_DIM_DIAMETER, 5, NULL, "Ø5,1 4,8");
    v.tol = v.lim = false;
    v.alt = true;
    check_text(&v, QR_DXF_DIM_LINEAR, 2, NULL, "2 [50,8]");
    check_text(&v, QR_DXF_DIM_LINEAR, 2, "<>\\X[]", "2\\X[50,8]");
    v.apost = "[] mm";
    check_text(&v, QR_DXF_DIM_LINEAR, 2, NULL, "2 [50,8 mm]");
    check_text(&v, QR_DXF_DIM_ANGULAR3, 30, NULL, "30°");
}

static void strange_numbers_end_and_stay_short(void **state)
{
    static const double values[] = {1e308, -1e308, 1e15, 1e-300, 0.0, 123456789012.0};
    (void)state;
    for (int unit = 1; unit <= 6; unit++) {
        for (int decimals = 0; decimals <= 8; decimals++) {
            for (size_t i = 0; i < QR_COUNT(values); i++) {
                struct qr_dxf_number_style style = {(enum qr_dxf_lunit)unit, decimals, decimals,
                                                    i == 3 ? 1e-300 : 0, ','};
                struct qr_buf out;
                qr_buf_init(&out, 100);
                qr_dxf_format_length(&style, values[i], &out);
                qr_dxf_format_angle((enum qr_dxf_aunit)(unit % 4), decimals, 3, '.', values[i],
                                    &out);
                assert_true(out.len > 0 && !out.failed);
                qr_buf_clear(&out);
                qr_dxf_format_length(&style, NAN, &out);
                qr_dxf_format_angle(QR_DXF_AUNIT_DMS, 4, 0, '.', INFINITY, &out);
                assert_int_equal(out.len, 0);
                qr_buf_done(&out);
            }
        }
    }
}

#define AT(x, y) \
    {            \
        x, y, 0  \
    }

static void measured(const struct qr_dxf_dim_geometry *g, double want)
{
    double got = -1;

    assert_true(qr_dxf_dim_measure(g, &got));
    if (fabs(got - want) > 1e-9 * fmax(1, want))
        fail_msg("kind %d: expected %.12g, got %.12g", g->kind, want, got);
}

static void lengths_are_measured(void **state)
{
    struct qr_dxf_dim_geometry g = {
        .kind = QR_DXF_DIM_LINEAR,
        .points = {AT(3, 9), AT(0, 0), AT(3, 4), AT(6, 9), AT(0, 0)},
        .have = {true, true, true, true, false},
    };
    (void)state;

    measured(&g, 3);
    g.angle = 90;
    measured(&g, 4);
    g.angle = 53.130102354155978;
    measured(&g, 5);
    g.kind = QR_DXF_DIM_ALIGNED;
    measured(&g, 5);
    g.kind = QR_DXF_DIM_DIAMETER;
    measured(&g, 3);
    g.kind = QR_DXF_DIM_RADIUS;
    measured(&g, 3);
    g.kind = QR_DXF_DIM_JOGGED;
    measured(&g, 3);
    g.kind = QR_DXF_DIM_ORDINATE;
    measured(&g, 9);
    g.ordinate_x = true;
    measured(&g, 3);
    g.horizontal = 90; /* the user's x axis points downwards */
    measured(&g, 9);
    g.have[QR_DXF_P10] = false;
    assert_false(qr_dxf_dim_measure(&g, &(double){0}));
    g.kind = (enum qr_dxf_dim_kind)7;
    assert_false(qr_dxf_dim_measure(&g, &(double){0}));
}

static void the_plane_of_the_entity_counts(void **state)
{
    struct qr_dxf_dim_geometry g = {
        .kind = QR_DXF_DIM_LINEAR,
        .extrusion = {0, -1, 0}, /* x to the right, y upwards in z */
        .points = {{0}, {0, 0, 0}, {3, 7, 4}},
        .have = {false, true, true},
    };
    (void)state;

    measured(&g, 3);
    g.angle = 90;
    measured(&g, 4);
    g.kind = QR_DXF_DIM_ALIGNED;
    measured(&g, 5); /* the 7 towards the eye does not count */
    g.kind = QR_DXF_DIM_LINEAR;
    g.extrusion[1] = 0;
    g.extrusion[2] = -1; /* seen from behind: x to the left */
    measured(&g, 7);
    g.angle = 0;
    measured(&g, 3);
}

static void angles_are_on_the_side_of_their_arc(void **state)
{
    struct qr_dxf_dim_geometry g = {
        .kind = QR_DXF_DIM_ANGULAR3,
        .points = {AT(1, 1), AT(2, 0), AT(0, 2), AT(0, 0), AT(0, 0)},
        .have = {true, true, true, true, false},
    };
    (void)state;

    measured(&g, 90);
    g.points[QR_DXF_P10][0] = -1;
    measured(&g, 270);
    g.have[QR_DXF_P10] = false;
    measured(&g, 90);
    g.kind = QR_DXF_DIM_ARC;
    measured(&g, 3.14159265358979323846);

    g.kind = QR_DXF_DIM_ANGULAR; /* x axis, and a line at 60 degrees through the origin */
    g.have[QR_DXF_P10] = g.have[QR_DXF_P16] = true;
    g.points[QR_DXF_P13][0] = 1;
    g.points[QR_DXF_P13][1] = 0;
    g.points[QR_DXF_P14][0] = 5;
    g.points[QR_DXF_P14][1] = 0;
    g.points[QR_DXF_P15][0] = 1;
    g.points[QR_DXF_P15][1] = sqrt(3);
    g.points[QR_DXF_P10][0] = 2;
    g.points[QR_DXF_P10][1] = 2 * sqrt(3);
    g.points[QR_DXF_P16][0] = 3;
    g.points[QR_DXF_P16][1] = 1;
    measured(&g, 60);
    g.points[QR_DXF_P16][0] = -3;
    measured(&g, 120);
    g.points[QR_DXF_P16][1] = -1;
    measured(&g, 60);
    g.points[QR_DXF_P10][1] = sqrt(3); /* parallel: no crossing */
    measured(&g, 0);
    g.points[QR_DXF_P10][0] = 1; /* no line at all */
    assert_false(qr_dxf_dim_measure(&g, &(double){0}));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lengths_in_every_unit),
        cmocka_unit_test(angles_in_every_unit),
        cmocka_unit_test(what_stands_around_the_number),
        cmocka_unit_test(strange_numbers_end_and_stay_short),
        cmocka_unit_test(lengths_are_measured),
        cmocka_unit_test(the_plane_of_the_entity_counts),
        cmocka_unit_test(angles_are_on_the_side_of_their_arc),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

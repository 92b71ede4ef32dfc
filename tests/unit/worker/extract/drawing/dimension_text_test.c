/* Run it: ctest --preset dev -R dimension_text_test */
#include "tests/harness/test.h"
#include "worker/extract/drawing/dimension_text.h"

#include <stdio.h>
#include <stdlib.h>

/* "diameter 6.5 mm 4x [+0.1 -0.2] H7 /10 ref sure": all that was read, short. */
static const char *render(const struct qr_dimension_text *d, char *out, size_t room)
{
    static const char *const evidence[] = {"weak", "plain", "sure"};
    int n = snprintf(out, room, "%s %g", d->kind, d->value);
    if (d->unit[0])
        n += snprintf(out + n, room - (size_t)n, " %s", d->unit);
    if (d->quantity)
        n += snprintf(out + n, room - (size_t)n, " %ux", d->quantity);
    if (d->has_tolerance)
        n += snprintf(out + n, room - (size_t)n, " [%+g %+g]", d->upper, d->lower);
    if (d->fit[0])
        n += snprintf(out + n, room - (size_t)n, " %s", d->fit);
    if (d->has_secondary)
        n += snprintf(out + n, room - (size_t)n, " /%g", d->secondary);
    if (d->has_depth)
        n += snprintf(out + n, room - (size_t)n, " deep%g", d->depth);
    if (d->reference)
        n += snprintf(out + n, room - (size_t)n, " ref");
    if (d->basic)
        n += snprintf(out + n, room - (size_t)n, " basic");
    snprintf(out + n, room - (size_t)n, " %s", evidence[d->evidence]);
    return out;
}

struct text_case {
    const char *text;
    const char *want; /* NULL: no dimension */
};

static void check(const struct text_case *cases, size_t n, bool known)
{
    size_t failed = 0;

    for (size_t i = 0; i < n; i++) {
        struct qr_dimension_text d;
        char got[256] = "-";
        size_t len = strlen(cases[i].text);
        bool ok = known ? qr_dimension_text_parse_known(cases[i].text, len, &d)
                        : qr_dimension_text_parse(cases[i].text, len, &d);
        if (ok)
            render(&d, got, sizeof got);
        if (strcmp(got, cases[i].want ? cases[i].want : "-") != 0) {
            print_error("\"%s\": want %s, got %s\n", cases[i].text,
                        cases[i].want ? cases[i].want : "-", got);
            failed++;
        }
    }
    assert_int_equal(failed, 0);
}

static void numbers_and_units(void **state)
{
    static const struct text_case cases[] = {
        {"25", "linear 25 weak"},
        {" 33,40 ", "linear 33.4 plain"},
        {"0.5", "linear 0.5 plain"},
        {".5", "linear 0.5 plain"},
        {"1,250.00", "linear 1250 plain"},
        {"1.250,00", "linear 1250 plain"},
        {"1,234,567", "linear 1.23457e+06 weak"},
        {"0,360", "linear 0.36 plain"},
        {"12 mm", "linear 12 mm plain"},
        {"12mm", "linear 12 mm plain"},
        {"2.5 cm", "linear 2.5 cm plain"},
        {"3.2 m", "linear 3.2 m plain"},
        {"0.1IN", "linear 0.1 in plain"},
        {"2\"", "linear 2 in plain"},
        {"1 1/2\"", "linear 1.5 in plain"},
        {"1-1/2\"", "linear 1.5 in plain"},
        {"1½\"", "linear 1.5 in plain"},
        {"½", "linear 0.5 in plain"},
        {"5/8", "linear 0.625 in plain"},
        {"5/8\"", "linear 0.625 in plain"},
        {"3'-6 1/2\"", "linear 42.5 in plain"},
        {"3' 6\"", "linear 42 in plain"},
        {"12'-0\"", "linear 144 in plain"},
        {"5'", "linear 60 in plain"},
        {"6''", "linear 6 in plain"},
        {"25.4 [1.000]", "linear 25.4 plain"},
        {"1.000 [25.4]", "linear 1 plain"},
        {"384 (SPEC X SIZE + 134)", "linear 384 weak"},
        {"10.00 All Around", "linear 10 plain"},
    };
    (void)state;
    check(cases, QR_COUNT(cases), false);
}

static void kinds(void **state)
{
    static const struct text_case cases[] = {
        {"Ø25", "diameter 25 sure"},
        {"⌀ 4.4", "diameter 4.4 sure"},
        {"ø6,5", "diameter 6.5 sure"},
        {"φ20", "diameter 20 sure"},
        {"∅2.5999", "diameter 2.5999 sure"},
        {"%%c12", "diameter 12 sure"},
        {"%%1292.0000", "diameter 2 sure"},
        {"DIA 10", "diameter 10 sure"},
        {"10 DIA.", "diameter 10 sure"},
        {".250 DIA THRU", "diameter 0.25 sure"},
        {"Ø1/4\"", "diameter 0.25 in sure"},
        {"SØ12", "diameter 12 sure"},
        {"Ø5 mm", "diameter 5 mm sure"},
        {"Ф32", "diameter 32 sure"},
        {"R5", "radius 5 plain"},
        {"R0,02", "radius 0.02 sure"},
        {"R 8.00", "radius 8 sure"},
        {"R.5", "radius 0.5 sure"},
        {"SR10", "radius 10 plain"},
        {"R2.00 TYP", "radius 2 sure"},
        {"5 R", "radius 5 weak"},
        {"36°", "angle 36 deg sure"},
        {"50 °", "angle 50 deg sure"},
        {"90%%d", "angle 90 deg sure"},
        {"90%%127", "angle 90 deg sure"},
        {"45 DEG", "angle 45 deg sure"},
        {"12°30'", "angle 12.5 deg sure"},
        {"12°30'36\"", "angle 12.51 deg sure"},
        {"37.5°", "angle 37.5 deg sure"},
        {"□20", "square 20 sure"},
        {"SW13", "linear 13 plain"},
        {"t=2", "linear 2 plain"},
        {"PCD Ø60", "diameter 60 sure"},
        {"THK 1.5", "linear 1.5 plain"},
        {"⌒ 31.4", "arc_length 31.4 sure"},
        {"↧ 12", "depth 12 sure"},
        {"⌴ Ø10 ↧ 5", "counterbore 10 /5 deep5 sure"},
        {"⌵ Ø10 X 90°", "countersink 10 /90 sure"},
        {"CSK Ø8 x 82°", "countersink 8 /82 sure"},
        {"C'BORE Ø11", "counterbore 11 sure"},
    };
    (void)state;
    check(cases, QR_COUNT(cases), false);
}

static void quantities(void **state)
{
    static const struct text_case cases[] = {
        {"4x Ø5", "diameter 5 4x sure"},
        {"4X R3", "radius 3 4x sure"},
        {"5X Ø2", "diameter 2 5x sure"},
        {"4 × Ø6.6", "diameter 6.6 4x sure"},
        {"4xØ5", "diameter 5 4x sure"},
        {"(4X) Ø5", "diameter 5 4x sure"},
        {"4X 5.08", "linear 5.08 4x sure"},
        {"2X 20", "linear 20 2x plain"},
        {"6 x 20 (=120)", "linear 20 6x plain"},
        {"2-Ø2.20", "diameter 2.2 2x sure"},
        {"2-R3", "radius 3 2x sure"},
        {"4-M6", "thread 6 mm 4x sure"},
        {"4 OFF Ø5", "diameter 5 4x sure"},
        {"4 HOLES Ø5", "diameter 5 4x sure"},
        {"Ø5 4 PLACES", "diameter 5 4x sure"},
        {"6.00 2Plc", "linear 6 2x plain"},
        {"7.0 TYP", "linear 7 sure"},
        {"TYP 7.0", "linear 7 plain"},
        {"Ø5 (4X)", "diameter 5 4x sure"},
        {"Ø4.5 THRU (4 HOLES)", "diameter 4.5 4x sure"},
        {"4 Ø5", "diameter 5 4x sure"},
        {"4X M2.5 MOUNT", "thread 2.5 mm 4x plain"},
        {"8x Ø5.5 EQ SP", "diameter 5.5 8x sure"},
        {"4 x CHAMFER 0,01", "chamfer 0.01 4x sure"},
    };
    (void)state;
    check(cases, QR_COUNT(cases), false);
}

static void tolerances(void **state)
{
    static const struct text_case cases[] = {
        {"10 ±0.1", "linear 10 [+0.1 -0.1] sure"},
        {"0,360 ±0,001", "linear 0.36 [+0.001 -0.001] sure"},
        {"10 +/-0.1", "linear 10 [+0.1 -0.1] sure"},
        {"10%%p0.1", "linear 10 [+0.1 -0.1] sure"},
        {"10 +0.1/-0.2", "linear 10 [+0.1 -0.2] sure"},
        {"10 +0.1 -0.2", "linear 10 [+0.1 -0.2] sure"},
        {"10\n+0.1\n-0.2", "linear 10 [+0.1 -0.2] sure"},
        {"10+0.1-0.2", "linear 10 [+0.1 -0.2] sure"},
        {"20 0/-0.05", "linear 20 [+0 -0.05] sure"},
        {"20 0 -0.05", "linear 20 [+0 -0.05] sure"},
        {"20 +0.021/0", "linear 20 [+0.021 +0] sure"},
        {"20 -0.1/-0.3", "linear 20 [-0.1 -0.3] sure"},
        {"20 +0,3", "linear 20 [+0.3 +0] sure"},
        {"10.2/10.0", "linear 10.2 [+0 -0.2] sure"},
        {"10.00\n10.02", "linear 10.02 [+0 -0.02] sure"},
        {"Ø9.8/9.6", "diameter 9.8 [+0 -0.2] sure"},
        {"45° ±1°", "angle 45 deg [+1 -1] sure"},
        {"45 ±1°", "angle 45 deg [+1 -1] sure"},
        {"Ø9,14 ±0,02", "diameter 9.14 [+0.02 -0.02] sure"},
        {"R5 ±0.2", "radius 5 [+0.2 -0.2] sure"},
        {"2.54 (±0.05)", "linear 2.54 [+0.05 -0.05] sure"},
        {"100 ±1", "linear 100 [+1 -1] sure"},
        {"6.25 MAX", "linear 6.25 sure"},
        {"7MAX", "linear 7 plain"},
        {"1 MIN", "linear 1 plain"},
        {"10 ±0.1 mm", "linear 10 [+0.1 -0.1] sure"},
        {"1.000 ±.005\"", "linear 1 [+0.005 -0.005] sure"},
        {"60° ±30'", "angle 60 deg [+0.5 -0.5] sure"},
    };
    (void)state;
    check(cases, QR_COUNT(cases), false);
}

static void fits(void **state)
{
    static const struct text_case cases[] = {
        {"Ø20 H7", "diameter 20 H7 sure"},
        {"Ø20H7", "diameter 20 H7 sure"},
        {"Ø10 g6", "diameter 10 g6 sure"},
        {"20 H7/g6", "linear 20 H7/g6 sure"},
        {"4 H7", "linear 4 H7 sure"},
        {"Ø20 H7\ng6", "diameter 20 H7/g6 sure"},
        {"Ø10 H7 (+0.015/0)", "diameter 10 [+0.015 +0] H7 sure"},
        {"Ø8 (H7)", "diameter 8 H7 sure"},
        {"30 js6", "linear 30 js6 sure"},
        {"Ø12 M7", "diameter 12 M7 sure"},
        {"Ø25 k6 ±0.01", "diameter 25 [+0.01 -0.01] k6 sure"},
        {"轴 φ20", NULL},
    };
    (void)state;
    check(cases, QR_COUNT(cases), false);
}

static void threads(void **state)
{
    static const struct text_case cases[] = {
        {"M8", "thread 8 mm plain"},
        {"M8x1.25", "thread 8 mm /1.25 sure"},
        {"M8x1.25-6g", "thread 8 mm 6g /1.25 sure"},
        {"M8x1.25 - 6H", "thread 8 mm 6H /1.25 sure"},
        {"M10×1-5g6g", "thread 10 mm 5g6g /1 sure"},
        {"M8×1 LH", "thread 8 mm /1 sure"},
        {"M6-6H", "thread 6 mm 6H sure"},
        {"M5 THRU", "thread 5 mm plain"},
        {"M5 ↧ 10", "thread 5 mm deep10 plain"},
        {"M6x1 ↧ 12", "thread 6 mm /1 deep12 sure"},
        {"4x M4 DEEP 8", "thread 4 mm 4x deep8 sure"},
        {"1/4-20 UNC-2B", "thread 0.25 in 2B /0.05 sure"},
        {"1/4-20", "thread 0.25 in /0.05 plain"},
        {"1/4\"-20 UNC", "thread 0.25 in /0.05 sure"},
        {"#10-32", "thread 0.19 in /0.03125 sure"},
        {"#8-32 UNC-2A", "thread 0.164 in 2A /0.03125 sure"},
        {"10-32 UNF", "thread 0.19 in /0.03125 sure"},
        {"4-40", "thread 0.112 in /0.025 plain"},
        {".250-20 UNC", "thread 0.25 in /0.05 sure"},
        {"G1/4", "thread 0.25 in sure"},
        {"G 1/2\"", "thread 0.5 in sure"},
        {"Rc 1/8", "thread 0.125 in sure"},
        {"1/4 NPT", "thread 0.25 in sure"},
        {"1/8-27 NPT", "thread 0.125 in /0.037037 sure"},
        {"NPT 1/4", "thread 0.25 in sure"},
        {"Tr20x4", "thread 20 mm /4 sure"},
        {"M4x12", "thread 4 mm deep12 weak"},
        {"4X 1/4-20 UNC", "thread 0.25 in 4x /0.05 sure"},
    };
    (void)state;
    check(cases, QR_COUNT(cases), false);
}

static void chamfers_and_holes(void **state)
{
    static const struct text_case cases[] = {
        {"2x45°", "chamfer 2 /45 sure"},
        {"1.5 x 30°", "chamfer 1.5 /30 sure"},
        {"0,5X45°", "chamfer 0.5 /45 sure"},
        {"1 x 45°", "chamfer 1 /45 sure"},
        {"2X 1 X 45°", "chamfer 1 2x /45 sure"},
        {"2X 45°", "angle 45 deg 2x sure"},
        {"45° x 2", "chamfer 2 /45 sure"},
        {"C1", "chamfer 1 weak"},
        {"C0.5", "chamfer 0.5 plain"},
        {"2-C1", "chamfer 1 2x plain"},
        {"CHAMFER 0,2", "chamfer 0.2 sure"},
        {"0.5 CHAMFER", "chamfer 0.5 sure"},
        {"FASE 1x45°", "chamfer 1 /45 sure"},
        {"1/16\" x 45°", "chamfer 0.0625 in /45 sure"},
        {"Ø5 THRU", "diameter 5 sure"},
        {"Ø5 ↧ 10", "diameter 5 /10 deep10 sure"},
        {"Ø5 x 10 DEEP", "diameter 5 /10 deep10 sure"},
        {"Ø5 10 DEEP", "diameter 5 /10 deep10 sure"},
        {"4X Ø5.5 THRU ⌴ Ø10 ↧ 5", "diameter 5.5 4x sure"},
        {"Ø5.5 THRU ALL, CSK Ø11 X 90°", "diameter 5.5 sure"},
        {"Ø6 深10", "diameter 6 /10 deep10 sure"},
    };
    (void)state;
    check(cases, QR_COUNT(cases), false);
}

static void letters_of_symbol_fonts(void **state)
{
    static const struct text_case cases[] = {
        {"n3.4 THRU", "diameter 3.4 sure"},
        {"v n6.5 x 3.0", "counterbore 6.5 /3 deep3 sure"},
        {"w n10 X 90°", "countersink 10 /90 sure"},
        {"4x n5", "diameter 5 4x sure"},
        {"\uF06E12", "diameter 12 sure"},
        {"26.05 \u00A1 \uFFFD 0.20", "linear 26.05 [+0.2 -0.2] sure"},
        {"26.05 \uFFFD0.20", "linear 26.05 [+0.2 -0.2] sure"},
        {"10 \uFFFD 20", NULL},
        {"\uFFFD 2.20", "diameter 2.2 plain"},
        {"n", NULL},
        {"v 12", NULL},
    };
    (void)state;
    check(cases, QR_COUNT(cases), false);
}

static void reference_and_basic(void **state)
{
    static const struct text_case cases[] = {
        {"(150.0)", "linear 150 ref plain"}, {"(25)", "linear 25 ref weak"},
        {"[25]", "linear 25 basic weak"},    {"(Ø12)", "diameter 12 ref sure"},
        {"25 REF", "linear 25 ref plain"},   {"4X (10)", "linear 10 4x ref plain"},
    };
    (void)state;
    check(cases, QR_COUNT(cases), false);
}

static void what_is_no_dimension(void **state)
{
    static const struct text_case cases[] = {
        {"", NULL},
        {" ", NULL},
        {"A", NULL},
        {"-", NULL},
        {"±0.1", NULL},
        {"Ø", NULL},
        {"R", NULL},
        {"M", NULL},
        {"4X", NULL},
        {"°", NULL},
        {"()", NULL},
        {"(", NULL},
        {"25.5.2020", NULL},
        {"11.8.2020", NULL},
        {"3/24/2021", NULL},
        {"2021/04/06", NULL},
        {"2020-12-12", NULL},
        {"12-05-20", NULL},
        {"2023-02-26", NULL},
        {"12:30", NULL},
        {"1:2", NULL},
        {"5 : 1", NULL},
        {"SCALE 5:1", NULL},
        {"1/1", NULL},
        {"1 OF 1", NULL},
        {"10-0023", NULL},
        {"0023", NULL},
        {"VRN-BP-250", NULL},
        {"MC_20200403", NULL},
        {"555-1234", NULL},
        {"+49 123 4567", NULL},
        {"(555) 123-4567", NULL},
        {"3.3V", NULL},
        {"+3.3V", NULL},
        {"5.1k", NULL},
        {"10uF", NULL},
        {"600mA", NULL},
        {"100nF", NULL},
        {"3.3 V ±5%", NULL},
        {"10k ±1%", NULL},
        {"50%", NULL},
        {"25°C", NULL},
        {"1.2 kg", NULL},
        {"Ra 3.2", NULL},
        {"HRC 58", NULL},
        {"A4", NULL},
        {"P1", NULL},
        {"DETAIL A", NULL},
        {"SECTION A-A", NULL},
        {"A-A ( 1.2 )", NULL},
        {"NOTE 1", NULL},
        {"1. ALL DIMENSIONS IN MM", NULL},
        {"1.", NULL},
        {"REV 2", NULL},
        {"No. 5", NULL},
        {"250x250", NULL},
        {"300 X 150 :", NULL},
        {"20mm BELOW :", NULL},
        {"1.0.3", NULL},
        {"General tolerances 0.05mm", NULL},
        {"0.157\" precision ground rod", NULL},
        {"XT30PW-M", NULL},
        {"JST PH-3 CAN", NULL},
        {"9 JST", NULL},
        {"1 - ENCODER", NULL},
        {"2X10 0.1IN HEADER", NULL},
        {"M3 SHCS", NULL},
        {"G1", NULL},
        {"U1", NULL},
        {"P1(46,03 I 0,0 I 88,77)", NULL},
        {"(Frame Width -41)", NULL},
        {"1, 2, 3", NULL},
        {"DIN 912", NULL},
        {"ISO 2768-m", NULL},
        {"EN AW-6082", NULL},
        {"7075-T6", NULL},
        {"https://frame.work", NULL},
        {"The hole is 5 mm wide.", NULL},
        {"H7", NULL},
        {"10 rpm", NULL},
        {"123456789012345678901234567890", NULL},
        {"1 2 3", NULL},
        {"-12", NULL},
        {"1e5", NULL},
        {"0x1F", NULL},
        {"Item - size 8", NULL},
        {"2.0.1-rc", NULL},
    };
    (void)state;
    check(cases, QR_COUNT(cases), false);
}

static void words_do_not_matter_where_it_is_known(void **state)
{
    static const struct text_case cases[] = {
        {"轴 φ20", "diameter 20 sure"},
        {"Вал Ø20 h7", "diameter 20 h7 sure"},
        {"25", "linear 25 weak"},
        {"M3 SHCS", "thread 3 mm plain"},
        {"gap 0.5 for the fuse", "linear 0.5 plain"},
        {"007", "linear 7 weak"},
        {"-12", "linear -12 weak"},
        {"no number", NULL},
    };
    (void)state;
    check(cases, QR_COUNT(cases), true);
}

static void words_around_are_kept(void **state)
{
    struct qr_dimension_text d;
    const char *text = "4X Ø5.5 THRU ⌴ Ø10 ↧ 5";
    (void)state;

    assert_true(qr_dimension_text_parse(text, strlen(text), &d));
    assert_string_equal(d.prefix, "Ø");
    assert_string_equal(d.suffix, "THRU ⌴ Ø10 ↧ 5");
    assert_string_equal(text + d.rest, "⌴ Ø10 ↧ 5");
    assert_true(qr_dimension_text_parse("1,772", 5, &d));
    assert_true(d.thousands);
    assert_true(qr_dimension_text_parse("0,772", 5, &d));
    assert_false(d.thousands);
}

static void any_bytes_are_survived(void **state)
{
    static const char alphabet[] = "0123456789.,+-/ ()[]xXRMCHØ°'\"%cd\n\xC3\xE2\x8C\xFF#G\0";
    struct qr_dimension_text d;
    char text[QR_DIMENSION_TEXT_MAX + 2];
    uint32_t seed = 1;
    (void)state;

    for (int round = 0; round < 20000; round++) {
        size_t len = round % 100 == 0 ? sizeof text : (size_t)round % 24;
        for (size_t i = 0; i < len; i++) {
            seed = seed * 1664525u + 1013904223u;
            text[i] = alphabet[(seed >> 16) % (sizeof alphabet - 1)];
        }
        if (qr_dimension_text_parse(text, len, &d) || qr_dimension_text_parse_known(text, len, &d))
            assert_true(d.value == d.value && d.rest <= len && d.kind != NULL);
    }
    memset(text, '9', sizeof text);
    assert_false(qr_dimension_text_parse(text, sizeof text, &d));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_and_units),
        cmocka_unit_test(kinds),
        cmocka_unit_test(quantities),
        cmocka_unit_test(tolerances),
        cmocka_unit_test(fits),
        cmocka_unit_test(threads),
        cmocka_unit_test(chamfers_and_holes),
        cmocka_unit_test(letters_of_symbol_fonts),
        cmocka_unit_test(reference_and_basic),
        cmocka_unit_test(what_is_no_dimension),
        cmocka_unit_test(words_do_not_matter_where_it_is_known),
        cmocka_unit_test(words_around_are_kept),
        cmocka_unit_test(any_bytes_are_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Dimensions, frames, tables, leaders and joined texts of whole small drawings: what the record
 * says. Run it: ctest --preset dev -R dxf_dimension_test */
#include <math.h>

#include "tests/unit/worker/extract/dxf/dxf_fixture.h"

#define HEAD "0\nSECTION\n2\nHEADER\n9\n$ACADVER\n1\nAC1027\n9\n$INSUNITS\n70\n4\n0\nENDSEC\n"
#define TABLES(styles) \
    "0\nSECTION\n2\nTABLES\n0\nTABLE\n2\nDIMSTYLE\n" styles "0\nENDTAB\n0\nENDSEC\n"
#define STYLE(name, vars) "0\nDIMSTYLE\n2\n" name "\n" vars
#define BLOCKS(blocks) "0\nSECTION\n2\nBLOCKS\n" blocks "0\nENDSEC\n"
#define BLOCK(name, texts) "0\nBLOCK\n2\n" name "\n10\n0\n20\n0\n" texts "0\nENDBLK\n"
#define TEXT(x, y, text) "0\nTEXT\n10\n" x "\n20\n" y "\n40\n3\n1\n" text "\n"
#define ENTITIES(entities) "0\nSECTION\n2\nENTITIES\n" entities "0\nENDSEC\n0\nEOF\n"
#define LINEAR(more) "0\nDIMENSION\n5\nA1\n70\n32\n10\n0\n20\n5\n13\n0\n23\n0\n14\n25\n24\n0\n" more
#define DIMENSION(type, more) "0\nDIMENSION\n5\nA1\n70\n" type "\n" more
#define DSTYLE(list) "1001\nACAD\n1000\nDSTYLE\n1002\n{\n" list "1002\n}\n"

static const Quarry__V1__ExtractionRecord *read_text(void **state, const char *text)
{
    return dxf_fixture_read(*state, "", text, strlen(text));
}

static const Quarry__V1__Dimension *only(const Quarry__V1__ExtractionRecord *msg)
{
    assert_int_equal(msg->n_dimensions, 1);
    return msg->dimensions[0];
}

static const Quarry__V1__Dimension *one(void **state, const char *text)
{
    return only(read_text(state, text));
}

static void assert_near(double got, double want)
{
    if (fabs(got - want) > 1e-9 * fmax(1, fabs(want)))
        fail_msg("expected %.12g, got %.12g", want, got);
}

static void a_block_shows_its_number(void **state)
{
    const Quarry__V1__Dimension *d = one(state, HEAD BLOCKS(BLOCK("*D1", TEXT("10", "6", "25.0")))
                                                    ENTITIES(LINEAR("42\n25.0\n2\n*d1\n1\n\n")));

    assert_string_equal(d->kind, "linear");
    assert_string_equal(d->text, "25.0");
    assert_string_equal(d->source, "block");
    assert_string_equal(d->unit, "mm");
    assert_string_equal(d->handle, "A1");
    assert_string_equal(d->layout, "Model");
    assert_true(d->has_value && d->has_raw && d->has_computed && !d->disagrees);
    assert_near(d->value, 25);
    assert_near(d->computed_value, 25);
    assert_int_equal(d->n_points, 4);
    assert_near(d->points[2], 25);
    assert_non_null(d->box);
    assert_near(d->box->x0, 10);
    assert_near(d->box->y0, 6);
}

static void a_block_behind_its_dimension_counts_too(void **state)
{
    const Quarry__V1__Dimension *d =
        one(state, HEAD "0\nSECTION\n2\nENTITIES\n" LINEAR("2\n*D1\n") "0\nENDSEC\n" BLOCKS(
                       BLOCK("*D1", TEXT("10", "6", "25.4"))) "0\nEOF\n");

    assert_near(d->value, 25.4);
    assert_true(d->disagrees);
}

static void pieces_of_a_block_are_read_as_they_stand(void **state)
{
    const Quarry__V1__Dimension *d =
        one(state, HEAD BLOCKS(BLOCK("*D1", TEXT("30", "6", "0.05") TEXT("26", "6", "%%p") TEXT(
                                                "10", "6", "25.00"))) ENTITIES(LINEAR("2\n*D1\n")));

    assert_string_equal(d->text, "25.00 ± 0.05");
    assert_true(d->has_tolerance);
    assert_near(d->upper, 0.05);
    assert_near(d->lower, -0.05);

    d = one(state, HEAD BLOCKS(BLOCK("*D1", TEXT("20", "4.5", "0") TEXT("20", "7.5", "+0.1") TEXT(
                                                "10", "6", "25.00"))) ENTITIES(LINEAR("2\n*D1\n")));
    assert_string_equal(d->text, "25.00 +0.1 0");
    assert_near(d->upper, 0.1);
    assert_near(d->lower, 0);

    d = one(state, HEAD BLOCKS(BLOCK("*D1", TEXT("10", "2", "2 PLACES") TEXT("10", "6", "25")))
                       ENTITIES(LINEAR("2\n*D1\n1\n<>\\X2 PLACES\n")));
    assert_string_equal(d->text, "25\n2 PLACES");
    assert_near(d->value, 25);
}

static void texts_of_blocks_in_the_block_count(void **state)
{
    /* as R12 an MTEXT becomes a block of its lines; fractions of feet and inches a TEXT with # */
    const Quarry__V1__Dimension *d =
        one(state, HEAD BLOCKS(BLOCK("*U1", TEXT("1", "2", "25.4"))
                                   BLOCK("*D1", "0\nINSERT\n2\n*U1\n10\n9\n20\n7\n41\n2\n42\n2\n"))
                       ENTITIES(LINEAR("2\n*D1\n")));

    assert_string_equal(d->text, "25.4");
    assert_string_equal(d->source, "block");
    assert_near(d->box->x0, 11);
    assert_near(d->box->y0, 11);
    assert_near(d->box->y1, 17);

    d = one(state, HEAD TABLES(STYLE("S", "277\n4\n271\n2\n"))
                       BLOCKS(BLOCK("*D1", TEXT("1", "2", "2'-1 1#4\"")))
                           ENTITIES(LINEAR("3\nS\n2\n*D1\n")));
    assert_near(d->value, 25.25);
    assert_string_equal(d->unit, "in");

    d = one(state, HEAD BLOCKS(BLOCK("*U1", "0\nINSERT\n2\n*D1\n")
                                   BLOCK("*D1", "0\nINSERT\n2\n*U1\n0\nINSERT\n2\n*D1\n"))
                       ENTITIES(LINEAR("2\n*D1\n")));
    assert_near(d->value, 25); /* blocks that contain themselves show nothing */
}

static void an_override_counts_without_a_block(void **state)
{
    const Quarry__V1__Dimension *d =
        one(state, HEAD TABLES(STYLE("S", "271\n1\n")) ENTITIES(LINEAR("3\nS\n1\n4x <> TYP\n")));

    assert_string_equal(d->text, "4x 25.0 TYP");
    assert_string_equal(d->source, "override");
    assert_int_equal(d->quantity, 4);
    assert_near(d->value, 25);
    assert_false(d->disagrees);

    d = one(state, HEAD ENTITIES(LINEAR("1\n{\\H2x;%%c30} H7\n42\n25.0\n")));
    assert_string_equal(d->text, "Ø30 H7");
    assert_string_equal(d->kind, "diameter");
    assert_string_equal(d->fit, "H7");
    assert_true(d->disagrees);
    assert_near(d->value, 30);
    assert_near(d->raw_value, 25);

    d = one(state, HEAD ENTITIES(LINEAR("1\nsee note\n")));
    assert_string_equal(d->text, "see note");
    assert_string_equal(d->source, "geometry");
    assert_near(d->value, 25);
}

static void a_blank_suppresses_the_text(void **state)
{
    const Quarry__V1__Dimension *d = one(state, HEAD ENTITIES(LINEAR("1\n \n42\n25.0\n")));

    assert_true(!d->text || d->text[0] == '\0');
    assert_near(d->value, 25);
    assert_string_equal(d->source, "measurement");
}

static void numbers_that_are_no_measurement_are_absent(void **state)
{
    const Quarry__V1__Dimension *d = one(state, HEAD ENTITIES(LINEAR("42\n-1.0\n")));

    assert_false(d->has_raw);
    assert_near(d->value, 25);
    d = one(state, HEAD ENTITIES(LINEAR("42\n0\n")));
    assert_false(d->has_raw);
    d = one(state, HEAD ENTITIES(LINEAR("42\n1e999\n")));
    assert_false(d->has_raw);
    d = one(state, HEAD ENTITIES(DIMENSION("102", "42\n0\n10\n3\n20\n4\n13\n3\n23\n9\n")));
    assert_string_equal(d->kind, "ordinate");
    assert_true(d->has_raw && d->has_value); /* it stands on the origin's line */
    assert_near(d->value, 0);
    d = one(state, HEAD ENTITIES("0\nDIMENSION\n70\n0\n10\n1\n20\n1\n"));
    assert_false(d->has_value);
    assert_string_equal(d->kind, "linear");
}

static void the_factor_is_in_the_stored_number(void **state)
{
    const Quarry__V1__Dimension *d =
        one(state, HEAD TABLES(STYLE("S", "271\n2\n78\n8\n"))
                       ENTITIES(LINEAR("3\ns\n42\n5.0\n" DSTYLE("1070\n144\n1040\n0.2\n"))));

    assert_near(d->scale_factor, 0.2);
    assert_near(d->computed_value, 5);
    assert_near(d->raw_value, 5);
    assert_string_equal(d->text, "5");
    assert_false(d->disagrees);
    d = one(state, HEAD TABLES(STYLE("S", "144\n-10\n")) ENTITIES(LINEAR("3\nS\n")));
    assert_near(d->computed_value, 25); /* a negative factor is for paper space */
    d = one(state, HEAD TABLES(STYLE("S", "144\n-10\n")) ENTITIES(LINEAR("3\nS\n67\n1\n")));
    assert_near(d->computed_value, 250);
}

static void tolerances_come_from_the_style(void **state)
{
    const Quarry__V1__Dimension *d =
        one(state, HEAD TABLES(STYLE("S", "71\n1\n47\n0.1\n48\n0.2\n271\n1\n272\n1\n"))
                       ENTITIES(LINEAR("3\nS\n")));

    assert_string_equal(d->text, "25.0 +0.1 -0.2");
    assert_near(d->upper, 0.1);
    assert_near(d->lower, -0.2);

    /* the limits of a style where the block shows the number alone */
    d = one(state, HEAD TABLES(STYLE("S", "72\n1\n47\n0.5\n48\n0.5\n271\n1\n"))
                       BLOCKS(BLOCK("*D1", "0\nMTEXT\n10\n1\n20\n1\n40\n2\n1\n\\S25.5^ 24.5;\n"))
                           ENTITIES(LINEAR("3\nS\n2\n*D1\n")));
    assert_true(d->has_tolerance);
    assert_near(d->value + d->upper, 25.5);
    assert_near(d->value + d->lower, 24.5);
    assert_false(d->disagrees);

    /* a literal text says all there is to say */
    d = one(state, HEAD TABLES(STYLE("S", "71\n1\n47\n0.1\n48\n0.2\n"))
                       ENTITIES(LINEAR("3\nS\n1\n25 REF\n")));
    assert_false(d->has_tolerance);
    d = one(state, HEAD TABLES(STYLE("S", "147\n-1\n")) ENTITIES(LINEAR("3\nS\n")));
    assert_true(d->basic);
}

static void an_angle_converted_twice_is_turned_back(void **state)
{
    const Quarry__V1__Dimension *d = one(
        state, HEAD ENTITIES(DIMENSION("0", "13\n0\n23\n25\n14\n0\n24\n-25\n50\n5156.620156\n")));

    assert_true(fabs(d->computed_value - 50) < 1e-6);
    assert_near(d->value, 50);
}

static void angles_are_in_degrees(void **state)
{
    static const char leg[] = "13\n2\n23\n0\n14\n0\n24\n2\n15\n0\n25\n0\n10\n1\n20\n1\n";
    char text[1000];

    snprintf(text, sizeof text, HEAD ENTITIES(DIMENSION("37", "42\n1.570796326794897\n%s")), leg);
    const Quarry__V1__Dimension *d = one(state, text);
    assert_string_equal(d->kind, "angle");
    assert_string_equal(d->unit, "deg");
    assert_near(d->raw_value, 90);
    assert_near(d->value, 90);
    assert_string_equal(d->text, "90°");
    snprintf(text, sizeof text, HEAD ENTITIES(DIMENSION("37", "42\n90\n%s")), leg);
    d = one(state, text); /* some write degrees */
    assert_near(d->raw_value, 90);
}

static void signs_drawn_with_lines_come_back(void **state)
{
    const Quarry__V1__Dimension *d =
        one(state,
            HEAD TABLES(STYLE("S", "3\n<>\n71\n1\n47\n0.05\n48\n0.05\n271\n2\n272\n2\n")) BLOCKS(
                BLOCK("*D1", TEXT("0", "6", "2-") TEXT("10", "6", "1.30") TEXT("25", "6", "0.05")))
                ENTITIES(DIMENSION("35", "10\n0\n20\n0\n15\n1.3\n25\n0\n3\nS\n2\n*D1\n"
                                         "1\n2-{\\fSymbol;\\U+2300}<>\n")));

    assert_string_equal(d->text, "2-⌀1.30±0.05");
    assert_near(d->value, 1.3);
    assert_int_equal(d->quantity, 2);
    assert_near(d->upper, 0.05);
    assert_false(d->disagrees);

    d = one(state,
            HEAD TABLES(STYLE("S", "271\n2\n78\n8\n")) BLOCKS(BLOCK("*D1", TEXT("0", "6", "2-25")))
                ENTITIES(LINEAR("3\nS\n2\n*D1\n1\n2-<>\n")));
    assert_near(d->value, 25);
    assert_int_equal(d->quantity, 2);
}

static void constraints_of_a_sketch_are_no_dimensions(void **state)
{
    const Quarry__V1__ExtractionRecord *msg =
        read_text(state, HEAD ENTITIES(LINEAR("8\n*ADSK_CONSTRAINTS\n") LINEAR("8\n0\n")));

    assert_int_equal(msg->n_dimensions, 1);
    assert_int_equal(note_of(msg, "dxf.dimension.constraint")->count, 1);
}

static void a_dimension_in_a_block_stands_where_the_block_is_inserted(void **state)
{
    const Quarry__V1__Dimension *d = one(
        state, HEAD BLOCKS(BLOCK("*D1", TEXT("10", "6", "25")) BLOCK("PART", LINEAR("2\n*D1\n")))
                   ENTITIES("0\nINSERT\n2\nPART\n10\n100\n20\n200\n41\n2\n42\n2\n"));

    assert_string_equal(d->layout, "Model");
    assert_near(d->box->x0, 120);
    assert_near(d->box->y0, 212);
}

static void hostile_dimensions_end(void **state)
{
    static const char *const tails[] = {
        "1\n<><><><><><><><><><><><><><><><><><><><>\n3\nS\n",
        "2\n*D1\n", /* its texts have no finite place */
        "50\n1e308\n42\nnan\n210\n0\n220\n0\n230\n0\n",
        "210\n1e-320\n220\n1e308\n230\n-1e308\n13\n1e308\n14\n-1e308\n",
        DSTYLE("1070\n271\n1070\n-5\n1070\n144\n1040\n1e308\n1070\n278\n1070\n0\n1070\n"),
        "70\n7\n",
        "70\n-1\n",
        "1\n\\S\n",
        "1\n{{{{\\f\n",
    };
    char text[4000];

    for (size_t i = 0; i < QR_COUNT(tails); i++) {
        snprintf(text, sizeof text,
                 HEAD TABLES(STYLE("S", "3\n<><><>\n4\n[]\n170\n1\n45\n1e-320\n271\n99\n"))
                     BLOCKS(BLOCK("*D1", TEXT("1e308", "-1e308", "5") TEXT("nan", "1e999", "6")))
                         ENTITIES(LINEAR("%s")),
                 tails[i]);
        const Quarry__V1__ExtractionRecord *msg = read_text(state, text);
        assert_int_equal(msg->n_dimensions, 1);
    }
}

static void frames_of_tolerances_are_taken_apart(void **state)
{
    const Quarry__V1__ExtractionRecord *msg = read_text(
        state, HEAD ENTITIES("0\nTOLERANCE\n5\nB1\n3\nS\n10\n1\n20\n2\n1\n"
                             "{\\Fgdt;j}%%v{\\Fgdt;n}0.05{\\Fgdt;m}%%v%%vA%%vB{\\Fgdt;m}%%vC"
                             "^J%%v0,02%%v%%vA^J12{\\Fgdt;p}\n"
                             "0\nTOLERANCE\n5\nB2\n10\n1\n20\n2\n1\n\\U+23E5%%v.1\n"));

    assert_int_equal(msg->n_gdt, 3);
    const Quarry__V1__GeometricTolerance *g = msg->gdt[0];
    assert_string_equal(g->characteristic, "position");
    assert_true(g->has_value && g->diameter_zone);
    assert_near(g->value, 0.05);
    assert_string_equal(g->modifiers, "M");
    assert_int_equal(g->n_datums, 3);
    assert_string_equal(g->datums[0], "A");
    assert_string_equal(g->datums[1], "B(M)");
    assert_string_equal(g->datums[2], "C");
    assert_string_equal(g->text, "⌖ | ⌀0.05Ⓜ | A | BⓂ | C");
    assert_string_equal(g->handle, "B1");
    assert_string_equal(g->place->layout, "Model");
    g = msg->gdt[1]; /* the lower part of a composite frame */
    assert_string_equal(g->characteristic, "position");
    assert_near(g->value, 0.02);
    g = msg->gdt[2];
    assert_string_equal(g->characteristic, "flatness");
    assert_near(g->value, 0.1);
    assert_non_null(strstr(msg->pages[0]->text, "⏥ | .1"));
}

static void leaders_and_tables_give_their_texts(void **state)
{
    const Quarry__V1__ExtractionRecord *msg = read_text(
        state,
        HEAD ENTITIES(
            "0\nMULTILEADER\n5\nC1\n300\nCONTEXT_DATA{\n12\n5\n22\n6\n41\n2\n304\n"
            "DRILL {\\H2x;THRU}\n302\nLEADER{\n304\nLEADER_LINE{\n10\n0\n305\n}\n303\n}\n301\n}\n"
            "330\n5\n177\n1\n302\nBALLOON 7\n"
            "0\nACAD_"
            "TABLE\n5\nC2\n10\n0\n20\n100\n91\n2\n92\n2\n141\n10\n141\n10\n142\n30\n142\n20\n"
            "171\n1\n173\n0\n175\n2\n176\n1\n301\nCELL_VALUE\n2\nPARTS \n1\nLI\\U+0053T\n304\nEND\n"
            "171\n1\n173\n1\n301\nCELL_VALUE\n1\nhidden\n304\nEND\n"
            "171\n1\n301\nCELL_VALUE\n1\nraw\n303\nBO\n302\nLT\n304\nEND\n"
            "171\n2\n340\n77\n301\nCELL_VALUE\n300\n%lu2\n304\nEND\n331\n78\n300\nM8\n"));
    const char *text = msg->pages[0]->text;

    assert_non_null(strstr(text, "DRILL THRU"));
    assert_non_null(strstr(text, "BALLOON 7"));
    assert_null(strstr(text, "LEADER_LINE"));
    assert_non_null(strstr(text, "PARTS LIST"));
    assert_non_null(strstr(text, "BOLT"));
    assert_non_null(strstr(text, "M8"));
    assert_null(strstr(text, "hidden"));
    assert_null(strstr(text, "%lu2"));
}

static void chunks_are_joined_before_they_are_decoded(void **state)
{
    /* a code, an escape and a character cut in two; an embedded object is no content */
    const Quarry__V1__ExtractionRecord *msg = read_text(
        state, HEAD ENTITIES("0\nMTEXT\n10\n0\n20\n0\n40\n2\n3\none\\\n3\nPtwo \\U+00\n3\nD8"
                             "5 gr\xC3\n1\n\xB6\xC3\x9F"
                             "er\n101\nEmbedded Object\n40\n9\n1\nnot this\n"));

    assert_string_equal(msg->pages[0]->text, "one\ntwo Ø5 größer\n");
}

static void an_attribute_with_several_lines_is_its_mtext(void **state)
{
    const Quarry__V1__ExtractionRecord *msg = read_text(
        state, HEAD ENTITIES("0\nINSERT\n2\nB\n66\n1\n10\n0\n20\n0\n"
                             "0\nATTRIB\n10\n0\n20\n0\n40\n2\n1\nfirst\n2\nNOTE\n71\n2\n"
                             "101\nEmbedded Object\n70\n1\n3\nfirst\\Psec\n1\nond\n0\nSEQEND\n"));

    assert_int_equal(msg->n_parameters, 1);
    assert_string_equal(msg->parameters[0]->name, "NOTE");
    assert_string_equal(msg->parameters[0]->value, "first\nsecond");
}

static void characters_of_other_code_pages_are_read(void **state)
{
    const Quarry__V1__ExtractionRecord *msg = read_text(
        state, HEAD ENTITIES("0\nTEXT\n10\n0\n20\n0\n40\n2\n1\n\\M+18EB2 \\M+5D6E1 \\M+2A662 "
                             "\\M+1FFFF\n"));

    assert_string_equal(msg->pages[0]->text, "軸 轴 在 \\M+1FFFF\n");
}

static void hostile_tables_and_leaders_end(void **state)
{
    static const char *const entities[] = {
        "0\nACAD_TABLE\n91\n1000000\n92\n1000000\n171\n1\n1\nx\n",
        "0\nACAD_TABLE\n91\n2\n92\n2\n141\n-5\n142\n1e999\n171\n1\n175\n99999999\n176\n-4\n1\nx\n",
        "0\nACAD_TABLE\n91\n-1\n92\n1\n171\n1\n",
        "0\nACAD_TABLE\n91\n1\n92\n1\n11\n0\n21\n0\n171\n1\n1\nx\n171\n1\n1\ny\n171\n1\n",
        "0\nMULTILEADER\n300\nCONTEXT_DATA{\n304\nLEADER_LINE{\n304\nLEADER_LINE{\n302\nLEADER{\n",
        "0\nMULTILEADER\n304\nloose\n302\nloose\n",
        "0\nTOLERANCE\n1\n%%v%%v%%v%%v%%v%%v%%v%%v%%v%%v^J^J^J^J^J%%v\n",
        ("0\nTOLERANCE\n1\n{\\Fgdt;jjjjjjjjjjmmmmmmmmmmmmmmmmmmmmmmmmmmmm}%%v-"
         "AAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n"),
    };
    char text[2000];

    for (size_t i = 0; i < QR_COUNT(entities); i++) {
        snprintf(text, sizeof text, HEAD ENTITIES("%s"), entities[i]);
        const Quarry__V1__ExtractionRecord *msg = read_text(state, text);
        assert_true(!msg->error);
        assert_int_equal(note_of(msg, "dxf.table.capped") != NULL, i == 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_block_shows_its_number, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_block_behind_its_dimension_counts_too, set_up, tear_down),
        cmocka_unit_test_setup_teardown(pieces_of_a_block_are_read_as_they_stand, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(texts_of_blocks_in_the_block_count, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_override_counts_without_a_block, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_blank_suppresses_the_text, set_up, tear_down),
        cmocka_unit_test_setup_teardown(numbers_that_are_no_measurement_are_absent, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(the_factor_is_in_the_stored_number, set_up, tear_down),
        cmocka_unit_test_setup_teardown(tolerances_come_from_the_style, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_angle_converted_twice_is_turned_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(angles_are_in_degrees, set_up, tear_down),
        cmocka_unit_test_setup_teardown(signs_drawn_with_lines_come_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(constraints_of_a_sketch_are_no_dimensions, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_dimension_in_a_block_stands_where_the_block_is_inserted,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(hostile_dimensions_end, set_up, tear_down),
        cmocka_unit_test_setup_teardown(frames_of_tolerances_are_taken_apart, set_up, tear_down),
        cmocka_unit_test_setup_teardown(leaders_and_tables_give_their_texts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(chunks_are_joined_before_they_are_decoded, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(an_attribute_with_several_lines_is_its_mtext, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(characters_of_other_code_pages_are_read, set_up, tear_down),
        cmocka_unit_test_setup_teardown(hostile_tables_and_leaders_end, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

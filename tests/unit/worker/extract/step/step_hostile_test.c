/* Run it: ctest --preset dev -R step_hostile_test
 * Records that share so much that following every reference would take hours: each of these did. */
#include "tests/unit/worker/extract/step/model.h"

#define MANY 20000

/* A text that grows. */
struct text {
    char *at;
    size_t len, cap;
};

QR_PRINTF(2, 3)
static void say(struct text *text, const char *fmt, ...)
{
    va_list args;

    if (text->cap - text->len < 4096) {
        text->cap = text->cap ? text->cap * 2 : 1 << 16;
        text->at = realloc(text->at, text->cap);
        assert_non_null(text->at);
    }
    va_start(args, fmt);
    text->len += (size_t)vsnprintf(text->at + text->len, text->cap - text->len, fmt, args);
    va_end(args);
}

/* #n, n + 1, n + 2: a product with its definition. */
static void say_product(struct text *text, int n)
{
    say(text,
        "#%d=PRODUCT('P%d','','',());#%d=PRODUCT_DEFINITION_FORMATION('','',#%d);"
        "#%d=PRODUCT_DEFINITION('','',#%d,$);\n",
        n, n, n + 1, n, n + 2, n + 1);
}

static void say_list(struct text *text, int first, int step, int n)
{
    for (int i = 0; i < n; i++)
        say(text, "%s#%d", i > 0 ? "," : "", first + i * step);
}

static const Quarry__V1__ExtractionRecord *read_text(void **state, struct text *text)
{
    const Quarry__V1__ExtractionRecord *msg = model(*state, text->at);

    free(text->at);
    assert_null(msg->error);
    return msg;
}

/* One representation with a mapped item for each of many usages of the same pair. */
static void items_of_one_pair_go_to_one_usage_each(void **state)
{
    struct text text = {0};

    say_product(&text, 1);
    say_product(&text, 11);
    say(&text, "#20=PRODUCT_DEFINITION_SHAPE('','',#3);#21=PRODUCT_DEFINITION_SHAPE('','',#13);"
               "#23=SHAPE_REPRESENTATION('',(),$);#24=SHAPE_DEFINITION_REPRESENTATION(#20,#22);"
               "#25=SHAPE_DEFINITION_REPRESENTATION(#21,#23);#26=REPRESENTATION_MAP(#27,#23);"
               "#27=AXIS2_PLACEMENT_3D('',#28,$,$);#28=CARTESIAN_POINT('',(0.,0.,0.));\n"
               "#22=SHAPE_REPRESENTATION('',(");
    say_list(&text, 100000, 1, MANY);
    say(&text, "),$);\n");
    for (int i = 0; i < MANY; i++)
        say(&text,
            "#%d=NEXT_ASSEMBLY_USAGE_OCCURRENCE('%d','','',#3,#13,$);\n"
            "#%d=MAPPED_ITEM('',#26,#27);\n",
            1000 + i, i, 100000 + i);
    const Quarry__V1__ExtractionRecord *msg = read_text(state, &text);
    assert_int_equal(msg->cad->n_assemblies, 1);
    assert_true(msg->cad->assemblies[0]->quantity == MANY);
    assert_int_equal(msg->cad->assemblies[0]->n_occurrences, MANY);
    assert_int_equal(msg->cad->assemblies[0]->occurrences[MANY - 1]->n_transform, 16);
    assert_false(msg->partial);
}

static void a_representation_of_many_products_is_not_walked_for_each(void **state)
{
    struct text text = {0};

    say(&text, "#2=MAPPED_ITEM('',#3,$);#3=REPRESENTATION_MAP($,$);#1=SHAPE_REPRESENTATION('',(");
    say_list(&text, 2, 0, MANY);
    say(&text, "),$);\n");
    for (int i = 0; i < MANY; i++) {
        say_product(&text, 100 + 10 * i);
        say(&text,
            "#%d=PRODUCT_DEFINITION_SHAPE('','',#%d);#%d=SHAPE_DEFINITION_REPRESENTATION(#%d,#1);",
            103 + 10 * i, 102 + 10 * i, 104 + 10 * i, 103 + 10 * i);
    }
    const Quarry__V1__ExtractionRecord *msg = read_text(state, &text);
    assert_int_equal(msg->cad->n_products, MANY);
    assert_true(msg->partial && has_note(msg, "step.mapped.capped"));
}

static void properties_that_share_one_representation_have_a_limit(void **state)
{
    struct text text = {0};

    say_product(&text, 1);
    say(&text, "#5=DESCRIPTIVE_REPRESENTATION_ITEM('a','b');#6=REPRESENTATION('',(");
    say_list(&text, 5, 0, 1000);
    say(&text, "),$);\n");
    for (int i = 0; i < MANY / 10; i++)
        say(&text,
            "#%d=PROPERTY_DEFINITION('x%d','',#3);#%d=PROPERTY_DEFINITION_REPRESENTATION(#%d,#6);",
            100 + 2 * i, i, 101 + 2 * i, 100 + 2 * i);
    const Quarry__V1__ExtractionRecord *msg = read_text(state, &text);
    assert_true(msg->partial && has_note(msg, "step.property.capped"));
    assert_true(msg->n_parameters > 1000);
}

/* A point with a name of a megabyte under every vertex. */
static void a_huge_record_that_all_refer_to_is_not_read_for_each(void **state)
{
    struct text text = {0};

    say(&text, "#1=CARTESIAN_POINT('");
    for (int i = 0; i < 2000; i++)
        say(&text, "%0512d", 0);
    say(&text, "',(0.,0.,0.));#2=ADVANCED_FACE('',(#3),$,.T.);#3=FACE_BOUND('',#4,.T.);"
               "#4=EDGE_LOOP('',(");
    say_list(&text, 102, 10, MANY);
    say(&text, "));\n");
    for (int i = 0; i < MANY; i++)
        say(&text,
            "#%d=VERTEX_POINT('',#1);#%d=EDGE_CURVE('',#%d,#%d,$,.T.);"
            "#%d=ORIENTED_EDGE('',*,*,#%d,.T.);\n",
            100 + 10 * i, 101 + 10 * i, 100 + 10 * i, 100 + 10 * i, 102 + 10 * i, 101 + 10 * i);
    const Quarry__V1__ExtractionRecord *msg = read_text(state, &text);
    assert_int_equal(msg->cad->topology->edges, MANY);
    assert_true(msg->partial && has_note(msg, "p21.work.capped"));
}

/* Eight elements a unit, each of the next unit: 8^7 ways down. */
static void units_made_of_units_are_not_multiplied_out(void **state)
{
    struct text text = {0};

    say(&text, "#18=(LENGTH_UNIT()NAMED_UNIT(*)SI_UNIT(.MILLI.,.METRE.));\n");
    for (int i = 10; i < 18; i++) {
        say(&text, "#%d=DERIVED_UNIT((", i);
        say_list(&text, 100 + 10 * i, 1, 8);
        say(&text, "));");
        for (int k = 0; k < 8; k++)
            say(&text, "#%d=DERIVED_UNIT_ELEMENT(#%d,0.);", 100 + 10 * i + k, i + 1);
    }
    for (int i = 0; i < 100; i++)
        say(&text,
            "#%d=PROPERTY_DEFINITION('x','',$);#%d=PROPERTY_DEFINITION_REPRESENTATION(#%d,#%d);"
            "#%d=REPRESENTATION('',(#%d),$);#%d=MEASURE_REPRESENTATION_ITEM('m',LENGTH_MEASURE(1.),"
            "#11);\n",
            1000 + 4 * i, 1001 + 4 * i, 1000 + 4 * i, 1002 + 4 * i, 1002 + 4 * i, 1003 + 4 * i,
            1003 + 4 * i);
    assert_int_equal(read_text(state, &text)->n_parameters, 100);
}

/* Datum references of datum references, sixteen compartments in sixteen systems a frame. */
static void datums_that_share_their_references_end(void **state)
{
    struct text text = {0};

    for (int i = 2; i < 6; i++)
        say(&text, "#%d=DATUM_REFERENCE_ELEMENT('','',$,.F.,X((#%d,#%d,#%d,#%d)),$);", i, i + 1,
            i + 1, i + 1, i + 1);
    say(&text, "#6=DATUM('','',$,.F.,'A');#7=DATUM_SYSTEM('','',$,.F.,(");
    say_list(&text, 2, 0, 16);
    say(&text, "));\n");
    for (int i = 0; i < MANY / 10; i++) {
        say(&text, "#%d=ANGULARITY_TOLERANCE('','',$,$,(", 100 + i);
        say_list(&text, 7, 0, 16);
        say(&text, "));");
    }
    assert_int_equal(read_text(state, &text)->n_gdt, MANY / 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(items_of_one_pair_go_to_one_usage_each),
        cmocka_unit_test(a_representation_of_many_products_is_not_walked_for_each),
        cmocka_unit_test(properties_that_share_one_representation_have_a_limit),
        cmocka_unit_test(a_huge_record_that_all_refer_to_is_not_read_for_each),
        cmocka_unit_test(units_made_of_units_are_not_multiplied_out),
        cmocka_unit_test(datums_that_share_their_references_end),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}

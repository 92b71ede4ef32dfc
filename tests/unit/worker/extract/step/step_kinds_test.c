/* Run it: ctest --preset dev -R step_kinds_test
 * The less common kinds of usages, properties and tolerances, each in a model of its own. */
#include "tests/unit/worker/extract/step/model.h"

/* #n is the definition of product NAME. */
#define PART(n, name)                                                                            \
    "#" #n "1=PRODUCT('" name "','" name "','',());#" #n                                         \
    "2=PRODUCT_DEFINITION_FORMATION('','',#" #n "1);#" #n "=PRODUCT_DEFINITION('design','',#" #n \
    "2,$);\n"

static const Quarry__V1__CadAssembly *related(const Quarry__V1__CadModel *cad, const char *relation,
                                              const char *child)
{
    for (size_t i = 0; i < cad->n_assemblies; i++)
        if (strcmp(cad->assemblies[i]->relation, relation) == 0 &&
            strcmp(cad->assemblies[i]->child, child) == 0)
            return cad->assemblies[i];
    fail_msg("no '%s' %s", relation, child);
    return NULL;
}

static void every_kind_of_usage_is_told_apart(void **state)
{
    const Quarry__V1__ExtractionRecord *msg = model(
        *state,
        PART(10, "ASM") PART(20, "SUB") PART(30, "BOLT") PART(40, "GLUE") PART(50, "NUT")
            PART(60, "BAR") PART(
                70, "LATER") "#1=NEXT_ASSEMBLY_USAGE_OCCURRENCE('s1','','',#10,#20,$);"
                             "#2=NEXT_ASSEMBLY_USAGE_OCCURRENCE('b1','','',#20,#30,'B1');"
                             "#3=QUANTIFIED_ASSEMBLY_COMPONENT_USAGE('g1','','',#10,#40,$,#4);"
                             "#4=MEASURE_WITH_UNIT(MASS_MEASURE(0.25),#5);"
                             "#5=(MASS_UNIT()NAMED_UNIT(*)SI_UNIT(.KILO.,.GRAM.));"
                             "#6=(ASSEMBLY_COMPONENT_USAGE('R7')NEXT_ASSEMBLY_USAGE_OCCURRENCE()"
                             "PRODUCT_DEFINITION_RELATIONSHIP('b4','','',#10,#30)PRODUCT_"
                             "DEFINITION_USAGE()"
                             "QUANTIFIED_ASSEMBLY_COMPONENT_USAGE(#7));#7=MEASURE_WITH_UNIT(COUNT_"
                             "MEASURE(4.),$);"
                             "#8=SPECIFIED_HIGHER_USAGE_OCCURRENCE('h1','left','',#10,#30,'B1-LEFT'"
                             ",#1,#2);"
                             "#9=NEXT_ASSEMBLY_USAGE_OCCURRENCE('n1','','',#20,#50,$);"
                             "#100=ASSEMBLY_COMPONENT_USAGE_SUBSTITUTE('alt','',#2,#9);"
                             "#103=MAKE_FROM_USAGE_OPTION('','','',#30,#60,1,'',$);"
                             "#104=PROMISSORY_USAGE_OCCURRENCE('p1','','',#10,#70,$);");

    assert_null(msg->error);
    assert_true(related(msg->cad, "", "SUB")->quantity == 1);
    assert_true(near(related(msg->cad, "", "GLUE")->quantity, 0.25));
    assert_true(related(msg->cad, "", "BOLT")->quantity == 4); /* in ASM itself */
    const Quarry__V1__CadAssembly *higher = related(msg->cad, "higher_usage", "BOLT");
    assert_string_equal(higher->parent, "ASM");
    assert_string_equal(higher->occurrences[0]->path, "ASM/s1/b1");
    assert_string_equal(higher->occurrences[0]->reference_designator, "B1-LEFT");
    const Quarry__V1__CadAssembly *instead = related(msg->cad, "substitute", "NUT");
    assert_string_equal(instead->parent, "SUB");
    assert_string_equal(instead->occurrences[0]->path, "b1");
    assert_string_equal(related(msg->cad, "promised", "LATER")->parent, "ASM");
    assert_int_equal(msg->cad->n_relations, 1);
    assert_string_equal(msg->cad->relations[0]->text, "made from BAR");
    /* a substitute is no part beside what it stands for */
    for (size_t i = 0; i < msg->n_bom; i++)
        assert_string_not_equal(msg->bom[i]->part_number, "NUT");
    assert_int_equal(msg->n_bom, 4);
}

static void promises_alone_are_the_structure(void **state)
{
    const Quarry__V1__ExtractionRecord *msg =
        model(*state, PART(10, "ASM")
                          PART(20, "SUB") "#1=PROMISSORY_USAGE_OCCURRENCE('p1','','',#10,#20,$);");

    assert_int_equal(msg->cad->n_assemblies, 1);
    assert_string_equal(msg->cad->assemblies[0]->relation, "");
    assert_string_equal(msg->cad->kind, "assembly");
}

static void usages_that_lead_nowhere_or_round_are_noted(void **state)
{
    const Quarry__V1__ExtractionRecord *msg =
        model(*state,
              PART(10, "ASM")
                  PART(20, "SUB") "#1=SPECIFIED_HIGHER_USAGE_OCCURRENCE('h','','',#10,#20,$,#1,#1);"
                                  "#2=ASSEMBLY_COMPONENT_USAGE_SUBSTITUTE('','',#2,#99);"
                                  "#3=NEXT_ASSEMBLY_USAGE_OCCURRENCE('n','','',#10,#20,$);");

    assert_null(msg->error);
    assert_true(msg->partial && has_note(msg, "step.assembly.unresolved"));
    assert_true(related(msg->cad, "", "SUB")->quantity == 1);
}

static void properties_of_every_name_are_kept(void **state)
{
    const Quarry__V1__ExtractionRecord *msg = model(
        *state,
        PART(10,
             "P") "#1=PROPERTY_DEFINITION('external definition','',#10);"
                  "#2=PROPERTY_DEFINITION_REPRESENTATION(#1,#3);#3=REPRESENTATION('',(#4),$);"
                  "#4=DESCRIPTIVE_REPRESENTATION_ITEM('library','fasteners');"
                  "#5=PROPERTY_DEFINITION('document property','file size',#10);"
                  "#6=PROPERTY_DEFINITION_REPRESENTATION(#5,#7);#7=REPRESENTATION('',(#8,#9),$);"
                  "#8=INTEGER_REPRESENTATION_ITEM('file "
                  "size',4711);#9=BOOLEAN_REPRESENTATION_ITEM('ok',.T.);"
                  "#200=PROPERTY_DEFINITION('remarks property','',#10);"
                  "#201=PROPERTY_DEFINITION_REPRESENTATION(#200,#202);#202=REPRESENTATION('',(#203,"
                  "#204),$);"
                  "#203=DESCRIPTIVE_REPRESENTATION_ITEM('remark','do not paint');"
                  "#204=DATE_REPRESENTATION_ITEM('when',#205);"
                  "#206=MATERIAL_DESIGNATION('EN AW-6082',(#10));");

    assert_string_equal(parameter(msg, "external definition", "library"), "fasteners");
    assert_string_equal(parameter(msg, "document property", "file size"), "4711");
    assert_string_equal(parameter(msg, "document property", "ok"), "true");
    assert_string_equal(parameter(msg, "remarks property", "remark"), "do not paint");
    assert_true(has_note(msg, "step.property.unread")); /* the date */
    assert_int_equal(msg->n_materials, 1);
    assert_string_equal(msg->materials[0]->name, "EN AW-6082");
    assert_string_equal(msg->materials[0]->owner, "P");
}

/* Creo: the shape hangs on an aspect of the product's shape. */
static void a_shape_may_hang_on_an_aspect(void **state)
{
    const Quarry__V1__ExtractionRecord *msg = model(
        *state,
        PART(10,
             "P") "#1=PRODUCT_DEFINITION_SHAPE('','',#10);#2=SHAPE_ASPECT('solid','',#1,.F.);"
                  "#3=PROPERTY_DEFINITION('shape','',#2);#4=SHAPE_DEFINITION_REPRESENTATION(#3,#5);"
                  "#5=SHAPE_REPRESENTATION('',(#6),$);#6=MANIFOLD_SOLID_BREP('',#7);"
                  "#7=CLOSED_SHELL('',(#8));#8=ADVANCED_FACE('',(#9),$,.T.);#9=FACE_BOUND('',#20,."
                  "T.);"
                  "#20=EDGE_LOOP('',(#21));#21=ORIENTED_EDGE('',*,*,#22,.T.);"
                  "#22=EDGE_CURVE('',#23,#23,$,.T.);#23=VERTEX_POINT('',#24);"
                  "#24=CARTESIAN_POINT('',(1.,2.,3.));");

    assert_non_null(msg->cad->bounds);
    assert_true(near(msg->cad->bounds->box[0], 1) && near(msg->cad->bounds->box[5], 3));
}

/* A centroid is in the unit of its own representation, whatever the file's first unit is. */
static void a_part_may_have_a_unit_of_its_own(void **state)
{
    const Quarry__V1__ExtractionRecord *msg = model(
        *state,
        PART(10, "P") "#1=(LENGTH_UNIT()NAMED_UNIT(*)SI_UNIT(.MILLI.,.METRE.));"
                      "#2=(LENGTH_UNIT()NAMED_UNIT(*)SI_UNIT($,.METRE.));"
                      "#3=(GEOMETRIC_REPRESENTATION_CONTEXT(3)GLOBAL_UNIT_ASSIGNED_CONTEXT((#1))"
                      "REPRESENTATION_CONTEXT('',''));"
                      "#4=(GEOMETRIC_REPRESENTATION_CONTEXT(3)GLOBAL_UNIT_ASSIGNED_CONTEXT((#2))"
                      "REPRESENTATION_CONTEXT('',''));"
                      "#5=PRODUCT_DEFINITION_SHAPE('','',#10);"
                      "#6=PROPERTY_DEFINITION('geometric_validation_property','',#5);"
                      "#7=PROPERTY_DEFINITION_REPRESENTATION(#6,#8);#8=REPRESENTATION('',(#9),#4);"
                      "#9=CARTESIAN_POINT('centre point',(0.5,0.,-1.));");

    assert_string_equal(msg->cad->length_unit, "mm");
    assert_int_equal(msg->cad->n_mass, 1);
    assert_true(near(msg->cad->mass[0]->centroid[0], 500));
    assert_true(near(msg->cad->mass[0]->centroid[2], -1000));
}

#define MILLIMETRE "#90=(LENGTH_UNIT()NAMED_UNIT(*)SI_UNIT(.MILLI.,.METRE.));"
/* A hole in two halves at x, its faces named by #n. */
#define HOLE(n, x)                                                                              \
    "#" #n "1=CARTESIAN_POINT('',(" #x ",0.,0.));#" #n "2=AXIS2_PLACEMENT_3D('',#" #n "1,$,$);" \
    "#" #n "3=CYLINDRICAL_SURFACE('',#" #n "2,5.);#" #n "4=ADVANCED_FACE('',(),#" #n "3,.T.);"  \
    "#" #n "5=ADVANCED_FACE('',(),#" #n "3,.F.);#" #n                                           \
    "6=GEOMETRIC_ITEM_SPECIFIC_USAGE('','',#80,$,#" #n "4);#" #n                                \
    "7=GEOMETRIC_ITEM_SPECIFIC_USAGE('','',#81,$,#" #n "5);\n"

static void a_dimension_says_how_many_holes_it_is_of(void **state)
{
    const Quarry__V1__ExtractionRecord *msg = model(
        *state,
        MILLIMETRE HOLE(10, 0.) HOLE(20, 20.) HOLE(30, 40.) HOLE(
            40,
            60.) "#80=COMPOSITE_SHAPE_ASPECT('','',$,.F.);#81=SHAPE_ASPECT('','',$,.F.);"
                 "#82=SHAPE_ASPECT_RELATIONSHIP('','',#80,#81);#83=DIMENSIONAL_SIZE(#80,'diameter')"
                 ";"
                 "#84=DIMENSIONAL_CHARACTERISTIC_REPRESENTATION(#83,#85);"
                 "#85=SHAPE_DIMENSION_REPRESENTATION('',(#86,#87),$);"
                 "#86=(LENGTH_MEASURE_WITH_UNIT()MEASURE_REPRESENTATION_ITEM()"
                 "MEASURE_WITH_UNIT(LENGTH_MEASURE(10.),#90)REPRESENTATION_ITEM('nominal value'));"
                 "#88=MEASURE_QUALIFICATION('','',#86,(#89));#89=VALUE_FORMAT_TYPE_QUALIFIER('NR2 "
                 "2.2');"
                 "#87=DATE_REPRESENTATION_ITEM('',$);"
                 "#91=CAMERA_MODEL_D3('FRONT',$,$);");

    assert_int_equal(msg->n_dimensions, 1);
    assert_int_equal(msg->dimensions[0]->quantity, 4);
    assert_string_equal(msg->dimensions[0]->text, "4X ⌀10.00");
    assert_true(has_note(msg, "step.pmi.unread"));
    assert_int_equal(msg->n_layouts, 1);
    assert_string_equal(msg->layouts[0]->name, "FRONT");
}

static void datums_have_their_modifiers_and_targets(void **state)
{
    const Quarry__V1__ExtractionRecord *msg = model(
        *state, MILLIMETRE
        "#1=DATUM('','',$,.F.,'A');#2=DATUM('','',$,.F.,'B');#3=DATUM_SYSTEM('','',$,.F.,(#4,#5,#6)"
        ");"
        "#4=DATUM_REFERENCE_COMPARTMENT('',$,$,.F.,#1,(SIMPLE_DATUM_REFERENCE_MODIFIER("
        ".DEGREE_OF_FREEDOM_CONSTRAINT_X.),SIMPLE_DATUM_REFERENCE_MODIFIER(.CONTACTING_FEATURE.)));"
        "#5=DATUM_REFERENCE_COMPARTMENT('',$,$,.F.,#2,(#7));"
        "#6=DATUM_REFERENCE_COMPARTMENT('',$,$,.F.,COMMON_DATUM_LIST((#8,#9)),"
        "(SIMPLE_DATUM_REFERENCE_MODIFIER(.OF_ITS_OWN.)));"
        "#7=DATUM_REFERENCE_MODIFIER_WITH_VALUE(.PROJECTED.,#10);"
        "#8=DATUM_REFERENCE_ELEMENT('',$,$,.F.,#1,$);#9=DATUM_REFERENCE_ELEMENT('',$,$,.F.,#2,$);"
        "#10=LENGTH_MEASURE_WITH_UNIT(LENGTH_MEASURE(12.5),#90);"
        "#11=LENGTH_MEASURE_WITH_UNIT(LENGTH_MEASURE(0.1),#90);"
        "#12=PARALLELISM_TOLERANCE('','',#11,$,(#3));"
        "#13=DATUM_TARGET('','point',$,.F.,'A1');"
        "#14=PLACED_DATUM_TARGET_FEATURE('','circle',$,.F.,'A2');");

    assert_int_equal(msg->n_gdt, 1);
    assert_int_equal(msg->gdt[0]->n_datums, 3);
    assert_string_equal(msg->gdt[0]->datums[0], "A(x)(CF)");
    assert_string_equal(msg->gdt[0]->datums[1], "B(P)12.5");
    assert_string_equal(msg->gdt[0]->datums[2], "A-B");
    assert_true(has_note(msg, "step.pmi.unread")); /* OF_ITS_OWN */
    assert_string_equal(parameter(msg, "datum target", "datum target"), "A1");
    assert_int_equal(msg->n_parameters, 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_of_usage_is_told_apart),
        cmocka_unit_test(promises_alone_are_the_structure),
        cmocka_unit_test(usages_that_lead_nowhere_or_round_are_noted),
        cmocka_unit_test(properties_of_every_name_are_kept),
        cmocka_unit_test(a_shape_may_hang_on_an_aspect),
        cmocka_unit_test(a_part_may_have_a_unit_of_its_own),
        cmocka_unit_test(a_dimension_says_how_many_holes_it_is_of),
        cmocka_unit_test(datums_have_their_modifiers_and_targets),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}

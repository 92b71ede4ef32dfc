/* Run it: ctest --preset dev -R ifc_test
 * Models that are written out here: limits, rings, nonsense. What whole models give is in
 * tests/e2e/test_ifc.py. */
#include "worker/extract/ifc/ifc.h"

#include "tests/harness/test.h"
#include "worker/extract/extract.h"
#include "worker/extract/ifc/classes.h"

#define HEAD \
    "ISO-10303-21;\nHEADER;FILE_DESCRIPTION((''),'2;1');FILE_SCHEMA(('IFC4'));ENDSEC;\nDATA;\n"
#define TAIL "ENDSEC;\nEND-ISO-10303-21;\n"
#define WALL(id, guid) "#" #id "=IFCWALL('" guid "',$,'" guid "',$,$,$,$,$,$);\n"
#define SINGLE(id, name, value) \
    "#" #id "=IFCPROPERTYSINGLEVALUE('" name "',$,IFCLABEL('" value "'),$);\n"
#define PSET(id, name, list) "#" #id "=IFCPROPERTYSET('P',$,'" name "',$,(" list "));\n"
#define DEFINES(id, objects, set) \
    "#" #id "=IFCRELDEFINESBYPROPERTIES('R',$,$,$,(" objects ")," set ");\n"

static struct qr_extract_job job = {.fd = -1, .name = "model.ifc", .type = ""};
static struct qr_engine engine;
static struct qr_record *rec;

static const Quarry__V1__ExtractionRecord *extract(const char *text, size_t items)
{
    struct qr_record_limits limits = qr_record_default_limits;
    struct qr_extract x = {.job = &job, .engine = &engine, .in = &engine.input};

    limits.items = items;
    qr_record_free(rec);
    rec = qr_record_new(&limits);
    assert_non_null(rec);
    x.rec = rec;
    engine.input.fd = -1;
    engine.input.data = (const uint8_t *)text;
    engine.input.size = strlen(text);
    engine.input.head_len = 0;
    qr_buf_done(&engine.text);
    qr_buf_init(&engine.text, (size_t)1 << 20);
    qr_ifc_extract(&x);
    assert_false(rec->failed);
    return rec->msg;
}

static int tear_down(void **state)
{
    (void)state;
    qr_record_free(rec);
    rec = NULL;
    qr_buf_done(&engine.text);
    return 0;
}

/* Append to a text in `size` bytes. */
static void put(char *text, size_t size, const char *more)
{
    size_t len = strlen(text);

    assert_true(len + strlen(more) < size);
    snprintf(text + len, size - len, "%s", more);
}

static bool has_note(const Quarry__V1__ExtractionRecord *msg, const char *code)
{
    for (size_t i = 0; i < msg->n_notes; i++)
        if (strcmp(msg->notes[i]->code, code) == 0)
            return true;
    return false;
}

static void knows_classes_of_three_versions(void **state)
{
    static const struct {
        const char *why, *type, *name;
        bool old;
        enum qr_ifc_kind kind;
        int predefined;
    } cases[] = {
        {"a wall", "IFCWALL", "IfcWall", false, QR_IFC_ELEMENT, 8},
        {"a door has sizes first", "IFCDOOR", "IfcDoor", false, QR_IFC_ELEMENT, 10},
        {"a proxy had another attribute there", "IFCBUILDINGELEMENTPROXY",
         "IfcBuildingElementProxy", true, QR_IFC_ELEMENT, -1},
        {"and has its kind now", "IFCBUILDINGELEMENTPROXY", "IfcBuildingElementProxy", false,
         QR_IFC_ELEMENT, 8},
        {"a facility", "IFCBRIDGEPART", "IfcBridgePart", false, QR_IFC_SPATIAL, 10},
        {"an opening is no element", "IFCOPENINGELEMENT", "IfcOpeningElement", false,
         QR_IFC_FEATURE, 8},
        {"a type", "IFCWALLTYPE", "IfcWallType", false, QR_IFC_TYPE, 9},
        {"a type nobody knows yet", "IFCFLYINGCARTYPE", "Ifcflyingcartype", false, QR_IFC_TYPE, -1},
        {"a relation", "IFCRELDEFINESBYTYPE", "Ifcreldefinesbytype", false, QR_IFC_NONE, -1},
        {"STEP", "PRODUCT", "", false, QR_IFC_NONE, -1},
    };

    (void)state;
    for (size_t i = 0; i < QR_COUNT(cases); i++) {
        struct qr_ifc_class found = qr_ifc_class_of(cases[i].type, cases[i].old);
        print_message("%s\n", cases[i].why);
        assert_string_equal(found.name, cases[i].name);
        assert_int_equal(found.kind, cases[i].kind);
        assert_int_equal(found.predefined, cases[i].predefined);
    }
}

static void merges_what_does_not_fit(void **state)
{
    const Quarry__V1__ExtractionRecord *msg;

    (void)state;
    msg = extract(HEAD WALL(1, "A") WALL(2, "B") WALL(3, "C") SINGLE(4, "Fire", "F30")
                      SINGLE(5, "Use", "x") SINGLE(6, "Use", "y") SINGLE(7, "Use", "z")
                          PSET(10, "S", "#4,#5") PSET(11, "S", "#4,#6") PSET(12, "S", "#4,#7")
                              DEFINES(20, "#1", "#10") DEFINES(21, "#2", "#11")
                                  DEFINES(22, "#3", "#12") TAIL,
                  5);
    assert_true(has_note(msg, "ifc.properties.merged"));
    assert_true(msg->partial);
    assert_int_equal(msg->n_parameters, 3); /* two properties, two values each: one Fire, two Use */
    assert_string_equal(msg->parameters[0]->name, "Fire");
    assert_int_equal(msg->parameters[0]->owners, 3);
    assert_string_equal(msg->parameters[0]->owner, "A");
    assert_int_equal(msg->parameters[1]->owners, 1);
    assert_string_equal(msg->parameters[2]->value, "y");
}

static void keeps_types_when_there_are_too_many_elements(void **state)
{
    const Quarry__V1__ExtractionRecord *msg;

    (void)state;
    msg = extract(HEAD WALL(1, "A") WALL(2, "B")
                      WALL(3, "C") "#9=IFCWALLTYPE('T',$,'Type',$,$,$,$,$,$,.SOLIDWALL.);\n" TAIL,
                  3);
    assert_true(has_note(msg, "ifc.products.capped"));
    assert_int_equal(msg->cad->n_products, 3);
    assert_string_equal(msg->cad->products[2]->category, "IfcWallType");
    assert_string_equal(qr_record_find_meta(rec, "products"), "3");
}

static void finds_where_products_stand(void **state)
{
    const Quarry__V1__ExtractionRecord *msg;

    (void)state;
    msg = extract(
        HEAD "#1=IFCPROJECT('P',$,'p',$,$,$,$,$,$);"
             "#2=IFCALIGNMENT('A',$,'a',$,$,$,$,$);#3=IFCSITE('S',$,'s',$,$,$,$,$,$,$,$,$,$,$);"
             "#4=IFCRELAGGREGATES('R',$,$,$,#1,(#2,#3));" WALL(5, "W")
                 WALL(6, "V") "#7=IFCRELCONTAINEDINSPATIALSTRUCTURE('R',$,$,$,(#5),#3);"
                              "#8=IFCRELAGGREGATES('R',$,$,$,#5,(#6));" TAIL,
        100);
    assert_int_equal(msg->cad->n_products, 3);
    assert_string_equal(msg->cad->products[0]->container, "P"); /* a part of the project */
    assert_string_equal(msg->cad->products[1]->container, "S");
    assert_string_equal(msg->cad->products[2]->container, "S"); /* with its whole */
    assert_int_equal(msg->cad->spatial[0]->elements, 1);
    assert_int_equal(msg->cad->spatial[1]->elements, 2);
    assert_true(msg->cad->n_spatial == 2);
}

static void survives_rings(void **state)
{
    static const struct {
        const char *why, *data;
    } cases[] = {
        {"wholes that are parts of each other",
         WALL(1, "A") WALL(2, "B") "#3=IFCRELAGGREGATES('R',$,$,$,#1,(#2));"
                                   "#4=IFCRELAGGREGATES('R',$,$,$,#2,(#1));"},
        {"a whole that is its own part", WALL(1, "A") "#3=IFCRELAGGREGATES('R',$,$,$,#1,(#1));"},
        {"storeys in each other",
         "#1=IFCBUILDINGSTOREY('A',$,$,$,$,$,$,$,$,0.);#2=IFCBUILDINGSTOREY('B',$,$,$,$,$,$,$,$,0.)"
         ";"
         "#3=IFCRELAGGREGATES('R',$,$,$,#1,(#2));#4=IFCRELAGGREGATES('R',$,$,$,#2,(#1));"},
        {"a type that is its own type",
         "#1=IFCWALLTYPE('A',$,'T',$,$,(#2),$,$,$,$);#3=IFCRELDEFINESBYTYPE('R',$,$,$,(#1),#1)"
         ";" PSET(2, "S", "#4") SINGLE(4, "a", "b")},
        {"properties that hold themselves",
         WALL(1, "A") "#2=IFCCOMPLEXPROPERTY('c',$,'u',(#2,#2,#2));" PSET(3, "S", "#2")
             DEFINES(4, "#1", "#3")},
        {"units of themselves",
         "#1=IFCPROJECT('A',$,$,$,$,$,$,$,#2);#2=IFCUNITASSIGNMENT((#3,#5));"
         "#3=IFCCONVERSIONBASEDUNIT($,.LENGTHUNIT.,'ring',#4);#4=IFCMEASUREWITHUNIT(2.,#3);"
         "#5=IFCDERIVEDUNIT((#6,#6),.AREAUNIT.,$);#6=IFCDERIVEDUNITELEMENT(#5,2);"},
        {"placements in a ring",
         "#1=IFCWALL('A',$,$,$,$,#2,$,$,$);#2=IFCLOCALPLACEMENT(#3,#4);#3=IFCLOCALPLACEMENT(#2,#4);"
         "#4=IFCAXIS2PLACEMENT3D(#5,$,$);#5=IFCCARTESIANPOINT((0.,0.,0.));" WALL(6, "B")},
        {"classes of each other",
         WALL(1, "A") "#2=IFCCLASSIFICATIONREFERENCE($,'a','b',#3,$,$);"
                      "#3=IFCCLASSIFICATIONREFERENCE($,'a','b',#2,$,$);"
                      "#4=IFCRELASSOCIATESCLASSIFICATION('R',$,$,$,(#1),#2);"},
        {"materials of themselves",
         WALL(1, "A") "#2=IFCMATERIALLIST((#2,#2));#3=IFCMATERIALLAYERSETUSAGE(#3,$,$,$,$);"
                      "#4=IFCRELASSOCIATESMATERIAL('R',$,$,$,(#1),#2);"
                      "#5=IFCRELASSOCIATESMATERIAL('R',$,$,$,(#1),#3);"},
    };
    char text[4096];

    (void)state;
    for (size_t i = 0; i < QR_COUNT(cases); i++) {
        print_message("%s\n", cases[i].why);
        snprintf(text, sizeof text, HEAD "%s" TAIL, cases[i].data);
        const Quarry__V1__ExtractionRecord *msg = extract(text, 1000);
        assert_null(msg->error);
        assert_true(msg->cad->instances > 0);
    }
}

static void bounds_properties_that_multiply(void **state)
{
    char text[16384] = HEAD WALL(1, "A");

    (void)state;
    for (int i = 2; i < 40; i++) /* each twice in the one before: 2^37 in all */
        snprintf(text + strlen(text), sizeof text - strlen(text),
                 "#%d=IFCCOMPLEXPROPERTY('c%d',$,'u',(#%d,#%d));\n", i, i, i + 1, i + 1);
    put(text, sizeof text,
        SINGLE(40, "deep", "b") PSET(50, "S", "#2") DEFINES(51, "#1", "#50") TAIL);
    const Quarry__V1__ExtractionRecord *msg = extract(text, 1000);
    assert_true(has_note(msg, "ifc.property.deep"));
    assert_true(msg->partial);
}

static void takes_any_attribute_for_another(void **state)
{
    static const char *const wrong[] = {"$",     "*",  "7",       "'x'",      ".T.",     "()",
                                        "(($))", "#1", "(#1,#1)", "IFCX(#1)", "-1.E400", "(1,2,3)"};
    static const char *const types[] = {"IFCPROJECT",
                                        "IFCSITE",
                                        "IFCWALL",
                                        "IFCWALLTYPE",
                                        "IFCPROPERTYSET",
                                        "IFCELEMENTQUANTITY",
                                        "IFCRELDEFINESBYPROPERTIES",
                                        "IFCRELAGGREGATES",
                                        "IFCRELDEFINESBYTYPE",
                                        "IFCRELCONTAINEDINSPATIALSTRUCTURE",
                                        "IFCRELASSOCIATESMATERIAL",
                                        "IFCMATERIALLAYERSET",
                                        "IFCMATERIALLAYER",
                                        "IFCRELASSOCIATESCLASSIFICATION",
                                        "IFCUNITASSIGNMENT",
                                        "IFCSIUNIT",
                                        "IFCCONVERSIONBASEDUNIT",
                                        "IFCDERIVEDUNIT",
                                        "IFCPROPERTYSINGLEVALUE",
                                        "IFCPROPERTYTABLEVALUE",
                                        "IFCPROPERTYBOUNDEDVALUE",
                                        "IFCQUANTITYLENGTH",
                                        "IFCMATERIALPROPERTIES",
                                        "IFCSURFACESTYLE",
                                        "IFCPRESENTATIONLAYERASSIGNMENT",
                                        "IFCLOCALPLACEMENT",
                                        "IFCAXIS2PLACEMENT3D",
                                        "IFCDOCUMENTINFORMATION",
                                        "IFCRELASSOCIATESDOCUMENT",
                                        "IFCMAPCONVERSION",
                                        "IFCDOORLININGPROPERTIES"};
    static char text[65536];
    char head[100];

    (void)state;
    for (size_t w = 0; w < QR_COUNT(wrong); w++) {
        text[0] = '\0';
        put(text, sizeof text, HEAD);
        for (size_t t = 0; t < QR_COUNT(types); t++) {
            snprintf(head, sizeof head, "#%zu=%s(", t + 1, types[t]);
            put(text, sizeof text, head);
            for (int i = 0; i < 9; i++) {
                put(text, sizeof text, i ? "," : "");
                put(text, sizeof text, wrong[w]);
            }
            put(text, sizeof text, ");\n");
        }
        put(text, sizeof text, TAIL);
        const Quarry__V1__ExtractionRecord *msg = extract(text, 1000);
        assert_int_equal(msg->cad->instances, QR_COUNT(types));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(knows_classes_of_three_versions),
        cmocka_unit_test(merges_what_does_not_fit),
        cmocka_unit_test(keeps_types_when_there_are_too_many_elements),
        cmocka_unit_test(finds_where_products_stand),
        cmocka_unit_test(survives_rings),
        cmocka_unit_test(bounds_properties_that_multiply),
        cmocka_unit_test(takes_any_attribute_for_another),
    };
    return cmocka_run_group_tests(tests, NULL, tear_down);
}

/* Run it: ctest --preset dev -R step_test
 * STEP models from tests/samples, and small ones from memory, to their records. */
#include "tests/unit/worker/extract/step/model.h"

static uint64_t count_in(Quarry__V1__Count *const *counts, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(counts[i]->name, name) == 0)
            return counts[i]->count;
    return 0;
}

static void box_is(const Quarry__V1__CadBounds *bounds, const double want[6])
{
    assert_non_null(bounds);
    for (int i = 0; i < 6; i++)
        assert_true(near(bounds->box[i], want[i]));
}

static void a_part_says_what_it_is(void **state)
{
    const Quarry__V1__ExtractionRecord *msg = sample(*state, "step/bracket.stp");
    const Quarry__V1__CadModel *cad = msg->cad;

    assert_null(msg->error);
    assert_string_equal(cad->schema, "AP242_MANAGED_MODEL_BASED_3D_ENGINEERING_MIM_LF");
    assert_string_equal(cad->name, "Träger");
    assert_string_equal(cad->kind, "part");
    assert_string_equal(cad->length_unit, "mm");
    assert_int_equal(cad->n_products, 1);
    assert_string_equal(cad->products[0]->id, "BR-2040");
    assert_string_equal(cad->products[0]->revision, "B");
    assert_string_equal(cad->products[0]->source, "made");
    assert_true(cad->products[0]->root);
    assert_string_equal(parameter(msg, "user", "DWG_NO"), "BR-2040-00");
    assert_string_equal(parameter(msg, "user", "FINISH"), "Zn8/Fe, α=0.5 🔩");
    assert_int_equal(msg->n_materials, 1);
    assert_string_equal(msg->materials[0]->name, "S235JR");
    assert_true(near(msg->materials[0]->density, 7850));
    assert_non_null(strstr(msg->text, "Bracket for flange"));
    assert_int_equal(msg->n_layers, 1);
    assert_int_equal(cad->n_colours, 2);
}

static void a_part_has_its_shape_without_a_kernel(void **state)
{
    const Quarry__V1__ExtractionRecord *msg = sample(*state, "step/bracket.stp");
    const Quarry__V1__CadTopology *topology = msg->cad->topology;

    assert_non_null(topology);
    assert_int_equal(topology->solids, 1);
    assert_int_equal(topology->faces, 7);
    assert_int_equal(topology->edges, 15);
    assert_int_equal(topology->vertices, 10);
    assert_int_equal(topology->inner_loops, 2);
    assert_int_equal(topology->open_edges, 0);
    assert_int_equal(count_in(topology->surface_types, topology->n_surface_types, "plane"), 6);
    assert_int_equal(count_in(topology->surface_types, topology->n_surface_types, "cylinder"), 1);
    assert_int_equal(count_in(topology->curve_types, topology->n_curve_types, "circle"), 2);
    box_is(msg->cad->bounds, (const double[6]){0, 0, 0, 60, 40, 10});
    assert_string_equal(msg->cad->bounds->source, "vertices");
    assert_int_equal(msg->cad->n_mass, 1);
    assert_true(near(msg->cad->mass[0]->volume, 24000 - 10 * 3.14159265358979 * 4.5 * 4.5));
    assert_int_equal(msg->cad->mass[0]->n_centroid, 3);
    char *genome = strndup((const char *)msg->cad->genome.data, msg->cad->genome.len);
    assert_non_null(strstr(genome, "\"radii_mm\":{\"4.5\":1}"));
    free(genome);
}

static void tolerances_come_from_the_records(void **state)
{
    const Quarry__V1__ExtractionRecord *msg = sample(*state, "step/bracket.stp");

    assert_int_equal(msg->n_dimensions, 4);
    assert_string_equal(msg->dimensions[0]->text, "⌀9.000 H7");
    assert_string_equal(msg->dimensions[0]->fit, "H7");
    assert_true(near(msg->dimensions[1]->upper, 0.2) && near(msg->dimensions[1]->lower, -0.1));
    assert_true(near(msg->dimensions[2]->upper, 0.05) && near(msg->dimensions[2]->lower, -0.05));
    assert_true(msg->dimensions[3]->basic && msg->dimensions[3]->value == 20);
    assert_int_equal(msg->n_gdt, 3);
    assert_string_equal(msg->gdt[0]->text, "flatness 0.05");
    assert_string_equal(msg->gdt[1]->text, "perpendicularity 0.2 A"); /* datums of the old style */
    assert_string_equal(msg->gdt[2]->text, "position ⌀0.1(M) A B(M)");
    assert_true(msg->gdt[2]->diameter_zone && near(msg->gdt[2]->value, 0.1));
    assert_string_equal(msg->gdt[2]->modifiers, "M");
    assert_int_equal(msg->n_drawing_notes, 1);
    assert_string_equal(msg->drawing_notes[0]->text, "REMOVE ALL BURRS");
}

static const Quarry__V1__CadAssembly *pair(const Quarry__V1__CadModel *cad, const char *parent,
                                           const char *child)
{
    for (size_t i = 0; i < cad->n_assemblies; i++)
        if (strcmp(cad->assemblies[i]->parent, parent) == 0 &&
            strcmp(cad->assemblies[i]->child, child) == 0)
            return cad->assemblies[i];
    fail_msg("%s is not in %s", child, parent);
    return NULL;
}

static void an_assembly_has_its_parts_in_their_places(void **state)
{
    const Quarry__V1__ExtractionRecord *msg = sample(*state, "step/gearbox.step");
    const Quarry__V1__CadAssembly *group = pair(msg->cad, "AS-1000", "AS-1100");
    const Quarry__V1__CadAssembly *screws = pair(msg->cad, "AS-1100", "ISO4762-M6x20");

    assert_string_equal(msg->cad->kind, "assembly");
    assert_string_equal(msg->cad->name, "Gearbox");
    assert_int_equal(msg->cad->n_assemblies, 3);
    assert_true(group->quantity == 2);
    assert_int_equal(group->occurrences[1]->n_transform, 16);
    assert_true(near(group->occurrences[1]->transform[10],
                     -1)); /* turned over, though it is written the other way round */
    assert_true(near(group->occurrences[1]->transform[11], 200));
    assert_true(screws->quantity == 4 && screws->n_occurrences == 4);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(screws->occurrences[i]->n_transform, 16);
    assert_string_equal(screws->occurrences[0]->reference_designator, "S1");
    assert_true(near(screws->occurrences[3]->transform[3], 80)); /* by a mapped item */
    assert_string_equal(screws->occurrences[0]->path, "AS-1000/1/4");
    /* screws are in inches; one cover is upside down 200 above */
    box_is(msg->cad->bounds, (const double[6]){0, -60, 0, 100, 60, 200});
    assert_true(has_note(msg, "step.units.mixed"));
    assert_int_equal(msg->n_bom, 3);
    assert_int_equal(msg->n_links, 1);
    assert_string_equal(msg->links[0]->target, "motor.stp");
    assert_string_equal(qr_record_find_meta(((struct fixture *)*state)->rec, "person:design_owner"),
                        "Jana Novak, Muster Antriebe GmbH");
    assert_string_equal(qr_record_find_meta(((struct fixture *)*state)->rec, "date:creation_date"),
                        "2026-01-31T08:15:30");
}

static void packed_models_are_read(void **state)
{
    const Quarry__V1__ExtractionRecord *msg = sample(*state, "step/bracket.stpz");

    assert_null(msg->error);
    assert_int_equal(msg->cad->topology->faces, 7);
    msg = sample(*state, "step/mesh.stpz");
    assert_null(msg->error);
    assert_string_equal(qr_record_find_meta(((struct fixture *)*state)->rec, "archive_member"),
                        "ISO-10303.p21");
    assert_non_null(msg->cad->points);
    assert_int_equal(msg->cad->points->count, 4);
    assert_string_equal(msg->cad->points->source, "tessellation");
    box_is(msg->cad->bounds, (const double[6]){0, 0, 0, 10, 10, 10});
}

static void what_is_left_of_a_broken_file_is_kept(void **state)
{
    const Quarry__V1__ExtractionRecord *msg = sample(*state, "damaged/cut.stp");

    assert_null(msg->error);
    assert_true(msg->partial && has_note(msg, "p21.end.missing"));
    assert_string_equal(msg->cad->products[0]->id, "BR-2040");
    msg = sample(*state, "damaged/pointer.step");
    assert_int_equal(msg->error->class_, QUARRY__V1__ERROR_CLASS__ERROR_CLASS_INVALID_INPUT);
    assert_non_null(strstr(msg->error->message, "git lfs pull"));
}

static void tangled_records_end(void **state)
{
    const Quarry__V1__ExtractionRecord *msg = sample(*state, "hostile/tangled.stp");

    assert_null(msg->error);
    assert_true(has_note(msg, "step.assembly.cycle") && has_note(msg, "step.assembly.unresolved"));
    assert_true(has_note(msg, "p21.number.twice") && has_note(msg, "p21.string.open") &&
                has_note(msg, "p21.record.bad"));
    assert_int_equal(msg->cad->topology->faces, 1);
}

/* A few dozen levels of two children each would be millions of places. */
static void places_that_multiply_are_not_all_visited(void **state)
{
    char records[16384];
    size_t len = 0;

    for (int i = 0; i < 40; i++)
        len += (size_t)snprintf(
            records + len, sizeof records - len,
            "#%d=PRODUCT('P%d','','',());#%d=PRODUCT_DEFINITION_FORMATION('','',#%d);"
            "#%d=PRODUCT_DEFINITION('','',#%d,$);\n",
            10 * i + 1, i, 10 * i + 2, 10 * i + 1, 10 * i + 3, 10 * i + 2);
    for (int i = 0; i < 39; i++)
        len += (size_t)snprintf(records + len, sizeof records - len,
                                "#%d=NEXT_ASSEMBLY_USAGE_OCCURRENCE('','','',#%d,#%d,$);"
                                "#%d=NEXT_ASSEMBLY_USAGE_OCCURRENCE('','','',#%d,#%d,$);\n",
                                10 * i + 4, 10 * i + 3, 10 * i + 13, 10 * i + 5, 10 * i + 3,
                                10 * i + 13);
    const Quarry__V1__ExtractionRecord *msg = model(*state, records);
    assert_null(msg->error);
    assert_int_equal(msg->cad->n_assemblies, 39);
    assert_true(msg->cad->assemblies[38]->quantity == 2);
    assert_string_equal(msg->bom[38]->other[1]->key, "total");
    assert_string_equal(msg->bom[38]->other[1]->value, "549755813888"); /* 2^39 */
}

/* Wherever a file breaks off, something sound comes of it: the counts so far, or a reason. */
static void a_file_cut_anywhere_ends_well(void **state)
{
    static const char *const names[] = {"step/bracket.stp", "step/gearbox.step",
                                        "step/bracket.stpz", "step/mesh.stpz"};
    struct fixture *fixture = *state;
    static char bytes[1 << 16];

    for (size_t i = 0; i < QR_COUNT(names); i++) {
        char path[512];
        snprintf(path, sizeof path, "%s/%s", QUARRY_SAMPLES, names[i]);
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        ssize_t len = fd >= 0 ? read(fd, bytes, sizeof bytes) : -1;
        assert_true(len > 0);
        close(fd);
        for (ssize_t cut = 0; cut < len; cut += 1 + len / 120) {
            int part = memfd_create("part", MFD_CLOEXEC);
            assert_true(part >= 0 && write(part, bytes, (size_t)cut) == cut);
            const Quarry__V1__ExtractionRecord *msg = extract(fixture, part, names[i]);
            if (msg->error)
                assert_int_equal(msg->error->class_,
                                 QUARRY__V1__ERROR_CLASS__ERROR_CLASS_INVALID_INPUT);
            else
                assert_true(msg->partial);
        }
    }
}

static void noise_and_nonsense_have_a_reason(void **state)
{
    static const struct {
        const char *why, *bytes;
        size_t len;
        const char *says;
    } cases[] = {
        {"noise", "\x93\x12\xFF\x00\x81zzz", 8, "does not begin with ISO-10303-21"},
        {"zeros", "\0\0\0\0\0\0\0\0", 8, "nothing but zeros"},
        {"an empty file", "", 0, "empty"},
        {"a web page", "<!DOCTYPE html><html>not found</html>", 37, ""},
    };

    for (size_t i = 0; i < QR_COUNT(cases); i++) {
        int fd = memfd_create("noise", MFD_CLOEXEC);
        assert_true(fd >= 0 && write(fd, cases[i].bytes, cases[i].len) == (ssize_t)cases[i].len);
        const Quarry__V1__ExtractionRecord *msg = extract(*state, fd, "noise.stp");
        print_message("%s: %s\n", cases[i].why, msg->error ? msg->error->message : "");
        assert_non_null(msg->error);
        assert_int_equal(msg->error->class_, QUARRY__V1__ERROR_CLASS__ERROR_CLASS_INVALID_INPUT);
        assert_non_null(strstr(msg->error->message, cases[i].says));
    }
}

static void absurd_numbers_are_taken_as_they_are(void **state)
{
    const Quarry__V1__ExtractionRecord *msg = model(
        *state,
        "#1=COORDINATES_LIST('',2147483647,((1.E308,-1.E308,9.9E999),(1.,2.,3.)));"
        "#2=TRIANGULATED_FACE('',#1,4294967295,(),$,(),((1,2,999999999)));"
        "#3=CYLINDRICAL_SURFACE('',$,1.E300);#4=ADVANCED_FACE('',(),#3,.T.);"
        "#5=VERTEX_POINT('',#6);#6=CARTESIAN_POINT('',(1.E308,1.E308,1.E308));#7=EDGE_CURVE('',#5,#"
        "5,$,.T.);"
        "#8=B_SPLINE_CURVE_WITH_KNOTS('',99999999999999999999,(),.X.,.F.,.F.,(),(),.X.);"
        "#9=PRODUCT('p','p','',());#10=QUANTIFIED_ASSEMBLY_COMPONENT_USAGE('','','',#9,#9,$,#11);");
    assert_null(msg->error);
    assert_int_equal(msg->cad->topology->faces, 1);
}

static void units_are_told_apart(void **state)
{
    static const struct {
        const char *why, *records, *unit;
    } cases[] = {
        {"millimetres", "#1=(LENGTH_UNIT()NAMED_UNIT(*)SI_UNIT(.MILLI.,.METRE.));", "mm"},
        {"metres", "#1=(LENGTH_UNIT()NAMED_UNIT(*)SI_UNIT($,.METRE.));", "m"},
        {"inches",
         "#2=(LENGTH_UNIT()NAMED_UNIT(*)SI_UNIT(.CENTI.,.METRE.));#3=LENGTH_MEASURE_WITH_UNIT("
         "LENGTH_MEASURE(2.54),#2);"
         "#1=(CONVERSION_BASED_UNIT('INCH',#3)LENGTH_UNIT()NAMED_UNIT(#9));",
         "in"},
        {"feet, made of inches",
         "#2=(LENGTH_UNIT()NAMED_UNIT(*)SI_UNIT(.MILLI.,.METRE.));#3=LENGTH_MEASURE_WITH_UNIT("
         "LENGTH_MEASURE(25.4),#2);"
         "#4=(CONVERSION_BASED_UNIT('INCH',#3)LENGTH_UNIT()NAMED_UNIT(#9));#5=LENGTH_MEASURE_WITH_"
         "UNIT(LENGTH_MEASURE(12.),#4);"
         "#1=(CONVERSION_BASED_UNIT('FOOT',#5)LENGTH_UNIT()NAMED_UNIT(#9));",
         "ft"},
        {"something of its own",
         "#2=(LENGTH_UNIT()NAMED_UNIT(*)SI_UNIT($,.METRE.));#3=LENGTH_MEASURE_WITH_UNIT(LENGTH_"
         "MEASURE(5.0292),#2);"
         "#1=(CONVERSION_BASED_UNIT('rod',#3)LENGTH_UNIT()NAMED_UNIT(#9));",
         "rod"},
    };

    for (size_t i = 0; i < QR_COUNT(cases); i++) {
        char records[1024];
        snprintf(records, sizeof records,
                 "%s#8=(GEOMETRIC_REPRESENTATION_CONTEXT(3)GLOBAL_UNIT_ASSIGNED_CONTEXT((#1))"
                 "REPRESENTATION_CONTEXT('',''));",
                 cases[i].records);
        print_message("%s\n", cases[i].why);
        assert_string_equal(model(*state, records)->cad->length_unit, cases[i].unit);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_part_says_what_it_is),
        cmocka_unit_test(a_part_has_its_shape_without_a_kernel),
        cmocka_unit_test(tolerances_come_from_the_records),
        cmocka_unit_test(an_assembly_has_its_parts_in_their_places),
        cmocka_unit_test(packed_models_are_read),
        cmocka_unit_test(what_is_left_of_a_broken_file_is_kept),
        cmocka_unit_test(tangled_records_end),
        cmocka_unit_test(places_that_multiply_are_not_all_visited),
        cmocka_unit_test(a_file_cut_anywhere_ends_well),
        cmocka_unit_test(noise_and_nonsense_have_a_reason),
        cmocka_unit_test(absurd_numbers_are_taken_as_they_are),
        cmocka_unit_test(units_are_told_apart),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}

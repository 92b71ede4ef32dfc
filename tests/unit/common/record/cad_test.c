/* Run it: ctest --preset dev -R cad_test */
#include "common/record/cad.h"
#include "common/record/parts.h"
#include "tests/harness/test.h"

#include <math.h>

static struct qr_record *new_record(void)
{
    struct qr_record *rec = qr_record_new(NULL);
    assert_non_null(rec);
    return rec;
}

/* What a reader finds without a kernel. */
static void fill_facts(struct qr_record *rec)
{
    Quarry__V1__CadModel *cad = qr_record_cad(rec);
    Quarry__V1__CadProduct *wheel = qr_cad_add_product(rec);
    Quarry__V1__CadAssembly *use = qr_cad_add_assembly(rec);
    double matrix[16] = {1, 0, 0, 25.4, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1};

    assert_ptr_equal(qr_record_cad(rec), cad);
    cad->name = qr_record_text(rec, "wheel");
    cad->instances = 12;
    cad->data_sections = 1;
    wheel->id = qr_record_text(rec, "4711");
    wheel->root = true;
    use->parent = qr_record_text(rec, "4711");
    use->child = qr_record_text(rec, "4712");
    use->quantity = 2;
    Quarry__V1__CadOccurrence *at = qr_cad_add_occurrence(rec, use);
    qr_cad_numbers(rec, matrix, 16, &at->transform, &at->n_transform);
    qr_cad_add_occurrence(rec, use);
    qr_cad_topology(rec)->faces = 6;
    qr_cad_add_count(rec, QR_CAD_SURFACES, "plane", 5, 6);
    qr_cad_add_count(rec, QR_CAD_ENTITIES, "ADVANCED_FACE", 13, 6);
    cad->bounds = qr_cad_bounds(rec, (const double[]){0, 0, 0, 1, 2, 3}, "vertices");
    qr_cad_set_bytes(rec, &cad->genome, "{\"faces\":6}", 11);
}

/* What a later step adds. */
static void fill_geometry(struct qr_record *rec)
{
    Quarry__V1__CadGeometry *geometry = qr_record_geometry(rec);
    Quarry__V1__CadMass *mass = qr_geometry_add_mass(rec);

    mass->has_volume = true;
    mass->volume = 6;
    mass->source = qr_record_text(rec, "kernel");
    geometry->bounds = qr_cad_bounds(rec, (const double[]){0, 0, 0, 1, 2, 4}, "kernel");
    geometry->points = qr_cad_points(rec, (const float[]){0, 0, 0, 1, 1, 1}, NULL, 2, "kernel");
    geometry->status = qr_record_text(rec, "done");
}

static void two_records_behind_each_other_are_one_model(void **state)
{
    (void)state;
    QR_AUTO(qr_record) facts = new_record();
    QR_AUTO(qr_record) geometry = new_record();
    QR_AUTO(qr_record) both = NULL;
    struct qr_err err;
    struct qr_buf bytes;

    fill_facts(facts);
    fill_geometry(geometry);
    qr_buf_init(&bytes, 1 << 20);
    assert_int_equal(qr_record_encode(facts, &bytes, &err), QR_OK);
    assert_int_equal(qr_record_encode(geometry, &bytes, &err), QR_OK);
    assert_int_equal(qr_record_decode(bytes.data, bytes.len, NULL, &both, &err), QR_OK);
    qr_buf_done(&bytes);
    const Quarry__V1__CadModel *cad = both->msg->cad;
    assert_string_equal(cad->name, "wheel");
    assert_int_equal(cad->instances, 12);
    assert_int_equal(cad->n_products, 1);
    assert_int_equal(cad->topology->faces, 6);
    assert_string_equal(cad->bounds->source, "vertices");
    assert_int_equal(cad->genome.len, 11);
    assert_int_equal(both->msg->geometry->n_mass, 1);
    assert_int_equal(both->msg->geometry->points->count, 2);
    assert_string_equal(both->msg->geometry->status, "done");
    assert_int_equal(cad->assemblies[0]->n_occurrences, 2);
}

static void the_json_has_the_names_of_the_contract(void **state)
{
    (void)state;
    QR_AUTO(qr_record) rec = new_record();

    fill_facts(rec);
    fill_geometry(rec);
    json_t *json = qr_record_json(rec->msg);
    json_t *cad = json_object_get(json, "cad");
    assert_int_equal(json_integer_value(json_object_get(cad, "instances")), 12);
    assert_int_equal(json_integer_value(json_object_get(cad, "face_count")), 6);
    assert_int_equal(
        json_integer_value(json_object_get(json_object_get(cad, "surface_types"), "plane")), 6);
    assert_int_equal(
        json_integer_value(json_object_get(json_object_get(cad, "entity_counts"), "ADVANCED_FACE")),
        6);
    assert_float_equal(json_number_value(json_array_get(json_object_get(cad, "bbox"), 5)), 4, 0);
    assert_string_equal(json_string_value(json_object_get(cad, "bbox_source")), "kernel");
    assert_int_equal(json_array_size(json_object_get(cad, "mass")), 1);
    assert_int_equal(json_array_size(json_object_get(cad, "products")), 1);
    json_t *use = json_array_get(json_object_get(cad, "assemblies"), 0);
    assert_int_equal(json_array_size(json_object_get(use, "occurrences")), 2);
    assert_int_equal(json_integer_value(json_object_get(json_object_get(cad, "genome"), "faces")),
                     6);
    json_decref(json);
}

static void a_list_of_numbers_that_are_not_finite_is_left_out(void **state)
{
    (void)state;
    QR_AUTO(qr_record) rec = new_record();
    double *values = NULL;
    size_t n = 0;

    qr_cad_numbers(rec, (const double[]){1, NAN}, 2, &values, &n);
    assert_int_equal(n, 0);
    assert_null(qr_cad_bounds(rec, (const double[]){0, 0, 0, INFINITY, 1, 1}, "vertices"));
}

static void lists_are_capped_with_a_note(void **state)
{
    (void)state;
    struct qr_record_limits limits = qr_record_default_limits;
    limits.items = 3;
    QR_AUTO(qr_record) rec = qr_record_new(&limits);

    for (int i = 0; i < 3; i++)
        assert_non_null(qr_cad_add_feature(rec));
    assert_null(qr_cad_add_feature(rec));
    assert_true(rec->msg->partial);
    assert_int_equal(rec->msg->n_notes, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_records_behind_each_other_are_one_model),
        cmocka_unit_test(the_json_has_the_names_of_the_contract),
        cmocka_unit_test(a_list_of_numbers_that_are_not_finite_is_left_out),
        cmocka_unit_test(lists_are_capped_with_a_note),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Run it: ctest --preset dev -R dxf_hostile_test
 * Drawings that were made to do harm: nothing is read that is not there, work is bounded, and what
 * was left out is said. */
#include "tests/harness/test.h"
#include "worker/extract/dxf/dxf.h"
#include "worker/extract/extract.h"
#include "worker/extract/overlay/dxf_geometry.h"

#include <stdlib.h>
#include <string.h>

#define BLOCKS "0\nSECTION\n2\nBLOCKS\n"
#define ENTITIES "0\nENDSEC\n0\nSECTION\n2\nENTITIES\n"
#define END "0\nENDSEC\n0\nEOF\n"

struct fixture {
    struct qr_record *rec;
    struct qr_engine engine;
    struct qr_buf file;
};

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);

    *state = fixture;
    fixture->rec = qr_record_new(NULL);
    qr_buf_init(&fixture->file, (size_t)16 * 1024 * 1024);
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;

    qr_buf_done(&fixture->file);
    qr_record_free(fixture->rec);
    free(fixture);
    return 0;
}

static const Quarry__V1__ExtractionRecord *read_file(struct fixture *fixture)
{
    struct qr_extract_job job = {.name = "test.dxf", .type = "dxf"};
    struct qr_extract x = {.job = &job, .engine = &fixture->engine, .rec = fixture->rec};

    assert_false(fixture->file.failed);
    char *copy = malloc(fixture->file.len); /* of its exact size: reading past it is seen */
    memcpy(copy, fixture->file.data, fixture->file.len);
    qr_dxf_read(&x, copy, fixture->file.len);
    free(copy);
    qr_record_finish(fixture->rec);
    return fixture->rec->msg;
}

static bool has_note(const Quarry__V1__ExtractionRecord *msg, const char *code)
{
    for (size_t i = 0; i < msg->n_notes; i++)
        if (strcmp(msg->notes[i]->code, code) == 0)
            return true;
    return false;
}

static void a_name_may_end_with_the_file(void **state)
{
    struct fixture *fixture = *state;

    qr_buf_append_str(&fixture->file, BLOCKS "0\nBLOCK\n2\n*PAPER_SPACE12");
    const Quarry__V1__ExtractionRecord *msg = read_file(fixture);

    assert_int_equal(msg->n_blocks, 1);
    assert_string_equal(msg->blocks[0]->name, "*PAPER_SPACE12");
}

static void texts_in_blocks_nested_too_deep_are_not_lost_silently(void **state)
{
    struct fixture *fixture = *state;

    qr_buf_append_str(&fixture->file, BLOCKS);
    for (int i = 0; i < 40; i++)
        qr_buf_printf(&fixture->file, "0\nBLOCK\n2\nB%d\n0\nINSERT\n2\nB%d\n0\nENDBLK\n", i, i + 1);
    qr_buf_append_str(&fixture->file,
                      "0\nBLOCK\n2\nB40\n0\nTEXT\n40\n1\n1\ndeep\n0\nENDBLK\n" ENTITIES
                      "0\nINSERT\n2\nB0\n0\nINSERT\n2\nB30\n" END);
    const Quarry__V1__ExtractionRecord *msg = read_file(fixture);

    assert_true(msg->partial && has_note(msg, "dxf.block.deep"));
    assert_int_equal(msg->n_pages, 1); /* what B30 holds is not too deep */
    assert_string_equal(msg->pages[0]->text, "deep\n");
}

static void insertions_of_nothing_are_of_the_budget(void **state)
{
    struct fixture *fixture = *state;

    qr_buf_append_str(&fixture->file, BLOCKS "0\nBLOCK\n2\nA\n0\nTEXT\n40\n1\n1\na\n");
    for (int i = 0; i < 2000; i++)
        qr_buf_append_str(&fixture->file, "0\nINSERT\n2\nNOTHING\n");
    qr_buf_append_str(&fixture->file,
                      "0\nENDBLK\n" ENTITIES "0\nINSERT\n2\nA\n70\n50\n71\n40\n" END);
    const Quarry__V1__ExtractionRecord *msg = read_file(fixture);

    assert_true(msg->partial && has_note(msg, "dxf.expand.capped"));
}

static void a_dimension_takes_the_beginning_of_a_long_text(void **state)
{
    struct fixture *fixture = *state;

    qr_buf_append_str(&fixture->file, BLOCKS "0\nBLOCK\n2\n*D1\n0\nTEXT\n40\n1\n1\n12 ");
    for (int i = 0; i < 5000; i++)
        qr_buf_append_str(&fixture->file, "\xC3\xA4");
    qr_buf_append_str(&fixture->file, "\n0\nENDBLK\n" ENTITIES
                                      "0\nDIMENSION\n2\n*D1\n70\n0\n42\n12\n13\n0\n14\n12\n" END);
    const Quarry__V1__ExtractionRecord *msg = read_file(fixture);

    assert_int_equal(msg->n_dimensions, 1);
    assert_true(strncmp(msg->dimensions[0]->text, "12 ", 3) == 0);
    assert_int_equal(strlen(msg->dimensions[0]->text), 4095); /* no half character */
}

static void a_long_text_of_a_leader_is_cut_and_not_lost(void **state)
{
    struct fixture *fixture = *state;

    qr_buf_append_str(&fixture->file,
                      BLOCKS ENTITIES "0\nMULTILEADER\n300\nCONTEXT_DATA{\n41\n2\n304\n");
    for (int i = 0; i < 300000; i++)
        qr_buf_append_str(&fixture->file, "abc\xE4");
    qr_buf_append_str(&fixture->file, "\n301\n}\n" END);
    const Quarry__V1__ExtractionRecord *msg = read_file(fixture);

    assert_int_equal(msg->n_pages, 1);
    assert_true(strncmp(msg->pages[0]->text, "abc\xC3\xA4", 5) == 0);
    assert_true(msg->partial && has_note(msg, "dxf.text.cut"));
}

/* Would not end. */
static void an_arc_of_any_angle_is_drawn(void **state)
{
    static const char file[] = "0\nSECTION\n2\nENTITIES\n0\nARC\n40\n1\n50\n1e300\n51\n0\n" END;
    struct qr_geometry geometry;

    (void)state;
    qr_geometry_read(&geometry, file, strlen(file), false);
    assert_int_equal(geometry.n_strokes, 1);
    qr_geometry_done(&geometry);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_name_may_end_with_the_file, set_up, tear_down),
        cmocka_unit_test_setup_teardown(texts_in_blocks_nested_too_deep_are_not_lost_silently,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(insertions_of_nothing_are_of_the_budget, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_dimension_takes_the_beginning_of_a_long_text, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_long_text_of_a_leader_is_cut_and_not_lost, set_up,
                                        tear_down),
        cmocka_unit_test(an_arc_of_any_angle_is_drawn),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

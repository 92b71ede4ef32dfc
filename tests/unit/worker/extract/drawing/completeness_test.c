/* Run it: ctest --preset dev -R completeness_test */
#include "tests/unit/worker/extract/drawing/sheet_builder.h"
#include "worker/extract/drawing/completeness.h"

#include "common/record/parts.h"

static double completeness_of(struct desk *desk, double read)
{
    desk->rec->msg->bytes = 1;
    desk->rec->msg->completeness = read;
    qr_completeness_set(desk->rec);
    return desk->rec->msg->completeness;
}

static Quarry__V1__Page *add_page(struct desk *desk, const char *text)
{
    Quarry__V1__Page *page = qr_record_add_page(desk->rec, (uint32_t)desk->rec->msg->n_pages + 1);

    qr_record_set_page_text(desk->rec, page, text, strlen(text));
    return page;
}

static void add_field(struct desk *desk, const char *key)
{
    Quarry__V1__MetadataItem *item = qr_record_add_title_field(desk->rec);

    item->key = qr_record_text(desk->rec, key);
    item->value = qr_record_text(desk->rec, "x");
}

#define assert_near(value, want)                           \
    do {                                                   \
        double an_ = (value);                              \
        if (!(an_ > (want)-1e-9 && an_ < (want) + 1e-9))   \
            fail_msg("%g is not %g", an_, (double)(want)); \
    } while (0)

static void a_document_has_text_and_metadata(void **state)
{
    struct desk *desk = *state;

    qr_record_set_type(desk->rec, "pdf");
    add_page(desk, "text");
    assert_near(completeness_of(desk, 1), 0.6);
    qr_record_add_meta(desk->rec, "title", "T", 1, "info");
    qr_record_add_meta(desk->rec, "author", "A", 1, "info");
    qr_record_add_meta(desk->rec, "modified", "M", 1, "info");
    qr_record_add_meta(desk->rec, "producer", "P", 1, "info");
    assert_near(completeness_of(desk, 1), 1);
    assert_near(completeness_of(desk, 0.5), 0.5);
    add_page(desk, "")->image_only = true;
    assert_near(completeness_of(desk, 1), 0.7);
    add_page(desk, ""); /* blank: nothing to find */
    assert_near(completeness_of(desk, 1), 0.7);
}

static void a_drawing_has_title_block_and_dimensions(void **state)
{
    struct desk *desk = *state;
    static const char *const keys[] = {"title",    "drawing_number", "revision", "drawn_date",
                                       "drawn_by", "project",        "sheet",    "scale"};

    qr_record_set_type(desk->rec, "pdf");
    add_page(desk, "text")->drawing = true;
    assert_near(completeness_of(desk, 1), 3.0 / 19);
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        add_field(desk, keys[i]);
    assert_near(completeness_of(desk, 1), 13.0 / 19);
    qr_record_add_dimension(desk->rec)->has_value = true;
    qr_record_add_dimension(desk->rec);
    assert_near(completeness_of(desk, 1), 15.0 / 19);
    qr_record_add_material(desk->rec);
    qr_record_add_meta(desk->rec, "created", "C", 1, "info");
    assert_near(completeness_of(desk, 1), 17.0 / 19);
}

static void a_dxf_without_text_is_geometry(void **state)
{
    struct desk *desk = *state;

    qr_record_set_type(desk->rec, "dxf");
    qr_record_add_count(desk->rec, false, "LINE", 4, 7);
    qr_record_add_meta(desk->rec, "acadver", "AC1009", 6, "header");
    assert_near(completeness_of(desk, 1), 5.0 / 9);
    /* dimensions that were counted and not read are missing */
    qr_record_add_count(desk->rec, false, "DIMENSION", 9, 4);
    qr_record_add_dimension(desk->rec)->has_value = true;
    assert_near(completeness_of(desk, 1), (3 + 4 * 0.25) / 24);
}

static void failures_stay_as_they_are(void **state)
{
    struct desk *desk = *state;

    qr_record_set_type(desk->rec, "pdf");
    desk->rec->msg->completeness = 1;
    qr_completeness_set(desk->rec); /* empty file */
    assert_near(desk->rec->msg->completeness, 1);
    qr_record_fail(desk->rec, QR_CLASS_INVALID_INPUT, "damaged");
    assert_near(completeness_of(desk, 0), 0);
}

int main(void)
{
#define DESK_TEST(name) cmocka_unit_test_setup_teardown(name, desk_set_up, desk_tear_down)
    const struct CMUnitTest tests[] = {
        DESK_TEST(a_document_has_text_and_metadata),
        DESK_TEST(a_drawing_has_title_block_and_dimensions),
        DESK_TEST(a_dxf_without_text_is_geometry),
        DESK_TEST(failures_stay_as_they_are),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

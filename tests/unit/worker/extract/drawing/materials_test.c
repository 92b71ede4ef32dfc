/* Run it: ctest --preset dev -R materials_test */
#include "tests/unit/worker/extract/drawing/sheet_builder.h"
#include "worker/extract/drawing/material_text.h"
#include "worker/extract/drawing/materials.h"
#include "worker/extract/drawing/standards.h"

#include "common/base.h"
#include "common/record/parts.h"

static void knows_designations(void **state)
{
    static const struct {
        const char *text, *found; /* NULL: none */
    } cases[] = {
        {"1.4301", "1.4301"},
        {"X5CrNi18-10", "X5CrNi18-10"},
        {"42CrMo4", "42CrMo4"},
        {"S235JR", "S235JR"},
        {"Blech S355J2+N t=10", "S355J2+N"},
        {"AlMg3", "AlMg3"},
        {"AlMgSi0,5", "AlMgSi0,5"},
        {"EN AW-6082 T6", "EN AW-6082 T6"},
        {"6061-T6", "6061-T6"},
        {"CuZn39Pb3", "CuZn39Pb3"},
        {"Ti-6Al-4V", "Ti-6Al-4V"},
        {"EN-GJS-400-15", "EN-GJS-400-15"},
        {"AISI 316L", "AISI 316L"},
        {"SUS304", "SUS304"},
        {"PA6-GF30", "PA6-GF30"},
        {"1.2500", NULL},
        {"S235", "S235"},
        {"SECTION A-A", NULL},
        {"M12x1.5-6g", NULL},
        {"4x Ø3.4 THRU", NULL},
        {"C10", NULL},
        {"STM32F405", NULL},
        {"USB-C", NULL},
        {"Co-ordinates", NULL},
        {"", NULL},
    };

    (void)state;
    for (size_t i = 0; i < QR_COUNT(cases); i++) {
        struct qr_material_match match;
        bool found = qr_material_find(cases[i].text, strlen(cases[i].text), &match);
        if (found != (cases[i].found != NULL))
            fail_msg("\"%s\": %s", cases[i].text, found ? "found" : "not found");
        if (found && (match.len != strlen(cases[i].found) ||
                      memcmp(cases[i].text + match.at, cases[i].found, match.len) != 0))
            fail_msg("\"%s\": %.*s", cases[i].text, (int)match.len, cases[i].text + match.at);
    }
}

static void knows_texts_that_are_all_material(void **state)
{
    struct qr_material_match match;

    (void)state;
    assert_true(qr_material_is_all("Aluminium 7075", 14, &match) && match.designated);
    assert_true(qr_material_is_all("Stainless Steel", 15, &match) && !match.designated);
    assert_true(qr_material_is_all("POM black", 9, &match));
    assert_false(qr_material_is_all("ABS sensor cable", 16, &match));
    assert_false(qr_material_is_all("7075", 4, &match));
    assert_false(qr_material_is_all("steel is used for all brackets here", 35, &match));
}

static void parts_standards_from_names(void **state)
{
    static const struct {
        const char *text, *standard;
    } cases[] = {
        {"DIN ISO 2768 - mK", "DIN ISO 2768 - mK"},
        {"Tolerances ISO 2768-mK.", "ISO 2768-mK"},
        {"ISO 2768 mittel", "ISO 2768 mittel"},
        {"PER ASME Y14.5-2009", "ASME Y14.5-2009"},
        {"ГОСТ 1050-88", "ГОСТ 1050-88"},
        {"ASTM A36", "ASTM A36"},
        {"EN 10083-3", "EN 10083-3"},
        {"EN AW-6082", NULL},
        {"ISOLATED 2768", NULL},
        {"DINNER 12", NULL},
        {"ISO", NULL},
        {"", NULL},
    };

    (void)state;
    for (size_t i = 0; i < QR_COUNT(cases); i++) {
        size_t len = 0;
        const char *found = qr_standard_find(cases[i].text, strlen(cases[i].text), &len);
        if (!cases[i].standard) {
            if (found)
                fail_msg("\"%s\": %.*s", cases[i].text, (int)len, found);
            continue;
        }
        if (!found || len != strlen(cases[i].standard) ||
            memcmp(found, cases[i].standard, len) != 0)
            fail_msg("\"%s\": \"%.*s\"", cases[i].text, (int)len, found ? found : "");
    }
}

static void find(struct desk *desk, struct qr_materials_before before)
{
    struct qr_regions regions = {.n = 0};

    qr_materials_find(&desk->sheet, &regions, &before, desk->rec);
}

static void assert_material(const struct desk *desk, size_t i, const char *name,
                            const char *standard, const char *source)
{
    assert_true(i < desk->rec->msg->n_materials);
    assert_string_equal(desk->rec->msg->materials[i]->name, name);
    assert_string_equal(desk->rec->msg->materials[i]->standard, standard);
    assert_string_equal(desk->rec->msg->materials[i]->source, source);
}

static void collects_from_all_places(void **state)
{
    struct desk *desk = *state;
    Quarry__V1__MetadataItem *field = qr_record_add_title_field(desk->rec);
    Quarry__V1__BomItem *row = qr_record_add_bom_item(desk->rec);

    field->key = qr_record_text(desk->rec, "material");
    field->value = qr_record_text(desk->rec, "42CrMo4 EN 10083-3");
    row->material = qr_record_text(desk->rec, "EN-GJL-250");
    put_text(desk, 50, 50, 5, "MATERIAL: Brass, polished");
    put_text(desk, 50, 60, 5, "42CrMo4"); /* known */
    put_text(desk, 50, 70, 5, "Aluminium 7075");
    put_text(desk, 50, 80, 5, "ABS");
    put_text(desk, 50, 90, 5, "3. MATERIAL TO BE CAST STEEL.");
    find(desk, (struct qr_materials_before){0});
    assert_int_equal(desk->rec->msg->n_materials, 5);
    assert_material(desk, 0, "42CrMo4", "EN 10083-3", "title_block");
    assert_material(desk, 1, "EN-GJL-250", "", "bom");
    assert_material(desk, 2, "Brass, polished", "", "note");
    assert_material(desk, 3, "Aluminium 7075", "", "text");
    assert_material(desk, 4, "CAST STEEL", "", "note");
}

static void earlier_sheets_stay_theirs(void **state)
{
    struct desk *desk = *state;
    Quarry__V1__MetadataItem *field = qr_record_add_title_field(desk->rec);

    field->key = qr_record_text(desk->rec, "material");
    field->value = qr_record_text(desk->rec, "Steel");
    find(desk, (struct qr_materials_before){.title_fields = 1});
    assert_int_equal(desk->rec->msg->n_materials, 0);
}

static void standards_become_parameters(void **state)
{
    struct desk *desk = *state;

    put_text(desk, 50, 50, 5, "Allgemeintoleranzen nach DIN ISO 2768-mK, Kanten ISO 13715");
    put_text(desk, 50, 60, 5, "DIN ISO 2768-mK");
    put_text(desk, 50, 70, 5, "DIN 912 M8x20"); /* a screw */
    qr_standards_find(&desk->sheet, desk->rec);
    assert_int_equal(desk->rec->msg->n_parameters, 2);
    assert_string_equal(desk->rec->msg->parameters[0]->set, "standards");
    assert_string_equal(desk->rec->msg->parameters[0]->name, "general_tolerance");
    assert_string_equal(desk->rec->msg->parameters[0]->value, "DIN ISO 2768-mK");
    assert_string_equal(desk->rec->msg->parameters[1]->value, "ISO 13715");
    assert_field(desk, "general_tolerance", "DIN ISO 2768-mK");
    assert_int_equal(desk->rec->msg->n_title_block, 1);
}

static void stays_small_on_hostile_sheets(void **state)
{
    struct desk *desk = *state;
    static const char *const texts[] = {"ISO 2768-mK ISO 8015 ISO 2768-f", "42CrMo4", "MATERIAL: x",
                                        "1.4301 1.4404"};

    for (int i = 0; i < QR_SHEET_SPANS_MAX; i++)
        put_text(desk, NAN, INFINITY, 5, texts[i % 4]);
    qr_standards_find(&desk->sheet, desk->rec);
    find(desk, (struct qr_materials_before){0});
    assert_int_equal(desk->rec->msg->n_parameters, 3);
    assert_true(desk->rec->msg->n_materials >= 2 && desk->rec->msg->n_materials < 10);
}

int main(void)
{
#define DESK_TEST(name) cmocka_unit_test_setup_teardown(name, desk_set_up, desk_tear_down)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(knows_designations),
        cmocka_unit_test(knows_texts_that_are_all_material),
        cmocka_unit_test(parts_standards_from_names),
        DESK_TEST(collects_from_all_places),
        DESK_TEST(earlier_sheets_stay_theirs),
        DESK_TEST(standards_become_parameters),
        DESK_TEST(stays_small_on_hostile_sheets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

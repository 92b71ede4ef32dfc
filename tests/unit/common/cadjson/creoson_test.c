/* CREOSON's answers: one by one, and as a dump. Shapes: SimplifiedLogic/creoson, jsonSpecs. */
#include "tests/unit/common/cadjson/import_json.h"

static const struct {
    const char *command, *function, *data;
} answers[] = {
    {"file", "get_fileinfo",
     "{\"dirname\": \"C:/parts\", \"file\": \"bracket.prt\", \"revision\": 7}"},
    {"file", "get_length_units", "{\"units\": \"in\"}"},
    {"file", "get_mass_units", "{\"units\": \"lbm\"}"},
    {"file", "massprops",
     "{\"volume\": 2, \"mass\": 1, \"density\": 0.5, \"surface_area\": 3, \"ctr_grav\": {\"x\": 1, "
     "\"y\": 2, \"z\": 3},"
     "\"ctr_grav_inertia_tensor\": {\"x_axis\": {\"x\": 1, \"y\": 0, \"z\": 0}, \"y_axis\": "
     "{\"x\": 0, \"y\": 1, \"z\": 0}, \"z_axis\": {\"x\": 0, \"y\": 0, \"z\": 1}},"
     "\"coord_sys_inertia\": null}"},
    {"file", "get_accuracy", "{\"accuracy\": \"0.0012\", \"relative\": \"false\"}"},
    {"file", "relations_get", "{\"relations\": [\"D1=2\", \"D2=D1\"]}"},
    {"file", "get_active", "{\"dirname\": \"C:/parts\", \"file\": \"other.prt\"}"},
    {"file", "list_simp_reps", "{\"reps\": [\"LIGHT\", \"ENVELOPE\"]}"},
    {"file", "get_cur_material", "{\"material\": \"STEEL\"}"},
    {"file", "list_materials", "{\"materials\": [\"STEEL\", \"BRASS\"]}"},
    {"parameter", "list",
     "{\"paramlist\": [{\"name\": \"PART_NO\", \"value\": \"QlItMQ==\", \"type\": \"STRING\", "
     "\"encoded\": true, \"owner_name\": \"bracket.prt\"},"
     "{\"name\": \"COST\", \"value\": 12.5, \"type\": \"DOUBLE\", \"designate\": true, "
     "\"description\": \"Price\"}]}"},
    {"dimension", "list_detail",
     "{\"dimlist\": [{\"name\": \"d21\", \"value\": 32.5, \"encoded\": false, \"dwg_dim\": false, "
     "\"dim_type\": \"linear\", \"text\": [\"{0:@D}\\n\"]},"
     "{\"name\": \"d3\", \"value\": 5, \"dim_type\": \"radial\", \"tolerance_type\": \"limits\", "
     "\"tol_lower_limit\": 4.9, \"tol_upper_limit\": 5.2, \"sheet\": 2},"
     "{\"name\": \"d4\", \"value\": 5, \"dim_type\": \"angular\", \"tolerance_type\": "
     "\"symmetric\", \"tol_symmetric_value\": 0.5},"
     "{\"name\": \"d5\", \"value\": 8, \"dim_type\": \"diameter\", \"tolerance_type\": "
     "\"isodin\", \"tol_table_name\": \"H\", \"tol_table_column\": 7, \"tol_table_type\": "
     "\"holes\", \"location\": {\"x\": 1, \"y\": 2, \"z\": 0}}]}"},
    {"feature", "list",
     "{\"featlist\": [{\"name\": \"HOLE_1\", \"status\": \"ACTIVE\", \"type\": \"HOLE\", "
     "\"feat_id\": 48, \"feat_number\": 5}]}"},
    {"geometry", "bound_box",
     "{\"xmin\": 0, \"xmax\": 1, \"ymin\": 0, \"ymax\": 2, \"zmin\": 0, \"zmax\": 3}"},
    {"geometry", "get_surfaces",
     "{\"surflist\": [{\"surface_id\": 1, \"area\": 2.5}, {\"surface_id\": 2, \"area\": 1}]}"},
    {"layer", "list",
     "{\"layers\": [{\"name\": \"AXES\", \"status\": \"HIDDEN\", \"layer_id\": 3}]}"},
    {"note", "list",
     "{\"itemlist\": [{\"name\": \"Note_0\", \"value\": \"D = &D1\", \"value_expanded\": \"D = "
     "2\", \"url\": \"http://x/\"}]}"},
    {"familytable", "list", "{\"instances\": [\"BRACKET_S\", \"BRACKET_L\"]}"},
    {"familytable", "get_header",
     "{\"columns\": [{\"colid\": \"d1\", \"value\": null, \"datatype\": \"DOUBLE\", \"coltype\": "
     "\"DIMENSION\"}, {\"colid\": \"NAME\", \"datatype\": \"STRING\"}]}"},
    {"familytable", "get_row",
     "{\"columns\": [{\"colid\": \"NAME\", \"value\": \"small\"}, {\"colid\": \"d1\", \"value\": "
     "12.5}], \"instance\": \"BRACKET_S\"}"},
    {"windchill", "get_workspace", "{\"workspace\": \"w1\"}"},
};

static bool has_material(const json_t *json, const char *name)
{
    size_t i;
    const json_t *material;

    json_array_foreach(json_object_get(json, "materials"), i,
                       material) if (strcmp(json_string_value(json_object_get(material, "name")),
                                            name) == 0) return true;
    return false;
}

static void is_right(const json_t *json)
{
    holds(json, "cad/name", "\"bracket.prt\"");
    holds(json, "cad/revision", "\"7\"");
    holds(json, "metadata/dirname", "\"C:/parts\"");
    holds(json, "cad/length_unit", "\"in\"");
    holds(json, "cad/accuracy", "0.03048");
    holds(json, "cad/mass/0/volume", "32774.128");
    holds(json, "cad/mass/0/mass", "0.45359237");
    holds(json, "cad/mass/0/area", "1935.48");
    holds(json, "cad/mass/0/centroid", "[25.4,50.8,76.2]");
    holds(json, "cad/mass/0/source", "\"creo\"");
    holds(json, "cad/relations", "[{\"text\":\"D1=2\"},{\"text\":\"D2=D1\"}]");
    assert_int_equal(json_array_size(json_object_get(json, "materials")), 2);
    assert_true(has_material(json, "STEEL") && has_material(json, "BRASS"));
    holds(json, "metadata/simplified_rep", "[\"LIGHT\",\"ENVELOPE\"]");
    holds(json, "parameters/0",
          "{\"name\":\"PART_NO\",\"owner\":\"bracket.prt\",\"source\":\"creo\",\"type\":\"STRING\","
          "\"value\":\"BR-1\"}");
    holds(json, "parameters/1",
          "{\"description\":\"Price\",\"name\":\"COST\",\"set\":\"designated\",\"source\":\"creo\","
          "\"type\":\"DOUBLE\",\"value\":\"12.5\"}");
    holds(json, "dimensions/0/value", "825.5");
    holds(json, "dimensions/1",
          "{\"handle\":\"d3\",\"kind\":\"radius\",\"lower\":-2.54,\"page\":2,\"source\":\"creo\","
          "\"unit\":\"mm\",\"upper\":5.08,\"value\":127.0}");
    holds(json, "dimensions/2/upper", "0.5");
    holds(json, "dimensions/3/fit", "\"H7\"");
    holds(json, "cad/details/creoson.dimension.list_detail~dimlist~3~location",
          "{\"x\":1,\"y\":2,\"z\":0}");
    holds(json, "cad/features/0",
          "{\"id\":\"48\",\"name\":\"HOLE_1\",\"status\":\"active\",\"type\":\"hole\"}");
    holds(json, "cad/bbox", "[0.0,0.0,0.0,25.4,50.8,76.2]");
    holds(json, "cad/face_count", "2");
    holds(json, "layers", "[{\"id\":\"3\",\"name\":\"AXES\",\"status\":\"HIDDEN\"}]");
    holds(json, "drawing_notes/0/text", "\"D = 2\"");
    holds(json, "links/0/target", "\"http://x/\"");
    assert_int_equal(json_array_size(json_object_get(
                         json_object_get(json_object_get(json, "cad"), "family_table"), "rows")),
                     2);
    holds(json, "cad/details/creoson.windchill.get_workspace", "{\"workspace\":\"w1\"}");
}

static void answers_one_by_one(void **state)
{
    QR_AUTO(qr_record) rec = qr_record_new(NULL);
    QR_AUTO(qr_cadjson) cj = NULL;
    struct qr_err err;
    (void)state;

    assert_int_equal(qr_cadjson_new(rec, "bracket.prt.3", &cj, &err), QR_OK);
    for (size_t i = QR_COUNT(answers); i-- > 0;)
        if (qr_cadjson_answer(cj, answers[i].command, answers[i].function, answers[i].data,
                              strlen(answers[i].data), &err) < 0)
            fail_msg("%s", err.msg);
    assert_int_equal(qr_cadjson_finish(cj, &err), QR_OK);
    json_t *json = qr_record_json(rec->msg);
    is_right(json);
    json_decref(json);
}

/* As a list of exchanges, as lines, within an export; with other models' and failed ones between.
 */
static void dumps(void **state)
{
    static const char *const begin[] = {"[", "", "{\"creoson\": ["},
                             *const between[] = {",\n", "\n", ","},
                             *const end[] = {"]", "\n", "]}"};
    (void)state;

    for (size_t form = 0; form < QR_COUNT(begin); form++) {
        char *text = test_malloc(16384), *at = text;
        at +=
            sprintf(at,
                    "%s{\"request\": {\"command\": \"file\", \"function\": \"massprops\", "
                    "\"data\": {\"file\": \"other.prt\"}},"
                    "\"response\": {\"status\": {\"error\": false}, \"data\": {\"volume\": 999}}}",
                    begin[form]);
        at += sprintf(at,
                      "%s{\"command\": \"bom\", \"function\": \"get_paths\", \"status\": "
                      "{\"error\": true, \"message\": \"no\"}, \"data\": {\"file\": 1}}",
                      between[form]);
        for (size_t i = 0; i < QR_COUNT(answers); i++)
            at += sprintf(at,
                          i % 2 ? "%s{\"request\": {\"sessionId\": \"1\", \"command\": \"%s\", "
                                  "\"function\": \"%s\", \"data\": {\"file\": \"BRACKET.PRT\"}}, "
                                  "\"response\": {\"status\": {\"error\": false}, \"data\": %s}}"
                                : "%s{\"command\": \"%s\", \"function\": \"%s\", \"data\": %s}",
                          between[form], answers[i].command, answers[i].function, answers[i].data);
        sprintf(at, "%s", end[form]);
        json_t *json = import_text(text, "bracket.prt");
        is_right(json);
        holds(json, "cad/family_table",
              "{\"columns\":[\"d1\",\"NAME\"],\"rows\":[{\"cells\":[\"12.5\",\"small\"],\"name\":"
              "\"BRACKET_S\"},{\"name\":\"BRACKET_L\"}]}");
        json_decref(json);
        test_free(text);
    }
}

/* A subassembly that stands twice, names behind children, transforms relative to the top. */
static void structure(void **state)
{
    static const char data[] =
        "{\"file\": \"top.asm\", \"has_simprep\": false, \"children\": {\"children\": ["
        "{\"seq_path\": \"1\", \"path\": [5], \"children\": [{\"file\": \"bolt.prt\", \"path\": "
        "[5, 1]}, {\"file\": \"bolt.prt\", \"path\": [5, 2],"
        "   \"transform\": {\"origin\": {\"x\": 10, \"y\": 1, \"z\": 0}, \"x_axis\": {\"x\": 0, "
        "\"y\": 1, \"z\": 0}, \"y_axis\": {\"x\": -1, \"y\": 0, \"z\": 0}, \"z_axis\": {\"x\": 0, "
        "\"y\": 0, \"z\": 1}}}],"
        "   \"transform\": {\"origin\": {\"x\": 10, \"y\": 0, \"z\": 0}, \"x_axis\": {\"x\": 0, "
        "\"y\": 1, \"z\": 0}, \"y_axis\": {\"x\": -1, \"y\": 0, \"z\": 0}, \"z_axis\": {\"x\": 0, "
        "\"y\": 0, \"z\": 1}, \"z_rot\": 90},"
        "   \"file\": \"sub.asm\"},"
        "{\"seq_path\": \"2\", \"path\": [6], \"file\": \"sub.asm\", \"children\": [{\"file\": "
        "\"bolt.prt\"}, {\"file\": \"bolt.prt\"}]},"
        "{\"file\": \"plate.prt\"}], \"file\": \"top.asm\"}}";
    QR_AUTO(qr_record) rec = qr_record_new(NULL);
    QR_AUTO(qr_cadjson) cj = NULL;
    struct qr_err err;
    (void)state;

    assert_int_equal(qr_cadjson_new(rec, "top.asm", &cj, &err), QR_OK);
    if (qr_cadjson_answer(cj, "bom", "get_paths", data, sizeof data - 1, &err) < 0)
        fail_msg("%s", err.msg);
    assert_int_equal(qr_cadjson_finish(cj, &err), QR_OK);
    json_t *json = qr_record_json(rec->msg);
    holds(json, "cad/assemblies/0/child", "\"bolt.prt\"");
    holds(json, "cad/assemblies/0/parent", "\"sub.asm\"");
    holds(json, "cad/assemblies/0/quantity",
          "2.0"); /* in one sub.asm, though it stands four times */
    holds(json, "cad/assemblies/0/occurrences/1/path", "\"5.2\"");
    holds(json, "cad/assemblies/0/occurrences/1/transform",
          "[1.0,0.0,0.0,1.0,0.0,1.0,0.0,0.0,0.0,0.0,1.0,0.0,0.0,0.0,0.0,1.0]");
    holds(json, "cad/assemblies/1",
          "{\"child\":\"plate.prt\",\"occurrences\":[{}],\"parent\":\"top.asm\",\"quantity\":1.0}");
    holds(json, "cad/assemblies/2/child", "\"sub.asm\"");
    holds(json, "cad/assemblies/2/quantity", "2.0");
    holds(json, "cad/assemblies/2/occurrences/0/transform",
          "[0.0,-1.0,0.0,10.0,1.0,0.0,0.0,0.0,0.0,0.0,1.0,0.0,0.0,0.0,0.0,1.0]");
    holds(json, "bom/2/part_number", "\"sub.asm\"");
    json_decref(json);
}

/* A drawing: sheets are told by the question. */
static void sheets_of_a_drawing(void **state)
{
    json_t *json = import_text(
        "[{\"command\": \"drawing\", \"function\": \"get_num_sheets\", \"data\": {\"num_sheets\": "
        "2}},"
        "{\"request\": {\"command\": \"drawing\", \"function\": \"get_sheet_size\", \"data\": "
        "{\"drawing\": \"box.drw\", \"sheet\": 2}}, \"response\": {\"data\": {\"size\": \"A3\"}}},"
        "{\"request\": {\"command\": \"drawing\", \"function\": \"get_sheet_scale\", \"data\": "
        "{\"drawing\": \"box.drw\", \"sheet\": 2}}, \"response\": {\"data\": {\"scale\": 0.5}}},"
        "{\"request\": {\"command\": \"drawing\", \"function\": \"get_sheet_format\", \"data\": "
        "{\"drawing\": \"box.drw\", \"sheet\": 2}}, \"response\": {\"data\": {\"file\": "
        "\"a3.frm\"}}},"
        "{\"request\": {\"command\": \"drawing\", \"function\": \"get_sheet_size\", \"data\": "
        "{\"drawing\": \"other.drw\", \"sheet\": 1}}, \"response\": {\"data\": {\"size\": "
        "\"A0\"}}},"
        "{\"request\": {\"command\": \"drawing\", \"function\": \"list_view_details\", \"data\": "
        "{\"drawing\": \"box.drw\"}}, \"response\": {\"data\": {\"views\": [{\"name\": "
        "\"V1\"}]}}}]",
        "box.drw");
    (void)state;

    holds(json, "metadata/sheets", "\"2\"");
    holds(json, "layouts",
          "[{\"format\":\"a3.frm\",\"name\":\"2\",\"scale\":\"0.5\",\"size\":\"A3\"}]");
    holds(json, "cad/details/creoson.drawing.list_view_details", "{\"views\":[{\"name\":\"V1\"}]}");
    json_decref(json);
}

static void bad_answers(void **state)
{
    QR_AUTO(qr_record) rec = qr_record_new(NULL);
    QR_AUTO(qr_cadjson) cj = NULL;
    struct qr_err err;
    (void)state;

    assert_int_equal(qr_cadjson_new(rec, "bracket.prt", &cj, &err), QR_OK);
    assert_int_equal(
        qr_cadjson_answer(cj, "file", "get_fileinfo", "{\"file\": \"x.prt\"}", 17, &err),
        QR_E_DATA);
    assert_string_equal(
        err.msg,
        "file get_fileinfo: /file: the answer is of 'x.prt', not of 'bracket.prt' (byte 16)");
    assert_int_equal(qr_cadjson_answer(cj, "file", "massprops", "garbage", 7, &err), QR_E_DATA);
    assert_int_equal(qr_cadjson_answer(cj, "file", "massprops", "", 0, &err), QR_E_DATA);
    assert_int_equal(
        qr_cadjson_answer(cj, "feature", "list", "{\"featlist\": [{\"feat_id\": []}]}", 30, &err),
        QR_E_DATA);
    assert_int_equal(
        qr_cadjson_answer(cj, "bom", "get_paths", "{\"children\": {\"children\": [{}]}}", 32, &err),
        QR_E_DATA);
    assert_int_equal(qr_cadjson_finish(cj, &err), QR_E_DATA);
    refuses("{\"data\": {}, \"command\": \"file\"}", "a",
            "/name: is missing: nothing says which model this is");
    refuses("{\"command\": \"file\", \"data\": {}}", "a",
            "/data: \"command\" and \"function\" are expected before the answer (byte 28)");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_one_by_one), cmocka_unit_test(dumps),
        cmocka_unit_test(structure),          cmocka_unit_test(sheets_of_a_drawing),
        cmocka_unit_test(bad_answers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

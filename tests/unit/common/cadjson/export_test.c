/* The documented export: every field comes where it belongs, in mm and kg. */
#include "tests/unit/common/cadjson/import_json.h"

static const char wheel[] =
    "{\"format\": \"quarry-cad\", \"version\": 1, \"name\": \"wheel.prt\", \"kind\": \"part\",\n"
    " \"revision\": 12, \"generic\": \"WHEEL_FAMILY\", \"accuracy\": 0.01,\n"
    " \"units\": {\"length\": \"inch\", \"mass\": \"lb\"},\n"
    " \"metadata\": {\"creator\": \"Creo 10\", \"saved\": \"2026-01-02\"},\n"
    " \"parameters\": [{\"name\": \"PART_NO\", \"value\": \"W-100\", \"type\": \"string\", "
    "\"owner\": \"wheel\"},\n"
    "                 {\"name\": \"WEIGHT\", \"value\": 1.50, \"unit\": \"lb\"}, {\"name\": "
    "\"PAINTED\", \"value\": true}],\n"
    " \"materials\": [{\"name\": \"STEEL\", \"density\": 0.283}, \"RUBBER\"],\n"
    " \"mass\": {\"volume\": 1, \"area\": 6, \"mass\": 0.283, \"density\": 0.283, \"centroid\": "
    "[1, 0, 0.5],\n"
    "          \"principal_moments\": [1, 2, 3]},\n"
    " \"dimensions\": [{\"name\": \"d1\", \"kind\": \"linear\", \"value\": 2, \"upper\": 0.1, "
    "\"lower\": -0.1},\n"
    "                 {\"name\": \"d2\", \"kind\": \"angle\", \"value\": 45},\n"
    "                 {\"kind\": \"diameter\", \"value\": 5, \"unit\": \"mm\"}],\n"
    " \"assemblies\": [{\"child\": \"BOLT.PRT\", \"occurrences\": [{\"path\": \"5\",\n"
    "      \"transform\": [1,0,0,1, 0,1,0,2, 0,0,1,3, 0,0,0,1]}, {\"path\": \"6\"}, "
    "{\"suppressed\": true}]}],\n"
    " \"features\": [{\"id\": 41, \"type\": \"hole\", \"parameters\": {\"diameter\": 2.5}},\n"
    "               {\"id\": \"42\", \"type\": \"round\", \"parameters\": [{\"name\": \"radius\", "
    "\"value\": \"1\"}]}],\n"
    " \"face_count\": 6, \"edge_count\": 12, \"surface_types\": {\"plane\": 6},\n"
    " \"bbox\": [0, 0, 0, 1, 2, 3], \"genome\": {\"faces\": 6, \"deep\": [[1, \"\\u00e9\"]]},\n"
    " \"point_cloud\": {\"count\": 2, \"xyz\": [[0, 0, 0], [1, 2, 3]], \"normals\": "
    "\"AAAAAAAAAAAAAIA/AAAAAAAAAAAAAIA/\"},\n"
    " \"embeddings\": [{\"type\": \"brepnet\", \"model\": \"v1\", \"values\": [0.5, -1]}],\n"
    " \"deepsdf_latent\": \"AACAPwAAAEA=\",\n"
    " \"views\": [{\"name\": \"iso\", \"width\": 2, \"height\": 1, \"media_type\": \"image/png\", "
    "\"image\": \"data:image/png;base64,aGk=\"}],\n"
    " \"relations\": [\"d1 = 2 * d2\", {\"owner\": \"wheel\", \"text\": \"x = 1\"}],\n"
    " \"family_table\": {\"columns\": [\"d1\", \"d2\"], \"rows\": [{\"name\": \"WHEEL_S\", "
    "\"cells\": [1, \"*\"]}]},\n"
    " \"colours\": [{\"owner\": \"body\", \"rgb\": [1, 0.5, 0], \"uses\": 6}],\n"
    " \"products\": [{\"id\": \"W-100\", \"name\": \"WHEEL\", \"root\": true}],\n"
    " \"layers\": [{\"name\": \"AXES\", \"status\": \"hidden\"}], \"sheets\": [{\"name\": \"1\", "
    "\"size\": \"A3\"}],\n"
    " \"notes\": [\"DEBURR\", {\"number\": \"2\", \"text\": \"PAINT\"}], \"links\": [{\"kind\": "
    "\"drawing\", \"target\": \"wheel.drw\"}],\n"
    " \"text\": \"WHEEL\", \"vault\": {\"state\": \"released\", \"by\": [\"Zo\\u00eb\", null, "
    "12345678901234567890]},\n"
    " \"lifecycle\": null}";

static void every_field(void **state)
{
    json_t *json = import_text(wheel, "WHEEL.PRT.12");
    (void)state;

    holds(json, "cad/name", "\"wheel.prt\"");
    holds(json, "cad/revision", "\"12\"");
    holds(json, "cad/generic", "\"WHEEL_FAMILY\"");
    holds(json, "cad/length_unit", "\"inch\"");
    holds(json, "cad/accuracy", "0.254");
    holds(json, "metadata", "{\"creator\":\"Creo 10\",\"saved\":\"2026-01-02\"}");
    holds(json, "parameters/0",
          "{\"name\":\"PART_NO\",\"owner\":\"wheel\",\"source\":\"export\",\"type\":\"string\","
          "\"value\":\"W-100\"}");
    holds(json, "parameters/1",
          "{\"name\":\"WEIGHT\",\"source\":\"export\",\"unit\":\"lb\",\"value\":\"1.50\"}");
    holds(json, "parameters/2/value", "\"true\"");
    holds(json, "materials/0/density", "7833.41303"); /* 0.283 lb/in3 */
    holds(json, "materials/1/name", "\"RUBBER\"");
    holds(json, "cad/mass/0/volume", "16387.064");
    holds(json, "cad/mass/0/area", "3870.96");
    holds(json, "cad/mass/0/mass", "0.128366641");
    holds(json, "cad/mass/0/density", "7833.41303");
    holds(json, "cad/mass/0/centroid", "[25.4,0.0,12.7]");
    holds(json, "cad/mass/0/principal_moments", "[292.639653,585.279307,877.91896]");
    holds(json, "cad/mass/0/source", "\"export\"");
    holds(json, "dimensions/0",
          "{\"handle\":\"d1\",\"kind\":\"linear\",\"lower\":-2.54,\"source\":\"export\",\"unit\":"
          "\"mm\",\"upper\":2.54,\"value\":50.8}");
    holds(json, "dimensions/1/unit", "\"deg\"");
    holds(json, "dimensions/1/value", "45.0");
    holds(json, "dimensions/2/value", "5.0"); /* has its own unit */
    holds(json, "cad/assemblies/0/parent", "\"wheel.prt\"");
    holds(json, "cad/assemblies/0/quantity", "2.0");
    holds(json, "cad/assemblies/0/occurrences/0/transform",
          "[1.0,0.0,0.0,25.4,0.0,1.0,0.0,50.8,0.0,0.0,1.0,76.2,0.0,0.0,0.0,1.0]");
    holds(json, "bom",
          "[{\"item\":\"1\",\"parent\":\"wheel.prt\",\"part_number\":\"BOLT.PRT\",\"quantity\":"
          "\"2\",\"source\":\"structure\"}]");
    holds(json, "cad/features/0",
          "{\"id\":\"41\",\"parameters\":{\"diameter\":\"2.5\"},\"type\":\"hole\"}");
    holds(json, "cad/features/1/parameters", "{\"radius\":\"1\"}");
    holds(json, "cad/face_count", "6");
    holds(json, "cad/surface_types", "{\"plane\":6}");
    holds(json, "cad/bbox", "[0.0,0.0,0.0,25.4,50.8,76.2]");
    holds(json, "cad/bbox_source", "\"export\"");
    holds(json, "cad/genome", "{\"deep\":[[1,\"é\"]],\"faces\":6}");
    holds(json, "cad/point_cloud", "{\"count\":2,\"normals\":true,\"source\":\"export\"}");
    holds(json, "cad/embeddings",
          "[{\"model\":\"v1\",\"type\":\"brepnet\",\"values\":[0.5,-1.0]},{\"type\":\"deepsdf\","
          "\"values\":[1.0,2.0]}]");
    holds(json, "cad/views/0/bytes", "2");
    holds(json, "cad/relations",
          "[{\"text\":\"d1 = 2 * d2\"},{\"owner\":\"wheel\",\"text\":\"x = 1\"}]");
    holds(
        json, "cad/family_table",
        "{\"columns\":[\"d1\",\"d2\"],\"rows\":[{\"cells\":[\"1\",\"*\"],\"name\":\"WHEEL_S\"}]}");
    holds(json, "cad/colours", "[{\"owner\":\"body\",\"rgb\":[1.0,0.5,0.0],\"uses\":6}]");
    holds(json, "cad/products/0/id", "\"W-100\"");
    holds(json, "layers", "[{\"name\":\"AXES\",\"status\":\"hidden\"}]");
    holds(json, "layouts", "[{\"name\":\"1\",\"size\":\"A3\"}]");
    holds(json, "drawing_notes", "[{\"text\":\"DEBURR\"},{\"number\":\"2\",\"text\":\"PAINT\"}]");
    holds(json, "links/0/target", "\"wheel.drw\"");
    holds(json, "text", "\"WHEEL\"");
    holds(json, "cad/details",
          "{\"vault\":{\"by\":[\"Zoë\",null,1.23456789e19],\"state\":\"released\"}}");
    json_decref(json);
}

static void what_is_not_given_is_absent(void **state)
{
    json_t *json = import_text("{\"name\": \"a\", \"mass\": {\"volume\": null}, \"genome\": null, "
                               "\"face_count\": null, \"point_cloud\": {},"
                               "\"embeddings\": [], \"parameters\": {\"N\": 3, \"M\": \"x\"}}",
                               "a.prt");
    (void)state;

    holds(json, "cad/genome", "nothing");
    holds(json, "cad/point_cloud", "nothing");
    holds(json, "cad/embeddings", "nothing");
    holds(json, "cad/face_count", "nothing");
    holds(json, "cad/mass/0", "{\"source\":\"export\"}");
    holds(json, "parameters/0", "{\"name\":\"N\",\"source\":\"export\",\"value\":\"3\"}");
    holds(json, "partial", "nothing");
    json_decref(json);
}

static void one_of_several(void **state)
{
    static const char *const documents[] = {
        "[{\"name\": \"a.prt\", \"face_count\": 1, \"x\": 1}, {\"name\": \"b.prt\", "
        "\"face_count\": 2}]",
        "{\"name\": \"a.prt\", \"face_count\": 1}\n{\"name\": \"b.prt\", \"face_count\": 2}\n",
        "{\"models\": [{\"face_count\": 1, \"name\": \"a.prt\"}, {\"name\": \"b.prt\", "
        "\"face_count\": 2}], \"version\": 1}",
    };
    (void)state;

    for (size_t i = 0; i < QR_COUNT(documents); i++) {
        json_t *json = import_text(documents[i], "b.prt");
        holds(json, "cad",
              "{\"edge_count\":0,\"face_count\":2,\"loop_count\":0,\"name\":\"b.prt\",\"shell_"
              "count\":0,\"solid_count\":0,\"vertex_count\":0}");
        json_decref(json);
        json = import_text(documents[i], "A.PRT.7");
        holds(json, "cad/face_count", "1");
        json_decref(json);
        json = import_text(documents[i], NULL);
        holds(json, "cad/name", "\"a.prt\"");
        json_decref(json);
    }
}

static void another_model(void **state)
{
    (void)state;
    refuses("{\"name\": \"wheel.prt\"}", "hub.prt",
            "/name: the export is of 'wheel.prt', not of 'hub.prt'");
    refuses("[{\"name\": \"a.prt\"}, {\"name\": \"b.prt\"}]", "c.prt",
            "/name: the export is of 'a.prt' and other models, not of 'c.prt'");
    refuses("{\"name\": \"wheel.asm\"}", "wheel.prt",
            "/name: the export is of 'wheel.asm', not of 'wheel.prt'");
}

static void names_of_models(void **state)
{
    (void)state;
    assert_true(qr_cadjson_same_model("WHEEL.PRT.3", "wheel.prt"));
    assert_true(qr_cadjson_same_model("wheel", "wheel.prt.12"));
    assert_true(qr_cadjson_same_model("C:\\parts\\wheel.prt", "/srv/wheel.prt.1"));
    assert_false(qr_cadjson_same_model("wheel.prt", "wheel.asm"));
    assert_false(qr_cadjson_same_model("wheel2.prt", "wheel.prt"));
    assert_false(qr_cadjson_same_model("", ""));
    assert_true(qr_cadjson_same_model("v1.2.prt.5", "v1.2.PRT"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_field),     cmocka_unit_test(what_is_not_given_is_absent),
        cmocka_unit_test(one_of_several),  cmocka_unit_test(another_model),
        cmocka_unit_test(names_of_models),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Run it: ctest --preset dev -R detect_test */
#include "common/filetype.h"
#include "tests/harness/test.h"
#include "worker/extract/table.h"

static struct qr_detected detect(const char *head, size_t len, const char *name, const char *type)
{
    struct qr_detected found;
    qr_detect((const uint8_t *)head, len, name, type, &found);
    return found;
}

static void content_and_name_decide(void **state)
{
    static const struct {
        const char *why;
        const char *head;
        size_t len;
        const char *name;
        const char *type;
        const char *want; /* NULL: unknown; "!": mislabelled */
    } cases[] = {
        {"both agree", "%PDF-1.7\n", 9, "a.pdf", "pdf", "pdf"},
        {"upper case extension", "%PDF-1.7\n", 9, "A.PDF", "", "pdf"},
        {"content alone", "%PDF-1.7\n", 9, "scan", "", "pdf"},
        {"name alone: garbage in front of the header", "xxxx", 4, "a.pdf", "", "pdf"},
        {"late header without a name", "\1\2\3 garbage %PDF-1.4", 20, "scan", "", "pdf"},
        {"a ZIP under the name of a PDF", "PK\x03\x04rest", 8, "a.pdf", "pdf", "!"},
        {"a PDF under the name of a DXF", "%PDF-1.7\n", 9, "a.dxf", "dxf", "!"},
        {"a PDF under the name of a text", "%PDF-1.7\n", 9, "a.txt", "text", "!"},
        {"a STEP file kept as text", "ISO-10303-21;\n", 14, "a.txt", "text", "text"},
        {"an office document is a ZIP", "PK\x03\x04rest", 8, "a.docx", "", "office"},
        {"a compressed IFC is a ZIP", "PK\x03\x04rest", 8, "a.ifczip", "ifc", "ifc"},
        {"STEP", "ISO-10303-21;\nFILE_SCHEMA(('AUTOMOTIVE_DESIGN'))", 49, "a.stp", "step", "step"},
        {"IFC by its schema", "ISO-10303-21;\nFILE_SCHEMA(('IFC4'))", 35, "model", "", "ifc"},
        {"IFC under the name of STEP", "ISO-10303-21;\nFILE_SCHEMA(('IFC4'))", 35, "a.stp", "",
         "!"},
        {"ASCII DXF", "  0\r\nSECTION\r\n", 14, "a", "", "dxf"},
        {"binary DXF", "AutoCAD Binary DXF\r\n\x1A\0", 22, "a.dxf", "dxf", "dxf"},
        {"DWG", "AC1027\0\0", 8, "a.dwg", "dwg", "dwg"},
        {"Creo with a version number", "#UGC:2 PART", 11, "wheel.prt.12", "cad", "cad"},
        {"PNG", "\x89PNG\r\n\x1A\n", 8, "a.png", "", "image"},
        {"the listed type where nothing else says anything", "hello", 5, "README", "text", "text"},
        {"unknown extension", "hello", 5, "a.xyz", "other", NULL},
        {"empty, with a name", "", 0, "a.pdf", "pdf", "pdf"},
        {"empty, without", "", 0, "a", "", NULL},
        {"a dot in a folder is no extension", "hello", 5, "v1.pdf/readme", "", NULL},
        {"nothing but an extension", "hello", 5, "/x/.pdf", "", "pdf"},
    };
    (void)state;

    for (size_t i = 0; i < QR_COUNT(cases); i++) {
        struct qr_detected found =
            detect(cases[i].head, cases[i].len, cases[i].name, cases[i].type);
        const char *got = found.mislabelled ? "!" : found.format ? found.format->type : NULL;
        if ((got == NULL) != (cases[i].want == NULL) || (got && strcmp(got, cases[i].want) != 0))
            fail_msg("%s: got %s", cases[i].why, got ? got : "nothing");
    }
}

static void extensions_are_taken_apart(void **state)
{
    static const struct {
        const char *name;
        const char *want;
    } cases[] = {
        {"a.PDF", "pdf"},
        {"a.tar.gz", "gz"},
        {"wheel.prt.12", "prt"},
        {"12", ""},
        {"a.", ""},
        {"dir.d/a", ""},
        {"a.12", ""},
        {".hidden", "hidden"},
        {"a.averylongextension", ""},
        {"/x/y.z/b.stp", "stp"},
    };
    char got[16];
    (void)state;

    for (size_t i = 0; i < QR_COUNT(cases); i++) {
        qr_extension_of(cases[i].name, got);
        assert_string_equal(got, cases[i].want);
    }
}

/* A listing gives a job its type by common/filetype.h, the worker by this table. */
static void the_table_agrees_with_the_listing(void **state)
{
    (void)state;
    for (const struct qr_format *format = qr_format_table; format->type; format++) {
        char words[256];
        char *rest = words;
        char *word;
        snprintf(words, sizeof words, "%s", format->extensions);
        while ((word = strtok_r(rest, " ", &rest)) != NULL) {
            char name[32];
            snprintf(name, sizeof name, "a.%s", word);
            const char *listed = qr_filetype_of_name(name);
            if (strcmp(listed, "other") != 0 && strcmp(listed, format->type) != 0)
                fail_msg(".%s is listed as %s and extracted as %s", word, listed, format->type);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(content_and_name_decide),
        cmocka_unit_test(extensions_are_taken_apart),
        cmocka_unit_test(the_table_agrees_with_the_listing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

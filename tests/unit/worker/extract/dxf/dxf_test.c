/* Run it: ctest --preset dev -R dxf_test
 * Whole drawings, small ones, from memory to their record. */
#include "tests/unit/worker/extract/dxf/dxf_fixture.h"

#include <fcntl.h>
#include <math.h>
#include <sys/mman.h>
#include <unistd.h>

static const Quarry__V1__ExtractionRecord *read_bytes(struct dxf_fixture *fixture, const void *data,
                                                      size_t len)
{
    return dxf_fixture_read(fixture, "", data, len);
}

static const Quarry__V1__ExtractionRecord *read_text(struct dxf_fixture *fixture, const char *text)
{
    return read_bytes(fixture, text, strlen(text));
}

static uint64_t count_in(Quarry__V1__Count *const *counts, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(counts[i]->name, name) == 0)
            return counts[i]->count;
    return 0;
}

static uint64_t model(const Quarry__V1__ExtractionRecord *msg, const char *name)
{
    return count_in(msg->entities, msg->n_entities, name);
}

static uint64_t paper(const Quarry__V1__ExtractionRecord *msg, const char *name)
{
    return count_in(msg->paper_entities, msg->n_paper_entities, name);
}

static const char *meta(const struct dxf_fixture *fixture, const char *key)
{
    const char *value = qr_record_find_meta(fixture->rec, key);
    return value ? value : "";
}

/* Groups parted by blanks and written as "code=value;", to keep the drawings readable. */
static const Quarry__V1__ExtractionRecord *read_groups(struct dxf_fixture *fixture,
                                                       const char *groups, const char *line_end)
{
    struct qr_buf file;

    qr_buf_init(&file, 1 << 20);
    for (const char *at = groups; *at;) {
        const char *equals = strchr(at, '=');
        const char *stop = strchr(equals, ';');
        qr_buf_append(&file, at, (size_t)(equals - at));
        qr_buf_append_str(&file, line_end);
        qr_buf_append(&file, equals + 1, (size_t)(stop - equals - 1));
        qr_buf_append_str(&file, line_end);
        at = stop + 1;
    }
    const Quarry__V1__ExtractionRecord *msg = read_bytes(fixture, file.data, file.len);
    qr_buf_done(&file);
    return msg;
}

#define ENTITIES "0=SECTION;2=ENTITIES;"
#define END "0=ENDSEC;0=EOF;"

static void counts_by_space(void **state)
{
    static const char *const line_ends[] = {"\n", "\r\n", "\r"};

    for (size_t i = 0; i < QR_COUNT(line_ends); i++) {
        const Quarry__V1__ExtractionRecord *msg = read_groups(
            *state,
            ENTITIES "0=LINE;8=0;10=1;0=LINE;67=1;0=CIRCLE;67=     0;40=1;0=POLYLINE;66=1;0=VERTEX;"
                     "10=0;0=VERTEX;0=SEQEND;0=INSERT;2=B;66=1;0=ATTRIB;2=T;1=v;0=SEQEND;" END,
            line_ends[i]);
        assert_null(msg->error);
        assert_int_equal(model(msg, "LINE"), 1);
        assert_int_equal(paper(msg, "LINE"), 1);
        assert_int_equal(model(msg, "CIRCLE"), 1);
        assert_int_equal(model(msg, "POLYLINE"), 1);
        assert_int_equal(model(msg, "VERTEX"), 0);
        assert_int_equal(model(msg, "SEQEND"), 0);
        assert_int_equal(model(msg, "INSERT"), 1);
        assert_int_equal(model(msg, "ATTRIB"), 1);
        assert_int_equal(msg->n_notes, 0);
        assert_false(msg->partial);
    }
}

static void keeps_layers_blocks_and_xrefs(void **state)
{
    const Quarry__V1__ExtractionRecord *msg = read_groups(
        *state,
        "0=SECTION;2=TABLES;0=TABLE;2=LAYER;70=2;0=LAYER;2=Walls;70=5;62=-3;6=DASHED;0=LAYER;2=0;"
        "0=ENDTAB;0=ENDSEC;0=SECTION;2=BLOCKS;0=BLOCK;2=B1;70=2;10=1.5;20=2;4=a bolt;0=LINE;0="
        "ENDBLK;0=BLOCK;2=X;70=4;1=..\\site.dwg;0=ENDBLK;0=ENDSEC;" ENTITIES END,
        "\n");
    assert_int_equal(msg->n_layers, 2);
    assert_string_equal(msg->layers[0]->name, "Walls");
    assert_int_equal(msg->n_blocks, 2);
    assert_string_equal(msg->blocks[0]->name, "B1");
    assert_int_equal(msg->n_links, 1);
    assert_string_equal(msg->links[0]->kind, "xref");
    assert_string_equal(msg->links[0]->target, "..\\site.dwg");
    assert_int_equal(model(msg, "LINE"), 0);
    assert_string_equal(msg->empty_reason, "the drawing has no entities");
}

static void shows_text_of_inserted_blocks_in_reading_order(void **state)
{
    const Quarry__V1__ExtractionRecord *msg = read_groups(
        *state,
        "0=SECTION;2=BLOCKS;0=BLOCK;2=b1;0=TEXT;10=0;20=0;40=1;1=inside;0=ENDBLK;0=BLOCK;2="
        "UNUSED;0=TEXT;10=0;20=0;40=1;1=never;0=ENDBLK;0=ENDSEC;" ENTITIES
        "0=TEXT;10=0;20=0;40=1;1=below;0=INSERT;2=B1;10=0;20=50;0=TEXT;10=20;20=50;40=1;1=right;"
        "0=MTEXT;10=0;20=100;40=2;1=top\\Pnext;" END,
        "\n");
    assert_int_equal(msg->n_pages, 1);
    assert_string_equal(msg->pages[0]->label, "Model");
    assert_string_equal(msg->pages[0]->text, "top\nnext\ninside\tright\nbelow\n");
    assert_int_equal(msg->n_spans, 5);
}

static void places_texts_by_their_alignment(void **state)
{
    static const struct {
        const char *why;
        const char *groups;
        double box[4]; /* letters "0000" are 4 x 0.78 heights long */
    } cases[] = {
        {"base line", "0=TEXT;10=1;20=2;40=10;1=0000;", {1, 2, 32.2, 12}},
        {"right", "0=TEXT;10=1;20=2;11=50;21=3;72=2;40=10;1=0000;", {18.8, 3, 50, 13}},
        {"middle", "0=TEXT;10=1;20=2;11=50;21=3;72=4;40=10;1=0000;", {34.4, -2, 65.6, 8}},
        {"top centre", "0=TEXT;10=1;20=2;11=50;21=3;72=1;73=3;40=10;1=0000;", {34.4, -7, 65.6, 3}},
        {"upwards", "0=TEXT;10=1;20=2;50=90;40=10;1=0000;", {-9, 2, 1, 33.2}},
        {"fitted", "0=TEXT;10=0;20=0;11=30;21=0;72=5;40=10;1=0000;", {0, 0, 30, 10}},
        {"from behind", "0=TEXT;10=1;20=2;40=10;230=-1;1=0000;", {-32.2, 2, -1, 12}},
        {"block, upper left", "0=MTEXT;10=1;20=2;71=1;40=10;1=0000;", {1, -8, 32.2, 2}},
        {"block, lower right", "0=MTEXT;10=1;20=2;71=9;40=10;1=0000;", {-30.2, 2, 1, 12}},
        {"block by direction", "0=MTEXT;10=1;20=2;71=7;11=0;21=1;40=10;1=0000;", {-9, 2, 1, 33.2}},
        {"wrapped", "0=MTEXT;10=0;20=0;71=1;40=10;41=40;44=0.6;1=0000 0000;", {0, -20, 40, 0}},
        {"inserted from behind", "0=INSERT;2=B;10=100;20=0;41=-1;", {68.8, 0, 100, 10}},
        {"inserted", "0=INSERT;2=B;10=100;20=0;41=2;42=2;50=90;", {80, 0, 100, 62.4}},
    };
    for (size_t i = 0; i < QR_COUNT(cases); i++) {
        struct qr_buf groups;
        qr_buf_init(&groups, 4096);
        qr_buf_printf(&groups,
                      "0=SECTION;2=BLOCKS;0=BLOCK;2=B;10=5;20=5;0=TEXT;10=5;20=5;40=10;1=0000;0="
                      "ENDBLK;0=ENDSEC;" ENTITIES "%s" END,
                      cases[i].groups);
        const Quarry__V1__ExtractionRecord *msg =
            read_groups(*state, (const char *)groups.data, "\n");
        qr_buf_done(&groups);
        assert_int_equal(msg->n_spans, 1);
        const Quarry__V1__Box *box = msg->spans[0]->box;
        const double got[4] = {box->x0, box->y0, box->x1, box->y1};
        for (int k = 0; k < 4; k++)
            if (fabs(got[k] - cases[i].box[k]) > 0.001)
                fail_msg("%s: %g %g %g %g", cases[i].why, got[0], got[1], got[2], got[3]);
    }
}

static void multiplies_arrays_and_stops_at_cycles(void **state)
{
    const Quarry__V1__ExtractionRecord *msg =
        read_groups(*state,
                    "0=SECTION;2=BLOCKS;0=BLOCK;2=A;0=TEXT;10=0;20=0;40=1;1=x;0=INSERT;2=A;0="
                    "ENDBLK;0=ENDSEC;" ENTITIES "0=INSERT;2=A;70=3;71=2;44=10;45=10;" END,
                    "\n");
    assert_string_equal(msg->pages[0]->text, "x\tx\tx\nx\tx\tx\n");
    assert_non_null(note_of(msg, "dxf.block.cycle"));
    assert_int_equal(model(msg, "INSERT"), 1);
}

static void bounds_nested_arrays(void **state)
{
    struct qr_buf groups;

    qr_buf_init(&groups, 1 << 20);
    qr_buf_append_str(&groups, "0=SECTION;2=BLOCKS;0=BLOCK;2=B0;0=TEXT;40=1;1=x;0=ENDBLK;");
    for (int i = 1; i < 20; i++)
        qr_buf_printf(&groups, "0=BLOCK;2=B%d;0=INSERT;2=B%d;70=1000;71=1000;0=ENDBLK;", i, i - 1);
    qr_buf_append_str(&groups, "0=ENDSEC;" ENTITIES "0=INSERT;2=B19;" END);
    const Quarry__V1__ExtractionRecord *msg = read_groups(*state, (const char *)groups.data, "\n");
    qr_buf_done(&groups);
    assert_null(msg->error);
    assert_true(msg->partial);
    assert_true(note_of(msg, "dxf.expand.capped") || note_of(msg, "dxf.texts.capped"));
}

static void decodes_code_pages(void **state)
{
    static const struct {
        const char *why;
        const char *version;
        const char *page;
        const char *bytes;
        const char *want;
    } cases[] = {
        {"the page it names", "AC1015", "ANSI_1251", "\xC4\xE0", "Да"},
        {"case and spelling", "AC1009", "dos850", "\x81", "ü"},
        {"two bytes", "AC1009", "ansi_932", "\x90\x7D\x96\xCA", "図面"},
        {"Chinese", "AC1015", "ANSI_936", "\xB2\xC4\xC1\xCF", "材料"},
        {"Korean", "AC1015", "ANSI_949", "\xB5\xB5\xB8\xE9", "도면"},
        {"UTF-8 in spite of its header", "AC1015", "ANSI_1252", "\xC3\xA4", "ä"},
        {"not UTF-8 in spite of its version", "AC1027", "ANSI_1252", "\xE4", "ä"},
        {"an unknown name", "AC1015", "KLINGON", "\xE4", "ä"},
        {"no name", "AC1015", "", "\xE4", "ä"},
        {"escapes", "AC1015", "ANSI_1252", "\\U+2205 %%c", "∅ Ø"},
    };
    for (size_t i = 0; i < QR_COUNT(cases); i++) {
        struct qr_buf file;
        qr_buf_init(&file, 4096);
        qr_buf_printf(&file,
                      "0\nSECTION\n2\nHEADER\n9\n$ACADVER\n1\n%s\n9\n$DWGCODEPAGE\n3\n%s\n0\n"
                      "ENDSEC\n0\nSECTION\n2\nENTITIES\n0\nTEXT\n10\n0\n40\n1\n1\n%s\n0\nENDSEC\n"
                      "0\nEOF\n",
                      cases[i].version, cases[i].page, cases[i].bytes);
        const Quarry__V1__ExtractionRecord *msg = read_bytes(*state, file.data, file.len);
        qr_buf_done(&file);
        assert_int_equal(msg->n_pages, 1);
        char got[64];
        snprintf(got, sizeof got, "%.*s", (int)strcspn(msg->pages[0]->text, "\n"),
                 msg->pages[0]->text);
        if (strcmp(got, cases[i].want) != 0)
            fail_msg("%s: \"%s\" instead of \"%s\"", cases[i].why, got, cases[i].want);
    }
}

static void takes_the_encoding_it_is_told(void **state)
{
    static const char text[] =
        "0\nSECTION\n2\nHEADER\n9\n$DWGCODEPAGE\n3\nANSI_1252\n0\nENDSEC\n0\n"
        "SECTION\n2\nENTITIES\n0\nTEXT\n40\n1\n1\n\xC4\xE0\n0\nENDSEC\n0\nEOF\n";
    const Quarry__V1__ExtractionRecord *msg =
        dxf_fixture_read(*state, "ansi_1251", text, sizeof text - 1);
    assert_string_equal(msg->pages[0]->text, "Да\n");
    assert_string_equal(msg->encoding, "windows-1251");
    msg = dxf_fixture_read(*state, "", text, sizeof text - 1);
    assert_string_equal(msg->pages[0]->text, "Äà\n");
}

static void reads_header_values(void **state)
{
    const Quarry__V1__ExtractionRecord *msg = read_groups(
        *state,
        "0=SECTION;2=HEADER;9=$ACADVER;1=AC1018;9=$INSUNITS;70=0;9=$MEASUREMENT;70=1;9=$TDCREATE;"
        "40=2451544.91568287;9=$EXTMIN;10=1;20=2;30=0;9=$EXTMAX;10=3.5;20=4;30=0;9=$LIMMIN;10=1e20;"
        "20=1e20;9=$LIMMAX;10=-1e20;20=-1e20;9=$CUSTOMPROPERTYTAG;1=Part Number;9="
        "$CUSTOMPROPERTY;1=4711;9=$CUSTOMPROPERTYTAG;1=Empty;9=$LASTSAVEDBY;1=me;0=ENDSEC;" ENTITIES
            END,
        "\n");
    const struct dxf_fixture *fixture = *state;
    assert_string_equal(meta(fixture, "acadver"), "AC1018");
    assert_string_equal(meta(fixture, "release"), "2004");
    assert_string_equal(meta(fixture, "insunits_name"), "unitless");
    assert_string_equal(meta(fixture, "units"), "mm");
    assert_string_equal(meta(fixture, "units_guessed"), "measurement");
    assert_string_equal(meta(fixture, "created"), "1999-12-31T21:58:35");
    assert_string_equal(meta(fixture, "extents"), "1 2 3.5 4");
    assert_string_equal(meta(fixture, "limits"), "");
    assert_string_equal(meta(fixture, "last_saved_by"), "me");
    assert_int_equal(msg->n_parameters, 1);
    assert_string_equal(msg->parameters[0]->set, "custom");
    assert_string_equal(msg->parameters[0]->name, "Part Number");
    assert_string_equal(msg->parameters[0]->value, "4711");
}

static void repairs_and_says_so(void **state)
{
    static const struct {
        const char *why;
        const char *text;
        const char *note;
        uint64_t lines;
    } cases[] = {
        {"no EOF", "0\nSECTION\n2\nENTITIES\n0\nLINE\n8\n0\n0\nENDSEC\n", "dxf.eof.missing", 1},
        {"cut within a group", "0\nSECTION\n2\nENTITIES\n0\nLINE\n8\n", "dxf.eof.missing", 1},
        {"something behind EOF",
         "0\nSECTION\n2\nENTITIES\n0\nLINE\n8\n0\n0\nENDSEC\n0\nEOF\nmore\n", "dxf.eof.trailing",
         1},
        {"a code that is no number",
         "0\nSECTION\n2\nENTITIES\n0\nLINE\nxyz\nvalue\n8\n0\n0\nLINE\n8\n0\n0\nENDSEC\n0\nEOF\n",
         "dxf.code.bad", 2},
        {"a line too many",
         "0\nSECTION\n2\nENTITIES\n0\nLINE\n8\n0\nstray "
         "line\n10\n1.5\n0\nLINE\n8\n0\n0\nENDSEC\n0\n"
         "EOF\n",
         "dxf.code.bad", 2},
        {"a section that nobody knows",
         "0\nSECTION\n2\nNEWS\n0\nX\n0\nENDSEC\n0\nSECTION\n2\n"
         "ENTITIES\n0\nLINE\n0\nENDSEC\n0\nEOF\n",
         "dxf.section.unknown", 1},
        {"entities in no section", "0\nARC\n8\n0\n0\nLINE\n0\nFOO\n0\nENDSEC\n0\nEOF\n",
         "dxf.section.lost", 1},
        {"objects in the section of entities",
         "0\nSECTION\n2\nENTITIES\n0\nLINE\n0\nDICTIONARY\n5\nC\n0\nLINE\n0\nENDSEC\n0\nEOF\n",
         "dxf.section.lost", 1},
        {"ENDSEC without SECTION",
         "0\nENDSEC\n0\nSECTION\n2\nENTITIES\n0\nLINE\n0\nENDSEC\n0\nEOF\n", "dxf.endsec.stray", 1},
        {"SECTION without ENDSEC",
         "0\nSECTION\n2\nTABLES\n0\nSECTION\n2\nENTITIES\n0\nLINE\n0\n"
         "ENDSEC\n0\nEOF\n",
         "dxf.endsec.missing", 1},
    };
    for (size_t i = 0; i < QR_COUNT(cases); i++) {
        const Quarry__V1__ExtractionRecord *msg = read_text(*state, cases[i].text);
        if (!note_of(msg, cases[i].note))
            fail_msg("%s: no note %s", cases[i].why, cases[i].note);
        if (model(msg, "LINE") != cases[i].lines)
            fail_msg("%s: %d lines", cases[i].why, (int)model(msg, "LINE"));
    }
}

static void says_what_is_no_drawing(void **state)
{
    const Quarry__V1__ExtractionRecord *msg = read_text(*state, "Dear Sir,\nno drawing at all.\n");
    assert_int_equal(msg->error->class_, QUARRY__V1__ERROR_CLASS__ERROR_CLASS_INVALID_INPUT);
    msg = read_bytes(*state, "", 0);
    assert_null(msg->error);
    assert_string_equal(msg->empty_reason, "the file is empty");
}

static void reads_binary(void **state)
{
    static const char r12[] = "AutoCAD Binary DXF\r\n\x1a\0"
                              "\0SECTION\0\2ENTITIES\0\0TEXT\0\x0a\0\0\0\0\0\0\xf0\x3f"
                              "\x28\0\0\0\0\0\0\xf0\x3f\1hello\0\xff\xe9\x03"
                              "APP\0\0ENDSEC\0\0EOF";
    static const char later[] = "AutoCAD Binary DXF\r\n\x1a\0"
                                "\0\0SECTION\0\2\0ENTITIES\0\0\0TEXT\0\x0a\0\0\0\0\0\0\0\xf0\x3f"
                                "\x28\0\0\0\0\0\0\0\xf0\x3f\1\0hello\0\x43\0\1\0\x36\1\2ab"
                                "\0\0ENDSEC\0\0\0EOF";
    const Quarry__V1__ExtractionRecord *msg = read_bytes(*state, r12, sizeof r12);
    assert_null(msg->error);
    assert_int_equal(model(msg, "TEXT"), 1);
    assert_string_equal(msg->pages[0]->text, "hello\n");
    assert_int_equal(msg->n_notes, 0);
    msg = read_bytes(*state, later, sizeof later);
    assert_int_equal(paper(msg, "TEXT"), 1);
    assert_string_equal(msg->pages[0]->text, "hello\n");
    assert_string_equal(msg->pages[0]->label, "Paper");
    for (size_t len = 23; len < sizeof later; len++) /* cut anywhere: never more than missing */
        read_bytes(*state, later, len);
}

static void names_layouts(void **state)
{
    const Quarry__V1__ExtractionRecord *msg = read_groups(
        *state,
        "0=SECTION;2=TABLES;0=BLOCK_RECORD;5=1F;2=*Model_Space;0=BLOCK_RECORD;5=20;2=*Paper_Space;"
        "0=BLOCK_RECORD;5=21;2=*Paper_Space0;0=ENDSEC;0=SECTION;2=BLOCKS;0=BLOCK;2=*Paper_Space0;0="
        "TEXT;40=1;1=second;0=ENDBLK;0=ENDSEC;" ENTITIES "0=TEXT;40=1;67=1;1=first;0=TEXT;40=1;1="
        "model;0=ENDSEC;0=SECTION;2=OBJECTS;0=LAYOUT;5=A;100=AcDbPlotSettings;1=;4=ISO_A3;44=420;"
        "45=297;72=1;142=1;143=2;100=AcDbLayout;1=Sheet 2;71=2;330=21;0=LAYOUT;100=AcDbLayout;1="
        "Sheet "
        "1;71=1;10=0;20=0;11=420;21=297;14=1e20;24=1e20;15=-1e20;25=-1e20;330=20;0=LAYOUT;100="
        "AcDbLayout;1=Model;71=0;330=1F;" END,
        "\n");
    assert_int_equal(msg->n_pages, 3);
    assert_string_equal(msg->pages[0]->label, "Model");
    assert_string_equal(msg->pages[1]->label, "Sheet 1");
    assert_string_equal(msg->pages[1]->text, "first\n");
    assert_string_equal(msg->pages[2]->label, "Sheet 2");
    assert_true(msg->pages[2]->width_pt > 1190 && msg->pages[2]->width_pt < 1191);
    assert_int_equal(paper(msg, "TEXT"), 2);
    assert_int_equal(msg->n_layouts, 3);
}

static void names_the_class_of_proxies(void **state)
{
    const Quarry__V1__ExtractionRecord *msg = read_groups(
        *state,
        "0=SECTION;2=CLASSES;0=CLASS;1=FIRST;0=CLASS;1=AECC_PIPE;2=AeccPipe;0=ENDSEC;" ENTITIES
        "0=ACAD_PROXY_ENTITY;90=498;91=501;0=ACAD_PROXY_ENTITY;91=9999;" END,
        "\n");
    assert_int_equal(model(msg, "ACAD_PROXY_ENTITY"), 2);
    assert_int_equal(note_of(msg, "dxf.proxy")->count, 2);
    assert_non_null(strstr(note_of(msg, "dxf.proxy")->message, "AECC_PIPE"));
}

static void makes_parameters_of_attributes(void **state)
{
    const Quarry__V1__ExtractionRecord *msg = read_groups(
        *state,
        ENTITIES "0=INSERT;2=TITLE;66=1;0=ATTRIB;5=2F;2=DWG_NO;1=A-4711;10=5;20=6;40=2;0=ATTRIB;2="
                 "HIDDEN;70=1;1=secret;0=SEQEND;" END,
        "\n");
    assert_int_equal(msg->n_parameters, 2);
    assert_string_equal(msg->parameters[0]->set, "attributes");
    assert_string_equal(msg->parameters[0]->name, "DWG_NO");
    assert_string_equal(msg->parameters[0]->value, "A-4711");
    assert_string_equal(msg->parameters[0]->owner, "TITLE");
    assert_string_equal(msg->parameters[0]->handle, "2F");
    assert_non_null(msg->parameters[0]->place);
    assert_true(msg->parameters[0]->place->box->x0 == 5);
    assert_true(msg->parameters[0]->place->box->y0 == 6);
    assert_string_equal(msg->parameters[1]->value, "secret");
    assert_string_equal(msg->pages[0]->text, "A-4711\n"); /* what is drawn */
}

static void knows_where_attributes_of_dynamic_blocks_belong(void **state)
{
    const Quarry__V1__ExtractionRecord *msg = read_groups(
        *state,
        "0=SECTION;2=TABLES;0=BLOCK_RECORD;5=A1;2=VALVE;0=BLOCK_RECORD;5=A2;2=*U7;1001="
        "AcDbBlockRepBTag;1070=1;1005=A1;0=ENDSEC;0=SECTION;2=BLOCKS;0=BLOCK;2=*U7;70=3;0=ATTDEF;2="
        "KIND;70=2;1=ball;40=1;0=ATTDEF;2=NO;70=0;1=default;40=1;0=ENDBLK;0=ENDSEC;" ENTITIES
        "0=INSERT;2=*U7;66=1;0=ATTRIB;2=NO;1=V12;40=1;20=9;0=SEQEND;" END,
        "\n");
    assert_int_equal(msg->n_parameters, 2);
    assert_string_equal(msg->parameters[0]->name, "KIND"); /* constant: it has no ATTRIB */
    assert_string_equal(msg->parameters[0]->owner, "VALVE");
    assert_string_equal(msg->parameters[1]->owner, "VALVE");
    assert_string_equal(msg->blocks[0]->name, "*U7");
    assert_string_equal(msg->pages[0]->text, "V12\nball\n");
}

static void reads_properties_viewports_and_files(void **state)
{
    const Quarry__V1__ExtractionRecord *msg = read_groups(
        *state,
        "0=SECTION;2=TABLES;0=BLOCK_RECORD;5=20;2=*Paper_Space;0=ENDSEC;" ENTITIES
        "0=VIEWPORT;67=1;69=1;40=400;41=300;45=300;0=VIEWPORT;67=1;69=2;40=200;41=100;45=50;0="
        "TEXT;60=1;1=unseen;40=1;0=ENDSEC;0=SECTION;2=OBJECTS;0=DICTIONARY;5=1;3=DWGPROPS;350=2;3="
        "NOTES;360=3;0=XRECORD;5=2;1=DWGPROPS COOKIE;2=Pump;300=Customer=ACME;301==;0=XRECORD;5=3;"
        "1=hello;70=1;0=XRECORD;5=99;1=of nobody;0=IMAGEDEF;1=C:\\\\logo.png;0=PDFDEFINITION;1="
        "plan.pdf;2=1;0=LAYOUT;100=AcDbLayout;1=A3;71=1;330=20;" END,
        "\n");
    const struct dxf_fixture *fixture = *state;
    assert_string_equal(meta(fixture, "title"), "Pump");
    assert_int_equal(msg->n_parameters, 2);
    assert_string_equal(msg->parameters[0]->set, "custom");
    assert_string_equal(msg->parameters[0]->name, "Customer");
    assert_string_equal(msg->parameters[0]->value, "ACME");
    assert_string_equal(msg->parameters[1]->set, "xrecord");
    assert_string_equal(msg->parameters[1]->name, "NOTES");
    assert_int_equal(msg->n_links, 2);
    assert_string_equal(msg->links[1]->kind, "underlay");
    assert_int_equal(msg->n_pages, 0);
    assert_int_equal(msg->n_layouts, 1);
    const Quarry__V1__NamedObject *layout = msg->layouts[0];
    assert_string_equal(layout->properties[layout->n_properties - 2]->key, "viewports");
    assert_string_equal(layout->properties[layout->n_properties - 2]->value, "1");
    assert_string_equal(layout->properties[layout->n_properties - 1]->key, "viewport_scale");
    assert_string_equal(layout->properties[layout->n_properties - 1]->value, "2");
}

static void reads_utf16(void **state)
{
    static const char text[] = "0\nSECTION\n2\nENTITIES\n0\nTEXT\n40\n1\n1\nx\n0\nENDSEC\n0\nEOF\n";
    char wide[2 * sizeof text + 2] = "\xFF\xFE";

    for (size_t i = 0; i < sizeof text - 1; i++) {
        wide[2 + 2 * i] = text[i];
        wide[3 + 2 * i] = '\0';
    }
    const Quarry__V1__ExtractionRecord *msg = read_bytes(*state, wide, 2 * sizeof text);
    assert_string_equal(msg->pages[0]->text, "x\n");
    assert_non_null(note_of(msg, "dxf.encoding.utf16"));
}

/* A drawing larger than what is read into memory. */
static int large_file(size_t bytes)
{
    static const char head[] = "0\nSECTION\n2\nENTITIES\n";
    char block[8192];
    size_t n = 0;

    while (n + 15 <= sizeof block) /* "0\nLINE\n8\n0\n" */
        n += (size_t)snprintf(block + n, sizeof block - n, "0\nLINE\n8\n0\n");
    int fd = memfd_create("drawing", MFD_CLOEXEC);
    assert_true(fd >= 0);
    assert_true(write(fd, head, sizeof head - 1) == (ssize_t)sizeof head - 1);
    for (size_t have = 0; have < bytes; have += n)
        assert_true(write(fd, block, n) == (ssize_t)n);
    assert_true(write(fd, "0\nENDSEC\n0\nEOF\n", 15) == 15);
    return fd;
}

static void shorten(void *arg, const struct qr_extract_progress *progress)
{
    (void)progress;
    assert_return_code(ftruncate(*(int *)arg, 6 << 20), 0);
}

static void maps_large_files_and_survives_their_end(void **state)
{
    struct qr_engine engine;
    struct qr_err err = {0};
    struct dxf_fixture *fixture = *state;

    assert_int_equal(qr_engine_init(&engine, (size_t)64 << 20, &err), QR_OK);
    int fd = large_file(20 << 20);
    struct qr_extract_job job = {.fd = fd, .name = "a.dxf", .type = "", .max_file_bytes = 1 << 30};
    qr_record_reset(fixture->rec);
    qr_extract_file(&engine, &job, fixture->rec);
    assert_null(fixture->rec->msg->error);
    assert_true(model(fixture->rec->msg, "LINE") > 1000000);
    assert_int_equal(fixture->rec->msg->n_notes, 0);

    job.progress = shorten; /* the first time that it is told about progress */
    job.progress_arg = &fd;
    qr_record_reset(fixture->rec);
    qr_extract_file(&engine, &job, fixture->rec);
    assert_non_null(fixture->rec->msg->error);
    assert_int_equal(fixture->rec->msg->error->class_,
                     QUARRY__V1__ERROR_CLASS__ERROR_CLASS_CONNECTION);
    close(fd);
    qr_engine_done(&engine);
}

/* Made-up types use up the table of types: those that we read must be read all the same. */
static void reads_known_types_behind_made_up_ones(void **state)
{
    struct qr_buf file;

    qr_buf_init(&file, 1 << 20);
    qr_buf_append_str(&file, "  0\nSECTION\n  2\nENTITIES\n");
    for (int i = 0; i < 1000; i++) {
        char entity[64];
        int len = snprintf(entity, sizeof entity, "  0\nMADE_UP_%d\n  8\n0\n", i);
        qr_buf_append(&file, entity, (size_t)len);
    }
    qr_buf_append_str(&file, "  0\nTEXT\n 10\n0.0\n 20\n0.0\n 40\n5.0\n  1\nstill read\n"
                             "  0\nENDSEC\n  0\nEOF\n");
    const Quarry__V1__ExtractionRecord *msg = read_bytes(*state, file.data, file.len);
    qr_buf_done(&file);
    assert_int_equal(model(msg, "TEXT"), 1);
    assert_int_equal(msg->n_pages, 1);
    assert_non_null(strstr(msg->pages[0]->text, "still read"));
    assert_non_null(note_of(msg, "dxf.kinds.capped"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(counts_by_space, set_up, tear_down),
        cmocka_unit_test_setup_teardown(reads_known_types_behind_made_up_ones, set_up, tear_down),
        cmocka_unit_test_setup_teardown(keeps_layers_blocks_and_xrefs, set_up, tear_down),
        cmocka_unit_test_setup_teardown(shows_text_of_inserted_blocks_in_reading_order, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(places_texts_by_their_alignment, set_up, tear_down),
        cmocka_unit_test_setup_teardown(multiplies_arrays_and_stops_at_cycles, set_up, tear_down),
        cmocka_unit_test_setup_teardown(bounds_nested_arrays, set_up, tear_down),
        cmocka_unit_test_setup_teardown(decodes_code_pages, set_up, tear_down),
        cmocka_unit_test_setup_teardown(takes_the_encoding_it_is_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(reads_header_values, set_up, tear_down),
        cmocka_unit_test_setup_teardown(repairs_and_says_so, set_up, tear_down),
        cmocka_unit_test_setup_teardown(says_what_is_no_drawing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(reads_binary, set_up, tear_down),
        cmocka_unit_test_setup_teardown(names_layouts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(names_the_class_of_proxies, set_up, tear_down),
        cmocka_unit_test_setup_teardown(makes_parameters_of_attributes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(knows_where_attributes_of_dynamic_blocks_belong, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(reads_properties_viewports_and_files, set_up, tear_down),
        cmocka_unit_test_setup_teardown(reads_utf16, set_up, tear_down),
        cmocka_unit_test_setup_teardown(maps_large_files_and_survives_their_end, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

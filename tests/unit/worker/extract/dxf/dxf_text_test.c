/* One-line texts and MTEXT: every code, and what careless writers leave.
 * Run it: ctest --preset dev -R dxf_text_test */
#include "tests/harness/test.h"
#include "worker/extract/dxf/gdt.h"
#include "worker/extract/dxf/mtext.h"
#include "worker/extract/dxf/text.h"

struct sample {
    const char *in, *out;
};

static void check_text(const struct sample *s, bool multi)
{
    struct qr_buf out;

    qr_buf_init(&out, 4096);
    if (multi)
        qr_dxf_mtext_plain(NULL, s->in, strlen(s->in), &out, NULL);
    else
        qr_dxf_text_plain(NULL, s->in, strlen(s->in), &out);
    if (strcmp(out.data ? (const char *)out.data : "", s->out) != 0)
        fail_msg("\"%s\": expected \"%s\", got \"%s\"", s->in, s->out,
                 out.data ? (const char *)out.data : "");
    qr_buf_done(&out);
}

static void text_codes_become_characters(void **state)
{
    static const struct sample samples[] = {
        {"%%c20 H7", "Ø20 H7"},
        {"%%C20", "Ø20"},
        {"45%%d", "45°"},
        {"5%%p0.1", "5±0.1"},
        {"%%uunder%%U %%oover%%o %%kstrike%%k", "under over strike"},
        {"100%%%", "100%"},
        {"%%065%%066", "AB"},
        {"90%%127 %%128 %%1292.0000", "90° ± Ø2.0000"},
        {"%%216 %%007x", "Ø x"},
        {"100%", "100%"},
        {"%%x %%12 %%", "%%x %%12 %%"},
        {"a^Ib^Jc^M^Jd^Me", "a\tb\nc\nd\ne"},
        {"2^ 3 x^2 y^", "2^3 x^2 y^"},
        {"\\U+00D820 \\u+00b0", "Ø20 °"},
        {"\\U+D83D\\U+DE00!", "\U0001F600!"},
        {"\\U+D83D!", "\uFFFD!"},
        {"\\U+12G4 \\U+123 \\U", "\\U+12G4 \\U+123 \\U"},
        {"\\U+0000x", "x"},
        {"\\M+182B1", "\\M+182B1"}, /* no tables without a document */
        {"C:\\Pfad\\%%d", "C:\\Pfad\\°"},
        {"", ""},
    };
    (void)state;
    for (size_t i = 0; i < QR_COUNT(samples); i++)
        check_text(&samples[i], false);
}

static void names_keep_percent_and_caret(void **state)
{
    const char *name = "%%c^J\\U+00C4";
    struct qr_buf out;
    (void)state;

    qr_buf_init(&out, 100);
    qr_dxf_text_unescape(NULL, name, strlen(name), &out);
    assert_string_equal((const char *)out.data, "%%c^JÄ");
    qr_buf_done(&out);
}

static void mtext_codes_are_taken_away(void **state)
{
    static const struct sample samples[] = {
        {"one\\Ptwo\\Nthree\\Xfour", "one\ntwo\nthree\nfour"},
        {"a\\~b", "a b"},
        {"\\Lunder\\l \\Oover\\o \\Kstrike\\k", "under over strike"},
        {"\\A1;10", "10"},
        {"\\A110", "10"}, /* one digit alone belongs to it */
        {"\\C1;red \\c255;rgb", "red rgb"},
        {"{\\H0.7x;\\W0.8;\\T2;\\Q15;small}", "small"},
        {"\\H2.5small", "small"},
        {"\\H.7x;small", "small"},
        {"{\\fArial|b1|i0|c238|p34;bold} plain", "bold plain"},
        {"\\pi-2,l2,t4,c8,r12;list \\pxqc;mid \\pi*,l*,r*,q*,t;end", "list mid end"},
        {"\\pxsm0.94;\\pse2.5;NOTES", "NOTES"},
        {"C:\\pmain;C:\\pub x;", "C:\\pmain;C:\\pub x;"},
        {"\\\\ \\{ \\}", "\\ { }"},
        {"{{{deep}}}} and more", "deep and more"},
        {"%%c20%%d %%p %%%", "Ø20° ± %"},
        {"a^Ib^Jc^ d", "a\tb\nc^d"},
        {"\\U+2205", "∅"},
        {"\\zodd \\", "\\zodd \\"},
        {"C:\\Hello C:\\foo C:\\path", "C:\\Hello C:\\foo C:\\path"},
        {"\\fArial", "\\fArial"},
        {"line\nbreak\r\nmore\rlast\x01.", "line\nbreak\nmore\nlast ."},
        {"", ""},
    };
    (void)state;
    for (size_t i = 0; i < QR_COUNT(samples); i++)
        check_text(&samples[i], true);
}

static void stacks_are_read_in_a_line(void **state)
{
    static const struct sample samples[] = {
        {"20\\S+0.1^ -0.2;", "20 +0.1 -0.2"},
        {"20\\S+0.1^-0.2; deep", "20 +0.1 -0.2 deep"},
        {"20{\\H0.7x;\\S+0,021^  0;}", "20 +0,021 0"},
        {"3\\S1/2;\"", "3 1/2\""},
        {"3 \\S1#2;", "3 1/2"},
        {"\\S9.5^6.5;", "9.5 6.5"},
        {"\\X%%c20\\SH7/g6;", "\nØ20H7/g6"},
        {"m\\S2^ ;", "m2"},
        {"H\\S^ 2;O", "H2O"},
        {"5\\S^ -0.1;", "5 -0.1"},
        {"\\SA\\/B/C\\;D;", "A/B/C;D"},
        {"\\S\\U+00B10.1;", "±0.1"},
        {"\\Sx y;z", "x yz"},
        {"{\\S1/2}3", "1/23"},
        {"\\S1/2\\Pnext", "1/2\nnext"},
        {"\\S", ""},
        {"\\S^", ""},
        {"\\Sa\\", "a"},
    };
    (void)state;
    for (size_t i = 0; i < QR_COUNT(samples); i++)
        check_text(&samples[i], true);
}

static void symbol_fonts_draw_symbols(void **state)
{
    static const struct sample samples[] = {
        {"{\\Fgdt;n}20{\\Fgdt;m} nm", "⌀20Ⓜ nm"},
        {"{\\fAIGDT|b0|i0;j}0.1 A", "⌖0.1 A"},
        {"\\FGDT.SHX;v\\Ftxt;v", "⌴v"},
        {"{\\Fgdt;N5%%c}", "N5Ø"},
        {"{\\fgdt;`}\\ftxt; 1{\\fgdt;~}", "± 1°"},
        {"{\\fgdt2;n}", "n"},
    };
    (void)state;
    for (size_t i = 0; i < QR_COUNT(samples); i++)
        check_text(&samples[i], true);
    assert_string_equal(qr_dxf_gdt_characteristic(0x2316), "position");
    assert_null(qr_dxf_gdt_characteristic(0x24C2));
    assert_string_equal(qr_dxf_gdt_modifier(0x24C2), "maximum_material");
    assert_int_equal(qr_dxf_gdt_symbol('A'), 0);
}

static void the_look_of_the_first_character_is_told(void **state)
{
    static const char text[] = "{\\fArial|b1|i1;\\H2.5;\\H2x;\\LBig}\\H9; small";
    struct qr_dxf_mtext_look look;
    struct qr_buf out;
    (void)state;

    qr_buf_init(&out, 100);
    qr_dxf_mtext_plain(NULL, text, strlen(text), &out, &look);
    assert_string_equal((const char *)out.data, "Big small");
    assert_string_equal(look.font, "Arial");
    assert_true(look.bold && look.italic && look.underline);
    assert_true(look.height == 2.5 && look.height_factor == 2);
    qr_buf_done(&out);
}

static void hostile_content_ends_and_keeps_the_cap(void **state)
{
    enum { N = 200000 };
    static char text[N];
    static const char *const patterns[] = {"{",  "}",   "\\",   "\\S",    "\\S{", "^",
                                           "%%", "\\f", "\\p1", "\\H1x;", "\\U+", "{\\S1^"};
    (void)state;
    for (size_t p = 0; p < QR_COUNT(patterns); p++) {
        struct qr_buf out;
        size_t n = strlen(patterns[p]);
        for (size_t i = 0; i < N; i++)
            text[i] = patterns[p][i % n];
        qr_buf_init(&out, 1000);
        qr_dxf_mtext_plain(NULL, text, N, &out, NULL);
        assert_true(out.len <= 1000);
        qr_buf_clear(&out);
        qr_dxf_text_plain(NULL, text, N, &out);
        assert_true(out.len <= 1000);
        qr_buf_done(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_codes_become_characters),
        cmocka_unit_test(names_keep_percent_and_caret),
        cmocka_unit_test(mtext_codes_are_taken_away),
        cmocka_unit_test(stacks_are_read_in_a_line),
        cmocka_unit_test(symbol_fonts_draw_symbols),
        cmocka_unit_test(the_look_of_the_first_character_is_told),
        cmocka_unit_test(hostile_content_ends_and_keeps_the_cap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

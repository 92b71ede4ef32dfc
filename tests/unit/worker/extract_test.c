/* Run it: ctest --preset dev -R extract_test
 * The extractors on the project's samples (tests/samples/README.md), in this process. */
#include "tests/harness/test.h"
#include "worker/extract/extract.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

struct fixture {
    struct qr_engine engine;
    struct qr_record *rec;
};

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    struct qr_err err = {0};

    *state = fixture;
    fixture->rec = qr_record_new(NULL);
    return qr_engine_init(&fixture->engine, (size_t)256 << 20, &err);
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;

    qr_engine_done(&fixture->engine);
    qr_record_free(fixture->rec);
    free(fixture);
    return 0;
}

static const Quarry__V1__ExtractionRecord *extract_fd(struct fixture *fixture, int fd,
                                                      const char *name, uint64_t max)
{
    struct qr_extract_job job = {.fd = fd, .name = name, .type = "", .max_file_bytes = max};

    qr_record_reset(fixture->rec);
    qr_extract_file(&fixture->engine, &job, fixture->rec);
    return fixture->rec->msg;
}

static const Quarry__V1__ExtractionRecord *extract_sample(struct fixture *fixture, const char *name)
{
    char path[512];

    snprintf(path, sizeof path, "%s/%s", QUARRY_SAMPLES, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        fail_msg("%s is missing; hint: tests/samples/make.py", path);
    const Quarry__V1__ExtractionRecord *msg = extract_fd(fixture, fd, path, 1 << 30);
    close(fd);
    return msg;
}

/* Bytes as an open file. */
static int file_of(const void *data, size_t len)
{
    int fd = memfd_create("sample", MFD_CLOEXEC);
    assert_true(fd >= 0 && write(fd, data, len) == (ssize_t)len);
    return fd;
}

static const Quarry__V1__ExtractionRecord *extract_bytes(struct fixture *fixture, const void *data,
                                                         size_t len, const char *name)
{
    int fd = file_of(data, len);
    const Quarry__V1__ExtractionRecord *msg = extract_fd(fixture, fd, name, 1 << 30);
    close(fd);
    return msg;
}

static bool has_note(const Quarry__V1__ExtractionRecord *msg, const char *code)
{
    for (size_t i = 0; i < msg->n_notes; i++)
        if (strcmp(msg->notes[i]->code, code) == 0)
            return true;
    return false;
}

static void assert_meta(struct fixture *fixture, const char *key, const char *want)
{
    const char *got = qr_record_find_meta(fixture->rec, key);
    if (!got || strcmp(got, want) != 0)
        fail_msg("%s is \"%s\", not \"%s\"", key, got ? got : "(absent)", want);
}

static void assert_failed(const Quarry__V1__ExtractionRecord *msg, enum qr_class cls,
                          const char *part)
{
    assert_non_null(msg->error);
    assert_string_equal(qr_class_text((enum qr_class)msg->error->class_), qr_class_text(cls));
    if (!strstr(msg->error->message, part))
        fail_msg("message lacks \"%s\": %s", part, msg->error->message);
}

static void a_plain_pdf_gives_its_text(void **state)
{
    const Quarry__V1__ExtractionRecord *msg = extract_sample(*state, "pdf/simple.pdf");

    assert_null(msg->error);
    assert_string_equal(msg->type, "pdf");
    assert_int_equal(msg->n_pages, 1);
    assert_string_equal(msg->pages[0]->text, "Bearing housing BH-204\nMaterial: EN-GJL-250\n"
                                             "All dimensions in mm (ISO 2768-m)\n\n");
    assert_true(msg->pages[0]->width_pt == 595 && msg->pages[0]->height_pt == 842);
    assert_true(msg->completeness > 0.59 && msg->completeness < 0.61); /* it has no metadata */
    assert_true(!msg->partial && msg->n_notes == 0);
    assert_int_equal(msg->sha256.len, 32);
}

static void info_and_xmp_become_metadata(void **state)
{
    const Quarry__V1__ExtractionRecord *msg = extract_sample(*state, "pdf/metadata.pdf");

    assert_int_equal(msg->n_pages, 3);
    assert_meta(*state, "pdf_version", "1.6");
    assert_meta(*state, "title", "Pump P-101");
    assert_meta(*state, "subject",
                "\xC3\x9C"
                "bersicht"); /* UTF-16 in the file */
    assert_meta(*state, "created", "2026-01-31T08:15:30+01:00");
    assert_meta(*state, "modified", "2026-02-01");
    assert_meta(*state, "info:DrawingNumber", "P101-00-7");
    assert_meta(*state, "author", "A. Miller; J. Novak"); /* from XMP: Info has none */
    assert_meta(*state, "xmp:language", "en");
    assert_meta(*state, "xmp:CreatorTool", "Quarry sample generator"); /* an attribute there */
    assert_meta(*state, "page_count", "3");
}

static void a_rotated_page_is_measured_as_shown(void **state)
{
    const Quarry__V1__ExtractionRecord *msg = extract_sample(*state, "pdf/rotated.pdf");

    assert_int_equal(msg->pages[0]->rotation, 90);
    assert_true(msg->pages[0]->width_pt == 842 && msg->pages[0]->height_pt == 595);
    assert_non_null(strstr(msg->pages[0]->text, "turned by 90 degrees"));
}

static void pages_of_images_say_so(void **state)
{
    const Quarry__V1__ExtractionRecord *msg = extract_sample(*state, "pdf/image-only.pdf");

    assert_null(msg->error);
    assert_true(msg->pages[0]->image_only);
    assert_non_null(strstr(msg->empty_reason, "images"));
}

static void encryption_opens_with_an_empty_password_only(void **state)
{
    const Quarry__V1__ExtractionRecord *msg = extract_sample(*state, "pdf/encrypted-open.pdf");
    assert_null(msg->error);
    assert_true(msg->encrypted);
    assert_non_null(strstr(msg->pages[0]->text, "Encrypted, but"));

    msg = extract_sample(*state, "pdf/encrypted-locked.pdf");
    assert_true(msg->encrypted);
    assert_failed(msg, QR_CLASS_PERMISSION, "password");
    assert_int_equal(msg->n_pages, 0);
}

static void damage_costs_no_more_than_it_must(void **state)
{
    const Quarry__V1__ExtractionRecord *msg = extract_sample(*state, "damaged/damaged-xref.pdf");
    assert_null(msg->error);
    assert_true(has_note(msg, "pdf.xref.repaired") && !msg->partial);
    assert_non_null(strstr(msg->pages[0]->text, "points nowhere"));

    msg = extract_sample(*state, "damaged/damaged-page.pdf");
    assert_null(msg->error);
    assert_int_equal(msg->n_pages, 3);
    assert_non_null(strstr(msg->pages[0]->text, "First page"));
    assert_non_null(strstr(msg->pages[2]->text, "Third page"));
    assert_non_null(msg->pages[1]->error);
    assert_true(msg->partial && has_note(msg, "pdf.page.damaged"));
    assert_true(msg->completeness > 0.39 && msg->completeness < 0.41); /* two of three pages */

    msg = extract_sample(*state, "damaged/truncated.pdf");
    assert_null(msg->error);
    assert_true(msg->n_pages >= 3 && has_note(msg, "pdf.xref.repaired"));

    msg = extract_sample(*state, "damaged/lost-tree.pdf");
    assert_null(msg->error);
    assert_true(msg->n_pages == 1 && has_note(msg, "pdf.pages.rebuilt"));
    assert_non_null(strstr(msg->pages[0]->text, "BH-204"));
}

static void traps_in_the_structure_are_walked_around(void **state)
{
    const Quarry__V1__ExtractionRecord *msg = extract_sample(*state, "hostile/page-loop.pdf");
    assert_null(msg->error);
    assert_true(msg->n_pages == 1 && has_note(msg, "pdf.pages.loop"));
    assert_non_null(strstr(msg->pages[0]->text, "One real page"));

    msg = extract_sample(*state, "hostile/deep-array.pdf");
    assert_true(msg->error || strstr(msg->pages[0]->text, "nested"));
}

static void files_that_are_no_pdf_fail_with_a_hint(void **state)
{
    assert_failed(extract_sample(*state, "damaged/empty.pdf"), QR_CLASS_INVALID_INPUT, "empty");
    assert_failed(extract_sample(*state, "damaged/zip-named.pdf"), QR_CLASS_INVALID_INPUT,
                  "an archive");
    assert_failed(extract_bytes(*state, "hello", 5, "a.pdf"), QR_CLASS_INVALID_INPUT, "not a PDF");
}

static void an_engine_survives_its_files(void **state)
{
    static const char *const names[] = {"hostile/deep-array.pdf", "damaged/zip-named.pdf",
                                        "pdf/encrypted-locked.pdf", "damaged/empty.pdf",
                                        "pdf/simple.pdf"};
    for (int round = 0; round < 20; round++)
        for (size_t i = 0; i < QR_COUNT(names); i++)
            extract_sample(*state, names[i]);
    const Quarry__V1__ExtractionRecord *msg = ((struct fixture *)*state)->rec->msg;
    assert_non_null(strstr(msg->pages[0]->text, "BH-204"));
    assert_int_equal(msg->n_notes, 0); /* nothing of the files before */
}

static void one_text_in_every_encoding(void **state)
{
    static const struct {
        const char *name;
        const char *encoding;
    } cases[] = {
        {"text/utf8.txt", "utf-8"},
        {"text/utf16le-bom.txt", "utf-16le"},
        {"text/utf16be.txt", "utf-16be"},
        {"text/latin1.txt", "iso-8859-1"},
    };
    for (size_t i = 0; i < QR_COUNT(cases); i++) {
        const Quarry__V1__ExtractionRecord *msg = extract_sample(*state, cases[i].name);
        assert_null(msg->error);
        assert_string_equal(msg->encoding, cases[i].encoding);
        assert_string_equal(msg->text, "Pr\xC3\xBC"
                                       "fprotokoll Nr. 17\r\nDruck: 16 bar, Temperatur: "
                                       "80 \xC2\xB0"
                                       "C\r\nErgebnis: dicht, \xC2\xB1"
                                       "0,5 mm\r\n");
        assert_meta(*state, "lines", "3");
        assert_meta(*state, "words", "13");
        assert_meta(*state, "chars", "82");
    }
    const Quarry__V1__ExtractionRecord *msg = extract_sample(*state, "text/windows-1252.txt");
    assert_string_equal(msg->encoding, "windows-1252");
    assert_non_null(strstr(msg->text, "\xE2\x82\xAC"));
}

static void encodings_are_told_apart_by_their_bytes(void **state)
{
    static const struct {
        const char *why;
        const char *bytes;
        size_t len;
        const char *encoding;
        const char *text;
    } cases[] = {
        {"mark of UTF-32 LE begins like UTF-16's", "\xFF\xFE\0\0a\0\0\0", 8, "utf-32le", "a"},
        {"UTF-32 BE without a mark", "\0\0\0a\0\0\0b", 8, "utf-32be", "ab"},
        {"UTF-16 LE without a mark", "a\0b\0c\0d\0", 8, "utf-16le", "abcd"},
        {"surrogate pair", "\xFF\xFE\x3D\xD8\x00\xDE", 6, "utf-16le", "\xF0\x9F\x98\x80"},
        {"lone surrogate",
         "\xFF\xFE\x3D\xD8"
         "a\0",
         6, "utf-16le",
         "\xEF\xBF\xBD"
         "a"},
        {"half a unit at the end",
         "\xFF\xFE"
         "a\0b",
         5, "utf-16le", "a\xEF\xBF\xBD"},
        {"UTF-8 with a mark", "\xEF\xBB\xBFok", 5, "utf-8", "ok"},
        {"plain", "ok", 2, "ascii", "ok"},
    };
    for (size_t i = 0; i < QR_COUNT(cases); i++) {
        const Quarry__V1__ExtractionRecord *msg =
            extract_bytes(*state, cases[i].bytes, cases[i].len, "a.txt");
        if (strcmp(msg->encoding, cases[i].encoding) != 0 || strcmp(msg->text, cases[i].text) != 0)
            fail_msg("%s: %s \"%s\"", cases[i].why, msg->encoding, msg->text);
    }
}

static void damaged_utf8_stays_utf8(void **state)
{
    char text[200];
    size_t n = 0;

    for (int i = 0; i < 40; i++)
        n += (size_t)snprintf(text + n, sizeof text - n, "\xC3\xBC ");
    text[n++] = (char)0xFF;
    const Quarry__V1__ExtractionRecord *msg = extract_bytes(*state, text, n, "a.txt");
    assert_string_equal(msg->encoding, "utf-8");
    assert_true(has_note(msg, "text.invalid"));
}

static void nothing_in_a_text_is_said(void **state)
{
    const Quarry__V1__ExtractionRecord *msg = extract_bytes(*state, "", 0, "a.txt");
    assert_null(msg->error);
    assert_string_equal(msg->empty_reason, "the file is empty");

    msg = extract_sample(*state, "text/blank.txt");
    assert_non_null(strstr(msg->empty_reason, "white space"));

    msg = extract_sample(*state, "hostile/nul.txt");
    assert_string_equal(msg->text, "beforeafter\n\nend\n");
    assert_true(has_note(msg, "text.nul"));
}

static void what_no_extractor_reads_is_unsupported(void **state)
{
    assert_failed(extract_bytes(*state, "AC1027\0\0", 8, "a.dwg"), QR_CLASS_UNSUPPORTED,
                  "--dwg-converter");
    assert_failed(extract_bytes(*state, "#UGC:2 PART\n", 12, "a.prt"), QR_CLASS_UNSUPPORTED,
                  "quarry-cadbridge");
    assert_failed(extract_bytes(*state, "\1\2\3", 3, "a.xyz"), QR_CLASS_UNSUPPORTED, "xyz");
    assert_failed(extract_bytes(*state, "\1\2\3", 3, "noname"), QR_CLASS_UNSUPPORTED, "content");
    const Quarry__V1__ExtractionRecord *msg = extract_bytes(*state, "plain text\n", 11, "README");
    assert_null(msg->error);
    assert_string_equal(msg->type, "text");
}

static void only_regular_files_of_bounded_size_are_read(void **state)
{
    int ends[2];
    int folder = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int device = open("/dev/zero", O_RDONLY | O_CLOEXEC);
    int file = file_of("12345678", 8);

    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    assert_failed(extract_fd(*state, folder, "a.txt", 100), QR_CLASS_INVALID_INPUT, "a folder");
    assert_failed(extract_fd(*state, device, "a.txt", 100), QR_CLASS_INVALID_INPUT, "a device");
    assert_failed(extract_fd(*state, ends[0], "a.txt", 100), QR_CLASS_INVALID_INPUT, "a pipe");
    assert_failed(extract_fd(*state, file, "a.txt", 7), QR_CLASS_INVALID_INPUT, "limit of 7");
    assert_null(extract_fd(*state, file, "a.txt", 8)->error);
    close(folder);
    close(device);
    close(file);
    close(ends[0]);
    close(ends[1]);
}

static void touch_while_reading(void *arg, const struct qr_extract_progress *progress)
{
    (void)progress;
    assert_int_equal(ftruncate(*(int *)arg, 30 << 20), 0);
}

static void a_file_that_changes_is_tried_again(void **state)
{
    struct fixture *fixture = *state;
    int fd = file_of("x", 1);
    struct qr_extract_job job = {.fd = fd,
                                 .name = "a.txt",
                                 .type = "",
                                 .max_file_bytes = 1 << 30,
                                 .progress = touch_while_reading,
                                 .progress_arg = &fd};

    assert_int_equal(ftruncate(fd, 20 << 20), 0); /* too large for memory: read in blocks */
    qr_record_reset(fixture->rec);
    qr_extract_file(&fixture->engine, &job, fixture->rec);
    assert_failed(fixture->rec->msg, QR_CLASS_CONNECTION, "changed");
    close(fd);
}

static void a_large_text_is_counted_whole_and_cut(void **state)
{
    const size_t size = (size_t)34 << 20; /* above the cap on text, and what is read into memory */
    char *text = malloc(size);

    memset(text, 'x', size);
    for (size_t i = 99; i < size; i += 100)
        text[i] = '\n';
    text[(256 << 10) - 1] = (char)0xC3; /* a character across two blocks */
    text[256 << 10] = (char)0xBC;
    const Quarry__V1__ExtractionRecord *msg = extract_bytes(*state, text, size, "a.log");
    free(text);
    assert_null(msg->error);
    assert_string_equal(msg->encoding, "utf-8");
    assert_true(msg->partial && has_note(msg, "record.capped") && !has_note(msg, "text.invalid"));
    char lines[32];
    snprintf(lines, sizeof lines, "%zu", size / 100 + 1);
    assert_meta(*state, "lines", lines);
}

/* A page of so many letters, each a text operation of its own. */
static struct qr_buf page_of_letters(size_t n)
{
    static const char head[] =
        "%PDF-1.4\n1 0 obj <</Type/Catalog/Pages 2 0 R>> endobj\n"
        "2 0 obj <</Type/Pages/Kids[3 0 R]/Count 1>> endobj\n"
        "3 0 obj <</Type/Page/Parent 2 0 R/MediaBox[0 0 600 800]/Contents 4 0 R"
        "/Resources<</Font<</F1 5 0 R>>>>>> endobj\n"
        "5 0 obj <</Type/Font/Subtype/Type1/BaseFont/Courier>> endobj\n";
    struct qr_buf buf;

    qr_buf_init(&buf, 1 << 28);
    qr_buf_append_str(&buf, head);
    /* without a length: the repair of the missing cross-reference table finds the end */
    qr_buf_append_str(&buf, "4 0 obj <<>> stream\nBT /F1 8 Tf\n");
    for (size_t i = 0; i < n; i++)
        qr_buf_printf(&buf, "1 0 0 1 %zu %zu Tm(a)Tj\n", 9 + i % 100 * 5, 9 + i / 100 % 70 * 10);
    qr_buf_append_str(&buf, "ET\nendstream endobj\ntrailer <</Root 1 0 R>>\n");
    return buf;
}

static void memory_of_one_file_is_capped(void **state)
{
    struct fixture small = {.rec = ((struct fixture *)*state)->rec};
    struct qr_buf pdf = page_of_letters(200000);
    struct qr_err err = {0};

    assert_ok(qr_engine_init(&small.engine, (size_t)8 << 20, &err), &err);
    const Quarry__V1__ExtractionRecord *msg = extract_bytes(&small, pdf.data, pdf.len, "a.pdf");
    assert_int_equal(msg->n_pages, 1);
    assert_non_null(msg->pages[0]->error);
    assert_int_equal(msg->pages[0]->error->class_, QR_CLASS_RESOURCE);
    assert_true(msg->partial);
    /* and the next file finds all of it free again */
    msg = extract_sample(&small, "pdf/simple.pdf");
    assert_true(!msg->error && !msg->pages[0]->error);
    qr_engine_done(&small.engine);
    qr_buf_done(&pdf);
}

static void a_large_pdf_is_read_where_it_lies(void **state)
{
    struct qr_buf pdf = page_of_letters(3);
    int fd = file_of(pdf.data, pdf.len);

    assert_int_equal(ftruncate(fd, 18 << 20),
                     0); /* zeros behind the end; above what is kept in memory */
    const Quarry__V1__ExtractionRecord *msg = extract_fd(*state, fd, "a.pdf", 1 << 30);
    assert_null(msg->error);
    assert_string_equal(msg->pages[0]->text, "aaa\n\n");
    assert_true(has_note(msg, "pdf.xref.repaired"));
    close(fd);
    qr_buf_done(&pdf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_plain_pdf_gives_its_text),
        cmocka_unit_test(info_and_xmp_become_metadata),
        cmocka_unit_test(a_rotated_page_is_measured_as_shown),
        cmocka_unit_test(pages_of_images_say_so),
        cmocka_unit_test(encryption_opens_with_an_empty_password_only),
        cmocka_unit_test(damage_costs_no_more_than_it_must),
        cmocka_unit_test(traps_in_the_structure_are_walked_around),
        cmocka_unit_test(files_that_are_no_pdf_fail_with_a_hint),
        cmocka_unit_test(an_engine_survives_its_files),
        cmocka_unit_test(memory_of_one_file_is_capped),
        cmocka_unit_test(a_large_pdf_is_read_where_it_lies),
        cmocka_unit_test(one_text_in_every_encoding),
        cmocka_unit_test(encodings_are_told_apart_by_their_bytes),
        cmocka_unit_test(damaged_utf8_stays_utf8),
        cmocka_unit_test(nothing_in_a_text_is_said),
        cmocka_unit_test(what_no_extractor_reads_is_unsupported),
        cmocka_unit_test(only_regular_files_of_bounded_size_are_read),
        cmocka_unit_test(a_file_that_changes_is_tried_again),
        cmocka_unit_test(a_large_text_is_counted_whole_and_cut),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}

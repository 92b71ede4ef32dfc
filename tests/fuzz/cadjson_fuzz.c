/* An export of a model, a dump of CREOSON's answers, one answer, or an archive that holds exports:
 * what becomes of it must encode, decode and print. */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/cadjson/cadjson.h"
#include "common/cadjson/store.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct span {
    const uint8_t *at;
    size_t left, step;
};

static int64_t read_span(void *ctx, uint8_t *buf, size_t cap, struct qr_err *err)
{
    struct span *span = ctx;
    size_t n = span->left < span->step ? span->left : span->step;
    (void)err;

    n = n < cap ? n : cap;
    memcpy(buf, span->at, n);
    span->at += n;
    span->left -= n;
    return (int64_t)n;
}

static void check(struct qr_record *rec)
{
    struct qr_record *again = NULL;
    struct qr_err err = {0};
    struct qr_buf out;

    qr_record_finish(rec);
    qr_buf_init(&out, 64 << 20);
    if (qr_record_encode(rec, &out, &err) < 0) {
        if (!rec->failed)
            abort();
    } else if (qr_record_decode(out.data, out.len, NULL, &again, &err) < 0) {
        abort();
    }
    if (again)
        json_decref(qr_record_json(again->msg));
    qr_record_free(again);
    qr_buf_done(&out);
}

static void read_document(struct qr_record *rec, const struct qr_cadjson_source *source,
                          const char *model)
{
    struct qr_cadjson *cj = NULL;
    struct qr_err err = {0};

    qr_record_reset(rec);
    if (qr_cadjson_new(rec, model, &cj, &err) < 0)
        return;
    int rc = qr_cadjson_read(cj, source, &err);
    if (rc == QR_OK)
        rc = qr_cadjson_finish(cj, &err);
    if (rc != err.code || (rc < 0 && !err.msg[0]))
        abort();
    if (rc == QR_OK)
        check(rec);
    qr_cadjson_free(cj);
}

static void read_answers(struct qr_record *rec, const char *data, size_t size)
{
    static const char *const asked[][2] = {
        {"file", "massprops"},        {"parameter", "list"},      {"dimension", "list_detail"},
        {"feature", "list"},          {"bom", "get_paths"},       {"geometry", "bound_box"},
        {"file", "get_cur_material"}, {"note", "list"},           {"familytable", "list"},
        {"familytable", "get_row"},   {"file", "list_materials"}, {"drawing", "get_sheet_scale"},
    };
    struct qr_cadjson *cj = NULL;
    struct qr_err err = {0};

    qr_record_reset(rec);
    if (qr_cadjson_new(rec, NULL, &cj, &err) < 0)
        return;
    qr_cadjson_sheet(cj, 1);
    for (size_t i = 0; i < QR_COUNT(asked); i++)
        if (qr_cadjson_answer(cj, asked[i][0], asked[i][1], data, size, &err) < 0 && !err.msg[0])
            abort();
    if (qr_cadjson_finish(cj, &err) == QR_OK)
        check(rec);
    qr_cadjson_free(cj);
}

/* The whole archive, as the child reads it. */
static void read_archive(struct qr_record *rec, const uint8_t *data, size_t size)
{
    struct qr_import_zip *zip = NULL;
    char name[QR_IMPORT_NAME_MAX];
    struct qr_err err = {0};
    int fd = memfd_create("archive", MFD_CLOEXEC);

    if (fd < 0 || write(fd, data, size) != (ssize_t)size)
        abort();
    if (qr_import_zip_open(fd, "wheel.prt", 1 << 20, name, &zip, &err) == 1) {
        const struct qr_cadjson_source source = {qr_import_zip_read, zip};
        read_document(rec, &source, "wheel.prt");
    }
    qr_import_zip_free(zip);
    close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct qr_record_limits limits = {.text_bytes = 1 << 20,
                                                   .value_bytes = 4096,
                                                   .items = 2000,
                                                   .memory_bytes = 64 << 20,
                                                   .encoded_bytes = 60 << 20};
    static struct qr_record *rec;

    if (!rec)
        rec = qr_record_new(&limits);
    if (!rec || size == 0)
        return 0;
    if (size > 4 && memcmp(data, "PK\x03\x04", 4) == 0) {
        read_archive(rec, data, size);
        return 0;
    }
    struct span span = {data, size, data[size - 1] % 64 + 1};
    const struct qr_cadjson_source source = {read_span, &span};
    read_document(rec, &source, size % 2 ? "wheel.prt" : NULL);
    read_answers(rec, (const char *)data, size);
    return 0;
}

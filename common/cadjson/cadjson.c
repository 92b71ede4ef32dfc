/* A document, or one answer: is it JSON at all, which of its models is wanted, what follows from
 * all of it. */
#include "common/cadjson/intern.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ------------------------------------------------------------------ life */

int qr_cadjson_new(struct qr_record *rec, const char *model, struct qr_cadjson **ret,
                   struct qr_err *err)
{
    struct qr_cadjson *cj = calloc(1, sizeof *cj);

    if (cj)
        cj->jr = malloc(sizeof *cj->jr);
    if (cj && model)
        cj->model = strdup(model);
    if (!cj || !cj->jr || (model && !cj->model)) {
        qr_cadjson_free(cj);
        return qr_fail(err, QR_E_NOMEM, "import: out of memory");
    }
    cj->rec = rec;
    qr_buf_init(&cj->details, QR_CADJSON_DETAILS_MAX);
    *ret = cj;
    return QR_OK;
}

void qr_cadjson_free(struct qr_cadjson *cj)
{
    if (!cj)
        return;
    qr_buf_done(&cj->details);
    free(cj->jr);
    free(cj->model);
    free(cj);
}

void qr_cadjson_named(struct qr_cadjson *cj, const char *name)
{
    cj->named = true;
    if (!cj->model || qr_cadjson_same_model(cj->model, name))
        return;
    cj->other = true;
    if (cj->n_other++ == 0)
        snprintf(cj->other_name, sizeof cj->other_name, "%s", name);
}

/* ------------------------------------------------------------------ documents */

/* What is no JSON at all is told by its first bytes. */
static bool begins_right(struct qr_cadjson *cj)
{
    static const struct {
        const char *bytes;
        size_t n;
        const char *what;
    } signs[] = {
        {"\xFF\xFE", 2, "the export is in UTF-16; hint: write it in UTF-8"},
        {"\xFE\xFF", 2, "the export is in UTF-16; hint: write it in UTF-8"},
        {"{\0", 2, "the export is in UTF-16; hint: write it in UTF-8"},
        {"\0{", 2, "the export is in UTF-16; hint: write it in UTF-8"},
        {"\x1F\x8B", 2,
         "the export is packed by gzip; hint: unpack it, or put it into a zip archive"},
        {"PK\x03\x04", 4, "the export is a zip archive; hint: give the archive as the store"},
        {"version https://git-lfs", 23,
         "this is a Git-LFS pointer, not the export; hint: git lfs pull"},
        {"<", 1, "this is XML or HTML, not JSON"},
    };
    struct qr_jr *jr = cj->jr;

    (void)qr_jr_peek(jr);
    if (jr->before == 0 && jr->at == 0 && jr->len >= 3 && memcmp(jr->block, "\xEF\xBB\xBF", 3) == 0)
        jr->at = 3;
    if (qr_jr_peek(jr) == QR_JR_END)
        return !jr->failed && qr_jr_fail(jr, "the export is empty");
    for (size_t i = 0; jr->before == 0 && i < QR_COUNT(signs); i++)
        if (jr->len >= signs[i].n && memcmp(jr->block, signs[i].bytes, signs[i].n) == 0)
            return qr_jr_fail(jr, "%s", signs[i].what);
    return true;
}

static bool read_documents(struct qr_cadjson *cj)
{
    struct qr_jr *jr = cj->jr;

    if (!begins_right(cj))
        return false;
    while (!cj->found && qr_jr_peek(jr) != QR_JR_END) {
        if (qr_jr_peek(jr) != QR_JR_ARRAY) {
            if (!qr_cadjson_read_model(cj))
                return false;
            continue;
        }
        if (!qr_jr_array(jr))
            return false;
        while (!cj->found && qr_jr_element(jr))
            if (!qr_cadjson_read_model(cj))
                return false;
    }
    enum qr_jr_kind kind = jr->failed || jr->depth > 0 ? QR_JR_END : qr_jr_peek(jr);
    if (kind != QR_JR_END && kind != QR_JR_OBJECT && kind != QR_JR_ARRAY)
        return qr_jr_fail(jr, "something follows the model that is none");
    return !jr->failed;
}

static int nothing_found(struct qr_cadjson *cj, struct qr_err *err)
{
    if (cj->n_other > 0)
        return qr_fail(err, QR_E_DATA, "/name: the export is of '%s'%s, not of '%s'",
                       cj->other_name, cj->n_other > 1 ? " and other models" : "", cj->model);
    return qr_fail(err, QR_E_DATA, "/name: is missing: nothing says which model this is");
}

int qr_cadjson_read(struct qr_cadjson *cj, const struct qr_cadjson_source *source,
                    struct qr_err *err)
{
    struct qr_err own;

    qr_jr_init(cj->jr, source, err ? err : &own);
    if (!read_documents(cj))
        return (err ? err : &own)->code;
    if (!cj->found && !cj->answered)
        return nothing_found(cj, err);
    return QR_OK;
}

struct span {
    const char *data;
    size_t left;
};

static int64_t read_span(void *ctx, uint8_t *buf, size_t cap, struct qr_err *err)
{
    struct span *span = ctx;
    size_t n = span->left < cap ? span->left : cap;
    (void)err;

    memcpy(buf, span->data, n);
    span->data += n;
    span->left -= n;
    return (int64_t)n;
}

int qr_cadjson_answer(struct qr_cadjson *cj, const char *command, const char *function,
                      const char *data, size_t len, struct qr_err *err)
{
    struct span span = {data, len};
    const struct qr_cadjson_source source = {read_span, &span};
    struct qr_err own;

    qr_jr_init(cj->jr, &source, err ? err : &own);
    if (!qr_cadjson_read_answer(cj, command, function))
        return qr_err_wrap(err, (err ? err : &own)->code, "%s %s", command, function);
    cj->answered = true;
    return QR_OK;
}

void qr_cadjson_sheet(struct qr_cadjson *cj, uint32_t sheet) { cj->sheet = sheet; }

int qr_cadjson_finish(struct qr_cadjson *cj, struct qr_err *err)
{
    Quarry__V1__CadModel *cad;

    if (!cj->found && !cj->answered)
        return nothing_found(cj, err);
    cad = qr_record_cad(cj->rec);
    if (!cad)
        return qr_fail(err, QR_E_NOMEM, "import: out of memory");
    if (!cad->name[0] && cj->model)
        cad->name = qr_record_text(cj->rec, cj->model);
    qr_cadjson_convert(cj);
    if (cj->details.len > 0) {
        struct qr_buf object;
        qr_buf_init(&object, QR_CADJSON_DETAILS_MAX + 16);
        qr_buf_append_str(&object, "{");
        qr_buf_append(&object, cj->details.data, cj->details.len);
        qr_buf_append_str(&object, "}");
        if (!object.failed)
            qr_cad_set_bytes(cj->rec, &cad->details, object.data, object.len);
        qr_buf_done(&object);
    }
    return cj->rec->failed ? qr_fail(err, QR_E_NOMEM, "import: out of memory") : QR_OK;
}

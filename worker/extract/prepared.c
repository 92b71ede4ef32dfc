#include "worker/extract/prepared.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "common/record/from_json.h"
#include "worker/extract/dxf/dxf.h"
#include "worker/extract/extract.h"
#include "worker/extract/table.h"

#define JSON_MAX (64 * 1024 * 1024)

/* The beginning, for a message: printable characters only. */
static void show_head(const struct qr_input *in, char *ret, size_t size)
{
    size_t n = 0;

    for (size_t i = 0; i < in->head_len && n + 1 < size; i++)
        ret[n++] = isprint(in->head[i]) ? (char)in->head[i] : '.';
    ret[n] = '\0';
}

static bool is_json(const struct qr_input *in)
{
    size_t at = in->head_len >= 3 && memcmp(in->head, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;

    while (at < in->head_len && isspace(in->head[at]))
        at++;
    return at < in->head_len && in->head[at] == '{';
}

static bool is_dxf(const struct qr_input *in)
{
    struct qr_detected found;

    qr_detect(in->head, in->head_len, "", "", &found);
    return found.by_content && strcmp(found.by_content->type, "dxf") == 0;
}

/* The program's name stands before that of the reader of what it wrote. */
static void set_extractor(const struct qr_extract *x, const char *reader)
{
    char name[160];

    snprintf(name, sizeof name, "%s%s%s", x->job->prepared->extractor, reader[0] ? "+" : "",
             reader);
    qr_record_set_extractor(x->rec, name, reader[0] ? QUARRY_VERSION : "");
}

/* "AC1032": the first six characters of every DWG since release 13 (and of most before). */
static void add_dwg_version(const struct qr_extract *x)
{
    size_t n = 0;

    while (n < 6 && n < x->in->head_len && (isalnum(x->in->head[n]) || x->in->head[n] == '.'))
        n++;
    if (strcmp(x->job->prepared->type, "dwg") == 0)
        qr_record_add_meta(x->rec, "dwg_version", (const char *)x->in->head, n, "header");
}

static void read_json(const struct qr_extract *x, struct qr_input *output)
{
    Quarry__V1__ExtractionRecord *msg = x->rec->msg;
    struct qr_err err = {0};

    if (output->size > JSON_MAX) {
        qr_record_fail(x->rec, QR_CLASS_RESOURCE, "%s printed a record of more than %d MB",
                       x->job->prepared->extractor, JSON_MAX >> 20);
        return;
    }
    const uint8_t *data = qr_input_map(output, x->rec);
    if (!data)
        return;
    if (qr_record_from_json(x->rec, data, (size_t)output->size, &err) < 0)
        qr_record_fail(x->rec, QR_CLASS_INTERNAL, "%s printed what is no record: %s",
                       x->job->prepared->extractor, err.msg);
    if (msg->extractor[0] == '\0')
        set_extractor(x, "");
    if (msg->completeness <= 0 || msg->completeness > 1)
        msg->completeness = 1;
    if (!msg->error && msg->n_pages == 0 && !msg->text[0] && msg->n_entities == 0 && !msg->cad &&
        !msg->geometry)
        qr_record_set_empty(x->rec, "the program found neither text nor entities");
}

static void read_output(const struct qr_extract *x, const struct qr_input *output)
{
    struct qr_extract inner = *x;
    char head[48];

    inner.in = output;
    if (is_json(output)) {
        read_json(x, (struct qr_input *)(uintptr_t)output);
    } else if (is_dxf(output)) {
        add_dwg_version(x);
        qr_dxf_extract(&inner);
        set_extractor(x, "quarry-dxf");
    } else if (output->size == 0) {
        qr_record_fail(x->rec, QR_CLASS_INTERNAL,
                       "%s wrote nothing; hint: it should print a record as JSON, or a DXF",
                       x->job->prepared->extractor);
    } else {
        show_head(output, head, sizeof head);
        qr_record_fail(x->rec, QR_CLASS_INTERNAL,
                       "%s wrote neither a record as JSON nor a DXF: it begins \"%s\"",
                       x->job->prepared->extractor, head);
    }
}

void qr_prepared_extract(const struct qr_extract *x)
{
    const struct qr_prepared *prepared = x->job->prepared;
    Quarry__V1__ExtractionRecord *msg = x->rec->msg;
    struct qr_input *output = &x->engine->prepared;
    uint64_t bytes = msg->bytes;
    ProtobufCBinaryData digest = msg->sha256;

    qr_record_set_type(x->rec, prepared->type);
    set_extractor(x, "");
    if (prepared->class_id != QR_CLASS_NONE || x->job->prepared_fd < 0) {
        qr_record_fail(x->rec,
                       prepared->class_id ? (enum qr_class)prepared->class_id : QR_CLASS_INTERNAL,
                       "%s", prepared->message);
        return;
    }
    if (qr_input_open(output, x->job->prepared_fd, x->job->max_file_bytes, x->rec)) {
        msg->bytes = bytes; /* of the file, not of what was made of it */
        msg->sha256 = digest;
        if (prepared->note[0])
            qr_record_partial(x->rec, prepared->note, "%s", prepared->message);
        read_output(x, output);
    }
    qr_input_close(output, x->rec);
    msg->bytes = bytes;
    msg->sha256 = digest;
}

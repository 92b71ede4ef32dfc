#include <stdlib.h>
#include <string.h>

#include "tests/fuzz/fuzz.h"

static const struct qr_record_limits limits = {
    .text_bytes = 4 << 20, .value_bytes = 4096, .items = 5000, .memory_bytes = 64 << 20};

struct qr_extract *fuzz_extract(const char *name, const uint8_t *data, size_t size, bool engine)
{
    static struct qr_extract x;
    static struct qr_engine the_engine;
    static struct qr_extract_job job;
    static struct qr_record *rec;
    struct qr_err err = {0};

    if (!rec && !(rec = qr_record_new(&limits)))
        abort();
    if (engine && !the_engine.pdf && qr_engine_init(&the_engine, (size_t)256 << 20, &err) < 0)
        abort();
    qr_record_reset(rec);
    memset(&job, 0, sizeof job);
    job.fd = -1;
    job.name = name;
    job.type = "";
    job.options.ocr = QR_EXTRACT_OFF;
    job.options.analysis = QR_EXTRACT_ON;
    job.options.spans = QR_EXTRACT_ON;
    the_engine.input.fd = -1;
    the_engine.input.data = data;
    the_engine.input.size = size;
    the_engine.input.head_len =
        size < sizeof the_engine.input.head ? size : sizeof the_engine.input.head;
    if (size > 0)
        memcpy(the_engine.input.head, data, the_engine.input.head_len);
    x = (struct qr_extract){
        .job = &job, .engine = engine ? &the_engine : NULL, .in = &the_engine.input, .rec = rec};
    return &x;
}

void fuzz_check_record(struct qr_extract *x)
{
    struct qr_record *back = NULL;
    struct qr_err err = {0};
    struct qr_buf out;

    if (x->engine)
        qr_buf_clear(&x->engine->text);
    qr_record_finish(x->rec);
    if (x->rec->failed)
        return; /* out of its memory: the child answers with class resource */
    qr_buf_init(&out, (size_t)256 << 20);
    if (qr_record_encode(x->rec, &out, &err) < 0)
        abort();
    if (qr_record_decode(out.data, out.len, NULL, &back, &err) < 0)
        abort();
    json_t *json = qr_record_json(back->msg);
    if (!json)
        abort();
    json_decref(json);
    qr_record_free(back);
    qr_buf_done(&out);
}

/* What a program of others prints as a record: what is taken must encode, decode and print, and its
 * JSON must be taken again and print the same. */
#include <stdlib.h>
#include <string.h>

#include "common/record/from_json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct qr_record_limits limits = {.text_bytes = 1 << 20,
                                               .value_bytes = 4096,
                                               .items = 2000,
                                               .memory_bytes = 64 << 20,
                                               .encoded_bytes = 60 << 20};

/* A record whose lists and strings are within the limits already: nothing of it may get lost. */
static void take_again(const struct qr_record *rec)
{
    struct qr_record *again = qr_record_new(&limits);
    struct qr_err err = {0};
    json_t *json = qr_record_json(rec->msg), *second = NULL;
    char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;

    if (!json || !text || !again)
        abort();
    if (qr_record_from_json(again, text, strlen(text), &err) < 0)
        abort();
    if (!again->failed && !again->msg->partial)
        second = qr_record_json(again->msg);
    if (second && !rec->msg->partial && !json_equal(json, second))
        abort();
    json_decref(second);
    json_decref(json);
    free(text);
    qr_record_free(again);
}

static void check(struct qr_record *rec)
{
    struct qr_record *back = NULL;
    struct qr_err err = {0};
    struct qr_buf out;

    qr_record_finish(rec);
    if (rec->failed)
        return; /* out of its memory: the child answers with class resource */
    qr_buf_init(&out, 64 << 20);
    if (qr_record_encode(rec, &out, &err) < 0 ||
        qr_record_decode(out.data, out.len, NULL, &back, &err) < 0)
        abort();
    take_again(back);
    qr_record_free(back);
    qr_buf_done(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct qr_record *rec;
    struct qr_err err = {0};

    if (!rec)
        rec = qr_record_new(&limits);
    if (!rec)
        return 0;
    qr_record_reset(rec);
    int rc = qr_record_from_json(rec, data, size, &err);
    if (rc != err.code || (rc < 0 && !err.msg[0]))
        abort();
    if (rc == QR_OK)
        check(rec);
    return 0;
}

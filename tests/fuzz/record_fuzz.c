/* What a broken child may send: decoded with limits, then printed. And parts of a record, whole or
 * not, that somebody goes on with: restored, added to, and made a part again. */
#include "tests/fuzz/fuzz.h"

#include "common/record/part.h"
#include "common/record/parts.h"

static void go_on(const uint8_t *data, size_t size, const struct qr_record_limits *limits)
{
    struct qr_record *rec = qr_record_new(limits);
    struct qr_record_mark mark = {.sent = {0}};
    struct qr_err err = {0};
    struct qr_buf out;

    qr_buf_init(&out, 64 << 20);
    if (rec && qr_record_restore(rec, data, size, &err) == QR_OK) {
        qr_record_mark_all(rec, &mark);
        for (int i = 0; i < 20; i++) {
            Quarry__V1__Page *page = qr_record_add_page(rec, (uint32_t)rec->msg->n_pages + 1);
            if (page)
                qr_record_set_page_text(rec, page, "words", 5);
            qr_record_note(rec, "fuzz.note", "%d", i);
        }
        if (qr_record_encode_part(rec, &mark, &out, &err) == QR_OK)
            (void)qr_record_items(rec);
    }
    qr_buf_done(&out);
    qr_record_free(rec);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct qr_record_limits limits = {
        .text_bytes = 1 << 20, .value_bytes = 4096, .items = 5000, .memory_bytes = 32 << 20};
    struct qr_record *rec = NULL;
    struct qr_err err = {0};

    if (qr_record_decode(data, size, &limits, &rec, &err) == QR_OK) {
        json_t *json = qr_record_json(rec->msg);
        json_decref(json);
    }
    qr_record_free(rec);
    go_on(data, size, &limits);
    return 0;
}

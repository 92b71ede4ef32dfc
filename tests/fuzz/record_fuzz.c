/* What a broken child may send: decoded with limits, then printed. */
#include "tests/fuzz/fuzz.h"

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
    return 0;
}

/* Exchange files: the index, every value of every record, and what STEP makes of them. */
#include <stdlib.h>

#include "common/buf.h"
#include "tests/fuzz/fuzz.h"
#include "worker/extract/p21/p21.h"
#include "worker/extract/step/step.h"

#define VALUES_MAX 200000

/* Lists are entered a few levels deep; what is below is stepped over. */
static void walk(struct qr_p21_cursor cursor, struct qr_buf *text, size_t *left, int depth)
{
    struct qr_p21_value value;
    double numbers[3];

    while (*left > 0 && qr_p21_next(&cursor, &value)) {
        (*left)--;
        qr_p21_text(&value, text, NULL);
        qr_buf_clear(text);
        qr_p21_number(&value, numbers);
        qr_p21_numbers(&value, numbers, 3);
        if (depth < 6)
            walk(qr_p21_enter(&value), text, left, depth + 1);
    }
}

static void walk_all(const struct qr_p21 *p21)
{
    struct qr_buf text;
    size_t left = VALUES_MAX;
    uint32_t types[8];

    qr_buf_init(&text, 1 << 20);
    walk(qr_p21_header(p21, "FILE_NAME"), &text, &left, 0);
    for (uint32_t i = 0; i < qr_p21_count(p21); i++) {
        uint32_t n = qr_p21_types_of(p21, i, types, 8);
        for (uint32_t k = 0; k < n && k < 8; k++) {
            if (types[k] >= QR_P21_FIRST_TYPE && !qr_p21_is(p21, i, types[k]))
                abort();
            walk(qr_p21_attributes(p21, i, types[k]), &text, &left, 0);
        }
        uint32_t found = qr_p21_find(p21, qr_p21_id(p21, i));
        if (found == QR_P21_NONE || qr_p21_id(p21, found) != qr_p21_id(p21, i))
            abort();
    }
    qr_buf_done(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct qr_p21 *p21 = NULL;
    struct qr_err err = {0};
    struct qr_extract *x = fuzz_extract("fuzz.stp", data, size, true);

    ((struct qr_extract_job *)(uintptr_t)x->job)->max_file_bytes = (uint64_t)64 << 20;
    if (qr_p21_open(data, size, NULL, NULL, &p21, &err) == QR_OK)
        walk_all(p21);
    qr_p21_free(p21);
    qr_step_extract(x);
    fuzz_check_record(x);
    return 0;
}

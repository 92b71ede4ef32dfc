/* Escapes and formatting codes of DXF texts; what comes out must not be much longer than what came
 * in. */
#include <stdlib.h>

#include "tests/fuzz/fuzz.h"
#include "worker/extract/dxf/mtext.h"
#include "worker/extract/dxf/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct qr_dxf_mtext_look look;
    struct qr_buf out;

    qr_buf_init(&out, (size_t)64 << 20);
    qr_dxf_mtext_plain(NULL, (const char *)data, size, &out, &look);
    if (out.failed || out.len > 8 * size + 64)
        abort();
    qr_buf_clear(&out);
    qr_dxf_text_plain(NULL, (const char *)data, size, &out);
    if (out.failed || out.len > 8 * size + 64)
        abort();
    qr_buf_clear(&out);
    qr_dxf_text_unescape(NULL, (const char *)data, size, &out);
    if (out.failed || out.len > 8 * size + 64)
        abort();
    qr_buf_done(&out);
    return 0;
}

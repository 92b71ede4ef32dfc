/* The DXF reader: any bytes as a drawing. */
#include "tests/fuzz/fuzz.h"
#include "worker/extract/dxf/dxf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct qr_extract *x = fuzz_extract("fuzz.dxf", data, size, true);

    qr_dxf_read(x, data, size);
    fuzz_check_record(x);
    return 0;
}

/* The IFC reader: any bytes as a building model. One in three is read with short lists, so that
 * what does not fit is merged. */
#include "tests/fuzz/fuzz.h"
#include "worker/extract/ifc/ifc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct qr_extract *x = fuzz_extract("fuzz.ifc", data, size, true);

    ((struct qr_extract_job *)(uintptr_t)x->job)->max_file_bytes = (uint64_t)64 << 20;
    x->rec->limits.items = size % 3 == 0 ? 8 : 5000;
    qr_ifc_extract(x);
    fuzz_check_record(x);
    return 0;
}

/* Plain text: encodings, counts, cutting. */
#include "tests/fuzz/fuzz.h"
#include "worker/extract/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct qr_extract *x = fuzz_extract("fuzz.txt", data, size, true);

    qr_text_extract(x);
    fuzz_check_record(x);
    return 0;
}

/* What we do with a PDF: page tree, structure, spans, lines. MuPDF itself is not instrumented. */
#include "tests/fuzz/fuzz.h"
#include "worker/extract/pdf/pdf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct qr_extract *x = fuzz_extract("fuzz.pdf", data, size, true);

    qr_pdf_extract(x);
    fuzz_check_record(x);
    return 0;
}

/* The grammar of dimensions: total, and what it gives is finite. */
#include <math.h>
#include <stdlib.h>

#include "tests/fuzz/fuzz.h"
#include "worker/extract/drawing/dimension_text.h"

static void check(const struct qr_dimension_text *found, size_t size)
{
    if (!found->kind || !found->unit || !isfinite(found->value) || found->rest > size)
        abort();
    if (found->has_tolerance && (!isfinite(found->upper) || !isfinite(found->lower)))
        abort();
    if (found->has_secondary && !isfinite(found->secondary))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct qr_dimension_text found;

    if (qr_dimension_text_parse((const char *)data, size, &found))
        check(&found, size);
    if (qr_dimension_text_parse_known((const char *)data, size, &found))
        check(&found, size);
    return 0;
}

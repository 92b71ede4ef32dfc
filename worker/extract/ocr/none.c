/* Built where there is no libtesseract. */
#include "worker/extract/ocr/ocr.h"

#include <stdlib.h>
#include <string.h>

struct qr_ocr {
    char nothing;
};

struct qr_ocr *qr_ocr_new(void) { return calloc(1, sizeof(struct qr_ocr)); }

void qr_ocr_free(struct qr_ocr *ocr) { free(ocr); }

bool qr_ocr_is_available(const struct qr_ocr *ocr)
{
    (void)ocr;
    return false;
}

const char *qr_ocr_describe(const struct qr_ocr *ocr)
{
    (void)ocr;
    return "not built in";
}

void qr_ocr_begin(struct qr_ocr *ocr) { (void)ocr; }

uint32_t qr_ocr_memory(const struct qr_ocr *ocr)
{
    (void)ocr;
    return 0;
}

void qr_ocr_set_memory(struct qr_ocr *ocr, uint32_t memory)
{
    (void)ocr;
    (void)memory;
}

enum qr_ocr_status qr_ocr_read(struct qr_ocr *ocr, const struct qr_ocr_image *image,
                               enum qr_ocr_layout layout, int64_t budget_ms,
                               struct qr_ocr_text *ret)
{
    (void)ocr;
    (void)image;
    (void)layout;
    (void)budget_ms;
    memset(ret, 0, sizeof *ret);
    return QR_OCR_UNAVAILABLE;
}

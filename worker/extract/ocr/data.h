/* worker/extract/ocr/data.h
 *
 * Tesseract's language data, mapped read-only: from TESSDATA_PREFIX or where Debian, and others,
 * install them. Opens files: outside the sandbox only.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>

struct qr_ocr_data {
    const void *bytes; /* NULL: not there */
    size_t size;
};

/** Map the data of one language ("eng"); false when they are not installed. Stays mapped until
 *  qr_ocr_data_unmap(). */
bool qr_ocr_data_map(const char *language, struct qr_ocr_data *ret);
void qr_ocr_data_unmap(struct qr_ocr_data *data);

/* worker/extract/options.h
 *
 * What the user may ask of an extraction (`run create --set KEY=VALUE`, `quarry extract --set`).
 * Plain data: it travels in the JOB frame from the pool to the child.
 */
#pragma once
#include <stdint.h>

enum qr_extract_mode {
    QR_EXTRACT_AUTO, /* where the document calls for it */
    QR_EXTRACT_OFF,
    QR_EXTRACT_ON, /* everywhere */
};

struct qr_extract_options {
    uint8_t analysis;      /* enum qr_extract_mode: title block, dimensions, tables of drawings */
    uint8_t ocr;           /* enum qr_extract_mode */
    uint8_t spans;         /* enum qr_extract_mode: text with its place; AUTO: of drawings */
    uint8_t reserved;      /* 0 */
    char dxf_encoding[28]; /* code page to use instead of the DXF's own; "" none */
};

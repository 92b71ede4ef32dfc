/* worker/extract/options.h
 *
 * What the user may ask of an extraction (`run create --set KEY=VALUE`, `quarry extract --set`).
 * Plain data: it travels in the JOB frame from the pool to the child.
 *
 *     analysis=auto|off|on     read drawings: title block, dimensions, tables
 *     ocr=auto|off|on          read images of text; auto: where a page has no usable text
 *     spans=auto|off|on        keep each text with its place; auto: of drawings
 *     follow-references=on|off files that the file names (external references) become jobs too
 *     geometry=auto|off|on     of STEP models, by a geometry kernel; auto: where there is one
 *     geometry-points=N        points sampled from their surface, 0 .. 65536
 *     geometry-views=auto|off|on  pictures of them
 *     dxf-encoding=NAME        code page to use instead of the one a DXF file names
 */
#pragma once
#include <stdint.h>

#include "common/err.h"

enum qr_extract_mode {
    QR_EXTRACT_AUTO, /* where the document calls for it */
    QR_EXTRACT_OFF,
    QR_EXTRACT_ON, /* everywhere */
};

enum { QR_EXTRACT_POINTS_MAX = 65536 };

struct qr_extract_options {
    uint8_t analysis; /* enum qr_extract_mode, as are ocr, spans, geometry and its views */
    uint8_t ocr;
    uint8_t spans;
    uint8_t follow; /* ON or not; no AUTO: files outside of the source are asked for */
    uint8_t geometry;
    uint8_t geometry_views;
    uint8_t reserved[2];     /* 0 */
    int32_t geometry_points; /* 0: the default; -1: none */
    uint32_t overlay_page;   /* make a picture of this page (layout) with its findings; 0: none */
    char dxf_encoding[28];   /* "": the file's own */
};

/**
 * Set one option by name; a zeroed struct has the defaults.
 * Errors: QR_E_INVALID, no such option or value; *options is unchanged.
 */
QR_MUST_CHECK int qr_extract_options_set(struct qr_extract_options *options, const char *key,
                                         const char *value, struct qr_err *err);

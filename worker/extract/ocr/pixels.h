/* worker/extract/ocr/pixels.h
 *
 * What an image's pixels say before anything is read: a look at a sample of them, in a few
 * milliseconds whatever the size.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "worker/extract/ocr/ocr.h"

struct qr_ocr_look {
    bool blank;    /* one shade all over, or nearly */
    bool noise;    /* dots everywhere: no letters, and layout analysis would take for ever */
    bool sideways; /* lines of text run from top to bottom */
    int band_top;  /* rows (columns when sideways) with the most to read: a good sample */
    int band_bottom;
};

void qr_ocr_look(const struct qr_ocr_image *image, struct qr_ocr_look *ret);

/** A copy turned clockwise by 90, 180 or 270 degrees; `to` has room for width x height. Returns
 *  its description, which borrows `to`. */
struct qr_ocr_image qr_ocr_turn(const struct qr_ocr_image *image, int turn, uint8_t *to);

/** A box of the turned copy in pixels of the image as it was. */
void qr_ocr_turn_back(const struct qr_ocr_image *image, int turn, float box[4]);

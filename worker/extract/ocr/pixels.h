/* worker/extract/ocr/pixels.h
 *
 * What an image's pixels say before anything is read, and the image set straight.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "worker/extract/ocr/ocr.h"

struct qr_ocr_look {
    bool blank;    /* one shade all over, or nearly */
    bool noise;    /* dots everywhere: no letters, and layout analysis would take for ever */
    bool sideways; /* lines of text run from top to bottom */
    double skew;   /* degrees clockwise that make the lines level (or upright when sideways) */
    double paper;  /* share of the pixels that have about the commonest shade: text has much */
    int band_top;  /* rows (columns when sideways) with the most to read: a good sample */
    int band_bottom;
};

/** Looks at a sample of the pixels: some milliseconds, whatever the size. */
void qr_ocr_look(const struct qr_ocr_image *image, struct qr_ocr_look *ret);

/** How an image is turned before it is read: clockwise by `turn` + `skew` degrees about its middle,
 * on a sheet large enough for all of it. */
struct qr_ocr_pose {
    double angle;      /* turn + skew */
    bool exact;        /* no skew: pixels only change places */
    int width, height; /* of the turned image */
    double cos, sin;
    double from_x, from_y, to_x, to_y; /* the middles */
};

void qr_ocr_pose_set(struct qr_ocr_pose *pose, const struct qr_ocr_image *image, int turn,
                     double skew);

/** Turn it; `to` has room for pose->width x pose->height. */
void qr_ocr_straighten(const struct qr_ocr_image *image, const struct qr_ocr_pose *pose,
                       uint8_t *to);

/** Box x0 y0 x1 y1 around what a box of the turned image was in the image itself; and the other way
 * round. Not clipped. */
void qr_ocr_pose_back(const struct qr_ocr_pose *pose, float box[4]);
void qr_ocr_pose_forth(const struct qr_ocr_pose *pose, float box[4]);

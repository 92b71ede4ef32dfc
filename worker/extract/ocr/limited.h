/* worker/extract/ocr/limited.h
 *
 * A drawing device that gives up when its time is over.
 *
 * Rendering has no limit of its own: a page of a few megabytes can hold hundreds of thousands of
 * long lines, a pattern of thousands of tiles. The time is looked at before each thing that is
 * drawn, so one single path is drawn to its end.
 */
#pragma once
#include <stdint.h>

#include <mupdf/fitz.h>

struct qr_limited {
    int64_t until_ms;   /* by qr_clock_ms() */
    fz_device original; /* the functions that draw */
    void *user;         /* user data of the context before */
};

/**
 * From now on `dev` throws FZ_ERROR_ABORT when something is drawn after `until_ms`, and from then
 * on draws nothing. The context's user data belong to `limited` until qr_limited_end(), which the
 * caller calls in any case.
 */
void qr_limited_begin(struct qr_limited *limited, fz_context *ctx, fz_device *dev,
                      int64_t until_ms);
void qr_limited_end(struct qr_limited *limited, fz_context *ctx);

/* worker/geometry/png.h
 *
 * Writes a PNG of 8 bits a pixel with a palette. Source: W3C PNG specification, second edition, 5,
 * 10 and 11.2.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "common/buf.h"

/** Appends it; false when there is no memory. `palette`: 256 x red, green, blue. */
bool qr_png_write(const uint8_t *pixels, uint32_t width, uint32_t height,
                  const uint8_t palette[768], struct qr_buf *ret);

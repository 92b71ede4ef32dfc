/* worker/extract/dxf/width.h
 *
 * How long a text is when the font is not at hand: an estimate, good to about a tenth.
 *
 * Source: the advance widths of Arial, in heights of its capital letters (0.716 em); the stroke
 * fonts of drawings are close to it. Fonts of Chinese, Japanese and Korean have square letters.
 */
#pragma once
#include <stddef.h>

/** One line, clean UTF-8; in heights of a capital letter. */
double qr_dxf_line_width(const char *line, size_t len);

/** The longest line of a text whose lines are parted by \n; *ret_lines, which may be NULL. */
double qr_dxf_text_width(const char *text, size_t len, size_t *ret_lines);

/** Rows that a line takes when it is wrapped at `frame`, 1 .. 1000; both in heights; frame 0: 1. */
size_t qr_dxf_line_rows(double width, double frame);

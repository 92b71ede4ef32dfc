/* worker/extract/drawing/title_values.h
 *
 * What the value of each field of a title block can look like. Texts are clean UTF-8 without
 * blanks at the ends. Thread-safe, no allocation.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>

#include "worker/extract/drawing/title_labels.h"

/** How well a text can be the value of a field: 0 not at all, 1 just so. */
float qr_title_value_fit(enum qr_title_field field, const char *text, size_t len);

/** Does the form alone show which field it is, without a label: a scale "1:2", a sheet "1 of 3"? */
bool qr_title_value_is_strict(enum qr_title_field field);

bool qr_title_is_date(const char *text, size_t len);

/** A ratio "2:1", "1 / 4", or words that stand for it ("NTS", "FULL"). */
bool qr_title_is_scale(const char *text, size_t len);

/** "1 OF 3", "2/4", "Blatt 1 von 2", "3": number of the sheet and of all sheets, 0 when unknown. */
bool qr_title_sheet(const char *text, size_t len, unsigned *ret_sheet, unsigned *ret_count);

/** The word for the unit in "MILLIMETERS UNLESS OTHERWISE SPECIFIED": bytes [*ret_from, *ret_to).
 */
bool qr_title_unit(const char *text, size_t len, size_t *ret_from, size_t *ret_to);

/** "A3", "ANSI B", "D". */
bool qr_title_is_size(const char *text, size_t len);

/** A decimal number with . or , and an optional sign at the front; the bytes it takes, 0: none. */
size_t qr_title_number(const char *text, size_t len, double *ret);

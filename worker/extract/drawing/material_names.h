/* worker/extract/drawing/material_names.h
 *
 * Names of materials that are listed, not recognised by their form (material_text.h).
 *
 * Words are as qr_fold() leaves them, in lower case; a length goes with each, they need not end in
 * NUL. Thread-safe.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>

/** The four digits behind "1." of EN 10027-2, if that number is in use: 1.2500 is a length. */
bool qr_material_is_steel_number(const char *digits, size_t len);

/** A designation that is certain, without its blanks and hyphens: "pom", "ck45". */
bool qr_material_is_fixed(const char *word, size_t len);

/** A word that names a class of materials: "steel", "messing". */
bool qr_material_is_class(const char *word, size_t len);

/** A word that may stand beside one: "black", "anodized", "tube". */
bool qr_material_stands_beside(const char *word, size_t len);

/** Is the word in a list of `n` words that is sorted by strcmp()? */
bool qr_material_in_list(const char *word, size_t len, const char *const *list, size_t n);

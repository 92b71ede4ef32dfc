/* worker/extract/drawing/material_text.h
 *
 * Designations of materials in text.
 *
 * Two kinds: those that hardly can be anything else ("42CrMo4", "EN AW-6082", "S235JR", "1.4301"),
 * and words that are a material only where one is expected or where nothing else is said
 * ("Aluminium 7075", "POM black"). Sources of the forms: EN 10027-1 and -2 (steel names and
 * numbers), EN 573-1/-2 (aluminium), EN 1412 and ISO 1190-1 (copper), EN 1560 (cast iron),
 * AISI/SAE, JIS G, GOST and GB/T usage, ISO 1043-1 (plastics).
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>

struct qr_material_match {
    size_t at, len;  /* of the designation in the text */
    bool certain;    /* by its form alone */
    bool designated; /* has a number or grade, not only "steel" */
};

/** The first certain designation in a text. */
bool qr_material_find(const char *text, size_t len, struct qr_material_match *ret);

/**
 * Does the whole text name a material, and say nothing else?
 * Colours, treatments, thickness and standards may stand beside it.
 */
bool qr_material_is_all(const char *text, size_t len, struct qr_material_match *ret);

/* worker/extract/dxf/gdt.h
 *
 * The symbol fonts of geometric tolerances: which letter draws what, and what a symbol means.
 *
 * gdt.shx and the fonts made after it (amgdt, aigdt) draw a symbol for each small letter; capital
 * letters and digits are themselves. Names of characteristics are those of ISO 1101 in English with
 * underscores: "position", "circular_runout".
 *
 * Source: gdt.shp, the shape file; ISO 1101:2017 and ASME Y14.5 for the symbols; Unicode 15.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Is that a symbol font? Name with or without ".shx", case does not matter. */
bool qr_dxf_gdt_is_font(const char *name, size_t len);

/** The symbol of a letter of such a font, 0 when the letter is drawn as itself. */
uint32_t qr_dxf_gdt_symbol(char letter);

/** The name of a geometric characteristic by its symbol, NULL when it is none. */
const char *qr_dxf_gdt_characteristic(uint32_t symbol);

/** The name of a modifier ("maximum_material", "projected_zone", …), NULL when it is none. */
const char *qr_dxf_gdt_modifier(uint32_t symbol);

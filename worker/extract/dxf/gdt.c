/* Symbols of geometric tolerances: one table. */
#include "worker/extract/dxf/gdt.h"

#include <string.h>
#include <strings.h>

#include "common/base.h"

enum meaning { OTHER, CHARACTERISTIC, MODIFIER };

static const struct symbol {
    char letter; /* of gdt.shx; NUL: only as Unicode */
    uint32_t cp;
    enum meaning meaning;
    const char *name;
} symbols[] = {
    {'a', 0x2220, CHARACTERISTIC, "angularity"},
    {'b', 0x27C2, CHARACTERISTIC, "perpendicularity"},
    {'c', 0x23E5, CHARACTERISTIC, "flatness"},
    {'d', 0x2313, CHARACTERISTIC, "surface_profile"},
    {'e', 0x25CB, CHARACTERISTIC, "circularity"},
    {'f', 0x2225, CHARACTERISTIC, "parallelism"},
    {'g', 0x232D, CHARACTERISTIC, "cylindricity"},
    {'h', 0x2197, CHARACTERISTIC, "circular_runout"},
    {'i', 0x232F, CHARACTERISTIC, "symmetry"},
    {'j', 0x2316, CHARACTERISTIC, "position"},
    {'k', 0x2312, CHARACTERISTIC, "line_profile"},
    {'l', 0x24C1, MODIFIER, "least_material"},
    {'m', 0x24C2, MODIFIER, "maximum_material"},
    {'n', 0x2300, OTHER, "diameter"},
    {'o', 0x25A1, OTHER, "square"},
    {'p', 0x24C5, MODIFIER, "projected_zone"},
    {'r', 0x25CE, CHARACTERISTIC, "concentricity"},
    {'s', 0x24C8, MODIFIER, "regardless_of_feature_size"},
    {'t', 0x2330, CHARACTERISTIC, "total_runout"},
    {'u', 0x23E4, CHARACTERISTIC, "straightness"},
    {'v', 0x2334, OTHER, "counterbore"},
    {'w', 0x2335, OTHER, "countersink"},
    {'x', 0x21A7, OTHER, "depth"},
    {'y', 0x2332, OTHER, "conical_taper"},
    {'z', 0x2333, OTHER, "slope"},
    {'`', 0x00B1, OTHER, "plus_minus"},
    {'~', 0x00B0, OTHER, "degree"},
    {0, 0x22A5, CHARACTERISTIC, "perpendicularity"},
    {0, 0x25B1, CHARACTERISTIC, "flatness"},
    {0, 0x25EF, CHARACTERISTIC, "circularity"},
    {0, 0x2295, CHARACTERISTIC, "position"},
    {0, 0x2AFD, CHARACTERISTIC, "parallelism"},
    {0, 0x24BB, MODIFIER, "free_state"},
    {0, 0x24BA, MODIFIER, "envelope"},
    {0, 0x24C7, MODIFIER, "reciprocity"},
    {0, 0x24C9, MODIFIER, "tangent_plane"},
    {0, 0x24CA, MODIFIER, "unequally_disposed"},
};

bool qr_dxf_gdt_is_font(const char *name, size_t len)
{
    static const char *const fonts[] = {"gdt", "amgdt", "aigdt", "amgdtans"};

    if (len > 4 && strncasecmp(name + len - 4, ".shx", 4) == 0)
        len -= 4;
    for (size_t i = 0; i < QR_COUNT(fonts); i++)
        if (len == strlen(fonts[i]) && strncasecmp(name, fonts[i], len) == 0)
            return true;
    return false;
}

uint32_t qr_dxf_gdt_symbol(char letter)
{
    for (size_t i = 0; i < QR_COUNT(symbols); i++)
        if (letter != '\0' && symbols[i].letter == letter)
            return symbols[i].cp;
    return 0;
}

static const char *find(uint32_t cp, enum meaning meaning)
{
    for (size_t i = 0; i < QR_COUNT(symbols); i++)
        if (symbols[i].cp == cp && symbols[i].meaning == meaning)
            return symbols[i].name;
    return NULL;
}

const char *qr_dxf_gdt_characteristic(uint32_t symbol) { return find(symbol, CHARACTERISTIC); }

const char *qr_dxf_gdt_modifier(uint32_t symbol) { return find(symbol, MODIFIER); }

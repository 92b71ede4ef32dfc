#include "worker/extract/dxf/units.h"

#include "worker/extract/dxf/doc.h"

static const struct {
    const char *name;
    const char *unit;
    double mm;
} units[] = {
    {"unitless", "", 0},
    {"inches", "in", 25.4},
    {"feet", "ft", 304.8},
    {"miles", "mi", 1609344},
    {"millimetres", "mm", 1},
    {"centimetres", "cm", 10},
    {"metres", "m", 1000},
    {"kilometres", "km", 1e6},
    {"microinches", "uin", 25.4e-6},
    {"mils", "mil", 0.0254},
    {"yards", "yd", 914.4},
    {"angstroms", "angstrom", 1e-7},
    {"nanometres", "nm", 1e-6},
    {"microns", "um", 1e-3},
    {"decimetres", "dm", 100},
    {"decametres", "dam", 1e4},
    {"hectometres", "hm", 1e5},
    {"gigametres", "Gm", 1e12},
    {"astronomical units", "au", 149597870700e3},
    {"light years", "ly", 9460730472580800e3},
    {"parsecs", "pc", 3.0856775814913673e19},
    {"US survey feet", "ft(US)", 304.8006096012192},
    {"US survey inches", "in(US)", 25.4000508001016},
    {"US survey yards", "yd(US)", 914.4018288036576},
    {"US survey miles", "mi(US)", 1609347.2186944373},
};

const char *qr_dxf_unit_name(int64_t insunits)
{
    return insunits >= 0 && insunits < (int64_t)QR_COUNT(units) ? units[insunits].name : "unknown";
}

static void take(int64_t number, bool guessed, const char *how, struct qr_dxf_unit_guess *ret)
{
    ret->unit = units[number].unit;
    ret->mm = units[number].mm;
    ret->guessed = guessed;
    ret->how = how;
}

void qr_dxf_units_of(const struct qr_dxf_doc *doc, struct qr_dxf_unit_guess *ret)
{
    int64_t said = qr_dxf_variable_int(doc, "$INSUNITS", 0);
    int64_t lunits = qr_dxf_variable_int(doc, "$LUNITS", 2);

    *ret = (struct qr_dxf_unit_guess){.unit = "", .how = "none"};
    if (said > 0 && said < (int64_t)QR_COUNT(units))
        take(said, false, "insunits", ret);
    else if (lunits == 3 || lunits == 4) /* feet and inches are written out */
        take(1, true, "lunits", ret);
    else if (qr_dxf_variable_find(doc, "$MEASUREMENT"))
        take(qr_dxf_variable_int(doc, "$MEASUREMENT", 0) == 1 ? 4 : 1, true, "measurement", ret);
}

/* worker/extract/dxf/units.h
 *
 * What unit a drawing is in.
 *
 * Source: AutoCAD DXF reference, $INSUNITS.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

struct qr_dxf_doc;

struct qr_dxf_unit_guess {
    const char *unit; /* "mm", "in", "m", …; "" unknown */
    double mm;        /* millimetres of one; 0 unknown */
    bool guessed;     /* the drawing does not say */
    const char *how;  /* "insunits", "measurement", "none" */
};

/** The long name of a value of $INSUNITS: "millimetres"; "unitless" of 0, "unknown" beyond. */
const char *qr_dxf_unit_name(int64_t insunits);

/** $INSUNITS where it says something; else a guess by $MEASUREMENT, marked as such. */
void qr_dxf_units_of(const struct qr_dxf_doc *doc, struct qr_dxf_unit_guess *ret);

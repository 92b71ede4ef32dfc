/* worker/extract/dxf/dimension_format.h
 *
 * A measurement as AutoCAD writes it: units, decimals, rounding, suppressed zeros, prefix and
 * suffix, tolerance or limits, the alternate number.
 *
 * Text is UTF-8 and appended to `out`. Fractions stand in a line: 5'-2 1/2". Values that are not
 * finite write nothing.
 *
 * Source: AutoCAD command reference, DIMLUNIT, DIMZIN, DIMRND, DIMPOST, DIMTOL, DIMLIM, DIMALT,
 * DIMAUNIT, DIMAZIN.
 */
#pragma once
#include "common/buf.h"
#include "worker/extract/dxf/dimension_geometry.h"
#include "worker/extract/dxf/dimstyle.h"

/** What a number is written with. */
struct qr_dxf_number_style {
    enum qr_dxf_lunit unit;
    int decimals; /* of fractional units: parts of 2 to that power */
    int zeros;    /* as DIMZIN */
    double round; /* to multiples of it; 0: not */
    char point;   /* decimal separator */
};

/** A length, drawing units; feet and inches take the drawing unit for an inch. */
void qr_dxf_format_length(const struct qr_dxf_number_style *style, double value,
                          struct qr_buf *out);

/** An angle given in degrees. `zeros` as DIMAZIN. */
void qr_dxf_format_angle(enum qr_dxf_aunit unit, int decimals, int zeros, char point,
                         double degrees, struct qr_buf *out);

/**
 * The whole text of a dimension, with the MTEXT codes of its override and DIMPOST still in it.
 *
 *   text   the override (group 1) as UTF-8, NULL or "": none; each <> and [] is replaced
 */
void qr_dxf_format_text(const struct qr_dxf_dimvars *vars, enum qr_dxf_dim_kind kind, double value,
                        const char *text, size_t len, struct qr_buf *out);

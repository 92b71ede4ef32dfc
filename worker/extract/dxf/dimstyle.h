/* worker/extract/dxf/dimstyle.h
 *
 * How a dimension turns its measurement into text: DIMSTYLE table entries, the header's current
 * style, and what a single dimension overrides.
 *
 * Order of authority: overrides in the entity's XDATA (application ACAD, list DSTYLE), then the
 * named DIMSTYLE, then the header variables, then AutoCAD's defaults. Values that a file gives in
 * no way an application could use (negative decimals, NaN) are brought into range here, so the
 * functions that format need not check. What a DIMSTYLE entry leaves out has AutoCAD's default, as
 * AutoCAD itself reads it; the header speaks where a dimension names no style that exists. R12 and
 * older files have units and decimals in $LUNITS, $LUPREC, $AUNITS, $AUPREC instead. Strings live
 * as long as the document.
 *
 * Source: DXF reference, "DIMSTYLE" and "header section"; AutoCAD command reference, DIMxxx.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>

#include "worker/extract/dxf/tag.h"

struct qr_dxf_doc; /* worker/extract/dxf/doc.h */

enum qr_dxf_lunit {
    QR_DXF_LUNIT_SCIENTIFIC = 1,
    QR_DXF_LUNIT_DECIMAL,
    QR_DXF_LUNIT_ENGINEERING,
    QR_DXF_LUNIT_ARCHITECTURAL,
    QR_DXF_LUNIT_FRACTIONAL,
    QR_DXF_LUNIT_WINDOWS, /* the user's own settings: read as decimal */
};

enum qr_dxf_aunit {
    QR_DXF_AUNIT_DEGREES = 0,
    QR_DXF_AUNIT_DMS,
    QR_DXF_AUNIT_GRADS,
    QR_DXF_AUNIT_RADIANS,
};

struct qr_dxf_dimvars {
    const char *post;          /* DIMPOST: prefix<>suffix, UTF-8 with MTEXT codes; NULL: none */
    const char *apost;         /* DIMAPOST, of the alternate number */
    double rnd;                /* DIMRND: rounded to multiples, 0: not */
    double lfac;               /* DIMLFAC, as it stands; negative: paper space alone */
    double tp, tm;             /* DIMTP, DIMTM: upper = +tp, lower = -tm */
    double altf;               /* DIMALTF */
    double altrnd;             /* DIMALTRND */
    int dec, tdec, altd;       /* DIMDEC, DIMTDEC, DIMALTD: decimals, 0 .. 8 */
    int adec;                  /* DIMADEC, -1: as dec */
    int zin, tzin, azin, altz; /* DIMZIN, DIMTZIN, DIMAZIN, DIMALTZ */
    int frac;                  /* DIMFRAC: 0 horizontal, 1 diagonal, 2 not stacked */
    char dsep;                 /* DIMDSEP */
    enum qr_dxf_lunit lunit;   /* DIMLUNIT */
    enum qr_dxf_lunit altu;    /* DIMALTU, as lunit */
    enum qr_dxf_aunit aunit;   /* DIMAUNIT */
    double txt, scale, gap;    /* DIMTXT, DIMSCALE; DIMGAP below 0: the text is framed (basic) */
    bool tol, lim, alt;        /* DIMTOL, DIMLIM, DIMALT */
};

/** Keep a DIMSTYLE table entry in the document; of one name the first holds. */
void qr_dxf_dimstyle_add(struct qr_dxf_doc *doc, const struct qr_dxf_entity *entity);

/**
 * What holds for one dimension.
 *
 *   entity  a DIMENSION, TOLERANCE or LEADER: its style is group 3, its overrides XDATA
 */
void qr_dxf_dimvars_of(struct qr_dxf_doc *doc, const struct qr_dxf_entity *entity,
                       struct qr_dxf_dimvars *ret);

/* worker/extract/drawing/dimension_text.h
 *
 * The grammar of one dimension as a drawing shows it: "4X Ø6.5 H7", "M8x1.25-6g", "10 +0.1/-0.2".
 *
 * Pure and total: any bytes are accepted, nothing is allocated, time is linear in the length, which
 * is capped (longer text is no dimension). %%c, %%d, %%p and the usual look-alikes of the signs are
 * understood; MTEXT codes are not: give plain text, a stacked tolerance as "+a/-b" or in two lines.
 *
 * Source of the rules: ISO 129-1 (quantities, symbols), ISO 286-1 (fits), ISO 965-1, ASME B1.1 and
 * B1.20.1 (threads), ASME Y14.5 (reference, basic, hole symbols), and what public drawings write.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { QR_DIMENSION_TEXT_MAX = 512 }; /* bytes of text that are looked at */

/** How much the text alone says that it is a dimension. */
enum qr_dimension_evidence {
    QR_DIMENSION_WEAK,  /* "25", "C1", "1/2": could be anything; needs evidence around it */
    QR_DIMENSION_PLAIN, /* "25.40", "R5", "M3": usual for a dimension, also for other things */
    QR_DIMENSION_SURE,  /* "Ø25", "25 ±0.1", "M8x1.25", "4X R3": hardly anything else */
};

struct qr_dimension_text {
    /* "linear", "diameter", "radius", "angle", "thread", "chamfer", "arc_length", "square",
     * "depth", "counterbore", "countersink"; static. A fit or a tolerance does not change the kind.
     */
    const char *kind;
    double value; /* in `unit`; feet and inches in inches, angles in degrees; finite */
    const char
        *unit; /* as given: "mm", "cm", "m", "in", "deg"; "": not given. Metric threads: mm */
    uint32_t quantity; /* 0: not given */

    /* Deviations from `value`, signed. Limits ("10.2/10.0"): value is the larger one. */
    double upper, lower;
    bool has_tolerance;
    char fit[16]; /* "H7", "g6", "H7/g6"; of a thread its class, "6g", "2B" */

    double secondary; /* pitch of a thread, angle of a chamfer or countersink, depth of a hole */
    bool has_secondary;
    double depth; /* of a hole or thread, where given */
    bool has_depth;

    bool reference; /* (25) */
    bool basic;     /* [25] */
    bool thousands; /* one comma with three digits was read as decimal comma: "1,250" */
    char prefix[48];
    char suffix[64];
    enum qr_dimension_evidence evidence;
    size_t rest; /* offset of a further feature of a hole callout ("⌴ Ø10"), `len` when none */
};

/**
 * Read one dimension. False: the text is none (dates, part numbers, scales, voltages, sentences);
 * *ret is then untouched.
 *
 *   utf8  need not be valid or ended by NUL; may hold line breaks
 */
bool qr_dimension_text_parse(const char *utf8, size_t len, struct qr_dimension_text *ret);

/** The same for text that is known to belong to a dimension: words around the number do not matter
 * ("shaft Ø20 h7"). False when there is no number. */
bool qr_dimension_text_parse_known(const char *utf8, size_t len, struct qr_dimension_text *ret);

/* worker/extract/drawing/dimension_lex.h
 *
 * The words of a dimension text (dimension_text.h): numbers, vocabulary and signs, with look-alikes
 * made one. Pure, linear; no more than QR_DIMENSION_TOKENS_MAX tokens.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { QR_DIMENSION_TOKENS_MAX = 96 };

enum qr_dimension_token_type {
    QR_DT_END,
    QR_DT_NUMBER,
    QR_DT_WORD,  /* letters; `meaning` says which */
    QR_DT_DIA,   /* Ø and what stands for it */
    QR_DT_DEG,   /* ° */
    QR_DT_PM,    /* ± */
    QR_DT_TIMES, /* × and the letter x behind a number */
    QR_DT_FOOT,  /* ' */
    QR_DT_INCH,  /* " */
    QR_DT_SQUARE,
    QR_DT_ARC,
    QR_DT_DEPTH,
    QR_DT_CBORE,
    QR_DT_CSINK,
    QR_DT_SIGN, /* any other character: `sign` */
};

/** What a word means. */
enum qr_dimension_word {
    QR_DW_UNKNOWN,
    QR_DW_DIA,      /* DIA, DURCHMESSER */
    QR_DW_RADIUS,   /* R, RAD */
    QR_DW_SPHERE,   /* S before R and Ø */
    QR_DW_SPHERE_R, /* SR */
    QR_DW_MM,
    QR_DW_CM,
    QR_DW_M,
    QR_DW_INCH,
    QR_DW_FOOT,
    QR_DW_DEGREE,
    QR_DW_TYP, /* TYP, REF, MAX …: never part of anything but a dimension */
    QR_DW_REF,
    QR_DW_THROUGH,
    QR_DW_DEEP,
    QR_DW_PLACES, /* PLCS, OFF, HOLES */
    QR_DW_CBORE,
    QR_DW_CSINK,
    QR_DW_CHAMFER,
    QR_DW_CHAMFER_C, /* C */
    QR_DW_METRIC,    /* M, MJ */
    QR_DW_TRAPEZOID, /* TR */
    QR_DW_PIPE,      /* G, RP, RC, PT, PF */
    QR_DW_UNIFIED,   /* UNC, UNF */
    QR_DW_PIPE_TAIL, /* NPT, BSP */
    QR_DW_HAND,      /* LH, RH */
    QR_DW_LEAD,      /* words that may stand before: SW, PCD, THK, SLOT, L */
    QR_DW_TRAIL,     /* words that may stand behind: SLOT, HEX, EQ SP, FULL, ALL AROUND */
    QR_DW_NEVER,     /* words that no dimension has: SCALE, SHEET, KG, V */
};

struct qr_dimension_token {
    enum qr_dimension_token_type type;
    enum qr_dimension_word meaning; /* of words */
    uint32_t sign;                  /* of QR_DT_SIGN: the character */
    double number;
    uint8_t decimals;  /* digits behind the point */
    uint8_t digits;    /* digits before it */
    bool leading_zero; /* "007" */
    bool comma3;       /* "1,250": read as 1.25 */
    bool spaced;       /* white space before it */
    bool new_line;     /* a line break before it */
    size_t start, end; /* bytes of the text */
};

/** Returns the number of tokens before QR_DT_END; 0 also when the text has too many. `ret` has room
 * for QR_DIMENSION_TOKENS_MAX + 1. */
size_t qr_dimension_lex(const char *utf8, size_t len, struct qr_dimension_token *ret);

/* worker/extract/drawing/dimension_parse.h
 *
 * Inside of the dimension grammar (dimension_text.h): the parser and its parts. Each part either
 * takes tokens and returns true, or leaves the position where it was.
 */
#pragma once
#include "worker/extract/drawing/dimension_lex.h"
#include "worker/extract/drawing/dimension_text.h"

struct qr_dimension_parser {
    const char *text;
    size_t len;
    const struct qr_dimension_token *tokens; /* ended by QR_DT_END */
    size_t n, at;
    bool known; /* words do not matter */
    struct qr_dimension_text out;
    size_t value_at;  /* token of the number */
    size_t suffix_at; /* byte where the suffix begins; SIZE_MAX: none */
};

static inline const struct qr_dimension_token *qr_dp_peek(const struct qr_dimension_parser *p,
                                                          size_t ahead)
{
    return &p->tokens[p->at + ahead < p->n ? p->at + ahead : p->n];
}

static inline bool qr_dp_is(const struct qr_dimension_parser *p, size_t ahead,
                            enum qr_dimension_token_type type)
{
    return qr_dp_peek(p, ahead)->type == type;
}

static inline bool qr_dp_is_sign(const struct qr_dimension_parser *p, size_t ahead, uint32_t sign)
{
    return qr_dp_is(p, ahead, QR_DT_SIGN) && qr_dp_peek(p, ahead)->sign == sign;
}

static inline bool qr_dp_is_word(const struct qr_dimension_parser *p, size_t ahead,
                                 enum qr_dimension_word meaning)
{
    return qr_dp_is(p, ahead, QR_DT_WORD) && qr_dp_peek(p, ahead)->meaning == meaning;
}

/** A whole number without a leading zero. */
static inline bool qr_dp_is_count(const struct qr_dimension_parser *p, size_t ahead)
{
    const struct qr_dimension_token *t = qr_dp_peek(p, ahead);
    return t->type == QR_DT_NUMBER && t->decimals == 0 && !t->leading_zero && t->number >= 0;
}

static inline void qr_dp_raise(struct qr_dimension_parser *p, enum qr_dimension_evidence evidence)
{
    if (p->out.evidence < evidence)
        p->out.evidence = evidence;
}

/** A number with fraction, feet, inches or a unit: "3'-6 1/2\"", "5/8", "12.5 mm". */
bool qr_dp_length(struct qr_dimension_parser *p, double *ret, const char **ret_unit);

/** "45°", "12°30'15\"". */
bool qr_dp_angle(struct qr_dimension_parser *p, double *ret);

/** A thread with its pitch and class. */
bool qr_dp_thread(struct qr_dimension_parser *p);

/** All that stands behind number, fit and tolerance. False: this is no dimension. */
bool qr_dp_tail(struct qr_dimension_parser *p);

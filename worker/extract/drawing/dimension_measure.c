/* Numbers of a dimension with their units. */
#include <string.h>

#include "worker/extract/drawing/dimension_parse.h"

/* A proper fraction of an inch at `ahead`. */
static bool is_fraction(const struct qr_dimension_parser *p, size_t ahead)
{
    double over, under;

    if (!qr_dp_is_count(p, ahead) || !qr_dp_is_sign(p, ahead + 1, '/') ||
        !qr_dp_is_count(p, ahead + 2))
        return false;
    over = qr_dp_peek(p, ahead)->number;
    under = qr_dp_peek(p, ahead + 2)->number;
    for (int power = 2; power <= 128; power *= 2)
        if (under == power)
            return over > 0 && over < under;
    return false;
}

static double take_fraction(struct qr_dimension_parser *p)
{
    double value = qr_dp_peek(p, 0)->number / qr_dp_peek(p, 2)->number;
    p->at += 3;
    return value;
}

/* Whole number, fraction, or both; decimals too. */
static bool mixed_number(struct qr_dimension_parser *p, double *ret, bool *ret_fraction)
{
    const struct qr_dimension_token *t = qr_dp_peek(p, 0);

    *ret_fraction = is_fraction(p, 0);
    if (*ret_fraction) {
        *ret = take_fraction(p);
        return true;
    }
    if (t->type != QR_DT_NUMBER || (t->leading_zero && !t->decimals && !p->known))
        return false;
    *ret = t->number;
    p->out.thousands |= t->comma3;
    p->at++;
    if (t->decimals > 0)
        return true;
    if (is_fraction(p, 0)) {
        *ret += take_fraction(p);
        *ret_fraction = true;
    } else if (qr_dp_is_sign(p, 0, '-') && is_fraction(p, 1)) {
        p->at++;
        *ret += take_fraction(p);
        *ret_fraction = true;
    }
    return true;
}

static const char *take_unit(struct qr_dimension_parser *p)
{
    const struct qr_dimension_token *t = qr_dp_peek(p, 0);
    const char *unit = NULL;

    if (t->type == QR_DT_INCH)
        unit = "in";
    else if (t->type == QR_DT_WORD)
        switch (t->meaning) {
        case QR_DW_MM:
            unit = "mm";
            break;
        case QR_DW_CM:
            unit = "cm";
            break;
        case QR_DW_M:
            unit = "m";
            break;
        case QR_DW_INCH:
            unit = "in";
            break;
        case QR_DW_METRIC:
            unit = t->end == t->start + 1 && p->text[t->start] == 'm' ? "m" : NULL;
            break;
        default:
            break;
        }
    if (!unit || (unit[0] == 'm' && !unit[1] && qr_dp_is(p, 1, QR_DT_NUMBER)))
        return NULL;
    p->at++;
    return unit;
}

bool qr_dp_length(struct qr_dimension_parser *p, double *ret, const char **ret_unit)
{
    size_t from = p->at;
    bool fraction, feet;
    double value, inches;
    const char *unit;

    *ret_unit = "";
    if (!mixed_number(p, &value, &fraction)) {
        p->at = from;
        return false;
    }
    feet = qr_dp_is(p, 0, QR_DT_FOOT) || qr_dp_is_word(p, 0, QR_DW_FOOT);
    if (feet) {
        p->at++;
        value *= 12;
        from = p->at;
        if (qr_dp_is_sign(p, 0, '-'))
            p->at++;
        if (mixed_number(p, &inches, &fraction) && inches < 12)
            value += inches;
        else
            p->at = from;
        if (qr_dp_is(p, 0, QR_DT_INCH))
            p->at++;
        *ret = value;
        *ret_unit = "in";
        return true;
    }
    *ret = value;
    unit = take_unit(p);
    if (unit)
        *ret_unit = unit;
    else if (fraction)
        *ret_unit = "in";
    return true;
}

bool qr_dp_angle(struct qr_dimension_parser *p, double *ret)
{
    size_t ahead = 1;
    double part = 60;

    if (!qr_dp_is(p, 0, QR_DT_NUMBER) ||
        !(qr_dp_is(p, 1, QR_DT_DEG) || qr_dp_is_word(p, 1, QR_DW_DEGREE)))
        return false;
    *ret = qr_dp_peek(p, 0)->number;
    ahead = 2;
    for (enum qr_dimension_token_type stroke = QR_DT_FOOT;; stroke = QR_DT_INCH, part *= 60) {
        if (!qr_dp_is(p, ahead, QR_DT_NUMBER) || !qr_dp_is(p, ahead + 1, stroke) ||
            qr_dp_peek(p, ahead)->number >= 60)
            break;
        *ret += qr_dp_peek(p, ahead)->number / part;
        ahead += 2;
        if (stroke == QR_DT_INCH)
            break;
    }
    p->at += ahead;
    return true;
}

/* What stands behind the number of a dimension. */
#include <math.h>
#include <string.h>

#include "common/base.h"
#include "common/record/utf8.h"
#include "worker/extract/drawing/dimension_parse.h"

static bool is_plus(const struct qr_dimension_parser *p, size_t ahead)
{
    return qr_dp_is_sign(p, ahead, '+');
}

static bool is_minus(const struct qr_dimension_parser *p, size_t ahead)
{
    return qr_dp_is_sign(p, ahead, '-');
}

static void set_tolerance(struct qr_dimension_parser *p, double a, double b)
{
    p->out.upper = a > b ? a : b;
    p->out.lower = a > b ? b : a;
    p->out.has_tolerance = true;
    qr_dp_raise(p, QR_DIMENSION_SURE);
}

/* Skip the unit of a tolerance; minutes and seconds of an angle scale it. A degree sign makes a
 * plain number an angle ("45 ±1°"). */
static double take_tolerance_unit(struct qr_dimension_parser *p)
{
    bool angle = strcmp(p->out.unit, "deg") == 0;

    if (qr_dp_is(p, 0, QR_DT_DEG)) {
        p->at++;
        if (!angle && strcmp(p->out.kind, "linear") == 0) {
            p->out.kind = "angle";
            p->out.unit = "deg";
        }
        return 1;
    }
    if (angle && (qr_dp_is(p, 0, QR_DT_FOOT) || qr_dp_is(p, 0, QR_DT_INCH))) {
        double scale = qr_dp_is(p, 0, QR_DT_FOOT) ? 1.0 / 60 : 1.0 / 3600;
        p->at++;
        return scale;
    }
    if (qr_dp_is(p, 0, QR_DT_INCH) || qr_dp_is_word(p, 0, QR_DW_MM) ||
        qr_dp_is_word(p, 0, QR_DW_INCH) || qr_dp_is_word(p, 0, QR_DW_CM) ||
        qr_dp_is_word(p, 0, QR_DW_DEGREE))
        p->at++;
    return 1;
}

/* The number of a tolerance, with its unit: "0.1", "0.1 mm", "0°30'". */
static double tolerance_value(struct qr_dimension_parser *p)
{
    size_t number = p->at;
    double value;

    if (!qr_dp_angle(p, &value)) {
        value = qr_dp_peek(p, 0)->number;
        p->at++;
        return value * take_tolerance_unit(p);
    }
    p->at = number + 1;
    (void)take_tolerance_unit(p); /* the degree sign */
    p->at = number;
    (void)qr_dp_angle(p, &value);
    return value;
}

/* One deviation: sign and number; a zero needs no sign. */
static bool deviation(struct qr_dimension_parser *p, double *ret, bool *ret_signed)
{
    bool minus = is_minus(p, 0), sign = minus || is_plus(p, 0);

    if (!qr_dp_is(p, sign, QR_DT_NUMBER) || qr_dp_is(p, sign + 1u, QR_DT_TIMES) ||
        (!sign && qr_dp_peek(p, 0)->number != 0))
        return false;
    p->at += sign;
    *ret = tolerance_value(p);
    if (minus)
        *ret = -*ret;
    *ret_signed = sign;
    return true;
}

/* A glyph that has lost its meaning, between two numbers of which the second is far smaller, was a
 * plus-minus ("26.05 \uFFFD 0.20"; "\u00A1\u00D3" is its code in Big5). */
static bool is_lost_plus_minus(const struct qr_dimension_parser *p)
{
    size_t ahead = qr_dp_is_sign(p, 0, 0xA1) ? 1 : 0;
    const struct qr_dimension_token *number = qr_dp_peek(p, ahead + 1);
    double value = p->out.value > 0 ? p->out.value : -p->out.value;

    return qr_dp_is_sign(p, ahead, QR_UTF8_REPLACEMENT) && number->type == QR_DT_NUMBER &&
           number->decimals > 0 && number->number <= value * 0.25;
}

static bool plus_minus(struct qr_dimension_parser *p)
{
    double value;
    bool lost = is_lost_plus_minus(p);

    if (!lost && (!qr_dp_is(p, 0, QR_DT_PM) || !qr_dp_is(p, 1, QR_DT_NUMBER)))
        return false;
    p->at += lost && qr_dp_is_sign(p, 0, 0xA1) ? 2 : 1;
    value = tolerance_value(p);
    set_tolerance(p, value, -value);
    return true;
}

/* "+0.1/-0.2", "+0.1 -0.2", "0/-0.05", "+0.1". */
static bool signed_pair(struct qr_dimension_parser *p)
{
    size_t from = p->at, second_at;
    const struct qr_dimension_token *first = qr_dp_peek(p, is_plus(p, 0) || is_minus(p, 0));
    double a, b;
    bool a_signed, b_signed;

    if (!first->spaced && !is_plus(p, 0) && !is_minus(p, 0))
        return false;
    if (!deviation(p, &a, &a_signed))
        return false;
    second_at = p->at;
    if (qr_dp_is_sign(p, 0, '/') || qr_dp_is_sign(p, 0, ',') || qr_dp_is_sign(p, 0, ';'))
        p->at++;
    if (deviation(p, &b, &b_signed) && (a_signed || b_signed) && !is_minus(p, 0) &&
        (first->decimals > 0 || p->tokens[p->at - 1].decimals > 0 || a * b <= 0)) {
        set_tolerance(p, a, b);
        return true;
    }
    p->at = second_at;
    if (a_signed && first->decimals > 0 && !first->leading_zero &&
        fabs(a) <= 0.5 * fabs(p->out.value)) {
        set_tolerance(p, a, 0); /* the other one is nought */
        return true;
    }
    p->at = from;
    return false;
}

/* The second of two limits, "10.2/10.0" or in two lines. */
static bool second_limit(struct qr_dimension_parser *p)
{
    const struct qr_dimension_token *first = &p->tokens[p->value_at], *second;
    size_t separator = qr_dp_is_sign(p, 0, '/') || is_minus(p, 0) ? 1 : 0;
    double apart, larger;

    second = qr_dp_peek(p, separator);
    if (second->type == QR_DT_DIA || qr_dp_is_word(p, separator, QR_DW_RADIUS))
        second = qr_dp_peek(p, ++separator);
    if (second->type != QR_DT_NUMBER || (separator == 0 && !second->new_line) ||
        first->decimals == 0 || second->decimals != first->decimals ||
        qr_dp_is(p, separator + 1, QR_DT_TIMES))
        return false;
    apart = second->number - first->number;
    larger = apart > 0 ? second->number : first->number;
    if (apart == 0 || (apart > 0 ? apart : -apart) > 0.5 * larger)
        return false;
    p->at += separator + 1;
    p->out.value = larger;
    set_tolerance(p, 0, apart > 0 ? -apart : apart);
    return true;
}

/* "±0.1", "+0.1/-0.2", "0/-0.05", the second limit of "10.2/10.0". */
static bool take_tolerance(struct qr_dimension_parser *p)
{
    if (p->out.has_tolerance)
        return false;
    return plus_minus(p) || signed_pair(p) || second_limit(p);
}

/* A tolerance class of ISO 286: letters and grade. */
static bool is_fit(const struct qr_dimension_parser *p, size_t ahead, bool certain)
{
    static const char *const pairs[] = {"JS", "CD", "EF", "FG", "ZA", "ZB", "ZC"};
    const struct qr_dimension_token *word = qr_dp_peek(p, ahead), *grade = qr_dp_peek(p, ahead + 1);
    size_t n = word->end - word->start;
    char a, b;

    if (word->type != QR_DT_WORD || n > 2 || grade->type != QR_DT_NUMBER || grade->spaced ||
        grade->decimals || grade->number > 18 || (grade->leading_zero && grade->number > 1))
        return false;
    a = p->text[word->start];
    if (n == 1) {
        if (strchr("ILOQWilow", a) || a == 'q' || (unsigned char)a >= 0x80)
            return false;
        /* letters that mean something else as well */
        return certain || !strchr("MRCTGSBDEmrctgsbde", a) ||
               (!word->spaced && grade->number >= 5 && p->out.value <= 500 && a != 'e' && a != 'E');
    }
    b = p->text[word->start + 1];
    for (size_t i = 0; i < QR_COUNT(pairs); i++)
        if ((a == pairs[i][0] && b == pairs[i][1]) ||
            (a == pairs[i][0] + 32 && b == pairs[i][1] + 32))
            return true;
    return false;
}

/* "H7", "g6", "H7/g6". */
static bool take_fit(struct qr_dimension_parser *p)
{
    bool certain = strcmp(p->out.kind, "diameter") == 0;
    size_t n = 0, from, bytes;

    if (p->out.fit[0] || !is_fit(p, 0, certain) || (p->at > 0 && p->tokens[p->at - 1].sign == '-'))
        return false;
    for (;;) {
        from = qr_dp_peek(p, 0)->start;
        bytes = qr_dp_peek(p, 1)->end - from;
        if (n + bytes + 2 > sizeof p->out.fit)
            break;
        if (n > 0)
            p->out.fit[n++] = '/';
        memcpy(p->out.fit + n, p->text + from, bytes);
        n += bytes;
        p->at += 2;
        if (n > 8)
            break;
        if (qr_dp_is_sign(p, 0, '/') && is_fit(p, 1, true))
            p->at++;
        else if (!is_fit(p, 0, true))
            break;
    }
    p->out.fit[n] = 0;
    qr_dp_raise(p, QR_DIMENSION_SURE);
    return true;
}

static void begin_suffix(struct qr_dimension_parser *p)
{
    if (p->suffix_at == SIZE_MAX)
        p->suffix_at = qr_dp_peek(p, 0)->start;
}

/* Up to the bracket that closes the one at the position; false when there is none. */
static bool skip_brackets(struct qr_dimension_parser *p)
{
    uint32_t open = qr_dp_peek(p, 0)->sign, close = open == '(' ? ')' : ']';
    size_t at = p->at, depth = 0;

    for (; at < p->n; at++) {
        if (p->tokens[at].type != QR_DT_SIGN)
            continue;
        if (p->tokens[at].sign == open)
            depth++;
        else if (p->tokens[at].sign == close && --depth == 0) {
            p->at = at + 1;
            return true;
        }
    }
    return false;
}

/* "(±0.1)", "(H7)", "(4X)", or a remark in parentheses. */
static bool brackets(struct qr_dimension_parser *p)
{
    size_t from = p->at;

    if (!qr_dp_is_sign(p, 0, '(') && !qr_dp_is_sign(p, 0, '['))
        return false;
    if (qr_dp_is_sign(p, 0, '(')) {
        p->at++;
        if ((take_tolerance(p) || (take_fit(p) && (take_tolerance(p) || true))) &&
            qr_dp_is_sign(p, 0, ')')) {
            p->at++;
            return true;
        }
        p->at = from;
        if (!p->out.quantity && qr_dp_is_count(p, 1) && qr_dp_peek(p, 1)->number >= 1 &&
            qr_dp_peek(p, 1)->number < 1000 &&
            (qr_dp_is(p, 2, QR_DT_TIMES) || qr_dp_is_word(p, 2, QR_DW_PLACES))) {
            p->out.quantity = (uint32_t)qr_dp_peek(p, 1)->number;
            qr_dp_raise(p, QR_DIMENSION_PLAIN);
        }
    }
    begin_suffix(p);
    return skip_brackets(p);
}

/* "↧ 10", "DEEP 10", "10 DEEP", "x 10" behind a diameter or thread. */
static bool depth(struct qr_dimension_parser *p)
{
    size_t number = 1, taken = 2;
    bool hole = strcmp(p->out.kind, "diameter") == 0 || strcmp(p->out.kind, "thread") == 0 ||
                strcmp(p->out.kind, "counterbore") == 0;

    if (qr_dp_is(p, 0, QR_DT_DEPTH) || qr_dp_is_word(p, 0, QR_DW_DEEP)) {
        if (!qr_dp_is(p, 1, QR_DT_NUMBER)) { /* "25 DEEP" */
            if (qr_dp_is(p, 0, QR_DT_DEPTH))
                return false;
            begin_suffix(p);
            p->at++;
            return true;
        }
    } else if (qr_dp_is(p, 0, QR_DT_NUMBER) && qr_dp_is_word(p, 1, QR_DW_DEEP)) {
        number = 0;
    } else if (hole && qr_dp_is(p, 0, QR_DT_TIMES) && qr_dp_is(p, 1, QR_DT_NUMBER)) {
        taken = qr_dp_is_word(p, 2, QR_DW_DEEP) ? 3 : 2;
    } else {
        return false;
    }
    begin_suffix(p);
    if (!p->out.has_depth) {
        p->out.depth = qr_dp_peek(p, number)->number;
        p->out.has_depth = true;
    }
    p->at += taken;
    if (qr_dp_is_word(p, 0, QR_DW_MM))
        p->at++;
    return true;
}

/* "4 PLCS", "2Plc", "4X" behind the number. */
static bool trailing_quantity(struct qr_dimension_parser *p)
{
    double n = qr_dp_peek(p, 0)->number;

    if (!qr_dp_is_count(p, 0) || n < 1 || n > 999 || p->out.quantity)
        return false;
    if (!qr_dp_is_word(p, 1, QR_DW_PLACES) &&
        !(qr_dp_is(p, 1, QR_DT_TIMES) && !qr_dp_peek(p, 1)->spaced &&
          !qr_dp_is(p, 2, QR_DT_NUMBER)))
        return false;
    begin_suffix(p);
    p->out.quantity = (uint32_t)n;
    qr_dp_raise(p, QR_DIMENSION_PLAIN);
    p->at += 2;
    return true;
}

/* The begin of a further feature of a hole callout? */
static bool is_feature(const struct qr_dimension_parser *p)
{
    switch (qr_dp_peek(p, 0)->type) {
    case QR_DT_DIA:
    case QR_DT_CBORE:
    case QR_DT_CSINK:
        return true;
    case QR_DT_WORD:
        break;
    default:
        return false;
    }
    switch (qr_dp_peek(p, 0)->meaning) {
    case QR_DW_CBORE:
    case QR_DW_CSINK:
    case QR_DW_DIA:
        return true;
    case QR_DW_METRIC:
    case QR_DW_RADIUS:
        return qr_dp_is(p, 1, QR_DT_NUMBER);
    default:
        return false;
    }
}

static bool word(struct qr_dimension_parser *p)
{
    begin_suffix(p);
    switch (qr_dp_peek(p, 0)->meaning) {
    case QR_DW_TYP:
        qr_dp_raise(p,
                    p->out.evidence == QR_DIMENSION_WEAK ? QR_DIMENSION_PLAIN : QR_DIMENSION_SURE);
        break;
    case QR_DW_REF:
        p->out.reference = true;
        qr_dp_raise(p, QR_DIMENSION_PLAIN);
        break;
    case QR_DW_THROUGH:
    case QR_DW_PLACES:
    case QR_DW_LEAD:
    case QR_DW_TRAIL:
    case QR_DW_HAND:
    case QR_DW_SPHERE:
        break;
    case QR_DW_UNIFIED:
        if (strcmp(p->out.kind, "thread") != 0 && !p->known)
            return false;
        break;
    case QR_DW_MM:
    case QR_DW_INCH:
    case QR_DW_CM: /* behind a tolerance or fit */
        break;
    case QR_DW_RADIUS:
    case QR_DW_SPHERE_R:
        if (strcmp(p->out.kind, "linear") == 0)
            p->out.kind = "radius"; /* "5 R", "5 RAD" */
        break;
    case QR_DW_CHAMFER:
        if (strcmp(p->out.kind, "linear") == 0)
            p->out.kind = "chamfer";
        qr_dp_raise(p, QR_DIMENSION_SURE);
        break;
    default:
        return false;
    }
    p->at++;
    return true;
}

/* Signs that part or end a dimension. */
static bool neutral_sign(struct qr_dimension_parser *p)
{
    const struct qr_dimension_token *t = qr_dp_peek(p, 0);

    if (t->type != QR_DT_SIGN)
        return false;
    begin_suffix(p);
    switch (t->sign) {
    case ',':
    case ';':
    case '/':
        if (qr_dp_is(p, 1, QR_DT_NUMBER) && !qr_dp_is_word(p, 2, QR_DW_PLACES) &&
            !qr_dp_is_word(p, 2, QR_DW_DEEP))
            return false; /* a list of numbers */
        break;
    case '.':
    case '-':
        if (qr_dp_is(p, 1, QR_DT_NUMBER) ||
            (qr_dp_is(p, 1, QR_DT_END) && (t->sign == '-' || p->out.evidence == QR_DIMENSION_WEAK)))
            return false;
        break;
    case '@':
        p->at = p->n;
        return true;
    default:
        return false;
    }
    p->at++;
    return true;
}

bool qr_dp_tail(struct qr_dimension_parser *p)
{
    unsigned unknown = 0;

    while (p->at < p->n) {
        const struct qr_dimension_token *t = qr_dp_peek(p, 0);
        if (take_tolerance(p) || take_fit(p) || brackets(p) || depth(p) || trailing_quantity(p))
            continue;
        if (qr_dp_is_word(p, 0, QR_DW_DIA) && !qr_dp_is(p, 1, QR_DT_NUMBER) &&
            strcmp(p->out.kind, "linear") == 0) { /* "10 DIA" */
            p->out.kind = "diameter";
            qr_dp_raise(p, QR_DIMENSION_SURE);
            begin_suffix(p);
            p->at++;
            continue;
        }
        if (is_feature(p)) {
            p->out.rest = t->start;
            begin_suffix(p);
            p->at = p->n;
            return true;
        }
        if ((t->type == QR_DT_WORD && word(p)) || neutral_sign(p))
            continue;
        begin_suffix(p);
        if (!p->known && (t->type != QR_DT_WORD || t->meaning == QR_DW_NEVER || ++unknown > 8 ||
                          p->out.evidence < QR_DIMENSION_SURE))
            return false;
        p->at++;
    }
    if (unknown > 0)
        p->out.evidence = QR_DIMENSION_PLAIN;
    return true;
}

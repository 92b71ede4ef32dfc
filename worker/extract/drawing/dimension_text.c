#include "worker/extract/drawing/dimension_text.h"

#include <math.h>
#include <string.h>

#include "common/base.h"
#include "common/record/utf8.h"
#include "worker/extract/drawing/dimension_parse.h"

/* Does something begin here that has a quantity in front? */
static bool begins_feature(const struct qr_dimension_parser *p, size_t ahead)
{
    switch (qr_dp_peek(p, ahead)->type) {
    case QR_DT_DIA:
    case QR_DT_SQUARE:
    case QR_DT_CBORE:
    case QR_DT_CSINK:
    case QR_DT_DEPTH:
    case QR_DT_ARC:
        return true;
    case QR_DT_SIGN:
        return qr_dp_is_sign(p, ahead, '(') || qr_dp_is_sign(p, ahead, '#') ||
               qr_dp_is_sign(p, ahead, '[');
    case QR_DT_WORD:
        break;
    default:
        return false;
    }
    switch (qr_dp_peek(p, ahead)->meaning) {
    case QR_DW_DIA:
    case QR_DW_RADIUS:
    case QR_DW_SPHERE:
    case QR_DW_SPHERE_R:
    case QR_DW_CHAMFER:
    case QR_DW_CHAMFER_C:
    case QR_DW_METRIC:
    case QR_DW_TRAPEZOID:
    case QR_DW_PIPE:
    case QR_DW_CBORE:
    case QR_DW_CSINK:
    case QR_DW_LEAD:
    case QR_DW_PIPE_TAIL:
        return true;
    default:
        return false;
    }
}

/* Is the x behind the count at the position one of "4X 20", not of "2x45°"? */
static bool times_counts(const struct qr_dimension_parser *p)
{
    const struct qr_dimension_token *count = qr_dp_peek(p, 0), *x = qr_dp_peek(p, 1),
                                    *number = qr_dp_peek(p, 2);

    if (begins_feature(p, 2))
        return true;
    if (number->type != QR_DT_NUMBER || count->number > 99)
        return false;
    if (qr_dp_is(p, 3, QR_DT_DEG))
        return count->number > 1 && !x->spaced && number->spaced && x->end == x->start + 1;
    if (qr_dp_is(p, 3, QR_DT_TIMES))
        return true;
    if (x->spaced == number->spaced && !x->spaced)
        return count->number <= 24 && number->decimals > 0;
    return number->spaced;
}

/* How often: "4X", "(4x)", "2-", "4 OFF". Sets out.quantity. */
static bool take_quantity(struct qr_dimension_parser *p)
{
    size_t taken = 0, ahead = qr_dp_is_sign(p, 0, '(') ? 1 : 0;
    double n = qr_dp_peek(p, ahead)->number;

    if (!qr_dp_is_count(p, ahead) || n < 1 || n > 999)
        return false;
    if (ahead == 1) {
        if ((qr_dp_is(p, 2, QR_DT_TIMES) || qr_dp_is_word(p, 2, QR_DW_PLACES)) &&
            qr_dp_is_sign(p, 3, ')'))
            taken = 4;
        else if (qr_dp_is_sign(p, 2, ')') && begins_feature(p, 3) && !qr_dp_is_sign(p, 3, '('))
            taken = 3; /* "(4) Ø5" */
    } else if (qr_dp_is(p, 1, QR_DT_TIMES)) {
        if (times_counts(p))
            taken = 2;
    } else if (qr_dp_is_sign(p, 1, '-') && begins_feature(p, 2) && !qr_dp_is_sign(p, 2, '(')) {
        taken = 2; /* "4-M6" */
    } else if (qr_dp_is_sign(p, 1, '-') && n <= 20 && qr_dp_peek(p, 2)->decimals > 0 &&
               qr_dp_peek(p, 2)->number > 0.5 * n && !qr_dp_peek(p, 1)->spaced) {
        taken = 2; /* "2-2.5", the sign of the diameter lost */
    } else if (qr_dp_is_word(p, 1, QR_DW_PLACES)) {
        taken = 2;
        while (qr_dp_is_word(p, taken, QR_DW_PLACES) || qr_dp_is_sign(p, taken, ','))
            taken++;
        if (!begins_feature(p, taken) && !qr_dp_is(p, taken, QR_DT_NUMBER))
            taken = 0;
    } else if (qr_dp_is(p, 1, QR_DT_DIA) && qr_dp_is(p, 2, QR_DT_NUMBER)) {
        taken = 1; /* "4 Ø5" */
    } else if (qr_dp_is_word(p, 1, QR_DW_METRIC) && qr_dp_peek(p, 1)->spaced &&
               qr_dp_is(p, 2, QR_DT_NUMBER) && p->text[qr_dp_peek(p, 1)->start] == 'M') {
        taken = 1;
    }
    if (taken == 0)
        return false;
    p->out.quantity = (uint32_t)n;
    p->at += taken;
    return true;
}

static bool finish(struct qr_dimension_parser *p, const char *kind, const char *unit,
                   enum qr_dimension_evidence evidence)
{
    p->out.kind = kind;
    p->out.unit = unit;
    qr_dp_raise(p, evidence);
    return true;
}

/* A length with nothing between the position and it but '=' or ':'. */
static bool length_here(struct qr_dimension_parser *p, double *ret, const char **ret_unit)
{
    if (qr_dp_is_sign(p, 0, '=') || qr_dp_is_sign(p, 0, ':'))
        p->at++;
    p->value_at = p->at;
    return qr_dp_length(p, ret, ret_unit);
}

static bool diameter(struct qr_dimension_parser *p)
{
    const char *unit;

    p->at += qr_dp_is_word(p, 0, QR_DW_SPHERE);
    if (!qr_dp_is(p, 0, QR_DT_DIA) && !qr_dp_is_word(p, 0, QR_DW_DIA))
        return false;
    p->at++;
    return length_here(p, &p->out.value, &unit) && finish(p, "diameter", unit, QR_DIMENSION_SURE);
}

static bool radius(struct qr_dimension_parser *p)
{
    const struct qr_dimension_token *number;
    const char *unit;

    if (qr_dp_is_word(p, 0, QR_DW_SPHERE) && qr_dp_is_word(p, 1, QR_DW_RADIUS))
        p->at++;
    else if (!qr_dp_is_word(p, 0, QR_DW_RADIUS) && !qr_dp_is_word(p, 0, QR_DW_SPHERE_R))
        return false;
    p->at++;
    if (p->text[p->tokens[p->at - 1].start] == 'r' &&
        p->tokens[p->at - 1].end - p->tokens[p->at - 1].start == 1 && !p->known)
        return false;
    number = qr_dp_peek(p, 0);
    return length_here(p, &p->out.value, &unit) &&
           finish(p, "radius", unit,
                  number->decimals > 0 || unit[0] ? QR_DIMENSION_SURE : QR_DIMENSION_PLAIN);
}

/* "C1", "CHAMFER 0.2", "1.5 x 45°", "45° x 2". */
static bool chamfer(struct qr_dimension_parser *p)
{
    const char *unit;
    const struct qr_dimension_token *number;

    if (qr_dp_is_word(p, 0, QR_DW_CHAMFER)) {
        p->at++;
        p->value_at = p->at;
        qr_dp_raise(p, QR_DIMENSION_SURE);
    } else if (qr_dp_is_word(p, 0, QR_DW_CHAMFER_C)) {
        number = qr_dp_peek(p, 1);
        if (number->type != QR_DT_NUMBER || number->spaced || number->leading_zero ||
            p->text[qr_dp_peek(p, 0)->start] != 'C')
            return false;
        p->value_at = ++p->at;
        return qr_dp_length(p, &p->out.value, &unit) &&
               finish(p, "chamfer", unit,
                      number->decimals ? QR_DIMENSION_PLAIN : QR_DIMENSION_WEAK);
    }
    if (qr_dp_angle(p, &p->out.secondary)) {
        p->out.has_secondary = true;
        if (!qr_dp_is(p, 0, QR_DT_TIMES))
            return false;
        p->value_at = ++p->at;
        return qr_dp_length(p, &p->out.value, &unit) &&
               finish(p, "chamfer", unit, QR_DIMENSION_SURE);
    }
    p->value_at = p->at;
    if (!qr_dp_length(p, &p->out.value, &unit))
        return false;
    if (qr_dp_is(p, 0, QR_DT_TIMES)) {
        p->at++;
        if (qr_dp_angle(p, &p->out.secondary)) {
            p->out.has_secondary = true;
            qr_dp_raise(p, QR_DIMENSION_SURE);
        } else if (p->out.evidence < QR_DIMENSION_SURE) {
            return false;
        }
    }
    return p->out.evidence == QR_DIMENSION_SURE && finish(p, "chamfer", unit, QR_DIMENSION_SURE);
}

/* "⌴ Ø10 ↧ 5", "CSK Ø8 x 90°", "↧ 12". */
static bool hole(struct qr_dimension_parser *p)
{
    const char *kind, *unit;
    bool sign = true;

    switch (qr_dp_peek(p, 0)->type) {
    case QR_DT_DEPTH:
        kind = "depth";
        break;
    case QR_DT_CBORE:
        kind = "counterbore";
        break;
    case QR_DT_CSINK:
        kind = "countersink";
        break;
    default:
        sign = false;
        if (qr_dp_is_word(p, 0, QR_DW_DEEP))
            kind = "depth";
        else if (qr_dp_is_word(p, 0, QR_DW_CBORE))
            kind = "counterbore";
        else if (qr_dp_is_word(p, 0, QR_DW_CSINK))
            kind = "countersink";
        else
            return false;
    }
    p->at++;
    if (qr_dp_is(p, 0, QR_DT_DIA) || qr_dp_is_word(p, 0, QR_DW_DIA)) {
        p->at++;
        sign = true;
    }
    if (!length_here(p, &p->out.value, &unit))
        return false;
    if (qr_dp_is(p, 0, QR_DT_TIMES)) {
        p->at++;
        p->out.has_secondary = qr_dp_angle(p, &p->out.secondary);
        if (!p->out.has_secondary)
            p->at--;
    }
    return finish(p, kind, unit, sign ? QR_DIMENSION_SURE : QR_DIMENSION_PLAIN);
}

static bool angle(struct qr_dimension_parser *p)
{
    p->value_at = p->at;
    if (!qr_dp_angle(p, &p->out.value))
        return false;
    if (qr_dp_is(p, 0, QR_DT_WORD) && !qr_dp_peek(p, 0)->spaced && !p->known)
        return false; /* "25°C" */
    return finish(p, "angle", "deg", QR_DIMENSION_SURE);
}

/* "□20", "⌒30", "SW13", "t=2". */
static bool marked(struct qr_dimension_parser *p)
{
    const struct qr_dimension_token *t = qr_dp_peek(p, 0);
    const char *unit, *kind = "linear";

    if (t->type == QR_DT_SQUARE)
        kind = "square";
    else if (t->type == QR_DT_ARC)
        kind = "arc_length";
    else if (t->type != QR_DT_WORD || t->meaning != QR_DW_LEAD)
        return false;
    else if (t->end - t->start == 1 && !qr_dp_is_sign(p, 1, '='))
        return false;
    p->at++;
    if (qr_dp_is(p, 0, QR_DT_DIA)) { /* "PCD Ø60" */
        kind = "diameter";
        p->at++;
    }
    return length_here(p, &p->out.value, &unit) &&
           finish(p, kind, unit,
                  t->type == QR_DT_WORD && kind[0] == 'l' ? QR_DIMENSION_PLAIN : QR_DIMENSION_SURE);
}

static bool plain(struct qr_dimension_parser *p)
{
    const struct qr_dimension_token *number;
    bool negative = qr_dp_is_sign(p, 0, '-'), lost;
    const char *unit;

    if (negative && !p->known && qr_dp_peek(p, 1)->decimals == 0)
        return false;
    p->at += negative;
    lost = !negative && qr_dp_is_sign(p, 0, QR_UTF8_REPLACEMENT);
    p->at += lost; /* the sign in front that fonts of symbols lose is the diameter's */
    p->value_at = p->at;
    number = qr_dp_peek(p, 0);
    if (!qr_dp_length(p, &p->out.value, &unit))
        return false;
    if (negative)
        p->out.value = -p->out.value;
    if (qr_dp_is_word(p, 0, QR_DW_PLACES) && number->decimals == 0 && !p->known)
        return false; /* "2 PLCS" is no length */
    if (qr_dp_is(p, 0, QR_DT_TIMES) && qr_dp_is(p, 1, QR_DT_NUMBER) && number->decimals == 0 &&
        !unit[0] && !p->known)
        return false; /* "250x250": a size of something */
    if (qr_dp_is(p, 0, QR_DT_TIMES) && qr_dp_is(p, 1, QR_DT_NUMBER)) {
        p->at++;
        p->out.has_secondary = true;
        p->out.secondary = qr_dp_peek(p, 0)->number;
        p->at++;
        if (unit[0] == 0 && qr_dp_is_word(p, 0, QR_DW_MM)) {
            unit = "mm";
            p->at++;
        }
    }
    finish(p, lost ? "diameter" : "linear", unit,
           number->decimals > 0 || unit[0] ? QR_DIMENSION_PLAIN : QR_DIMENSION_WEAK);
    if (negative)
        p->out.evidence = QR_DIMENSION_WEAK;
    return true;
}

static bool feature(struct qr_dimension_parser *p)
{
    static bool (*const kinds[])(struct qr_dimension_parser *) = {
        diameter, radius, qr_dp_thread, chamfer, hole, angle, marked, plain};
    const struct qr_dimension_parser before = *p;

    for (size_t i = 0; i < QR_COUNT(kinds); i++) {
        if (kinds[i](p))
            return true;
        *p = before;
    }
    return false;
}

static void copy_words(char *out, size_t room, const char *text, size_t start, size_t end)
{
    while (start < end && (unsigned char)text[start] <= ' ')
        start++;
    while (end > start && (unsigned char)text[end - 1] <= ' ')
        end--;
    if (end - start >= room) {
        end = start + room - 1;
        while (end > start && ((unsigned char)text[end] & 0xC0) == 0x80)
            end--;
    }
    memcpy(out, text + start, end - start);
    out[end - start] = 0;
}

/* Text wholly in (…) or […]. */
static bool open_wrapper(struct qr_dimension_parser *p)
{
    uint32_t open = qr_dp_peek(p, 0)->sign, close = open == '(' ? ')' : ']';
    size_t depth = 0;

    if (!qr_dp_is_sign(p, 0, '(') && !qr_dp_is_sign(p, 0, '['))
        return false;
    for (size_t i = p->at; i < p->n; i++) {
        if (p->tokens[i].type != QR_DT_SIGN)
            continue;
        depth += p->tokens[i].sign == open;
        if (p->tokens[i].sign == close && --depth == 0) {
            if (i + 1 != p->n)
                return false;
            p->at++;
            p->n--;
            p->out.reference = open == '(';
            p->out.basic = open == '[';
            return true;
        }
    }
    return false;
}

/* One dimension from the position on; everything must fit unless it is known to be one. */
static bool parse_from(struct qr_dimension_parser *p)
{
    size_t prefix_at = qr_dp_peek(p, 0)->start;

    if (take_quantity(p)) {
        prefix_at = qr_dp_peek(p, 0)->start;
        if (qr_dp_is_sign(p, 0, '('))
            open_wrapper(p);
    } else if (open_wrapper(p) && take_quantity(p)) {
        prefix_at = qr_dp_peek(p, 0)->start;
    }
    while (qr_dp_is_word(p, 0, QR_DW_TYP) || qr_dp_is_word(p, 0, QR_DW_REF)) {
        p->out.reference |= qr_dp_peek(p, 0)->meaning == QR_DW_REF;
        p->at++;
    }
    if (!feature(p))
        return false;
    if (p->out.quantity && p->out.kind)
        qr_dp_raise(p,
                    p->out.evidence == QR_DIMENSION_WEAK ? QR_DIMENSION_PLAIN : QR_DIMENSION_SURE);
    copy_words(p->out.prefix, sizeof p->out.prefix, p->text, prefix_at,
               p->tokens[p->value_at].start);
    if (!qr_dp_tail(p))
        return false;
    if (p->suffix_at != SIZE_MAX)
        copy_words(p->out.suffix, sizeof p->out.suffix, p->text, p->suffix_at,
                   p->tokens[p->n].start);
    if (p->out.has_depth && !p->out.has_secondary && strcmp(p->out.kind, "thread") != 0) {
        p->out.secondary = p->out.depth;
        p->out.has_secondary = true;
    }
    return isfinite(p->out.value) != 0;
}

static bool parse(const char *utf8, size_t len, bool known, struct qr_dimension_text *ret)
{
    struct qr_dimension_token tokens[QR_DIMENSION_TOKENS_MAX + 1];
    struct qr_dimension_parser start, p;
    size_t n;

    if (len == 0 || len > QR_DIMENSION_TEXT_MAX)
        return false;
    n = qr_dimension_lex(utf8, len, tokens);
    if (n == 0)
        return false;
    start = (struct qr_dimension_parser){.text = utf8,
                                         .len = len,
                                         .tokens = tokens,
                                         .n = n,
                                         .suffix_at = SIZE_MAX,
                                         .out = {.unit = "", .rest = len}};
    p = start;
    if (parse_from(&p)) {
        *ret = p.out;
        return true;
    }
    if (!known)
        return false;
    start.known = true;
    for (; start.at < n; start.at++) {
        p = start;
        if (!parse_from(&p))
            continue;
        copy_words(p.out.prefix, sizeof p.out.prefix, utf8, 0, tokens[p.value_at].start);
        *ret = p.out;
        return true;
    }
    return false;
}

bool qr_dimension_text_parse(const char *utf8, size_t len, struct qr_dimension_text *ret)
{
    return parse(utf8, len, false, ret);
}

bool qr_dimension_text_parse_known(const char *utf8, size_t len, struct qr_dimension_text *ret)
{
    return parse(utf8, len, true, ret);
}

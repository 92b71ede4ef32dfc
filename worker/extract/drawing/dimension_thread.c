/* Threads: ISO metric, trapezoidal, pipe, unified. */
#include <string.h>

#include "common/base.h"
#include "worker/extract/drawing/dimension_parse.h"

/* Keep the bytes from token `from` up to, not with, token `to` as the thread's class. */
static void set_class(struct qr_dimension_parser *p, size_t from, size_t to)
{
    size_t start = p->tokens[from].start, n = p->tokens[to - 1].end - start;

    if (n < sizeof p->out.fit) {
        memcpy(p->out.fit, p->text + start, n);
        p->out.fit[n] = 0;
    }
}

/* "-6g", " - 6H", "-2B", "-LH": all that a designation appends. Also a class behind a space. */
static void take_class(struct qr_dimension_parser *p)
{
    for (int i = 0; i < 3; i++) {
        size_t ahead = qr_dp_is_sign(p, 0, '-') ? 1 : 0, first;
        const struct qr_dimension_token *number = qr_dp_peek(p, ahead);
        if (qr_dp_is_word(p, ahead, QR_DW_HAND)) {
            if (p->suffix_at == SIZE_MAX)
                p->suffix_at = qr_dp_peek(p, ahead)->start;
            p->at += ahead + 1;
            continue;
        }
        if (number->type != QR_DT_NUMBER || number->number < 1 || number->number > 9 ||
            !qr_dp_is(p, ahead + 1, QR_DT_WORD) || qr_dp_peek(p, ahead + 1)->spaced ||
            qr_dp_peek(p, ahead + 1)->end - qr_dp_peek(p, ahead + 1)->start > 2)
            return;
        first = p->at + ahead;
        p->at = first + 2;
        if (qr_dp_is(p, 0, QR_DT_NUMBER) && !qr_dp_peek(p, 0)->spaced &&
            qr_dp_is(p, 1, QR_DT_WORD)) /* "5g6g" */
            p->at += 2;
        set_class(p, first, p->at);
    }
}

static bool metric(struct qr_dimension_parser *p)
{
    const struct qr_dimension_token *size = qr_dp_peek(p, 1), *next;
    bool trapezoid = qr_dp_is_word(p, 0, QR_DW_TRAPEZOID);

    if (!(trapezoid || qr_dp_is_word(p, 0, QR_DW_METRIC)) || size->type != QR_DT_NUMBER ||
        (size->spaced && !qr_dp_is(p, 2, QR_DT_TIMES)) || size->leading_zero ||
        size->number < 0.3 || size->number > 1000 || size->decimals > 2)
        return false;
    if (p->text[qr_dp_peek(p, 0)->start] == 'm' && !p->known)
        return false;
    p->value_at = p->at + 1;
    p->out.value = size->number;
    p->at += 2;
    next = qr_dp_peek(p, 1);
    qr_dp_raise(p, QR_DIMENSION_PLAIN);
    if (qr_dp_is(p, 0, QR_DT_TIMES) && next->type == QR_DT_NUMBER) {
        /* "M8x1.25"; "M4x12" is a length */
        if (next->number < size->number * 0.5 && next->number <= (trapezoid ? 24 : 8)) {
            p->out.secondary = next->number;
            p->out.has_secondary = next->number > 0;
            qr_dp_raise(p, QR_DIMENSION_SURE);
            p->at += 2;
        } else {
            p->out.evidence = QR_DIMENSION_WEAK;
        }
    }
    p->out.kind = "thread";
    p->out.unit = "mm";
    take_class(p);
    if (p->out.fit[0])
        qr_dp_raise(p, QR_DIMENSION_SURE);
    return true;
}

/* "G1/4", "Rc 1/8", "NPT 1/4"; the number is nominal, in inches. */
static bool pipe_first(struct qr_dimension_parser *p)
{
    size_t from = p->at;
    double value;
    const char *unit;

    if (!qr_dp_is_word(p, 0, QR_DW_PIPE) && !qr_dp_is_word(p, 0, QR_DW_PIPE_TAIL))
        return false;
    p->at++;
    if (!qr_dp_is_count(p, 0) || !qr_dp_length(p, &value, &unit) || strcmp(unit, "in") != 0) {
        p->at = from; /* a bare "G1" may be anything */
        return false;
    }
    p->value_at = from + 1;
    p->out.value = value;
    p->out.unit = "in";
    p->out.kind = "thread";
    qr_dp_raise(p, QR_DIMENSION_SURE);
    take_class(p);
    return true;
}

/* Numbered sizes that are usual: "4-40", "10-32". */
static bool is_numbered_size(double number, double per_inch)
{
    static const uint8_t usual[][2] = {{0, 80},  {1, 64},  {1, 72},  {2, 56},  {2, 64},
                                       {3, 48},  {3, 56},  {4, 40},  {4, 48},  {5, 40},
                                       {5, 44},  {6, 32},  {6, 40},  {8, 32},  {8, 36},
                                       {10, 24}, {10, 32}, {12, 24}, {12, 28}, {12, 32}};
    for (size_t i = 0; i < QR_COUNT(usual); i++)
        if (number == usual[i][0] && per_inch == usual[i][1])
            return true;
    return false;
}

/* "1/4-20 UNC-2B", "#10-32", ".250-20 UNF", "1/8-27 NPT", "1/4 NPT", "1 1/2-6". */
static bool unified(struct qr_dimension_parser *p)
{
    size_t from = p->at;
    double size = 0, per_inch = 0;
    const char *unit = "";
    bool numbered = qr_dp_is_sign(p, 0, '#'), fraction, series = false;

    p->at += numbered;
    p->value_at = p->at;
    if (!qr_dp_is(p, 0, QR_DT_NUMBER))
        goto no;
    fraction = !qr_dp_is_count(p, 0) || !qr_dp_is_sign(p, 1, '-') || qr_dp_is_sign(p, 3, '/');
    if (fraction) {
        if (numbered || !qr_dp_length(p, &size, &unit) || (unit[0] && strcmp(unit, "in") != 0))
            goto no;
    } else {
        size = qr_dp_peek(p, 0)->number;
        p->at++;
    }
    if (qr_dp_is_sign(p, 0, '-') && qr_dp_is_count(p, 1) && !qr_dp_peek(p, 1)->spaced &&
        qr_dp_peek(p, 1)->number >= 3 && qr_dp_peek(p, 1)->number <= 100) {
        per_inch = qr_dp_peek(p, 1)->number;
        p->at += 2;
    }
    if (qr_dp_is_sign(p, 0, '-') && qr_dp_is(p, 1, QR_DT_WORD))
        p->at++; /* "1/4-20-UNC" */
    if (qr_dp_is_word(p, 0, QR_DW_UNIFIED) || qr_dp_is_word(p, 0, QR_DW_PIPE_TAIL) ||
        (qr_dp_is_word(p, 0, QR_DW_PIPE) && qr_dp_peek(p, 0)->end > qr_dp_peek(p, 0)->start + 1)) {
        series = true;
        p->suffix_at = qr_dp_peek(p, 0)->start;
        p->at++;
    }
    if (!fraction && !is_numbered_size(size, per_inch) && !series)
        goto no;
    if (series && fraction && per_inch == 0 && unit[0] == 0 && p->tokens[from].decimals == 0)
        goto no; /* "100 nF" */
    if (!series && (per_inch == 0 || (fraction && p->tokens[from].decimals > 0)))
        goto no;
    if (!fraction && size <= 14 && per_inch >= 20)
        size = 0.060 + 0.013 * size; /* ASME B1.1: numbered sizes */
    p->out.kind = "thread";
    p->out.unit = "in";
    p->out.value = size;
    p->out.has_secondary = per_inch > 0;
    p->out.secondary = per_inch > 0 ? 1 / per_inch : 0;
    qr_dp_raise(p, series || numbered ? QR_DIMENSION_SURE : QR_DIMENSION_PLAIN);
    take_class(p);
    return true;
no:
    p->at = from;
    p->suffix_at = SIZE_MAX;
    return false;
}

bool qr_dp_thread(struct qr_dimension_parser *p)
{
    return metric(p) || pipe_first(p) || unified(p);
}

#include "worker/extract/dxf/order.h"

#include <math.h>
#include <stdlib.h>

#include "worker/extract/dxf/expand.h"

#define PI 3.14159265358979323846
#define WIDE_GAP 2.0 /* heights */

/* 0 upright, then by how far it is turned, in quarters; slanted text behind. */
static int turn_of(const struct qr_dxf_span *span)
{
    double quarters = span->angle / 90;
    double nearest = round(quarters);

    if (fabs(quarters - nearest) > 0.02)
        return 4 + (int)floor(quarters);
    return (int)nearest % 4;
}

/* Distances along the reading direction and downwards from it, of the direction of `turn`. */
static double along(const struct qr_dxf_span *span, int turn)
{
    double angle = turn * PI / 2;
    return span->x * cos(angle) + span->y * sin(angle);
}

static double down(const struct qr_dxf_span *span, int turn)
{
    double angle = turn * PI / 2;
    return span->x * sin(angle) - span->y * cos(angle);
}

static int order(double left, double right) { return left < right ? -1 : left > right; }

static int by_row(const void *left, const void *right)
{
    const struct qr_dxf_span *a = left;
    const struct qr_dxf_span *b = right;
    int turn = turn_of(a);

    if (turn != turn_of(b))
        return turn - turn_of(b);
    int rows = order(down(a, turn), down(b, turn));
    return rows != 0 ? rows : order(along(a, turn), along(b, turn));
}

static int by_column(const void *left, const void *right)
{
    const struct qr_dxf_span *a = left;
    const struct qr_dxf_span *b = right;
    int turn = turn_of(a);

    return order(along(a, turn), along(b, turn));
}

void qr_dxf_order_text(struct qr_dxf_span *spans, size_t n, struct qr_buf *out)
{
    if (n == 0)
        return;
    qsort(spans, n, sizeof *spans, by_row);
    for (size_t at = 0; at < n;) {
        int turn = turn_of(&spans[at]);
        double first = down(&spans[at], turn);
        double reach = spans[at].height / 2;
        size_t end = at + 1;
        while (end < n && turn_of(&spans[end]) == turn && down(&spans[end], turn) - first <= reach)
            end++;
        qsort(spans + at, end - at, sizeof *spans, by_column);
        for (size_t i = at; i < end; i++) {
            if (i > at) {
                const struct qr_dxf_span *before = &spans[i - 1];
                double gap = along(&spans[i], turn) - along(before, turn) - before->width;
                qr_buf_append(out, gap > WIDE_GAP * before->height ? "\t" : " ", 1);
            }
            qr_buf_append(out, spans[i].line, spans[i].len);
        }
        qr_buf_append(out, "\n", 1);
        at = end;
    }
}

#include "worker/extract/pdf/figures.h"

#include <math.h>

#define SMALLEST 2.0f /* points */
#define LARGEST 60.0f
#define CURVES_MIN 4 /* of a circle made of curves: all oblique */
#define LINES_MIN 10 /* of one made of lines; short ones count as axis-parallel */

static bool is_round(fz_rect box, unsigned pieces, unsigned oblique, bool closed)
{
    float width = box.x1 - box.x0, height = box.y1 - box.y0;

    if (pieces < LINES_MIN ? pieces < CURVES_MIN || oblique < pieces : oblique == 0)
        return false;
    return closed && width >= SMALLEST && fabsf(width - height) < 0.12f * fmaxf(width, height);
}

void qr_pdf_figure_part(struct qr_pdf_figure *figure, fz_rect bounds, unsigned pieces,
                        unsigned oblique, bool closed)
{
    if (figure->other)
        return;
    figure->bounds = figure->parts++ ? fz_union_rect(figure->bounds, bounds) : bounds;
    if (figure->parts > 6 || bounds.x1 - bounds.x0 > LARGEST || bounds.y1 - bounds.y0 > LARGEST) {
        figure->other = true;
    } else if (pieces == 1) {
        if (oblique) {
            figure->oblique++;
            figure->slash = bounds;
        } else if (bounds.x1 - bounds.x0 > bounds.y1 - bounds.y0) {
            figure->flat++;
        } else {
            figure->upright++;
        }
    } else if (figure->n_rounds < 2 && is_round(bounds, pieces, oblique, closed)) {
        figure->rounds[figure->n_rounds++] = bounds;
    } else {
        figure->other = true;
    }
}

static bool same_middle(fz_rect a, fz_rect b)
{
    float slack = 0.12f * fmaxf(a.x1 - a.x0, b.x1 - b.x0);

    return fabsf(a.x0 + a.x1 - b.x0 - b.x1) < 2 * slack &&
           fabsf(a.y0 + a.y1 - b.y0 - b.y1) < 2 * slack;
}

static enum qr_figure_kind kind_of(const struct qr_pdf_figure *f)
{
    unsigned strokes = f->flat + f->upright + f->oblique;
    float width = f->bounds.x1 - f->bounds.x0, height = f->bounds.y1 - f->bounds.y0;

    if (f->n_rounds == 2)
        return strokes == 0 && same_middle(f->rounds[0], f->rounds[1]) ? QR_FIGURE_CONCENTRIC
                                                                       : QR_FIGURE_NONE;
    if (f->n_rounds == 1 && strokes == 0)
        return QR_FIGURE_CIRCLE;
    if (f->n_rounds == 1 && f->oblique == 1 && strokes == 1)
        return same_middle(f->rounds[0], f->slash) ? QR_FIGURE_DIAMETER : QR_FIGURE_NONE;
    if (f->n_rounds == 1 && f->flat == 1 && f->upright == 1 && strokes == 2)
        return same_middle(f->rounds[0], f->bounds) ? QR_FIGURE_POSITION : QR_FIGURE_NONE;
    if (f->n_rounds == 0 && f->oblique == 2 && f->flat == 1 && f->upright == 1 &&
        fabsf(width - height) < 0.3f * fmaxf(width, height) && width >= SMALLEST)
        return QR_FIGURE_DEPTH;
    return QR_FIGURE_NONE;
}

void qr_pdf_figure_painted(const struct qr_pdf_figure *figure, struct qr_sheet *sheet)
{
    enum qr_figure_kind kind =
        figure->other || figure->parts == 0 ? QR_FIGURE_NONE : kind_of(figure);
    fz_rect box = figure->n_rounds ? figure->rounds[0] : figure->bounds;

    if (kind != QR_FIGURE_NONE)
        qr_sheet_add_figure(sheet, kind, &(struct qr_sheet_rect){box.x0, box.y0, box.x1, box.y1});
}

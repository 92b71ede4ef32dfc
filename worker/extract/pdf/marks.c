#include "worker/extract/pdf/marks.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "worker/extract/pdf/follow.h"

#define LINE_MIN 3.0f   /* points; shorter ones are no frames */
#define SKEW_MAX 0.3f   /* how far from axis-parallel a line may be */
#define THIN_MAX 2.5f   /* a filled rectangle up to this is a line */
#define LETTER_MIN 1.2f /* the larger side of a letter */
#define LETTER_MAX 26.0f
#define LETTER_BENDS_MAX 400
#define PATH_SEGMENTS_MAX 50000

static struct qr_pdf_marks *marks_of(fz_context *ctx) { return fz_user_context(ctx); }

/* ---------------------------------------------------------------- the path in work */

static void add_segment(struct qr_pdf_marks *marks, fz_point a, fz_point b, bool filled)
{
    if (!marks->sheet || marks->n_segments >= PATH_SEGMENTS_MAX)
        return;
    if (marks->n_segments == marks->cap_segments) {
        size_t cap = marks->cap_segments ? marks->cap_segments * 2 : 256;
        void *bigger = realloc(marks->segments, cap * sizeof *marks->segments);
        if (!bigger)
            return;
        marks->segments = bigger;
        marks->cap_segments = cap;
    }
    marks->segments[marks->n_segments++] = (struct qr_pdf_mark_segment){a.x, a.y, b.x, b.y, filled};
}

/* A straight piece; kept when it is a line of a frame. */
static void straight(struct qr_pdf_marks *marks, fz_point a, fz_point b)
{
    float dx = fabsf(b.x - a.x);
    float dy = fabsf(b.y - a.y);

    marks->bends++;
    if (dx > SKEW_MAX && dy > SKEW_MAX) {
        marks->off_axis++;
        return;
    }
    if (dx >= LINE_MIN || dy >= LINE_MIN)
        add_segment(marks, a, b, false);
}

/* The subpath is complete: a letter? a thin rectangle? */
static void end_subpath(struct qr_pdf_marks *marks)
{
    fz_rect box = marks->bounds;
    float width = box.x1 - box.x0;
    float height = box.y1 - box.y0;
    float longer = width > height ? width : height;

    if (marks->bends == 0)
        return;
    if (marks->sheet)
        qr_pdf_signs_subpath(&marks->signs, box, marks->sheet);
    if (longer >= LETTER_MIN && longer <= LETTER_MAX && marks->bends <= LETTER_BENDS_MAX &&
        (marks->off_axis > 0 || marks->bends > 4 || (marks->bends >= 2 && marks->bends <= 3)))
        marks->letters_pending++;
    if (marks->off_axis == 0 && marks->bends >= 3 && marks->bends <= 5 && longer >= LINE_MIN) {
        if (height <= THIN_MAX && width > 3 * height) {
            float y = (box.y0 + box.y1) / 2;
            add_segment(marks, fz_make_point(box.x0, y), fz_make_point(box.x1, y), true);
        } else if (width <= THIN_MAX && height > 3 * width) {
            float x = (box.x0 + box.x1) / 2;
            add_segment(marks, fz_make_point(x, box.y0), fz_make_point(x, box.y1), true);
        }
    }
    marks->bends_pending += marks->bends;
    marks->bends = marks->off_axis = 0;
}

static void begin_subpath(struct qr_pdf_marks *marks, fz_point at)
{
    end_subpath(marks);
    marks->start = marks->pen = at;
    qr_pdf_signs_move(&marks->signs, at);
    marks->bounds = (fz_rect){at.x, at.y, at.x, at.y};
}

static void include(fz_rect *box, fz_point at)
{
    box->x0 = fminf(box->x0, at.x);
    box->y0 = fminf(box->y0, at.y);
    box->x1 = fmaxf(box->x1, at.x);
    box->y1 = fmaxf(box->y1, at.y);
}

static void line_to(struct qr_pdf_marks *marks, fz_point at)
{
    straight(marks, marks->pen, at);
    qr_pdf_signs_line(&marks->signs, at);
    include(&marks->bounds, at);
    marks->pen = at;
}

static void close_subpath(struct qr_pdf_marks *marks)
{
    if (marks->bends > 0 && (marks->pen.x != marks->start.x || marks->pen.y != marks->start.y))
        line_to(marks, marks->start);
}

void qr_pdf_marks_forget_path(struct qr_pdf_marks *marks)
{
    marks->n_segments = 0;
    marks->letters_pending = marks->bends_pending = 0;
    marks->bends = marks->off_axis = 0;
    if (marks->sheet)
        qr_pdf_signs_forget(&marks->signs, marks->sheet);
}

static void keep_line(struct qr_pdf_marks *marks, const struct qr_pdf_mark_segment *segment)
{
    fz_rect area = marks->area;
    float x0 = fmaxf(fminf(segment->x0, segment->x1), area.x0);
    float y0 = fmaxf(fminf(segment->y0, segment->y1), area.y0);
    float x1 = fminf(fmaxf(segment->x0, segment->x1), area.x1);
    float y1 = fminf(fmaxf(segment->y0, segment->y1), area.y1);

    if (x1 < x0 || y1 < y0)
        return;
    if (x1 - x0 > y1 - y0)
        qr_sheet_add_rule(marks->sheet, x0, (y0 + y1) / 2, x1, (y0 + y1) / 2);
    else
        qr_sheet_add_rule(marks->sheet, (x0 + x1) / 2, y0, (x0 + x1) / 2, y1);
}

static void paint(fz_context *ctx, bool close, bool fill, bool stroke)
{
    struct qr_pdf_marks *marks = marks_of(ctx);

    if (close)
        close_subpath(marks);
    end_subpath(marks);
    if (marks->masked == 0 && marks->off == 0 && (fill || stroke)) {
        marks->paths++;
        marks->letters += marks->letters_pending;
        marks->pieces += marks->bends_pending;
        if (marks->sheet)
            qr_pdf_signs_painted(&marks->signs, marks->sheet);
        for (size_t i = 0; i < marks->n_segments; i++)
            if (marks->segments[i].filled ? fill && !stroke : stroke)
                keep_line(marks, &marks->segments[i]);
    }
    qr_pdf_marks_forget_path(marks);
}

/* ---------------------------------------------------------------- operators of paths */

static fz_point at(struct qr_pdf_marks *marks, float x, float y)
{
    return fz_transform_point_xy(x, y, marks->ctm);
}

static void op_m(fz_context *ctx, pdf_processor *proc, float x, float y)
{
    struct qr_pdf_marks *marks = marks_of(ctx);

    (void)proc;
    begin_subpath(marks, at(marks, x, y));
}

static void op_l(fz_context *ctx, pdf_processor *proc, float x, float y)
{
    struct qr_pdf_marks *marks = marks_of(ctx);

    (void)proc;
    line_to(marks, at(marks, x, y));
}

static void curve_to(struct qr_pdf_marks *marks, fz_point c1, fz_point c2, fz_point end)
{
    qr_pdf_signs_curve(&marks->signs, marks->pen, c1, c2, end);
    marks->bends++;
    marks->off_axis++;
    include(&marks->bounds, end);
    marks->pen = end;
}

static void op_c(fz_context *ctx, pdf_processor *proc, float x1, float y1, float x2, float y2,
                 float x3, float y3)
{
    struct qr_pdf_marks *marks = marks_of(ctx);

    (void)proc;
    curve_to(marks, at(marks, x1, y1), at(marks, x2, y2), at(marks, x3, y3));
}

static void op_v(fz_context *ctx, pdf_processor *proc, float x2, float y2, float x3, float y3)
{
    struct qr_pdf_marks *marks = marks_of(ctx);

    (void)proc;
    curve_to(marks, marks->pen, at(marks, x2, y2), at(marks, x3, y3));
}

static void op_y(fz_context *ctx, pdf_processor *proc, float x1, float y1, float x3, float y3)
{
    struct qr_pdf_marks *marks = marks_of(ctx);
    fz_point end = at(marks, x3, y3);

    (void)proc;
    curve_to(marks, at(marks, x1, y1), end, end);
}

static void op_h(fz_context *ctx, pdf_processor *proc)
{
    (void)proc;
    close_subpath(marks_of(ctx));
}

static void op_re(fz_context *ctx, pdf_processor *proc, float x, float y, float w, float h)
{
    struct qr_pdf_marks *marks = marks_of(ctx);

    (void)proc;
    begin_subpath(marks, at(marks, x, y));
    line_to(marks, at(marks, x + w, y));
    line_to(marks, at(marks, x + w, y + h));
    line_to(marks, at(marks, x, y + h));
    line_to(marks, marks->start);
}

static void op_S(fz_context *ctx, pdf_processor *proc)
{
    (void)proc;
    paint(ctx, false, false, true);
}

static void op_s(fz_context *ctx, pdf_processor *proc)
{
    (void)proc;
    paint(ctx, true, false, true);
}

static void op_f(fz_context *ctx, pdf_processor *proc)
{
    (void)proc;
    paint(ctx, true, true, false);
}

static void op_B(fz_context *ctx, pdf_processor *proc)
{
    (void)proc;
    paint(ctx, false, true, true);
}

static void op_b(fz_context *ctx, pdf_processor *proc)
{
    (void)proc;
    paint(ctx, true, true, true);
}

static void op_n(fz_context *ctx, pdf_processor *proc)
{
    (void)proc;
    qr_pdf_marks_forget_path(marks_of(ctx));
}

void qr_pdf_marks_begin(struct qr_pdf_marks *marks, fz_rect area, fz_matrix ctm,
                        struct qr_sheet *sheet)
{
    marks->paths = marks->pieces = marks->images = marks->letters = 0;
    marks->image_area = 0;
    marks->images_in_form = marks->hidden_text = false;
    marks->off = marks->off_content = 0;
    marks->sheet = sheet;
    marks->area = area;
    marks->ctm = ctm;
    marks->signs.kept = 0;
    marks->depth = marks->floor = marks->too_deep = marks->masked = 0;
    qr_pdf_marks_forget_path(marks);
}

void qr_pdf_marks_done(struct qr_pdf_marks *marks)
{
    free(marks->segments);
    memset(marks, 0, sizeof *marks);
}

void qr_pdf_marks_watch(struct qr_pdf_marks *marks, pdf_processor *proc, fz_device *dev,
                        const fz_stext_page *text, pdf_document *layers)
{
    marks->text = text;
    marks->layers = layers;
    qr_pdf_follow(marks, proc, dev);
    proc->op_m = op_m;
    proc->op_l = op_l;
    proc->op_c = op_c;
    proc->op_v = op_v;
    proc->op_y = op_y;
    proc->op_h = op_h;
    proc->op_re = op_re;
    proc->op_S = op_S;
    proc->op_s = op_s;
    proc->op_F = op_f;
    proc->op_f = op_f;
    proc->op_fstar = op_f;
    proc->op_B = op_B;
    proc->op_Bstar = op_B;
    proc->op_b = op_b;
    proc->op_bstar = op_b;
    proc->op_n = op_n;
}

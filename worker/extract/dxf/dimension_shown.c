/* The text of a dimension that people see: what its block draws, else what it would draw. */
#include <math.h>
#include <string.h>

#include "common/base.h"
#include "common/record/utf8.h"
#include "worker/extract/dxf/dimension_intern.h"

#define PIECES_MAX 32 /* of one dimension: number, tolerances, words around them */
#define STEPS_MAX 256 /* texts and insertions of one block that are looked at */
#define DEPTH_MAX 3
#define PIECE_BYTES ((size_t)4096) /* of one text: as many as of an override */
#define BLANK_BYTES ((size_t)128)  /* what begins with as many blanks shows nothing */
#define RADIANS (3.14159265358979323846 / 180)
#define LETTER_WIDTH 0.8 /* of a letter's height, where a font is not known */

/* A text of the block in the frame of the main one: along its reading direction and across it. */
struct piece {
    const struct qr_dxf_text *text;
    double along, across; /* heights of the main text */
    int row;              /* 0: the number's row and what stands to its right; 1 above, -1 below */
    size_t order;
};

/* Every dimension that names the block looks at its texts, however long they are. */
static size_t length_of(const struct qr_dxf_text *text)
{
    return text->len < PIECE_BYTES ? text->len : qr_utf8_cut(text->text, text->len, PIECE_BYTES);
}

static bool is_blank(const struct qr_dxf_text *text)
{
    size_t len = text->len < BLANK_BYTES ? text->len : BLANK_BYTES;

    for (size_t i = 0; i < len; i++)
        if ((unsigned char)text->text[i] > ' ')
            return false;
    return true;
}

/* The texts that a block shows, in its own coordinates. */
struct texts {
    struct qr_dxf_text of[PIECES_MAX];
    size_t n;
    size_t steps; /* texts and insertions looked at */
};

/* x' = m0 x + m2 y + m4, y' = m1 x + m3 y + m5 */
static void take(const double m[6], const struct qr_dxf_text *from, struct texts *ret)
{
    struct qr_dxf_text *to = &ret->of[ret->n++];

    *to = *from;
    to->len = length_of(from);
    to->x = m[0] * from->x + m[2] * from->y + m[4];
    to->y = m[1] * from->x + m[3] * from->y + m[5];
    to->width *= hypot(m[0], m[1]);
    to->height *= hypot(m[2], m[3]);
    to->rotation += atan2(m[1], m[0]) / RADIANS;
}

static void chain(const double m[6], const struct qr_dxf_insert *insert, double ret[6])
{
    double c = cos(insert->rotation * RADIANS), s = sin(insert->rotation * RADIANS);
    double sx = insert->scale[0], sy = insert->scale[1];
    double a = sx * c, b = sx * s, d = -sy * s, e = sy * c;
    double x = insert->at[0] - a * insert->block->base[0] - d * insert->block->base[1];
    double y = insert->at[1] - b * insert->block->base[0] - e * insert->block->base[1];

    ret[0] = m[0] * a + m[2] * b;
    ret[1] = m[1] * a + m[3] * b;
    ret[2] = m[0] * d + m[2] * e;
    ret[3] = m[1] * d + m[3] * e;
    ret[4] = m[0] * x + m[2] * y + m[4];
    ret[5] = m[1] * x + m[3] * y + m[5];
}

/* Also those of inserted blocks: as R12 an MTEXT becomes a block of its lines. */
static void gather(const struct qr_dxf_block *block, const double m[6], int depth,
                   struct texts *ret)
{
    for (const struct qr_dxf_text *t = block->texts; t; t = t->next) {
        if (ret->n >= PIECES_MAX || ret->steps++ >= STEPS_MAX)
            return;
        if (!is_blank(t))
            take(m, t, ret);
    }
    for (const struct qr_dxf_insert *at = block->inserts; at && depth > 0; at = at->next) {
        double inner[6];
        if (ret->steps++ >= STEPS_MAX)
            return;
        chain(m, at, inner);
        gather(at->block, inner, depth - 1, ret);
    }
}

/* The tallest, and of several the one where reading begins: the number or what is in front of it
 * rather than a tolerance. */
static const struct qr_dxf_text *main_text(const struct texts *texts)
{
    const struct qr_dxf_text *best = NULL;

    for (size_t i = 0; i < texts->n; i++) {
        const struct qr_dxf_text *t = &texts->of[i];
        if (!best || t->height > best->height * 1.001) {
            best = t;
        } else if (t->height >= best->height * 0.999) {
            double angle = best->rotation * RADIANS;
            if ((t->x - best->x) * cos(angle) + (t->y - best->y) * sin(angle) < -0.1 * t->height)
                best = t;
        }
    }
    return best;
}

static void place(const struct qr_dxf_text *main, const struct qr_dxf_text *t, struct piece *p)
{
    double c = cos(main->rotation * RADIANS), s = sin(main->rotation * RADIANS);
    double dx = t->x - main->x, dy = t->y - main->y;
    double height = main->height > 0 ? main->height : 1;

    p->text = t;
    p->along = (dx * c + dy * s) / height;
    p->across = (dy * c - dx * s) / height;
    p->row = 0;
    if (fabs(p->across) > 0.6) {
        bool beside = p->along >= 0.5 * main->width / height && fabs(p->across) <= 1.6;
        p->row = beside ? 0 : p->across > 0 ? 1 : -1;
    }
}

static int compare(const void *a, const void *b)
{
    const struct piece *p = a, *q = b;
    double along = p->along - q->along, across = p->across - q->across;

    if (p->row != q->row)
        return q->row - p->row; /* from above */
    if (p->row != 0 && fabs(across) > 0.5)
        return across > 0 ? -1 : 1;
    if (fabs(along) > 0.25)
        return along < 0 ? -1 : 1;
    if (fabs(across) > 0.1)
        return across > 0 ? -1 : 1;
    return p->order < q->order ? -1 : p->order > q->order;
}

/* Sorted by insertion: the order above is no total one for hostile places, qsort wants that. */
static void sort(struct piece *pieces, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        struct piece moving = pieces[i];
        size_t at = i;
        while (at > 0 && compare(&moving, &pieces[at - 1]) < 0) {
            pieces[at] = pieces[at - 1];
            at--;
        }
        pieces[at] = moving;
    }
}

static void widen(struct qr_dxf_dim_spot *spot, double x, double y)
{
    spot->box[0] = fmin(spot->box[0], x);
    spot->box[1] = fmin(spot->box[1], y);
    spot->box[2] = fmax(spot->box[2], x);
    spot->box[3] = fmax(spot->box[3], y);
}

/* The corners of a text of one line, turned with it. */
static void cover(struct qr_dxf_dim_spot *spot, const struct qr_dxf_text *t)
{
    double c = cos(t->rotation * RADIANS), s = sin(t->rotation * RADIANS);

    for (int i = 0; i < 4; i++) {
        double w = i & 1 ? t->width : 0, h = i & 2 ? t->height : 0;
        widen(spot, t->x + w * c - h * s, t->y + w * s + h * c);
    }
}

bool qr_dxf_dim_is_drawn(const struct qr_dxf_block *block)
{
    static const double identity[6] = {1, 0, 0, 1, 0, 0};
    struct texts texts;

    texts.n = texts.steps = 0;
    gather(block, identity, DEPTH_MAX, &texts);
    return texts.n > 0;
}

static bool from_block(const struct qr_dxf_block *block, struct qr_buf *out,
                       struct qr_dxf_dim_spot *spot)
{
    static const double identity[6] = {1, 0, 0, 1, 0, 0};
    const struct qr_dxf_text *main;
    struct piece pieces[PIECES_MAX];
    struct texts texts;

    texts.n = texts.steps = 0;
    gather(block, identity, DEPTH_MAX, &texts);
    main = main_text(&texts);
    if (!main)
        return false;
    *spot = (struct qr_dxf_dim_spot){
        .box = {main->x, main->y, main->x, main->y},
        .rotation = main->rotation,
        .height = main->height,
        .known = true,
    };
    for (size_t i = 0; i < texts.n; i++) {
        place(main, &texts.of[i], &pieces[i]);
        pieces[i].order = i;
        cover(spot, &texts.of[i]);
    }
    sort(pieces, texts.n);
    for (size_t i = 0; i < texts.n; i++) {
        const char *text;
        size_t len = qr_dxf_trim(pieces[i].text->text, pieces[i].text->len, &text);
        bool same_row = i > 0 && pieces[i].row == 0 && pieces[i - 1].row == 0;
        if (i > 0)
            qr_buf_append(out, same_row ? " " : "\n", 1);
        qr_buf_append(out, text, len);
    }
    return out->len > 0;
}

/* Where the text would stand: around its middle, as wide as its letters. */
static void guess_spot(const struct qr_dxf_dimension *dim, const struct qr_buf *out,
                       struct qr_dxf_dim_spot *spot)
{
    double scale = dim->vars.scale > 0 ? dim->vars.scale : 1;
    double height = dim->vars.txt * scale, width;

    if (!dim->has_middle || !(height > 0) || !isfinite(height))
        return;
    width = height * LETTER_WIDTH * (double)qr_utf8_count((const char *)out->data, out->len);
    spot->box[0] = dim->middle[0] - width / 2;
    spot->box[1] = dim->middle[1] - height / 2;
    spot->box[2] = dim->middle[0] + width / 2;
    spot->box[3] = dim->middle[1] + height / 2;
    spot->rotation = dim->rotation;
    spot->height = height;
    spot->known = true;
}

/* A fraction of a stack that became a TEXT: 1#4. */
static void read_fractions(struct qr_buf *text)
{
    for (size_t i = 1; i + 1 < text->len; i++)
        if (text->data[i] == '#' && text->data[i - 1] >= '0' && text->data[i - 1] <= '9' &&
            text->data[i + 1] >= '0' && text->data[i + 1] <= '9')
            text->data[i] = '/';
}

/* Several blanks are one: they hold the place of signs drawn with lines. */
static void join_blanks(struct qr_buf *text)
{
    size_t to = 0;

    for (size_t i = 0; i < text->len; i++)
        if (text->data[i] != ' ' || (to > 0 && text->data[to - 1] != ' '))
            text->data[to++] = text->data[i];
    while (to > 0 && text->data[to - 1] == ' ')
        to--;
    if (text->len > 0)
        text->data[to] = '\0';
    text->len = to;
}

static bool has_mark(const struct qr_buf *text)
{
    for (size_t i = 0; i + 1 < text->len; i++)
        if (text->data[i] == '<' && text->data[i + 1] == '>')
            return true;
    return false;
}

enum qr_dxf_dim_source qr_dxf_dim_shown(const struct qr_dxf_doc *doc,
                                        const struct qr_dxf_dimension *dim,
                                        const struct qr_dxf_block *block,
                                        const struct qr_dxf_dim_numbers *numbers,
                                        struct qr_buf *out, struct qr_dxf_dim_spot *ret_spot)
{
    if (block && from_block(block, out, ret_spot)) {
        if (has_mark(out)) { /* a writer that did not put the number in */
            qr_buf_clear(out);
            qr_dxf_dim_expected(doc, dim, numbers, out);
            return QR_DXF_DIM_OVERRIDE;
        }
        read_fractions(out);
        qr_dxf_dim_restore_signs(doc, dim, numbers, out);
        join_blanks(out);
        return QR_DXF_DIM_BLOCK;
    }
    if (dim->suppressed || (!dim->text && !numbers->has_raw && !numbers->has_computed))
        return QR_DXF_DIM_NOTHING;
    qr_dxf_dim_expected(doc, dim, numbers, out);
    join_blanks(out);
    guess_spot(dim, out, ret_spot);
    return dim->text ? QR_DXF_DIM_OVERRIDE : QR_DXF_DIM_FORMATTED;
}

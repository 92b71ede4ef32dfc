/* Signs that a block draws with lines instead of letters.
 *
 * Some programs write only digits and words as text and draw diameter signs, plus-minus and degrees
 * with lines. The dimension's own text, or what its style makes of the measurement, has the signs.
 * Where both have the same letters and digits, the text with the signs is what people see. */
#include <string.h>

#include "worker/extract/dxf/dimension_format.h"
#include "worker/extract/dxf/dimension_intern.h"
#include "worker/extract/dxf/mtext.h"

#define SKELETON_MAX 1024

/* Letters, digits and what numbers are written with; signs and blanks are left out. */
static bool is_bone(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
           (c != '\0' && strchr(".,+-()/'\"[]", c) != NULL);
}

struct skeleton {
    char bones[SKELETON_MAX];
    size_t n;
    size_t signs; /* characters beyond ASCII */
    bool whole;   /* nothing was left out for want of room */
};

static void read_skeleton(const char *text, size_t len, struct skeleton *ret)
{
    ret->n = ret->signs = 0;
    ret->whole = true;
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c >= 0xC0)
            ret->signs++;
        if (!is_bone(text[i]))
            continue;
        if (ret->n < SKELETON_MAX)
            ret->bones[ret->n++] = text[i];
        else
            ret->whole = false;
    }
}

static bool same(const struct skeleton *a, const struct skeleton *b)
{
    return a->whole && b->whole && a->n == b->n && memcmp(a->bones, b->bones, a->n) == 0;
}

/* Where the text has had `bones` of them. */
static size_t behind(const struct qr_buf *text, size_t bones)
{
    size_t at = 0;

    while (at < text->len && bones > 0)
        bones -= is_bone((char)text->data[at++]);
    return at;
}

/* Bytes of the override in front of its first <>; SIZE_MAX when it has none. */
static size_t mark_of(const struct qr_dxf_dimension *dim)
{
    for (size_t i = 0; i + 1 < dim->text_len; i++)
        if (dim->text[i] == '<' && dim->text[i + 1] == '>')
            return i;
    return SIZE_MAX;
}

bool qr_dxf_dim_is_literal(const struct qr_dxf_dimension *dim)
{
    return dim->text && mark_of(dim) == SIZE_MAX;
}

void qr_dxf_dim_expected(const struct qr_dxf_doc *doc, const struct qr_dxf_dimension *dim,
                         const struct qr_dxf_dim_numbers *numbers, struct qr_buf *out)
{
    double value = numbers->has_raw ? numbers->raw : numbers->computed;
    struct qr_buf coded;

    qr_buf_init(&coded, out->max);
    qr_dxf_format_text(&dim->vars, dim->geometry.kind, value, dim->text, dim->text_len, &coded);
    if (coded.data)
        qr_dxf_mtext_plain(doc, (const char *)coded.data, coded.len, out, NULL);
    qr_buf_done(&coded);
}

/* Anything beyond ASCII, or a code for it? */
static bool has_sign(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)text[i] >= 0x80 || text[i] == '%' ||
            (text[i] == '\\' && i + 1 < len && strchr("UuMmFf", text[i + 1])))
            return true;
    return false;
}

/* Can the text have signs that the block lacks? Most dimensions are plain numbers. */
static bool may_have_signs(const struct qr_dxf_dimension *dim)
{
    const struct qr_dxf_dimvars *vars = &dim->vars;

    return vars->tol || qr_dxf_dim_is_angle(dim->geometry.kind) ||
           dim->geometry.kind == QR_DXF_DIM_DIAMETER ||
           (dim->text && has_sign(dim->text, dim->text_len)) ||
           (vars->post && has_sign(vars->post, strlen(vars->post)));
}

void qr_dxf_dim_restore_signs(const struct qr_dxf_doc *doc, const struct qr_dxf_dimension *dim,
                              const struct qr_dxf_dim_numbers *numbers, struct qr_buf *shown)
{
    struct skeleton drawn, written;
    struct qr_buf expected;

    if (!may_have_signs(dim) ||
        (!numbers->has_raw && !numbers->has_computed && !qr_dxf_dim_is_literal(dim)))
        return;
    qr_buf_init(&expected, shown->max);
    qr_dxf_dim_expected(doc, dim, numbers, &expected);
    read_skeleton((const char *)shown->data, shown->len, &drawn);
    read_skeleton(expected.data ? (const char *)expected.data : "", expected.len, &written);
    if (written.signs > drawn.signs && same(&drawn, &written)) {
        qr_buf_clear(shown);
        qr_buf_append(shown, expected.data, expected.len);
    }
    qr_buf_done(&expected);
}

size_t qr_dxf_dim_number_at(const struct qr_dxf_doc *doc, const struct qr_dxf_dimension *dim,
                            const struct qr_buf *shown)
{
    size_t mark = dim->text ? mark_of(dim) : SIZE_MAX, at = 0;
    struct skeleton head, all;
    struct qr_buf plain;

    if (mark == SIZE_MAX || mark == 0)
        return 0;
    qr_buf_init(&plain, shown->max);
    qr_dxf_mtext_plain(doc, dim->text, mark, &plain, NULL);
    read_skeleton(plain.data ? (const char *)plain.data : "", plain.len, &head);
    read_skeleton((const char *)shown->data, shown->len, &all);
    if (head.whole && head.n < all.n && memcmp(head.bones, all.bones, head.n) == 0)
        at = behind(shown, head.n);
    qr_buf_done(&plain);
    return at;
}

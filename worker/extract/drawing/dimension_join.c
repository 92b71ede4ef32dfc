#include "worker/extract/drawing/dimension_join.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define GAP 1.3f /* between pieces of one dimension, in heights */

enum { TEXT_ALONE_MAX = 80, TEXT_JOINED_MAX = 28, MISSES_MAX = 3, STACK_MAX = 8 };

struct joiner {
    const struct qr_sheet *sheet;
    const struct qr_pieces *pieces;
    uint8_t *taken; /* by span */
    uint8_t *alone; /* by piece: 0 not known, 1 no, 2 reads alone as a dimension */
};

static const struct qr_sheet_span *span_of(const struct joiner *jn, size_t piece)
{
    return &jn->sheet->spans[jn->pieces->list[piece].span];
}

static bool is_free(const struct joiner *jn, size_t piece)
{
    return !jn->taken[jn->pieces->list[piece].span];
}

static bool has_digit(const struct qr_sheet_span *span)
{
    for (uint32_t i = 0; i < span->len; i++)
        if (span->text[i] >= '0' && span->text[i] <= '9')
            return true;
    return false;
}

static bool reads_alone(struct joiner *jn, size_t piece)
{
    const struct qr_sheet_span *span = span_of(jn, piece);
    struct qr_dimension_text read;

    if (jn->alone[piece] == 0)
        jn->alone[piece] = span->len <= TEXT_ALONE_MAX && has_digit(span) &&
                                   qr_dimension_text_parse(span->text, span->len, &read)
                               ? 2
                               : 1;
    return jn->alone[piece] == 2;
}

/* May a dimension begin with this text? */
static bool may_begin(const struct qr_sheet_span *span)
{
    if (span->len == 0 || span->len > TEXT_ALONE_MAX)
        return false;
    return has_digit(span) || span->len <= 4;
}

/* Signs stand close to their number. */
static bool ends_with_sign(const struct qr_dimension_group *group)
{
    const char *end = group->text + group->len;

    return (group->len >= 2 && memcmp(end - 2, "\xC3\x98", 2) == 0) ||
           (group->len >= 3 && memcmp(end - 3, "\xE2\x86\xA7", 3) == 0);
}

static bool append(struct qr_dimension_group *group, char separator, const char *text, size_t len)
{
    if (separator == ' ' && ends_with_sign(group))
        separator = 0;
    if (group->len + len + 2 > sizeof group->text)
        return false;
    if (separator)
        group->text[group->len++] = separator;
    memcpy(group->text + group->len, text, len);
    group->len += len;
    group->text[group->len] = 0;
    return true;
}

static bool add_member(struct qr_dimension_group *group, uint32_t piece)
{
    if (group->n_members == QR_DIMENSION_MEMBERS_MAX)
        return false;
    group->members[group->n_members++] = piece;
    return true;
}

static bool is_member(const struct qr_dimension_group *group, size_t piece)
{
    for (size_t i = 0; i < group->n_members; i++)
        if (group->members[i] == piece)
            return true;
    return false;
}

static bool read_group(struct qr_dimension_group *group)
{
    return qr_dimension_text_parse(group->text, group->len, &group->read);
}

/* Signs and digits alone: "+0.1", "-", "0". */
static bool is_deviation_text(const struct qr_sheet_span *span, bool *ret_sign)
{
    *ret_sign = false;
    if (span->len == 0 || span->len > 10)
        return false;
    for (uint32_t i = 0; i < span->len; i++) {
        unsigned char c = (unsigned char)span->text[i];
        if (c == '+' || c == '-' || c >= 0x80)
            *ret_sign = i == 0 || *ret_sign;
        else if (!((c >= '0' && c <= '9') || c == '.' || c == ',' || c == ' '))
            return false;
        if (c >= 0x80 && !(c == 0xE2 && i == 0 && span->len > 2) && !(i > 0 && i < 3))
            return false; /* U+2212 minus in front is the only one */
    }
    return true;
}

static float middle(const struct qr_piece *piece) { return (piece->v0 + piece->v1) / 2; }

struct stack {
    struct joiner *jn;
    const struct qr_dimension_group *group;
    uint32_t pieces[STACK_MAX];
    size_t n;
};

static bool collect_stack(size_t index, const struct qr_piece *piece, void *arg)
{
    struct stack *stack = arg;
    const struct qr_piece *of = &stack->jn->pieces->list[stack->group->next];
    bool sign;

    if (piece->u0 < of->u1 - 0.3f * of->height ||
        fabsf(middle(piece) - middle(of)) > 1.2f * of->height)
        return true;
    if (is_free(stack->jn, index) && !is_member(stack->group, index) &&
        is_deviation_text(span_of(stack->jn, index), &sign) && stack->n < STACK_MAX)
        stack->pieces[stack->n++] = (uint32_t)index;
    return true;
}

static void sort_by_u(const struct qr_pieces *pieces, uint32_t *list, size_t n)
{
    for (size_t i = 1; i < n; i++)
        for (size_t j = i; j > 0 && pieces->list[list[j]].u0 < pieces->list[list[j - 1]].u0; j--) {
            uint32_t swap = list[j];
            list[j] = list[j - 1];
            list[j - 1] = swap;
        }
}

/* Keep those that hang together from `reach` on; returns whether there is a sign. */
static bool cut_stack(struct stack *stack, float reach, float height)
{
    const struct qr_pieces *pieces = stack->jn->pieces;
    size_t kept = 0;
    bool any_sign = false, sign;

    sort_by_u(pieces, stack->pieces, stack->n);
    for (size_t i = 0; i < stack->n; i++) {
        const struct qr_piece *piece = &pieces->list[stack->pieces[i]];
        const struct qr_sheet_span *span = span_of(stack->jn, stack->pieces[i]);
        if (piece->u0 > reach)
            break;
        (void)is_deviation_text(span, &sign);
        any_sign |= sign;
        if (sign && span->len <= 3)
            reach = fmaxf(reach, piece->u1 + 0.7f * height);
        stack->pieces[kept++] = stack->pieces[i];
    }
    stack->n = kept;
    return any_sign;
}

/* "10" with "+0.1" above "-0.2" behind it, signs perhaps in spans of their own. */
static bool join_stack(struct joiner *jn, struct qr_dimension_group *group)
{
    const struct qr_pieces *pieces = jn->pieces;
    const struct qr_piece *last = &pieces->list[group->next];
    float h = last->height, top = INFINITY;
    struct qr_piece_window window = {last->u1 - 0.3f * h, last->u1 + 5 * h, middle(last) - 1.2f * h,
                                     middle(last) + 1.2f * h, true};
    struct stack stack = {.jn = jn, .group = group};
    struct qr_dimension_group joined = *group;
    bool lower = false;

    qr_pieces_around(pieces, last, &window, collect_stack, &stack);
    if (!cut_stack(&stack, last->u1 + 1.5f * h, h))
        return false;
    for (size_t i = 0; i < stack.n; i++)
        top = fminf(top, middle(&pieces->list[stack.pieces[i]]));
    for (int row = 0; row < 2; row++) {
        bool begun = false;
        for (size_t i = 0; i < stack.n; i++) {
            const struct qr_piece *piece = &pieces->list[stack.pieces[i]];
            const struct qr_sheet_span *span = span_of(jn, stack.pieces[i]);
            if ((middle(piece) - top > 0.45f * piece->height) != (row == 1))
                continue;
            if (!add_member(&joined, stack.pieces[i]) || !append(&joined,
                                                                 begun      ? 0
                                                                 : row == 0 ? ' '
                                                                            : '/',
                                                                 span->text, span->len))
                return false;
            begun = true;
            lower |= row == 1;
        }
    }
    if (!read_group(&joined) || !joined.read.has_tolerance)
        return false;
    if (!lower && fabsf(top - middle(last)) < 0.1f * h)
        return false; /* on the line itself: not stacked */
    joined.next = stack.pieces[stack.n - 1];
    *group = joined;
    return true;
}

/* Read on along the line as long as more makes sense. False: nothing reads from here. */
static bool join_line(struct joiner *jn, size_t first, struct qr_dimension_group *ret)
{
    const struct qr_sheet_span *span = span_of(jn, first);
    struct qr_dimension_group trial = {.n_members = 0, .next = (uint32_t)first};
    bool found = false, reads;
    int misses = 0;

    add_member(&trial, (uint32_t)first);
    if (!append(&trial, 0, span->text, span->len))
        return false;
    reads = reads_alone(jn, first) && read_group(&trial);
    for (;;) {
        uint32_t next;
        if (reads) {
            found = true;
            misses = 0;
            if (!trial.read.has_tolerance)
                (void)join_stack(jn, &trial);
            *ret = trial;
        } else if (++misses > MISSES_MAX) {
            return found;
        }
        next = qr_pieces_next(jn->pieces, trial.next, GAP * jn->pieces->list[trial.next].height);
        if (next == QR_PIECES_NONE || !is_free(jn, next) || is_member(&trial, next))
            return found;
        span = span_of(jn, next);
        if (span->len > TEXT_JOINED_MAX || (reads && reads_alone(jn, next)) ||
            !add_member(&trial, next) || !append(&trial, ' ', span->text, span->len))
            return found;
        trial.next = next;
        reads = read_group(&trial);
    }
}

/* Does this text make sense only behind a dimension? */
static bool is_tail(struct joiner *jn, size_t piece)
{
    const struct qr_sheet_span *span = span_of(jn, piece);
    struct qr_dimension_text read;
    char text[TEXT_JOINED_MAX + 8] = "10.5 ";

    if (span->len < 2 || span->len > TEXT_JOINED_MAX || reads_alone(jn, piece))
        return false;
    memcpy(text + 5, span->text, span->len);
    return qr_dimension_text_parse(text, span->len + 5, &read);
}

struct below {
    struct joiner *jn;
    const struct qr_dimension_group *group;
    const struct qr_piece *of;
    uint32_t found;
};

static bool look_below(size_t index, const struct qr_piece *piece, void *arg)
{
    struct below *below = arg;
    float drop = middle(piece) - middle(below->of);

    if (!is_free(below->jn, index) || is_member(below->group, index) ||
        drop < 0.6f * below->of->height || drop > 1.8f * below->of->height ||
        fabsf(piece->height - below->of->height) > 0.35f * below->of->height)
        return true;
    if (below->found == QR_PIECES_NONE || piece->v0 < below->jn->pieces->list[below->found].v0)
        below->found = (uint32_t)index;
    return true;
}

/* "4 PLACES" in the line below, or the smaller of two limits. */
static bool join_below(struct joiner *jn, struct qr_dimension_group *group)
{
    const struct qr_piece *of =
        &jn->pieces->list[group->n_members > 1 ? group->next : group->members[0]];
    struct qr_piece_window window = {of->u0, of->u1, of->v1 - 0.2f * of->height,
                                     of->v1 + 1.2f * of->height, false};
    struct below below = {jn, group, of, QR_PIECES_NONE};
    struct qr_dimension_group joined = *group;
    const struct qr_sheet_span *span;
    const struct qr_piece *piece;
    bool limit;

    qr_pieces_around(jn->pieces, of, &window, look_below, &below);
    if (below.found == QR_PIECES_NONE)
        return false;
    piece = &jn->pieces->list[below.found];
    span = span_of(jn, below.found);
    limit = !is_tail(jn, below.found);
    if (limit &&
        (!reads_alone(jn, below.found) || joined.read.has_tolerance ||
         fabsf(piece->u0 - of->u0) > 0.3f * of->height ||
         fabsf(piece->u1 - of->u1) > 0.3f * of->height || piece->v0 - of->v1 > 0.35f * of->height))
        return false;
    if (span->len > TEXT_JOINED_MAX || !add_member(&joined, below.found) ||
        !append(&joined, limit ? '\n' : ' ', span->text, span->len) || !read_group(&joined))
        return false;
    if (limit) {
        if (!joined.read.has_tolerance || joined.read.value != group->read.value ||
            -joined.read.lower > 0.1 + 0.01 * joined.read.value)
            return false; /* the larger limit stands above, not far from the smaller one */
        joined.text[group->len] = '/';
    }
    *group = joined;
    return true;
}

static bool keep(struct qr_dimension_groups *groups, const struct qr_dimension_group *group)
{
    if (groups->n == QR_DIMENSION_GROUPS_MAX) {
        groups->capped = true;
        return false;
    }
    if (groups->n == groups->cap) {
        size_t cap = groups->cap ? groups->cap * 2 : 64;
        struct qr_dimension_group *bigger = realloc(groups->list, cap * sizeof *bigger);
        if (!bigger)
            return false;
        groups->list = bigger;
        groups->cap = cap;
    }
    groups->list[groups->n++] = *group;
    return true;
}

/* What reads as one dimension from this piece on. Joined: of several pieces; otherwise alone. */
static bool read_from(struct joiner *jn, size_t piece, bool joined, struct qr_dimension_group *ret)
{
    const struct qr_sheet_span *span = span_of(jn, piece);

    if (joined) {
        if (!join_line(jn, piece, ret))
            return false;
        (void)join_below(jn, ret);
        return ret->n_members > 1;
    }
    if (!reads_alone(jn, piece))
        return false;
    *ret = (struct qr_dimension_group){.n_members = 0, .next = (uint32_t)piece};
    return add_member(ret, (uint32_t)piece) && append(ret, 0, span->text, span->len) &&
           read_group(ret);
}

static bool find_all(struct joiner *jn, bool joined, struct qr_dimension_groups *ret)
{
    struct qr_dimension_group group;

    for (size_t i = 0; i < jn->pieces->n; i++) {
        if (!is_free(jn, i) || !may_begin(span_of(jn, i)) || !read_from(jn, i, joined, &group))
            continue;
        if (!keep(ret, &group))
            return false;
        for (size_t m = 0; m < group.n_members; m++)
            jn->taken[jn->pieces->list[group.members[m]].span] = 1;
    }
    return true;
}

bool qr_dimension_groups_find(const struct qr_sheet *sheet, const struct qr_pieces *pieces,
                              uint8_t *taken, struct qr_dimension_groups *ret)
{
    struct joiner jn = {sheet, pieces, taken, calloc(pieces->n + 1, 1)};
    /* joined ones first: their parts would read alone, too */
    bool ok = jn.alone && find_all(&jn, true, ret) && find_all(&jn, false, ret);

    free(jn.alone);
    return ok || ret->capped;
}

void qr_dimension_groups_done(struct qr_dimension_groups *groups)
{
    free(groups->list);
    *groups = (struct qr_dimension_groups){0};
}

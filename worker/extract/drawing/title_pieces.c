#include "worker/extract/drawing/title_pieces.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "worker/extract/drawing/title_values.h"

int qr_title_quarter(float angle)
{
    float turns;

    if (!isfinite(angle))
        return -1;
    turns = fmodf(angle, 360) / 90;
    if (turns < 0)
        turns += 4;
    float nearest = floorf(turns + 0.5f);
    return fabsf(turns - nearest) > 0.06f ? -1 : (int)nearest % 4;
}

struct qr_sheet_rect qr_title_upright(int quarter, const struct qr_sheet_rect *r)
{
    switch (quarter) {
    case 1:
        return (struct qr_sheet_rect){-r->y1, r->x0, -r->y0, r->x1};
    case 2:
        return (struct qr_sheet_rect){-r->x1, -r->y1, -r->x0, -r->y0};
    case 3:
        return (struct qr_sheet_rect){r->y0, -r->x1, r->y1, -r->x0};
    default:
        return *r;
    }
}

struct qr_sheet_rect qr_title_turned_back(int quarter, const struct qr_sheet_rect *r)
{
    return qr_title_upright((4 - quarter) % 4, r);
}

bool qr_title_view_init(struct qr_title_view *view, const struct qr_sheet *sheet,
                        const struct qr_grid *grid, int quarter)
{
    struct qr_sheet turned = {.n_rules = sheet->n_rules};
    bool ok;

    *view = (struct qr_title_view){.sheet = sheet, .quarter = quarter};
    view->area = qr_title_upright(quarter, &sheet->area);
    turned.area = view->area;
    if (quarter == 0) {
        view->grid = *grid;
        return true;
    }
    view->owns_grid = true;
    turned.rules = malloc((sheet->n_rules + 1) * sizeof *turned.rules);
    if (!turned.rules)
        return false;
    for (size_t i = 0; i < sheet->n_rules; i++) {
        const struct qr_sheet_rule *rule = &sheet->rules[i];
        struct qr_sheet_rect line = {rule->x0, rule->y0, rule->x1, rule->y1};
        line = qr_title_upright(quarter, &line);
        turned.rules[i] = (struct qr_sheet_rule){line.x0, line.y0, line.x1, line.y1};
    }
    ok = qr_grid_init(&view->grid, &turned);
    free(turned.rules);
    return ok;
}

void qr_title_view_done(struct qr_title_view *view)
{
    if (view->owns_grid)
        qr_grid_done(&view->grid);
}

/* Is the text after a label parted from it by a colon? *at moves behind it. */
static bool colon_follows(const char *text, size_t len, size_t *at)
{
    size_t i = *at;

    while (i < len && text[i] && strchr(" .)]", text[i]))
        i++;
    if (i < len && (text[i] == ':' || text[i] == '=')) {
        *at = i + 1;
        return true;
    }
    if (i + 3 <= len && memcmp(text + i, "：", 3) == 0) {
        *at = i + 3;
        return true;
    }
    return false;
}

/* Without a colon, does what follows show that this is a label? */
static bool value_shows(enum qr_title_field field, const struct qr_fold *fold, size_t first,
                        size_t n, const char *text, size_t len)
{
    size_t at = fold->words[first + n - 1].to;
    size_t rest_len = len - at;
    const char *rest = qr_trim(text + at, &rest_len);
    size_t words_after = fold->n_words - first - n;
    bool lone = words_after == 1;

    if (field >= QR_TITLE_FIELDS || rest_len == 0 || (first > 0 && field != QR_TITLE_SCALE))
        return false;
    if (qr_title_value_is_strict(field))
        return qr_title_value_fit(field, rest, rest_len) > 0.75f && (first == 0 || rest_len < 16);
    if (field == QR_TITLE_GENERAL_TOLERANCE)
        return strncmp(rest, "±", 2) == 0 || strncmp(rest, "ISO ", 4) == 0 ||
               strncmp(rest, "DIN ", 4) == 0 || strncmp(rest, "+/-", 3) == 0 ||
               (rest[0] >= '0' && rest[0] <= '9' && rest_len < 16);
    if (field == QR_TITLE_REVISION)
        return lone && rest_len <= 3;
    if (field == QR_TITLE_DRAWING_NUMBER || field == QR_TITLE_PART_NUMBER) {
        struct qr_letters count;
        qr_letters_count(rest, rest_len, &count);
        return words_after <= 4 && count.digits >= 3 && !memchr(rest, ' ', rest_len);
    }
    return (unsigned char)text[fold->words[first].from] >= 0xE3 && n == 1 &&
           (unsigned char)rest[0] < 0xE3 && fold->words[first].end - fold->words[first].at >= 6;
}

struct parting {
    const char *text;
    size_t len;
    struct qr_title_segment *list;
    size_t n;
};

static void add_segment(struct parting *p, enum qr_title_field label, size_t from, size_t to)
{
    size_t len = to > from ? to - from : 0;
    const char *text = qr_trim(p->text + from, &len);

    if (len > 0 && p->n < QR_TITLE_SEGMENTS_MAX)
        p->list[p->n++] = (struct qr_title_segment){label, (size_t)(text - p->text),
                                                    (size_t)(text - p->text) + len};
}

/* "SH-310": what looks like a label goes on behind a hyphen. */
static bool is_part_of_word(const struct parting *p, size_t at)
{
    return at + 1 < p->len && (p->text[at] == '-' || p->text[at] == '_') && p->text[at + 1] != ' ';
}

/* Is the label at word `first` one? *ret_after is where what follows begins. */
static bool accept(const struct parting *p, const struct qr_fold *fold, size_t first, size_t n,
                   enum qr_title_field field, bool after_label, size_t *ret_after)
{
    size_t after = fold->words[first + n - 1].to;
    bool clear = colon_follows(p->text, p->len, &after);

    *ret_after = after;
    if (is_part_of_word(p, fold->words[first + n - 1].to))
        return false;
    if (clear && (first == 0 || field != QR_TITLE_TABLE_WORD))
        return first == 0 || after_label || qr_title_field_weight(field) > 0;
    if (first + n == fold->n_words && fold->whole)
        return after_label;
    if (after_label) { /* a row of labels: only if what follows begins with one, too */
        size_t next_n;
        if (qr_title_label_longest(fold, first + n, &next_n) != QR_TITLE_NONE &&
            first + n + next_n == fold->n_words && fold->whole)
            return true;
    }
    return value_shows(field, fold, first, n, p->text, p->len);
}

size_t qr_title_segments(const char *text, size_t len, struct qr_title_segment ret[])
{
    struct parting p = {text, len, ret, 0};
    struct qr_fold fold;
    size_t done = 0; /* bytes that are in a segment */
    bool after_label = true;

    qr_fold(text, len, &fold);
    for (size_t i = 0; i < fold.n_words;) {
        size_t n = 0, after, skipped = 0;
        enum qr_title_field field = qr_title_label_longest(&fold, i, &n);
        if (field == QR_TITLE_NONE || !accept(&p, &fold, i, n, field, after_label, &after)) {
            i++;
            after_label = false;
            continue;
        }
        add_segment(&p, QR_TITLE_NONE, done, fold.words[i].from);
        add_segment(&p, field, fold.words[i].from, fold.words[i + n - 1].to);
        done = after;
        while (done == fold.words[i + n - 1].to + skipped && done < len && text[done] &&
               strchr(" .,;)]_-", text[done]))
            done++, skipped++; /* without a colon: "No. 17", "Rev. - A" */
        after_label = true;
        i += n;
    }
    add_segment(&p, QR_TITLE_NONE, done, len);
    return p.n;
}

/* The blank nearest to byte `at` of a text, within `reach` bytes; 0 when there is none. */
static size_t blank_near(const char *text, size_t len, size_t at, size_t reach)
{
    for (size_t d = 0; d <= reach; d++) {
        if (at + d < len && text[at + d] == ' ')
            return at + d;
        if (d <= at && at - d > 0 && text[at - d] == ' ')
            return at - d;
    }
    return 0;
}

struct collecting {
    const struct qr_title_view *view;
    struct qr_title_piece *list;
    size_t n;
};

static void place_in_cell(const struct qr_title_view *view, struct qr_title_piece *piece)
{
    const struct qr_sheet_rect *area = &view->area;
    float x = (piece->box.x0 + piece->box.x1) / 2;
    float y = (piece->box.y0 + piece->box.y1) / 2;
    int sides = qr_grid_cell(&view->grid, area, x, y, piece->height * 1.1f, &piece->cell);
    float size = (piece->cell.x1 - piece->cell.x0) * (piece->cell.y1 - piece->cell.y0);

    piece->has_cell = sides == 4 && size < 0.12f * (area->x1 - area->x0) * (area->y1 - area->y0);
}

static void add_piece(struct collecting *c, const struct qr_title_piece *whole, size_t from,
                      size_t to, enum qr_title_field label, bool of_before)
{
    struct qr_title_piece *piece;
    float width = whole->box.x1 - whole->box.x0;

    if (c->n == QR_TITLE_PIECES_MAX || whole->len == 0)
        return;
    piece = &c->list[c->n++];
    *piece = *whole;
    piece->text = whole->text + from;
    piece->len = to - from;
    piece->box.x0 = whole->box.x0 + width * (float)from / (float)whole->len;
    piece->box.x1 = whole->box.x0 + width * (float)to / (float)whole->len;
    piece->label = label;
    piece->of_before = of_before;
    place_in_cell(c->view, piece);
}

static void add_segments(struct collecting *c, const struct qr_title_piece *whole)
{
    struct qr_title_segment segments[QR_TITLE_SEGMENTS_MAX];
    size_t n = qr_title_segments(whole->text, whole->len, segments);

    for (size_t i = 0; i < n; i++)
        add_piece(c, whole, segments[i].from, segments[i].to, segments[i].label,
                  i > 0 && segments[i].label == QR_TITLE_NONE);
}

/* Cut a text where a ruled line crosses it between two words, then at its labels. */
static void add_text(struct collecting *c, struct qr_title_piece rest)
{
    float h = rest.height;

    for (int cuts = 0; cuts < 8; cuts++) {
        float width = rest.box.x1 - rest.box.x0;
        float y = (rest.box.y0 + rest.box.y1) / 2;
        float at = 0, from = rest.box.x0 + h * 0.4f;
        size_t blank = 0;
        for (int looks = 0; looks < 8 && blank == 0 && width > 0; looks++) {
            if (!qr_grid_column_between(&c->view->grid, from, rest.box.x1 - h * 0.4f, y, h * 1.1f,
                                        &at))
                break;
            float part = (at - rest.box.x0) / width;
            blank =
                blank_near(rest.text, rest.len, (size_t)(part * (float)rest.len), 1 + rest.len / 8);
            from = at + c->view->grid.eps * 2;
        }
        if (blank == 0)
            break;
        struct qr_title_piece part = rest;
        part.len = blank;
        part.box.x1 = at - c->view->grid.eps;
        add_segments(c, &part);
        rest.text += blank + 1;
        rest.len -= blank + 1;
        rest.box.x0 = at + c->view->grid.eps;
    }
    add_segments(c, &rest);
}

/* A word of a text that is set in pieces, "Template" behind "Expansion Card", is no label. */
static void demote_words(struct qr_title_piece *list, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct qr_title_piece *p = &list[i];
        const char *end = p->text + p->len;
        if (p->label == QR_TITLE_NONE || p->len != p->span->len || *end == ':')
            continue;
        for (size_t k = 0; k < n; k++) {
            const struct qr_title_piece *left = &list[k];
            float gap = p->box.x0 - left->box.x1;
            float dy = p->box.y0 - left->box.y0;
            if (left->label == QR_TITLE_NONE && left->cell.x0 == p->cell.x0 &&
                left->cell.y0 == p->cell.y0 && gap > -0.2f * p->height && gap < 1.3f * p->height &&
                fabsf(dy) < 0.2f * p->height && fabsf(left->height - p->height) < 0.1f * p->height)
                p->label = QR_TITLE_NONE;
        }
    }
}

static bool is_inside(const struct qr_sheet_rect *box, const struct qr_sheet_rect *region)
{
    float x = (box->x0 + box->x1) / 2;
    float y = (box->y0 + box->y1) / 2;

    return x >= region->x0 && x <= region->x1 && y >= region->y0 && y <= region->y1;
}

static bool same_cell(const struct qr_title_piece *a, const struct qr_title_piece *b)
{
    return a->has_cell && b->has_cell && a->cell.x0 == b->cell.x0 && a->cell.y0 == b->cell.y0 &&
           a->cell.x1 == b->cell.x1 && a->cell.y1 == b->cell.y1;
}

static void mark_labelled_cells(struct qr_title_piece *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; list[i].label != QR_TITLE_NONE && k < n; k++)
            if (same_cell(&list[i], &list[k]))
                list[k].labelled_cell = true;
}

static bool is_of_table(enum qr_region_kind kind)
{
    return kind == QR_REGION_BOM || kind == QR_REGION_REVISIONS || kind == QR_REGION_TABLE;
}

size_t qr_title_pieces(const struct qr_title_view *view, const struct qr_regions *regions,
                       const struct qr_sheet_rect *region, struct qr_title_piece ret[])
{
    struct collecting c = {view, ret, 0};

    for (size_t i = 0; i < view->sheet->n_spans && c.n < QR_TITLE_PIECES_MAX; i++) {
        const struct qr_sheet_span *span = &view->sheet->spans[i];
        struct qr_title_piece piece = {.span = span, .height = span->height};
        if (span->source == QR_SPAN_DIMENSION || qr_title_quarter(span->angle) != view->quarter ||
            is_of_table(qr_regions_at(regions, &span->box)))
            continue;
        piece.box = qr_title_upright(view->quarter, &span->box);
        if (!is_inside(&piece.box, region))
            continue;
        piece.len = span->len;
        piece.text = qr_trim(span->text, &piece.len);
        if (piece.len > 0)
            add_text(&c, piece);
    }
    demote_words(ret, c.n);
    mark_labelled_cells(ret, c.n);
    return c.n;
}
